"""Files with a second copy planted in them: one of each kind, made byte by byte."""

from __future__ import annotations

import base64
import gzip
import io
import struct
from collections.abc import Callable, Mapping

import numpy as np
import pictures
from PIL import Image
from scipy import ndimage

WIDTH, HEIGHT = 480, 320
BOX = (160, 104, 320, 216)
THUMBNAIL = (160, 107)


def picture(seed: int = 3) -> np.ndarray:
    """Return the RGB picture that the copies are of."""
    return pictures.photo(WIDTH, HEIGHT, seed)


def redacted(pixels: np.ndarray) -> np.ndarray:
    """Return it with the box filled smoothly from around it, as redaction does."""
    left, top, right, bottom = BOX
    known = np.ones(pixels.shape[:2])
    known[top:bottom, left:right] = 0
    weight = ndimage.gaussian_filter(known, 25)
    filled = pixels.copy()
    for channel in range(3):
        smooth = ndimage.gaussian_filter(pixels[:, :, channel] * known, 25) / weight
        filled[top:bottom, left:right, channel] = smooth[top:bottom, left:right]
    return filled


def small(pixels: np.ndarray, size: tuple[int, int] = THUMBNAIL) -> Image.Image:
    """Return a thumbnail."""
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def saved(image: Image.Image, how: str = "JPEG", **options: object) -> bytes:
    """Return an image's file."""
    out = io.BytesIO()
    image.save(out, how, **options)
    return out.getvalue()


def segment(code: int, body: bytes) -> bytes:
    """Return a marker segment."""
    return bytes([0xFF, code]) + (len(body) + 2).to_bytes(2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Put segments behind SOI."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


# ---------------------------------------------------------------------------
# Kinds
# ---------------------------------------------------------------------------


def _exif(tags: list[tuple[int, int, int, int]], body: bytes) -> bytes:
    """Exif with an empty IFD0, an IFD1 of these tags, and what they point at behind it.

    A tag's value of -1 is where that is.
    """
    at = 8 + 6 + 6 + 12 * len(tags)
    tiff = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HI", 0, 14)
    tiff += struct.pack("<H", len(tags))
    for tag, kind, count, value in tags:
        tiff += struct.pack("<HHII", tag, kind, count, at if value < 0 else value)
    return segment(0xE1, b"Exif\0\0" + tiff + bytes(4) + body)


def exif_jpeg(jpeg: bytes, image: Image.Image, first: int = 0xFF) -> bytes:
    body = bytes([first]) + saved(image, quality=85)[1:]
    tags = [(0x103, 3, 1, 6), (0x201, 4, 1, -1), (0x202, 4, 1, len(body))]
    return with_segments(jpeg, _exif(tags, body))


def exif_rgb(jpeg: bytes, image: Image.Image) -> bytes:
    body = image.tobytes()
    tags = [
        (0x100, 3, 1, image.width), (0x101, 3, 1, image.height), (0x102, 3, 1, 8),
        (0x103, 3, 1, 1), (0x106, 3, 1, 2), (0x111, 4, 1, -1), (0x115, 3, 1, 3),
        (0x116, 3, 1, image.height), (0x117, 4, 1, len(body)),
    ]  # fmt: skip
    return with_segments(jpeg, _exif(tags, body))


def exif_ycbcr(jpeg: bytes, image: Image.Image) -> bytes:
    """4:2:2, as cameras wrote it: two luma samples, Cb, Cr."""
    samples = np.asarray(image.convert("YCbCr"))
    units = np.stack(
        [samples[:, 0::2, 0], samples[:, 1::2, 0], samples[:, 0::2, 1], samples[:, 0::2, 2]],
        axis=2,
    )
    tags = [
        (0x100, 3, 1, image.width), (0x101, 3, 1, image.height), (0x103, 3, 1, 1),
        (0x106, 3, 1, 6), (0x111, 4, 1, -1), (0x117, 4, 1, units.size),
        (0x212, 3, 2, 2 | 1 << 16),
    ]  # fmt: skip
    return with_segments(jpeg, _exif(tags, units.tobytes()))


def unreferenced_rgb(jpeg: bytes, image: Image.Image) -> bytes:
    body = b"Maker\0" + bytes(range(256)) * 3 + image.tobytes() + bytes(500)
    return with_segments(jpeg, segment(0xE4, body))


def xmp_base64(jpeg: bytes, image: Image.Image) -> bytes:
    text = base64.b64encode(saved(image, quality=80))
    lines = b"&#xA;".join(text[k : k + 76] for k in range(0, len(text), 76))
    packet = b"http://ns.adobe.com/xap/1.0/\0<x><xmpGImg:image>" + lines + b"</xmpGImg:image></x>"
    return with_segments(jpeg, segment(0xE1, packet))


def extended_xmp(jpeg: bytes, image: Image.Image) -> bytes:
    text = b'<x GImage:Data="' + base64.b64encode(saved(image, "PNG")) + b'"/>'
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid + len(text).to_bytes(4)
    half = len(text) // 2
    parts = [(half, text[half:]), (0, text[:half])]  # in the wrong order, as is allowed
    return with_segments(jpeg, *(segment(0xE1, head + at.to_bytes(4) + t) for at, t in parts))


def flashpix(jpeg: bytes, image: Image.Image) -> bytes:
    stream = bytes(28) + saved(image, quality=85)
    third = len(stream) // 3
    parts = [(k, stream[k : k + third]) for k in range(0, len(stream), third)]
    head = b"FPXR\0\0\x02\0\x01"
    return with_segments(
        jpeg, segment(0xE2, b"FPXR\0\0\x01\0\x01" + bytes(40)),
        *(segment(0xE2, head + at.to_bytes(4) + part) for at, part in parts),
    )  # fmt: skip


def photoshop(jpeg: bytes, image: Image.Image) -> bytes:
    body = bytes(28) + saved(image, quality=85)
    block = b"8BIM\x04\x0c\0\0" + len(body).to_bytes(4) + body
    half = len(block) // 2
    return with_segments(
        jpeg, *(segment(0xED, b"Photoshop 3.0\0" + part) for part in (block[:half], block[half:]))
    )


def unknown_split(jpeg: bytes, image: Image.Image) -> bytes:
    body = saved(image, quality=85)
    third = -(-len(body) // 3)
    parts = [body[k : k + third] for k in range(0, len(body), third)]
    return with_segments(
        jpeg, *(segment(0xE7, b"VEND\0" + bytes([65 + k]) + p) for k, p in enumerate(parts))
    )


def jfxx(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg[:20] + segment(0xE0, b"JFXX\0\x10" + saved(image, quality=80)) + jpeg[20:]


def jfif_rgb(jpeg: bytes, image: Image.Image) -> bytes:
    image = image.resize((72, 48))
    body = b"JFIF\0\1\1\0\0\1\0\1" + bytes([72, 48]) + image.tobytes()
    return jpeg[:2] + segment(0xE0, body) + jpeg[20:]


def comment_png(jpeg: bytes, image: Image.Image) -> bytes:
    return with_segments(jpeg, segment(0xFE, saved(image, "PNG")))


def without_soi(jpeg: bytes, image: Image.Image) -> bytes:
    return with_segments(jpeg, segment(0xE5, b"Note\0\0" + saved(image, quality=85)[20:]))


def hexadecimal(jpeg: bytes, image: Image.Image) -> bytes:
    return with_segments(jpeg, segment(0xEC, b"x " + saved(image, quality=80).hex().encode()))


def deflated(jpeg: bytes, image: Image.Image) -> bytes:
    return with_segments(jpeg, segment(0xE9, b"Z\0" + gzip.compress(saved(image, "BMP"))))


def bitmap(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg + b"thumb" + saved(image, "BMP")[14:]


def trailer(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg + bytes(512) + saved(image, quality=85)


def trailer_webp(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg + saved(image, "WEBP", quality=85)


def trailer_gif(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg + b"\0" + saved(image.convert("L"), "GIF")


def trailer_tiff(jpeg: bytes, image: Image.Image) -> bytes:
    return jpeg + saved(image, "TIFF", compression="tiff_lzw")


def turned(jpeg: bytes, image: Image.Image) -> bytes:
    return exif_jpeg(jpeg, image.transpose(Image.Transpose.ROTATE_90))


def letterbox(jpeg: bytes, image: Image.Image) -> bytes:
    box = Image.new("RGB", (160, 120))
    box.paste(image, (0, 6))
    return exif_jpeg(jpeg, box)


def cropped(jpeg: bytes, image: Image.Image) -> bytes:
    return exif_jpeg(jpeg, image.crop((12, 0, 148, 107)))


def detail_alone(jpeg: bytes, image: Image.Image) -> bytes:
    """Only the region, as a face crop in a vendor's trailer."""
    return jpeg + b"FACE" + saved(image.crop((45, 28, 115, 79)), quality=90)


KINDS: Mapping[str, Callable[[bytes, Image.Image], bytes]] = {
    "exif jpeg": exif_jpeg,
    "damaged first byte": lambda jpeg, image: exif_jpeg(jpeg, image, first=0),
    "exif rgb": exif_rgb,
    "exif ycbcr": exif_ycbcr,
    "unreferenced rgb": unreferenced_rgb,
    "xmp base64": xmp_base64,
    "extended xmp": extended_xmp,
    "flashpix": flashpix,
    "photoshop": photoshop,
    "unknown split": unknown_split,
    "jfxx": jfxx,
    "jfif rgb": jfif_rgb,
    "comment png": comment_png,
    "without soi": without_soi,
    "hexadecimal": hexadecimal,
    "deflated": deflated,
    "bitmap": bitmap,
    "trailer": trailer,
    "trailer webp": trailer_webp,
    "trailer gif": trailer_gif,
    "trailer tiff": trailer_tiff,
    "turned": turned,
    "letterbox": letterbox,
    "cropped": cropped,
    "detail alone": detail_alone,
}
