"""What a PNG's chunks say of its colours is obeyed: cICP, iCCP, sRGB, then gAMA with cHRM."""

import struct

import pytest

from common.images.options import Options
from tests import icc_profiles, pictures
from tests.icc_profiles import level
from tests.image_assertions import BEST, assert_colour, assert_shown, convert, opened
from tests.pictures import SRGB_CHUNK, WHITE, chromaticities_chunk, cicp_chunk, flat_png, gamma_chunk, profile_chunk

Chunk = tuple[bytes, bytes]

LINEAR, NEUTRAL = gamma_chunk(1.0), gamma_chunk(0.45455)
SRGB_PRIMARIES = chromaticities_chunk(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_PRIMARIES = chromaticities_chunk(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
BOXES = (BEST, Options(95, 5, 5))


def is_left_alone(*chunks: Chunk, bits: int = 8) -> bool:
    samples = (90, 200, 60) if bits == 8 else (23_130, 51_400, 15_420)
    return convert(flat_png(bits, 2, samples, *chunks)) == convert(flat_png(bits, 2, samples))


# Every kind of PNG. A third of the largest sample is linear light of 1/3, which sRGB shows as 156.


@pytest.mark.parametrize("options", BOXES)
@pytest.mark.parametrize(
    ("bits", "colour_type", "samples"),
    [
        (2, 0, (1,)),
        (4, 0, (5,)),
        (8, 0, (85,)),
        (16, 0, (21_845,)),
        (8, 2, (85, 85, 85)),
        (16, 2, (21_845, 21_845, 21_845)),
        (1, 3, (85, 85, 85)),
        (2, 3, (85, 85, 85)),
        (4, 3, (85, 85, 85)),
        (8, 3, (85, 85, 85)),
        (8, 3, (85, 85, 85, 255)),
        (8, 4, (85, 255)),
        (16, 4, (21_845, 65_535)),
        (8, 6, (85, 85, 85, 255)),
        (16, 6, (21_845, 21_845, 21_845, 65_535)),
    ],
)
@pytest.mark.parametrize(
    "said",
    [LINEAR, cicp_chunk(1, 8), profile_chunk(icc_profiles.rgb(icc_profiles.SRGB, 1.0))],
    ids=lambda chunk: chunk[0],
)
def test_colours_are_converted_at_every_depth(
    bits: int, colour_type: int, samples: tuple[int, ...], said: Chunk, options: Options
) -> None:
    assert_shown(flat_png(bits, colour_type, samples, said), (level(1 / 3),) * 3, options)


def test_black_and_white_stay_black_and_white() -> None:
    assert_shown(flat_png(1, 0, (0,), LINEAR), (0, 0, 0))
    assert_shown(flat_png(1, 0, (1,), LINEAR), WHITE)


@pytest.mark.parametrize("options", BOXES)
@pytest.mark.parametrize(
    ("bits", "colour_type", "samples"),
    [
        (8, 3, (85, 85, 85, 128)),
        (8, 4, (85, 128)),
        (16, 4, (21_845, 32_896)),
        (8, 6, (85, 85, 85, 128)),
        (16, 6, (21_845, 21_845, 21_845, 32_896)),
    ],
)
def test_colours_are_converted_before_they_are_laid_on_white(
    bits: int, colour_type: int, samples: tuple[int, ...], options: Options
) -> None:
    mixed = round(level(1 / 3) * 128 / 255 + 127)
    assert_shown(flat_png(bits, colour_type, samples, LINEAR), (mixed,) * 3, options)


@pytest.mark.parametrize("options", [BEST, Options(95, 16, 4)])
@pytest.mark.parametrize(
    ("bits", "colour_type", "hidden", "shown"),
    [
        (1, 0, (1,), (0,)),
        (2, 0, (2,), (1,)),
        (4, 0, (6,), (5,)),
        (8, 0, (86,), (85,)),
        (16, 0, (21_846,), (21_845,)),
        (8, 2, (85, 85, 86), (85, 85, 85)),
        (16, 2, (21_845, 21_845, 21_846), (21_845, 21_845, 21_845)),
    ],
)
def test_the_one_transparent_colour_is_hidden_and_the_others_are_converted(
    bits: int, colour_type: int, hidden: tuple[int, ...], shown: tuple[int, ...], options: Options
) -> None:
    keyed = pictures.with_png_chunks(pictures.keyed_png(bits, colour_type, hidden, shown), pictures.png_chunk(*LINEAR))
    stored = opened(convert(keyed, options))
    assert_colour(stored, (0.2, 0.5), WHITE)
    assert_colour(stored, (0.9, 0.5), (0 if bits == 1 else level(1 / 3),) * 3)


# gAMA and cHRM


@pytest.mark.parametrize("gamma", [1.0, 0.55556, 0.7, 0.3, 0.25])
def test_gamma_says_how_bright_samples_are(gamma: float) -> None:
    for sample in (10, 64, 90, 200):
        expected = level((sample / 255) ** (1 / gamma))
        assert_shown(flat_png(8, 2, (sample,) * 3, gamma_chunk(gamma)), (expected,) * 3)


@pytest.mark.parametrize("gamma", [0.45455, 0.45454, 0.4545, 0.45, 0.47])
def test_a_gamma_that_stands_for_srgb_changes_nothing(gamma: float) -> None:
    for bits in (8, 16):
        assert is_left_alone(gamma_chunk(gamma), bits=bits)
        assert is_left_alone(gamma_chunk(gamma), SRGB_PRIMARIES, bits=bits)


def test_primaries_are_converted() -> None:
    light = tuple((sample / 255) ** 2.2 for sample in (170, 110, 90))
    expected = icc_profiles.of_light(icc_profiles.P3_TO_SRGB, light)
    assert_shown(flat_png(8, 2, (170, 110, 90), NEUTRAL, P3_PRIMARIES), expected)
    assert_shown(flat_png(8, 2, (170, 110, 90), P3_PRIMARIES, NEUTRAL), expected)


def test_a_grey_stays_grey_whatever_its_white() -> None:
    warm = chromaticities_chunk(0.44757, 0.40745, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
    assert_shown(flat_png(8, 2, (64, 64, 64), LINEAR, warm), (level(64 / 255),) * 3)


def test_primaries_without_a_gamma_are_ignored_as_browsers_do() -> None:
    assert is_left_alone(P3_PRIMARIES)


NO_PRIMARIES = {
    "all zero": (0,) * 8,
    "on one line": (0.3127, 0.329, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3),
    "outside the diagram": (0.3127, 0.329, 20_000, 0.33, 0.3, 0.6, 0.15, 0.06),
    "white without light": (0.3127, 0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    "nearly on one line": (0.3127, 0.329, 0.1, 0.1, 0.2, 0.20001, 0.3, 0.3),
}


@pytest.mark.parametrize("values", NO_PRIMARIES.values(), ids=NO_PRIMARIES)
def test_primaries_that_no_display_can_have_are_ignored(values: tuple[float, ...]) -> None:
    assert is_left_alone(NEUTRAL, chromaticities_chunk(*values))


@pytest.mark.parametrize("data", [b"", b"\0", struct.pack(">I", 0), struct.pack(">I", 2**32 - 1), bytes(40)])
def test_a_gamma_that_makes_no_sense_is_ignored(data: bytes) -> None:
    assert is_left_alone((b"gAMA", data))


# Which one counts

ADOBE = profile_chunk(icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2))
ADOBE_SEEN = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((cicp_chunk(1, 13), ADOBE, SRGB_CHUNK, LINEAR, P3_PRIMARIES), (170, 110, 90)),
        ((ADOBE, SRGB_CHUNK, LINEAR, P3_PRIMARIES), ADOBE_SEEN),
        ((LINEAR, P3_PRIMARIES, ADOBE), ADOBE_SEEN),
        ((SRGB_CHUNK, LINEAR, P3_PRIMARIES), (170, 110, 90)),
        ((LINEAR, SRGB_CHUNK), (170, 110, 90)),
        (((b"iCCP", b"icc\0\0no zlib"), SRGB_CHUNK, LINEAR), (170, 110, 90)),
        (((b"iCCP", b"icc\0\0no zlib"), LINEAR), tuple(level(sample / 255) for sample in (170, 110, 90))),
    ],
    ids=["cICP", "iCCP", "iCCP last", "sRGB", "sRGB last", "damaged iCCP, sRGB", "damaged iCCP, gAMA"],
)
def test_the_first_of_cicp_iccp_srgb_and_gamma_counts(chunks: tuple[Chunk, ...], expected: tuple[int, ...]) -> None:
    assert_shown(flat_png(8, 2, (170, 110, 90), *chunks), expected)


@pytest.mark.parametrize("chunk", [cicp_chunk(12, 13), ADOBE, LINEAR])
def test_a_colour_chunk_with_a_wrong_checksum_does_not_count(chunk: Chunk) -> None:
    picture = flat_png(8, 2, (170, 110, 90))
    assert convert(pictures.with_png_chunks(picture, pictures.png_chunk(*chunk, sound=False))) == convert(picture)


@pytest.mark.parametrize("chunk", [cicp_chunk(12, 13), ADOBE, LINEAR, SRGB_CHUNK])
@pytest.mark.parametrize("before", [b"IEND", b"IDAT"])
def test_a_colour_chunk_after_the_palette_or_the_pixels_does_not_count(chunk: Chunk, before: bytes) -> None:
    said = () if chunk != SRGB_CHUNK else (LINEAR,)
    picture = flat_png(8, 3, (170, 110, 90), *said)
    at = picture.index(before) - 4
    assert convert(picture[:at] + pictures.png_chunk(*chunk) + picture[at:]) == convert(picture)
