"""Files that are no picture, or a broken one: each is refused as what it is."""

import random
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from common import errors
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.image_assertions import assert_refused_or_shown, convert, in_time
from tests.pictures import png_chunk, with_png_chunks

PICTURE = pictures.quadrants((64, 48))
WIDE_PRIMARIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def whole_files() -> dict[str, bytes]:
    """Return small files of every format and of many kinds."""
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    other = PICTURE.transpose(Image.Transpose.ROTATE_180)
    return {
        "JPEG": pictures.saved(PICTURE, "JPEG", icc_profile=profile),
        "progressive JPEG": pictures.saved(PICTURE, "JPEG", progressive=True),
        "phone JPEG": pictures.phone_photo(6, (64, 48)),
        "CMYK JPEG": pictures.cmyk_jpeg((9, 99, 0, 30), profile=icc_profiles.cmyk_where_cyan_prints_green()),
        "YCCK JPEG": pictures.cmyk_jpeg((9, 99, 0, 30), ycck=True),
        "PNG": pictures.saved(PICTURE, "PNG", icc_profile=profile),
        "palette PNG": pictures.transparent_png("P"),
        "grey PNG": pictures.keyed_png(4, 0, (7,), (9,)),
        "deep PNG": pictures.keyed_png(16, 2, (65_535, 0, 65_535), (1, 2, 3)),
        "interlaced PNG": pictures.interlaced_png(),
        "linear PNG": pictures.flat_png(
            8, 2, (9, 99, 199), pictures.gamma_chunk(1.0), pictures.chromaticities_chunk(*WIDE_PRIMARIES)
        ),
        "HDR PNG": pictures.flat_png(16, 6, (9_000, 30_000, 50_000, 40_000), pictures.cicp_chunk(9, 16)),
        "deep grey PNG": pictures.flat_png(16, 4, (9_000, 40_000), pictures.profile_chunk(icc_profiles.grey(1.0))),
        "WebP": pictures.saved(PICTURE, "WEBP", icc_profile=profile),
        "lossless WebP": pictures.saved(pictures.half_hidden("RGBA"), "WEBP", lossless=True),
        "alpha WebP": pictures.saved(pictures.half_hidden("RGBA"), "WEBP"),
        "animated WebP": pictures.animation("WEBP", PICTURE, other),
        "BMP": pictures.saved(PICTURE, "BMP"),
        "palette BMP": pictures.saved(PICTURE.convert("P"), "BMP"),
        "RLE BMP": pictures.bmp((4, 2), 8, b"\1\2\3\1\0\0\4\1\0\1", compression=1, palette=bytes(range(16))),
        "GIF": pictures.saved(PICTURE, "GIF"),
        "small frame GIF": pictures.gif((64, 64), (32, 0, 32, 64)),
    }


# None of the five, or nothing at all

OTHERS = {
    "nothing": b"",
    "one byte": b"\xff",
    "text": b"Hello, this is no picture at all.",
    "text that starts as a BMP": b"BMW is a maker of cars, and this is no picture.",
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "PDF": b"%PDF-1.7\n",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "ZIP": b"PK\3\4" + bytes(40),
    "PSD": b"8BPS\0\1" + bytes(40),
    "WAV": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
    "TIFF": pictures.saved(PICTURE, "TIFF"),
    "ICO": pictures.saved(PICTURE, "ICO"),
    "PPM": pictures.saved(PICTURE, "PPM"),
    "TGA": pictures.saved(PICTURE, "TGA"),
    "JPEG 2000": pictures.saved(PICTURE, "JPEG2000"),
}


@pytest.mark.parametrize("source", OTHERS.values(), ids=OTHERS)
def test_what_is_none_of_the_five_formats_is_unsupported(source: bytes) -> None:
    with pytest.raises(errors.UnsupportedImage):
        convert(source)


def media_file(*brands: bytes) -> bytes:
    """Return the head of a file in ISO's container for media, which phones and cameras write."""
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(box) + 4) + box + struct.pack(">I", 8) + b"mdat"


XML = b'<?xml version="1.0" encoding="UTF-8"?>'
DOCTYPE = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
NAMED = {
    "a HEIC image": (
        media_file(b"heic", b"mif1", b"heic"),
        media_file(b"mif1", b"heic"),
        media_file(b"msf1", b"hevc"),
        media_file(b"heix"),
    ),
    "an AVIF image": (
        media_file(b"avif", b"mif1", b"miaf"),
        media_file(b"mif1", b"miaf", b"avif"),
        media_file(b"avis"),
    ),
    "a video": (
        media_file(b"isom", b"iso2", b"mp41"),
        media_file(b"qt  "),
        b"\x1a\x45\xdf\xa3\x01",
        b"RIFF\0\0\0\0AVI LIST",
    ),
    "a camera's raw image": (media_file(b"crx ", b"crx ", b"isom"), b"FUJIFILMCCD-RAW 0201", b"IIU\0\x18", b"IIRO\x08"),
    "a TIFF or a camera's raw image": (
        OTHERS["TIFF"],
        b"MM\0*\0\0\0\x08",
        b"II+\0\x08\0\0\0",
        b"II*\0\x10\0\0\0CR\2\0",
    ),
    "an SVG drawing": (
        OTHERS["SVG"],
        b"\xef\xbb\xbf\n <svg>",
        XML + b"\n<!-- Created with a program -->\n" + DOCTYPE + b"\n<svg width='1'>",
        DOCTYPE + b"<svg:svg>",
    ),
    "a JPEG XL image": (b"\xff\x0a\xfa\x1f", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "a JPEG 2000 image": (OTHERS["JPEG 2000"], b"\xff\x4f\xff\x51\0\x2f"),
    "a JPEG XR image": (b"II\xbc\x01\x20\0\0\0",),
    "a PDF document": (OTHERS["PDF"],),
    "a PostScript document": (OTHERS["EPS"], b"\xc5\xd0\xd3\xc6\x20\0\0\0"),
    "a Photoshop document": (OTHERS["PSD"], b"8BPS\0\2" + bytes(40)),
    "a GIMP document": (b"gimp xcf v011\0",),
    "an icon": (OTHERS["ICO"], b"\0\0\2\0\1\0\x20\x20", b"icns\0\1\0\0"),
    "a netpbm image": (OTHERS["PPM"], b"P4 1 1\n\0", b"P7\nWIDTH 1\n"),
    "an OpenEXR image": (b"\x76\x2f\x31\x01\2\0\0\0",),
    "a QOI image": (b"qoif\0\0\0\1",),
}


@pytest.mark.parametrize(("name", "sources"), NAMED.items(), ids=NAMED)
def test_another_format_is_named_and_what_to_send_instead(name: str, sources: tuple[bytes, ...]) -> None:
    for source in sources:
        with pytest.raises(errors.UnsupportedImage) as refused:
            convert(source)
        assert refused.value.detail == f"The file is {name}. Send a JPEG, PNG, WebP, BMP or GIF image instead."


@pytest.mark.parametrize(
    "name", ["nothing", "one byte", "text", "text that starts as a BMP", "HTML", "ZIP", "WAV", "TGA"]
)
def test_what_has_no_name_here_is_none_of_the_five(name: str) -> None:
    with pytest.raises(errors.UnsupportedImage) as refused:
        convert(OTHERS[name])
    assert refused.value.detail == "The file is none of JPEG, PNG, WebP, BMP and GIF. Send one of these."


@pytest.mark.parametrize("filling", [b" ", b"<?xml", b"<!--", b"\0\0\0\x0cftyp", b"avi"])
def test_a_long_file_of_another_format_is_refused_at_once(filling: bytes) -> None:
    with in_time(0.5), pytest.raises(errors.UnsupportedImage):
        convert(filling * 2_000_000)


HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\4\0\0\0WEBP", b"BM" + bytes(12) + b"\x28\0\0\0")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("rest", [b"", b"\0", bytes(30), b"\xff" * 30, bytes(range(256)) * 4])
def test_a_head_without_its_picture_is_corrupt(head: bytes, rest: bytes) -> None:
    with pytest.raises((errors.ImageCorrupt, errors.ImageTooManyPixels)):
        convert(head + rest)


# Cut short, or with bytes changed


# How many bytes at the end only mark it, or fill it up. Without them the picture is complete: see test_image_ends.py.
END_MARKS = {"JPEG": 4, "PNG": 16, "GIF": 3, "RLE BMP": 2}


@pytest.mark.parametrize(("name", "whole"), whole_files().items(), ids=whole_files())
def test_a_file_that_is_cut_short_anywhere_is_refused(name: str, whole: bytes) -> None:
    complete = len(whole) - END_MARKS.get(name, END_MARKS.get(name.rsplit(maxsplit=1)[-1], 0))
    step = max(1, complete // 100)
    for length in [*range(0, complete, step), *range(max(0, complete - 30), complete)]:
        with in_time(), pytest.raises((errors.ImageCorrupt, errors.UnsupportedImage)):
            convert(whole[:length])


@pytest.mark.parametrize("whole", whole_files().values(), ids=whole_files())
def test_changed_bytes_give_an_image_or_a_refusal(whole: bytes) -> None:
    chance = random.Random(len(whole))
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            where = chance.randrange(len(whole) if chance.random() < 0.5 else min(len(whole), 200))
            damaged[where] = chance.choice((0, 255, chance.randrange(256)))
        assert_refused_or_shown(bytes(damaged))


@pytest.mark.parametrize("whole", whole_files().values(), ids=whole_files())
def test_bytes_that_came_in_or_fell_out_give_an_image_or_a_refusal(whole: bytes) -> None:
    chance = random.Random(len(whole))
    for _ in range(40):
        where, length = chance.randrange(len(whole)), chance.randrange(1, 40)
        assert_refused_or_shown(whole[:where] + chance.randbytes(length) + whole[where:])
        assert_refused_or_shown(whole[:where] + whole[where + length :])


# What comes behind the first frame is not looked at


@pytest.mark.parametrize("kind", [b"fcTL", b"fdAT"])
def test_a_broken_later_frame_of_an_apng_does_no_harm(kind: bytes) -> None:
    assert convert(pictures.broken_apng(at_chunk=kind)).width == 64


def test_a_broken_or_huge_later_frame_of_a_webp_does_no_harm() -> None:
    whole = pictures.animation("WEBP", PICTURE, pictures.noise((64, 48)))
    later = whole.rindex(b"ANMF")
    for at, damage in ((4, b"\xff\xff\xff\x7f"), (8, b"\xff" * 6), (14, b"\xff" * 6), (24, b"\xff" * 16)):
        broken = whole[: later + at] + damage + whole[later + at + len(damage) :]
        assert convert(broken) == convert(whole)


def test_a_broken_or_huge_later_frame_of_a_gif_does_no_harm() -> None:
    still = pictures.gif((64, 48), (0, 0, 64, 48))
    frame = b"," + struct.pack("<HHHHB", 0, 0, 64, 48, 0)
    huge = b"," + struct.pack("<HHHHB", 60_000, 60_000, 60_000, 60_000, 0)
    for later in (still[still.index(frame) :], frame, frame + b"\x08\xff", huge + b"\x08\0;", b"!\xf9", b"\xff" * 100):
        assert convert(still[:-1] + later) == convert(still)


# Headers that contradict each other

CONTRADICTIONS: dict[str, Callable[[], bytes]] = {
    "two JPEG frames": lambda: _twice(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 19),
    "JPEG of height 0": lambda: _patched(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 5, b"\0\0"),
    "JPEG of 12 bits": lambda: _patched(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 4, b"\x0c"),
    "JPEG of 2 components": lambda: _patched(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 9, b"\2"),
    "JPEG of 255 components": lambda: _patched(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 9, b"\xff"),
    "JPEG without scans": lambda: pictures.saved(PICTURE, "JPEG").split(b"\xff\xda")[0] + b"\xff\xd9",
    "JPEG without a frame": lambda: _patched(pictures.saved(PICTURE, "JPEG"), b"\xff\xc0", 1, b"\xfe"),
    "PNG with a small header before the true one": lambda: (
        pictures.PNG_SIGNATURE
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + pictures.saved(PICTURE, "PNG")[8:]
    ),
    "PNG of 3 bits": lambda: pictures.png((8, 8), 3, 0, [bytes(3)] * 8),
    "PNG of width 0": lambda: pictures.png((0, 8), 8, 0, [b""] * 8),
    "PNG with no pixels": lambda: pictures.png((8, 8), 8, 0, []),
    "PNG that says it begins with a palette": lambda: with_png_chunks(pictures.PNG_SIGNATURE.ljust(33, b"\0")),
    "PNG whose palette is missing": lambda: pictures.png((8, 8), 8, 3, [bytes(8)] * 8),
    "PNG whose transparency is damaged": lambda: with_png_chunks(
        pictures.transparent_png("P"), png_chunk(b"tRNS", b"\0\xff", sound=False)
    ),
    "WebP whose canvas is not its frame": lambda: _patched(
        pictures.saved(pictures.half_hidden("RGBA"), "WEBP"), b"VP8X", 12, (499).to_bytes(3, "little")
    ),
    "WebP whose frame leaves its canvas": lambda: _patched(
        pictures.animation("WEBP", PICTURE, PICTURE.rotate(180)), b"VP8X", 12, bytes(6)
    ),
    "GIF whose frame is empty": lambda: pictures.gif((8, 8), (0, 0, 0, 8)),
    "GIF of no frame": lambda: b"GIF89a\x08\0\x08\0\0\0\0;",
    "GIF of impossible codes": lambda: pictures.gif((8, 8), (0, 0, 8, 8))[:-30] + b"\x1f\2\xff\xff\0;",
    "BMP whose pixels lie behind the end": lambda: _patched(pictures.saved(PICTURE, "BMP"), b"BM", 10, b"\xff" * 4),
    "BMP of width 0": lambda: pictures.bmp((0, 8), 24, bytes(64)),
    "BMP of negative width": lambda: pictures.bmp((-8, 8), 24, bytes(640)),
    "BMP of 7 bits": lambda: pictures.bmp((8, 8), 7, bytes(640)),
    "BMP holding a PNG": lambda: pictures.bmp((8, 8), 24, pictures.plain("PNG", (8, 8)), compression=5),
    "BMP of unknown masks": lambda: pictures.bmp((8, 8), 32, bytes(640), compression=3, masks=b"\1" * 12),
}


def _patched(whole: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    at = whole.index(mark) + offset
    return whole[:at] + value + whole[at + len(value) :]


def _twice(whole: bytes, mark: bytes, length: int) -> bytes:
    at = whole.index(mark)
    other = bytearray(whole[at : at + length])
    other[5:9] = struct.pack(">HH", 5000, 5000)
    return whole[:at] + whole[at : at + length] + bytes(other) + whole[at + length :]


@pytest.mark.parametrize("contradiction", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_headers_that_make_no_sense_are_corrupt(contradiction: Callable[[], bytes]) -> None:
    source = contradiction()
    with in_time(0.5), pytest.raises(errors.ImageCorrupt):
        convert(source)
    with in_time(0.5), pytest.raises(errors.ImageCorrupt):
        convert(source, Options(80, 4, 4))


def test_a_failed_conversion_leaves_nothing_behind_for_the_next() -> None:
    good = pictures.plain("PNG", (64, 48))
    before = convert(good)
    for source in (*whole_files().values(), pictures.scan_bomb(), pictures.pixel_bomb("WEBP")):
        assert_refused_or_shown(source[: len(source) // 2])
        assert convert(good) == before
