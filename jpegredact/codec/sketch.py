"""A small picture from DC values alone: one sample a component for each MCU.

A scan that is walked for its blocks passes all DC values; they are enough for a thumbnail,
and no second decoder need read the file. Knows blocks and samples; makes no pictures.
"""

from __future__ import annotations

import sys
from array import array
from typing import NamedTuple

from . import core
from .huffman import decode_tables
from .intervals import quads, raw_interval
from .layout import scan_layout
from .model import JpegData, Scan
from .scan import ScanIndex
from .walk import scan_units

__all__ = [
    "MOST_VALUES", "Sketch", "can_draw", "draw_intervals", "drawn_scan", "make_sketch",
]  # fmt: skip

MOST_VALUES = 1 << 20
"""DC values that are held for it."""
_COLOURS = {"grey": 1, "YCbCr": 3}


class Sketch(NamedTuple):
    """Samples of a picture, by component, one for each MCU in raster order."""

    across: int
    down: int
    planes: tuple[bytes, ...]
    mcu: tuple[int, int]
    """Width and height in pixels of what one sample stands for."""


def can_draw(jpeg: JpegData) -> bool:
    """Whether there is a scan to draw from: see `drawn_scan`."""
    return drawn_scan(jpeg) is not None


def drawn_scan(jpeg: JpegData) -> int | None:
    """Return the number of the one Huffman-coded scan that says all first DC values, or None.

    Of 8 bits, in YCbCr or grey. If there are restart markers, most of it is not walked for its
    blocks: see `draw_intervals`.
    """
    frame = jpeg.frame
    first = [
        number
        for number, scan in enumerate(jpeg.scans)
        if scan.spectral[0] == 0 == scan.approximation[0]
    ]
    if (
        frame.arithmetic or frame.precision != 8 or len(first) != 1
        or _COLOURS.get(jpeg.colour) != len(frame.components)
        or len(jpeg.scans[first[0]].components) != len(frame.components)
        or None in jpeg.quantization
    ):  # fmt: skip
        return None
    across, down = jpeg.mcu
    mcus = -(-frame.width // across) * -(-frame.height // down)
    return first[0] if len(frame.components) * mcus <= MOST_VALUES else None


def draw_intervals(data: bytes, jpeg: JpegData, scan: Scan) -> array[int] | None:
    """Return what `ScanIndex.drawn` would be: DC values of all MCUs, for a scan with intervals.

    None where a restart marker is missing, or something can't be decoded.
    """
    layout = scan_layout(jpeg, scan)
    if not scan.in_order == len(scan.restarts) == layout.intervals - 1:
        return None
    dc_tables, ac_tables, units = scan_units(layout, scan)
    nowhere = array("q"), array("B"), array("i"), array("i")
    cursor = core.scan.ScanCursor(
        data, quads(data), sys.byteorder == "little", units, decode_tables(dc_tables, ac_tables),
        nowhere, array("I", bytes(4 * core.scan.room(layout.units))), scan.spectral[1] + 1,
    )  # fmt: skip
    each = len(layout.grids)
    drawn = array("i", bytes(4 * each * layout.mcus))
    places = memoryview(drawn)
    for k in range(layout.intervals):
        first = k * layout.interval
        count = min(layout.interval, layout.mcus - first)
        cursor.draw(places[each * first : each * (first + count)])
        cursor.start(*raw_interval(scan, k))
        if cursor.advance(count, -1):
            return None
    return drawn


def make_sketch(
    index: ScanIndex, jpeg: JpegData, drawn: array[int] | None = None
) -> Sketch | None:
    """Return the sketch of a scan as it is: new DC values where it was written anew.

    Each sample is the mean of the last block of its component in the MCU, without the bits that
    later scans of a progressive picture refine. None if the index has no DC values of the whole
    scan, and there are none ``drawn`` as the scan was.
    """
    drawn = index.drawn if drawn is None else drawn
    if drawn is None:
        return None
    drawn = array("i", drawn)
    grids = index.layout.grids
    last = array("i", [grid.first + grid.down * grid.across - 1 for grid in grids])
    core.grid.draw_runs(index.ranges, index.layout.units, last, index.blocks[3], drawn)
    planes = []
    for part, grid in enumerate(grids):
        plane = bytearray(index.layout.mcus)
        table = jpeg.quantization[grid.component]
        step = (table[0] if table else 1) << index.scan.approximation[1]
        core.grid.samples(drawn, part, len(grids), step, plane)
        planes.append(bytes(plane))
    mcu = jpeg.mcu if len(grids) > 1 else (8, 8)  # not interleaved: an MCU is a block
    return Sketch(index.layout.mcus_across, index.layout.mcus_down, tuple(planes), mcu)
