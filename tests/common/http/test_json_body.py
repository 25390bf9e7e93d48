"""JSON bodies, by a function that is added for these tests alone: a row, a file in functions/, a test."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import servers
from tests.problems import assert_problem

SOURCE = """
from dataclasses import dataclass
from typing import Annotated

from api import endpoints
from common.http.endpoint import endpoint
from common.http.json_response import json_response
from common.http.fields import Query, WholeNumber
from common.http.json_body import JsonBody
from pydantic import Field

endpoints.ENDPOINTS = (endpoints.Endpoint("update_thing", "PATCH /things.v1/{name}", "A thing", scope="upload"),)


class Change(JsonBody):
    count: Annotated[int, Field(ge=1)]
    labels: list[str] = []


class Options(Query):
    depth: Annotated[int, WholeNumber(1, 9)] = 1


@endpoint(answers={}, body=Change, query=Options)
def update_thing(request, caller, name, body, query):
    if name == "by-flask":
        return json_response(request.get_json())
    if name == "by-flask-data":
        return json_response(request.get_data(as_text=True))
    return json_response({"name": name, "count": body.count, "depth": query.depth, "actor": caller.actor})
"""


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Function]:
    folder = tmp_path_factory.mktemp("things")
    source = folder / "update_thing.py"
    source.write_text(SOURCE)
    with servers.function("update_thing", folder, FUNCTION_SOURCE=str(source)) as started:
        yield started


@pytest.fixture
def things(function: servers.Function) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=function.client.base_url, headers={"Authorization": f"Bearer {servers.TOKEN}"}
    ) as client:
        yield client


def send(
    client: httpx.Client, content: bytes, media_type: str = "application/json", path: str = "/things.v1/a"
) -> httpx.Response:
    return client.patch(path, content=content, headers={"Content-Type": media_type})


def test_a_handler_gets_its_caller_path_parameter_body_and_query(things: httpx.Client) -> None:
    response = things.patch("/things.v1/a%20thing?depth=3", json={"count": 2})
    document = response.json()
    assert response.status_code == 200
    assert (document["name"], document["count"], document["depth"]) == ("a thing", 2, 3)
    assert document["actor"].startswith("env:")
    assert servers.TOKEN not in response.text


def test_a_dot_in_a_route_is_a_dot(things: httpx.Client) -> None:
    assert_problem(things.patch("/thingsXv1/a", json={"count": 2}), 404, "not_found")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_media_type_is_415(things: httpx.Client, media_type: str) -> None:
    assert_problem(send(things, b'{"count": 1}', media_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=UTF-8"])
def test_json_is_taken_by_any_of_its_names(things: httpx.Client, media_type: str) -> None:
    assert send(things, b'{"count": 1}', media_type).status_code == 200


def test_a_compressed_body_is_415(things: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert_problem(things.patch("/things.v1/a", content=b"{}", headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{'count': 1}", b'{"count": 1} x', b"\xff\xfe", b"[" * 100_000, b'{"count": "\xff"}']
)
def test_what_is_not_json_is_400(things: httpx.Client, content: bytes) -> None:
    assert_problem(send(things, content), 400, "malformed_request")


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({}, {"count"}),
        ([], {"body"}),
        (None, {"body"}),
        ({"count": "1"}, {"count"}),
        ({"count": True}, {"count"}),
        ({"count": 0, "labels": ["a", 1], "other": 1}, {"count", "labels.1", "other"}),
    ],
)
def test_what_does_not_fit_the_model_is_422_and_every_field_is_named(
    things: httpx.Client, document: object, fields: set[str]
) -> None:
    problem = assert_problem(send(things, json.dumps(document).encode()), 422, "invalid_request")
    errors: Any = problem["errors"]
    assert {error["field"] for error in errors} == fields
    assert all(error["message"] for error in errors)


def test_a_body_over_the_limit_is_413_with_the_figures(things: httpx.Client) -> None:
    problem = assert_problem(send(things, b'{"count": 1}' + b" " * 1024 * 1024), 413, "request_too_large")
    assert (problem["limit"], problem["actual"]) == (1024 * 1024, 1024 * 1024 + 12)


def test_a_bad_query_is_422(things: httpx.Client) -> None:
    for query in ("depth=0", "depth=x", "depth=1&depth=2"):
        problem = assert_problem(things.patch(f"/things.v1/a?{query}", json={"count": 1}), 422, "invalid_request")
        assert problem["detail"] == "The query is not valid."


@pytest.mark.parametrize("name", ["by-flask", "by-flask-data"])
def test_a_handler_that_reads_the_body_by_flasks_own_means_gets_an_error(
    function: servers.Function, things: httpx.Client, name: str
) -> None:
    headers = {"Content-Type": "application/json", "X-Request-Id": name}
    response = things.patch(f"/things.v1/{name}", content=b'{"count": 1}', headers=headers)
    assert_problem(response, 500, "internal_error")
    assert "declare @endpoint(body=...)" in function.output()
