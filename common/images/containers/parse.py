"""Taking an image file apart before a decoder sees it.

A decoder is handed the first frame's picture and nothing else. Metadata, later frames and what trails behind
the end are where hostile files hide their work, and Pillow reads much of it in Python, holding the GIL: here
it is walked once, in time linear in the file, and counted.
"""

import struct
from collections.abc import Callable

from common.errors import UnsupportedImage
from common.images.containers import bmp, gif, jpeg, png, webp
from common.images.containers.parts import Parts, corrupt


def parse_container(source: bytes) -> Parts:
    """Return the parts of a file; raise UnsupportedImage, ImageCorrupt or ImageTooComplex."""
    image_format = sniff(source)
    if image_format is None:
        raise UnsupportedImage("The file is none of JPEG, PNG, WebP, BMP and GIF.")
    try:
        parts = _READERS[image_format](source)
    except (IndexError, struct.error) as error:  # the file ends before what its headers promise
        raise corrupt(image_format) from error
    if parts.width < 1 or parts.height < 1:
        raise corrupt(image_format)
    return parts


def sniff(source: bytes) -> str | None:
    """Return the format that the first bytes show, or None."""
    if source.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if source.startswith(png.SIGNATURE):
        return "PNG"
    if source.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if source.startswith(b"RIFF") and source[8:12] == b"WEBP":
        return "WEBP"
    # Two letters are little to go by: a text may start with BM too.
    if source.startswith(b"BM") and int.from_bytes(source[14:18], "little") in bmp.HEADER_SIZES:
        return "BMP"
    return None


_READERS: dict[str, Callable[[bytes], Parts]] = {
    "JPEG": jpeg.read,
    "PNG": png.read,
    "WEBP": webp.read,
    "BMP": bmp.read,
    "GIF": gif.read,
}
