"""The real `python -m emulator`, in a copy of the code with a `.env`, a log and data of its own."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from api.endpoints import ENDPOINTS
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("api", "common", "cron", "emulator", "functions", "proxy", "runtime", "tools", "init.sql", ".env.example")
READY = "Ctrl-C stops everything"
START_SECONDS = 60


class Emulator:
    """A started emulator: `url` is the proxy's, `token` what its `.env` was given, `root` its copy of the code."""

    def __init__(
        self, root: Path, port: int, functions_port: int, arguments: tuple[str, ...], settings: dict[str, str]
    ) -> None:
        self.root = root
        self.port = port
        self.functions_port = functions_port
        self.url = f"http://127.0.0.1:{port}"
        self._output = root / f"output-{port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        mine = {"APP_PORT": str(port), "FUNCTIONS_PORT": str(functions_port), **settings}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, "-m", "emulator", *arguments],
                cwd=root,
                env={**kept, **mine},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def token(self) -> str:
        (token,) = re.findall(r"(?m)^API_TOKENS=(\S+)$", (self.root / ".env").read_text())
        return str(token)

    @property
    def client(self) -> httpx.Client:
        """A new client that sends the token; close it."""
        return servers.client(self.url, self.token)

    def output(self) -> str:
        return self._output.read_text()

    def wait_for_output(self, text: str, times: int = 1) -> str:
        deadline = time.monotonic() + START_SECONDS
        while (output := self.output()).count(text) < times:
            assert self.process.poll() is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.05)
        return output

    def wait_until_ready(self) -> None:
        self.wait_for_output(READY)

    def wait_for_answer(self, url: str, text: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while text not in (answer := httpx.get(url).text):
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)

    def processes(self) -> list[psutil.Process]:
        """All that it started, and what they started."""
        return self._children(recursive=True)

    def _children(self, *, recursive: bool = False) -> list[psutil.Process]:
        assert self.process.poll() is None, self.output()
        return psutil.Process(self.process.pid).children(recursive=recursive)

    def function(self, name: str) -> psutil.Process:
        """The process of a function that started its workers."""
        for process in self._children():
            if process.environ().get("FUNCTION_TARGET") == name:
                return process
        raise AssertionError(f"{name} does not run")

    def successor(self, killed: psutil.Process, name: str) -> psutil.Process:
        """Wait for the process that is started in the place of a killed one."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(AssertionError, psutil.NoSuchProcess):
                if (found := self.function(name)) != killed:
                    return found
            time.sleep(0.05)
        raise AssertionError(f"{name} did not come back")

    def program(self, name: str) -> psutil.Process:
        """PostgreSQL ("postgres") or the proxy ("nginx")."""
        (process,) = (process for process in self._children() if process.name() == name)
        return process

    def database_home(self) -> Path:
        """The folder that holds PostgreSQL's data, its log and its lock."""
        return Path(self.program("postgres").cwd()).parent

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop; return its exit status."""
        self.process.send_signal(signum)
        return self.process.wait(60)


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Tell whether all of them end within these seconds."""
    deadline = time.monotonic() + seconds
    while any(_is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row, below those that outgoing connections take meanwhile."""
    while True:
        first = random.randrange(20_000, 30_000)
        with suppress(OSError), ExitStack() as taken:
            for port in range(first, first + count):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


@contextmanager
def copy_of_the_code(prefix: str = "image api ") -> Iterator[Path]:
    """Provide the code in a folder with a space in its name, which anybody can get to, as PostgreSQL must for root."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        yield root


@contextmanager
def started(root: Path, *arguments: str, **settings: str) -> Iterator[Emulator]:
    """Start an emulator, which may still be starting; in the end nothing of it is left."""
    first = free_ports(len(ENDPOINTS) + 1)
    emulator = Emulator(root, first, first + 1, arguments, settings)
    try:
        yield emulator
    finally:
        if emulator.process.poll() is None:
            emulator.stop()


@contextmanager
def running(**settings: str) -> Iterator[Emulator]:
    """Provide an emulator that is ready, in a fresh copy of the code."""
    with copy_of_the_code() as root, started(root, **settings) as emulator:
        emulator.wait_until_ready()
        yield emulator
