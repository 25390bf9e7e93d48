"""A page of the log and its cursor, from which a reader requests the next page."""

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

_TOKEN = re.compile(r"([0-9a-f]{1,15})-([0-9a-f]{16})")


@dataclass(frozen=True)
class Cursor:
    """A position, and a fingerprint of the content before it, which differs if that content was replaced."""

    PATTERN: ClassVar = "^(oldest|[0-9a-f]{1,15}-[0-9a-f]{16})$"  # of str(cursor)

    position: int
    fingerprint: str

    @classmethod
    def of(cls, position: int, content: bytes) -> Self:
        """Return the cursor at a position. `content` is bytes before it that no other position has before it."""
        return cls(position, hashlib.blake2b(content, digest_size=8).hexdigest())

    @classmethod
    def parse(cls, token: str) -> "Cursor":
        """Return the cursor whose text is `token`. Raises ValueError if `token` is not a cursor."""
        if token == str(OLDEST):
            return OLDEST
        if not (match := _TOKEN.fullmatch(token)):
            raise ValueError("is not a cursor")
        return cls(int(match[1], 16), match[2])

    def __str__(self) -> str:
        """Return the cursor's text for callers. It is short and safe in a URL."""
        return f"{self.position:x}-{self.fingerprint}" if self.fingerprint else "oldest"


OLDEST = Cursor(0, "")  # the position before the oldest line kept


@dataclass(frozen=True)
class Page:
    """Whole lines, oldest first, and the cursor after them. `gap` is true if lines before them may have been lost."""

    lines: bytes
    next: Cursor
    gap: bool = False
