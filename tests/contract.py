"""Holds every answer that a test's client receives to api/openapi.json."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from api.endpoints import ENDPOINTS, Endpoint, most_specific

DOCUMENT = json.loads((Path(__file__).resolve().parents[1] / "api/openapi.json").read_text())
# Statuses of requests that did not reach the endpoint: no such path or method, or not valid HTTP.
ON_THE_WAY = {400, 404, 405, 413, 414, 431, 500, 501, 502, 503, 504, 505}
PROBLEM = {"$ref": "#/components/schemas/Problem"}


def check(response: httpx.Response) -> None:
    """Assert that the status, the media type and the document are those that the endpoint promises."""
    response.read()
    request = response.request
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if response.status_code in {204, 304} or request.method == "HEAD":
        return
    promised = _promised(_endpoint(request), response.status_code)
    if media_type == "application/problem+json":
        schema = promised.get(media_type, {}).get("schema") or PROBLEM
        assert response.status_code in ON_THE_WAY or promised, f"{request.method} {request.url}: {response.status_code}"
    else:
        assert media_type in promised, f"{request.method} {request.url}: {response.status_code} {media_type}"
        schema = promised[media_type].get("schema")
    if schema:
        validator(json.dumps(schema)).validate(response.json())


def _endpoint(request: httpx.Request) -> Endpoint | None:
    matching = [endpoint for endpoint in ENDPOINTS if endpoint.parameters(request.url.path) is not None]
    for template in most_specific(endpoint.path for endpoint in matching)[:1]:
        for endpoint in matching:
            if endpoint.path == template and request.method in endpoint.methods:
                return endpoint
    return None


def _promised(endpoint: Endpoint | None, status: int) -> dict[str, Any]:
    """Return the media types that the endpoint promises for a status, each with its schema."""
    if not endpoint:
        return {}
    responses = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["responses"]
    content: dict[str, Any] = responses.get(str(status), {}).get("content", {})
    return content


@cache
def validator(schema: str) -> Draft202012Validator:
    """Return what validates a schema of the document; a member that the schema does not name is an error."""
    return Draft202012Validator({**json.loads(schema), "components": _closed(DOCUMENT["components"])})


def _closed(schema: Any) -> Any:  # noqa: ANN401  # JSON
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
