"""api/openapi.json, which is made from the table of endpoints and the handlers' decorators."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.endpoints import ENDPOINTS, Endpoint
from tests.contract import DOCUMENT


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_an_operation_says_what_it_needs_and_how_it_is_refused(endpoint: Endpoint) -> None:
    operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    assert operation["operationId"] == endpoint.name
    assert operation["security"] == ([{"token": []}] if endpoint.scope else [])
    assert ({"401", "403"} <= set(operation["responses"])) == (endpoint.scope is not None)


def test_a_form_names_its_file_and_the_range_of_its_numbers() -> None:
    form = DOCUMENT["components"]["schemas"]["UploadForm"]
    assert form["required"] == ["file"]
    quality = form["properties"]["quality"]["anyOf"][0]
    assert (quality["type"], quality["minimum"], quality["maximum"]) == ("integer", 1, 95)
