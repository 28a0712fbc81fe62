"""A picture opened for a rewrite: what redacting and restoring need of any coding process.

The one engine under `redact` and `restore`. How blocks are found and written anew
depends on the process: `spliced` has sequential Huffman pictures, `layered` all others.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias

from ..codec import core
from ..codec.blocks import Ranges
from ..codec.compact import PORTION, pack_rectangles, pack_shape
from ..codec.huffman import HuffmanTable, Tables
from ..codec.intervals import FileEdit, Interval, Outside, Raw, strays
from ..codec.layout import ComponentGrid
from ..codec.markers import DHT
from ..codec.model import JpegData
from ..codec.scan import MissingCategory, ScanIndex
from ..codec.sketch import Sketch
from ..diff import GroupRecord, Patch, Window
from ..errors import InvalidDiffError
from .plan import Cover, Plan

__all__ = [
    "DcLine",
    "Edits",
    "FileEdit",
    "Member",
    "Picture",
    "Piece",
    "Portion",
    "Raw",
    "Residue",
    "Slice",
    "Tables",
    "apply_patches",
    "assemble",
    "chunks",
    "damaged",
    "fill_digest",
    "find_blocks",
    "in_order",
    "locate_members",
    "missing_symbols",
    "table_edits",
]

_SMALL = 4096
"""Blocks of a rectangle whose shape is worth remembering."""


class Member(NamedTuple):
    """The blocks of one component, by group: ``blocks[starts[g]:starts[g + 1]]`` are recorded
    blocks of group ``g``, in raster order.

    Attributes
    ----------
    scan, part
        What numbers the recorded blocks: a scan and the component's number in it; in
        pictures whose scans share their blocks, -1 and the component.
    ranges, unit
        Where recorded blocks lie, as `_grid_cy` wants it.
    """

    scan: int
    part: int
    grid: ComponentGrid
    cover: Cover
    ranges: Ranges
    unit: tuple[int, int, int, int, int]
    blocks: array[int]
    starts: array[int]

    @property
    def component(self) -> int:
        """Index of the component in the frame."""
        return self.grid.component

    def group(self, group: int) -> array[int]:
        """Return the recorded blocks of one group."""
        return self.blocks[self.starts[group] : self.starts[group + 1]]

    def slot(self, row: int, column: int) -> int | None:
        """Return the recorded block at a place in the grid; None if it is not recorded."""
        down, across, mcus_across, units, first = self.unit
        mcu = row // down * mcus_across + column // across
        firsts, ends, starts = self.ranges
        run = bisect_right(firsts, mcu) - 1
        if run < 0 or mcu >= ends[run]:
            return None
        number: int = starts[run] + (mcu - firsts[run]) * units
        return number + first + row % down * across + column % across

    def real(self, group: int) -> array[int]:
        """Return the recorded blocks of one group, without padding blocks."""
        blocks = self.group(group)
        if not blocks:
            return blocks
        row, column, rows, columns = self.cover.boxes[group]
        inside = max(self.grid.columns - column, 0)
        if row + rows <= self.grid.rows and columns <= inside:
            return blocks
        found = array("i")
        whole = len(blocks) == rows * columns
        at = 0
        for y in range(row, min(row + rows, self.grid.rows)):
            start = (y - self.cover.row) * self.cover.columns + column - self.cover.column
            line = self.cover.cells[start : start + columns]
            count = columns if whole else line.count(group + 1)
            here = min(inside, columns) if whole else line[:inside].count(group + 1)
            found += blocks[at : at + here]
            at += count
        return found


def locate_members(
    scan: int, part: int, grid: ComponentGrid, cover: Cover, ranges: Ranges,
    unit: tuple[int, int, int, int, int], groups: int, touched: array[int],
) -> Member:  # fmt: skip
    """Find the recorded blocks of a cover, and mark them in ``touched``."""
    counts = array("q", [0]) * groups
    core.grid.count_cells(cover.cells, counts)
    starts = array("q", [0])
    for count in counts:
        starts.append(starts[-1] + count)
    blocks = array("i", [0]) * starts[-1]
    if core.grid.locate(
        cover.cells, cover.window, unit, ranges, starts[:-1], blocks, touched
    ):
        raise AssertionError("a planned block was not recorded")
    return Member(scan, part, grid, cover, ranges, unit, blocks, starts)


def find_blocks(
    scan: int, part: int, grid: ComponentGrid, covers: Sequence[Cover], ranges: Ranges,
    unit: tuple[int, int, int, int, int], recorded: int,
) -> Member | None:  # fmt: skip
    """Find the recorded blocks of covers, as one group; None if any lacks."""
    found = array("i")
    nothing = array("B", [0]) * recorded
    for cover in covers:
        blocks = array("i", [0]) * cover.cells.count(1)
        if core.grid.locate(
            cover.cells, cover.window, unit, ranges, array("q", [0]), blocks, nothing
        ):
            return None
        found += blocks
    return Member(scan, part, grid, covers[0], ranges, unit, found, array("q", [0, len(found)]))


def in_order(members: Sequence[Member | None]) -> tuple[Member, ...]:
    """Return members in order of the components; none where one lacks."""
    found = [member for member in members if member is not None]
    if len(found) < len(members):
        return ()
    return tuple(sorted(found, key=lambda member: member.component))


class Slice(NamedTuple):
    """Some recorded blocks of a member: those of one group in one portion of its code."""

    member: Member
    number: int
    """Of the first one in the group."""
    blocks: array[int]


Portion: TypeAlias = "list[Slice]"
"""Which blocks are coded together."""

Residue: TypeAlias = "list[tuple[int, int, bytes]]"
"""Coding residue as in `GroupRecord.odd`."""


class Piece(NamedTuple):
    """An unpacked portion, in a form of the picture's own."""

    portion: Portion
    content: Any


class DcLine(NamedTuple):
    """DC values in the order in which a Huffman-coded scan says them, at its precision.

    ``dc`` runs over the recorded blocks of ``coded``, new values where touched; it may
    be changed, and then handed back to `Edits.take_dc`.
    """

    scan: int
    coded: ScanIndex
    touched: array[int]
    dc: array[int]


class Edits(ABC):
    """Collects what is to replace the touched blocks of a picture; at first, themselves."""

    @abstractmethod
    def dc(self, member: Member) -> array[int]:
        """Return the DC values over the member's recorded blocks, to be changed in place."""

    @abstractmethod
    def put(
        self, member: Member, blocks: array[int], coefficients: array[int], drop: bool
    ) -> int:
        """Set blocks to 64 coefficients each, in zigzag order, DC absolute.

        With ``drop``, coefficients that the tables can't say are left out. Returns how
        many blocks could not be said.
        """

    @abstractmethod
    def put_slopes(self, member: Member, across: array[int], down: array[int]) -> None:
        """Give all blocks of a member two AC coefficients, as far as the tables can say.

        They are given by recorded block.
        """

    @abstractmethod
    def make_bare(self) -> Tables:
        """Take all AC coefficients from blocks that got none put; return the tables it takes."""

    @abstractmethod
    def end_blocks(self, lacking: Container[int], tables: Tables) -> int:
        """Let blocks end with their last coefficient where a table can't say EOB and has no room.

        ``lacking`` are the orders of the tables in which something is missing. Returns how
        many blocks changed.
        """

    @abstractmethod
    def put_piece(self, piece: Piece, odd: dict[int, tuple[int, bytes]]) -> None:
        """Set blocks to what `Picture.unpack_portion` made; take their residue out of ``odd``.

        Raises
        ------
        InvalidDiffError, DiffMismatchError
        """

    def put_blocks(
        self, picture: Picture, group: int, blocks: Sequence[bytes],
        residue: Iterable[tuple[int, int, bytes]],
    ) -> None:  # fmt: skip
        """Set a group's blocks to what the compact code says, with their coding residue.

        Raises
        ------
        InvalidDiffError, DiffMismatchError
        """
        portions = picture.portions(group)
        if len(portions) != len(blocks):
            raise damaged("blocks")
        odd = {number: (bits, data) for number, bits, data in residue}
        for portion, data in zip(portions, blocks, strict=True):
            self.put_piece(picture.unpack_portion(portion, data), odd)
        if odd:
            raise damaged("odd")

    @abstractmethod
    def dc_lines(self) -> Iterator[DcLine]:
        """Yield the DC values as the Huffman-coded scans say them."""

    @abstractmethod
    def take_dc(self, line: DcLine) -> None:
        """Take a line's changed values."""


@dataclass(frozen=True)
class Picture(ABC):
    """A parsed file, the plan, and the recorded blocks of every scan that the plan touches."""

    data: bytes
    jpeg: JpegData
    plan: Plan
    members: tuple[Member, ...]
    """In order of the components."""
    sampled: tuple[Member, ...]
    """Those of the sample that was asked for, in the same order; none where it can't be decoded."""

    def portions(self, group: int, real: bool = False) -> list[Portion]:
        """Return which of a group's blocks are coded together: as many as may be.

        With ``real``, without padding blocks (T.81 A.2.4).
        """
        found: list[Portion] = []
        number = room = 0
        for member in self.members:
            blocks = member.real(group) if real else member.group(group)
            at, end = 0, len(blocks)
            while at < end:
                if room == 0:
                    found.append([])
                    room = PORTION
                stop = min(end, at + room)
                found[-1].append(Slice(member, number, blocks[at:stop]))
                number += stop - at
                room -= stop - at
                at = stop
        return found

    def has_padding(self) -> bool:
        """Whether a group has padding blocks."""
        return any(
            row + rows > member.grid.rows or column + columns > member.grid.columns
            for member in self.members
            for row, column, rows, columns in member.cover.boxes.values()
        )

    @abstractmethod
    def pack_portion(self, portion: Portion) -> tuple[bytes, Residue]:
        """Return some blocks in the compact code, and their coding residue.

        Raises
        ------
        InvalidDiffError
            They hold what a diff calls residue and is none.
        """

    def prove_portion(self, portion: Portion) -> tuple[bytes, Residue, bool]:
        """Return the same, and whether it was unpacked again and gave these very blocks."""
        return *self.pack_portion(portion), False

    @abstractmethod
    def unpack_portion(self, portion: Portion, data: bytes) -> Piece:
        """Unpack some blocks from the compact code.

        Raises
        ------
        InvalidDiffError
        """

    @abstractmethod
    def checksum(self, members: Iterable[Member]) -> int:
        """Return a checksum of the coefficients of members' blocks."""

    def pack(self, group: int) -> tuple[bytes, ...]:
        """Return a group's blocks in the compact code."""
        return tuple(self.pack_portion(portion)[0] for portion in self.portions(group))

    def pack_real(self, group: int) -> tuple[bytes, ...]:
        """Return a group's blocks but for padding ones in the compact code: see `fill_digest`."""
        return tuple(self.pack_portion(part)[0] for part in self.portions(group, real=True))

    @abstractmethod
    def dc(self, member: Member) -> array[int]:
        """Return the DC values of the recorded blocks that a member's blocks are among."""

    @abstractmethod
    def touched(self, member: Member) -> array[int]:
        """Return 1 for each of them that the plan touches, 2 where the DC value is not known."""

    @abstractmethod
    def edits(self) -> Edits:
        """Return edits that keep all coefficients."""

    @abstractmethod
    def rewrite(
        self, edits: Edits, tables: Tables, raw: Mapping[int, Raw] | None = None
    ) -> Self:
        """Write the touched intervals anew and return the picture as it then is.

        Its ``data`` is still the old file: see `changes`. ``tables`` are the new
        file's, by their order, where they differ; ``raw`` stretches of progressive AC
        scans, by scan, that are to stand there as they are.

        Raises
        ------
        MissingCategory
            With all that is missing in any scan.
        """

    @abstractmethod
    def coded_changes(self) -> Iterator[FileEdit]:
        """Yield what to replace in the old file's coded data to get what `rewrite` made."""

    @abstractmethod
    def intervals(self) -> Mapping[int, tuple[Interval, ...]]:
        """Return the intervals of each scan (by number) that were looked into."""

    def touched_intervals(self) -> Iterator[Interval]:
        """Yield the intervals that a rewrite writes anew."""
        for intervals in self.intervals().values():
            yield from (interval for interval in intervals if interval.touched)

    def cleaned(self) -> list[int]:
        """Return the touched scans (by number) behind whose last blocks strays are to go.

        Not those that are damaged: what stands there may be the rest of the picture.
        """
        return [
            number
            for number, intervals in self.intervals().items()
            if any(i.touched for i in intervals)
            and all(i.broken is None for i in intervals if i.touched)
        ]

    def strays(self) -> list[tuple[int, int]]:
        """Return what stands behind the `cleaned` scans and is to go: see `strays`."""
        return [
            place
            for number in self.cleaned()
            for place in strays(self.data, self.jpeg, self.jpeg.scans[number])
        ]

    @abstractmethod
    def unclean(self) -> Iterator[Interval]:
        """Yield the touched intervals that end otherwise than this package ends them."""

    @abstractmethod
    def outside(self) -> Iterator[tuple[Interval, Outside]]:
        """Yield the touched intervals in the form that no change inside can alter.

        In the order of the file; the bytes of each are to be taken before the next one.
        """

    def says_itself(self) -> bool:
        """Whether it is known that a rewrite to the very blocks that there are is what the file
        holds: there is but one way to code each, and the intervals end as ours do.
        """
        return False

    @abstractmethod
    def same_intervals(self, other: Self) -> bool:
        """Whether all intervals of ``other``, rewritten from this, are what the file holds."""

    def sketch(self) -> Sketch | None:
        """Return the picture as it is, very small, where that costs next to nothing."""
        return None

    @abstractmethod
    def residue(self, revealed: Self | None, lacking: Iterable[int]) -> dict[int, Raw]:
        """Return the stretches of progressive AC scans that ``revealed`` codes otherwise than the
        file, by scan; and all stretches of scans whose table's order is in ``lacking``.
        """

    def outline(self, group: int) -> GroupRecord:
        """Return the diff's record of a group, without its blocks and what tells a changed file."""
        held = [each for each in self.members if each.starts[group] < each.starts[group + 1]]
        boxes = [each.cover.boxes[group] for each in held]
        sizes = tuple(box[2:] for box in boxes)
        counts = [each.starts[group + 1] - each.starts[group] for each in held]
        if sum(counts) <= _SMALL and counts == [rows * columns for rows, columns in sizes]:
            shape = pack_rectangles(sizes)  # many are of the same size
        else:
            shape = pack_shape(
                [each.cover.cells for each in held],
                [each.cover.columns for each in held],
                [
                    (box[0] - each.cover.row, box[1] - each.cover.column, *box[2:])
                    for each, box in zip(held, boxes, strict=True)
                ],
                group + 1,
            )
        return GroupRecord(
            self.plan.groups[group],
            tuple(Window(each.component, *box) for each, box in zip(held, boxes, strict=True)),
            shape,
            (),
            (),
            tuple(len(table.symbols) for table in self.jpeg.tables),
            b"",
            b"",
            b"",
            (),
        )

    def changes(self, tables: Tables) -> list[FileEdit]:
        """Return what to replace in the old file to get this picture, as `rewrite` made it.

        Strays stay: there are none where there must be none, once a file was redacted.
        """
        changes: list[FileEdit] = table_edits(self.data, self.jpeg, tables)
        changes.extend(self.coded_changes())
        return sorted(changes, key=_place)

    def cleaning_changes(self, tables: Tables) -> list[FileEdit]:
        """Return `changes`, and the removal of strays."""
        gone: list[FileEdit] = [(start, end, b"") for start, end in self.strays()]
        return sorted([*self.changes(tables), *gone], key=_place)


def table_edits(data: bytes, jpeg: JpegData, tables: Tables) -> list[FileEdit]:
    """Return the DHT segments that hold one of ``tables``, written with it."""
    changed = [t.offset for t in jpeg.tables if tables.get(t.order, t) != t]
    if not changed:
        return []
    changes: list[FileEdit] = []
    for segment in jpeg.segments:
        if segment.code == DHT and any(segment.offset < at < segment.end for at in changed):
            inside = [t for t in jpeg.tables if segment.offset < t.offset < segment.end]
            payload = b"".join(tables.get(t.order, t).to_bytes() for t in inside)
            length = (len(payload) + 2).to_bytes(2)
            changes.append((segment.offset + 2, segment.end, length + payload))
    return changes


def _place(change: tuple[int, int, Any]) -> tuple[int, int]:
    return change[:2]


def chunks(data: bytes, changes: Sequence[FileEdit]) -> Iterable[bytes | bytearray | memoryview]:
    """Yield the pieces of ``data`` with the changes made, whatever their order."""
    view = memoryview(data)
    at = 0
    for start, end, new in sorted(changes, key=_place):
        yield view[at:start]
        yield new
        at = end
    yield view[at:]


def assemble(data: bytes, changes: Sequence[FileEdit]) -> bytes:
    """Return ``data`` with the changes made."""
    return b"".join(chunks(data, changes))


def apply_patches(data: bytes, patches: Sequence[Patch]) -> bytes:
    """Replace each patch's stretch by its bytes; ``ValueError`` where one lies outside."""
    if patches and patches[-1][0] + patches[-1][1] > len(data):
        raise ValueError("a patch lies outside the data")
    return assemble(data, [(offset, offset + length, new) for offset, length, new in patches])


def fill_digest(blocks: Iterable[bytes]) -> bytes:
    """Return what tells a group's fill: SHA-256 of its real blocks in the compact code.

    Lossless recoding keeps all blocks but padding ones.
    """
    return hashlib.sha256(b"".join(blocks)).digest()


def missing_symbols(lack: MissingCategory, tables: Tables) -> dict[int, HuffmanTable] | None:
    """Return ``tables`` with the missing symbols appended, or None if they don't fit.

    They never do where the file has no DHT and means the standard tables.
    """
    more = dict(tables)
    for table, sizes in lack.categories.items():
        fits = not table.is_dc or max(sizes) <= 15
        longer = table.appended(sizes) if fits else None
        if longer is None:
            return None
        more[table.order] = longer
    return more


def damaged(what: str) -> InvalidDiffError:
    """Return the error for a group's record that can't be read."""
    return InvalidDiffError(f"a group's {what} can't be read", code="diff.record")
