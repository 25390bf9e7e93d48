"""POST /images: convert a picture to JPEG and store it."""

import re
import time
from dataclasses import dataclass

from flask import Request, Response, jsonify

from common import filenames
from common.errors import ImageTooLarge, InvalidRequest
from common.http.endpoint import endpoint
from common.http.form import Part, read_parts
from common.images.convert import to_jpeg
from common.images.options import Options
from common.images.slots import conversion_slot
from common.observe.log import lines
from common.settings import get_settings
from common.storage import image_store

_MEBIBYTE = 1024 * 1024
_MAX_NUMBER_BYTES = 32
_NUMBERS = {"quality": 95, "x": 65_500, "y": 65_500}  # each from 1 to


@endpoint("POST /images")
def upload_image(request: Request) -> Response:
    """Answer 201 with what was stored."""
    form = UploadForm.parse(request)
    with conversion_slot(waited_seconds=_waited_seconds(request)):
        image = to_jpeg(form.file, form.options, max_pixels=get_settings().max_pixels)
    stored = image_store.add(
        image.data,
        filename=form.filename,
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


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What a caller sent: the file, its cleaned name, and what to make of it."""

    file: bytes
    filename: str
    options: Options

    @classmethod
    def parse(cls, request: Request) -> "UploadForm":
        """Return the form; raise a problem where it is too large, malformed, or has bad fields: all are named."""
        settings = get_settings()
        max_image_bytes = settings.max_image_mb * _MEBIBYTE
        parts = read_parts(
            request,
            max_body_bytes=settings.client_max_size_mb * _MEBIBYTE,
            max_part_bytes={"file": max_image_bytes, **dict.fromkeys(_NUMBERS, _MAX_NUMBER_BYTES)},
        )
        errors: dict[str, str] = {}
        file = _only("file", parts, errors)
        if not file or not file.data:
            errors.setdefault("file", "is required, and must not be empty")
        numbers = {name: _number(name, parts, errors) for name in _NUMBERS}
        if not file or errors:
            named = [{"field": field, "message": message} for field, message in errors.items()]
            raise InvalidRequest("The form is not valid.", errors=named)
        if file.size_bytes > max_image_bytes:
            detail = f"The file is over {max_image_bytes} bytes."
            raise ImageTooLarge(detail, limit=max_image_bytes, actual=file.size_bytes)
        quality = numbers["quality"] or settings.default_quality
        return cls(file.data, filenames.clean(file.filename or ""), Options(quality, numbers["x"], numbers["y"]))


def _only(name: str, parts: list[Part], errors: dict[str, str]) -> Part | None:
    """Return the part of this name; note an error where there are several."""
    named = [part for part in parts if part.name == name]
    if len(named) > 1:
        errors[name] = "must be sent once"
    return named[0] if named else None


def _number(name: str, parts: list[Part], errors: dict[str, str]) -> int | None:
    """Return a whole number, None where it is absent or empty; note an error where it is none or out of range."""
    part = _only(name, parts, errors)
    text = part.data.strip() if part else b""
    is_whole = part is None or part.size_bytes <= _MAX_NUMBER_BYTES
    if not text and is_whole:
        return None
    if not is_whole or not re.fullmatch(rb"[0-9]{1,9}", text) or not 1 <= int(text) <= _NUMBERS[name]:
        errors.setdefault(name, f"must be a whole number from 1 to {_NUMBERS[name]}")
        return None
    return int(text)


def _waited_seconds(request: Request) -> float:
    """Return how long ago the proxy passed the upload on, as far as it says so: the server's queue is waiting, too."""
    try:
        return max(0.0, time.time() - float(request.headers.get("X-Request-Start", "")))
    except ValueError:
        return 0.0


def _created(stored: image_store.StoredImage) -> Response:
    response = jsonify(
        id=str(stored.id),
        width=stored.width,
        height=stored.height,
        quality=stored.quality,
        size_bytes=stored.size_bytes,
        content_type=stored.content_type,
        source_format=stored.source_format,
        filename=stored.filename,
    )
    response.status_code = 201
    response.location = f"/images/{stored.id}"
    response.set_etag(stored.etag)
    return response
