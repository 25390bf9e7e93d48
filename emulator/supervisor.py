"""`make run` itself: the database, every function and the proxy, until somebody wishes for the end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from api.endpoints import ENDPOINTS, Endpoint
from common.settings import AddressSettings, AuthSettings, BodySettings, DatabaseSettings, ImageCacheSettings, load
from cron.schedule import check_schedule
from emulator import functions, proxy
from emulator.postgres import schema
from emulator.postgres import server as postgres
from emulator.processes.guardian import Guardian
from emulator.processes.lock import after_left_overs, owned
from emulator.processes.service import Popen, Service
from emulator.processes.stop import Stop
from tools import ports
from tools.console import announce, say
from tools.errors import StartError

_DATA = Path(".data")
_LOCALHOST = "127.0.0.1"
_START_SECONDS = 30.0
_REVIVAL_SECONDS = 2.0
_HOPELESS_ENDS = 2  # so often, and the start is given up


class _Server:
    """A function on its port, which is kept while it starts anew: its callers wait, and do not fail."""

    def __init__(self, function: Endpoint, port: int, environment: Mapping[str, str]) -> None:
        self.function = function
        self.port = port
        self.netloc = ports.netloc(_LOCALHOST, port)
        self._environment = {**environment, **functions.environment(function), "HOST": _LOCALHOST, "PORT": str(port)}
        self._socket = self._listen()

    def _listen(self) -> socket.socket:
        return ports.listen(_LOCALHOST, self.port, "FUNCTIONS_PORT")

    def launch(self) -> Popen:
        if self._socket.fileno() < 0:
            self._socket = self._listen()
        descriptor = self._socket.fileno()
        return _popen(functions.command(descriptor), self._environment, descriptor)

    def refuse(self) -> None:
        self._socket.close()


def run(stop: Stop, *, reload: bool) -> None:
    """Run all of it until `stop` is requested. Raises StartError or SettingsError, which name what is in the way."""
    check_schedule()  # here, because a process that cannot start would only be started again and again
    _DATA.mkdir(exist_ok=True)
    with (
        owned(_DATA / "lock", "runs Image API in this folder"),
        after_left_overs(_DATA / "guardian.lock", stop.wait, _say_that_we_wait) as lock,
    ):
        if lock is not None:
            _run(stop, lock, reload=reload)


def _say_that_we_wait() -> None:
    say("run", "waiting for the processes of a `make run` that was killed")


def _run(stop: Stop, lock: int, *, reload: bool) -> None:
    began = time.monotonic()
    address = load(AddressSettings)
    first_port = address.functions_port
    with _database(load(DatabaseSettings).database_url, lock) as (url, revive), Guardian(lock) as guardian:
        environment = _environment(url, reload=reload)
        servers = [_Server(function, first_port + i, environment) for i, function in enumerate(ENDPOINTS)]
        nginx = _prepare_proxy(address, servers)
        services = [Service(s.function.name, s.launch, guardian, stop, s.refuse) for s in servers]
        front = Service("proxy", lambda: _popen(nginx, os.environ), guardian, stop)
        public_url = ports.public_url(address.app_host, address.app_port)
        calling = {"CRON_BASE_URL": public_url, **environment}
        schedule = Service("cron", lambda: _popen([sys.executable, "-m", "cron"], calling), guardian, stop)
        try:
            for service, server in zip(services, servers, strict=True):
                _wait_until_it_answers(service, (_LOCALHOST, server.port), "/robots.txt", stop)
            _wait_until_it_answers(front, (ports.reachable(address.app_host), address.app_port), "/health", stop)
            if not stop.wait(0):
                say("run", f"ready in {time.monotonic() - began:.1f} s; Ctrl-C stops everything")
                own_urls = {server.function: f"http://{server.netloc}" for server in servers}
                announce(public_url, own_urls, load(AuthSettings).api_tokens)
            _watch_database(revive, stop)
        finally:
            _end(schedule, front, services, stop)


@contextmanager
def _database(given_url: str, lock: int) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Provide a database's URL, and what starts it again if it is ours and ended by itself."""
    if given_url:
        schema.upgrade(given_url)
        yield given_url, lambda: False
        return
    folder = _DATA / "postgres"
    with postgres.running(folder, left_overs_lock=lock) as server:
        if server.home != folder.resolve():
            say("run", f"root lends PostgreSQL an account that cannot get to {folder}: the data is in {server.home}")
        yield server.url, server.revive


def _environment(database_url: str, *, reload: bool) -> dict[str, str]:
    return {
        **os.environ,
        "IMAGE_CACHE_SECONDS": str(load(ImageCacheSettings).seconds_behind_our_proxy),
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(Path.cwd()),
        "PYTHONUNBUFFERED": "1",  # a print() shows at once
        "RELOAD": "1" if reload else "0",
    }


def _prepare_proxy(address: AddressSettings, servers: Sequence[_Server]) -> list[str]:
    """Write nginx's configuration and see that its port is free; return its command."""
    ports.listen(address.app_host, address.app_port, "APP_PORT").close()
    folder = Path.cwd() / _DATA / "proxy"
    addresses = {server.function.name: server.netloc for server in servers}
    listen_address = ports.netloc(address.app_host, address.app_port)
    proxy.write_configuration(
        folder,
        listen_address,
        addresses,
        max_body_bytes=load(BodySettings).max_body_bytes,
        image_cache_seconds=load(ImageCacheSettings).seconds_behind_our_proxy,
    )
    return proxy.command(folder)


def _popen(command: Sequence[str], environment: Mapping[str, str], *descriptors: int) -> Popen:
    return subprocess.Popen(  # noqa: S603  # our own command
        command,
        env=environment,
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C is for us; in which order they end is ours to say
    )


def _wait_until_it_answers(service: Service, address: tuple[str, int], path: str, stop: Stop) -> None:
    """Return when it does, or when the end is wished for; StartError when there is no hope."""
    deadline = time.monotonic() + _START_SECONDS
    while not stop.wait(0) and not _answers(address, path, stop):
        if service.quick_ends >= _HOPELESS_ENDS or time.monotonic() > deadline:
            raise StartError(f"{service.name} does not start; its lines above say why")
        stop.wait(0.05)


def _answers(address: tuple[str, int], path: str, stop: Stop) -> bool:
    try:
        with socket.create_connection(address, timeout=1) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            stop.wait(_START_SECONDS, connection)
            return connection.recv(1) != b""
    except OSError:  # not yet
        return False


def _watch_database(revive: Callable[[], bool], stop: Stop) -> None:
    """Until the stop is requested, start a database of ours again if it ended by itself, as often as it takes."""
    has_failed = False
    while not stop.wait(_REVIVAL_SECONDS if has_failed else 0.5):
        try:
            if revive():
                say("run", "PostgreSQL ended by itself and was started again")
                has_failed = False
        except StartError as error:
            if not has_failed:
                say("run", f"{error}\nIt is tried again every {_REVIVAL_SECONDS:.0f} s.")
            has_failed = True


def _end(schedule: Service, front: Service, functions: Sequence[Service], stop: Stop) -> None:
    """End who calls before who answers: the proxy finishes what it has begun, for which it needs the functions."""
    if not stop.wait(0):
        stop.request()
    say("run", "stopping; Ctrl-C again ends it at once")
    schedule.end(signal.SIGTERM)
    front.end(signal.SIGQUIT)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda service: service.end(signal.SIGTERM), functions))
