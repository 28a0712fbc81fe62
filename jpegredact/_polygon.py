"""Where a polygon meets a horizontal band: the one piece of real geometry that `Polygon` needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["band_extents"]


def band_extents(
    points: Sequence[tuple[float, float]], top: float, bottom: float
) -> list[tuple[float, float]]:
    """Return the x extents of the polygon's area within ``top < y < bottom``, joined and sorted.

    Inside is where the winding number is not zero. The band is cut at every
    corner and crossing, so that between two cuts the edges are sorted for good;
    each piece of inside then reaches from the left edge's least x to the right
    edge's greatest.
    """
    edges: list[Edge] = []
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        if y0 == y1:
            continue
        turn = 1 if y0 < y1 else -1
        if turn < 0:
            x0, y0, x1, y1 = x1, y1, x0, y0
        if y1 > top and y0 < bottom:
            edges.append((x0, y0, x1, y1, turn))
    cuts = {top, bottom}
    for edge in edges:
        cuts.update(y for y in (edge[1], edge[3]) if top < y < bottom)
    for number, a in enumerate(edges):
        for b in edges[:number]:
            y = _crossing(a, b)
            if y is not None and top < y < bottom:
                cuts.add(y)
    levels = sorted(cuts)
    extents: list[tuple[float, float]] = []
    for low, high in pairwise(levels):
        middle = (low + high) / 2
        here = sorted((_x(edge, middle), edge) for edge in edges if edge[1] < middle < edge[3])
        winding, left = 0, 0.0
        for _, edge in here:
            ends = _x(edge, low), _x(edge, high)
            if winding == 0:
                left = min(ends)
            winding += edge[4]
            if winding == 0 and left < max(ends):
                extents.append((left, max(ends)))
    extents.sort()
    joined: list[tuple[float, float]] = []
    for left, right in extents:
        if joined and left <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return joined


Edge = tuple[float, float, float, float, int]


def _x(edge: Edge, y: float) -> float:
    x0, y0, x1, y1, _ = edge
    y = min(max(y, y0), y1)
    if y == y1:
        return x1
    return x0 + (x1 - x0) * ((y - y0) / (y1 - y0))


def _crossing(a: Edge, b: Edge) -> float | None:
    low, high = max(a[1], b[1]), min(a[3], b[3])
    if low >= high:
        return None
    before, behind = _x(a, low) - _x(b, low), _x(a, high) - _x(b, high)
    if before * behind >= 0:
        return None
    return low + (high - low) * (before / (before - behind))
