"""What is stored has the size that was asked for, stands upright, and is a plain JPEG."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from common.images.containers.jpeg_tables import Coding
from common.images.encode import encode
from common.images.geometry import fit
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.image_assertions import BEST, assert_corners, convert, opened
from tests.pictures import BLUE, FORMATS, GREEN, RED, YELLOW

sides = st.integers(1, 70_000)
box_sides = st.none() | st.integers(1, 65_500)


def jpeg_markers(data: bytes) -> list[tuple[int, bytes]]:
    """Return the marker and the content of every segment up to the first scan."""
    found, position = [], 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        found.append((data[position + 1], data[position + 4 : end]))
        position = end
    return found


# The size


@given(width=sides, height=sides, x=box_sides, y=box_sides)
def test_the_size_never_leaves_the_box_never_grows_and_never_falls_below_one(
    width: int, height: int, x: int | None, y: int | None
) -> None:
    fitted_width, fitted_height = fit(width, height, x, y)
    assert 1 <= fitted_width <= min(width, x or width)
    assert 1 <= fitted_height <= min(height, y or height)


@given(width=sides, height=sides, x=box_sides, y=box_sides)
def test_the_proportions_are_off_by_no_more_than_rounding_forces(
    width: int, height: int, x: int | None, y: int | None
) -> None:
    fitted_width, fitted_height = fit(width, height, x, y)
    if fitted_width > 1 and fitted_height > 1:
        # Half a pixel on the side that the other one determines.
        assert abs(2 * fitted_width * height - 2 * fitted_height * width) <= max(width, height)


@given(width=sides, height=sides, x=box_sides, y=box_sides)
def test_one_side_fills_the_box_or_the_size_is_kept(width: int, height: int, x: int | None, y: int | None) -> None:
    size = fit(width, height, x, y)
    assert size == (width, height) or size[0] == x or size[1] == y


@given(width=sides, height=sides, x=box_sides, y=box_sides)
def test_a_picture_on_its_side_fits_as_the_upright_one_does(
    width: int, height: int, x: int | None, y: int | None
) -> None:
    upright = fit(width, height, x, y)
    assert fit(height, width, y, x) == (upright[1], upright[0])


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((1600, 900), (1280, 720), (1280, 720)),
        ((4000, 3000), (1280, 720), (960, 720)),
        ((4000, 3000), (1280, None), (1280, 960)),
        ((4000, 3000), (None, 720), (960, 720)),
        ((800, 600), (1280, 720), (800, 600)),
        ((3, 2), (1, None), (1, 1)),
        ((4, 2), (None, None), (4, 2)),
        ((4, 6), (3, None), (3, 5)),  # 4.5 is rounded up
        ((50_000, 1), (100, 100), (100, 1)),
    ],
)
def test_sizes_as_a_caller_would_calculate_them(
    size: tuple[int, int], box: tuple[int | None, int | None], expected: tuple[int, int]
) -> None:
    assert fit(*size, *box) == expected


@pytest.mark.parametrize("source_format", FORMATS)
@pytest.mark.parametrize(("size", "box"), [((1, 40_000), (50, 50)), ((40_000, 1), (50, 50)), ((1, 1), (7, 7))])
def test_a_line_one_pixel_thin_keeps_its_pixel(source_format: str, size: tuple[int, int], box: tuple[int, int]) -> None:
    if source_format == "WEBP":
        size = (min(size[0], 16_383), min(size[1], 16_383))
    jpeg = convert(pictures.plain(source_format, size), Options(80, *box))
    assert (jpeg.width, jpeg.height) == fit(*size, *box)
    opened(jpeg).load()


# The JPEG


@pytest.mark.parametrize("source_format", FORMATS)
@pytest.mark.parametrize(("quality", "luma"), [(1, 0x22), (50, 0x22), (89, 0x22), (90, 0x11), (95, 0x11)])
def test_every_format_becomes_a_progressive_jpeg_with_full_colour_resolution_from_quality_90_up(
    source_format: str, quality: int, luma: int
) -> None:
    jpeg = convert(pictures.plain(source_format, (300, 200)), Options(quality))
    assert (jpeg.width, jpeg.height, jpeg.quality, jpeg.source_format) == (300, 200, quality, source_format)
    image = opened(jpeg)
    assert image.info["progressive"]
    frame = next(content for marker, content in jpeg_markers(jpeg.data) if marker == 0xC2)
    assert [frame[n] for n in (7, 10, 13)] == [luma, 0x11, 0x11]


def test_thin_red_lines_on_black_keep_their_colour_from_quality_90_up() -> None:
    source = Image.new("RGB", (64, 64))
    for at in range(0, 64, 4):
        source.paste((255, 0, 0), (0, at, 64, at + 1))
    errors = {}
    for quality in (89, 90, 95):
        stored = opened(convert(pictures.saved(source, "PNG"), Options(quality)))
        seen = [abs(a - b) for a, b in zip(source.tobytes(), stored.tobytes(), strict=True)]
        errors[quality] = sum(seen) / len(seen)
    assert errors[95] < errors[90] < 2
    assert errors[89] > 20


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_a_png_becomes_rgb_with_and_without_a_box(mode: str) -> None:
    image = Image.linear_gradient("L").resize((300, 200)).convert("I" if mode == "I;16" else mode).convert(mode)
    for options in (BEST, Options(95, 30, 30)):
        opened(convert(pictures.saved(image, "PNG"), options)).load()


def test_a_higher_quality_is_a_larger_file() -> None:
    source = pictures.saved(pictures.noise((64, 64)), "PNG")
    low, middle, high = (len(convert(source, Options(quality)).data) for quality in (10, 60, 95))
    assert low < middle < high


def test_the_colours_of_a_picture_survive() -> None:
    for source_format in FORMATS:
        image = opened(convert(pictures.saved(pictures.quadrants((160, 120)), source_format)))
        assert_corners(image, RED, GREEN, BLUE, YELLOW)


@pytest.mark.parametrize("quality", [80, 90, 94, 95])
def test_harsh_noise_at_high_quality_still_fits_the_encoders_buffer(quality: int) -> None:
    harsh = pictures.noise((1200, 1000)).point(lambda value: 255 * (value > 127))
    jpeg = convert(pictures.saved(harsh, "BMP"), Options(quality))
    assert len(jpeg.data) > 900_000


def test_no_metadata_reaches_the_stored_image() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET"
    profile = icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2)
    image = pictures.quadrants((64, 48))
    text = pictures.png_chunk(b"tEXt", b"Comment\0SECRET") + pictures.png_chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0SECRET"
    )
    sources = [
        pictures.talkative_jpeg(),
        pictures.phone_photo(6),
        pictures.with_png_chunks(pictures.saved(image, "PNG", exif=exif.tobytes(), icc_profile=profile), text),
        pictures.saved(image, "WEBP", exif=exif.tobytes(), icc_profile=profile, xmp=b"SECRET"),
        pictures.saved(image, "GIF", comment=b"SECRET"),
    ]
    for source in sources:
        for options in (BEST, Options(95, 32, 32)):
            data = convert(source, options).data
            assert {marker for marker, _ in jpeg_markers(data)} == {0xE0, 0xDB, 0xC2, 0xC4}
            assert jpeg_markers(data)[0][1] == b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
            assert b"SECRET" not in data
            assert data.endswith(b"\xff\xd9")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "I;16"])
def test_what_is_shrunk_in_bands_looks_as_if_it_were_shrunk_at_once(mode: str) -> None:
    grey = Image.radial_gradient("L").resize((1400, 1100))
    deep = grey.convert("I").point(lambda value: value * 257).convert("I;16")
    banded = deep if mode == "I;16" else grey.convert(mode)
    seen, expected = (opened(convert(pictures.saved(image, "PNG"), Options(95, 150, 150))) for image in (banded, grey))
    assert max(ImageChops.difference(seen, expected).tobytes()) <= 2


def test_without_memfd_a_file_on_disk_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = pictures.plain("PNG", (300, 200))
    in_memory = convert(source)
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert convert(source) == in_memory


def test_python_goes_on_while_a_picture_is_encoded() -> None:
    picture = pictures.noise((5000, 4000))
    ended = threading.Event()
    ticks = [time.monotonic()]

    def tick() -> None:
        while not ended.wait(0.005):
            ticks.append(time.monotonic())

    ticking = threading.Thread(target=tick)
    ticking.start()
    encode(picture, Coding(90))
    ended.set()
    ticking.join()
    ticks.append(time.monotonic())
    longest = max(later - earlier for earlier, later in pairwise(ticks))
    assert longest < (ticks[-1] - ticks[0]) / 2  # with the GIL held, it is nearly all of it


def test_many_threads_at_once_get_what_one_alone_gets() -> None:
    p3 = icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2)
    sources = [pictures.plain(source_format, (700, 500)) for source_format in FORMATS]
    sources += [pictures.saved(pictures.noise((700, 500)), "PNG", icc_profile=p3), pictures.phone_photo(8)]
    jobs = [(source, options) for source in sources for options in (BEST, Options(70, 200, 200))] * 4
    alone = [convert(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda job: convert(*job), jobs)) == alone


# The orientation

UPRIGHT = {
    1: (RED, GREEN, BLUE, YELLOW),
    2: (GREEN, RED, YELLOW, BLUE),
    3: (YELLOW, BLUE, GREEN, RED),
    4: (BLUE, YELLOW, RED, GREEN),
    5: (RED, BLUE, GREEN, YELLOW),
    6: (BLUE, RED, YELLOW, GREEN),
    7: (YELLOW, GREEN, BLUE, RED),
    8: (GREEN, YELLOW, RED, BLUE),
}


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_stored_the_right_way_up(image_format: str, orientation: int) -> None:
    photo = pictures.phone_photo(orientation, (160, 120), image_format)
    jpeg = convert(photo)
    assert (jpeg.width, jpeg.height) == ((160, 120) if orientation < 5 else (120, 160))
    assert_corners(opened(jpeg), *UPRIGHT[orientation])


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_box_is_for_the_picture_as_it_is_seen(image_format: str, orientation: int) -> None:
    jpeg = convert(pictures.phone_photo(orientation, (160, 120), image_format), Options(95, x=60))
    assert (jpeg.width, jpeg.height) == ((60, 45) if orientation < 5 else (60, 80))
    assert_corners(opened(jpeg), *UPRIGHT[orientation])
    assert convert(pictures.phone_photo(orientation), Options(95, y=60)).height == 60


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    assert_corners(opened(convert(pictures.phone_photo(orientation))), *UPRIGHT[1])


def test_a_big_endian_orientation_is_read_too() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    image = pictures.quadrants((160, 120))
    assert_corners(opened(convert(pictures.saved(image, "JPEG", exif=exif, quality=95))), *UPRIGHT[6])


TURNED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # TIFF, orientation 6


@pytest.mark.parametrize(
    "segments",
    [
        (b"Exif\0\xff" + TURNED,),
        (b"Exif\0\0", b"Exif\0\0" + TURNED),
        (b"Exif\0\xff", b"Exif\0\0" + TURNED),
        (b"Exif\0\0" + bytes(40), b"Exif\0\0" + TURNED),
        (b"Exif", b"Exif\0\xff" + TURNED),
        (b"http://ns.adobe.com/xap/1.0/\0<x/>", b"Exif\0\0" + TURNED),
        (b"Exif\0\0" + TURNED, b"Exif\0\0" + TURNED.replace(b"\0\x06", b"\0\x03")),
    ],
    ids=["damaged name", "empty", "empty and damaged", "no TIFF", "short", "after XMP", "the first of two"],
)
def test_the_first_exif_segment_with_a_tiff_header_turns_the_picture(segments: tuple[bytes, ...]) -> None:
    photo = pictures.saved(pictures.quadrants((160, 120)), "JPEG", quality=95)
    told = b"".join(pictures.jpeg_segment(0xE1, segment) for segment in segments)
    assert_corners(opened(convert(photo[:2] + told + photo[2:])), *UPRIGHT[6])


def test_what_only_resembles_exif_turns_nothing() -> None:
    photo = pictures.saved(pictures.quadrants((160, 120)), "JPEG", quality=95)
    for segment in (b"Exit\0\0" + TURNED, b"exif\0\0" + TURNED, b"Exif\0\0II*\0" + TURNED[4:], b"Exif\0\0\0" + TURNED):
        turned = photo[:2] + pictures.jpeg_segment(0xE1, segment) + photo[2:]
        assert_corners(opened(convert(turned)), *UPRIGHT[1])
