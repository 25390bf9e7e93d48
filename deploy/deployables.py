"""What a host runs: each function alone, or the functions together that the host's routes cannot tell apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from api.endpoints import ENDPOINTS, Endpoint


class Routing(Enum):
    """By what a host chooses a service for a request."""

    ROUTE = "method and whole path"
    METHOD_AND_PREFIX = "method, and the path up to its first parameter"
    PREFIX = "the path up to its first parameter"


@dataclass(frozen=True)
class Deployable:
    """One service of a host."""

    endpoints: tuple[Endpoint, ...]
    routing: Routing

    @property
    def name(self) -> str:
        """The name of its only function, else of what its functions share, such as "get_images_item"."""
        if len(self.endpoints) == 1:
            return self.endpoints[0].name
        words = [*self.fixed_path.strip("/").split("/"), *(["item"] if self.is_prefix else [])]
        method = [self.endpoints[0].method.lower()] if self.routing is Routing.METHOD_AND_PREFIX else []
        return "_".join([*method, *filter(None, words)])

    @property
    def environment(self) -> dict[str, str]:
        """What tells the image which functions it runs."""
        if len(self.endpoints) == 1:
            name = self.endpoints[0].name
            return {"FUNCTION_TARGET": name, "FUNCTION_SOURCE": f"functions/{name}.py", "FUNCTIONS": name}
        names = ":".join(endpoint.name for endpoint in self.endpoints)
        return {"FUNCTION_TARGET": "by_route", "FUNCTION_SOURCE": "runtime/by_route.py", "FUNCTIONS": names}

    @property
    def threads(self) -> int:
        """The sum of its functions' threads, for one worker on one core."""
        return sum(endpoint.threads for endpoint in self.endpoints)

    @property
    def memory_mib(self) -> int:
        """The largest memory that one of its functions needs."""
        return max(endpoint.memory_mib for endpoint in self.endpoints)

    @property
    def path(self) -> str:
        """The path of its first function."""
        return self.endpoints[0].path

    @property
    def fixed_path(self) -> str:
        """The path up to its first parameter."""
        return self.path.partition("{")[0]

    @property
    def address(self) -> object:
        """What the host's routes see of its path. Several services may have the same, with other methods."""
        return self.path if self.routing is Routing.ROUTE else (self.fixed_path, self.is_prefix)

    @property
    def is_prefix(self) -> bool:
        """Whether it answers all paths that begin with its fixed path: one without a parameter answers only itself."""
        return "{" in self.path

    @property
    def methods(self) -> list[str]:
        """Every method of its functions."""
        return list(dict.fromkeys(method for endpoint in self.endpoints for method in endpoint.methods))


def deployables(routing: Routing) -> list[Deployable]:
    """Return what a host with this routing runs. The first of several with the same path also answers other methods."""
    groups: dict[object, list[Endpoint]] = {}
    for endpoint in ENDPOINTS:
        groups.setdefault(_key(endpoint, routing), []).append(endpoint)
    return [Deployable(tuple(group), routing) for group in groups.values()]


def _key(endpoint: Endpoint, routing: Routing) -> object:
    """Return what a host sees of an endpoint."""
    if routing is Routing.ROUTE:
        return endpoint.name
    fixed_path, parameter, _ = endpoint.path.partition("{")
    seen = (fixed_path, bool(parameter))
    return seen if routing is Routing.PREFIX else (endpoint.method, *seen)


def most_specific_first(services: list[Deployable]) -> Iterator[Deployable]:
    """Yield the services in the order in which a host that takes the first match must try their paths."""
    yield from sorted(services, key=lambda service: len(service.fixed_path), reverse=True)
