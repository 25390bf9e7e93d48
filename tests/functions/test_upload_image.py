"""POST /images."""

import hashlib
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from PIL import Image

from tests import pictures, servers
from tests.problems import assert_problem

MEBIBYTE = 1024 * 1024
FIELDS = {"id", "width", "height", "quality", "size_bytes", "content_type", "source_format", "filename"}


def upload(client: httpx.Client, file: bytes, filename: str = "sample.png", /, **fields: object) -> httpx.Response:
    return client.post("/images", files={"file": (filename, file)}, data={k: str(v) for k, v in fields.items()})


def send(client: httpx.Client, *parts: tuple[str, tuple[str | None, bytes]]) -> httpx.Response:
    """Upload these parts in this order; a part without a filename is a plain field."""
    return client.post("/images", files=list(parts))


def test_what_was_stored_is_answered_with_exactly_the_contracts_fields(
    upload_image: httpx.Client, get_image: httpx.Client
) -> None:
    response = upload(upload_image, pictures.plain("PNG", (1600, 900)), "sample.png", quality=80, x=1280, y=720)
    assert response.status_code == 201
    stored = response.json()
    assert set(stored) == FIELDS
    assert (stored["width"], stored["height"], stored["quality"]) == (1280, 720, 80)
    assert (stored["content_type"], stored["source_format"], stored["filename"]) == ("image/jpeg", "PNG", "sample.png")
    assert response.headers["Location"] == f"/images/{stored['id']}"
    got = get_image.get(response.headers["Location"])
    assert len(got.content) == stored["size_bytes"]
    assert response.headers["ETag"] == got.headers["ETag"] == f'"{hashlib.sha256(got.content).hexdigest()}"'
    with Image.open(io.BytesIO(got.content)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1280, 720))
        assert picture.info.get("progressive")


@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_each_format_is_told_by_its_content_whatever_its_name_and_type_say(
    upload_image: httpx.Client, source_format: str
) -> None:
    files = {"file": ("picture.txt", pictures.plain(source_format, (64, 48)), "text/html")}
    stored = upload_image.post("/images", files=files).json()
    assert (stored["source_format"], stored["width"], stored["height"]) == (source_format, 64, 48)


def test_a_turned_phone_photo_is_stored_the_right_way_up(upload_image: httpx.Client, get_image: httpx.Client) -> None:
    response = upload(upload_image, pictures.phone_photo(orientation=6), x=100)
    assert response.json()["width"] == 100
    assert response.json()["height"] > 100
    stored = get_image.get(response.headers["Location"]).content
    assert b"Exif" not in stored
    assert response.json()["source_format"] == "JPEG"


def test_without_options_the_size_is_kept_and_the_quality_is_the_default(upload_image: httpx.Client) -> None:
    empty: dict[str, str] = {}
    for fields in (empty, {"quality": "", "x": "", "y": ""}):
        stored = upload(upload_image, pictures.plain("PNG", (120, 90)), **fields).json()
        assert (stored["width"], stored["height"], stored["quality"]) == (120, 90, 85)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ({"x": 60}, (60, 45)), ({"y": 45}, (60, 45)), ({"x": 60, "y": 10}, (13, 10)), ({"x": 1}, (1, 1)),
        ({"x": 65500, "y": 65500}, (120, 90)), ({"x": " 60 "}, (60, 45)), ({"x": "060"}, (60, 45)),
    ],
)  # fmt: skip
def test_the_box_is_fitted_never_enlarged(
    upload_image: httpx.Client, box: dict[str, object], size: tuple[int, int]
) -> None:
    stored = upload(upload_image, pictures.plain("PNG", (120, 90)), **box).json()
    assert (stored["width"], stored["height"]) == size


def test_the_order_of_the_parts_does_not_matter_and_unknown_ones_are_passed_over(upload_image: httpx.Client) -> None:
    picture = pictures.plain("PNG", (120, 90))
    unknown, file = ("unknown", ("f", bytes(MEBIBYTE))), ("file", ("a.png", picture))
    response = send(upload_image, unknown, ("y", (None, b"10")), file, ("x", (None, b"60")))
    assert response.status_code == 201
    assert (response.json()["width"], response.json()["height"]) == (13, 10)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd.png", "passwd.png"), ("C:\\photos\\cat.jpg", "cat.jpg"), ("ü 写真.png", "ü 写真.png"),
        ("a\x00b\r\n2026: forged\x1b[31m.png", "ab2026: forged[31m.png"), ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300 + ".png", "x" * 255), ("..", "image"), ("/", "image"), (" \t ", "image"), ("\u2028\u2029", "image"),
        ("a b.png", "a b.png"), ("'; DROP TABLE images; --", "'; DROP TABLE images; --"), ("<b>.png", "<b>.png"),
    ],
)  # fmt: skip
def test_the_name_is_kept_as_harmless_text(upload_image: httpx.Client, sent: str, stored: str) -> None:
    boundary = b"boundary"
    name = sent.encode("utf-8").replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22")
    assert named(upload_image, name, boundary) == stored


def named(client: httpx.Client, filename: bytes, boundary: bytes = b"boundary") -> object:
    body = (
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"; filename="' + filename + b'"\r\n\r\n'
        + pictures.plain("PNG", (8, 6)) + b"\r\n--" + boundary + b"--\r\n"
    )  # fmt: skip
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
    response = client.post("/images", headers=headers, content=body)
    assert response.status_code == 201, response.text
    return response.json()["filename"]


def test_a_name_in_a_broken_encoding_becomes_valid_text(upload_image: httpx.Client) -> None:
    assert named(upload_image, b"caf\xe9.png") == "caf\ufffd.png"


def test_a_file_without_a_name_is_called_image(upload_image: httpx.Client) -> None:
    response = upload_image.post("/images", files={"file": (None, pictures.plain("PNG", (8, 6)))})
    assert response.json()["filename"] == "image"


@pytest.mark.parametrize("field", ["quality", "x", "y"])
@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "65501",
        "1.5",
        "1e2",
        "ten",
        "0x10",
        "٣",
        "1" * 40,
        "NaN",
        "1 2",
        "\x00",
        "+5",
        " " * 40 + "5",
        "5" + " " * 40 + "x",
    ],
)
def test_a_field_that_is_no_number_in_range_is_named(upload_image: httpx.Client, field: str, value: str) -> None:
    response = upload(upload_image, pictures.plain("PNG", (8, 6)), **{field: value})
    problem = assert_problem(response, 422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]  # type: ignore[attr-defined]


def test_all_bad_fields_are_named_at_once(upload_image: httpx.Client) -> None:
    x = ("x", (None, b"1"))
    response = send(upload_image, ("quality", (None, b"96")), x, x, ("y", (None, b"no")), ("file", ("a", b"")))
    problem = assert_problem(response, 422, "invalid_request")
    assert {error["field"] for error in problem["errors"]} == {"quality", "x", "y", "file"}  # type: ignore[attr-defined]


def test_the_quality_of_the_source_is_kept(upload_image: httpx.Client, get_image: httpx.Client) -> None:
    source = pictures.saved(pictures.noise((120, 90)).resize((480, 360)), "JPEG", quality=60, subsampling="4:4:4")
    response = upload(upload_image, source, quality="source")
    assert response.status_code == 201
    assert response.json()["quality"] == 60
    stored = get_image.get(response.headers["Location"]).content
    assert len(stored) == response.json()["size_bytes"] <= len(source)
    with Image.open(io.BytesIO(stored)) as kept, Image.open(io.BytesIO(source)) as sent:
        assert kept.quantization == sent.quantization  # type: ignore[attr-defined]


def test_a_source_of_quality_100_is_stored_with_it(upload_image: httpx.Client) -> None:
    source = pictures.saved(pictures.quadrants((640, 480)), "JPEG", quality=100)
    assert upload(upload_image, source, quality="source").json()["quality"] == 100


def test_the_quality_of_a_source_that_is_not_a_jpeg_is_the_default(upload_image: httpx.Client) -> None:
    assert upload(upload_image, pictures.plain("PNG", (64, 48)), quality="source").json()["quality"] == 85


def test_max_bytes_lowers_the_quality_until_the_image_fits(upload_image: httpx.Client, get_image: httpx.Client) -> None:
    picture = pictures.saved(pictures.noise((120, 90)).resize((480, 360)), "PNG")
    whole = upload(upload_image, picture, quality=90).json()["size_bytes"]
    response = upload(upload_image, picture, quality=90, max_bytes=whole // 2)
    stored = response.json()
    assert stored["size_bytes"] <= whole // 2
    assert 40 <= stored["quality"] < 90
    assert len(get_image.get(response.headers["Location"]).content) == stored["size_bytes"]
    exactly = upload(upload_image, picture, quality=90, max_bytes=whole).json()
    assert (exactly["quality"], exactly["size_bytes"]) == (90, whole)


def test_max_bytes_that_no_quality_reaches_are_refused_with_the_smallest_size(upload_image: httpx.Client) -> None:
    picture = pictures.saved(pictures.noise((480, 360)), "PNG")
    smallest = upload(upload_image, picture, quality=40).json()["size_bytes"]
    problem = assert_problem(upload(upload_image, picture, max_bytes=1000), 422, "max_bytes_unreachable")
    assert (problem["limit"], problem["actual"]) == (1000, smallest)
    assert upload(upload_image, picture, max_bytes=smallest).json()["quality"] == 40


@pytest.mark.parametrize("value", ["96", "0", "Source", "keep", "1.5"])
def test_a_bad_quality_is_told_what_a_quality_is(upload_image: httpx.Client, value: str) -> None:
    problem = assert_problem(upload(upload_image, pictures.plain("PNG", (8, 6)), quality=value), 422, "invalid_request")
    assert problem["errors"] == [{"field": "quality", "message": "must be a whole number from 1 to 95, or source"}]


@pytest.mark.parametrize("value", ["999", "0", "-1", "1e4", "1kB", "source", "1" * 10])
def test_a_bad_max_bytes_is_named(upload_image: httpx.Client, value: str) -> None:
    response = upload(upload_image, pictures.plain("PNG", (8, 6)), max_bytes=value)
    problem = assert_problem(response, 422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == ["max_bytes"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("source_format", ["PNG", "WEBP", "BMP", "GIF"])
def test_max_bytes_need_a_quality_if_the_source_has_none(upload_image: httpx.Client, source_format: str) -> None:
    fields = {"quality": "source", "max_bytes": 100_000, "x": "no"}
    problem = assert_problem(
        upload(upload_image, pictures.plain(source_format, (64, 48)), **fields), 422, "invalid_request"
    )
    assert {error["field"] for error in problem["errors"]} == {"max_bytes", "x"}  # type: ignore[attr-defined]


def test_max_bytes_and_the_quality_of_the_source_go_together_for_a_jpeg(upload_image: httpx.Client) -> None:
    source = pictures.saved(pictures.noise((120, 90)).resize((480, 360)), "JPEG", quality=92)
    stored = upload(upload_image, source, quality="source", max_bytes=len(source) // 2).json()
    assert stored["size_bytes"] <= len(source) // 2
    assert 40 <= stored["quality"] < 92


def test_an_unknown_file_is_refused_as_such_whatever_the_quality(upload_image: httpx.Client) -> None:
    response = upload(upload_image, b"not an image", quality="source", max_bytes=2_000)
    assert_problem(response, 415, "unsupported_image")


def test_no_file_or_two_files_are_refused(upload_image: httpx.Client) -> None:
    picture = ("a.png", pictures.plain("PNG", (8, 6)))
    for parts in ([("x", (None, b"1"))], [("file", picture), ("file", picture)], [("File", picture)]):
        problem = assert_problem(send(upload_image, *parts), 422, "invalid_request")
        assert [error["field"] for error in problem["errors"]] == ["file"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "image/png", "application/x-www-form-urlencoded", "", "multipart/mixed; boundary=b"],
)
def test_a_body_that_is_no_form_is_415(upload_image: httpx.Client, content_type: str) -> None:
    response = upload_image.post("/images", headers={"Content-Type": content_type}, content=b"file=1")
    assert_problem(response, 415, "unsupported_media_type")


BROKEN_FORMS = {
    "empty": b"",
    "no boundary in it": b"hello",
    "cut in the headers": b'--b\r\nContent-Disposition: form-data; name="fi',
    "cut in the file": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    "no closing boundary": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--b\r\n',
    "no disposition": b"--b\r\nContent-Type: image/png\r\n\r\nabc\r\n--b--\r\n",
    "not form-data": b'--b\r\nContent-Disposition: attachment; name="file"\r\n\r\nabc\r\n--b--\r\n',
    "endless header": b"--b\r\nX: " + b"x" * 100_000 + b"\r\n\r\nabc\r\n--b--\r\n",
    "too many headers": b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nabc\r\n--b--\r\n",
    "too many parts": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 10_000 + b"--b--\r\n",
    "nothing but line ends": b"\r\n" * 100_000,
}


@pytest.mark.parametrize("body", BROKEN_FORMS.values(), ids=BROKEN_FORMS)
def test_a_form_that_cannot_be_parsed_is_400(upload_image: httpx.Client, body: bytes) -> None:
    response = upload_image.post("/images", headers={"Content-Type": "multipart/form-data; boundary=b"}, content=body)
    assert_problem(response, 400, "malformed_request")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="']
)
def test_a_form_without_a_boundary_is_400(upload_image: httpx.Client, content_type: str) -> None:
    response = upload_image.post("/images", headers={"Content-Type": content_type}, content=b"--b--\r\n")
    assert_problem(response, 400, "malformed_request")


FOREIGN = {
    "TIFF": b"II*\x00\x08\x00\x00\x00" + bytes(64),
    "ICO": b"\x00\x00\x01\x00\x01\x00\x10\x10" + bytes(64),
    "PSD": b"8BPS\x00\x01" + bytes(64),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "PDF": b"%PDF-1.7\n",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "AVIF": b"\x00\x00\x00\x1cftypavif" + bytes(64),
    "one byte": b"\xff",
    "WAV": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}


@pytest.mark.parametrize("file", FOREIGN.values(), ids=FOREIGN)
def test_another_format_is_415_whatever_its_name_says(upload_image: httpx.Client, file: bytes) -> None:
    response = upload_image.post("/images", files={"file": ("photo.jpg", file, "image/jpeg")})
    assert_problem(response, 415, "unsupported_image")


@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_a_picture_cut_short_is_422_and_leaves_no_row(
    upload_image: httpx.Client, database: psycopg.Connection, source_format: str
) -> None:
    whole = pictures.plain(source_format, (64, 48))
    before = count(database)
    for length in (16, len(whole) // 3, len(whole) // 2, len(whole) - 20):
        assert_problem(upload(upload_image, whole[:length]), 422, "image_corrupt")
    assert count(database) == before


def count(database: psycopg.Connection) -> int:
    row = database.execute("SELECT count(*) FROM images").fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("source_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF"])
def test_too_many_pixels_are_refused_with_the_figures(upload_image: httpx.Client, source_format: str) -> None:
    problem = assert_problem(upload(upload_image, pictures.pixel_bomb(source_format)), 422, "image_too_many_pixels")
    assert problem["limit"] == 52_000_000
    assert isinstance(problem["actual"], int)
    assert problem["actual"] > 52_000_000


def test_a_scan_bomb_is_refused_with_the_figures(upload_image: httpx.Client) -> None:
    problem = assert_problem(upload(upload_image, pictures.scan_bomb()), 422, "image_too_complex")
    assert {"limit", "actual"} <= set(problem)


def test_a_side_that_no_jpeg_can_have_is_refused_unless_a_box_shrinks_it(upload_image: httpx.Client) -> None:
    line = pictures.plain("PNG", (65_501, 2))
    problem = assert_problem(upload(upload_image, line), 422, "image_too_large_for_jpeg")
    assert (problem["limit"], problem["actual"]) == (65_500, 65_501)
    assert upload(upload_image, line, x=1000).status_code == 201


def test_a_file_of_exactly_the_limit_is_stored_and_one_byte_more_is_refused_with_the_figures(
    tmp_path: Path, database_url: str
) -> None:
    picture = pictures.plain("JPEG", (64, 48))
    exact = picture + bytes(MEBIBYTE - len(picture))  # what follows a JPEG's end does not count
    with servers.function("upload_image", tmp_path, DATABASE_URL=database_url, MAX_IMAGE_MB="1") as function:
        assert upload(function.client, exact).status_code == 201
        for more in (1, MEBIBYTE // 2):
            problem = assert_problem(upload(function.client, exact + bytes(more)), 413, "image_too_large")
            assert (problem["limit"], problem["actual"]) == (MEBIBYTE, MEBIBYTE + more)


@pytest.mark.parametrize("slots", [1, 3])
def test_when_no_place_comes_free_in_time_the_answer_is_an_honest_503(
    tmp_path: Path, database_url: str, slots: int
) -> None:
    slow = pictures.plain("PNG", (6000, 6000))
    settings = {"DATABASE_URL": database_url, "THREADS": "16", "QUEUE_TIMEOUT_SECONDS": "0"}
    settings["CONVERSION_SLOTS"] = str(slots)
    with servers.function("upload_image", tmp_path, **settings) as function, ThreadPoolExecutor(8) as pool:
        start = threading.Barrier(8)

        def send_slow(_: int) -> httpx.Response:
            start.wait()
            return upload(function.client, slow)

        responses = list(pool.map(send_slow, range(8)))
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {201, 503}
    assert statuses.count(201) >= slots
    refused = next(response for response in responses if response.status_code == 503)
    assert_problem(refused, 503, "overloaded")
    assert int(refused.headers["Retry-After"]) >= 1


def test_a_token_that_holds_half_of_the_threads_is_refused_at_once_and_another_token_is_not(
    tmp_path: Path, database_url: str, database: psycopg.Connection
) -> None:
    settings = {"DATABASE_URL": database_url, "THREADS": "4"}
    settings["API_TOKENS"] = f"{servers.TOKEN},another"
    picture = pictures.plain("PNG", (30, 20))
    with (
        servers.function("upload_image", tmp_path, **settings) as function,
        servers.client(str(function.client.base_url), "another") as another,
        ThreadPoolExecutor() as pool,
        psycopg.connect(database_url) as locking,
    ):
        locking.execute("LOCK TABLE images IN ACCESS EXCLUSIVE MODE")
        waiting = [pool.submit(upload, function.client, picture) for _ in range(2)]
        wait_until_blocked(database, 2)
        assert_problem(upload(function.client, picture), 503, "overloaded")
        waiting.append(pool.submit(upload, another, picture))
        wait_until_blocked(database, 3)
        locking.rollback()
        assert [each.result().status_code for each in waiting] == [201] * 3


def wait_until_blocked(database: psycopg.Connection, statements: int) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = %s"
    deadline = time.monotonic() + 10
    while database.execute(blocked, ["upload_image"]).fetchone() != (statements,):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_a_database_the_answer_is_503(tmp_path: Path) -> None:
    for url in ("", f"postgresql://127.0.0.1:{servers.free_port()}/none"):
        settings = {"DATABASE_URL": url, "DATABASE_TIMEOUT_SECONDS": "0.5"}
        with servers.function("upload_image", tmp_path, **settings) as function:
            response = upload(function.client, pictures.plain("PNG", (8, 6)))
            assert_problem(response, 503, "storage_unavailable")
            assert int(response.headers["Retry-After"]) >= 1


def test_an_upload_leaves_the_contracts_line_in_the_log(upload_image: httpx.Client, folder: Path) -> None:
    stored = upload(upload_image, pictures.plain("PNG", (123, 77)), quality=81).json()
    expected = (
        ": /images: upload_image: INFO: "
        f"upload finished: id={stored['id']} width=123 height=77 quality=81 size={stored['size_bytes']} source=PNG\n"
    )
    assert expected in servers.wait_for_line(folder / "app.log", "width=123 height=77")


def test_answers_are_json_that_other_languages_read(upload_image: httpx.Client) -> None:
    response = upload(upload_image, pictures.plain("PNG", (8, 6)), "\U0001f600.png")
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.content.decode("utf-8"))["filename"] == "\U0001f600.png"
