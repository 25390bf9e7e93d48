"""What a process has one of, however many threads are the first to ask for it."""

import threading
from collections.abc import Callable, Hashable
from functools import cache, wraps
from typing import TypeVar

Value = TypeVar("Value")


def once(make: Callable[..., Value]) -> Callable[..., Value]:
    """Return `make` with a memory; functools.cache has each thread make its own that asks before the first is made."""
    lock = threading.RLock()  # what is being made may log, and the log ask for what is being made
    remembered = cache(make)

    @wraps(make)
    def given(*arguments: Hashable) -> Value:
        with lock:
            return remembered(*arguments)

    return given
