"""Who may call: the bearer token of a request (RFC 6750)."""

import hmac

from common.errors import Unauthorized
from common.settings import get_settings

_CHALLENGE = 'Bearer realm="image-api"'
_BLANKS = " \t"  # RFC 9110 5.6.3: Python's own are more


def authenticate(authorization: str | None) -> None:
    """Return when the Authorization header holds a known token; raise Unauthorized otherwise."""
    scheme, _, token = (authorization or "").strip(_BLANKS).partition(" ")
    token = token.strip(_BLANKS)
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a token: Authorization: Bearer <token>.", headers=_challenge())
    if not _is_known(token):
        raise Unauthorized("The token is not known.", headers=_challenge('error="invalid_token"'))


def _is_known(token: str) -> bool:
    sent = token.encode("utf-8", "surrogateescape")
    # All are compared, each in constant time: how long it takes tells nothing of them.
    matches = [hmac.compare_digest(sent, known.encode()) for known in get_settings().api_tokens]
    return any(matches)


def _challenge(*parameters: str) -> dict[str, str]:
    return {"WWW-Authenticate": ", ".join((_CHALLENGE, *parameters))}
