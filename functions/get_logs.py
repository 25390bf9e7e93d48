"""GET /logs: the last lines of the log, or those after a cursor."""

from typing import Annotated

from flask import Request, Response
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from common.auth.caller import Caller
from common.http.endpoint import endpoint
from common.http.fields import Query, WholeNumber
from common.observe.log import lines
from common.observe.log.page import Cursor
from common.settings import DatabaseSettings

_DEFAULT_LIMIT = 200
_MAX_LIMIT = 10_000


def _cursor(text: object) -> Cursor:
    try:
        return Cursor.parse(str(text))
    except ValueError:
        raise PydanticCustomError("cursor", 'must be "oldest" or a cursor of an earlier answer\'s Link') from None


class LogQuery(Query):
    """Which lines: the last ones, or with `since` the first ones after a cursor."""

    limit: Annotated[int, WholeNumber(1, _MAX_LIMIT)] = _DEFAULT_LIMIT
    since: Annotated[
        Cursor | None, BeforeValidator(_cursor), WithJsonSchema({"type": "string", "pattern": Cursor.PATTERN})
    ] = None


@endpoint(answers={200: "text/plain"}, query=LogQuery, settings=[DatabaseSettings])
def get_logs(_request: Request, _caller: Caller, query: LogQuery) -> Response:
    """Answer 200 with at most `limit` lines, oldest first, and in `Link` where to go on."""
    page = lines.since(query.since, query.limit) if query.since else lines.tail(query.limit)
    headers = {"Cache-Control": "no-store", "Link": f'</logs?limit={query.limit}&since={page.next}>; rel="next"'}
    if page.gap:
        headers["Log-Gap"] = "true"
    return Response(page.lines, content_type="text/plain; charset=utf-8", headers=headers)
