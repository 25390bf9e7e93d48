"""The chunks of a PNG, the last of which may be missing."""

import struct
import zlib
from collections.abc import Iterator

from common.errors import ImageTooComplex

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000

_PIXELS = frozenset((b"IDAT", b"fdAT"))

Chunk = tuple[bytes, int, int]  # kind, start, end; the last one may end after the source


def read_chunks(source: bytes) -> Iterator[Chunk]:
    """Yield every chunk up to IEND, or to the end of the source."""
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(source):
            return
        start = position
        length, kind = struct.unpack_from(">I4s", source, start)
        position += 12 + length
        yield kind, start, position
        if kind == b"IEND":
            return
    raise ImageTooComplex("The PNG has too many chunks.", limit=MAX_CHUNKS)


def with_end(source: bytes, kind: bytes, start: int, end: int) -> bytes:
    """Return a PNG that breaks off in or after its last chunk with IEND, and with the pixels that are there."""
    whole, rest = source[:start], source[start:end]
    if end > len(source):
        rest = make_chunk(kind, source[start + 8 : end - 4]) if kind in _PIXELS else b""
    return whole + rest + make_chunk(b"IEND", b"")


def make_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length and its checksum."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))
