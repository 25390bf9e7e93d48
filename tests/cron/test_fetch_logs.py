"""The log fetch: each line once, whatever rotates, dies or answers nonsense meanwhile."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import servers
from tests.cron import schedule

WRITER = """
import sys, time
from pathlib import Path
from common.observe.log.file import LogFile
writer, line = int(sys.argv[1]), sys.argv[2]
log = LogFile(Path("app.log"), max_bytes=16384, backups=100)
for number in range(1500):
    log.append(line.format(writer, number).encode())
    time.sleep(0.001)
"""
KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from cron import __main__ as cron
signum = signal.Signals[sys.argv[1]]
state = Path("fetched/state.json")
for number in range(40):
    child = os.fork()
    if not child:
        os._exit(0 if all(job.fire() for job in cron.JOBS) else 1)
    time.sleep(random.Random(number).uniform(0, 0.1))
    os.kill(child, signum)
    _, status = os.waitpid(child, 0)
    print("killed" if status == signum else "done", flush=True)
    assert signum == signal.SIGKILL or not state.exists() or json.loads(state.read_text())["lengths"] == {}
"""


@pytest.fixture
def get_logs(tmp_path: Path) -> Iterator[servers.Function]:
    """The function whose log lies beside it, in files enough for all that a test writes."""
    with servers.function("get_logs", tmp_path, LOG_MAX_BYTES="16384", LOG_BACKUPS="100") as started:
        yield started


def test_new_lines_are_appended_once_to_the_file_of_their_day(tmp_path: Path, get_logs: servers.Function) -> None:
    first = ["2025-10-30 23:59:59,999: a\n", "2025-10-31 00:00:00,000: b\n", "2025-10-30 23:59:59,999: c\n", "torn\n"]
    schedule.write(tmp_path, first)
    assert "INFO: job finished: status=ok ms=" in schedule.fire(tmp_path, get_logs.port).stdout
    schedule.write(tmp_path, ["2025-10-31 00:00:01,000: d\n"])
    process = schedule.fire(tmp_path, get_logs.port)
    assert process.returncode == 0
    assert process.stdout.endswith(": lines=2\n")  # the other one is that of the first fetch
    folder = tmp_path / "fetched"
    assert (folder / "2025-10-30.log").read_text() == first[0] + first[2] + first[3]
    assert (folder / "2025-10-31.log").read_text() == first[1] + "2025-10-31 00:00:01,000: d\n"
    assert ": get_logs: INFO: request finished: " in (folder / f"{time.strftime('%F', time.gmtime())}.log").read_text()


def test_each_line_of_eight_writers_is_fetched_once_while_the_log_rotates(
    tmp_path: Path, get_logs: servers.Function
) -> None:
    command = [sys.executable, "-c", WRITER]
    environment = servers.environment(tmp_path, 0)
    with schedule.running(tmp_path, get_logs.port):
        writers = [
            subprocess.Popen([*command, str(writer), schedule.LINE], cwd=tmp_path, env=environment)  # noqa: S603  # our own
            for writer in range(8)
        ]
        while any(writer.poll() is None for writer in writers):
            assert schedule.fire(tmp_path, get_logs.port).returncode == 0  # beside the schedule
        assert schedule.fire(tmp_path, get_logs.port).returncode == 0
    everything = [line for writer in range(8) for line in schedule.lines(writer, 1500)]
    assert sorted(schedule.fetched(tmp_path)) == sorted(everything)
    assert (tmp_path / "cron.out").read_text().count("status=ok") > 1
    assert (tmp_path / "app.log.40").exists()
    assert "lost" not in (tmp_path / "cron.out").read_text()


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_fetch_that_is_killed_at_any_moment_neither_loses_nor_doubles_a_line(
    tmp_path: Path, get_logs: servers.Function, how: str
) -> None:
    everything = schedule.lines(0, 40_000)
    schedule.write(tmp_path, everything)
    process = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", KILLED, how],
        cwd=tmp_path,
        env=schedule.environment(tmp_path, get_logs.port),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.count("killed\n") > 10
    assert schedule.fire(tmp_path, get_logs.port).returncode == 0
    assert schedule.fetched(tmp_path) == everything


def test_what_was_rotated_out_before_it_was_fetched_is_said(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path) as function:
        schedule.write(tmp_path, schedule.lines(0, 3))
        assert "lost" not in schedule.fire(tmp_path, function.port).stdout
        (tmp_path / "app.log").unlink()
        schedule.write(tmp_path, schedule.lines(1, 3))
        assert "lines=3 (lines before them may be lost" in schedule.fire(tmp_path, function.port).stdout
    assert schedule.fetched(tmp_path) == schedule.lines(0, 3) + schedule.lines(1, 3)


def test_while_the_log_cannot_be_read_nothing_is_forgotten(tmp_path: Path) -> None:
    schedule.write(tmp_path, schedule.lines(0, 3))
    for path in (tmp_path / "app.log", Path("/proc/none/app.log"), tmp_path / "app.log"):
        with servers.function("get_logs", tmp_path, LOG_PATH=str(path)) as function:
            fired = schedule.fire(tmp_path, function.port)
            assert "status=ok" in fired.stdout
            assert "lost" not in fired.stdout
    schedule.write(tmp_path, schedule.lines(1, 3))
    with servers.function("get_logs", tmp_path) as function:
        assert "lost" not in schedule.fire(tmp_path, function.port).stdout
    assert schedule.fetched(tmp_path) == schedule.lines(0, 3) + schedule.lines(1, 3)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "fetched").glob("*.log")} == {0o640}


ANSWERS = {
    "an error page": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "nothing": b"",
    "half a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\n2025-10-30 ",
    "no link": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\na\n",
    "a torn line": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    b'Link: </logs?since=1-2>; rel="next"\r\nContent-Length: 3\r\n\r\na\nb',
    "another type": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    b'Link: </logs?since=1-2>; rel="next"\r\nContent-Length: 2\r\n\r\na\n',
}


@contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """A server that knows this answer only, or, with None, keeps its caller waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    if answer is None:
                        caller.recv(65536)
                    else:
                        caller.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_not_a_page_is_logged_and_changes_nothing(tmp_path: Path, name: str) -> None:
    with answering(ANSWERS[name]) as port:
        process = schedule.fire(tmp_path, port, CRON_TOKEN="secret-token")  # noqa: S106  # of this test alone
    assert process.returncode == 1
    assert ": fetch_logs: ERROR: job finished: status=failed ms=" in process.stdout
    assert "Traceback" not in process.stdout
    assert "secret-token" not in process.stdout + process.stderr
    assert list((tmp_path / "fetched").iterdir()) == []


def test_a_token_that_is_refused_is_said(tmp_path: Path, get_logs: servers.Function) -> None:
    process = schedule.fire(tmp_path, get_logs.port, CRON_TOKEN="wrong")  # noqa: S106  # indeed
    assert process.returncode == 1
    assert process.stdout.endswith("since=oldest: 401 unauthorized\n")


def test_a_state_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "state.json").write_text("{")
    process = schedule.fire(tmp_path, 1)
    assert process.returncode == 1
    assert "state.json cannot be read" in process.stdout


def test_a_fetch_that_hangs_is_ended_at_once_when_that_is_wished_for(tmp_path: Path) -> None:
    with answering(None) as port, schedule.running(tmp_path, port) as process:
        time.sleep(2)
        began = time.monotonic()
        process.terminate()
        assert process.wait(5) == 0
        assert time.monotonic() - began < 1
