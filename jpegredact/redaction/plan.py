"""Which blocks belong to which regions: regions x block grids -> groups.

All regions are planned as one union. A *group* is the set of blocks under
exactly the same regions; a `Cover` says for one component which group each
block of a window belongs to.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from ..codec import core
from ..codec.layout import ComponentGrid, component_grids
from ..codec.model import Frame, JpegData, Scan
from ..errors import InvalidRegionError
from ..geometry import Grid, Rect, Region, margin_of
from ..limits import Limits

__all__ = ["Cover", "Plan", "block_grid", "check_blocks", "make_plan", "no_plan"]


class Cover(NamedTuple):
    """The touched blocks of a component: a window of its grid, hidden padding included.

    ``cells`` is row-major; 0 is untouched, else the number of the group plus one.
    """

    row: int
    column: int
    rows: int
    columns: int
    cells: array[int]
    boxes: dict[int, tuple[int, int, int, int]]
    """For each group the least rectangle around it: row, column, rows, columns."""

    @property
    def window(self) -> tuple[int, int, int, int]:
        """First row, first column, rows, columns."""
        return self.row, self.column, self.rows, self.columns

    def counts(self) -> dict[int, int]:
        """Return how many blocks each group has here."""
        found = array("q", [0]) * (max(self.boxes) + 1)
        core.grid.count_cells(self.cells, found)
        return {group: found[group] for group in self.boxes}


class Plan(NamedTuple):
    """All that will be rewritten: by component its grid and cover; for each group its regions.

    A grid is None where no scan codes the component, a cover where no block is touched.
    """

    grids: tuple[ComponentGrid | None, ...]
    covers: tuple[Cover | None, ...]
    groups: tuple[tuple[int, ...], ...]
    merged: int
    """How many groups were merged into others to stay within the limit."""

    def cover_of(self, component: int) -> tuple[ComponentGrid, Cover | None] | None:
        """Return the grid and cover of a component, or None if no scan codes it."""
        grid = self.grids[component]
        return None if grid is None else (grid, self.covers[component])

    def touched(self, scan: Scan) -> bool:
        """Whether any block of a scan's components is touched."""
        return any(self.covers[component.index] is not None for component in scan.components)


def block_grid(frame: Frame, component: int) -> Grid:
    """Return the block grid of a component in pixels of the picture."""
    part = frame.components[component]
    rows, columns = frame.blocks(component)
    return Grid(
        Fraction(8 * frame.horizontal, part.horizontal),
        Fraction(8 * frame.vertical, part.vertical),
        rows,
        columns,
    )


def no_plan(jpeg: JpegData) -> Plan:
    """Return a plan that touches nothing."""
    grids = component_grids(jpeg)
    return Plan(grids, (None,) * len(grids), (), 0)


def make_plan(
    jpeg: JpegData, regions: Sequence[Region], margin: tuple[float, bool], limits: Limits
) -> Plan:
    """Work out the groups of blocks that the regions touch."""
    grids = component_grids(jpeg)
    pieces: list[list[Piece]] = []
    sizes: dict[int, int] = {}
    for grid in grids:
        rects = []
        if grid is not None:
            blocks = block_grid(jpeg.frame, grid.component)
            rects = [
                (number, rect)
                for number, region in enumerate(regions)
                for found in region.rects(blocks, margin_of(region, margin))
                for rect in _with_padding(found, grid)
            ]
        pieces.append(_elementary(rects))
        for first, end, left, right, key in pieces[-1]:
            sizes[key] = sizes.get(key, 0) + (end - first) * (right - left)
    covered = 0
    for mask in sizes:
        covered |= mask
    for number in range(len(regions)):
        if not covered >> number & 1:
            raise InvalidRegionError(
                f"region {number}: it touches no block of the picture", code="region.empty"
            )
    groups, numbers, merged = _number_groups(sizes, min(limits.max_groups, _MOST_GROUPS))
    plan = Plan(grids, tuple(_paint(part, numbers) for part in pieces), groups, merged)
    covers = (cover for cover in plan.covers if cover is not None)
    cells = sum(box[2] * box[3] for cover in covers for box in cover.boxes.values())
    limits.check("max_cells", cells, "blocks in the windows of all groups")
    check_blocks(plan, jpeg, limits)
    return plan


def check_blocks(plan: Plan, jpeg: JpegData, limits: Limits) -> None:
    """Refuse a plan that takes too much memory.

    Of progressive and arithmetic pictures, all coefficients of touched blocks are kept.

    Raises
    ------
    LimitExceededError
    """
    if jpeg.frame.progressive or jpeg.frame.arithmetic:
        covers = (cover for cover in plan.covers if cover is not None)
        blocks = sum(sum(cover.counts().values()) for cover in covers)
        limits.check("max_blocks", blocks, "blocks in the regions of a picture of this process")


_MOST_GROUPS = 65_534  # cells are 16-bit numbers

Piece = tuple[int, int, int, int, int]
"""A rectangle of blocks, and the regions that touch all of it as the bits of a number."""


def _with_padding(rect: Rect, grid: ComponentGrid) -> Iterable[Rect]:
    """Yield the rectangle and the hidden blocks of the MCUs that it touches.

    Encoders copy DC values of real blocks into those (ITU-T T.81 A.2.4 leaves
    their content open).
    """
    yield rect
    first, end, left, right = rect
    top = first // grid.down * grid.down
    bottom = -(-end // grid.down) * grid.down
    begin = left // grid.across * grid.across
    stop = -(-right // grid.across) * grid.across
    if stop > grid.columns:
        yield top, bottom, grid.columns, stop
    if bottom > grid.rows:
        yield grid.rows, bottom, begin, stop


def _elementary(rects: list[tuple[int, Rect]]) -> list[Piece]:
    """Cut overlapping rectangles into pieces under exactly the same regions.

    A sweep down the rows: between two edges, the same rectangles are active.
    """
    if not rects:
        return []
    edges = sorted({edge for _, rect in rects for edge in rect[:2]})
    starting = sorted(rects, key=lambda item: item[1][0])
    active: list[tuple[int, Rect]] = []
    pieces: list[Piece] = []
    open_: dict[tuple[int, int, int], int] = {}  # pieces that reach down to this edge: their tops
    at = 0
    for top in edges[:-1]:
        active = [item for item in active if item[1][1] > top]
        while at < len(starting) and starting[at][1][0] == top:
            active.append(starting[at])
            at += 1
        events = sorted(
            [(rect[2], 1, number) for number, rect in active]
            + [(rect[3], -1, number) for number, rect in active]
        )
        above, open_ = open_, {}
        inside: dict[int, int] = {}
        mask = 0  # the same regions as the bits of a number: cheap to keep and compare
        left = 0
        for column, change, number in events:
            if mask and column > left:
                key = left, column, mask
                open_[key] = above.pop(key, top)
            left = column
            count = inside.get(number, 0) + change
            if count == 0 or count == change == 1:
                mask ^= 1 << number
            inside[number] = count
        pieces += [(first, top, *key) for key, first in above.items()]  # those end here
    pieces += [(first, edges[-1], *key) for key, first in open_.items()]
    return pieces


def _bits(mask: int) -> tuple[int, ...]:
    """Return which bits of a number are set."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return tuple(found)


def _number_groups(
    sizes: dict[int, int], limit: int
) -> tuple[tuple[tuple[int, ...], ...], dict[int, int], int]:
    """Give each set of regions a group number; join the smallest ones above the limit."""
    sets = {mask: _bits(mask) for mask in sizes}
    masks = sorted(sizes, key=lambda mask: sets[mask])
    rest: list[int] = []
    if len(masks) > limit:
        by_size = sorted(masks, key=lambda mask: (-sizes[mask], sets[mask]))
        kept, rest = by_size[: limit - 1], by_size[limit - 1 :]
        union = 0
        for mask in rest:
            union |= mask
        sets[union] = _bits(union)
        masks = sorted((mask for mask in kept if mask != union), key=lambda mask: sets[mask])
        masks.append(union)
    numbers = {mask: number for number, mask in enumerate(masks)}
    numbers.update(dict.fromkeys(rest, len(masks) - 1))
    return tuple(sets[mask] for mask in masks), numbers, len(sizes) - len(masks)


def _paint(pieces: list[Piece], numbers: dict[int, int]) -> Cover | None:
    if not pieces:
        return None
    row = min(piece[0] for piece in pieces)
    column = min(piece[2] for piece in pieces)
    rows = max(piece[1] for piece in pieces) - row
    columns = max(piece[3] for piece in pieces) - column
    cells = array("H", [0]) * (rows * columns)
    boxes: dict[int, tuple[int, int, int, int]] = {}
    for first, end, left, right, key in pieces:
        top, low, begin, stop = boxes.get(numbers[key], (first, end, left, right))
        boxes[numbers[key]] = min(top, first), max(low, end), min(begin, left), max(stop, right)
        line = array("H", [numbers[key] + 1]) * (right - left)
        for y in range(first - row, end - row):
            at = y * columns + left - column
            cells[at : at + len(line)] = line
    sized = {g: (t, b, e - t, f - b) for g, (t, e, b, f) in boxes.items()}
    return Cover(row, column, rows, columns, cells, sized)
