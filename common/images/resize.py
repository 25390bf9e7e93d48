"""From the decoded size to the one that is wanted, and to plain colours on the way."""

from PIL import Image

from common.images.colour import flatten, is_plain
from common.images.geometry import Area

_GAP = 2.0  # averaged in whole steps down to twice the size, then filtered: as good, in half the time
_BAND_PIXELS = 1 << 19


def shrink(image: Image.Image, area: Area, size: tuple[int, int], *, sharply: bool) -> Image.Image:
    """Return the area of the image in that size, as RGB, L or CMYK with nothing transparent.

    `sharply` takes half as long again: what a decoder has shrunk already is small enough for it.
    """
    if image.size == size and area == (0, 0, *size):
        return flatten(image)
    if is_plain(image):
        resampling = Image.Resampling.LANCZOS if sharply else Image.Resampling.BICUBIC
        return image.resize(size, resampling, box=area, reducing_gap=_GAP)
    return _shrink_in_bands(image, size)


def _shrink_in_bands(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return what flatten and then resize would: band by band, without a flat copy in full size."""
    width, height = size
    across = max(1, int(image.width / width / _GAP))
    down = max(1, int(image.height / height / _GAP))
    rows = max(1, _BAND_PIXELS // image.width // down) * down
    bands = []
    for top in range(0, image.height, rows):
        band = flatten(image.crop((0, top, image.width, min(image.height, top + rows))))
        band = band.reduce((across, down))
        area = (0, 0, image.width / across, band.height)
        bands.append(band.resize((width, band.height), Image.Resampling.BICUBIC, box=area))
    narrow = Image.new(bands[0].mode, (width, sum(band.height for band in bands)))
    for number, band in enumerate(bands):
        narrow.paste(band, (0, number * rows // down))
    return narrow.resize(size, Image.Resampling.BICUBIC, box=(0, 0, width, image.height / down))
