"""Log lines, as a process of its own writes them: settings are read once a process."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: ([^:]+): ([^:]+): ([A-Z]+): (.*)\n")

SPEAKER = """
import ast, sys
from common.observe.log import lines
lines.configure(stored=True)
for line in sys.stdin:
    route, function, message = ast.literal_eval(line)
    lines.request_scope(route, function)
    lines.logger().info("%s", message)
"""


def environment(folder: Path, **variables: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "LOG_PATH": str(folder / "logs" / "app.log"), **variables}


def run(folder: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that logs; its prints and its lines are its stdout."""
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(folder, **variables),
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    )


def log(folder: Path) -> str:
    return (folder / "logs" / "app.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """A process that logs what it is told, and answers with the line on its stdout."""
    folder = tmp_path_factory.mktemp("speaker")
    with subprocess.Popen(  # noqa: S603  # our own code
        [sys.executable, "-c", SPEAKER],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process


def said(speaker: subprocess.Popen[bytes], message: str, route: str = "/images", function: str = "upload_image") -> str:
    assert speaker.stdin is not None
    assert speaker.stdout is not None
    speaker.stdin.write(ascii((route, function, message)).encode() + b"\n")
    speaker.stdin.flush()
    return speaker.stdout.readline().decode()


def test_a_line_has_the_documented_format_in_the_file_and_on_stdout(tmp_path: Path) -> None:
    code = """
from common.observe.log import lines
lines.configure(stored=True)
lines.request_scope("/images", "upload_image")
lines.logger().info("upload finished: width=%d source=%s", 800, "PNG")
"""
    process = run(tmp_path, code)
    format_ = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: /images: upload_image: INFO: upload finished: width=800 source=PNG\n"
    )
    assert re.fullmatch(format_, log(tmp_path))
    assert process.stdout == log(tmp_path)
    assert process.stderr == ""


def test_the_time_is_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    code = """
import datetime
from common.observe.log import lines
lines.configure(stored=True)
print(datetime.datetime.now(datetime.UTC).isoformat(" ")[:13], flush=True)
lines.logger().info("now")
print(datetime.datetime.now(datetime.UTC).isoformat(" ")[:13], flush=True)
"""
    before, line, after = run(tmp_path, code, TZ="NPT-5:45").stdout.splitlines()
    assert line[:13] in {before, after}


def test_every_thread_logs_the_request_it_is_in_and_dashes_outside_of_one(tmp_path: Path) -> None:
    code = """
import threading
from common.observe.log import lines
lines.configure(stored=True)
def request(number):
    lines.request_scope(f"/route-{number}", f"function_{number}")
    both.wait()
    lines.logger().info("of %d", number)
both = threading.Barrier(2)
threads = [threading.Thread(target=request, args=(number,)) for number in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
lines.logger().info("outside")
"""
    run(tmp_path, code)
    found = [match.groups() for match in LINE.finditer(log(tmp_path))]
    assert sorted(found[:2]) == [(f"/route-{n}", f"function_{n}", "INFO", f"of {n}") for n in range(2)]
    assert found[2:] == [("-", "-", "INFO", "outside")]


@settings(max_examples=300)
@given(message=st.text(st.characters()))
@example(message="".join(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0x2066, 0xD800, 0xDFFF])))
def test_whatever_is_logged_is_one_line_of_printable_text(speaker: subprocess.Popen[bytes], message: str) -> None:
    line = said(speaker, message)
    match = LINE.fullmatch(line)
    assert match
    assert line[:-1].isprintable()
    if "\\" not in message:  # then what was escaped can be told from what was not
        assert re.sub(r"\\(x..|u.{4}|U.{8}|[nrt])", character, match[4]) == message


def character(escape: re.Match[str]) -> str:
    """The character that was escaped, be it half of a surrogate pair."""
    return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[1]) or chr(int(escape[1][1:], 16))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_nobody_can_forge_a_line(speaker: subprocess.Popen[bytes], end: str) -> None:
    forged = "2025-10-30 12:45:10,123: /images: upload_image: INFO: upload finished"
    for line in (said(speaker, f"x{end}{forged}"), said(speaker, "x", route=f"/x{end}{forged}", function=f"f{end}")):
        assert len(line.splitlines()) == 1
        assert repr(end)[1:-1] in line


def test_text_of_every_script_stays_as_it_is(speaker: subprocess.Popen[bytes]) -> None:
    assert "Москва 東京 café 🐘.png" in said(speaker, "Москва 東京 café 🐘.png")


@pytest.mark.parametrize("character", ["a", "é", "\n", "\U000e0001"])
def test_a_long_record_keeps_its_ends_and_loses_its_middle(speaker: subprocess.Popen[bytes], character: str) -> None:
    line = said(speaker, f"begin {character * 1_000_000} end")
    assert LINE.fullmatch(line)
    assert ": INFO: begin " in line
    assert " [... cut ...] " in line
    assert line.endswith(" end\n")
    assert len(line) < 8250


def test_a_traceback_is_part_of_its_line(tmp_path: Path) -> None:
    code = r"""
from common.observe.log import lines
lines.configure(stored=True)
try:
    raise ValueError("bad\n2025-10-30 12:45:10,123: /: index: INFO: forged")
except ValueError as error:
    lines.logger().error("unexpected error: request_id=%s", "r1", exc_info=error)
"""
    run(tmp_path, code)
    match = LINE.fullmatch(log(tmp_path))
    assert match
    assert match[4].startswith(r"unexpected error: request_id=r1\nTraceback (most recent call last):\n")
    assert match[4].endswith(r"ValueError: bad\n2025-10-30 12:45:10,123: /: index: INFO: forged")


def test_warnings_of_libraries_are_lines_like_ours_and_each_is_written_once(tmp_path: Path) -> None:
    code = r"""
import logging
from common.observe.log import lines
lines.configure(stored=True)
lines.logger().info("ours")
logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1':\nconnection refused")
logging.getLogger("psycopg.pool").info("not said")
lines.logger().debug("not said")
"""
    process = run(tmp_path, code)
    found = [match.groups()[2:] for match in LINE.finditer(log(tmp_path))]
    assert found == [("INFO", "ours"), ("WARNING", r"error connecting in 'pool-1':\nconnection refused")]
    assert process.stdout == log(tmp_path)
    assert process.stderr == ""


def test_threads_that_log_first_at_the_same_time_write_each_line_once(tmp_path: Path) -> None:
    code = """
import sys, threading
from common.observe.log import lines
lines.configure(stored=True)
sys.setswitchinterval(1e-6)
def first(number):
    together.wait()
    lines.logger().info("%d.", number)
together = threading.Barrier(16)
threads = [threading.Thread(target=first, args=(number,)) for number in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    run(tmp_path, code)
    assert sorted(match[4] for match in LINE.finditer(log(tmp_path))) == sorted(f"{n}." for n in range(16))


@pytest.mark.parametrize("path", ["file/app.log", "folder", "pipe", "/dev/null", "read-only/app.log"])
def test_without_a_log_file_stdout_goes_on_and_stderr_says_so_once(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "read-only").mkdir(mode=0o500)
    os.mkfifo(tmp_path / "pipe")
    if path.startswith("read-only") and os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    code = """
from common.observe.log import lines
lines.configure(stored=True)
for number in range(3):
    lines.logger().info("line %d", number)
print(lines.tail(9).lines)
"""
    process = run(tmp_path, code, LOG_PATH=str(tmp_path / path))
    assert [match[4] for match in LINE.finditer(process.stdout)] == [f"line {number}" for number in range(3)]
    assert process.stdout.endswith("\nb''\n")
    assert process.stderr.startswith("The log file cannot be written, lines go to stdout only. Check LOG_PATH: ")
    assert process.stderr.count("\n") == 1
    assert str(tmp_path / path).removesuffix("/app.log") in process.stderr


def test_a_full_disk_leaves_no_torn_line_and_the_file_goes_on_when_there_is_room(tmp_path: Path) -> None:
    code = """
import resource
from common.observe.log import lines
lines.configure(stored=True)
lines.logger().info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
lines.logger().info("no room for this one: " + 100 * "x")
lines.logger().info("nor for this one: " + 100 * "x")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
lines.logger().info("after")
"""
    process = run(tmp_path, code)
    assert [match[4] for match in LINE.finditer(log(tmp_path))] == ["before", "after"]
    assert len(log(tmp_path).splitlines()) == 2
    assert len(process.stdout.splitlines()) == 4
    assert process.stderr.count("\n") == 1


def test_a_process_that_stores_no_lines_writes_them_to_stdout_only(tmp_path: Path) -> None:
    code = """
from common.observe.log import lines
logger = lines.logger()  # asking for it before configure() decides nothing
lines.configure(stored=False)
logger.info("a firing")
"""
    assert [match[4] for match in LINE.finditer(run(tmp_path, code).stdout)] == ["a firing"]
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_writes_no_line_reads_no_settings(tmp_path: Path) -> None:
    code = """
import sys
from common.observe.log import lines
lines.configure(stored=True)
lines.request_scope("/health", "health")
lines.logger().debug("a probe")
print(sorted({"pydantic", "pydantic_settings", "common.settings"} & set(sys.modules)))
"""
    assert run(tmp_path, code).stdout == "[]\n"
    assert not (tmp_path / "logs").exists()
