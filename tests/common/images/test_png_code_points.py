"""What a PNG's cICP says of its colours is obeyed: the code points of ITU-T H.273, PQ and HLG among them."""

import math
from collections.abc import Callable

import pytest

from tests.icc_profiles import BT_2020_TO_SRGB, P3_TO_SRGB, level, light_of_srgb, of_light
from tests.image_assertions import assert_shown
from tests.pictures import cicp_chunk, flat_png, gamma_chunk


def test_display_p3_is_converted() -> None:
    light = tuple(light_of_srgb(sample / 255) for sample in (200, 120, 90))
    assert_shown(flat_png(8, 2, (200, 120, 90), cicp_chunk(12, 13)), of_light(P3_TO_SRGB, light))


def test_bt_2020_is_converted() -> None:
    light = tuple(bt_709(sample / 255) for sample in (150, 120, 90))
    assert_shown(flat_png(8, 2, (150, 120, 90), cicp_chunk(9, 14)), of_light(BT_2020_TO_SRGB, light))


def bt_709(sample: float) -> float:
    return float(sample / 4.5 if sample < 0.081 else ((sample + 0.099) / 1.099) ** (1 / 0.45))


def smpte_240m(sample: float) -> float:
    return float(sample / 4 if sample < 0.0913 else ((sample + 0.1115) / 1.1115) ** (1 / 0.45))


def pq(sample: float) -> float:
    """Return the light of BT.2100's PQ, toned down."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = sample ** (1 / m2)
    return toned_down(10_000 * (max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1))


def hlg(sample: float) -> float:
    """Return the light of a grey of BT.2100's HLG on a display of 1,000 nits, toned down."""
    scene = sample**2 / 3 if sample <= 0.5 else (math.exp((sample - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return toned_down(1_000 * scene**1.2)


def toned_down(nits: float) -> float:
    """Return what Chromium shows of a grey whose picture may have 1,000 nits, on a display whose white has 203."""
    light, brightest = min(nits, 1_000) / 203, 1_000 / 203
    return light * (1 + light / brightest**2) / (1 + light)


TRANSFERS: dict[int, Callable[[float], float]] = {
    1: bt_709,
    4: lambda sample: sample**2.2,
    5: lambda sample: sample**2.8,
    6: bt_709,
    7: smpte_240m,
    8: lambda sample: sample,
    11: bt_709,
    13: light_of_srgb,
    14: bt_709,
    15: bt_709,
    16: pq,
    17: lambda sample: 52.37 / 48 * sample**2.6,
    18: hlg,
}


@pytest.mark.parametrize(("transfer", "light"), TRANSFERS.items())
def test_a_grey_of_each_transfer_function_is_converted(transfer: int, light: Callable[[float], float]) -> None:
    for sample in (5, 51, 128, 204, 255):
        expected = (level(light(sample / 255)),) * 3
        assert_shown(flat_png(8, 2, (sample,) * 3, cicp_chunk(9, transfer)), expected)


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22])
def test_a_grey_stays_grey_under_all_primaries(primaries: int) -> None:
    assert_shown(flat_png(8, 2, (64, 64, 64), cicp_chunk(primaries, 8)), (level(64 / 255),) * 3)


@pytest.mark.parametrize(
    "chunk",
    [
        cicp_chunk(2, 13),
        cicp_chunk(9, 2),
        cicp_chunk(9, 9),
        cicp_chunk(12, 13, 1),
        cicp_chunk(12, 13, 0, 0),
        (b"cICP", b""),
    ],
)
def test_code_points_that_browsers_do_not_know_are_passed_over(chunk: tuple[bytes, bytes]) -> None:
    assert_shown(flat_png(8, 2, (64, 64, 64), chunk), (64, 64, 64))
    assert_shown(flat_png(8, 2, (64, 64, 64), chunk, gamma_chunk(1.0)), (level(64 / 255),) * 3)
