"""A JSON body as a model: `class Deletion(JsonBody)`."""

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.http import parse_options_header

from common.errors import MalformedRequest, UnsupportedMediaType
from common.http.body import body_of
from common.http.fields import invalid, messages

if TYPE_CHECKING:
    from flask import Request

_READ_BYTES = 65_536


class JsonBody(BaseModel):
    """A JSON document with these members and no others. Its values have JSON's types: "1" is not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    media_type: ClassVar[str] = "application/json"
    max_bytes: ClassVar[int] = 1024 * 1024

    @classmethod
    def read(cls, request: "Request") -> Self:
        """Return the request's body.

        Raises UnsupportedMediaType if it is of another type, RequestTooLarge, MalformedRequest if it is not JSON, and
        InvalidRequest, which names everything that is wrong with its members.
        """
        media_type, options = parse_options_header(request.headers.get("Content-Type", ""))
        if media_type.lower() != cls.media_type or options.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType(f"Send {cls.media_type} in UTF-8.")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType("Send the body without a Content-Encoding.")
        read = body_of(request.environ).reader(cls.max_bytes)
        content = b"".join(iter(lambda: read(_READ_BYTES), b""))
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            if any(each["type"] == "json_invalid" for each in error.errors(include_url=False, include_input=False)):
                raise MalformedRequest("The body is not valid JSON.") from None
            raise invalid("body", messages(error)) from None
