"""The log fetch: writes every line of GET /logs once, to one file for each day (UTC), such as `2026-11-23.log`.

`state.json` holds the cursor and, while lines are appended, the lengths of the files before. After a crash, the next
run truncates the files to these lengths and continues from the cursor: a crash neither loses nor repeats a line.
"""

import fcntl
import io
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.settings import CronSettings, load
from cron.client import get
from cron.job import JobError, signals_blocked

_LIMIT = 1_000
_DAY_FILES = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].log"
_DATE = re.compile(rb"(\d{4}-\d\d-\d\d) ")
_NEXT = re.compile(r'[?&]since=([A-Za-z0-9._-]+)>; rel="next"')


@dataclass(frozen=True)
class _Page:
    lines: list[bytes]
    next: str
    gap: bool


def run() -> str:
    """Fetch the new lines and return their count as text. After a JobError or an OSError, the next run continues."""
    settings = load(CronSettings)
    folder = settings.log_fetch_path
    folder.mkdir(parents=True, exist_ok=True)
    fetched, gap = 0, False
    with _exclusive_lock(folder):
        cursor = _restore(folder)
        while True:
            page = _fetch(cursor)
            with signals_blocked():
                _add(folder, page, cursor)
                _delete_old(folder, settings.log_fetch_days)
            fetched, gap, cursor = fetched + len(page.lines), gap or page.gap, page.next
            if len(page.lines) < _LIMIT:  # not 0: each request adds a line of its own to the log
                lost = " (lines before them may be lost: rotated out unread)" if gap and fetched else ""
                return f"lines={fetched}{lost}"


def _fetch(cursor: str) -> _Page:
    path = f"/logs?limit={_LIMIT}&since={cursor}"
    answer = get(path)
    following = _NEXT.search(answer.headers.get("Link", ""))
    is_text = answer.headers.get_content_type() == "text/plain" and answer.body[-1:] in {b"", b"\n"}
    if not following or not is_text:
        raise JobError(f"GET {path}: the answer is not a page of the log")
    return _Page(io.BytesIO(answer.body).readlines(), following[1], "Log-Gap" in answer.headers)


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[None]:
    """Wait until no other process fetches into this folder, and keep others out."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _restore(folder: Path) -> str:
    """Truncate the files to their lengths at the cursor, and return the cursor."""
    path = folder / "state.json"
    if not path.exists():
        return "oldest"
    try:
        state = json.loads(path.read_bytes())
        cursor, lengths = str(state["cursor"]), dict(state["lengths"])
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(f"{path} cannot be read. Repair it, or delete it to fetch again from the oldest line") from error
    for name, length in lengths.items():
        with suppress(FileNotFoundError):
            if (folder / name).stat().st_size > length:
                os.truncate(folder / name, length)
    return cursor


def _add(folder: Path, page: _Page, cursor: str) -> None:
    """Append the page's lines to their files, and save the page's cursor."""
    days = _by_day(page.lines)
    if days:
        _save(folder, cursor, {name: _length(folder / name) for name in days})
    for name, lines in days.items():
        with open(folder / name, "ab", opener=_open_private) as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    _save(folder, page.next, {})


def _delete_old(folder: Path, days: int) -> None:
    """Delete all files except those of the newest `days` days. The state must count all lines of the deleted files."""
    for path in sorted(folder.glob(_DAY_FILES))[:-days]:
        path.unlink()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)  # the mode of the log itself


def _by_day(lines: list[bytes]) -> dict[str, list[bytes]]:
    """Return each file's lines. A line without a date, which a killed process leaves, follows the line before it."""
    days = defaultdict(list)
    day = datetime.now(UTC).date().isoformat()
    for line in lines:
        if date := _DATE.match(line):
            day = date[1].decode()
        days[f"{day}.log"].append(line)
    return days


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _save(folder: Path, cursor: str, lengths: Mapping[str, int]) -> None:
    """Replace the state in one step, and sync it to the disk."""
    fresh = folder / "state.json.new"
    with fresh.open("w") as file:
        json.dump({"cursor": cursor, "lengths": lengths}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / "state.json")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
