"""A function on a database whose schema is not the one it needs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from emulator.postgres import schema
from tests import pictures, servers
from tests.schemas import databases
from tests.schemas.databases import RELEASED

UNKNOWN = "/images/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def old(database_url: str) -> Iterator[str]:
    """The URL of a database that release 0.1.0 made."""
    with databases.released(database_url, RELEASED[-1]) as url:
        yield url


def upload(client: httpx.Client) -> httpx.Response:
    return client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))})


def lines(folder: Path, text: str) -> int:
    return servers.wait_for_line(folder / "app.log", text).count(text)


@pytest.mark.parametrize("release", [*RELEASED, None], ids=lambda file: file.stem if file else "empty")
def test_a_schema_that_is_too_old_is_503_one_line_says_what_to_run_and_then_all_is_well(
    tmp_path: Path, old: str, release: Path | None
) -> None:
    databases.restore(old, release)
    with (
        servers.function("upload_image", tmp_path, DATABASE_URL=old) as uploading,
        servers.function("get_image", tmp_path, DATABASE_URL=old) as reading,
    ):
        refusals = [upload(uploading.client) for _ in range(3)] + [reading.client.get(UNKNOWN) for _ in range(3)]
        for refusal in refusals:
            assert (refusal.status_code, refusal.json()["code"]) == (503, "storage_unavailable")
            assert refusal.headers["Retry-After"]
            assert "schema" not in refusal.text
        said = 'The database has schema 1, this release needs 2. Upgrade it: psql "$DATABASE_URL"'
        assert lines(tmp_path, said) == 2  # one of each function
        schema.upgrade(old)
        assert upload(uploading.client).status_code == 201
        assert reading.client.get(UNKNOWN).status_code == 404


def test_a_newer_schema_is_accepted(tmp_path: Path, old: str) -> None:
    schema.upgrade(old)
    with psycopg.connect(old) as connection:
        connection.execute("INSERT INTO schema_versions VALUES (99)")
    with servers.function("upload_image", tmp_path, DATABASE_URL=old) as uploading:
        assert upload(uploading.client).status_code == 201


def test_a_function_may_have_a_role_that_owns_nothing(tmp_path: Path, old: str) -> None:
    schema.upgrade(old)
    role, password = f"role_of_{old.rpartition('/')[2]}", "a-password"
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
        connection.execute(f"GRANT SELECT, INSERT ON images TO {role}".encode())
    url = psycopg.conninfo.make_conninfo(old, user=role, password=password)
    address = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**psycopg.conninfo.conninfo_to_dict(url))
    try:
        with servers.function("upload_image", tmp_path, DATABASE_URL=address) as uploading:
            assert upload(uploading.client).status_code == 201
    finally:
        with psycopg.connect(old, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_a_database_that_cannot_hold_every_name_is_503_and_one_line_says_why(tmp_path: Path, database_url: str) -> None:
    with databases.database(database_url, "ENCODING 'SQL_ASCII' TEMPLATE template0") as url:
        databases.restore(url, RELEASED[-1])
        with servers.function("upload_image", tmp_path, DATABASE_URL=url) as uploading:
            refusals = [upload(uploading.client) for _ in range(3)]
        assert [refusal.status_code for refusal in refusals] == [503] * 3
        assert lines(tmp_path, "The encoding of the database is SQL_ASCII. It must be UTF8") == 1
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM images").fetchone() == (databases.ROWS,)
