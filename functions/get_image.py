"""GET /images/{id}: a stored JPEG, a range of it, or 304 if the caller has it already."""

from functools import partial

from flask import Request, Response

from common import filenames
from common.auth.caller import Caller
from common.errors import ImageNotFound, PreconditionFailed, RangeNotSatisfiable
from common.http import conditional, stream
from common.http.endpoint import endpoint
from common.settings import DatabaseSettings, ImageCacheSettings, load
from common.storage import image_store

_CACHE_CONTROL = "private, max-age=31536000, immutable"


@endpoint(
    answers={200: "image/jpeg", 206: "image/jpeg", 304: ""},
    raises=[ImageNotFound, PreconditionFailed, RangeNotSatisfiable],
    settings=[DatabaseSettings, ImageCacheSettings],
)
def get_image(request: Request, _caller: Caller, id: str) -> Response:  # noqa: A002  # the contract's name of the path parameter
    """Answer 200 with the image, 206 with a range of it, or 304."""
    sent = dict(request.headers)
    plain = conditional.is_plain_get(request.method, sent)
    image = image_store.find(image_store.parse_id(id), max_data_bytes=stream.SLICE_BYTES if plain else 0)
    answer = conditional.evaluate(
        request.method, sent, etag=image.etag, last_modified=image.created_at, size_bytes=image.size_bytes
    )
    name = filenames.content_disposition(image.filename, suffix=".jpg")
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": name, **_caching(plain=plain)}
    response = Response(status=answer.status, content_type=image.content_type, headers=headers)
    response.set_etag(image.etag)
    response.last_modified = image.created_at
    if answer.content_range:
        response.headers["Content-Range"] = answer.content_range
    response.content_length = len(answer.span)
    if request.method == "GET" and answer.span:
        read = partial(image_store.read, image.id)
        response.response = stream.slices(read, answer.span) if image.data is None else [image.data]
    return response


def _caching(*, plain: bool) -> dict[str, str]:
    """Return the caching headers. Our proxy may keep a whole image for IMAGE_CACHE_SECONDS, for each Authorization.

    The image is fresh there for half of them. For the other half it is sent while one request fetches it again
    (RFC 5861 3). Both together are a second less, because nginx rounds up.
    """
    seconds = load(ImageCacheSettings).image_cache_seconds - 1
    if not plain or seconds < 1:
        return {"Cache-Control": _CACHE_CONTROL}
    stale = seconds // 2
    cache_control = f"{_CACHE_CONTROL}, stale-while-revalidate={stale}"
    return {"X-Accel-Expires": str(seconds - stale), "Cache-Control": cache_control}  # in this order, for nginx
