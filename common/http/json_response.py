"""JSON documents as responses."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from flask import Response


def json_response(
    document: object,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    *,
    mimetype: str = "application/json",
) -> Response:
    """Return a JSON document, a mapping or a dataclass, as a response. It ends with a newline."""
    return Response(json.dumps(document, default=vars) + "\n", status, dict(headers or {}), mimetype=mimetype)
