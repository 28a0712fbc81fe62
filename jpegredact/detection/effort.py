"""How hard to look: which scales, which tiles, which threshold.

Knows networks only as `Network`: pictures in, candidates out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import DetectorError
from .boxes import COLUMNS, clipped, merged
from .closer import look_closer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .network import Network
    from .pixels import Picture

    Places = NDArray[np.float64]

__all__ = ["EFFORTS", "Effort", "Pass", "effort_named", "search", "tiles_of"]

TILE, OVERLAP = 1280, 128
"""Pixels of a tile's side, at most, and how many two neighbours share, at least."""
_NEARLY = 0.8  # scales, or lengths, of which one does for both
_EDGE = 2.0  # pixels from a tile's edge within which a box counts as cut off
_BATCH = 1 << 21  # pixels


class Pass(NamedTuple):
    """One look at the whole picture.

    ``longest`` is the length that the longer side is made smaller to, None for the picture's
    own size; ``scale`` is on top of that. It is cut into tiles where it is larger than one.
    """

    longest: int | None
    scale: float = 1.0
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Effort:
    """What a level of effort does.

    Attributes
    ----------
    name
        As users say it.
    passes
        Looks at the whole picture; one that would repeat another is left out.
    doubt
        What a network's own threshold is multiplied by.
    closer
        Whether to look closer at what a network is not sure of, where it can gain from that.
    views
        Whether panoramas are looked at in perspective too.
    """

    name: str
    passes: tuple[Pass, ...]
    doubt: float = 1.0
    closer: bool = False
    views: bool = False


EFFORTS = (
    Effort("fast", (Pass(1280),)),
    Effort("normal", (Pass(1280), Pass(None)), closer=True),
    Effort(
        "thorough",
        (Pass(640), Pass(1280), Pass(1280, flipped=True), Pass(None), Pass(None, flipped=True),
         Pass(None, 1.5)),
        doubt=0.7,
        closer=True,
        views=True,
    ),
)  # fmt: skip


def effort_named(name: str) -> Effort:
    """Return an effort.

    Raises
    ------
    DetectorError
        ``detector.effort``: there is none of that name.
    """
    for effort in EFFORTS:
        if effort.name == name:
            return effort
    names = ", ".join(effort.name for effort in EFFORTS)
    raise DetectorError(
        f"there is no effort {name!r}", code="detector.effort", hint=f"efforts are {names}"
    )


def search(
    network: Network,
    picture: Picture,
    effort: Effort,
    threshold: float,
    near: Places | None = None,
) -> Candidates:
    """Return what a network finds in a picture, in pixels of the picture as shown.

    Each thing once, the surest first. In a picture that wraps around, a box may reach past the
    right edge: it goes on at the left one.

    Parameters
    ----------
    network, picture, effort, threshold
        Who looks at what, how hard, and what counts.
    near
        Boxes, an (n, 4) array: tiles that touch none of them are left out, and so are closer
        looks at what touches none. Boxes may be a pixel or two smaller then, since fewer looks are
        joined.
    """
    if near is not None and picture.wraps:
        near = np.concatenate([near, near + np.array([picture.width, 0, picture.width, 0])])
    scales = _scales(picture, effort)
    finest = scales[0]
    found = []
    for scale, flipped in scales:
        least = threshold
        if effort.closer and (scale, flipped) == finest:
            least *= network.glimpse
        found.append(_one_pass(network, picture, scale, flipped, least, near))
    every = np.concatenate(found)
    doubtful = every[:, 4] < threshold
    sure = every[~doubtful]
    if near is not None:
        doubtful &= np.array([_touching(box, near) for box in every], bool)
    if doubtful.any():
        closer = look_closer(network, picture, finest[0], every[doubtful], sure, threshold)
        sure = np.concatenate([sure, closer])
    return merged(sure, float(picture.width) if picture.wraps else None)


def _scales(picture: Picture, effort: Effort) -> list[tuple[float, bool]]:
    """Return the scales to look at, the finest first; of two nearly the same, the finer one.

    So the picture is decoded once, and made smaller from there. (What is left out because of a
    finer one would show no more: one tile holds what is a quarter longer.)
    """
    longest = max(picture.size)
    wanted = [
        (each.scale * min(1.0, (each.longest or longest) / longest), each.flipped)
        for each in effort.passes
    ]
    scales: list[tuple[float, bool]] = []
    for scale, flipped in sorted(wanted, reverse=True):
        if not any(scale > _NEARLY * other and flipped == turned for other, turned in scales):
            scales.append((scale, flipped))
    return scales


def _one_pass(
    network: Network,
    picture: Picture,
    scale: float,
    flipped: bool,
    threshold: float,
    near: Places | None,
) -> Candidates:
    pixels = picture.at_scale(scale)
    height, width = pixels.shape[:2]
    across, down = width / picture.width, height / picture.height
    if picture.wraps:  # what lies on the seam is seen whole behind the right edge
        pixels = np.concatenate([pixels, pixels[:, : min(width, TILE // 2)]], axis=1)
    found = np.zeros((0, COLUMNS))
    if near is not None:
        near = near * np.array([across, down, across, down])
    for tiles in _batches(pixels, near):
        views = [pixels[y : y + h, x : x + w] for x, y, w, h in tiles]
        if flipped:
            views = [view[:, ::-1] for view in views]
        for tile, boxes in zip(tiles, network.find(views, threshold), strict=True):
            if flipped:
                boxes[:, 0:4:2] = tile[2] - boxes[:, 2::-2]
            found = np.concatenate([found, _placed(boxes, tile, pixels, picture.wraps)])
    found[:, 0:4:2] /= across
    found[:, 1:4:2] /= down
    if picture.wraps:
        found[:, 0:4:2] -= np.where(found[:, :1] >= picture.width, picture.width, 0)
        return clipped(found, 2 * picture.width, picture.height)
    return clipped(found, picture.width, picture.height)


Tile = tuple[int, int, int, int]
"""Left, top, width, height."""


def _placed(
    boxes: Candidates, tile: Tile, pixels: NDArray[np.uint8], wraps: bool
) -> Candidates:
    """Move a tile's candidates to where the tile is, and mark those that its edges cut off."""
    x, y, w, h = tile
    height, width = pixels.shape[:2]
    cut = (boxes[:, 0] < _EDGE) & (x > 0 or wraps)
    cut |= (boxes[:, 2] > w - _EDGE) & (x + w < width or wraps)
    cut |= (boxes[:, 1] < _EDGE) & (y > 0)
    cut |= (boxes[:, 3] > h - _EDGE) & (y + h < height)
    placed = boxes.copy()
    placed[:, 6] = cut
    placed[:, 0:4:2] += x
    placed[:, 1:4:2] += y
    return placed


def _batches(pixels: NDArray[np.uint8], near: Places | None) -> Iterator[list[Tile]]:
    """Yield tiles of one size, a batch at a time; only those that touch a box, if there are any."""
    height, width = pixels.shape[:2]
    tiles = tiles_of(width, height)
    if near is not None:
        tiles = [
            (x, y, w, h) for x, y, w, h in tiles if _touching((x, y, x + w, y + h), near)
        ]
    if not tiles:
        return
    each = max(1, _BATCH // (tiles[0][2] * tiles[0][3]))
    for first in range(0, len(tiles), each):
        yield tiles[first : first + each]


def _touching(box: Sequence[float] | Candidates, places: Places) -> bool:
    across = (places[:, 0] < box[2]) & (places[:, 2] > box[0])
    return bool((across & (places[:, 1] < box[3]) & (places[:, 3] > box[1])).any())


def tiles_of(width: int, height: int, tile: int = TILE, overlap: int = OVERLAP) -> list[Tile]:
    """Return tiles of one size that cover a picture, row by row.

    As few as there can be, no side longer than ``tile`` (or a quarter longer, if one is enough
    then), two neighbours sharing at least ``overlap`` pixels.
    """
    columns, w = _spread(width, tile, overlap)
    rows, h = _spread(height, tile, overlap)
    return [(x, y, w, h) for y, x in product(rows, columns)]


def _spread(length: int, tile: int, overlap: int) -> tuple[Sequence[int], int]:
    """Return where the tiles along one side begin, and their length."""
    if length <= tile / _NEARLY:
        return (0,), length
    count = -(-(length - overlap) // (tile - overlap))
    least = -(-(length + (count - 1) * overlap) // count)
    size = min(tile, -(-least // 32) * 32)  # whole cells of the networks' coarsest grids
    return [round(n * (length - size) / (count - 1)) for n in range(count)], size
