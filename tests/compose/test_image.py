"""The image alone, as a functions host runs it: any user, nothing writable but /tmp, no variable but the contract's."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from api.endpoints import ENDPOINTS, Endpoint
from tests import servers
from tests.compose import stacks
from tests.compose.stacks import IMAGE, Stack
from tests.system.emulators import ROOT, free_ports

SAMPLE = (ROOT / "tools" / "sample.jpg").read_bytes()
TOKEN = "a-token"  # noqa: S105  # known to nobody but the tests' own containers


class Container:
    """A running container of one function: its id, its port on this machine, and its client (which sends the token)."""

    def __init__(self, container: str, port: int) -> None:
        self.id = container
        self.port = port
        self.client = servers.client(f"http://127.0.0.1:{port}", TOKEN)

    def logs(self) -> str:
        done = subprocess.run(["docker", "logs", self.id], capture_output=True, text=True, check=True)  # noqa: S603, S607
        return done.stdout + done.stderr

    def exit_code(self) -> int:
        return int(stacks.docker("wait", self.id))

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/health")
            except httpx.TransportError:
                assert time.monotonic() < deadline, self.logs()
                time.sleep(0.05)
            else:
                return


@contextmanager
def container(name: str, stack: Stack) -> Iterator[Container]:
    port = free_ports(1)
    environment = {
        "PORT": "9999",
        "FUNCTION_TARGET": name,
        "FUNCTION_SOURCE": f"functions/{name}.py",
        "DATABASE_URL": stack.secret("DATABASE_URL"),
        "API_TOKENS": TOKEN,
    }
    variables = [f"--env={variable}={value}" for variable, value in environment.items()]
    bounds = ["--read-only", "--tmpfs=/tmp", "--user=12345", "--cap-drop=ALL", f"--network={stack.project}_default"]
    created = stacks.docker("run", "--detach", f"--publish=127.0.0.1:{port}:9999", *bounds, *variables, IMAGE)
    started = Container(created.strip(), port)
    try:
        started.wait_until_it_answers()
        with started.client:
            yield started
    finally:
        stacks.docker("rm", "--force", "--volumes", started.id)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_function_serves_as_any_user_with_nothing_but_tmp_and_stops_cleanly(stack: Stack, endpoint: Endpoint) -> None:
    with container(endpoint.name, stack) as function:
        servers.assert_it_answers(endpoint, function.client)
        stacks.docker("stop", "--time", "20", function.id)
        assert function.exit_code() == 0
        assert "cannot be written" not in function.logs()
        assert "Traceback" not in function.logs()


def test_what_one_container_stores_another_serves_and_the_logs_tell_it(stack: Stack) -> None:
    with container("upload_image", stack) as upload_image, container("get_image", stack) as get_image:
        path = upload_image.client.post("/images", files={"file": SAMPLE}).headers["Location"]
        assert get_image.client.get(path).headers["Content-Type"] == "image/jpeg"
        assert "/images: upload_image: INFO: upload finished" in upload_image.logs()


def test_a_stop_lets_the_request_under_way_finish(stack: Stack) -> None:
    head = (
        f"POST /images HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n"
    )
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + SAMPLE + b"\r\n--b--\r\n"
    with (
        container("upload_image", stack) as upload_image,
        socket.create_connection(("127.0.0.1", upload_image.port), timeout=30) as connection,
    ):
        connection.sendall(f"{head}Content-Length: {len(part)}\r\n\r\n".encode() + part[:-10])
        time.sleep(0.3)
        with subprocess.Popen(["docker", "stop", "--time", "30", upload_image.id]):  # noqa: S603, S607
            time.sleep(1)
            connection.sendall(part[-10:])
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201")
        assert upload_image.exit_code() == 0


def test_the_image_holds_the_code_and_nothing_else_of_the_folder(stack: Stack) -> None:
    assert (stack.root / ".env").exists()
    listed = stacks.docker("run", "--rm", "--network=none", "--entrypoint=ls", IMAGE, "-A", "/app")
    assert set(listed.split()) - {"__pycache__"} == {"api", "common", "cron", "functions", "runtime"}
