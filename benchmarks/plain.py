"""Pillow as its handbook has it: what Image API's conversion is measured against."""

from io import BytesIO

from PIL import Image, ImageOps

Box = tuple[int, int] | None


def convert(source: bytes, quality: int, box: Box) -> bytes:
    """Return the source as a progressive JPEG; thumbnail comes first, so that it may draft."""
    image: Image.Image = Image.open(BytesIO(source))
    if box:
        image.thumbnail(box)
    return _saved(ImageOps.exif_transpose(image), quality)


def convert_upright_first(source: bytes, quality: int, box: Box) -> bytes:
    """Return the same by the steps in the order most people write them, which decodes every pixel."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(source))).convert("RGB")
    if box:
        image.thumbnail(box)
    return _saved(image, quality)


def _saved(image: Image.Image, quality: int) -> bytes:
    file = BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality, optimize=True, progressive=True)
    return file.getvalue()
