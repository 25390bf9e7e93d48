"""A JPEG's segments: where its picture ends, and whether it is complete without an end mark."""

import re
import struct
from collections.abc import Iterator

from common.errors import ImageTooComplex
from common.images.containers.parts import corrupt

END_MARK = b"\xff\xd9"
MAX_SEGMENTS = 2_000  # the largest real file had 262

SCAN = 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
METADATA = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))  # not JFIF and Adobe: they say how colours are coded
BARE = frozenset((0x01, 0xD8, 0xD9))  # they have no length
QUANTISERS = 0xDB
_END, _RESTARTS = 0xD9, 0xDD
_PROGRESSIVE, _HUFFMAN_CODED = 0xC2, frozenset((0xC0, 0xC1, 0xC2, 0xC3))
_AMONG_SCANS = frozenset((0xC4, 0xCC, SCAN, QUANTISERS, _RESTARTS))
_SKIPPED = frozenset((*range(0xE0, 0xF0), 0xFE, 0xDC, 0x01, _END))  # what libjpeg skips after a scan, or ends with
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte, a restart nor a fill byte

_ALL_COEFFICIENTS = (1 << 64) - 1
_FILLER = b"\xaa" * 8  # as many bytes as libjpeg reads ahead
_COARSE = bytes(max(value, 16) for value in range(256))

Segment = tuple[int, int, int]  # marker, start, end; a scan ends with its data


def read_segments(source: bytes) -> Iterator[Segment]:
    """Yield every segment up to the end of the picture, or of the source if it has no end mark."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(source, position)
        if found is None:
            return
        start, marker, position = found.start(), source[found.start() + 1], found.end()
        if marker not in BARE:
            position += max(2, int.from_bytes(source[position : position + 2]))
        if marker == SCAN:
            following = _MARKER.search(source, position)
            position = following.start() if following else len(source)
        yield marker, start, position
        if marker == _END:
            return
    raise ImageTooComplex("The JPEG has too many segments.", limit=MAX_SEGMENTS)


def find_end(source: bytes, frame: int, segments: list[Segment]) -> tuple[int, bool]:
    """Return where the picture ends, and whether by an end mark. Raises ImageCorrupt if a scan may be missing."""
    last = _last_scan(source, frame, segments)
    ended = segments[-1][0] == _END
    if ended and (last is None or not _is_foreign(segments[last + 1 :], segments[last][2])):
        return segments[-1][2], True
    # If a restart marker is missing, libjpeg skips the filler bytes of two_endings: both versions would look the same.
    scans = [marker for marker, _, _ in segments[: (last or 0) + 1]].count(SCAN)
    restarts = any(marker == _RESTARTS and source[start + 4 : end] != b"\0\0" for marker, start, end in segments)
    if last is None or (restarts and scans > 1):
        raise corrupt("JPEG")
    return segments[last][2], False


def _last_scan(source: bytes, frame: int, segments: list[Segment]) -> int | None:
    """Return the index of the scan that completes the last coefficient. None if there is none or it is unknown."""
    if source[frame + 1] not in _HUFFMAN_CODED:
        return None
    missing = dict.fromkeys(source[frame + 10 : frame + 10 + 3 * source[frame + 9] : 3], _ALL_COEFFICIENTS)
    for index, (marker, start, _) in enumerate(segments):
        if marker != SCAN:
            continue
        components, coefficients = _completed(source, start, progressive=source[frame + 1] == _PROGRESSIVE)
        for component in components:
            missing[component] = missing.get(component, 0) & ~coefficients
        if not any(missing.values()):
            return index
    return None


def _completed(source: bytes, scan: int, *, progressive: bool) -> tuple[bytes, int]:
    """Return the components of a scan, and the coefficients, a bit each, of which it tells the last bit."""
    end = scan + 5 + 2 * source[scan + 4]
    first, last, bits = struct.unpack_from("BBB", source, end)
    if not progressive:
        return source[scan + 5 : end : 2], _ALL_COEFFICIENTS
    return source[scan + 5 : end : 2], (2 << last) - (1 << first) if bits & 15 == 0 else 0


def _is_foreign(tail: list[Segment], position: int) -> bool:
    """Tell whether what follows the last scan is not of this picture, so that libjpeg would give up on it.

    Programs append data of their own. If the JPEG has no end mark, these data may contain one by chance.
    """
    for marker, start, end in tail:
        if marker not in _SKIPPED and not (marker in _AMONG_SCANS and start == position):
            return True
        position = end
    return False


def two_endings(picture: bytes) -> tuple[bytes, bytes]:
    """Return two versions of a picture that was given its end mark here. They look the same if it is complete.

    The second one ends with filler bytes, which a decoder uses only if data are missing.
    """
    segments = list(read_segments(picture))
    coarse = _coarse(picture, segments)
    if [marker for marker, _, _ in segments].count(SCAN) == 1:
        # A lone scan is decoded while it is read: without an end mark libjpeg stops if it needs more than the filler.
        return coarse, coarse.removesuffix(END_MARK) + _FILLER
    return coarse, coarse.removesuffix(END_MARK) + _FILLER * 8 + END_MARK


def _coarse(picture: bytes, segments: list[Segment]) -> bytes:
    """Return the picture with large quantisers, so that a coefficient that is one off changes a pixel."""
    coarse = bytearray(picture)
    for marker, start, end in segments:
        table = start + 4
        while marker == QUANTISERS and table < min(end, len(picture)):
            if picture[table] >> 4:  # two bytes each
                table += 129
            else:  # the first one stays, or everything would be black or white
                coarse[table + 2 : table + 65] = picture[table + 2 : table + 65].translate(_COARSE)
                table += 65
    return bytes(coarse)
