"""What every format's reader returns, and what several of them need for it."""

import struct
from dataclasses import dataclass

from common.errors import ImageCorrupt
from common.images.geometry import Box, Size

MAX_PROFILE_BYTES = 4 << 20  # the largest, of printing presses, take 3 MB
UPRIGHT = 1

TIFF_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}  # how EXIF's data starts, and struct's word for its byte order

_ORIENTATION_TAG, _SHORT = 0x0112, 3


Masks = tuple[int, int, int, int]  # the bits of a pixel that are its red, green, blue and alpha


@dataclass(frozen=True, slots=True)
class Raster:
    """Uncompressed rows of pixels in a file, each row filled up to four bytes, and what their bits mean."""

    start: int  # of the first row in the file
    bits: int  # a pixel: 1, 2, 4 or 8 with a palette, 16, 24 or 32 with masks
    top_down: bool
    palette: bytes = b""  # red, green and blue
    masks: Masks | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a file holds: its first frame, as a small file of the same format, and how to show it."""

    format: str
    width: int  # px, of the canvas as stored: before the orientation is applied
    height: int
    picture: bytes
    orientation: int = UPRIGHT  # EXIF's 1 to 8
    profile: bytes = b""  # ICC
    ended: bool = True  # False if the file lacks its end mark: its last rows may be missing too
    frame: Box | None = None  # where on its canvas the picture lies, None if it fills it
    raster: Raster | None = None  # how to read the picture, if no decoder is needed

    @property
    def picture_size(self) -> Size:
        """Width and height of the picture, px."""
        if self.frame is None:
            return self.width, self.height
        left, top, right, bottom = self.frame
        return right - left, bottom - top


def corrupt(image_format: str) -> ImageCorrupt:
    """Return the problem of a file that starts well and cannot be read."""
    return ImageCorrupt(f"The {image_format} image is damaged, cut short or of a kind that cannot be read.")


def read_orientation(exif: bytes) -> int:
    """Return EXIF's orientation; 1 where there is none, or the EXIF is damaged."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = TIFF_ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * entry)
            if (tag, kind) == (_ORIENTATION_TAG, _SHORT):
                return int(value) if value in range(1, 9) else UPRIGHT
    except struct.error:  # the directory is said to lie behind the end
        return UPRIGHT
    return UPRIGHT
