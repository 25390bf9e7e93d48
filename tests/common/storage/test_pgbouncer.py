"""Behind PgBouncer in transaction mode, where a session of the server serves one caller after the other."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from emulator.postgres import schema
from emulator.postgres.programs import lent_account
from tests import pictures, servers
from tests.schemas import databases
from tests.schemas.databases import RELEASED

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")  # Debian's is in /usr/sbin
SESSIONS = 3  # of the server, for all callers
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

pytestmark = pytest.mark.skipif(not PROGRAM, reason="pgbouncer is not installed")


@contextmanager
def pooler(server_url: str) -> Iterator[str]:
    """PgBouncer in front of a database: the URL to call it."""
    server = conninfo_to_dict(server_url)
    port = servers.free_port()
    account = lent_account()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(f"""
[databases]
{server["dbname"]} = host=127.0.0.1 port={server["port"]} user={server["user"]} password={server["password"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {SESSIONS}
""")
        for path in (Path(folder), settings):
            if account:
                account.owns(path)
        process = subprocess.Popen(  # noqa: S603  # our own command
            [str(PROGRAM), "-q", str(settings)],
            stderr=subprocess.DEVNULL,
            user=account.uid if account else None,
            group=account.gid if account else None,
        )
        with process:
            try:
                _wait_until_it_listens(process, port)
                yield f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
            finally:
                process.send_signal(signal.SIGINT)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("pgbouncer does not listen")


@pytest.fixture
def direct(database_url: str) -> Iterator[str]:
    """The URL of a database that release 0.1.0 made, without a pooler."""
    with databases.released(database_url, RELEASED[-1]) as url:
        yield url


@pytest.fixture
def pooled(direct: str) -> Iterator[str]:
    """Its URL behind a pooler."""
    with pooler(direct) as url:
        yield url


def limits_of_every_session(url: str) -> set[str]:
    """What a neighbour finds set in the server's sessions: one transaction holds each of them."""
    with ExitStack() as stack:
        neighbours = [stack.enter_context(psycopg.connect(url, prepare_threshold=None)) for _ in range(SESSIONS)]
        pids = {neighbour.execute("SELECT pg_backend_pid()").fetchone() for neighbour in neighbours}
        assert len(pids) == SESSIONS
        rows = [neighbour.execute(f"SHOW {name}".encode()).fetchone() for neighbour in neighbours for name in LIMITS]
        return {value for (value,) in filter(None, rows)}


def test_all_works_and_a_neighbour_keeps_limits_of_his_own(tmp_path: Path, pooled: str) -> None:
    schema.upgrade(pooled)
    settings = {"DATABASE_URL": pooled, "LOG_STORE": "database", "THREADS": "16"}
    with (
        servers.function("upload_image", tmp_path, **settings) as uploading,
        servers.function("get_image", tmp_path, **settings) as reading,
        servers.function("get_logs", tmp_path, **settings) as logs,
        ThreadPoolExecutor(8) as pool,
    ):

        def store_and_fetch(_number: int) -> tuple[int, int]:
            stored = uploading.client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))})
            return stored.status_code, reading.client.get(stored.headers["Location"]).status_code

        assert set(pool.map(store_and_fetch, range(40))) == {(201, 200)}
        assert limits_of_every_session(pooled) == {"0"}
        deadline = time.monotonic() + 10
        while (lines := logs.client.get("/logs?limit=1000").text).count("status=201") < 40:
            assert time.monotonic() < deadline, lines


def test_the_schema_is_upgraded_through_it_and_again(pooled: str) -> None:
    for upgrade in (databases.upgrade_by_psql, schema.upgrade, databases.upgrade_by_psql):
        upgrade(pooled)
        assert limits_of_every_session(pooled) == {"0"}


def test_nobody_notices_sessions_that_the_server_ended_behind_it(tmp_path: Path, direct: str, pooled: str) -> None:
    schema.upgrade(direct)
    end_sessions = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    with servers.function("upload_image", tmp_path, DATABASE_URL=pooled) as uploading:
        for _ in range(20):
            stored = uploading.client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))})
            assert stored.status_code == 201
            with psycopg.connect(direct, autocommit=True) as admin:
                admin.execute(f"{end_sessions} AND pid <> pg_backend_pid()".encode())
