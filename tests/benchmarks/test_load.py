"""The load generator counts what really came back: a benchmark that took refusals for answers would shine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import load

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000)
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 300000\r\n\r\n"
CUT_SHORT = GOOD[:1000]


@contextmanager
def server(*answers: bytes) -> Iterator[load.Address]:
    """Answer each request with the next of the answers; close after the ones that say so, or are cut short."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            left = list(answers)
            while left:
                connection, _ = listening.accept()
                with connection:
                    while left and connection.recv(65536):
                        answer = left.pop(0)
                        connection.sendall(answer)
                        if answer in {REFUSAL, CUT_SHORT}:
                            break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()
        thread.join(10)


def test_every_answer_is_counted_with_its_status() -> None:
    answers = (GOOD, NOT_MODIFIED, REFUSAL, GOOD, CUT_SHORT, GOOD)
    with server(*answers) as address:
        result = load.run(address, [load.request("GET", "/")], 1, total=len(answers))
    assert result.statuses == {200: 3, 304: 1, 503: 1, 0: 1}
    assert len(result.milliseconds) == len(answers)


def test_refusals_are_no_result() -> None:
    with server(GOOD, REFUSAL) as address:
        result = load.run(address, [load.request("GET", "/")], 1, total=2)
    with pytest.raises(RuntimeError, match="503"):
        result.only(200)


def test_the_99th_percentile_is_one_of_the_slowest() -> None:
    result = load.Result(1.0, {200: 100}, [float(n) for n in range(100, 0, -1)])
    assert result.percentile(99) == 100
    assert result.percentile(50) == 51
