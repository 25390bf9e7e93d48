"""The threads of a process that conversions may hold, and how many of them one token may hold."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from common.errors import Overloaded


class ThreadShare:
    """A number of threads. One token holds at most half of them, so that other tokens always find one."""

    def __init__(self, threads: int) -> None:
        """Share `threads`. A single thread cannot be shared: any token may hold it."""
        self._threads = threads
        self._threads_per_token = max(1, threads // 2)
        self._held: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def held_by(self, token: str) -> Iterator[None]:
        """Count a thread as held by the token. Raises Overloaded at once if there are too many."""
        with self._lock:
            if self._held[token] >= self._threads_per_token:
                raise Overloaded("Too many requests of this token are in progress. Try again soon.")
            if self._held.total() >= self._threads:
                raise Overloaded("Too many images are being converted. Try again soon.")
            self._held[token] += 1
        try:
            yield
        finally:
            self._give_back(token)

    def _give_back(self, token: str) -> None:
        with self._lock:
            self._held[token] -= 1
            if not self._held[token]:
                del self._held[token]  # or the counter grows with every token that ever called
