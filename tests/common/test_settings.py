"""Settings: a bad one stops the start and is named."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests import servers

BAD = {
    "DEFAULT_QUALITY": "96",
    "CLIENT_MAX_SIZE_MB": "many",
    "MAX_PIXELS": "-1",
    "LOG_BACKUPS": "0",
    "API_TOKENS": "good,not a token\x7f",
    "DATABASE_URL": "mysql://secret@host/db",
}


def start(folder: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    target = {"FUNCTION_TARGET": "upload_image", "FUNCTION_SOURCE": str(servers.ROOT / "functions/upload_image.py")}
    environment = servers.environment(folder, servers.free_port(), **target, **settings)
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(  # noqa: S603  # our own command
        arguments, env=environment, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("command", [servers.GUNICORN, servers.FUNCTIONS_FRAMEWORK])
def test_every_bad_setting_is_named_and_stops_the_start(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = start(tmp_path, *command, **BAD)
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert all(name in said for name in BAD)
    assert "secret" not in said
    assert "not a token" not in said


def test_a_bad_setting_that_a_function_does_not_use_does_not_stop_it(tmp_path: Path) -> None:
    others = {"CRON_TOKEN": "not a token\x7f", "APP_PORT": "70000", "MAX_PIXELS": "-1", "LOG_FETCH_CRON": "never"}
    with servers.function("get_logs", tmp_path, **others) as function:
        assert status(function, servers.TOKEN) == 200


def test_a_setting_comes_from_the_environment_before_the_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_TOKENS=from-dotenv\nLOG_PATH=ignored.log\n")
    with servers.function("get_logs", tmp_path, API_TOKENS="from-environment") as function:
        assert status(function, "from-environment") == 200
        assert status(function, "from-dotenv") == 401
    with servers.function("get_logs", tmp_path, API_TOKENS="") as function:
        assert status(function, "from-dotenv") == 200


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "API_TOKENS").write_text("from-a-file,and-another\n")
    with servers.function("get_logs", tmp_path, API_TOKENS="", SECRETS_DIR=str(secrets)) as function:
        assert status(function, "from-a-file") == 200
        assert status(function, "and-another") == 200


def status(function: servers.Function, token: str) -> int:
    response: httpx.Response = function.client.get("/logs", headers={"Authorization": f"Bearer {token}"})
    return response.status_code
