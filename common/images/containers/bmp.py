"""BMP: a header, a palette, rows of pixels. Nothing in it needs leaving out."""

import struct

from common.errors import ImageTooComplex
from common.images.containers.parts import Parts

HEADER_SIZES = frozenset((12, 40, 52, 56, 64, 108, 124))
MAX_RLE_WORK = 20_000_000  # pixels and bytes; Pillow decodes RLE in Python, about 8 million a second

_OS2_HEADER_SIZE = 12
_RLE = frozenset((1, 2))


def read(source: bytes) -> Parts:
    """Return the parts of a BMP; raise struct.error or ImageTooComplex."""
    (header_size,) = struct.unpack_from("<I", source, 14)
    if header_size == _OS2_HEADER_SIZE:
        width, height = struct.unpack_from("<HH", source, 18)
        return Parts("BMP", width, height, source)
    width, height, _, _, compression = struct.unpack_from("<iiHHI", source, 18)
    height = abs(height)  # negative: stored from the top down
    work = width * height + len(source)
    if compression in _RLE and work > MAX_RLE_WORK:
        raise ImageTooComplex("The run-length coded BMP is too large.", limit=MAX_RLE_WORK, actual=work)
    return Parts("BMP", width, height, source)
