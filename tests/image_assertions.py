"""Looking at what was stored, the way the tests of images do."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from common import errors
from common.images.containers.parse import parse_container
from common.images.convert import to_jpeg
from common.images.decode import decode
from common.images.options import Jpeg, Options

MAX_PIXELS = 50_000_000
BEST = Options(quality=95)
SLOW_SECONDS = 3.0
REFUSALS = (
    errors.UnsupportedImage,
    errors.ImageCorrupt,
    errors.ImageTooManyPixels,
    errors.ImageTooComplex,
    errors.ImageTooLargeForJpeg,
)


def convert(source: bytes, options: Options = BEST, max_pixels: int = MAX_PIXELS) -> Jpeg:
    return to_jpeg(source, options, max_pixels=max_pixels)


def opened(jpeg: Jpeg) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg.data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (jpeg.width, jpeg.height))
    return image


def pixels_of(source: bytes, mode: str = "RGB") -> list[tuple[int, ...]]:
    """Return a file's pixels, row by row, before transparency is laid on white and JPEG has changed them."""
    parts = parse_container(source)
    image = decode(parts, (parts.width, parts.height))[0].convert(mode)
    places = ((x, y) for y in range(image.height) for x in range(image.width))
    return [pixel for place in places if isinstance(pixel := image.getpixel(place), tuple)]


def assert_colour(image: Image.Image, at: tuple[float, float], expected: tuple[int, ...], tolerance: int = 6) -> None:
    """Compare the colour at a place, told in parts of the width and the height."""
    seen = image.getpixel((int(at[0] * image.width), int(at[1] * image.height)))
    assert isinstance(seen, tuple)
    assert max(abs(a - b) for a, b in zip(seen, expected, strict=True)) <= tolerance, (seen, expected)


def assert_shown(source: bytes, expected: tuple[int, ...], options: Options = BEST, tolerance: int = 3) -> None:
    """Convert, and compare the colour in the middle."""
    assert_colour(opened(convert(source, options)), (0.5, 0.5), expected, tolerance)


def assert_corners(image: Image.Image, *colours: tuple[int, ...]) -> None:
    for place, colour in zip(((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)), colours, strict=True):
        assert_colour(image, place, colour)


@contextmanager
def in_time(seconds: float = SLOW_SECONDS) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def assert_refused_or_shown(source: bytes) -> None:
    """Convert, and let nothing pass but a refusal whose words are ours."""
    with in_time():
        try:
            jpeg = convert(source)
        except REFUSALS as problem:
            detail = problem.detail
        else:
            Image.open(io.BytesIO(jpeg.data)).load()
            return
    assert detail.endswith(".")
    assert not set("<>\\'\"") & set(detail)
