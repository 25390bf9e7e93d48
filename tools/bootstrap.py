"""What `make` does first: a virtual environment in .venv that holds the pinned requirements.

Any `python3` may run this file, if only to be told which one is needed: it keeps to what Python 3.6 knows.
The rest of its command line is what the environment's Python is to run in its place.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "image-api-stamp"
REQUIREMENTS = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)
ALTERNATIVES = ("python3.14", "python3.13", "python3.12", "python3.11")
DESCRIBE = "import importlib.util as i, sys; print(*sys.version_info[:2], int(i.find_spec('ensurepip') is not None))"


def main(arguments: "list[str]") -> None:
    """Bring the environment up to date, then become its Python."""
    root = os.open(str(ROOT), os.O_RDONLY)
    fcntl.flock(root, fcntl.LOCK_EX)  # two `make` at once would tread on each other
    bring_up_to_date()
    os.close(root)
    if arguments:
        os.execv(str(VENV_PYTHON), [str(VENV_PYTHON), *arguments])  # noqa: S606  # a shell would be in the way


def bring_up_to_date() -> None:
    """Do what is needed, mostly nothing; the stamp comes last, so that an interrupted run is repaired by the next."""
    recorded = STAMP.read_text() if STAMP.exists() and VENV_PYTHON.exists() else ""
    version = recorded.partition("\n")[0]
    if sys.version_info >= OLDEST and importlib.util.find_spec("ensurepip"):
        version = "{}.{}".format(*sys.version_info)  # else another Python had to make it, and may keep it
    if recorded == stamp(version):
        return
    if recorded.rpartition("\n")[0] == stamp(version).rpartition("\n")[0]:
        STAMP.unlink()
    else:
        version = make_environment()
    uv = (str(VENV / "bin" / "uv"), "pip", "sync", "--quiet")
    run(*uv, "--python", str(VENV_PYTHON), "--require-hashes", str(REQUIREMENTS))
    STAMP.write_text(stamp(version))


def stamp(version: str) -> str:
    """Return all that makes an environment outdated when it changes; the requirements last, which can be mended."""
    requirements = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return "\n".join((version, str(VENV_PYTHON.resolve()), str(ROOT), requirements))


def make_environment() -> str:
    """Make .venv anew, with uv in it; return its Python's version."""
    python, version = find_python()
    sys.stdout.write(f"Making .venv with Python {version} and what requirements-dev.txt pins, this once ...\n")
    sys.stdout.flush()
    run(python, "-m", "venv", "--clear", str(VENV))
    uv_pin = VENV / "uv.txt"
    uv_pin.write_text(pin_of("uv"))
    pip = (str(VENV_PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", str(uv_pin))
    return version


def find_python() -> "tuple[str, str]":
    """Return a Python that can make the environment, and its version; end, saying what to install, without one."""
    lacks_venv = ""
    for candidate in filter(None, [os.path.realpath(sys.executable), *map(shutil.which, ALTERNATIVES)]):
        version, has_venv = describe(candidate)
        if version >= OLDEST and has_venv:
            return candidate, "{}.{}".format(*version)
        if version >= OLDEST:
            lacks_venv = lacks_venv or "{}.{}".format(*version)
    if lacks_venv:
        sys.exit(
            f"Image API needs Python's venv module, without which this Python {lacks_venv} came.\n"
            f"On Debian and Ubuntu: sudo apt install python{lacks_venv}-venv"
        )
    sys.exit(
        "Image API needs Python 3.11 or newer, and this is {}.{} ({}).\n"
        "Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python.\n"
        "Where it is not on PATH: make PYTHON=/path/to/python3.13 ...".format(*sys.version_info[:2], sys.executable)
    )


def describe(python: str) -> "tuple[tuple[int, int], bool]":
    """Return a Python's version and whether it can make environments; version 0.0 where it does not start."""
    command = [python, "-c", DESCRIBE]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode:
        return (0, 0), False
    major, minor, has_venv = map(int, done.stdout.split())
    return (major, minor), bool(has_venv)


def pin_of(name: str) -> str:
    """Return the requirements' entry of one package, with its hashes."""
    entry = re.search(rf"^{name}==.*(\n +--hash=.*)+", REQUIREMENTS.read_text(), re.MULTILINE)
    if not entry:
        sys.exit(f"{REQUIREMENTS} has no {name}")
    return entry.group().rstrip(" \\") + "\n"


def run(*command: str) -> None:
    """Run a command; end with its status where it fails: it has said why."""
    status = subprocess.call(command, cwd=str(ROOT))  # noqa: S603  # our own command
    if status:
        sys.exit(status)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nInterrupted: the next run begins anew.")
