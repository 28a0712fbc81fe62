"""What regions come to once they are snapped to blocks: counts and pixels, for people."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
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
        across, down = _steps(frame, component)
        for group, cells in cover.counts().items():
            row, column, rows, columns = cover.boxes[group]
            for region in plan.groups[group]:
                blocks[region][component] += cells
                left, top, right, bottom = snapped[region]
                snapped[region] = (
                    min(left, int(column * across)), min(top, int(row * down)),
                    max(right, min(_up((column + columns) * across), frame.width)),
                    max(bottom, min(_up((row + rows) * down), frame.height)),
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
        across, down = _steps(frame, component)
        for row in range(cover.rows):
            line = cover.cells[row * cover.columns : (row + 1) * cover.columns]
            top = int((cover.row + row) * down)
            bottom = min(_up((cover.row + row + 1) * down), frame.height)
            for first, end in _runs(line):
                left = int((cover.column + first) * across)
                right = min(_up((cover.column + end) * across), frame.width)
                if left < right and top < bottom:  # hidden padding lies outside
                    yield left, top, right, bottom


def _steps(frame: Frame, component: int) -> tuple[Fraction, Fraction]:
    """Return a block's size in pixels, across and down."""
    part = frame.components[component]
    return (
        Fraction(8 * frame.horizontal, part.horizontal),
        Fraction(8 * frame.vertical, part.vertical),
    )


def _up(value: Fraction) -> int:
    return -int(-value // 1)


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
