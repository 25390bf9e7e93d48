"""Images in PostgreSQL: every SQL statement about them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString, TypeVar
from uuid import UUID, uuid4

from psycopg.rows import class_row, scalar_row

from common.documents import ImageDocument, SourceFormat
from common.errors import ImageNotFound, SessionLost
from common.storage.database import query, transaction

_SELECT: LiteralString = """
    SELECT id, filename, content_type, width, height, quality, size_bytes, source_format, created_at, sha256,
           CASE WHEN size_bytes <= %s THEN data END AS data
    FROM images WHERE id = %s
"""

Row = TypeVar("Row")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # UUID() takes other forms too


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A row of `images`; `data` is None if it was not asked for."""

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
    """Return the image, without its data, once it is committed. Raises StorageUnavailable."""
    image_id, sha256 = uuid4(), hashlib.sha256(data).digest()
    row = (image_id, filename, data, width, height, quality, len(data), source_format, sha256)
    try:
        return _add(image_id, row)
    except SessionLost:
        return _add(image_id, row)  # under the same id: it is stored once, whether or not the first try was committed


def find(image_id: UUID, *, max_data_bytes: int = 0) -> StoredImage:
    """Return an image, its data too up to `max_data_bytes`. Raises ImageNotFound or StorageUnavailable."""
    return _only(query(_SELECT, (max_data_bytes, image_id), class_row(StoredImage)))


def read(image_id: UUID, start: int, stop: int) -> bytes:
    """Return the bytes from `start` up to `stop` of an image's data. Raises ImageNotFound or StorageUnavailable."""
    data: bytes = _only(
        query(
            "SELECT substring(data FROM %s::int FOR %s::int) FROM images WHERE id = %s",
            (start + 1, stop - start, image_id),
            scalar_row,
        )
    )
    return data


def _add(image_id: UUID, row: tuple[object, ...]) -> StoredImage:
    """Return the image of these values, which may be there already. Raises StorageUnavailable.

    If another session is still committing the same id, the statement waits until it is known how that ends.
    """
    with transaction() as session, session.cursor(binary=True, row_factory=class_row(StoredImage)) as cursor:
        cursor.execute(
            """
            INSERT INTO images (id, filename, data, width, height, quality, size_bytes, source_format, sha256)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (id) DO NOTHING
            RETURNING id, filename, content_type, width, height, quality, size_bytes, source_format, created_at,
                      sha256
            """,
            row,
        )
        return cursor.fetchone() or _only(cursor.execute(_SELECT, (0, image_id)).fetchall())


def _only(rows: list[Row]) -> Row:
    if not rows:
        raise ImageNotFound("No image has this id.")
    return rows[0]
