"""Code points of ITU-T H.273 (CICP): primaries and transfer functions, as an ICC profile.

PQ and HLG hold more light than sRGB. Their light is toned down as Chromium does for a display of sRGB: white is 203
nits (ITU-R BT.2408), the brightest light 1,000 nits, and each channel x becomes x * (1 + x / peak ** 2) / (1 + x),
both relative to white. Chromium scales a colour by its brightest channel instead. Greys come out the same; strong
colours come out paler here, because a profile of curves and columns knows no other channel.
"""

import math
from functools import cache

from common.images.primaries import Chromaticities, columns_under_d50
from common.images.profiles import SRGB_CURVE, gamma, make_rgb, power_above, sampled, xyz_tags

_D65, _ILLUMINANT_C = (0.3127, 0.329), (0.31, 0.316)
BT_709 = Chromaticities(_D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
_SMPTE_170M = Chromaticities(_D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07))

# H.273, table 2
_PRIMARIES = {
    1: BT_709,
    4: Chromaticities(_ILLUMINANT_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),  # BT.470 System M
    5: Chromaticities(_D65, (0.64, 0.33), (0.29, 0.6), (0.15, 0.06)),  # BT.470 System B, G
    6: _SMPTE_170M,
    7: _SMPTE_170M,  # SMPTE 240M
    8: Chromaticities(_ILLUMINANT_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),  # film
    9: Chromaticities(_D65, (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),  # BT.2020 and BT.2100
    10: Chromaticities((1 / 3, 1 / 3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),  # SMPTE ST 428-1: XYZ itself
    11: Chromaticities((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),  # SMPTE RP 431-2: DCI-P3
    12: Chromaticities(_D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),  # SMPTE EG 432-1: Display P3
    22: Chromaticities(_D65, (0.63, 0.34), (0.295, 0.605), (0.155, 0.077)),  # EBU Tech. 3213-E
}

_BT_709_A, _BT_709_B = 1.099296826809442, 0.018053968510807
_BT_709_CURVE = power_above(4.5 * _BT_709_B, 1 / 0.45, 1 / _BT_709_A, 1 - 1 / _BT_709_A, 1 / 4.5)
_SMPTE_240M_CURVE = power_above(4 * 0.0228, 1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4)
_SMPTE_428_CURVE = power_above(0.0, 2.6, (52.37 / 48) ** (1 / 2.6), 0.0, 0.0)

# H.273, table 3. The logarithmic curves and BT.1361, which browsers do not know either, are missing.
_PQ, _HLG = 16, 18
_CURVES = {
    1: _BT_709_CURVE,
    4: gamma(2.2),
    5: gamma(2.8),
    6: _BT_709_CURVE,
    7: _SMPTE_240M_CURVE,
    8: gamma(1.0),
    11: _BT_709_CURVE,  # IEC 61966-2-4 is the same from 0 to 1
    13: SRGB_CURVE,
    14: _BT_709_CURVE,  # BT.2020
    15: _BT_709_CURVE,
    17: _SMPTE_428_CURVE,
}

_WHITE_NITS, _PEAK_NITS, _PQ_NITS = 203, 1_000, 10_000
_SAMPLES = 4096  # of a curve that is no formula of ICC's


def profile_of(primaries: int, transfer: int) -> bytes:
    """Return the profile of RGB of full range with these code points; b"" if one of them is not known."""
    curve = _bright_curve(transfer) if transfer in (_PQ, _HLG) else _CURVES.get(transfer)
    columns = columns_under_d50(_PRIMARIES[primaries]) if primaries in _PRIMARIES else None
    return make_rgb(xyz_tags(columns), curve) if curve and columns else b""


@cache
def _bright_curve(transfer: int) -> bytes:
    """Return PQ's or HLG's curve, toned down to sRGB's range."""
    nits = _pq_nits if transfer == _PQ else _hlg_nits
    return sampled([_toned_down(nits(sample / (_SAMPLES - 1))) for sample in range(_SAMPLES)])


def _pq_nits(sample: float) -> float:
    """Return the light of a sample of SMPTE ST 2084."""
    root = sample ** (32 / 2523)
    share = max(0.0, root - 3424 / 4096) / (2413 / 128 - 2392 / 128 * root)
    return float(_PQ_NITS * share ** (16_384 / 2610))


def _hlg_nits(sample: float) -> float:
    """Return the light of a grey of ARIB STD-B67 on the display of 1,000 nits that BT.2100 refers to."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = sample**2 / 3 if sample <= 1 / 2 else (math.exp((sample - c) / a) + b) / 12
    return float(_PEAK_NITS * scene**1.2)


def _toned_down(nits: float) -> float:
    light, peak = min(nits, _PEAK_NITS) / _WHITE_NITS, _PEAK_NITS / _WHITE_NITS
    return light * (1 + light / peak**2) / (1 + light)
