"""GIF (GIF89a): a screen, then blocks of sub-blocks. Of an animation, the first frame."""

import struct
from collections.abc import Iterator

from common.errors import ImageTooComplex
from common.images.containers.parts import Parts, corrupt

MAX_BLOCKS = 500_000  # 255 bytes each: over 100 MB for one frame

_EXTENSION, _FRAME, _END = b"!,;"
_CONTROL = b"!\xf9"


def read(source: bytes) -> Parts:
    """Return the parts of a GIF; raise IndexError, struct.error, ImageCorrupt or ImageTooComplex."""
    budget = iter(range(MAX_BLOCKS))
    screen_width, screen_height, flags = struct.unpack_from("<HHB", source, 6)
    position = head_end = 13 + _palette_bytes(flags)
    control = b""
    while source[position] != _FRAME:
        start, position = position, _block_end(source, position, budget)
        if source.startswith(_CONTROL, start):
            control = source[start:position]
    left, top, width, height, flags = struct.unpack_from("<HHHHB", source, position + 1)
    data = position + 11 + _palette_bytes(flags)
    try:
        frame = source[position : _data_end(source, data, budget)]
    except IndexError:  # the file breaks off: the decoder refuses the frame if a pixel is missing
        frame = source[position:data] + _with_end(source, data)
    picture = source[:head_end] + control + frame + b";"
    # A frame may reach over the screen's edge: decoders enlarge the screen.
    return Parts("GIF", max(screen_width, left + width), max(screen_height, top + height), picture)


def _palette_bytes(flags: int) -> int:
    return 3 << 1 + (flags & 7) if flags & 0x80 else 0


def _block_end(source: bytes, position: int, budget: Iterator[int]) -> int:
    """Return where a block before the first frame ends: an extension, or one stray byte."""
    if source[position] == _EXTENSION:
        return _data_end(source, position + 2, budget)
    if source[position] == _END:
        raise corrupt("GIF")
    if next(budget, None) is None:
        raise _too_many_blocks()
    return position + 1


def _data_end(source: bytes, position: int, budget: Iterator[int]) -> int:
    """Return where a row of sub-blocks ends."""
    for _ in budget:
        length = source[position]
        position += 1 + length
        if not length:
            return position
    raise _too_many_blocks()


def _with_end(source: bytes, start: int) -> bytes:
    """Return the row of sub-blocks that breaks off with the source: the last one cut to what is there, then an end."""
    position = start
    while (following := position + 1 + source[position]) < len(source):
        position = following
    rest = source[position + 1 :]
    return source[start:position] + bytes([len(rest)]) + rest + b"\0"


def _too_many_blocks() -> ImageTooComplex:
    return ImageTooComplex("The GIF has too many blocks.", limit=MAX_BLOCKS)
