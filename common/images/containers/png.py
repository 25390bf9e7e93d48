"""PNG (W3C PNG, third edition): a row of chunks. Of an APNG, the first frame."""

import struct
import zlib
from itertools import takewhile

from common.images.containers import png_colour
from common.images.containers.apng import frame_outside_default_image
from common.images.containers.parts import Parts, corrupt, read_orientation
from common.images.containers.png_chunks import SIGNATURE, Chunk, read_chunks, with_end

# tRNS is kept whatever its checksum says: without it hidden colours would show.
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_END_OF_COLOURS = frozenset((b"PLTE", b"IDAT"))  # a colour chunk after one of these does not count


def read(source: bytes) -> Parts:
    """Return the parts of a PNG; raise ImageCorrupt or ImageTooComplex."""
    chunks = list(read_chunks(source))
    ended = chunks[-1][0] == b"IEND" and chunks[-1][2] <= len(source)
    if not ended:
        source = with_end(source, *chunks[-1])
        chunks = list(read_chunks(source))
    if chunks[0][0] != b"IHDR":
        raise corrupt("PNG")
    width, height = struct.unpack_from(">II", source, 16)
    view = memoryview(source)
    animation, control = (_sound(source, chunks, kind) for kind in (b"acTL", b"fcTL"))
    frame, replaced = frame_outside_default_image(source, chunks, animation, control)
    kept = [replaced.get(kind, view[start:end]) for kind, start, end in chunks if kind in _PICTURE]
    orientation = read_orientation(_sound(source, chunks, b"eXIf"))
    profile = _profile(source, chunks)
    return Parts("PNG", width, height, b"".join([SIGNATURE, *kept]), orientation, profile, ended, frame)


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
