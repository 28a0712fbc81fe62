"""JFIF's APP0 and its extension segments (JFIF 1.02; ITU-T T.871, clause 10).

The header says density and version, and may carry ``3 * width * height`` bytes of RGB; extension
segments ("JFXX") hold a thumbnail as JPEG (0x10), with a palette (0x11) or as RGB (0x13).
"""

from __future__ import annotations

from collections.abc import Iterable

from .. import jpegwalk
from ..model import Actions, Segment, SideCopy
from .base import Found, SegmentCarrier, payload

__all__ = ["read_jfif"]

_HEADER = 14  # "JFIF", 0, version, units, densities, size of the thumbnail
_SHORT = 8
"""Some programs write 4 bytes more than the header has."""
_ACTIONS = Actions("drop", "drop", "warn")


def read_jfif(data: bytes, segments: Iterable[Segment]) -> SegmentCarrier:
    """Read APP0 segments "JFIF" and "JFXX"."""
    found = []
    for segment in segments:
        content = payload(data, segment)
        one = _extension(data, segment) if content.startswith(b"JFXX") else _header(data, segment)
        if one is not None:
            found.append(one)
    return SegmentCarrier(tuple(found))


def _header(data: bytes, segment: Segment) -> Found | None:
    """Return the thumbnail of a header; nothing where there are too few bytes to show anything."""
    content = payload(data, segment)
    rest = content[_HEADER:]
    if len(rest) <= _SHORT or (not any(rest) and content[12:14] == b"\0\0"):
        return None
    width, height = content[12], content[13]
    start = segment.offset + 4 + _HEADER
    length = 3 * width * height
    size: tuple[int, int] | None = None
    pieces: tuple[tuple[int, int], ...] = ()
    if 0 < length <= len(rest):
        detail, size = f"JFIF thumbnail, {width} × {height}, RGB", (width, height)
        pieces = ((start, start + length),)
    else:
        detail = f"{len(rest)} bytes behind JFIF's header"
    copy = SideCopy(
        "jfif-thumbnail", segment.offset, segment.end - segment.offset, detail, _ACTIONS, size,
        pieces, "rgb" if pieces else "other",
    )  # fmt: skip
    head = data[segment.offset : segment.offset + 2] + b"\x00\x10"
    return Found(copy, (segment,), head + content[:12] + b"\0\0", drop_rewrites=True)


def _extension(data: bytes, segment: Segment) -> Found:
    content = payload(data, segment)
    start = segment.offset + 4
    size: tuple[int, int] | None = None
    pieces: tuple[tuple[int, int], ...] = ()
    encoding, kind = "other", content[5] if len(content) > 5 else 0
    if kind == 0x10:
        shape = jpegwalk.header(data, start + 6, segment.end)
        if shape is not None:
            size, pieces, encoding = shape.size, ((start + 6, segment.end),), "jpeg"
    elif kind in (0x11, 0x13) and len(content) > 8:
        size = (content[6], content[7])
        if kind == 0x13 and 0 < 3 * size[0] * size[1] <= len(content) - 8:
            pieces, encoding = ((start + 8, start + 8 + 3 * size[0] * size[1]),), "rgb"
    name = {0x10: "JPEG", 0x11: "palette", 0x13: "RGB"}.get(kind, f"kind 0x{kind:02X}")
    detail = f"JFXX thumbnail, {name}" + (f", {size[0]} × {size[1]}" if size else "")
    copy = SideCopy(
        "jfxx-thumbnail", segment.offset, segment.end - segment.offset, detail, _ACTIONS, size,
        pieces, encoding,
    )  # fmt: skip
    return Found(copy, (segment,))
