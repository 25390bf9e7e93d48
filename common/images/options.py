"""What a caller asks of a conversion, and what comes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for."""

    quality: int  # 1..95; also if `like_source` is set, for sources that have no tables of their own
    x: int | None = None  # the box's width, px
    y: int | None = None  # the box's height, px
    like_source: bool = False  # of a JPEG: its own tables and chroma sampling, and never larger than its file
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Jpeg:
    """An image as it is stored: RGB in sRGB, progressive, without metadata."""

    data: bytes
    width: int  # px
    height: int
    quality: int  # libjpeg's, 1..100, the nearest to the tables
    source_format: str  # JPEG, PNG, WEBP, BMP or GIF
