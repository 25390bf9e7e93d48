"""Log lines: one record is one line, to the log's store and to stdout, with the request it belongs to."""

import logging
import os
import sys
import threading
import time
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol

from common.observe.log.file import LogFile
from common.observe.log.page import Cursor, Page
from common.once import once

_FORMAT = "%(asctime)s,%(msecs)03d: %(route)s: %(functionName)s: %(levelname)s: %(message)s"
_HALF = 4096  # characters; a line is at most two halves and the mark between them

_scope = ContextVar("scope", default=("-", "-"))
_configuring = threading.Lock()


def request_scope(route: str, function_name: str) -> None:
    """Make every later record of this request carry the route and the function's name."""
    _scope.set((route, function_name))


def logger(*, stored: bool = True) -> logging.Logger:
    """Return the project's logger; the first line it writes reads the settings, not the first call.

    A process that is no function asks with `stored=False` before anybody else does: its lines go to stdout alone.
    """
    log = logging.getLogger("image_api")
    with _configuring:
        if not log.handlers:
            _configure(log, _Lines(stored=stored))
    return log


def tail(limit: int) -> Page:
    """Return the last `limit` lines (at least one); raise StorageUnavailable."""
    return _store(os.getpid()).tail(limit)


def since(cursor: Cursor, limit: int) -> Page:
    """Return the first `limit` lines behind the cursor; raise StorageUnavailable.

    Where there are none at all the cursor stays: its log may be back, say from a path that could not be read.
    """
    page = _store(os.getpid()).since(cursor, limit)
    return page if page.lines else replace(page, next=cursor)


class _Store(Protocol):
    """Where lines are kept, and read by whoever asks for them."""

    def append(self, line: bytes) -> None: ...
    def tail(self, limit: int) -> Page: ...
    def since(self, cursor: Cursor, limit: int) -> Page: ...


class _OneLine(logging.Formatter):
    """The format of every line; `str.isprintable` decides what is written and what is escaped."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of bounded length, its traceback in it."""
        record.__dict__.update(zip(("route", "functionName"), _scope.get(), strict=True))
        return _one_line(super().format(record))


class _Lines:
    """Where lines go: to the store, and whatever becomes of that, to stdout."""

    def __init__(self, *, stored: bool) -> None:
        self._stored = stored
        self._failing = False

    def write(self, text: str) -> None:
        """Write one line to both; that the file cannot be written is said once, on stderr."""
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
                sys.stderr.write(f"The log file cannot be written, lines go to stdout alone: {error}\n")
            self._failing = True
        else:
            self._failing = False


@once
def _store(_pid: int) -> _Store:
    """Return where LOG_STORE says that lines are kept; a process cannot share its parent's connection."""
    from common.settings import LogSettings, load  # noqa: PLC0415 slow to import, and /health never gets here

    settings = load(LogSettings)
    if settings.log_store == "database":
        from common.observe.log.table import LogTable  # noqa: PLC0415 nor need a log file wait for psycopg

        return LogTable(settings.log_max_rows)
    return LogFile(settings.log_path, max_bytes=settings.log_max_bytes, backups=settings.log_backups)


def _configure(log: logging.Logger, lines: _Lines) -> None:
    """Give the project's lines, and every other library's warnings, the one handler."""
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_OneLine(_FORMAT, "%Y-%m-%d %H:%M:%S"))
    logging.getLogger().addHandler(handler)
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)


def _one_line(text: str) -> str:
    """Return the text escaped, its middle left out where that is long: a traceback ends with what matters."""
    line = _escape(text) if len(text) <= 2 * _HALF else None
    if line is not None and len(line) <= 2 * _HALF:
        return line
    return f"{_escape(text[:_HALF])[:_HALF]} [... cut ...] {_escape(text[-_HALF:])[-_HALF:]}"


def _escape(text: str) -> str:
    """Return the text with controls, line separators, bidi marks and lone surrogates as Python writes them."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
