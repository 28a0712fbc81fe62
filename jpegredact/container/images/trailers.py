"""What lies behind a picture's EOI, split into named parts without a gap.

Knows the trailers that cameras, phones and programs append, by their signatures; changes
nothing. Sources: the facts in ExifTool's ``IdentifyTrailer`` (which signature ends which trailer,
and where its length is), ISO/IEC 14496-12 for boxes, and files of the makers.

The order is: what is signed at the end of the file, from the end on; then pictures, films and
runs of zeros from the start on; what is left is "trailer", unnamed but counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .. import jpegwalk

__all__ = ["Part", "PartKind", "split"]

PartKind = Literal["jpeg", "video", "samsung", "vendor", "padding", "unknown"]

_MOST_PARTS = 256
"""Parts that are told apart; what comes behind them is one part."""
_FOOTER = 12
"""Bytes at the end of a trailer that is signed there; some have more."""
_MOST_ENTRIES = 128
"""Entries of a Samsung directory that are told apart."""

_LETTERS = re.compile(rb"[ -~]{4,}")
_RUN = re.compile(rb"\x00+|\xff+(?=\xff|\Z)")
_LANDMARKS = ((b"\xff\xd8\xff", 0), (b"ftyp", 4), (bytes(4096), 0))
"""What ends a stretch without a name, and how far before it: a JPEG, a film, many zeros."""
_BOXES = frozenset(
    {
        b"ftyp",
        b"moov",
        b"mdat",
        b"free",
        b"skip",
        b"wide",
        b"moof",
        b"mfra",
        b"uuid",
        b"meta",
        b"pdin",
        b"styp",
        b"sidx",
        b"ssix",
        b"prft",
        b"udta",
        b"mpvd",
        b"sefd",
    }
)
"""Boxes at the top of a film."""


class Part(NamedTuple):
    """``data[start:end]``, what it is, and a line for a person.

    ``inner`` is where a picture or film within it is; ``closed`` whether a JPEG has its EOI.
    """

    kind: PartKind
    start: int
    end: int
    detail: str
    size: tuple[int, int] | None = None
    inner: tuple[int, int] | None = None
    encoding: str = "other"
    closed: bool = True


def split(data: bytes, start: int, images: Sequence[tuple[int, int]] = ()) -> list[Part]:
    """Name all bytes from ``start`` on.

    Parameters
    ----------
    images
        Where an index says that pictures lie, ``(start, end)``: one that is broken off ends there.
    """
    end = len(data)
    signed: list[Part] = []
    while start < end and len(signed) < _MOST_PARTS:
        parts = _signed_at_end(data, start, end)
        if not parts or not start <= parts[0].start < end:
            break
        signed = parts + signed
        end = parts[0].start
    return _from_start(data, start, end, dict(images)) + signed


def _from_start(data: bytes, start: int, end: int, images: dict[int, int]) -> list[Part]:
    parts: list[Part] = []
    position = start
    ahead = _Ahead(data, end)
    while position < end:
        if len(parts) >= _MOST_PARTS:
            parts.append(Part("unknown", position, end, f"{end - position} bytes, not looked into"))
            break
        part = (
            _padding(data, position, end)
            or _jpeg(data, position, end, images)
            or _film(data, position, end)
            or _nameless(data, position, ahead.next(position + 1))
        )
        parts.append(part)
        position = part.end
    return parts


def _padding(data: bytes, start: int, end: int) -> Part | None:
    run = _RUN.match(data, start, end)
    # The zeros before a box are the high bytes of its size
    if run is None or _film(data, start, end) is not None:
        return None
    stop = run.end()
    for low_bytes in (1, 2):
        if data[stop + low_bytes : stop + low_bytes + 4] == b"ftyp":
            stop = max(start + 1, stop - (4 - low_bytes))
    return Part("padding", start, stop, f"{stop - start} bytes of 0x{data[start]:02X}")


def _jpeg(data: bytes, start: int, end: int, images: dict[int, int]) -> Part | None:
    if data[start : start + 3] != b"\xff\xd8\xff":
        return None
    shape = jpegwalk.walk(data, start, end)
    if shape is None:
        return None
    stop = shape.end
    if not shape.closed:
        stop = min(max(images.get(start, end), start + 3), end)
    named = "picture" if shape.coherent else "start of a picture"
    size = shape.size if shape.coherent else None
    detail = f"JPEG {named}" + (f", {size[0]} × {size[1]}" if size else "")
    if not shape.closed:
        detail += ", without an end"
    return Part("jpeg", start, stop, detail, size, (start, stop), "jpeg", shape.closed)


def _film(data: bytes, start: int, end: int) -> Part | None:
    """Return a chain of boxes that starts with a film's (ISO/IEC 14496-12, 4.2)."""
    if data[start + 4 : start + 8] not in (b"ftyp", b"mpvd", b"moov", b"mdat"):
        return None
    position, boxes = start, 0
    while position + 8 <= end and boxes < 1000:
        length, kind = (
            int.from_bytes(data[position : position + 4], "big"),
            data[position + 4 : position + 8],
        )
        if boxes and kind not in _BOXES:
            break
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length == 0 or position + length > end:
            position = end  # it says so (0), or it is cut off
            break
        if length < 8:
            break
        position += length
        boxes += 1
    if position == start:
        return None
    brand = (
        data[start + 8 : start + 12].decode("latin-1")
        if data[start + 4 : start + 8] == b"ftyp"
        else ""
    )
    named = f" ({brand})" if brand.isprintable() and brand.strip() else ""
    return Part(
        "video", start, position, f"film{named}, {position - start} bytes",
        inner=(start, position), encoding="mp4",
    )  # fmt: skip


def _nameless(data: bytes, start: int, stop: int) -> Part:
    detail = f"{stop - start} bytes: {_glimpse(data[start:stop])}"
    # Makers overwrite the first byte of a preview, or put a few of their own before it
    at = data.find(b"\xd8\xff", start + 1, min(stop, start + 64)) - 1
    shape = jpegwalk.walk(data, at, stop) if at >= start else None
    if shape is None or not shape.coherent:
        return Part("unknown", start, stop, detail)
    inner = (at, shape.end)
    return Part("unknown", start, stop, detail + ", a picture in it", shape.size, inner, "jpeg")


class _Ahead:
    """The next landmark; each byte is searched once for each, however often it is asked."""

    __slots__ = ("_data", "_end", "_found")

    def __init__(self, data: bytes, end: int) -> None:
        self._data = data
        self._end = end
        self._found = [-1] * len(_LANDMARKS)

    def next(self, start: int) -> int:
        """Return where the first landmark at or behind ``start`` is, or the end."""
        for index, (needle, before) in enumerate(_LANDMARKS):
            if self._found[index] < start:
                at = self._data.find(needle, start + before, self._end)
                self._found[index] = self._end if at < 0 else at - before
        return min(self._found)


def _glimpse(content: bytes) -> str:
    """Say what bytes look like: text, or how they begin."""
    first = content[:24]
    if first and all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in first):
        return "text " + repr(first.decode("ascii"))
    letters = _LETTERS.match(first)
    return (
        f"begin {letters.group().decode('ascii')!r}" if letters else "begin " + first[:8].hex(" ")
    )


# Trailers that are signed at their end


def _signed_at_end(data: bytes, start: int, end: int) -> list[Part]:
    """Return the trailer that ends exactly at ``end``, in parts; nothing where none is known."""
    tail = data[max(start, end - 64) : end]
    if tail.endswith(b"SEFT"):
        return _samsung(data, start, end)
    for check, name in _SIGNED:
        at = check(data, tail, end)
        if at is not None:
            # What points elsewhere has been moved: only its end is sure
            at = at if start <= at < end else max(start, end - _FOOTER)
            return [_vendor(data, at, end, name)]
    return []


def _vendor(data: bytes, start: int, end: int, name: str) -> Part:
    found = next(jpegwalk.starts(data, start, end), None)
    shape = None if found is None else jpegwalk.walk(data, found, end)
    detail = f"{name} trailer, {end - start} bytes"
    if shape is None or not shape.coherent:
        return Part("vendor", start, end, detail)
    inner = (shape.offset, shape.end)
    return Part("vendor", start, end, detail + ", a picture in it", shape.size, inner, "jpeg")


def _afcp(data: bytes, tail: bytes, end: int) -> int | None:
    """AFCP: "AXS!" or "AXS*", version, number of items; the start is given as a file offset."""
    mark = tail[-12:-8]
    if mark not in (b"AXS!", b"AXS*"):
        return None
    order: Literal["big", "little"] = "big" if mark == b"AXS!" else "little"
    at = int.from_bytes(tail[-8:-4], order)
    return at if data.startswith(mark, at) else -1


def _foto_station(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.endswith(b"\xa1\xb2\xc3\xd4") or len(tail) < 10:
        return None
    return end - int.from_bytes(tail[-8:-4], "big")


def _photo_mechanic(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.endswith(b"cbipcbbl"):
        return None
    return end - 12 - int.from_bytes(tail[-12:-8], "big")


def _canon_vrd(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.startswith(b"CANON OPTIONAL DATA\0") or len(tail) != 64:
        return None
    return end - 64 - 28 - int.from_bytes(tail[20:24], "big")


def _mie(data: bytes, tail: bytes, end: int) -> int | None:
    short = re.search(rb"~\0\x04\0zmie~\0\0\x06(.{4})[\x10\x18]\x04\Z", tail, re.DOTALL)
    long = re.search(rb"~\0\x04\0zmie~\0\0\x0a(.{8})[\x10\x18]\x08\Z", tail, re.DOTALL)
    found = short or long
    if found is None:
        return None
    return end - int.from_bytes(found.group(1), "big" if tail[-2] == 0x10 else "little")


def _insta360(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.endswith(b"8db42d694ccc418790edff439fe026bf"):
        return None
    return end - int.from_bytes(tail[-40:-36], "little")


def _nikon_app(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.endswith(b"\0\0\0\0\0\0/NIKON APP"):
        return None
    return end - int.from_bytes(tail[-20:-16], "big")


def _vivo(data: bytes, tail: bytes, end: int) -> int | None:
    if not tail.endswith(b"\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1"):
        return None
    return data.rfind(b'vivo{"', max(0, end - (1 << 20)), end)


def _qdiobs(data: bytes, tail: bytes, end: int) -> int | None:
    """Older Samsung trailers: the same blocks, with the letters of "SOBIDQ" turned round."""
    return data.rfind(b"SOBIDQ", 0, end) if tail.endswith(b"QDIOBS") else None


_SIGNED = (
    (_afcp, "AFCP"),
    (_foto_station, "FotoStation"),
    (_photo_mechanic, "PhotoMechanic"),
    (_canon_vrd, "Canon VRD"),
    (_mie, "MIE"),
    (_insta360, "Insta360"),
    (_nikon_app, "Nikon"),
    (_vivo, "Vivo"),
    (_qdiobs, "Samsung"),
)
"""Who finds the start of a trailer that ends here, and its name."""


def _samsung(data: bytes, start: int, end: int) -> list[Part]:
    """Return a Samsung trailer: blocks of data, then a directory, "SEFH" to "SEFT".

    An entry is 2 bytes of zero, 2 of type, how far before the directory its block starts, and the
    block's length; a block is 4 bytes (zero, type), the length of its name, its name, its data.
    """
    directory = end - 8 - int.from_bytes(data[end - 8 : end - 4], "little")
    if not start <= directory < end or data[directory : directory + 4] != b"SEFH":
        start = max(start, end - _FOOTER)
        return [Part("samsung", start, end, "Samsung trailer, its directory is damaged")]
    count = int.from_bytes(data[directory + 8 : directory + 12], "little")
    blocks: list[tuple[int, int]] = []
    for entry in range(
        directory + 12, min(end - 12, directory + 12 + 12 * min(count, _MOST_ENTRIES)), 12
    ):
        back = int.from_bytes(data[entry + 4 : entry + 8], "little")
        length = int.from_bytes(data[entry + 8 : entry + 12], "little")
        at = directory - back
        if start <= at < at + length <= directory:
            blocks.append((at, at + length))
    parts: list[Part] = []
    for at, behind in sorted(blocks):
        if parts and at < parts[-1].end:
            continue
        if parts and at > parts[-1].end:
            parts.append(Part("samsung", parts[-1].end, at, "Samsung trailer, between its blocks"))
        parts.append(_samsung_block(data, at, behind))
    first = parts[-1].end if parts else directory
    return [*parts, Part("samsung", first, end, "Samsung trailer, its directory")]


def _samsung_block(data: bytes, start: int, end: int) -> Part:
    length = int.from_bytes(data[start + 4 : start + 8], "little")
    inner = min(start + 8 + min(length, 256), end)
    name = data[start + 8 : inner].decode("latin-1")
    name = name if name.isprintable() else "?"
    detail = f"Samsung {name}, {end - start} bytes"
    images: dict[int, int] = {}
    held = _film(data, inner, end) or _jpeg(data, inner, end, images)
    if held is None:
        return Part("samsung", start, end, detail)
    return Part(
        "samsung", start, end, f"{detail}: {held.detail}", held.size, held.inner, held.encoding
    )
