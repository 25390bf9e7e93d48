"""The schedule: it fires by itself, and goes on whatever becomes of a job."""

import time
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
    assert "fetch_logs: " not in (tmp_path / "app.log").read_text()  # the schedule logs to stdout alone


@pytest.mark.parametrize("expression", ["61 * * * *", "0 0 30 2 *"])
def test_a_schedule_that_is_none_is_named_and_stops_the_start(tmp_path: Path, expression: str) -> None:
    process = schedule.fire(tmp_path, 1, LOG_FETCH_CRON=expression)
    assert process.returncode == 2
    assert "LOG_FETCH_CRON: " in process.stderr


def test_it_wakes_to_see_what_is_due_and_does_not_fire_before(tmp_path: Path) -> None:
    with schedule.running(tmp_path, 1, LOG_FETCH_CRON="0 0 1 1 *") as process:
        time.sleep(2)
        process.terminate()
        assert process.wait(5) == 0
    assert (tmp_path / "cron.out").read_text().count("\n") == 1


def test_its_token_is_its_own_or_from_a_file_or_the_first_of_the_api(tmp_path: Path) -> None:
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
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be like http://host:port") as refused:
        CronSettings(cron_base_url=url)
    assert "secret" not in str(refused.value)
