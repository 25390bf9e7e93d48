"""How long a request waited before its handler began."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request


def waited_seconds(request: "Request") -> float:
    """Return the seconds since the proxy forwarded the request (X-Request-Start), 0 if unknown.

    They include the time in the server's queue.
    """
    try:
        return max(0.0, time.time() - float(request.headers.get("X-Request-Start", "")))
    except ValueError:
        return 0.0
