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

from common.observe.log.file import LogFile
from common.observe.log.page import OLDEST, Cursor, Page

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(rb"writer=(\d+) line=(\d+) of many, and long enough to be torn\n")
NAME = re.compile(r"app\.log(\.\d+)?")

WRITER = """
import os, sys
from pathlib import Path
from common.observe.log.file import LogFile
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
    assert log.tail(9).lines == b"three\n"


def test_files_stay_within_their_size_and_their_number(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20, backups=3)
    fill(log, range(100, 200))
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"app.log": 20, "app.log.1": 20, "app.log.2": 20, "app.log.3": 20}
    assert log.tail(100).lines == numbered(range(180, 200))


def test_a_line_longer_than_a_file_may_be_is_written_whole(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20)
    for line in (b"short\n", b"x" * 50 + b"\n", b"after\n"):
        log.append(line)
    assert log.tail(9).lines == b"short\n" + b"x" * 50 + b"\nafter\n"
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


@pytest.mark.parametrize("limit", [40, 10_000])
def test_a_follower_reads_each_line_of_eight_processes_once_while_the_files_rotate(tmp_path: Path, limit: int) -> None:
    processes = [python(tmp_path, WRITER, writer, 1000, 2048, stdout=subprocess.DEVNULL) for writer in range(8)]
    with ending(processes):
        follower = Follower(tmp_path)
        for _ in until_ended(processes):
            follower.read_on(limit)
    while follower.read_on(limit):
        pass
    assert sorted(follower.lines) == [(writer, line) for writer in range(8) for line in range(1000)]


def until_ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    while any(process.poll() is None for process in processes):
        yield


class Follower:
    """Someone who reads on from where the last page ended."""

    def __init__(self, folder: Path) -> None:
        self.log = log_of(folder)
        self.cursor = OLDEST
        self.lines: list[tuple[int, int]] = []

    def read_on(self, limit: int) -> bool:
        page = self.log.since(self.cursor, limit)
        assert not page.gap
        for line in page.lines.splitlines(keepends=True):
            match = LINE.fullmatch(line)
            assert match
            self.lines.append((int(match[1]), int(match[2])))
        self.cursor = page.next
        return page.lines != b""


def follow(folder: Path, limit: int) -> int:
    """Read the end of the log: of each writer it holds a gapless run. Return how many lines there were."""
    lines = log_of(folder).tail(limit).lines.splitlines(keepends=True)
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
    assert log.tail(9).lines == b"whole\n"
    log.append(b"next\n")
    assert log.tail(9).lines == b"whole\nunfin\nnext\n"


def test_a_rotation_that_was_killed_half_way_costs_no_line(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20, backups=4)
    fill(log, range(100, 120))
    (tmp_path / "app.log.3").rename(tmp_path / "app.log.4")
    (tmp_path / "app.log.2").rename(tmp_path / "app.log.3")
    assert log.tail(99).lines == numbered(range(100, 120))
    fill(log, range(120, 125))
    assert log.tail(99).lines == numbered(range(100, 125))


def test_processes_forked_while_threads_write_neither_wait_for_ever_nor_share_a_lock(tmp_path: Path) -> None:
    code = """
import os, threading
from pathlib import Path
from common.observe.log.file import LogFile
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
from common.observe.log.file import LogFile
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
        assert log.tail(limit).lines == numbered(range(50_000 - limit, 50_000))
    assert log.tail(60_000).lines == numbered(range(50_000))


def test_the_first_line_of_the_tail_is_whole_wherever_a_block_begins(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    lines = [b"%d %s\n" % (number, b"x" * 999) for number in range(300)]
    for line in lines:
        log.append(line)
    for limit in range(1, 300):
        assert log.tail(limit).lines == b"".join(lines[-limit:])


def test_the_tail_goes_on_in_rotated_files(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=100)
    for number in range(100, 400):
        log.append(b"%d\n" % number)
        assert log.tail(60).lines == numbered(range(max(100, number - 59), number + 1))


def test_where_no_log_is_the_tail_is_empty(tmp_path: Path) -> None:
    assert log_of(tmp_path).tail(10).lines == b""
    assert log_of(tmp_path / "missing").tail(10).lines == b""


def test_what_is_written_behind_a_page_is_the_next_page(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=100)
    page = log.tail(10)
    assert page.next == OLDEST
    for number in range(100, 200, 2):
        fill(log, range(number, number + 2))
        page = log.since(page.next, 10)
        assert page.lines == numbered(range(number, number + 2))
        assert not page.gap
        assert log.tail(1).next == page.next
        assert log.since(page.next, 10) == Page(b"", page.next)


@pytest.mark.parametrize("limit", [1, 7, 25, 26, 1000])
def test_pages_from_the_oldest_line_on_hold_every_line_once_across_files(tmp_path: Path, limit: int) -> None:
    log = log_of(tmp_path, max_bytes=100)
    fill(log, range(100, 200))
    cursor, lines = OLDEST, b""
    while (page := log.since(cursor, limit)).lines:
        assert page.lines.count(b"\n") <= limit
        lines += page.lines
        cursor = Cursor.parse(str(page.next))
    assert lines == numbered(range(100, 200))


def test_where_what_followed_is_rotated_out_the_oldest_kept_line_follows_and_the_gap_is_told(tmp_path: Path) -> None:
    log = log_of(tmp_path, max_bytes=20, backups=2)
    fill(log, range(100, 110))
    cursor = log.since(OLDEST, 1).next
    assert log.since(cursor, 2).gap is False
    fill(log, range(110, 130))
    page = log.since(cursor, 2)
    assert page.gap
    assert page.lines == numbered(range(115, 117))
    assert not log.since(page.next, 2).gap


def test_a_file_that_was_emptied_or_made_anew_is_not_taken_for_the_one_that_was_read(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    fill(log, range(100, 110))
    cursor = log.tail(1).next
    (tmp_path / "app.log").write_bytes(b"")
    assert log.since(cursor, 99).gap
    assert log.since(cursor, 99).next == OLDEST
    (tmp_path / "app.log").write_bytes(numbered(range(200, 300)))  # the same inode, and longer than before
    page = log.since(cursor, 99)
    assert page.gap
    assert page.lines == numbered(range(200, 299))


def test_a_line_still_being_written_is_neither_torn_nor_left_out(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"whole\nunfin")
    log = log_of(tmp_path)
    page = log.since(OLDEST, 9)
    assert page.lines == b"whole\n"
    assert log.since(page.next, 9).lines == b""
    assert log.tail(9).next == page.next
    log.append(b"next\n")
    assert log.since(page.next, 9).lines == b"unfin\nnext\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process reads")
def test_what_a_page_reads_depends_on_its_lines_and_not_on_the_size_of_the_log(tmp_path: Path) -> None:
    with (tmp_path / "app.log").open("wb") as file:
        file.truncate(4_000_000_000)
    log = log_of(tmp_path, max_bytes=8_000_000_000)
    log.append(b"\n")
    cursor = log.tail(1).next
    fill(log, range(100_000))
    before = bytes_read()
    assert log.since(cursor, 200).lines == numbered(range(200))
    assert bytes_read() - before < 200_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what a process reads")
def test_what_the_tail_reads_depends_on_its_lines_and_not_on_the_size_of_the_log(tmp_path: Path) -> None:
    with (tmp_path / "app.log").open("wb") as file:
        file.truncate(4_000_000_000)
    log = log_of(tmp_path, max_bytes=8_000_000_000)
    log.append(b"\n")
    fill(log, range(10_000))
    before = bytes_read()
    assert log.tail(200).lines == numbered(range(9_800, 10_000))
    assert bytes_read() - before < 200_000


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
