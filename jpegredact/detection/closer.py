"""A closer look at what a network saw, but wasn't sure of: small windows, enlarged.

A whole picture at three times its size costs nine times as much; the few windows in which something
might be cost next to nothing, and show the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .boxes import COLUMNS, overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .network import Network
    from .pixels import Picture

__all__ = ["look_closer", "windows_of"]

WINDOW, CONTEXT = 96, 24
"""Pixels of a window's side, and how many around a thing it should show."""
ENLARGED = 3
_SOFT = 0.7
"""What scores are divided by: enlarged pixels are soft, and scores lower than for real ones.

With it, thresholds mean the same. Measured on faces of 10 to 40 pixels."""
_COVERED = 0.5  # share of a doubtful box that a sure one must cover to make it needless
_EDGE = 2.0  # pixels from a window's edge within which a box counts as cut off
_BATCH = 12  # windows: a megapixel


def look_closer(
    network: Network,
    picture: Picture,
    scale: float,
    doubtful: Candidates,
    sure: Candidates,
    threshold: float,
) -> Candidates:
    """Return what a network finds in enlarged windows around doubtful candidates.

    Parameters
    ----------
    network, picture
        Who looks at what.
    scale
        At which scale the candidates were found.
    doubtful, sure
        Candidates below and above the threshold, in pixels of the picture. What is too large
        for a window was large enough to be seen, and isn't looked at again.
    threshold
        What counts.
    """
    pixels = picture.at_scale(scale)
    height, width = pixels.shape[:2]
    across, down = width / picture.width, height / picture.height
    boxes = np.array([each for each in doubtful if not _is_covered(each, sure)])
    boxes = boxes.reshape(-1, COLUMNS) * [across, down, across, down, 1, 1, 1]
    boxes[:, 0:4:2] -= np.where(boxes[:, :1] >= width, width, 0)
    corners = windows_of(boxes, width, height)
    found = [np.zeros((0, COLUMNS))]
    for first in range(0, len(corners), _BATCH):
        part = corners[first : first + _BATCH]
        views = [_enlarged(pixels[y : y + WINDOW, x : x + WINDOW]) for x, y in part]
        for (x, y), seen in zip(part, network.find(views, _SOFT * threshold), strict=True):
            seen[:, :4] /= ENLARGED
            seen[:, 4] = np.minimum(seen[:, 4] / _SOFT, 1.0)
            right, bottom = min(WINDOW, width - x), min(WINDOW, height - y)
            seen = seen[seen[:, 4] >= network.assured]
            whole = (seen[:, 0] >= _EDGE) | (x == 0)
            whole &= (seen[:, 1] >= _EDGE) | (y == 0)
            whole &= (seen[:, 2] <= right - _EDGE) | (x + right == width)
            whole &= (seen[:, 3] <= bottom - _EDGE) | (y + bottom == height)
            seen[:, 0:4:2] = (seen[:, 0:4:2] + x) / across
            seen[:, 1:4:2] = (seen[:, 1:4:2] + y) / down
            found.append(seen[whole])
    return np.concatenate(found)


def windows_of(boxes: Candidates, width: int, height: int) -> list[tuple[int, int]]:
    """Return the upper left corners of windows that show all boxes which fit one.

    The surest box is in the middle of the first window; what else that shows with enough
    context needs none of its own.
    """
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    left = boxes[sides <= WINDOW - 2 * CONTEXT]
    left = left[np.argsort(-left[:, 4], kind="stable")]
    corners = []
    while len(left):
        middle = (left[0, :2] + left[0, 2:4] - WINDOW) / 2
        x = max(0, min(round(middle[0]), width - WINDOW))
        y = max(0, min(round(middle[1]), height - WINDOW))
        corners.append((x, y))
        shown = (left[:, 0] >= x + CONTEXT) | (x == 0)
        shown &= (left[:, 1] >= y + CONTEXT) | (y == 0)
        shown &= (left[:, 2] <= x + WINDOW - CONTEXT) | (x + WINDOW >= width)
        shown &= (left[:, 3] <= y + WINDOW - CONTEXT) | (y + WINDOW >= height)
        shown &= (left[:, 0] < x + WINDOW) & (left[:, 2] > x)
        shown &= (left[:, 1] < y + WINDOW) & (left[:, 3] > y)
        shown[0] = True
        left = left[~shown]
    return corners


def _is_covered(box: Candidates, sure: Candidates) -> bool:
    shared, _, area = overlaps(box, sure)
    return bool((shared >= _COVERED * area).any())


def _enlarged(window: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    size = (window.shape[1] * ENLARGED, window.shape[0] * ENLARGED)
    image = Image.fromarray(np.ascontiguousarray(window))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))
