"""The proxy's cache of hot images: fast for the one who may see them, and for nobody else."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from tests import pictures
from tests.system import emulators
from tests.system.test_proxy import Proxy, running

SECONDS = 3
KEPT = {"ETag": '"tag"', "X-Accel-Expires": "1", "Cache-Control": "private, stale-while-revalidate=1"}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy before stand-ins: get_image answers everybody 200, which the real one never would."""
    with running(tmp_path_factory.mktemp("cache") / "of nginx", image_cache_seconds=SECONDS) as started:
        yield started


@pytest.fixture
def path() -> str:
    """An image nobody has asked for yet."""
    return f"/images/{uuid.uuid4()}"


@pytest.fixture
def asked(nginx: Proxy) -> list[str]:
    """What reaches get_image."""
    function = nginx.functions["get_image"]
    function.answer = (200, KEPT, b"0123456789")
    function.meeting = None
    function.requests.clear()
    return function.requests


def get(nginx: Proxy, authorization: str | None, path: str) -> httpx.Response:
    return nginx.client.get(path, headers={} if authorization is None else {"Authorization": authorization})


def test_a_hot_image_is_asked_for_once(nginx: Proxy, asked: list[str], path: str) -> None:
    bodies = {get(nginx, "Bearer one", path).content for _ in range(5)}
    assert bodies == {b"0123456789"}
    assert asked == [f"GET {path}"]


@pytest.mark.parametrize(
    "other", [None, "Bearer two", "Bearer onE", "bearer one", "Basic one", "Bearer one, two", "Bearer one /images/1"]
)
def test_other_credentials_are_always_asked_about(nginx: Proxy, asked: list[str], path: str, other: str | None) -> None:
    get(nginx, "Bearer one", path)
    nginx.functions["get_image"].answer = (401, {}, b"no")
    assert get(nginx, other, path).status_code == 401
    assert len(asked) == 2


@pytest.mark.parametrize("other", ["{}x", "{}%20", "{}/", "{}?x#", "{}.jpg"])
def test_another_path_is_another_image(nginx: Proxy, asked: list[str], path: str, other: str) -> None:
    get(nginx, "Bearer one", path)
    nginx.functions["get_image"].answer = (404, {}, b"no")
    same = other.startswith("{}?")  # get_image takes no query
    assert get(nginx, "Bearer one", other.format(path)).status_code == (200 if same else 404)
    assert len(asked) == 1 if same else len(asked) <= 2


@pytest.mark.parametrize("status", [401, 404, 412, 416, 500, 503, 206])
def test_nothing_but_a_whole_picture_is_kept(nginx: Proxy, asked: list[str], path: str, status: int) -> None:
    nginx.functions["get_image"].answer = (status, {}, b"no")
    for _ in range(3):
        assert get(nginx, "Bearer one", path).status_code == status
    assert len(asked) == 3


def test_a_token_that_was_taken_away_lives_on_for_these_seconds_and_no_longer(
    nginx: Proxy, asked: list[str], path: str
) -> None:
    get(nginx, "Bearer one", path)
    cached = time.monotonic()  # and a little earlier
    nginx.functions["get_image"].answer = (401, {}, b"no")
    with ThreadPoolExecutor(8) as pool:  # eight at once, all the time: none may keep it alive for another

        def last_seen(_: int) -> float:
            seen = cached
            while (sent := time.monotonic()) < cached + SECONDS + 1:
                if get(nginx, "Bearer one", path).status_code == 200:
                    seen = sent
            return seen

        assert max(pool.map(last_seen, range(8))) < cached + SECONDS
    assert len(asked) > 1


def test_a_stampede_is_one_request(nginx: Proxy, asked: list[str]) -> None:
    for _ in range(5):  # where this machine took longer for an answer than the others wait, again
        asked.clear()
        path = f"/images/{uuid.uuid4()}"
        with ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _, path=path: get(nginx, "Bearer one", path).content, range(30)))
        assert set(answers) == {b"0123456789"}
        if len(asked) == 1:
            return
    pytest.fail(f"{len(asked)} requests reached the function")


def test_while_a_hot_image_is_fetched_anew_all_have_the_old_one(nginx: Proxy, asked: list[str], path: str) -> None:
    function = nginx.functions["get_image"]
    function.answer = (200, {**KEPT, "Cache-Control": "private, stale-while-revalidate=30"}, b"0123456789")
    first = get(nginx, "Bearer one", path)
    assert first.headers["Cache-Control"] == "private"
    assert "X-Accel-Expires" not in first.headers
    time.sleep(2)
    function.answer = (503, {}, b"no")
    function.meeting = threading.Barrier(2, timeout=20)
    for _ in range(20):  # by connections of their own: that of the one that has it fetched is busy with it
        answer = httpx.get(f"{nginx.client.base_url}{path}", headers={"Authorization": "Bearer one"})
        assert answer.content == b"0123456789"
    function.meeting.wait()
    assert len(asked) == 2
    function.meeting = None
    assert get(nginx, "Bearer one", path).content == b"0123456789"


@pytest.mark.usefixtures("asked")
def test_what_is_not_kept_is_not_waited_for(nginx: Proxy) -> None:
    function = nginx.functions["get_image"]
    function.answer = (404, {}, b"no")
    for _ in range(5):  # where this machine did not have ten there in that time, again
        path = f"/images/{uuid.uuid4()}"
        function.meeting = threading.Barrier(10, timeout=3)
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _, path=path: get(nginx, "Bearer one", path).status_code, range(10)))
        if answers == [404] * 10:
            return
    pytest.fail("ten never met in the function")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Range": "bytes=0-4"}, 206),
        ({"Range": "bytes=0-"}, 206),
        ({"Range": "bytes=-4"}, 206),
        ({"Range": "bytes=0-4", "If-Range": '"tag"'}, 206),
        ({"If-None-Match": '"tag"'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
    ],
)
def test_of_a_hot_image_what_is_certain_is_answered_without_the_function(
    nginx: Proxy, asked: list[str], path: str, sent: dict[str, str], status: int
) -> None:
    more = {"Accept-Ranges": "bytes", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    nginx.functions["get_image"].answer = (200, {**KEPT, **more}, b"0123456789")
    get(nginx, "Bearer one", path)
    assert nginx.client.get(path, headers={"Authorization": "Bearer one", **sent}).status_code == status
    assert len(asked) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"Range": "bytes=4-"},
        {"Range": "bytes=0-1,5-6"},
        {"Range": f"bytes=0-{10**30}"},
        {"Range": "bytes=-0"},
        {"If-Match": '"other"'},
        {"If-Unmodified-Since": "yesterday"},
        {"If-None-Match": '"tag"', "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_of_a_hot_image_the_function_answers_what_nginx_would_not_answer_well(
    nginx: Proxy, asked: list[str], path: str, sent: dict[str, str]
) -> None:
    get(nginx, "Bearer one", path)
    nginx.functions["get_image"].answer = (418, {}, b"the function's word")
    assert nginx.client.get(path, headers={"Authorization": "Bearer one", **sent}).status_code == 418
    assert len(asked) == 2


def test_other_endpoints_are_never_kept(nginx: Proxy) -> None:
    for path, name in {"/logs": "get_logs", "/health": "health", "/": "index"}.items():
        nginx.functions[name].requests.clear()
        for _ in range(2):
            get(nginx, "Bearer one", path)
        assert len(nginx.functions[name].requests) == 2


@pytest.fixture(scope="module")
def emulator(database_url: str) -> Iterator[emulators.Emulator]:
    with emulators.running(DATABASE_URL=database_url, API_TOKENS="one,two", IMAGE_CACHE_SECONDS=str(SECONDS)) as real:
        yield real


@pytest.fixture
def stored(emulator: emulators.Emulator) -> Iterator[tuple[httpx.Client, str, bytes]]:
    """A client, and the path and the bytes of a picture that it just read: it is hot."""
    with httpx.Client(base_url=emulator.url, headers={"Authorization": "Bearer one"}) as client:
        path = client.post("/images", files={"file": pictures.plain("PNG", (64, 48))}).headers["Location"]
        yield client, path, client.get(path).content


Hot = tuple[httpx.Client, str, bytes]


def test_the_cache_answers_ranges_and_conditions_as_the_function_does(
    stored: Hot, emulator: emulators.Emulator
) -> None:
    client, path, data = stored
    etag, modified = (client.head(path).headers[name] for name in ("ETag", "Last-Modified"))
    old, new = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    cases: list[tuple[dict[str, str], int]] = [
        ({}, 200),
        ({"Range": "bytes=10-19"}, 206),
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=0-"}, 206),
        ({"Range": "bytes=-5"}, 206),
        ({"Range": "bytes=0-1,5-6"}, 200),
        ({"Range": f"bytes={len(data)}-"}, 416),
        ({"Range": f"bytes=0-{10**30}"}, 206),
        ({"Range": "bytes=-0"}, 200),
        ({"Range": "bytes=5-2"}, 200),
        ({"Range": "bytes=abc"}, 200),
        ({"Range": "pages=1-2"}, 200),
        ({"Range": "bytes=0-1", "If-Range": etag}, 206),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"other", W/{etag}'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": new}, 304),
        ({"If-Modified-Since": old}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": etag, "If-Modified-Since": old}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
        ({"If-Unmodified-Since": old}, 412),
        ({"If-Unmodified-Since": modified}, 200),
        ({"If-Unmodified-Since": "yesterday"}, 200),
        ({"If-Match": etag, "If-Unmodified-Since": old}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": etag}, 200),
        ({}, 200),  # on the same connection
    ]
    own_port = emulator.functions_port + 1
    with httpx.Client(base_url=f"http://127.0.0.1:{own_port}", headers=client.headers) as direct:
        for headers, status in cases:
            hot, cold = client.get(path, headers=headers), direct.get(path, headers=headers)
            assert (hot.status_code, cold.status_code) == (status, status), headers
            compared = {304: ["ETag", "Cache-Control"], 412: ["Content-Type"], 416: ["Content-Type", "Content-Range"]}
            for name in compared.get(
                status, ["Content-Type", "Content-Range", "ETag", "Last-Modified", "Cache-Control"]
            ):
                said = cold.headers.get(name, "").removesuffix(", stale-while-revalidate=1")  # that is for the proxy
                assert hot.headers.get(name, "") == said, (headers, name)
            if status < 400:
                assert hot.content == cold.content
            else:
                assert hot.json()["code"] == cold.json()["code"]
                assert hot.json()["request_id"] == hot.headers["X-Request-Id"]
                assert hot.headers["X-Content-Type-Options"] == "nosniff"
                assert hot.headers["Cache-Control"] == "no-store"
    for name in ("X-Request-Id", "Cache-Control"):
        assert len(client.get(path).headers.get_list(name)) == 1
    for span in ("0-1", f"{len(data)}-"):
        assert client.head(path, headers={"Range": f"bytes={span}"}).status_code == 200  # RFC 9110 14.2: for GET alone


def test_in_a_second_nothing_is_hot_and_all_is_answered_as_ever(database_url: str) -> None:
    settings = {"DATABASE_URL": database_url, "API_TOKENS": "one", "IMAGE_CACHE_SECONDS": "1"}
    headers = {"Authorization": "Bearer one"}
    with emulators.running(**settings) as emulator, httpx.Client(base_url=emulator.url, headers=headers) as client:
        path = client.post("/images", files={"file": pictures.plain("PNG", (64, 48))}).headers["Location"]
        etag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
        assert client.get(path, headers={"If-Match": '"other"'}).status_code == 412
        assert client.get(path, headers={"Range": "bytes=0-1"}).status_code == 206


def test_the_other_token_and_none_are_told_apart_on_a_hot_image(stored: Hot) -> None:
    client, path, data = stored
    assert client.get(path, headers={"Authorization": "Bearer two"}).content == data
    for wrong in ("Bearer three", "Bearer", "Basic one", ""):
        response = client.get(path, headers={"Authorization": wrong})
        assert response.status_code == 401
        assert response.json()["code"] == "unauthorized"


def test_a_deleted_image_lives_on_for_these_seconds_and_no_longer(stored: Hot, database: psycopg.Connection) -> None:
    client, path, _ = stored
    database.execute("DELETE FROM images WHERE id = %s", (path.rpartition("/")[2],))
    time.sleep(SECONDS)
    assert client.get(path).status_code == 404


def test_a_token_that_was_taken_away_is_gone_with_a_new_start(database_url: str) -> None:
    both, minutes = {"API_TOKENS": "one,two"}, {"DATABASE_URL": database_url, "IMAGE_CACHE_SECONDS": "600"}
    with emulators.copy_of_the_code() as root:
        with emulators.started(root, **both, **minutes) as emulator:
            emulator.wait_until_ready()
            with httpx.Client(base_url=emulator.url, headers={"Authorization": "Bearer two"}) as client:
                path = client.post("/images", files={"file": pictures.plain("PNG", (64, 48))}).headers["Location"]
                assert client.get(path).status_code == 200
        with emulators.started(root, API_TOKENS="one", **minutes) as emulator:
            emulator.wait_until_ready()
            assert httpx.get(emulator.url + path, headers={"Authorization": "Bearer two"}).status_code == 401


def test_what_is_kept_is_for_its_owner_alone(emulator: emulators.Emulator, stored: Hot) -> None:
    _, path, _ = stored
    kept = [file for file in Path(emulator.root, ".data/proxy/cache").rglob("*") if file.is_file()]
    assert any(path.encode() in file.read_bytes() for file in kept)
    assert all(file.stat().st_mode & 0o077 == 0 for file in kept)
