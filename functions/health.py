"""GET /health: whether the service is up."""

import logging

from flask import Request, Response, jsonify

from common.http.endpoint import endpoint


@endpoint("GET /health", public=True, log_level=logging.DEBUG)
def health(_request: Request) -> Response:
    """Answer 200, whatever the database does: this tells whether the function answers, and nothing else."""
    return jsonify(status="ok")
