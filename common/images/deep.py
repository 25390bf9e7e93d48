"""PNG of 16 bits a channel, cut to 8 bits.

The curve of the profile is applied before the cut. The darkest twentieth of linear light has 13 levels of 8 bits, and
sRGB shows it in 64: a shadow that is cut first falls into bands.
"""

from collections.abc import Iterator
from functools import cache, reduce
from itertools import product

from PIL import Image, ImageChops

from common.images import profiles, srgb
from common.images.containers.parts import Parts
from common.images.decode import decode_png_as

Lookup = list[int]  # 0 to 255 for each sample, 0 to 65,535
Box = tuple[int, int, int, int]  # left, top, right, bottom, px
Plan = list[tuple[int, Lookup]]  # for each channel of a result: which channel of the source, and its lookup

_BAND_PIXELS = 1 << 22  # up to 24 bytes each; Pillow takes 5 ms a band to read a lookup
_BITS_OFFSET, _COLOUR_TYPE_OFFSET = 24, 25  # in a PNG
_DEEP_BITS = 16
_GREY, _GREY_ALPHA = 0, 4  # colour types
_FEW_COLUMNS = 64  # Pillow takes 20 ns a row and step: millions of rows would take longer than their pixels
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # by the number of channels
_SAMPLES = range(1 << 16)
_HIGH_BYTE: Lookup = [sample >> 8 for sample in _SAMPLES]


def cut_to_8_bits(image: Image.Image, parts: Parts) -> tuple[Image.Image, bytes]:
    """Return a decoded image with 8 bits a channel, and the profile that its colours then have.

    The samples of a profile that is a table are cut as they are: it has no curve to apply first. Raises ImageCorrupt.
    """
    key = image.info.get("transparency")
    if parts.format != "PNG" or parts.picture[_BITS_OFFSET] != _DEEP_BITS:
        return image, parts.profile
    if image.mode != "I;16" and key is None and not srgb.changes_colours(parts.profile):
        return image, parts.profile  # Pillow has cut the samples
    plan, profile = _plan(parts.profile, parts.picture[_COLOUR_TYPE_OFFSET])
    return _cut(_planes(image, parts), plan, _key_plan(key)), profile


def _plan(profile: bytes, colour_type: int) -> tuple[Plan, bytes]:
    """Return how the channels become levels of 8 bits, and the profile of those."""
    colours = 1 if colour_type in (_GREY, _GREY_ALPHA) else 3
    lookups = _curve_lookups(profile, colours)
    plan = [(channel % colours, lookup) for channel, lookup in enumerate(lookups or [_HIGH_BYTE] * colours)]
    return plan, _with_srgb_curves(profile) if lookups else profile


def _key_plan(key: int | tuple[int, ...] | None) -> Plan:
    """Return how the channels are compared with the colour that tRNS makes transparent: 0 if equal, else 255."""
    keys = () if key is None else (key,) if isinstance(key, int) else key
    return [(channel, [255 * (sample != wanted) for sample in _SAMPLES]) for channel, wanted in enumerate(keys)]


def _curve_lookups(profile: bytes, colours: int) -> list[Lookup]:
    """Return the levels of sRGB's curve for the samples of each of the profile's curves; nothing if it has none."""
    names, tags = profiles.CURVES.get(profiles.space_of(profile), ()), profiles.tags_of(profile)
    if colours > len(names) or profiles.TABLE in tags or not srgb.changes_colours(profile):
        return []
    lookup = cache(_lookup)  # the curves of a profile are often the same
    lookups = [lookup(tags.get(name, b"")) for name in names]
    return lookups if all(lookups) else []


def _lookup(curve: bytes) -> Lookup:
    """Return the levels of sRGB's curve; nothing if the curve is damaged."""
    samples = Image.frombytes("I;16", (256, 256), b"".join(sample.to_bytes(2, "little") for sample in _SAMPLES))
    seen = srgb.transform_exactly(samples, profiles.make_grey(curve))
    return [*seen.getchannel("G").tobytes()] if seen else []


def _with_srgb_curves(profile: bytes) -> bytes:
    """Return the profile of levels that have sRGB's curve: of grey it is sRGB."""
    if profiles.space_of(profile) == profiles.GREY:
        return b""
    tags = profiles.tags_of(profile)
    return profiles.make_rgb([tags[name] for name in profiles.COLUMNS], profiles.SRGB_CURVE)


def _planes(image: Image.Image, parts: Parts) -> list[Image.Image]:
    """Return the images that hold all bytes of the samples: Pillow's own RGB and RGBA have the high ones alone."""
    if image.mode == "I;16":
        return [image]
    if parts.picture[_COLOUR_TYPE_OFFSET] == _GREY_ALPHA:
        return [decode_png_as(parts, "RGBA")]  # the high and low byte of grey, then those of alpha
    return [image, decode_png_as(parts, f"{image.mode};16L")]  # read from the wrong end, the low byte is the high one


def _cut(planes: list[Image.Image], plan: Plan, key_plan: Plan) -> Image.Image:
    """Return the image in 8 bits, made area by area, because samples take 4 bytes each meanwhile."""
    size = planes[0].size
    if size[0] < _FEW_COLUMNS:
        planes = [_reshaped(plane, (size[0] * size[1], 1)) for plane in planes]
    mode = _MODES[len(plan) + (planes[0].mode == "RGBA") + bool(key_plan)]
    # In place if the mode stays: 200 MB less at 50 million pixels.
    result = planes[0] if planes[0].mode == mode else Image.new(mode, planes[0].size)
    for box in _boxes(*result.size):
        samples, alpha = _samples([plane.crop(box) for plane in planes])
        levels = [samples[channel].point(lookup, "L") for channel, lookup in plan] + alpha
        if key_plan:
            differences = [samples[channel].point(lookup, "L") for channel, lookup in key_plan]
            levels.append(reduce(ImageChops.lighter, differences))
        result.paste(levels[0] if len(levels) == 1 else Image.merge(mode, levels), box)
    return result if result.size == size else _reshaped(result, size)


def _boxes(width: int, height: int) -> Iterator[Box]:
    """Yield areas that cover the image, of at most _BAND_PIXELS each."""
    columns = min(width, _BAND_PIXELS)
    rows = _BAND_PIXELS // columns
    for top, left in product(range(0, height, rows), range(0, width, columns)):
        yield left, top, min(width, left + columns), min(height, top + rows)


def _reshaped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the same pixels in rows of another length."""
    return Image.frombytes(image.mode, size, image.tobytes())


def _samples(planes: list[Image.Image]) -> tuple[list[Image.Image], list[Image.Image]]:
    """Return each channel of colour with all of its 16 bits, and the high byte of alpha if there is one."""
    if planes[0].mode == "I;16":
        return [planes[0].convert("I")], []
    if len(planes) == 1:
        high, low, alpha, _ = planes[0].split()
        return [_joined(high, low)], [alpha]
    highs, lows = (plane.split() for plane in planes)
    return [_joined(high, low) for high, low in zip(highs[:3], lows[:3], strict=True)], [*highs[3:]]


def _joined(high: Image.Image, low: Image.Image) -> Image.Image:
    little_endian = Image.merge("LA", (low, high)).tobytes()
    return Image.frombytes("I;16", high.size, little_endian).convert("I")
