"""The schedule's calls of the API, through the proxy and with a token."""

import json
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from common.settings import AddressSettings, AuthSettings, CronSettings, load
from cron.job import JobError

_TIMEOUT_SECONDS = 10
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """The headers and the body of a 200."""

    headers: Message
    body: bytes


def get(path: str) -> Answer:
    """Return the answer to `GET path`. Raises JobError if it is not a 200. Redirects are not followed."""
    settings = load(CronSettings)
    base = urlsplit(settings.cron_base_url or f"http://127.0.0.1:{load(AddressSettings).app_port}")
    token = settings.cron_token or next(iter(load(AuthSettings).api_tokens), "")
    connection_class = HTTPSConnection if base.scheme == "https" else HTTPConnection
    with closing(connection_class(base.netloc, timeout=_TIMEOUT_SECONDS)) as connection:
        try:
            connection.request("GET", base.path + path, headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            body = response.read(_MAX_ANSWER_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise JobError(f"GET {path} at {base.netloc}: {error!r}") from error
    if response.status != HTTPStatus.OK:
        raise JobError(f"GET {path}: {response.status} {_code(body)}")
    if len(body) > _MAX_ANSWER_BYTES:
        raise JobError(f"GET {path}: the answer is larger than {_MAX_ANSWER_BYTES} bytes")
    return Answer(response.headers, body)


def _code(body: bytes) -> str:
    """Return the code of a problem document."""
    try:
        return str(json.loads(body)["code"])
    except (ValueError, TypeError, KeyError):
        return "without a problem document"
