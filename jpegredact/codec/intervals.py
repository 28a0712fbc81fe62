"""The coded data of a scan's restart intervals, apart from how it is coded (ITU-T T.81 B.1.1.5).

Loads the intervals that matter into words without byte stuffing, and writes them
back with it. Knows bytes, bits and intervals; knows no codes, blocks, regions.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import InvalidJpegError
from . import core
from .layout import ScanLayout
from .model import Scan

__all__ = [
    "PAD_WORDS",
    "CodedScan",
    "FileEdit",
    "Interval",
    "Loaded",
    "Outside",
    "cut_bits",
    "data_end",
    "load_intervals",
    "quads",
    "raw_data_end",
    "raw_interval",
    "readable_intervals",
    "require_readable",
    "restart_fault",
]

FileEdit = tuple[int, int, "bytes | bytearray | memoryview"]
"""Replace ``data[start:end]`` with these bytes."""

Outside = tuple[int, "Iterable[bytes | memoryview]"]
"""What no change inside a touched interval can alter: how many bits, and the bytes of them."""

PAD_WORDS = 4
"""Zero words behind the data of each interval, so that no reader leaves the array."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A restart interval that was looked into.

    Its bits stand in the index's words from ``first_bit``; ``end_bit`` is where
    the last block ends (found by decoding), ``first_block`` and ``end_block``
    bound its recorded blocks. ``raw_start`` and ``raw_end`` are its bytes in
    the file, up to the marker behind it.

    In a *broken* one, where not all blocks can be decoded, ``end_bit`` is where
    the data ends (see `data_end`): what can't be decoded stays as it is, and
    zeros fill the last byte. Those are what readers put behind data that ends
    too early.
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


@dataclass(frozen=True)
class CodedScan:
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

    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval that was written anew as the file will hold it."""
        raise NotImplementedError

    def changes(self) -> Iterator[FileEdit]:
        """Yield what the touched intervals change in the file."""
        for interval in self.intervals:
            if interval.touched:
                yield interval.raw_start, interval.raw_end, self.interval_bytes(interval)

    def ends_clean(self, interval: Interval) -> bool:
        """Whether nothing but a padding of ones stands behind an interval's last block.

        Of zeros in a broken one, behind the data that can't be decoded.
        """
        spare = -(interval.end_bit - interval.first_bit) % 8
        last = interval.end_bit + spare
        padding = self.bits(interval.end_bit, last).hex() if spare else ""
        ones = f"{256 - (1 << (8 - spare)):02x}" if spare else ""
        return (
            interval.first_bit + 8 * interval.data_bytes == last
            and self.data[interval.raw_end - 1 : interval.raw_end] != b"\xff"
            and (padding == ones if interval.broken is None else not padding.strip("0"))
        )

    def same_intervals(self, other: CodedScan) -> bool:
        """Whether all intervals of ``other``, written anew from this scan, are what the file holds.

        That is bit for bit up to the last byte, its padding included, without
        fill bytes or bytes behind the last block.
        """
        mine = [interval for interval in self.intervals if interval.touched]
        return all(
            not a.has_fill
            and a.data_bytes == b.data_bytes
            and core.splice.same_bits(
                self.words, a.first_bit, other.words, b.first_bit, 8 * a.data_bytes
            )
            for a, b in zip(mine, other.intervals, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Loaded:
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
    require_readable(data, layout, scan, wanted)
    raw = {k: raw_interval(scan, k) for k in wanted}
    words = array("I", [0]) * sum((b - a + 3) // 4 + PAD_WORDS for a, b in raw.values())
    fours = quads(data)
    loaded = {}
    at = 0
    for k, (start, end) in raw.items():
        length, fill = core.stuffing.unstuff(
            data, fours, start, end, sys.byteorder == "little", words, at
        )
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


def data_end(words: array[int], start: int, end: int) -> int:
    """Return where data ends, not counting zero bits that may be there to fill its last byte.

    That is the same however many bits, none to seven, fill it: behind the last
    one bit (but not before bit ``start``) only whole bytes of zeros count.
    """
    first, at = start >> 5, (end + 31) >> 5
    while at > first and not any(words[max(first, at - 4096) : at]):
        at = max(first, at - 4096)
    while at > first and not words[at - 1]:
        at -= 1
    last = words[at - 1] if at > first else 0
    if at == first + 1:
        last &= 0xFFFFFFFF >> (start & 31)
    if not last:
        return end - (end - start) % 8
    return end - ((last & -last).bit_length() - 1) % 8


def raw_data_end(data: bytes, raw_start: int, raw_end: int, start: int) -> int:
    """Return what `data_end` does, of an interval as the file has it."""
    raw = data[raw_start:raw_end].rstrip(b"\xff")  # fill before the marker
    total = 8 * core.stuffing.data_length(raw)
    rest = raw.rstrip(b"\0")
    last, zeros = rest[-1:], len(raw) - len(rest)
    if last == b"\xff":
        zeros -= 1  # its stuffing
    spare = ((last[0] & -last[0]).bit_length() - 1) if last else 0
    if not last or total - 8 * zeros - spare <= start:
        return total - (total - start) % 8
    return total - spare


def raw_interval(scan: Scan, number: int) -> tuple[int, int]:
    """Return where the bytes of a restart interval begin and end, if it is readable."""
    restarts = scan.restarts
    return (
        restarts[number - 1] + 2 if number else scan.start,
        restarts[number] if number < len(restarts) else scan.end,
    )


def readable_intervals(data: bytes, layout: ScanLayout, scan: Scan, enough: int) -> int:
    """Return how many restart intervals, from the first on, every reader finds at the same place.

    That is all of them where markers are neither missing nor out of order. Where
    one is out of order, the interval in front of it may be two, or none, and how
    readers go on behind it is up to them (T.81 leaves it open). Where the data
    just ends too early, the last interval that has any is still readable. Does
    not look further than for ``enough`` intervals.
    """
    restarts = scan.restarts
    markers = min(-(-layout.mcus // layout.interval) - 1, len(restarts), enough)
    for number in range(markers):
        if data[restarts[number] + 1] & 7 != number & 7:
            return number
    return markers + 1


def require_readable(
    data: bytes, layout: ScanLayout, scan: Scan, wanted: Iterable[int]
) -> None:
    """Raise an error unless all the wanted restart intervals are readable."""
    most = max(wanted, default=-1)
    readable = readable_intervals(data, layout, scan, most + 1)
    if most >= readable:
        raise restart_fault(scan, readable)


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
