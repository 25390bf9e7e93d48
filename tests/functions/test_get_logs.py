"""GET /logs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import servers


@pytest.fixture(params=["file", "database"])
def fresh(
    request: pytest.FixtureRequest, tmp_path: Path, database: psycopg.Connection, database_url: str
) -> Iterator[servers.Function]:
    """The function with an empty log that keeps about a hundred lines, in either store."""
    database.execute("TRUNCATE logs")
    small = {"LOG_MAX_BYTES": "2048", "LOG_BACKUPS": "6", "LOG_MAX_ROWS": "100"}
    with servers.function("get_logs", tmp_path, LOG_STORE=request.param, DATABASE_URL=database_url, **small) as started:
        started.client.headers["X-Request-Id"] = "0"
        yield started


def call(function: servers.Function, number: int) -> None:
    """Leave a line in the log, which ends with the number."""
    function.client.head("/logs?limit=1", headers={"X-Request-Id": str(number)})


def numbers(response: httpx.Response) -> list[int]:
    return [int(line.rpartition("=")[2]) for line in response.text.splitlines()]


def read_to(function: servers.Function, last: int, url: str) -> tuple[list[int], str]:
    """Follow the links from `url` on until a line with this number; return all numbers and the last link."""
    read: list[int] = []
    while last not in read:
        response = function.client.get(url)
        read += numbers(response)
        url = response.links["next"]["url"]
    return [number for number in read if number], url


def test_the_newest_lines_come_last(get_logs: httpx.Client, folder: Path) -> None:
    for number in range(3):
        get_logs.get("/logs", headers={"X-Request-Id": f"in-order-{number}"})
    servers.wait_for_line(folder / "app.log", "in-order-2")
    response = get_logs.get("/logs", params={"limit": 3})
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.text.splitlines()
    assert [line.rpartition("=")[2] for line in lines] == ["in-order-0", "in-order-1", "in-order-2"]


def test_two_hundred_lines_are_the_default(get_logs: httpx.Client, folder: Path) -> None:
    for number in range(210):
        get_logs.head("/logs", headers={"X-Request-Id": f"many-{number}"})
    servers.wait_for_line(folder / "app.log", "many-209")
    for query in ("", "?limit="):
        assert len(get_logs.get(f"/logs{query}").text.splitlines()) == 200


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "ten", "1.5", "1e3", "٣", "9" * 40, "1&limit=2"])
def test_a_limit_that_is_none_is_named(get_logs: httpx.Client, limit: str) -> None:
    response = get_logs.get(f"/logs?limit={limit}")
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"
    assert [error["field"] for error in response.json()["errors"]] == ["limit"]


def test_before_the_first_line_the_log_is_empty(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path) as fresh:
        assert fresh.client.get("/logs").text == ""


def test_the_last_lines_are_shown_across_rotated_files(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path, LOG_MAX_BYTES="1024", LOG_BACKUPS="9") as rotating:
        for number in range(30):
            rotating.client.get("/logs?limit=1", headers={"X-Request-Id": f"line-{number:02}"})
        servers.wait_for_line(tmp_path / "app.log", "line-29")
        lines = rotating.client.get("/logs?limit=30").text.splitlines()
        assert [line[-7:] for line in lines] == [f"line-{number:02}" for number in range(30)]
        assert (tmp_path / "app.log.2").exists()


def test_pages_from_the_oldest_line_on_hold_each_line_once(fresh: servers.Function) -> None:
    for number in range(1, 61):
        call(fresh, number)
    read, url = read_to(fresh, 60, "/logs?limit=7&since=oldest")
    assert read == list(range(1, 61))
    call(fresh, 61)
    assert read_to(fresh, 61, url)[0] == [61]


def test_the_newest_lines_come_with_a_link_to_what_follows_them(fresh: servers.Function) -> None:
    first = fresh.client.get("/logs")
    assert first.text == ""
    assert first.links["next"]["url"] == "/logs?limit=200&since=oldest"
    call(fresh, 1)
    _, url = read_to(fresh, 1, "/logs?limit=1")
    call(fresh, 2)
    assert read_to(fresh, 2, url)[0] == [2]


def test_a_page_tells_that_lines_before_it_are_gone(fresh: servers.Function) -> None:
    call(fresh, 1)
    _, lost = read_to(fresh, 1, "/logs?since=oldest")
    for number in range(2, 402):
        call(fresh, number)
    read_to(fresh, 401, "/logs")
    response = fresh.client.get(lost)
    assert response.headers["Log-Gap"] == "true"
    assert 2 < numbers(response)[0] < 401
    for without in (response.links["next"]["url"], "/logs?since=oldest", "/logs"):
        assert "Log-Gap" not in fresh.client.get(without).headers


def test_a_cursor_of_the_other_store_or_of_a_log_made_anew_is_a_gap_and_no_error(fresh: servers.Function) -> None:
    call(fresh, 1)
    read_to(fresh, 1, "/logs?since=oldest")
    response = fresh.client.get("/logs?since=1-0123456789abcdef&limit=1")
    assert response.headers["Log-Gap"] == "true"
    assert numbers(response) == [1]
    assert fresh.client.get("/logs?since=" + 15 * "f" + "-0123456789abcdef").headers["Log-Gap"] == "true"


@pytest.mark.parametrize(
    "since", ["x", "oldest ", "1", "-1-0123456789abcdef", "1-0123456789ABCDEF", "٣", "oldest&since="]
)
def test_a_cursor_that_can_be_none_is_named(get_logs: httpx.Client, since: str) -> None:
    response = get_logs.get(f"/logs?limit=0&since={since}")
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"
    assert [error["field"] for error in response.json()["errors"]] == ["limit", "since"]


def test_a_log_in_a_database_that_is_away_is_a_503(tmp_path: Path) -> None:
    nowhere = f"postgresql://user@127.0.0.1:{servers.free_port()}/db"
    away = {"LOG_STORE": "database", "DATABASE_URL": nowhere, "DATABASE_TIMEOUT_SECONDS": "0.5"}
    with servers.function("get_logs", tmp_path, **away) as function:
        response = function.client.get("/logs?since=oldest")
        assert response.status_code == 503
        assert response.json()["code"] == "storage_unavailable"
        assert response.headers["Retry-After"]
