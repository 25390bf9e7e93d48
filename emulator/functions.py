"""How `make run` starts a function: the server's command, and the environment that tells which function it runs."""

import sys

from api.endpoints import Endpoint
from common.cores import usable_cores


def command(descriptor: int) -> list[str]:
    """Return what starts a function on a listening socket that it inherits."""
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:runtime.gunicorn"]
    return [*gunicorn, "--bind", f"fd://{descriptor}", "functions_framework:create_app()"]


def environment(endpoint: Endpoint) -> dict[str, str]:
    """Return what tells the server which function it runs, with which workers and threads on this machine."""
    cores = usable_cores()
    return {
        "FUNCTION_TARGET": endpoint.name,
        "FUNCTION_SOURCE": f"functions/{endpoint.name}.py",
        "WORKERS": str(cores if endpoint.worker_per_core else 1),
        "THREADS": str(endpoint.threads * (cores if endpoint.converts else 1)),
    }
