"""What a run found, as Markdown."""

import os
import platform
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

_PARTS = ("pillow", "psycopg", "flask", "functions-framework", "gunicorn", "aiohttp", "asyncpg")


@dataclass
class Table:
    """Rows under a heading."""

    title: str
    note: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        """Add a row, and show it at once."""
        self.rows.append([str(cell) for cell in cells])
        sys.stderr.write(" | ".join(self.rows[-1]) + "\n")

    def markdown(self) -> str:
        """Return the table with its heading and note."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join([f"### {self.title}", "", self.note, "", *("| " + " | ".join(line) + " |" for line in lines)])


def machine() -> str:
    """Return what was measured on, and how busy it was with other things."""
    cpu = "an unknown processor"
    if Path("/proc/cpuinfo").exists():
        names = [line.split(":")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
        cpu = names[0].strip() if names else platform.machine()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {cpu}, {psutil.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB; {platform.system()} {platform.release().split('-')[0]}; "
        f"Python {platform.python_version()}; {', '.join(f'{part} {version(part)}' for part in _PARTS)}. "
        f"Load average at the start: {load}."
    )


def document(machine: str, tables: Iterable[Table]) -> str:
    """Return all of a run."""
    return "\n\n".join([machine, *(table.markdown() for table in tables)]) + "\n"


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> str:
    """Return how many times theirs ours is: the median over the rounds, each of which had its own noise."""
    return f"**{statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True)):.2f}**"
