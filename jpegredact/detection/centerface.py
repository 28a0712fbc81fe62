"""CenterFace: faces as the peaks of a heatmap.

Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point",
2019 (arXiv:1911.03599), section 3: one cell for 4 × 4 pixels; the logarithm of the height and
width in cells; the peak's offset within its cell, down and across.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .boxes import candidates, clipped, suppressed
from .model import Model
from .network import planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .session import Session

__all__ = ["CenterFace"]

_CELL = 4
_MOST_LOG = 8.0  # of a side in cells: e^8 cells are 11,924 pixels


class CenterFace:
    """Finds faces, without landmarks."""

    threshold = 0.35
    glimpse = 0.06
    assured = 0.0

    def __init__(self, session: Session) -> None:
        self.model = Model("centerface", session.sha256)
        self._session = session

    def find(self, batch: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return the faces of each picture."""
        height, width = batch[0].shape[:2]
        heat, size, offset, _ = self._session.run(planes(batch, self._session))
        found = []
        for number in range(len(batch)):
            row, column = np.nonzero(heat[number, 0] >= threshold)
            sides = np.exp(np.minimum(size[number, :, row, column], _MOST_LOG)) * _CELL
            y = (row + offset[number, 0, row, column] + 0.5) * _CELL
            x = (column + offset[number, 1, row, column] + 0.5) * _CELL
            down, across = sides[:, 0] / 2, sides[:, 1] / 2
            boxes = np.stack([x - across, y - down, x + across, y + down], axis=1)
            faces = candidates(boxes, heat[number, 0, row, column], 0)
            found.append(clipped(suppressed(faces), width, height))
        return found
