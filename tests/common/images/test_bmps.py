"""BMP in all its layouts: palettes, headers, profiles and orders of rows."""

import struct
from collections.abc import Callable

import pytest

from common import errors
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.image_assertions import (
    BEST,
    assert_colour,
    assert_corners,
    assert_refused_or_shown,
    convert,
    in_time,
    opened,
    pixels_of,
)
from tests.pictures import BLUE, GREEN, RED, WHITE, YELLOW, bmp_palette, bmp_rows

Pixel = tuple[int, ...]
V3, V4, V5 = 56, 108, 124
BIT_FIELDS = 3
MASKS = struct.pack("<3I", 0xF00, 0xF0, 0xF)
QUADRANTS = (RED, GREEN, BLUE, YELLOW)

# The order of rows


@pytest.mark.parametrize("header", [40, 52, V3, V4, V5])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16, 24, 32])
def test_rows_are_read_from_the_bottom_up_and_from_the_top_down(bits: int, header: int) -> None:
    indexed = bits <= 8
    palette = bytes((*BLUE[::-1], 0, *YELLOW[::-1], 0)) if indexed else b""
    blue, yellow = (0, 1) if indexed else (0x1F, 0x7C00 | 0x3E0) if bits == 16 else (0xFF, 0xFFFF00)
    wanted = (BLUE, YELLOW) if indexed else ((0, 0, 255), (255, 255, 0))
    for height, first in ((2, yellow), (-2, blue)):
        rows = bmp_rows([first] * 3 + [blue + yellow - first] * 3, 3, bits)
        source = pictures.bmp((3, height), bits, rows, palette=palette, header=header)
        assert pixels_of(source) == [wanted[0]] * 3 + [wanted[1]] * 3


def test_masked_rows_are_read_from_the_top_down() -> None:
    rows = bmp_rows([0xF00] * 3 + [0xF] * 3, 3, 16)
    source = pictures.bmp((3, -2), 16, rows, compression=BIT_FIELDS, masks=struct.pack("<3I", 0xF00, 0xF0, 0xF))
    assert pixels_of(source) == [(255, 0, 0)] * 3 + [(0, 0, 255)] * 3


# Palettes


@pytest.mark.parametrize("size", [(4, 1), (5, 1), (7, 3), (16, 2)])
def test_two_bits_a_pixel_are_read(size: tuple[int, int]) -> None:
    indices = [(3 * at + at // 5) % 4 for at in range(size[0] * size[1])]
    source = pictures.bmp((size[0], -size[1]), 2, bmp_rows(indices, size[0], 2), palette=bmp_palette(*QUADRANTS))
    assert pixels_of(source) == [QUADRANTS[index] for index in indices]


@pytest.mark.parametrize("options", [BEST, Options(95, 20, 20)])
def test_a_picture_of_two_bits_a_pixel_is_stored(options: Options) -> None:
    indices = [2 * (y < 24) + (x >= 32) for y in range(48) for x in range(64)]
    source = pictures.bmp((64, 48), 2, bmp_rows(indices, 64, 2), palette=bmp_palette(BLUE, YELLOW, RED, GREEN))
    assert_corners(opened(convert(source, options)), BLUE, YELLOW, RED, GREEN)


@pytest.mark.parametrize("colours", [257, 300, 65_536, 100_000])
@pytest.mark.parametrize(("bits", "compression"), [(8, 0), (4, 0), (2, 0), (1, 0), (8, 1), (4, 2)])
def test_a_palette_of_too_many_colours_is_cut(bits: int, compression: int, colours: int) -> None:
    rows = (b"\4\1" if bits == 8 else b"\4\x11") + b"\0\1" if compression else bmp_rows([1] * 4, 4, bits)
    entries = bmp_palette(RED, GREEN) + bytes(4 * (colours - 2))
    source = pictures.bmp((4, 1), bits, rows, palette=entries, compression=compression)
    assert pixels_of(source) == [GREEN] * 4


@pytest.mark.parametrize(("bits", "compression"), [(8, 0), (4, 0), (2, 0), (1, 0), (8, 1), (4, 2)])
@pytest.mark.parametrize("colours", [((0, 0, 0), WHITE), (WHITE, (0, 0, 0)), ((0, 0, 0), (1, 1, 1)), (RED, GREEN)])
def test_a_palette_of_two_colours_is_read_at_every_depth(
    bits: int, compression: int, colours: tuple[Pixel, Pixel]
) -> None:
    runs = b"\2\0\2\1\0\1" if bits == 8 else b"\2\0\2\x11\0\1"
    rows = runs if compression else bmp_rows([0, 0, 1, 1], 4, bits)
    source = pictures.bmp((4, 1), bits, rows, palette=bmp_palette(*colours), compression=compression)
    assert pixels_of(source) == [colours[0]] * 2 + [colours[1]] * 2


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_greys_is_read_at_every_depth(bits: int) -> None:
    greys = [(index, index, index) for index in range(1 << bits)]
    indices = list(range(1 << bits))
    source = pictures.bmp((len(indices), 1), bits, bmp_rows(indices, len(indices), bits), palette=bmp_palette(*greys))
    assert pixels_of(source) == greys


def test_an_index_outside_the_palette_is_black() -> None:
    source = pictures.bmp((2, 1), 8, bmp_rows([1, 99], 2, 8), palette=bmp_palette(RED, GREEN))
    assert pixels_of(source) == [GREEN, (0, 0, 0)]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_that_the_offset_leaves_out_is_skipped(bits: int) -> None:
    source = bytearray(pictures.bmp((4, 1), bits, bmp_rows([1] * 4, 4, bits), palette=bmp_palette(RED, GREEN)))
    for offset in (0, 54):
        source[10:14] = offset.to_bytes(4, "little")
        assert pixels_of(bytes(source)) == [GREEN] * 4


def test_a_palette_that_is_longer_than_the_offset_leaves_room_for_ends_there() -> None:
    source = bytearray(pictures.bmp((2, 1), 8, bmp_rows([1, 2], 2, 8), palette=bmp_palette(RED, GREEN)))
    source[46:50] = bytes(4)  # 256 colours
    assert pixels_of(bytes(source)) == [GREEN, (0, 0, 0)]


# Headers of OS/2


@pytest.mark.parametrize("header", [16, 20, 24, 36, 42, 46, 48, 60, 64])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_short_header_of_os2_is_read(header: int, bits: int) -> None:
    colours = bmp_palette(RED, GREEN) + bytes(4 * ((1 << bits) - 2))
    source = pictures.bmp((4, 2), bits, bmp_rows([0, 0, 1, 1] * 2, 4, bits), palette=colours, header=header, colours=0)
    assert pixels_of(source) == ([RED] * 2 + [GREEN] * 2) * 2


@pytest.mark.parametrize("header", [12, 16, 64])
def test_a_header_of_os2_without_palette_is_read(header: int) -> None:
    source = pictures.bmp((4, 2), 24, bytes(BLUE[::-1]) * 8, header=header)
    assert pixels_of(source) == [BLUE] * 8


def test_the_palette_of_the_first_os2_has_entries_of_three_bytes() -> None:
    for bits in (1, 2, 4, 8):
        colours = bmp_palette(RED, GREEN, entry=3) + bytes(3 * ((1 << bits) - 2))
        source = pictures.bmp((4, 1), bits, bmp_rows([0, 0, 1, 1], 4, bits), palette=colours, header=12)
        assert pixels_of(source) == [RED] * 2 + [GREEN] * 2


@pytest.mark.parametrize("compression", [3, 4, 5, 6, 7])
def test_codings_of_os2_and_unknown_ones_are_corrupt(compression: int) -> None:
    for bits, header in ((1, 64), (24, 64), (32, 64), (24, 24)):
        with pytest.raises(errors.ImageCorrupt):
            convert(pictures.bmp((4, 2), bits, bytes(640), header=header, compression=compression))


@pytest.mark.parametrize("header", [0, 1, 13, 14, 15, 17, 41, 53, 65, 66, 68, 100, 128, 2**31])
def test_headers_of_other_lengths_are_of_another_format(header: int) -> None:
    source = bytearray(pictures.bmp((4, 2), 24, bytes(640)))
    source[14:18] = header.to_bytes(4, "little")
    with pytest.raises(errors.UnsupportedImage):
        convert(bytes(source))


# Profiles

ADOBE = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
SEEN = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
GREY_SEEN = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 1.0, (90, 90, 90))


def solid(colour: Pixel, profile: bytes, bits: int = 24) -> bytes:
    if bits == 8:
        rows, entries = bytes(64 * 64), bmp_palette(colour)
    else:
        rows, entries = bytes((*colour[::-1], 0))[: bits // 8] * 64 * 64, b""
    return pictures.bmp((64, 64), bits, rows, palette=entries, header=V5, profile=profile)


@pytest.mark.parametrize("options", [BEST, Options(95, 20, 20)])
@pytest.mark.parametrize("bits", [8, 24, 32])
def test_an_embedded_profile_is_converted_to_srgb(bits: int, options: Options) -> None:
    assert_colour(opened(convert(solid((170, 110, 90), ADOBE, bits), options)), (0.5, 0.5), SEEN)


def test_a_profile_holds_for_a_bmp_of_greys_too() -> None:
    linear = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 1.0)
    greys = bmp_palette(*((index, index, index) for index in range(256)))
    raster = pictures.bmp((64, 64), 8, b"\x5a" * 64 * 64, palette=greys, header=V5, profile=linear)
    runs = pictures.bmp((64, 1), 8, b"\x40\x5a\0\1", palette=greys, header=V5, profile=linear, compression=1)
    black = bmp_palette((0, 0, 0), WHITE)
    one_bit = pictures.bmp((64, 1), 1, b"\xff" * 8, palette=black, header=V5, profile=linear)
    assert GREY_SEEN[0] > 150
    for source, expected in ((raster, GREY_SEEN), (runs, GREY_SEEN), (one_bit, WHITE)):
        assert_colour(opened(convert(source)), (0.5, 0.5), expected)


def test_profiles_that_are_linked_damaged_or_in_an_older_header_are_ignored() -> None:
    whole = solid((170, 110, 90), ADOBE)
    linked = whole.replace(b"DEBM", b"KNIL")
    older = whole[:14] + (108).to_bytes(4, "little") + whole[18:]
    sources = [linked, older, solid((170, 110, 90), b"no profile"), solid((170, 110, 90), ADOBE[:300])]
    for offset, length in ((0, 0), (2**32 - 1, 2**32 - 1), (124, 2**32 - 1), (2**31, 500), (0, 4 << 20)):
        sources.append(whole[:126] + struct.pack("<II", offset, length) + whole[134:])
    for source in sources:
        assert_colour(opened(convert(source)), (0.5, 0.5), (170, 110, 90))


# Cut short, and hostile

KINDS: dict[str, Callable[[], bytes]] = {
    "2 bits": lambda: pictures.bmp((9, 4), 2, bmp_rows([1] * 36, 9, 2), palette=bmp_palette(*QUADRANTS)),
    "masks": lambda: pictures.bmp((5, 3), 16, bytes(36), compression=BIT_FIELDS, masks=MASKS, header=V3),
    "masks after a short header": lambda: pictures.bmp((5, 3), 32, bytes(60), compression=BIT_FIELDS, masks=MASKS),
    "OS/2": lambda: pictures.bmp((4, 2), 4, bmp_rows([1] * 8, 4, 4), palette=bytes(64), header=16),
    "profile": lambda: pictures.bmp((4, 2), 24, bytes(24), header=V5, profile=ADOBE),
    "runs": lambda: pictures.bmp(
        (4, 2), 8, b"\4\1\0\0\4\0\0\1", compression=1, palette=bmp_palette(*QUADRANTS), header=V5
    ),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_bmp_that_lacks_a_pixel_is_refused(kind: Callable[[], bytes]) -> None:
    whole = kind()
    shown = []
    for length in range(26, len(whole)):
        try:
            assert convert(whole[:length]).width == convert(whole).width
        except errors.ImageCorrupt:
            continue
        shown.append(len(whole) - length)
    # What fills up the last row, the end mark of runs, and the profile may be missing.
    assert shown == sorted(shown, reverse=True)
    assert max(shown, default=0) <= (len(ADOBE) if whole.endswith(ADOBE) else 3)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_changed_bytes_of_a_bmp_give_an_image_or_a_refusal(kind: Callable[[], bytes]) -> None:
    whole = kind()
    for at in range(2, min(len(whole), 140)):
        for value in (0, 1, 2, 16, 127, 128, 255):
            assert_refused_or_shown(whole[:at] + bytes([value]) + whole[at + 1 :])


@pytest.mark.parametrize("bits", [1, 2, 8, 16, 24, 32])
def test_a_bmp_of_few_bytes_allocates_no_picture(bits: int) -> None:
    for compression in (0, BIT_FIELDS):
        source = pictures.bmp((7000, 7000), bits, bytes(1000), header=V4, masks=MASKS, compression=compression)
        with in_time(0.5), pytest.raises(errors.ImageCorrupt):
            convert(source)
