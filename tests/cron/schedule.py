"""`python -m cron`, as a test wants it: beside a real get_logs, whose log file the test writes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import servers

LINE = "2026-11-23 12:45:10,123: /images: upload_image: INFO: writer={} line={} of many\n"


def environment(folder: Path, port: int, **settings: str) -> dict[str, str]:
    mine = {"CRON_BASE_URL": f"http://127.0.0.1:{port}", "LOG_FETCH_PATH": str(folder / "fetched")}
    return servers.environment(folder, 0, **(mine | settings))


def fire(folder: Path, port: int, **settings: str) -> subprocess.CompletedProcess[str]:
    """Fire every job once."""
    return subprocess.run(  # our own command
        [sys.executable, "-m", "cron", "--now"],
        cwd=folder,
        env=environment(folder, port, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def running(folder: Path, port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The schedule itself, every second; what it prints is in `cron.out`."""
    every_second = {"LOG_FETCH_CRON": "* * * * * *"}
    with (
        (folder / "cron.out").open("ab") as out,
        subprocess.Popen(  # our own command
            [sys.executable, "-m", "cron"],
            cwd=folder,
            env=environment(folder, port, **(every_second | settings)),
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def fetched(folder: Path, name: str = "fetched") -> list[str]:
    """Every line of the fetched files, except the lines of the fetches themselves."""
    files = sorted((folder / name).glob("*.log"))
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    return [line for line in lines if ": get_logs: " not in line]


def lines(writer: int, count: int) -> list[str]:
    return [LINE.format(writer, line) for line in range(count)]


def write(folder: Path, lines: list[str]) -> None:
    with (folder / "app.log").open("a") as log:
        log.writelines(lines)


def state(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "fetched" / "state.json").read_text())
    return content
