"""The cast of the tests: one PostgreSQL and one process a function, shared by all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, settings

from api.endpoints import ENDPOINTS, Endpoint
from emulator.postgres import server as postgres
from tests import servers

# No limit on time, and the same examples in every run: a test must not fail because a machine is slow.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--together", action="store_true", help="run the shared functions in one process: by_route")


@contextmanager
def database_server(*options: str) -> Iterator[postgres.Postgres]:
    """A PostgreSQL in a folder that the account which root lends it can reach: pytest's are closed to all others."""
    with TemporaryDirectory(prefix="image-api-") as folder, postgres.running(Path(folder), *options) as server:
        yield server


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared functions run: their log file is in it."""
    return tmp_path_factory.mktemp("functions")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A fresh PostgreSQL with the schema applied."""
    with database_server() as server:
        yield server.url


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    """Our own look into the tables."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def together(request: pytest.FixtureRequest, folder: Path, database_url: str) -> Iterator[servers.Function | None]:
    """With --together: the one process that answers for every function."""
    if not request.config.getoption("--together"):
        yield None
        return
    with servers.together(folder, DATABASE_URL=database_url) as started:
        yield started


def _client_of(endpoint: Endpoint) -> Callable[..., Iterator[httpx.Client]]:
    """Return the fixture of a function's name: a client of the function, which all tests share."""

    @pytest.fixture(scope="session", name=endpoint.name)
    def client(folder: Path, database_url: str, together: servers.Function | None) -> Iterator[httpx.Client]:
        if together:
            yield together.client
            return
        threads = {"THREADS": "4"} if endpoint.converts else {}
        with servers.function(endpoint.name, folder, DATABASE_URL=database_url, **threads) as started:
            yield started.client

    return client


for each in ENDPOINTS:
    globals()[each.name] = _client_of(each)
