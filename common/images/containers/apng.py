"""APNG (W3C PNG, third edition): the first frame of an animation, if the default image is not that frame.

Such a default image is for viewers that know no animation: "Your browser cannot show APNG."
"""

import struct

from common.images.containers.png_chunks import Chunk, make_chunk
from common.images.geometry import Box

_ANIMATION_BYTES, _CONTROL_BYTES = 8, 26
_PIXELS_OFFSET = 12  # in fdAT: after length, kind and number


def frame_outside_default_image(
    source: bytes, chunks: list[Chunk], animation: bytes, control: bytes
) -> tuple[Box | None, dict[bytes, bytes]]:
    """Return the frame's place on its canvas, None if it fills it, and the chunks that make a PNG of it, by kind.

    `animation` and `control` are what the first acTL and the first fcTL hold, if they are sound. There are no chunks if
    the default image is to be shown: it is the first frame, or there is no animation.
    """
    kinds = [kind for kind, _, _ in chunks]
    before = kinds[: kinds.index(b"IDAT")] if b"IDAT" in kinds else []
    if b"acTL" not in before or b"fcTL" in before or not _are_sound(animation, control):
        return None, {}
    width, height, left, top = struct.unpack_from(">IIII", control, 4)
    canvas = struct.unpack_from(">II", source, 16)
    pixels = _pixels(source, chunks[kinds.index(b"fcTL") :])
    if not pixels or not width or not height or left + width > canvas[0] or top + height > canvas[1]:
        return None, {}
    header = make_chunk(b"IHDR", control[4:12] + source[24:29])
    replaced = {b"IHDR": header, b"IDAT": b"", b"IEND": make_chunk(b"IDAT", pixels) + make_chunk(b"IEND", b"")}
    return None if (width, height) == canvas else (left, top, left + width, top + height), replaced


def _are_sound(animation: bytes, control: bytes) -> bool:
    frames, number = animation[:4], control[:4]
    are_whole = len(animation) == _ANIMATION_BYTES and len(control) == _CONTROL_BYTES
    return are_whole and frames != bytes(4) and number == bytes(4)  # another number: the first fcTL is damaged


def _pixels(source: bytes, chunks: list[Chunk]) -> bytes:
    """Return the stream of pixels of the frame whose fcTL is the first chunk."""
    pieces, view = [], memoryview(source)
    for kind, start, end in chunks[1:]:
        if kind == b"fcTL":
            break
        if kind == b"fdAT":
            pieces.append(view[start + _PIXELS_OFFSET : end - 4])
    return b"".join(pieces)
