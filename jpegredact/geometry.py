"""Regions of a picture, and the blocks that they touch.

Coordinates are pixels of the *stored* image, half-open: the box ``(0, 0, 8, 8)``
is the upper left block. Floats are welcome. Knows no JPEG: a `Grid` says how
large the blocks of one component are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import InvalidRegionError
from .limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Box",
    "Boxes",
    "Grid",
    "Mask",
    "Polygon",
    "Region",
    "as_regions",
    "parse_margin",
    "to_stored",
]

Rect = tuple[int, int, int, int]
"""Blocks: first row, end row, first column, end column."""


class Grid(NamedTuple):
    """The block grid of one component.

    ``step_x`` and ``step_y`` are a block's size in pixels (8 for luma, 16 for
    the chroma of 4:2:0; not always whole), ``rows`` and ``columns`` its real blocks.
    """

    step_x: Fraction
    step_y: Fraction
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle ``[left, right) × [top, bottom)`` in pixels of the stored image."""

    left: float
    top: float
    right: float
    bottom: float
    label: str | None = None
    score: float | None = None
    id: str | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)``."""
        return self.left, self.top, self.right, self.bottom

    def check(self, width: int, height: int, where: str) -> None:
        """Raise `InvalidRegionError` unless some of the picture lies inside."""
        _check_bounds(self.bounds, width, height, where)

    def rects(self, grid: Grid, margin: tuple[float, float]) -> Iterator[Rect]:
        """Yield the blocks that the box, grown by ``margin`` pixels, has any area in."""
        dx, dy = margin
        top, bottom = _blocks(self.top, self.bottom, dy, grid.step_y, grid.rows)
        left, right = _blocks(self.left, self.right, dx, grid.step_x, grid.columns)
        if top < bottom and left < right:
            yield top, bottom, left, right


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed polygon, by its corners ``(x, y)``; where it crosses itself, all it winds around."""

    points: tuple[tuple[float, float], ...]
    label: str | None = None
    score: float | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        try:
            points = tuple((x, y) for x, y in self.points)
        except (TypeError, ValueError):
            raise InvalidRegionError(
                "a polygon's corners are pairs (x, y)", code="region.polygon"
            ) from None
        object.__setattr__(self, "points", points)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)``."""
        xs = [p[0] for p in self.points]
        ys = [p[1] for p in self.points]
        return min(xs), min(ys), max(xs), max(ys)

    def check(self, width: int, height: int, where: str) -> None:
        """Raise `InvalidRegionError` unless some of the picture lies inside."""
        if len(self.points) < 3:
            raise _invalid(where, "a polygon needs three corners")
        _check_bounds(self.bounds, width, height, where)
        whole = Grid(Fraction(width), Fraction(height), 1, 1)
        if not any(True for _ in self.rects(whole, (0, 0))):
            raise _invalid(where, "no area of the polygon lies inside the picture")

    def rects(self, grid: Grid, margin: tuple[float, float]) -> Iterator[Rect]:
        """Yield the blocks that the polygon, grown by a rectangle ``margin``, has any area in."""
        from ._polygon import Bands

        bands = Bands(self.points)
        dx, dy = (float(m) for m in margin)
        step_x, step_y = float(grid.step_x), float(grid.step_y)
        right, bottom = step_x * grid.columns, step_y * grid.rows
        _, top, _, low = self.bounds
        first, end = _blocks(top, low, dy, grid.step_y, grid.rows)
        for row in range(first, end):
            band = (max(row * step_y, 0.0) - dy, min((row + 1) * step_y, bottom) + dy)
            for x0, x1 in bands.extents(*band):
                left, stop = max(x0 - dx, 0.0), min(x1 + dx, right)
                if left < stop:
                    yield row, row + 1, math.floor(left / step_x), math.ceil(stop / step_x)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A boolean array of shape (height, width) of the stored picture: True is to be hidden."""

    array: NDArray[np.bool_]
    label: str | None = None
    score: float | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        import numpy as np

        array = np.asarray(self.array)
        if array.ndim != 2 or array.dtype.kind not in "biu":
            raise InvalidRegionError(
                f"a mask must be a two-dimensional boolean array, not {array.ndim}-dimensional "
                f"{array.dtype}",
                code="region.mask",
            )
        object.__setattr__(self, "array", array.astype(bool))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)`` of the True pixels."""
        import numpy as np

        rows = np.flatnonzero(self.array.any(axis=1))
        columns = np.flatnonzero(self.array.any(axis=0))
        if not len(rows):
            return 0, 0, 0, 0
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def check(self, width: int, height: int, where: str) -> None:
        """Raise `InvalidRegionError` unless some of the picture lies inside."""
        if self.array.shape != (height, width):
            raise _invalid(
                where,
                f"the mask's shape is {self.array.shape}, the picture's (height, width) is "
                f"{(height, width)}",
            )
        if not self.array.any():
            raise _invalid(where, "the mask is empty")

    def rects(self, grid: Grid, margin: tuple[float, float]) -> Iterator[Rect]:
        """Yield the blocks that hold a True pixel, or are within ``margin`` pixels of one."""
        import numpy as np
        from scipy.ndimage import maximum_filter1d

        mask = self.array
        for axis, grow in ((1, math.ceil(margin[0])), (0, math.ceil(margin[1]))):
            reach = min(grow, mask.shape[axis])
            if reach:
                mask = maximum_filter1d(
                    mask.view(np.uint8), 2 * reach + 1, axis, mode="constant"
                ).view(bool)
        blocks = _reduce(_reduce(mask, grid.step_y, grid.rows).T, grid.step_x, grid.columns).T
        for row in np.flatnonzero(blocks.any(axis=1)):
            edges = np.flatnonzero(np.diff(blocks[row], prepend=False, append=False))
            for left, right in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                yield int(row), int(row) + 1, left, right


@dataclass(frozen=True, slots=True)
class Boxes:
    """Several boxes that are one region: what lies across the seam of a 360° panorama has two."""

    parts: tuple[tuple[float, float, float, float], ...]
    label: str | None = None
    score: float | None = None
    id: str | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(left, top, right, bottom)`` of all parts together."""
        lefts, tops, rights, bottoms = zip(*self.parts, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def check(self, width: int, height: int, where: str) -> None:
        """Raise `InvalidRegionError` unless some of the picture lies inside each part."""
        for part in self.parts:
            _check_bounds(part, width, height, where)

    def rects(self, grid: Grid, margin: tuple[float, float]) -> Iterator[Rect]:
        """Yield the blocks that the parts, grown by ``margin`` pixels, have any area in."""
        for part in self.parts:
            yield from Box(*part).rects(grid, margin)


Region = Box | Polygon | Mask | Boxes


def as_regions(boxes: Any, limits: Limits = DEFAULT_LIMITS) -> tuple[Region, ...]:
    """Turn what a caller gives as boxes into regions.

    Parameters
    ----------
    boxes
        An iterable of 4-tuples ``(left, top, right, bottom)``, `Box`, `Polygon`,
        `Mask`, or objects with a ``box`` (and ``label``, ``score``, ``id``), such
        as detections, or several ``parts`` instead of one box; or an (n, 4) array. A ``box``
        may be a `Polygon` too.

    Raises
    ------
    InvalidRegionError, LimitExceededError
    """
    if isinstance(boxes, Box | Polygon | Mask | Boxes):
        raise _invalid("boxes", "one region where a list of them should be", "wrap it in a list")
    regions: list[Region] = []
    for box in boxes:
        limits.check("max_regions", len(regions) + 1, "regions")
        regions.append(_as_region(box, f"region {len(regions)}"))
        if isinstance(regions[-1], Polygon):
            limits.check("max_points", len(regions[-1].points), "corners")
    return tuple(regions)


def _as_region(box: Any, where: str) -> Region:
    if isinstance(box, Box):
        left, top, right, bottom = _numbers(box.bounds, where)
        return replace(box, left=left, top=top, right=right, bottom=bottom, **_marks(box, where))
    if isinstance(box, Polygon):
        pairs = (_numbers(point, where) for point in box.points)
        return replace(box, points=tuple((x, y) for x, y in pairs), **_marks(box, where))
    if isinstance(box, Mask):
        _marks(box, where)
        return box
    if isinstance(box, Boxes) or getattr(box, "parts", None):
        parts = tuple(tuple(_four(part, where)) for part in box.parts)
        return Boxes(parts, **_marks(box, where))  # type: ignore[arg-type]  # four numbers each
    inner = getattr(box, "box", None)
    if isinstance(inner, Polygon):
        return _as_region(replace(inner, **_marks(box, where)), where)
    if inner is not None:
        left, top, right, bottom = _four(getattr(inner, "bounds", inner), where)
        return Box(left, top, right, bottom, **_marks(box, where))
    left, top, right, bottom = _four(box, where)
    return Box(left, top, right, bottom)


def _four(box: Any, where: str) -> list[float]:
    if isinstance(box, Real):
        raise _invalid(
            where, "a number where a region should be", "one box is [(left, top, right, bottom)]"
        )
    try:
        sides = list(box)
    except TypeError:
        raise _invalid(where, f"{type(box).__name__} is no region") from None
    if len(sides) != 4:
        raise _invalid(where, f"a box has 4 numbers, not {len(sides)}")
    return _numbers(sides, where)


def _marks(box: Any, where: str) -> dict[str, Any]:
    """Return label, score and id: text, a finite number, text; each may be missing."""
    marks: dict[str, Any] = {}
    for name in ("label", "id"):
        mark = getattr(box, name, None)
        if mark is not None and (
            not isinstance(mark, str) or mark != mark.encode("utf-8", "replace").decode()
        ):
            raise _invalid(where, f"the {name} {mark!r} is no text")
        marks[name] = mark
    score = getattr(box, "score", None)
    if score is not None:
        if isinstance(score, bool):
            raise _invalid(where, f"the score {score!r} is no number")
        score = float(_numbers([score], where)[0])
    marks["score"] = score
    return marks


def _numbers(values: Iterable[Any], where: str) -> list[float]:
    numbers: list[float] = []
    for value in values:
        if isinstance(value, str | bytes):
            raise _invalid(where, f"{value!r} is no number")
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise _invalid(where, f"{value!r} is no number") from None
        if not math.isfinite(number):
            raise _invalid(where, f"{number} is not finite")
        whole = number.is_integer() and abs(number) < 1 << 53
        numbers.append(int(number) if whole else number)
    return numbers


def parse_margin(margin: float | str) -> tuple[float, bool]:
    """Return a margin's size and whether it is a fraction of the region.

    A number of 1 or more is in pixels, one between 0 and 1 a fraction of the
    region's width and height; ``"0.5px"`` and ``"150%"`` say it outright.
    """
    text = str(margin).strip()
    number = text.removesuffix("%" if text.endswith("%") else "px")
    try:
        value = float(number) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 65535:
        raise InvalidRegionError(
            f"the margin {margin!r} is no size", code="region.margin", hint="try 8, 0.1 or '10%'"
        )
    if number != text:
        return value, text.endswith("%")
    return value, 0 < value < 1


_FAR = 1e6  # pixels; no picture is that wide, and no margin needs to be


def margin_of(region: Region, margin: tuple[float, bool]) -> tuple[float, float]:
    """Return a margin in pixels, across and down."""
    value, relative = margin
    if not relative:
        return value, value
    bounds = max(region.parts, key=_width) if isinstance(region, Boxes) else region.bounds
    left, top, right, bottom = (min(max(side, -_FAR), _FAR) for side in bounds)
    return min(value * (right - left), _FAR), min(value * (bottom - top), _FAR)


def _width(box: tuple[float, float, float, float]) -> float:
    return box[2] - box[0]


def to_stored(region: Region, orientation: int, width: int, height: int) -> Region:
    """Map a region of the upright picture back to the stored one.

    ``orientation`` is Exif's (1 to 8); ``width`` and ``height`` are the stored
    picture's.
    """
    if orientation == 1:
        return region
    if isinstance(region, Mask):
        array = region.array.T if orientation >= 5 else region.array
        x_back, y_back = _REVERSED[orientation]
        array = array[:, ::-1] if x_back else array
        array = array[::-1] if y_back else array
        return replace(region, array=array)

    def point(x: float, y: float) -> tuple[float, float]:
        if orientation >= 5:
            x, y = y, x
        x_back, y_back = _REVERSED[orientation]
        return (width - x if x_back else x), (height - y if y_back else y)

    if isinstance(region, Polygon):
        return replace(region, points=tuple(point(x, y) for x, y in region.points))
    if isinstance(region, Boxes):
        boxes = (to_stored(Box(*part), orientation, width, height) for part in region.parts)
        return replace(region, parts=tuple(box.bounds for box in boxes))
    x0, y0 = point(region.left, region.top)
    x1, y1 = point(region.right, region.bottom)
    if (region.left > region.right) or (region.top > region.bottom):
        raise _invalid("region", f"the box {region.bounds} is inverted")
    return replace(
        region, left=min(x0, x1), top=min(y0, y1), right=max(x0, x1), bottom=max(y0, y1)
    )


# Orientation -> whether x and y of the stored picture run backwards, after swapping x and y
# for 5 to 8 (Exif 2.32, 4.6.4.A).
_REVERSED = {
    2: (True, False), 3: (True, True), 4: (False, True),
    5: (False, False), 6: (False, True), 7: (True, True), 8: (True, False),
}  # fmt: skip


def _invalid(where: str, message: str, hint: str | None = None) -> InvalidRegionError:
    return InvalidRegionError(f"{where}: {message}", hint=hint)


def _check_bounds(
    bounds: Sequence[float], width: int, height: int, where: str
) -> None:
    left, top, right, bottom = bounds
    if left > right or top > bottom:
        raise _invalid(where, f"the box {tuple(bounds)} is inverted")
    if left == right or top == bottom:
        raise _invalid(where, f"the box {tuple(bounds)} has no area")
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise _invalid(
            where, f"the box {tuple(bounds)} lies outside the picture of {width} × {height} pixels"
        )


def _blocks(
    low: float, high: float, margin: float, step: Fraction, count: int
) -> tuple[int, int]:
    """Return the first and end block of the interval ``[low - margin, high + margin)``, exactly."""
    grown, whole = margin.as_integer_ratio()
    size, part = step.as_integer_ratio()
    number, unit = low.as_integer_ratio()
    first = (number * whole - grown * unit) * part // (unit * whole * size)
    number, unit = high.as_integer_ratio()
    end = -(-(number * whole + grown * unit) * part // (unit * whole * size))
    return max(first, 0), min(end, count)


def _reduce(mask: NDArray[np.bool_], step: Fraction, count: int) -> NDArray[np.bool_]:
    """Join the rows of ``mask`` that a block of ``step`` pixels touches."""
    import numpy as np

    out = np.zeros((count, mask.shape[1]), bool)
    pixels = np.arange(mask.shape[0], dtype=np.int64)
    first = pixels * step.denominator // step.numerator
    last = ((pixels + 1) * step.denominator - 1) // step.numerator
    for block in (first, last):
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        inside = block[starts] < count
        joined = np.logical_or.reduceat(mask, starts, axis=0)
        out[block[starts][inside]] |= joined[inside]
    return out
