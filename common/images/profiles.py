"""ICC profiles (ICC.1:2022) as bytes."""

RGB, GREY, CMYK = b"RGB ", b"GRAY", b"CMYK"  # colour spaces

_CLASSES = frozenset((b"scnr", b"mntr", b"prtr", b"spac"))  # input, display, output and colour space


def space_of(profile: bytes) -> bytes:
    """Return the colour space of the pixels, with fewer than 4 bytes if the header is cut short."""
    return profile[16:20]


def is_harmless(profile: bytes) -> bool:
    """Tell whether the profile describes pixels, and Little CMS can read it in time."""
    # Chains of multi-process elements have any length: 1 MB of them holds a core for minutes.
    return profile[12:16] in _CLASSES and b"mpet" not in profile
