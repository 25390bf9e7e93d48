"""A response's body while the server sends it: read in slices, and watched to its end."""

import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

from common.errors import Problem

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SLICE_BYTES = 1024 * 1024  # at most this much of a body is in memory

_KEY = "image_api.transfer"


@dataclass
class Transfer:
    """How far the server got with the body of one response."""

    sent_bytes: int = 0  # in whole chunks: the client may have got a part of the next one
    is_complete: bool = False
    error: Exception | None = None  # the failure that broke the body off; None if the client closed the connection

    @property
    def outcome(self) -> str:
        """What became of the response, in words for the log."""
        if self.is_complete:
            return "finished"
        reason = "unexpected error" if self.error else "the client closed the connection"
        if isinstance(self.error, Problem):
            reason = f"{self.error.code}: {self.error.__cause__ or self.error.detail}"
        return f"broken off after {self.sent_bytes} bytes: {reason}"

    def log_level(self, if_complete: int) -> int:
        """Return the level of the response's line in the log: a probe that hangs up is as silent as one that stays."""
        return logging.ERROR if self.error else if_complete

    @property
    def unexpected_error(self) -> Exception | None:
        """The failure if it is one that needs a traceback."""
        return None if isinstance(self.error, Problem) else self.error


def slices(read: Callable[[int, int], bytes], span: range) -> Iterator[bytes]:
    """Return the bytes of the span in slices, each as `read(start, stop)` returns it.

    The first slice is read at once. If that fails, the failure can still be answered as a problem.
    """
    cuts = range(span.start, span.stop, SLICE_BYTES)
    parts = (read(cut, min(cut + SLICE_BYTES, span.stop)) for cut in cuts)
    first = next(parts)

    def body() -> Iterator[bytes]:
        yield first
        yield from parts

    return body()


def watch_bodies(app: "WSGIApplication") -> "WSGIApplication":
    """Return the application with a Transfer for each response, which `transfer_of` returns."""

    def watched(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        transfer = environ[_KEY] = Transfer()
        chunks = app(environ, start_response)
        return ClosingIterator(_watch(chunks, transfer), getattr(chunks, "close", None))

    return watched


def transfer_of(environ: "WSGIEnvironment") -> Transfer:
    """Return the transfer of this request's response."""
    transfer: Transfer = environ[_KEY]
    return transfer


def _watch(chunks: Iterable[bytes], transfer: Transfer) -> Iterator[bytes]:
    """Yield the chunks. Raises ConnectionResetError if the body fails.

    At this error gunicorn closes the connection, so the client notices that the body is cut, and prints no traceback.
    """
    try:
        for chunk in chunks:
            yield chunk
            transfer.sent_bytes += len(chunk)  # the server asks for the next chunk after it sent this one
    except Exception as error:
        transfer.error = error
        raise ConnectionResetError(errno.ECONNRESET, "The body broke off.") from error
    transfer.is_complete = True
