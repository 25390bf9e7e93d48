"""Primaries: from chromaticities to the columns of an ICC profile, which stand under D50."""

from dataclasses import dataclass

Vector = tuple[float, float, float]
Columns = tuple[Vector, Vector, Vector]  # the XYZ of red, green and blue

D50: Vector = (0.9642, 1.0, 0.8249)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))  # rows
_BRADFORD_COLUMNS: Columns = ((0.8951, -0.7502, 0.0389), (0.2664, 1.7135, -0.0685), (-0.1614, 0.0367, 1.0296))
_MOST_XYZ = 1_000.0  # larger values come from primaries on one line


@dataclass(frozen=True, slots=True)
class Chromaticities:
    """CIE 1931 x and y of the white and of the primaries."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]

    def values(self) -> tuple[float, ...]:
        """Return all eight."""
        return *self.white, *self.red, *self.green, *self.blue


def columns_under_d50(said: Chromaticities) -> Columns | None:
    """Return the XYZ of red, green and blue at full light; None if no display has such chromaticities."""
    if said.white[1] <= 0 or not all(0 <= value <= 1 for value in said.values()):
        return None
    x, y, z = _light(said.white)
    white = (x / y, 1.0, z / y)
    corners = (_light(said.red), _light(said.green), _light(said.blue))
    if not _determinant(corners):
        return None
    shares = _solve(corners, white)
    red, green, blue = (
        _adapted((share * x, share * y, share * z), white) for share, (x, y, z) in zip(shares, corners, strict=True)
    )
    sound = all(abs(value) <= _MOST_XYZ for value in (*red, *green, *blue))
    return (red, green, blue) if sound else None


def _light(point: tuple[float, float]) -> Vector:
    x, y = point
    return x, y, 1 - x - y


def _adapted(colour: Vector, white: Vector) -> Vector:
    """Return how a colour under that white looks under D50, by Bradford's cones."""
    cones = zip(_cones(colour), _cones(D50), _cones(white), strict=True)
    red, green, blue = (cone * wanted / present for cone, wanted, present in cones)
    return _solve(_BRADFORD_COLUMNS, (red, green, blue))


def _cones(colour: Vector) -> Vector:
    long, middle, short = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in _BRADFORD)
    return long, middle, short


def _solve(columns: Columns, wanted: Vector) -> Vector:
    """Return the share of each column in a vector, by Cramer's rule."""
    first, second, third = columns
    whole = _determinant(columns)
    return (
        _determinant((wanted, second, third)) / whole,
        _determinant((first, wanted, third)) / whole,
        _determinant((first, second, wanted)) / whole,
    )


def _determinant(columns: Columns) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)
