"""PNG (W3C PNG, third edition): a row of chunks. Of an APNG, the default image."""

import struct
import zlib
from collections.abc import Iterator
from itertools import takewhile

from common.errors import ImageTooComplex
from common.images.containers import png_colour
from common.images.containers.parts import Parts, corrupt, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000

# tRNS is kept whatever its checksum says: without it hidden colours would show.
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_END_OF_COLOURS = frozenset((b"PLTE", b"IDAT"))  # a colour chunk after one of these does not count

Chunk = tuple[bytes, int, int]  # kind, start, end


def read(source: bytes) -> Parts:
    """Return the parts of a PNG; raise ImageCorrupt or ImageTooComplex."""
    chunks = list(_chunks(source))
    if chunks[0][0] != b"IHDR":
        raise corrupt("PNG")
    width, height = struct.unpack_from(">II", source, 16)
    view = memoryview(source)
    kept = [view[start:end] for kind, start, end in chunks if kind in _PICTURE]
    orientation = read_orientation(_sound(source, chunks, b"eXIf"))
    return Parts("PNG", width, height, b"".join([SIGNATURE, *kept]), orientation, _profile(source, chunks))


def _chunks(source: bytes) -> Iterator[Chunk]:
    """Yield every chunk up to IEND."""
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        start = position
        length, kind = struct.unpack_from(">I4s", source, start)
        position += 12 + length
        if position > len(source):
            raise corrupt("PNG")
        yield kind, start, position
        if kind == b"IEND":
            return
    raise ImageTooComplex("The PNG has too many chunks.", limit=MAX_CHUNKS)


def _sound(source: bytes, chunks: list[Chunk], wanted: bytes) -> bytes:
    """Return the data of the first chunk of a kind, nothing if there is none or its checksum is wrong."""
    for kind, start, end in chunks:
        if kind == wanted:
            (checksum,) = struct.unpack_from(">I", source, end - 4)
            return source[start + 8 : end - 4] if zlib.crc32(source[start + 4 : end - 4]) == checksum else b""
    return b""


def _profile(source: bytes, chunks: list[Chunk]) -> bytes:
    head = list(takewhile(lambda chunk: chunk[0] not in _END_OF_COLOURS, chunks))
    return png_colour.profile_of({kind: _sound(source, head, kind) for kind in png_colour.KINDS})
