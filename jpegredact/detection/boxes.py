"""Arrays of candidates, and when two of them are one.

A *candidate* is a row of seven numbers: left, top, right, bottom, score, class, and 1 where
the box was cut off by the edge of a tile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Candidates = NDArray[np.float64]

__all__ = ["COLUMNS", "candidates", "clipped", "merged", "overlaps", "suppressed"]

COLUMNS = 7
_SCORE, _CLASS, _CUT = 4, 5, 6

_SAME = 0.4  # share of the union in common, from which two boxes of one class are one
_AGREE = 0.6  # of the union, from which two answers of one pass are taken together
_INSIDE = 0.6  # share of a cut box that another one must cover to stand for it


def candidates(
    boxes: NDArray[np.floating], scores: NDArray[np.floating], classes: NDArray[np.integer] | int
) -> Candidates:
    """Return candidates from boxes of shape (n, 4), their scores and classes."""
    found = np.zeros((len(boxes), COLUMNS))
    found[:, :4] = boxes
    found[:, _SCORE] = scores
    found[:, _CLASS] = classes
    return found


def overlaps(box: Candidates, others: Candidates) -> tuple[NDArray[np.float64], ...]:
    """Return the area that each of ``others`` shares with a box, and its own and the box's area."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    own = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return shared, own, np.asarray((box[2] - box[0]) * (box[3] - box[1]))


def suppressed(found: Candidates, most: float = 0.3) -> Candidates:
    """Return the candidates of one pass that stand for one thing each, the surest first.

    Of two of one class that share more than ``most`` of their union, the surer one stays: a
    network answers several times for the same thing. Its box becomes the mean of those that say
    nearly the same, weighted by the squares of their scores, so that it doesn't depend on which
    of two equally sure ones is ahead by a hair.
    """
    found = _ordered(found)
    kept = []
    while len(found):
        best, found = found[0], found[1:]
        shared, own, area = overlaps(best, found)
        union, alike = own + area - shared, found[:, _CLASS] == best[_CLASS]
        votes = np.concatenate([best[None], found[alike & (shared > _AGREE * union)]])
        kept.append(best.copy())
        kept[-1][:4] = np.average(votes[:, :4], axis=0, weights=votes[:, _SCORE] ** 2)
        found = found[~alike | (shared <= most * union)]
    return np.array(kept).reshape(-1, COLUMNS)


def merged(found: Candidates, period: float | None = None) -> Candidates:
    """Join what several passes found, the surest first.

    Two boxes of one class that are nearly the same become the least box around both: no pass
    takes area away from another. Boxes that are compared are those that the passes found, so
    that joined ones don't grow along a row of faces. A small box in a large one stays, and so
    does what another class found there. A box that the edge of a tile cut off goes where a
    whole one covers most of it.

    Parameters
    ----------
    found
        Candidates of all passes.
    period
        The width of a picture whose left and right edges are one; boxes may reach past it.
    """
    found = _ordered(found)
    cut = found[:, _CUT] > 0
    joined = _joined(found[~cut], period)
    rest = [
        piece
        for piece in found[cut]
        if not _covered(piece, joined[joined[:, _CLASS] == piece[_CLASS]], period)
    ]
    pieces = _joined(np.array(rest).reshape(-1, COLUMNS), period)
    every = np.concatenate([joined, pieces])
    if period is not None:
        every[:, 0:4:2] -= np.floor(every[:, :1] / period) * period
    return _ordered(every)


def _joined(found: Candidates, period: float | None) -> Candidates:
    kept = []
    while len(found):
        best, found = found[0], _beside(found[0], found[1:], period)
        shared, own, area = overlaps(best, found)
        same = (shared >= _SAME * (own + area - shared)) & (found[:, _CLASS] == best[_CLASS])
        group = np.concatenate([best[None], found[same]])
        best = best.copy()
        best[:2] = group[:, :2].min(axis=0)
        best[2:4] = group[:, 2:4].max(axis=0)
        kept.append(best)
        found = found[~same]
    return np.array(kept).reshape(-1, COLUMNS)


def _covered(piece: Candidates, others: Candidates, period: float | None) -> bool:
    shared, _, area = overlaps(piece, _beside(piece, others, period))
    return bool((shared >= _INSIDE * area).any())


def _beside(box: Candidates, others: Candidates, period: float | None) -> Candidates:
    """Return the others, moved by whole turns to where they are nearest to a box."""
    if period is None:
        return others
    others = others.copy()
    apart = others[:, 0] + others[:, 2] - box[0] - box[2]
    others[:, 0:4:2] -= (np.round(apart / (2 * period)) * period)[:, None]
    return others


def clipped(found: Candidates, width: float, height: float) -> Candidates:
    """Return the candidates cut to a picture's size; those without area are gone."""
    found = found.copy()
    found[:, 0:4:2] = found[:, 0:4:2].clip(0, width)
    found[:, 1:4:2] = found[:, 1:4:2].clip(0, height)
    return found[(found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])]


def _ordered(found: Candidates) -> Candidates:
    """Sort by score, and then by place, so that the order of passes doesn't matter."""
    return found[np.lexsort((found[:, 1], found[:, 0], -found[:, _SCORE]))]
