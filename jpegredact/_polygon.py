"""Where a polygon meets horizontal bands: the one piece of real geometry that `Polygon` needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .errors import LimitExceededError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Bands"]

_MAX_CROSSINGS = 5_000


class Bands:
    """A polygon, prepared to be cut into horizontal bands.

    Inside is where the winding number is not zero. A band is cut at every
    corner and crossing, so that between two cuts the edges are sorted for good;
    each piece of inside then reaches from the left edge's least x to the right
    edge's greatest.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        start = np.array(points, np.float64)
        end = np.roll(start, -1, axis=0)
        slanted = start[:, 1] != end[:, 1]
        start, end = start[slanted], end[slanted]
        down = start[:, 1] < end[:, 1]
        self.turn = np.where(down, 1, -1)
        upper = np.where(down[:, None], start, end)
        lower = np.where(down[:, None], end, start)
        self.x0, self.y0 = upper[:, 0], upper[:, 1]
        self.x1, self.y1 = lower[:, 0], lower[:, 1]
        self.cuts = np.unique(np.concatenate([self.y0, self.y1, *self._crossings()]))

    def extents(self, top: float, bottom: float) -> list[tuple[float, float]]:
        """Return the x extents of the area within ``top < y < bottom``, joined and sorted."""
        first, last = np.searchsorted(self.cuts, [top, bottom])
        levels = np.unique(np.concatenate([[top], self.cuts[first:last], [bottom]]))
        near = np.flatnonzero((self.y1 > top) & (self.y0 < bottom))
        extents: list[tuple[float, float]] = []
        for low, high in pairwise(levels.tolist()):
            extents.extend(self._between(near, low, high))
        extents.sort()
        joined: list[tuple[float, float]] = []
        for left, right in extents:
            if joined and left <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
            else:
                joined.append((left, right))
        return joined

    def _between(
        self, near: NDArray[np.intp], low: float, high: float
    ) -> list[tuple[float, float]]:
        middle = (low + high) / 2
        edges = near[(self.y0[near] < middle) & (middle < self.y1[near])]
        edges = edges[np.argsort(self._x(edges, middle), kind="stable")]
        winding = np.cumsum(self.turn[edges])
        closes = winding == 0
        opens = np.concatenate([[True], closes[:-1]]) if len(edges) else closes
        at_low, at_high = self._x(edges, low), self._x(edges, high)
        some = (at_low[closes] > at_low[opens]) | (at_high[closes] > at_high[opens])
        left = np.minimum(at_low, at_high)[opens][some]
        right = np.maximum(at_low, at_high)[closes][some]
        return list(zip(left.tolist(), right.tolist(), strict=True))

    def _x(self, edges: NDArray[np.intp] | slice, y: float | Floats) -> Floats:
        # In quarters, so that no difference of two floats overflows.
        x0, y0 = self.x0[edges] / 4, self.y0[edges] / 4
        x1, y1 = self.x1[edges] / 4, self.y1[edges] / 4
        at = np.clip(np.asarray(y) / 4, y0, y1)
        x: Floats = 4 * np.where(at == y1, x1, x0 + (x1 - x0) * ((at - y0) / (y1 - y0)))
        return x

    def _crossings(self) -> list[Floats]:
        """Return the y of every proper crossing of two edges."""
        found: list[Floats] = []
        count = 0
        for n in range(1, len(self.x0)):
            before, this = slice(0, n), slice(n, n + 1)
            low = np.maximum(self.y0[before], self.y0[n])
            high = np.minimum(self.y1[before], self.y1[n])
            at_low = self._x(before, low) / 4 - self._x(this, low) / 4
            at_high = self._x(before, high) / 4 - self._x(this, high) / 4
            cross = (low < high) & (np.sign(at_low) * np.sign(at_high) < 0)
            part = at_low[cross] / (at_low[cross] - at_high[cross])
            found.append(4 * (low[cross] / 4 + (high[cross] / 4 - low[cross] / 4) * part))
            count += len(part)
            if count > _MAX_CROSSINGS:
                raise LimitExceededError(
                    f"a polygon that crosses itself more than {_MAX_CROSSINGS} times",
                    code="limit.crossings",
                    hint="give a mask instead",
                )
        return found
