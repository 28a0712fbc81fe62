"""Entropy-coded data of sequential Huffman scans: other blocks spliced in.

The rewrite is a splice: `walk.index_scan` walks the codes and notes where the chosen
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
from typing import NamedTuple, TypeAlias

from . import core
from .huffman import HuffmanTable, decode_tables, encode_codes
from .intervals import FileEdit, Interval, Outside, cut_bits, quads
from .layout import ScanLayout
from .model import Scan

__all__ = ["Edit", "MissingCategory", "Places", "ScanIndex"]

_Moved: TypeAlias = "tuple[array[int], array[int], array[int]]"
_AT_ONCE = 1 << 18


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


class ScanIndex(NamedTuple):
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
    drawn: array[int] | None
    """For each MCU of the scan, as the file has it, DC values of the data units that were asked
    for, if all of the scan was walked."""

    @property
    def recorded(self) -> int:
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
        return self._replace(
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
            stop, room = k, 64
            while stop < len(numbers):
                interval = self.intervals[numbers[stop]]
                size = 2 * max(interval.raw_end - interval.raw_start, interval.data_bytes)
                if interval.has_fill or room + size > _AT_ONCE:
                    break
                room += size
                stop += 1
            some = numbers[k:stop]
            ends = array("q", [0]) * len(some)
            buffer = bytearray(room) if out is None else out
            done = writer.write_all(
                self._places(some), self.places.old, new, words, buffer, ends
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
        count, runs, components = self.recorded, len(self.ranges[0]), len(self.layout.grids)
        # A DC difference takes at most 31 bits, an absolute value 16.
        words = array("I", [0]) * (len(self.words) + edit.ac_total // 32 + count + 4)
        new = (array("q", [0]) * runs, array("q", [0]) * runs)
        more = array("q", [0]) * (runs + 1)
        moved = (
            array("q", [0]) * count, array("B", [0]) * count, array("i", [0]) * count,
        )  # fmt: skip
        state = (
            encode_codes(dc_tables, 32),
            array("i", [0]) * components,
            array("B", [0]) * components,
            array("B", [0]) * (32 * len(dc_tables)),
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
        last = self.data[interval.raw_end - 1]
        if self.data.endswith(b"\xff\0", interval.raw_start, interval.raw_end):
            last = 0xFF
        elif last == 0xFF:
            return False
        return 8 * interval.data_bytes == interval.end_bit + spare and last & ones == padding

    def same_intervals(self, other: ScanIndex) -> bool:
        """Whether all intervals of ``other``, spliced from this index, are what the file holds.

        That is bit for bit up to the last byte, its padding included, without
        fill bytes or bytes behind the last block.
        """
        return self.is_plain() and core.splice.same_runs(
            self.words, self.places.new, other.words, other.places.new
        )

    def is_plain(self) -> bool:
        """Whether no touched interval has fill bytes, or bytes behind its last block."""
        return all(
            not interval.has_fill and self.ends_clean(interval)
            for interval in self.intervals
            if interval.touched
        )
