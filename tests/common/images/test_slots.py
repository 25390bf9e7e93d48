"""Conversion slots."""

from contextlib import ExitStack

import pytest

from common.errors import Overloaded
from common.images.slots import conversion_slot
from common.settings import ConversionSettings, load

LONGEST_QUEUE_SECONDS = 600


def test_a_request_that_waited_its_time_before_gets_a_free_slot_and_no_more() -> None:
    with ExitStack() as held:
        for _ in range(load(ConversionSettings).conversion_slots):
            held.enter_context(conversion_slot(waited_seconds=LONGEST_QUEUE_SECONDS))
        with pytest.raises(Overloaded), conversion_slot(waited_seconds=LONGEST_QUEUE_SECONDS):
            pass


def test_a_slot_is_free_again_after_a_conversion_that_failed() -> None:
    for _ in range(load(ConversionSettings).conversion_slots + 1):
        with pytest.raises(ValueError, match="broken"), conversion_slot(waited_seconds=LONGEST_QUEUE_SECONDS):
            raise ValueError("broken")
