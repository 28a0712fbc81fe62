"""Scans of progressive Huffman pictures (ITU-T T.81 G.1.2): read, and written anew in place.

Three kinds: the first scan of DC values is a splice like that of sequential
pictures; a DC refinement has one bit a block; of an AC scan only *stretches* are
coded anew. Knows bits, blocks and restart intervals; knows no regions, diffs, files.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..errors import InvalidJpegError
from . import core
from .blocks import BlockStore
from .huffman import HuffmanTable, Tables, encode_codes
from .intervals import (
    PAD_WORDS,
    CodedScan,
    FileEdit,
    Interval,
    Outside,
    Raw,
    cut_bits,
    last_one,
    load_intervals,
    restart_fault,
    tail,
    torn,
)
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan
from .scan import Edit, MissingCategory, ScanIndex
from .walk import index_scan

__all__ = [
    "AcBand",
    "BrokenInterval",
    "DcFirst",
    "DcRefinement",
    "Targets",
    "find_mcus",
]

_UNKNOWN = -9
_FAULTS = {
    _UNKNOWN: ("it refines blocks that an earlier scan does not show", "jpeg.truncated"),
    core.bandread.BAD_DATA: ("the coded data ends before the last block", "jpeg.truncated"),
    core.bandread.BAD_CODE: ("bits that are no Huffman code", "jpeg.bad-code"),
    core.bandread.BAD_RUN: ("a run of coefficients leaves its band", "jpeg.bad-run"),
    core.bandread.BAD_VALUE: ("a coefficient leaves 16 bits", "jpeg.bad-value"),
}


class BrokenInterval(Exception):  # noqa: N818 - it is caught and answered, no failure
    """A restart interval can't be decoded to its end; ``stop`` is what `tail` says of it."""

    def __init__(self, interval: int, stop: tuple[int, bool]) -> None:
        super().__init__("an interval can't be decoded to its end")
        self.interval = interval
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Targets:
    """What touched blocks are to become, and how far that is written: one pass over all scans.

    ``coefficients`` has 64 a slot; ``state`` is what a reader has of them after the
    scans written so far. ``history`` and ``scratch``, for arithmetic coding, are what
    the old scans said so far.
    """

    coefficients: array[int]
    state: array[int]
    history: array[int]
    scratch: array[int]

    @classmethod
    def of(cls, store: BlockStore, coefficients: array[int], arithmetic: bool) -> Targets:
        """Begin: of the touched blocks, nothing has been written."""
        state = array("h", store.coefficients)
        core.dcscan.clear(store.touched, state)
        return cls(
            coefficients,
            state,
            array("Q", [0]) * (len(store.slots) if arithmetic else 0),
            array("h", [0]) * (64 * store.recorded if arithmetic else 0),
        )


def find_mcus(
    store: BlockStore, jpeg: JpegData, scan: Scan
) -> tuple[list[array[int]], array[int]]:
    """Return for each component of a scan the data units of its slots, and for each interval its
    last touched MCU (-1: blocks are only recorded there, -2: none).

    Raises
    ------
    InvalidJpegError
        There is no interval with a touched block.
    """
    layout = scan_layout(jpeg, scan)
    last = array("q", [-2]) * _count(scan, layout)
    found = []
    for grid in layout.grids:
        units = array("q", [0]) * len(store.of(grid.component, store.touched))
        unit = (
            grid.down, grid.across, layout.mcus_across, layout.mcus_down, layout.units,
            grid.first, store.grid(grid.component).padded_columns, layout.interval,
        )  # fmt: skip
        if core.dcscan.find_mcus(
            store.of(grid.component, store.rasters), unit,
            store.of(grid.component, store.touched), last, units,
        ):  # fmt: skip
            raise restart_fault(scan, len(last))
        found.append(units)
    return found, last


def _count(scan: Scan, layout: ScanLayout) -> int:
    """Return how many restart intervals there are, of those that there should be."""
    return min(layout.intervals, len(scan.restarts) + 1)


@dataclass(frozen=True)
class DcFirst:
    """The first scan of some components' DC values."""

    index: ScanIndex
    maps: tuple[array[int], ...]
    """By component of the scan: the slots of the recorded blocks, -1 for other components."""
    touched: array[int]
    """Over the scan's recorded blocks."""

    @classmethod
    def read(
        cls, data: bytes, jpeg: JpegData, scan: Scan, store: BlockStore, marks: bytearray,
        draw: array[int] | None,
    ) -> DcFirst:  # fmt: skip
        """Read it; ``marks``, ``draw`` as in `index_scan`. Sets the DC of all recorded blocks."""
        index = index_scan(data, jpeg, scan, marks, draw=draw)
        layout = index.layout
        maps = []
        touched = array("B", [0]) * index.recorded
        wanted = array("B", b"\1") * store.recorded
        for grid in layout.grids:
            slots = array("i", [-1]) * index.recorded
            if store.has(grid.component):
                core.dcscan.map_slots(
                    index.ranges,
                    (grid.down, grid.across, layout.mcus_across, layout.units, grid.first),
                    store.slots_of(grid.component),
                    store.grid(grid.component).padded_columns, slots,
                )  # fmt: skip
                _check(
                    core.dcscan.take_dc(
                        slots, index.blocks[3], scan.approximation[1], wanted, store.coefficients
                    ),
                    scan,
                )
                core.dcscan.mark(slots, store.touched, touched)
            maps.append(slots)
        return cls(index, tuple(maps), touched)

    @property
    def scan(self) -> Scan:
        """The scan."""
        return self.index.scan

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """Its intervals that were looked into."""
        return self.index.intervals

    def wishes(self, store: BlockStore, coefficients: array[int]) -> array[int]:
        """Return the DC values to write, at this scan's precision."""
        dc = array("i", self.index.blocks[3])
        for slots in self.maps:
            core.dcscan.give_dc(
                slots, store.touched, self.scan.approximation[1], coefficients, dc
            )
        return dc

    def rewrite(
        self, store: BlockStore, targets: Targets, tables: Tables, raw: Raw
    ) -> DcFirst:
        """Write the touched intervals anew.

        Raises
        ------
        MissingCategory
        """
        count = self.index.recorded
        dc = self.wishes(store, targets.coefficients)
        edit = Edit(
            self.touched, dc, array("I", bytes(4)), array("q", [0]) * count,
            array("i", [0]) * count, 0,
        )  # fmt: skip
        index = self.index.splice(
            edit,
            tuple(tables.get(t.order, t) for t in self.index.dc_tables),
            self.index.ac_tables,
        )
        for slots in self.maps:
            core.dcscan.take_dc(
                slots, dc, self.scan.approximation[1], store.touched, targets.state
            )
        return replace(self, index=index)

    def changes(self) -> Iterator[FileEdit]:
        """See `CodedScan.changes`."""
        return self.index.changes(self.touched)

    def same_intervals(self, other: DcFirst) -> bool:
        """See `CodedScan.same_intervals`."""
        return self.index.same_intervals(other.index)

    def ends_clean(self, interval: Interval) -> bool:
        """See `CodedScan.ends_clean`."""
        return self.index.ends_clean(interval)

    def outside(self, store: BlockStore) -> Iterable[Outside]:
        """See `ScanIndex.outside`."""
        return self.index.outside(self.touched)


@dataclass(frozen=True)
class DcRefinement(CodedScan):
    """A scan with one more bit of each DC value (T.81 G.1.2.1.1)."""

    positions: tuple[array[int], ...]
    """By component of the scan, for each of its slots: where its bit stands, or -1."""

    @classmethod
    def read(
        cls,
        data: bytes,
        jpeg: JpegData,
        scan: Scan,
        store: BlockStore,
        units: Sequence[array[int]],
        walked: Mapping[int, int],
    ) -> DcRefinement:
        """Read the intervals ``walked`` (each with its last touched MCU, or less than 0).

        ``units`` as of `find_mcus`. Adds a bit to the DC of all recorded blocks there.
        """
        layout = scan_layout(jpeg, scan)
        words, loaded = load_intervals(data, layout, scan, walked)
        starts = array("q", [-1]) * _count(scan, layout)
        ends = array("q", starts)
        intervals = []
        for k, raw in loaded.items():
            starts[k] = raw.at * 32
            mcus = min(layout.interval, layout.mcus - k * layout.interval)
            end = starts[k] + mcus * layout.units
            there = starts[k] + 8 * raw.data_bytes
            last, ends[k] = walked[k], there
            if last >= 0 and there < starts[k] + (last % layout.interval + 1) * layout.units:
                raise _fault(core.bandread.BAD_DATA, raw.raw_end)
            intervals.append(
                Interval(
                    raw.raw_start, raw.raw_end, starts[k], min(end, there), 0, 0, last >= 0,
                    raw.data_bytes, raw.has_fill, None if end <= there else raw.raw_end,
                    ones=end <= there,
                )
            )  # fmt: skip
        positions = []
        for grid, found in zip(layout.grids, units, strict=True):
            at = array("q", found)
            core.dcscan.bit_positions(
                found, layout.interval * layout.units, starts, ends, at
            )
            first, end = store.bounds[grid.component : grid.component + 2]
            core.dcscan.take_bits(
                words, at, scan.approximation[1],
                memoryview(store.coefficients)[64 * first : 64 * end],
            )  # fmt: skip
            positions.append(at)
        return cls(data, scan, layout, words, tuple(intervals), tuple(positions))

    def rewrite(
        self, store: BlockStore, targets: Targets, tables: Tables, raw: Raw
    ) -> DcRefinement:
        """Write the touched intervals anew."""
        words = array("I", self.words)
        for grid, at in zip(self.layout.grids, self.positions, strict=True):
            first, end = store.bounds[grid.component : grid.component + 2]
            core.dcscan.put_bits(
                words, at, store.of(grid.component, store.touched), self.scan.approximation[1],
                memoryview(targets.coefficients)[64 * first : 64 * end],
                memoryview(targets.state)[64 * first : 64 * end],
            )  # fmt: skip
        intervals = []
        for interval in self.intervals:
            if not interval.touched:
                continue
            count = (interval.end_bit - interval.first_bit + 7) >> 3
            if interval.end_bit & 31 and interval.ones:
                last = interval.end_bit >> 5
                words[last] |= 0xFFFFFFFF >> (interval.end_bit & 31)
            intervals.append(interval._replace(data_bytes=count))
        return replace(self, words=words, intervals=tuple(intervals))

    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval as the file will hold it."""
        kept = 0
        if interval.has_fill:
            kept = self._sorted[bisect_left(self._sorted, interval.first_bit)]
        return self.stuffed(interval, max(kept - interval.first_bit, 0))

    @cached_property
    def _sorted(self) -> array[int]:
        return array("q", sorted(at for positions in self.positions for at in positions))

    def outside(self, store: BlockStore) -> list[Outside]:
        """Return the touched intervals with zeros for the touched blocks."""
        blank = array("h", [0]) * (64 * store.recorded)
        new = self.rewrite(store, Targets.of(store, blank, False), {}, {})
        return [
            (i.end_bit - i.first_bit, [cut_bits(new.words, i.first_bit, i.end_bit)])
            for i in new.intervals
        ]


@dataclass(frozen=True)
class AcBand(CodedScan):
    """A first or refining scan of a component's AC coefficients (T.81 G.1.2.2, G.1.2.3)."""

    table: HuffmanTable
    stretches: tuple[array[int], array[int], array[int], array[int], array[int], array[int]]
    """First block, end block, first bit, end bit, first entry, and whether the end of the block
    before belongs to it. An interval's ``first_block`` and ``end_block`` count stretches."""
    entries: tuple[array[int], array[int]]
    """For untouched blocks in the stretches of a refinement: where their correction bits stand in
    ``source``, and how many they are."""
    source: array[int]

    @classmethod
    def read(
        cls,
        data: bytes,
        jpeg: JpegData,
        scan: Scan,
        store: BlockStore,
        history: memoryview | None,
        walked: Mapping[int, int],
        unknown: Sequence[range],
        stops: Mapping[int, tuple[int, bool]],
    ) -> tuple[AcBand, list[range]]:
        """Read the intervals ``walked`` (each with its last touched block, or -1).

        Sets the band of all recorded blocks there; ``history`` (None where no scan
        refines this component) is kept up to date, and right but for the blocks ``unknown``.
        Where an interval can't be decoded to its end, ``stops`` must say what `tail` does.
        Also returns the blocks that are unknown from here on.

        Raises
        ------
        BrokenInterval
            It does not say so yet.
        InvalidJpegError
            A touched block can't be decoded.
        """
        layout = scan_layout(jpeg, scan)
        component, table = layout.grids[0].component, scan.components[0].ac
        words, loaded = load_intervals(data, layout, scan, walked)
        most = sum(store.of(component, store.touched))
        stretches = (
            array("q", [0]) * most, array("q", [0]) * most, array("q", [0]) * most,
            array("q", [0]) * most, array("q", [0]) * most, array("B", [0]) * most,
        )  # fmt: skip
        refines = scan.approximation[0] > 0
        room = min(len(walked) * layout.interval, layout.mcus) if refines else 0
        entries = (array("q", [0]) * room, array("B", [0]) * room)
        cursor = core.bandread.BandCursor(
            words, table.full, array("Q") if history is None else history,
            (store.slots_of(component), store.touched, store.coefficients),
            (*scan.spectral, *scan.approximation),
            (layout.mcus_across, store.grid(component).padded_columns), stretches, entries,
        )  # fmt: skip
        intervals = []
        lost = list(unknown)
        for k, raw in loaded.items():
            begin = k * layout.interval
            end = min(begin + layout.interval, layout.mcus)
            stop = end
            for blocks in unknown if refines else ():
                if blocks.start < stop and blocks.stop > begin:
                    stop = max(blocks.start, begin)
            before = cursor.count
            start = raw.at * 32
            stop_bit = start + (stops[k][0] if k in stops else 0)
            limit = stop_bit + 7 if k in stops else start + 8 * raw.data_bytes
            cursor.floor = stop_bit
            status = cursor.walk(begin, stop, start, limit) or (stop < end and _UNKNOWN)
            offset, slack, ones = None, 7, True
            position = cursor.position
            if status:
                used = min((position >> 3) - 4 * raw.at, raw.data_bytes)
                offset = raw.raw_start + core.stuffing.stuffed_length(
                    data, raw.raw_start, raw.raw_end, used
                )
                in_run = cursor.left > 0 and cursor.count > before and (
                    stretches[1][cursor.count - 1] == cursor.broken
                )
                if cursor.broken <= walked[k] or in_run:
                    raise _fault(status, offset)
                lost.append(range(cursor.broken, end))
                # Readers make zeros up for the block that lacks data, and leave out those behind
                # it. Which one that is matters, unless it is no more than EOBs that they add.
                least = max(
                    position, start + last_one(data, raw.raw_start, raw.raw_end)
                )
                exhausted = status == core.bandread.BAD_DATA or (
                    status != _UNKNOWN and cursor.reached + 16 > least
                )
                zeros = table.full[0]
                exact = exhausted and bool(zeros & 15 or zeros & 255 == 0xF0)
                if k not in stops:
                    last = stretches[3][cursor.count - 1] if cursor.count > before else start
                    base = (position if exact else last) - start
                    end_of_data = tail(data, raw.raw_start, raw.raw_end, base, exact, exhausted)
                    if not exhausted and status != _UNKNOWN and (
                        cursor.reached + 16 > start + end_of_data[0]
                    ):
                        raise torn(offset)
                    raise BrokenInterval(k, end_of_data)
                position, ones = start + stops[k][0], stops[k][1]
                if cursor.beyond >= 0 and exact:
                    slack = cursor.beyond - position - 1
                if cursor.count > before and stretches[3][cursor.count - 1] > position:
                    raise _fault(status, offset)  # it would end in what only may be data
            intervals.append(
                Interval(
                    raw.raw_start, raw.raw_end, start, position, before, cursor.count,
                    cursor.count > before, raw.data_bytes, raw.has_fill, offset, range(0), slack,
                    ones,
                )
            )  # fmt: skip
        band = cls(
            data, scan, layout, words, tuple(intervals), table,
            tuple(part[: cursor.count] for part in stretches),  # type: ignore[arg-type]
            (entries[0][: cursor.kept], entries[1][: cursor.kept]), words,
        )  # fmt: skip
        return band, lost

    @property
    def component(self) -> int:
        """Index of the component in the frame."""
        return self.layout.grids[0].component

    def rewrite(self, store: BlockStore, targets: Targets, tables: Tables, raw: Raw) -> AcBand:
        """Write the touched intervals anew, in their one canonical form but for ``raw`` stretches.

        Raises
        ------
        MissingCategory
        """
        table = tables.get(self.table.order, self.table)
        missing = array("B", bytes(256))
        band = core.bandwrite.BandWriter(
            encode_codes((table,), 256), missing, (*self.scan.spectral, *self.scan.approximation)
        )
        lacking: set[int] = set()
        grid = (self.layout.mcus_across, store.grid(self.component).padded_columns)
        blocks = (store.slots_of(self.component), store.touched, targets.coefficients)
        pieces = []
        first_block, end_block, _, _, first_entry, tail = self.stretches
        for s in range(len(first_block)):
            band.begin(first_block[s], end_block[s], tail[s] != 0, first_entry[s])
            piece = array("I")
            done = False
            while not done:
                done = band.write(self.entries, self.source, grid, blocks, targets.state)
                piece.frombytes(band.take())
            bits = band.bit()
            if s in raw:
                bits, data = raw[s]
                piece = words_of(data)
            elif any(missing):
                lacking.update(k for k in range(256) if missing[k])
            missing[:] = array("B", bytes(256))
            pieces.append((piece, bits))
        if lacking:
            raise MissingCategory({table: sorted(lacking)})
        return self._joined(table, pieces, checked=True)

    def _joined(
        self, table: HuffmanTable, pieces: list[tuple[array[int], int]], checked: bool
    ) -> AcBand:
        """Put pieces in the place of the stretches; a file is to hold the result if ``checked``."""
        first_block, end_block, first_bit, end_bit, first_entry, tail = self.stretches
        todo = [interval for interval in self.intervals if interval.touched]
        size = sum(bits for _, bits in pieces) + sum(i.end_bit - i.first_bit for i in todo)
        words = array("I", [0]) * (size // 32 + len(todo) * (PAD_WORDS + 2) + 2)
        writer = core.splice.BitWriter(words)
        firsts, ends = array("q", first_bit), array("q", end_bit)
        intervals = []
        for i in todo:
            start = writer.bit()
            at = i.first_bit
            for s in range(i.first_block, i.end_block):
                writer.copy(self.words, at, first_bit[s])
                firsts[s] = writer.bit()
                writer.copy(pieces[s][0], 0, pieces[s][1])
                ends[s] = writer.bit()
                at = end_bit[s]
            writer.copy(self.words, at, i.end_bit)
            end = writer.bit()
            if checked:
                i.require_room(end - start)
            writer.finish(i.ones)
            writer.skip(PAD_WORDS)
            intervals.append(
                i._replace(first_bit=start, end_bit=end, data_bytes=(end - start + 7) >> 3)
            )
        return replace(
            self, words=words, table=table, intervals=tuple(intervals),
            stretches=(first_block, end_block, firsts, ends, first_entry, tail),
        )  # fmt: skip

    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval as the file will hold it."""
        return self.stuffed(
            interval, self.stretches[2][interval.first_block] - interval.first_bit
        )

    def outside(self, store: BlockStore) -> list[Outside]:
        """Return the touched intervals with only the untouched blocks' correction bits in place of
        each stretch.
        """
        starts = [*self.stretches[4], len(self.entries[0])]
        pieces = []
        for s in range(len(starts) - 1):
            first, end = starts[s], starts[s + 1]
            words = array("I", [0]) * (2 * (end - first) + 1)
            bits = core.bandwrite.gather_bits(self.source, self.entries, first, end, words)
            pieces.append((words, bits))
        new = self._joined(self.table, pieces, checked=False)
        return [
            (i.end_bit - i.first_bit, [cut_bits(new.words, i.first_bit, i.end_bit)])
            for i in new.intervals
        ]

    def residue(self, other: AcBand | None) -> Raw:
        """Return the stretches of this scan that ``other`` codes in another way; None: all."""
        found = {}
        for s in range(len(self.stretches[0])):
            bits = self.stretches[3][s] - self.stretches[2][s]
            mine = cut_bits(self.words, self.stretches[2][s], self.stretches[3][s])
            if other is None:
                found[s] = (bits, mine)
                continue
            theirs = cut_bits(other.words, other.stretches[2][s], other.stretches[3][s])
            if mine != theirs or other.stretches[3][s] - other.stretches[2][s] != bits:
                found[s] = (bits, mine)
        return found


def words_of(data: bytes) -> array[int]:
    """Return bytes as words, with zeros behind them."""
    words = array("I", data + bytes(8 - len(data) % 4))
    if sys.byteorder == "little":
        words.byteswap()
    return words


def _fault(status: int, offset: int) -> InvalidJpegError:
    message, code = _FAULTS[status]
    return InvalidJpegError(message, code=code, offset=offset)


def _check(status: int, scan: Scan) -> None:
    if status:
        raise _fault(status, scan.start)
