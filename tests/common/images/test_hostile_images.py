"""Files made to hurt: each is refused in time, with its figures, or shown where its picture is whole."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from common import errors
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.image_assertions import MAX_PIXELS, assert_colour, assert_refused_or_shown, convert, in_time, opened
from tests.pictures import FORMATS, jpeg_segment, png_chunk, with_png_chunks

PICTURE = pictures.quadrants((64, 48))

# Too many pixels


@pytest.mark.parametrize("source_format", FORMATS)
@pytest.mark.parametrize("size", [(30_000, 30_000), (16_000, 4_000)])
def test_a_pixel_bomb_is_refused_before_anything_is_allocated(source_format: str, size: tuple[int, int]) -> None:
    bomb = pictures.pixel_bomb(source_format, size)
    assert len(bomb) < 10_000
    tracemalloc.start()
    with in_time(0.5), pytest.raises(errors.ImageTooManyPixels) as refused:
        convert(bomb, Options(80, 10, 10))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.members == {"limit": MAX_PIXELS, "actual": size[0] * size[1]}
    assert most_bytes < 200_000


@pytest.mark.parametrize("source_format", FORMATS)
def test_the_limit_itself_is_accepted_and_one_pixel_more_is_not(source_format: str) -> None:
    source = pictures.plain(source_format, (50, 40))
    assert convert(source, max_pixels=2000).width == 50
    with pytest.raises(errors.ImageTooManyPixels):
        convert(source, max_pixels=1999)


def test_a_gif_whose_frame_enlarges_its_screen_is_counted_by_the_frame() -> None:
    for control in (b"", b"!\xf9\x04\x08\0\0\0\0"):  # to be cleared afterwards: Pillow allocates it twice
        far = pictures.gif((8, 8), (0, 0, 8, 8), control=control)
        far = far.replace(b"," + struct.pack("<HHHH", 0, 0, 8, 8), b"," + struct.pack("<HHHH", 60_000, 60_000, 8, 8))
        with pytest.raises(errors.ImageTooManyPixels) as refused:
            convert(far)
        assert refused.value.members["actual"] == 60_008**2


@pytest.mark.parametrize("height", [2**31 - 1, -(2**31), -(2**24) - 1, 2**24])
def test_a_bmp_of_an_absurd_height_is_refused(height: int) -> None:
    with pytest.raises((errors.ImageTooManyPixels, errors.ImageCorrupt)):
        convert(pictures.bmp((4, height), 24, bytes(64)))


def test_a_side_that_no_jpeg_can_have_is_refused_unless_a_box_shrinks_it() -> None:
    line = pictures.plain("PNG", (2, 65_501))
    with pytest.raises(errors.ImageTooLargeForJpeg) as refused:
        convert(line)
    assert refused.value.members == {"limit": 65_500, "actual": 65_501}
    assert convert(line, Options(80, y=65_500)).height == 65_500
    assert convert(pictures.plain("PNG", (65_500, 1))).width == 65_500


@pytest.mark.parametrize("size", [(1, 20_000_000), (20_000_000, 1)])
@pytest.mark.parametrize("colour_type", [0, 4])
def test_the_longest_lines_shrink_in_time(size: tuple[int, int], colour_type: int) -> None:
    row = b"\x80" * (1 + colour_type // 4) * size[0]
    line = pictures.png(size, 8, colour_type, [row + (b"\0" + row) * (size[1] - 1)])
    with in_time():
        jpeg = convert(line, Options(80, 100, 100))
    assert sorted((jpeg.width, jpeg.height)) == [1, 100]


# Too complex


def test_a_scan_bomb_is_refused_with_its_figures() -> None:
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(pictures.scan_bomb())
    assert refused.value.members["limit"] == 2_500_000_000
    assert int(str(refused.value.members["actual"])) > 400 * 12_000_000


def test_a_long_thin_scan_bomb_is_refused_by_its_segments() -> None:
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(pictures.scan_bomb(scans=3000, size=(65_000, 1)))
    assert refused.value.members == {"limit": 2000}


def test_what_looks_like_scans_in_metadata_and_behind_the_end_does_not_count() -> None:
    photo = pictures.saved(Image.new("L", (4000, 3000), 128), "JPEG", progressive=True)
    markers = b"\xff\xda" * 10_000
    assert convert(photo[:2] + jpeg_segment(0xE1, markers) + photo[2:] + markers, Options(80, 50, 50)).width == 50


FLOODS: dict[str, Callable[[bytes], bytes]] = {
    "EXIF segments": lambda photo: photo[:2] + jpeg_segment(0xE1, b"Exif\0\0") * 800_000 + photo[2:],
    "comments": lambda photo: photo[:2] + jpeg_segment(0xFE, b"") * 2_000_000 + photo[2:],
    "tables among scans": lambda photo: photo[:-2] + jpeg_segment(0xDD, b"\0\0") * 1_000_000 + photo[-2:],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_jpeg_segments_is_refused_at_once(flood: Callable[[bytes], bytes]) -> None:
    source = flood(pictures.saved(PICTURE, "JPEG"))
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(source)
    assert refused.value.members["limit"] == 2000


@pytest.mark.parametrize("filling", [b"\xff", b"\0", b"\xff\0", b"\xff\xd0"])
def test_rubbish_among_jpeg_segments_is_skipped_in_time(filling: bytes) -> None:
    photo = pictures.saved(PICTURE, "JPEG")
    with in_time():
        assert convert(photo[:20] + filling * (8_000_000 // len(filling)) + photo[20:]).width == 64


@pytest.mark.parametrize("kind", [b"tEXt", b"IDAT", b"abCd"])
def test_a_flood_of_png_chunks_is_refused_at_once(kind: bytes) -> None:
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(with_png_chunks(pictures.saved(PICTURE, "PNG"), png_chunk(kind, b"") * 1_000_000))
    assert refused.value.members["limit"] == 100_000


def test_a_flood_of_webp_chunks_is_refused_at_once() -> None:
    picture = pictures.saved(PICTURE, "WEBP", exif=b"Exif\0\0")
    body = picture[12:] + b"ANMF\0\0\0\0" * 1_000_000
    with in_time(1), pytest.raises(errors.ImageTooComplex):
        convert(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)


@pytest.mark.parametrize("flood", [b"!\xfe" + b"\1a" * 5_000_000 + b"\0", b"\0" * 10_000_000, b"!\xf9\0" * 3_000_000])
def test_a_flood_of_gif_blocks_is_refused_at_once(flood: bytes) -> None:
    with in_time(1), pytest.raises(errors.ImageTooComplex):
        convert(pictures.gif((8, 8), (0, 0, 8, 8), before=flood))


def test_a_run_length_bomb_is_refused_with_its_figures() -> None:
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(pictures.bmp((7000, 7000), 8, b"\1\5\0\0" * 7000, compression=1, palette=bytes(1024)))
    assert refused.value.members["limit"] == 20_000_000
    assert int(str(refused.value.members["actual"])) > 49_000_000


def test_a_colour_profile_that_would_take_seconds_is_ignored() -> None:
    source = pictures.saved(pictures.noise((64, 64)), "PNG", icc_profile=icc_profiles.bomb())
    with in_time(0.5):
        assert convert(source) == convert(pictures.saved(pictures.noise((64, 64)), "PNG"))


# Metadata as a weapon: the picture itself is whole, and is shown


def endless_exif(entries: int = 1000) -> bytes:
    """Return EXIF whose directory follows itself and whose thousand entries all hold the same megabyte."""
    rows = b"".join(struct.pack("<HHII", tag, 7, 1 << 20, 8) for tag in range(1000, 1000 + entries))
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", entries) + rows + b"\x08\0\0\0" + bytes(1 << 20)


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"icc\0\0" + profile)


WEAPONS: dict[str, Callable[[], bytes]] = {
    "text bomb": pictures.text_bomb,
    "profile bomb": lambda: with_png_chunks(pictures.saved(PICTURE, "PNG"), iccp(zlib.compress(bytes(64 << 20), 9))),
    "profile that is no zlib": lambda: with_png_chunks(pictures.saved(PICTURE, "PNG"), iccp(b"\xff" * 100)),
    "endless EXIF in PNG": lambda: with_png_chunks(
        pictures.saved(PICTURE, "PNG"), png_chunk(b"eXIf", endless_exif()[6:])
    ),
    "endless EXIF in WebP": lambda: pictures.saved(PICTURE, "WEBP", exif=endless_exif()),
    "endless EXIF in JPEG": lambda: pictures.saved(PICTURE, "JPEG", exif=endless_exif(4000)[:60_000]),
    "EXIF that lies about its length": lambda: pictures.saved(PICTURE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "Photoshop block without end": lambda: _jpeg_with(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff\xff\xff"),
    "profile of no pieces": lambda: _jpeg_with(0xE2, b"ICC_PROFILE\0"),
}


def _jpeg_with(marker: int, data: bytes) -> bytes:
    photo = pictures.saved(PICTURE, "JPEG")
    return photo[:2] + jpeg_segment(marker, data) + photo[2:]


@pytest.mark.parametrize("weapon", WEAPONS.values(), ids=WEAPONS)
def test_a_whole_picture_with_hostile_metadata_is_shown(weapon: Callable[[], bytes]) -> None:
    source = weapon()
    with in_time(0.5):
        jpeg = convert(source)
    assert (jpeg.width, jpeg.height) == (64, 48)
    assert_colour(opened(jpeg), (0.2, 0.2), pictures.RED, tolerance=12)


def test_a_profile_bomb_is_not_unpacked() -> None:
    bomb = WEAPONS["profile bomb"]()
    tracemalloc.start()
    convert(bomb)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 10_000_000


def test_metadata_of_a_png_with_a_wrong_checksum_is_not_believed() -> None:
    turned = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    picture = pictures.saved(PICTURE, "PNG")
    assert convert(with_png_chunks(picture, png_chunk(b"eXIf", turned))).width == 48
    assert convert(with_png_chunks(picture, png_chunk(b"eXIf", turned, sound=False))).width == 64


def test_pixels_behind_the_end_of_a_png_are_not_unpacked() -> None:
    rows = zlib.compress(b"\0" + bytes(24) + bytes(64 << 20), 9)
    header = struct.pack(">IIBBBBB", 8, 1, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    with in_time(0.5):
        assert_refused_or_shown(pictures.PNG_SIGNATURE + chunks)


def test_an_honest_error_of_ours_is_not_called_a_corrupt_image() -> None:
    with pytest.raises(TypeError):
        convert(pictures.plain("PNG", (64, 48)), Options(80, x="wide"))  # type: ignore[arg-type] # on purpose
