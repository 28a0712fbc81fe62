"""Arithmetic-coded scans, sequential and progressive (ITU-T T.81 annex D, F.1.4, G.1.3).

All bits of an interval hang together, so a touched one is written anew as a whole,
decoder and encoder in step. Its end is that of T.81 D.1.8, final zeros discarded.
Knows bits, blocks and restart intervals; knows no regions, diffs, files.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidJpegError
from . import core
from .blocks import BlockStore
from .huffman import Tables
from .intervals import PAD_WORDS, CodedScan, Interval, Outside, Raw, load_intervals
from .layout import ScanLayout, scan_layout
from .model import JpegData, Scan
from .progressive import Targets

__all__ = ["ArithmeticScan"]

_FAULTS = {
    core.arithread.BAD_RUN: ("a run of coefficients leaves its band", "jpeg.bad-run"),
    core.arithread.BAD_VALUE: ("a coefficient has too many bits", "jpeg.bad-value"),
}
_CHUNK = 256  # MCUs that are read, and then written

# T.81 table D.3: Qe, next index behind the less probable symbol (128 more: the sense
# of the more probable one switches), next index behind the more probable one. The last
# entry is the fixed estimate of one half, which never changes.
_TABLE = bytes.fromhex(
    "5a1d810125860e0211141003080b120403d8140501da170600e51907006f1c0800361e09001a210a"
    "000d230b0006090c00030a0d00010c0d5a7f8f0f3f2524102cf22611207c271217b9281311822a14"
    "0cef2b1509a12d16072f2e17055c3018040631190303331a0240341b01b1361c0144381d00f5391e"
    "00b73b1f008a3c2000683e21004e3f22003b2023002c21095ae1a525484c40263a0d41272ef14328"
    "261f44291f33452a19a8462b1518482c1177492d0e744a2e0bfb4b2f09f84d3008614e3107064f32"
    "05cd303304de3234040f32350363333602d43437025c353801f8363901a4373a0160383b0125393c"
    "00f63a3d00cb3b3e00ab3d3f008f3d205b12c1414d045042412c514337d852442fe85345293c5446"
    "237956471edf57481aa95749174e484a1424484b119c4a4c0f6b4a4d0d514b4e0bb64d4f0a404d30"
    "5832d0514d1c5852438e59533bdd5a5434ee5b552eae5c56299a5d57251656475570d8594ca95f5a"
    "44d9605b3e22615c3824635d32b4635e2e175d5656a8df604f46656147e5666241cf67633c3d6864"
    "375e635d523169664c0f6a6746396b68415e67635627e96a50e76c6b4b856d6755976e6d504f6f6b"
    "5a10ee6f5522706d59ebf06f5a1d7171"
)
_ESTIMATES = array("I", (int.from_bytes(_TABLE[at : at + 4]) for at in range(0, 4 * 114, 4)))


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
        reader = found._reader(store, store.coefficients, history)
        for number, (k, interval) in enumerate(zip(loaded, intervals, strict=True)):
            for _ in found._blocks(reader, interval):
                pass
            # Final zeros need not be there; so data ends too early only where the file does.
            if interval.raw_end == len(data) and reader.beyond >= 0:
                if reader.beyond <= walked[k]:
                    raise InvalidJpegError(
                        "the coded data ends before the last touched block",
                        code="jpeg.truncated",
                        offset=interval.raw_end,
                    )
                intervals[number] = interval._replace(broken=interval.raw_end)
        return replace(found, intervals=tuple(intervals))

    def _reader(self, store: BlockStore, coefficients: array[int], history: array[int]) -> Any:
        units, parts = _shape(self.layout, self.scan, store)
        return core.arithread.ArithmeticReader(
            self.words, _ESTIMATES, units, parts, self._conditioning,
            (*self.scan.spectral, *self.scan.approximation), self.layout.mcus_across,
            (store.slots, coefficients, history),
        )  # fmt: skip

    @property
    def _conditioning(self) -> tuple[array[int], array[int]]:
        dc, ac = self.scan.conditioning
        return array("B", dc), array("B", ac)

    def _blocks(
        self, reader: Any, interval: Interval
    ) -> Iterator[tuple[int, array[int], array[int], array[int]]]:
        """Decode an interval; yield some data units at a time.

        That is how many, 64 numbers each, which is the last of them, and their slots.
        """
        start = interval.first_bit >> 3
        reader.start(interval.first_block, start, start + interval.data_bytes)
        room = _CHUNK * self.layout.units
        nothing = bytes(128 * room)
        lasts, slots = array("B", [0]) * room, array("i", [0]) * room
        for mcu in range(interval.first_block, interval.end_block, _CHUNK):
            mcus = min(_CHUNK, interval.end_block - mcu)
            blocks = array("h", nothing)
            status = reader.run(mcus, blocks, lasts, slots)
            if status and reader.beyond >= 0:
                raise InvalidJpegError(
                    "the coded data ends before the last block", code="jpeg.truncated",
                    offset=interval.raw_end,
                )  # fmt: skip
            if status:
                message, code = _FAULTS[status]
                raise InvalidJpegError(message, code=code, offset=interval.raw_start)
            yield mcus * self.layout.units, blocks, lasts, slots

    def rewrite(
        self, store: BlockStore, targets: Targets, tables: Tables, raw: Raw
    ) -> ArithmeticScan:
        """Write the touched intervals anew; pass the others, for the history's sake."""
        reader = self._reader(store, targets.scratch, targets.history)
        units, parts = _shape(self.layout, self.scan, store)
        writer = core.arithwrite.ArithmeticWriter(
            _ESTIMATES, units[0], parts[4:], self._conditioning,
            (*self.scan.spectral, *self.scan.approximation), store.touched,
            targets.coefficients, targets.state,
        )  # fmt: skip
        old = memoryview(self._bytes())
        words = array("I")
        intervals = []
        for interval in self.intervals:
            out = []
            writer.start()
            for count, *read in self._blocks(reader, interval):
                done = 0
                while interval.touched and done < count:
                    done = writer.run(done, count, *read)
                    out.append(writer.take())
            if interval.touched:
                data = b"".join([*out, writer.finish()])
                if interval.raw_end == len(self.data):  # may be cut short; here it is not
                    data += bytes(4)
                else:
                    data = data.rstrip(b"\0")  # T.81 figure D.15
            else:  # the next rewrite needs it, for the history's sake
                data = bytes(old[interval.first_bit >> 3 :][: interval.data_bytes])
            at = 32 * len(words)
            words.frombytes(data + bytes(-len(data) % 4 + 4 * PAD_WORDS))
            intervals.append(
                interval._replace(
                    first_bit=at, end_bit=at + 8 * len(data), data_bytes=len(data)
                )
            )
        if sys.byteorder == "little":
            words.byteswap()
        return replace(self, words=words, intervals=tuple(intervals))

    def _bytes(self) -> bytes:
        words = array("I", self.words)
        if sys.byteorder == "little":
            words.byteswap()
        return words.tobytes()

    def interval_bytes(self, interval: Interval) -> bytes | bytearray:
        """Return an interval as the file will hold it."""
        return self.stuffed(interval, 0)

    def outside(self, store: BlockStore) -> list[Outside]:
        """Return the touched intervals of a scan that was written with zeros in the touched
        blocks.
        """
        data = memoryview(self._bytes())
        return [
            (i.end_bit - i.first_bit, [data[i.first_bit >> 3 : i.end_bit >> 3]])
            for i in self.intervals
            if i.touched
        ]


def _shape(
    layout: ScanLayout, scan: Scan, store: BlockStore
) -> tuple[tuple[array[int], ...], tuple[array[int], ...]]:
    """Return the data units of an MCU and the parts of the scan, for `ArithmeticReader`."""
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
