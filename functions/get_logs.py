"""GET /logs: the newest lines of the log."""

import re

from flask import Request, Response

from common import logs
from common.endpoint import endpoint
from common.errors import InvalidRequest

_DEFAULT_LIMIT = 200
_MAX_LIMIT = 10_000


@endpoint("GET /logs")
def get_logs(request: Request) -> Response:
    """Answer 200 with the last `limit` lines, oldest first."""
    lines = logs.tail(_limit(request.args.getlist("limit")))
    return Response(lines, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def _limit(sent: list[str]) -> int:
    """Return the number of lines asked for; raise InvalidRequest where it is none."""
    if not any(sent):
        return _DEFAULT_LIMIT
    if len(sent) == 1 and re.fullmatch(r"[0-9]{1,9}", sent[0]) and 1 <= int(sent[0]) <= _MAX_LIMIT:
        return int(sent[0])
    error = {"field": "limit", "message": f"must be a whole number from 1 to {_MAX_LIMIT}, sent once"}
    raise InvalidRequest("The query is not valid.", errors=[error])
