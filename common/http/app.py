"""What all answers of a function have in common: request id, headers, problem documents, a line in the log."""

import functools
import logging
import re
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from common.errors import RETRY_AFTER_SECONDS, Problem
from common.http.body import withhold_body
from common.http.json_response import json_response
from common.http.stream import Transfer, transfer_of, watch_bodies
from common.observe.log import lines

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBED = "/robots.txt"  # the framework answers it without the function: this shows that a function is up
_PREPARED = "image_api"


def prepare(app: Flask) -> None:
    """Give every answer of the app all of it, the framework's own answers too. A second call changes nothing."""
    if app.extensions.setdefault(_PREPARED, False):
        return
    app.extensions[_PREPARED] = True
    lines.configure(stored=True)
    app.url_map.merge_slashes = False  # //images is an unknown path, not a redirect
    app.wsgi_app = watch_bodies(withhold_body(app.wsgi_app))  # type: ignore[method-assign, assignment]  # Flask's documented way to wrap itself
    app.before_request(functools.partial(_begin, app.name))
    app.after_request(_finish)
    app.register_error_handler(Exception, _problem)


def _begin(function_name: str) -> None:
    lines.request_scope("-", function_name)
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
    g.log_level = logging.DEBUG if request.path == _PROBED else logging.INFO
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    transfer = transfer_of(request.environ)
    line = functools.partial(
        _log_request, g.log_level, request.method, response.status_code, g.started, g.request_id, transfer
    )
    response.call_on_close(line)  # after everything is sent: a caller does not wait for the log
    return response


def _log_request(level: int, method: str, status: int, started: float, request_id: str, transfer: Transfer) -> None:
    milliseconds = round((time.perf_counter() - started) * 1000)
    values = (transfer.outcome, method, status, milliseconds, request_id)
    line = "request %s: method=%s status=%d ms=%d request_id=%s"
    lines.logger().log(transfer.log_level(level), line, *values, exc_info=transfer.unexpected_error)


def _problem(error: Exception) -> Response:
    """Return the problem document of an exception. One that no caller can cause is a 500 and is logged."""
    if isinstance(error, HTTPException):  # the framework's own paths and methods
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return _document(Problem.of_status(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, headers))
    if not isinstance(error, Problem):
        lines.logger().error("unexpected error: request_id=%s", g.request_id, exc_info=error)
        return _document(Problem.of_status(HTTPStatus.INTERNAL_SERVER_ERROR))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        lines.logger().warning("%s: request_id=%s: %s", error.code, g.request_id, error.__cause__ or error.detail)
    return _document(error)


def _document(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", **problem.headers}
    if retry_after := RETRY_AFTER_SECONDS.get(problem.status):
        headers["Retry-After"] = retry_after
    return json_response(problem.document(g.request_id), problem.status, headers, mimetype="application/problem+json")
