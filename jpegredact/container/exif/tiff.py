"""TIFF directories (TIFF 6.0, section 2), as Exif and MakerNotes hold them.

Knows headers, directories and entries; knows no tags. Nothing that it reads is trusted: every
number is checked against the bytes that are there, and work is bounded by a `Budget`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Literal, NamedTuple

__all__ = [
    "MOST_OVERLAP",
    "TYPE_SIZES",
    "Budget",
    "ByteOrder",
    "Entry",
    "Ifd",
    "Span",
    "byte_order",
    "gaps",
    "merged",
    "numbers",
    "overlaps",
    "read_chain",
    "read_ifd",
]

ByteOrder = Literal["little", "big"]
Span = tuple[int, int]
"""``(start, end)`` in the file."""

TYPE_SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8, 129: 1,
}  # fmt: skip
"""Bytes a value of each field type takes: TIFF 6.0; 13 is an IFD (TIFF technical note 1), 16 to
18 come from BigTIFF, 129 is Exif 3.0's UTF-8."""

MOST_OVERLAP = 4
"""How many times over values may use the bytes that are there; real ones don't overlap."""

_MOST_ENTRIES = 1000
"""In one directory; the fullest in real files has about 300."""

_ENTRY = {"little": Struct("<HHII"), "big": Struct(">HHII")}


class Entry(NamedTuple):
    """A directory entry.

    Attributes
    ----------
    tag, kind, number
        As it states them: ``kind`` is the field type, ``number`` how many values it has.
    at
        Where its 12 bytes are in the file.
    start, length
        Where its value is, in the file, and how long it says that is; in the entry itself
        where it fits in 4 bytes.
    inside
        Whether all of the value lies within the bytes that were read.
    """

    tag: int
    kind: int
    number: int
    at: int
    start: int
    length: int
    inside: bool

    @property
    def end(self) -> int:
        """Where its value ends."""
        return self.start + self.length

    @property
    def inline(self) -> bool:
        """Whether the value is in the entry itself."""
        return self.start == self.at + 8

    @property
    def valid(self) -> bool:
        """Whether the field type exists."""
        return self.kind in TYPE_SIZES


class Ifd(NamedTuple):
    """A directory: its place, its entries and the next one in its chain.

    ``next_at`` is the file offset of the next one, 0 for none; ``end`` is behind the link to it
    (behind the last entry where there is no room for a link). ``damaged`` says in words what is
    wrong, "" for nothing.
    """

    at: int
    end: int
    entries: tuple[Entry, ...]
    next_at: int
    damaged: str

    @property
    def core(self) -> Span:
        """Its bytes without the link, which MakerNotes may not have."""
        return self.at, self.at + 2 + 12 * len(self.entries)

    def find(self, tag: int) -> Entry | None:
        """Return the first entry with this tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


class Budget:
    """How much more may be read: hostile directories name each other without end."""

    __slots__ = ("entries", "ifds", "seen")

    def __init__(self, ifds: int = 100, entries: int = 3000) -> None:
        self.ifds = ifds
        self.entries = entries
        self.seen: set[int] = set()

    def spend(self, at: int, entries: int) -> bool:
        """Count a directory; False where it was read before or too much was read."""
        if at in self.seen or not self.ifds or entries > self.entries:
            return False
        self.seen.add(at)
        self.ifds -= 1
        self.entries -= entries
        return True


def byte_order(mark: bytes) -> ByteOrder | None:
    """Return the byte order that "II" or "MM" names."""
    if mark == b"II":
        return "little"
    return "big" if mark == b"MM" else None


def read_ifd(
    data: bytes, within: Span, at: int, base: int, order: ByteOrder, *, link: bool = True
) -> Ifd | None:
    """Read the directory at ``at``, or None where there can't be one.

    Parameters
    ----------
    data, within
        The file, and the part of it that the directory and its values may use.
    at, base
        File offsets: of the directory, and of what its offsets count from.
    link
        Whether the offset of a next directory stands behind the entries.
    """
    start, end = within
    if not start <= at <= end - 2:
        return None
    count = int.from_bytes(data[at : at + 2], order)
    damaged = ""
    fit = (end - at - 2) // 12
    if count > min(fit, _MOST_ENTRIES):
        damaged = f"states {count} entries where {fit} fit"
        count = min(fit, _MOST_ENTRIES)
    if not count:
        return None
    behind = at + 2 + 12 * count
    entries = []
    places = range(at + 2, behind, 12)
    fields = _ENTRY[order].iter_unpack(data[at + 2 : behind])
    for place, (tag, kind, amount, value) in zip(places, fields, strict=True):
        length = TYPE_SIZES.get(kind, 1) * amount
        where = place + 8 if length <= 4 else base + value
        entries.append(
            Entry(tag, kind, amount, place, where, length, start <= where <= end - length)
        )
    if sum(entry.valid for entry in entries) * 2 < len(entries):
        return None
    following = 0
    if link and behind + 4 <= end:
        following = int.from_bytes(data[behind : behind + 4], order)
        behind += 4
    return Ifd(at, behind, tuple(entries), base + following if following else 0, damaged)


def read_chain(
    data: bytes, within: Span, at: int, base: int, order: ByteOrder, budget: Budget
) -> Iterator[Ifd]:
    """Read a directory and those that it links to, each once, while the budget lasts."""
    while at:
        ifd = read_ifd(data, within, at, base, order)
        if ifd is None or not budget.spend(at, len(ifd.entries)):
            return
        yield ifd
        at = ifd.next_at


def numbers(data: bytes, entry: Entry, order: ByteOrder, most: int = 4096) -> tuple[int, ...]:
    """Return an entry's unsigned integers (BYTE, SHORT, LONG, IFD or UNDEFINED bytes)."""
    if not entry.inside or entry.kind not in (1, 3, 4, 7, 13):
        return ()
    size = TYPE_SIZES[entry.kind]
    end = min(entry.end, entry.start + most * size)
    return tuple(
        int.from_bytes(data[at : at + size], order) for at in range(entry.start, end, size)
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same bytes as sorted spans that neither overlap nor touch."""
    out: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if out and start <= out[-1][1]:
            if end > out[-1][1]:
                out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def gaps(within: Span, spans: Iterable[Span]) -> list[Span]:
    """Return what of a span none of the others covers."""
    out = []
    at, end = within
    for first, last in merged(spans):
        if first >= end:
            break
        if first > at:
            out.append((at, first))
        at = max(at, last)
    if at < end:
        out.append((at, end))
    return out


def overlaps(spans: Iterable[Span], others: Iterable[Span]) -> bool:
    """Whether one of these spans shares a byte with one of the others."""
    left, right = merged(spans), merged(others)
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i][0] < right[j][1] and right[j][0] < left[i][1]:
            return True
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return False
