"""Conversion slots: how many images a process decodes and encodes at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from common.errors import Overloaded
from common.once import once
from common.settings import ConversionSettings, load


@contextmanager
def conversion_slot(*, waited_seconds: float = 0.0) -> Iterator[None]:
    """Hold one of CONVERSION_SLOTS. Raises Overloaded if none is free within QUEUE_TIMEOUT_SECONDS.

    `waited_seconds` is how long the request waited before this call. It counts towards the timeout.
    """
    slots = _slots()
    if not slots.acquire(timeout=max(0.0, load(ConversionSettings).queue_timeout_seconds - waited_seconds)):
        raise Overloaded("All conversion slots are busy. Try again soon.")
    try:
        yield
    finally:
        slots.release()


@once
def _slots() -> BoundedSemaphore:
    return BoundedSemaphore(load(ConversionSettings).conversion_slots)
