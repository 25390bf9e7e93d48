"""Pillow and nothing else: the bytes of an image in, a plain JPEG out."""

from dataclasses import dataclass

from common.errors import ImageTooLargeForJpeg, ImageTooManyPixels
from common.images.colour import to_srgb
from common.images.decode import decode
from common.images.encode import encode
from common.images.files import take_apart
from common.images.files.parts import Parts
from common.images.memory import give_memory_back
from common.images.shrink import fit, shrink
from common.images.turn import is_sideways, turn

__all__ = ["Jpeg", "Options", "fit", "to_jpeg"]

MAX_JPEG_SIDE = 65_500  # libjpeg's own limit


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for."""

    quality: int  # 1..95
    x: int | None = None  # the box's width, px
    y: int | None = None  # the box's height, px


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An image as it is stored: RGB in sRGB, progressive, without metadata."""

    data: bytes
    width: int  # px
    height: int
    quality: int
    source_format: str  # JPEG, PNG, WEBP, BMP or GIF


def to_jpeg(source: bytes, options: Options, *, max_pixels: int) -> Jpeg:
    """Return the source as a JPEG that looks like it; raise one of the image problems of common.errors."""
    parts = take_apart(source)
    _refuse_too_many_pixels(parts, max_pixels)
    jpeg = _convert(parts, options)
    give_memory_back(parts.width * parts.height)
    return jpeg


def _convert(parts: Parts, options: Options) -> Jpeg:
    size = _fitted(parts, options)
    image, area = decode(parts, size)
    image = shrink(image, area, size, sharply=image.width < parts.width)
    image = to_srgb(image, parts.profile)
    image = turn(image, parts.orientation)
    data = encode(image, options.quality)
    return Jpeg(data, image.width, image.height, options.quality, parts.format)


def _refuse_too_many_pixels(parts: Parts, max_pixels: int) -> None:
    pixels = parts.width * parts.height
    if pixels > max_pixels:
        raise ImageTooManyPixels(
            f"The image has {pixels} pixels; at most {max_pixels} are accepted.",
            limit=max_pixels,
            actual=pixels,
        )


def _fitted(parts: Parts, options: Options) -> tuple[int, int]:
    """Return the size before the turn; raise ImageTooLargeForJpeg."""
    x, y = (options.y, options.x) if is_sideways(parts.orientation) else (options.x, options.y)
    size = fit(parts.width, parts.height, x, y)
    side = max(size)
    if side > MAX_JPEG_SIDE:
        raise ImageTooLargeForJpeg(
            f"A side of the image would be {side} px; a JPEG holds at most {MAX_JPEG_SIDE}.",
            limit=MAX_JPEG_SIDE,
            actual=side,
        )
    return size
