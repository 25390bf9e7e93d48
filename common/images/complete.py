"""Pictures that lack their end mark: whether anything else is missing."""

import zlib

from PIL import Image, ImageFile

from common.images.containers import jpeg_segments, png_pixels
from common.images.containers.parts import Parts

_BAND_ROWS = 256


def is_complete(image: ImageFile.ImageFile, parts: Parts) -> bool:
    """Tell whether a JPEG or a PNG that was given an end mark is all there. Raises ValueError if it cannot be read."""
    if parts.format == "PNG":
        return png_pixels.is_complete(parts.picture)
    one, other = (_checksum(_decoded(image, picture)) for picture in jpeg_segments.two_endings(parts.picture))
    return one == other


def _decoded(image: ImageFile.ImageFile, picture: bytes) -> Image.Image:
    return Image.frombytes(image.mode, image.size, picture, "jpeg", image.mode, "", 1, 0)


def _checksum(image: Image.Image) -> int:
    """Return the checksum of the pixels. Two large images are thus compared without being held at the same time."""
    checksum = 0
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        checksum = zlib.crc32(band.tobytes(), checksum)
    return checksum
