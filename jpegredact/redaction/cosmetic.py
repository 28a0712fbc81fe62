"""Methods that keep something of the inside, and so are no protection against recognition."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from .methods import Canvas

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Blur", "Pixelate"]


@dataclass(frozen=True, slots=True)
class Pixelate:
    """Coarse cells: *cosmetic*, not safe against recognition.

    At most 6 cells on an area's longer side, none under 16 pixels, means in
    steps of 16 levels of 256. Overlapping regions count as one area.
    """

    allow_text: bool = False
    """Also for regions labelled plate or text, where a few cells may be enough to read."""
    name: str = field(default="pixelate", init=False)
    content_free: bool = field(default=False, init=False)

    def render(self, canvas: Canvas) -> NDArray[np.int64]:
        """Give each block the mean of its cell."""
        return _cells(canvas, smooth=False)


@dataclass(frozen=True, slots=True)
class Blur:
    """The cells of `Pixelate`, interpolated: *cosmetic*, not safe against recognition."""

    allow_text: bool = False
    """Also for regions labelled plate or text, where a few cells may be enough to read."""
    name: str = field(default="blur", init=False)
    content_free: bool = field(default=False, init=False)

    def render(self, canvas: Canvas) -> NDArray[np.int64]:
        """Interpolate the cells' means linearly."""
        return _cells(canvas, smooth=True)


def _cells(canvas: Canvas, smooth: bool) -> NDArray[np.int64]:
    import numpy as np
    from scipy import ndimage

    shape = (canvas.rows, canvas.columns)
    dc = np.array(canvas.dc, np.int64).reshape(shape)
    areas = canvas.areas()
    step = canvas.quantization[0]
    # 16 levels of a sample of 8 bits, in quantiser steps
    quantum = max(1, -(-((16 * 8) << (canvas.precision - 8)) // step))
    out = dc.copy()
    for number, place in enumerate(ndimage.find_objects(areas), 1):
        if place is None:
            continue
        inside = areas[place] == number
        rows, columns = inside.shape
        longer = max(rows * canvas.step_y, columns * canvas.step_x)
        size = max(Fraction(16), longer / 6)
        down, across = -(-size // canvas.step_y), -(-size // canvas.step_x)
        row = np.arange(rows) // down
        column = np.arange(columns) // across
        grid = (int(row[-1]) + 1, int(column[-1]) + 1)
        labels = row[:, None] * grid[1] + column[None, :]
        counts = np.bincount(labels[inside], minlength=grid[0] * grid[1])
        sums = np.bincount(labels[inside], dc[place][inside], minlength=grid[0] * grid[1])
        means = np.where(counts > 0, sums / np.maximum(counts, 1), 0).reshape(grid)
        means = np.round(means / quantum) * quantum
        known = (counts > 0).reshape(grid)
        if not known.all():  # cells without blocks take the nearest one's mean
            nearest = ndimage.distance_transform_edt(
                ~known, return_distances=False, return_indices=True
            )
            means = means[tuple(nearest)]
        if smooth:
            at = np.meshgrid(
                (np.arange(rows) + 0.5) / down - 0.5,
                (np.arange(columns) + 0.5) / across - 0.5,
                indexing="ij",
            )
            values = ndimage.map_coordinates(means, at, order=1, mode="nearest")
        else:
            values = means[row[:, None], column[None, :]]
        out[place][inside] = np.round(values[inside]).astype(np.int64)
    return out
