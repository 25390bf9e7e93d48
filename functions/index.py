"""GET /: what this service is."""

from flask import Request, Response, jsonify

import common
from common.endpoint import endpoint

ENDPOINTS = {
    "POST /images": "Convert a picture to JPEG and store it",
    "GET /images/{id}": "The stored JPEG",
    "GET /logs": "The last lines of the log",
    "GET /health": "Whether the service answers",
    "GET /": "This document",
}


@endpoint("GET /", public=True)
def index(_request: Request) -> Response:
    """Answer 200 with the service's name, version and endpoints."""
    return jsonify(name="Image API", version=common.__version__, endpoints=ENDPOINTS)
