"""The one list of functions: what each answers, and how it is started."""

import os
import sys
from dataclasses import dataclass

# A worker opens up to 8 connections: with a worker on each of 12 cores they would be more than PostgreSQL takes.
_MOST_CORES = 8


@dataclass(frozen=True)
class Function:
    """One deployable unit: its endpoint, and how many requests it takes at once."""

    name: str
    method: str
    path: str
    workers: int = 1
    threads: int = 16  # of a worker, for a core; many, where a request waits for the database more than it computes
    cores: int = 1  # that a worker's threads keep busy: one for Python, more for conversions, which do without the GIL

    def command(self, descriptor: int) -> list[str]:
        """Return what starts the function on a listening socket it inherits."""
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:common.server"]
        return [*gunicorn, "--bind", f"fd://{descriptor}", "functions_framework:create_app()"]

    def environment(self) -> dict[str, str]:
        """Return what tells the server which function it runs."""
        return {
            "FUNCTION_TARGET": self.name,
            "FUNCTION_SOURCE": f"functions/{self.name}.py",
            "WORKERS": str(self.workers),
            "THREADS": str(self.threads * self.cores),
        }


def cores() -> int:
    """Return how many cores the functions are to use: those that this process may, within reason."""
    return min(_usable_cores(), _MOST_CORES)


def _usable_cores() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


FUNCTIONS = (
    Function("upload_image", "POST", "/images", threads=4, cores=cores()),
    Function("get_image", "GET", "/images/{id}", workers=cores()),
    Function("get_logs", "GET", "/logs"),
    Function("health", "GET", "/health"),
    Function("index", "GET", "/"),
)
