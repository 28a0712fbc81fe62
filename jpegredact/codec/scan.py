"""Entropy-coded data of sequential Huffman scans: find blocks, splice in others.

The rewrite is a splice: `index_scan` walks the codes and notes where the chosen
blocks stand and what their DC values are; `ScanIndex.splice` puts new codes in
their place, corrects the DC difference behind each run of them, and copies all
other bits. No coefficient array of the picture exists at any time. Knows bits,
blocks and restart intervals; knows no regions, diffs, files.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..errors import InvalidJpegError
from . import core
from .huffman import HuffmanTable, decode_tables, encode_codes
from .intervals import (
    PAD_WORDS,
    CodedScan,
    Interval,
    Loaded,
    data_end,
    load_intervals,
    raw_interval,
    readable_intervals,
    restart_fault,
)
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan

__all__ = ["Edit", "Interval", "MissingCategory", "ScanIndex", "index_scan"]

_Moved: TypeAlias = "tuple[array[int], array[int], array[int]]"
_Plan: TypeAlias = "tuple[tuple[array[int], array[int], array[int]], dict[int, range]]"
_FAULTS = {
    core.scan.BAD_DATA: ("the coded data ends before the last block", "jpeg.truncated"),
    core.scan.BAD_CODE: ("bits that are no Huffman code", "jpeg.bad-code"),
    core.scan.BAD_RUN: ("a run of coefficients leaves its block", "jpeg.bad-run"),
    core.scan.BAD_DC: ("a DC value leaves 16 bits", "jpeg.bad-dc"),
}


class MissingCategory(Exception):  # noqa: N818 - it is caught and answered, no failure
    """DC differences have no code; ``categories`` are the missing ones, by table."""

    def __init__(self, categories: dict[HuffmanTable, list[int]]) -> None:
        super().__init__("a DC difference has no code")
        self.categories = categories


@dataclass(frozen=True, slots=True)
class Edit:
    """What to write in place of the touched blocks; arrays run over recorded blocks.

    ``dc`` holds every block's DC value, new or old. New AC bits stand in
    ``patch`` at bit ``ac_at``, ``ac_bits`` long; a negative length keeps the
    block's own. ``ac_total`` is how many bits they are together, at most.
    """

    touched: array[int]
    dc: array[int]
    patch: array[int]
    ac_at: array[int]
    ac_bits: array[int]
    ac_total: int


@dataclass(frozen=True)
class ScanIndex(CodedScan):
    """Where the recorded blocks of a scan stand, and the bits around them."""

    ranges: tuple[array[int], array[int], array[int]]
    """For each run of recorded MCUs: first MCU, end MCU, first recorded block."""
    blocks: tuple[array[int], array[int], array[int], array[int]]
    """For each recorded block: first bit, bits of the DC difference, bits, DC value."""
    tables: tuple[array[int], array[int], array[int], array[int]]
    """As `decode_tables` gives them."""
    units: tuple[array[int], array[int], array[int]]
    """For each data unit of an MCU: component of the scan, DC table, AC table."""
    dc_tables: tuple[HuffmanTable, ...]
    ac_tables: tuple[HuffmanTable, ...]

    @property
    def count(self) -> int:
        """How many blocks are recorded."""
        return len(self.blocks[3])

    def ac_number(self, part: int) -> int:
        """Return which of ``ac_tables`` a component of the scan uses."""
        return self.units[2][self.layout.grids[part].first]

    def splice(
        self,
        edit: Edit,
        dc_tables: tuple[HuffmanTable, ...],
        ac_tables: tuple[HuffmanTable, ...],
    ) -> ScanIndex:
        """Write the touched intervals anew, padded with ones, and return their index.

        The tables stand in for the scan's own (the same codes, and perhaps more).
        The new index knows touched intervals only.

        Raises
        ------
        MissingCategory
            A DC difference has no code in its table.
        """
        spliced, words, moved = self._rewrite(edit, dc_tables, outside=False)
        return replace(
            self,
            words=words,
            intervals=tuple(
                replace(interval, first_bit=start, end_bit=end, data_bytes=(end - start + 7) >> 3)
                for interval, start, end in spliced
            ),
            blocks=(*moved, edit.dc),
            tables=decode_tables(dc_tables, ac_tables),
            dc_tables=dc_tables,
            ac_tables=ac_tables,
        )

    def interval_bytes(self, interval: Interval, touched: array[int]) -> bytes | bytearray:
        """Return an interval of a spliced index as the file will hold it."""
        kept = 0
        if interval.has_fill:
            first = touched.index(1, interval.first_block, interval.end_block)
            kept = self.blocks[0][first] - interval.first_bit
        return self.stuffed(interval, kept)

    def outside(self, touched: array[int]) -> list[tuple[int, memoryview]]:
        """Return the touched intervals in the form that no change inside can alter.

        For each, its number of bits and its unstuffed bytes: touched blocks left
        out, the DC difference behind a run of them replaced by the DC value in
        16 bits, zero bits at the end.
        """
        edit = Edit(touched, self.blocks[3], array("I"), array("q"), array("i"), 0)
        spliced, words, _ = self._rewrite(edit, self.dc_tables, outside=True)
        if sys.byteorder == "little":
            words.byteswap()
        view = memoryview(words).cast("B")
        return [
            (end - start, view[start >> 3 : (start >> 3) + ((end - start + 7) >> 3)])
            for _, start, end in spliced
        ]

    def _rewrite(
        self, edit: Edit, dc_tables: tuple[HuffmanTable, ...], outside: bool
    ) -> tuple[list[tuple[Interval, int, int]], array[int], _Moved]:
        todo = [interval for interval in self.intervals if interval.touched]
        room = edit.ac_total // 32 + sum(
            # a DC difference takes at most 31 bits, an absolute value 16
            (i.end_bit - i.first_bit) // 32 + (i.end_block - i.first_block) + PAD_WORDS + 4
            for i in todo
        )
        words = array("I", [0]) * room
        writer = core.splice.BitWriter(words)
        count = self.count
        moved = (
            array("q", bytes(8 * count)), array("B", bytes(count)), array("i", bytes(4 * count)),
        )  # fmt: skip
        components = len(self.layout.grids)
        state = (
            encode_codes(dc_tables, 32),
            array("i", bytes(4 * components)),
            array("B", bytes(components)),
            array("B", bytes(32 * len(dc_tables))),
        )
        failed = 0
        new = (edit.touched, edit.dc, edit.patch, edit.ac_at, edit.ac_bits)
        spliced = []
        for i in todo:
            start = writer.bit()
            span = (i.first_bit, i.end_bit, i.first_block, i.end_block)
            failed += core.splice.splice(
                self.words, span, self.blocks, self.units, new, state, moved, outside, writer
            )
            spliced.append((i, start, writer.bit()))
            writer.finish(not outside and i.broken is None)
            writer.skip(PAD_WORDS)
        if failed and not outside:
            raise MissingCategory(
                {
                    table: [size for size in range(32) if state[3][32 * number + size]]
                    for number, table in enumerate(dc_tables)
                    if any(state[3][32 * number : 32 * number + 32])
                }
            )
        return spliced, words, moved


def index_scan(data: bytes, jpeg: JpegData, scan: Scan, marks: bytearray) -> ScanIndex:
    """Walk a scan and record the blocks of marked MCUs.

    ``marks`` has a byte for each MCU: 2 where blocks will be replaced, 1 where
    they are only to be recorded. Restart intervals without marks are not
    decoded; those with a 2 are decoded to their end.

    A scan may be cut short or damaged: in intervals with a 2, what
    can't be decoded stays as it is, if it begins behind the MCU that follows
    the last 2 (`Interval.broken`). MCUs marked 1 that can't be decoded, and all
    those of an interval without a 2, are not recorded then, and lose their
    marks. That is decided by the data outside alone: whatever stands in place of
    a 2, the MCUs behind it decode as far, and to the same values.

    Raises
    ------
    InvalidJpegError
        The scan can't be decoded as far as it must be.
    """
    layout = scan_layout(jpeg, scan)
    plan = _readable_plan(data, layout, scan, marks)
    while True:
        walk = _Walk(data, layout, scan, marks, plan)
        index = walk.index()
        if not walk.lost:
            return index
        for start, end in walk.lost:
            marks[start:end] = bytes(end - start)
        plan = _plan(layout, marks)


def _readable_plan(data: bytes, layout: ScanLayout, scan: Scan, marks: bytearray) -> _Plan:
    """Return `_plan` of the marks, less those that no data can be there for.

    So no memory is taken for them.
    """
    wanted = max(marks.rfind(1), marks.rfind(2)) // layout.interval + 1
    readable = readable_intervals(data, layout, scan, wanted)
    if readable < wanted:
        first = readable * layout.interval
        if marks.find(2, first) >= 0:
            raise restart_fault(scan, readable)
        marks[first:] = bytes(len(marks) - first)
    plan = _plan(layout, marks)
    shortest = layout.units * (1 + (scan.spectral[1] > 0))  # a bit for each symbol at least
    changed = False
    for k in plan[1]:
        first = k * layout.interval
        end = min(first + layout.interval, layout.mcus)
        start, stop = raw_interval(scan, k)
        there = first + 8 * (stop - start) // shortest
        if there >= end or marks.find(1, there, end) < 0 > marks.find(2, there, end):
            continue
        touched = marks.rfind(2, first, end)
        if touched >= there:
            raise _fault(core.scan.BAD_DATA, stop)
        if touched < 0:
            there = first
        marks[there:end] = bytes(end - there)
        changed = True
    return _plan(layout, marks) if changed else plan


class _Walk:
    """One walk through the marked intervals of a scan."""

    def __init__(
        self, data: bytes, layout: ScanLayout, scan: Scan, marks: bytearray, plan: _Plan
    ) -> None:
        self.data = data
        self.layout = layout
        self.scan = scan
        self.marks = marks
        self.lost: list[tuple[int, int]] = []
        """Runs of MCUs that can't be decoded, and need not be."""
        self.ranges, self.spans = plan

    def index(self) -> ScanIndex:
        """Return the index; it counts only if nothing was lost."""
        layout, ranges = self.layout, self.ranges
        dc_tables, ac_tables, units = _units(layout, self.scan)
        tables = decode_tables(dc_tables, ac_tables)
        count = sum(end - begin for begin, end in zip(*ranges[:2], strict=True)) * layout.units
        blocks = (
            array("q", bytes(8 * count)), array("B", bytes(count)),
            array("i", bytes(4 * count)), array("i", bytes(4 * count)),
        )  # fmt: skip
        words, loaded = load_intervals(self.data, layout, self.scan, self.spans)
        cursor = core.scan.ScanCursor(
            words, units, tables, blocks, array("i", bytes(4 * len(layout.grids))),
            self.scan.spectral[1] + 1,
        )  # fmt: skip
        return ScanIndex(
            self.data, self.scan, layout, words,
            tuple(self._interval(k, raw, words, cursor) for k, raw in loaded.items()),
            ranges, blocks, tables, units, tuple(dc_tables), tuple(ac_tables),
        )  # fmt: skip

    def _interval(
        self, k: int, raw: Loaded, words: array[int], cursor: core.scan.ScanCursor
    ) -> Interval:
        """Decode an interval as far as must be."""
        first = k * self.layout.interval
        end = min(first + self.layout.interval, self.layout.mcus)
        last = self.marks.rfind(2, first, end)
        safe = end if last < 0 else min(last + 2, end)
        status, stop = self._decode(k, raw, words, cursor, safe, None)
        failed, position = first + cursor.passed, cursor.position
        if status and last >= 0:
            if failed < safe:
                raise _fault(status, self._offset(raw, position))
            # Zeros fill the last byte of a file that was redacted before, so they may be
            # there or not: the same must be found in every state.
            status, stop = self._decode(k, raw, words, cursor, safe, 0)
            failed, position = first + cursor.passed, cursor.position
            if not self._decode(k, raw, words, cursor, safe, 7)[0]:
                # With them it is whole; all readers see that if they lack in the last MCU only.
                if failed < end - 1:
                    raise _fault(core.scan.BAD_DATA, self._offset(raw, position))
                status, position = 0, cursor.position
        if status and self.marks.find(1, failed if last >= 0 else first, end) >= 0:
            self.lost.append((failed if last >= 0 else first, end))
        begins, ends, bases = self.ranges
        number = self.spans[k].stop - 1
        return Interval(
            raw.raw_start, raw.raw_end, raw.at * 32, stop if status else position,
            bases[self.spans[k].start],
            bases[number] + (ends[number] - begins[number]) * self.layout.units,
            last >= 0, raw.data_bytes, raw.has_fill,
            self._offset(raw, position) if status else None,
            range(failed, end) if status else range(0),
        )  # fmt: skip

    def _decode(
        self, k: int, raw: Loaded, words: array[int], cursor: core.scan.ScanCursor, safe: int,
        spare: int | None,
    ) -> tuple[int, int]:  # fmt: skip
        """Walk an interval: to its end if it is touched; return the status, and where data ends.

        With ``spare``, from the MCU ``safe`` on that is what `data_end` says, and there
        are so many zero bits more.
        """
        first = k * self.layout.interval
        end = min(first + self.layout.interval, self.layout.mcus)
        stop = raw.at * 32 + 8 * raw.data_bytes
        cursor.start(raw.at * 32, stop)
        for mcu, limit, at in self._steps(
            k, safe, end if self.marks.find(2, first, end) >= 0 else first
        ):
            if spare is not None and mcu == safe:
                stop = data_end(words, cursor.position, raw.at * 32 + 8 * raw.data_bytes)
                cursor.end = stop + spare
            status: int = cursor.advance(limit - mcu, at)
            if status:
                return status, stop
        return 0, stop

    def _steps(self, k: int, cut: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield runs of MCUs to pass: first, end, recorded index of the first or -1.

        They are cut at one MCU, and go on to ``end`` at least.
        """
        mcu = k * self.layout.interval
        for number in self.spans[k]:
            begin, stop, at = (self.ranges[n][number] for n in range(3))
            if mcu < cut < begin:
                yield mcu, cut, -1
                mcu = cut
            if mcu < begin:
                yield mcu, begin, -1
            if begin < cut < stop:
                yield begin, cut, at
                at += (cut - begin) * self.layout.units
                begin = cut
            yield begin, stop, at
            mcu = stop
        if mcu < cut < end:
            yield mcu, cut, -1
            mcu = cut
        if mcu < end:
            yield mcu, end, -1

    def _offset(self, raw: Loaded, bit: int) -> int:
        """Return where in the file the byte of a bit stands."""
        used = min((bit >> 3) - 4 * raw.at, raw.data_bytes)
        return raw.raw_start + core.scan.stuffed_length(self.data, raw.raw_start, raw.raw_end, used)


def _fault(status: int, offset: int) -> InvalidJpegError:
    message, code = _FAULTS[status]
    return InvalidJpegError(message, code=code, offset=offset)


def _plan(layout: ScanLayout, marks: bytearray) -> _Plan:
    """Return the runs of marked MCUs, cut at restart intervals, and which each interval has."""
    begins, ends, bases = array("q"), array("q"), array("q")
    spans: dict[int, range] = {}
    base = 0
    stop = 0
    while True:
        begin, stop = core.grid.next_run(marks, stop)
        if begin == stop:
            break
        while begin < stop:
            k = begin // layout.interval
            end = min(stop, (k + 1) * layout.interval)
            number = len(begins)
            spans[k] = range(spans[k].start if k in spans else number, number + 1)
            begins.append(begin)
            ends.append(end)
            bases.append(base)
            base += (end - begin) * layout.units
            begin = end
    return (begins, ends, bases), spans


def _units(
    layout: ScanLayout, scan: Scan
) -> tuple[list[HuffmanTable], list[HuffmanTable], tuple[array[int], array[int], array[int]]]:
    """Return the tables that a scan uses, each once, and for each data unit which it takes."""
    dc_tables: list[HuffmanTable] = []
    ac_tables: list[HuffmanTable] = []
    components = layout.unit_components()
    dc_units, ac_units = array("B"), array("B")
    for component in components:
        part = scan.components[component]
        for table, tables, numbers in (
            (part.dc, dc_tables, dc_units),
            (part.ac, ac_tables, ac_units),
        ):
            if table not in tables:
                tables.append(table)
            numbers.append(tables.index(table))
    return dc_tables, ac_tables, (components, dc_units, ac_units)
