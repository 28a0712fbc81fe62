"""PP-OCR's text detector: lines of text as islands of a probability map.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2019
(arXiv:1911.08947), section 3: the map shows each line shrunk; its island grows back by
area × ratio / perimeter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .boxes import candidates, clipped
from .model import Model
from .network import planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .session import Session

__all__ = ["PpOcr", "lines_of"]

_ISLAND = 0.3  # of the map, from which a pixel belongs to an island
_GROWTH = 1.5
_LEAST = 3  # pixels across or down that an island has


class PpOcr:
    """Finds lines of text, as upright boxes."""

    threshold = 0.6
    glimpse = 1.0
    assured = 0.0

    def __init__(self, session: Session) -> None:
        self.model = Model("ppocrv5", session.sha256)
        self._session = session

    def find(self, batch: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the lines of text in each picture."""
        height, width = batch[0].shape[:2]
        half, twice = (127.5,) * 3, (1 / 127.5,) * 3
        pixels = planes(batch, self._session, mean=half, scale=twice, reverse=True)
        maps = self._session.run(pixels)[0][: len(batch)]
        return [clipped(lines_of(each[0], threshold), width, height) for each in maps]


def lines_of(probability: NDArray[np.float32], threshold: float) -> Candidates:
    """Return the lines of text that a map shows; the score is the mean over an island."""
    from scipy import ndimage

    islands, _ = ndimage.label(probability > min(_ISLAND, threshold))
    boxes, scores = [], []
    for number, window in enumerate(ndimage.find_objects(islands), 1):
        inside = islands[window] == number
        down, across = inside.shape
        if min(down, across) < _LEAST:
            continue
        score = float(probability[window][inside].mean())
        if score < threshold:
            continue
        grown = _GROWTH * down * across / (2 * (down + across))
        top, left = window[0].start, window[1].start
        boxes.append((left - grown, top - grown, left + across + grown, top + down + grown))
        scores.append(score)
    return candidates(np.array(boxes).reshape(-1, 4), np.array(scores), 0)
