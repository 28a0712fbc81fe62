"""A small picture from DC values alone: one sample a component for each MCU.

A scan that is walked for its blocks passes all DC values; they are enough for a thumbnail,
and no second decoder need read the file. Knows blocks and samples; makes no pictures.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

from . import core
from .model import JpegData
from .scan import ScanIndex

__all__ = ["MOST_VALUES", "Sketch", "can_draw", "make_sketch"]

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
    """Whether all components are in one sequential scan without restart markers, in YCbCr or grey.

    With restart markers, most of the scan is not walked.
    """
    frame = jpeg.frame
    if (
        frame.progressive or frame.arithmetic or frame.precision != 8 or len(jpeg.scans) != 1
        or _COLOURS.get(jpeg.colour) != len(frame.components)
        or jpeg.scans[0].restart_interval or None in jpeg.quantization
    ):  # fmt: skip
        return False
    across, down = jpeg.mcu
    mcus = -(-frame.width // across) * -(-frame.height // down)
    return len(frame.components) * mcus <= MOST_VALUES


def make_sketch(index: ScanIndex, jpeg: JpegData) -> Sketch | None:
    """Return the sketch of a scan as it is: new DC values where it was written anew.

    Each sample is the mean of the last block of its component in the MCU. None if the index
    has no DC values of the whole scan.
    """
    if index.drawn is None:
        return None
    drawn = array("i", index.drawn)
    grids = index.layout.grids
    last = array("i", [grid.first + grid.down * grid.across - 1 for grid in grids])
    core.grid.draw_runs(index.ranges, index.layout.units, last, index.blocks[3], drawn)
    planes = []
    for part, grid in enumerate(grids):
        plane = bytearray(index.layout.mcus)
        table = jpeg.quantization[grid.component]
        core.grid.samples(drawn, part, len(grids), table[0] if table else 1, plane)
        planes.append(bytes(plane))
    mcu = jpeg.mcu if len(grids) > 1 else (8, 8)  # not interleaved: an MCU is a block
    return Sketch(index.layout.mcus_across, index.layout.mcus_down, tuple(planes), mcu)
