"""`.env`: the first run makes it of the example, with a token nobody else has, and every start checks its lines."""

import os
import re
import secrets
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from common.settings import GROUPS, SettingsError

_NAMES = {name.upper() for group in GROUPS for name in group.model_fields}
_ALIKE = 0.9  # one wrong letter in a name of six or more


def create(example: Path, target: Path) -> bool:
    """Make `target` of `example` with a fresh token, readable by its owner only. Returns False if it exists already."""
    if target.exists():
        return False
    token = secrets.token_urlsafe(32)
    text = re.sub(r"(?m)^API_TOKENS=.*$", f"API_TOKENS={token}", example.read_text())
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.touch(0o600, exist_ok=False)
    unfinished.write_text(text)
    unfinished.rename(target)
    return True


def check(path: Path) -> None:
    """Raise SettingsError, which names each line that is not NAME=value or misspells a setting, by its number.

    pydantic-settings ignores such a line, and the setting has its default: an unreadable API_TOKENS means no token.
    """
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8") as file:
            bad = [fault for binding in parse_stream(file) for fault in _faults(binding)]
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    if bad:
        raise SettingsError("\n".join(f"{path}, {fault}" for fault in bad))


def _faults(binding: Binding) -> Iterator[str]:
    """Yield what is wrong with a line. The text of the line may be a secret, so it is not in the message."""
    text = binding.original.string
    line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
    if binding.error or (binding.key and binding.value is None):
        yield f"line {line}: it cannot be read. Write NAME=value, and close each quotation mark"
    elif binding.key and binding.key.upper() not in _NAMES:
        for alike in get_close_matches(binding.key.upper(), _NAMES, 1, _ALIKE):
            yield f"line {line}: there is no setting {binding.key}. Write {alike}"
