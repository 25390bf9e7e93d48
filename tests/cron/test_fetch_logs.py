"""The log fetch: each line once, whatever rotates, dies or answers nonsense meanwhile."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import servers
from tests.cron import schedule

WRITER = """
import sys
from pathlib import Path
from common.observe.log.file import LogFile
writer, line = int(sys.argv[1]), sys.argv[2]
log = LogFile(Path("app.log"), max_bytes=16384, backups=100)
for part in range(5):
    sys.stdin.readline()
    for number in range(300 * part, 300 * part + 300):
        log.append(line.format(writer, number).encode())
"""
DYING = """
import itertools, json, os, resource, signal, sys
from pathlib import Path
from cron import __main__ as cron
signum = signal.Signals[sys.argv[1]]
EVENTS = {"open", "os.rename", "os.remove", "os.truncate", "http.client.connect", "http.client.send"}
def signalled_at(moment, folder):
    moments = itertools.count(1)
    def hook(event, args):
        is_moment = event in EVENTS and (event.startswith("http") or folder in str(args[0]))
        if is_moment and next(moments) == moment:
            os.kill(os.getpid(), signum)
    return hook
def fetch(moment, folder):
    child = os.fork()
    if not child:
        os.environ["LOG_FETCH_PATH"] = folder
        sys.argv = ["cron", "--now"]
        sys.addaudithook(signalled_at(moment, folder))
        os._exit(cron.main())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
def lengths(folder):
    state = Path(folder, "state.json")
    return json.loads(state.read_text())["lengths"] if state.exists() else {}
codes = []
for moment in itertools.count(1):
    folder = f"fetched-{moment}"
    codes.append(fetch(moment, folder))
    assert signum == signal.SIGKILL or lengths(folder) == {}
    if not codes[-1]:
        break
    fetch(moment, folder)  # the recovery is interrupted, too
    assert fetch(0, folder) == 0
print(json.dumps(codes))
"""
CUT = """
import resource, signal, sys
from cron import __main__ as cron
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if sys.argv[1] == "killed" else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
sys.argv = ["cron", "--now"]
sys.exit(cron.main())
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
    own = servers.wait_for_line(tmp_path / "app.log", ": get_logs: INFO: request finished: ").splitlines()[-1]
    schedule.write(tmp_path, ["2025-10-31 00:00:01,000: d\n"])
    process = schedule.fire(tmp_path, get_logs.port)
    assert process.returncode == 0
    assert process.stdout.endswith(": lines=2\n")  # the other one is that of the first fetch
    folder = tmp_path / "fetched"
    assert (folder / "2025-10-30.log").read_text() == first[0] + first[2] + first[3]
    assert (folder / "2025-10-31.log").read_text() == first[1] + "2025-10-31 00:00:01,000: d\n"
    assert (folder / f"{own[:10]}.log").read_text() == own + "\n"


def test_lines_of_eight_writers_are_fetched_once_while_the_log_rotates(
    tmp_path: Path, get_logs: servers.Function
) -> None:
    command = [sys.executable, "-c", WRITER]
    environment = servers.environment(tmp_path, 0)
    pipe = subprocess.PIPE
    with schedule.running(tmp_path, get_logs.port):
        writers = [
            subprocess.Popen(  # noqa: S603  # our own code
                [*command, str(writer), schedule.LINE], cwd=tmp_path, env=environment, stdin=pipe, text=True
            )
            for writer in range(8)
        ]
        for _ in range(5):
            for writer in writers:
                assert writer.stdin
                writer.stdin.write("\n")
                writer.stdin.flush()
            assert schedule.fire(tmp_path, get_logs.port).returncode == 0  # beside the schedule, while they write
        for writer in writers:
            writer.communicate()
            assert writer.returncode == 0
        servers.wait_for_line(tmp_path / "cron.out", "status=ok")
        assert schedule.fire(tmp_path, get_logs.port).returncode == 0
    everything = [line for writer in range(8) for line in schedule.lines(writer, 1500)]
    assert sorted(schedule.fetched(tmp_path)) == sorted(everything)
    assert (tmp_path / "app.log.40").exists()
    assert "lost" not in (tmp_path / "cron.out").read_text()


def two_days(count: int) -> list[str]:
    """Lines of two days; the second begins within the second page."""
    lines = schedule.lines(0, count)
    return [line if number < 1500 else line.replace("2026-11-23", "2026-11-24") for number, line in enumerate(lines)]


def run(folder: Path, code: str, *arguments: str, port: int, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program that calls the schedule's own main function."""
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=schedule.environment(folder, port, **settings),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("signal_name", "code"), [("SIGKILL", -signal.SIGKILL), ("SIGTERM", 128 + signal.SIGTERM), ("SIGALRM", 1)]
)
def test_a_signal_at_any_moment_costs_no_line(
    tmp_path: Path, get_logs: servers.Function, signal_name: str, code: int
) -> None:
    everything = two_days(2500)
    schedule.write(tmp_path, everything)
    process = run(tmp_path, DYING, signal_name, port=get_logs.port)
    assert process.returncode == 0, process.stderr
    codes = json.loads(process.stdout.splitlines()[-1])
    assert codes[:-1] == [code] * (len(codes) - 1)
    assert len(codes) > 30  # three pages of up to two files, each with its state before and after
    for moment in range(1, len(codes) + 1):
        assert schedule.fetched(tmp_path, f"fetched-{moment}") == everything


def test_only_the_files_of_the_newest_days_are_kept(tmp_path: Path, get_logs: servers.Function) -> None:
    for day in ("2025-10-30", "2025-11-01", "2025-10-31"):
        schedule.write(tmp_path, [f"{day} 00:00:00,000: a\n"])
    assert schedule.fire(tmp_path, get_logs.port, LOG_FETCH_DAYS="3").returncode == 0
    folder = tmp_path / "fetched"
    assert len(list(folder.glob("*.log"))) == 3
    (folder / "notes.log").touch()
    servers.wait_for_line(tmp_path / "app.log", ": get_logs: ")
    assert schedule.fire(tmp_path, get_logs.port, LOG_FETCH_DAYS="2").returncode == 0
    assert sorted(path.name for path in folder.glob("2025*")) == ["2025-11-01.log"]  # and that of today
    assert (folder / "notes.log").exists()


DELETING = """
import os, signal, sys
from cron import __main__ as cron
sys.addaudithook(lambda event, args: event == "os.remove" and os.kill(os.getpid(), signal.SIGKILL))
sys.argv = ["cron", "--now"]
cron.main()
"""


def test_a_file_is_deleted_after_its_lines_are_counted(tmp_path: Path, get_logs: servers.Function) -> None:
    everything = two_days(1600)
    schedule.write(tmp_path, everything)
    process = run(tmp_path, DELETING, port=get_logs.port, LOG_FETCH_DAYS="1")
    assert process.returncode == -signal.SIGKILL
    assert schedule.state(tmp_path)["lengths"] == {}
    assert schedule.fetched(tmp_path) == everything
    assert schedule.fire(tmp_path, get_logs.port, LOG_FETCH_DAYS="1").returncode == 0
    assert not (tmp_path / "fetched" / "2026-11-23.log").exists()
    assert schedule.state(tmp_path)["lengths"] == {}


@pytest.mark.parametrize("how", ["killed", "full"])
@pytest.mark.parametrize("max_bytes", ["1", "50", "10000", "100000"])
def test_a_write_that_is_cut_short_costs_no_line(
    tmp_path: Path, get_logs: servers.Function, how: str, max_bytes: str
) -> None:
    everything = two_days(2500)
    schedule.write(tmp_path, everything)
    process = run(tmp_path, CUT, how, max_bytes, port=get_logs.port)
    assert process.returncode == (-signal.SIGXFSZ if how == "killed" else 1)
    assert schedule.fire(tmp_path, get_logs.port).returncode == 0
    assert schedule.fetched(tmp_path) == everything


def test_lines_that_may_be_lost_are_reported(tmp_path: Path) -> None:
    with servers.function("get_logs", tmp_path) as function:
        schedule.write(tmp_path, schedule.lines(0, 3))
        assert "lost" not in schedule.fire(tmp_path, function.port).stdout
        servers.wait_for_line(tmp_path / "app.log", ": get_logs: ")
        (tmp_path / "app.log").unlink()
        schedule.write(tmp_path, schedule.lines(1, 3))
        assert "lines=3 (lines before them may be lost" in schedule.fire(tmp_path, function.port).stdout
    assert schedule.fetched(tmp_path) == schedule.lines(0, 3) + schedule.lines(1, 3)


def test_an_unreadable_log_changes_no_cursor(tmp_path: Path) -> None:
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
def answering(answer: bytes | None, asked: threading.Event | None = None) -> Iterator[int]:
    """A server that gives this answer only or, with None, never answers. It sets `asked` at each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    if asked:
                        asked.set()
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


def test_a_refused_token_is_reported(tmp_path: Path, get_logs: servers.Function) -> None:
    process = schedule.fire(tmp_path, get_logs.port, CRON_TOKEN="wrong")  # noqa: S106  # indeed
    assert process.returncode == 1
    assert process.stdout.endswith("since=oldest: 401 unauthorized\n")


def test_a_state_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "state.json").write_text("{")
    process = schedule.fire(tmp_path, 1)
    assert process.returncode == 1
    assert "state.json cannot be read" in process.stdout


def test_a_fetch_that_hangs_ends_at_sigterm(tmp_path: Path) -> None:
    asked = threading.Event()
    with answering(None, asked) as port, schedule.running(tmp_path, port) as process:
        assert asked.wait(60)
        process.terminate()
        assert process.wait(60) == 0
    assert "job finished" not in (tmp_path / "cron.out").read_text()  # it did not time out
