"""GET /health."""

from pathlib import Path

import httpx
import psycopg

from tests import servers


def test_health_answers_ok_to_anybody(health: httpx.Client) -> None:
    response = httpx.get(health.base_url.join("/health"))
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_health_answers_without_any_setting_or_database(folder: Path) -> None:
    with servers.function("health", folder, API_TOKENS="", DATABASE_URL="postgresql://127.0.0.1:1/none") as alone:
        assert alone.client.get("/health").status_code == 200


def test_a_probe_leaves_no_line_in_the_log(health: httpx.Client, folder: Path) -> None:
    health.get("/health", headers={"X-Request-Id": "a-quiet-probe"})
    health.post("/health", headers={"X-Request-Id": "a-wrong-method"})
    log = servers.wait_for_line(folder / "app.log", "a-wrong-method")
    assert "a-quiet-probe" not in log


def test_health_answers_while_the_database_is_busy(health: httpx.Client, database: psycopg.Connection) -> None:
    with database.transaction():
        database.execute("LOCK TABLE images IN ACCESS EXCLUSIVE MODE")
        assert health.get("/health").status_code == 200
