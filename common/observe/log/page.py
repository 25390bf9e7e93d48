"""A page of the log, and the cursor behind it: where whoever has read so far goes on."""

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

_TOKEN = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{16})")


@dataclass(frozen=True)
class Cursor:
    """A position, and a fingerprint of what stands before it: what was rotated out or replaced has another."""

    PATTERN: ClassVar = "^(oldest|[0-9a-f]{1,15}-[0-9a-f]{16})$"  # of its text

    position: int
    fingerprint: str

    @classmethod
    def of(cls, position: int, content: bytes) -> Self:
        """Return the cursor at a position, given bytes before it that tell it from any other."""
        return cls(position, hashlib.blake2b(content, digest_size=8).hexdigest())

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """Return the cursor that was written as `token`; raise ValueError."""
        if token == str(OLDEST):
            return OLDEST
        if not (match := _TOKEN.fullmatch(token)):
            raise ValueError("is no cursor")
        return cls(int(match[1], 16), match[2])

    def __str__(self) -> str:
        """Return it as callers see it: short, and safe in a URL."""
        return f"{self.position:x}-{self.fingerprint}" if self.fingerprint else "oldest"


OLDEST = Cursor(0, "")  # before the oldest line kept


@dataclass(frozen=True)
class Page:
    """Whole lines, oldest first, and the cursor behind them; `gap` where lines before them may be gone."""

    lines: bytes
    next: Cursor
    gap: bool = False
