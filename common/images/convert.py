"""Pillow and nothing else: the bytes of an image in, a plain JPEG out."""

from common.errors import ImageTooLargeForJpeg, ImageTooManyPixels
from common.images.compress import compress
from common.images.containers.jpeg_tables import Coding, read_coding
from common.images.containers.parse import parse_container
from common.images.containers.parts import Parts
from common.images.decode import decode, on_canvas
from common.images.deep import cut_to_8_bits
from common.images.geometry import fit
from common.images.memory import give_memory_back
from common.images.options import Jpeg, Options
from common.images.orient import is_sideways, orient
from common.images.resize import shrink

MAX_JPEG_SIDE = 65_500  # libjpeg's own limit


def to_jpeg(source: bytes, options: Options, *, max_pixels: int) -> Jpeg:
    """Return the source as a JPEG that looks like it; raise one of the image problems of common.errors."""
    parts = parse_container(source)
    _refuse_too_many_pixels(parts, max_pixels)
    jpeg = _convert(parts, options, len(source))
    give_memory_back(parts.width * parts.height)
    return jpeg


def _convert(parts: Parts, options: Options, source_bytes: int) -> Jpeg:
    size = _fitted(parts, options)
    image, area = decode(parts, size)
    image, profile = cut_to_8_bits(image, parts)
    if parts.frame is not None:
        image, area = on_canvas(image, (parts.width, parts.height), parts.frame), (0, 0, parts.width, parts.height)
    image = shrink(image, area, size, profile, sharply=image.width < parts.width)
    image = orient(image, parts.orientation)
    coding = _coding_of_source(parts) if options.like_source else None
    data, quality = compress(
        image,
        coding or Coding(options.quality),
        source_bytes=source_bytes if options.like_source and parts.format == "JPEG" else None,
        max_bytes=options.max_bytes,
    )
    return Jpeg(data, image.width, image.height, quality, parts.format)


def _coding_of_source(parts: Parts) -> Coding | None:
    """Return how the source is coded, as it is displayed; None if it is not a JPEG or has no tables."""
    coding = read_coding(parts.picture) if parts.format == "JPEG" else None
    return coding.turned() if coding and is_sideways(parts.orientation) else coding


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
