"""Pictures inside Exif: how far a JPEG reaches, and where in some bytes one may hide.

Knows marker segments and signatures; knows no tags.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from ..markers import FRAMES
from ..search import Needles
from ..texts import has_base64_run
from .tiff import Span

__all__ = [
    "Found",
    "Hits",
    "busy",
    "find_pictures",
    "hides_data",
    "is_text",
    "jpeg_at",
    "looks_coded",
    "pad",
    "trimmed",
    "ycbcr_from_rgb",
]


class Found(NamedTuple):
    """A picture: its bytes, its size where it says one, whether its end was found, its kind."""

    start: int
    end: int
    size: tuple[int, int] | None
    complete: bool
    encoding: str


_SIGNATURES = re.compile(
    rb"(?P<jpeg>\xd8\xff[\xdb\xc4\xe0-\xef])"
    rb"|(?P<base64>/9j/[A-Za-z0-9+/=\s]{60}|iVBORw0KGgo)"
    rb"|(?P<png>\x89PNG\r\n\x1a\n)"
    rb"|(?P<film>ftyp[a-z0-9A-Z]{3})"
    rb"|(?P<other>RIFF....WEBP|GIF8[79]a)",
    re.DOTALL,
)
_SEARCH = Needles(
    [b"\xd8\xff", b"/9j/", b"iVBORw0KGgo", b"\x89PNG\r\n\x1a\n", b"ftyp", b"RIFF", b"GIF8"]
)
"""How they begin: a pattern would take far longer over all bytes."""
_BEFORE = {"jpeg": 1, "film": 4}
"""Bytes of the picture in front of its signature."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_MARKERS = frozenset(range(0xC0, 0x100)) - {0xFF} | {0x01}
_MOST_SEGMENTS = 200
_MOST_FOUND = 300
"""In one block; where there are more, all that lies behind is taken for pictures."""
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)


def jpeg_at(data: bytes, start: int, end: int) -> Found | None:
    """Follow the JPEG whose SOI is at ``start``; its first byte may be anything.

    None where what follows can't be a JPEG, or is an EOI at once. One that is cut off, or whose
    first segment says that it is longer than what is there, is one: better one too many.
    """
    if data[start + 1 : start + 3] != b"\xd8\xff" or start + 4 > end:
        return None
    at = start + 2
    size = None
    sure = scans = 0
    for _ in range(_MOST_SEGMENTS):
        while at < end and data[at] == 0xFF and data[at + 1 : at + 2] == b"\xff":
            at += 1
        if data[at : min(at + 2, end)] == b"\xff\xd9":
            return Found(start, at + 2, size, size is not None, "jpeg") if sure else None
        if at + 4 > end:
            return Found(start, end, size, False, "jpeg")
        code = data[at + 1]
        if data[at] != 0xFF or code not in _MARKERS:
            break
        if code == 0xD8 or code == 0x01 or 0xD0 <= code <= 0xD7:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            break
        # Decoders go by the first frame header; behind a scan none is one
        first = size is None and not scans
        if first and code in FRAMES and length >= 8 and at + 9 <= end:
            size = (
                int.from_bytes(data[at + 7 : at + 9], "big"),
                int.from_bytes(data[at + 5 : at + 7], "big"),
            )
        sure += 1
        at += 2 + length
        if code == 0xDA:
            scans += 1
            marker = _MARKER_IN_SCAN.search(data, min(at, end), end)
            if marker is None:
                return Found(start, end, size, False, "jpeg")
            at = marker.end() - 2
    if size is not None or sure >= 2:
        return Found(start, min(at, end), size, False, "jpeg")
    return None


def find_pictures(data: bytes, start: int, end: int) -> list[Found]:
    """Return what in these bytes has the signature of a picture and something like one behind.

    A picture within a whole one is not told apart from it. One whose end is not there hides
    nothing: it may be chance.
    """
    out: list[Found] = []
    at = start
    places = [place for place, _ in _SEARCH.places(data, start, end)]
    for place in sorted(places):
        hit = _SIGNATURES.match(data, place, end) if place >= at else None
        if hit is None:
            continue
        if len(out) == _MOST_FOUND:
            out.append(Found(hit.start(), end, None, False, "other"))
            break
        where = hit.start() - _BEFORE.get(hit.lastgroup or "", 0)
        film = hit.lastgroup == "film" and data[where : where + 2] != b"\0\0"
        found = None if where < start or film else _judge(data, hit, where, end)
        at = hit.start() + 1
        if found is not None:
            out.append(found)
            if found.complete:
                at = max(at, found.end)
    return [*sorted(out[:_MOST_FOUND], key=_first_byte), *out[_MOST_FOUND:]]


def _first_byte(found: Found) -> int:
    """Return where a picture begins; a JPEG where its 0xD8 is."""
    return found.start + (found.encoding == "jpeg")


class Hits:
    """The pictures in a block, found once: values overlap in hostile ones.

    A JPEG is where its 0xD8 is: the byte in front may be anything, and another's.
    """

    __slots__ = ("_rest", "_starts", "found")

    def __init__(self, found: list[Found], others: Iterable[Found] = ()) -> None:
        self._rest = found[-1] if len(found) > _MOST_FOUND else None
        starts = {hit.start for hit in found}
        found = [*found, *(hit for hit in others if hit.start not in starts)]
        self.found = found = sorted(found, key=_first_byte)
        self._starts = [_first_byte(hit) for hit in found]

    def without(self, spans: list[Span]) -> Hits:
        """Return these without those that begin in one of these spans: directories, say."""
        left = Hits(
            [
                hit
                for hit, at in zip(self.found, self._starts, strict=True)
                if not any(first <= at < last for first, last in spans)
            ]
        )
        left._rest = self._rest
        return left

    def first(self, start: int, end: int, *, sure: bool = False) -> Found | None:
        """Return the first that begins in a span, or a whole one that goes over it.

        Whole ones come before others. With ``sure`` only one that begins there and has an end
        or states its size: long binary values that are known hold three such bytes by chance,
        once in a million.
        """
        here = self.within(start, end)
        if sure:
            return next((hit for hit in here if hit.complete or hit.size is not None), None)
        whole = next((hit for hit in here if hit.complete), None) or self._over(start)
        return whole or (here[0] if here else None)

    def within(self, start: int, end: int) -> list[Found]:
        """Return all that begin in a span."""
        here = self.found[bisect_left(self._starts, start) : bisect_left(self._starts, end)]
        if not here and self._rest is not None and self._rest.start <= start < end:
            return [self._rest._replace(start=start, end=end)]
        return here

    def _over(self, at: int) -> Found | None:
        """Return a whole one that began before a place and goes on there."""
        before = self.found[: bisect_left(self._starts, at)]
        return next((hit for hit in reversed(before) if hit.complete and at < hit.end), None)


def _judge(data: bytes, hit: re.Match[bytes], where: int, end: int) -> Found | None:
    match hit.lastgroup:
        case "jpeg":
            return jpeg_at(data, where, end)
        case "base64":
            run = _BASE64.match(data, where, end)
            return Found(where, run.end() if run else end, None, True, "base64")
        case "png":
            head = data[where + 16 : where + 24]
            size = (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big"))
            tail = data.find(b"IEND\xae\x42\x60\x82", where, end)
            return Found(where, tail + 8 if tail >= 0 else end, size, tail >= 0, "png")
        case _:
            return Found(where, end, None, False, "other")


def trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the span without the zeros at both of its ends; ``start == end`` for all zeros."""
    raw = data[start:end]
    kept = raw.lstrip(b"\0")
    first = end - len(kept)
    return first, first + len(kept.rstrip(b"\0"))


_FILLING = 16
"""Bytes of one value, in a row, that are taken for filling."""


def busy(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the span without zeros and long runs of one byte at both of its ends.

    Erased flash is 0xFF, and programs fill with what they like. ``start == end``: all filling.
    """
    first, last = trimmed(data, start, end)
    raw = data[first:last]
    kept = raw.lstrip(raw[:1])
    if len(raw) - len(kept) >= _FILLING:
        raw = kept
    kept = raw.rstrip(raw[-1:])
    tail = len(raw) - len(kept) if len(raw) - len(kept) >= _FILLING else 0
    return last - len(raw), last - tail


_RUN = re.compile(rb"(.)\1{31,}", re.DOTALL)


def holds_more(data: bytes, start: int, end: int, most: int) -> bool:
    """Whether there are more bytes than this that are no filling: runs of one byte don't count."""
    if end - start <= most:
        return False
    runs = sum(run.end() - run.start() for run in _RUN.finditer(data, start, end))
    return end - start - runs > most


def pad(picture: bytes, length: int) -> bytes:
    """Return a picture with zeros behind it, up to a length."""
    return picture + bytes(length - len(picture))


_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")
_LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/]{512}")


_MOST_PAGES = 112
"""Values of UTF-16's high byte in one text: Chinese has some 90, noise all."""


def is_text(value: bytes, encoding: str = "") -> bool:
    """Whether bytes are text a person could read: no control codes, no long base64 run."""
    value = value.rstrip(b"\0")
    if encoding:
        text = value.decode(encoding, "replace")
        odd = sum(not (char.isprintable() or char in "\t\r\n\0") for char in text)
        odd += text.count("\ufffd")
        if encoding.startswith("utf-16"):
            high = value[1::2] if encoding.endswith("le") else value[::2]
            odd += len(text) * (len(set(high)) > _MOST_PAGES)
        return odd * 20 <= len(text) and not _LONG_BASE64.search(text.encode("utf-8", "replace"))
    if _CONTROLS.search(value) or _LONG_BASE64.search(value):
        return False
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        # An older code page: letters mostly, with some bytes above 127.
        return sum(byte >= 128 for byte in value) * 3 <= len(value)
    return True


_WORD = re.compile(rb"[^\s\0]{100,}")
_HEXADECIMAL = re.compile(rb"(?:[0-9A-Fa-f]{2}[\s:,;-]{1,2}){120,}")


def hides_data(value: bytes) -> bool:
    """Whether ASCII text is data more than words: base64, hexadecimal, or long without a space.

    Prose of other scripts may have no spaces; a quarter of what is ASCII may lie in long words.
    """
    value = value.replace(b"\0", b"")  # UTF-16
    if has_base64_run(value) or _HEXADECIMAL.search(value):
        return True
    long = sum(found.end() - found.start() for found in _WORD.finditer(value))
    plain = sum(byte < 0x80 for byte in value) * 10 > len(value) * 9
    return plain and long * 4 > len(value)


_FEW = 64
"""Bytes that are too few to hold blocks worth looking at."""


def looks_coded(value: bytes) -> bool:
    """Whether bytes could be entropy-coded data without its headers: dense, and no text."""
    return len(value) > _FEW and value.count(0) * 20 < len(value) and not is_text(value)


def ycbcr_from_rgb(
    rgb: bytes, width: int, height: int, across: int, down: int, full_range: bool = True
) -> bytes:
    """Return RGB pixels as TIFF's YCbCr data units (TIFF 6.0, section 21; CCIR 601-1).

    Each unit is ``across × down`` luma samples, then one Cb and one Cr; the last column and row
    are repeated where the size is no multiple. With ``full_range`` 0 is black and 255 white
    (ReferenceBlackWhite of Exif), else 16 and 235.
    """
    out = bytearray()
    luma: list[int] = []
    blue: list[int] = []
    red: list[int] = []
    for at in range(0, 3 * width * height, 3):
        r, g, b = rgb[at], rgb[at + 1], rgb[at + 2]
        luma.append((19595 * r + 38470 * g + 7471 * b + 32768) >> 16)
        blue.append((-11059 * r - 21709 * g + 32768 * b + 32768) >> 16)
        red.append((32768 * r - 27439 * g - 5329 * b + 32768) >> 16)
    if not full_range:
        luma = [16 + (219 * y + 127) // 255 for y in luma]
        blue = [(224 * c + 127) // 255 for c in blue]
        red = [(224 * c + 127) // 255 for c in red]
    for top in range(0, height, down):
        rows = [min(top + row, height - 1) * width for row in range(down)]
        for left in range(0, width, across):
            columns = [min(left + column, width - 1) for column in range(across)]
            places = [row + column for row in rows for column in columns]
            out += bytes(luma[place] for place in places)
            for plane in (blue, red):
                mean = sum(plane[place] for place in places) // len(places)
                out.append(max(0, min(255, 128 + mean)))
    return bytes(out)
