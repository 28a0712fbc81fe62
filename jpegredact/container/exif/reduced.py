"""The least Exif that says how a picture is to be shown: its orientation, and how to decode it.

CIPA DC-008, table 4 and 6: of the tags that every Exif file must have, those that are numbers
are taken over where they are there. Nothing is made up, and there is no text.
"""

from __future__ import annotations

from .tags import EXIF
from .tiff import ByteOrder, Entry, Ifd, Span, byte_order, read_ifd

__all__ = ["reduced"]

_BYTES, _SHORT, _LONG, _RATIONAL = 7, 3, 4, 5
_ORIENTATION = 0x0112
_PRIMARY = {
    0x011A: (_RATIONAL, 1),  # XResolution
    0x011B: (_RATIONAL, 1),  # YResolution
    0x0128: (_SHORT, 1),  # ResolutionUnit
    0x0213: (_SHORT, 1),  # YCbCrPositioning
}
_PRIVATE = {
    0x9000: (_BYTES, 4),  # ExifVersion
    0x9101: (_BYTES, 4),  # ComponentsConfiguration
    0xA000: (_BYTES, 4),  # FlashpixVersion
    0xA001: (_SHORT, 1),  # ColorSpace
    0xA002: (_LONG, 1),  # PixelXDimension
    0xA003: (_LONG, 1),  # PixelYDimension
}
_Entries = dict[int, tuple[int, bytes]]


def reduced(data: bytes, within: Span, orientation: int) -> bytes:
    """Return an APP1 segment with this orientation, for the block that lies in ``within``."""
    primary, private = _taken_over(data, within)
    primary[_ORIENTATION] = (_SHORT, orientation.to_bytes(2, "big"))
    if private:
        primary[EXIF] = (_LONG, bytes(4))
    tiff = b"MM\0*" + (8).to_bytes(4, "big")
    first = _directory(primary, len(tiff))
    if private:
        primary[EXIF] = (_LONG, (len(tiff) + len(first)).to_bytes(4, "big"))
        first = _directory(primary, len(tiff))
        first += _directory(private, len(tiff) + len(first))
    content = b"Exif\0\0" + tiff + first
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def _taken_over(data: bytes, within: Span) -> tuple[_Entries, _Entries]:
    start, end = within
    order = byte_order(data[start : start + 2])
    if order is None or end - start < 8:
        return {}, {}
    at = start + int.from_bytes(data[start + 4 : start + 8], order)
    ifd = read_ifd(data, within, at, start, order)
    if ifd is None or ifd.damaged:
        return {}, {}
    pointer = ifd.find(EXIF)
    below = None
    if pointer is not None and pointer.kind == _LONG and pointer.inline:
        offset = int.from_bytes(data[pointer.start : pointer.end], order)
        below = read_ifd(data, within, start + offset, start, order)
    return (
        _chosen(data, ifd, _PRIMARY, order),
        {} if below is None or below.damaged else _chosen(data, below, _PRIVATE, order),
    )


def _chosen(
    data: bytes, ifd: Ifd, wanted: dict[int, tuple[int, int]], order: ByteOrder
) -> _Entries:
    out = {}
    for tag, (kind, number) in wanted.items():
        entry = ifd.find(tag)
        kinds = (_SHORT, _LONG) if kind == _LONG else (kind,)
        if entry is not None and entry.inside and entry.kind in kinds and entry.number == number:
            out[tag] = (entry.kind, _big_endian(data, entry, order))
    return out


def _big_endian(data: bytes, entry: Entry, order: ByteOrder) -> bytes:
    value = data[entry.start : entry.end]
    size = {_SHORT: 2, _LONG: 4, _RATIONAL: 4}.get(entry.kind, 1)
    if order == "big":
        return value
    return b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))


def _directory(entries: _Entries, at: int) -> bytes:
    """Return a directory and its long values, for this offset; there is no next one."""
    head = len(entries).to_bytes(2, "big")
    behind = at + 2 + 12 * len(entries) + 4
    tail = b""
    for tag, (kind, value) in sorted(entries.items()):
        number = len(value) // {_SHORT: 2, _LONG: 4, _RATIONAL: 8}.get(kind, 1)
        head += tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + number.to_bytes(4, "big")
        if len(value) <= 4:
            head += value.ljust(4, b"\0")
        else:
            head += (behind + len(tail)).to_bytes(4, "big")
            tail += value
    return head + bytes(4) + tail
