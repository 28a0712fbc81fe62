"""A picture opened for a rewrite: plan and scan indexes brought together.

The one engine under `redact` and `restore`: it finds the planned blocks, packs
them, makes edits of packed ones, and writes the file anew.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..codec import core
from ..codec.compact import ac_length, pack_blocks, pack_shape, unpack_blocks
from ..codec.huffman import HuffmanTable, encode_codes
from ..codec.layout import ComponentGrid
from ..codec.markers import DHT
from ..codec.model import JpegData, Segment
from ..codec.scan import Edit, MissingCategory, ScanIndex, index_scan
from ..diff import GroupRecord, Patch, Window
from ..errors import DiffMismatchError, InvalidDiffError
from .plan import Cover, Plan, ScanPlan

__all__ = [
    "EditBuilder",
    "FileEdit",
    "Member",
    "Picture",
    "Tables",
    "apply_patches",
    "assemble",
    "missing_symbols",
    "open_picture",
]

Tables = Mapping[int, HuffmanTable]
"""Tables that differ from the file's own, by their order in the file."""

_CHUNK = 1 << 14

FileEdit = tuple[int, int, bytes | bytearray | memoryview]
"""Replace ``data[start:end]`` with these bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """The blocks of one component, by group: ``blocks[starts[g]:starts[g + 1]]`` are recorded
    blocks of group ``g``, in raster order.
    """

    scan: int
    part: int
    grid: ComponentGrid
    cover: Cover
    blocks: array[int]
    starts: array[int]

    @property
    def component(self) -> int:
        """Index of the component in the frame."""
        return self.grid.component

    def group(self, group: int) -> array[int]:
        """Return the recorded blocks of one group."""
        return self.blocks[self.starts[group] : self.starts[group + 1]]


@dataclass(frozen=True)
class Picture:
    """A parsed file, the plan, and the index of every scan that the plan touches."""

    data: bytes
    jpeg: JpegData
    plan: Plan
    indexes: dict[int, ScanIndex]
    """By number of the scan."""
    touched: dict[int, array[int]]
    """By number of the scan: 1 for each recorded block that the plan touches."""
    members: tuple[Member, ...]
    """In order of the components."""

    def pack(self, group: int) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        """Return a group's blocks in the compact code, and its coding residue."""
        parts = []
        for member in self.members:
            blocks = member.group(group)
            if blocks:
                parts.append((self.indexes[member.scan], member.part, blocks))
        packed, odd = pack_blocks(parts)
        residue = []
        for number, part, block in odd:
            index = parts[part][0]
            start = index.blocks[0][block] + index.blocks[1][block]
            end = index.blocks[0][block] + index.blocks[2][block]
            residue.append((number, end - start, index.bits(start, end)))
        return packed, residue

    def record(self, group: int) -> GroupRecord:
        """Return the diff's record of a group as it stands in this file, with its tables."""
        cells, widths, places, windows = [], [], [], []
        for member in self.members:
            if member.starts[group] == member.starts[group + 1]:
                continue
            row, column, rows, columns = member.cover.boxes[group]
            cells.append(member.cover.cells)
            widths.append(member.cover.columns)
            places.append((row - member.cover.row, column - member.cover.column, rows, columns))
            windows.append(Window(member.component, row, column, rows, columns))
        blocks, odd = self.pack(group)
        return GroupRecord(
            self.plan.groups[group],
            tuple(windows),
            pack_shape(cells, widths, places, group + 1),
            blocks,
            tuple(odd),
            tuple(len(table.symbols) for table in self.jpeg.tables),
        )

    def unchanged(self) -> dict[int, EditBuilder]:
        """Return for each scan an edit that keeps all coefficients."""
        return {
            number: EditBuilder(index, self.touched[number])
            for number, index in self.indexes.items()
        }

    def put(self, edits: Mapping[int, EditBuilder], group: int, record: GroupRecord) -> None:
        """Make the edits say that a group's blocks are what a record holds."""
        parts = [m for m in self.members if m.starts[group] < m.starts[group + 1]]
        counts = [(m.component, m.starts[group + 1] - m.starts[group]) for m in parts]
        odd = {number: (bits, data) for number, bits, data in record.odd}
        bases = [sum(count for _, count in counts[:k]) for k in range(len(counts))]
        for piece in unpack_blocks(record.blocks, counts):
            if piece is None:
                raise _damaged("blocks")
            number, start, coefficients = piece
            member = parts[number]
            blocks = member.group(group)[start : start + len(coefficients) // 64]
            edit = edits[member.scan]
            failed = edit.put(member.part, blocks, coefficients, drop=False)
            if odd or failed:
                base = bases[number] + start
                for k, block in enumerate(blocks):
                    unsaid = edit.ac_bits[block] < 0
                    if base + k in odd:
                        if not edit.put_bits(member.part, block, *odd.pop(base + k)):
                            raise _damaged("odd")
                        failed -= unsaid
            if failed:
                raise DiffMismatchError(
                    "the diff holds coefficients that the file's tables can't code",
                    code="diff.tables",
                )
        if odd:
            raise _damaged("odd")

    def rewrite(self, edits: Mapping[int, EditBuilder], tables: Tables) -> Picture:
        """Write the touched intervals anew and return the picture as it then is.

        Its ``data`` is still the old file: see `changes`. ``tables`` are the
        new file's, by their order, where they differ.

        Raises
        ------
        MissingCategory
            With all that is missing in any scan.
        """
        indexes = {}
        missing: dict[HuffmanTable, list[int]] = {}
        for number, index in self.indexes.items():
            dc = tuple(tables.get(t.order, t) for t in index.dc_tables)
            ac = tuple(tables.get(t.order, t) for t in index.ac_tables)
            try:
                indexes[number] = index.splice(edits[number].edit(), dc, ac)
            except MissingCategory as lack:
                for table, sizes in lack.categories.items():
                    missing[table] = sorted({*missing.get(table, ()), *sizes})
        if missing:
            raise MissingCategory(missing)
        return replace(self, indexes=indexes)

    def changes(self, tables: Tables) -> list[FileEdit]:
        """Return what to replace in the old file to get this picture, as `rewrite` made it."""
        changes: list[FileEdit] = table_edits(self.data, self.jpeg, tables)
        for number, index in self.indexes.items():
            changes.extend(
                (
                    interval.raw_start,
                    interval.raw_end,
                    index.interval_bytes(interval, self.touched[number]),
                )
                for interval in index.intervals
            )
        return sorted(changes)

    def outside_digest(self, tables: Tables, leave_out: Segment | None = None) -> bytes:
        """Return SHA-256 of the file without what the regions touch, in canonical form.

        ``tables`` stand in for the file's own; the bytes of ``leave_out`` do not count.
        """
        changes: list[FileEdit] = table_edits(self.data, self.jpeg, tables)
        if leave_out is not None:
            changes.append((leave_out.offset, leave_out.end, b""))
        for number, index in self.indexes.items():
            touched = [interval for interval in index.intervals if interval.touched]
            for interval, (bits, piece) in zip(
                touched, index.outside(self.touched[number]), strict=True
            ):
                changes.append((interval.raw_start, interval.raw_start, bits.to_bytes(8)))
                changes.append((interval.raw_start, interval.raw_end, piece))
        digest = hashlib.sha256()
        for chunk in chunks(self.data, sorted(changes, key=lambda change: change[:2])):
            digest.update(chunk)
        return digest.digest()


class EditBuilder:
    """Collects what is to replace the touched blocks of one scan."""

    def __init__(self, index: ScanIndex, touched: array[int]) -> None:
        self.index = index
        self.touched = touched
        self.dc = array("i", index.blocks[3])
        self.ac_at = array("q", bytes(8 * index.count))
        self.ac_bits = array("i", [-1]) * index.count
        self._pieces: list[array[int]] = []
        self._words = 0
        self._total = 0

    @cached_property
    def _codes(self) -> array[int]:
        return encode_codes(self.index.ac_tables, 256)

    def put(self, part: int, blocks: array[int], coefficients: array[int], drop: bool) -> int:
        """Set blocks to 64 coefficients each, in zigzag order, DC absolute.

        With ``drop``, coefficients that the table can't say are left out. Returns
        how many blocks could not be said (with ``drop``: could not end); they have
        no new AC bits.
        """
        table = self.index.ac_number(part)
        words = array("I", bytes(4 * (64 * len(blocks) + 4)))
        writer = core.splice.BitWriter(words)
        patch = (self.ac_at, self.ac_bits)
        failed: int = core.splice.encode_ac(
            coefficients, len(blocks), self._codes, table, drop, writer, blocks,
            32 * self._words, patch,
        )  # fmt: skip
        writer.finish(False)
        self._total += writer.bit()
        self._add(words[: writer.bit() // 32])
        core.grid.scatter(array("i", coefficients[::64]), blocks, self.dc)
        return failed

    def put_slopes(
        self, part: int, blocks: array[int], across: array[int], down: array[int]
    ) -> None:
        """Set blocks to two AC coefficients, given by recorded block, as far as the table can say.

        A table without EOB can say none.
        """
        table = self.index.ac_number(part)
        if self._codes[256 * table] == 0:
            return
        for start in range(0, len(blocks), _CHUNK):
            some = blocks[start : start + _CHUNK]
            words = array("I", [0]) * (3 * len(some) + 4)  # at most 26 + 26 + 16 bits a block
            writer = core.splice.BitWriter(words)
            core.splice.encode_slopes(
                across, down, self._codes, table, writer, some, 32 * self._words,
                (self.ac_at, self.ac_bits),
            )  # fmt: skip
            writer.finish(False)
            self._total += writer.bit()
            self._add(words[: writer.bit() // 32])

    def put_ac(self, blocks: array[int], bits: int, value: int) -> None:
        """Give all these blocks the same AC bits: the ``bits`` low ones of ``value``."""
        at = self._add(_words(value, bits))
        core.grid.assign(at, blocks, self.ac_at)
        core.grid.scatter(array("i", [bits]) * len(blocks), blocks, self.ac_bits)
        self._total += bits * len(blocks)

    def put_bits(self, part: int, block: int, bits: int, data: bytes) -> bool:
        """Give a block AC bits as they stood in the original; False if they are no block's."""
        words = _words(int.from_bytes(data) >> (8 * len(data) - bits), bits)
        if ac_length(words + array("I", bytes(256)), self.index, part) != bits:
            return False
        self.ac_at[block] = self._add(words)
        self.ac_bits[block] = bits
        self._total += bits
        return True

    def _add(self, words: array[int]) -> int:
        at = self._words * 32
        self._pieces.append(words)
        self._words += len(words)
        return at

    def edit(self) -> Edit:
        """Return all of it."""
        patch = array("I", bytes(4))
        if self._pieces:
            patch = array("I", b"".join(self._pieces))
            self._pieces = [patch]
        return Edit(self.touched, self.dc, patch, self.ac_at, self.ac_bits, self._total)


def _words(value: int, bits: int) -> array[int]:
    count = (bits + 31) // 32
    value <<= 32 * count - bits
    return array("I", [value >> 32 * k & 0xFFFFFFFF for k in range(count - 1, -1, -1)])


def open_picture(data: bytes, jpeg: JpegData, plan: Plan, ring: bool) -> Picture:
    """Find the plan's blocks in a file; with ``ring``, also record the blocks around them.

    Raises
    ------
    InvalidJpegError
        The coded data around them can't be decoded.
    """
    indexes = {}
    touched = {}
    members: list[Member] = []
    for number, part in enumerate(plan.scans):
        if not part.touched:
            continue
        index = index_scan(data, jpeg, part.scan, _marks(part, ring))
        indexes[number] = index
        touched[number] = array("B", bytes(index.count))
        members.extend(_members(number, part, index, touched[number], len(plan.groups)))
    members.sort(key=lambda member: member.component)
    return Picture(data, jpeg, plan, indexes, touched, tuple(members))


def _marks(part: ScanPlan, ring: bool) -> bytearray:
    marks = bytearray(part.layout.mcus)
    for grid, cover in zip(part.layout.grids, part.covers, strict=True):
        if cover is not None:
            unit = (grid.down, grid.across, part.layout.mcus_across, grid.rows, grid.columns)
            core.grid.mark_mcus(
                cover.cells, cover.window, unit, part.layout.interval, ring, marks
            )
    return marks


def _members(
    number: int, part: ScanPlan, index: ScanIndex, touched: array[int], groups: int
) -> Iterable[Member]:
    for k, (grid, cover) in enumerate(zip(part.layout.grids, part.covers, strict=True)):
        if cover is None:
            continue
        counts = array("q", bytes(8 * groups))
        core.grid.count_cells(cover.cells, counts)
        starts = array("q", [0])
        for count in counts:
            starts.append(starts[-1] + count)
        blocks = array("i", bytes(4 * starts[-1]))
        unit = (
            grid.down, grid.across, part.layout.mcus_across, part.layout.units, grid.first,
        )  # fmt: skip
        if core.grid.locate(
            cover.cells, cover.window, unit, index.ranges, starts[:-1], blocks, touched
        ):
            raise AssertionError("a planned block was not recorded")
        yield Member(number, k, grid, cover, blocks, starts)


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


def chunks(data: bytes, changes: Sequence[FileEdit]) -> Iterable[bytes | bytearray | memoryview]:
    """Yield the pieces of ``data`` with the changes made."""
    view = memoryview(data)
    at = 0
    for start, end, new in changes:
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


def missing_symbols(lack: MissingCategory, tables: Tables) -> dict[int, HuffmanTable] | None:
    """Return ``tables`` with the missing categories appended, or None if they don't fit.

    They never do where the file has no DHT and means the standard tables.
    """
    more = dict(tables)
    for table, sizes in lack.categories.items():
        longer = table.appended(sizes) if max(sizes) <= 15 else None
        if longer is None:
            return None
        more[table.order] = longer
    return more


def _damaged(what: str) -> InvalidDiffError:
    return InvalidDiffError(f"a group's {what} can't be read", code="diff.record")
