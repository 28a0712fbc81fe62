"""A network that needs no weights: it finds bright spots, however large they are."""

import numpy as np
from scipy import ndimage

from jpegredact.detection.boxes import candidates
from jpegredact.detection.model import Model


class Spotter:
    """Finds what is brighter than half; unsure of what is smaller than `least` pixels.

    It keeps the shapes of the batches that it was given.
    """

    threshold = 0.5
    glimpse = 1.0
    assured = 0.0
    model = Model("spotter", "00")

    def __init__(self, least: int = 0, glimpse: float = 1.0) -> None:
        self.least, self.glimpse = least, glimpse
        self.shapes: list[tuple[int, ...]] = []

    def find(self, batch, threshold):
        self.shapes.append((len(batch), *batch[0].shape))
        assert len({picture.shape for picture in batch}) == 1
        return [self._one(picture, threshold) for picture in batch]

    def _one(self, picture, threshold):
        labelled, _ = ndimage.label(picture[:, :, 1] > 127)
        found = [
            (across.start, down.start, across.stop, down.stop)
            for down, across in ndimage.find_objects(labelled)
        ]
        boxes = np.array(found, float).reshape(-1, 4)
        sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        scores = np.where(sides >= self.least, 0.9, 0.1)
        return candidates(boxes[scores > threshold], scores[scores > threshold], 0)


def spots(width, height, *boxes):
    """A black picture with white boxes, each left, top, right, bottom."""
    picture = np.zeros((height, width, 3), np.uint8)
    for left, top, right, bottom in boxes:
        picture[top:bottom, left:right] = 255
    return picture
