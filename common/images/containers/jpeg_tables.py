"""A JPEG's quantisation tables and chroma sampling, and the libjpeg quality that is nearest to the tables."""

import struct
from dataclasses import dataclass
from typing import Self

from common.images.containers.jpeg_segments import FRAMES, QUANTISERS, SCAN, read_segments

Table = tuple[int, ...]  # 64 steps, row by row

_MAX_STEP = 255  # of a table of 8 bits, as baseline and progressive JPEGs have it
_YCBCR_COMPONENTS = 3
# The order of a table's steps in a file: along the diagonals of the 8 x 8, up and down in turn.
_ZIGZAG = sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8))

# ITU-T T.81, tables K.1 and K.2: what libjpeg scales by its quality.
_LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    *(17, 18, 24, 47, 99, 99, 99, 99),
    *(18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99),
    *([99] * 32),
)


@dataclass(frozen=True, slots=True)
class Coding:
    """How the pixels of a JPEG are coded."""

    quality: int  # libjpeg's, 1..100; with tables, the nearest one
    tables: tuple[Table, ...] = ()  # for luma and chroma, or one for both; none: those of the quality
    halved: tuple[bool, bool] | None = None  # whether chroma has half the columns, half the rows; None: by the quality

    def turned(self) -> Self:
        """Return the coding of the same picture on its side."""
        tables = tuple(tuple(table[at % 8 * 8 + at // 8] for at in range(64)) for table in self.tables)
        halved = self.halved and (self.halved[1], self.halved[0])
        return type(self)(self.quality, tables, halved)


def read_coding(picture: bytes) -> Coding | None:
    """Return how a JPEG that can be decoded is coded; None if the table of its luma is unknown.

    Only the nearest quality is returned if the tables do not fit an RGB image in a JPEG of 8 bits: those of CMYK, and
    those with steps over 255.
    """
    found: dict[int, Table] = {}
    frame = b""
    for marker, start, end in read_segments(picture):
        if marker == SCAN:
            break
        if marker == QUANTISERS:
            found |= _read_tables(picture[start + 4 : end])
        if marker in FRAMES:
            frame = picture[start + 4 : end]
    components = [frame[at : at + 3] for at in range(6, len(frame) - 2, 3)]
    used = dict.fromkeys(component[2] for component in components[:2])  # a table that both use counts once
    tables = tuple(found[number] for number in used if number in found)
    if not tables or len(tables) < len(used):
        return None
    quality = nearest_quality(tables)
    if len(components) > _YCBCR_COMPONENTS or not all(0 < step <= _MAX_STEP for table in tables for step in table):
        return Coding(quality)
    return Coding(quality, tables, _halved([component[1] for component in components]))


def nearest_quality(tables: tuple[Table, ...]) -> int:
    """Return the quality, 1 to 100, whose tables differ least in sum from those for luma and chroma."""

    def difference(quality: int) -> int:
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004 # libjpeg's formula
        return sum(
            abs(min(_MAX_STEP, step) - min(_MAX_STEP, max(1, (standard * scale + 50) // 100)))
            for table, standards in zip(tables, (_LUMA, _CHROMA), strict=False)
            for step, standard in zip(table, standards, strict=True)
        )

    return min(range(1, 101), key=difference)


def _read_tables(data: bytes) -> dict[int, Table]:
    """Return the tables of a DQT segment by their numbers."""
    found = {}
    while data:
        kind, size = ("H", 128) if data[0] >> 4 else ("B", 64)
        if len(data) > size:
            steps = dict(zip(_ZIGZAG, struct.unpack_from(f">64{kind}", data, 1), strict=True))
            found[data[0] & 15] = tuple(steps[at] for at in range(64))
        data = data[1 + size :]
    return found


def _halved(sampling: list[int]) -> tuple[bool, bool]:
    """Return whether chroma has at most half of luma's columns, and of its rows; of a grey picture both.

    `sampling` has a byte for each component: its columns in the high four bits, its rows in the low ones.
    """
    across, down = [factors >> 4 for factors in sampling], [factors & 15 for factors in sampling]
    return all(across[0] >= 2 * factor for factor in across[1:]), all(down[0] >= 2 * factor for factor in down[1:])
