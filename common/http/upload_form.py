"""The form of an upload: the file, and what the caller asks of the conversion."""

from typing import Annotated, Literal

from pydantic import ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator, field_validator
from pydantic_core import PydanticCustomError

from common.http.fields import WholeNumber
from common.http.form_model import Form, SentFile
from common.images.containers.parse import sniff
from common.images.options import Options

_MIN_MAX_BYTES, _MAX_MAX_BYTES = 1_000, 999_999_999


def _with_one_message(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Return the quality. Raises one error, and not one for each kind of value that a quality can have."""
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError("quality", "must be a whole number from 1 to 95, or source") from None


class UploadForm(Form):
    """The file, and what to make of it."""

    file: SentFile
    quality: Annotated[
        Annotated[int | None, WholeNumber(1, 95)] | Literal["source"], WrapValidator(_with_one_message)
    ] = None
    x: Annotated[int | None, WholeNumber(1, 65_500)] = None
    y: Annotated[int | None, WholeNumber(1, 65_500)] = None
    max_bytes: Annotated[int | None, WholeNumber(_MIN_MAX_BYTES, _MAX_MAX_BYTES)] = None

    @field_validator("max_bytes")
    @classmethod
    def _refuse_without_quality(cls, value: int | None, info: ValidationInfo) -> int | None:
        """Refuse max_bytes if no quality is named to start from: `source` means the default if it is not a JPEG."""
        file = info.data.get("file")
        if file and info.data.get("quality") == "source" and sniff(file.data) not in ("JPEG", None):
            raise PydanticCustomError("max_bytes", "must not be sent with quality=source, except for a JPEG")
        return value

    def options(self, default_quality: int) -> Options:
        """Return what the form asks of the conversion."""
        like_source = self.quality == "source"
        quality = self.quality if isinstance(self.quality, int) else default_quality
        return Options(quality, self.x, self.y, like_source=like_source, max_bytes=self.max_bytes)
