"""Who calls: the bearer token of a request (RFC 6750), and what it allows."""

import hashlib
import hmac
from dataclasses import dataclass

from api.endpoints import SCOPES
from common.errors import InsufficientScope, Unauthorized
from common.settings import AuthSettings, load

_CHALLENGE = 'Bearer realm="image-api"'
_BLANKS = " \t"  # RFC 9110 5.6.3: str.strip() removes more
_EVERY_SCOPE = frozenset(SCOPES)
_OPERATOR_SCOPES = frozenset(("logs", "audit", "maintain"))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. An owner confines the caller to the images of that owner."""

    actor: str  # names the token in logs and never contains it, such as "env:3f9a0c12"
    owner: str | None
    scopes: frozenset[str]


def authenticate(authorization: str | None) -> Caller:
    """Return the caller that an Authorization header names. Raises Unauthorized if the token is missing or unknown."""
    scheme, _, token = (authorization or "").strip(_BLANKS).partition(" ")
    token = token.strip(_BLANKS)
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a token: Authorization: Bearer <token>.", headers=_challenge())
    settings = load(AuthSettings)
    if _is_one_of(token, settings.api_tokens):
        return Caller(_actor("env", token), None, _EVERY_SCOPE)
    if settings.cron_token and _is_one_of(token, (settings.cron_token,)):
        return Caller(_actor("cron", token), None, _OPERATOR_SCOPES)
    raise Unauthorized("The token is not known.", headers=_challenge('error="invalid_token"'))


def check_scope(caller: Caller, scope: str) -> None:
    """Check the scope. Raises InsufficientScope if the caller's token does not have it (RFC 6750 3.1)."""
    if scope not in caller.scopes:
        challenge = _challenge('error="insufficient_scope"', f'scope="{scope}"')
        raise InsufficientScope(f"The token does not have the scope {scope}.", headers=challenge)


def _is_one_of(token: str, known: tuple[str, ...]) -> bool:
    sent = token.encode("utf-8", "surrogateescape")
    # Compare with every token, in constant time: the time an answer takes must not tell anything about them.
    matches = [hmac.compare_digest(sent, each.encode()) for each in known]
    return any(matches)


def _actor(kind: str, token: str) -> str:
    return f"{kind}:{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def _challenge(*parameters: str) -> dict[str, str]:
    return {"WWW-Authenticate": ", ".join((_CHALLENGE, *parameters))}
