"""The proxy: real nginx with the project's configuration, and in the functions' place servers that tell what came."""

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from api.endpoints import ENDPOINTS, Endpoint
from emulator import proxy
from tests import servers
from tests.problems import assert_problem

LIMIT = 1024 * 1024
ID = "4fcc9986-facd-4e62-84b4-ddc8ebaca584"


class StandIn(ThreadingHTTPServer):
    """A function that answers what it was asked, or as `answer` says, once all whom `meeting` waits for are there.

    It hangs up on the first `hang_ups` requests.
    """

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.requests: list[str] = []
        self.hang_ups = 0
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        self.meeting: threading.Barrier | None = None
        self.answered = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def handle_any(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.hang_ups:
            self.server.hang_ups -= 1
            self.close_connection = True
            return
        if self.server.meeting:
            self.server.meeting.wait()
        seen = {
            "function": self.server.name,
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body_bytes": len(body),
        }
        own = {"X-Request-Id": "the function's", "X-Content-Type-Options": "nosniff"}
        status, headers, content = self.server.answer or (200, own, json.dumps(seen).encode())
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "X-Endpoint": self.server.name, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.server.answered.set()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        pass


class Proxy:
    """Running nginx: its port, a client of it, the stand-ins behind it, and what it printed."""

    def __init__(self, port: int, functions: dict[str, StandIn], output: Path) -> None:
        self.port = port
        self.functions = functions
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
        self._output = output

    def wait_for_log(self, line: str) -> str:
        """Wait for a line, which is written after its answer; return all of the log."""
        deadline = time.monotonic() + 5
        while line not in (log := self._output.read_text()):
            assert time.monotonic() < deadline, log
            time.sleep(0.01)
        return log

    def raw(self, request: bytes) -> tuple[bytes, bytes]:
        """Send bytes no client library would; return the answer's head and body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body


@contextmanager
def serving(functions: dict[str, StandIn]) -> Iterator[None]:
    threads = [threading.Thread(target=function.serve_forever, args=(0.02,)) for function in functions.values()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for function, thread in zip(functions.values(), threads, strict=True):
            function.shutdown()
            function.server_close()
            thread.join()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running(tmp_path_factory.mktemp("a proxy") / "of nginx") as started:
        yield started


@contextmanager
def running(folder: Path, *, image_cache_seconds: int = 0) -> Iterator[Proxy]:
    functions = {function.name: StandIn(function.name) for function in ENDPOINTS}
    port = servers.free_port()
    addresses = {name: f"127.0.0.1:{function.server_port}" for name, function in functions.items()}
    address = f"127.0.0.1:{port}"
    proxy.write_configuration(folder, address, addresses, max_body_bytes=LIMIT, image_cache_seconds=image_cache_seconds)
    output = folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(proxy.command(folder), stdout=out, stderr=subprocess.STDOUT)  # noqa: S603  # ours
    try:
        with serving(functions):
            wait_for(port)
            started = Proxy(port, functions, output)
            with started.client:
                yield started
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@pytest.fixture(autouse=True)
def fresh_functions(nginx: Proxy) -> None:
    for function in nginx.functions.values():
        function.requests.clear()
        function.answered.clear()
        function.hang_ups = 0
        function.answer = None


def requests(nginx: Proxy) -> list[str]:
    return [request for function in nginx.functions.values() for request in function.requests]


@pytest.mark.parametrize("function", ENDPOINTS, ids=lambda function: function.name)
def test_every_function_is_reached_by_its_method_and_path(nginx: Proxy, function: Endpoint) -> None:
    path = function.path.replace("{id}", ID)
    seen = nginx.client.request(function.method, f"{path}?a=1&b=%2F").json()
    assert seen["function"] == function.name
    assert seen["method"] == function.method
    assert seen["path"] == f"{path}?a=1&b=%2F"


@pytest.mark.parametrize("path", [f"/images/{ID}", "/logs", "/health", "/"])
def test_head_reaches_the_function_that_get_does(nginx: Proxy, path: str) -> None:
    response = nginx.client.head(path)
    assert response.status_code == 200
    assert response.headers["X-Endpoint"] == nginx.client.get(path).json()["function"]
    assert response.content == b""


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/images/", "//images", "/images//", f"/images/{ID}/", f"/images/{ID}/x", "/Images", "/logs/",
     "/problem", "/images/..%2Flogs", f"/images%2F{ID}", "/images/%2e%2e/logs", "/logs/../health", "/./health",
     "/health%00", "/health;x", "/images/a%2Fb", "/images.json", "/healthx", "/robots.txt/", "/%68ealth"],
)  # fmt: skip
def test_a_path_of_no_endpoint_is_a_404_and_reaches_no_function(nginx: Proxy, path: str) -> None:
    head, body = nginx.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    status = int(head.split()[1])
    assert status == (400 if path == "/health%00" else 404)
    assert json.loads(body)["status"] == status
    assert requests(nginx) == []


@pytest.mark.parametrize("path", ["/images/..", "/images/%2e%2e", "/images/x;/../logs%3f"])
def test_an_odd_id_is_for_get_image_alone_to_refuse(nginx: Proxy, path: str) -> None:
    nginx.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert requests(nginx) == [r for r in nginx.functions["get_image"].requests if r == f"GET {path}"]


def test_a_404_is_a_problem(nginx: Proxy) -> None:
    assert_problem(nginx.client.get("/nowhere?token=secret"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/images", "POST, OPTIONS"), ("HEAD", "/images", "POST, OPTIONS"), ("DELETE", "/images", "POST, OPTIONS"),
     ("POST", f"/images/{ID}", "GET, HEAD, OPTIONS"), ("DELETE", f"/images/{ID}", "GET, HEAD, OPTIONS"),
     ("PUT", "/logs", "GET, HEAD, OPTIONS"), ("POST", "/health", "GET, HEAD, OPTIONS"),
     ("POST", "/", "GET, HEAD, OPTIONS"), ("PURGE", "/", "GET, HEAD, OPTIONS"), ("TRACE", "/", "GET, HEAD, OPTIONS"),
     ("POST", "/robots.txt", "GET, HEAD")],
)  # fmt: skip
def test_a_wrong_method_is_a_405_that_names_the_right_ones(nginx: Proxy, method: str, path: str, allow: str) -> None:
    response = nginx.client.request(method, path)
    assert response.headers.get_list("Allow") == [allow]
    if method == "HEAD":
        assert response.status_code == 405
    else:
        assert_problem(response, 405, "method_not_allowed")
    assert requests(nginx) == []


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/images", "POST, OPTIONS"), (f"/images/{ID}", "GET, HEAD, OPTIONS"), ("/health", "GET, HEAD, OPTIONS")],
)
def test_options_tells_the_methods(nginx: Proxy, path: str, allow: str) -> None:
    response = nginx.client.options(path, headers={"X-Request-Id": "mine"})
    assert response.status_code == 204
    assert response.headers.get_list("Allow") == [allow]
    assert response.headers.get_list("X-Request-Id") == ["mine"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert requests(nginx) == []


def test_a_body_over_the_limit_is_refused_with_the_limit(nginx: Proxy) -> None:
    response = nginx.client.post("/images", content=b"x" * (LIMIT + 1))
    assert assert_problem(response, 413, "request_too_large")["limit"] == LIMIT
    assert requests(nginx) == []


def test_a_chunked_body_over_the_limit_is_refused_with_the_limit(nginx: Proxy) -> None:
    response = nginx.client.post("/images", content=(b"x" * 65536 for _ in range(17)))
    assert assert_problem(response, 413, "request_too_large")["limit"] == LIMIT
    assert requests(nginx) == []


def test_a_body_of_the_limit_passes(nginx: Proxy) -> None:
    assert nginx.client.post("/images", content=b"x" * LIMIT).json()["body_bytes"] == LIMIT


def test_a_chunked_body_reaches_the_function_whole_and_with_its_length(nginx: Proxy) -> None:
    seen = nginx.client.post("/images", content=(b"x" * 65536 for _ in range(10))).json()
    assert seen["body_bytes"] == 655360
    assert seen["headers"]["content-length"] == "655360"


def test_a_slow_upload_does_not_reach_the_function_before_its_end(nginx: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=20) as connection:
        connection.sendall(b"POST /images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        assert not nginx.functions["upload_image"].answered.wait(0.3)
        connection.sendall(b"67890")
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_an_upload_whose_caller_hangs_up_never_reaches_the_function(nginx: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port)) as connection:
        connection.sendall(b"POST /images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
    assert nginx.client.get("/health").status_code == 200
    assert nginx.functions["upload_image"].requests == []


def test_a_slow_reader_does_not_hold_the_function(nginx: Proxy) -> None:
    nginx.functions["get_image"].answer = (200, {"Content-Type": "image/jpeg"}, b"x" * 20_000_000)
    with nginx.client.stream("GET", f"/images/{ID}") as response:
        assert nginx.functions["get_image"].answered.wait(10)
        assert len(response.read()) == 20_000_000


@pytest.mark.parametrize("sent", ["a", "A-Z.09_", "x" * 64])
def test_a_good_request_id_is_kept_and_passed_on(nginx: Proxy, sent: str) -> None:
    response = nginx.client.get("/health", headers={"X-Request-Id": sent})
    assert response.headers.get_list("X-Request-Id") == [sent]
    assert response.json()["headers"]["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "two words", "a/b", '"', "ä".encode()])
def test_a_bad_request_id_is_replaced(nginx: Proxy, sent: str | bytes) -> None:
    response = nginx.client.get(
        "/health", headers=[(b"X-Request-Id", sent if isinstance(sent, bytes) else sent.encode())]
    )
    (answered,) = response.headers.get_list("X-Request-Id")
    assert re.fullmatch("[0-9a-f]{32}", answered)
    assert response.json()["headers"]["x-request-id"] == answered


def test_two_request_ids_are_none(nginx: Proxy) -> None:
    response = nginx.client.get("/nowhere", headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])
    (answered,) = response.headers.get_list("X-Request-Id")
    assert re.fullmatch("[0-9a-f]{32}", answered)
    assert_problem(response, 404, "not_found")


def test_what_a_caller_says_about_himself_is_not_passed_on(nginx: Proxy) -> None:
    forged = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
              "X-Forwarded-Ssl", "X-Forwarded-Protocol", "X-Real-IP", "Forwarded", "Proxy"]  # fmt: skip
    headers = nginx.client.get("/health", headers=dict.fromkeys(forged, "forged")).json()["headers"]
    assert "forged" not in headers.values()
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"


def test_ranges_and_conditions_pass_untouched(nginx: Proxy) -> None:
    sent = {"Range": "bytes=1-2", "If-Range": '"a"', "If-None-Match": 'W/"a", *', "If-Modified-Since": "x",
            "Authorization": "Bearer t", "Accept-Encoding": "gzip"}  # fmt: skip
    headers = nginx.client.get(f"/images/{ID}", headers=sent).json()["headers"]
    assert sent.items() <= {name: headers.get(name.lower()) for name in sent}.items()


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [(206, {"Content-Range": "bytes 1-2/9", "ETag": '"a"', "Content-Type": "image/jpeg"}, b"ab"),
     (404, {"Content-Type": "application/problem+json"}, b'{"code": "image_not_found"}'),
     (405, {"Allow": "GET"}, b"its own"),
     (413, {"Content-Type": "application/problem+json"}, b'{"code": "image_too_large"}'),
     (416, {"Content-Range": "bytes */9"}, b"{}"),
     (503, {"Retry-After": "7", "Cache-Control": "no-store"}, b'{"code": "overloaded"}'),
     (500, {}, b"{}")],
)  # fmt: skip
def test_what_a_function_answers_passes_unchanged(
    nginx: Proxy, status: int, headers: dict[str, str], content: bytes
) -> None:
    nginx.functions["get_image"].answer = (status, headers, content)
    response = nginx.client.get(f"/images/{ID}", headers={"If-None-Match": '"a"', "Range": "bytes=0-0"})
    assert response.status_code == status
    assert response.content == content
    for name, value in headers.items():
        assert response.headers.get_list(name) == [value]


def test_headers_that_proxy_and_function_both_give_come_once(nginx: Proxy) -> None:
    response = nginx.client.get("/health")
    assert len(response.headers.get_list("X-Request-Id")) == 1
    assert response.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert response.headers["Server"] == "nginx"


def test_a_function_that_is_down_is_a_502_and_worth_another_try(nginx: Proxy) -> None:
    nginx.functions["get_logs"].hang_ups = 99
    response = nginx.client.get("/logs", headers={"X-Request-Id": "in-vain"})
    assert_problem(response, 502, "bad_gateway")
    assert response.headers["Retry-After"] == "1"
    nginx.wait_for_log('"GET /logs" 502 request_id=in-vain ')


def test_a_get_on_a_connection_that_breaks_is_sent_again(nginx: Proxy) -> None:
    nginx.functions["get_image"].hang_ups = 1
    assert nginx.client.get(f"/images/{ID}").status_code == 200


def test_a_post_is_never_sent_twice(nginx: Proxy) -> None:
    nginx.client.post("/images", content=b"x")  # leaves a connection, which is the one that breaks
    nginx.functions["upload_image"].hang_ups = 1
    assert_problem(nginx.client.post("/images", content=b"x"), 502, "bad_gateway")
    assert nginx.functions["upload_image"].requests == ["POST /images"] * 2


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [(b"nonsense\r\n\r\n", 400, "malformed_request"),
     (b"GET /health HTTP/1.1\r\n\r\n", 400, "malformed_request"),
     (b"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
     (b"POST /images HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "malformed_request"),
     (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
     (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "request_header_fields_too_large"),
     (b"POST /images HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "not_implemented"),
     (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "http_version_not_supported")],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_no_decent_http_is_answered_with_a_problem(
    nginx: Proxy, request_bytes: bytes, status: int, code: str
) -> None:
    head, body = nginx.raw(request_bytes)
    assert int(head.split()[1]) == status
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    for header in (b"application/problem+json", b"nosniff", b"no-store", document["request_id"].encode()):
        assert header in head
    assert requests(nginx) == []


def test_robots_and_browsers_are_answered_without_a_function(nginx: Proxy) -> None:
    robots = nginx.client.get("/robots.txt")
    assert robots.headers["Content-Type"] == "text/plain"
    assert robots.text == "User-agent: *\nDisallow: /\n"
    assert nginx.client.head("/robots.txt").status_code == 200
    assert nginx.client.get("/favicon.ico").status_code == 204
    assert requests(nginx) == []


def test_only_what_reached_no_function_is_logged_and_no_query(nginx: Proxy) -> None:
    nginx.client.get("/nowhere?token=secret", headers={"X-Request-Id": "to-be-logged"})
    nginx.client.post("/nowhere", headers={"X-Request-Id": "posted"})
    nginx.client.get("/health", headers={"X-Request-Id": "not-to-be-logged"})
    nginx.client.get("/nowhere", headers={"X-Request-Id": "last"})
    nginx.wait_for_log('"GET /nowhere" 404 request_id=to-be-logged ')
    nginx.wait_for_log('"POST /nowhere" 404 request_id=posted ')
    log = nginx.wait_for_log("request_id=last ")
    assert "secret" not in log
    assert "not-to-be-logged" not in log
