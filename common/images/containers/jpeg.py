"""JPEG (ITU-T T.81): a row of segments, with the scans among them. Of an MPO, the first picture."""

import struct

from common.errors import ImageTooComplex
from common.images.containers.jpeg_segments import BARE, END_MARK, FRAMES, METADATA, SCAN, find_end, read_segments
from common.images.containers.parts import MAX_PROFILE_BYTES, TIFF_ORDERS, Parts, corrupt, read_orientation

MAX_SCAN_PIXELS = 2_500_000_000  # scans x pixels, 2 to 3 seconds; the largest real file had 0.36e9
MAX_UNENDED_SCAN_PIXELS = 300_000_000  # without an end mark: the picture is decoded twice more to see if it is complete


def read(source: bytes) -> Parts:
    """Return the parts of a JPEG; raise ImageCorrupt or ImageTooComplex."""
    view, segments = memoryview(source), list(read_segments(source))
    scans = [start for marker, start, _ in segments if marker == SCAN]
    frames = [start for marker, start, _ in segments if marker in FRAMES]
    if not scans or not frames:
        raise corrupt("JPEG")
    height, width = struct.unpack_from(">HH", source, frames[0] + 5)
    end, ended = find_end(source, frames[0], segments)
    _refuse_many_scans(len(scans) * width * height, MAX_SCAN_PIXELS if ended else MAX_UNENDED_SCAN_PIXELS)
    head = [segment for segment in segments if segment[1] < scans[0]]
    kept = [view[start:end] for marker, start, end in head if marker not in METADATA | BARE]
    told = [source[start + 4 : end] for marker, start, end in head if marker in METADATA]
    data = view[scans[0] : end] if ended else source[scans[0] : end].rstrip(b"\xff") + END_MARK
    picture = b"".join([b"\xff\xd8", *kept, data])
    return Parts("JPEG", width, height, picture, _orientation(told), _profile(told), ended)


def _refuse_many_scans(scan_pixels: int, limit: int) -> None:
    # Every scan passes over the whole picture, however few bytes it has.
    if scan_pixels > limit:
        raise ImageTooComplex("The JPEG has too many scans for its size.", limit=limit, actual=scan_pixels)


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
    if not pieces or [*pieces[0][1:2]] != [len(by_number)]:
        return b""
    profile = b"".join(by_number[number] for number in sorted(by_number))
    return profile if len(profile) <= MAX_PROFILE_BYTES else b""
