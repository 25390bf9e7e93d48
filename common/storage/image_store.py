"""Images in PostgreSQL: every SQL statement about them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from common.documents import ImageDocument, SourceFormat
from common.errors import ImageNotFound
from common.storage.database import connection

Row = TypeVar("Row")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # UUID() takes other forms too


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A row of `images`; `data` is None where it was not asked for."""

    id: UUID
    filename: str
    content_type: Literal["image/jpeg"]
    width: int
    height: int
    quality: int
    size_bytes: int
    source_format: SourceFormat
    created_at: datetime
    sha256: bytes
    data: bytes | None = None

    @property
    def etag(self) -> str:
        """The entity tag, unquoted: the SHA-256 of the stored bytes in hex."""
        return self.sha256.hex()

    def document(self) -> ImageDocument:
        """Return the image as callers see it."""
        return ImageDocument(
            id=str(self.id),
            width=self.width,
            height=self.height,
            quality=self.quality,
            size_bytes=self.size_bytes,
            content_type=self.content_type,
            source_format=self.source_format,
            filename=self.filename,
        )


def parse_id(text: str) -> UUID:
    """Return the id that a path contains. Raises ImageNotFound if it is not written as a UUID is (RFC 9562 4)."""
    if not _UUID.fullmatch(text):
        raise ImageNotFound("No image has this id.")
    return UUID(text)


def add(data: bytes, *, filename: str, width: int, height: int, quality: int, source_format: str) -> StoredImage:
    """Return the image as it was committed, without its data; raise StorageUnavailable."""
    with connection() as database, database.cursor(binary=True, row_factory=class_row(StoredImage)) as cursor:
        cursor.execute(
            """
            INSERT INTO images (filename, data, width, height, quality, size_bytes, source_format, sha256)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            RETURNING id, filename, content_type, width, height, quality, size_bytes, source_format,
                      created_at, sha256
            """,
            (filename, data, width, height, quality, len(data), source_format, hashlib.sha256(data).digest()),
        )
        return _found(cursor.fetchone())


def find(image_id: UUID, *, max_data_bytes: int = 0) -> StoredImage:
    """Return an image, its data too up to `max_data_bytes`; raise ImageNotFound or StorageUnavailable."""
    with connection() as database, database.cursor(binary=True, row_factory=class_row(StoredImage)) as cursor:
        cursor.execute(
            """
            SELECT id, filename, content_type, width, height, quality, size_bytes, source_format,
                   created_at, sha256, CASE WHEN size_bytes <= %s THEN data END AS data
            FROM images WHERE id = %s
            """,
            (max_data_bytes, image_id),
        )
        return _found(cursor.fetchone())


def read(image_id: UUID, start: int, stop: int) -> bytes:
    """Return the bytes from `start` up to `stop` of an image's data; raise ImageNotFound, StorageUnavailable."""
    with connection() as database, database.cursor(binary=True, row_factory=scalar_row) as cursor:
        cursor.execute(
            "SELECT substring(data FROM %s::int FOR %s::int) FROM images WHERE id = %s",
            (start + 1, stop - start, image_id),
        )
        data: bytes = _found(cursor.fetchone())
        return data


def _found(row: Row | None) -> Row:
    if row is None:
        raise ImageNotFound("No image has this id.")
    return row
