"""ICC profiles (ICC.1:2022) as bytes: read what one says, and make one of primaries and a curve."""

import struct
from collections.abc import Iterable, Sequence

from common.images.primaries import D50, Columns

RGB, GREY, CMYK = b"RGB ", b"GRAY", b"CMYK"  # colour spaces
COLUMNS = (b"rXYZ", b"gXYZ", b"bXYZ")
CURVES = {RGB: (b"rTRC", b"gTRC", b"bTRC"), GREY: (b"kTRC",)}
TABLE = b"A2B0"  # Little CMS prefers this table to columns and curves

_CLASSES = frozenset((b"scnr", b"mntr", b"prtr", b"spac"))  # input, display, output and colour space
_MAX_TAGS = 100  # Little CMS refuses a profile that has more
_TAGS_START = 128
_VERSION = 0x04200000


def space_of(profile: bytes) -> bytes:
    """Return the colour space of the pixels, with fewer than 4 bytes if the header is cut short."""
    return profile[16:20]


def is_harmless(profile: bytes) -> bool:
    """Tell whether the profile describes pixels, and Little CMS can read it in time."""
    # Chains of multi-process elements have any length: 1 MB of them holds a core for minutes.
    return profile[12:16] in _CLASSES and b"mpet" not in profile


def tags_of(profile: bytes) -> dict[bytes, bytes]:
    """Return the data of each tag; nothing if the table of tags is cut short."""
    try:
        (count,) = struct.unpack_from(">I", profile, _TAGS_START)
        rows = [
            struct.unpack_from(">4sII", profile, _TAGS_START + 4 + 12 * row) for row in range(min(count, _MAX_TAGS))
        ]
    except struct.error:
        return {}
    return {name: profile[start : start + length] for name, start, length in rows}


def make_rgb(columns: Iterable[bytes], curve: bytes) -> bytes:
    """Return the profile of three XYZ tags and one curve for all three channels."""
    return _profile(RGB, dict(zip(COLUMNS, columns, strict=True)) | dict.fromkeys(CURVES[RGB], curve))


def make_grey(curve: bytes) -> bytes:
    """Return the profile of grey pixels with that curve."""
    return _profile(GREY, dict.fromkeys(CURVES[GREY], curve))


def xyz_tags(columns: Columns) -> list[bytes]:
    """Return the XYZ tags of red, green and blue."""
    return [b"XYZ " + bytes(4) + _fixed(column) for column in columns]


def gamma(exponent: float) -> bytes:
    """Return the curve light = sample ** exponent."""
    return b"para" + bytes(4) + struct.pack(">H2x", 0) + _fixed((exponent,))


def power_above(cut: float, exponent: float, scale: float, offset: float, slope: float) -> bytes:
    """Return the curve light = (scale * sample + offset) ** exponent, but slope * sample below the cut."""
    return b"para" + bytes(4) + struct.pack(">H2x", 3) + _fixed((exponent, scale, offset, slope, cut))


def sampled(light: Sequence[float]) -> bytes:
    """Return the curve through light, 0 to 1, at samples that are equally far apart."""
    values = [round(65_535 * min(1.0, max(0.0, value))) for value in light]
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *values)


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(65_536 * value) for value in values))


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return the profile of a display."""
    table, data, start = b"", b"", _TAGS_START + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(data), _VERSION, b"mntr", space, b"XYZ ", b"acsp")
    return head + _fixed(D50) + bytes(48) + struct.pack(">I", len(tags)) + table + data


SRGB_CURVE = power_above(0.04045, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92)
