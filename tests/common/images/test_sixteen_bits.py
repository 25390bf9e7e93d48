"""Sixteen bits a channel are scaled to eight, and converted before."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from common.images.options import Options
from tests import icc_profiles, pictures
from tests.icc_profiles import level
from tests.image_assertions import BEST, assert_colour, convert, opened
from tests.pictures import WHITE


@pytest.mark.parametrize("options", [BEST, Options(95, 4, 4)])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(options: Options) -> None:
    stored = opened(convert(pictures.deep_png(0, [16_384] * 32, 32), options))
    assert_colour(stored, (0.5, 0.5), (64, 64, 64))
    stored = opened(convert(pictures.deep_png(0, [49_152] * 32, 32), options))
    assert_colour(stored, (0.5, 0.5), (192, 192, 192))


@pytest.mark.parametrize(
    ("colour_type", "pixel", "expected"),
    [
        (2, (51_400, 25_700, 12_850), (200, 100, 50)),
        (6, (51_400, 25_700, 12_850, 65_535), (200, 100, 50)),
        (6, (51_400, 25_700, 12_850, 0), WHITE),
        (4, (25_700, 65_535), (100, 100, 100)),
        (4, (25_700, 0), WHITE),
    ],
)
def test_sixteen_bit_colour_and_alpha_are_scaled(
    colour_type: int, pixel: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    for options in (BEST, Options(95, 4, 4)):
        stored = opened(convert(pictures.deep_png(colour_type, pixel * 32, 32), options))
        assert_colour(stored, (0.5, 0.5), expected)


# In linear light, the darkest twentieth has 13 levels of 8 bits and 3,277 of 16, which sRGB shows in 64.
RAMP = [round(65_535 * 0.05 * x / 511) for x in range(512)]
LINEAR_PROFILES = {
    "RGB": icc_profiles.rgb(icc_profiles.SRGB, 1.0),
    "wide RGB": icc_profiles.rgb(icc_profiles.DISPLAY_P3, 1.0),
    "grey": icc_profiles.grey(1.0),
}


def linear_ramp(colour_type: int, *chunks: tuple[bytes, bytes], alpha: int = 65_535) -> bytes:
    pixel: Callable[[int], tuple[int, ...]] = {
        0: lambda value: (value,),
        2: lambda value: (value,) * 3,
        4: lambda value: (value, alpha),
        6: lambda value: (value, value, value, alpha),
    }[colour_type]
    source = pictures.deep_png(colour_type, (sample for value in RAMP for sample in pixel(value)), len(RAMP))
    return pictures.with_png_chunks(source, *(pictures.png_chunk(*chunk) for chunk in chunks))


def greens(source: bytes) -> list[int]:
    stored = opened(convert(source))
    return [stored.getpixel((x, 4))[1] for x in range(stored.width)]  # type: ignore[index] # RGB


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
@pytest.mark.parametrize(
    "said",
    [
        pictures.profile_chunk(LINEAR_PROFILES["RGB"]),
        pictures.profile_chunk(LINEAR_PROFILES["wide RGB"]),
        pictures.gamma_chunk(1.0),
        pictures.cicp_chunk(9, 8),
    ],
    ids=["iCCP", "wide iCCP", "gAMA", "cICP"],
)
def test_sixteen_bits_of_linear_light_do_not_fall_into_bands(colour_type: int, said: tuple[bytes, bytes]) -> None:
    assert_smooth(greens(linear_ramp(colour_type, said)))


@pytest.mark.parametrize("colour_type", [0, 4])
def test_sixteen_bits_of_linear_grey_do_not_fall_into_bands(colour_type: int) -> None:
    assert_smooth(greens(linear_ramp(colour_type, pictures.profile_chunk(LINEAR_PROFILES["grey"]))))


def assert_smooth(levels: list[int]) -> None:
    assert all(abs(seen - level(value / 65_535)) <= 2 for seen, value in zip(levels, RAMP, strict=True))
    assert max(abs(later - earlier) for earlier, later in pairwise(levels)) <= 2
    assert len(set(levels)) > 50


def test_sixteen_bits_are_converted_before_they_are_laid_on_white() -> None:
    for colour_type in (4, 6):
        levels = greens(linear_ramp(colour_type, pictures.gamma_chunk(1.0), alpha=32_896))
        expected = [(level(value / 65_535) * 128 + 255 * 127) / 255 for value in RAMP]
        assert all(abs(seen - wanted) <= 2 for seen, wanted in zip(levels, expected, strict=True))


def test_each_channel_of_sixteen_bits_has_its_own_curve() -> None:
    curves = (icc_profiles.sampled_curve(lambda value: value), icc_profiles.parametric_srgb_curve())
    profile = icc_profiles.rgb_of_curves(icc_profiles.SRGB, (curves[0], curves[1], curves[0]))
    source = pictures.deep_png(2, (25_700, 25_700, 2_570) * 16, 16)
    source = pictures.with_png_chunks(source, pictures.png_chunk(*pictures.profile_chunk(profile)))
    assert_colour(opened(convert(source)), (0.5, 0.5), (level(100 / 255), 100, level(10 / 255)), tolerance=3)


def test_sixteen_bits_with_a_profile_that_is_a_table_are_converted() -> None:
    table = pictures.png_chunk(*pictures.profile_chunk(icc_profiles.rgb_table_that_swaps_red_and_green()))
    for colour_type, pixel in ((2, (65_535, 0, 0)), (6, (65_535, 0, 0, 65_535))):
        source = pictures.with_png_chunks(pictures.deep_png(colour_type, pixel * 16, 16), table)
        assert_colour(opened(convert(source)), (0.5, 0.5), (0, 255, 0), tolerance=16)


@pytest.mark.parametrize("size", [(3000, 1500), (1, 4_500_000), (4_500_000, 1)])
def test_a_large_picture_of_sixteen_bits_is_the_same_all_over(size: tuple[int, int]) -> None:
    row = b"\x19\x99\x0c\xcc\x02\x8f" * size[0]
    large = pictures.png(size, 16, 2, [row + (b"\0" + row) * (size[1] - 1)], [pictures.gamma_chunk(1.0)])
    stored = opened(convert(large, Options(95, 100, 100)))
    for place in ((0.01, 0.01), (0.5, 0.5), (0.99, 0.99)):
        assert_colour(stored, place, (level(0.1), level(0.05), level(0.01)), tolerance=2)
