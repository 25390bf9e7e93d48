"""A request's body: read by the handler that asks for it, counted, and by nobody else."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException

from common.errors import DETAILS, MalformedRequest, RequestTooLarge

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_KEY = "image_api.body"
_WITHHELD = "image_api.withheld"


class Body:
    """The unread body of one request."""

    def __init__(self, stream: Any, declared_bytes: int | None) -> None:  # noqa: ANN401  # WSGI's input has no type
        """Wrap WSGI's input; `declared_bytes` is its Content-Length, None where it is chunked."""
        self._stream = stream
        self._declared_bytes = declared_bytes

    def reader(self, max_bytes: int) -> Callable[[int], bytes]:
        """Return a `read(size)` over the body that gives b"" at its end.

        RequestTooLarge is raised at once where the declared length is over `max_bytes`, and while reading
        where a chunked body turns out to be; MalformedRequest where the body ends before its declared length.
        """
        if self._declared_bytes is not None and self._declared_bytes > max_bytes:
            raise _too_large(max_bytes, self._declared_bytes)
        received = 0

        def read(size: int) -> bytes:
            nonlocal received
            if self._declared_bytes is not None:
                size = min(size, self._declared_bytes - received)
            chunk = self._read(size)
            received += len(chunk)
            if received > max_bytes:
                raise _too_large(max_bytes)
            if size and not chunk and self._declared_bytes is not None:
                raise MalformedRequest("The body ended before its Content-Length.")
            return chunk

        return read

    def _read(self, size: int) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except (OSError, ParseException) as error:  # the client hung up, or sent malformed chunks
            raise MalformedRequest("The body could not be read to its end.") from error


def _too_large(max_bytes: int, declared_bytes: int | None = None) -> RequestTooLarge:
    detail = DETAILS[413].format(limit=max_bytes)
    if declared_bytes is None:
        return RequestTooLarge(detail, limit=max_bytes)
    return RequestTooLarge(detail, limit=max_bytes, actual=declared_bytes)


def withhold_body(app: "WSGIApplication") -> "WSGIApplication":
    """Return the application with every body put aside, where only `body_of` finds it.

    functions-framework reads into memory whatever a handler left unread, a refused gigabyte too.
    The server drops what stays unread, without keeping it.
    """

    def guarded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"  # RFC 9110 4.2.3: they are the same
        length = environ.pop("CONTENT_LENGTH", "")
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        environ[_KEY] = Body(environ["wsgi.input"], None if chunked else int(length or 0))
        environ["wsgi.input"] = environ[_WITHHELD] = _Withheld()
        environ["wsgi.input_terminated"] = True  # else Werkzeug takes a body without a length for an empty one
        return app(environ, start_response)

    return guarded


class _Withheld(io.RawIOBase):
    """What Flask finds in place of the body: empty, and an error while a handler runs."""

    handler_runs = False

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        if self.handler_runs:
            raise RuntimeError("Flask's own ways to read a body find none here: declare @endpoint(body=...)")
        return 0


@contextmanager
def handler_reads_body(environ: "WSGIEnvironment") -> Iterator[None]:
    """Raise an error at every read of the body by Flask's own means, which would find it empty."""
    environ[_WITHHELD].handler_runs = True
    try:
        yield
    finally:
        environ[_WITHHELD].handler_runs = False


def body_of(environ: "WSGIEnvironment") -> Body:
    """Return the body that `withhold_body` put aside."""
    body: Body = environ[_KEY]
    return body
