"""The last gate: signatures of pictures and films in bytes that should hold none.

Knows signatures, and enough of each format to say whether a picture really stands behind one. It
is the second line: the first is that every kept byte is on a keep-list, since raw samples have no
signature.

A signature of a JPEG is found with any first byte (design, section 7), since makers overwrite it:
Minolta and Casio store previews whose first byte is not 0xFF, and ExifTool puts it back.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from . import jpegwalk
from .search import Needles

__all__ = ["Hit", "carve", "holds_picture"]

_BEHIND_SOI = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
_MOST_HITS, _MOST_LOOKS = 2000, 10_000
"""Hits, and places looked at; what comes later counts as a picture (fail closed). In 100 MB of
compressed data there are about 6,000 places.
"""
_MOST_STEPS = 50_000
"""Marker segments that are passed in all walks together; then what is left counts as a picture."""
_DECODED = 1 << 14
"""Characters of base64 that are decoded to look for a frame and a scan."""
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MOST_LOOSE, _MOST_BETWEEN = 40, 4096
"""Segments of a picture with other bytes between them that are looked at, and so many bytes."""
_LEAST = 12
"""Bytes: less than these are no picture."""
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/=\s]+|&#x?[0-9A-Fa-f]{1,3};)+")
_NOT_BASE64 = re.compile(rb"\s|&#x?[0-9A-Fa-f]{1,3};|=")
_HEX = re.compile(rb"[0-9A-Fa-f\s]+")
_PICTURE_TAGS = frozenset({0x0111, 0x0144, 0x0201})
"""StripOffsets, TileOffsets, JPEGInterchangeFormat (TIFF 6.0)."""


_Order = Literal["little", "big"]


class Hit(NamedTuple):
    """A signature.

    Attributes
    ----------
    offset
        Where it is.
    kind
        "jpeg", "png", "gif", "tiff", "bmp", "iso-media" (MP4, MOV, HEIF, AVIF), "riff", "jp2",
        "jxl", "jxr", "psd", "base64" or "hex" (text that decodes to a picture).
    coherent
        Whether a picture stands behind it, or may: where the bytes end before that shows, it
        does.
    """

    offset: int
    kind: str
    coherent: bool


def carve(data: bytes, spans: Iterable[tuple[int, int]]) -> list[Hit]:
    """Return the signatures in ``data[start:end]`` of all spans, in the order of the file."""
    hits: list[Hit] = []
    looks = steps = 0
    for start, end in spans:
        start, end = max(start, 0), min(end, len(data))
        for at, number in _SEARCH.places(data, start, end):
            _, back, check = _NEEDLES[number]
            if at - back < start:
                continue
            looks += 1
            if len(hits) >= _MOST_HITS or looks >= _MOST_LOOKS or steps >= _MOST_STEPS:
                return sorted({*hits, Hit(at - back, "jpeg", True)})
            if check is _jpeg:
                hit, passed = _walked(data, at - back, end)
                steps += passed
            else:
                hit = check(data, at - back, end)
            if hit is not None:
                hits.append(hit)
    return sorted(set(hits))


def holds_picture(content: bytes) -> bool:
    """Whether the gate would say that there is a picture in these bytes."""
    return len(content) >= _LEAST and any(
        hit.coherent for hit in carve(content, [(0, len(content))])
    )


def _jpeg(data: bytes, at: int, end: int) -> Hit | None:
    return _walked(data, at, end)[0]


def _walked(data: bytes, at: int, end: int) -> tuple[Hit | None, int]:
    """Return a JPEG's signature, and how many segments were passed to judge it."""
    if at + 3 >= end or data[at + 3] not in _BEHIND_SOI:
        return None, 0
    shape = jpegwalk.header(data, at, end)
    if shape is None:
        return Hit(at, "jpeg", False), 1
    return Hit(at, "jpeg", _stands(data, shape, at, end)), len(shape.segments)


def _jpeg_stands(data: bytes, at: int, end: int) -> bool:
    shape = jpegwalk.header(data, at, end)
    return shape is not None and _stands(data, shape, at, end)


def _stands(data: bytes, shape: jpegwalk.Shape, at: int, end: int) -> bool:
    if not shape.decided:
        return True
    if shape.coherent:
        return all(_plausible(data, segment) for segment in shape.segments)
    if _stands_loosely(data, at + 2, end):
        return True
    # A chain of segments that only the end of the bytes cuts short may go on elsewhere
    cut = shape.end + 4 >= end or shape.end + 2 + _number(data, shape.end + 2, 2) > end
    return cut and len(shape.segments) > 1 and data[shape.end : shape.end + 1] in (b"", b"\xff")


def _stands_loosely(data: bytes, at: int, end: int) -> bool:
    """Whether a frame and a scan are there for who passes over what stands between segments.

    libjpeg does, with a warning; so do many viewers. Frame and scan headers whose lengths agree
    with their components don't come together by chance.
    """
    frame = False
    for _ in range(_MOST_LOOSE):
        found = _MARKER.search(data, at, min(end, at + _MOST_BETWEEN))
        if found is None or data[found.end() - 1] in (0xD8, 0xD9):
            return False
        at = found.end()
        code = data[at - 1]
        if code == 0x01 or 0xD0 <= code <= 0xD7:
            continue
        length = _number(data, at, 2)
        segment = jpegwalk.Walked(code, at - 2, at + length)
        if length < 2 or segment.end > end or not _plausible(data, segment):
            return False
        if code == 0xDA:
            return frame
        frame = frame or (0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC))
        at = segment.end
    return False


def _plausible(data: bytes, segment: jpegwalk.Walked) -> bool:
    """Whether the length of a frame or scan header agrees with its number of components."""
    length = _number(data, segment.offset + 2, 2)
    if segment.code == 0xDA:
        return length == 6 + 2 * data[segment.offset + 4]
    if 0xC0 <= segment.code <= 0xCF and segment.code not in (0xC4, 0xC8, 0xCC):
        return length >= 11 and length == 8 + 3 * data[segment.offset + 9]
    return True


def _png(data: bytes, at: int, end: int) -> Hit:
    return Hit(at, "png", at + 16 > end or data[at + 12 : at + 16] in (b"IHDR", b"CgBI"))


def _gif(data: bytes, at: int, end: int) -> Hit | None:
    if data[at + 4 : at + 6] not in (b"7a", b"9a"):
        return None
    if at + 13 > end:
        return Hit(at, "gif", True)
    flags = data[at + 10]
    first = at + 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    sized = data[at + 6 : at + 8] != b"\0\0" and data[at + 8 : at + 10] != b"\0\0"
    return Hit(at, "gif", sized and (first >= end or data[first] in b"!,;"))


def _tiff(data: bytes, at: int, end: int) -> Hit | None:
    """Report a TIFF only where an image file directory in it points at picture data."""
    order: _Order = "little" if data[at] == 0x49 else "big"
    ifd = int.from_bytes(data[at + 4 : at + 8], order)
    for _ in range(4):
        base = at + ifd
        if ifd < 8 or base + 2 > end:
            return None
        count = int.from_bytes(data[base : base + 2], order)
        if not 0 < count <= 256 or base + 2 + 12 * count > end:
            return None
        for entry in range(base + 2, base + 2 + 12 * count, 12):
            values = int.from_bytes(data[entry + 4 : entry + 8], order)
            if int.from_bytes(data[entry : entry + 2], order) in _PICTURE_TAGS and values:
                return Hit(at, "tiff", True)
        ifd = int.from_bytes(data[base + 2 + 12 * count : base + 6 + 12 * count], order)
    return Hit(at, "tiff", True)


def _bmp(data: bytes, at: int, end: int) -> Hit | None:
    size, pixels, header = (
        int.from_bytes(data[at + i : at + i + 4], "little") for i in (2, 10, 14)
    )
    if data[at + 6 : at + 10] != bytes(4) or header not in (12, 40, 52, 56, 64, 108, 124):
        return None
    return Hit(at, "bmp", 14 + header <= pixels <= max(size, 2048))


def _ftyp(data: bytes, at: int, end: int) -> Hit | None:
    brand = data[at + 8 : at + 12]
    if not (brand.isascii() and all(0x20 <= byte < 0x7F for byte in brand)):
        return None
    size = _number(data, at, 4)
    return Hit(at, "iso-media", 8 <= size <= 1024 or size in (0, 1))


def _riff(data: bytes, at: int, end: int) -> Hit | None:
    form = data[at + 8 : at + 12]
    return Hit(at, "riff", True) if form in (b"WEBP", b"AVI ", b"RMMP") else None


def _psd(data: bytes, at: int, end: int) -> Hit | None:
    return Hit(at, "psd", True) if data[at + 4 : at + 6] in (b"\0\1", b"\0\2") else None


def _jp2(data: bytes, at: int, end: int) -> Hit:
    return Hit(at, "jp2", True)


def _j2k(data: bytes, at: int, end: int) -> Hit | None:
    length = _number(data, at + 4, 2)
    components = _number(data, at + 40, 2)
    return Hit(at, "jp2", True) if length == 38 + 3 * components and components else None


def _jxl(data: bytes, at: int, end: int) -> Hit:
    return Hit(at, "jxl", True)


def _jxr(data: bytes, at: int, end: int) -> Hit | None:
    ifd = int.from_bytes(data[at + 4 : at + 8], "little")
    return Hit(at, "jxr", True) if ifd >= 8 and at + ifd < end else None


def _base64(data: bytes, at: int, end: int) -> Hit | None:
    # The characters before it would shift what it decodes to; a signature starts a value
    found = _BASE64.match(data, at, min(end, at + _DECODED))
    text = _NOT_BASE64.sub(b"", found.group()) if found else b""
    try:
        decoded = base64.b64decode(text[: len(text) & ~3])
    except binascii.Error:
        return None
    if found is not None and found.end() == min(end, at + _DECODED) and len(text) > 64:
        return Hit(at, "base64", True)
    if decoded[:2] == b"\xff\xd8":
        return Hit(at, "base64", _jpeg_stands(decoded, 0, len(decoded)))
    return Hit(at, "base64", len(decoded) > 24)


def _hex(data: bytes, at: int, end: int) -> Hit | None:
    found = _HEX.match(data, at, min(end, at + _DECODED))
    text = b"".join(found.group().split()) if found else b""
    decoded = bytes.fromhex(text[: len(text) & ~1].decode("ascii"))
    cut = found is not None and found.end() == min(end, at + _DECODED) and len(text) > 64
    return Hit(at, "hex", cut or _jpeg_stands(decoded, 0, len(decoded)))


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


_Check = Callable[[bytes, int, int], Hit | None]

_NEEDLES: tuple[tuple[bytes, int, _Check], ...] = (
    (b"\xd8\xff", 1, _jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"GIF8", 0, _gif),
    (b"II*\0", 0, _tiff),
    (b"MM\0*", 0, _tiff),
    (b"BM", 0, _bmp),
    (b"ftyp", 4, _ftyp),
    (b"RIFF", 0, _riff),
    (b"8BPS", 0, _psd),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0, _jp2),
    (b"\xff\x4f\xff\x51", 0, _j2k),
    (b"\0\0\0\x0cJXL \r\n\x87\n", 0, _jxl),
    (b"II\xbc\x01", 0, _jxr),
    (b"/9j/", 0, _base64),
    (b"iVBORw0KGgo", 0, _base64),
    (b"UklGR", 0, _base64),
    (b"R0lGODlh", 0, _base64),
    (b"R0lGODdh", 0, _base64),
    (b"AAAAIGZ0eX", 0, _base64),
    (b"AAAAHGZ0eX", 0, _base64),
    (b"AAAAGGZ0eX", 0, _base64),
    (b"ffd8ff", 0, _hex),
    (b"FFD8FF", 0, _hex),
)
"""Bytes to look for, how far behind the signature's start they are, and who looks closer."""
_SEARCH = Needles([needle for needle, _, _ in _NEEDLES])
