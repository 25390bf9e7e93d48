"""Connections to PostgreSQL: one pool a process, opened on first use, and never a dead connection from it."""

import atexit
import logging
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from common.errors import StorageUnavailable
from common.once import once
from common.settings import DatabaseSettings, load
from common.storage import schema

_ATTEMPT_SECONDS = 0.5  # each wait for the pool makes it try to connect once: a restarted server is found this soon
_MAX_CONNECTIONS = 8
_STATEMENT_SECONDS = 10


class _Connection(psycopg.Connection):
    """A connection of the pool."""

    is_checked = False  # whether it leads to a database with the right encoding and schema


@contextmanager
def connection() -> Iterator[psycopg.Connection]:
    """Lend a live connection in autocommit mode; raise StorageUnavailable where the database fails us."""
    try:
        pool = _pool(os.getpid())
        lent = _live_connection(pool)
        try:
            _check(lent)
            yield lent
        finally:
            pool.putconn(lent)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StorageUnavailable("The database cannot be reached; try again soon.") from error


def _check(connection: _Connection) -> None:
    """Look at the database once on each connection. Raises StorageUnavailable while its schema is not right."""
    if connection.is_checked:
        return
    if fault := schema.fault(connection):
        _log_once(fault)
        raise StorageUnavailable("The database is not ready for this release.")
    connection.is_checked = True


@once
def _log_once(fault: str) -> None:
    logging.getLogger(__name__).error(fault)


@once
def _pool(_pid: int) -> ConnectionPool[_Connection]:
    """Return the pool of a process: one opened before a fork never works behind it."""
    url = load(DatabaseSettings).database_url
    if not url:
        raise psycopg.OperationalError("DATABASE_URL is not set")
    arguments = {
        "autocommit": True,
        "client_encoding": "utf8",
        "prepare_threshold": None,  # PgBouncer in transaction mode knows no prepared statements
        "connect_timeout": 3,
        "tcp_user_timeout": 10_000,  # a server that vanished without a word is given up after 10 s
        "application_name": os.environ.get("FUNCTION_TARGET", "image-api"),
    }
    # reconnect_timeout=0: _live_connection retries, twice a second instead of ever more rarely.
    pool = ConnectionPool(
        url,
        connection_class=_Connection,
        kwargs=arguments,
        configure=_limit,
        min_size=0,
        max_size=_MAX_CONNECTIONS,
        open=True,
        reconnect_timeout=0,
    )
    atexit.register(pool.close)  # left to the interpreter's end, it waits for threads which that end has frozen
    return pool


def _limit(connection: psycopg.Connection) -> None:
    """Make the server give up what takes too long, such as waiting for a lock: the caller gets a 503."""
    connection.execute(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")


def _live_connection(pool: ConnectionPool[_Connection]) -> _Connection:
    """Return a connection whose server is there; raise PoolTimeout after DATABASE_TIMEOUT_SECONDS without one."""
    deadline = time.monotonic() + load(DatabaseSettings).database_timeout_seconds
    while True:
        try:
            lent = pool.getconn(timeout=min(_ATTEMPT_SECONDS, deadline - time.monotonic()))
        except PoolTimeout:
            if time.monotonic() >= deadline:
                raise
            continue
        if not _has_news(lent):
            return lent
        lent.close()
        pool.putconn(lent)


def _has_news(idle: psycopg.Connection) -> bool:
    """Tell whether a connection nobody uses has something to read: a server says nothing then but goodbye."""
    poll = select.poll()
    poll.register(idle.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))
