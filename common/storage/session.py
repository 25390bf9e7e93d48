"""One session of PostgreSQL: how it is made, and how long it waits for a server that says nothing."""

import os
import time
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from common.settings import DatabaseSettings, load

_SILENCE_SECONDS = 8.0  # without a byte, in or out: the server is frozen, or waits for a lock
_CANCEL_SECONDS = 1.0
_POLL_SECONDS = 0.1  # how often a wait looks at the clock

Value = TypeVar("Value")


class TimedOutError(psycopg.OperationalError):
    """The server said nothing for too long."""


class Session(psycopg.Connection):
    """A connection that gives up waiting. psycopg itself waits for ever while the server's kernel acknowledges."""

    made_at = 0.0
    is_checked = False  # whether the database behind it has been found to be one that this release can use

    def wait(self, gen: PQGen[Value], interval: float = _POLL_SECONDS, timeout: float | None = None) -> Value:
        """Run what psycopg has to exchange with the server. Raises TimedOutError, and the session is closed then."""
        try:
            return super().wait(_limited(gen), interval, timeout)
        except TimedOutError:
            with suppress(psycopg.Error):  # a frozen server takes no cancellation either
                self.cancel_safe(timeout=_CANCEL_SECONDS)
            self.close()
            raise


def _limited(gen: PQGen[Value]) -> PQGen[Value]:
    """Return the same exchange, which raises TimedOutError if the socket is not ready for _SILENCE_SECONDS."""
    deadline = time.monotonic() + _SILENCE_SECONDS
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                deadline = time.monotonic() + _SILENCE_SECONDS
            elif time.monotonic() > deadline:
                raise TimedOutError(f"the server said nothing for {_SILENCE_SECONDS:.0f} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        value: Value = end.value
        return value


def address() -> str:
    """Return DATABASE_URL. Raises psycopg.OperationalError if it is not set."""
    url = load(DatabaseSettings).database_url
    if not url:
        raise psycopg.OperationalError("DATABASE_URL is not set")
    return url


def arguments(purpose: str = "") -> dict[str, Any]:
    """Return what every session is made with, besides DATABASE_URL."""
    return {
        "client_encoding": "utf8",  # whatever PGCLIENTENCODING or the database says
        "prepare_threshold": None,  # PgBouncer in transaction mode knows no prepared statements
        "connect_timeout": 3,
        # A gateway forgets a session that is quiet for 4 minutes or more: probe after one.
        "keepalives_idle": 60,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # ms: give up a host that no longer acknowledges what was sent to it
        "application_name": f"{os.environ.get('FUNCTION_TARGET', 'image-api')} {purpose}".rstrip(),
    }


def connect(purpose: str) -> Session:
    """Return a session outside of the pool: no request waits for it. Raises psycopg.OperationalError."""
    return Session.connect(address(), **arguments(purpose))
