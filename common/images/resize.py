"""From the decoded size to the one that is wanted, and to plain colours on the way."""

from PIL import Image

from common.images.colour import channels, flatten, is_plain
from common.images.geometry import Area
from common.images.srgb import Conversion, make_conversion, to_rgb

_GAP = 2.0  # averaged in whole steps down to twice the size, then filtered: as good, in half the time
_BAND_PIXELS = 1 << 19


def shrink(image: Image.Image, area: Area, size: tuple[int, int], profile: bytes, *, sharply: bool) -> Image.Image:
    """Return the area of the image in that size, as RGB in sRGB, laid on white.

    `sharply` takes half as long again: what a decoder has shrunk already is small enough for it.
    """
    to_srgb = make_conversion(channels(image), profile)
    if area == (0, 0, *size) and (is_plain(image) or to_srgb is to_rgb):
        return flatten(image, to_srgb)
    if not is_plain(image):
        return _shrink_in_bands(image, size, to_srgb)
    resampling = Image.Resampling.LANCZOS if sharply else Image.Resampling.BICUBIC
    # The colours of the small image are converted: there are fewer of them.
    return to_srgb(image.resize(size, resampling, box=area, reducing_gap=_GAP))


def _shrink_in_bands(image: Image.Image, size: tuple[int, int], to_srgb: Conversion) -> Image.Image:
    """Return what flatten and then resize would: band by band, without a flat copy in full size."""
    width, height = size
    across = max(1, int(image.width / width / _GAP))
    down = max(1, int(image.height / height / _GAP))
    rows = max(1, _BAND_PIXELS // image.width // down) * down
    narrow = Image.new("RGB", (width, -(-image.height // down)))
    for top in range(0, image.height, rows):
        band = flatten(image.crop((0, top, image.width, min(image.height, top + rows))), to_srgb)
        if narrow.size != image.size:
            band = band.reduce((across, down))
            area = (0, 0, image.width / across, band.height)
            band = band.resize((width, band.height), Image.Resampling.BICUBIC, box=area)
        narrow.paste(band, (0, top // down))
    if narrow.size == size:
        return narrow
    return narrow.resize(size, Image.Resampling.BICUBIC, box=(0, 0, width, image.height / down))
