"""The JSON documents that several functions answer. openapi.json is made from these types."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

SourceFormat = Literal["JPEG", "PNG", "WEBP", "BMP", "GIF"]


@dataclass(frozen=True)
class ImageDocument:
    """A stored image."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    width: Annotated[int, Field(ge=1, le=65_500, description="px")]
    height: Annotated[int, Field(ge=1, le=65_500, description="px")]
    quality: Annotated[int, Field(ge=1, le=100, description="The libjpeg quality of the stored JPEG")]
    size_bytes: Annotated[int, Field(ge=1)]
    content_type: Literal["image/jpeg"]
    source_format: SourceFormat
    filename: Annotated[str, Field(min_length=1, max_length=255)]
