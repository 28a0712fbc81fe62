"""Pictures coded in sequential Huffman scans: only the bits of touched blocks are replaced."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

from ..background import Beside, Later
from ..codec import core
from ..codec.compact import (
    Codes,
    PackedBlocks,
    ac_length,
    pack_blocks,
    sum_blocks,
    unpack_codes,
)
from ..codec.huffman import HuffmanTable, encode_codes
from ..codec.intervals import FileEdit, Interval, Outside
from ..codec.layout import ScanLayout, scan_layout
from ..codec.model import JpegData
from ..codec.scan import Edit, MissingCategory, ScanIndex
from ..codec.sketch import Drawing, Sketch, draw_intervals, make_sketch
from ..codec.walk import index_scan
from ..errors import DiffMismatchError
from .picture import (
    DcLine,
    Edits,
    Member,
    Picture,
    Piece,
    Portion,
    Raw,
    Residue,
    Tables,
    damaged,
    find_blocks,
    in_order,
    locate_members,
)
from .plan import Cover, Plan
from .sample import Sample
from .say import bare_block

__all__ = ["SplicedPicture", "open_spliced"]

_CHUNK = 1 << 14


@dataclass(frozen=True)
class SplicedPicture(Picture):
    """See `Picture`."""

    indexes: dict[int, ScanIndex]
    """By number of the scan."""
    marked: dict[int, array[int]]
    """By number of the scan: 1 for each recorded block that the plan touches."""
    draw: Drawing | None = None
    """What `sketch` is to show."""
    drawn: Later[array[int] | None] | None = None
    """What it needs of the scan's restart intervals."""

    def pack_portion(self, portion: Portion) -> tuple[bytes, Residue]:
        """See `Picture.pack_portion`."""
        packed = self._packed(portion, prove=False)
        return packed.data, self._odd(portion, packed)

    def prove_portion(self, portion: Portion) -> tuple[bytes, Residue, bool]:
        """See `Picture.prove_portion`."""
        packed = self._packed(portion, prove=True)
        odd = self._odd(portion, packed)
        return packed.data, odd, packed.proven and not odd

    def _packed(self, portion: Portion, prove: bool) -> PackedBlocks:
        parts = [(self.indexes[p.member.scan], p.member.part, p.blocks) for p in portion]
        try:
            return pack_blocks(parts, prove)
        except ValueError as error:  # only what a diff has as it is was never read
            raise damaged("odd") from error

    def _odd(self, portion: Portion, packed: PackedBlocks) -> Residue:
        residue = []
        for number, part in packed.odd:
            index = self.indexes[portion[part].member.scan]
            number += portion[0].number
            block = portion[part].blocks[number - portion[part].number]
            start = index.blocks[0][block] + index.blocks[1][block]
            end = index.blocks[0][block] + index.blocks[2][block]
            residue.append((number, end - start, index.bits(start, end)))
        return residue

    def unpack_portion(self, portion: Portion, data: bytes) -> Piece:
        """See `Picture.unpack_portion`. Blocks become codes of this file's tables at once."""
        codes = unpack_codes(
            data, [(self.indexes[p.member.scan], p.member.part, len(p.blocks)) for p in portion]
        )
        if codes is None:
            raise damaged("blocks")
        return Piece(portion, codes)

    def checksum(self, members: Iterable[Member]) -> int:
        """See `Picture.checksum`."""
        return sum_blocks((self.indexes[m.scan], m.part, m.blocks) for m in members)

    def dc(self, member: Member) -> array[int]:
        """See `Picture.dc`."""
        return self.indexes[member.scan].blocks[3]

    def touched(self, member: Member) -> array[int]:
        """See `Picture.touched`."""
        return self.marked[member.scan]

    def edits(self) -> SplicedEdits:
        """See `Picture.edits`."""
        return SplicedEdits(self)

    def rewrite(
        self, edits: Edits, tables: Tables, raw: Mapping[int, Raw] | None = None
    ) -> SplicedPicture:
        """See `Picture.rewrite`."""
        assert isinstance(edits, SplicedEdits)  # noqa: S101 - `edits` made them
        indexes = {}
        missing: dict[HuffmanTable, list[int]] = {}
        for number, index in self.indexes.items():
            dc = tuple(tables.get(t.order, t) for t in index.dc_tables)
            ac = tuple(tables.get(t.order, t) for t in index.ac_tables)
            try:
                indexes[number] = index.splice(edits.scans[number].edit(), dc, ac)
            except MissingCategory as lack:
                for table, sizes in lack.categories.items():
                    missing[table] = sorted({*missing.get(table, ()), *sizes})
        if missing:
            raise MissingCategory(missing)
        return replace(self, indexes=indexes)

    def coded_changes(self) -> Iterator[FileEdit]:
        """See `Picture.coded_changes`."""
        for number, index in self.indexes.items():
            yield from index.changes(self.marked[number])

    def intervals(self) -> dict[int, tuple[Interval, ...]]:
        """See `Picture.intervals`."""
        return {number: index.intervals for number, index in self.indexes.items()}

    def unclean(self) -> Iterator[Interval]:
        """See `Picture.unclean`."""
        for index in self.indexes.values():
            for interval in index.intervals:
                if interval.touched and not index.ends_clean(interval):
                    yield interval

    def outside(self) -> Iterator[tuple[Interval, Outside]]:
        """See `Picture.outside`."""
        for number, index in self.indexes.items():
            touched = (interval for interval in index.intervals if interval.touched)
            yield from zip(touched, index.outside(self.marked[number]), strict=True)

    def says_itself(self) -> bool:
        """See `Picture.says_itself`."""
        return not any(
            table.ambiguous
            for index in self.indexes.values()
            for table in (*index.dc_tables, *index.ac_tables)
        ) and all(index.is_plain() for index in self.indexes.values())

    def same_intervals(self, other: SplicedPicture) -> bool:
        """See `Picture.same_intervals`."""
        return all(
            index.same_intervals(other.indexes[number]) for number, index in self.indexes.items()
        )

    def with_ac_tables(self, tables: Tables) -> SplicedPicture:
        """Return the picture for edits that are coded with other AC tables, by their order.

        Only for edits that put all blocks: those that stay would keep their codes.
        """
        indexes = {
            number: index._replace(
                ac_tables=tuple(tables.get(t.order, t) for t in index.ac_tables)
            )
            for number, index in self.indexes.items()
        }
        return replace(self, indexes=indexes)

    def ac_table(self, component: int) -> HuffmanTable:
        """Return the table that a component's AC coefficients are coded with."""
        member = next(each for each in self.members if each.component == component)
        index = self.indexes[member.scan]
        return index.ac_tables[index.ac_number(member.part)]

    def sketch(self) -> Sketch | None:
        """See `Picture.sketch`."""
        index = None if self.draw is None else self.indexes.get(self.draw.scan)
        if index is None or self.draw is None:
            return None
        drawn = None if self.drawn is None else self.drawn.result()
        return make_sketch(index, self.jpeg, self.draw, drawn)

    def residue(
        self, revealed: SplicedPicture | None, lacking: Iterable[int]
    ) -> dict[int, Raw]:
        """There are no stretches: see `Picture.residue`."""
        return {}


class SplicedEdits(Edits):
    """See `Edits`."""

    def __init__(self, picture: SplicedPicture) -> None:
        self.picture = picture
        self.scans = {
            number: ScanEdit(index, picture.marked[number])
            for number, index in picture.indexes.items()
        }

    def dc(self, member: Member) -> array[int]:
        """See `Edits.dc`."""
        return self.scans[member.scan].dc

    def put(
        self, member: Member, blocks: array[int], coefficients: array[int], drop: bool
    ) -> int:
        """See `Edits.put`."""
        return self.scans[member.scan].put(member.part, blocks, coefficients, drop)

    def put_slopes(self, member: Member, across: array[int], down: array[int]) -> None:
        """See `Edits.put_slopes`. A table without EOB can say none."""
        self.scans[member.scan].put_slopes(member.part, member.blocks, across, down)

    def make_bare(self) -> dict[int, HuffmanTable]:
        """See `Edits.make_bare`."""
        tables: dict[int, HuffmanTable] = {}
        for member in self.picture.members:
            edit = self.scans[member.scan]
            index = self.picture.indexes[member.scan]
            table = index.ac_tables[index.ac_number(member.part)]
            longer, bits, value = bare_block(table)
            if longer != table:
                tables[table.order] = longer
            bare = member.blocks
            if 0 not in table.codes:  # a method's blocks may or may not have got an end
                bare = array("i", [block for block in bare if edit.ac_bits[block] < 0])
            elif edit.ac_bits[bare[0]] >= 0:  # it gave AC coefficients to all
                continue
            edit.put_ac(bare, bits, value)
        return tables

    def end_blocks(self, lacking: Container[int], tables: Tables) -> int:
        """See `Edits.end_blocks`: `make_bare` did."""
        return 0

    def put_piece(self, piece: Piece, odd: dict[int, tuple[int, bytes]]) -> None:
        """See `Edits.put_piece`."""
        codes: Codes = piece.content
        bases = {}
        first = 0
        for (member, number, blocks), failed in zip(piece.portion, codes.failed, strict=True):
            edit = self.scans[member.scan]
            if member.scan not in bases:
                bases[member.scan] = edit.put_words(codes.words)
            edit.put_codes(blocks, codes, first, bases[member.scan])
            first += len(blocks)
            if odd:
                for k, block in enumerate(blocks, number):
                    if k in odd:
                        failed -= edit.ac_bits[block] < 0
                        if not edit.put_bits(member.part, block, *odd.pop(k)):
                            raise damaged("odd")
            if failed:
                raise DiffMismatchError(
                    "the diff holds coefficients that the file's tables can't code",
                    code="diff.tables",
                )

    def dc_lines(self) -> Iterator[DcLine]:
        """See `Edits.dc_lines`."""
        for number, index in self.picture.indexes.items():
            edit = self.scans[number]
            yield DcLine(number, index, edit.touched, edit.dc)

    def take_dc(self, line: DcLine) -> None:
        """See `Edits.take_dc`: they were changed in place."""


class ScanEdit:
    """Collects what is to replace the touched blocks of one scan."""

    def __init__(self, index: ScanIndex, touched: array[int]) -> None:
        self.index = index
        self.touched = touched
        self.dc = array("i", index.blocks[3])
        self.ac_at = array("q", [0]) * index.recorded
        self.ac_bits = array("i", [-1]) * index.recorded
        self._pieces: list[array[int] | bytes] = []
        self._scratch = array("I")
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
        short = 64 * len(blocks) + 4 - len(self._scratch)
        if short > 0:
            self._scratch.extend(array("I", [0]) * short)
        words = self._scratch
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

    def put_words(self, words: bytes) -> int:
        """Take unpacked AC codes; return their first bit."""
        self._total += 8 * len(words)
        return self._add(words)

    def put_codes(self, blocks: array[int], codes: Codes, first: int, base: int) -> None:
        """Set blocks to unpacked ones; those that could not be said have no new AC bits."""
        core.splice.put_codes(
            blocks, (codes.dc, codes.at, codes.bits), first, base,
            (self.dc, self.ac_at, self.ac_bits),
        )  # fmt: skip

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

    def _add(self, words: array[int] | bytes) -> int:
        at = self._words * 32
        self._pieces.append(words)
        self._words += len(words) // 4 if isinstance(words, bytes) else len(words)
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


def open_spliced(
    data: bytes, jpeg: JpegData, plan: Plan, ring: bool, beside: Beside | None = None,
    draw: Drawing | None = None, sample: Sample | None = None,
) -> SplicedPicture:
    """Find the plan's blocks in a file; with ``ring``, also record the blocks around them.

    And those of a ``sample``.

    Raises
    ------
    InvalidJpegError
        The coded data around them can't be decoded.
    """
    drawn = None
    if draw is not None and jpeg.scans[draw.scan].restarts:
        work = partial(draw_intervals, data, jpeg, draw)
        drawn = Later(work) if beside is None else beside.begin(work)
    indexes = {}
    marked = {}
    members: list[Member] = []
    sampled: list[Member | None] = []
    for number, scan in enumerate(jpeg.scans):
        if not plan.touched(scan):
            continue
        layout = scan_layout(jpeg, scan)
        covers = [plan.covers[grid.component] for grid in layout.grids]
        marks = _marks(layout, covers, ring)
        wanted = None if draw is None else draw.of(number)
        needed = bytes(marks)
        if sample is not None:
            sample.mark(layout, marks)
        asked = bytes(marks)
        index = index_scan(data, jpeg, scan, marks, beside, wanted)
        if asked not in (marks, needed):  # it is damaged there: perhaps more is had without
            marks, sample = bytearray(needed), None
            sampled.append(None)
            index = index_scan(data, jpeg, scan, marks, beside, wanted)
        indexes[number] = index
        marked[number] = array("B", [0]) * index.recorded
        for part, (grid, cover) in enumerate(zip(layout.grids, covers, strict=True)):
            unit = (grid.down, grid.across, layout.mcus_across, layout.units, grid.first)
            if cover is not None:
                members.append(
                    locate_members(
                        number, part, grid, cover, index.ranges, unit, len(plan.groups),
                        marked[number],
                    )
                )  # fmt: skip
            if sample is not None and sample.covers[grid.component]:
                sampled.append(
                    find_blocks(
                        number, part, grid, sample.covers[grid.component], index.ranges, unit,
                        index.recorded,
                    )
                )  # fmt: skip
    return SplicedPicture(
        data, jpeg, plan, in_order(members), in_order(sampled), indexes, marked, draw,
        drawn,
    )


def _marks(layout: ScanLayout, covers: list[Cover | None], ring: bool) -> bytearray:
    marks = bytearray(layout.mcus)
    for grid, cover in zip(layout.grids, covers, strict=True):
        if cover is not None:
            unit = (grid.down, grid.across, layout.mcus_across, grid.rows, grid.columns)
            core.grid.mark_mcus(cover.cells, cover.window, unit, layout.interval, ring, marks)
    return marks
