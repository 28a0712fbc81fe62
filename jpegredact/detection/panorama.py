"""360° panoramas: whether a picture is one, and views of it in perspective.

An equirectangular picture shows longitude along its width and latitude along its height. Near
the poles a face is bent beyond recognition: there it is looked at through a pinhole instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .boxes import COLUMNS, candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .network import Network
    from .pixels import Picture

__all__ = ["View", "in_views", "is_full_turn", "views_of"]

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_FIELD = rb"GPano:%s\s*(?:=\s*[\"']|>)\s*([^\"'<]*?)\s*[\"'<]"


def is_full_turn(segments: Iterable[bytes], width: int, height: int) -> bool:
    """Whether APP1 segments say that a picture goes all around.

    By Google's Photo Sphere XMP Metadata (GPano): the projection is equirectangular, and what
    was cropped from the full panorama is as wide as that. Where the sizes aren't given, the
    picture must be twice as wide as high.
    """
    for content in segments:
        if not content.startswith(_XMP):
            continue
        if _field(content, b"ProjectionType").lower() != b"equirectangular":
            continue
        full = _number(_field(content, b"FullPanoWidthPixels"))
        part = _number(_field(content, b"CroppedAreaImageWidthPixels"))
        if full and part:
            return full == part
        return width == 2 * height
    return False


def _field(content: bytes, name: bytes) -> bytes:
    found = re.search(_FIELD % name, content)
    return found[1] if found else b""


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0


@dataclass(frozen=True, slots=True)
class View:
    """A square picture through a pinhole at the centre of a panorama.

    Attributes
    ----------
    yaw, pitch
        Where it looks, in radians: to the right of the panorama's middle, and upward.
    field
        The angle between its left and right edges.
    side
        Its pixels in each direction.
    """

    yaw: float
    pitch: float
    field: float
    side: int

    def to_panorama(
        self, x: NDArray[np.float64], y: NDArray[np.float64], width: int, height: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where points of the view (in its pixels) are in a panorama of a size."""
        unit = 2 * math.tan(self.field / 2) / self.side
        right, up = (x - self.side / 2) * unit, (self.side / 2 - y) * unit
        cos, sin = math.cos(self.pitch), math.sin(self.pitch)
        ahead, above = cos - up * sin, sin + up * cos
        longitude = np.arctan2(right, ahead) + self.yaw
        latitude = np.arctan2(above, np.hypot(right, ahead))
        return (
            (longitude / (2 * math.pi) + 0.5) % 1.0 * width,
            (0.5 - latitude / math.pi) * height,
        )

    def render(self, panorama: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the view's pixels, each the panorama's nearest."""
        height, width = panorama.shape[:2]
        y, x = np.mgrid[: self.side, : self.side] + 0.5
        column, row = self.to_panorama(x, y, width, height)
        view: NDArray[np.uint8] = panorama[
            np.minimum(row.astype(np.intp), height - 1),
            np.minimum(column.astype(np.intp), width - 1),
        ]
        return view

    def holds_pole(self) -> bool:
        """Whether the zenith or the nadir is in view."""
        return abs(self.pitch) + self.field / 2 > math.pi / 2


_FIELD_OF_VIEW = math.radians(75)
_PITCHES = (math.radians(-55), math.radians(55))
_POLES = (math.radians(-90), math.radians(90))
_YAWS = 6
_MOST_SIDE = 1280


def views_of(width: int) -> Iterator[View]:
    """Yield views of what is strongly curved: six around at 55° up and down, and the poles.

    Their middle is as fine as the panorama.
    """
    side = round(min(_MOST_SIDE, 2 * math.tan(_FIELD_OF_VIEW / 2) * width / (2 * math.pi)))
    for pitch in _PITCHES:
        for number in range(_YAWS):
            yield View(2 * math.pi * number / _YAWS, pitch, _FIELD_OF_VIEW, side)
    for pitch in _POLES:
        yield View(0.0, pitch, _FIELD_OF_VIEW, side)


def in_views(network: Network, picture: Picture, threshold: float) -> Candidates:
    """Return what a network finds in perspective views of a panorama, in the panorama's pixels.

    A box is the least one around what the view's box covers; it may reach past the right edge,
    and goes all around where it holds a pole.
    """
    found = [np.zeros((0, COLUMNS))]
    panorama = picture.whole()
    for view in views_of(picture.width):
        for box in network.find([view.render(panorama)], threshold)[0]:
            found.append(_back(view, box, picture.width, picture.height))
    return np.concatenate(found)


def _back(view: View, box: Candidates, width: int, height: int) -> Candidates:
    steps = np.linspace(0.0, 1.0, 17)
    x = box[0] + steps * (box[2] - box[0])
    y = box[1] + steps * (box[3] - box[1])
    x, y = (axis.ravel() for axis in np.meshgrid(x, y))
    column, row = view.to_panorama(x, y, width, height)
    start = column[len(column) // 2]
    column = (column - start + width / 2) % width - width / 2 + start
    left, right = float(column.min()), float(column.max())
    top, bottom = float(row.min()), float(row.max())
    if _surrounds_pole(view, box):
        left, right = 0.0, float(width)
        top, bottom = (0.0, bottom) if view.pitch > 0 else (top, float(height))
    elif left < 0:
        left, right = left + width, right + width
    elif left >= width:
        left, right = left - width, right - width
    return candidates(np.array([[left, top, right, bottom]]), box[4:5], int(box[5]))


def _surrounds_pole(view: View, box: Candidates) -> bool:
    if not view.holds_pole():
        return False
    away = math.pi / 2 - abs(view.pitch)
    y = view.side / 2 * (1 - math.copysign(math.tan(away) / math.tan(view.field / 2), view.pitch))
    return bool(box[0] <= view.side / 2 <= box[2] and box[1] <= y <= box[3])
