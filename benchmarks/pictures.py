"""The sources that are uploaded: made of scikit-image's photographs, the same ones in every run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

_PHOTOGRAPHS = ("astronaut", "coffee", "rocket", "chelsea")  # in the public domain (NASA) or CC0, all four
_SENSOR_NOISE = 4.5  # standard deviation, of 255: an upscaled photograph has none of its own


@cache
def photo(width: int, height: int, quality: int = 92) -> bytes:
    """Return a photograph as a phone stores it: JPEG 4:2:0 with EXIF; 4000 x 3000 take about 3.9 MB."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Image API", "benchmark", 1
    return _saved(_picture(width, height), "JPEG", quality=quality, exif=exif)


def png_photo() -> bytes:
    """Return a photograph of 3 MP as a PNG."""
    return _saved(_picture(2048, 1536), "PNG")


def webp_photo() -> bytes:
    """Return a photograph of 3 MP as a WebP."""
    return _saved(_picture(2048, 1536), "WEBP", quality=85)


def bmp_photo() -> bytes:
    """Return a photograph of 2 MP as a BMP."""
    return _saved(_picture(1600, 1200), "BMP")


def gif() -> bytes:
    """Return a photograph of 0.5 MP as a GIF of 256 colours."""
    return _saved(_picture(800, 600).quantize(256), "GIF")


def png_screenshot() -> bytes:
    """Return a full HD window of text, flat areas and one photograph as a PNG."""
    screen = Image.new("RGB", (1920, 1080), "#f6f8fa")
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 1920, 60), fill="#24292f")
    draw.rectangle((0, 60, 360, 1080), fill="#ffffff")
    font = ImageFont.load_default(15)
    for row in range(50):
        draw.text((20, 80 + 20 * row), f"common/module_{row:02}.py", "#0969da", font)
        draw.text(
            (390, 80 + 20 * row), f"{row:4}    the quick brown fox jumps over lazy dog {row * row}" * 2, "#1f2328", font
        )
    screen.paste(_picture(600, 450), (1260, 580))
    return _saved(screen, "PNG")


@dataclass(frozen=True)
class Job:
    """A source, and what it is converted to."""

    name: str
    source: Callable[[], bytes]
    quality: int
    box: tuple[int, int] | None

    @property
    def fields(self) -> dict[str, int]:
        """What an upload's form asks for."""
        return {"quality": self.quality, **dict(zip("xy", self.box or (), strict=False))}


JOBS = (
    Job("12 MP JPEG to 1280x720, q80", lambda: photo(4000, 3000), 80, (1280, 720)),
    Job("3 MP JPEG, same size, q85", lambda: photo(2048, 1536), 85, None),
    Job("PNG screenshot to 1280x720, q85", png_screenshot, 85, (1280, 720)),
    Job("3 MP PNG photo to 1280x720, q85", png_photo, 85, (1280, 720)),
    Job("3 MP WebP to 1280x720, q85", webp_photo, 85, (1280, 720)),
    Job("2 MP BMP to 1280x720, q85", bmp_photo, 85, (1280, 720)),
    Job("0.5 MP GIF, same size, q85", gif, 85, None),
)


def _picture(width: int, height: int) -> Image.Image:
    """Return nine photographs, three by three, with a sensor's noise over them."""
    mosaic = Image.new("RGB", (width, height))
    columns, rows = -(-width // 3), -(-height // 3)
    for number in range(9):
        photograph = _covering(_PHOTOGRAPHS[number % 4], columns, rows)
        if number % 2:
            photograph = photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        mosaic.paste(photograph, (number % 3 * columns, number // 3 * rows))
    noise = np.random.default_rng(1).standard_normal((height, width, 1), np.float32) * _SENSOR_NOISE
    return Image.fromarray(np.clip(np.asarray(mosaic) + noise, 0, 255).astype(np.uint8))


def _covering(name: str, width: int, height: int) -> Image.Image:
    photograph = Image.fromarray(getattr(data, name)())
    scale = max(width / photograph.width, height / photograph.height)
    size = (round(photograph.width * scale), round(photograph.height * scale))
    return photograph.resize(size, Image.Resampling.BICUBIC).crop((0, 0, width, height))


def _saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
