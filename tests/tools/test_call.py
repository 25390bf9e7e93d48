"""`make call`: the token reaches the function, and nobody else."""

import os
import shutil
import socket
import subprocess
import sys

import psutil
import pytest

from api.endpoints import ENDPOINTS
from tests.system.emulators import ROOT, free_ports

TOKEN = "a-token-to-look-for"  # noqa: S105  # not a real one


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_token_is_sent_and_is_not_in_the_process_list() -> None:
    first = free_ports(len(ENDPOINTS))
    number = [endpoint.name for endpoint in ENDPOINTS].index("get_logs")
    environment = {**os.environ, "API_TOKENS": TOKEN, "FUNCTIONS_PORT": str(first)}
    command = [sys.executable, "-m", "tools.call", "get_logs"]
    with socket.create_server(("127.0.0.1", first + number)) as server:
        calling = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)  # noqa: S603
        server.settimeout(30)
        connection, _ = server.accept()
        with connection:
            request = connection.recv(65536).decode()
            seen = [process.cmdline() for process in psutil.Process(calling.pid).children(recursive=True)]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        output, _ = calling.communicate(timeout=30)
    assert f"Authorization: Bearer {TOKEN}\r\n" in request
    assert any("curl" in arguments[0] for arguments in seen)
    assert TOKEN not in str(seen)
    assert (calling.returncode, output) == (0, b"ok")
