"""Makers of ICC profiles (ICC.1:2022), each with colours one can calculate by hand."""

import struct
from collections.abc import Callable

Vector = tuple[float, float, float]
Primaries = tuple[Vector, Vector, Vector]

# The columns that turn linear red, green and blue into XYZ under D50.
DISPLAY_P3: Primaries = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB: Primaries = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB: Primaries = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))

# From linear light under D65 to that of sRGB, as published: CSS Color 4, and the inverse of ITU-R BT.2087's.
Rows = tuple[Vector, Vector, Vector]
P3_TO_SRGB: Rows = ((1.22494, -0.22494, 0.0), (-0.04206, 1.04206, 0.0), (-0.01964, -0.07864, 1.09828))
BT_2020_TO_SRGB: Rows = ((1.66049, -0.58764, -0.07285), (-0.12455, 1.1329, -0.00835), (-0.01815, -0.10058, 1.11873))
_SRGB_FROM_D50 = ((3.1339, -1.6169, -0.4906), (-0.9788, 1.9161, 0.0335), (0.0719, -0.2290, 1.4052))


def rgb(primaries: Primaries, gamma: float, name: str = "") -> bytes:
    """Return a display's profile: three primaries and one gamma."""
    return rgb_of_curves(primaries, (_gamma(gamma),) * 3, name)


def rgb_of_curves(primaries: Primaries, curves: tuple[bytes, bytes, bytes], name: str = "") -> bytes:
    """Return a display's profile: three primaries, and a curve for each."""
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True)
    text = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description} | dict(columns) | dict(zip((b"rTRC", b"gTRC", b"bTRC"), curves, strict=True))
    return _profile(b"mntr", b"RGB ", tags)


def grey(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", {b"kTRC": _gamma(gamma)})


def sampled_curve(light: Callable[[float], float], samples: int = 1024) -> bytes:
    """Return a curve through so many samples, as most profiles of sRGB have it."""
    values = (round(65_535 * light(number / (samples - 1))) for number in range(samples))
    return b"curv" + bytes(4) + struct.pack(f">I{samples}H", samples, *values)


def parametric_srgb_curve() -> bytes:
    """Return sRGB's curve as a formula, as newer profiles of sRGB have it."""
    values = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para" + bytes(4) + struct.pack(">H2x5i", 3, *(round(65_536 * value) for value in values))


def rgb_table_that_swaps_red_and_green() -> bytes:
    """Return a profile that is a table of eight corners, in Lab: pure red is seen as pure green, and the reverse."""
    black, white = (0, 0, 0), (100, 0, 0)
    red, green, blue = (54.3, 80.8, 69.9), (87.8, -79.3, 81), (29.6, 68.3, -112)
    yellow, magenta, cyan = (97.6, -15.8, 93.4), (60.2, 93.6, -60.5), (90.7, -50.7, -15)
    corners = (black, blue, red, magenta, green, cyan, yellow, white)  # blue changes fastest, and red is green
    table = b"".join(bytes((round(2.55 * light), round(a + 128), round(b + 128))) for light, a, b in corners)
    straight = bytes(range(256))
    unit = struct.pack(">9i", *(65_536 * (n % 4 == 0) for n in range(9)))
    lut = b"mft1" + bytes(4) + bytes((3, 3, 2, 0)) + unit + straight * 3 + table + straight * 3
    return _profile(b"mntr", b"RGB ", {b"A2B0": lut}, connection=b"Lab ")


def cmyk_where_cyan_prints_green() -> bytes:
    """Return a press's profile of 16 colours: no other way of reading CMYK makes cyan green."""
    white, black, green = (255, 128, 128), (0, 128, 128), (224, 42, 211)
    table = b"".join(bytes(black if ink & 0b0111 else green if ink == 0b1000 else white) for ink in range(16))
    straight = bytes(range(256))
    unit = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + unit + straight * 4 + table + straight * 3
    return _profile(b"prtr", b"CMYK", {b"A2B0": lut}, connection=b"Lab ")


def bomb() -> bytes:
    """Return 80 KB that hold a core for 8 seconds: a chain of 10,000 matrices that are one."""
    matrix = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, *(float(n % 4 == 0) for n in range(9)), 0, 0, 0)
    chain = struct.pack(">II", 16 + 8 * 10_000, len(matrix)) * 10_000
    elements = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, 10_000) + chain + matrix
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, ADOBE_RGB), strict=True)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(2.2))
    return _profile(b"mntr", b"RGB ", {b"D2B0": elements} | dict(columns) | curves, version=0x04300000)


def seen_in_srgb(primaries: Primaries, gamma: float, colour: tuple[int, int, int]) -> tuple[int, ...]:
    """Return the sRGB of a colour by the book, for what lies inside sRGB."""
    linear = [(value / 255) ** gamma for value in colour]
    xyz = [sum(primaries[n][row] * linear[n] for n in range(3)) for row in range(3)]
    light = [sum(row[n] * xyz[n] for n in range(3)) for row in _SRGB_FROM_D50]
    return tuple(round(255 * srgb_curve(min(1.0, max(0.0, value)))) for value in light)


def of_light(to_srgb: Rows, light: tuple[float, ...]) -> tuple[int, ...]:
    """Return the sRGB of linear light."""
    return tuple(level(sum(part * value for part, value in zip(row, light, strict=True))) for row in to_srgb)


def srgb_curve(light: float) -> float:
    return float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def light_of_srgb(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def level(light: float) -> int:
    """Return sRGB's level, 0 to 255, of light, of which what is outside 0 to 1 is clipped."""
    return round(255 * srgb_curve(min(1.0, max(0.0, light))))


def _profile(
    kind: bytes, space: bytes, tags: dict[bytes, bytes], *, connection: bytes = b"XYZ ", version: int = 0x02400000
) -> bytes:
    tags = {b"wtpt": _xyz((0.9642, 1.0, 0.8249)), **tags}
    table, data, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s28s", start + len(data), b"", version, kind, space, connection, b"", b"acsp", b""
    )
    header += _fixed((0.9642, 1.0, 0.8249)) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + data


def _fixed(values: Vector) -> bytes:
    return struct.pack(">3i", *(round(value * 65536) for value in values))


def _xyz(values: Vector) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _gamma(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
