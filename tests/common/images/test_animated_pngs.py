"""The first frame of an APNG is stored, also if the default image is not part of the animation."""

import struct
import zlib

import pytest

from common import errors
from common.images.options import Options
from tests import pictures
from tests.image_assertions import BEST, assert_colour, assert_refused_or_shown, convert, opened
from tests.pictures import BLUE, GREEN, HIDDEN, RED, WHITE, png_chunk

Frame = tuple[int, int, int, int]  # width, height, left, top
FULL: Frame = (64, 48, 0, 0)


def control(number: int, frame: Frame, *, sound: bool = True) -> bytes:
    return png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *frame, 1, 10, 0, 0), sound=sound)


def animated(frames: int = 2, *, sound: bool = True) -> bytes:
    return png_chunk(b"acTL", struct.pack(">II", frames, 0), sound=sound)


def rows(size: tuple[int, int], pixel: bytes) -> bytes:
    """Return packed rows of a pixel of whole bytes."""
    return zlib.compress((b"\0" + pixel * size[0]) * size[1])


def data(number: int, packed: bytes) -> bytes:
    return png_chunk(b"fdAT", struct.pack(">I", number) + packed)


def apng(*chunks: bytes, colour_type: int = 2, bits: int = 8, still: bytes = bytes(RED), extra: bytes = b"") -> bytes:
    """Return an APNG of 64 x 48 whose default image is no frame. `extra` comes before it, `chunks` after it."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, bits, colour_type, 0, 0, 0))
    default = png_chunk(b"IDAT", rows((64, 48), still))
    return (
        pictures.PNG_SIGNATURE + header + (extra or animated()) + default + b"".join(chunks) + png_chunk(b"IEND", b"")
    )


GREEN_FRAME = control(0, FULL) + data(1, rows((64, 48), bytes(GREEN)))
BLUE_FRAME = control(2, FULL) + data(3, rows((64, 48), bytes(BLUE)))


@pytest.mark.parametrize("options", [BEST, Options(95, 32, 32)])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_default_image_that_is_no_frame_is_not_stored(frames: int, options: Options) -> None:
    later = BLUE_FRAME if frames == 2 else b""
    stored = opened(convert(apng(GREEN_FRAME, later, extra=animated(frames)), options))
    assert stored.width == (options.x or 64)
    assert_colour(stored, (0.5, 0.5), GREEN)


def test_a_default_image_that_is_the_first_frame_is_stored() -> None:
    source = apng(control(1, FULL) + data(2, rows((64, 48), bytes(GREEN))), extra=animated() + control(0, FULL))
    assert_colour(opened(convert(source)), (0.5, 0.5), RED)


@pytest.mark.parametrize("options", [BEST, Options(95, 32, 32)])
def test_a_first_frame_that_is_smaller_than_its_canvas_lies_on_white(options: Options) -> None:
    source = apng(control(0, (32, 12, 16, 24)) + data(1, rows((32, 12), bytes(GREEN))), BLUE_FRAME)
    stored = opened(convert(source, options))
    assert stored.width == (options.x or 64)
    for place in ((0.3, 0.55), (0.5, 0.62), (0.7, 0.7)):
        assert_colour(stored, place, GREEN)
    for place in ((0.1, 0.6), (0.9, 0.6), (0.5, 0.3), (0.5, 0.9)):
        assert_colour(stored, place, WHITE)


@pytest.mark.parametrize(
    ("colour_type", "bits", "clear", "shown", "extra", "expected"),
    [
        (0, 8, b"\x00", b"\x64", b"", (100, 100, 100)),
        (0, 8, b"\x07", b"\x64", png_chunk(b"tRNS", b"\0\x07"), (100, 100, 100)),
        (0, 1, b"\0", b"\xff", png_chunk(b"tRNS", b"\0\0"), WHITE),
        (0, 1, b"\xff", b"\0", png_chunk(b"tRNS", b"\0\1"), (0, 0, 0)),
        (0, 2, b"\x55", b"\xaa", png_chunk(b"tRNS", b"\0\1"), (170, 170, 170)),
        (0, 16, b"\x07\x01", b"\x64\x64", png_chunk(b"tRNS", b"\x07\x01"), (100, 100, 100)),
        (2, 16, b"\xff\xff\0\0\xff\xff", b"\0\0\x80\x80\xff\xff", b"", (0, 128, 255)),
        (3, 8, b"\0", b"\1", png_chunk(b"PLTE", bytes((*HIDDEN, *BLUE))) + png_chunk(b"tRNS", b"\0"), BLUE),
        (4, 8, b"\x63\0", b"\x64\xff", b"", (100, 100, 100)),
        (6, 8, bytes((*HIDDEN, 0)), bytes((*BLUE, 255)), b"", BLUE),
        (6, 16, b"\xff\xff" * 3 + bytes(2), b"\0\0\x80\x80\xff\xff\xff\xff", b"", (0, 128, 255)),
    ],
    ids=[
        "grey",
        "keyed grey",
        "white",
        "black",
        "2 bits",
        "deep grey",
        "deep RGB",
        "palette",
        "grey and alpha",
        "RGBA",
        "deep RGBA",
    ],
)
def test_first_frames_of_all_kinds_of_pixels_are_placed(
    colour_type: int, bits: int, clear: bytes, shown: bytes, extra: bytes, expected: tuple[int, ...]
) -> None:
    packed = zlib.compress((b"\0" + clear * (min(bits, 8) * 2) + shown * (min(bits, 8) * 2)) * 24)
    first = control(0, (32, 24, 32, 24)) + data(1, packed)
    source = apng(first, colour_type=colour_type, bits=bits, still=shown, extra=animated() + extra)
    stored = opened(convert(source))
    is_clear = colour_type in (3, 4, 6) or b"tRNS" in extra
    assert_colour(stored, (0.9, 0.75), expected)
    assert_colour(stored, (0.25, 0.25), WHITE)
    if is_clear:
        assert_colour(stored, (0.6, 0.75), WHITE)


def test_the_data_of_the_first_frame_may_come_in_pieces() -> None:
    packed = rows((64, 48), bytes(GREEN))
    pieces = [packed[at : at + 9] for at in range(0, len(packed), 9)]
    first = control(0, FULL) + b"".join(data(number, piece) for number, piece in enumerate(pieces, 1))
    text = png_chunk(b"tEXt", b"Comment\0between")
    assert_colour(opened(convert(apng(first, text, BLUE_FRAME))), (0.5, 0.5), GREEN)


NO_ANIMATIONS = {
    "no acTL": apng(GREEN_FRAME, extra=png_chunk(b"tEXt", b"a\0b")),
    "acTL with a wrong checksum": apng(GREEN_FRAME, extra=animated(sound=False)),
    "acTL of no frames": apng(GREEN_FRAME, extra=animated(0)),
    "acTL of a wrong length": apng(GREEN_FRAME, extra=png_chunk(b"acTL", bytes(3) + b"\1")),
    "acTL after the default image": apng(animated(), GREEN_FRAME, extra=png_chunk(b"tEXt", b"a\0b")),
    "no fcTL": apng(data(0, rows((64, 48), bytes(GREEN)))),
    "fcTL with a wrong checksum": apng(control(0, FULL, sound=False), data(1, rows((64, 48), bytes(GREEN)))),
    "fcTL of a wrong length": apng(png_chunk(b"fcTL", bytes(25)), data(1, rows((64, 48), bytes(GREEN)))),
    "fcTL of a later frame": apng(control(1, FULL), data(2, rows((64, 48), bytes(GREEN)))),
    "no data": apng(control(0, FULL), BLUE_FRAME),
    "empty data": apng(control(0, FULL), png_chunk(b"fdAT", b""), png_chunk(b"fdAT", b"\0\0\0\1")),
    "a frame over the edge": apng(control(0, (64, 48, 1, 0)), data(1, rows((64, 48), bytes(GREEN)))),
    "a frame far away": apng(control(0, (1, 1, 2**32 - 1, 2**32 - 1)), data(1, rows((1, 1), bytes(GREEN)))),
    "an empty frame": apng(control(0, (0, 48, 0, 0)), data(1, rows((0, 48), bytes(GREEN)))),
}


@pytest.mark.parametrize("source", NO_ANIMATIONS.values(), ids=NO_ANIMATIONS)
def test_the_default_image_is_stored_if_the_animation_is_none(source: bytes) -> None:
    assert_colour(opened(convert(source)), (0.5, 0.5), RED)


@pytest.mark.parametrize("packed", [b"no zlib", rows((64, 47), bytes(GREEN))[:-9], zlib.compress(bytes(100))])
def test_a_first_frame_that_is_damaged_is_corrupt(packed: bytes) -> None:
    with pytest.raises(errors.ImageCorrupt):
        convert(apng(control(0, FULL), data(1, packed), BLUE_FRAME))


def test_an_apng_without_iend_is_stored_if_its_first_frame_is_complete() -> None:
    whole = apng(GREEN_FRAME, BLUE_FRAME)
    complete = whole.index(b"fcTL", whole.index(b"fdAT")) - 8  # without the checksum of fdAT
    for length in range(complete, len(whole)):
        assert convert(whole[:length]) == convert(whole)
    for length in range(whole.index(b"fdAT") + 12, complete):
        with pytest.raises(errors.ImageCorrupt):
            convert(whole[:length])


def test_a_small_frame_on_a_canvas_of_too_many_pixels_is_refused() -> None:
    source = apng(control(0, (8, 8, 0, 0)) + data(1, rows((8, 8), bytes(GREEN))))
    assert convert(source, max_pixels=64 * 48).width == 64
    with pytest.raises(errors.ImageTooManyPixels):
        convert(source, max_pixels=64 * 48 - 1)


def test_changed_bytes_of_an_apng_give_an_image_or_a_refusal() -> None:
    whole = apng(control(0, (32, 12, 16, 24)) + data(1, rows((32, 12), bytes(GREEN))), BLUE_FRAME)
    for at in range(8, len(whole)):
        for value in (0, 1, 255):
            assert_refused_or_shown(whole[:at] + bytes([value]) + whole[at + 1 :])
