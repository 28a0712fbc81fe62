"""A detector of licence plates in RetinaFace's way: answers relative to prior boxes.

Source: Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019
(arXiv:1905.00641), section 3, and Liu et al., "SSD: Single Shot MultiBox Detector", 2016
(arXiv:1512.02325), section 2.2: three grids of square priors of two sizes each; the centre's
move in tenths of the prior's size, the logarithm of the size in fifths.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .boxes import candidates, clipped, suppressed
from .model import Model
from .network import planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .session import Session

__all__ = ["Clp", "priors"]

_MEAN = (104.0, 117.0, 123.0)  # of blue, green, red
_GRIDS = ((8, (24, 48)), (16, (96, 192)), (32, (384, 768)))
"""Step in pixels, and the priors' sizes."""
_CENTRE, _SIZE = 0.1, 0.2
_MOST_LOG = 8.0


@lru_cache(maxsize=16)
def priors(height: int, width: int) -> NDArray[np.float32]:
    """Return the priors for an input size, (n, 3): the centre's x and y, and the side."""
    found = []
    for step, sides in _GRIDS:
        y, x, side = np.meshgrid(
            (np.arange(-(-height // step)) + 0.5) * step,
            (np.arange(-(-width // step)) + 0.5) * step,
            np.array(sides, float),
            indexing="ij",
        )
        found.append(np.stack([x.ravel(), y.ravel(), side.ravel()], axis=1))
    return np.concatenate(found).astype(np.float32)


class Clp:
    """Finds plates; trained on Chinese ones, it finds most others too."""

    threshold = 0.2
    glimpse = 0.1
    assured = 0.5  # below, it takes smooth slopes for plates

    def __init__(self, session: Session) -> None:
        self.model = Model("clp", session.sha256)
        self._session = session

    def find(self, batch: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the plates of each picture."""
        height, width = batch[0].shape[:2]
        pixels = planes(batch, self._session, mean=_MEAN, reverse=True)
        moves, classes, _ = self._session.run(pixels)
        known = priors(*pixels.shape[2:])
        found = []
        for number in range(len(batch)):
            score = classes[number, :, 1]
            sure = np.flatnonzero(score >= threshold)
            move, prior = moves[number, sure], known[sure]
            centre = prior[:, :2] + move[:, :2] * _CENTRE * prior[:, 2:]
            half = prior[:, 2:] * np.exp(np.minimum(move[:, 2:] * _SIZE, _MOST_LOG)) / 2
            boxes = np.concatenate([centre - half, centre + half], axis=1)
            plates = candidates(boxes, score[sure], 0)
            found.append(clipped(suppressed(plates, 0.4), width, height))
        return found
