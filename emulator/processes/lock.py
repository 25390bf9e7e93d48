"""Locks on files: one owner of a folder, and no start before the processes of a killed owner are gone."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.errors import StartError

_POLL_SECONDS = 0.1
_LEFT_OVER_SECONDS = 30.0  # the guardian needs 10 s at most, unless the machine is very busy


@contextmanager
def owned(path: Path, what: str) -> Iterator[None]:
    """Hold the lock on a file and write our process id into it. Raises StartError if another process holds it."""
    with path.open("a+") as lock:
        if not _lock(lock.fileno()):
            lock.seek(0)
            raise StartError(f"process {lock.read()} {what}: stop it first")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def after_left_overs(path: Path, wait: Callable[[float], bool], notice: Callable[[], None]) -> Iterator[int | None]:
    """Yield a locked descriptor for our guardian to inherit, once the guardian of a killed owner has ended.

    A guardian ends after the processes that it ends, so its lock says that some of them may still run. Calls `notice`
    once if there is such a guardian. Yields None if `wait` returns True, which is a request to stop. Raises StartError
    if the guardian takes longer than 30 s.
    """
    with path.open("a") as lock:
        deadline = time.monotonic() + _LEFT_OVER_SECONDS
        is_ours = _lock(lock.fileno())
        if not is_ours:
            notice()
        while not is_ours and not wait(_POLL_SECONDS):
            if time.monotonic() > deadline:
                raise StartError("processes of a killed `make run` do not end: find them with `ps`, and end them")
            is_ours = _lock(lock.fileno())
        yield lock.fileno() if is_ours else None


def _lock(descriptor: int) -> bool:
    """Return whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
