"""The log file: many processes write and rotate it, and its last lines are read meanwhile."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from common.log_file import LogFile

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(rb"writer=(\d+) line=(\d+) of many, and long enough to be torn\n")
NAME = re.compile(r"app\.log(\.\d+)?")

WRITER = """
import os, sys
from pathlib import Path
from common.log_file import LogFile
writer, lines, max_bytes = map(int, sys.argv[1:])
log = LogFile(Path("app.log"), max_bytes=max_bytes, backups=1000)
for line in range(lines):
    log.append(f"writer={writer} line={line} of many, and long enough to be torn\\n".encode())
    os.write(1, b"%d %d\\n" % (writer, line))
"""


def python(folder: Path, code: str, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=env, **options)  # type: ignore[call-overload,no-any-return]  # noqa: S603


@contextmanager
def ending(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Leave no process behind, however the test ends."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def log_of(folder: Path, *, max_bytes: int = 1_000_000, backups: int = 1000) -> LogFile:
    return LogFile(folder / "app.log", max_bytes=max_bytes, backups=backups)


def written(folder: Path) -> list[tuple[int, int]]:
    """Every line of every file of the log, as (writer, line); a torn one fails."""
    content = [path.read_bytes() for path in folder.iterdir() if NAME.fullmatch(path.name)]
    lines = b"".join(content).splitlines(keepends=True)
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return [(int(match[1]), int(match[2])) for match in map(LINE.fullmatch, lines) if match]


def numbered(numbers: range) -> bytes:
    return b"".join(b"%d\n" % number for number in numbers)


def fill(log: LogFile, numbers: range) -> None:
    for number in numbers:
        log.append(b"%d\n" % number)


def test_the_folder_is_made_and_made_again(tmp_path: Path) -> None:
    log = log_of(tmp_path / "a" / "b")
    log.append(b"one\n")
    (tmp_path / "a" / "b" / "app.log").unlink()
    log.append(b"two\n")
    (tmp_path / "a" / "b" / "app.log").unlink()
    (tmp_path / "a" / "b").rmdir()
    log.append(b"three\n")
    assert log.tail(9) == b"three\n"


def test_files_stay_within_their_size_and_their_number(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20, backups=3)
    fill(log, range(100, 200))
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"app.log": 20, "app.log.1": 20, "app.log.2": 20, "app.log.3": 20}
    assert log.tail(100) == numbered(range(180, 200))


def test_a_line_longer_than_a_file_may_be_is_written_whole(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20)
    for line in (b"short\n", b"x" * 50 + b"\n", b"after\n"):
        log.append(line)
    assert log.tail(9) == b"short\n" + b"x" * 50 + b"\nafter\n"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("max_bytes", [16_384, 1_048_576])
def test_eight_processes_at_full_speed_lose_tear_and_repeat_no_line(tmp_path: Path, max_bytes: int) -> None:
    with (tmp_path / "acknowledged").open("wb") as out:
        processes = [python(tmp_path, WRITER, writer, 2000, max_bytes, stdout=out) for writer in range(8)]
    with ending(processes):
        seen = [follow(tmp_path, 200) for _ in until_ended(processes)]
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(written(tmp_path)) == [(writer, line) for writer in range(8) for line in range(2000)]
    assert max(path.stat().st_size for path in tmp_path.iterdir() if NAME.fullmatch(path.name)) <= max_bytes
    assert max(seen) == 200


def until_ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    while any(process.poll() is None for process in processes):
        yield


def follow(folder: Path, limit: int) -> int:
    """Read the end of the log: of each writer it holds a gapless run. Return how many lines there were."""
    lines = log_of(folder).tail(limit).splitlines(keepends=True)
    runs: dict[int, list[int]] = {}
    for match in map(LINE.fullmatch, lines):
        assert match
        runs.setdefault(int(match[1]), []).append(int(match[2]))
    assert all(after == before + 1 for run in runs.values() for before, after in pairwise(run))
    return len(lines)


def test_what_a_killed_process_wrote_stays_and_the_others_go_on(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    with ending(processes), (tmp_path / "acknowledged").open("wb") as out:
        for writer in range(20):
            processes.append(python(tmp_path, WRITER, writer, 1_000_000, 1024, stdout=out))
            time.sleep(0.15)
            if writer >= 3:
                processes[writer - 3].send_signal(signal.SIGKILL)
    acknowledged = (tmp_path / "acknowledged").read_text().splitlines()
    lines = written(tmp_path)
    assert len(acknowledged) > 500
    assert {tuple(map(int, line.split())) for line in acknowledged} <= set(lines)
    assert len(lines) == len(set(lines))
    assert {path.name for path in tmp_path.iterdir() if not NAME.fullmatch(path.name)} == {"acknowledged"}


def test_a_line_that_a_killed_process_left_unfinished_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"whole\nunfin")
    log = log_of(tmp_path)
    assert log.tail(9) == b"whole\n"
    log.append(b"next\n")
    assert log.tail(9) == b"whole\nunfin\nnext\n"


def test_a_rotation_that_was_killed_half_way_costs_no_line(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20, backups=4)
    fill(log, range(100, 120))
    (tmp_path / "app.log.3").rename(tmp_path / "app.log.4")
    (tmp_path / "app.log.2").rename(tmp_path / "app.log.3")
    assert log.tail(99) == numbered(range(100, 120))
    fill(log, range(120, 125))
    assert log.tail(99) == numbered(range(100, 125))


def test_processes_forked_while_threads_write_neither_wait_for_ever_nor_share_a_lock(tmp_path: Path) -> None:
    code = """
import os, threading
from pathlib import Path
from common.log_file import LogFile
log, turn = LogFile(Path("app.log"), max_bytes=4096, backups=1000), threading.Lock()
def write(writer):
    for line in range(300):
        with turn:
            log.append(f"writer={writer} line={line} of many, and long enough to be torn\\n".encode())
thread = threading.Thread(target=write, args=(0,))
thread.start()
children = []
for writer in range(1, 9):
    children.append(os.fork())
    if not children[-1]:
        turn = threading.Lock()
        write(writer)
        os._exit(0)
thread.join()
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
"""
    process = python(tmp_path, code)
    with ending([process]):
        assert process.wait(timeout=60) == 0
    assert sorted(written(tmp_path)) == [(writer, line) for writer in range(9) for line in range(300)]


def test_a_line_logged_while_the_same_thread_is_writing_one_follows_it(tmp_path: Path) -> None:
    code = """
import itertools, signal
from pathlib import Path
from common.log_file import LogFile
log, numbers = LogFile(Path("app.log"), max_bytes=4096, backups=1000), itertools.count()
def interrupt(*_):
    log.append(f"writer=1 line={next(numbers)} of many, and long enough to be torn\\n".encode())
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for line in range(5000):
    log.append(f"writer=0 line={line} of many, and long enough to be torn\\n".encode())
signal.setitimer(signal.ITIMER_REAL, 0)
print(next(numbers))
"""
    process = python(tmp_path, code, stdout=subprocess.PIPE)
    with ending([process]):
        output, _ = process.communicate(timeout=60)
    lines = written(tmp_path)
    assert int(output) > 50
    assert sorted(lines) == [(0, line) for line in range(5000)] + [(1, line) for line in range(int(output))]


def test_the_tail_is_the_last_lines_oldest_first(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    fill(log, range(50_000))
    for limit in (1, 2, 200, 9999):
        assert log.tail(limit) == numbered(range(50_000 - limit, 50_000))
    assert log.tail(60_000) == numbered(range(50_000))


def test_the_first_line_of_the_tail_is_whole_wherever_a_block_begins(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    lines = [b"%d %s\n" % (number, b"x" * 999) for number in range(300)]
    for line in lines:
        log.append(line)
    for limit in range(1, 300):
        assert log.tail(limit) == b"".join(lines[-limit:])


def test_the_tail_goes_on_in_rotated_files(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=100)
    for number in range(100, 400):
        log.append(b"%d\n" % number)
        assert log.tail(60) == numbered(range(max(100, number - 59), number + 1))


def test_where_no_log_is_the_tail_is_empty(tmp_path: Path) -> None:
    assert log_of(tmp_path).tail(10) == b""
    assert log_of(tmp_path / "missing").tail(10) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process reads")
def test_what_the_tail_reads_depends_on_its_lines_and_not_on_the_size_of_the_log(tmp_path: Path) -> None:
    with (tmp_path / "app.log").open("wb") as file:
        file.truncate(4_000_000_000)
    log = log_of(tmp_path, max_bytes=8_000_000_000)
    log.append(b"\n")
    fill(log, range(10_000))
    before = bytes_read()
    assert log.tail(200) == numbered(range(9_800, 10_000))
    assert bytes_read() - before < 200_000


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
