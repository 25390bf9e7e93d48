"""Databases of a schema of one's choice, and what stands in their catalogs."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from emulator.postgres import programs, schema
from tests.servers import ROOT

RELEASED = sorted(Path(__file__).parent.glob("*.sql"))
ROWS = 3
STORE = """
    INSERT INTO images (filename, data, width, height, quality, size_bytes, source_format, sha256)
    VALUES ('a.jpg', 'x', 1, 1, 85, 1, 'JPEG', sha256('x'))
    RETURNING id
"""

# All that a session notices of the tables: columns, their storage, constraints, indexes.
_CATALOGS = """
    SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull::text,
           attstorage::text, pg_get_expr(adbin, adrelid)
    FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
        AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text, NULL, NULL
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text, NULL,
           NULL
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3
"""

Catalogs = list[tuple[str | None, ...]]


@contextmanager
def database(server_url: str, options: str = "") -> Iterator[str]:
    """An empty database of its own: its URL. It is dropped in the end."""
    name = f"schema_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} {options}".encode())
        try:
            yield server_url.rpartition("/")[0] + f"/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def released(server_url: str, file: Path) -> Iterator[str]:
    """A database that a release made, with some images in it: its URL."""
    with database(server_url) as url:
        restore(url, file)
        yield url


def restore(url: str, file: Path | None) -> None:
    """Make a database what a release made, with some images in it, or empty."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        if file:
            connection.execute(file.read_bytes())
            for _ in range(ROWS):
                connection.execute(STORE)


def catalogs(url: str) -> Catalogs:
    with psycopg.connect(url) as connection:
        return connection.execute(_CATALOGS).fetchall()


def upgrade_by_psql(url: str, script: str = "") -> None:
    """Run init.sql as deploy/ says. AssertionError shows what psql said."""
    beside_postgres = programs._find() / "psql"  # noqa: SLF001  # the one of the same version, if there is one
    psql = beside_postgres if beside_postgres.exists() else shutil.which("psql")
    assert psql, "there is no psql"
    command = [psql, "-X", "-q", url, "-v", "ON_ERROR_STOP=1", "-f", "-" if script else str(ROOT / "init.sql")]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr


def upgrade_in_one_message(url: str) -> None:
    """Run init.sql as a library does that sends all of it at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((ROOT / "init.sql").read_bytes())


RUNNERS = (schema.upgrade, upgrade_by_psql, upgrade_in_one_message)
