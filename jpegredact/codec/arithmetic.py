"""Arithmetic-coded scans, sequential and progressive (ITU-T T.81 annex D, F.1.4, G.1.3).

All bits of an interval hang together, so a touched one is written anew as a whole,
decoder and encoder in step. Its end is that of T.81 D.1.8, final zeros discarded.
Knows bits, blocks and restart intervals; knows no regions, diffs, files.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidJpegError
from . import core
from .blocks import BlockStore
from .intervals import PAD_WORDS, CodedScan, Interval, load_intervals
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan
from .progressive import Outside, Raw, Tables, Targets

__all__ = ["ArithmeticScan"]

_FAULTS = {
    core.arithmetic.BAD_RUN: ("a run of coefficients leaves its band", "jpeg.bad-run"),
    core.arithmetic.BAD_VALUE: ("a coefficient has too many bits", "jpeg.bad-value"),
}


@dataclass(frozen=True)
class ArithmeticScan(CodedScan):
    """Some restart intervals of an arithmetic-coded scan.

    An interval's ``first_block`` is its first MCU, ``end_block`` the one behind its last.
    """

    @classmethod
    def read(
        cls,
        data: bytes,
        jpeg: JpegData,
        scan: Scan,
        store: BlockStore,
        history: array[int],
        walked: Mapping[int, int],
    ) -> ArithmeticScan:
        """Read the intervals ``walked`` (each with its last touched MCU, or less than 0).

        Sets what the scan says of all recorded blocks there; ``history`` (empty where
        nothing is refined) is kept up to date.
        """
        layout = scan_layout(jpeg, scan)
        words, loaded = load_intervals(data, layout, scan, walked)
        intervals = []
        for k, raw in loaded.items():
            begin = k * layout.interval
            intervals.append(
                Interval(
                    raw.raw_start, raw.raw_end, raw.at * 32, raw.at * 32 + 8 * raw.data_bytes,
                    begin, min(begin + layout.interval, layout.mcus), walked[k] >= 0,
                    raw.data_bytes, raw.has_fill,
                )
            )  # fmt: skip
        found = cls(data, scan, layout, words, tuple(intervals))
        coder = found._coder(store, store.coefficients, history)
        for interval in intervals:
            found._pass(coder, interval, None)
        return found

    def _coder(self, store: BlockStore, coefficients: array[int], history: array[int]) -> Any:
        units, parts = _shape(self.layout, self.scan, store)
        conditioning = tuple(array("B", table) for table in self.scan.conditioning)
        return core.arithmetic.Transcoder(
            self.words, units, parts, conditioning,
            (*self.scan.spectral, *self.scan.approximation), self.layout.mcus_across,
            (store.slots, store.touched, coefficients, history),
        )  # fmt: skip

    def _pass(self, coder: Any, interval: Interval, targets: Targets | None) -> bytes:
        """Decode an interval; with ``targets`` return it with the touched blocks put in."""
        nothing = array("h")
        new, state = (targets.coefficients, targets.state) if targets else (nothing, nothing)
        start = interval.first_bit >> 3
        coder.start(interval.first_block, start, start + interval.data_bytes)
        out = []
        left = interval.end_block - interval.first_block
        while left:
            done, status = coder.run(left, targets is not None, new, state)
            if status:
                message, code = _FAULTS[status]
                raise InvalidJpegError(message, code=code, offset=interval.raw_start)
            left -= done
            out.append(coder.take())
        out.append(coder.finish() if targets else b"")
        return b"".join(out)

    def rewrite(
        self, store: BlockStore, targets: Targets, tables: Tables, raw: Raw
    ) -> ArithmeticScan:
        """Write the touched intervals anew; pass the others, for the history's sake."""
        coder = self._coder(store, targets.scratch, targets.history)
        words = array("I")
        intervals = []
        for interval in self.intervals:
            if not interval.touched:
                self._pass(coder, interval, None)
                continue
            data = self._pass(coder, interval, targets)
            at = 32 * len(words)
            words.frombytes(data + bytes(-len(data) % 4 + 4 * PAD_WORDS))
            intervals.append(
                replace(interval, first_bit=at, end_bit=at + 8 * len(data), data_bytes=len(data))
            )
        if sys.byteorder == "little":
            words.byteswap()
        return replace(self, words=words, intervals=tuple(intervals))

    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval as the file will hold it."""
        return self.stuffed(interval, 0)

    def outside(self, store: BlockStore) -> list[Outside]:
        """Return the touched intervals of a scan that was written with zeros in the touched
        blocks.
        """
        words = array("I", self.words)
        if sys.byteorder == "little":
            words.byteswap()
        data = memoryview(words).cast("B")
        return [
            (i.end_bit - i.first_bit, data[i.first_bit >> 3 : i.end_bit >> 3])
            for i in self.intervals
            if i.touched
        ]


def _shape(
    layout: ScanLayout, scan: Scan, store: BlockStore
) -> tuple[tuple[array[int], ...], tuple[array[int], ...]]:
    """Return the data units of an MCU and the parts of the scan as `Transcoder` wants them."""
    units = (array("B"), array("B"), array("B"))
    parts = tuple(array("q") for _ in range(6))
    for k, (grid, used) in enumerate(zip(layout.grids, scan.components, strict=True)):
        for row in range(grid.down):
            for column in range(grid.across):
                for values, value in zip(units, (k, row, column), strict=True):
                    values.append(value)
        stride = store.grid(grid.component).padded_columns
        numbers = (
            grid.down, grid.across, stride, store.bases[grid.component],
            used.dc_slot, used.ac_slot,
        )  # fmt: skip
        for values, value in zip(parts, numbers, strict=True):
            values.append(value)
    return units, parts
