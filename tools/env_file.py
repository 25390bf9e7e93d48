"""The first run's `.env`: the example, with a token nobody else has."""

import os
import re
import secrets
from pathlib import Path


def create(example: Path, target: Path) -> bool:
    """Make `target` of `example` with a fresh token, readable by its owner only; return False where it exists."""
    if target.exists():
        return False
    token = secrets.token_urlsafe(32)
    text = re.sub(r"(?m)^API_TOKENS=.*$", f"API_TOKENS={token}", example.read_text())
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    unfinished.touch(0o600, exist_ok=False)
    unfinished.write_text(text)
    unfinished.rename(target)
    return True
