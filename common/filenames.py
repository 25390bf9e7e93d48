"""File names: as a form sends them, as the database keeps them, and as a download offers them."""

import re
import unicodedata
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from pathlib import PurePath
from urllib.parse import quote, unquote_to_bytes

_MAX_CHARACTERS = 255
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's categories: controls, surrogates, line and paragraph separators
_BIDI_CONTROLS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}  # they reorder the text around them
# The charsets that RFC 5987 3.2 requires. Python keeps every unknown charset in memory that it was ever asked for, so a
# charset of the client's choice must not reach it.
_CHARSET = "(utf-?8|iso-8859-1|us-ascii)"
_EXTENDED = re.compile(rf"{_CHARSET}'[^']*'(.+)", re.IGNORECASE)
_ENCODED_WORDS = re.compile(rf"(=\?{_CHARSET}\?[bq]\?[!->@-~]+\?=\s*)+", re.IGNORECASE)


def sent(plain: str | None, extended: str) -> str | None:
    """Return the file name of a Content-Disposition header, None if it has none.

    `plain` is the value of `filename`, None if it is missing; `extended` that of `filename*`, empty if it is missing.
    Both are without quotes, and have a character for each byte. `filename*` wins if it can be decoded (RFC 6266 4.3).
    """
    name = _decode_extended(extended)
    if name is not None or plain is None:
        return name
    return _decode_words(plain.encode("latin-1").decode("utf-8", "replace"))


def clean(filename: str) -> str:
    """Return the base name as text that is safe to store, log and send back; "image" if nothing is left."""
    base = re.split(r"[/\\]", filename)[-1]
    printable = "".join(
        character
        for character in base
        if unicodedata.category(character) not in _UNPRINTABLE
        and unicodedata.bidirectional(character) not in _BIDI_CONTROLS
    )
    kept = printable.strip()[:_MAX_CHARACTERS]
    return kept if kept.strip(".") else "image"


def content_disposition(filename: str, *, suffix: str) -> str:
    """Return the Content-Disposition of a download: the name of its source with another suffix, such as ".jpg"."""
    stem = PurePath(filename).stem
    ascii_stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    quotable = re.sub(r'[\\"]', "", ascii_stem).strip() or "image"
    # RFC 6266 4.3: clients that do not know filename* read filename
    return f"inline; filename=\"{quotable}{suffix}\"; filename*=UTF-8''{quote(stem, safe='')}{suffix}"


def _decode_extended(value: str) -> str | None:
    """Return the text of charset'language'percent-encoded bytes (RFC 8187 3.2.1), None if it cannot be decoded."""
    match = _EXTENDED.fullmatch(value)
    if not match:
        return None
    try:
        return unquote_to_bytes(match[2].encode("latin-1")).decode(match[1])
    except UnicodeDecodeError:
        return None


def _decode_words(text: str) -> str:
    """Return the text of encoded words (RFC 2047), which .NET sends. Returns any other text as it is."""
    if not _ENCODED_WORDS.fullmatch(text):
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, UnicodeDecodeError):  # bad Base64, or bytes that are not in the charset
        return text
