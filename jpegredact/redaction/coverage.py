"""What regions come to once they are snapped to blocks: counts and pixels, for people."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from ..codec.model import Frame
from .plan import Cover, Plan

__all__ = ["Coverage", "counts_by_component", "coverage_of", "covers", "touched_pixels"]

_FAR = 1 << 31


class Coverage(NamedTuple):
    """What one region touches.

    ``snapped`` is the least rectangle of pixels, half-open, around its blocks in all
    components; ``blocks`` counts them by component, hidden padding included.
    """

    snapped: tuple[int, int, int, int]
    blocks: tuple[int, ...]


def coverage_of(plan: Plan, frame: Frame, regions: int) -> list[Coverage]:
    """Return what each of ``regions`` regions touches; blocks under two count for both."""
    blocks = [[0] * len(frame.components) for _ in range(regions)]
    snapped = [(_FAR, _FAR, 0, 0)] * regions
    for component in range(len(frame.components)):
        cover = plan.covers[component]
        if cover is None:
            continue
        pixels = _Pixels(frame, component)
        for group, cells in cover.counts().items():
            row, column, rows, columns = cover.boxes[group]
            own = pixels.of(row, column, rows, columns)
            for region in plan.groups[group]:
                blocks[region][component] += cells
                left, top, right, bottom = snapped[region]
                snapped[region] = (
                    min(left, own[0]), min(top, own[1]),
                    max(right, own[2]), max(bottom, own[3]),
                )  # fmt: skip
    return [Coverage(*each) for each in zip(snapped, map(tuple, blocks), strict=True)]


def counts_by_component(plan: Plan) -> tuple[int, ...]:
    """Return how many blocks are touched in each component."""
    return tuple(0 if cover is None else sum(cover.counts().values()) for cover in plan.covers)


def covers(plan: Plan, other: Plan) -> bool:
    """Whether a plan touches every block that another one of the same picture touches."""
    return all(
        part is None or (whole is not None and _covers(whole, part))
        for whole, part in zip(plan.covers, other.covers, strict=True)
    )


def _covers(whole: Cover, part: Cover) -> bool:
    column = part.column - whole.column
    for number in range(part.rows):
        line = part.cells[number * part.columns : (number + 1) * part.columns]
        row = part.row + number - whole.row
        for first, end in _runs(line):
            left, right = column + first, column + end
            if row < 0 or row >= whole.rows or left < 0 or right > whole.columns:
                return False
            start = row * whole.columns
            if 0 in whole.cells[start + left : start + right]:
                return False
    return True


def touched_pixels(plan: Plan, frame: Frame) -> Iterator[tuple[int, int, int, int]]:
    """Yield rectangles of pixels, half-open, that together are all touched blocks' pixels."""
    for component, cover in enumerate(plan.covers):
        if cover is None:
            continue
        pixels = _Pixels(frame, component)
        for row in range(cover.rows):
            line = cover.cells[row * cover.columns : (row + 1) * cover.columns]
            for first, end in _runs(line):
                found = pixels.of(cover.row + row, cover.column + first, 1, end - first)
                if found[0] < found[2] and found[1] < found[3]:  # hidden padding lies outside
                    yield found


class _Pixels:
    """What blocks of a component come to in pixels of the picture."""

    def __init__(self, frame: Frame, component: int) -> None:
        part = frame.components[component]
        self._frame = frame
        self._across = 8 * frame.horizontal, part.horizontal
        self._down = 8 * frame.vertical, part.vertical

    def of(self, row: int, column: int, rows: int, columns: int) -> tuple[int, int, int, int]:
        """Return the least rectangle of whole pixels around blocks, no further than the picture."""
        (across, h), (down, v) = self._across, self._down
        return (
            column * across // h,
            row * down // v,
            min(-(-(column + columns) * across // h), self._frame.width),
            min(-(-(row + rows) * down // v), self._frame.height),
        )


def _runs(line: array[int]) -> Iterator[tuple[int, int]]:
    """Yield where numbers other than 0 stand next to each other."""
    start = None
    for column, cell in enumerate(line):
        if cell and start is None:
            start = column
        elif not cell and start is not None:
            yield start, column
            start = None
    if start is not None:
        yield start, len(line)
