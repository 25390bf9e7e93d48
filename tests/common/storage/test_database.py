"""The database: restarted, killed, gone for a while."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import pictures, servers
from tests.conftest import database_server


def upload(client: httpx.Client) -> httpx.Response:
    return client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))})


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


def test_threads_that_are_the_first_to_ask_share_one_pool(tmp_path: Path, database_url: str) -> None:
    code = """
import sys, threading, time
from common.storage.database import connection
sys.setswitchinterval(1e-6)
def first():
    while not started:
        pass
    with connection() as lent:
        time.sleep(0.5)
        (seen,) = lent.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'image-api'").fetchone()
        print(seen, flush=True)
started = False
threads = [threading.Thread(target=first) for _ in range(16)]
[thread.start() for thread in threads]
started = True
[thread.join() for thread in threads]
"""
    environment = servers.environment(tmp_path, 0, DATABASE_URL=database_url, DATABASE_TIMEOUT_SECONDS="30")
    process = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True, text=True
    )
    assert max(map(int, process.stdout.split())) == 8  # what a pool opens at most
