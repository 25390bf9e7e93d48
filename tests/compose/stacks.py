"""The real `make up`, in a copy of the code, as a project of its own beside any other."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from api.endpoints import ENDPOINTS
from tests import servers
from tests.system import emulators

COPIED = ("Dockerfile", ".dockerignore", "docker-compose.yml", "requirements.txt")
IMAGE = "image-api-test"
SERVICES = (*(function.name for function in ENDPOINTS), "proxy", "database")


class Stack:
    """A composed service; to a test that only calls and reads it looks like an Emulator."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = emulators.free_ports(len(ENDPOINTS) + 1)
        self.functions_port = self.port + 1
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = ""
        self.project = f"image-api-test-{os.getpid()}"
        kept = {name: os.environ[name] for name in os.environ if name in {"PATH", "HOME", "LANG"} or "DOCKER" in name}
        mine = {"APP_PORT": str(self.port), "FUNCTIONS_PORT": str(self.functions_port)}
        mine |= {f"{function.name.upper()}_PORT": str(self.functions_port + i) for i, function in enumerate(ENDPOINTS)}
        self._environment = {**kept, **mine, "COMPOSE_PROJECT_NAME": self.project, "IMAGE": IMAGE}

    @property
    def token(self) -> str:
        (token,) = re.findall(r"(?m)^API_TOKENS=(\S+)$", (self.root / ".env").read_text())
        return str(token)

    @property
    def client(self) -> httpx.Client:
        """A new client that sends the token; close it."""
        return servers.client(self.url, self.token)

    def secret(self, name: str) -> str:
        return (self.root / ".data" / "secrets" / name).read_text()

    def output(self) -> str:
        """What the last `make up` printed."""
        return self._output

    def up(self) -> None:
        """Do what `make up` does."""
        self._output = self._run(sys.executable, "-m", "tools.compose")

    def compose(self, *arguments: str) -> str:
        return self._run("docker", "compose", *arguments)

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def inspect(self, service: str, template: str) -> str:
        return docker("inspect", "--format", template, self.container(service)).strip()

    def kill(self, service: str) -> None:
        """Kill a service's first process as the kernel does when memory runs out; Docker was not asked to."""
        pid = self.inspect(service, "{{.State.Pid}}")
        code = f"import os; os.kill({pid}, 9)"
        docker("run", "--rm", "--pid=host", "--user=0", "--network=none", "--entrypoint=python", IMAGE, "-c", code)

    def wait_until_healthy(self, service: str) -> None:
        deadline = time.monotonic() + 60
        while self.inspect(service, "{{.State.Health.Status}}") != "healthy":
            assert time.monotonic() < deadline, self.compose("logs", service)
            time.sleep(0.2)

    def _run(self, *command: str) -> str:
        return run(*command, cwd=self.root, env=self._environment)


def docker(*arguments: str) -> str:
    return run("docker", *arguments)


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a command printed to stdout; what it said to stderr is shown where it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def running() -> Iterator[Stack]:
    """Provide a stack that is up, in a fresh copy of the code; in the end nothing of it is left."""
    with emulators.copy_of_the_code() as root:
        for name in COPIED:
            shutil.copy(emulators.ROOT / name, root / name)
        stack = Stack(root)
        try:
            stack.up()
            yield stack
        finally:
            stack.compose("down", "--volumes", "--timeout", "5")
            docker("image", "rm", "--force", IMAGE)
