"""Real functions, each in its own process on its own port, as a test wants them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import psutil

from api.endpoints import ENDPOINTS, Endpoint
from tests import contract

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "test-token"  # noqa: S105  # known to nobody but the tests' own functions
GUNICORN = ("gunicorn", "-c", "python:runtime.gunicorn", "functions_framework:create_app()")
FUNCTIONS_FRAMEWORK = ("functions_framework",)  # all that it needs stands in the environment
START_SECONDS = 30


def client(url: str, token: str) -> httpx.Client:
    """A new client that sends the token, and holds every answer to openapi.json; close it."""
    hooks = {"response": [contract.check]}
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, event_hooks=hooks)


class Function:
    """A started function: its process, its client (which sends the token), and all that it printed."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self._output = output
        self.client = client(f"http://127.0.0.1:{port}", TOKEN)

    def output(self) -> str:
        return self._output.read_text()

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def resident_bytes(self) -> int:
        processes = [psutil.Process(self.process.pid), *self.workers()]
        return sum(process.memory_info().rss for process in processes)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment(folder: Path, port: int, **settings: str) -> dict[str, str]:
    """The environment of a function that knows nothing of this machine's, and one token."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    mine = {"PYTHONPATH": str(ROOT), "HOST": "127.0.0.1", "PORT": str(port), "API_TOKENS": TOKEN}
    return {**kept, **mine, "LOG_PATH": str(folder / "app.log"), **settings}


@contextmanager
def function(name: str, folder: Path, command: tuple[str, ...] = GUNICORN, /, **settings: str) -> Iterator[Function]:
    """Start a function in an empty folder of its own, wait until it answers, and stop it in the end."""
    port = free_port()
    target = {"FUNCTION_TARGET": name, "FUNCTION_SOURCE": str(ROOT / "functions" / f"{name}.py")}
    output = folder / f"{name}-{port}.out"
    with output.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(folder, port, **(target | settings)),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    started = Function(process, port, output)
    try:
        _wait_until_it_listens(started)
        with started.client:
            yield started
    finally:
        _stop(process)


def together(folder: Path, **settings: str) -> AbstractContextManager[Function]:
    """Start every function in one process, as a host that cannot route does."""
    functions = ":".join(endpoint.name for endpoint in ENDPOINTS)
    source = str(ROOT / "runtime" / "by_route.py")
    threads = str(sum(endpoint.threads for endpoint in ENDPOINTS))
    return function("by_route", folder, FUNCTION_SOURCE=source, FUNCTIONS=functions, THREADS=threads, **settings)


def assert_it_answers(endpoint: Endpoint, client: httpx.Client) -> None:
    """Assert that an endpoint answers a request without parameters, and asks for a token if it needs one."""
    path = endpoint.path.replace("{id}", "00000000-0000-0000-0000-000000000000")
    response = client.request(endpoint.method, path)
    assert response.status_code < 500
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    anonymous = httpx.request(endpoint.method, client.base_url.join(path))
    assert (anonymous.status_code == 401) == (endpoint.scope is not None)


def python(folder: Path, code: str) -> str:
    """What a fresh Python prints."""
    result = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], cwd=folder, env=environment(folder, 0), capture_output=True, text=True, check=True
    )
    return result.stdout


def wait_for_line(log: Path, text: str) -> str:
    """The log, once the text stands in it: a line is written after its response was sent."""
    deadline = time.monotonic() + 10
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < deadline, f"no line with {text!r} in {log}"
        time.sleep(0.02)
    return log.read_text()


def _wait_until_it_listens(started: Function) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", started.port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the function does not listen:\n{started.output()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
