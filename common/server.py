"""gunicorn's settings for every function: `gunicorn -c python:common.server "functions_framework:create_app()"`.

The plain functions-framework command works too; it fixes a keep-alive of 2 s, shorter than a proxy's.
"""

import os

from gunicorn.http import parser

bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8080')}"  # noqa: S104  # containers listen everywhere
workers = int(os.environ.get("WORKERS", "1"))
threads = int(os.environ.get("THREADS", "16"))
worker_class = "gthread"

reload = os.environ.get("RELOAD") == "1"
preload_app = not reload  # a bad setting ends the start in one line, and workers share what the master imported

keepalive = 75  # longer than any proxy's, so that it is never us who closes under a request
timeout = 60
graceful_timeout = 30  # what SIGTERM gives a running request

# The proxy's limits are the narrower ones, because gunicorn refuses in HTML.
limit_request_line = 0
limit_request_fields = 1000
limit_request_field_size = 65536

control_socket_disable = True  # one path under the home folder, fought over by all functions
loglevel = os.environ.get("GUNICORN_LOG_LEVEL", "warning")

# A refused body is read past, for 5 s at the most, so that the caller sees the answer and the connection lives on.
# gunicorn gives up sooner, after this many bytes, and a proxy that is still sending then makes a 502 of our 401.
parser._DRAIN_MAX_BYTES = 1024**3  # noqa: SLF001  # there is no setting for it; a test notices when the name goes
