"""GET /logs."""

from pathlib import Path

import httpx
import pytest

from tests import servers


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
