"""BMP whose pixels are cut out of 16, 24 or 32 bits by masks, with and without alpha."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.images.options import Options
from tests import pictures
from tests.image_assertions import BEST, assert_colour, assert_refused_or_shown, convert, in_time, opened, pixels_of
from tests.pictures import BLUE, HIDDEN, WHITE, bmp_rows

Masks = tuple[int, int, int, int]
Pixel = tuple[int, ...]
V3, V4, V5 = 56, 108, 124
BIT_FIELDS, ALPHA_BIT_FIELDS = 3, 6


def masked(bits: int, masks: Masks, pixels: list[int], *, header: int = V4, compression: int = BIT_FIELDS) -> bytes:
    """Return a BMP of 5 x 3 whose masks are told in the way that its header has."""
    told = struct.pack("<4I", *masks)[: 16 if header >= V3 or compression == ALPHA_BIT_FIELDS else 12]
    rows = bmp_rows(pixels, 5, bits)
    return pictures.bmp((5, 3), bits, rows, compression=compression, masks=told, header=header)


def level(pixel: int, mask: int) -> int:
    """Return what a mask cuts out, as 0 to 255, by rational arithmetic."""
    if not mask:
        return 0
    digits = f"{pixel & mask:032b}"[32 - mask.bit_length() : 32 - (mask & -mask).bit_length() + 1][:8]
    return int(int(digits, 2) * 255 / (2 ** len(digits) - 1) + 0.5)


def upside_down(pixels: list[int]) -> list[int]:
    return [pixel for at in (10, 5, 0) for pixel in pixels[at : at + 5]]


# Bit masks

LAYOUTS: dict[str, tuple[int, Masks]] = {
    "RGBX": (32, (0xFF, 0xFF00, 0xFF0000, 0)),
    "RGBA": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "BGRA": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "BGRX": (32, (0xFF0000, 0xFF00, 0xFF, 0)),
    "ABGR": (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    "ARGB": (32, (0xFF00, 0xFF0000, 0xFF000000, 0xFF)),
    "GRXB": (32, (0xFF00, 0xFF, 0xFF000000, 0)),
    "alpha in the middle": (32, (0xFF, 0xFF000000, 0xFF0000, 0xFF00)),
    "shifted": (32, (0x0FF00000, 0x000FF000, 0x00000FF0, 0)),
    "10-10-10": (32, (0x3FF, 0xFFC00, 0x3FF00000, 0)),
    "2-10-10-10": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    "11-11-10": (32, (0xFFE00000, 0x1FFC00, 0x3FF, 0)),
    "7-18-7": (32, (0xFE000000, 0x1FFFF80, 0x7F, 0)),
    "one bit each": (32, (1 << 31, 1 << 16, 1 << 15, 1)),
    "no blue": (32, (0xFFFF0000, 0xFFFF, 0, 0)),
    "RGB": (24, (0xFF, 0xFF00, 0xFF0000, 0)),
    "BGR": (24, (0xFF0000, 0xFF00, 0xFF, 0)),
    "6-6-6-6": (24, (0xFC0000, 0x3F000, 0xFC0, 0x3F)),
    "8-8-7 over bytes": (24, (0x7F8000, 0x7F80, 0x7F, 0)),
    "5-5-5": (16, (0x7C00, 0x3E0, 0x1F, 0)),
    "1-5-5-5": (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    "5-5-5-1": (16, (0xF800, 0x7C0, 0x3E, 1)),
    "5-6-5": (16, (0xF800, 0x7E0, 0x1F, 0)),
    "5-6-5 from blue": (16, (0x1F, 0x7E0, 0xF800, 0)),
    "4-4-4": (16, (0xF00, 0xF0, 0xF, 0)),
    "4-4-4-4": (16, (0xF00, 0xF0, 0xF, 0xF000)),
    "2-3-1": (16, (0x30, 0xE, 1, 0)),
    "3-10-3": (16, (0xE000, 0x1FF8, 7, 0)),
    "8-8-0": (16, (0xFF00, 0xFF, 0, 0)),
    "16-0-0": (16, (0xFFFF, 0, 0, 0)),
}


@pytest.mark.parametrize(("bits", "masks"), LAYOUTS.values(), ids=LAYOUTS)
def test_any_masks_in_any_header_cut_out_their_colours(bits: int, masks: Masks) -> None:
    chance = random.Random(bits)
    pixels = [chance.getrandbits(bits) for _ in range(13)] + [0, (1 << bits) - 1]
    expected = [tuple(level(pixel, mask) for mask in masks) for pixel in upside_down(pixels)]
    for header, compression in ((V3, BIT_FIELDS), (V4, BIT_FIELDS), (V5, BIT_FIELDS), (40, ALPHA_BIT_FIELDS)):
        seen = pixels_of(masked(bits, masks, pixels, header=header, compression=compression), "RGBA")
        wanted = expected if masks[3] else [(*pixel[:3], 255) for pixel in expected]
        assert_levels(bits, masks, seen, wanted)
    for header in (40, 52):  # they tell no alpha
        seen = pixels_of(masked(bits, masks, pixels, header=header))
        assert_levels(bits, masks, seen, [pixel[:3] for pixel in expected])


CUT_BY_PILLOW = {(16, (0x7C00, 0x3E0, 0x1F)), (16, (0xF800, 0x7E0, 0x1F))}  # it does not round, and stays one level off


def assert_levels(bits: int, masks: Masks, seen: list[Pixel], expected: list[Pixel]) -> None:
    tolerance = 1 if (bits, masks[:3]) in CUT_BY_PILLOW else 0
    assert len(seen) == len(expected)
    for pixel, wanted in zip(seen, expected, strict=True):
        assert max(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) <= tolerance, (pixel, wanted)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[int, Masks]:
    """Return the bits of a pixel, and four masks anywhere in it that may have any width and be left out."""
    bits = draw(st.sampled_from((16, 24, 32)))
    edges = sorted(draw(st.lists(st.integers(0, bits), min_size=8, max_size=8)))
    fields = [((1 << end - start) - 1) << start for start, end in zip(edges[::2], edges[1::2], strict=True)]
    red, green, blue, alpha = draw(st.permutations(fields))
    return bits, (red, green, blue, alpha)


@given(layout=layouts(), seed=st.integers(0, 2**32))
def test_every_layout_is_read_or_refused_if_it_has_no_colours(layout: tuple[int, Masks], seed: int) -> None:
    bits, masks = layout
    chance = random.Random(seed)
    pixels = [chance.getrandbits(bits) for _ in range(15)]
    source = masked(bits, masks, pixels)
    if not any(masks[:3]):
        if bits != 32 or masks[3]:
            with pytest.raises(errors.ImageCorrupt):
                convert(source)
        return
    expected = [tuple(level(pixel, mask) for mask in masks) for pixel in upside_down(pixels)]
    if not any(alpha for *_, alpha in expected):  # an alpha that is zero everywhere is none
        expected = [(*pixel[:3], 255) for pixel in expected]
    assert_levels(bits, masks, pixels_of(source, "RGBA"), expected)


def test_masks_of_bits_that_a_pixel_does_not_have_are_ignored() -> None:
    for bits, masks in ((24, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), (16, (0x7C00, 0x3E0, 0x1F, 0xFF000000))):
        source = masked(bits, masks, [0] * 15)
        assert pixels_of(source) == [(0, 0, 0)] * 15
        assert pixels_of(source, "RGBA") == [(0, 0, 0, 255)] * 15


@pytest.mark.parametrize("header", [V3, V4, V5])
def test_masks_that_are_all_zero_are_the_usual_ones(header: int) -> None:
    pixels = [0x80_DC_1E_1E] * 15  # alpha, red, green, blue
    assert pixels_of(masked(32, (0, 0, 0, 0), pixels, header=header), "RGBA") == [(220, 30, 30, 128)] * 15


BAD_MASKS = {
    "not contiguous": (32, (0xFF00FF00, 0xFF0000, 0xFF, 0)),
    "not contiguous alpha": (32, (0xFF0000, 0xFF00, 0xFF, 0x81000000)),
    "overlapping": (32, (0xFF0000, 0xFFFF00, 0xFF, 0)),
    "overlapping alpha": (16, (0xF00, 0xF0, 0xF, 0xFF00)),
    "all the same": (16, (0xFF, 0xFF, 0xFF, 0)),
    "no colours": (16, (0, 0, 0, 0xFF)),
    "none": (24, (0, 0, 0, 0)),
}


@pytest.mark.parametrize(("bits", "masks"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_masks_that_make_no_sense_are_corrupt(bits: int, masks: Masks) -> None:
    with pytest.raises(errors.ImageCorrupt):
        convert(masked(bits, masks, [0] * 15))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_with_masks_is_corrupt(bits: int) -> None:
    with pytest.raises(errors.ImageCorrupt):
        convert(pictures.bmp((8, 8), bits, bytes(64), compression=BIT_FIELDS, masks=bytes(12), palette=bytes(8)))


# Alpha


@pytest.mark.parametrize("options", [BEST, Options(95, 32, 32)])
@pytest.mark.parametrize(
    ("bits", "masks", "hidden", "shown"),
    [
        (16, (0x7C00, 0x3E0, 0x1F, 0x8000), 0x7C1F, 0x801F),
        (16, (0xF00, 0xF0, 0xF, 0xF000), 0x0F0F, 0xF00F),
        (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000), 0x3FF003FF, 0xC00003FF),
        (32, (0xFF00, 0xFF0000, 0xFF000000, 0xFF), 0xFF00FF00, 0xFF0000FF),
    ],
    ids=["1-5-5-5", "4-4-4-4", "2-10-10-10", "ARGB"],
)
def test_what_alpha_hides_is_white(bits: int, masks: Masks, hidden: int, shown: int, options: Options) -> None:
    rows = bmp_rows(([hidden] * 32 + [shown] * 32) * 64, 64, bits)
    told = struct.pack("<4I", *masks)
    source = pictures.bmp((64, 64), bits, rows, compression=BIT_FIELDS, masks=told, header=V5)
    stored = opened(convert(source, options))
    assert_colour(stored, (0.2, 0.5), WHITE)
    assert_colour(stored, (0.8, 0.5), (0, 0, 255))


def test_an_alpha_of_few_bits_is_scaled() -> None:
    masks = (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)
    pixels = [alpha << 30 for alpha in (0, 1, 2, 3, 0)] * 3
    assert [pixel[3] for pixel in pixels_of(masked(32, masks, pixels), "RGBA")[:5]] == [0, 85, 170, 255, 0]


@pytest.mark.parametrize(
    ("bits", "masks", "pixel"),
    [
        (16, (0x7C00, 0x3E0, 0x1F, 0x8000), 0x1F),
        (16, (0xF00, 0xF0, 0xF, 0xF000), 0xF),
        (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000), 0x3FF),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000), 0xFF0000),
    ],
)
def test_an_alpha_that_is_zero_everywhere_is_none(bits: int, masks: Masks, pixel: int) -> None:
    assert pixels_of(masked(bits, masks, [pixel] * 15), "RGBA") == [(0, 0, 255, 255)] * 15


def test_the_fourth_byte_without_masks_is_no_alpha() -> None:
    assert pixels_of(pictures.bmp((2, 1), 32, bytes((*BLUE[::-1], 7)) * 2), "RGBA") == [(*BLUE, 255)] * 2


def test_hidden_colours_of_a_masked_bmp_do_not_bleed_into_a_box() -> None:
    magenta = HIDDEN[0] << 16 | HIDDEN[2]
    rows = bmp_rows(([magenta] * 320 + [0xFF0000FF] * 320) * 320, 640, 32)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    source = pictures.bmp((640, 320), 32, rows, header=V5, masks=masks, compression=BIT_FIELDS)
    assert_colour(opened(convert(source, Options(95, 64, 32))), (0.4, 0.5), WHITE)


# Cut short, and hostile


@pytest.mark.parametrize(("bits", "size"), [(16, (3200, 3200)), (24, (2600, 2600)), (32, (2200, 2300))])
def test_masks_are_cut_out_in_time(bits: int, size: tuple[int, int]) -> None:
    stride = (size[0] * bits + 31) // 32 * 4
    rows = random.Random(bits).randbytes(4096) * (stride * size[1] // 4096 + 1)
    masks = struct.pack("<4I", 0x7 << 6, 0x1F << 9, 0x1F << 1, 1)
    source = pictures.bmp(size, bits, rows, header=V4, masks=masks, compression=BIT_FIELDS)
    with in_time():
        assert convert(source, Options(80, 100, 100)).width <= 100


@pytest.mark.parametrize("name", ["4-4-4-4", "6-6-6-6", "2-10-10-10"])
def test_changed_bytes_of_masks_give_an_image_or_a_refusal(name: str) -> None:
    bits, masks = LAYOUTS[name]
    for header in (40, V5):
        whole = masked(bits, masks, [0x1234] * 15, header=header)
        for at in range(2, 90):
            for value in (0, 1, 127, 128, 255):
                assert_refused_or_shown(whole[:at] + bytes([value]) + whole[at + 1 :])
