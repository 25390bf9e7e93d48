"""gunicorn's settings for every function: `gunicorn -c python:runtime.gunicorn "functions_framework:create_app()"`.

The plain functions-framework command works too; it fixes a keep-alive of 2 s, shorter than a proxy's.
"""

import gc
import json
import os
import signal
import sys
import uuid
from typing import TYPE_CHECKING

from gunicorn import util
from gunicorn.http import parser

from common.errors import Problem
from common.observe.log import lines
from runtime import settings

if TYPE_CHECKING:
    from socket import socket
    from types import ModuleType


_settings = settings.read()

bind = f"{_settings['HOST']}:{_settings['PORT']}"
workers = int(_settings["WORKERS"])
threads = int(_settings["THREADS"])
worker_class = "gthread"

reload = _settings["RELOAD"] == "1"
preload_app = not reload  # a bad setting ends the start in one line, and workers share what the master imported

keepalive = 75  # longer than any proxy's, so that it is never us who closes under a request
timeout = 60
graceful_timeout = 30  # what SIGTERM gives a running request

# Larger than the limits of the proxy, which refuses first. gunicorn scans unfinished headers again at each read: they
# also bound the CPU time that a client without a token can take at a function's own port.
limit_request_line = 0
limit_request_fields = 200
limit_request_field_size = 16384

# Whoever calls, even from this machine, has no say in the path, the scheme or the address of a request.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

gc.disable()  # looking for garbage among what is being imported, where there is none, is a sixth of the start
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it looks for some in every installed package


def when_ready(_arbiter: object) -> None:
    """Collect again, now that all is imported; what is there by now stays, and stays shared with the workers."""
    gc.freeze()
    gc.enable()


# A worker that is told to stop between its fork and its own signal handlers would hear it with its master's, and go on.
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
os.register_at_fork(
    before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS),
    after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS),
)


def post_worker_init(_worker: object) -> None:
    """Hear of what came meanwhile: the worker has its own signal handlers by now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


control_socket_disable = True  # one path under the home folder, fought over by all functions
loglevel = "error"  # its warnings quote requests, tokens in them too


def _replace(module: "ModuleType", name: str, value: object) -> None:
    """Replace a name of gunicorn for which there is no setting. Ends the start if the name has gone or changed."""
    old = getattr(module, name, None)
    same = type(old) is type(value) and (not callable(old) or _arity(old) == _arity(value))
    if not same:
        sys.exit(f"{module.__name__}.{name} is not what runtime/gunicorn.py replaces: use the pinned gunicorn.")
    setattr(module, name, value)


def _arity(function: object) -> int:
    return function.__code__.co_argcount  # type: ignore[attr-defined, no-any-return]  # inspect takes 10 ms to import


def _refuse(connection: "socket", status: int, _reason: str, _message: str) -> None:
    """Answer with a problem document what never reached the function; gunicorn's own is HTML that quotes the caller."""
    request_id = uuid.uuid4().hex
    problem = Problem.of_status(status)
    document = json.dumps(problem.document(request_id)) + "\n"
    head = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(document)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
    }
    fields = [f"{name}: {value}" for name, value in head.items()]
    answer = "\r\n".join([f"HTTP/1.1 {status} {problem.title}", *fields, "", document])
    util.write_nonblock(connection, answer.encode())
    lines.request_scope("-", os.environ.get("FUNCTION_TARGET", "-"))
    lines.logger().info("request refused: status=%d request_id=%s", status, request_id)


_replace(util, "write_error", _refuse)

# The worker reads and drops the rest of a refused body, for 5 s at most, so that the caller sees the answer and the
# connection stays open. gunicorn's own limit is 64 KiB: a proxy that is still sending then answers 502, not our 401.
_replace(parser, "_DRAIN_MAX_BYTES", 1024**3)
