"""The schedule: it fires by itself, and goes on whatever becomes of a job."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from common.settings import CronSettings
from tests import servers
from tests.cron import schedule


def test_a_job_that_fails_fires_again_and_each_firing_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "cron.out"
    state = tmp_path / "fetched" / "state.json"
    state.parent.mkdir()
    state.write_text("{")
    with servers.function("get_logs", tmp_path) as function, schedule.running(tmp_path, function.port) as process:
        servers.wait_for_line(out, "status=failed")
        state.unlink()
        servers.wait_for_line(out, "status=ok")
        function.process.terminate()
        servers.wait_for_line(out, "ConnectionRefusedError")
        assert process.poll() is None
    said = out.read_text().splitlines()
    assert "-: fetch_logs: INFO: job scheduled: first=" in said[0]
    assert all(": fetch_logs: " in line and ": job finished: status=" in line for line in said[1:])
    assert "fetch_logs: " not in (tmp_path / "app.log").read_text()  # the schedule logs to stdout only


@pytest.mark.parametrize("expression", ["61 * * * *", "0 0 30 2 *"])
def test_a_bad_schedule_is_named_and_stops_the_start(tmp_path: Path, expression: str) -> None:
    process = schedule.fire(tmp_path, 1, LOG_FETCH_CRON=expression)
    assert process.returncode == 2
    assert "LOG_FETCH_CRON: " in process.stderr


WOKEN = """
import os, signal, time
from cron import __main__ as cron
sleep, sleeps = time.sleep, []
def counted(seconds):
    sleeps.append(seconds)
    if len(sleeps) == 3:
        os.kill(os.getpid(), signal.SIGTERM)
    assert 0 < seconds <= 1
    sleep(seconds)
time.sleep = counted
cron.main()
"""


def test_it_wakes_each_second_and_does_not_fire_early(tmp_path: Path) -> None:
    settings = schedule.environment(tmp_path, 1, LOG_FETCH_CRON="0 0 29 2 *")
    command = [sys.executable, "-c", WOKEN]
    process = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)  # noqa: S603  # our own code
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("\n") == 1
    assert "job scheduled" in process.stdout


def test_its_token_is_cron_token_or_the_first_of_api_tokens(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path, API_TOKENS="first,second") as function:
        assert schedule.fire(tmp_path, function.port, API_TOKENS="first,third").returncode == 0
        settings = {"API_TOKENS": "third", "CRON_TOKEN": "second"}
        assert schedule.fire(tmp_path, function.port, **settings).returncode == 0
        assert schedule.fire(tmp_path, function.port, API_TOKENS="").returncode == 1
        secret = tmp_path / "secrets" / "CRON_TOKEN"
        secret.parent.mkdir()
        secret.write_text("second\n")
        from_a_file = {"API_TOKENS": "", "SECRETS_DIR": str(secret.parent)}
        assert schedule.fire(tmp_path, function.port, **from_a_file).returncode == 0


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:port", "http://a b", "http://user:secret@host"])
def test_a_bad_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be like http://host:port") as refused:
        CronSettings(cron_base_url=url)
    assert "secret" not in str(refused.value)
