"""Damage is the file's, and is refused. An error of ours is not damage, and is not hidden."""

from dataclasses import replace

import pytest

from common import errors
from common.images.containers.parse import parse_container
from common.images.decode import decode, decode_png_as
from tests import pictures
from tests.pictures import FORMATS


@pytest.mark.parametrize("image_format", [name for name in FORMATS if name != "BMP"])  # whose rows need no decoder
def test_what_pillow_raises_is_the_cause_of_a_refusal(image_format: str) -> None:
    parts = parse_container(pictures.plain(image_format, (64, 48)))
    half = replace(parts, picture=parts.picture[: len(parts.picture) // 2])
    with pytest.raises(errors.ImageCorrupt) as refused:
        decode(half, (64, 48))
    assert refused.value.__cause__ is not None
    assert not isinstance(refused.value.__cause__, errors.Problem)


def test_a_damaged_png_is_refused_when_its_low_bytes_are_read() -> None:
    parts = parse_container(pictures.deep_png(2, range(96), 32))
    with pytest.raises(errors.ImageCorrupt):
        decode_png_as(replace(parts, picture=parts.picture[:60]), "RGB;16L")


@pytest.mark.parametrize("image_format", FORMATS)
def test_bytes_that_are_none_are_an_error_of_ours(image_format: str) -> None:
    parts = parse_container(pictures.plain(image_format, (64, 48)))
    with pytest.raises(TypeError):
        decode(replace(parts, picture="no bytes"), (64, 48))  # type: ignore[arg-type] # on purpose


def test_a_size_that_is_none_is_an_error_of_ours() -> None:
    parts = parse_container(pictures.plain("JPEG", (64, 48)))
    with pytest.raises(TypeError):
        decode(parts, ("wide", "high"))  # type: ignore[arg-type] # on purpose


def test_a_format_without_a_reader_is_an_error_of_ours() -> None:
    parts = parse_container(pictures.plain("PNG", (64, 48)))
    with pytest.raises(KeyError):
        decode(replace(parts, format="TIFF"), (64, 48))
