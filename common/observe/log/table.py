"""The log as a table, for hosts whose functions share no files. Every SQL statement about log lines is here."""

import atexit
import sys
import threading
import time
from queue import SimpleQueue
from typing import LiteralString

import psycopg
from psycopg.rows import tuple_row

from common.observe.log.page import OLDEST, Cursor, Page
from common.storage.database import query
from common.storage.session import connect

_GATHER_SECONDS = 0.05  # lines that arrive within it, of one request or of many, are written in one statement
_RETRY_SECONDS = 0.5
_LAST_SECONDS = 3.0  # how long the end of the process waits for the database
_MAX_BATCH = 1_000
_MAX_WAITING = 5_000  # lines; if so many wait, a new line goes to stdout only

Rows = list[tuple[int, str]]


class LogTable:
    """Lines wait in memory. A thread writes all that wait in one statement, so no request waits for the database."""

    def __init__(self, max_rows: int) -> None:
        """Start the writer thread. At the end of the process it writes the lines that still wait."""
        self._max_rows = max_rows
        self._waiting: SimpleQueue[str | None] = SimpleQueue()  # the only queue whose put() a finaliser may call
        self._dropped = 0  # lines ever; only append() writes it
        self._reported = 0  # of the dropped lines; only the writer thread writes it
        self._batch: list[str] = []
        self._unconfirmed: tuple[str, int] | None = None  # a transaction, and how many lines of the batch are in it
        self._connection: psycopg.Connection | None = None
        self._closed = False  # whether the end mark has been taken from the queue
        self._ending = threading.Event()
        self._writer = threading.Thread(target=self._write_until_closed, name="log-table", daemon=True)
        self._writer.start()
        atexit.register(self._end)

    def append(self, line: bytes) -> None:
        """Queue the line for the writer thread.

        One thread of a process at a time may call this: logging.Handler's lock ensures it.
        """
        if threading.current_thread() is self._writer:
            return  # storing the lines that the writer thread itself logs would recurse forever
        if self._waiting.qsize() >= _MAX_WAITING:
            self._dropped += 1
        else:
            self._waiting.put(line.decode().removesuffix("\n"))

    def tail(self, limit: int) -> Page:
        """Return the last `limit` lines. Raises StorageUnavailable if the database cannot be reached."""
        rows = _select(
            "SELECT id, line FROM (SELECT id, line FROM logs ORDER BY id DESC LIMIT %s) AS newest ORDER BY id", limit
        )
        return _page(rows, OLDEST)

    def since(self, cursor: Cursor, limit: int) -> Page:
        """Return the first `limit` lines after the cursor. If the cursor's line is gone, start at the oldest line kept.

        Raises StorageUnavailable if the database cannot be reached.
        """
        rows = _select("SELECT id, line FROM logs WHERE id >= %s ORDER BY id LIMIT %s", cursor.position, limit + 1)
        if rows and _cursor(rows[0]) == cursor:
            return _page(rows[1:], cursor)
        rows = _select("SELECT id, line FROM logs ORDER BY id LIMIT %s", limit)
        return _page(rows, OLDEST, gap=cursor != OLDEST)

    def _write_until_closed(self) -> None:
        while not self._closed:
            self._collect()
            self._write_batch()
        self._disconnect()

    def _collect(self) -> None:
        """Wait for a line, then _GATHER_SECONDS for others, and add them to the batch."""
        line = self._waiting.get()
        self._ending.wait(_GATHER_SECONDS)
        while line is not None:
            self._batch.append(line)
            if len(self._batch) >= _MAX_BATCH or self._waiting.empty():
                return
            line = self._waiting.get()
        self._closed = True

    def _write_batch(self) -> None:
        """Retry until the batch is written. Then report the lines that were dropped meanwhile."""
        failures = 0
        while self._batch:
            try:
                self._insert()
            except psycopg.Error as error:
                self._disconnect()
                failures += 1
                if failures == 2:  # noqa: PLR2004  # one failure is usual after a restart of the database
                    _warn(f"Log lines wait for the database: {error}")
                time.sleep(_RETRY_SECONDS)
        if new := self._dropped - self._reported:
            _warn(f"{new} log lines were dropped: too many waited for the database. They are on stdout only.")
            self._reported += new

    def _insert(self) -> None:
        """Insert the batch. Raises psycopg.Error if that fails.

        If the last commit was never acknowledged, first check whether it succeeded, and skip its lines if so.
        """
        if not self._connection:
            self._connection = connect("log")
        if self._unconfirmed:
            xid, count = self._unconfirmed
            if _is_committed(self._connection, xid):
                del self._batch[:count]
            self._unconfirmed = None
        if count := len(self._batch):
            self._unconfirmed = _begin(self._connection), count
            last_id = _insert_and_commit(self._connection, self._batch)
            self._unconfirmed = None
            self._batch.clear()
            step = max(1, self._max_rows // 20)
            if last_id // step > (last_id - count) // step:  # once every `step` ids, in the process that crosses
                _trim(self._connection, self._max_rows)

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _end(self) -> None:
        if not self._writer.is_alive():  # in a fork, which has this object but not its thread
            return
        self._ending.set()
        self._waiting.put(None)
        self._writer.join(_LAST_SECONDS)
        waiting = 0 if self._closed else self._waiting.qsize() - 1
        if left := len(self._batch) + waiting + self._dropped - self._reported:
            _warn(f"{left} log lines could not be written to the database. They are on stdout only.")


def _begin(connection: psycopg.Connection) -> str:
    """Begin a transaction and return its id. _is_committed() uses the id to check how the transaction ended."""
    (xid,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
    return str(xid)


def _insert_and_commit(connection: psycopg.Connection, lines: list[str]) -> int:
    """Insert the lines and commit. Returns the id of the last line.

    A lock lets one transaction at a time assign ids, so ids become visible in ascending order: after a reader has seen
    an id, no smaller id appears. The lock, the insert and the commit are sent in one pipeline, so a process that halts
    here does not keep the lock.
    """
    with connection.pipeline():
        connection.execute("SELECT pg_advisory_xact_lock('logs'::regclass::oid::bigint)")
        added = connection.execute(
            """
            WITH added AS (
                INSERT INTO logs (line)
                SELECT line FROM unnest(%s::text[]) WITH ORDINALITY AS batch (line, number) ORDER BY number
                RETURNING id
            )
            SELECT max(id) FROM added
            """,
            (lines,),
        )
        connection.commit()
    (last_id,) = added.fetchone() or (0,)
    return int(last_id)


def _is_committed(connection: psycopg.Connection, xid: str) -> bool:
    """Return whether a transaction was committed. Raises psycopg.OperationalError while it is in progress."""
    try:
        (status,) = connection.execute("SELECT pg_xact_status(%s::xid8)", (xid,)).fetchone() or (None,)
    except psycopg.DataError:  # the id is unknown: this is another server, or a new one
        status = None
    connection.rollback()
    if status == "in progress":
        raise psycopg.OperationalError("the last lines are still being written")
    return bool(status == "committed")


def _trim(connection: psycopg.Connection, max_rows: int) -> None:
    connection.execute("DELETE FROM logs WHERE id <= (SELECT max(id) FROM logs) - %s", (max_rows,))
    connection.commit()


def _select(statement: LiteralString, *arguments: int) -> Rows:
    return query(statement, arguments, tuple_row)


def _page(rows: Rows, cursor: Cursor, *, gap: bool = False) -> Page:
    """Return the rows as a page. If there are no rows, the page's cursor is the given one."""
    lines = "".join(f"{line}\n" for _, line in rows).encode()
    return Page(lines, _cursor(rows[-1]) if rows else cursor, gap)


def _cursor(row: tuple[int, str]) -> Cursor:
    return Cursor.of(row[0], row[1].encode())


def _warn(text: str) -> None:
    """Write one line to stderr: a failure of the log's store cannot be reported in the store."""
    sys.stderr.write(" ".join(text.split()) + "\n")
