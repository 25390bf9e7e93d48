"""Uncompressed rows of pixels, which BMP has, to an image."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops

from common.images.containers.parts import Masks, Parts, Raster, corrupt

_GREYS = bytes(level for level in range(256) for _ in range(3))
_BLACK_AND_WHITE = bytes((0, 0, 0, 255, 255, 255))
_PALETTE_LAYOUTS = {1: "P;1", 2: "P;2", 4: "P;4", 8: "P"}

# Pillow's names of layouts, each in the order of the bytes.
_LAYOUTS = frozenset(("BGR", "RGB", "BGRX", "RGBX", "XBGR", "XRGB", "BGXR", "BGRA", "RGBA", "ABGR", "ARGB", "BGAR"))
_OTHER_LAYOUTS = {(16, (0x7C00, 0x3E0, 0x1F, 0)): "BGR;15", (16, (0xF800, 0x7E0, 0x1F, 0)): "BGR;16"}
_BYTE_MODES = {16: "LA", 24: "RGB", 32: "RGBA"}  # a band for each byte of a pixel
_BITS = 8  # of a channel

Read = Callable[[str, str], Image.Image]  # a mode and a layout to the image


def unpack(parts: Parts, raster: Raster) -> Image.Image:
    """Return the image that the rows show. Raises ImageCorrupt if a row is missing."""
    stride = (parts.width * raster.bits + 31) // 32 * 4
    rows = memoryview(parts.picture)[raster.start :]
    if len(rows) < stride * (parts.height - 1) + (parts.width * raster.bits + 7) // 8:
        raise corrupt(parts.format)

    def read(mode: str, layout: str) -> Image.Image:
        order = 1 if raster.top_down else -1
        return Image.frombytes(mode, (parts.width, parts.height), rows, "raw", layout, stride, order)

    if raster.masks is None:
        return _read_with_palette(read, raster.bits, raster.palette)
    return _without_empty_alpha(_read_with_masks(read, raster.bits, raster.masks))


def _read_with_palette(read: Read, bits: int, palette: bytes) -> Image.Image:
    if bits == _BITS and palette == _GREYS:
        return read("L", "L")
    if bits == 1 and palette == _BLACK_AND_WHITE:
        return read("1", "1")
    image = read("P", _PALETTE_LAYOUTS[bits])
    image.putpalette(palette.ljust(len(_GREYS), b"\0"))
    return image


def _read_with_masks(read: Read, bits: int, masks: Masks) -> Image.Image:
    mode = "RGBA" if masks[3] else "RGB"
    layout = _OTHER_LAYOUTS.get((bits, masks)) or _layout(bits, masks)
    if layout is not None:
        return read(mode, layout)
    bands = read(_BYTE_MODES[bits], _BYTE_MODES[bits]).split()
    return Image.merge(mode, [_channel(bands, mask) for mask in masks[: len(mode)]])


def _layout(bits: int, masks: Masks) -> str | None:
    """Return Pillow's name of the layout if it has one: each mask is a byte."""
    letters = {mask: letter for mask, letter in zip(masks, "RGBA", strict=True) if mask}
    name = "".join(letters.pop(0xFF << 8 * byte, "X") for byte in range(bits // 8))
    return name if name in _LAYOUTS and not letters else None


def _channel(bands: Sequence[Image.Image], mask: int) -> Image.Image:
    """Return the channel that a mask cuts out of the bytes of pixels: its eight highest bits, as 0 to 255."""
    if not mask:
        return Image.new("L", bands[0].size)
    bits = min(mask.bit_count(), _BITS)
    most = (1 << bits) - 1
    byte, shift = divmod(mask.bit_length() - bits, 8)
    scale = [min(255, (value * 255 + most // 2) // most) for value in range(256)]
    if shift + bits <= _BITS:
        return bands[byte].point([scale[value >> shift & most] for value in range(256)])
    low = bands[byte].point([value >> shift for value in range(256)])
    high = bands[byte + 1].point([value << 8 - shift & most for value in range(256)])
    return ImageChops.add(low, high).point(scale)


def _without_empty_alpha(image: Image.Image) -> Image.Image:
    """Drop an alpha channel that is all zero: programs leave the bits empty, and viewers ignore it then."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        return image.convert("RGB")
    return image
