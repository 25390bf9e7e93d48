"""Colour made plain: RGB in sRGB, with white where the image is transparent."""

from PIL import Image

from common.images.srgb import Conversion

_PLAIN = frozenset(("RGB", "L", "CMYK"))
_GREY = frozenset(("1", "L", "LA"))


def is_plain(image: Image.Image) -> bool:
    """Tell whether the image has 8 bits a channel, no palette, and nothing transparent."""
    return image.mode in _PLAIN and "transparency" not in image.info


def channels(image: Image.Image) -> str:
    """Return the mode that holds the image's colours, and its alpha if it has any: L, LA, RGB, RGBA or CMYK."""
    if image.mode in _GREY:
        return "LA" if image.has_transparency_data else "L"
    if image.mode == "CMYK":
        return "CMYK"
    return "RGBA" if image.has_transparency_data else "RGB"


def flatten(image: Image.Image, to_srgb: Conversion) -> Image.Image:
    """Return the image as RGB in sRGB, laid on white.

    `to_srgb` takes images of the mode that `channels` returns. The colours are converted before they are mixed with
    white: the profile describes them, and not the mixture.
    """
    mode = channels(image)
    colours = to_srgb(image if image.mode == mode else image.convert(mode))
    if colours.mode == "RGB":
        return colours
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=colours)
    return white
