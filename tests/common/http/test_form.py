"""Forms as real clients send them, each to a real function."""

import httpx
import pytest

from tests import pictures

MEBIBYTE = 1024 * 1024
FILE = b'form-data; name="file"; filename="a.png"'


def form(boundary: bytes, disposition: bytes = FILE, *, before: bytes = b"", after: bytes = b"\r\n") -> bytes:
    """A form of one file, an image."""
    header = b"Content-Disposition: " + disposition + b"\r\nContent-Type: image/png\r\n\r\n"
    part = b"--" + boundary + b"\r\n" + header + pictures.plain("PNG", (8, 6)) + b"\r\n"
    return before + part + b"--" + boundary + b"--" + after


def send(client: httpx.Client, body: bytes, content_type: bytes = b"multipart/form-data; boundary=b") -> httpx.Response:
    return client.post("/images", headers=[(b"Content-Type", content_type)], content=body)


def stored_name(response: httpx.Response) -> object:
    assert response.status_code == 201, response.text
    return response.json()["filename"]


@pytest.mark.parametrize(
    ("sent", "boundary"),
    [
        (b"boundary=b/QeEb", b"b/QeEb"),
        (b"boundary====16564===", b"===16564==="),
        (b"boundary=gc0:08jU", b"gc0:08jU"),
        (b"boundary=dart+_-./=?x", b"dart+_-./=?x"),
        (b"boundary=a(b)c", b"a(b)c"),
        (b"boundary=a,b", b"a,b"),
        (b"boundary=a b; charset=utf-8", b"a b"),
        (b"charset=utf-8;BOUNDARY = b ; x=y", b"b"),
        (b'boundary="a;b:c"; charset=utf-8', b"a;b:c"),
        (b'boundary="a\\"b"', b'a"b'),
        (b'x="; boundary=no"; boundary=yes', b"yes"),
        (b"boundary=\xe9", b"\xe9"),
        (b"boundary=" + b"b" * 2000, b"b" * 2000),
    ],
)
def test_a_boundary_is_read_as_it_is_meant(upload_image: httpx.Client, sent: bytes, boundary: bytes) -> None:
    assert stored_name(send(upload_image, form(boundary), b"Multipart/Form-Data; " + sent)) == "a.png"


@pytest.mark.parametrize(
    "content_type", [b"multipart/form-data", b"multipart/form-data;boundary=", b'multipart/form-data; boundary=""']
)
def test_a_missing_boundary_is_named(upload_image: httpx.Client, content_type: bytes) -> None:
    response = send(upload_image, form(b"b"), content_type)
    assert response.status_code == 400
    assert response.json()["code"] == "malformed_request"
    assert "boundary" in response.json()["detail"]


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data;\r\n name="file";\r\n\tfilename="a.png"',
        b'form-data; name="file"; filename=a.png\r\nX-Other: a\r\n b',
        b'form-data; name="file"; filename="a\r\n .png"',
    ],
)
def test_a_folded_header_is_read(upload_image: httpx.Client, disposition: bytes) -> None:
    assert stored_name(send(upload_image, form(b"b", disposition))) in {"a.png", "a .png"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\n", b""),
        (b"This is a form.\r\n", b"\r\n"),
        (b"", b"\r\nThis was a form."),
        (b"x" * 2 * MEBIBYTE + b"\r\n", b"x" * 2 * MEBIBYTE),
    ],
)
def test_what_stands_before_and_after_the_parts_is_skipped(
    upload_image: httpx.Client, before: bytes, after: bytes
) -> None:
    assert stored_name(send(upload_image, form(b"b", before=before, after=after))) == "a.png"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        # filename* wins, before or after filename
        (b"filename=\"=?utf-8?B?5pel5pysLnBuZw==?=\"; filename*=utf-8''%E6%97%A5%E6%9C%AC.png", "日本.png"),
        (b"filename*=UTF-8''%E6%97%A5.png; filename=\"x.png\"", "日.png"),
        (b"filename=\"my%20photo.png\"; filename*=utf-8''my%20photo.png", "my photo.png"),
        (b"filename=x.png; FileName*=iso-8859-1'en'caf%E9.png", "café.png"),
        (b"filename*=utf-8''a.png", "a.png"),
        (b"filename*=\"utf-8''a%20b.png\"", "a b.png"),
        (b"filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        (b"filename*=utf-8''a%00%0D%0Ab.png", "ab.png"),
        # but not if it cannot be decoded
        (b"filename=\"x.png\"; filename*=koi8-r''%C6.png", "x.png"),
        (b"filename=\"x.png\"; filename*=utf-8''%E9.png", "x.png"),
        (b'filename="x.png"; filename*=a.png', "x.png"),
        (b"filename*=x-unknown''a.png", "image"),
        # filename alone
        (b'filename="=?utf-8?B?5pel5pysLnBuZw==?="', "日本.png"),
        (b'filename="100%25.png"', "100%25.png"),
        (b'filename="a%22b.png"', 'a"b.png'),
        (b'filename="a\\"b.png"', 'a"b.png'),
        (b'filename="a;b.png"', "a;b.png"),
        (b'filename="C:\\photos\\cat.jpg"', "cat.jpg"),
        (b"filename=my photo (1).png", "my photo (1).png"),
        (b"filename=" + "日本à.png".encode(), "日本à.png"),
        (b"filename=" + "à".encode(), "à"),
        (b'FILENAME = "a.png" ', "a.png"),
        (b'filename=""', "image"),
        (b"x=y", "image"),
    ],
)
def test_the_name_of_a_file_is_read_as_it_is_meant(upload_image: httpx.Client, sent: bytes, name: str) -> None:
    assert stored_name(send(upload_image, form(b"b", b'form-data; name="file"; ' + sent))) == name


@pytest.mark.parametrize(
    "disposition",
    [b"form-data; name=file", b'FORM-DATA; filename="name=x; name=y"; NAME="file"', b"form-data;name=file"],
)
def test_the_name_of_a_part_is_read_as_it_is_meant(upload_image: httpx.Client, disposition: bytes) -> None:
    assert send(upload_image, form(b"b", disposition)).status_code == 201


def test_a_part_without_a_name_is_skipped(upload_image: httpx.Client) -> None:
    nameless = b'--b\r\nContent-Disposition: form-data; filename="x"\r\n\r\nx\r\n'
    assert stored_name(send(upload_image, form(b"b", before=nameless))) == "a.png"
