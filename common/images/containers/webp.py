"""WebP (RFC 9649): chunks in a RIFF file. Of an animation, the first frame."""

import struct
from collections.abc import Iterator

from common.errors import ImageTooComplex
from common.images.containers.parts import MAX_PROFILE_BYTES, Parts, corrupt, read_orientation

MAX_CHUNKS = 100_000
_ALPHA_FLAG = 0x10
_FRAME_HEADER_END = 20  # in ANMF: place and size

_PICTURE = frozenset((b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF"))


def read(source: bytes) -> Parts:
    """Return the parts of a WebP; raise ImageCorrupt or ImageTooComplex."""
    first: dict[bytes, bytes] = {}
    for kind, start, end in _chunks(source):
        if kind not in first:
            first[kind] = source[start:end]
    width, height = _canvas(source)
    if b"VP8X" in first and _frame(first.get(b"ANMF", b"")) not in (None, (width, height)):
        first[b"VP8X"] = _with_alpha(first[b"VP8X"])
    kept = [chunk + bytes(len(chunk) & 1) for kind, chunk in first.items() if kind in _PICTURE]
    body = b"".join([b"WEBP", *kept])
    picture = b"RIFF" + struct.pack("<I", len(body)) + body
    orientation = read_orientation(first.get(b"EXIF", b"")[8:])
    profile = first.get(b"ICCP", b"")[8:]
    if len(profile) > MAX_PROFILE_BYTES:
        profile = b""
    return Parts("WEBP", width, height, picture, orientation, profile)


def _chunks(source: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of every chunk; a broken one, perhaps a later frame's, is the last."""
    (size,) = struct.unpack_from("<I", source, 4)
    if 8 + size > len(source):
        raise corrupt("WEBP")
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > 8 + size:
            return
        kind, length = struct.unpack_from("<4sI", source, position)
        end = position + 8 + length
        if end > 8 + size:
            return
        yield kind, position, end
        position = end + (length & 1)
    raise ImageTooComplex("The WebP has too many chunks.", limit=MAX_CHUNKS)


def _canvas(source: bytes) -> tuple[int, int]:
    """Return the size that the decoder allocates before it looks at any frame."""
    first = source[12:16]
    if first == b"VP8X":
        wide, high = struct.unpack_from("<3s3s", source, 24)
        return 1 + int.from_bytes(wide, "little"), 1 + int.from_bytes(high, "little")
    if first == b"VP8 ":
        width, height = struct.unpack_from("<HH", source, 26)
        return width & 0x3FFF, height & 0x3FFF
    if first == b"VP8L":
        (bits,) = struct.unpack_from("<I", source, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise corrupt("WEBP")


def _frame(chunk: bytes) -> tuple[int, int] | None:
    """Return the size of an animation's frame, None if there is no frame."""
    if len(chunk) < _FRAME_HEADER_END:
        return None
    return 1 + int.from_bytes(chunk[14:17], "little"), 1 + int.from_bytes(chunk[17:20], "little")


def _with_alpha(chunk: bytes) -> bytes:
    """Return VP8X with its flag of transparency: without it what the first frame leaves open would be black."""
    return chunk[:8] + bytes([chunk[8] | _ALPHA_FLAG]) + chunk[9:]
