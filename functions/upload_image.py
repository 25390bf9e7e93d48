"""POST /images: convert a picture to JPEG and store it."""

import re
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Annotated

from flask import Request, Response

from common.auth.caller import Caller
from common.documents import ImageDocument
from common.errors import (
    ImageCorrupt,
    ImageTooComplex,
    ImageTooLargeForJpeg,
    ImageTooManyPixels,
    Overloaded,
    UnsupportedImage,
)
from common.http.endpoint import endpoint, json_response
from common.http.fields import WholeNumber
from common.http.form_model import Form, SentFile
from common.images.convert import to_jpeg
from common.images.options import Options
from common.observe.log import lines
from common.once import once
from common.settings import BodySettings, ConversionSettings, DatabaseSettings, load
from common.storage import image_store

_MAX_FILENAME_CHARACTERS = 255
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's categories: controls, surrogates, line and paragraph separators
_BIDI_CONTROLS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}  # they make a name read as another


class UploadForm(Form):
    """The file, and what to make of it."""

    file: SentFile
    quality: Annotated[int | None, WholeNumber(1, 95)] = None
    x: Annotated[int | None, WholeNumber(1, 65_500)] = None
    y: Annotated[int | None, WholeNumber(1, 65_500)] = None


@endpoint(
    answers={201: ImageDocument},
    body=UploadForm,
    raises=[
        UnsupportedImage, ImageCorrupt, ImageTooManyPixels, ImageTooComplex, ImageTooLargeForJpeg, Overloaded,
    ],
    settings=[BodySettings, ConversionSettings, DatabaseSettings],
)  # fmt: skip
def upload_image(request: Request, _caller: Caller, body: UploadForm) -> Response:
    """Answer 201 with what was stored."""
    settings = load(ConversionSettings)
    options = Options(body.quality or settings.default_quality, body.x, body.y)
    with _conversion_slot(waited_seconds=_waited_seconds(request)):
        image = to_jpeg(body.file.data, options, max_pixels=settings.max_pixels)
    stored = image_store.add(
        image.data,
        filename=_clean(body.file.name),
        width=image.width,
        height=image.height,
        quality=image.quality,
        source_format=image.source_format,
    )
    lines.logger().info(
        "upload finished: width=%d height=%d quality=%d size=%d source=%s",
        *(stored.width, stored.height, stored.quality, stored.size_bytes, stored.source_format),
    )
    return _created(stored)


def _clean(filename: str) -> str:
    """Return the base name as text that is safe to store, log and send back; "image" where nothing is left."""
    base = re.split(r"[/\\]", filename)[-1]
    printable = "".join(
        character
        for character in base
        if unicodedata.category(character) not in _UNPRINTABLE
        and unicodedata.bidirectional(character) not in _BIDI_CONTROLS
    )
    kept = printable.strip()[:_MAX_FILENAME_CHARACTERS]
    return kept if kept.strip(".") else "image"


def _waited_seconds(request: Request) -> float:
    """Return how long ago the proxy passed the upload on, as far as it says so: the server's queue is waiting, too."""
    try:
        return max(0.0, time.time() - float(request.headers.get("X-Request-Start", "")))
    except ValueError:
        return 0.0


@contextmanager
def _conversion_slot(*, waited_seconds: float) -> Iterator[None]:
    """Hold one of CONVERSION_SLOTS places; raise Overloaded where none comes free in QUEUE_TIMEOUT_SECONDS."""
    slots = _conversion_slots()
    if not slots.acquire(timeout=max(0.0, load(ConversionSettings).queue_timeout_seconds - waited_seconds)):
        raise Overloaded("All places to convert are taken; try again soon.")
    try:
        yield
    finally:
        slots.release()


@once
def _conversion_slots() -> BoundedSemaphore:
    return BoundedSemaphore(load(ConversionSettings).conversion_slots)


def _created(stored: image_store.StoredImage) -> Response:
    response = json_response(stored.document(), HTTPStatus.CREATED, {"Location": f"/images/{stored.id}"})
    response.set_etag(stored.etag)
    return response
