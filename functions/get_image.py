"""GET /images/{id}: a stored JPEG, a range of it, or the word that the caller has it already."""

from collections.abc import Iterator
from uuid import UUID

from flask import Request, Response
from werkzeug.datastructures import ContentRange
from werkzeug.http import parse_date

from common import filenames
from common.errors import ImageNotFound, PreconditionFailed, RangeNotSatisfiable
from common.http.endpoint import endpoint
from common.settings import get_settings
from common.storage import image_store
from common.storage.image_store import StoredImage

_SLICE_BYTES = 1024 * 1024  # up to here in one piece, above in slices of this: bounded memory
_CONDITIONS = ("If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "Range")
_CACHE_CONTROL = "private, max-age=31536000, immutable"


@endpoint("GET /images/{id}")
def get_image(request: Request, id: str) -> Response:  # noqa: A002  # the contract's name of the path parameter
    """Answer 200 with the picture, 206 with a range of it, or 304."""
    everything = request.method == "GET" and not any(name in request.headers for name in _CONDITIONS)
    image = image_store.find(_uuid(id), max_data_bytes=_SLICE_BYTES if everything else 0)
    response = Response(content_type=image.content_type, headers={**_headers(image), **_caching(whole=everything)})
    response.set_etag(image.etag)
    response.last_modified = image.created_at
    if _caller_has(image, request):
        response.status_code = 304
        return response
    span = _requested_range(image, request)
    if span:
        response.status_code = 206
        response.content_range = ContentRange("bytes", span.start, span.stop, image.size_bytes)
    span = span or range(image.size_bytes)
    response.content_length = len(span)
    if request.method == "GET":
        response.response = [image.data] if image.data is not None else _slices(image, span)
    return response


def _uuid(text: str) -> UUID:
    """Return the id; raise ImageNotFound where it is not written as a UUID is (RFC 9562 4)."""
    try:
        image_id = UUID(text)
    except ValueError as error:
        raise ImageNotFound("No image has this id.") from error
    if str(image_id) != text.lower():  # UUID() also takes braces, urn:uuid: and missing hyphens
        raise ImageNotFound("No image has this id.")
    return image_id


def _headers(image: StoredImage) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": filenames.content_disposition(image.filename, suffix=".jpg"),
    }


def _caching(*, whole: bool) -> dict[str, str]:
    """Return Cache-Control, and for a whole picture what lets our proxy keep it, whose cache knows callers apart.

    It is fresh there for half of IMAGE_CACHE_SECONDS, and for the other half while one request fetches it anew (RFC
    5861 3). In all it is a second less, because nginx counts begun ones.
    """
    seconds = get_settings().image_cache_seconds - 1
    if not whole or seconds < 1:
        return {"Cache-Control": _CACHE_CONTROL}
    stale = seconds // 2
    cache_control = f"{_CACHE_CONTROL}, stale-while-revalidate={stale}"
    return {"X-Accel-Expires": str(seconds - stale), "Cache-Control": cache_control}  # in this order, for nginx


def _caller_has(image: StoredImage, request: Request) -> bool:
    """Tell whether 304 is the answer; raise PreconditionFailed (RFC 9110 13.2.2 sets the order)."""
    changed = image.created_at.replace(microsecond=0)
    if request.if_match:
        if not request.if_match.contains(image.etag):
            raise PreconditionFailed("The image's ETag is not in If-Match.")
    elif request.if_unmodified_since and changed > request.if_unmodified_since:
        raise PreconditionFailed("The image is newer than If-Unmodified-Since.")
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(image.etag)
    return bool(request.if_modified_since and changed <= request.if_modified_since)


def _requested_range(image: StoredImage, request: Request) -> range | None:
    """Return the bytes asked for, None for all of them; raise RangeNotSatisfiable (RFC 9110 14.2)."""
    sent = request.range if request.method == "GET" else None
    if not sent or sent.units != "bytes" or len(sent.ranges) != 1 or not _if_range_holds(image, request):
        return None  # several ranges cost more to answer than the whole picture, which may be sent instead
    start, stop = sent.ranges[0]
    if start < 0:  # the last so many bytes
        start, stop = max(0, image.size_bytes + start), None
    if start >= image.size_bytes:
        size = image.size_bytes
        raise RangeNotSatisfiable(
            f"The image has {size} bytes.", limit=size, headers={"Content-Range": f"bytes */{size}"}
        )
    return range(start, min(stop or image.size_bytes, image.size_bytes))


def _if_range_holds(image: StoredImage, request: Request) -> bool:
    """Tell whether If-Range names these very bytes, by strong comparison (RFC 9110 13.1.5)."""
    sent = request.headers.get("If-Range", "")
    return not sent or sent == f'"{image.etag}"' or parse_date(sent) == image.created_at.replace(microsecond=0)


def _slices(image: StoredImage, span: range) -> Iterator[bytes]:
    """Return the bytes in slices, the first of them read already: what fails does so before the status is sent."""
    cuts = range(span.start, span.stop, _SLICE_BYTES)
    slices = (image_store.read(image.id, cut, min(cut + _SLICE_BYTES, span.stop)) for cut in cuts)
    first = next(slices)

    def body() -> Iterator[bytes]:
        yield first
        yield from slices

    return body()
