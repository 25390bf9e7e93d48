"""The ports of `make run`: which they are, and taking them before anything is started on them."""

import errno
import os
import socket

from dotenv import dotenv_values

from api.endpoints import ENDPOINTS
from common.settings import SettingsError
from tools.errors import StartError

_DEFAULT = "8081"
_LAST = 65535
_BACKLOG = 2048
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nobody listens there yet


def functions_port() -> int:
    """Return the first function's port, from the environment or `.env`; SettingsError where it is none."""
    value = os.environ.get("FUNCTIONS_PORT") or dotenv_values(".env").get("FUNCTIONS_PORT") or _DEFAULT
    last = _LAST - len(ENDPOINTS) + 1
    if not value.isdecimal() or not 1 <= int(value) <= last:
        raise SettingsError(f"FUNCTIONS_PORT: Input should be a number between 1 and {last}")
    return int(value)


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
