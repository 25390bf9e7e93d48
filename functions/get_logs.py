"""GET /logs: the newest lines of the log, or those behind a cursor."""

import re

from flask import Request, Response

from common.errors import InvalidRequest
from common.http.endpoint import endpoint
from common.observe.log import lines
from common.observe.log.page import Cursor

_DEFAULT_LIMIT = 200
_MAX_LIMIT = 10_000


@endpoint("GET /logs")
def get_logs(request: Request) -> Response:
    """Answer 200 with at most `limit` lines, oldest first, and in `Link` where to go on."""
    errors: dict[str, str] = {}
    limit = _limit(request.args.getlist("limit"), errors)
    since = _since(request.args.getlist("since"), errors)
    if errors:
        named = [{"field": field, "message": message} for field, message in errors.items()]
        raise InvalidRequest("The query is not valid.", errors=named)
    page = lines.since(since, limit) if since else lines.tail(limit)
    headers = {"Cache-Control": "no-store", "Link": f'</logs?limit={limit}&since={page.next}>; rel="next"'}
    if page.gap:
        headers["Log-Gap"] = "true"
    return Response(page.lines, content_type="text/plain; charset=utf-8", headers=headers)


def _limit(sent: list[str], errors: dict[str, str]) -> int:
    """Return the number of lines asked for; note an error where it is none."""
    if not any(sent):
        return _DEFAULT_LIMIT
    if len(sent) == 1 and re.fullmatch(r"[0-9]{1,9}", sent[0]) and 1 <= int(sent[0]) <= _MAX_LIMIT:
        return int(sent[0])
    errors["limit"] = f"must be a whole number from 1 to {_MAX_LIMIT}, sent once"
    return _DEFAULT_LIMIT


def _since(sent: list[str], errors: dict[str, str]) -> Cursor | None:
    """Return the cursor sent, None where there is none; note an error where it cannot be one."""
    if not any(sent):
        return None
    try:
        (token,) = sent
        return Cursor.parse(token)
    except ValueError:
        errors["since"] = 'must be "oldest" or a cursor of an earlier answer\'s Link, sent once'
        return None
