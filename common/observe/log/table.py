"""The log as a table, for hosts whose file system is nobody else's: every SQL statement about log lines."""

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

_GATHER_SECONDS = 0.05  # a request's lines come together, and so do those of many requests
_RETRY_SECONDS = 0.5
_LAST_SECONDS = 3.0  # what the process's end waits for the database
_MAX_BATCH = 1_000
_MAX_WAITING = 5_000  # lines; behind them, new ones go to stdout alone

Rows = list[tuple[int, str]]


class LogTable:
    """Lines wait in memory for a thread that writes all there are in one statement: no request waits for it."""

    def __init__(self, max_rows: int) -> None:
        """Start the thread; what it has not written by then, it writes when the process ends."""
        self._max_rows = max_rows
        self._waiting: SimpleQueue[str | None] = SimpleQueue()  # of all queues the one a finaliser may use, too
        self._dropped = 0
        self._batch: list[str] = []
        self._doubtful: tuple[str, int] | None = None  # a transaction, and how many lines of the batch are in it
        self._connection: psycopg.Connection | None = None
        self._has_all = False  # that will ever wait
        self._ending = threading.Event()
        self._writer = threading.Thread(target=self._write_for_ever, name="log-table", daemon=True)
        self._writer.start()
        atexit.register(self._end)

    def append(self, line: bytes) -> None:
        """Have the line written soon."""
        if threading.current_thread() is self._writer:
            return  # what writing a line says is not written, or there would be no end of it
        if self._waiting.qsize() >= _MAX_WAITING:
            self._dropped += 1
        else:
            self._waiting.put(line.decode().removesuffix("\n"))

    def tail(self, limit: int) -> Page:
        """Return the last `limit` lines; raise StorageUnavailable."""
        rows = _select(
            "SELECT id, line FROM (SELECT id, line FROM logs ORDER BY id DESC LIMIT %s) AS newest ORDER BY id", limit
        )
        return _page(rows, OLDEST)

    def since(self, cursor: Cursor, limit: int) -> Page:
        """Return the first `limit` lines behind the cursor, or the oldest kept if its line is gone.

        Raise StorageUnavailable.
        """
        rows = _select("SELECT id, line FROM logs WHERE id >= %s ORDER BY id LIMIT %s", cursor.position, limit + 1)
        if rows and _cursor(rows[0]) == cursor:
            return _page(rows[1:], cursor)
        rows = _select("SELECT id, line FROM logs ORDER BY id LIMIT %s", limit)
        return _page(rows, OLDEST, gap=cursor != OLDEST)

    def _write_for_ever(self) -> None:
        while not self._has_all:
            self._collect()
            self._write_batch()
        self._disconnect()

    def _collect(self) -> None:
        """Wait for a line, then a moment for others."""
        line = self._waiting.get()
        self._ending.wait(_GATHER_SECONDS)
        while line is not None:
            self._batch.append(line)
            if len(self._batch) >= _MAX_BATCH or self._waiting.empty():
                return
            line = self._waiting.get()
        self._has_all = True

    def _write_batch(self) -> None:
        """Try until it is written."""
        failures = 0
        while self._batch:
            try:
                self._insert()
            except psycopg.Error as error:
                self._disconnect()
                failures += 1
                if failures == 2:  # noqa: PLR2004  # the first is how one learns of a restart
                    _say(f"Log lines wait for the database: {error}")
                time.sleep(_RETRY_SECONDS)
        if self._dropped:
            _say(f"{self._dropped} log lines were too many to wait for the database; they are on stdout alone.")
            self._dropped = 0

    def _insert(self) -> None:
        """Write the batch, but for what the last try wrote if it broke off before it was told; raise psycopg.Error."""
        if not self._connection:
            self._connection = connect("log")
        if self._doubtful:
            xid, count = self._doubtful
            if _is_committed(self._connection, xid):
                del self._batch[:count]
            self._doubtful = None
        if count := len(self._batch):
            self._doubtful = _begin(self._connection), count
            last_id = _insert_and_commit(self._connection, self._batch)
            self._doubtful = None
            self._batch.clear()
            step = max(1, self._max_rows // 20)
            if last_id // step > (last_id - count) // step:  # whoever comes across it, once for all
                _trim(self._connection, self._max_rows)

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _end(self) -> None:
        if not self._writer.is_alive():  # a fork's copy
            return
        self._ending.set()
        self._waiting.put(None)
        self._writer.join(_LAST_SECONDS)
        waiting = 0 if self._has_all else self._waiting.qsize() - 1
        if left := len(self._batch) + waiting + self._dropped:
            _say(f"{left} log lines could not be written to the database; they are on stdout alone.")


def _begin(connection: psycopg.Connection) -> str:
    """Begin a transaction and return its id, by which its end can be asked for later."""
    (xid,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
    return str(xid)


def _insert_and_commit(connection: psycopg.Connection, lines: list[str]) -> int:
    """Add the lines, and return the last one's id.

    Ids are given in the order in which they can be seen, because one transaction at a time gives them: behind an id
    that has been read there is never a smaller one to come. All of it is sent at once, so that a process that is
    halted here keeps no other waiting.
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
    """Tell how a transaction ended; raise psycopg.OperationalError while it has not."""
    try:
        (status,) = connection.execute("SELECT pg_xact_status(%s::xid8)", (xid,)).fetchone() or (None,)
    except psycopg.DataError:  # not of this server
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


def _page(rows: Rows, behind: Cursor, *, gap: bool = False) -> Page:
    """Return the rows as a page; behind no rows, one stands where one stood."""
    lines = "".join(f"{line}\n" for _, line in rows).encode()
    return Page(lines, _cursor(rows[-1]) if rows else behind, gap)


def _cursor(row: tuple[int, str]) -> Cursor:
    return Cursor.of(row[0], row[1].encode())


def _say(text: str) -> None:
    """Say it where the log's own trouble is said."""
    sys.stderr.write(" ".join(text.split()) + "\n")
