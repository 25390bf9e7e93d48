"""EXIF's orientation: how a picture that was stored lying is turned upright."""

from PIL.Image import Image, Transpose

from common.images.containers.parts import UPRIGHT

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def is_sideways(orientation: int) -> bool:
    """Tell whether width and height change places."""
    return orientation in (5, 6, 7, 8)


def orient(image: Image, orientation: int) -> Image:
    """Return the image as it is meant to be seen."""
    return image if orientation == UPRIGHT else image.transpose(_TURNS[orientation])
