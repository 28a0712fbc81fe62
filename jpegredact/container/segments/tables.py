"""DQT and DHT segments that no scan uses: decoders read past them, and nothing says what they hold.

A table is used if a scan's component names its slot before the slot is defined again (ITU-T
T.81, B.2.4). A few that are not are usual; many are room for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..markers import FRAMES
from ..model import Actions, Segment, SideCopy
from .base import Found, SegmentCarrier, payload

__all__ = ["read_tables"]

_DQT, _DHT, _SOS = 0xDB, 0xC4, 0xDA
_MOST = 2048
"""Bytes of unused tables that stay; four Huffman tables of most symbols have about 400."""
_ACTIONS = Actions("drop", "drop", "warn")

_Slot = tuple[int, int]
"""Marker code, and the class and number in one: as the table's first byte has them."""


class _Table(NamedTuple):
    segment: Segment
    slot: _Slot
    length: int


def read_tables(data: bytes, segments: Sequence[Segment]) -> SegmentCarrier:
    """Find unused tables where there are many of them.

    Only whole DQT segments can go: a diff counts a file's Huffman tables.
    """
    if sum(each.end - each.offset for each in segments if each.code in (_DQT, _DHT)) <= _MOST:
        return SegmentCarrier(())
    unused = _unused(data, segments)
    if sum(table.length for table in unused) <= _MOST:
        return SegmentCarrier(())
    lengths: dict[Segment, int] = {}
    for table in unused:
        lengths[table.segment] = lengths.get(table.segment, 0) + table.length
    found = []
    left = 0
    for segment, length in lengths.items():
        if segment.code == _DQT and length == segment.end - segment.offset - 4:
            copy = _copy(segment, "tables that no scan uses")
            found.append(Found(copy, (segment,)))
        else:
            left += length
    if left > _MOST:  # the last gate refuses the file
        segment = next(one for one, length in lengths.items() if length)
        found.append(Found(_copy(segment, f"{left} bytes of tables that no scan uses")))
    return SegmentCarrier(tuple(sorted(found, key=lambda one: one.copy.offset)))


def _copy(segment: Segment, detail: str) -> SideCopy:
    return SideCopy("unused-tables", segment.offset, segment.end - segment.offset, detail, _ACTIONS)


def _unused(data: bytes, segments: Sequence[Segment]) -> list[_Table]:
    frame = next((payload(data, one) for one in segments if one.code in FRAMES), b"")
    quantization = {one[0]: one[2] for one in _triples(frame[6:])}
    now: dict[_Slot, _Table] = {}
    unused: list[_Table] = []
    used: set[_Slot] = set()
    for segment in segments:
        content = payload(data, segment)
        if segment.code in (_DQT, _DHT):
            for table in _tables(segment, content):
                if table.slot in now and table.slot not in used:
                    unused.append(now[table.slot])
                now[table.slot] = table
                used.discard(table.slot)
        elif segment.code == _SOS and content:
            for at in range(1, min(1 + 2 * content[0], len(content) - 1), 2):
                selector, tables = content[at], content[at + 1]
                used |= {(_DHT, tables >> 4), (_DHT, 0x10 | tables & 15)}
                slot = quantization.get(selector, 0)
                used.add((_DQT, slot))
    return unused + [table for slot, table in now.items() if slot not in used]


def _triples(content: bytes) -> list[bytes]:
    return [content[at : at + 3] for at in range(0, len(content) - 2, 3)]


def _tables(segment: Segment, content: bytes) -> list[_Table]:
    """Return the tables of a segment; a quantization table's slot may have either precision."""
    found = []
    at = 0
    while at < len(content):
        if segment.code == _DQT:
            length = 1 + (128 if content[at] >> 4 else 64)
            slot = content[at] & 15
        else:
            length = 17 + sum(content[at + 1 : at + 17])
            slot = content[at]
        found.append(_Table(segment, (segment.code, slot), min(length, len(content) - at)))
        at += length
    return found
