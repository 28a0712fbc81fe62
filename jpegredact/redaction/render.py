"""From a method's pictures to edits: canvases out, DC values and coefficients in."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..codec import core
from ..codec.compact import unpack_blocks
from ..errors import InvalidRegionError
from .methods import Canvas, Method, Slopes
from .picture import Edits, Member, Picture
from .plan import block_grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["render_into"]

Window = tuple[int, int, int, int]


def render_into(picture: Picture, method: Method, edits: Edits) -> None:
    """Let a method fill every touched component, and note its wishes in the edits.

    AC coefficients are set for components whose method gave some; all other touched
    blocks are left for the caller to make bare.
    """
    areas = _areas(picture.plan.groups)
    for member in picture.members:
        grid, cover = member.grid, member.cover
        real = (grid.rows, grid.columns)
        row, column = max(cover.row - 1, 0), max(cover.column - 1, 0)
        window = (
            row,
            column,
            min(cover.row + cover.rows + 1, grid.rows) - row,
            min(cover.column + cover.columns + 1, grid.columns) - column,
        )
        cells = window[2] * window[3]
        dc, states = array("i", bytes(4 * cells)), array("B", bytes(cells))
        touched = picture.touched(member)
        core.grid.spread(
            member.ranges, member.unit, real, window, picture.dc(member), touched,
            method.content_free, dc, states,
        )  # fmt: skip
        frame = picture.jpeg.frame
        blocks = block_grid(frame, member.component)
        table = picture.jpeg.quantization[member.component] or (1,) * 64
        table = tuple(max(step, 1) for step in table)  # 0 is not allowed, but does no harm
        canvas = Canvas(
            member.component, picture.jpeg.colour, picture.jpeg.inverted, table,
            blocks.step_x, blocks.step_y, window[2], window[3], dc, states,
            _areas_of(member, window, areas),
            None if method.content_free else _coefficients_of(picture, member, window),
            frame.precision,
        )  # fmt: skip
        values = method.render(canvas)
        new = edits.dc(member)
        place = (member.ranges, member.unit, real, window)
        if isinstance(values, Slopes):
            core.grid.place(*place, values.dc, touched, new)
            if values.across is None or values.down is None:
                continue
            across, down = array("i", [0]) * len(new), array("i", [0]) * len(new)
            core.grid.place(*place, values.across, touched, across)
            core.grid.place(*place, values.down, touched, down)
            edits.put_slopes(member, across, down)
            continue
        plain, coefficients = _plain(values, canvas, method.name)
        core.grid.place(*place, plain, touched, new)
        if coefficients is not None:
            _put_coefficients(picture, member, window, coefficients, edits)


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
        row, column = cover.row - window[0], cover.column - window[1]
        out = np.zeros((window[2], window[3]), np.int64)
        part = out[row : row + cover.rows, column : column + cover.columns]
        part[:] = np.array([0, *areas])[cells[: part.shape[0], : part.shape[1]]]
        return out

    return get


def _places(member: Member, group: int, window: Window) -> NDArray[np.int64]:
    """Return for each block of a group its cell in the window, -1 for hidden padding."""
    import numpy as np

    cover = member.cover
    at = np.flatnonzero(np.frombuffer(cover.cells, np.uint16) == group + 1)
    row = at // cover.columns + cover.row - window[0]
    column = at % cover.columns + cover.column - window[1]
    inside = (row < window[2]) & (column < window[3])
    return np.where(inside, row * window[3] + column, -1)


def _coefficients_of(
    picture: Picture, member: Member, window: Window
) -> Callable[[], NDArray[np.int16]]:
    def get() -> NDArray[np.int16]:
        import numpy as np

        out = np.zeros((window[2] * window[3], 64), np.int16)
        for group in range(len(picture.plan.groups)):
            places = _places(member, group, window)
            if not len(places):
                continue
            packed, _ = picture.pack(group)
            counts = [
                (m.component, len(m.group(group))) for m in picture.members if m.group(group)
            ]
            wanted = [component for component, _ in counts].index(member.component)
            for piece in unpack_blocks(packed, counts):
                if piece is None:
                    raise AssertionError("blocks that were just packed can't be unpacked")
                number, start, coefficients = piece
                if number == wanted:
                    found = np.frombuffer(coefficients, np.int16).reshape(-1, 64)
                    here = places[start : start + len(found)]
                    out[here[here >= 0]] = found[here >= 0]
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
        chosen = np.where(places[:, None] >= 0, flat[np.maximum(places, 0)], 0).astype(np.int16)
        values = edits.dc(member)
        dc = array("i", [values[block] for block in blocks])
        edits.put(member, blocks, array("h", chosen.tobytes()), drop=True)
        core.grid.scatter(dc, blocks, values)  # hidden padding keeps its neighbour's


