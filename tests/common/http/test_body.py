"""Bodies: what nobody reads costs nothing, what is too large is refused."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests import servers

GIGABYTE = 1024**3
MEBIBYTE = 1024**2


def zeros(total: int) -> Iterator[bytes]:
    for _ in range(total // MEBIBYTE):
        yield bytes(MEBIBYTE)


@pytest.mark.parametrize(
    ("name", "method", "path", "status", "chunked"),
    [
        ("upload_image", "POST", "/images", 401, False),
        ("upload_image", "POST", "/images", 401, True),
        ("get_logs", "GET", "/logs", 401, False),
        ("health", "POST", "/robots.txt", 404, True),
    ],
)
def test_a_gigabyte_that_nobody_asked_for_leaves_memory_flat(  # a table of cases
    tmp_path: Path, name: str, method: str, path: str, status: int, *, chunked: bool
) -> None:
    with servers.function(name, tmp_path, DATABASE_URL="postgresql://127.0.0.1:1/none") as function:
        function.client.request(method, path, headers={"Authorization": "Bearer wrong"})
        before = function.resident_bytes()
        peak = before
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.02):
                peak = max(peak, function.resident_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        headers = {"Authorization": "Bearer wrong"} | ({} if chunked else {"Content-Length": str(GIGABYTE)})
        response = function.client.request(method, path, headers=headers, content=zeros(GIGABYTE))
        done.set()
        watcher.join()
        assert response.status_code == status
        assert peak - before < 20 * MEBIBYTE


def test_a_declared_length_over_the_limit_is_refused_at_once(upload_image: httpx.Client) -> None:
    request = (
        f"POST /images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {servers.TOKEN}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {GIGABYTE}\r\n\r\n"
    )
    with socket.create_connection((upload_image.base_url.host, upload_image.base_url.port or 0), 10) as connection:
        connection.sendall(request.encode())
        answer = ""
        while not answer.endswith("}\n"):  # not a byte of the body was sent
            answer += connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert '"code": "request_too_large"' in answer
    assert f'"limit": {21 * MEBIBYTE}' in answer
    assert f'"actual": {GIGABYTE}' in answer


def test_a_chunked_body_over_the_limit_is_counted_and_refused(upload_image: httpx.Client) -> None:
    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="other"; filename="f"\r\n\r\n'
        yield from zeros(22 * MEBIBYTE)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = upload_image.post("/images", headers=headers, content=body())
    assert response.status_code == 413
    assert response.json()["code"] == "request_too_large"
    assert response.json()["limit"] == 21 * MEBIBYTE


def test_the_connection_serves_on_after_a_refused_body(upload_image: httpx.Client) -> None:
    for _ in range(3):
        refused = upload_image.post("/images", headers={"Authorization": "Bearer wrong"}, content=bytes(MEBIBYTE))
        assert refused.status_code == 401


FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nx\r\n--b--\r\n'
SIZE = b"%x" % len(FORM)
BROKEN_CHUNKS = {
    "a negative size": b"-1\r\n" + FORM,
    "0x in the size": b"0x" + SIZE + b"\r\n" + FORM + b"\r\n0\r\n\r\n",
    "an underscore in the size": b"1_0\r\n" + FORM,
    "a plus in the size": b"+" + SIZE + b"\r\n" + FORM,
    "no number": b"zz\r\n",
    "an empty size": b"\r\n" + FORM,
    "an endless size": b"1" * 100_000,
    "line feeds alone": SIZE + b"\n" + FORM + b"\n0\n\n",
    "a line feed in an extension": SIZE + b";\nxx\r\n" + FORM + b"\r\n0\r\n\r\n",
    "a malformed extension": SIZE + b";=\r\n" + FORM + b"\r\n0\r\n\r\n",
    "no line end after the data": SIZE + b"\r\n" + FORM + b"XX0\r\n\r\n",
    "a forbidden trailer": SIZE + b"\r\n" + FORM + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
    "a malformed trailer": SIZE + b"\r\n" + FORM + b"\r\n0\r\nnonsense\r\n\r\n",
    "an end in a chunk": SIZE + b"\r\n" + FORM[:9],
    "an end in a size": SIZE,
    "no last chunk": SIZE + b"\r\n" + FORM + b"\r\n",
    "no end of the trailer": SIZE + b"\r\n" + FORM + b"\r\n0\r\n",
}


@pytest.mark.parametrize("sent", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_broken_chunks_are_400(upload_image: httpx.Client, sent: bytes) -> None:
    head = (
        f"POST /images HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {servers.TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((upload_image.base_url.host, upload_image.base_url.port or 0), 10) as connection:
        with suppress(ConnectionError):  # the function may answer before it has all
            connection.sendall(head.encode() + sent)
            connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Content-Type: application/problem+json" in answer
    assert b'"code": "malformed_request"' in answer
