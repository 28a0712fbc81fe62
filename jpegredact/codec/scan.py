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
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ..background import Beside, Later
from ..errors import InvalidJpegError
from . import core
from .ahead import Ahead, Found, look_ahead, meet, middle
from .huffman import HuffmanTable, decode_tables, encode_codes
from .intervals import (
    FileEdit,
    Interval,
    Outside,
    cut_bits,
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

__all__ = ["Edit", "Interval", "MissingCategory", "ScanIndex", "index_scan"]

_Moved: TypeAlias = "tuple[array[int], array[int], array[int]]"
_Plan: TypeAlias = "tuple[tuple[array[int], array[int], array[int]], dict[int, range]]"
_AT_ONCE = 1 << 18
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


class MissingCategory(Exception):  # noqa: N818 - it is caught and answered, no failure
    """DC differences have no code; ``categories`` are the missing ones, by table."""

    def __init__(self, categories: dict[HuffmanTable, list[int]]) -> None:
        super().__init__("a DC difference has no code")
        self.categories = categories


class Edit(NamedTuple):
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


class Places(NamedTuple):
    """Where the runs of recorded MCUs stand, each array by run."""

    old: tuple[array[int], array[int]]
    """First and end bit in the interval, as the file has it."""
    new: tuple[array[int], array[int]]
    """First and end bit in the index's words."""
    anchors: tuple[array[int], array[int]]
    """A byte of the file not far in front of it, and which data byte of the interval that is."""


@dataclass(frozen=True)
class ScanIndex:
    """The recorded blocks of a scan, and where in the file they stand.

    All other bits are left in the file. The bits of an interval are numbered from its
    first one on, byte stuffing left out.
    """

    data: bytes
    """The file that was walked; a spliced index too copies from it."""
    scan: Scan
    layout: ScanLayout
    words: array[int]
    """The bits of the recorded MCUs."""
    intervals: tuple[Interval, ...]
    """Those that were looked into; ``first_bit`` is 0."""
    spans: tuple[range, ...]
    """For each of them its runs of recorded MCUs."""
    ends: tuple[int, ...]
    """For each of them its end bit as the file has it."""
    ranges: tuple[array[int], array[int], array[int]]
    """For each run of recorded MCUs: first MCU, end MCU, first recorded block."""
    places: Places
    blocks: tuple[array[int], array[int], array[int], array[int]]
    """For each recorded block: first bit in the words, bits of DC difference, bits, DC value."""
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

    def bits(self, start: int, end: int) -> bytes:
        """Return some bits of the words, with zeros behind them up to a whole byte."""
        return cut_bits(self.words, start, end)

    def ac_number(self, part: int) -> int:
        """Return which of ``ac_tables`` a component of the scan uses."""
        return self.units[2][self.layout.grids[part].first]

    def splice(
        self,
        edit: Edit,
        dc_tables: tuple[HuffmanTable, ...],
        ac_tables: tuple[HuffmanTable, ...],
    ) -> ScanIndex:
        """Write the recorded MCUs anew, and return the index of the scan as it then is.

        The tables stand in for the scan's own (the same codes, and perhaps more).

        Raises
        ------
        MissingCategory
            A DC difference has no code in its table.
        """
        words, new, moved, more = self._rewrite(edit, dc_tables, outside=False)
        intervals = []
        for interval, span, end in zip(self.intervals, self.spans, self.ends, strict=True):
            end += more[span.stop] - more[span.start]
            interval.require_room(end)
            intervals.append(interval._replace(end_bit=end, data_bytes=(end + 7) >> 3))
        return replace(
            self,
            words=words,
            intervals=tuple(intervals),
            places=self.places._replace(new=new),
            blocks=(*moved, edit.dc),
            tables=decode_tables(dc_tables, ac_tables),
            dc_tables=dc_tables,
            ac_tables=ac_tables,
        )

    def changes(self, touched: array[int]) -> Iterator[FileEdit]:
        """Yield what the touched intervals of a spliced index change in the file."""
        writer = self._writer(stuffing=True)
        for number, piece in self._written(writer, self.words, self.places.new, None):
            if piece is None:
                yield self._change(number, touched, writer)
            else:
                interval = self.intervals[number]
                yield interval.raw_start, interval.raw_end, piece

    def _change(
        self, number: int, touched: array[int], writer: core.scan.IntervalWriter
    ) -> FileEdit:
        interval = self.intervals[number]
        first = touched.index(1, interval.first_block, interval.end_block)
        run = bisect_right(self.ranges[2], first) - 1
        (old_start, _), (new_start, _) = self.places.old, self.places.new
        at, byte = (part[run] for part in self.places.anchors)
        begin = old_start[run] >> 3
        if interval.has_fill:  # what stands in front of the first touched block stays
            begin = (old_start[run] + self.blocks[0][first] - new_start[run]) >> 3
        if interval.has_fill and begin < byte:
            at, byte = interval.raw_start, 0
        at += core.stuffing.stuffed_length(self.data, at, interval.raw_end, begin - byte)
        spent = 8 * begin - old_start[run]
        inner = new_start[run] + spent if spent > 0 else -1
        size = interval.data_bytes - begin
        room = size + size // 64 + 64  # as a rule that is enough for stuffing
        start = (at, interval.raw_end, begin, run, inner, bytearray(room))
        pieces = [*self._stream(number, writer, start, self.words, self.places.new)]
        return at, interval.raw_end, pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def outside(self, touched: array[int]) -> Iterator[Outside]:
        """Yield the touched intervals in the form that no change inside can alter.

        For each, its number of bits and its unstuffed bytes: touched blocks left
        out, the DC difference behind a run of them replaced by the DC value in
        16 bits, zero bits at the end. The bytes of each are to be taken before the next one.
        """
        edit = Edit(touched, self.blocks[3], array("I"), array("q"), array("i"), 0)
        words, new, _, more = self._rewrite(edit, self.dc_tables, outside=True)
        writer, out = self._writer(stuffing=False), bytearray(_AT_ONCE)
        for number, piece in self._written(writer, words, new, out):
            span = self.spans[number]
            bits = self.ends[number] + more[span.stop] - more[span.start]
            if piece is None:
                interval = self.intervals[number]
                start = (interval.raw_start, interval.raw_end, 0, span.start, -1, out)
                yield bits, self._stream(number, writer, start, words, new)
            else:
                yield bits, [piece]

    def _writer(self, stuffing: bool) -> core.scan.IntervalWriter:
        return core.scan.IntervalWriter(
            self.data, quads(self.data), sys.byteorder == "little", stuffing
        )

    def _written(
        self, writer: core.scan.IntervalWriter, words: array[int],
        new: tuple[array[int], array[int]], out: bytearray | None,
    ) -> Iterator[tuple[int, memoryview | None]]:  # fmt: skip
        """Yield the touched intervals with new runs in them, None for those that want `_stream`.

        These are the long ones, and those with fill bytes. With ``out``, all stand there in turn.
        """
        numbers = [number for number, interval in enumerate(self.intervals) if interval.touched]
        k = 0
        while k < len(numbers):
            end, room = k, 64
            while end < len(numbers):
                interval = self.intervals[numbers[end]]
                size = 2 * max(interval.raw_end - interval.raw_start, interval.data_bytes)
                if interval.has_fill or room + size > _AT_ONCE:
                    break
                room += size
                end += 1
            some = numbers[k:end]
            ends = array("q", bytes(8 * len(some)))
            buffer = bytearray(room) if out is None else out
            done = writer.write_all(
                self._places(some), 0, self.places.old, new, words, buffer, ends
            ) if some else 0  # fmt: skip
            view = memoryview(buffer)
            at = 0
            for number, end in zip(some[:done], ends, strict=False):
                yield number, view[at:end]
                at = end
            k += done
            if done == 0:
                yield numbers[k], None
                k += 1

    def _places(self, numbers: Sequence[int]) -> tuple[array[int], ...]:
        """Return the intervals as `IntervalWriter.write_all` wants them."""
        intervals = [self.intervals[number] for number in numbers]
        spans = [self.spans[number] for number in numbers]
        return (
            array("q", [interval.raw_start for interval in intervals]),
            array("q", [interval.raw_end for interval in intervals]),
            array("q", [span.start for span in spans]),
            array("q", [span.stop for span in spans]),
            array("q", [self.ends[number] for number in numbers]),
            array("B", [interval.ones for interval in intervals]),
        )

    def _stream(
        self, number: int, writer: core.scan.IntervalWriter,
        start: tuple[int, int, int, int, int, bytearray], words: array[int],
        new: tuple[array[int], array[int]],
    ) -> Iterator[bytes | memoryview]:  # fmt: skip
        """Yield the bytes of an interval with new runs in it: those that fit, again and again."""
        writer.start(*start)
        last, end, ones = self.spans[number].stop, self.ends[number], self.intervals[number].ones
        while not writer.write(self.places.old, new, words, last, end, ones):
            yield bytes(writer.taken())
        yield writer.taken()

    def _rewrite(
        self, edit: Edit, dc_tables: tuple[HuffmanTable, ...], outside: bool
    ) -> tuple[array[int], tuple[array[int], array[int]], _Moved, array[int]]:
        """Return the words of all runs written anew, where in them each begins and ends, their
        blocks, and by how many bits all runs before each one (and all of them) grew.
        """
        count, runs, components = self.count, len(self.ranges[0]), len(self.layout.grids)
        # A DC difference takes at most 31 bits, an absolute value 16.
        words = array("I", [0]) * (len(self.words) + edit.ac_total // 32 + count + 4)
        new = (array("q", bytes(8 * runs)), array("q", bytes(8 * runs)))
        more = array("q", bytes(8 * runs + 8))
        moved = (
            array("q", bytes(8 * count)), array("B", bytes(count)), array("i", bytes(4 * count)),
        )  # fmt: skip
        state = (
            encode_codes(dc_tables, 32),
            array("i", bytes(4 * components)),
            array("B", bytes(components)),
            array("B", bytes(32 * len(dc_tables))),
        )
        failed = core.splice.splice(
            self.words, (*self.places.old, *self.places.new, self.ranges[2]), self.blocks,
            self.units, (edit.touched, edit.dc, edit.patch, edit.ac_at, edit.ac_bits), state,
            (*moved, *new, more), outside, core.splice.BitWriter(words),
        )  # fmt: skip
        if failed and not outside:
            raise MissingCategory(
                {
                    table: [size for size in range(32) if state[3][32 * number + size]]
                    for number, table in enumerate(dc_tables)
                    if any(state[3][32 * number : 32 * number + 32])
                }
            )
        return words, new, moved, more

    def ends_clean(self, interval: Interval) -> bool:
        """See `CodedScan.ends_clean`."""
        spare = -interval.end_bit % 8
        ones = (1 << spare) - 1
        padding = ones if interval.ones else 0
        last, before = self.data[interval.raw_end - 1], self.data[interval.raw_end - 2]
        if last == 0 and before == 0xFF:
            last = 0xFF
        elif last == 0xFF:
            return False
        return 8 * interval.data_bytes == interval.end_bit + spare and last & ones == padding

    def same_intervals(self, other: ScanIndex) -> bool:
        """Whether all intervals of ``other``, spliced from this index, are what the file holds.

        That is bit for bit up to the last byte, its padding included, without
        fill bytes or bytes behind the last block.
        """
        return all(
            not interval.has_fill and self.ends_clean(interval)
            for interval in self.intervals
            if interval.touched
        ) and core.splice.same_runs(
            self.words, self.places.new, other.words, other.places.new
        )


def index_scan(
    data: bytes, jpeg: JpegData, scan: Scan, marks: bytearray, beside: Beside | None = None
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

    Raises
    ------
    InvalidJpegError
        The scan can't be decoded as far as it must be.
    """
    layout = scan_layout(jpeg, scan)
    plan = _readable_plan(layout, scan, marks)
    while True:
        walk = _Walk(data, layout, scan, marks, plan, beside)
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
        beside: Beside | None,
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
            (array("q", bytes(8 * runs)), array("q", bytes(8 * runs))),
            (array("q", bytes(8 * runs)), array("q", bytes(8 * runs))),
            (array("q", bytes(8 * runs)), array("q", bytes(8 * runs))),
        )
        self.words = array("I")
        self.beside = beside
        self.ahead: Later[Ahead | None] | None = None
        """What another thread sees from the middle on of the only interval, until both meet."""
        self.walking = True
        self.middle = 0
        self.found: Found | None = None

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
        require_readable(layout, self.scan, self.spans)
        self.kept = array("I", bytes(4 * core.scan.room(layout.units)))

        def make(*places: array[int]) -> core.scan.ScanCursor:
            return core.scan.ScanCursor(
                self.data, quads(self.data), sys.byteorder == "little", units, tables, places,
                self.kept, self.scan.spectral[1] + 1,
            )  # fmt: skip

        cursor = make(*blocks)
        at = middle(self.data, self.scan.start, self.scan.end)
        if self.beside is not None and self.beside.threaded and self._is_long(count) and at:
            nowhere = array("q"), array("B"), array("i"), array("i")
            self.middle = at
            self.ahead = self.beside.begin(
                lambda: look_ahead(
                    lambda: make(*nowhere), len(layout.grids), at, self.scan.end, layout.mcus,
                    lambda: self.walking,
                )
            )  # fmt: skip
        try:
            intervals = tuple(self._interval(k, cursor) for k in self.spans)
        finally:
            self.walking = False
        self.words.extend((0, 0, 0, 0))
        return ScanIndex(
            self.data, self.scan, layout, self.words, intervals, tuple(self.spans.values()),
            tuple(interval.end_bit for interval in intervals), ranges, self.places, blocks,
            tables, units, tuple(dc_tables), tuple(ac_tables),
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
                log = array("q", bytes(8 * some)), array("i", bytes(4 * some * components))
                cursor.log(*log)
                status = cursor.advance(some, -1)
                cursor.log(array("q"), array("i"))
                ahead, self.ahead = self.ahead.if_begun(), None
                if ahead is not None and not status:
                    self.found = meet(ahead, byte, mcu, log)
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
