"""What the chunks of a PNG say of its colours (PNG, third edition, 4.3), as an ICC profile."""

import struct
import zlib
from collections.abc import Mapping

from common.images import cicp
from common.images.containers.parts import MAX_PROFILE_BYTES
from common.images.primaries import Chromaticities, columns_under_d50
from common.images.profiles import gamma, make_rgb, xyz_tags

KINDS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")

_CICP, _CHRM, _GAMMA_BYTES = struct.Struct(">4B"), struct.Struct(">8I"), 4
_FULL_RANGE_RGB = [0, 1]  # cICP's other values are for YCbCr and for a range that browsers do not know

_UNIT = 100_000  # of gAMA and cHRM
_GAMMAS = range(16, 625_000_001)  # libpng refuses others
_SRGB_GAMMA = 1 / 2.2
_GAMMA_SLACK = 0.05  # libpng and Chromium change no pixels if gAMA is that close to sRGB's
_CHROMATICITY_SLACK = 0.002  # programs round sRGB's chromaticities to two or three digits


def profile_of(told: Mapping[bytes, bytes]) -> bytes:
    """Return the ICC profile of the pixels; b"" if they are sRGB, or nothing is known of them.

    `told` has the data of each kind of KINDS, b"" if the PNG has no sound chunk of that kind.
    """
    profile = _from_cicp(told[b"cICP"]) or _from_iccp(told[b"iCCP"])
    if profile or len(told[b"sRGB"]) == 1:
        return profile
    return _from_gamma(told[b"gAMA"], told[b"cHRM"])


def _from_cicp(data: bytes) -> bytes:
    if len(data) != _CICP.size:
        return b""
    primaries, transfer, *kind = _CICP.unpack(data)
    return cicp.profile_of(primaries, transfer) if kind == _FULL_RANGE_RGB else b""


def _from_iccp(data: bytes) -> bytes:
    """Return the profile; b"" if it is damaged or huge."""
    _, _, packed = data.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if inflater.eof else b""


def _from_gamma(gamma_data: bytes, primaries_data: bytes) -> bytes:
    """Return the profile of gAMA and cHRM; b"" if gAMA is missing, as browsers ignore cHRM then.

    The profile is b"" too if both are close to sRGB's: this is how many programs say sRGB. The curve of sRGB is meant
    then, not the power that gAMA names.
    """
    if len(gamma_data) != _GAMMA_BYTES or int.from_bytes(gamma_data) not in _GAMMAS:
        return b""
    power = int.from_bytes(gamma_data) / _UNIT
    primaries = _read_chromaticities(primaries_data) if len(primaries_data) == _CHRM.size else cicp.BT_709
    if _is_srgb(primaries) and abs(power / _SRGB_GAMMA - 1) < _GAMMA_SLACK:
        return b""
    columns = columns_under_d50(primaries)
    return make_rgb(xyz_tags(columns), gamma(1 / power)) if columns else b""


def _read_chromaticities(data: bytes) -> Chromaticities:
    values = [value / _UNIT for value in _CHRM.unpack(data)]
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    return Chromaticities(white, red, green, blue)


def _is_srgb(primaries: Chromaticities) -> bool:
    pairs = zip(primaries.values(), cicp.BT_709.values(), strict=True)
    return all(abs(value - srgb) <= _CHROMATICITY_SLACK for value, srgb in pairs)
