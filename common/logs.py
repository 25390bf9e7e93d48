"""Log lines: one record is one line, to the log file and to stdout, with the request it belongs to."""

import logging
import sys
import threading
import time
from contextvars import ContextVar
from functools import cache

from common.log_file import LogFile

_FORMAT = "%(asctime)s,%(msecs)03d: %(route)s: %(functionName)s: %(levelname)s: %(message)s"
_HALF = 4096  # characters; a line is at most two halves and the mark between them

_scope = ContextVar("scope", default=("-", "-"))
_configuring = threading.Lock()


def request_scope(route: str, function_name: str) -> None:
    """Make every later record of this request carry the route and the function's name."""
    _scope.set((route, function_name))


def logger() -> logging.Logger:
    """Return the project's logger; the first line it writes reads the settings, not the first call."""
    log = logging.getLogger("image_api")
    with _configuring:
        if not log.handlers:
            _configure(log)
    return log


def tail(limit: int) -> bytes:
    """Return the last `limit` lines (at least one), oldest first, across rotated files."""
    return _file().tail(limit)


class _OneLine(logging.Formatter):
    """The format of every line; `str.isprintable` decides what is written and what is escaped."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of bounded length, its traceback in it."""
        record.__dict__.update(zip(("route", "functionName"), _scope.get(), strict=True))
        return _one_line(super().format(record))


class _Lines:
    """Where lines go: to the log file, and whatever becomes of that, to stdout."""

    failing = False

    def write(self, text: str) -> None:
        """Write one line to both; that the file cannot be written is said once, on stderr."""
        line = text.encode()
        try:
            _file().append(line)
        except OSError as error:
            self._report(error)
        else:
            self.failing = False
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    def _report(self, error: OSError) -> None:
        if not self.failing:
            sys.stderr.write(f"The log file cannot be written, lines go to stdout alone: {error}\n")
        self.failing = True


@cache
def _file() -> LogFile:
    from common.settings import get_settings  # noqa: PLC0415 slow to import, and /health never gets here

    settings = get_settings()
    return LogFile(settings.log_path, max_bytes=settings.log_max_bytes, backups=settings.log_backups)


def _configure(log: logging.Logger) -> None:
    """Give the project's lines, and every other library's warnings, the one handler."""
    handler = logging.StreamHandler(_Lines())
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
