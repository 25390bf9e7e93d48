"""Each function starts alone, by the plain functions-framework command and by gunicorn with our settings."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.endpoints import ENDPOINTS, Endpoint
from tests import servers


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("command", [servers.GUNICORN, servers.FUNCTIONS_FRAMEWORK])
def test_the_function_starts_alone_and_stops_cleanly(
    tmp_path: Path, database_url: str, endpoint: Endpoint, command: tuple[str, ...]
) -> None:
    with servers.function(endpoint.name, tmp_path, command, DATABASE_URL=database_url) as function:
        servers.assert_it_answers(endpoint, function.client)
    assert function.process.returncode == 0
    assert "Traceback" not in function.output()


@pytest.mark.parametrize("name", ["health", "index"])
def test_a_function_that_needs_no_settings_does_not_import_them(tmp_path: Path, name: str) -> None:
    source = servers.ROOT / "functions" / f"{name}.py"
    probe = (
        "import sys, functions_framework\n"
        f"functions_framework.create_app({name!r}, {str(source)!r})\n"
        "print(sorted({'pydantic', 'psycopg', 'PIL', 'multipart'} & set(sys.modules)))\n"
    )
    assert servers.python(tmp_path, probe) == "[]\n"


@pytest.mark.parametrize("value", ["0", "x", "-1"])
def test_a_bad_number_of_workers_ends_the_start_and_is_named(tmp_path: Path, value: str) -> None:
    done = subprocess.run(  # our own command
        [sys.executable, "-c", "from runtime import gunicorn"],
        env=servers.environment(tmp_path, 0, WORKERS=value),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "WORKERS: must be a whole number from 1 to 9999\n"


def test_a_worker_told_to_stop_before_it_listens_to_signals_stops(tmp_path: Path) -> None:
    probe = """
import os, signal, time
from runtime import gunicorn

pid = os.fork()
if not pid:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    gunicorn.post_worker_init(None)
    time.sleep(5)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    assert servers.python(tmp_path, probe) == "7 set()\n"
