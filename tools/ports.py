"""The ports of `make run`: which they are, and taking them before anything is started on them."""

import errno
import socket

from tools.errors import StartError

_BACKLOG = 2048
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nobody listens there yet


def listen(host: str, port: int, setting: str) -> socket.socket:
    """Take a port; StartError names the setting that chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise StartError(
            f"port {port} of {host} {reason}: stop what has it, or choose another, say {setting}={port + 1000}"
        ) from error


def netloc(host: str, port: int) -> str:
    """Return host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """Return where one gets to what listens on this host."""
    return _EVERYWHERE.get(host, host)


def public_url(host: str, port: int) -> str:
    """Return the URL of what listens there."""
    return f"http://{netloc(reachable(host), port)}"
