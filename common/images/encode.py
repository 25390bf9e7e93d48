"""An image to the bytes that are stored."""

import os
import tempfile
import threading
from typing import IO

from PIL import Image, ImageFile

_MOST_BYTES_A_PIXEL = 4  # the harshest noise took 2.4 at quality 95
_FULL_CHROMA_QUALITY = 90  # from here up colours keep every pixel, or red text on black stays smeared at any quality
_room_lock = threading.Lock()


def encode(image: Image.Image, quality: int) -> bytes:
    """Return an RGB image as a progressive JPEG: 4:2:0, or 4:4:4 if the quality is 90 or more."""
    subsampling = "4:4:4" if quality >= _FULL_CHROMA_QUALITY else "4:2:0"
    _make_room(image.width * image.height)
    # Into a file the encoder writes by itself, without the GIL: two threads then use two cores.
    with _file_in_memory() as file:
        image.save(file, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=subsampling)
        file.seek(0)
        return file.read()


def _make_room(pixels: int) -> None:
    """Let Pillow's buffer, which has to hold the whole JPEG, hold a noisy one; it only ever grows."""
    with _room_lock:
        ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, _MOST_BYTES_A_PIXEL * pixels)


def _file_in_memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):  # Linux; elsewhere a file without a name does the same
        return os.fdopen(os.memfd_create("image"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
