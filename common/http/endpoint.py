"""The decorator that makes a handler an endpoint, and the choice of an endpoint for a request."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, Self

from flask import Request, Response, current_app, g, has_app_context

from api.endpoints import Endpoint, most_specific, named
from common.errors import MethodNotAllowed, NotFound, Problem
from common.http.app import prepare
from common.http.body import handler_reads_body
from common.http.thread_share import ThreadShare
from common.observe.log import lines

if TYPE_CHECKING:
    from common.settings import Group

Handler = Callable[..., Response]
Function = Callable[[Request], Response]


class Readable(Protocol):
    """A model that reads itself from a request: a query, a form or a JSON body."""

    @classmethod
    def read(cls, request: Request) -> Self:
        """Return the model. Raises a Problem that names everything that is wrong."""
        ...


@dataclass(frozen=True)
class Declared:
    """A handler with all that its decorator says. openapi.json is made from the same."""

    endpoint: Endpoint
    handler: Handler
    answers: Mapping[int, type | str]
    query: type[Readable] | None
    body: type[Readable] | None
    raises: Sequence[type[Problem]]
    settings: Sequence[type["Group"]]
    log_level: int


def endpoint(
    *,
    answers: Mapping[int, type | str],
    query: type[Readable] | None = None,
    body: type[Readable] | None = None,
    raises: Sequence[type[Problem]] = (),
    settings: Sequence[type["Group"]] = (),
    log_level: int = logging.INFO,
) -> Callable[[Handler], Function]:
    """Make a handler answer the route that api/endpoints.py gives its name, for callers whose token has the scope.

    The handler is called with the request; with the Caller, if the endpoint needs a token; and by name with the path
    parameters, `query` and `body`, read by the models given here. Whatever it raises is answered as a problem document
    (RFC 9457). `settings` are loaded when the server starts. `log_level` is the level of a successful request's line
    in the log. For openapi.json, `answers` gives each status its document's type, or its media type ("" if it has no
    body), and `raises` names the problems of the handler's own.
    """

    def decorate(handler: Handler) -> Function:
        declared = Declared(named(handler.__name__), handler, answers, query, body, raises, settings, log_level)
        return serve([declared])

    return decorate


def serve(declared: Sequence[Declared]) -> Function:
    """Return the function that answers all these endpoints, for functions-framework to run."""
    if has_app_context():  # functions-framework imports the function's file in one
        _check_settings(declared)
        prepare(current_app)

    share = _share_of_conversions(declared)

    def function(request: Request) -> Response:
        return _answer(declared, request, share)

    function.__dict__["declared"] = declared
    return function


def declared_by(function: Function) -> Sequence[Declared]:
    """Return what a function of `endpoint` or `serve` answers."""
    declared: Sequence[Declared] = function.__dict__["declared"]
    return declared


def _share_of_conversions(declared: Sequence[Declared]) -> ThreadShare | None:
    """Return the threads of this process that conversions may hold, None if nothing here converts."""
    converting = [each.endpoint.threads for each in declared if each.endpoint.converts]
    if not converting:
        return None
    if len(converting) < len(declared):
        return ThreadShare(sum(converting))  # the other endpoints keep their threads
    from common.settings import ServerSettings, load  # noqa: PLC0415  # see _call

    return ThreadShare(load(ServerSettings).threads)


def _answer(declared: Sequence[Declared], request: Request, share: ThreadShare | None) -> Response:
    """Choose an endpoint by the path, then by the method, and call it."""
    matching = [each for each in declared if each.endpoint.parameters(request.path) is not None]
    if not matching:
        raise NotFound("No endpoint has this path.")
    path = most_specific(each.endpoint.path for each in matching)[0]
    on_path = [each for each in matching if each.endpoint.path == path]
    lines.request_scope(path, on_path[0].endpoint.name)
    allow = {"Allow": ", ".join([*(method for each in on_path for method in each.endpoint.methods), "OPTIONS"])}
    if request.method == "OPTIONS":
        return Response(status=HTTPStatus.NO_CONTENT, headers=allow, content_type="")
    for each in on_path:
        if request.method in each.endpoint.methods:
            return _call(each, request, share if each.endpoint.converts else None)
    raise MethodNotAllowed("The endpoint does not know this method.", headers=allow)


def _call(declared: Declared, request: Request, share: ThreadShare | None) -> Response:
    lines.request_scope(declared.endpoint.path, declared.endpoint.name)
    if not declared.endpoint.scope:
        return _handle(declared, request)
    # A public function starts in half the time without pydantic.
    from common.auth.caller import authenticate, check_scope  # noqa: PLC0415

    caller = authenticate(request.headers.get("Authorization"))
    check_scope(caller, declared.endpoint.scope)
    with share.held_by(caller.actor) if share else nullcontext():
        return _handle(declared, request, caller)


def _handle(declared: Declared, request: Request, *arguments: object) -> Response:
    models = {"query": declared.query, "body": declared.body}
    read = {name: model.read(request) for name, model in models.items() if model}
    with handler_reads_body(request.environ):
        response = declared.handler(request, *arguments, **declared.endpoint.parameters(request.path) or {}, **read)
    g.log_level = declared.log_level
    return response


def _check_settings(declared: Sequence[Declared]) -> None:
    """Load the settings that the endpoints use. Ends the start, naming every bad one, if there are any."""
    if not any(each.endpoint.scope for each in declared):
        return
    from common.settings import AuthSettings, LogSettings, SettingsError, check  # noqa: PLC0415  # see _call

    try:
        check(AuthSettings, LogSettings, *(group for each in declared for group in each.settings))
    except SettingsError as error:
        sys.exit(str(error))
