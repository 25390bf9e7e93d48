"""HTTP: the decorator that makes a handler an endpoint, and what all answers of a function have in common."""

import functools
import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Request, Response, current_app, g, has_app_context, request
from werkzeug.exceptions import HTTPException

from common.errors import MethodNotAllowed, NotFound, Problem
from common.http.body import withhold_body
from common.http.stream import Transfer, transfer_of, watch_bodies
from common.observe.log import lines

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RETRY_AFTER_SECONDS = "1"
_PROBED = "/robots.txt"  # the framework answers it without the function: whether a function is up is asked there

Handler = Callable[..., Response]
Function = Callable[[Request], Response]


def endpoint(route: str, *, public: bool = False, log_level: int = logging.INFO) -> Callable[[Handler], Function]:
    """Make a handler answer `route` ("GET /images/{id}"), and only it, for callers with a good token.

    Path parameters reach the handler by name. Whatever it raises is answered as a problem (RFC 9457).
    `public` asks for no token; `log_level` is that of the line a good answer leaves in the log.
    """
    method, path = route.split(" ")
    methods = ["GET", "HEAD"] if method == "GET" else [method]
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def decorate(handler: Handler) -> Function:
        authenticate = _allow_everyone if public else _authentication()

        @functools.wraps(handler)
        def function(request: Request) -> Response:
            parameters = pattern.fullmatch(request.path)
            if not parameters:
                raise NotFound("No endpoint has this path.")
            lines.request_scope(path, handler.__name__)
            allow = {"Allow": ", ".join([*methods, "OPTIONS"])}
            if request.method == "OPTIONS":
                return Response(status=HTTPStatus.NO_CONTENT, headers=allow, content_type="")
            if request.method not in methods:
                raise MethodNotAllowed("The endpoint does not know this method.", headers=allow)
            authenticate(request.headers.get("Authorization"))
            response = handler(request, **parameters.groupdict())
            g.log_level = log_level
            return response

        if has_app_context():  # there is one while functions-framework imports the function's file
            _prepare(current_app, handler.__name__)
        return function

    return decorate


def _allow_everyone(_authorization: str | None) -> None:
    """Return: a public endpoint asks for no token."""


def _authentication() -> Callable[[str | None], None]:
    """Return the check of the Authorization header; end the start, naming it, where a setting is bad."""
    # Imported here, because a public function starts in half the time without pydantic.
    from common.auth.caller import authenticate  # noqa: PLC0415
    from common.settings import SettingsError, get_settings  # noqa: PLC0415

    try:
        get_settings()
    except SettingsError as error:
        sys.exit(str(error))
    return authenticate


def _prepare(app: Flask, function_name: str) -> None:
    """Give every answer of the app the contract's headers, problems and log line, the framework's own too."""
    app.url_map.merge_slashes = False  # //images is an unknown path, not a redirect
    app.wsgi_app = watch_bodies(withhold_body(app.wsgi_app))  # type: ignore[method-assign, assignment]  # Flask's documented way to wrap itself
    app.before_request(functools.partial(_begin, function_name))
    app.after_request(_finish)
    app.register_error_handler(Exception, _problem)


def _begin(function_name: str) -> None:
    lines.logger()  # from here on other libraries' warnings are lines of our log, too
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
    response.call_on_close(line)  # when all is sent: a caller does not wait for a log
    return response


def _log_request(level: int, method: str, status: int, started: float, request_id: str, transfer: Transfer) -> None:
    milliseconds = round((time.perf_counter() - started) * 1000)
    values = (transfer.outcome, method, status, milliseconds, request_id)
    line = "request %s: method=%s status=%d ms=%d request_id=%s"
    lines.logger().log(transfer.log_level(level), line, *values, exc_info=transfer.unexpected_error)


def _problem(error: Exception) -> Response:
    """Answer the problem document of an exception; what no caller can cause is a 500, and is logged."""
    if isinstance(error, HTTPException):  # the framework's own: its paths, its methods
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        return _document(Problem.of_status(error.code or HTTPStatus.INTERNAL_SERVER_ERROR, headers))
    if not isinstance(error, Problem):
        lines.logger().error("unexpected error: request_id=%s", g.request_id, exc_info=error)
        return _document(Problem("Something went wrong here; the request id finds it in the log."))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        lines.logger().warning("%s: request_id=%s: %s", error.code, g.request_id, error.__cause__ or error.detail)
    return _document(error)


def _document(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return Response(
        json.dumps(problem.document(g.request_id)), problem.status, headers, mimetype="application/problem+json"
    )
