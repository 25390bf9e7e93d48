"""GET /: what this service is."""

from flask import Request, Response, jsonify

import common
from api.endpoints import ENDPOINTS
from common.http.endpoint import endpoint


@endpoint("GET /", public=True)
def index(_request: Request) -> Response:
    """Answer 200 with the service's name, version and endpoints."""
    return jsonify(
        name="Image API",
        version=common.__version__,
        endpoints={endpoint.route: endpoint.summary for endpoint in ENDPOINTS},
    )
