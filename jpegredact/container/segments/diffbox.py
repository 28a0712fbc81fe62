"""A sealed diff in the file itself: a JUMBF superbox of our own type, in APP11 segments.

ISO/IEC 19566-5: the superbox (annex A) holds a description box and one content box, "cbor", which
is what a diff is. It is cut into segments as annex D says, all but the last as long as a segment
can be. There is one way to write it, and nothing else is read as one. What is in it, `diff` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["LABEL", "TYPE", "DiffBox", "find_boxes", "free_number", "make_box", "segments_for"]

TYPE = bytes.fromhex("15f0cada7f36468c8096d4df608e9e04")
"""UUID of the superbox's content type, made at random for this one."""
LABEL = "jrdiff"

_APP11 = 0xEB
_MARKER = bytes((0xFF, _APP11))
_COMMON = b"JP"
_NUMBERS = range(1, 0x10000)
_HEAD = 20
"""Bytes of a segment before its share: marker, length, "JP", En, Z, LBox, TBox (D.2)."""
_ROOM = 0xFFFF + 2 - _HEAD
_TOGGLES = b"\x03"
"""The box may be asked for, and has a label (A.3)."""
_DESCRIPTION = (
    (8 + len(TYPE) + 1 + len(LABEL) + 1).to_bytes(4) + b"jumd" + TYPE + _TOGGLES
    + LABEL.encode() + b"\0"
)  # fmt: skip
_CONTENT = b"cbor"
_OUTER = 8 + len(_DESCRIPTION) + 8
_LARGEST = 0xFFFFFFFF
"""What a box's 32-bit length can say."""


class DiffBox(NamedTuple):
    """A box in a file: ``data[start:end]`` are its segments."""

    start: int
    end: int
    content: bytes


def segments_for(length: int) -> int | None:
    """Return how many segments a diff of so many bytes takes; None where no box can hold it."""
    total = _OUTER + length
    return -(-(total - 8) // _ROOM) if total <= _LARGEST else None


def make_box(content: bytes, number: int) -> bytes:
    """Return the segments of a box, one behind the other.

    Parameters
    ----------
    content
        The diff's bytes.
    number
        The box instance number (En): boxes of a file differ in it.
    """
    inner = _DESCRIPTION + (8 + len(content)).to_bytes(4) + _CONTENT + content
    pieces, at = [], 0
    for head, share in _pieces(len(inner), number):
        pieces += [head, inner[at : at + share]]
        at += share
    return b"".join(pieces)


def free_number(data: bytes, segments: Iterable[tuple[int, int, int]]) -> int | None:
    """Return the least number that no box of a file has; None if they have all."""
    taken = {
        int.from_bytes(data[offset + 6 : offset + 8])
        for code, offset, _ in segments
        if code == _APP11 and data.startswith(_COMMON, offset + 4)
    }
    return next((number for number in _NUMBERS if number not in taken), None)


def find_boxes(data: bytes, segments: Iterable[tuple[int, int, int]]) -> Iterator[DiffBox]:
    """Yield the boxes that are written as `make_box` writes them, in the order of the file."""
    behind = 0
    for code, offset, _ in segments:
        if code == _APP11 and offset >= behind:
            box = _box_at(data, offset)
            if box is not None:
                behind = box.end
                yield box


def _box_at(data: bytes, start: int) -> DiffBox | None:
    """Return the box that begins there. What is no piece of one ends it: no byte is read twice."""
    if not data.startswith(_DESCRIPTION, start + _HEAD):
        return None
    number = int.from_bytes(data[start + 6 : start + 8])
    inner = int.from_bytes(data[start + 12 : start + 16]) - 8
    length = inner - len(_DESCRIPTION) - 8
    if length < 0 or number not in _NUMBERS:
        return None
    shares, at = [], start
    for head, share in _pieces(inner, number):
        if not data.startswith(head, at) or at + len(head) + share > len(data):
            return None
        shares.append(data[at + len(head) : at + len(head) + share])
        at += len(head) + share
    content = b"".join(shares)
    if not content.startswith((8 + length).to_bytes(4) + _CONTENT, len(_DESCRIPTION)):
        return None
    return DiffBox(start, at, content[-length:] if length else b"")


def _pieces(inner: int, number: int) -> Iterator[tuple[bytes, int]]:
    """Yield what stands before each share of a box with ``inner`` bytes in it, and its length."""
    tail = (8 + inner).to_bytes(4) + b"jumb"
    for piece, at in enumerate(range(0, inner, _ROOM), 1):
        share = min(_ROOM, inner - at)
        length = (_HEAD - 2 + share).to_bytes(2)
        yield (
            _MARKER + length + _COMMON + number.to_bytes(2) + piece.to_bytes(4) + tail, share
        )  # fmt: skip
