"""One conversion after the other, in a process of its own: what each contender costs."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import plain
from benchmarks.plain import Box

_PEAK = "5"  # what Linux wants to read, to forget the highest memory so far
_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


Convert = Callable[[bytes, int, Box], bytes]


def _ours() -> Convert:
    from common.images.convert import to_jpeg  # noqa: PLC0415  # nobody else's: it changes how a process keeps memory
    from common.images.options import Options  # noqa: PLC0415  # likewise

    def convert(source: bytes, quality: int, box: Box) -> bytes:
        x, y = box or (None, None)
        return to_jpeg(source, Options(quality, x, y), max_pixels=50_000_000).data

    return convert


CONTENDERS: dict[str, Callable[[], Convert]] = {  # called in the process that is to convert
    "Image API": _ours,
    "plain": lambda: plain.convert,
    "upright first": lambda: plain.convert_upright_first,
}


@dataclass(frozen=True)
class Turn:
    """One conversion."""

    cpu_ms: float
    peak_mb: float  # more than the process had before its first turn; 0 where it is no Linux
    jpeg: bytes


class Worker:
    """A process that converts one source whenever it is asked."""

    def __init__(self, name: str, source: bytes, quality: int, box: Box) -> None:
        """Start it."""
        spawn = multiprocessing.get_context("spawn")
        self._end, other = spawn.Pipe()
        self._process = spawn.Process(target=_work, args=(other, name, source, quality, box))
        self._process.start()
        other.close()  # or the end of the process would not be noticed

    def begin(self) -> None:
        """Have it convert."""
        self._end.send(None)

    def turn(self) -> Turn:
        """Wait until it has."""
        turn: Turn = self._end.recv()
        return turn

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


@contextmanager
def workers(names: list[str], source: bytes, quality: int, box: Box) -> Iterator[list[Worker]]:
    """Provide a worker a name."""
    started = [Worker(name, source, quality, box) for name in names]
    try:
        yield started
    finally:
        for worker in started:
            worker.stop()


def _work(end: Connection, name: str, source: bytes, quality: int, box: Box) -> None:
    convert = CONTENDERS[name]()
    if _FORGET.exists():
        _FORGET.write_text(_PEAK)
    idle_mb = _mb("VmRSS")
    while end.recv() is None:
        began = time.process_time()
        jpeg = convert(source, quality, box)
        end.send(Turn((time.process_time() - began) * 1000, _mb("VmHWM") - idle_mb, jpeg))


def _mb(field: str) -> float:
    if not _STATUS.exists():
        return 0.0
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024
