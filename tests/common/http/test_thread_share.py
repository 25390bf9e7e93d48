"""How many threads conversions may hold."""

from contextlib import ExitStack

import pytest

from common.errors import Overloaded
from common.http.thread_share import ThreadShare


def hold(share: ThreadShare, token: str, held: ExitStack, times: int = 1) -> None:
    for _ in range(times):
        held.enter_context(share.held_by(token))


def test_a_token_holds_half_of_the_threads_and_another_token_the_rest() -> None:
    share = ThreadShare(8)
    with ExitStack() as held:
        hold(share, "a", held, 4)
        with pytest.raises(Overloaded, match="this token"):
            hold(share, "a", held)
        hold(share, "b", held, 4)
        with pytest.raises(Overloaded, match="are being converted"):
            hold(share, "c", held)


@pytest.mark.parametrize(("threads", "per_token"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_a_token_never_holds_more_than_half_unless_there_is_one_thread(threads: int, per_token: int) -> None:
    share = ThreadShare(threads)
    with ExitStack() as held:
        hold(share, "a", held, per_token)
        with pytest.raises(Overloaded):
            hold(share, "a", held)


def test_a_thread_is_given_back_after_a_request_that_failed() -> None:
    share = ThreadShare(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"), share.held_by("a"):
            raise ValueError("broken")
