"""init.sql upgrades every schema that a release made, while the service runs."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from common.storage.schema import NEEDED_VERSION
from emulator.postgres import schema
from emulator.postgres import server as postgres
from tests.conftest import database_server
from tests.schemas import databases
from tests.schemas.databases import RELEASED, ROWS, RUNNERS, STORE
from tests.servers import ROOT
from tools.errors import StartError

SCRIPT = (ROOT / "init.sql").read_text()
WITH_INDEX = SCRIPT.replace(
    "-- Indexes: none yet.",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS images_newest ON images (created_at DESC, id DESC);",
)
PAUSE_SECONDS = 1  # a session of a service that waits longer than this for a lock fails

ALONE = (schema.upgrade, databases.upgrade_by_psql)  # who send each statement alone: these may meet another run

Upgrade = Callable[[str], None]

every_release = pytest.mark.parametrize("release", RELEASED, ids=lambda file: file.stem)
every_runner = pytest.mark.parametrize("upgrade", RUNNERS)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL for databases that come and go."""
    with database_server("fsync=off") as server:
        yield server


@pytest.fixture
def old(server: postgres.Postgres) -> Iterator[str]:
    """The URL of a database that release 0.1.0 made."""
    with databases.released(server.url, RELEASED[-1]) as url:
        yield url


@pytest.fixture(scope="module")
def fresh(server: postgres.Postgres) -> databases.Catalogs:
    """What stands in the catalogs of a database that was empty before."""
    rows = databases.catalogs(server.url)
    assert "NOT VALID" not in str(rows)
    return rows


@every_runner
@every_release
def test_an_upgraded_schema_is_that_of_a_new_database_and_keeps_every_image(
    server: postgres.Postgres, fresh: databases.Catalogs, release: Path, upgrade: Upgrade
) -> None:
    with databases.released(server.url, release) as url:
        upgrade(url)
        assert databases.catalogs(url) == fresh
        with psycopg.connect(url) as connection:
            kept = connection.execute("SELECT data, source, applied FROM images").fetchall()
            assert kept == [(b"x", None, None)] * ROWS


@every_runner
def test_every_runner_makes_the_same_schema(
    server: postgres.Postgres, fresh: databases.Catalogs, upgrade: Upgrade
) -> None:
    with databases.database(server.url) as url:
        upgrade(url)
        assert databases.catalogs(url) == fresh


def test_a_new_database_has_the_version_that_the_functions_need(server: postgres.Postgres) -> None:
    with psycopg.connect(server.url) as connection:
        versions = connection.execute("SELECT version, completed_at IS NOT NULL FROM schema_versions").fetchall()
        assert versions == [(NEEDED_VERSION, True)]


def test_the_version_is_the_same_wherever_the_file_names_it() -> None:
    named = re.findall(r"version >?= (\d+)|\(version\) VALUES \((\d+)\)", SCRIPT)
    assert {int(checked or recorded) for checked, recorded in named} == {NEEDED_VERSION}


@every_runner
def test_running_it_again_changes_nothing_and_waits_for_nobody(old: str, upgrade: Upgrade) -> None:
    schema.upgrade(old)
    before = databases.catalogs(old)
    with psycopg.connect(old) as vacuum, psycopg.connect(old) as watch:
        vacuum.execute("LOCK TABLE images, logs IN SHARE UPDATE EXCLUSIVE MODE")
        versions = watch.execute("SELECT version, completed_at, xmin FROM schema_versions").fetchall()
        upgrade(old)
        assert watch.execute("SELECT version, completed_at, xmin FROM schema_versions").fetchall() == versions
    assert databases.catalogs(old) == before


@every_runner
def test_a_newer_schema_stays_as_it_is(old: str, upgrade: Upgrade) -> None:
    schema.upgrade(old)
    with psycopg.connect(old) as connection:
        connection.execute("ALTER TABLE images DROP CONSTRAINT images_quality_check, DROP COLUMN applied")
        connection.execute("INSERT INTO schema_versions VALUES (99, now())")
    before = databases.catalogs(old)
    upgrade(old)
    assert databases.catalogs(old) == before


@pytest.mark.parametrize("upgrade", ALONE)
@pytest.mark.parametrize("release", [*RELEASED, None], ids=lambda file: file.stem if file else "empty")
def test_runs_at_once_end_well(
    old: str, fresh: databases.Catalogs, release: Path | None, upgrade: Callable[[str, str], None]
) -> None:
    for _ in range(20):
        databases.restore(old, release)
        _run_at_once(lambda: upgrade(old, SCRIPT))
        assert databases.catalogs(old) == fresh


@pytest.mark.parametrize("upgrade", ALONE)
def test_runs_at_once_that_build_an_index_end_well(old: str, upgrade: Callable[[str, str], None]) -> None:
    for _ in range(20):
        databases.restore(old, RELEASED[-1])
        _run_at_once(lambda: upgrade(old, WITH_INDEX))
        assert _valid_indexes(old)["images_newest"]


def _run_at_once(run: Callable[[], None]) -> None:
    gate = threading.Barrier(3)

    def wait_and_run() -> None:
        gate.wait()
        run()

    with ThreadPoolExecutor(gate.parties) as pool:
        for result in [pool.submit(wait_and_run) for _ in range(gate.parties)]:
            result.result()


@pytest.mark.parametrize("upgrade", ALONE)
def test_an_index_whose_build_broke_off_is_built_again(old: str, upgrade: Callable[[str, str], None]) -> None:
    with psycopg.connect(old, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY images_newest ON images (filename)")
        assert not _valid_indexes(old)["images_newest"]
    upgrade(old, WITH_INDEX)
    assert _valid_indexes(old)["images_newest"]


def _valid_indexes(url: str) -> dict[str, bool]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT indexrelid::regclass::text, indisvalid FROM pg_index").fetchall())


def test_a_transaction_that_reads_for_long_holds_up_the_upgrade_and_nobody_else(old: str) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(old) as dump,
        psycopg.connect(old, autocommit=True, options=f"-c lock_timeout={PAUSE_SECONDS}s") as caller,
    ):
        dump.execute("SELECT FROM images")
        upgrade = pool.submit(schema.upgrade, old)
        while not _waits_for_a_lock(old):
            assert not upgrade.done()
        for _ in range(20):
            caller.execute(STORE)
        assert not upgrade.done()
        dump.rollback()
        upgrade.result()


def _waits_for_a_lock(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None


@pytest.mark.parametrize("upgrade", ALONE)
def test_an_upgrade_that_gives_up_says_why_and_changes_nothing(old: str, upgrade: Callable[[str, str], None]) -> None:
    once = SCRIPT.replace("IN 1..60 LOOP", "IN 1..1 LOOP")
    with psycopg.connect(old) as dump:
        dump.execute("SELECT FROM images")
        before = databases.catalogs(old)
        with pytest.raises(
            (StartError, AssertionError), match=r"in use without a pause.*\n.*Run this file again later"
        ):
            upgrade(old, once)
        added = [row for row in databases.catalogs(old) if row not in before]
    assert {table for table, *_ in added} == {"schema_versions"}


@every_runner
def test_a_database_that_cannot_hold_every_name_is_refused_and_stays_empty(
    server: postgres.Postgres, upgrade: Upgrade
) -> None:
    with databases.database(server.url, "ENCODING 'SQL_ASCII' TEMPLATE template0") as url:
        with pytest.raises((StartError, AssertionError, psycopg.Error), match=r"SQL_ASCII.*\n.*ENCODING 'UTF8'"):
            upgrade(url)
        assert databases.catalogs(url) == []


def test_a_million_images_are_upgraded_while_others_are_stored_and_read() -> None:
    with (
        database_server("fsync=off", "max_wal_size=4GB") as server,
        databases.released(server.url, RELEASED[-1]) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute("""
            INSERT INTO images (filename, data, width, height, quality, size_bytes, source_format, sha256)
            SELECT 'a.jpg', 'x', 1, 1, 85, 1, 'JPEG', sha256('x') FROM generate_series(1, 1000000)
        """)
        file = _file_of_images(connection)
        with _callers(url, 4) as stored:
            schema.upgrade(url, WITH_INDEX)
        assert _file_of_images(connection) == file, "the table was written anew"
        assert _valid_indexes(url)["images_newest"]
        for image_id in stored:
            kept = connection.execute("SELECT data, source FROM images WHERE id = %s", (image_id,)).fetchone()
            assert kept == (b"x", None)


def _file_of_images(connection: psycopg.Connection) -> tuple[int, ...] | None:
    return connection.execute("SELECT pg_relation_filenode('images')").fetchone()


@contextmanager
def _callers(url: str, count: int) -> Iterator[list[UUID]]:
    """Store and read images as release 0.1.0 did, until the end; yield the ids so far. A call that waits fails."""
    ids: list[UUID] = []
    started, stop = threading.Barrier(count + 1), threading.Event()

    def call() -> None:
        with psycopg.connect(url, autocommit=True, options=f"-c lock_timeout={PAUSE_SECONDS}s") as connection:
            started.wait()
            while not stop.is_set():
                (image_id,) = connection.execute(STORE).fetchone() or (None,)
                assert connection.execute("SELECT data FROM images WHERE id = %s", (image_id,)).fetchone() == (b"x",)
                ids.append(image_id)

    with ThreadPoolExecutor(count) as pool:
        callers = [pool.submit(call) for _ in range(count)]
        started.wait()
        try:
            yield ids
        finally:
            stop.set()
        for caller in callers:
            caller.result()


def test_a_statement_ends_at_a_semicolon_of_its_own() -> None:
    parts = (
        "SELECT 'it''s; $$';",
        " -- a comment; it's no end\n-- $$ ; '\nDO $$ BEGIN; 'it'; END $$;",
        "SELECT 1;",
        " SELECT 2;",
        "\n-- the end; 'that is all",
    )
    assert schema.statements("".join(parts)) == list(parts)
