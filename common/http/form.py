"""multipart/form-data (RFC 7578): a body to its parts, with bounded memory."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    content_disposition_unquote,
    header_unquote,
)

from common import filenames
from common.errors import MalformedRequest, UnsupportedMediaType
from common.http.body import body_of

if TYPE_CHECKING:
    from flask import Request

_READ_BYTES = 1024 * 1024  # gunicorn takes at most this much from a socket at once: less copying
_MAX_PARTS = 64
_PARAMETER = re.compile(r';[ \t]*([^ \t;="]+)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|[^;]*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, the name of its file (None for a plain field), its content and the size of it in bytes.

    `data` is shorter than `size_bytes` if the part is longer than its limit.
    """

    name: str
    filename: str | None
    data: bytes
    size_bytes: int


def read_parts(request: "Request", *, max_body_bytes: int, max_part_bytes: Mapping[str, int]) -> list[Part]:
    """Return the parts that `max_part_bytes` names, in their order, each cut at its limit; the others are skipped.

    Raises UnsupportedMediaType, MalformedRequest or RequestTooLarge.
    """
    content_type = request.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise UnsupportedMediaType("Send multipart/form-data.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")  # RFC 9110 8.4
    boundary = header_unquote(_parameters(content_type).get("boundary", ""))
    if not boundary:
        raise MalformedRequest(
            "The Content-Type has no boundary. Do not set this header by hand: the HTTP client knows the boundary."
        )
    read = body_of(request.environ).reader(max_body_bytes)
    try:
        # Latin-1 maps every byte to a character, so a broken encoding spoils one file name and not the request.
        parser = PushMultipartParser(boundary.encode("latin-1"), max_segment_count=_MAX_PARTS, header_charset="latin-1")
        return _read(parser, read, max_part_bytes)
    except MultipartError as error:
        raise MalformedRequest("The multipart body cannot be parsed.") from error


def _read(parser: PushMultipartParser, read: Callable[[int], bytes], max_part_bytes: Mapping[str, int]) -> list[Part]:
    parts = []
    segment, room, content = None, 0, io.BytesIO()
    name, filename = "", None
    for event in parser.parse_blocking(read, _READ_BYTES):
        if isinstance(event, MultipartSegment):
            segment, content = event, io.BytesIO()
            name, filename = _names(segment["Content-Disposition"])
            room = max_part_bytes.get(name, 0)
        elif event:
            room -= content.write(memoryview(event)[:room])
        elif segment and name in max_part_bytes:
            parts.append(Part(name, filename, content.getvalue(), segment.size))
    return parts


def _names(content_disposition: str) -> tuple[str, str | None]:
    """Return the name of a part and the name of its file, None if it is a plain field."""
    quoted = _parameters(content_disposition)
    name = content_disposition_unquote(quoted.get("name", ""))
    plain = content_disposition_unquote(quoted["filename"]) if "filename" in quoted else None
    extended = header_unquote(quoted.get("filename*", ""))
    return name.encode("latin-1").decode("utf-8", "replace"), filenames.sent(plain, extended)


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header by their names in lower case, their values as they are quoted.

    A value without quotes ends at the next semicolon, as in PHP and Django. By RFC 2045 5.1 it would end before the
    first of `/ = : ?` and the like, which some mobile clients send unquoted.
    """
    return {name.lower(): value.strip(" \t") for name, value in _PARAMETER.findall(header)}
