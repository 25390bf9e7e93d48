"""GET /."""

import httpx

import common


def test_the_index_names_the_service_its_version_and_its_endpoints(index: httpx.Client) -> None:
    response = httpx.get(index.base_url.join("/"))
    assert response.status_code == 200
    document = response.json()
    assert document["name"] == "Image API"
    assert document["version"] == common.__version__
    assert set(document["endpoints"]) == {"POST /images", "GET /images/{id}", "GET /logs", "GET /health", "GET /"}
