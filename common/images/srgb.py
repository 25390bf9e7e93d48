"""From the colours of an ICC profile to sRGB, by Little CMS."""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from itertools import product

from PIL import Image, ImageChops, ImageCms

from common.images import profiles

Conversion = Callable[[Image.Image], Image.Image]

_MODES = {profiles.RGB: "RGB", profiles.GREY: "L"}
_SPACES = {  # of the profiles that an image may have
    "L": (profiles.GREY, profiles.RGB),
    "LA": (profiles.GREY, profiles.RGB),
    "RGB": (profiles.RGB,),
    "RGBA": (profiles.RGB,),
    "CMYK": (profiles.CMYK,),
}
_REMEMBERED_BYTES = 16_384  # profiles of sRGB are smaller; so 64 remembered ones take 1 MB at most
_NO_DIFFERENCE = 1  # level of 255


def make_conversion(mode: str, profile: bytes) -> Conversion:
    """Return the function from images of one mode, with that profile, to RGB in sRGB; to RGBA if the mode has alpha.

    The mode is L, LA, RGB, RGBA or CMYK. The function is `to_rgb` if the profile is sRGB's, is damaged, or is of
    another colour space. A grey image may have a profile of RGB, as in Chromium.
    """
    space = profiles.space_of(profile)
    if space not in _SPACES[mode] or (space != profiles.CMYK and not changes_colours(profile)):
        return to_rgb
    return _shade_conversion(profile) if mode in ("L", "LA") else _pixel_conversion(profile, mode)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image as RGB, or as RGBA if its mode has alpha; the colours stay as they are."""
    mode = _with_rgb(image.mode)
    return image if image.mode == mode else image.convert(mode)


def changes_colours(profile: bytes) -> bool:
    """Tell whether a profile of RGB or grey can be read, and shows other colours than sRGB."""
    if len(profile) <= _REMEMBERED_BYTES:
        return _remembered_changes(profile)
    return _changes(profile)


def transform_exactly(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return an RGB, L or I;16 image as RGB in sRGB; None if the profile is damaged or does not fit the mode.

    This takes ten times as long as a conversion. Little CMS replaces curves by tables, which is 10 levels wrong for
    the darkest greys of linear light; without that, it calculates each pixel.
    """
    transform = _transform(profile, image.mode, ImageCms.Flags.NOOPTIMIZE)
    return transform.apply(image) if transform else None


def _changes(profile: bytes) -> bool:
    if profiles.space_of(profile) not in _MODES:
        return False
    probe = _probe().convert(_MODES[profiles.space_of(profile)])
    seen = transform_exactly(probe, profile)
    if seen is None:
        return False
    return max(ImageChops.difference(seen, to_rgb(probe)).tobytes()) > _NO_DIFFERENCE


_remembered_changes = lru_cache(maxsize=64)(_changes)


def _probe() -> Image.Image:
    """Return all greys, all shades of each primary, and a few colours of each kind, in one row."""
    shades = [tuple(shade * part for part in primary) for primary in _PRIMARIES for shade in range(256)]
    colours = [*shades, *product(range(0, 256, 51), repeat=3)]
    return Image.frombytes("RGB", (len(colours), 1), bytes(value for colour in colours for value in colour))


_PRIMARIES = ((1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1))


def _shade_conversion(profile: bytes) -> Conversion:
    """Return the conversion of grey images: a lookup, because there are 256 greys."""
    shades = Image.frombytes("L", (256, 1), bytes(range(256)))
    seen = transform_exactly(shades.convert(_MODES[profiles.space_of(profile)]), profile)
    if seen is None:
        return to_rgb
    levels = [level for channel in seen.split() for level in channel.tobytes()]
    return lambda image: to_rgb(image).point(levels if image.mode == "L" else [*levels, *range(256)])


def _pixel_conversion(profile: bytes, mode: str) -> Conversion:
    transform = _transform(profile, mode, ImageCms.Flags.NONE)
    return transform.apply if transform else to_rgb


def _transform(profile: bytes, mode: str, flags: ImageCms.Flags) -> ImageCms.ImageCmsTransform | None:
    if not profiles.is_harmless(profile):
        return None
    # A new sRGB each time: the threads that convert at once share nothing.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    file = BytesIO(profile)
    try:
        source = ImageCms.ImageCmsProfile(file)
        return ImageCms.ImageCmsTransform(source, srgb, mode, _with_rgb(mode), flags=flags)
    except (OSError, ValueError):  # Little CMS cannot read the profile, or it lacks what a conversion needs
        return None


def _with_rgb(mode: str) -> str:
    return "RGBA" if mode in ("LA", "RGBA") else "RGB"
