"""An ICC profile is judged by its content, and applied before anything is mixed or lost."""

import random

import pytest
from PIL import Image, ImageCms

from common.images.options import Options
from tests import icc_profiles, pictures
from tests.icc_profiles import level, light_of_srgb
from tests.image_assertions import BEST, assert_colour, assert_corners, convert, opened
from tests.pictures import BLUE, GREEN, RED, WHITE, YELLOW


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


LINEAR_NAMES = ("GIMP built-in Linear sRGB", "sRGB-elle-V2-g10.icc", "sRGB IEC61966-2.1 (Linear)", "Linear RGB", "")


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", LINEAR_NAMES)
def test_a_profile_is_judged_by_its_content_and_not_by_its_name(name: str, image_format: str) -> None:
    profile = icc_profiles.rgb(icc_profiles.SRGB, 1.0, name)
    source = pictures.saved(Image.new("RGB", (64, 64), (90, 90, 90)), image_format, icc_profile=profile, quality=95)
    assert_colour(opened(convert(source)), (0.5, 0.5), (level(90 / 255),) * 3, tolerance=2)


def test_wide_primaries_that_are_called_srgb_are_converted() -> None:
    profile = icc_profiles.rgb(icc_profiles.DISPLAY_P3, 2.2, "sRGB")
    expected = icc_profiles.seen_in_srgb(icc_profiles.DISPLAY_P3, 2.2, (170, 110, 90))
    source = pictures.saved(Image.new("RGB", (64, 64), (170, 110, 90)), "PNG", icc_profile=profile)
    assert_colour(opened(convert(source)), (0.5, 0.5), expected, tolerance=2)


SRGB_CURVES = {
    "1024 samples": icc_profiles.sampled_curve(light_of_srgb),
    "4096 samples": icc_profiles.sampled_curve(light_of_srgb, 4096),
    "formula": icc_profiles.parametric_srgb_curve(),
}
ROUNDED_SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


@pytest.mark.parametrize("curve", SRGB_CURVES.values(), ids=SRGB_CURVES)
@pytest.mark.parametrize("primaries", [icc_profiles.SRGB, ROUNDED_SRGB])
@pytest.mark.parametrize("name", ["sRGB IEC61966-2.1", "c2", ""])
def test_a_profile_of_srgb_leaves_every_colour_alone(
    name: str, primaries: icc_profiles.Primaries, curve: bytes
) -> None:
    profile = icc_profiles.rgb_of_curves(primaries, (curve,) * 3, name)
    picture = pictures.noise((64, 64))
    assert convert(pictures.saved(picture, "PNG", icc_profile=profile)) == convert(pictures.saved(picture, "PNG"))


def test_little_cms_own_srgb_leaves_every_colour_alone() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for picture in (pictures.noise((64, 64)), pictures.noise((64, 64), "RGBA"), Image.linear_gradient("L")):
        assert convert(pictures.saved(picture, "PNG", icc_profile=profile)) == convert(pictures.saved(picture, "PNG"))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("profile", [icc_profiles.grey(1.0), icc_profiles.rgb(icc_profiles.DISPLAY_P3, 1.0)])
def test_every_grey_is_converted_exactly(profile: bytes, image_format: str) -> None:
    for grey in (*range(8), 20, 100, 255):
        source = pictures.saved(Image.new("L", (16, 16), grey), image_format, icc_profile=profile, quality=95)
        assert_colour(opened(convert(source)), (0.5, 0.5), (level(grey / 255),) * 3, tolerance=2)


def test_a_grey_webp_has_no_grey_profile() -> None:
    picture = Image.new("RGB", (64, 64), (100, 100, 100))
    source = pictures.saved(picture, "WEBP", lossless=True, icc_profile=icc_profiles.grey(1.0))
    assert_colour(opened(convert(source)), (0.5, 0.5), (100, 100, 100), tolerance=1)


def test_a_profile_that_is_a_table_is_converted() -> None:
    profile = icc_profiles.rgb_table_that_swaps_red_and_green()
    source = pictures.saved(Image.new("RGB", (64, 64), (255, 0, 0)), "PNG", icc_profile=profile)
    assert_colour(opened(convert(source)), (0.5, 0.5), (0, 255, 0), tolerance=16)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK"])
def test_a_damaged_profile_never_stops_a_conversion(mode: str) -> None:
    whole = [
        icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2),
        icc_profiles.rgb_of_curves(icc_profiles.SRGB, (SRGB_CURVES["formula"],) * 3),
        icc_profiles.rgb_table_that_swaps_red_and_green(),
        icc_profiles.cmyk_where_cyan_prints_green(),
        icc_profiles.grey(1.8),
    ]
    image_format = "JPEG" if mode == "CMYK" else "PNG"
    image, chance = Image.new(mode, (8, 8)), random.Random(3)
    for profile in whole * 20:
        damaged = bytearray(profile)
        for _ in range(chance.choice((1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 1, 255, chance.randrange(256)))
        opened(convert(pictures.saved(image, image_format, icc_profile=bytes(damaged)))).load()


def test_a_profile_in_pieces_in_any_order_is_joined() -> None:
    profile = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    head, tail = profile[:200], profile[200:]
    pieces = (
        pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0\x02\x02" + tail),
        pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0\x01\x02" + head),
    )
    photo = pictures.saved(Image.new("RGB", (64, 64), (170, 110, 90)), "JPEG", quality=95)
    expected = icc_profiles.seen_in_srgb(icc_profiles.ADOBE_RGB, 2.2, (170, 110, 90))
    assert_colour(opened(convert(photo[:2] + b"".join(pieces) + photo[2:])), (0.5, 0.5), expected)
    assert_colour(opened(convert(photo[:2] + pieces[0] + photo[2:])), (0.5, 0.5), (170, 110, 90))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_broken_or_foreign_profile_is_ignored(image_format: str) -> None:
    whole = icc_profiles.rgb(icc_profiles.ADOBE_RGB, 2.2)
    misnamed = whole[:16] + b"\xff\xfe\xfd " + whole[20:]
    foreign = (icc_profiles.grey(1.0), icc_profiles.cmyk_where_cyan_prints_green())
    link = whole[:12] + b"link" + whole[16:]
    for profile in (b"no profile", b"x", whole[:300], whole[:130] + b"\xff" * 200, misnamed, link, *foreign):
        source = pictures.saved(pictures.quadrants((64, 48)), image_format, icc_profile=profile, quality=95)
        assert_corners(opened(convert(source)), RED, GREEN, BLUE, YELLOW)


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
