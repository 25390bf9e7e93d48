"""An image to the bytes that are stored."""

import os
import tempfile
import threading
from typing import IO

from PIL import Image, ImageFile

from common.images.containers.jpeg_tables import Coding

_MOST_BYTES_A_PIXEL = 4  # the harshest noise took 2.4 at quality 95, and 3.3 at quality 100
_FULL_CHROMA_QUALITY = 90  # from here up colours keep every pixel, or red text on black stays smeared at any quality
_room_lock = threading.Lock()


def encode(image: Image.Image, coding: Coding) -> bytes:
    """Return an RGB image as a progressive JPEG. Chroma that is not told is 4:2:0, or 4:4:4 from quality 90 up."""
    full_chroma = coding.quality >= _FULL_CHROMA_QUALITY
    halved = coding.halved or (not full_chroma, not full_chroma)
    options = {"qtables": coding.tables} if coding.tables else {"quality": coding.quality}
    _make_room(image.width * image.height)
    # Into a file the encoder writes by itself, without the GIL: two threads then use two cores.
    with _file_in_memory() as file:
        image.save(file, "JPEG", optimize=True, progressive=True, subsampling=_subsampling(*halved), **options)
        file.seek(0)
        return file.read()


def _subsampling(across: bool, down: bool) -> str:  # noqa: FBT001 # a pair, as Coding has it
    """Return Pillow's name of the sampling. Pillow cannot halve the rows alone (4:4:0)."""
    # 4:4:4 would store twice the chroma of a 4:2:2 photo that is turned, and its luma would pay: quality 60 fell to 44.
    if down:
        return "4:2:0"
    return "4:2:2" if across else "4:4:4"


def _make_room(pixels: int) -> None:
    """Let Pillow's buffer, which has to hold the whole JPEG, hold a noisy one; it only ever grows."""
    with _room_lock:
        ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, _MOST_BYTES_A_PIXEL * pixels)


def _file_in_memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):  # Linux; elsewhere a file without a name does the same
        return os.fdopen(os.memfd_create("image"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
