"""The index of a multi-picture file: APP2 "MPF" (CIPA DC-007-2009).

Knows the MP Index IFD, its MP Entries (5.2.3.3) and where their bytes are. It is put right in
place: a segment never changes its length. What no tag accounts for is set to zero when it is
written, since nothing in it would be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

from ..model import FileEdit, Segment

__all__ = [
    "DISPARITY", "LARGE_THUMBNAILS", "SIGNATURE", "Entry", "Index", "read_index", "type_name",
]  # fmt: skip

SIGNATURE = b"MPF\0"
DISPARITY = 0x020002
LARGE_THUMBNAILS = (0x010001, 0x010002)

_NUMBER, _LIST, _UIDS = 0xB001, 0xB002, 0xB003
_MOST_ENTRIES = 64
"""Entries that are believed. Panoramas hold a few; DC-007 names no limit."""
_MOST_TAGS = 64
_ENTRY, _UID = 16, 33
_PARENT = 1 << 31  # "dependent parent image flag", DC-007 figure 8
_TYPES = {
    0: "undefined",
    0x010001: "large thumbnail, VGA",
    0x010002: "large thumbnail, full HD",
    0x020001: "panorama",
    DISPARITY: "stereo view",
    0x020003: "multi-angle",
    0x030000: "primary",
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
_Order = Literal["little", "big"]


class Entry(NamedTuple):
    """An MP Entry: its attributes, and where in the file it says the picture is."""

    attributes: int
    size: int
    offset: int
    relative: int
    """The offset as it is written: 0 for the primary picture."""
    dependents: tuple[int, int]

    @property
    def type(self) -> int:
        """The MP type code (DC-007 table 4)."""
        return self.attributes & 0xFFFFFF

    @property
    def primary(self) -> bool:
        """Whether it is the first picture of the file."""
        return self.relative == 0


class Index(NamedTuple):
    """An MPF segment.

    Attributes
    ----------
    base
        Where its byte-order mark is: offsets count from there.
    entries
        All entries; empty where there is no list, as in the pictures that an index lists.
    problem
        Why it can't be put right, or "".
    """

    segment: Segment
    base: int
    order: _Order
    entries: tuple[Entry, ...]
    problem: str
    number_at: int
    list_tag_at: int
    list_at: int
    uids_tag_at: int
    uids_at: int
    known: tuple[tuple[int, int], ...]

    def accounted_for(self, data: bytes) -> bool:
        """Whether every byte of the segment that is not zero belongs to a tag."""
        return data[self.segment.offset : self.segment.end] == self._known_bytes(data)

    def rewritten(
        self, data: bytes, places: Mapping[int, tuple[int, int]], base: int, primary_size: int
    ) -> bytes:
        """Return the whole segment, for entries that stay and where their pictures are now.

        Parameters
        ----------
        places
            For the number of each entry that stays, the primary's not: its picture's new offset
            and size.
        base
            Where this segment's byte-order mark is now.
        """
        content = bytearray(self._known_bytes(data))
        stay = [i for i, entry in enumerate(self.entries) if entry.primary or i in places]
        renumbered = {old + 1: new + 1 for new, old in enumerate(stay)}
        rows = bytearray()
        for old in stay:
            entry = self.entries[old]
            offset, size = (0, primary_size) if entry.primary else places[old]
            first, second = (renumbered.get(number, 0) for number in entry.dependents)
            attributes = entry.attributes
            if any(entry.dependents) and not first and not second:
                attributes &= ~_PARENT
            rows += attributes.to_bytes(4, self.order) + size.to_bytes(4, self.order)
            rows += (0 if entry.primary else offset - base).to_bytes(4, self.order)
            rows += first.to_bytes(2, self.order) + second.to_bytes(2, self.order)
        self._put(content, self.list_at, rows.ljust(_ENTRY * len(self.entries), b"\0"))
        self._put(content, self.number_at, len(stay).to_bytes(4, self.order))
        self._put(content, self.list_tag_at + 4, (_ENTRY * len(stay)).to_bytes(4, self.order))
        if self.uids_at:
            uids = b"".join(data[self.uids_at + _UID * i :][:_UID] for i in stay)
            self._put(content, self.uids_at, uids.ljust(_UID * len(self.entries), b"\0"))
            self._put(content, self.uids_tag_at + 4, len(uids).to_bytes(4, self.order))
        return bytes(content)

    def moved(self, place: Callable[[int], int], growth: int) -> Iterator[FileEdit]:
        """Yield the edits that keep it right where only other segments come or go.

        Undone by the same with the places and the growth of the way back, whatever it says.

        Parameters
        ----------
        place
            Where a byte of the file is afterwards.
        growth
            Bytes by which the first picture becomes longer.
        """
        if self.problem:
            return
        for number, entry in enumerate(self.entries):
            at = self.list_at + _ENTRY * number
            size, relative = entry.size, entry.relative
            if entry.primary:
                size = (size + growth) % (1 << 32)
            else:
                relative = (place(entry.offset) - place(self.base)) % (1 << 32)
            new = size.to_bytes(4, self.order) + relative.to_bytes(4, self.order)
            yield at + 4, at + 12, new

    def _put(self, content: bytearray, at: int, value: bytes | bytearray) -> None:
        start = at - self.segment.offset
        content[start : start + len(value)] = value

    def _known_bytes(self, data: bytes) -> bytes:
        start, end = self.segment.offset, self.segment.end
        content = bytearray(end - start)
        for first, behind in self.known:
            content[first - start : behind - start] = data[first:behind]
        return bytes(content)


def type_name(entry: Entry) -> str:
    """Name an entry's type."""
    return _TYPES.get(entry.type, f"type 0x{entry.type:06X}")


def read_index(data: bytes, segment: Segment) -> Index:
    """Read a segment; what can't be believed is named as its problem."""
    base = segment.offset + 8
    end = min(segment.end, len(data))
    mark = data[base : base + 4]
    order: _Order = "little" if mark[:2] == b"II" else "big"
    named = data.startswith(SIGNATURE, segment.offset + 4)
    if not named or end - base < 14 or mark not in (b"II*\0", b"MM\0*"):
        return _nothing(segment, base, order, "its header is damaged")
    return _Reader(data, segment, base, end, order).read()


def _nothing(segment: Segment, base: int, order: _Order, problem: str) -> Index:
    return Index(segment, base, order, (), problem, 0, 0, 0, 0, 0, ())


class _Reader:
    __slots__ = ("base", "data", "end", "known", "order", "problem", "segment", "tags")

    def __init__(self, data: bytes, segment: Segment, base: int, end: int, order: _Order) -> None:
        self.data, self.segment, self.base, self.end, self.order = data, segment, base, end, order
        self.known = [(segment.offset, base + 8)]
        self.tags: dict[int, tuple[int, int, int]] = {}
        self.problem = ""

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], self.order)

    def read(self) -> Index:
        following = self.directory(self.base + self.number(self.base + 4, 4))
        if following:
            self.directory(self.base + following)  # the MP Attribute IFD
        number_tag = self.tags.get(_NUMBER)
        list_tag = self.tags.get(_LIST)
        if list_tag is None or number_tag is None:
            problem = self.problem or (
                "" if list_tag is number_tag else "half of its list is missing"
            )
            return self.index((), problem, 0)
        number = self.number(number_tag[1], 4)
        _, list_at, length = list_tag
        if not 0 < number <= _MOST_ENTRIES or length != _ENTRY * number:
            return self.index((), "its list of pictures is damaged", 0)
        entries = tuple(self.entry(list_at + _ENTRY * i) for i in range(number))
        if sum(entry.primary for entry in entries) != 1:
            self.problem = self.problem or "it does not say which picture is the first"
        uids = self.tags.get(_UIDS)
        if uids is not None and uids[2] != _UID * number:
            self.problem = self.problem or "its list of identifiers is damaged"
        places = sorted(self.known)
        if any(behind > start for (_, behind), (start, _) in pairwise(places)):
            self.problem = self.problem or "two things in it lie on each other"
        return self.index(entries, self.problem, list_at)

    def index(self, entries: tuple[Entry, ...], problem: str, list_at: int) -> Index:
        uids = self.tags.get(_UIDS, (0, 0, 0))
        number_at = self.tags.get(_NUMBER, (0, 0, 0))[1]
        return Index(
            self.segment, self.base, self.order, entries, problem, number_at,
            self.tags.get(_LIST, (0, 0, 0))[0], list_at, uids[0], uids[1],
            tuple(sorted(self.known)),
        )  # fmt: skip

    def entry(self, at: int) -> Entry:
        attributes, size, relative = (self.number(at + i, 4) for i in (0, 4, 8))
        dependents = (self.number(at + 12, 2), self.number(at + 14, 2))
        return Entry(
            attributes, size, self.base + relative if relative else 0, relative, dependents
        )

    def directory(self, at: int) -> int:
        """Note the tags of an IFD; return the offset of the next."""
        count = self.number(at, 2)
        behind = at + 2 + 12 * count
        if not self.base + 8 <= at or not 0 < count <= _MOST_TAGS or behind > self.end:
            self.problem = self.problem or "a directory in it is damaged"
            return 0
        self.known.append((at, min(behind + 4, self.end)))
        for tag_at in range(at + 2, behind, 12):
            tag, kind, values = (
                self.number(tag_at, 2),
                self.number(tag_at + 2, 2),
                self.number(tag_at + 4, 4),
            )
            length = _SIZES.get(kind, 1) * values
            value_at = tag_at + 8 if length <= 4 else self.base + self.number(tag_at + 8, 4)
            if length > 4 and not (self.base + 8 <= value_at and value_at + length <= self.end):
                self.problem = self.problem or "a value in it lies outside"
                continue
            if tag in self.tags:
                self.problem = self.problem or "a tag is in it twice"
            self.tags.setdefault(tag, (tag_at, value_at, length))
            if length > 4 and (tag in (_LIST, _UIDS) or length <= 32):
                self.known.append((value_at, value_at + length))
        return self.number(behind, 4) if behind + 4 <= self.end else 0
