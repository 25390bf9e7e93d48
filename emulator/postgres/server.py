"""A PostgreSQL of our own: no daemon, no container, no root, its data in one folder."""

import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from emulator.postgres import schema
from emulator.postgres.programs import Programs, lent_account, reachable_home, reachable_programs
from emulator.processes.guardian import Guardian, end
from emulator.processes.lock import owned
from tools.errors import StartError

if TYPE_CHECKING:
    import subprocess

_USER = "image_api"
_START_SECONDS = 60
_STOP_STEPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))  # fast, then immediate: both without waiting for callers


class Postgres:
    """A running server on a port of 127.0.0.1, which it keeps from start to start."""

    def __init__(self, programs: Programs, guardian: Guardian, options: tuple[str, ...]) -> None:
        """Take over a folder nobody else has; make the cluster where there is none yet."""
        self._programs = programs
        self.home = programs.home
        self._guardian = guardian
        self._options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", *options)
        self._data = self.home / f"pg{programs.major}"
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = False
        if not self._data.exists():
            self._refuse_another_major()
            self._create_cluster()
        self.port = _free_port()
        self.url = f"postgresql://{_USER}:{self._password_file.read_text()}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The server's process id; RuntimeError while it is stopped."""
        if not self._process:
            raise RuntimeError("PostgreSQL is stopped")
        return self._process.pid

    @property
    def _password_file(self) -> Path:
        return self._data / "dev-password"

    def _refuse_another_major(self) -> None:
        """Raise StartError if there is data of another major version: an empty database would hide the images."""
        for version in sorted(self.home.glob("pg*/PG_VERSION")):
            folder = version.parent
            if folder.name.removeprefix("pg").isdecimal():
                raise StartError(
                    f"the images are in {folder}, which PostgreSQL {version.read_text().strip()} made and this "
                    f"PostgreSQL ({self._data.name.removeprefix('pg')}) cannot read.\n"
                    "To keep them: run the release of Image API that made the folder, dump its database with\n"
                    "`pg_dump`, move the folder away, run this release, and restore the dump with `pg_restore`.\n"
                    "To start with an empty database: move the folder away"
                )

    def _create_cluster(self) -> None:
        """Make a cluster with a random password; the name comes last, so that half of one never has it."""
        fresh, password_file = self.home / f"{self._data.name}.new", self.home / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        password_file.touch(0o600)
        password_file.write_text(secrets.token_urlsafe(18))
        self._programs.give(password_file)
        self._programs.run(
            "initdb", f"--pgdata={fresh}", f"--username={_USER}", f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        password_file.rename(fresh / self._password_file.name)
        fresh.rename(self._data)

    def start(self) -> None:
        """Start the server and wait until it takes connections; StartError says what it said."""
        self._is_wanted = True
        self._end_left_over()
        log = self.home / "postgres.log"
        log.unlink(missing_ok=True)
        log.touch(0o600)  # its lines may quote data
        options = [argument for option in self._options for argument in ("-c", option)]
        with log.open("wb") as output:
            self._process = self._programs.popen(
                "postgres", "-D", str(self._data), "-p", str(self.port), *options, output=output
            )
        self._guardian.watch(self.pid, signal.SIGINT)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end(*_STOP_STEPS)
                raise StartError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        """Tell what `pg_ctl -w` waits for: the last line of the pid file."""
        with suppress(FileNotFoundError):
            return (self._data / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    def _end_left_over(self) -> None:
        """Stop the server that a killed owner left, and the backends that a killed server left."""
        pid_file = self._data / "postmaster.pid"
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            left = psutil.Process(int(pid_file.read_text().split()[0]))
            if str(self._data) in left.cmdline():  # not somebody else who has the number now
                left.send_signal(signal.SIGINT)
                left.wait(_START_SECONDS)
        for backend in psutil.process_iter(["cwd"]):  # a server does not start while an old backend lives
            if backend.info["cwd"] == str(self._data):
                with suppress(psutil.NoSuchProcess):
                    backend.kill()
                    backend.wait(_START_SECONDS)
        pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server, whoever is connected; no harm where it is stopped already."""
        self._is_wanted = False
        self._end(*_STOP_STEPS)

    def kill(self) -> None:
        """End the server and its backends at once, as a power cut would."""
        backends = psutil.Process(self.pid).children(recursive=True)
        self._end()
        while left := [backend for backend in backends if _is_alive(backend)]:
            for backend in left:
                with suppress(psutil.NoSuchProcess):
                    backend.kill()
            time.sleep(0.01)

    def restart(self) -> None:
        """Stop the server if it runs, and start it again on the same port."""
        self.stop()
        self.start()

    def revive(self) -> bool:
        """Start the server again if it ended by itself, and return whether it had.

        Raises StartError if it does not start. It may do so later: after a full disk, or once the old one has ended.
        """
        is_running = self._process and self._process.poll() is None
        if is_running or not self._is_wanted:
            return False
        self._end(*_STOP_STEPS)
        self.start()
        return True

    def _end(self, *steps: tuple[int, float]) -> None:
        if not self._process:
            return
        process, self._process = self._process, None
        end(process.pid, *steps, reap=process.poll)
        self._guardian.forget(process.pid)


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, *options: str, left_overs_lock: int | None = None) -> Iterator[Postgres]:
    """Run a server with the schema on the data in `folder`; StartError says what hinders it.

    `options` are server settings such as "fsync=off". The guardian of the server inherits `left_overs_lock`.
    """
    account = lent_account()
    home = reachable_home(folder, account)
    with owned(home / "lock", f"has the database in {home}"), Guardian(left_overs_lock) as guardian:
        server = Postgres(reachable_programs(home, account), guardian, options)
        try:
            server.start()
            schema.upgrade(server.url)
            yield server
        finally:
            server.stop()
