"""PNG (W3C PNG, third edition): a row of chunks. Of an APNG, the default image."""

import struct
import zlib
from collections.abc import Iterator

from common.errors import ImageTooComplex
from common.images.containers.parts import MAX_PROFILE_BYTES, Parts, corrupt, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000

# tRNS is kept whatever its checksum says: without it hidden colours would show.
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))

Chunk = tuple[bytes, int, int]  # kind, start, end; the last one may end after the source


def read(source: bytes) -> Parts:
    """Return the parts of a PNG; raise ImageCorrupt or ImageTooComplex."""
    chunks = list(read_chunks(source))
    ended = chunks[-1][0] == b"IEND" and chunks[-1][2] <= len(source)
    if not ended:
        source = _with_end(source, *chunks[-1])
        chunks = list(read_chunks(source))
    if chunks[0][0] != b"IHDR":
        raise corrupt("PNG")
    width, height = struct.unpack_from(">II", source, 16)
    view = memoryview(source)
    kept = [view[start:end] for kind, start, end in chunks if kind in _PICTURE]
    orientation = read_orientation(_sound(source, chunks, b"eXIf"))
    profile = _inflate(_sound(source, chunks, b"iCCP"))
    return Parts("PNG", width, height, b"".join([SIGNATURE, *kept]), orientation, profile, ended)


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


def _with_end(source: bytes, kind: bytes, start: int, end: int) -> bytes:
    """Return a PNG that breaks off in or after its last chunk with IEND, and with the pixels that are there."""
    whole, rest = source[:start], source[start:end]
    if end > len(source):
        rest = _chunk(kind, source[start + 8 : end - 4]) if kind == b"IDAT" else b""
    return whole + rest + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def _sound(source: bytes, chunks: list[Chunk], wanted: bytes) -> bytes:
    """Return the data of the first chunk of a kind, nothing if there is none or its checksum is wrong."""
    for kind, start, end in chunks:
        if kind == wanted:
            (checksum,) = struct.unpack_from(">I", source, end - 4)
            return source[start + 8 : end - 4] if zlib.crc32(source[start + 4 : end - 4]) == checksum else b""
    return b""


def _inflate(chunk: bytes) -> bytes:
    """Return the profile in an iCCP chunk, nothing if it is damaged or huge."""
    _, _, packed = chunk.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if inflater.eof else b""
