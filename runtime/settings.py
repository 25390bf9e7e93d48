"""The settings of the server under a function, read like those of common/settings.py but without pydantic.

Importing pydantic takes as long as the whole start of `health`, which needs nothing else of it.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """A variable: its default, what its value must match, and what that is in words."""

    name: str
    default: str
    pattern: str
    must_be: str
    description: str


_COUNT = ("[1-9][0-9]{0,3}", "a whole number from 1 to 9999")

SETTINGS = (
    Setting("HOST", "0.0.0.0", r"[^\s/]+", "an address", "The address on which a function's server listens."),  # noqa: S104  # in a container
    Setting("PORT", "8080", "[0-9]{1,5}", "a port", "Its port."),
    Setting("WORKERS", "1", *_COUNT, "How many processes answer."),
    Setting("THREADS", "16", *_COUNT, "How many requests each of these processes takes at once."),
    Setting("RELOAD", "0", "[01]", "0 or 1", "1: a function starts anew when its code changes."),
)


def read() -> dict[str, str]:
    """Return the value of each setting. Ends the start, naming every bad one, if there are any."""
    given = {setting: _given(setting.name) or setting.default for setting in SETTINGS}
    if bad := [setting for setting, value in given.items() if not re.fullmatch(setting.pattern, value)]:
        sys.exit("\n".join(f"{setting.name}: must be {setting.must_be}" for setting in bad))
    return {setting.name: value for setting, value in given.items()}


def _given(name: str) -> str | None:
    if value := os.environ.get(name):
        return value
    if Path(".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415  # a deployed function has no .env

        if value := dotenv_values(".env").get(name):
            return value
    secret = Path(os.environ.get("SECRETS_DIR", "/run/secrets"), name)
    return secret.read_text().strip() if secret.is_file() else None
