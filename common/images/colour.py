"""Colour made plain: eight bits, nothing transparent, sRGB."""

from io import BytesIO

from PIL import Image, ImageCms

_HIGH_BYTE = [value >> 8 for value in range(1 << 16)]
_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}  # Pillow's word, ICC's word
_SPACE = slice(16, 20)  # of a profile's header
_CLASS = slice(12, 16)
_CLASSES = frozenset((b"scnr", b"mntr", b"prtr", b"spac"))  # input, display, output and colour space


def is_plain(image: Image.Image) -> bool:
    """Tell whether flatten would change nothing."""
    return image.mode in _SPACES and "transparency" not in image.info


def flatten(image: Image.Image) -> Image.Image:
    """Return the image as RGB, L or CMYK: 16 bits scaled to 8, what is transparent shown as white."""
    if is_plain(image):
        return image
    key = image.info.get("transparency")
    if image.mode == "I;16":
        return _flatten_16_bit_grey(image, key)
    if image.mode == "1" and key is None:
        return image.convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    return _on_white(image if image.mode == "RGBA" else image.convert("RGBA"))


def _flatten_16_bit_grey(image: Image.Image, key: int | None) -> Image.Image:
    wide = image.convert("I")  # convert("L") would clip everything above 255 to white
    grey = wide.point(_HIGH_BYTE, "L")
    if key is None:
        return grey
    opaque = wide.point([255 * (value != key) for value in range(1 << 16)], "L")
    return _on_white(grey, opaque)


def _on_white(image: Image.Image, mask: Image.Image | None = None) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=mask or image)
    return white


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an RGB, L or CMYK image as RGB in sRGB; a damaged or foreign profile is ignored."""
    if profile[_SPACE] == b"GRAY":
        image = _without_colour(image)
    if profile[_SPACE] == _SPACES[image.mode] and _is_harmless(profile):
        image = _transformed(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_harmless(profile: bytes) -> bool:
    # Chains of multi-process elements have any length: 1 MB of them holds a core for minutes.
    return profile[_CLASS] in _CLASSES and b"mpet" not in profile


def _transformed(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the image in sRGB, or as it is where the profile is sRGB already, or damaged."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and "sRGB" in (source.profile.profile_description or ""):
            return image
        # A new sRGB each time: the threads that convert at once share nothing.
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _without_colour(image: Image.Image) -> Image.Image:
    """Return the grey of an RGB image that is grey all over, as one that was laid on white is."""
    if image.mode != "RGB":
        return image
    red, green, blue = (channel.tobytes() for channel in image.split())
    return image.getchannel("R") if red == green == blue else image
