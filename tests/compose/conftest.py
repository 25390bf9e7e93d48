"""The cast of `make test-compose`: one composed service, for all tests."""

from collections.abc import Iterator

import pytest

from tests.compose import stacks


@pytest.fixture(scope="session")
def stack() -> Iterator[stacks.Stack]:
    """The whole service, as `make up` starts it."""
    with stacks.running() as running:
        yield running


@pytest.fixture(scope="session")
def emulator(stack: stacks.Stack) -> stacks.Stack:
    """The same, for the tests that `make run` has to pass too."""
    return stack
