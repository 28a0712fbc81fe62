"""A small picture from DC values alone: for each MCU one sample a component, or all of the first's.

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
from .model import JpegData
from .scan import ScanIndex
from .walk import scan_units

__all__ = ["MOST_VALUES", "Drawing", "Plane", "Sketch", "draw_intervals", "drawing", "make_sketch"]

MOST_VALUES = 1 << 20
"""DC values that are held for it."""
_COLOURS = {"grey": 1, "YCbCr": 3}


class Drawing(NamedTuple):
    """What of a picture is to be drawn."""

    scan: int
    """Number of the scan that says the DC values."""
    units: array[int]
    """1 for each data unit of an MCU whose value is wanted, else 0: of a component the last one, or
    all."""

    def of(self, scan: int) -> array[int] | None:
        """Return what a scan's walk is to draw: nothing, if it is another one."""
        return self.units if scan == self.scan else None


class Plane(NamedTuple):
    """Samples of a component, in raster order."""

    across: int
    down: int
    samples: bytes


class Sketch(NamedTuple):
    """A picture, very small."""

    planes: tuple[Plane, ...]
    """By component; the others may be smaller than the first one."""
    block: tuple[float, float]
    """Width and height in pixels of what one sample of the first component stands for."""


def drawing(jpeg: JpegData, fine: bool) -> Drawing | None:
    """Return how to draw a picture, or None where it can't be.

    A sample of each component for every MCU; if ``fine``, for every block of the first one. There
    must be one Huffman-coded scan that says all first DC values, of 8 bits, in YCbCr or grey. If
    it has restart markers, most of it is not walked for its blocks: see `draw_intervals`.
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
    layout = scan_layout(jpeg, jpeg.scans[first[0]])
    units = array("B", [0]) * layout.units
    for part, grid in enumerate(layout.grids):
        count = grid.down * grid.across
        units[grid.first + count - 1] = 1
        if fine and part == 0:
            units[grid.first : grid.first + count] = array("B", b"\1" * count)
    return Drawing(first[0], units) if sum(units) * layout.mcus <= MOST_VALUES else None


def draw_intervals(data: bytes, jpeg: JpegData, draw: Drawing) -> array[int] | None:
    """Return what `ScanIndex.drawn` would be: DC values of all MCUs, for a scan with intervals.

    None where a restart marker is missing, or something can't be decoded; one may stand at the end.
    """
    scan = jpeg.scans[draw.scan]
    layout = scan_layout(jpeg, scan)
    if not scan.in_order == len(scan.restarts) <= layout.intervals <= len(scan.restarts) + 1:
        return None
    dc_tables, ac_tables, units = scan_units(layout, scan)
    nowhere = array("q"), array("B"), array("i"), array("i")
    cursor = core.scan.ScanCursor(
        data, quads(data), sys.byteorder == "little", units, decode_tables(dc_tables, ac_tables),
        nowhere, array("I", [0]) * core.scan.room(layout.units), scan.spectral[1] + 1,
    )  # fmt: skip
    each = sum(draw.units)
    drawn = array("i", [0]) * (each * layout.mcus)
    places = memoryview(drawn)
    for k in range(layout.intervals):
        first = k * layout.interval
        count = min(layout.interval, layout.mcus - first)
        cursor.draw(places[each * first : each * (first + count)], draw.units)
        cursor.start(*raw_interval(scan, k))
        if cursor.advance(count, -1):
            return None
    return drawn


def make_sketch(
    index: ScanIndex, jpeg: JpegData, draw: Drawing, drawn: array[int] | None = None
) -> Sketch | None:
    """Return the sketch of a scan as it is: new DC values where it was written anew.

    Samples are what blocks are on average, without the bits that later scans of a progressive
    picture refine. None if the index has no DC values of the whole
    scan, and there are none ``drawn`` as the scan was.
    """
    drawn = index.drawn if drawn is None else drawn
    if drawn is None:
        return None
    drawn = array("i", drawn)
    layout = index.layout
    wanted = array("i", [unit for unit, flag in enumerate(draw.units) if flag])
    core.grid.draw_runs(index.ranges, layout.units, wanted, index.blocks[3], drawn)
    planes = []
    shapes = []
    first = 0
    for grid in layout.grids:
        count = sum(draw.units[grid.first : grid.first + grid.down * grid.across])
        shapes.append((grid.down, grid.across) if count > 1 else (1, 1))
        down, across = shapes[-1]
        table = jpeg.quantization[grid.component]
        step = (table[0] if table else 1) << index.scan.approximation[1]
        plane = bytearray(layout.mcus * count)
        core.grid.samples(
            drawn, (len(wanted), first, down, across), layout.mcus_across, step, plane
        )
        planes.append(Plane(layout.mcus_across * across, layout.mcus_down * down, bytes(plane)))
        first += count
    mcu = jpeg.mcu if len(shapes) > 1 else (8, 8)  # not interleaved: an MCU is a block
    return Sketch(tuple(planes), (mcu[0] / shapes[0][1], mcu[1] / shapes[0][0]))
