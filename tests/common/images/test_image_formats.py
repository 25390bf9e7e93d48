"""The five formats in all their kinds: frames, codings, depths and orders."""

import io

import pytest
from PIL import Image

from common.images.options import Options
from tests import pictures
from tests.image_assertions import assert_colour, assert_corners, convert, opened
from tests.pictures import BLUE, GREEN, RED, YELLOW

# The first frame


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "MPO"])
def test_the_first_frame_is_stored(image_format: str) -> None:
    first, *later = (Image.new("RGB", (64, 48), colour) for colour in (RED, GREEN, BLUE))
    jpeg = convert(pictures.animation(image_format, first, *later))
    assert jpeg.source_format == ("JPEG" if image_format == "MPO" else image_format)
    assert (jpeg.width, jpeg.height) == (64, 48)
    assert_colour(opened(jpeg), (0.5, 0.5), RED)


def test_a_multi_picture_jpeg_with_a_broken_index_is_a_jpeg() -> None:
    mpo = pictures.animation("MPO", pictures.quadrants((64, 48)), pictures.noise((64, 48)))
    index = mpo.index(b"MPF\0")
    for at in (4, 8, 12, 20, 30, 50):
        broken = mpo[: index + at] + b"\xff" * 4 + mpo[index + at + 4 :]
        assert convert(broken).source_format == "JPEG"


# The odd corners of the formats


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"keep_rgb": True}]
)
def test_jpegs_of_all_kinds_are_read(options: dict[str, object]) -> None:
    source = pictures.saved(pictures.quadrants((160, 120)), "JPEG", quality=95, **options)
    for box in (None, 40):
        assert_corners(opened(convert(source, Options(95, box, box))), RED, GREEN, BLUE, YELLOW)


def test_an_arithmetically_coded_jpeg_is_read() -> None:
    assert_colour(opened(convert(pictures.arithmetic_jpeg())), (0.5, 0.5), (128, 128, 128))


def test_an_interlaced_png_is_read() -> None:
    assert_corners(opened(convert(pictures.interlaced_png())), RED, GREEN, BLUE, YELLOW)


def test_a_png_whose_ancillary_chunks_are_damaged_is_whole() -> None:
    picture = pictures.saved(pictures.quadrants((64, 48)), "PNG")
    for kind in (b"tEXt", b"gAMA", b"pHYs", b"iCCP", b"eXIf", b"zTXt", b"sRGB", b"acTL", b"fcTL"):
        for chunk in (pictures.png_chunk(kind, b"\x01" * 40, sound=False), pictures.png_chunk(kind, b"")):
            assert_corners(opened(convert(pictures.with_png_chunks(picture, chunk))), RED, GREEN, BLUE, YELLOW)


BGRX = b"".join(bytes((*colour[::-1], 0)) for colour in (RED, GREEN, BLUE, YELLOW))
MASKS_565 = b"\0\xf8\0\0\xe0\x07\0\0\x1f\0\0\0"
MASKS_RGBA = b"\0\0\xff\0\0\xff\0\0\xff\0\0\0\0\0\0\xff"


@pytest.mark.parametrize(
    "source",
    [
        pictures.bmp((2, 2), 4, b"\x23\0\0\0\x01\0\0\0", palette=BGRX),
        pictures.bmp((2, 2), 8, b"\2\3\0\0\0\1\0\0", palette=BGRX),
        pictures.bmp((2, -2), 8, b"\0\1\0\0\2\3\0\0", palette=BGRX),
        pictures.bmp((2, 2), 24, BGRX[8:11] + BGRX[12:15] + b"\0\0" + BGRX[:3] + BGRX[4:7] + b"\0\0"),
        pictures.bmp((2, 2), 32, BGRX[8:] + BGRX[:8]),
        pictures.bmp((2, 2), 8, b"\1\2\1\3\0\0\1\0\1\1\0\1", compression=1, palette=BGRX),
        pictures.bmp((2, 2), 4, b"\2\x23\0\0\2\x01\0\1", compression=2, palette=BGRX),
    ],
    ids=["4 bit", "8 bit", "top down", "24 bit", "32 bit", "RLE8", "RLE4"],
)
def test_bmps_of_all_kinds_are_read(source: bytes) -> None:
    small = Image.open(io.BytesIO(source)).convert("RGB")
    assert [small.getpixel((x, y)) for y in (0, 1) for x in (0, 1)] == [RED, GREEN, BLUE, YELLOW]
    stored = opened(convert(source))
    expected = opened(convert(pictures.saved(pictures.quadrants((2, 2)), "PNG")))
    assert stored.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (pictures.bmp((8, 8), 1, b"\xff\0\0\0" * 8, palette=bytes((0, 0, 0, 0, *BLUE[::-1], 0))), BLUE),
        (pictures.bmp((8, 8), 16, b"\xe0\x03" * 64), (0, 255, 0)),
        (pictures.bmp((8, 8), 16, b"\x1f\0" * 64, compression=3, masks=MASKS_565), (0, 0, 255)),
    ],
    ids=["1 bit", "16 bit 5-5-5", "16 bit 5-6-5"],
)
def test_bmps_of_few_bits_are_read(source: bytes, expected: tuple[int, ...]) -> None:
    assert_colour(opened(convert(source)), (0.5, 0.5), expected)


def test_a_bmp_whose_alpha_is_empty_is_not_invisible() -> None:
    rows = bytes((*BLUE[::-1], 0)) * 64
    header = bytearray(pictures.bmp((8, 8), 32, b"", compression=3))
    header[14:18] = (56).to_bytes(4, "little")
    header[10:14] = (70).to_bytes(4, "little")
    assert_colour(opened(convert(bytes(header) + MASKS_RGBA + rows)), (0.5, 0.5), BLUE)


def test_an_old_os2_bmp_is_read() -> None:
    source = b"BM" + bytes(8) + b"\x1a\0\0\0\x0c\0\0\0\x04\0\x04\0\x01\0\x18\0" + bytes(BLUE[::-1]) * 16
    assert_colour(opened(convert(source)), (0.5, 0.5), BLUE)
