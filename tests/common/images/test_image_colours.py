"""What is stored has the colours of what was sent: profiles, inks, transparency and 16 bits."""

import pytest
from PIL import Image

from common.images.containers import webp
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.image_assertions import BEST, assert_colour, assert_corners, convert, opened
from tests.pictures import BLUE, GREEN, HIDDEN, RED, WHITE, YELLOW

# Colour profiles


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("primaries", [icc_profiles.DISPLAY_P3, icc_profiles.ADOBE_RGB])
def test_a_wide_gamut_is_converted_to_srgb(image_format: str, primaries: icc_profiles.Primaries) -> None:
    profile, colour = icc_profiles.rgb(primaries, 2.2), (170, 110, 90)
    expected = icc_profiles.seen_in_srgb(primaries, 2.2, colour)
    assert expected != colour
    source = pictures.saved(Image.new("RGB", (64, 64), colour), image_format, icc_profile=profile, quality=95)
    for options in (BEST, Options(95, 20, 20)):
        assert_colour(opened(convert(source, options)), (0.5, 0.5), expected)


def test_a_wide_gamut_under_transparency_is_converted_and_white_stays_white() -> None:
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    expected = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
    image = pictures.half_hidden("RGBA")
    image.paste((170, 110, 90, 255), (32, 0, 64, 32))
    for image_format in ("PNG", "WEBP"):
        stored = opened(convert(pictures.saved(image, image_format, icc_profile=profile, lossless=True)))
        assert_colour(stored, (0.75, 0.5), expected)
        assert_colour(stored, (0.2, 0.5), WHITE)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_grey_profile_is_converted_to_srgb(mode: str) -> None:
    grey = 100 if mode != "I;16" else 100 * 257
    image = Image.new("L", (64, 64), 100).convert(mode) if mode != "I;16" else Image.new("I;16", (64, 64), grey)
    expected = round(255 * icc_profiles.srgb_curve((100 / 255) ** 1.0))
    assert expected > 150
    source = pictures.saved(image, "PNG", icc_profile=icc_profiles.grey(1.0))
    assert_colour(opened(convert(source)), (0.5, 0.5), (expected,) * 3)


def test_a_grey_profile_of_a_jpeg_is_converted_to_srgb() -> None:
    source = pictures.saved(Image.new("L", (64, 64), 100), "JPEG", icc_profile=icc_profiles.grey(1.0))
    assert_colour(opened(convert(source)), (0.5, 0.5), (round(255 * icc_profiles.srgb_curve(100 / 255)),) * 3)


@pytest.mark.parametrize("ycck", [False, True])
def test_a_cmyk_profile_is_converted_to_srgb(ycck: bool) -> None:  # noqa: FBT001 # a parameter of the test
    profile = icc_profiles.cmyk_where_cyan_prints_green()
    stored = opened(convert(pictures.cmyk_jpeg((255, 0, 0, 0), ycck=ycck, profile=profile)))
    assert_colour(stored, (0.5, 0.5), (0, 255, 0), tolerance=16)


def test_a_palettes_colours_follow_its_profile() -> None:
    expected = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
    image = Image.new("P", (32, 32), 0)
    image.putpalette([170, 110, 90])
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    assert_colour(opened(convert(pictures.saved(image, "PNG", icc_profile=profile))), (0.5, 0.5), expected)


def test_a_profile_in_pieces_in_any_order_is_joined() -> None:
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    head, tail = profile[:200], profile[200:]
    pieces = (piece(2, 2, tail), piece(1, 2, head))
    photo = pictures.saved(Image.new("RGB", (64, 64), (170, 110, 90)), "JPEG", quality=95)
    expected = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
    assert_colour(opened(convert(photo[:2] + b"".join(pieces) + photo[2:])), (0.5, 0.5), expected)
    assert_colour(opened(convert(photo[:2] + pieces[0] + photo[2:])), (0.5, 0.5), (170, 110, 90))


def test_of_a_profile_that_is_given_twice_the_first_counts() -> None:
    adobe, p3 = (icc_profiles.rgb(primaries, 2.2) for primaries in (icc_profiles.ADOBE_RGB, icc_profiles.DISPLAY_P3))
    whole, other = piece(1, 1, adobe), piece(1, 1, p3)
    halves = piece(1, 2, adobe[:200]) + piece(2, 2, adobe[200:])
    others = piece(1, 2, p3[:200]) + piece(2, 2, p3[200:])
    photo = pictures.saved(Image.new("RGB", (64, 64), (170, 110, 90)), "JPEG", quality=95)
    expected = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
    for pieces in (whole * 2, whole + other, halves * 2, halves + others, whole + others, halves + other):
        assert_colour(opened(convert(photo[:2] + pieces + photo[2:])), (0.5, 0.5), expected, tolerance=2)
    for pieces in (piece(1, 2, adobe[:200]) * 2, piece(3, 1, b""), pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0")):
        assert_colour(opened(convert(photo[:2] + pieces + photo[2:])), (0.5, 0.5), (170, 110, 90), tolerance=2)


def piece(number: int, count: int, data: bytes) -> bytes:
    """Return the segment of a JPEG that holds one piece of a profile."""
    return pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + data)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_or_foreign_profile_is_ignored(image_format: str) -> None:
    whole = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    misnamed = whole[:16] + b"\xff\xfe\xfd " + whole[20:]
    foreign = (icc_profiles.grey(1.0), icc_profiles.cmyk_where_cyan_prints_green())
    link = whole[:12] + b"link" + whole[16:]
    for profile in (b"no profile", b"x", whole[:300], whole[:130] + b"\xff" * 200, misnamed, link, *foreign):
        source = pictures.saved(pictures.quadrants((64, 48)), image_format, icc_profile=profile, quality=95)
        assert_corners(opened(convert(source)), RED, GREEN, BLUE, YELLOW)


# CMYK without a profile


@pytest.mark.parametrize("ycck", [False, True])
@pytest.mark.parametrize(
    ("inks", "expected"),
    [
        ((0, 0, 0, 0), WHITE),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_adobes_inverted_cmyk_and_ycck_keep_their_colours(
    ycck: bool,  # noqa: FBT001 # a parameter of the test
    inks: tuple[int, int, int, int],
    expected: tuple[int, int, int],
) -> None:
    for options in (BEST, Options(95, 10, 10)):
        stored = opened(convert(pictures.cmyk_jpeg(inks, ycck=ycck), options))
        assert_colour(stored, (0.5, 0.5), expected, tolerance=12)


# Transparency


@pytest.mark.parametrize("options", [BEST, Options(95, 32, 32)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white_and_hidden_colours_stay_hidden(mode: str, options: Options) -> None:
    stored = opened(convert(pictures.transparent_png(mode), options))
    blue = (
        Image.new("RGB", (1, 1), BLUE).convert("L").convert("RGB") if mode == "LA" else Image.new("RGB", (1, 1), BLUE)
    ).getpixel((0, 0))
    assert isinstance(blue, tuple)
    assert_colour(stored, (0.2, 0.5), WHITE)
    assert_colour(stored, (0.8, 0.5), blue)


def test_a_transparent_webp_is_laid_on_white() -> None:
    for lossless in (False, True):
        stored = opened(convert(pictures.saved(pictures.half_hidden("RGBA"), "WEBP", lossless=lossless, exact=True)))
        assert_colour(stored, (0.2, 0.5), WHITE)
        assert_colour(stored, (0.8, 0.5), BLUE)


def test_what_is_half_transparent_is_mixed_with_white() -> None:
    stored = opened(convert(pictures.saved(Image.new("RGBA", (64, 64), (200, 0, 0, 128)), "PNG")))
    assert_colour(stored, (0.5, 0.5), (227, 127, 127))


def test_a_box_mixes_no_hidden_colour_into_the_edges() -> None:
    stored = opened(convert(pictures.transparent_png("RGBA", (640, 320)), Options(95, 64, 32)))
    assert all(
        pixel[1] >= min(WHITE[1], BLUE[1]) - 12
        for pixel in (stored.getpixel((x, 16)) for x in range(64))
        if isinstance(pixel, tuple)
    )
    assert_colour(stored, (0.4, 0.5), WHITE)


@pytest.mark.parametrize(
    ("bits", "colour_type", "hidden", "shown", "expected"),
    [
        (1, 0, (0,), (1,), WHITE),
        (1, 0, (1,), (0,), (0, 0, 0)),
        (2, 0, (1,), (2,), (170, 170, 170)),
        (4, 0, (7,), (9,), (153, 153, 153)),
        (8, 0, (100,), (101,), (101, 101, 101)),
        (16, 0, (25_700,), (25_701,), (100, 100, 100)),  # one step of 65,536 apart
        (8, 2, HIDDEN, BLUE, BLUE),
        (16, 2, (0x80FF, 0x1001, 0xFF00), (7_710, 10_280, 53_970), BLUE),
    ],
)
def test_the_one_transparent_colour_of_a_png_is_hidden_at_every_depth(
    bits: int, colour_type: int, hidden: tuple[int, ...], shown: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    for options in (BEST, Options(95, 16, 4)):
        stored = opened(convert(pictures.keyed_png(bits, colour_type, hidden, shown), options))
        assert_colour(stored, (0.2, 0.5), WHITE)
        assert_colour(stored, (0.9, 0.5), expected)


def test_a_transparent_gif_is_laid_on_white() -> None:
    image = Image.new("P", (64, 32), 0)
    image.putpalette([*HIDDEN, *BLUE])
    image.paste(1, (32, 0, 64, 32))
    stored = opened(convert(pictures.saved(image, "GIF", transparency=0)))
    assert_colour(stored, (0.2, 0.5), WHITE)
    assert_colour(stored, (0.8, 0.5), BLUE)


@pytest.mark.parametrize("control", [b"", b"!\xf9\x04\x01\0\0\0\0"])
def test_where_the_frame_of_a_gif_leaves_its_screen_open_it_is_white(control: bytes) -> None:
    stored = opened(convert(pictures.gif((64, 64), (32, 0, 32, 64), control=control)))
    assert_colour(stored, (0.2, 0.5), WHITE)
    assert_colour(stored, (0.8, 0.5), BLUE)


@pytest.mark.parametrize("options", [BEST, Options(95, 32, 32)])
@pytest.mark.parametrize("lossless", [False, True])
def test_where_the_first_frame_of_a_webp_leaves_its_canvas_open_it_is_white(
    lossless: bool,  # noqa: FBT001 # a parameter of the test
    options: Options,
) -> None:
    first = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    first.paste((*BLUE, 255), (16, 8, 48, 64))
    whole = pictures.saved(
        first, "WEBP", save_all=True, append_images=[Image.new("RGBA", (64, 64), RED)], lossless=lossless
    )
    flags, frame = whole[20], whole[whole.index(b"ANMF") + 8 :]
    assert not flags & 0x10  # the encoder says that nothing is transparent
    assert (1 + frame[6], 1 + frame[9]) == (32, 56)  # and cuts the frame
    stored = opened(convert(whole, options))
    for place in ((0.1, 0.5), (0.9, 0.5), (0.5, 0.05)):
        assert_colour(stored, place, WHITE)
    for place in ((0.5, 0.5), (0.35, 0.2), (0.65, 0.9)):
        assert_colour(stored, place, BLUE)


def test_an_animated_webp_whose_first_frame_fills_its_canvas_is_left_as_it_is() -> None:
    whole = pictures.animation("WEBP", pictures.quadrants((64, 48)), pictures.noise((64, 48)))
    assert webp.read(whole).picture[20] == whole[20]


def test_a_gifs_frame_over_the_edge_of_its_screen_is_shown_in_full() -> None:
    jpeg = convert(pictures.gif((8, 8), (0, 0, 64, 32)))
    assert (jpeg.width, jpeg.height) == (64, 32)
    assert_colour(opened(jpeg), (0.9, 0.9), BLUE)


# Sixteen bits


@pytest.mark.parametrize("options", [BEST, Options(95, 4, 4)])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(options: Options) -> None:
    stored = opened(convert(pictures.deep_png(0, [16_384] * 32, 32), options))
    assert_colour(stored, (0.5, 0.5), (64, 64, 64))
    stored = opened(convert(pictures.deep_png(0, [49_152] * 32, 32), options))
    assert_colour(stored, (0.5, 0.5), (192, 192, 192))


@pytest.mark.parametrize(
    ("colour_type", "pixel", "expected"),
    [
        (2, (51_400, 25_700, 12_850), (200, 100, 50)),
        (6, (51_400, 25_700, 12_850, 65_535), (200, 100, 50)),
        (6, (51_400, 25_700, 12_850, 0), WHITE),
        (4, (25_700, 65_535), (100, 100, 100)),
        (4, (25_700, 0), WHITE),
    ],
)
def test_sixteen_bit_colour_and_alpha_are_scaled(
    colour_type: int, pixel: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    for options in (BEST, Options(95, 4, 4)):
        stored = opened(convert(pictures.deep_png(colour_type, pixel * 32, 32), options))
        assert_colour(stored, (0.5, 0.5), expected)
