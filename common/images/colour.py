"""Colour made plain: RGB in sRGB, with white where the image is transparent."""

from PIL import Image

from common.images.srgb import Conversion

_PLAIN = frozenset(("RGB", "L", "CMYK"))
_GREY = frozenset(("1", "L", "LA", "I;16"))
_HIGH_BYTE = [value >> 8 for value in range(1 << 16)]


def is_plain(image: Image.Image) -> bool:
    """Tell whether the image has 8 bits a channel, no palette, and nothing transparent."""
    return image.mode in _PLAIN and "transparency" not in image.info


def channels(image: Image.Image) -> str:
    """Return the mode that holds the image's colours, and its alpha if it has any: L, LA, RGB, RGBA or CMYK."""
    if image.mode in _GREY:
        return "LA" if image.has_transparency_data or "transparency" in image.info else "L"
    if image.mode == "CMYK":
        return "CMYK"
    return "RGBA" if image.has_transparency_data else "RGB"


def flatten(image: Image.Image, to_srgb: Conversion) -> Image.Image:
    """Return the image as RGB in sRGB, laid on white.

    `to_srgb` takes images of the mode that `channels` returns. The colours are converted before they are mixed with
    white: the profile describes them, and not the mixture.
    """
    mode = channels(image)
    if image.mode == "I;16":
        image = _cut_to_8_bits(image)
    colours = to_srgb(image if image.mode == mode else image.convert(mode))
    if colours.mode == "RGB":
        return colours
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=colours)
    return white


def _cut_to_8_bits(image: Image.Image) -> Image.Image:
    key = image.info.get("transparency")
    wide = image.convert("I")  # convert("L") would clip everything above 255 to white
    grey = wide.point(_HIGH_BYTE, "L")
    if key is None:
        return grey
    opaque = wide.point([255 * (value != key) for value in range(1 << 16)], "L")
    return Image.merge("LA", (grey, opaque))
