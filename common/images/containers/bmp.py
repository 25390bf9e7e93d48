"""BMP: a header, a palette, rows of pixels, of Windows and of OS/2 from its first version on."""

import struct
from typing import NamedTuple

from common.errors import ImageTooComplex
from common.images.containers.parts import MAX_PROFILE_BYTES, Masks, Parts, Raster, corrupt

# A header of OS/2 2 may break off after any of its fields. What it leaves out is zero.
_OS2_SIZE, _OS2_2_SIZES = 12, frozenset((*range(16, 68, 4), 42, 46)) - {40, 52, 56}
_INFO_SIZE, _ALPHA_SIZE, _V5_SIZE = 40, 56, 124
HEADER_SIZES = _OS2_2_SIZES | {_OS2_SIZE, _INFO_SIZE, 52, _ALPHA_SIZE, 108, _V5_SIZE}
MAX_RLE_WORK = 20_000_000  # pixels and bytes; Pillow decodes RLE in Python, about 8 million a second

_FILE_HEADER_BYTES, _MASKS_OFFSET = 14, 54  # in the file: in a header or just after the short one
_PLAIN, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
_RLE_BITS = {1: 8, 2: 4}  # by compression
_PALETTE_BITS, _MASK_BITS = frozenset((1, 2, 4, 8)), frozenset((16, 24, 32))
_USUAL_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 24: (0xFF0000, 0xFF00, 0xFF, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_MASKS_IF_ALL_ARE_ZERO = {32: (0xFF0000, 0xFF00, 0xFF, 0xFF000000)}


class _Header(NamedTuple):
    size: int  # bytes
    width: int
    height: int  # negative: stored from the top down
    bits: int  # a pixel
    compression: int
    colours: int  # in the palette, 0 for all


def read(source: bytes) -> Parts:
    """Return the parts of a BMP. Raises ImageCorrupt, struct.error or ImageTooComplex."""
    header = _read_header(source)
    size, profile = (header.width, abs(header.height)), _profile(source, header)
    if header.compression in _RLE_BITS:
        return Parts("BMP", *size, _run_lengths(source, header), profile=profile)
    if header.bits in _PALETTE_BITS and header.compression == _PLAIN:
        palette, start = _palette(source, header)
        raster = Raster(start, header.bits, header.height < 0, palette=palette)
    else:
        masks, start = _masks(source, header)
        raster = Raster(start, header.bits, header.height < 0, masks=masks)
    return Parts("BMP", *size, source, profile=profile, raster=raster)


def _read_header(source: bytes) -> _Header:
    (size,) = struct.unpack_from("<I", source, _FILE_HEADER_BYTES)
    if len(source) < _FILE_HEADER_BYTES + size:
        raise corrupt("BMP")
    if size == _OS2_SIZE:
        width, height, _, bits = struct.unpack_from("<HHHH", source, 18)
        return _Header(size, width, height, bits, _PLAIN, 0)
    fields = source[18 : _FILE_HEADER_BYTES + size].ljust(_INFO_SIZE, b"\0")
    width, height, _, bits, compression, _, _, _, colours = struct.unpack_from("<iiHHIIiiI", fields)
    if size in _OS2_2_SIZES and compression not in (_PLAIN, *_RLE_BITS):
        raise corrupt("BMP")  # the numbers mean other codings there
    return _Header(size, width, height, bits, compression, colours)


def _palette(source: bytes, header: _Header) -> tuple[bytes, int]:
    """Return the palette as red, green and blue, and where the pixels start."""
    entry = 3 if header.size == _OS2_SIZE else 4
    start = _FILE_HEADER_BYTES + header.size
    end = start + entry * (header.colours or 1 << header.bits)
    (pixels,) = struct.unpack_from("<I", source, 10)
    if pixels in (0, start):  # some programs forget the palette here
        pixels = end
    limit = pixels if pixels > start else len(source)
    stored = source[start : min(end, limit, start + (entry << header.bits))]
    return b"".join(stored[at : at + 3][::-1] for at in range(0, len(stored) - 2, entry)), pixels


def _masks(source: bytes, header: _Header) -> tuple[Masks, int]:
    """Return the masks of red, green, blue and alpha, and where the pixels start. Raises ImageCorrupt."""
    (pixels,) = struct.unpack_from("<I", source, 10)
    end = _FILE_HEADER_BYTES + header.size
    if header.bits not in _MASK_BITS or header.compression not in (_PLAIN, _BIT_FIELDS, _ALPHA_BIT_FIELDS):
        raise corrupt("BMP")
    if header.compression == _PLAIN:
        return _USUAL_MASKS[header.bits], pixels or end
    count = 4 if header.size >= _ALPHA_SIZE or header.compression == _ALPHA_BIT_FIELDS else 3
    told = struct.unpack_from(f"<{count}I", source, _MASKS_OFFSET)
    # Programs are seen to tell an alpha mask in bits that a pixel does not have.
    red, green, blue, alpha = (mask & (1 << header.bits) - 1 for mask in (*told, 0)[:4])
    masks = red, green, blue, alpha
    if not any(masks):
        masks = _MASKS_IF_ALL_ARE_ZERO.get(header.bits, masks)
    if not any(masks[:3]) or not _are_apart(masks):
        raise corrupt("BMP")
    return masks, pixels or max(end, _MASKS_OFFSET + 4 * count)


def _are_apart(masks: Masks) -> bool:
    """Tell whether each mask is one row of bits, and no two have a bit in common."""
    red, green, blue, alpha = masks
    return sum(masks) == red | green | blue | alpha and all(mask & mask + (mask & -mask) == 0 for mask in masks)


def _run_lengths(source: bytes, header: _Header) -> bytes:
    """Return a run-length coded BMP that Pillow understands: with a short header and 256 colours."""
    work = header.width * abs(header.height) + len(source)
    if work > MAX_RLE_WORK:
        raise ImageTooComplex("The run-length coded BMP is too large.", limit=MAX_RLE_WORK, actual=work)
    if header.bits != _RLE_BITS[header.compression]:
        raise corrupt("BMP")
    palette, start = _palette(source, header)
    colours = b"".join(palette[at : at + 3][::-1] + b"\0" for at in range(0, len(palette), 3)).ljust(1024, b"\0")
    short = struct.pack(
        "<IiiHHIIiiII", 40, header.width, header.height, 1, header.bits, header.compression, 0, 0, 0, 256, 0
    )
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(short) + len(colours)) + short + colours + source[start:]


def _profile(source: bytes, header: _Header) -> bytes:
    """Return the ICC profile that a header of version 5 embeds, nothing if there is none or it is huge."""
    if header.size != _V5_SIZE or source[70:74] != b"DEBM":
        return b""
    offset, length = struct.unpack_from("<II", source, 126)
    start = _FILE_HEADER_BYTES + offset
    return source[start : start + length] if length <= MAX_PROFILE_BYTES else b""
