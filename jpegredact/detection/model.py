"""What a detector gives, and what it must be able to do to be one.

Knows no JPEG, no network and no file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..geometry import Boxes, Polygon

if TYPE_CHECKING:
    from .pixels import Picture

__all__ = ["BoxTuple", "Detection", "Detector", "Model"]

BoxTuple = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, half-open."""


@dataclass(frozen=True, slots=True)
class Model:
    """Which weights saw something.

    Attributes
    ----------
    name
        Such as ``"centerface"``.
    sha256
        Digest of the weights, in hexadecimal; empty where a detector has none.
    """

    name: str
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.sha256[:16]}" if self.sha256 else self.name


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that was found in a picture.

    `redact` takes detections as boxes.

    Attributes
    ----------
    label
        Such as ``"face"``.
    score
        How sure the detector is, 0 to 1. Scores of different models can't be compared.
    box
        ``(left, top, right, bottom)`` in pixels of the stored picture, half-open, its
        label's margin included.
    model
        The weights that saw it.
    parts
        Empty, or the boxes that it consists of: two where it lies across the seam of a
        360° panorama. ``box`` then is the least one around them, as wide as the picture.
    """

    label: str
    score: float
    box: BoxTuple
    model: Model
    parts: tuple[BoxTuple, ...] = ()

    def ellipse(self) -> Polygon | Boxes:
        """Return a head-shaped region: an ellipse around the box, grown outward at the top.

        Its corners lie outside of the ellipse that they stand for. It passes through the
        middle of the box's corners and of its sides, so that hair and background in the
        corners stay while no part of a face's outline does. What has several parts stays boxes.
        """
        if self.parts:
            return Boxes(self.parts, self.label, self.score)
        left, top, right, bottom = self.box
        across, down = _AXES[0] * (right - left), _AXES[1] * (bottom - top)
        x, y = (left + right) / 2, (top + bottom) / 2 - _RISE * (bottom - top)
        outward = 1 / math.cos(math.pi / _CORNERS)
        angles = [2 * math.pi * n / _CORNERS for n in range(_CORNERS)]
        return Polygon(
            tuple(
                (
                    round(x + outward * across * math.cos(a), 2),
                    round(y + outward * down * math.sin(a), 2),
                )
                for a in angles
            ),
            self.label,
            self.score,
        )


# Half axes as parts of the box's width and height, how far up the centre is moved, and the
# corners that stand for an ellipse. With these, 91 % of the box lies inside.
_AXES = (0.58, 0.62)
_RISE = 0.03
_CORNERS = 32


@runtime_checkable
class Detector(Protocol):
    """What finds something in pictures: built in, from an entry point, or a user's own object.

    Attributes
    ----------
    labels
        What it can find.
    """

    @property
    def labels(self) -> Sequence[str]:
        """What it can find."""
        ...

    def detect(self, image: Picture) -> Sequence[Detection]:
        """Return what is in a picture.

        ``numpy.asarray(image)`` is an array of shape (height, width, 3), RGB, 8 bits, the
        picture as shown: boxes are in its pixels. They are turned into pixels of the stored
        picture afterwards. The array must not be changed.
        """
        ...
