"""Where a diff's groups lie in a picture, and the error for a picture that isn't the diff's."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Protocol

from ..codec.compact import unpack_shape
from ..codec.layout import component_grids
from ..codec.model import JpegData
from ..diff import Window
from ..errors import DiffMismatchError, InvalidDiffError
from .plan import Cover, Plan

__all__ = ["Outline", "diff_plan", "mismatch"]


class Outline(Protocol):
    """Where a group's blocks are."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """As in `GroupRecord`."""
        ...

    @property
    def shape(self) -> bytes:
        """As in `GroupRecord`."""
        ...


def diff_plan(jpeg: JpegData, outlines: Sequence[Outline]) -> Plan:
    """Return the plan of groups that lie there.

    Raises
    ------
    InvalidDiffError, DiffMismatchError
    """
    grids = component_grids(jpeg)
    boxes: dict[int, dict[int, tuple[int, int, int, int]]] = {}
    for number, group in enumerate(outlines):
        for window in group.windows:
            grid = grids[window.component] if window.component < len(grids) else None
            if (
                grid is None
                or window.row + window.rows > grid.padded_rows
                or window.column + window.columns > grid.padded_columns
            ):
                raise mismatch(
                    "the diff's blocks lie outside this picture, or where its scans of single "
                    "components code none",
                    "diff.coding",
                )
            boxes.setdefault(window.component, {})[number] = (
                window.row, window.column, window.rows, window.columns,
            )  # fmt: skip
    covers = {component: _empty_cover(found) for component, found in boxes.items()}
    for number, group in enumerate(outlines):
        parts = [covers[window.component] for window in group.windows]
        counts = unpack_shape(
            group.shape,
            [cover.cells for cover in parts],
            [cover.columns for cover in parts],
            [
                (w.row - cover.row, w.column - cover.column, w.rows, w.columns)
                for w, cover in zip(group.windows, parts, strict=True)
            ],
            number + 1,
        )
        if counts is None:
            raise InvalidDiffError("a group's shape can't be read", code="diff.record")
    return Plan(
        grids,
        tuple(covers.get(component) for component in range(len(grids))),
        ((),) * len(outlines),
        0,
    )


def _empty_cover(boxes: dict[int, tuple[int, int, int, int]]) -> Cover:
    row = min(box[0] for box in boxes.values())
    column = min(box[1] for box in boxes.values())
    rows = max(box[0] + box[2] for box in boxes.values()) - row
    columns = max(box[1] + box[3] for box in boxes.values()) - column
    return Cover(row, column, rows, columns, array("H", [0]) * (rows * columns), boxes)


def mismatch(message: str, code: str = "diff.mismatch", hint: str = "") -> DiffMismatchError:
    """Return the error for a file that isn't the diff's."""
    return DiffMismatchError(
        message, code=code, hint=hint or "take the diff that was made with exactly this file"
    )
