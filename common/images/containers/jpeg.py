"""JPEG (ITU-T T.81): a row of segments, with the scans among them. Of an MPO, the first picture."""

import re
import struct
from collections.abc import Iterator

from common.errors import ImageTooComplex
from common.images.containers.parts import MAX_PROFILE_BYTES, TIFF_ORDERS, Parts, corrupt, read_orientation

MAX_SEGMENTS = 2_000  # the largest real file had 262
MAX_SCAN_PIXELS = 2_500_000_000  # scans x pixels, 2 to 3 seconds; the largest real file had 0.36e9

_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_METADATA = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))  # not JFIF and Adobe: they say how colours are coded
_NO_LENGTH = frozenset((0x01, 0xD8))
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte, a restart nor a fill byte

Segment = tuple[int, int, int]  # marker, start, end


def read(source: bytes) -> Parts:
    """Return the parts of a JPEG; raise ImageCorrupt or ImageTooComplex."""
    view, segments = memoryview(source), list(_segments(source))
    scans = [start for marker, start, _ in segments if marker == _SCAN]
    frames = [start for marker, start, _ in segments if marker in _FRAMES]
    if not scans or not frames:
        raise corrupt("JPEG")
    height, width = struct.unpack_from(">HH", source, frames[0] + 5)
    _refuse_many_scans(len(scans), width, height)
    head = [segment for segment in segments if segment[1] < scans[0]]
    kept = [view[start:end] for marker, start, end in head if marker not in _METADATA]
    told = [source[start + 4 : end] for marker, start, end in head if marker in _METADATA]
    picture = b"".join([b"\xff\xd8", *kept, view[scans[0] : segments[-1][2]]])
    return Parts("JPEG", width, height, picture, _orientation(told), _profile(told))


def _segments(source: bytes) -> Iterator[Segment]:
    """Yield every segment up to the end of the picture, through the scans."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(source, position)
        if found is None:
            raise corrupt("JPEG")
        start, marker, position = found.start(), source[found.start() + 1], found.end()
        if marker == _END:
            yield marker, start, position
            return
        if marker not in _NO_LENGTH:
            (length,) = struct.unpack_from(">H", source, position)
            position += max(2, length)
            yield marker, start, position
    raise ImageTooComplex("The JPEG has too many segments.", limit=MAX_SEGMENTS)


def _refuse_many_scans(scans: int, width: int, height: int) -> None:
    # Every scan passes over the whole picture, however few bytes it has.
    scan_pixels = scans * width * height
    if scan_pixels > MAX_SCAN_PIXELS:
        raise ImageTooComplex("The JPEG has too many scans for its size.", limit=MAX_SCAN_PIXELS, actual=scan_pixels)


def _orientation(told: list[bytes]) -> int:
    """Return the orientation of the first Exif segment that has a TIFF header. An empty one does not count."""
    # "Exif", a zero and a byte that some programs set to 0xFF.
    found = (data[6:] for data in told if data.startswith(b"Exif\0") and data[6:10] in TIFF_ORDERS)
    return read_orientation(next(found, b""))


def _profile(told: list[bytes]) -> bytes:
    """Return the profile joined from its numbered pieces, nothing if one is missing or it is huge."""
    pieces = [data[12:] for data in told if data.startswith(b"ICC_PROFILE\0")]  # number, count, data
    by_number: dict[bytes, bytes] = {}
    for piece in pieces:
        if piece[1:2] == pieces[0][1:2]:
            by_number.setdefault(piece[:1], piece[2:])  # a profile that is given twice counts once
    if not pieces or pieces[0][1:2] != bytes([len(by_number)]):
        return b""
    profile = b"".join(by_number[number] for number in sorted(by_number))
    return profile if len(profile) <= MAX_PROFILE_BYTES else b""
