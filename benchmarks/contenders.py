"""What is measured: the emulator and the plain service, on one PostgreSQL."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import load
from emulator.postgres import server as postgres
from tests.system import emulators

_START_SECONDS = 30


@dataclass(frozen=True)
class Contender:
    """A running service: where it is reached, its processes and its database's."""

    name: str
    address: load.Address
    token: str
    process: psutil.Process
    database: psutil.Process

    def cpu_seconds(self) -> tuple[float, float, float]:
        """Return what its functions, its proxy with all the rest of it, and the database have used so far."""
        functions = sum(_cpu_seconds(each) for each in self._masters())
        return functions, _cpu_seconds(self.process) - functions, _cpu_seconds(self.database)

    def functions(self) -> list[psutil.Process]:
        """Return the service's own processes: no proxy, no supervisor."""
        family = [self.process, *self.process.children(recursive=True)]
        return [each for each in family if _is_function(each)] or family

    def memory_mb(self) -> tuple[float, float]:
        """Return what its functions hold: shared pages counted once where the system tells (PSS), and RSS added up."""
        once = each = 0
        for process in self.functions():
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                once += getattr(memory, "pss", memory.rss)
                each += memory.rss
        return once / 2**20, each / 2**20

    def _masters(self) -> list[psutil.Process]:
        """Return the functions whose parent is none: what their children used, ended ones too, counts for them."""
        functions = self.functions()
        return [each for each in functions if each.parent() not in functions]


@contextmanager
def database() -> Iterator[tuple[str, psutil.Process]]:
    """Provide an empty PostgreSQL, its URL and its process."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # root runs PostgreSQL as somebody else
        with postgres.running(Path(folder) / "postgres") as server:
            yield server.url, psutil.Process(server.pid)


@contextmanager
def running() -> Iterator[list[Contender]]:
    """Provide Image API without and with its cache, and the plain service."""
    with database() as (url, server), ExitStack() as stack:
        contenders = []
        for name, seconds in (("Image API", 0), ("Image API, hot", 5)):
            settings = {"DATABASE_URL": url, "IMAGE_CACHE_SECONDS": str(seconds)}
            emulator = stack.enter_context(emulators.running(**settings))
            process = psutil.Process(emulator.process.pid)
            contenders.append(Contender(name, ("127.0.0.1", emulator.port), emulator.token, process, server))
        address, process = stack.enter_context(_plain_service(url))
        yield [*contenders, Contender("plain", address, "plain", process, server)]


@contextmanager
def _plain_service(database_url: str) -> Iterator[tuple[load.Address, psutil.Process]]:
    address = ("127.0.0.1", emulators.free_ports(1))
    command = [sys.executable, "-m", "benchmarks.plain_service", str(address[1])]
    with started(command, {"DATABASE_URL": database_url, "TOKEN": "plain"}) as process:
        wait_for(address, load.request("GET", "/health"))
        yield address, psutil.Process(process.pid)


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command while the block runs."""
    root = Path(__file__).resolve().parents[1]
    process = subprocess.Popen(  # noqa: S603  # our own command
        command, cwd=root, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def wait_for(address: load.Address, request: bytes) -> bytes:
    """Return the first good answer to the request, which is sent until there is one."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(address) as connection:
            connection.sendall(request)
            if (answer := connection.recv(65536)).startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
                return answer
        time.sleep(0.002)
    raise TimeoutError(f"{address} does not answer")


def _cpu_seconds(process: psutil.Process) -> float:
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += sum(each.cpu_times()[:4])  # those of children that have ended, too
    return total


def _is_function(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "FUNCTION_TARGET" in process.environ()
    return False
