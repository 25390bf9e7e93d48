"""The log in the database: processes of their own write lines, and somebody follows them with a cursor."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from emulator.postgres import server as postgres
from tests import servers

WRITER = """
import sys, time
from common.observe.log import lines
lines.configure(stored=True)
writer, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
slowest = 0.0
lines.logger().info("the first line imports psycopg")
for line in range(count):
    began = time.perf_counter()
    lines.logger().info("writer=%s line=%d.", writer, line)
    slowest = max(slowest, time.perf_counter() - began)
    time.sleep(seconds / count)
print("slowest", slowest, file=sys.stderr)
"""
FOLLOWER = """
import sys
from common.observe.log import lines
from common.errors import StorageUnavailable
from common.observe.log.page import OLDEST
cursor, idle = OLDEST, False
for command in sys.stdin:
    while True:
        try:
            page = lines.since(cursor, 100)
        except StorageUnavailable:
            continue
        assert not page.gap
        cursor = page.next
        sys.stdout.write(page.lines.decode())
        if not page.lines:
            break
    print("caught up", flush=True)
"""
NUMBERS = re.compile(r"writer=(\d+) line=(\d+)\.$", re.MULTILINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Postgres]:
    """A PostgreSQL that may be restarted."""
    with postgres.running(tmp_path_factory.mktemp("log table")) as server:
        yield server


@pytest.fixture
def table(server: postgres.Postgres) -> Iterator[psycopg.Connection]:
    """The empty table, as we look into it."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("TRUNCATE logs")
        yield connection


@contextmanager
def process(folder: Path, url: str, code: str, *arguments: object, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A process that keeps its log in the database; it is ended in any case."""
    environment = servers.environment(folder, 0, LOG_STORE="database", DATABASE_URL=url, **settings)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603  # our own code
        command, cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def write(folder: Path, url: str, lines: int, seconds: float = 0.0, **settings: str) -> tuple[str, str]:
    """Log lines and end; return stdout and stderr."""
    with process(folder, url, WRITER, 0, lines, seconds, **settings) as writer:
        said = writer.communicate(timeout=60)
    assert writer.returncode == 0
    return said


def kept(table: psycopg.Connection) -> list[tuple[int, int]]:
    text = "\n".join(line for (line,) in table.execute("SELECT line FROM logs ORDER BY id"))
    return [(int(writer), int(line)) for writer, line in NUMBERS.findall(text)]


def caught_up(follower: subprocess.Popen[str]) -> list[tuple[int, int]]:
    """What the follower has not read before."""
    assert follower.stdin
    assert follower.stdout
    follower.stdin.write("\n")
    follower.stdin.flush()
    text = "".join(iter(follower.stdout.readline, "caught up\n"))
    return [(int(writer), int(line)) for writer, line in NUMBERS.findall(text)]


def test_every_line_is_in_the_table_when_its_process_has_ended_and_none_in_a_file(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection
) -> None:
    stdout, stderr = write(tmp_path, server.url, 3)
    lines = [line for (line,) in table.execute("SELECT line FROM logs ORDER BY id")]
    assert "\n".join(lines) + "\n" == stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: -: -: INFO: writer=0 line=2\.", lines[3])
    assert stderr.startswith("slowest")
    assert list(tmp_path.iterdir()) == []


def test_a_follower_reads_each_line_of_many_writers_once(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection
) -> None:
    with process(tmp_path, server.url, FOLLOWER) as follower:
        writers = [process(tmp_path, server.url, WRITER, number, 400, 1) for number in range(4)]
        started = [writer.__enter__() for writer in writers]
        read: list[tuple[int, int]] = []
        while any(writer.poll() is None for writer in started):
            read += caught_up(follower)
        for writer in writers:
            writer.__exit__(None, None, None)
        read += caught_up(follower)
    assert sorted(read) == [(writer, line) for writer in range(4) for line in range(400)]
    assert read == kept(table)


@pytest.mark.usefixtures("table")
def test_a_transaction_that_takes_its_time_loses_no_follower_its_lines(
    tmp_path: Path, server: postgres.Postgres
) -> None:
    with process(tmp_path, server.url, FOLLOWER) as follower, psycopg.connect(server.url) as slow:
        slow.execute("SELECT pg_advisory_xact_lock('logs'::regclass::oid::bigint)")  # as common.log_table does
        slow.execute("INSERT INTO logs (line) VALUES ('writer=9 line=0.')")
        with process(tmp_path, server.url, WRITER, 1, 1, 0) as writer:
            time.sleep(1)
            assert caught_up(follower) == []
            slow.commit()
            assert writer.wait(10) == 0
        assert caught_up(follower) == [(9, 0), (1, 0)]


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_database_that_goes_away_costs_no_line_and_doubles_none(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection, how: str
) -> None:
    with process(tmp_path, server.url, WRITER, 0, 600, 2) as writer:
        while not kept(table):
            time.sleep(0.05)
        if how == "kill":
            server.kill()
        server.restart()
        writer.communicate(timeout=30)
    with psycopg.connect(server.url) as connection:
        assert kept(connection) == [(0, line) for line in range(600)]


def test_a_batch_whose_commit_was_not_answered_is_written_once(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection
) -> None:
    with relay_that_breaks_at(b"COMMIT", server.port) as (port, broken):
        _, stderr = write(tmp_path, server.url.replace(str(server.port), str(port)), 10, 0.2)
        assert broken.is_set()
    assert "could not" not in stderr
    assert kept(table) == [(0, line) for line in range(10)]


@contextmanager
def relay_that_breaks_at(word: bytes, port: int) -> Iterator[tuple[int, threading.Event]]:
    """A way to the database; once, what holds the word is passed on, and its answer is not."""
    broken = threading.Event()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while content := source.recv(65536):
                target.sendall(content)
                if word in content and not broken.is_set():
                    broken.set()
                    time.sleep(0.3)
                    return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            database = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(client, database), daemon=True).start()
            threading.Thread(target=pump, args=(database, client), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], broken


@pytest.mark.parametrize("lines", [1, 6500])
def test_lines_that_a_lost_database_costs_are_counted_and_on_stdout(tmp_path: Path, lines: int) -> None:
    nowhere = f"postgresql://user:secret@127.0.0.1:{servers.free_port()}/db"
    stdout, stderr = write(tmp_path, nowhere, lines - 1)
    assert len(stdout.splitlines()) == lines
    assert f"{lines} log lines could not be written to the database. They are on stdout only." in stderr
    assert "secret" not in stderr


def test_the_table_keeps_about_as_many_lines_as_it_may(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection
) -> None:
    for _ in range(2):
        write(tmp_path, server.url, 1500, LOG_MAX_ROWS="100")
    lines = kept(table)
    assert 100 <= len(lines) <= 105
    assert lines == [(0, line) for line in range(1500 - len(lines), 1500)]


def test_a_function_that_is_stopped_leaves_no_line_behind(
    tmp_path: Path, server: postgres.Postgres, table: psycopg.Connection
) -> None:
    with servers.function("index", tmp_path, LOG_STORE="database", DATABASE_URL=server.url) as function:
        for number in range(20):
            function.client.get("/", headers={"X-Request-Id": f"request-{number}"})
    lines = [line for (line,) in table.execute("SELECT line FROM logs ORDER BY id")]
    assert [line.rpartition("=")[2] for line in lines] == [f"request-{number}" for number in range(20)]
    assert function.process.returncode == 0


def test_no_request_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    nowhere = f"postgresql://user@127.0.0.1:{servers.free_port()}/db"
    with servers.function("index", tmp_path, LOG_STORE="database", DATABASE_URL=nowhere, THREADS="2") as function:
        assert all(function.client.get("/").status_code == 200 for _ in range(50))
    assert "50 log lines could not be written" in function.output()
    assert function.output().count("request finished: ") == 50
