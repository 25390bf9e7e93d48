"""multipart/form-data (RFC 7578): a body to its parts, with bounded memory."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from common.errors import MalformedRequest, UnsupportedMediaType
from common.http.body import body_of

if TYPE_CHECKING:
    from flask import Request

_READ_BYTES = 1024 * 1024  # what gunicorn takes from a socket at most: less is copied about
_MAX_PARTS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, the name of its file as sent (None for a plain field), its content."""

    name: str
    filename: str | None
    data: bytes


def read_parts(request: "Request", *, max_body_bytes: int, max_part_bytes: Mapping[str, int]) -> list[Part]:
    """Return the parts whose names `max_part_bytes` holds, in their order; the others are read past.

    Of a part longer than its limit one byte more than the limit is kept, so that it can be told.
    Raise UnsupportedMediaType, MalformedRequest and RequestTooLarge.
    """
    content_type, options = parse_options_header(request.headers.get("Content-Type", ""))
    if content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send multipart/form-data.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")  # RFC 9110 8.4
    read = body_of(request.environ).reader(max_body_bytes)
    try:
        # Latin-1 maps every byte, so that a name in a broken encoding is a matter of the name, not of the request.
        parser = PushMultipartParser(
            options.get("boundary", ""), max_segment_count=_MAX_PARTS, header_charset="latin-1", strict=True
        )
        return _read(parser, read, max_part_bytes)
    except MultipartError as error:
        raise MalformedRequest("The multipart body cannot be parsed.") from error


def _read(parser: PushMultipartParser, read: Callable[[int], bytes], max_part_bytes: Mapping[str, int]) -> list[Part]:
    parts = []
    segment, room, content = None, 0, io.BytesIO()
    for event in parser.parse_blocking(read, _READ_BYTES):
        if isinstance(event, MultipartSegment):
            segment, content = event, io.BytesIO()
            room = max_part_bytes.get(_text(event.name or ""), -1) + 1
        elif event:
            room -= content.write(memoryview(event)[:room])
        elif segment and (name := _text(segment.name or "")) in max_part_bytes:
            filename = None if segment.filename is None else _text(segment.filename)
            parts.append(Part(name, filename, content.getvalue()))
    return parts


def _text(latin_1: str) -> str:
    """Return what the bytes of a header say in UTF-8, with U+FFFD for what is none."""
    return latin_1.encode("latin-1").decode("utf-8", "replace")
