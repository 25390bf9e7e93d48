"""GET /: the name, version and endpoints of the service."""

from dataclasses import dataclass

from flask import Request, Response

import common
from api.endpoints import ENDPOINTS
from common.http.endpoint import endpoint
from common.http.json_response import json_response


@dataclass(frozen=True)
class IndexDocument:
    """What the service is, and a line about each endpoint by its route."""

    name: str
    version: str
    endpoints: dict[str, str]


@endpoint(answers={200: IndexDocument})
def index(_request: Request) -> Response:
    """Answer 200 with the service's name, version and endpoints."""
    endpoints = {each.route: each.summary for each in ENDPOINTS}
    return json_response(IndexDocument(name="Image API", version=common.__version__, endpoints=endpoints))
