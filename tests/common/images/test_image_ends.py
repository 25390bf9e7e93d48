"""Files without their end mark: stored if their picture is complete, refused if any of it is missing."""

import random
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from common import errors
from common.images.containers import png_pixels
from common.images.options import Options
from tests import pictures
from tests.image_assertions import BEST, convert, in_time
from tests.pictures import jpeg_segment, png_chunk

QUADRANTS = pictures.quadrants((64, 48))
NOISE = pictures.noise((61, 47))
ROUND = Image.radial_gradient("L").resize((130, 93))
FLAT, GREY = Image.new("RGB", (130, 93), (10, 99, 200)), Image.new("L", (130, 93), 128)

JPEGS = {
    "4:2:0": pictures.saved(QUADRANTS, "JPEG"),
    "4:4:4": pictures.saved(NOISE, "JPEG", quality=100, subsampling="4:4:4"),
    "4:2:2": pictures.saved(NOISE, "JPEG", quality=95, subsampling="4:2:2"),
    "grey": pictures.saved(ROUND, "JPEG", optimize=True),
    "flat": pictures.saved(FLAT, "JPEG", optimize=True),
    "flat grey": pictures.saved(GREY, "JPEG", optimize=True),
    "with restarts": pictures.saved(NOISE, "JPEG", restart_marker_rows=1),
    "RGB": pictures.saved(NOISE, "JPEG", keep_rgb=True),
    "CMYK": pictures.saved(NOISE.convert("CMYK"), "JPEG"),
    "three scans": pictures.jpeg_of_three_scans(),
    "progressive": pictures.saved(NOISE, "JPEG", quality=95, progressive=True),
    "progressive grey": pictures.saved(ROUND, "JPEG", progressive=True),
    "progressive, best": pictures.saved(ROUND, "JPEG", quality=100, progressive=True),
    "progressive flat": pictures.saved(FLAT, "JPEG", progressive=True),
    "turned": pictures.phone_photo(6, (64, 48)),
}
OTHERS = {
    "GIF": pictures.saved(QUADRANTS, "GIF"),
    "noisy GIF": pictures.saved(NOISE, "GIF"),
    "flat GIF": pictures.saved(Image.new("P", (40, 40), 3), "GIF"),
    "interlaced GIF": pictures.saved(NOISE, "GIF", interlace=1),
    "small frame GIF": pictures.gif((64, 64), (32, 0, 32, 64)),
    "PNG": pictures.saved(QUADRANTS, "PNG"),
    "noisy PNG": pictures.saved(NOISE, "PNG"),
    "palette PNG": pictures.transparent_png("P"),
    "4 bit PNG": pictures.keyed_png(4, 0, (7,), (9,)),
    "16 bit PNG": pictures.deep_png(6, [51_400, 25_700, 12_850, 65_535] * 32, 32),
    "interlaced PNG": pictures.interlaced_png(),
}
FILES = JPEGS | OTHERS


def end_mark(name: str) -> int:
    """Return how many bytes at the end of a file only mark it: EOI; IEND and the last checksum; a GIF's two."""
    return 16 if name.endswith("PNG") else 2


@pytest.mark.parametrize(("name", "whole"), FILES.items(), ids=FILES)
def test_a_complete_picture_without_its_end_mark_is_stored_as_if_it_had_it(name: str, whole: bytes) -> None:
    for options in (BEST, Options(80, 20, 20)):
        expected = convert(whole, options)
        for missing in range(1, end_mark(name) + 1):
            assert convert(whole[:-missing], options) == expected


@pytest.mark.parametrize(("name", "whole"), FILES.items(), ids=FILES)
def test_a_picture_of_which_a_part_is_missing_is_refused(name: str, whole: bytes) -> None:
    complete = len(whole) - end_mark(name)
    cuts = {*range(max(20, complete - 60), complete), *range(20, complete, max(1, complete // 60))}
    shown = []
    for length in sorted(cuts):
        for options in (BEST, Options(80, 20, 20)):
            try:
                jpeg = convert(whole[:length], options)
            except errors.ImageCorrupt:
                continue
            assert jpeg == convert(whole, options)
            shown.append(length)
    # What else may be missing is what fills up the last byte: a GIF's own end code, a JPEG's last bits.
    assert all(complete - length <= 2 for length in shown), shown


def rubbish(length: int, *, but: bytes = b"") -> bytes:
    return bytes(byte for byte in random.Random(length).randbytes(length) if byte not in but)


TRAILERS = {
    "zeros": bytes(5000),
    "text": b"SEFH\x6b\0\0\0 a maker's own data, SEFT",
    "rubbish without markers": rubbish(5000, but=b"\xff"),
    "rubbish": rubbish(20_000),
    "rubbish with an end mark": rubbish(20_000) + b"\xff\xd9" + rubbish(300),
    "another JPEG": pictures.saved(NOISE, "JPEG"),
    "half of another JPEG": pictures.saved(NOISE, "JPEG")[:500],
    "0xFF": b"\xff" * 9,
    "a wrong mark": b"\xff\x5d",
    "a wrong mark and zeros": b"\xff\x5d" + bytes(99),
    "a comment that breaks off": b"\xff\xfe\xff\xff abc",
}


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
@pytest.mark.parametrize("name", ["4:2:0", "4:4:4", "grey", "with restarts", "three scans", "progressive"])
def test_what_a_maker_appends_in_place_of_the_end_mark_is_not_looked_at(name: str, trailer: bytes) -> None:
    whole = JPEGS[name]
    assert convert(whole[:-2] + trailer) == convert(whole)


@pytest.mark.parametrize("name", ["4:2:0", "three scans", "progressive"])
@pytest.mark.parametrize("trailer", [b"\xff\xd8", b"\xff\x5d", b"\xff\xff"])
def test_a_jpeg_that_lacks_data_before_a_trailer_is_refused(name: str, trailer: bytes) -> None:
    whole = JPEGS[name]
    for missing in range(5, 60):
        with pytest.raises(errors.ImageCorrupt):
            convert(whole[:-missing] + trailer)


def test_a_progressive_jpeg_that_lacks_a_scan_is_refused_without_end_mark() -> None:
    whole = JPEGS["progressive"]
    starts = [at for at in range(len(whole)) if whole.startswith(b"\xff\xda", at)]
    assert len(starts) > 5
    for start in starts[1:]:
        with pytest.raises(errors.ImageCorrupt):
            convert(whole[: whole.rindex(b"\xff\xc4", 0, start)])


@pytest.mark.parametrize("restarts", [{"restart_marker_rows": 1}, {"restart_marker_blocks": 3}])
def test_a_progressive_jpeg_with_restarts_is_refused_without_end_mark(restarts: dict[str, int]) -> None:
    whole = pictures.saved(ROUND, "JPEG", progressive=True, **restarts)
    assert convert(whole).width == 130
    for missing in range(1, 60):  # nobody could tell whether it is complete
        with pytest.raises(errors.ImageCorrupt):
            convert(whole[:-missing])


def test_an_arithmetically_coded_jpeg_is_refused_without_end_mark() -> None:
    with pytest.raises(errors.ImageCorrupt):
        convert(pictures.arithmetic_jpeg()[:-2])


def test_a_scan_bomb_without_end_mark_is_refused_by_what_its_check_costs() -> None:
    grey = Image.new("L", (4000, 3000), 128)
    photo = pictures.saved(grey, "JPEG", progressive=True)
    last = photo[photo.rindex(b"\xff\xda") : -2]
    bomb = photo[:-2] + last * 20
    assert convert(bomb + b"\xff\xd9", Options(80, 100, 100)).width == 100
    with in_time(1), pytest.raises(errors.ImageTooComplex) as refused:
        convert(bomb, Options(80, 100, 100))
    assert refused.value.members["limit"] == 300_000_000
    assert convert(photo[:-2], Options(80, 100, 100)).width == 100


# PNG: the stream of pixels is complete and has every row


def without_end(picture: bytes) -> bytes:
    assert picture.endswith(b"\0\0\0\0IEND\xae\x42\x60\x82")
    return picture[:-12]


@pytest.mark.parametrize(
    ("bits", "colour_type", "row_bytes"),
    [(1, 0, 2), (2, 3, 3), (4, 0, 5), (8, 0, 9), (8, 2, 27), (8, 4, 18), (16, 0, 18), (16, 2, 54), (16, 6, 72)],
)
def test_a_png_of_too_few_or_too_many_rows_is_refused_without_end_mark(
    bits: int, colour_type: int, row_bytes: int
) -> None:
    palette = [(b"PLTE", bytes(range(12)))] if colour_type == 3 else []
    for rows, complete in ((6, False), (7, True), (8, False)):
        picture = without_end(pictures.png((9, 7), bits, colour_type, [bytes(row_bytes)] * rows, palette))
        if complete:
            assert convert(picture).height == 7
        else:
            with pytest.raises(errors.ImageCorrupt):
                convert(picture)


# The pass of each pixel, as the standard prints it.
ADAM7 = ("16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777")


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (4, 4), (5, 3), (8, 8), (17, 13)])
def test_the_passes_of_an_interlaced_png_are_counted(size: tuple[int, int]) -> None:
    width, height = size
    scans = b""
    for number in "1234567":
        rows = [sum(ADAM7[y % 8][x % 8] == number for x in range(width)) for y in range(height)]
        scans += b"".join(b"\0" + bytes(pixels) for pixels in rows if pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    head = pictures.PNG_SIGNATURE + png_chunk(b"IHDR", header)
    assert png_pixels.is_complete(head + png_chunk(b"IDAT", zlib.compress(scans)))
    assert not png_pixels.is_complete(head + png_chunk(b"IDAT", zlib.compress(scans[:-1])))
    assert not png_pixels.is_complete(head + png_chunk(b"IDAT", zlib.compress(scans + b"\0")))


DAMAGED_ENDS = {
    "nothing": b"",
    "half of IEND": b"\0\0\0\0IE",
    "IEND misspelt": b"\0\0\0\0IxND\xae\x42\x60\x82",
    "a text that breaks off": b"\0\0\1\0tEXtComment\0",
    "zeros": bytes(100),
    "rubbish": rubbish(300),
    "an empty IDAT": png_chunk(b"IDAT", b""),
    "an IDAT that breaks off": b"\0\0\1\0IDAT",
}


@pytest.mark.parametrize("end", DAMAGED_ENDS.values(), ids=DAMAGED_ENDS)
def test_a_complete_png_is_stored_whatever_is_there_in_place_of_iend(end: bytes) -> None:
    whole = OTHERS["noisy PNG"]
    assert convert(without_end(whole) + end) == convert(whole)


def test_a_png_in_many_chunks_is_stored_without_iend() -> None:
    rows = b"".join(b"\0" + QUADRANTS.crop((0, y, 64, y + 1)).tobytes() for y in range(48))
    packed = zlib.compress(rows)
    head = pictures.PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0))
    chunks = [png_chunk(b"IDAT", packed[at : at + 7]) for at in range(0, len(packed), 7)]
    assert convert(head + b"".join(chunks)) == convert(OTHERS["PNG"])
    with pytest.raises(errors.ImageCorrupt):
        convert(head + b"".join(chunks[:-1]))


@pytest.mark.parametrize("surplus", [1, 64 << 20])
def test_a_png_bomb_without_iend_is_refused_in_time(surplus: int) -> None:
    packed = zlib.compress(bytes(7 * 10 + surplus), 9)
    head = pictures.PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 7, 8, 0, 0, 0, 0))
    source = head + png_chunk(b"IDAT", packed) + png_chunk(b"IDAT", packed)
    tracemalloc.start()
    with in_time(0.5), pytest.raises(errors.ImageCorrupt):
        convert(source)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 3_000_000


# GIF and APNG: what follows the first frame may be missing


def test_a_gif_that_breaks_off_behind_its_first_frame_is_stored() -> None:
    still = pictures.gif((64, 48), (0, 0, 64, 48))
    whole = still[:-1] + still[still.index(b"," + struct.pack("<HHHH", 0, 0, 64, 48)) :]
    for length in range(len(still) - 1, len(whole)):
        assert convert(whole[:length]) == convert(still)


def test_an_apng_that_breaks_off_behind_its_first_frame_is_stored() -> None:
    whole = pictures.animation("PNG", QUADRANTS, NOISE.resize((64, 48)))
    second = whole.rindex(b"fcTL") - 4
    for length in range(second, len(whole), 50):
        assert convert(whole[:length]) == convert(whole)


def test_a_gif_whose_last_sub_block_breaks_off_lacks_pixels() -> None:
    whole = OTHERS["noisy GIF"]
    for missing in (4, 5, 100, 255, 256, 257, 300):
        with pytest.raises(errors.ImageCorrupt):
            convert(whole[:-missing])


def test_a_jpeg_that_breaks_off_before_its_scan_is_refused() -> None:
    whole = JPEGS["4:2:0"]
    with pytest.raises(errors.ImageCorrupt):
        convert(whole[: whole.index(b"\xff\xda")] + jpeg_segment(0xFE, b"no scan"))
