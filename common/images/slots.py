"""Conversion slots: how many images a process decodes and encodes at the same time."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from common.errors import Overloaded
from common.once import once
from common.settings import ConversionSettings, load


class FairSlots:
    """A number of slots. Tokens that wait get a free slot in turn, the requests of one token in the order they came."""

    def __init__(self, slots: int) -> None:
        """Start with all `slots` free."""
        self._free = slots
        self._waiting: OrderedDict[str, deque[Event]] = OrderedDict()  # the token that is next comes first
        self._lock = Lock()

    def acquire(self, token: str, timeout: float) -> bool:
        """Take a slot. Returns False if the token gets none within `timeout` seconds."""
        with self._lock:
            if self._free:  # nobody waits: release() hands a slot to whoever does
                self._free -= 1
                return True
            if timeout <= 0:
                return False
            turn = Event()
            self._waiting.setdefault(token, deque()).append(turn)
        return turn.wait(timeout) or not self._give_up(token, turn)

    def release(self) -> None:
        """Hand the slot to the next request, or keep it free if none waits."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            token, turns = self._waiting.popitem(last=False)
            turns.popleft().set()
            if turns:
                self._waiting[token] = turns  # behind all other tokens

    def waiting(self) -> int:
        """Return how many requests wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _give_up(self, token: str, turn: Event) -> bool:
        """Leave the queue. Returns False if release() gave the slot after the timeout: the request then holds it."""
        with self._lock:
            if turn.is_set():
                return False
            turns = self._waiting[token]
            turns.remove(turn)
            if not turns:
                del self._waiting[token]
            return True


@contextmanager
def conversion_slot(*, token: str, waited_seconds: float = 0.0) -> Iterator[None]:
    """Hold one of CONVERSION_SLOTS. Raises Overloaded if the token gets none within QUEUE_TIMEOUT_SECONDS.

    `token` names the caller: the queue is fair between tokens. `waited_seconds` is how long the request waited before
    this call. It counts towards the timeout.
    """
    slots = _slots()
    if not slots.acquire(token, load(ConversionSettings).queue_timeout_seconds - waited_seconds):
        raise Overloaded("All conversion slots are busy. Try again soon.")
    try:
        yield
    finally:
        slots.release()


@once
def _slots() -> FairSlots:
    return FairSlots(load(ConversionSettings).conversion_slots)
