"""Conversion slots."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from common.errors import Overloaded
from common.images.slots import FairSlots, conversion_slot
from common.settings import ConversionSettings, load

LONGEST_QUEUE_SECONDS = 600
ACTOR = "env:3f9a0c12"


def test_a_request_that_waited_its_time_before_gets_a_free_slot_and_no_more() -> None:
    with ExitStack() as held:
        for _ in range(load(ConversionSettings).conversion_slots):
            held.enter_context(conversion_slot(token=ACTOR, waited_seconds=LONGEST_QUEUE_SECONDS))
        with pytest.raises(Overloaded), conversion_slot(token=ACTOR, waited_seconds=LONGEST_QUEUE_SECONDS):
            pass


def test_a_slot_is_free_again_after_a_conversion_that_failed() -> None:
    for _ in range(load(ConversionSettings).conversion_slots + 1):
        with (
            pytest.raises(ValueError, match="broken"),
            conversion_slot(token=ACTOR, waited_seconds=LONGEST_QUEUE_SECONDS),
        ):
            raise ValueError("broken")


class Queue:
    """Requests that wait, each in a thread, for the only slot; `served` are their names in the order of their turns."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.slots = FairSlots(1)
        self.served: list[str] = []
        self._pool = pool
        assert self.slots.acquire("held", 0)

    def join(self, name: str) -> Future[bool]:
        """Start a request and return once it waits. Its token is the first letter of its name."""
        with_it = self.slots.waiting() + 1
        request = self._pool.submit(self._request, name)
        while self.slots.waiting() < with_it:
            assert not request.done()
        return request

    def _request(self, name: str) -> bool:
        if not self.slots.acquire(name[0], LONGEST_QUEUE_SECONDS):
            return False
        self.served.append(name)
        self.slots.release()
        return True


@pytest.fixture
def queue() -> Iterator[Queue]:
    with ThreadPoolExecutor(32) as pool:
        yield Queue(pool)


def test_tokens_get_slots_in_turn_and_a_tokens_requests_in_their_order(queue: Queue) -> None:
    requests = [queue.join(name) for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1")]
    queue.slots.release()
    assert all(request.result() for request in requests)
    assert queue.served == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_a_slot_that_nobody_waits_for_is_free(queue: Queue) -> None:
    assert not queue.slots.acquire("a", 0)
    queue.slots.release()
    assert queue.slots.acquire("a", 0)
    assert not queue.slots.acquire("b", 0)


def test_a_request_that_gave_up_gets_no_slot(queue: Queue) -> None:
    assert not queue.slots.acquire("a", 0.001)
    last = queue.join("b1")
    assert queue.slots.waiting() == 1
    queue.slots.release()
    assert last.result()
    assert queue.slots.acquire("a", 0)


def test_no_slot_is_lost_if_turns_come_just_as_requests_give_up() -> None:
    slots, threads, start = FairSlots(2), 16, threading.Barrier(16)
    holding, most_held, lock = 0, 0, threading.Lock()

    def requests(number: int) -> None:
        nonlocal holding, most_held
        start.wait()
        for turn in range(200):
            if slots.acquire(f"token {number % 3}", 0.00001 * (turn % 7)):
                with lock:
                    holding += 1
                    most_held = max(most_held, holding)
                with lock:
                    holding -= 1
                slots.release()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(requests, range(threads)))
    assert most_held <= 2
    assert slots.waiting() == 0
    assert [slots.acquire("a", 0) for _ in range(3)] == [True, True, False]
