"""The coded data of a scan's restart intervals, apart from how it is coded (ITU-T T.81 B.1.1.5).

Loads the intervals that matter into words without byte stuffing, and writes them
back with it. Knows bytes, bits and intervals; knows no codes, blocks, regions.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from ..errors import InvalidJpegError
from . import core
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan

__all__ = [
    "PAD_WORDS",
    "CodedScan",
    "FileEdit",
    "Interval",
    "Loaded",
    "Outside",
    "Raw",
    "cut_bits",
    "last_one",
    "load_intervals",
    "quads",
    "raw_interval",
    "readable_intervals",
    "require_readable",
    "restart_fault",
    "restart_faults",
    "strays",
    "tail",
    "torn",
]

FileEdit = tuple[int, int, "bytes | bytearray | memoryview"]
"""Replace ``data[start:end]`` with these bytes."""

Raw: TypeAlias = "Mapping[int, tuple[int, bytes]]"
"""Stretches that stand in the file as they are: number -> bits, and the bytes of them."""

Outside = tuple[int, "Iterable[bytes | memoryview]"]
"""What no change inside a touched interval can alter: how many bits, and the bytes of them."""

_MARKER = re.compile(rb"\xff[^\x00\xff]")
PAD_WORDS = 4
"""Zero words behind the data of each interval, so that no reader leaves the array."""


class Interval(NamedTuple):
    """A restart interval that was looked into.

    Its bits stand in the index's words from ``first_bit``; ``end_bit`` is where
    the last block ends (found by decoding), ``first_block`` and ``end_block``
    bound its recorded blocks. ``raw_start`` and ``raw_end`` are its bytes in
    the file, up to the marker behind it.

    In a *broken* one not all blocks can be decoded, and what can't be stays as it is
    (see `tail`).
    """

    raw_start: int
    raw_end: int
    first_bit: int
    end_bit: int
    first_block: int
    end_block: int
    touched: bool
    data_bytes: int
    """How many bytes of data there are, stuffing and fill left out; those behind the last
    block count too."""
    has_fill: bool
    """Whether fill bytes (0xFF before 0xFF) stand in it."""
    broken: int | None = None
    """Where in the file its first block begins that can't be decoded, if there is one."""
    lost: range = range(0)
    """The MCUs of the scan, to its end, that are not decoded because of that."""
    slack: int = 7
    """How many zero bits may follow at most, for readers to see the same block lack data."""
    ones: bool = True
    """Whether ones fill the last byte, not zeros."""

    def require_room(self, end: int) -> None:
        """Raise an error if a broken interval can't end at this bit: too many zeros would follow.

        Raises
        ------
        InvalidJpegError
        """
        if not self.ones and -end % 8 > self.slack:
            raise torn(self.broken)


@dataclass(frozen=True)
class CodedScan(ABC):
    """A scan, some of whose restart intervals were looked into."""

    data: bytes
    """The file that the bytes of each interval's untouched beginning are copied from."""
    scan: Scan
    layout: ScanLayout
    words: array[int]
    intervals: tuple[Interval, ...]

    def bits(self, start: int, end: int) -> bytes:
        """Return some bits, with zeros behind them up to a whole byte."""
        return cut_bits(self.words, start, end)

    def stuffed(self, interval: Interval, kept: int) -> bytes | bytearray:
        """Return an interval that was written anew as the file will hold it.

        That is with stuffing, but for the bytes that its first ``kept`` bits fill,
        which stay as the file has them (fill bytes and all).
        """
        count = interval.data_bytes
        out, end = bytearray(), -1
        # One data byte in 256 is 0xFF, more or less; where not, there is room for all.
        for room in (count + count // 16 + 64, 2 * count + 64):
            out = bytearray(room)
            end = core.stuffing.stuff(self.words, interval.first_bit >> 5, count, out)
            if end >= 0:
                break
        del out[end:]
        if not interval.has_fill:
            return out
        raw = self.data[interval.raw_start : interval.raw_end]
        return raw[: core.stuffing.stuffed_length(raw, 0, len(raw), kept >> 3)] + bytes(
            out[core.stuffing.stuffed_length(out, 0, end, kept >> 3) :]
        )

    @abstractmethod
    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval that was written anew as the file will hold it."""

    def changes(self) -> Iterator[FileEdit]:
        """Yield what the touched intervals change in the file."""
        for interval in self.intervals:
            if interval.touched:
                yield interval.raw_start, interval.raw_end, self.interval_bytes(interval)

    def ends_clean(self, interval: Interval) -> bool:
        """Whether nothing but a padding of ones stands behind an interval's last block, or what
        `Interval` says of a broken one.
        """
        spare = -(interval.end_bit - interval.first_bit) % 8
        last = interval.end_bit + spare
        padding = self.bits(interval.end_bit, last).hex() if spare else ""
        ones = f"{256 - (1 << (8 - spare)):02x}" if spare else ""
        return (
            interval.first_bit + 8 * interval.data_bytes == last
            and self.data[interval.raw_end - 1 : interval.raw_end] != b"\xff"
            and (padding == ones if interval.ones else not padding.strip("0"))
        )

    def same_intervals(self, other: CodedScan) -> bool:
        """Whether all intervals of ``other``, written anew from this scan, are what the file holds.

        That is bit for bit up to the last byte, its padding included, without
        fill bytes or bytes behind the last block.
        """
        mine = [interval for interval in self.intervals if interval.touched]
        theirs = [interval for interval in other.intervals if interval.touched]
        return all(
            not a.has_fill
            and a.data_bytes == b.data_bytes
            and core.splice.same_bits(
                self.words, a.first_bit, other.words, b.first_bit, 8 * a.data_bytes
            )
            for a, b in zip(mine, theirs, strict=True)
        )


class Loaded(NamedTuple):
    """Where an interval's bytes stand in the file, and its data in the words (from word ``at``)."""

    raw_start: int
    raw_end: int
    at: int
    data_bytes: int
    has_fill: bool


def load_intervals(
    data: bytes, layout: ScanLayout, scan: Scan, wanted: Iterable[int]
) -> tuple[array[int], dict[int, Loaded]]:
    """Return the data of the wanted restart intervals without stuffing, each padded with zeros.

    Raises
    ------
    InvalidJpegError
        One of them lies behind a restart marker that is missing or out of order.
    """
    wanted = list(wanted)
    require_readable(layout, scan, wanted)
    raw = {k: raw_interval(scan, k) for k in wanted}
    words = array("I", [0]) * sum((b - a + 3) // 4 + PAD_WORDS for a, b in raw.values())
    source = core.scan.Unstuffer(data, quads(data), sys.byteorder == "little")
    loaded = {}
    at = 0
    for k, (start, end) in raw.items():
        length, fill = source.load(start, end, words, at)
        loaded[k] = Loaded(start, end, at, length, fill > 0)
        at += (end - start + 3) // 4 + PAD_WORDS
    return words, loaded


def quads(data: bytes) -> memoryview:
    """Return bytes four at a time, as far as they go, in the machine's order."""
    return memoryview(data)[: len(data) & -4].cast("I")


def cut_bits(words: array[int], start: int, end: int) -> bytes:
    """Return some bits, with zeros behind them up to a whole byte."""
    out = array("I", [0]) * ((end - start) // 32 + 2)
    writer = core.splice.BitWriter(out)
    writer.copy(words, start, end)
    count = writer.finish(False)
    if sys.byteorder == "little":
        out.byteswap()
    return out.tobytes()[:count]


def torn(offset: int | None) -> InvalidJpegError:
    """Return the error for damaged data whose end would mean something else if it moved."""
    return InvalidJpegError(
        "damaged data ends in the middle of a block; readers would see another one broken, or "
        "none, if the data moved by some bits",
        code="jpeg.torn",
        offset=offset,
    )


def tail(
    data: bytes, raw_start: int, raw_end: int, base: int, exact: bool, zeros: bool
) -> tuple[int, bool]:
    """Return where a broken interval's data ends, and whether ones are to fill the last byte.

    The same for all states of a file, though each has another number of bits in that
    byte; not before bit ``base``. Where data just lacks, readers put zeros behind it, so
    zeros have to fill the byte (``zeros``). Of those that are there up to seven may be
    filling; or, if it is the number of whole blocks that matters (``exact``), all behind
    bit ``base``, where the last whole block ends, and behind the last one bit. Else up to
    seven of those bits, zeros or ones, that the data ends with may be filling.
    """
    end = last_one(data, raw_start, raw_end)
    if exact:
        return max(base, end), False
    total = 8 * core.stuffing.data_length(data[raw_start:raw_end])
    if zeros:
        return total - (total - max(base, end)) % 8, False
    ones = end == total > 0
    if ones:
        at = raw_start + len(data[raw_start:raw_end].rstrip(b"\xff"))  # fill before the marker
        while data[at - 2 : at] == b"\xff\0" and at > raw_start:
            at, end = at - 2, end - 8
        last = data[at - 1] if at > raw_start else 0
        end -= ((last + 1) & -(last + 1)).bit_length() - 1
    same = total - max(base, end)
    return total - max(same - 1, 0) % 8, ones  # the first of them stays: it tells which they are


def last_one(data: bytes, raw_start: int, raw_end: int) -> int:
    """Return where the last one bit of an interval's data ends, 0 if there is none."""
    raw = data[raw_start:raw_end].rstrip(b"\xff")  # fill before the marker
    rest = raw.rstrip(b"\0")
    if rest.endswith(b"\xff"):
        rest += b"\0"  # its stuffing
    if not rest:
        return 0
    last = 0xFF if rest.endswith(b"\xff\0") else rest[-1]
    return 8 * core.stuffing.data_length(rest) - (last & -last).bit_length() + 1


def strays(data: bytes, jpeg: JpegData, scan: Scan) -> list[tuple[int, int]]:
    """Return the bytes behind a scan that no decoder takes for its data, but for fill bytes.

    Behind restart markers that follow the last MCU, and behind other markers that have
    no length, up to the next segment. None where the scan lacks restart markers.
    """
    layout = scan_layout(jpeg, scan)
    count = layout.intervals
    if readable_intervals(layout, scan) < count:
        return []
    start, end = raw_interval(scan, count - 1)
    if start == end and not jpeg.frame.arithmetic:
        return []  # a marker too many before the last interval? Huffman codes take some bits
    behind = [segment.offset for segment in jpeg.segments if segment.offset >= scan.end]
    next_one = behind[0] if behind else jpeg.length if jpeg.eoi is None else jpeg.eoi
    marks = [
        *scan.restarts[count - 1 :],
        *(found.start() for found in _MARKER.finditer(data, scan.end, next_one)),
    ]
    return [
        (mark + 2, end)
        for mark, end in pairwise([*marks, next_one])
        if data[mark + 2 : end].strip(b"\xff")
    ]


def raw_interval(scan: Scan, number: int) -> tuple[int, int]:
    """Return where the bytes of a restart interval begin and end, if it is readable."""
    restarts = scan.restarts
    return (
        restarts[number - 1] + 2 if number else scan.start,
        restarts[number] if number < len(restarts) else scan.end,
    )


def readable_intervals(layout: ScanLayout, scan: Scan) -> int:
    """Return how many restart intervals, from the first on, every reader finds at the same place.

    That is all of them where markers are neither missing nor out of order. Where
    one is out of order, the interval in front of it may be two, or none, and how
    readers go on behind it is up to them (T.81 leaves it open). Where the data
    just ends too early, the last interval that has any is still readable.
    """
    markers = min(layout.intervals - 1, len(scan.restarts))
    return scan.in_order if scan.in_order < markers else markers + 1


def require_readable(layout: ScanLayout, scan: Scan, wanted: Iterable[int]) -> None:
    """Raise an error unless all the wanted restart intervals are readable."""
    most = max(wanted, default=-1)
    readable = readable_intervals(layout, scan)
    if most >= readable:
        raise restart_fault(scan, readable)


def restart_faults(jpeg: JpegData) -> list[int]:
    """Return, for each scan that lacks restart markers or has some out of order, where."""
    found = []
    for scan in jpeg.scans:
        layout = scan_layout(jpeg, scan)
        count = layout.intervals
        readable = readable_intervals(layout, scan)
        if readable < count:
            found.append(restart_fault(scan, readable).offset or 0)
    return found


def restart_fault(scan: Scan, readable: int) -> InvalidJpegError:
    """Return the error that says why there are no more readable intervals than these."""
    if readable < len(scan.restarts) + 1:
        return InvalidJpegError(
            "restart markers out of order",
            code="jpeg.restart-order",
            offset=scan.restarts[readable],
        )
    return InvalidJpegError(
        f"no restart marker behind the first {readable - 1}",
        code="jpeg.restart-missing",
        offset=scan.end,
    )
