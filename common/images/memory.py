"""glibc's memory: what a conversion used is kept for the next one, unless it is much."""

import ctypes

_LARGE_PIXELS = 16_000_000
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8  # mallopt's numbers of its parameters

_libc = ctypes.CDLL(None)


def keep_memory() -> None:
    """Have freed memory kept, up to 64 MB: fetched anew it costs a conversion a tenth of its time."""
    if hasattr(_libc, "mallopt"):  # glibc's alone
        _libc.mallopt(_ARENA_MAX, 1)  # one heap for all threads, or each would keep as much
        _libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        _libc.mallopt(_TRIM_THRESHOLD, 64 << 20)


def give_memory_back(pixels: int) -> None:
    """Give the system back what a large conversion used."""
    if pixels >= _LARGE_PIXELS and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


keep_memory()  # when it is imported: threads that have a heap already keep it
