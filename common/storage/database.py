"""Statements: one that reads, or several in a transaction. Every failure of the database is a StorageUnavailable."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString, TypeVar

import psycopg
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import BaseRowFactory

from common.errors import SessionLost, StorageUnavailable
from common.storage.pool import check, give_back, lend
from common.storage.session import Session, TimedOutError

# SET LOCAL, because behind PgBouncer in transaction mode a plain SET stays in a session that somebody else gets next.
# Both limits are below the one of Session.wait: the server ends the statement, and the session can be used again. The
# second one ends what a function has begun that was halted.
_BEGIN = """
    BEGIN;
    SET LOCAL statement_timeout = '7s';
    SET LOCAL idle_in_transaction_session_timeout = '7s';
    SHOW transaction_read_only;
"""
_UNREACHABLE = "The database cannot be reached; try again soon."
_DETAILS = {  # by the beginning of the SQLSTATE
    "25006": "The database takes no changes at the moment.",
    "53": "The database is out of room.",
    "57014": "The database took too long.",
}

_LOST = (
    "08",
    "57P",
    "25P03",
    "25P04",
)  # the beginnings of the SQLSTATEs with which a server or PgBouncer ends a session

Row = TypeVar("Row")
Value = TypeVar("Value")


class _SessionLostError(psycopg.OperationalError):
    """The session ended before the server answered."""


def query(statement: LiteralString, parameters: Sequence[object], row_factory: BaseRowFactory[Row]) -> list[Row]:
    """Return the rows of a statement that changes nothing. Raises StorageUnavailable."""

    def run(session: Session) -> list[Row]:
        with session.cursor(binary=True, row_factory=row_factory) as cursor:
            return cursor.execute(statement, parameters).fetchall()

    with _translated_errors():
        session, rows = _begin_with(run)
        give_back(session)
    return rows


@contextmanager
def transaction() -> Iterator[Session]:
    """Provide a session in a transaction. It is committed in the end, or rolled back if anything is raised.

    Raises StorageUnavailable, and SessionLost if the session ended: then nobody can say whether it was committed.
    """
    with _translated_errors():
        session, _ = _begin_with(_begin)
        try:
            yield session
            session.commit()
        except psycopg.Error as error:
            raise _judged(session, error) from error
        finally:
            give_back(session)


def _begin_with(work: Callable[[Session], Value]) -> tuple[Session, Value]:
    """Return a session, and what came of the first thing done with it. Raises psycopg.Error.

    A gateway may have forgotten the session, or a failover have made its server read-only, without a word to us. What
    was begun then has changed nothing: try once more, in a session that is made now.
    """
    try:
        return _try(work, newer_than=0.0)
    except (_SessionLostError, ReadOnlySqlTransaction):
        return _try(work, newer_than=time.monotonic())


def _try(work: Callable[[Session], Value], *, newer_than: float) -> tuple[Session, Value]:
    """Return a session, and what came of the first thing done with it. Raises psycopg.Error."""
    session = lend(newer_than=newer_than)
    try:
        check(session)
        return session, work(session)
    except psycopg.Error as error:
        judged = _judged(session, error)
        give_back(session)
        raise judged from error
    except StorageUnavailable:
        give_back(session)
        raise


def _judged(session: Session, error: psycopg.Error) -> psycopg.Error:
    """Return the error, or a _SessionLostError in its place. A read-only session is closed, for good."""
    if isinstance(error, ReadOnlySqlTransaction):
        session.close()
    if session.broken or (error.sqlstate or "").startswith(_LOST):
        return _SessionLostError(str(error))
    return error


def _begin(session: Session) -> None:
    """Begin a transaction. Raises ReadOnlySqlTransaction if it could change nothing, and psycopg.OperationalError."""
    cursor = session.execute(_BEGIN)
    cursor.set_result(-1)
    if cursor.fetchone() == ("on",):
        raise ReadOnlySqlTransaction("the session is read-only")


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raise StorageUnavailable in place of what the database, and not our statement, is to blame for."""
    try:
        yield
    except _SessionLostError as error:
        raise SessionLost(_UNREACHABLE) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction) as error:
        raise StorageUnavailable(_detail(error)) from error


def _detail(error: psycopg.Error) -> str:
    if isinstance(error, TimedOutError):
        return _DETAILS["57014"]
    known = (detail for start, detail in _DETAILS.items() if (error.sqlstate or "").startswith(start))
    return next(known, _UNREACHABLE)
