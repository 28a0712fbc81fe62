"""From a method's pictures to edits: canvases out, DC values and coefficients in."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..codec import core
from ..codec.blocks import Ranges
from ..codec.compact import unpack_blocks
from ..errors import InvalidRegionError
from ..geometry import Grid
from .methods import Canvas, Method, Slopes
from .picture import Edits, Member, Picture
from .plan import block_grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["render_into"]

Window = tuple[int, int, int, int]
_Ring: TypeAlias = "tuple[tuple[int, int], tuple[int, int]]"
_WORTH_A_WINDOW = 4096
"""Cells that take as long as one window more."""


def render_into(picture: Picture, method: Method, edits: Edits) -> None:
    """Let a method fill every touched component, and note its wishes in the edits.

    AC coefficients are set for components whose method gave some; all other touched
    blocks are left for the caller to make bare.
    """
    areas = _areas(picture.plan.groups)
    for member in picture.members:
        touched, new = picture.touched(member), edits.dc(member)
        slopes: tuple[array[int], array[int]] | None = None
        blocks = block_grid(picture.jpeg.frame, member.component)
        steps = picture.jpeg.quantization[member.component] or (1,) * 64
        steps = tuple(max(step, 1) for step in steps)  # 0 is not allowed, but does no harm
        for window in _windows(member):
            canvas = _canvas(picture, member, window, method, blocks, steps, touched, areas)
            values = method.render(canvas)
            real = (member.grid.rows, member.grid.columns)
            place = (_ranges_of(member, window), member.unit, real, window)
            if isinstance(values, Slopes):
                core.grid.place(*place, values.dc, touched, new)
                if values.across is None or values.down is None:
                    continue
                if slopes is None:
                    slopes = array("i", [0]) * len(new), array("i", [0]) * len(new)
                core.grid.place(*place, values.across, touched, slopes[0])
                core.grid.place(*place, values.down, touched, slopes[1])
                continue
            plain, coefficients = _plain(values, canvas, method.name)
            core.grid.place(*place, plain, touched, new)
            if coefficients is not None:
                _put_coefficients(picture, member, window, coefficients, edits)
        if slopes is not None:
            edits.put_slopes(member, *slopes)


def _canvas(
    picture: Picture, member: Member, window: Window, method: Method, blocks: Grid,
    steps: tuple[int, ...], touched: array[int], areas: list[int],
) -> Canvas:  # fmt: skip
    cells = window[2] * window[3]
    dc, states = array("i", [0]) * cells, array("B", [0]) * cells
    core.grid.spread(
        _ranges_of(member, window), member.unit, (member.grid.rows, member.grid.columns), window,
        picture.dc(member), touched, method.content_free, dc, states,
    )  # fmt: skip
    return Canvas(
        member.component, picture.jpeg.colour, picture.jpeg.inverted, steps,
        blocks.step_x, blocks.step_y, window[2], window[3], dc, states,
        _areas_of(member, window, areas),
        None if method.content_free else _coefficients_of(picture, member, window),
        picture.jpeg.frame.precision,
    )  # fmt: skip


def _windows(member: Member) -> list[Window]:
    """Return rectangles of real blocks, a ring around the touched ones in them, that share none.

    One for all where that costs no more.
    """
    grid = member.grid
    rings = [
        (
            (max(min(row, grid.rows) - 1, 0), min(row + rows + 1, grid.rows)),
            (max(min(column, grid.columns) - 1, 0), min(column + columns + 1, grid.columns)),
        )
        for row, column, rows, columns in member.cover.boxes.values()
    ]
    return [
        (row, column, row_end - row, column_end - column)
        for (row, row_end), (column, column_end) in _apart(rings, 0, 0)
    ]


def _apart(rings: list[_Ring], axis: int, failed: int) -> list[_Ring]:
    """Part rectangles, along rows and columns in turn, and return what each part takes."""
    first, last = min(ring[axis][0] for ring in rings), max(ring[axis][1] for ring in rings)
    across = [ring[1 - axis] for ring in rings]
    side = (min(a for a, _ in across), max(b for _, b in across))
    whole: _Ring = ((first, last), side) if axis == 0 else (side, (first, last))
    if failed == 2 or len(rings) == 1:
        return [whole]
    parts: list[list[_Ring]] = []
    end = -1
    for ring in sorted(rings, key=lambda ring: ring[axis]):
        if ring[axis][0] >= end:
            parts.append([])
        parts[-1].append(ring)
        end = max(end, ring[axis][1])
    failed = failed + 1 if len(parts) == 1 else 0
    found = [ring for part in parts for ring in _apart(part, 1 - axis, failed)]
    cost = sum((a[1] - a[0]) * (b[1] - b[0]) + _WORTH_A_WINDOW for a, b in found)
    return found if cost < (last - first) * (side[1] - side[0]) + _WORTH_A_WINDOW else [whole]


def _ranges_of(member: Member, window: Window) -> Ranges:
    """Return the runs of recorded MCUs in the rows of a window."""
    down, _, across, _, _ = member.unit
    begins, ends, bases = member.ranges
    last = window[0] + window[2]
    if last >= member.grid.rows:
        last = member.grid.padded_rows  # hidden blocks take after the last real ones
    low = bisect_right(ends, window[0] // down * across)
    high = bisect_left(begins, -(-last // down) * across)
    return begins[low:high], ends[low:high], bases[low:high]


def _plain(values: Any, canvas: Canvas, name: str) -> tuple[array[int], Any]:
    """Return a user's method's DC values as an array, and its coefficients if it gave them."""
    import numpy as np

    shape = (canvas.rows, canvas.columns)
    try:
        given = np.asarray(values)
    except ValueError:
        given = np.zeros(0)
    coefficients = given if given.shape == (*shape, 64) else None
    dc = given if coefficients is None else given[:, :, 0]
    if dc.shape not in (shape, (shape[0] * shape[1],)) or dc.dtype.kind not in "iu":
        raise InvalidRegionError(
            f"the method {name!r} returned {given.dtype} of shape {given.shape}; wanted are "
            f"integers of shape {shape}, or with 64 coefficients each",
            code="region.method",
        )
    if given.min(initial=0) < -32768 or given.max(initial=0) > 32767:
        raise InvalidRegionError(
            f"the method {name!r} returned values beyond 16 bits", code="region.method"
        )
    return array("i", dc.astype(np.int32).tobytes()), coefficients


def _areas(groups: tuple[tuple[int, ...], ...]) -> list[int]:
    """Number, for each group, the cluster of regions that it belongs to.

    Regions are in one cluster when some block is under both.
    """
    parent: dict[int, int] = {}

    def root(region: int) -> int:
        while parent.setdefault(region, region) != region:
            parent[region] = parent[parent[region]]
            region = parent[region]
        return region

    for regions in groups:
        for region in regions[1:]:
            parent[root(region)] = root(regions[0])
    roots = [root(regions[0]) for regions in groups]
    numbers = {first: number for number, first in enumerate(sorted(set(roots)), 1)}
    return [numbers[first] for first in roots]


def _areas_of(
    member: Member, window: Window, areas: list[int]
) -> Callable[[], NDArray[np.int64]]:
    cover = member.cover

    def get() -> NDArray[np.int64]:
        import numpy as np

        cells = np.frombuffer(cover.cells, np.uint16).reshape(cover.rows, cover.columns)
        row, column = window[0] - cover.row, window[1] - cover.column
        cells = cells[max(row, 0) : row + window[2], max(column, 0) : column + window[3]]
        out = np.zeros((window[2], window[3]), np.int64)
        part = out[max(-row, 0) :, max(-column, 0) :][: cells.shape[0], : cells.shape[1]]
        part[:] = np.array([0, *areas])[cells]
        return out

    return get


def _places(member: Member, group: int, window: Window) -> NDArray[np.int64]:
    """Return for each block of a group its cell in the window, -1 for hidden padding there, and
    -2 for blocks outside.
    """
    import numpy as np

    cover, grid = member.cover, member.grid
    at = np.flatnonzero(np.frombuffer(cover.cells, np.uint16) == group + 1)
    row, column = at // cover.columns + cover.row, at % cover.columns + cover.column
    hidden = (row >= grid.rows) | (column >= grid.columns)
    row = np.minimum(row, grid.rows - 1) - window[0]
    column = np.minimum(column, grid.columns - 1) - window[1]
    outside = (row < 0) | (row >= window[2]) | (column < 0) | (column >= window[3])
    return np.where(outside, -2, np.where(hidden, -1, row * window[3] + column))


def _coefficients_of(
    picture: Picture, member: Member, window: Window
) -> Callable[[], NDArray[np.int16]]:
    def get() -> NDArray[np.int16]:
        import numpy as np

        out = np.zeros((window[2] * window[3], 64), np.int16)
        for group in range(len(picture.plan.groups)):
            places = _places(member, group, window)
            at = 0
            for portion in picture.portions(group) if len(places) else ():
                packed, _ = picture.pack_portion(portion)
                parts = [(part.member.component, len(part.blocks)) for part in portion]
                unpacked = unpack_blocks(packed, parts)
                if unpacked is None:
                    raise AssertionError("blocks that were just packed can't be unpacked")
                for part, coefficients in zip(portion, unpacked, strict=True):
                    if part.member is member:
                        found = np.frombuffer(coefficients, np.int16).reshape(-1, 64)
                        here = places[at : at + len(found)]
                        out[here[here >= 0]] = found[here >= 0]
                        at += len(found)
        return out.reshape(window[2], window[3], 64)

    return get


def _put_coefficients(
    picture: Picture, member: Member, window: Window, coefficients: Any, edits: Edits
) -> None:
    import numpy as np

    flat = coefficients.reshape(-1, 64)
    for group in range(len(picture.plan.groups)):
        blocks = member.group(group)
        if not blocks:
            continue
        places = _places(member, group, window)
        blocks = array("i", np.frombuffer(blocks, np.int32)[places > -2].tobytes())
        places = places[places > -2]
        if not len(places):
            continue
        chosen = np.where(places[:, None] >= 0, flat[np.maximum(places, 0)], 0).astype(np.int16)
        values = edits.dc(member)
        dc = array("i", [values[block] for block in blocks])
        edits.put(member, blocks, array("h", chosen.tobytes()), drop=True)
        core.grid.scatter(dc, blocks, values)  # hidden padding keeps its neighbour's


