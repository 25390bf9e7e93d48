"""The highest quality whose JPEG is small enough."""

from dataclasses import replace

from PIL import Image

from common.errors import MaxBytesUnreachable
from common.images.containers.jpeg_tables import Coding
from common.images.encode import encode

LOWEST_QUALITY = 40  # for max_bytes: below it every photo shows its blocks

Encoded = tuple[bytes, int]  # a JPEG and its quality


def compress(
    image: Image.Image, coding: Coding, *, source_bytes: int | None = None, max_bytes: int | None = None
) -> Encoded:
    """Return an RGB image as a JPEG, and its quality: of the coding, or lower if the JPEG is larger than a limit.

    `source_bytes` is the size of the source's file if the JPEG must not be larger. It does not hold if no quality
    reaches it: the headers alone can be larger than a tiny file. Raises MaxBytesUnreachable.
    """
    asked = encode(image, coding), coding.quality
    limits = [limit for limit in (source_bytes, max_bytes) if limit is not None]
    if not limits or len(asked[0]) <= min(limits):
        return asked
    lowest = 1 if max_bytes is None else LOWEST_QUALITY
    found = _step_down(image, coding, asked, limit=min(limits), lowest=lowest)
    size = len(found[0])
    if max_bytes is None:
        return found if size <= min(limits) else asked
    if size > max_bytes:
        raise MaxBytesUnreachable(
            f"The image has {size} bytes at quality {found[1]}; at most {max_bytes} are asked for. "
            "Send a larger max_bytes, or a smaller x or y.",
            limit=max_bytes,
            actual=size,
        )
    return found


def _step_down(image: Image.Image, coding: Coding, asked: Encoded, *, limit: int, lowest: int) -> Encoded:
    """Return the highest quality from `lowest` up whose JPEG fits the limit; if none does, the smallest JPEG.

    The qualities are bisected, because a lower one makes a smaller JPEG: at most 7 are encoded.
    """
    found, high = asked, coding.quality
    while lowest < high:
        quality = (lowest + high) // 2
        data = encode(image, replace(coding, quality=quality, tables=()))
        fits = len(data) <= limit
        if fits or len(found[0]) > limit:
            found = data, quality
        lowest, high = (quality + 1, high) if fits else (lowest, quality)
    return found
