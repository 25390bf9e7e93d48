"""DATABASE_URL: a bad one stops the start and is named, and nothing of a password reaches a line."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests import pictures, servers

PASSWORD = "Secret100%Sure@home/1"  # noqa: S105  # nobody's
PIECES = ("Secret100", "Sure", "home")

BAD = {
    "an unquoted %": "postgresql://user:Secret100%Sure@127.0.0.1/db",
    "an unquoted @": "postgresql://user:Secret100@Sure@127.0.0.1/db",
    "an unquoted / after letters": "postgresql://user:Secret100/Sure@127.0.0.1/db",
    "an unquoted / after digits": "postgresql://user:100/Secret100Sure@127.0.0.1/db",
    "a parameter that libpq does not know": "postgresql://user:Secret100@127.0.0.1/db?pgbouncer=true",
    "a port of letters": "postgresql://user:Secret100@127.0.0.1:abc/db",
    "a port that is none": "postgresql://user:Secret100@127.0.0.1:65536/db",
    "a port of many that is none": "postgresql://user:Secret100@one:1,two:0/db",
    "another database": "mysql://user:Secret100@127.0.0.1/db",
}


def upload(client: httpx.Client) -> httpx.Response:
    return client.post("/images", files={"file": ("a.png", pictures.plain("PNG", (64, 48)))})


def address(url: str, **changes: str) -> str:
    """The same address with other parts, quoted as they have to be."""
    parts = {name: quote(str(value), safe="") for name, value in (conninfo_to_dict(url) | changes).items()}
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_a_bad_one_stops_the_start_and_is_named(tmp_path: Path, url: str) -> None:
    target = {"FUNCTION_TARGET": "upload_image", "FUNCTION_SOURCE": str(servers.ROOT / "functions/upload_image.py")}
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", *servers.GUNICORN],
        env=servers.environment(tmp_path, servers.free_port(), DATABASE_URL=url, **target),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "DATABASE_URL: " in said
    assert not [piece for piece in PIECES if piece in said]


def test_white_space_around_it_is_not_part_of_it(tmp_path: Path, database_url: str) -> None:
    with servers.function("upload_image", tmp_path, DATABASE_URL=f" {database_url}\n") as uploading:
        assert upload(uploading.client).status_code == 201


def test_a_password_of_odd_characters_works(tmp_path: Path, database_url: str, database: psycopg.Connection) -> None:
    role = "an odd role"
    database.execute(f"CREATE ROLE \"{role}\" SUPERUSER LOGIN PASSWORD '{PASSWORD}'".encode())
    try:
        url = address(database_url, user=role, password=PASSWORD)
        with servers.function("upload_image", tmp_path, DATABASE_URL=url) as uploading:
            assert upload(uploading.client).status_code == 201
    finally:
        database.execute(f'DROP ROLE "{role}"'.encode())


@pytest.mark.parametrize("log_store", ["file", "database"])
@pytest.mark.parametrize(
    "changes",
    [
        {"port": "1"},
        {"host": "no-such-host.invalid"},
        {"dbname": "no-such-database"},
        {"user": "no-such-role"},
        {},  # the password is wrong
    ],
    ids=str,
)
def test_no_line_holds_a_password_whatever_is_wrong(
    tmp_path: Path, database_url: str, changes: dict[str, str], log_store: str
) -> None:
    settings = {"DATABASE_URL": address(database_url, password=PASSWORD, **changes), "LOG_STORE": log_store}
    with servers.function("upload_image", tmp_path, DATABASE_TIMEOUT_SECONDS="1", **settings) as uploading:
        assert upload(uploading.client).status_code == 503
    said = uploading.output() + "".join(file.read_text() for file in tmp_path.glob("app.log*"))
    assert "storage_unavailable" in said
    assert not [piece for piece in PIECES if piece in said]


def test_what_a_library_logs_of_a_password_is_blotted_out(tmp_path: Path, database_url: str) -> None:
    code = """
import logging, os
from common.observe.log import lines
from common.settings import DatabaseSettings, load
from common.storage.database import transaction
lines.configure(stored=True)
with transaction():
    pass
for name in ("psycopg", "psycopg.pool"):
    logging.getLogger(name).warning("connecting to %s", load(DatabaseSettings).database_url)
"""
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        env=servers.environment(tmp_path, 0, DATABASE_URL=database_url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    password = conninfo_to_dict(database_url)["password"]
    assert password
    assert done.stdout.count("WARNING: connecting to postgresql://image_api:***@") == 2
    assert str(password) not in done.stdout + done.stderr
