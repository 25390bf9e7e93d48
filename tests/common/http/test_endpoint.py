"""What every answer has in common: methods, paths, problems, request ids, headers, log lines."""

import json
import re
from pathlib import Path

import httpx
import pytest

from tests import servers
from tests.problems import assert_problem

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: (?P<route>\S+): (?P<function>\w+): (?P<level>[A-Z]+): (?P<message>.*)"
)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_a_wrong_method_is_405_and_names_the_right_ones(get_logs: httpx.Client, method: str) -> None:
    response = get_logs.request(method, "/logs")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_options_names_the_methods(get_logs: httpx.Client) -> None:
    response = get_logs.options("/logs")
    assert response.status_code == 204
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path",
    ["/log", "/logs/", "//logs", "/logs/1", "/", "/robots.txt", "/favicon.ico", "/static/x", "/%2e%2e/logs", "/%ff"],
)
def test_an_unknown_path_is_404(get_logs: httpx.Client, path: str) -> None:
    assert_problem(get_logs.get(path), 404, "not_found")


def test_head_has_the_headers_of_get_and_no_body(index: httpx.Client) -> None:
    head, get = index.head("/"), index.get("/")
    assert head.content == b""
    volatile = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }


@pytest.mark.parametrize("sent", ["a", "A-z.0_9", "x" * 64])
def test_a_good_request_id_comes_back(index: httpx.Client, sent: str) -> None:
    assert index.get("/", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a/b", "é", 'a"b', "a,b"])
def test_a_bad_request_id_is_replaced(index: httpx.Client, sent: str) -> None:
    response = index.get("/", headers=[(b"X-Request-Id", sent.encode())])
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])


def test_every_request_leaves_one_line_with_status_time_and_id(get_logs: httpx.Client, folder: Path) -> None:
    get_logs.get("/logs?limit=secret-ish", headers={"X-Request-Id": "one-line"})
    log = servers.wait_for_line(folder / "app.log", "one-line")
    lines = [line for line in log.splitlines() if "one-line" in line]
    assert len(lines) == 1
    match = LINE.fullmatch(lines[0])
    assert match
    assert match["route"] == "/logs"
    assert match["function"] == "get_logs"
    assert match["level"] == "INFO"
    assert re.fullmatch(r"request finished: method=GET status=422 ms=\d+ request_id=one-line", match["message"])


def test_a_line_cannot_be_forged_by_a_method_a_path_or_a_header(get_logs: httpx.Client, folder: Path) -> None:
    forged = "2026-01-01 00:00:00,000: /logs: get_logs: ERROR: forged"
    get_logs.get(f"/logs%0a{forged}?limit=%0a{forged}", headers={"User-Agent": forged, "X-Request-Id": "forger"})
    log = servers.wait_for_line(folder / "app.log", "forger")
    assert "forged" not in log
    assert all(LINE.fullmatch(line) for line in log.splitlines())


def test_an_unforeseen_error_is_a_500_that_tells_nothing_and_a_log_line_that_tells_all(tmp_path: Path) -> None:
    source = tmp_path / "broken.py"
    source.write_text(
        "from api import endpoints\n"
        "from common.http.endpoint import endpoint\n"
        "endpoints.ENDPOINTS = (endpoints.Endpoint('broken', 'GET /broken', 'A broken one', scope=None),)\n"
        "@endpoint(answers={})\n"
        "def broken(request):\n"
        "    raise RuntimeError('the\\nsecret')\n"
    )
    with servers.function("broken", tmp_path, FUNCTION_SOURCE=str(source)) as broken:
        response = broken.client.get("/broken")
        problem = assert_problem(response, 500, "internal_error")
        assert "secret" not in json.dumps(problem)
        log = servers.wait_for_line(tmp_path / "app.log", "status=500")
    error = next(line for line in log.splitlines() if ": ERROR: " in line)
    assert "RuntimeError" in error
    assert response.headers["X-Request-Id"] in error
    assert all(LINE.fullmatch(line) for line in log.splitlines())
