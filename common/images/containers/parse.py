"""Taking an image file apart before a decoder sees it.

A decoder is handed the first frame's picture and nothing else. Metadata, later frames and what trails behind
the end are where hostile files hide their work, and Pillow reads much of it in Python, holding the GIL: here
it is walked once, in time linear in the file, and counted.
"""

import re
import struct
from collections.abc import Callable

from common.errors import UnsupportedImage
from common.images.containers import bmp, gif, jpeg, png, webp
from common.images.containers.parts import Parts, corrupt
from common.images.containers.png_chunks import SIGNATURE


def parse_container(source: bytes) -> Parts:
    """Return the parts of a file; raise UnsupportedImage, ImageCorrupt or ImageTooComplex."""
    image_format = sniff(source)
    if image_format is None:
        raise _unsupported(source)
    try:
        parts = _READERS[image_format](source)
    except (IndexError, struct.error) as error:  # the file ends before what its headers promise
        raise corrupt(image_format) from error
    if parts.width < 1 or parts.height < 1:
        raise corrupt(image_format)
    return parts


def _unsupported(source: bytes) -> UnsupportedImage:
    """Return the problem of a file of another format, which it names if it can."""
    head = source[:_SNIFFED_BYTES]
    kind = next((kind for kind, signature in _OTHERS.items() if re.match(signature, head, re.DOTALL)), None)
    if kind is None:
        return UnsupportedImage("The file is none of JPEG, PNG, WebP, BMP and GIF. Send one of these.")
    return UnsupportedImage(f"The file is {kind}. Send a JPEG, PNG, WebP, BMP or GIF image instead.")


def sniff(source: bytes) -> str | None:
    """Return the format that the first bytes show, or None."""
    if source.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if source.startswith(SIGNATURE):
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

_SNIFFED_BYTES = 1024

# Each is tried at the file's start, in this order: AVIF and HEIC are kinds of the container that videos have too.
_OTHERS = {
    "an AVIF image": rb".{4}ftyp(?:.{4}){0,8}avi[fos]",
    "a HEIC image": rb".{4}ftyp(?:.{4}){0,8}(?:hei[cmsx]|hev[cmsx]|mif1|msf1)",
    "a camera's raw image": rb".{4}ftypcrx |FUJIFILM|IIU\0|IIR[OS]",
    "a video": rb".{4}ftyp|\x1a\x45\xdf\xa3|RIFF.{4}AVI ",
    "a JPEG XL image": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "a JPEG 2000 image": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ",
    "a JPEG XR image": rb"II\xbc",
    "a TIFF or a camera's raw image": rb"II[*+]\0|MM\0[*+]",
    "an SVG drawing": rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*|<!--.*|<!DOCTYPE svg.*)?<svg[\s>:]",
    "a PDF document": rb"%PDF-",
    "a PostScript document": rb"%!PS|\xc5\xd0\xd3\xc6",
    "a Photoshop document": rb"8BPS\0[\1\2]",
    "a GIMP document": rb"gimp xcf ",
    "an icon": rb"\0\0[\1\2]\0[^\0]\0|icns",
    "a netpbm image": rb"P[1-7]\s",
    "an OpenEXR image": rb"\x76\x2f\x31\x01",
    "a QOI image": rb"qoif",
}
