"""Sixteen bits a channel are scaled to eight, and converted before."""

import pytest

from common.images.options import Options
from tests import pictures
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
