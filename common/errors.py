"""All that can go wrong for a caller: each class is one problem document (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

_RENAMED = {  # by RFC 9110; Python's http knows the older names before 3.13
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Range Not Satisfiable",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}

# What a problem document says of a request that never reached a handler, by its status.
DETAILS = {
    400: "This is not a valid HTTP request.",
    404: "No endpoint has this path.",
    405: "The endpoint does not know this method.",
    413: "The request's body is larger than {limit} bytes.",
    414: "The address is too long.",
    431: "The headers are too long.",
    500: "The service failed. The request id finds the reason in its log.",
    501: "The server does not know this transfer encoding.",
    502: "The function did not answer. Try again soon.",
    503: "The service is too busy. Try again soon.",
    504: "The function did not answer in time. Try again soon.",
    505: "The server speaks HTTP/1.1.",
}
_CODES = {400: "malformed_request", 413: "request_too_large", 500: "internal_error"}
RETRY_AFTER_SECONDS = {502: "1", 503: "1", 504: "1"}


class Problem(Exception):
    """A refusal the caller can read: its status, its stable code, and whatever else it should know."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        """Hold the sentence a person reads, the response's headers, and the document's further members."""
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    @classmethod
    def of_status(cls, status: int, headers: Mapping[str, str] | None = None) -> "Problem":
        """Return the problem of a request that the proxy, the server or the framework refuses with this status."""
        problem = cls(DETAILS.get(status, "The server cannot take this request."), headers=headers)
        problem.status = HTTPStatus(status)
        problem.code = _CODES.get(status) or problem.title.lower().replace(" ", "_")
        return problem

    @property
    def title(self) -> str:
        """The status's name (RFC 9110 15, RFC 6585)."""
        return _RENAMED.get(self.status, self.status.phrase)

    def document(self, request_id: str) -> dict[str, object]:
        """Return the problem document (RFC 9457) that answers a request."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.members,
            "request_id": request_id,
        }


class MalformedRequest(Problem):
    """The request's body is not what its headers say it is."""

    status = HTTPStatus.BAD_REQUEST
    code = "malformed_request"


class Unauthorized(Problem):
    """No token, or one we do not know (RFC 6750 3)."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class InsufficientScope(Problem):
    """The token does not allow this (RFC 6750 3.1)."""

    status = HTTPStatus.FORBIDDEN
    code = "insufficient_scope"


class NotFound(Problem):
    """No endpoint has this path."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class ImageNotFound(Problem):
    """No image has this id."""

    status = HTTPStatus.NOT_FOUND
    code = "image_not_found"


class MethodNotAllowed(Problem):
    """The path is known, the method is not (RFC 9110 15.5.6)."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"


class PreconditionFailed(Problem):
    """If-Match or If-Unmodified-Since does not hold (RFC 9110 13.1)."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition_failed"


class RequestTooLarge(Problem):
    """The body is over CLIENT_MAX_SIZE_MB."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "request_too_large"


class ImageTooLarge(Problem):
    """The file is over MAX_IMAGE_MB."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "image_too_large"


class UnsupportedMediaType(Problem):
    """The body is no multipart/form-data."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"


class UnsupportedImage(Problem):
    """The file is none of the five formats."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_image"


class RangeNotSatisfiable(Problem):
    """The range lies behind the image's end (RFC 9110 15.5.17)."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    code = "range_not_satisfiable"


class InvalidRequest(Problem):
    """Fields are missing, out of range or sent twice; `errors` names every one of them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_request"


class ImageCorrupt(Problem):
    """The file starts like one of the five formats, and is broken or cut short."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "image_corrupt"


class ImageTooManyPixels(Problem):
    """The file's header promises more than MAX_PIXELS pixels."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "image_too_many_pixels"


class ImageTooComplex(Problem):
    """The file would cost more to decode than any encoder makes it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "image_too_complex"


class ImageTooLargeForJpeg(Problem):
    """A side is longer than a JPEG can be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "image_too_large_for_jpeg"


class MaxBytesUnreachable(Problem):
    """The image has more bytes than `max_bytes` even at the lowest quality."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "max_bytes_unreachable"


CONVERSION_PROBLEMS = (UnsupportedImage, ImageCorrupt, ImageTooManyPixels, ImageTooComplex, ImageTooLargeForJpeg)


class Overloaded(Problem):
    """No place to convert came free in time."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "overloaded"


class StorageUnavailable(Problem):
    """The database cannot be reached, takes no changes, or is not one that this release can use."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "storage_unavailable"


class SessionLost(StorageUnavailable):
    """The connection to the database ended. Whether it committed what was sent to it is unknown."""
