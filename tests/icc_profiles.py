"""Makers of ICC profiles (ICC.1:2022), each with colours one can calculate by hand."""

import struct

Vector = tuple[float, float, float]
Primaries = tuple[Vector, Vector, Vector]

# The columns that turn linear red, green and blue into XYZ under D50.
DISPLAY_P3: Primaries = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB: Primaries = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_SRGB_FROM_D50 = ((3.1339, -1.6169, -0.4906), (-0.9788, 1.9161, 0.0335), (0.0719, -0.2290, 1.4052))


def rgb(primaries: Primaries, gamma: float) -> bytes:
    """Return a display's profile: three primaries and one gamma."""
    columns = zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True)
    return _profile(b"mntr", b"RGB ", dict(columns) | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma)))


def grey(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", {b"kTRC": _gamma(gamma)})


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


def srgb_curve(light: float) -> float:
    return float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


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
