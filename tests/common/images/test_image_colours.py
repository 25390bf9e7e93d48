"""What is stored has the colours of what was sent: inks and transparency."""

import pytest
from PIL import Image

from common.images.containers import webp
from common.images.options import Options
from tests import icc_profiles, pictures
from tests.icc_profiles import level
from tests.image_assertions import BEST, assert_colour, convert, opened
from tests.pictures import BLUE, HIDDEN, RED, WHITE

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


def half_clear(mode: str) -> Image.Image:
    """Return green at half alpha: RGBA, LA (a grey), or P with a palette's alpha."""
    if mode == "LA":
        return Image.new("LA", (64, 64), (100, 128))
    if mode == "RGBA":
        return Image.new("RGBA", (64, 64), (0, 255, 0, 128))
    image = Image.new("P", (64, 64), 0)
    image.putpalette([0, 255, 0])
    return image


@pytest.mark.parametrize("options", [BEST, Options(95, 20, 20)])
@pytest.mark.parametrize(
    ("image_format", "mode", "profile", "expected"),
    [
        ("PNG", "RGBA", icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2), (127, 255, 127)),
        ("PNG", "P", icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2), (127, 255, 127)),
        ("WEBP", "RGBA", icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2), (127, 255, 127)),
        ("PNG", "RGBA", icc_profiles.rgb(icc_profiles.SRGB, 2.2), (127, 255, 127)),
        ("PNG", "LA", icc_profiles.grey(1.0), ((level(100 / 255) + 255) // 2,) * 3),
        ("PNG", "LA", icc_profiles.rgb(icc_profiles.DISPLAY_P3, 1.0), ((level(100 / 255) + 255) // 2,) * 3),
    ],
)
def test_a_profile_is_applied_before_white_is_mixed_in(
    image_format: str, mode: str, profile: bytes, expected: tuple[int, ...], options: Options
) -> None:
    alpha = {"transparency": b"\x80"} if mode == "P" else {}
    source = pictures.saved(half_clear(mode), image_format, icc_profile=profile, lossless=True, **alpha)
    assert_colour(opened(convert(source, options)), (0.5, 0.5), expected, tolerance=3)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_a_profile_lets_no_hidden_colour_show(image_format: str) -> None:
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 1.0)
    source = pictures.saved(
        pictures.half_hidden("RGBA", (640, 320)), image_format, icc_profile=profile, lossless=True, exact=True
    )
    for options in (BEST, Options(95, 64, 32)):
        stored = opened(convert(source, options))
        for across in (0.1, 0.3, 0.45):
            assert_colour(stored, (across, 0.5), WHITE, tolerance=2)


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
        (16, 2, (0x8000, 0x8000, 0x8000), (0x8000, 0x8000, 0x8001), (128, 128, 128)),  # the same high bytes
        (16, 2, (0x8000, 0x8000, 0x8000), (0x8001, 0x8000, 0x8000), (128, 128, 128)),
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
