"""Blocks all over a picture, by which a whole diff tells that it was compressed anew.

What lies around a group tells of its own part of the picture alone. Where compressing anew
changed next to nothing, it is seen elsewhere, if at all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..codec.layout import ComponentGrid, ScanLayout
from ..codec.model import Frame, JpegData
from .plan import Cover, Plan

__all__ = ["Sample", "cheap_rows", "make_sample"]

_BLOCKS = 3072
"""So many at most; of smaller pictures, all."""
_STRIPS = 8


class Sample(NamedTuple):
    """Where the blocks are: strips of MCUs, less the blocks of all groups.

    Attributes
    ----------
    rows
        Rows of MCUs that the strips are spread over, from the first one on.
    covers
        By component the real blocks of each strip that lie in no group, as one group; from top to
        bottom.
    """

    rows: int
    covers: tuple[tuple[Cover, ...], ...]

    def mark(self, layout: ScanLayout, marks: bytearray) -> None:
        """Mark with 1 the MCUs of a scan that hold the blocks, unless they have a mark."""
        for grid in layout.grids:
            self.mark_blocks(grid, layout.mcus_across, marks)

    def mark_blocks(self, grid: ComponentGrid, mcus_across: int, marks: bytearray) -> None:
        """Mark those of one component; ``grid`` is how the scan codes it."""
        for cover in self.covers[grid.component]:
            left = cover.column // grid.across
            right = -(-(cover.column + cover.columns) // grid.across)
            for row in range(
                cover.row // grid.down, -(-(cover.row + cover.rows) // grid.down)
            ):
                at = slice(row * mcus_across + left, row * mcus_across + right)
                marks[at] = marks[at].replace(b"\0", b"\1")

    def plan(self, grids: tuple[ComponentGrid | None, ...]) -> Plan:
        """Return a plan of its blocks as one group."""
        return Plan(grids, tuple(_joined(covers) for covers in self.covers), ((),), 0)


def make_sample(jpeg: JpegData, plan: Plan, rows: int) -> Sample:
    """Choose blocks; the same ones for all codings of a picture's coefficients."""
    factors = _factors(jpeg.frame)
    down, across = _mcus(jpeg.frame)
    rows = min(rows, down)
    most = max(_BLOCKS // sum(v * h for v, h in factors), 1)
    strips = [(0, rows, 0, across)]
    if rows * across > most:
        count = min(rows, _STRIPS)
        length = min(max(most // count, 1), across)
        strips = []
        for k in range(count):
            row = (2 * k + 1) * rows // (2 * count)
            left = k * 5 % count * (across - length) // count
            strips.append((row, row + 1, left, left + length))
    covers = [
        () if grid is None or groups is None
        else tuple(_covers(strips, grid, part, groups))
        for grid, groups, part in zip(plan.grids, plan.covers, factors, strict=True)
    ]  # fmt: skip
    return Sample(rows, tuple(covers))


def cheap_rows(jpeg: JpegData, plan: Plan) -> int:
    """Return how many rows of MCUs a rewrite sees nearly for nothing.

    Of pictures whose scans share their blocks, all that are decoded up to the last touched one.
    """
    down, _ = _mcus(jpeg.frame)
    if not jpeg.frame.progressive and not jpeg.frame.arithmetic:
        return down
    if any(scan.restarts for scan in jpeg.scans):
        return 0
    factors = _factors(jpeg.frame)
    for cover, (v, _) in zip(plan.covers, factors, strict=True):
        if cover is not None:
            down = min(down, (cover.row + cover.rows - 1) // v)
    return down


def _mcus(frame: Frame) -> tuple[int, int]:
    """Return how many MCUs a scan of all components has down and across."""
    factors = _factors(frame)
    high, wide = (max(part[k] for part in factors) for k in (0, 1))
    return -(-frame.height // (8 * high)), -(-frame.width // (8 * wide))


def _factors(frame: Frame) -> list[tuple[int, int]]:
    """Return the sampling factors; 1 × 1 where they mean nothing (T.81 A.2.2)."""
    if len(frame.components) == 1:
        return [(1, 1)]
    return [(part.vertical, part.horizontal) for part in frame.components]


def _covers(
    strips: Iterable[tuple[int, int, int, int]], grid: ComponentGrid, factors: tuple[int, int],
    groups: Cover,
) -> Iterator[Cover]:  # fmt: skip
    """Yield covers of strips: first and end row, first and end column of the frame's MCUs."""
    v, h = factors
    for first, end, begin, stop in strips:
        top, left = first * v, begin * h
        rows, columns = min(end * v, grid.rows) - top, min(stop * h, grid.columns) - left
        if rows <= 0 or columns <= 0:
            continue
        cells = array("H", [1]) * (rows * columns)
        first_shared = max(left, groups.column)
        shared = range(first_shared, min(left + columns, groups.column + groups.columns))
        for y in range(max(top, groups.row), min(top + rows, groups.row + groups.rows)):
            at = (y - top) * columns - left
            own = (y - groups.row) * groups.columns - groups.column
            for x in shared:
                if groups.cells[own + x]:
                    cells[at + x] = 0
        if 1 in cells:
            yield Cover(top, left, rows, columns, cells, {0: (top, left, rows, columns)})


def _joined(covers: Sequence[Cover]) -> Cover | None:
    """Return one cover of all strips' blocks."""
    if not covers:
        return None
    row, column = covers[0].row, min(cover.column for cover in covers)
    rows = covers[-1].row + covers[-1].rows - row
    columns = max(cover.column + cover.columns for cover in covers) - column
    cells = array("H", [0]) * (rows * columns)
    for cover in covers:
        for y in range(cover.rows):
            at = (cover.row - row + y) * columns + cover.column - column
            line = cover.cells[y * cover.columns : (y + 1) * cover.columns]
            cells[at : at + cover.columns] = line
    return Cover(row, column, rows, columns, cells, {0: (row, column, rows, columns)})
