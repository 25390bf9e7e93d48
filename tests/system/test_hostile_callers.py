"""The whole service, and callers who mean harm: no HTML, no 5xx, nothing of theirs in a log."""

import json
import socket

import httpx
import pytest

from api.endpoints import ENDPOINTS
from tests import pictures
from tests.system.emulators import Emulator


def raw(port: int, request: bytes) -> tuple[int, dict[str, list[str]], bytes]:
    """Send bytes no client library would; return the answer's status, headers and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    return int(first.split()[1]), headers, body


def request(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([line, b"Host: x", b"Connection: close", *headers, b"", b""])


ODD = {
    "a raw umlaut in the path": request(b"GET /images/\xc3\xa4 HTTP/1.1"),
    "a raw umlaut in the query": request(b"GET /logs?a=\xe4&token=hidden HTTP/1.1"),
    "a control character in a header": request(b"GET /nope HTTP/1.1", b"X-A: a\x01b"),
    "a line that is no header": request(b"GET /nope HTTP/1.1", b"Authorization Bearer hidden"),
    "a path prefix": request(b"GET /nope HTTP/1.1", b"SCRIPT_NAME: /x"),
    "schemes that contradict": request(b"GET /nope HTTP/1.1", b"X-Forwarded-Protocol: ssl", b"X-Forwarded-Proto: http"),
    "two hosts": request(b"GET /nope HTTP/1.1", b"Host: y"),
    "two lengths": request(b"POST /nope HTTP/1.1", b"Content-Length: 1", b"Content-Length: 2"),
    "an odd length": request(b"POST /nope HTTP/1.1", b"Content-Length: -1"),
    "an unknown coding": request(b"POST /nope HTTP/1.1", b"Transfer-Encoding: zip"),
    "an unknown version": request(b"GET /nope HTTP/9.9"),
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a huge host": request(b"GET /nope HTTP/1.1", b"X-Host: " + b"h" * 7000),
    "another's address": request(b"GET http://elsewhere.example/nope HTTP/1.1"),
    "a tracer": request(b"TRACE /nope HTTP/1.1"),
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD)
@pytest.mark.parametrize("behind_the_proxy", [True, False])
def test_an_odd_request_is_refused_with_a_problem_whoever_refuses_it(
    emulator: Emulator, sent: bytes, *, behind_the_proxy: bool
) -> None:
    ports = [emulator.port] if behind_the_proxy else [emulator.functions_port + n for n in range(len(ENDPOINTS))]
    for port in ports:
        status, headers, body = raw(port, sent)
        assert 400 <= status <= 505
        assert status != 500
        assert headers["content-type"] == ["application/problem+json"]
        assert headers["x-content-type-options"] == ["nosniff"]
        assert "no-store" in headers["cache-control"]
        assert headers["x-request-id"] == [json.loads(body)["request_id"]]
        assert json.loads(body)["status"] == status
        assert b"hidden" not in body
        if status == 405:
            assert headers["allow"]


@pytest.mark.parametrize(
    "sent",
    [
        request(b"GET /health HTTP/1.1", b"Content-Type: a/b", b"Content-Type: c/d"),
        request(b"GET /health HTTP/1.1", b"X-Forwarded-Protocol: ssl", b"X-Forwarded-Proto: http"),
        request(b"GET /health HTTP/1.1", b"SCRIPT_NAME: /health"),
        request(b"GET http://elsewhere.example/health HTTP/1.1"),
        request(b"GET /health?a=b%00 HTTP/1.1", b"Cookie: a\xe4b"),
    ],
)
def test_what_only_looks_odd_is_served(emulator: Emulator, sent: bytes) -> None:
    status, _, body = raw(emulator.port, sent)
    assert status == 200
    assert json.loads(body) == {"status": "ok"}


def test_an_empty_path_is_the_root(emulator: Emulator) -> None:
    status, _, body = raw(emulator.functions_port + len(ENDPOINTS) - 1, request(b"GET http://x HTTP/1.1"))
    assert status == 200
    assert json.loads(body)["name"] == "Image API"


def test_no_secret_of_a_refused_request_is_printed_or_logged(emulator: Emulator) -> None:
    for sent in (ODD["a raw umlaut in the query"], ODD["a line that is no header"]):
        for port in (emulator.port, emulator.functions_port):
            raw(port, sent)
    emulator.wait_for_output("request refused")
    assert "hidden" not in emulator.output()
    assert "hidden" not in (emulator.root / "logs/app.log").read_text()


def test_an_image_with_the_longest_name_is_served_too(emulator: Emulator) -> None:
    with emulator.client as client:
        name = "\N{NEGATIVE SQUARED LATIN CAPITAL LETTER P}" * 255
        squared = "\U0001f14e" * 255  # one character, three letters in ASCII, twelve bytes percent-encoded
        for filename in (name, squared, "x" * 255, "\U0001f600" * 255):
            stored = client.post("/images", files={"file": (filename, pictures.plain("PNG", (8, 6)))})
            assert stored.status_code == 201
            assert client.get(stored.headers["Location"]).status_code == 200


def test_a_refused_upload_is_answered_whatever_its_size(emulator: Emulator) -> None:
    for size, status in ((1_000_000, 401), (15_000_000, 401), (25_000_000, 413)):
        files = {"file": ("big.bin", bytes(size))}
        answer = httpx.post(
            f"{emulator.url}/images", files=files, headers={"Authorization": "Bearer wrong"}, timeout=60
        )
        assert answer.status_code == status
        if status == 413:
            assert answer.json()["actual"] > answer.json()["limit"] == 21 * 1024 * 1024
