"""The recorded blocks of a picture, apart from the scans that code them.

Where a block's coefficients are spread over several scans, or coded with a state
that remembers, positions in the coded data say too little: so the blocks that
matter, the touched ones and those around them, are kept here with all their
coefficients. Knows blocks; knows no bits, regions, files.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from . import core
from .layout import ComponentGrid

__all__ = ["BlockStore", "Ranges", "make_store"]

Ranges = tuple["array[int]", "array[int]", "array[int]"]
"""Runs of recorded blocks in raster order: first block, end block, first slot."""


class BlockStore(NamedTuple):
    """Recorded blocks, each in a *slot*; those of one component follow each other.

    Blocks are numbered in raster order of a component's padded grid; where one array
    runs over all components, a component's numbers begin at its base.
    """

    grids: tuple[ComponentGrid | None, ...]
    """By component of the frame; None where no scan codes it."""
    bases: tuple[int, ...]
    ranges: tuple[Ranges, ...]
    """By component."""
    bounds: tuple[int, ...]
    """By component its first slot, and at the end the number of slots."""
    slots: array[int]
    """For every block of the picture its slot, or -1."""
    rasters: array[int]
    """For every slot its block's number in the component."""
    touched: array[int]
    """1 for each slot whose block will be replaced."""
    coefficients: array[int]
    """64 a slot, in zigzag order, DC absolute."""

    @property
    def recorded(self) -> int:
        """How many blocks are recorded."""
        return len(self.touched)

    def grid(self, component: int) -> ComponentGrid:
        """Return the grid of a component that some scan codes."""
        grid = self.grids[component]
        assert grid is not None  # noqa: S101 - a scan codes it
        return grid

    def has(self, component: int) -> bool:
        """Whether blocks of a component are recorded."""
        return self.bounds[component] < self.bounds[component + 1]

    def slots_of(self, component: int) -> memoryview:
        """Return the slots of a component's blocks."""
        grid = self.grid(component)
        base = self.bases[component]
        return memoryview(self.slots)[base : base + grid.padded_rows * grid.padded_columns]

    def of(self, component: int, values: array[int]) -> memoryview:
        """Return a component's part of an array over slots."""
        return memoryview(values)[self.bounds[component] : self.bounds[component + 1]]

    def dc(self) -> array[int]:
        """Return the DC value of each slot."""
        return array("i", self.coefficients[::64])


def make_store(
    grids: Sequence[ComponentGrid | None], marks: Sequence[bytearray | None]
) -> BlockStore:
    """Make room for the blocks that have a mark, by component."""
    bases, bounds, ranges = [], [0], []
    total = 0
    for grid in grids:
        bases.append(total)
        total += grid.padded_rows * grid.padded_columns if grid else 0
    slots = array("i", [-1]) * total
    rasters = array("i")
    for grid, base, marked in zip(grids, bases, marks, strict=True):
        found: Ranges = (array("q"), array("q"), array("q"))
        stop = 0
        while grid is not None and marked is not None:
            begin, stop = core.grid.next_run(marked, stop)
            if begin == stop:
                break
            found[0].append(begin)
            found[1].append(stop)
            found[2].append(len(rasters))
            count = len(rasters)
            slots[base + begin : base + stop] = array("i", range(count, count + stop - begin))
            rasters.extend(range(begin, stop))
        ranges.append(found)
        bounds.append(len(rasters))
    count = len(rasters)
    return BlockStore(
        tuple(grids), tuple(bases), tuple(ranges), tuple(bounds), slots, rasters,
        array("B", [0]) * count, array("h", [0]) * (64 * count),
    )  # fmt: skip
