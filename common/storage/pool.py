"""The pool: sessions for the requests of a process. It is opened on first use and never lends a dead session."""

import atexit
import logging
import os
import select
import time
from contextlib import suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from common.errors import StorageUnavailable
from common.once import once
from common.settings import DatabaseSettings, load
from common.storage import schema
from common.storage.session import Session, address, arguments

_ATTEMPT_SECONDS = 0.5  # each wait for the pool makes it try to connect once: a restarted server is found this soon
_MAX_SESSIONS = 8

_log = logging.getLogger(__name__)


def lend(*, newer_than: float = 0.0) -> Session:
    """Return a session in autocommit mode, made after a time of time.monotonic(). Give it back with `give_back`.

    Raises psycopg.OperationalError if there is none within DATABASE_TIMEOUT_SECONDS.
    """
    return _live_session(_pool(os.getpid()), newer_than)


def check(session: Session) -> None:
    """Look at the database, once in each session. Raises StorageUnavailable if this release cannot use it."""
    if session.is_checked:
        return
    if fault := schema.fault(session):
        _log_once(fault)
        raise StorageUnavailable("The database is not ready for this release.")
    session.is_checked = True


def give_back(session: Session) -> None:
    """Take a session back, and roll back what it has begun. A closed one is discarded."""
    if session.pgconn.transaction_status != TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            session.rollback()
    _pool(os.getpid()).putconn(session)


@once
def _pool(_pid: int) -> ConnectionPool[Session]:
    """Return the pool of a process. Threads do not survive a fork, so a pool opened before one never works after it."""
    url = address()
    _keep_out_of_the_log(url)
    pool = ConnectionPool(
        url,
        connection_class=Session,
        kwargs={"autocommit": True, **arguments()},
        configure=_note_time,
        min_size=0,
        max_size=_MAX_SESSIONS,
        open=True,
        reconnect_timeout=0,  # _live_session retries, twice a second instead of ever more rarely
    )
    atexit.register(pool.close)  # its own clean-up would wait for threads that have ended with the interpreter
    return pool


def _note_time(session: Session) -> None:
    session.made_at = time.monotonic()


def _live_session(pool: ConnectionPool[Session], newer_than: float) -> Session:
    """Return a session whose server is there. Raises PoolTimeout after DATABASE_TIMEOUT_SECONDS without one."""
    deadline = time.monotonic() + load(DatabaseSettings).database_timeout_seconds
    while True:
        try:
            session = pool.getconn(timeout=min(_ATTEMPT_SECONDS, deadline - time.monotonic()))
        except PoolTimeout:
            if time.monotonic() >= deadline:
                raise
            continue
        if session.made_at > newer_than and not _was_closed_by_server(session):
            return session
        session.close()
        pool.putconn(session)


def _was_closed_by_server(idle: Session) -> bool:
    """Return whether there is something to read. PostgreSQL sends an idle client only the notice that it closes."""
    poll = select.poll()
    poll.register(idle.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


@once
def _log_once(fault: str) -> None:
    _log.error(fault)


def _keep_out_of_the_log(url: str) -> None:
    """Replace a password in what psycopg and its pool log, and drop what the pool says of sessions closed here."""
    as_written = url.partition("://")[2].partition("@")[0].partition(":")[2]
    secrets = [secret for secret in (as_written, str(conninfo_to_dict(url).get("password") or "")) if secret]

    def clean(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for secret in secrets:
            text = text.replace(secret, "***")
        record.msg, record.args = text, ()
        return not text.startswith("discarding closed connection")

    for name in ("psycopg", "psycopg.pool"):
        logging.getLogger(name).addFilter(clean)
