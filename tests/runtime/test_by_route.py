"""Several functions as one deployable, started as a host starts it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from api.endpoints import named
from tests import pictures, servers
from tests.problems import assert_problem

TOKENS = (servers.TOKEN, "another", "a-third")
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'by_route'"


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[servers.Function]:
    """Every function in one process."""
    settings = {"DATABASE_URL": database_url, "API_TOKENS": ",".join(TOKENS)}
    with servers.together(tmp_path_factory.mktemp("together"), **settings) as started:
        yield started


def upload(function: servers.Function, token: str = servers.TOKEN) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return function.client.post("/images", files={"file": pictures.plain("PNG", (30, 20))}, headers=headers)


def test_every_route_is_answered_by_its_function(function: servers.Function) -> None:
    stored = upload(function)
    assert stored.status_code == 201
    assert function.client.get(stored.headers["Location"]).headers["Content-Type"] == "image/jpeg"
    assert function.client.get("/health").json() == {"status": "ok"}
    assert ": /images: upload_image: INFO: upload finished: " in function.output()


def test_an_unknown_method_is_405_and_an_unknown_path_404(function: servers.Function) -> None:
    response = function.client.request("BREW", "/logs")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert_problem(function.client.get("/nothing"), 404, "not_found")


def test_uploads_leave_the_threads_of_reads_alone(
    function: servers.Function, database_url: str, database: psycopg.Connection
) -> None:
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url) as locking:
        locking.execute("LOCK TABLE images IN ACCESS EXCLUSIVE MODE")
        threads = named("upload_image").threads  # a token may hold half of them
        waiting = [pool.submit(upload, function, TOKENS[number % 2]) for number in range(threads)]
        deadline = time.monotonic() + 10
        while database.execute(BLOCKED).fetchone() != (len(waiting),):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert_problem(upload(function, TOKENS[2]), 503, "overloaded")
        assert function.client.get("/health").status_code == 200
        assert function.client.get("/logs").status_code == 200
        locking.rollback()
        assert [each.result().status_code for each in waiting] == [201] * len(waiting)


@pytest.mark.parametrize("functions", ["", "upload_image:nothing", "upload_image,get_image"])
def test_an_unknown_function_stops_the_start(tmp_path: Path, functions: str) -> None:
    settings = {"FUNCTION_SOURCE": str(servers.ROOT / "runtime/by_route.py"), "FUNCTION_TARGET": "by_route"}
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", *servers.GUNICORN],
        env=servers.environment(tmp_path, 0, FUNCTIONS=functions, **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "FUNCTIONS: must be names of functions" in done.stdout + done.stderr
