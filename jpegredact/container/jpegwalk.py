"""A small walk over a JPEG that lies somewhere in other bytes: its segments, its size, its end.

Knows marker segments and where a scan ends (ITU-T T.81, B.1.1); decodes nothing. Every walk is
bounded: whoever plants signatures in a file gets no more than `MOST_SEGMENTS` steps for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .markers import FRAMES

__all__ = ["MOST_SEGMENTS", "Shape", "Walked", "header", "starts", "walk"]

MOST_SEGMENTS = 1000
"""Marker segments looked at in one picture. Real ones have tens; ICC and XMP make a hundred."""

_FRAMES = FRAMES | {0xF7}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_BEHIND_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What ends a scan: a marker that is neither stuffing nor RST. Fill bytes before it are left to
the scan: a pattern that takes them along is sixty times slower.
"""
_FILL = re.compile(rb"\xff+")
_START = re.compile(rb"\xff\xd8\xff[\xc0-\xc2\xc4\xc9\xca\xdb\xdd\xe0-\xef\xfe]")


class Walked(NamedTuple):
    """A marker segment within a picture: marker code, where its marker is, where it ends."""

    code: int
    offset: int
    end: int


class Shape(NamedTuple):
    """What stands behind an SOI.

    Attributes
    ----------
    offset, end
        Where it starts, and the byte behind it.
    segments
        All marker segments, SOS headers among them, SOI and EOI not.
    size
        Width and height in the (first) frame header.
    scans
        Number of SOS segments.
    closed
        Whether an EOI ends it.
    decided
        Whether the walk came to an end of its own: not when it met the limit of segments.
    """

    offset: int
    end: int
    segments: tuple[Walked, ...]
    size: tuple[int, int] | None
    scans: int
    closed: bool
    decided: bool = True

    @property
    def coherent(self) -> bool:
        """Whether a frame of some size and a scan are in it."""
        return self.scans > 0 and self.size is not None and 0 not in self.size[:1]


def starts(data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where a JPEG may start: SOI and the marker of a segment that can follow it."""
    for found in _START.finditer(data, start, end):
        yield found.start()


def header(data: bytes, start: int, end: int) -> Shape | None:
    """Walk from the SOI at ``start`` to behind the first SOS header; None where no SOI is."""
    return _walk(data, start, end, first_scan_only=True)


def walk(data: bytes, start: int, end: int) -> Shape | None:
    """Walk from the SOI at ``start`` to behind its EOI, or as far as there is sense in it."""
    return _walk(data, start, end, first_scan_only=False)


def _walk(data: bytes, start: int, end: int, *, first_scan_only: bool) -> Shape | None:
    end = min(end, len(data))
    if start < 0 or start + 2 > end or data[start + 1] != 0xD8:
        return None
    segments: list[Walked] = []
    size: tuple[int, int] | None = None
    scans, position, closed, decided = 0, start + 2, False, True
    while True:
        if len(segments) >= MOST_SEGMENTS:
            decided = False
            break
        fill = _FILL.match(data, position, end)
        if fill is None or fill.end() >= end:
            break
        at = fill.end()
        code = data[at]
        if code == 0xD9:
            position, closed = at + 1, True
            break
        if code in _ALONE:
            # a second SOI or a stray RST: no sense in going on, as hostile files are made of them
            break
        length = data[at + 1] << 8 | data[at + 2] if at + 2 < end else 0
        behind = at + 1 + length
        if code == 0 or length < 2 or behind > end:
            break
        segments.append(Walked(code, at - 1, behind))
        if code in _FRAMES and size is None and length >= 8:
            size = (data[at + 6] << 8 | data[at + 7], data[at + 4] << 8 | data[at + 5])
        position = behind
        if code == 0xDA:
            scans += 1
            if first_scan_only:
                break
            found = _BEHIND_SCAN.search(data, position, end)
            if found is None:
                position = end
                break
            position = found.start()
    return Shape(start, position, tuple(segments), size, scans, closed, decided)
