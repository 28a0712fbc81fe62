"""A walk through a sequential Huffman scan: where its recorded blocks are.

Decodes the restart intervals that hold marked MCUs, and decides where damaged data ends.
What it finds is a `ScanIndex`. Knows bits, blocks and restart intervals; knows no
regions, diffs, files.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import compress
from typing import TypeAlias

from ..background import Beside, Later
from ..errors import InvalidJpegError
from . import core
from .ahead import Ahead, Found, look_ahead, meet, middle
from .huffman import HuffmanTable, decode_tables
from .intervals import (
    Interval,
    last_one,
    quads,
    raw_interval,
    readable_intervals,
    require_readable,
    restart_fault,
    tail,
    torn,
)
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan
from .scan import Places, ScanIndex

__all__ = ["index_scan", "scan_units"]

_Plan: TypeAlias = "tuple[tuple[array[int], array[int], array[int]], dict[int, range]]"
_AT_ONCE_PASSED = 256
"""MCUs, while there may be somebody ahead."""
_LONG = 1 << 18
"""Bytes of a scan from which on it pays to look ahead."""
_SPARSE = 4
"""Where at most one in so many blocks is recorded."""
_NEAR = 1 << 14
"""Bytes, more than those of a cursor's chunk as a rule."""
_MOST = 7
"""Bits that fill a byte, at most."""
_FAULTS = {
    core.scan.BAD_DATA: ("the coded data ends before the last block", "jpeg.truncated"),
    core.scan.BAD_CODE: ("bits that are no Huffman code", "jpeg.bad-code"),
    core.scan.BAD_RUN: ("a run of coefficients leaves its block", "jpeg.bad-run"),
    core.scan.BAD_DC: ("a DC value leaves 16 bits", "jpeg.bad-dc"),
}


def index_scan(
    data: bytes, jpeg: JpegData, scan: Scan, marks: bytearray, beside: Beside | None = None,
    draw: array[int] | None = None,
) -> ScanIndex:
    """Walk a scan and record the blocks of marked MCUs; where it is long, in two threads.

    ``marks`` has a byte for each MCU: 2 where blocks will be replaced, 1 where
    they are only to be recorded. Restart intervals without marks are not
    decoded; those with a 2 are decoded to their end.

    A scan may be cut short or damaged: in intervals with a 2, what
    can't be decoded stays as it is, if it begins behind the MCU that follows
    the last 2 (`Interval.broken`). MCUs marked 1 that can't be decoded, and all
    those of an interval without a 2, are not recorded then, and lose their
    marks. That is decided by the data outside alone: whatever stands in place of
    a 2, the MCUs behind it decode as far, and to the same values.

    With ``draw``, which has 1 or 0 for each data unit of an MCU, the index of a scan that is
    walked from end to end has DC values of all MCUs too.

    Raises
    ------
    InvalidJpegError
        The scan can't be decoded as far as it must be.
    """
    layout = scan_layout(jpeg, scan)
    plan = _readable_plan(layout, scan, marks)
    while True:
        walk = _Walk(data, layout, scan, marks, plan, beside, draw)
        index = walk.index()
        if not walk.lost:
            return index
        for start, end in walk.lost:
            marks[start:end] = bytes(end - start)
        plan = _plan(layout, marks)


def _readable_plan(layout: ScanLayout, scan: Scan, marks: bytearray) -> _Plan:
    """Return `_plan` of the marks, less those that no data can be there for.

    So no memory is taken for them.
    """
    wanted = max(marks.rfind(1), marks.rfind(2)) // layout.interval + 1
    readable = readable_intervals(layout, scan)
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
        self, data: bytes, layout: ScanLayout, scan: Scan, marks: bytearray, plan: _Plan,
        beside: Beside | None, draw: array[int] | None,
    ) -> None:  # fmt: skip
        self.data = data
        self.layout = layout
        self.scan = scan
        self.marks = marks
        self.lost: list[tuple[int, int]] = []
        """Runs of MCUs that can't be decoded, and need not be."""
        self.ranges, self.spans = plan
        runs = len(self.ranges[0])
        self.places = Places(
            (array("q", [0]) * runs, array("q", [0]) * runs),
            (array("q", [0]) * runs, array("q", [0]) * runs),
            (array("q", [0]) * runs, array("q", [0]) * runs),
        )
        self.words = array("I")
        if draw is None or layout.intervals > 1:
            draw = array("B", [0]) * layout.units
        self.draw = draw
        self.drawn = array("i", [0]) * (sum(self.draw) * layout.mcus)
        self.beside = beside
        self.ahead: Later[Ahead | None] | None = None
        """What another thread sees from the middle on of the only interval, until both meet."""
        self.walking = True
        self.middle = 0
        self.found: Found | None = None

    def index(self) -> ScanIndex:
        """Return the index; it counts only if nothing was lost."""
        layout, ranges = self.layout, self.ranges
        dc_tables, ac_tables, units = scan_units(layout, self.scan)
        tables = decode_tables(dc_tables, ac_tables)
        count = sum(end - begin for begin, end in zip(*ranges[:2], strict=True)) * layout.units
        blocks = (
            array("q", [0]) * count, array("B", [0]) * count,
            array("i", [0]) * count, array("i", [0]) * count,
        )  # fmt: skip
        require_readable(layout, self.scan, self.spans)
        self.kept = array("I", [0]) * core.scan.room(layout.units)

        def make(*places: array[int]) -> core.scan.ScanCursor:
            return core.scan.ScanCursor(
                self.data, quads(self.data), sys.byteorder == "little", units, tables, places,
                self.kept, self.scan.spectral[1] + 1,
            )  # fmt: skip

        cursor = make(*blocks)
        cursor.draw(self.drawn, self.draw)
        at = middle(self.data, self.scan.start, self.scan.end)
        if self.beside is not None and self.beside.threaded and self._is_long(count) and at:
            nowhere = array("q"), array("B"), array("i"), array("i")
            self.middle = at
            self.ahead = self.beside.begin(
                lambda: look_ahead(
                    lambda: make(*nowhere), len(layout.grids), at, self.scan.end, layout.mcus,
                    lambda: self.walking, self.draw,
                )
            )  # fmt: skip
        try:
            intervals = tuple(self._interval(k, cursor) for k in self.spans)
        finally:
            self.walking = False
        self.words.extend((0, 0, 0, 0))
        whole = len(intervals) == 1 and intervals[0].touched and intervals[0].broken is None
        return ScanIndex(
            self.data, self.scan, layout, self.words, intervals, tuple(self.spans.values()),
            tuple(interval.end_bit for interval in intervals), ranges, self.places, blocks,
            tables, units, tuple(dc_tables), tuple(ac_tables),
            self.drawn if self.drawn and whole else None,
        )  # fmt: skip

    def _is_long(self, recorded: int) -> bool:
        """Whether it pays to look ahead: in one long interval that is mostly passed over."""
        layout = self.layout
        return (
            layout.intervals == 1
            and not self.scan.restarts
            and self.scan.end - self.scan.start >= _LONG
            and _SPARSE * recorded < layout.mcus * layout.units
            and self.marks.find(2) >= 0
        )

    def _interval(self, k: int, cursor: core.scan.ScanCursor) -> Interval:
        """Decode an interval as far as must be."""
        first = k * self.layout.interval
        end = min(first + self.layout.interval, self.layout.mcus)
        last = self.marks.rfind(2, first, end)
        safe = end if last < 0 else min(last + 2, end)
        status = self._decode(k, cursor, end)
        failed, position, slack = first + cursor.passed, cursor.position, _MOST
        if status == core.scan.BAD_DATA:
            position = cursor.whole
        stop, ones = position, True
        if status and last >= 0:
            if failed < safe:
                raise _fault(status, self._offset(k, position))
            # Readers make zeros up for the MCU that lacks data, and leave out those behind it.
            # Which one that is must stay the same, whatever number of zeros fills the last byte.
            exhausted = status == core.scan.BAD_DATA
            raw, whole = raw_interval(self.scan, k), cursor.whole
            if not exhausted:  # but perhaps in another state, with less to fill the last byte
                least = max(whole, last_one(self.data, *raw))
                exhausted = self._decode(k, cursor, end, least) == core.scan.BAD_DATA
            stop, ones = tail(self.data, *raw, whole, exhausted, exhausted)
            if not exhausted and self._decode(k, cursor, end, stop) == core.scan.BAD_DATA:
                raise torn(self._offset(k, position))
            filled = exhausted and self._decode(k, cursor, end, stop + _MOST)
            passed = first + cursor.passed
            if exhausted and not filled and failed == end - 1:  # with them it is whole
                status, stop, ones = 0, cursor.position, True
            elif exhausted and passed > failed:
                self._decode(k, cursor, failed + 1, stop + _MOST)
                slack = cursor.position - stop - 1
        if status and self.marks.find(1, failed if last >= 0 else first, end) >= 0:
            self.lost.append((failed if last >= 0 else first, end))
        begins, ends, bases = self.ranges
        number = self.spans[k].stop - 1
        return Interval(
            *raw_interval(self.scan, k), 0, stop,
            bases[self.spans[k].start],
            bases[number] + (ends[number] - begins[number]) * self.layout.units,
            last >= 0, cursor.data_bits() >> 3 if last >= 0 else 0,
            cursor.fill > 0 or (self.found is not None and self.found.fill),
            self._offset(k, position) if status else None,
            range(failed, end) if status else range(0), slack, ones,
        )  # fmt: skip

    def _decode(
        self, k: int, cursor: core.scan.ScanCursor, end: int, stop: int | None = None
    ) -> int:
        """Walk an interval, if it is touched to MCU ``end``, and return the status.

        With ``stop``, its data ends at that bit; zeros stand where there is none.
        """
        first = k * self.layout.interval
        last = min(first + self.layout.interval, self.layout.mcus)
        cursor.start(*raw_interval(self.scan, k))
        if stop is not None:
            cursor.end = stop
        for mcu, limit, run in self._steps(k, self.marks.find(2, first, last) >= 0, end):
            status: int = (
                self._pass(cursor, mcu, limit)
                if run < 0
                else self._record(cursor, mcu, limit, run)
            )
            if status:
                return status
        return 0

    def _pass(self, cursor: core.scan.ScanCursor, mcu: int, limit: int) -> int:
        """Pass over MCUs, if possible to where somebody was before."""
        status = 0
        while self.ahead is not None and mcu < limit and not status:
            some = min(limit - mcu, _AT_ONCE_PASSED)
            byte = self._middle_byte(cursor)
            if byte is None or cursor.position < 8 * byte:
                status = cursor.advance(some, -1)
            else:  # this is where the one ahead began
                components = len(self.layout.grids)
                log = array("q", [0]) * some, array("i", [0]) * (some * components)
                cursor.log(*log)
                status = cursor.advance(some, -1)
                cursor.log(array("q"), array("i"))
                ahead, self.ahead = self.ahead.if_begun(), None
                if ahead is not None and not status:
                    self.found = meet(ahead, byte, mcu, log)
                if ahead is not None and self.found is not None and self.drawn:
                    seen = ahead.drawn[: ahead.passed * sum(self.draw)]
                    found = self.found
                    parts = compress(self.layout.unit_components(), self.draw)
                    off = array("i", [found.off[part] for part in parts])
                    core.grid.drawn_behind(seen, found.first, off, found.mcu, self.drawn)
                if self.found is not None and cursor.fill > 0:  # in front, where nobody comes again
                    self.found = self.found._replace(fill=True)
            mcu += some
        if status:
            return status
        if self.found is not None:
            stop = self.found.before(limit, cursor.end if cursor.end >= 0 else None)
            if stop is not None and stop.mcu > mcu:
                cursor.resume(
                    stop.raw, stop.byte, self.scan.end, stop.position, stop.mcu, stop.predictors
                )
                mcu = stop.mcu
        passed: int = cursor.advance(limit - mcu, -1)
        return passed

    def _middle_byte(self, cursor: core.scan.ScanCursor) -> int | None:
        """Return which data byte the one ahead began with; None where that is far away."""
        raw: int
        byte: int
        raw, byte = cursor.anchor()
        if raw + _NEAR < self.middle:
            return None
        first, last = sorted((raw, self.middle))
        between: int = core.stuffing.data_length(self.data[first:last])
        return byte - between if raw > self.middle else byte + between

    def _record(self, cursor: core.scan.ScanCursor, mcu: int, limit: int, run: int) -> int:
        """Record MCUs of a run: from its beginning on, or where the last call stopped."""
        begin, at = self.ranges[0][run], self.ranges[2][run]
        old, new, anchors = self.places.old, self.places.new, self.places.anchors
        if mcu == begin:
            anchors[0][run], anchors[1][run] = cursor.begin_run()
            old[0][run] = cursor.position
            new[0][run] = cursor.position + cursor.shift
        status = 0
        while mcu < limit and not status:
            some = min(limit - mcu, core.scan.AT_ONCE)
            status = cursor.advance(some, at + (mcu - begin) * self.layout.units)
            self.words.frombytes(memoryview(self.kept)[: cursor.taken].cast("B"))
            mcu += some
        old[1][run] = cursor.position
        new[1][run] = cursor.position + cursor.shift
        return status

    def _steps(self, k: int, touched: bool, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield MCUs to pass, up to ``end``: first, end, the run that they belong to or -1.

        An untouched interval need not be walked behind its last run.
        """
        mcu = k * self.layout.interval
        for number in self.spans[k]:
            begin, stop = (min(part[number], end) for part in self.ranges[:2])
            if mcu < begin:
                yield mcu, begin, -1
            if begin < stop:
                yield begin, stop, number
            mcu = stop
        if touched and mcu < end:
            yield mcu, end, -1

    def _offset(self, k: int, bit: int) -> int:
        """Return where in the file the byte of a bit stands."""
        start, end = raw_interval(self.scan, k)
        return start + core.stuffing.stuffed_length(self.data, start, end, bit >> 3)


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


def scan_units(
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
