"""The pixels of a PNG: whether all of them are there. This is asked of a file without IEND only."""

import struct
import zlib
from collections.abc import Iterator

from common.images.containers.png_chunks import read_chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PACKED_AT_ONCE, _INFLATED_AT_ONCE = 1 << 16, 1 << 20  # bytes


def is_complete(picture: bytes) -> bool:
    """Tell whether the stream of pixels is complete and holds every row, and nothing else."""
    missing = _bytes_of_pixels(picture)
    inflater = zlib.decompressobj()
    try:
        for piece in _packed_pixels(picture):
            missing -= _inflated_bytes(inflater, piece, missing + 1)
            if missing < 0 or inflater.eof:
                break
    except zlib.error:
        return False
    return inflater.eof and missing == 0


def _packed_pixels(picture: bytes) -> Iterator[bytes]:
    """Yield the stream of pixels in small pieces: for each megabyte that comes of a piece, zlib copies its rest."""
    for kind, start, end in read_chunks(picture):
        if kind == b"IDAT":
            for at in range(start + 8, end - 4, _PACKED_AT_ONCE):
                yield picture[at : min(at + _PACKED_AT_ONCE, end - 4)]


def _bytes_of_pixels(picture: bytes) -> int:
    """Return how many bytes the rows of a PNG take, with their filters and in all passes."""
    width, height, bits, colour_type, _, _, passes = struct.unpack_from(">IIBBBBB", picture, 16)
    total = 0
    for left, top, across, down in _ADAM7 if passes else ((0, 0, 1, 1),):
        columns, rows = -((left - width) // across), -((top - height) // down)  # rounded up
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * _CHANNELS.get(colour_type, 0) * bits // 8))
    return total


def _inflated_bytes(inflater: "zlib._Decompress", packed: bytes, most: int) -> int:
    """Return how many bytes the packed ones inflate to, at most so many, without holding them."""
    total = 0
    while total < most:
        wanted = min(most - total, _INFLATED_AT_ONCE)
        got = len(inflater.decompress(packed, wanted))
        total, packed = total + got, inflater.unconsumed_tail
        if got < wanted and not packed:
            break
    return total
