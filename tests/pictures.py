"""Makers of the pictures the tests send, the good and the hostile: each returns a file's bytes."""

import io
import random
import struct
import zlib
from collections.abc import Iterable

from PIL import Image, ImageChops

Size = tuple[int, int]
Colour = tuple[int, int, int]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
RED, GREEN, BLUE, YELLOW, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 210), (230, 220, 30), (255, 255, 255)
HIDDEN = (255, 0, 255)  # the colour under what is transparent: it may never be seen
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def plain(image_format: str, size: Size) -> bytes:
    """Return a smooth picture without anything special."""
    across = Image.linear_gradient("L").resize(size)
    round_about = Image.radial_gradient("L").resize(size)
    image = Image.merge("RGB", (across, round_about, ImageChops.invert(across)))
    return saved(image, image_format)


def quadrants(size: Size) -> Image.Image:
    """Return red and green over blue and yellow: one sees which way up it is."""
    image = Image.new("RGB", (2, 2))
    for position, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), (RED, GREEN, BLUE, YELLOW), strict=True):
        image.putpixel(position, colour)
    return image.resize(size, Image.Resampling.NEAREST)


def phone_photo(orientation: int = 6, size: Size = (160, 120), image_format: str = "JPEG") -> bytes:
    """Return `quadrants` as a phone stores it: turned, and told so by EXIF, with the place and the camera."""
    stored = quadrants(size)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SECRET CAMERA", orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return saved(stored, image_format, exif=exif.tobytes(), **({"quality": 95} if image_format == "JPEG" else {}))


def talkative_jpeg() -> bytes:
    """Return a JPEG with all the metadata that a JPEG can have, each with SECRET in it."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    photo = saved(quadrants((64, 48)), "JPEG", exif=exif.tobytes(), comment=b"SECRET comment", dpi=(300, 300))
    xmp = jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>SECRET</x:xmpmeta>")
    iptc = jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 10) + b"SECRETiptc")
    maker = jpeg_segment(0xEF, b"SECRET maker")
    return photo[:2] + xmp + iptc + maker + photo[2:] + b"SECRET trailing film"


def noise(size: Size, mode: str = "RGB") -> Image.Image:
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, random.Random(7).randbytes(size[0] * size[1] * bands))


def half_hidden(mode: str, size: Size = (64, 32)) -> Image.Image:
    """Return an image, RGBA or LA, blue on the right, and transparent on the left, over a hidden colour."""
    image = Image.new("RGBA", size, (*HIDDEN, 0))
    image.paste((*BLUE, 255), (size[0] // 2, 0, *size))
    return image.convert(mode)


def transparent_png(mode: str = "RGBA", size: Size = (64, 32)) -> bytes:
    """Return `half_hidden` as a PNG of mode RGBA, LA or P (with a palette's tRNS)."""
    if mode != "P":
        return saved(half_hidden(mode, size), "PNG")
    indices = bytes([0] * (size[0] // 2) + [1] * (size[0] - size[0] // 2))
    extra = [(b"PLTE", bytes((*HIDDEN, *BLUE))), (b"tRNS", b"\0\xff")]
    return png(size, 8, 3, [indices] * size[1], extra)


def keyed_png(bits: int, colour_type: int, hidden: tuple[int, ...], shown: tuple[int, ...]) -> bytes:
    """Return a PNG, grey (0) or RGB (2), whose left half has the one colour that tRNS makes transparent."""
    half = 16
    rows = [_packed([*hidden] * half + [*shown] * half, bits)] * 8
    return png((2 * half, 8), bits, colour_type, rows, [(b"tRNS", struct.pack(f">{len(hidden)}H", *hidden))])


def flat_png(bits: int, colour_type: int, samples: tuple[int, ...], *chunks: tuple[bytes, bytes]) -> bytes:
    """Return 16 x 8 px of one colour, with more chunks before the palette: for type 3, samples are the palette's."""
    if colour_type == 3:
        palette = [(b"PLTE", bytes(samples[:3])), (b"tRNS", bytes(samples[3:]))]
        return png((16, 8), bits, 3, [bytes(16 * bits // 8)] * 8, [*chunks, *palette[: len(samples) - 2]])
    return png((16, 8), bits, colour_type, [_packed([*samples] * 16, bits)] * 8, chunks)


def gamma_chunk(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100_000 * gamma))


def chromaticities_chunk(*values: float) -> tuple[bytes, bytes]:
    """Return cHRM: x and y of white, red, green and blue."""
    return b"cHRM", struct.pack(">8I", *(round(100_000 * value) for value in values))


def cicp_chunk(primaries: int, transfer: int, matrix: int = 0, full_range: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes((primaries, transfer, matrix, full_range))


def profile_chunk(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"icc\0\0" + zlib.compress(profile)


SRGB_CHUNK = (b"sRGB", b"\0")


def deep_png(colour_type: int, pixels: Iterable[int], width: int) -> bytes:
    """Return a PNG of 16 bits with eight equal rows."""
    return png((width, 8), 16, colour_type, [_packed([*pixels], 16)] * 8)


def png(size: Size, bits: int, colour_type: int, rows: list[bytes], extra: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a PNG, chunk by chunk: what Pillow cannot write."""
    header = struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", pixels), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in chunks)


def interlaced_png() -> bytes:
    """Return `quadrants` of 8 x 8 in Adam7's seven passes."""
    image, scans = quadrants((8, 8)), b""
    for left, top, across, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for y in range(top, 8, down):
            scans += b"\0" + b"".join(image.crop((x, y, x + 1, y + 1)).tobytes() for x in range(left, 8, across))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(scans)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in chunks)


def with_png_chunks(picture: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with more chunks behind its header."""
    return picture[:33] + b"".join(chunks) + picture[33:]


def png_chunk(kind: bytes, data: bytes, *, sound: bool = True) -> bytes:
    checksum = zlib.crc32(kind + data) ^ (not sound)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _packed(samples: list[int], bits: int) -> bytes:
    if bits == 16:
        return struct.pack(f">{len(samples)}H", *samples)
    number = int("".join(f"{sample:0{bits}b}" for sample in samples), 2)
    return number.to_bytes(len(samples) * bits // 8)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def cmyk_jpeg(inks: tuple[int, int, int, int], *, ycck: bool = False, profile: bytes = b"") -> bytes:
    """Return an Adobe JPEG, its inks inverted as Adobe stores them, as CMYK or as YCCK."""
    image = Image.new("CMYK", (32, 32), inks)
    if not ycck:
        return saved(image, "JPEG", quality=95, icc_profile=profile)
    cyan, magenta, yellow, black = image.split()
    light = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")
    coded = Image.merge("CMYK", (*(ImageChops.invert(band) for band in light.split()), black))
    photo = bytearray(saved(coded, "JPEG", quality=95, icc_profile=profile))
    photo[photo.index(b"Adobe") + 11] = 2  # the colour transform: YCCK
    return bytes(photo)


def arithmetic_jpeg() -> bytes:
    """Return 8 x 8 px of mid-grey, arithmetically coded: all its decisions are the likely ones, which take no bits."""
    frame = jpeg_segment(0xC9, struct.pack(">BHHB3B", 8, 8, 8, 1, 1, 0x11, 0))
    scan = jpeg_segment(0xDA, bytes((1, 1, 0, 0, 63, 0)))
    return b"\xff\xd8" + jpeg_segment(0xDB, bytes([0] + [1] * 64)) + frame + scan + b"\xff\xd9"


def jpeg_of_three_scans(size: Size = (64, 48)) -> bytes:
    """Return a sequential JPEG whose components each have a scan of their own; every block has one level of it."""
    blocks = size[0] // 8 * (size[1] // 8)
    frame = struct.pack(">BHHB9B", 8, size[1], size[0], 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
    tables = jpeg_segment(0xDB, bytes([0] + [1] * 64)) + jpeg_segment(0xC0, frame)
    tables += jpeg_segment(0xC4, bytes((0, 0, 0, 0, 12, *[0] * 12, *range(12))))  # DC: four bits for each length
    tables += jpeg_segment(0xC4, bytes((0x10, 1, *[0] * 15, 0)))  # AC: one bit for the end of a block
    scans = b""
    for component in (1, 2, 3):
        bits, before = "", 0
        for block in range(blocks):
            level = 8 * (block * 37 * component % 256 - 128)
            difference, before = level - before, level
            length = abs(difference).bit_length()
            value = difference if difference > 0 else difference + (1 << length) - 1
            bits += f"{length:04b}" + (f"{value:0{length}b}" if length else "") + "0"
        bits += "1" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
        scans += jpeg_segment(0xDA, bytes((1, component, 0, 0, 63, 0))) + data
    return b"\xff\xd8" + tables + scans + b"\xff\xd9"


def animation(image_format: str, first: Image.Image, *later: Image.Image) -> bytes:
    """Return an animated GIF, WebP or PNG, or a multi-picture JPEG (MPO)."""
    return saved(first, image_format, save_all=True, append_images=[*later])


def gif(screen: Size, frame: tuple[int, int, int, int], *, before: bytes = b"", control: bytes = b"") -> bytes:
    """Return a GIF whose one frame, at left, top, width and height, is all in the palette's second colour."""
    picture = Image.new("P", (max(1, frame[2]), max(1, frame[3])), 1)
    picture.putpalette([*HIDDEN, *BLUE] + [0] * 762)
    whole = saved(picture, "GIF", optimize=False)
    data = whole[whole.index(b",", 13 + 768) + 10 :]
    palette = bytes((*HIDDEN, *BLUE)) + bytes(762)
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF7, 0, 0) + palette
    return head + before + control + b"," + struct.pack("<HHHHB", *frame, 0) + data


def bmp(  # noqa: PLR0913 # what a BMP differs in
    size: Size,
    bits: int,
    rows: bytes,
    *,
    compression: int = 0,
    palette: bytes = b"",
    masks: bytes = b"",
    header: int = 40,
    colours: int | None = None,
    profile: bytes = b"",
) -> bytes:
    """Return a BMP; a negative height is stored from the top down.

    A header of 12 bytes is OS/2's first, one of 16 the shortest of OS/2 2. Masks follow a header of 40 bytes.
    """
    if header == 12:
        head = struct.pack("<IHHHH", 12, *size, 1, bits)
    else:
        count = len(palette) // 4 if colours is None else colours
        head = struct.pack("<IiiHHIIiiII", header, *size, 1, bits, compression, len(rows), 0, 0, count, 0)
        head = head[:header] + masks
        if profile:
            head = head.ljust(56, b"\0") + b"DEBM" + bytes(52)
            head += struct.pack("<II", 124 + len(palette) + len(rows), len(profile))
        head = head.ljust(header, b"\0")
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + palette + rows + profile


def bmp_rows(pixels: Iterable[int], width: int, bits: int) -> bytes:
    """Return pixels in rows that are filled up to four bytes, in the order in which they come."""
    values = list(pixels)
    rows = [values[at : at + width] for at in range(0, len(values), width)]
    if bits >= 8:
        lines = [b"".join(value.to_bytes(bits // 8, "little") for value in row) for row in rows]
    else:
        digits = ["".join(f"{value:0{bits}b}" for value in row) for row in rows]
        lines = [int(row.ljust((len(row) + 7) // 8 * 8, "0"), 2).to_bytes((len(row) + 7) // 8) for row in digits]
    return b"".join(line + bytes(-len(line) % 4) for line in lines)


def bmp_palette(*colours: tuple[int, ...], entry: int = 4) -> bytes:
    return b"".join(bytes(colour[::-1]).ljust(entry, b"\0") for colour in colours)


def pixel_bomb(image_format: str, size: Size = (30_000, 30_000)) -> bytes:
    """Return a small file whose header promises 900 million pixels."""
    width, height = size
    if image_format == "BMP":
        return bmp(size, 24, bytes(100))
    if image_format == "GIF":
        return gif((8, 8), (0, 0, 8, 8), before=b"").replace(
            b"," + struct.pack("<HHHH", 0, 0, 8, 8), b"," + struct.pack("<HHHH", 0, 0, width, height)
        )
    if image_format == "WEBP":
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        picture = animation("WEBP", quadrants((8, 8)), quadrants((8, 8)).rotate(90))
        return picture[:24] + canvas + picture[30:]
    if image_format == "PNG":
        return png(size, 8, 2, [bytes(100)])
    picture = plain("JPEG", (8, 8))
    frame = picture.index(b"\xff\xc0")
    return picture[: frame + 5] + struct.pack(">HH", height, width) + picture[frame + 9 :]


def scan_bomb(scans: int = 400, size: Size = (4000, 3000)) -> bytes:
    """Return a progressive JPEG with its last scan many times: all of them pass over all of the picture."""
    photo = saved(Image.new("L", size, 128), "JPEG", progressive=True)
    last = photo[photo.rindex(b"\xff\xda") : -2]
    return photo[:-2] + last * scans + photo[-2:]


def text_bomb() -> bytes:
    """Return a PNG with a compressed text of 64 MB; the picture itself is whole."""
    text = b"Comment\0\0" + zlib.compress(bytes(64 << 20), 9)
    return with_png_chunks(saved(quadrants((64, 48)), "PNG"), png_chunk(b"zTXt", text))


def broken_apng(*, at_chunk: bytes) -> bytes:
    """Return an APNG of three frames, its last chunk of that kind overwritten."""
    picture = bytearray(animation("PNG", quadrants((64, 48)), *(noise((64, 48)) for _ in range(2))))
    start = picture.rindex(at_chunk)
    picture[start + 4 : start + 24] = b"\xff" * 20
    return bytes(picture)
