"""Bodies on their way to the client: each ends with one line in the log."""

import re
from pathlib import Path

import httpx
import pytest

from common.http import stream
from tests import servers

BROKEN = """
from flask import Response
from api import endpoints
from common.http.endpoint import endpoint

endpoints.ENDPOINTS = (endpoints.Endpoint("broken", "GET /broken", "A broken one", scope=None),)


@endpoint(answers={})
def broken(request):
    def body():
        yield b"begun"
        raise RuntimeError("the\\nsecret")
    return Response(body(), headers={"Content-Length": "10"})
"""


@pytest.mark.parametrize("command", [servers.GUNICORN, servers.FUNCTIONS_FRAMEWORK])
def test_a_body_that_fails_is_one_error_in_the_log_and_is_not_taken_for_whole(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    source = tmp_path / "broken.py"
    source.write_text(BROKEN)
    with servers.function("broken", tmp_path, command, FUNCTION_SOURCE=str(source)) as function:
        with pytest.raises(httpx.RemoteProtocolError):
            function.client.get("/broken", headers={"X-Request-Id": "failed"})
        assert function.client.head("/broken", headers={"X-Request-Id": "no-body"}).status_code == 200
        log = servers.wait_for_line(tmp_path / "app.log", "no-body")
        failed, head = log.splitlines()
        assert ": ERROR: request broken off after 5 bytes: unexpected error: method=GET status=200 " in failed
        assert " request_id=failed\\nTraceback " in failed
        assert "RuntimeError" in failed
        assert re.search(r": INFO: request finished: method=HEAD status=200 ", head)
        assert function.output() == log


@pytest.mark.parametrize(
    ("start", "stop", "asked"),
    [
        (0, 1, [(0, 1)]),
        (0, stream.SLICE_BYTES, [(0, stream.SLICE_BYTES)]),
        (5, stream.SLICE_BYTES + 6, [(5, stream.SLICE_BYTES + 5), (stream.SLICE_BYTES + 5, stream.SLICE_BYTES + 6)]),
    ],
)
def test_a_span_is_read_in_slices_and_the_first_one_at_once(
    start: int, stop: int, asked: list[tuple[int, int]]
) -> None:
    calls: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> bytes:
        calls.append((start, stop))
        return bytes(stop - start)

    slices = stream.slices(read, range(start, stop))
    assert calls == asked[:1]
    assert sum(map(len, slices)) == stop - start
    assert calls == asked
