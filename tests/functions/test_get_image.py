"""GET /images/{id}."""

import hashlib
import re
import socket
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import servers
from tests.conftest import database_server

MEBIBYTE = 1024 * 1024


class Stored:
    """An image that was put into the table as it is: what get_image makes of it is all that is asked here."""

    def __init__(self, database: psycopg.Connection, data: bytes, filename: str = "sample.png") -> None:
        self.data = data
        self.etag = f'"{hashlib.sha256(data).hexdigest()}"'
        row = database.execute(
            "INSERT INTO images (filename, data, width, height, quality, size_bytes, source_format, sha256)"
            " VALUES (%s, %s, 8, 6, 85, %s, 'PNG', %s) RETURNING id",
            (filename, data, len(data), hashlib.sha256(data).digest()),
        ).fetchone()
        assert row
        self.path = f"/images/{row[0]}"


@pytest.fixture
def small(database: psycopg.Connection) -> Stored:
    return Stored(database, bytes(range(256)) * 4)


@pytest.fixture
def large(database: psycopg.Connection) -> Stored:
    return Stored(database, b"".join(number.to_bytes(4, "big") for number in range(900_000)))


@pytest.mark.parametrize("size", ["small", "large"])
def test_an_image_comes_back_whole_with_the_contracts_headers(
    get_image: httpx.Client, size: str, request: pytest.FixtureRequest
) -> None:
    image: Stored = request.getfixturevalue(size)
    response = get_image.get(image.path)
    assert response.status_code == 200
    assert response.content == image.data
    headers = response.headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Length"] == str(len(image.data))
    assert headers["ETag"] == image.etag
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert parsedate_to_datetime(headers["Last-Modified"]) <= datetime.now(UTC)
    assert headers["Content-Disposition"] == "inline; filename=\"sample.jpg\"; filename*=UTF-8''sample.jpg"


def test_head_has_the_headers_of_get(get_image: httpx.Client, large: Stored) -> None:
    head, get = get_image.head(large.path), get_image.get(large.path)
    assert head.status_code == 200
    assert head.content == b""
    for headers in (head.headers, get.headers):
        del headers["Date"], headers["X-Request-Id"]
    assert head.headers == get.headers


@pytest.mark.parametrize(
    ("filename", "plain", "extended"),
    [
        ("Ärger im Büro.png", "Arger im Buro.jpg", "%C3%84rger%20im%20B%C3%BCro.jpg"),
        ("写真.webp", "image.jpg", "%E5%86%99%E7%9C%9F.jpg"),
        ('a";\\b.gif', "a;b.jpg", "a%22%3B%5Cb.jpg"),
        ("no extension", "no extension.jpg", "no%20extension.jpg"),
        ("two.dots.bmp", "two.dots.jpg", "two.dots.jpg"),
    ],
)
def test_the_name_is_the_sources_with_jpg(
    get_image: httpx.Client, database: psycopg.Connection, filename: str, plain: str, extended: str
) -> None:
    response = get_image.head(Stored(database, b"x", filename).path)
    assert response.headers["Content-Disposition"] == f"inline; filename=\"{plain}\"; filename*=UTF-8''{extended}"


@pytest.mark.parametrize(
    "missing",
    [
        str(uuid.UUID(int=0)), "1", "not-a-uuid", "4fcc9986facd4e6284b4ddc8ebaca584",
        "{4fcc9986-facd-4e62-84b4-ddc8ebaca584}", "urn:uuid:4fcc9986-facd-4e62-84b4-ddc8ebaca584",
        "%00", "x" * 3000, "..%2f..%2fetc", "';--",
    ],
)  # fmt: skip
def test_an_id_of_no_image_is_404(get_image: httpx.Client, missing: str) -> None:
    response = get_image.get(f"/images/{missing}")
    assert response.status_code == 404
    assert response.json()["code"] in {"image_not_found", "not_found"}


def test_an_id_is_found_in_capitals_too(get_image: httpx.Client, small: Stored) -> None:
    assert get_image.get(f"/images/{small.path.removeprefix('/images/').upper()}").status_code == 200


def test_only_where_our_proxy_is_in_front_it_is_told_to_keep_the_picture(
    tmp_path: Path, database_url: str, small: Stored, get_image: httpx.Client
) -> None:
    assert "X-Accel-Expires" not in get_image.get(small.path).headers
    for seconds, fresh, stale in (("1", None, None), ("2", "1", "0"), ("3", "1", "1"), ("5", "2", "2")):
        settings = {"DATABASE_URL": database_url, "IMAGE_CACHE_SECONDS": seconds}
        with servers.function("get_image", tmp_path, **settings) as function:
            headers = function.client.get(small.path).headers
            assert headers.get("X-Accel-Expires") == fresh
            extended = "" if stale is None else f", stale-while-revalidate={stale}"
            assert headers["Cache-Control"] == f"private, max-age=31536000, immutable{extended}"
            for condition in ({"Range": "bytes=0-1"}, {"If-None-Match": small.etag}, {"If-Match": '"other"'}):
                assert "X-Accel-Expires" not in function.client.get(small.path, headers=condition).headers
            assert "X-Accel-Expires" not in function.client.get("/images/none").headers


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"other", {etag}', '"other",W/{etag}', "*"])
def test_if_none_match_gives_304(get_image: httpx.Client, small: Stored, condition: str) -> None:
    for method in ("GET", "HEAD"):
        sent = {"If-None-Match": condition.format(etag=small.etag)}
        response = get_image.request(method, small.path, headers=sent)
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["ETag"] == small.etag
        assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("condition", ['"other"', "nonsense", ""])
def test_if_none_match_of_another_picture_gives_200(get_image: httpx.Client, small: Stored, condition: str) -> None:
    assert get_image.get(small.path, headers={"If-None-Match": condition}).content == small.data


def test_if_modified_since_gives_304_up_to_the_second(get_image: httpx.Client, small: Stored) -> None:
    modified = get_image.head(small.path).headers["Last-Modified"]
    earlier = format_datetime(parsedate_to_datetime(modified) - timedelta(seconds=1), usegmt=True)
    assert get_image.get(small.path, headers={"If-Modified-Since": modified}).status_code == 304
    assert get_image.get(small.path, headers={"If-Modified-Since": earlier}).status_code == 200
    for no_date in ("yesterday", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"):
        assert get_image.get(small.path, headers={"If-Modified-Since": no_date}).status_code == 200
    both = {"If-Modified-Since": modified, "If-None-Match": '"other"'}
    assert get_image.get(small.path, headers=both).status_code == 200  # RFC 9110 13.1.3: the tag decides


def test_if_match_and_if_unmodified_since_give_412(get_image: httpx.Client, small: Stored) -> None:
    modified = get_image.head(small.path).headers["Last-Modified"]
    earlier = format_datetime(parsedate_to_datetime(modified) - timedelta(days=1), usegmt=True)
    for failing in ({"If-Match": '"other"'}, {"If-Match": f"W/{small.etag}"}, {"If-Unmodified-Since": earlier}):
        response = get_image.get(small.path, headers=failing)
        assert response.status_code == 412
        assert response.json()["code"] == "precondition_failed"
    for holding in ({"If-Match": small.etag}, {"If-Match": "*"}, {"If-Unmodified-Since": modified}):
        assert get_image.get(small.path, headers=holding).content == small.data


@pytest.mark.parametrize(
    ("sent", "start", "stop"),
    [
        ("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=1000-", 1000, None), ("bytes=-5", -5, None),
        ("bytes=0-99999999", 0, None), ("bytes=-99999999", 0, None), ("BYTES=1-2", 1, 3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_range_gives_206(  # a table of cases
    get_image: httpx.Client, size: str, sent: str, start: int, stop: int | None, request: pytest.FixtureRequest
) -> None:
    image: Stored = request.getfixturevalue(size)
    response = get_image.get(image.path, headers={"Range": sent})
    total = len(image.data)
    span = range(total)[start:stop]
    assert response.status_code == 206
    assert response.content == image.data[start:stop]
    assert response.headers["Content-Range"] == f"bytes {span.start}-{span.stop - 1}/{total}"
    assert response.headers["Content-Length"] == str(len(span))
    assert response.headers["ETag"] == image.etag


@pytest.mark.parametrize("sent", ["bytes=1024-", "bytes=99999-100000"])
def test_a_range_behind_the_end_is_416(get_image: httpx.Client, small: Stored, sent: str) -> None:
    response = get_image.get(small.path, headers={"Range": sent})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */1024"
    assert response.json()["code"] == "range_not_satisfiable"
    assert response.json()["limit"] == 1024


@pytest.mark.parametrize(
    "sent", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1", "bytes=", "bytes=x-y", "bytes", "bytes=-0"]
)
def test_a_range_that_may_be_ignored_gives_all(get_image: httpx.Client, small: Stored, sent: str) -> None:
    response = get_image.get(small.path, headers={"Range": sent})
    assert response.status_code == 200
    assert response.content == small.data


def test_head_ignores_a_range(get_image: httpx.Client, small: Stored) -> None:
    response = get_image.head(small.path, headers={"Range": "bytes=0-1"})
    assert response.status_code == 200
    assert response.headers["Content-Length"] == "1024"


def test_if_range_is_obeyed(get_image: httpx.Client, small: Stored) -> None:
    modified = get_image.head(small.path).headers["Last-Modified"]
    for condition, status in {small.etag: 206, modified: 206, '"other"': 200, f"W/{small.etag}": 200}.items():
        response = get_image.get(small.path, headers={"Range": "bytes=0-1", "If-Range": condition})
        assert response.status_code == status


def test_304_and_head_read_no_bytes_from_the_database(get_image: httpx.Client, database: psycopg.Connection) -> None:
    image = Stored(database, bytes(100_000))
    row = database.execute("SELECT reltoastrelid::regclass FROM pg_class WHERE relname = 'images'").fetchone()
    assert row
    with database.transaction():
        database.execute(f"REINDEX TABLE {row[0]}")  # the bytes are out of reach until this transaction ends
        assert get_image.head(image.path, timeout=5).status_code == 200
        assert get_image.get(image.path, headers={"If-None-Match": image.etag}, timeout=5).status_code == 304
        with pytest.raises(httpx.ReadTimeout):
            get_image.get(image.path, timeout=1)


def test_bytes_are_stored_so_that_a_range_is_read_as_a_slice(database: psycopg.Connection) -> None:
    row = database.execute(
        "SELECT attstorage FROM pg_attribute WHERE attrelid = 'images'::regclass AND attname = 'data'"
    ).fetchone()
    assert row == ("e",)


def test_a_large_image_is_served_in_bounded_memory(
    tmp_path: Path, database_url: str, database: psycopg.Connection
) -> None:
    image = Stored(database, bytes(100 * MEBIBYTE))
    with servers.function("get_image", tmp_path, DATABASE_URL=database_url) as function:
        function.client.head(image.path)
        before = function.resident_bytes()
        with function.client.stream("GET", image.path) as response:
            received = 0
            for chunk in response.iter_bytes():
                received += len(chunk)
            peak = function.resident_bytes()
        assert received == 100 * MEBIBYTE
        assert peak - before < 30 * MEBIBYTE


def begin_download(function: servers.Function, image: Stored, request_id: str) -> socket.socket:
    """Ask for an image, read the beginning of its body, and no more: the function waits with the rest."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)  # the kernel takes little of the body
    connection.settimeout(30)
    connection.connect(("127.0.0.1", function.port))
    connection.sendall(
        f"GET {image.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {servers.TOKEN}\r\n"
        f"X-Request-Id: {request_id}\r\n\r\n".encode()
    )
    assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
    return connection


def test_a_download_that_the_database_breaks_off_is_one_error_in_the_log(tmp_path: Path) -> None:
    with database_server() as server:
        with psycopg.connect(server.url, autocommit=True) as database:
            image = Stored(database, bytes(64 * MEBIBYTE))
        settings = {"DATABASE_URL": server.url, "DATABASE_TIMEOUT_SECONDS": "0.5"}
        with servers.function("get_image", tmp_path, **settings) as function:
            with begin_download(function, image, "half-way") as connection:
                server.stop()
                received = sum(len(chunk) for chunk in iter(lambda: connection.recv(MEBIBYTE), b""))
            assert received < 64 * MEBIBYTE
            log = servers.wait_for_line(tmp_path / "app.log", "half-way")
            (line,) = [line for line in log.splitlines() if "half-way" in line]
            assert ": /images/{id}: get_image: ERROR: request broken off after " in line
            assert re.search(r" after \d{7,8} bytes: storage_unavailable: .*: method=GET status=200 ", line)
            assert "finished" not in log
            server.restart()
            assert function.client.head(image.path).status_code == 200
            assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in function.output().splitlines())  # no traceback


def test_a_download_that_the_client_breaks_off_is_not_logged_as_a_success(
    tmp_path: Path, database_url: str, database: psycopg.Connection
) -> None:
    image = Stored(database, bytes(64 * MEBIBYTE))
    with servers.function("get_image", tmp_path, DATABASE_URL=database_url) as function:
        begin_download(function, image, "hung-up").close()
        log = servers.wait_for_line(tmp_path / "app.log", "hung-up")
        (line,) = [line for line in log.splitlines() if "hung-up" in line]
        match = re.search(r": INFO: request broken off after (\d+) bytes: the client closed the connection: ", line)
        assert match
        assert int(match[1]) < 64 * MEBIBYTE
        assert function.output() == log
