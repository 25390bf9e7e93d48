"""Conditions and ranges of a request (RFC 9110 13 and 14): pure functions over its method and headers.

The names of the headers are written as in RFC 9110, such as If-None-Match.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from werkzeug.http import parse_etags, parse_range_header

from common.errors import PreconditionFailed, RangeNotSatisfiable

Headers = Mapping[str, str]

_CONDITIONS = ("If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "Range")
# RFC 9110 5.6.7: IMF-fixdate, RFC 850 (its years 69 to 99 are 1969 to 1999), asctime.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


@dataclass(frozen=True, slots=True)
class Answer:
    """200, 206 or 304, and which bytes to send (none for 304). `content_range` is the header of a 206."""

    status: HTTPStatus
    span: range
    content_range: str | None = None


def is_plain_get(method: str, headers: Headers) -> bool:
    """Return whether the answer is the whole content, whatever its ETag, its age and its size are."""
    return method == "GET" and not any(name in headers for name in _CONDITIONS)


def evaluate(method: str, headers: Headers, *, etag: str, last_modified: datetime, size_bytes: int) -> Answer:
    """Return the answer, decided in the order of RFC 9110 13.2.2; 200 for other methods than GET and HEAD.

    `etag` is strong and has no quotes. Raises PreconditionFailed or RangeNotSatisfiable.
    """
    modified = last_modified.replace(microsecond=0)  # as Last-Modified says it
    _check_preconditions(headers, etag, modified)
    reads = method in ("GET", "HEAD")
    if _is_unchanged(headers, etag, modified, reads=reads):
        if not reads:
            raise PreconditionFailed("The image's ETag is in If-None-Match.")
        return Answer(HTTPStatus.NOT_MODIFIED, range(0))
    span = None
    if method == "GET" and _if_range_holds(headers, etag, modified):  # RFC 9110 14.2: other methods have no ranges
        span = _requested_span(headers, size_bytes)
    if span is None:
        return Answer(HTTPStatus.OK, range(size_bytes))
    return Answer(HTTPStatus.PARTIAL_CONTENT, span, f"bytes {span.start}-{span.stop - 1}/{size_bytes}")


def _check_preconditions(headers: Headers, etag: str, modified: datetime) -> None:
    """Raise PreconditionFailed if If-Match, or without it If-Unmodified-Since, does not hold."""
    if "If-Match" in headers:
        if not parse_etags(headers["If-Match"]).contains(etag):  # by strong comparison
            raise PreconditionFailed("The image's ETag is not in If-Match.")
        return
    date = _date(headers.get("If-Unmodified-Since", ""))
    if date and modified > date:
        raise PreconditionFailed("The image is newer than If-Unmodified-Since.")


def _is_unchanged(headers: Headers, etag: str, modified: datetime, *, reads: bool) -> bool:
    """Return whether If-None-Match, or without it If-Modified-Since, names the current content."""
    if "If-None-Match" in headers:
        return parse_etags(headers["If-None-Match"]).contains_weak(etag)
    date = _date(headers.get("If-Modified-Since", "")) if reads else None
    return date is not None and modified <= date


def _if_range_holds(headers: Headers, etag: str, modified: datetime) -> bool:
    """Return whether If-Range is missing, or names exactly this content (RFC 9110 13.1.5: by strong comparison)."""
    if "If-Range" not in headers:
        return True
    sent = headers["If-Range"].strip()
    return sent == f'"{etag}"' or _date(sent) == modified


def _requested_span(headers: Headers, size_bytes: int) -> range | None:
    """Return the bytes of Range, None for all of them. Raises RangeNotSatisfiable.

    A range that is malformed or has another unit is ignored (RFC 9110 14.2). So are several ranges: they cost more to
    answer than the whole content.
    """
    sent = parse_range_header(headers.get("Range"))
    if not sent or sent.units != "bytes" or len(sent.ranges) != 1:
        return None
    start, stop = sent.ranges[0]
    if start < 0:  # the last so many bytes
        start, stop = max(0, size_bytes + start), None
    if start >= size_bytes:
        headers_of_416 = {"Content-Range": f"bytes */{size_bytes}"}
        raise RangeNotSatisfiable(f"The image has {size_bytes} bytes.", limit=size_bytes, headers=headers_of_416)
    return range(start, min(stop or size_bytes, size_bytes))


def _date(text: str) -> datetime | None:
    """Return the time of an HTTP date, None if it is malformed: RFC 9110 13.1 says to ignore it then."""
    for date_format in _DATES:
        with suppress(ValueError):
            return datetime.strptime(text.strip(), date_format).replace(tzinfo=UTC)
    return None
