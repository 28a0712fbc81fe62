"""What all networks have in common: a batch of pictures in, candidates out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .model import Model
    from .session import Session

__all__ = ["Network", "planes"]


class Network(Protocol):
    """A network with the code that reads its answers.

    Attributes
    ----------
    model
        Its name and digest.
    threshold
        The score from which an answer counts, unless told otherwise.
    glimpse
        The share of a threshold from which it is worth to look closer at a small thing: a
        network that is unsure of something small may be sure of it enlarged. 1 for never.
    assured
        The score that a closer look must give at least, whatever the threshold.
    """

    model: Model
    threshold: float
    glimpse: float
    assured: float

    def find(self, batch: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return what is in each picture of a batch: RGB arrays of one shape (height, width, 3)."""
        ...


def planes(
    batch: Sequence[NDArray[np.uint8]],
    session: Session | None = None,
    multiple: int = 32,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    scale: Sequence[float] = (1.0, 1.0, 1.0),
    reverse: bool = False,
) -> NDArray[np.float32]:
    """Return pictures as floats, planes first, padded to a multiple at the right and below.

    Behind them, as many black pictures as ``session`` wants. Each channel is
    ``(value - mean) × scale``, in the network's order; ``reverse`` gives blue first. The padding
    is what a black pixel becomes.
    """
    height, width = batch[0].shape[:2]
    high, wide = (-(-side // multiple) * multiple for side in (height, width))
    count = len(batch) if session is None else session.filled(len(batch), high * wide)
    padded = (len(batch), height, width) != (count, high, wide)
    out = (np.zeros if padded else np.empty)((count, 3, high, wide), np.float32)
    for number, picture in enumerate(batch):
        source = picture[:, :, ::-1] if reverse else picture
        for channel in range(3):
            out[number, channel, :height, :width] = source[:, :, channel]
    for channel in range(3):
        if mean[channel]:
            out[:, channel] -= np.float32(mean[channel])
        if scale[channel] != 1:
            out[:, channel] *= np.float32(scale[channel])
    return out
