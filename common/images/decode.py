"""Pillow's decoders, behind one door: whatever a damaged file makes them raise is ImageCorrupt."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from common.images.complete import is_complete
from common.images.containers.parts import Parts, corrupt
from common.images.geometry import Area, Box, Size
from common.images.raster import unpack

# The caller's own gate counts the pixels before Pillow sees them, in every format and per request.
Image.MAX_IMAGE_PIXELS = None

# A reader each: Image.open would import some forty others to find the right one.
_READERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
}

# What Pillow was seen to raise for damaged files: all but the errors of a process in trouble.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_READ_BYTES = 65_536
_EIGHTHS = (1, 2, 3, 4, 8)  # of its size: at these libjpeg decodes a JPEG, in less time the fewer they are
_GAP = 1.45  # a JPEG decoded this much larger than wanted, then resized, loses nothing one could see


def decode(parts: Parts, size: tuple[int, int]) -> tuple[Image.Image, Area]:
    """Return the picture, a JPEG shrunk close to size, and its area that is picture. Raises ImageCorrupt."""
    if parts.raster is not None:
        return unpack(parts, parts.raster), (0, 0, parts.width, parts.height)
    image = _opened(parts)
    _refuse_incomplete(image, parts)
    if isinstance(image, JpegImageFile):
        return _shrunk(image, parts, size)
    _load(image, parts.format)
    if image.mode == "P" and image.palette is None:
        raise corrupt(parts.format)
    return _mended(image, parts), (0, 0, *image.size)


def decode_png_as(parts: Parts, raw_mode: str) -> Image.Image:
    """Return a PNG whose bytes are read as another of Pillow's raw modes, of as many bytes a pixel.

    Raises ImageCorrupt.
    """
    image = _opened(parts)
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    _load(image, parts.format)
    return image


@contextmanager
def _damage_is_corrupt(image_format: str) -> Iterator[None]:
    """Raise ImageCorrupt for what Pillow raises. Only calls into Pillow belong inside: errors of ours are no damage."""
    try:
        yield
    except _UNREADABLE as error:
        raise corrupt(image_format) from error


def _opened(parts: Parts) -> ImageFile.ImageFile:
    reader, file = _READERS[parts.format], BytesIO(parts.picture)
    with _damage_is_corrupt(parts.format):
        image = reader(file)
    if image.size != parts.picture_size:
        raise corrupt(parts.format)
    return image


def _refuse_incomplete(image: ImageFile.ImageFile, parts: Parts) -> None:
    """Raise ImageCorrupt if a file without its end mark lacks a part of its picture too."""
    if parts.ended:
        return
    try:
        complete = is_complete(image, parts)
    except ValueError as error:
        raise corrupt(parts.format) from error
    if not complete:
        raise corrupt(parts.format)


def _load(image: ImageFile.ImageFile, image_format: str) -> None:
    image.decodermaxblock = _READ_BYTES  # Pillow would take ImageFile.MAXBLOCK
    with _damage_is_corrupt(image_format):
        image.load()


def _shrunk(image: JpegImageFile, parts: Parts, size: tuple[int, int]) -> tuple[Image.Image, Area]:
    """Return what draft and load would, which know no three eighths. Raises ImageCorrupt."""
    wanted = _GAP * max(size[0] / image.width, size[1] / image.height)
    eighths = next((n for n in _EIGHTHS if n / 8 >= wanted), 8)
    width, height = image.width * eighths / 8, image.height * eighths / 8
    colours = "CMYK;I" if image.mode == "CMYK" else image.mode  # inverted, as Adobe writes them
    scale = -(-8 // eighths)  # libjpeg rounds 1/3 to 3/8
    decoded_size = (ceil(width), ceil(height))
    with _damage_is_corrupt(parts.format):
        shrunk = Image.frombytes(image.mode, decoded_size, parts.picture, "jpeg", colours, "", scale, 0)
    return shrunk, (0, 0, width, height)


def _mended(image: ImageFile.ImageFile, parts: Parts) -> Image.Image:
    """Return the image with what Pillow leaves to its caller put right."""
    if isinstance(image, PngImageFile):
        return _with_scaled_key(image, bits=parts.picture[_PNG_BITS_OFFSET])
    if isinstance(image, GifImageFile):
        return _on_clear_screen(image)
    return image


_PNG_BITS_OFFSET = 24


def _with_scaled_key(image: Image.Image, *, bits: int) -> Image.Image:
    """Scale the colour that is to be transparent as Pillow scaled the pixels, which it forgets to do."""
    key = image.info.get("transparency")
    most = (1 << bits) - 1
    if image.mode == "L" and key is not None:
        image.info["transparency"] = (key & most) * 255 // most
    if image.mode == "RGB" and key is not None:  # of 16 bits too, all of which deep.py compares
        image.info["transparency"] = tuple(value & most for value in key)
    return image


def _on_clear_screen(image: GifImageFile) -> Image.Image:
    """Show white where the first frame leaves the screen open; Pillow shows the palette's first colour."""
    frame = image.dispose_extent or (0, 0, *image.size)
    if frame == (0, 0, *image.size) or "transparency" in image.info:
        return image
    screen = Image.new("RGB", image.size, "white")
    screen.paste(image.crop(frame).convert("RGB"), frame)
    return screen


def on_canvas(image: Image.Image, size: Size, frame: Box) -> Image.Image:
    """Return the frame of an animation on its canvas, which is clear elsewhere."""
    mode = "LA" if image.mode in ("1", "L", "LA") else "RGBA"
    canvas = Image.new(mode, size)
    canvas.paste(image.convert(mode), frame)
    return canvas
