"""Sizes and areas of images, without Pillow."""

Size = tuple[int, int]  # width, height, px
Box = tuple[int, int, int, int]  # left, top, right, bottom, px
Area = tuple[float, float, float, float]  # left, top, right, bottom, px


def fit(width: int, height: int, x: int | None, y: int | None) -> tuple[int, int]:
    """Return the size, px, that fits the box: never enlarged, never below 1, rounded half up."""
    most_width = width if x is None else min(x, width)
    most_height = height if y is None else min(y, height)
    if width * most_height >= height * most_width:
        return most_width, max(1, (2 * height * most_width + width) // (2 * width))
    return max(1, (2 * width * most_height + height) // (2 * height)), most_height
