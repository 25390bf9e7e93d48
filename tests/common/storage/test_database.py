"""The database: restarted, killed, frozen, read-only, locked, and behind a network that forgets."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from emulator.postgres import schema
from tests import pictures, servers
from tests.common.storage import relay
from tests.conftest import database_server
from tests.schemas import databases


def upload(client: httpx.Client, timeout: float = 60) -> httpx.Response:
    return client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))}, timeout=timeout)


def port_of(database_url: str) -> int:
    return int(conninfo_to_dict(database_url)["port"] or 0)


@contextmanager
def both_functions(folder: Path, database_url: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of upload_image and get_image."""
    with (
        servers.function("upload_image", folder, DATABASE_URL=database_url, THREADS="16") as uploading,
        servers.function("get_image", folder, DATABASE_URL=database_url, THREADS="16") as reading,
    ):
        yield uploading.client, reading.client


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_restart_costs_at_most_one_short_503_and_no_acknowledged_image(tmp_path: Path, how: str) -> None:
    with (
        database_server() as server,
        servers.function("upload_image", tmp_path, DATABASE_URL=server.url, THREADS="8") as uploading,
        servers.function("get_image", tmp_path, DATABASE_URL=server.url) as reading,
    ):
        acknowledged: list[str] = []
        statuses: list[list[int]] = []
        done = threading.Event()

        def call() -> None:
            mine: list[int] = []
            statuses.append(mine)
            while not done.is_set():
                response = upload(uploading.client)
                mine.append(response.status_code)
                if response.status_code == 201:
                    acknowledged.append(response.headers["Location"])

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        time.sleep(1)
        if how == "kill":
            server.kill()
        server.restart()
        time.sleep(2)
        done.set()
        for caller in callers:
            caller.join()

        for mine in statuses:
            assert set(mine) <= {201, 503}
            assert mine.count(503) <= 1, mine
            assert mine[-1] == 201
        assert all(reading.client.get(location).status_code == 200 for location in acknowledged)
        with psycopg.connect(server.url) as database:
            rows = database.execute("SELECT count(*) FROM images WHERE octet_length(data) = size_bytes").fetchone()
            assert rows
            assert rows[0] >= len(acknowledged)


def test_every_stale_connection_is_passed_over_at_once(tmp_path: Path) -> None:
    with (
        database_server() as server,
        servers.function("get_image", tmp_path, DATABASE_URL=server.url) as reading,
    ):
        path = "/images/00000000-0000-0000-0000-000000000000"
        gate = threading.Barrier(8)

        def read() -> None:
            gate.wait()
            for _ in range(20):
                assert reading.client.get(path).status_code == 404

        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        server.restart()
        assert reading.client.get(path).status_code == 404


def at_once(call: Callable[[], httpx.Response], times: int) -> list[int]:
    """The statuses of as many calls at the same time."""
    gate = threading.Barrier(times)

    def wait_and_call() -> int:
        gate.wait()
        return call().status_code

    with ThreadPoolExecutor(times) as pool:
        return [call.result() for call in [pool.submit(wait_and_call) for _ in range(times)]]


def test_nobody_notices_sessions_that_a_gateway_forgot(tmp_path: Path, database_url: str) -> None:
    with (
        relay.running(port_of(database_url)) as gateway,
        both_functions(tmp_path, gateway.url(database_url)) as (
            uploading,
            reading,
        ),
    ):
        path = upload(uploading).headers["Location"]
        for _ in range(20):
            at_once(lambda: upload(uploading), 4)
            at_once(lambda: reading.get(path), 4)
            assert gateway.forget() >= 2
            assert [reading.get(path).status_code for _ in range(6)] == [200] * 6
            assert [upload(uploading).status_code for _ in range(6)] == [201] * 6


@pytest.mark.parametrize("is_passed_on", [True, False])
@pytest.mark.parametrize("word", [b"BEGIN", b"INSERT INTO images", b"COMMIT"])
def test_an_upload_whose_session_breaks_is_stored_once(
    tmp_path: Path, database_url: str, database: psycopg.Connection, word: bytes, *, is_passed_on: bool
) -> None:
    with (
        relay.running(port_of(database_url)) as network,
        servers.function("upload_image", tmp_path, DATABASE_URL=network.url(database_url)) as uploading,
    ):
        for number in range(20):
            network.break_at(word, is_passed_on=is_passed_on)
            name = f"{word!r} {is_passed_on} {number}.png"
            response = uploading.client.post("/images", files={"file": (name, pictures.plain("PNG", (64, 48)))})
            assert response.status_code == 201
            kept = database.execute("SELECT id::text FROM images WHERE filename = %s", (name,)).fetchall()
            assert kept == [(response.json()["id"],)]
        assert network.breaks == 20


def test_a_server_that_is_read_only_is_503_for_uploads_alone_and_is_left_at_once(
    tmp_path: Path, database_url: str
) -> None:
    with (
        databases.database(database_url) as url,
        psycopg.connect(database_url, autocommit=True) as admin,
    ):
        schema.upgrade(url)
        name = url.rpartition("/")[2]
        with both_functions(tmp_path, url) as (uploading, reading):
            path = upload(uploading).headers["Location"]
            for _ in range(5):
                admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
                close_sessions(admin, name)
                refusals = [upload(uploading) for _ in range(2)]
                for refusal in refusals:
                    assert (refusal.status_code, refusal.json()["code"]) == (503, "storage_unavailable")
                    assert refusal.headers["Retry-After"]
                assert reading.get(path).status_code == 200
                admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
                assert upload(uploading).status_code == 201


def close_sessions(admin: psycopg.Connection, name: str) -> None:
    """End all sessions of a database, as a failover does."""
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_a_server_that_is_frozen_is_503_within_15_s_and_then_all_is_well(tmp_path: Path) -> None:
    with database_server() as server, both_functions(tmp_path, server.url) as (uploading, reading):
        path = upload(uploading).headers["Location"]
        at_once(lambda: upload(uploading), 8)
        at_once(lambda: reading.get(path), 8)
        main = psutil.Process(server.pid)
        frozen = [main, *main.children()]
        for process in frozen:
            process.suspend()
        try:
            with ThreadPoolExecutor(2) as pool:  # a client gives up after 15 s
                uploads = pool.submit(at_once, lambda: upload(uploading, timeout=15), 12)
                reads = pool.submit(at_once, lambda: reading.get(path, timeout=15), 12)
                assert set(uploads.result()) == {503}
                assert set(reads.result()) == {503}
        finally:
            for process in frozen:
                process.resume()
        assert upload(uploading).status_code == 201
        assert reading.get(path).status_code == 200


def test_a_table_that_is_locked_is_503_and_leaves_nothing_waiting_at_the_server(
    tmp_path: Path, database_url: str
) -> None:
    with databases.database(database_url) as url:
        schema.upgrade(url)
        with both_functions(tmp_path, url) as (uploading, reading), psycopg.connect(url) as owner:
            path = upload(uploading).headers["Location"]
            owner.execute("LOCK TABLE images")
            with ThreadPoolExecutor(2) as pool:
                refusals = [pool.submit(upload, uploading), pool.submit(reading.get, path)]
                assert [refusal.result().status_code for refusal in refusals] == [503, 503]
                assert all("too long" in refusal.result().json()["detail"] for refusal in refusals)
            waiting = (
                "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            assert owner.execute(waiting).fetchall() == []
            owner.rollback()
            assert upload(uploading).status_code == 201
            assert reading.get(path).status_code == 200


def test_a_session_is_probed_before_a_gateway_forgets_it(tmp_path: Path, database_url: str) -> None:
    code = """
import os, socket
from common.storage.session import connect
session = connect("test")
probed = socket.socket(fileno=os.dup(session.pgconn.socket))
print(probed.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), probed.getsockopt(socket.IPPROTO_TCP, IDLE))
"""
    idle = "socket.TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "0x10"  # macOS
    keeps_alive, seconds = run(tmp_path, database_url, code.replace("IDLE", idle)).split()
    assert int(keeps_alive) != 0
    assert 0 < int(seconds) < 240


def test_threads_that_are_the_first_to_ask_share_one_pool(tmp_path: Path, database_url: str) -> None:
    code = """
import sys, threading, time
from common.storage.database import transaction
sys.setswitchinterval(1e-6)
def first():
    while not started:
        pass
    with transaction() as lent:
        time.sleep(0.5)
        (seen,) = lent.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'image-api'").fetchone()
        print(seen, flush=True)
started = False
threads = [threading.Thread(target=first) for _ in range(16)]
[thread.start() for thread in threads]
started = True
[thread.join() for thread in threads]
"""
    seen = run(tmp_path, database_url, code, DATABASE_TIMEOUT_SECONDS="30")
    assert max(map(int, seen.split())) == 8  # what a pool opens at most


def run(folder: Path, database_url: str, code: str, **settings: str) -> str:
    """What a program of its own prints."""
    environment = servers.environment(folder, 0, DATABASE_URL=database_url, **settings)
    process = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, check=True, text=True
    )
    return process.stdout
