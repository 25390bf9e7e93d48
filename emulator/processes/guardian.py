"""Ending processes: in order while we live, and by a guardian if we die without a word (kill -9).

The guardian is this file run as a process of its own: it learns which processes are ours from a pipe, and
the pipe's end is our death.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 5.0


def send(group: int, signum: int) -> bool:
    """Signal a process group; return whether there is one."""
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


def end(
    group: int,
    *steps: tuple[int, float],
    reap: Callable[[], object] = lambda: None,
    is_urgent: Callable[[], bool] = lambda: False,
) -> None:
    """Send each signal and give the group its seconds to be gone; SIGKILL comes last, or at once if it is urgent.

    `reap` is called meanwhile: where the group's leader is our child, somebody has to take note of its end.
    """
    for signum, patience in (*steps, (signal.SIGKILL, _PATIENCE_SECONDS)):
        send(group, signum)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and (signum == signal.SIGKILL or not is_urgent()):
            reap()
            if not send(group, 0):
                return
            time.sleep(_POLL_SECONDS)


class Guardian:
    """A process that outlives us, and then ends the process groups it was told to watch."""

    def __init__(self, lock: int | None = None) -> None:
        """Start it. It inherits the descriptor `lock`, and so holds that lock until the groups have ended."""
        self._inherited = () if lock is None else (lock,)
        self._watched: dict[int, int] = {}
        self._lock = threading.Lock()
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603  # this very file
            [sys.executable, "-I", __file__],
            cwd="/",
            pass_fds=self._inherited,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, not for it
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """End what is still watched, and the guardian."""
        self._process.communicate()

    def watch(self, group: int, signum: int = signal.SIGTERM) -> None:
        """End this process group after our death, first by this signal."""
        with self._lock:
            self._watched[group] = signum
            self._tell(f"{group} {signum}\n")

    def forget(self, group: int) -> None:
        """Leave this process group alone: it is gone, and its number may be anybody's."""
        with self._lock:
            del self._watched[group]
            self._tell(f"{group} 0\n")

    def _tell(self, line: str) -> None:
        try:
            self._write(line)
        except BrokenPipeError:  # somebody killed it: the next one learns everything anew
            self._process.wait()
            self._process = self._start()
            self._write("".join(f"{group} {signum}\n" for group, signum in self._watched.items()))

    def _write(self, text: str) -> None:
        assert self._process.stdin  # noqa: S101  # a pipe, as we asked for
        self._process.stdin.write(text)
        self._process.stdin.flush()


def _guard() -> None:
    """Read which groups are ours until the pipe ends; then end them all at once."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin:
        group, signum = map(int, line.split())
        watched[group] = signum
    for group, first in watched.items():
        if first:
            threading.Thread(target=end, args=(group, (first, _PATIENCE_SECONDS))).start()


if __name__ == "__main__":
    _guard()
