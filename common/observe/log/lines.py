"""Log lines: each record is one line, in the log's store and on stdout, with its request's route and function."""

import logging
import os
import sys
import time
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol

from common.observe.log.file import LogFile
from common.observe.log.page import Cursor, Page
from common.once import once

_FORMAT = "%(asctime)s,%(msecs)03d: %(route)s: %(functionName)s: %(levelname)s: %(message)s"
_HALF = 4096  # characters; a line has at most two halves and the mark between them

_scope = ContextVar("scope", default=("-", "-"))


def request_scope(route: str, function_name: str) -> None:
    """Make every later record of this request carry the route and the function's name."""
    _scope.set((route, function_name))


def configure(*, stored: bool) -> None:
    """Send the project's lines, and the warnings of every library, to stdout and, if `stored`, to the log's store.

    Each process calls it once, when it starts. It reads no settings: the first line that is written does.
    """
    handler = logging.StreamHandler(_Lines(stored=stored))
    handler.setFormatter(_OneLine(_FORMAT, "%Y-%m-%d %H:%M:%S"))
    logging.getLogger().addHandler(handler)
    log = logger()
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)


def logger() -> logging.Logger:
    """Return the project's logger."""
    return logging.getLogger("image_api")


def tail(limit: int) -> Page:
    """Return the last `limit` lines; `limit` is at least 1. Raises StorageUnavailable if the log cannot be read."""
    return _store(os.getpid()).tail(limit)


def since(cursor: Cursor, limit: int) -> Page:
    """Return the first `limit` lines after the cursor. Raises StorageUnavailable if the log cannot be read.

    If there are no lines, the page has the caller's cursor unchanged: the log may only be unreadable for now.
    """
    page = _store(os.getpid()).since(cursor, limit)
    return page if page.lines else replace(page, next=cursor)


class _Store(Protocol):
    """Keeps lines and returns pages of them."""

    def append(self, line: bytes) -> None: ...
    def tail(self, limit: int) -> Page: ...
    def since(self, cursor: Cursor, limit: int) -> Page: ...


class _OneLine(logging.Formatter):
    """Formats each record as one line. A character that is not `str.isprintable` is escaped."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record and its traceback as one line of bounded length."""
        record.__dict__.update(zip(("route", "functionName"), _scope.get(), strict=True))
        return _one_line(super().format(record))


class _Lines:
    """Writes lines to the store and to stdout. If the store fails, stdout still has the line."""

    def __init__(self, *, stored: bool) -> None:
        self._stored = stored
        self._failing = False

    def write(self, text: str) -> None:
        """Write one line to both. If the log file cannot be written, one message on stderr reports it."""
        line = text.encode()
        if self._stored:
            self._keep(line)
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    def _keep(self, line: bytes) -> None:
        try:
            _store(os.getpid()).append(line)
        except OSError as error:
            if not self._failing:
                sys.stderr.write(f"The log file cannot be written, lines go to stdout only. Check LOG_PATH: {error}\n")
            self._failing = True
        else:
            self._failing = False


@once
def _store(_pid: int) -> _Store:
    """Return the store that LOG_STORE names. A fork opens its own: it must not share a connection."""
    from common.settings import LogSettings, load  # noqa: PLC0415  # slow, and a good /health logs nothing

    settings = load(LogSettings)
    if settings.log_store == "database":
        from common.observe.log.table import LogTable  # noqa: PLC0415  # a log file does not need psycopg

        return LogTable(settings.log_max_rows)
    return LogFile(settings.log_path, max_bytes=settings.log_max_bytes, backups=settings.log_backups)


def _one_line(text: str) -> str:
    """Return the text escaped. If it is too long, its middle is cut out: the end of a traceback names the error."""
    line = _escape(text) if len(text) <= 2 * _HALF else None
    if line is not None and len(line) <= 2 * _HALF:
        return line
    return f"{_escape(text[:_HALF])[:_HALF]} [... cut ...] {_escape(text[-_HALF:])[-_HALF:]}"


def _escape(text: str) -> str:
    """Return the text with controls, line separators, bidi marks and lone surrogates as Python escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
