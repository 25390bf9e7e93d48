"""quality=source keeps what a JPEG has and never inflates it; max_bytes finds the highest quality that fits."""

import io
import struct
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from common.errors import MaxBytesUnreachable
from common.images.compress import LOWEST_QUALITY, compress
from common.images.containers.jpeg_tables import Coding, read_coding
from common.images.convert import to_jpeg
from common.images.encode import encode
from common.images.options import Jpeg, Options
from tests import pictures
from tests.image_assertions import MAX_PIXELS, assert_corners, convert, opened

SOURCE = Options(85, like_source=True)
ODD_TABLES = [[1 + n // 2 for n in range(64)], [90 - n for n in range(64)]]
SAMPLINGS = {"4:4:4": 0x11, "4:2:2": 0x21, "4:2:0": 0x22}


def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Return a picture with detail of every size, as a photo has it."""
    layers = [
        pictures.noise((max(2, size[0] // part), max(2, size[1] // part))).resize(size) for part in (64, 16, 4, 2)
    ]
    image = layers[0]
    for layer, share in zip(layers[1:], (0.35, 0.2, 0.1), strict=True):
        image = Image.blend(image, layer, share)
    return image.filter(ImageFilter.GaussianBlur(0.5))


def jpeg(image: Image.Image, **options: object) -> bytes:
    return pictures.saved(image, "JPEG", **{"optimize": True, "progressive": True, **options})


def tables_of(data: bytes) -> list[list[int]]:
    with Image.open(io.BytesIO(data)) as image:
        assert hasattr(image, "quantization")
        return [image.quantization[number] for number in sorted(image.quantization)]


def sampling_of(data: bytes) -> int:
    frame = data.index(b"\xff\xc2")
    return data[frame + 11]


def with_wide_tables(source: bytes, step: int | None = None) -> bytes:
    """Return the JPEG with two bytes for each step of its tables; each table's last step as given."""
    head, rest = source[:2], source[2:]
    while rest[1] != 0xDA:
        end = 2 + int.from_bytes(rest[2:4])
        segment, rest = rest[:end], rest[end:]
        if segment[1] == 0xDB:
            for at in range(4, end, 65):
                steps = [*segment[at + 1 : at + 65]]
                steps[63] = step or steps[63]
                head += pictures.jpeg_segment(0xDB, bytes([0x10 | segment[at]]) + struct.pack(">64H", *steps))
        else:
            head += segment
    return head + rest


# The quality of the source


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("quality", [1, 10, 30, 60, 75, 92, 97, 100])
def test_a_jpeg_keeps_its_tables_and_its_sampling_and_does_not_grow(quality: int, sampling: str) -> None:
    source = pictures.saved(photo(), "JPEG", quality=quality, subsampling=sampling)
    stored = convert(source, SOURCE)
    assert tables_of(stored.data) == tables_of(source)
    assert sampling_of(stored.data) == SAMPLINGS[sampling]
    assert stored.quality == quality
    assert len(stored.data) <= len(source)


def test_tables_of_no_libjpeg_quality_are_kept_too() -> None:
    source = pictures.saved(photo(), "JPEG", qtables=ODD_TABLES)
    stored = convert(source, SOURCE)
    assert tables_of(stored.data) == ODD_TABLES
    assert 1 <= stored.quality <= 100
    assert len(stored.data) <= len(source)


def test_one_table_for_luma_and_chroma_stays_one() -> None:
    source = pictures.saved(photo(), "JPEG", qtables=ODD_TABLES[:1], subsampling="4:4:4")
    assert tables_of(convert(source, SOURCE).data) == ODD_TABLES[:1]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_the_tables_turn_with_the_picture(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = pictures.saved(photo(), "JPEG", qtables=ODD_TABLES, exif=exif.tobytes())
    stored = convert(source, SOURCE)
    across = [[table[at % 8 * 8 + at // 8] for at in range(64)] for table in ODD_TABLES]
    assert tables_of(stored.data) == across
    assert (stored.width, stored.height) == (240, 320)


def test_a_turned_photo_with_half_its_columns_of_chroma_keeps_its_tables() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = jpeg(photo(), quality=60, subsampling="4:2:2", exif=exif.tobytes())
    stored = convert(source, SOURCE)
    assert sampling_of(stored.data) == SAMPLINGS["4:2:0"]
    assert stored.quality == 60
    assert len(stored.data) <= len(source)


@pytest.mark.parametrize("quality", [30, 60, 75, 92])
def test_the_pixels_stay_closer_to_the_source_than_at_another_quality(quality: int) -> None:
    source = jpeg(photo(), quality=quality)
    shown = Image.open(io.BytesIO(source)).tobytes()

    def error(stored: Jpeg) -> int:
        return sum(abs(a - b) for a, b in zip(shown, opened(stored).tobytes(), strict=True))

    kept = convert(source, SOURCE)
    assert error(kept) < error(convert(source, Options(quality - 2)))


@pytest.mark.parametrize("quality", [30, 85, 95])
def test_a_grey_jpeg_stays_grey_with_its_one_table_and_does_not_grow(quality: int) -> None:
    source = pictures.saved(photo().convert("L"), "JPEG", quality=quality)
    stored = convert(source, SOURCE)
    assert len(stored.data) <= len(source)
    assert stored.quality == quality
    assert tables_of(stored.data) == tables_of(source)
    red, green, blue = opened(stored).split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


@pytest.mark.parametrize("ycck", [False, True])
def test_inks_are_stored_at_the_nearest_quality(ycck: bool) -> None:  # noqa: FBT001 # pytest gives it by name
    source = pictures.cmyk_jpeg((10, 200, 30, 40), ycck=ycck)
    stored = convert(source, SOURCE)
    assert stored.data == convert(source, Options(95)).data
    assert stored.quality == 95


def test_tables_of_two_bytes_a_step_are_kept_if_their_steps_fit_one() -> None:
    source = pictures.saved(photo(), "JPEG", quality=60)
    stored = convert(with_wide_tables(source), SOURCE)
    assert stored.data == convert(source, SOURCE).data


def test_steps_over_255_become_the_nearest_quality() -> None:
    source = with_wide_tables(pictures.saved(photo(), "JPEG", quality=60), 1_000)
    stored = convert(source, SOURCE)
    assert stored.quality == pytest.approx(60, abs=2)
    assert stored.data == convert(source, Options(stored.quality)).data


def test_an_arithmetic_jpeg_and_one_of_three_scans_are_stored() -> None:
    for source in (pictures.arithmetic_jpeg(), pictures.jpeg_of_three_scans()):
        stored = convert(source, SOURCE)
        assert stored.quality == 100
        assert tables_of(stored.data) == [[1] * 64]


def test_a_jpeg_whose_luma_has_no_table_ahead_of_the_scan_is_unknown() -> None:
    source = pictures.saved(photo(), "JPEG")
    assert read_coding(source.replace(b"\xff\xdb", b"\xff\xef")) is None
    assert read_coding(b"\xff\xd8") is None


def test_a_small_file_makes_the_quality_step_down_until_the_jpeg_fits() -> None:
    image = photo()
    coding = Coding(80, tables=tuple(tuple(table) for table in tables_of(jpeg(image, quality=80))))
    whole = len(encode(image, coding))
    for source_bytes in (whole - 1, whole * 2 // 3, whole // 4):
        data, quality = compress(image, coding, source_bytes=source_bytes)
        assert len(data) <= source_bytes < len(encode(image, Coding(quality + 1, halved=coding.halved)))
        assert 1 <= quality < 80


def test_the_chroma_sampling_stays_when_the_quality_steps_down() -> None:
    image = photo()
    data, quality = compress(image, Coding(80, halved=(False, False)), source_bytes=12_000)
    assert quality < 80
    assert sampling_of(data) == SAMPLINGS["4:4:4"]


def test_a_file_smaller_than_any_jpeg_of_the_picture_keeps_the_quality() -> None:
    source = jpeg(Image.new("L", (8, 8), 99), quality=75)
    assert len(source) < len(convert(source, Options(1)).data)
    assert convert(source, SOURCE).quality == 75


@pytest.mark.parametrize("source_format", ["PNG", "WEBP", "BMP", "GIF"])
def test_another_format_is_stored_at_the_default_quality(source_format: str) -> None:
    source = pictures.plain(source_format, (160, 120))
    assert convert(source, SOURCE) == convert(source, Options(85))


def test_a_jpeg_in_a_box_keeps_its_tables() -> None:
    source = pictures.saved(photo(), "JPEG", quality=40)
    stored = convert(source, Options(85, x=100, like_source=True))
    assert tables_of(stored.data) == tables_of(source)
    assert (stored.width, stored.height) == (100, 75)


def test_noise_at_quality_100_fits_the_encoders_buffer() -> None:
    harsh = pictures.noise((1200, 1000)).point(lambda value: 255 * (value > 127))
    source = pictures.saved(harsh, "JPEG", quality=100, subsampling="4:4:4")
    assert convert(source, SOURCE).quality == 100


# max_bytes


@cache
def photo_and_sizes() -> tuple[Image.Image, dict[int, int]]:
    """Return a picture, and how many bytes its JPEG of each quality has."""
    image = photo((160, 120))
    return image, {quality: len(encode(image, Coding(quality))) for quality in range(LOWEST_QUALITY, 86)}


@given(share=st.floats(0.3, 1.1))
def test_the_highest_quality_that_fits_is_found(share: float) -> None:
    image, sizes = photo_and_sizes()
    limit = max(1_000, int(sizes[85] * share))
    fitting = [quality for quality, size in sizes.items() if size <= limit]
    if fitting:
        data, quality = compress(image, Coding(85), max_bytes=limit)
        assert (len(data), quality) == (sizes[max(fitting)], max(fitting))
    else:
        with pytest.raises(MaxBytesUnreachable) as refused:
            compress(image, Coding(85), max_bytes=limit)
        assert refused.value.members == {"limit": limit, "actual": sizes[LOWEST_QUALITY]}


def test_an_image_that_fits_is_stored_as_without_a_limit() -> None:
    source = pictures.saved(photo(), "PNG")
    stored = convert(source, Options(85))
    assert convert(source, Options(85, max_bytes=len(stored.data))) == stored


def test_a_quality_below_40_is_not_lowered() -> None:
    source = pictures.saved(photo(), "PNG")
    size = len(convert(source, Options(30)).data)
    assert convert(source, Options(30, max_bytes=size)).quality == 30
    with pytest.raises(MaxBytesUnreachable) as refused:
        convert(source, Options(30, max_bytes=size - 1))
    assert refused.value.members == {"limit": size - 1, "actual": size}


def test_the_quality_of_the_source_is_where_max_bytes_starts() -> None:
    source = pictures.saved(photo(), "JPEG", quality=95)
    size = len(convert(source, SOURCE).data)
    assert convert(source, Options(85, like_source=True, max_bytes=size)).quality == 95
    stored = convert(source, Options(85, like_source=True, max_bytes=size // 2))
    assert len(stored.data) <= size // 2
    assert LOWEST_QUALITY <= stored.quality < 95
    with pytest.raises(MaxBytesUnreachable):
        convert(source, Options(85, like_source=True, max_bytes=1_000))


def test_a_tiny_file_that_cannot_be_matched_still_keeps_max_bytes() -> None:
    source = jpeg(Image.new("L", (8, 8), 99), quality=75)
    stored = convert(source, Options(85, like_source=True, max_bytes=1_000))
    assert len(source) < len(stored.data) <= 1_000


def test_the_picture_of_a_low_quality_is_still_the_picture() -> None:
    source = pictures.saved(pictures.quadrants((640, 480)), "PNG")
    stored = to_jpeg(source, Options(95, max_bytes=6_000), max_pixels=MAX_PIXELS)
    assert len(stored.data) <= 6_000
    assert_corners(opened(stored), pictures.RED, pictures.GREEN, pictures.BLUE, pictures.YELLOW)
