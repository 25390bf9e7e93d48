"""A form (RFC 7578) as a model: `class UploadForm(Form)`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from common.errors import ImageTooLarge
from common.http.fields import Fields
from common.http.form import Part, read_parts
from common.settings import BodySettings, load

if TYPE_CHECKING:
    from flask import Request

_MAX_VALUE_BYTES = 32  # of a field that is not a file


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a form: its name as sent ("" if there is none), its content."""

    name: str
    data: bytes

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema that validates a file."""
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON Schema of a file (OpenAPI 3.1, 4.8.14.3)."""
        return {"type": "string", "contentMediaType": "application/octet-stream"}


class Form(Fields):
    """multipart/form-data. A field of the type SentFile is a file, every other one is text."""

    noun = "form"

    @classmethod
    def read(cls, request: "Request") -> Self:
        """Return the request's form. Raises what `read_parts` raises, InvalidRequest and ImageTooLarge."""
        settings = load(BodySettings)
        files = {name for name, field in cls.model_fields.items() if field.annotation is SentFile}
        limits = {name: settings.max_image_bytes if name in files else _MAX_VALUE_BYTES for name in cls.model_fields}
        parts = read_parts(request, max_body_bytes=settings.max_body_bytes, max_part_bytes=limits)
        form = cls.of((part.name, _file(part) if part.name in files else _text(part)) for part in parts)
        for part in parts:
            if part.size_bytes > (limit := settings.max_image_bytes):
                raise ImageTooLarge(f"The file is larger than {limit} bytes.", limit=limit, actual=part.size_bytes)
        return form


def _file(part: Part) -> SentFile | None:
    return SentFile(part.filename or "", part.data) if part.data else None


def _text(part: Part) -> str:
    """Return the value. One that is too long keeps the blanks around it, which no field accepts."""
    text = part.data.decode("utf-8", "replace")
    return text if part.size_bytes > _MAX_VALUE_BYTES else text.strip()
