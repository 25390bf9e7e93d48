"""Named values that a caller sends, in a query, a form or a JSON body: read through a pydantic model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from common.errors import InvalidRequest

if TYPE_CHECKING:
    from flask import Request

_REQUIRED = "is required, and must not be empty"
_SENT_TWICE = "must be sent once"


@dataclass(frozen=True)
class WholeNumber:
    """The annotation of an int that is sent as text: `Annotated[int, WholeNumber(1, 95)]`."""

    lowest: int
    highest: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema that validates a value."""
        return core_schema.no_info_plain_validator_function(self._parse)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the JSON Schema of a value."""
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}

    def _parse(self, text: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) and self.lowest <= int(text) <= self.highest:
            return int(text)
        limits = {"lowest": self.lowest, "highest": self.highest}
        raise PydanticCustomError("whole_number", "must be a whole number from {lowest} to {highest}", limits)


class Fields(BaseModel):
    """Values by their names. An empty value counts as absent; a name that the model does not have is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    noun: ClassVar[str]  # what the values are together, in a sentence for the caller

    @classmethod
    def of(cls, sent: Iterable[tuple[str, object]]) -> Self:
        """Return the model. Raises InvalidRequest, which names every field that is wrong or sent twice."""
        values: dict[str, object] = {}
        errors: dict[str, str] = {}
        for name, value in sent:
            if name in values:
                errors[name] = _SENT_TWICE
            values[name] = value
        try:
            model = cls.model_validate({name: value for name, value in values.items() if value})
        except ValidationError as error:
            raise invalid(cls.noun, messages(error) | errors) from None
        if errors:
            raise invalid(cls.noun, errors)
        return model


class Query(Fields):
    """The query of an address (RFC 3986 3.4)."""

    noun = "query"

    @classmethod
    def read(cls, request: "Request") -> Self:
        """Return the request's query. Raises InvalidRequest."""
        return cls.of(item for item in request.args.items(multi=True) if item[0] in cls.model_fields)


def invalid(noun: str, errors: Mapping[str, str]) -> InvalidRequest:
    """Return the problem that names each bad field and what is wrong with it."""
    named = [{"field": field, "message": message} for field, message in errors.items()]
    return InvalidRequest(f"The {noun} is not valid.", errors=named)


def messages(error: ValidationError) -> dict[str, str]:
    """Return what is wrong with each field, by its name; "body" is the whole of a JSON body."""
    found = error.errors(include_url=False, include_input=False)
    return {
        ".".join(map(str, each["loc"])) or "body": _REQUIRED if each["type"] == "missing" else each["msg"]
        for each in found
    }
