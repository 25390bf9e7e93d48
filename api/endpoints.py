"""The API: one row for each endpoint. Everything that has to know an endpoint reads this table.

Standard library only, because every function and every tool imports it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

SCOPES = ("upload", "read", "list", "delete", "logs", "audit", "maintain", "tokens")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: what it answers, who may call it, and what it needs to run."""

    name: str  # of the file in functions/, of the function in it, and of its compose service
    route: str  # such as "GET /images/{id}"
    summary: str
    scope: str | None  # what a token needs; None: no token is needed
    threads: int = 16  # for each worker, on one core; many if a request waits for the database more than it computes
    memory_mib: int = 512  # of one instance on a functions host
    converts: bool = False  # decodes and encodes images, which keeps every core busy with the threads of one worker
    worker_per_core: bool = False  # computes in Python, which keeps one core busy with all threads of a worker

    @property
    def method(self) -> str:
        """The method of the route."""
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path of the route, with its parameters in braces."""
        return self.route.partition(" ")[2]

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the endpoint answers: HEAD wherever GET is (RFC 9110 9.3.2)."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        literals = re.split(r"\{\w+\}", self.path)
        names = re.findall(r"\{(\w+)\}", self.path)
        parameters = (f"(?P<{name}>[^/]+)" for name in names)
        return re.compile("".join(re.escape(text) + next(parameters, "") for text in literals))

    def parameters(self, path: str) -> dict[str, str] | None:
        """Return the path parameters of a request's path, None if the path is not the endpoint's."""
        match = self._pattern.fullmatch(path)
        return match.groupdict() if match else None


def most_specific(paths: Iterable[str]) -> list[str]:
    """Return the paths in the order in which a request's path is tried: those with the fewest parameters first."""
    return sorted(set(paths), key=lambda path: (path.count("{"), -len(path), path))


ENDPOINTS: Sequence[Endpoint] = (
    Endpoint(
        "upload_image", "POST /images", "Convert an image to JPEG and store it", scope="upload",
        threads=4, memory_mib=1536, converts=True,
    ),
    Endpoint("get_image", "GET /images/{id}", "The stored JPEG", scope="read", worker_per_core=True),
    Endpoint("get_logs", "GET /logs", "The last lines of the log, or those after a cursor", scope="logs"),
    Endpoint("health", "GET /health", "Whether the service answers", scope=None),
    Endpoint("index", "GET /", "The name, version and endpoints of the service", scope=None),
)  # fmt: skip


def named(name: str) -> Endpoint:
    """Return the endpoint of this name. Raises LookupError if there is none."""
    for endpoint in ENDPOINTS:
        if endpoint.name == name:
            return endpoint
    raise LookupError(f"api/endpoints.py has no row named {name}")
