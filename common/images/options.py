"""What a caller asks of a conversion, and what comes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for."""

    quality: int  # 1..95
    x: int | None = None  # the box's width, px
    y: int | None = None  # the box's height, px


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An image as it is stored: RGB in sRGB, progressive, without metadata."""

    data: bytes
    width: int  # px
    height: int
    quality: int
    source_format: str  # JPEG, PNG, WEBP, BMP or GIF
