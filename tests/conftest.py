"""The cast of the tests: one PostgreSQL and one process a function, shared by all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest

from emulator.postgres import server as postgres
from tests import servers


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
def upload_image(folder: Path, database_url: str) -> Iterator[httpx.Client]:
    with servers.function("upload_image", folder, DATABASE_URL=database_url, THREADS="4") as started:
        yield started.client


@pytest.fixture(scope="session")
def get_image(folder: Path, database_url: str) -> Iterator[httpx.Client]:
    with servers.function("get_image", folder, DATABASE_URL=database_url) as started:
        yield started.client


@pytest.fixture(scope="session")
def get_logs(folder: Path) -> Iterator[httpx.Client]:
    with servers.function("get_logs", folder) as started:
        yield started.client


@pytest.fixture(scope="session")
def health(folder: Path) -> Iterator[httpx.Client]:
    with servers.function("health", folder) as started:
        yield started.client


@pytest.fixture(scope="session")
def index(folder: Path) -> Iterator[httpx.Client]:
    with servers.function("index", folder) as started:
        yield started.client
