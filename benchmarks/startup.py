"""Cold start: from the start of the process to its first good answer, database and Pillow included."""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from api.endpoints import ENDPOINTS
from benchmarks import contenders, load, pictures
from benchmarks.report import Table, ratio
from emulator import functions
from tests.system import emulators

_ROUNDS = 15
_BARE = "bare functions-framework"
_TOKEN = "cold"  # noqa: S105  # of servers that live for a second
_HELLO = "import functions_framework\n\n@functions_framework.http\ndef hello(request):\n    return 'hello'\n"
_PROGRAMS = Path(sys.executable).parent
_GUNICORN = [str(_PROGRAMS / "gunicorn"), "-c", "python:runtime.gunicorn", "functions_framework:create_app()"]


def run(table: Table) -> None:
    """Add a row a function, and one for a bare functions-framework."""
    table.columns = ["process", "ms to the first good answer", "ratio to the bare framework"]
    with contenders.database() as (url, _), tempfile.TemporaryDirectory() as folder:
        hello = Path(folder, "hello.py")
        hello.write_text(_HELLO)
        environment = {"DATABASE_URL": url, "API_TOKENS": _TOKEN, "TOKEN": _TOKEN, "LOG_PATH": f"{folder}/app.log"}
        rounds = [_round(hello, environment) for _ in range(1 + _ROUNDS)][1:]
    for name in rounds[0]:
        taken = [each[name] for each in rounds]
        table.add(name, f"{statistics.median(taken):.0f}", ratio(taken, [each[_BARE] for each in rounds]))


def _round(hello: Path, environment: dict[str, str]) -> dict[str, float]:
    """Return the milliseconds each took; get_image is asked for what upload_image has just stored."""
    bare = [str(_PROGRAMS / "functions-framework"), "--target", "hello", "--source", str(hello), "--port"]
    plain = [sys.executable, "-m", "benchmarks.plain_service"]
    taken = {_BARE: _start(bare, environment, load.request("GET", "/"))[0]}
    path = ""
    for function in ENDPOINTS:
        sent = load.request(function.method, path if "{id}" in function.path else function.path, _TOKEN)
        if function.method == "POST":
            sent = load.upload(_TOKEN, pictures.photo(320, 240))
        started = {**environment, **functions.environment(function), "HOST": "127.0.0.1"}
        taken[function.name], answer = _start(_GUNICORN, started, sent)
        if location := re.search(rb"(?i)\r\nlocation: (\S+)", answer):
            path = location[1].decode()
    return {**taken, "plain service": _start(plain, environment, load.request("GET", "/health"))[0]}


def _start(command: list[str], environment: dict[str, str], request: bytes) -> tuple[float, bytes]:
    port = emulators.free_ports(1)
    began = time.perf_counter()
    last = [] if command == _GUNICORN else [str(port)]
    with contenders.started([*command, *last], {**environment, "PORT": str(port)}):
        answer = contenders.wait_for(("127.0.0.1", port), request)
        return (time.perf_counter() - began) * 1000, answer
