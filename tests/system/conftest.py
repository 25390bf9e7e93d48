"""The cast of the system tests: one running emulator, for all that leave it running."""

from collections.abc import Iterator

import pytest

from tests.system import emulators


@pytest.fixture(scope="session")
def emulator() -> Iterator[emulators.Emulator]:
    """The whole service, as `make run` starts it."""
    with emulators.running() as running:
        yield running
