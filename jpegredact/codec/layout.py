"""The geometry of a scan: MCUs, their data units, and block grids (ITU-T T.81 A.2)."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from .model import JpegData, Scan

__all__ = ["ComponentGrid", "ScanLayout", "component_grids", "scan_layout"]


class ComponentGrid(NamedTuple):
    """The blocks of one component as one scan codes them.

    ``rows`` and ``columns`` count the real blocks, ``padded_rows`` and
    ``padded_columns`` also the hidden ones that fill up interleaved MCUs.
    ``down`` and ``across`` are its blocks per MCU; ``first`` its first data
    unit in the MCU.
    """

    component: int
    rows: int
    columns: int
    padded_rows: int
    padded_columns: int
    down: int
    across: int
    first: int


class ScanLayout(NamedTuple):
    """How a scan's MCUs are made up."""

    mcus_across: int
    mcus_down: int
    units: int
    """Data units per MCU."""
    interval: int
    """MCUs in a restart interval; all of them where there are no restarts."""
    grids: tuple[ComponentGrid, ...]
    """One for each component of the scan, in its order."""

    @property
    def mcus(self) -> int:
        """MCUs in the scan."""
        return self.mcus_across * self.mcus_down

    @property
    def intervals(self) -> int:
        """Restart intervals in the scan."""
        return -(-self.mcus // self.interval)

    def unit_components(self) -> array[int]:
        """For each data unit of the MCU, which component of the scan it belongs to."""
        return array(
            "B", [k for k, grid in enumerate(self.grids) for _ in range(grid.down * grid.across)]
        )


def scan_layout(jpeg: JpegData, scan: Scan) -> ScanLayout:
    """Work out the layout of a scan."""
    frame = jpeg.frame
    if len(scan.components) == 1:  # not interleaved: an MCU is a block, and none is hidden
        index = scan.components[0].index
        rows, columns = frame.blocks(index)
        grid = ComponentGrid(index, rows, columns, rows, columns, 1, 1, 0)
        return ScanLayout(columns, rows, 1, scan.restart_interval or rows * columns, (grid,))
    across = -(-frame.width // (8 * frame.horizontal))
    down = -(-frame.height // (8 * frame.vertical))
    grids = []
    units = 0
    for part in scan.components:
        component = frame.components[part.index]
        rows, columns = frame.blocks(part.index)
        grids.append(
            ComponentGrid(
                part.index, rows, columns,
                down * component.vertical, across * component.horizontal,
                component.vertical, component.horizontal, units,
            )
        )  # fmt: skip
        units += component.vertical * component.horizontal
    return ScanLayout(across, down, units, scan.restart_interval or across * down, tuple(grids))


def component_grids(jpeg: JpegData) -> tuple[ComponentGrid | None, ...]:
    """Return the block grid of each component over all scans: with hidden blocks if any has them.

    None for a component that no scan codes.
    """
    grids: list[ComponentGrid | None] = [None] * len(jpeg.frame.components)
    for scan in jpeg.scans:
        for grid in scan_layout(jpeg, scan).grids:
            known = grids[grid.component]
            if known is None or len(scan.components) > 1:
                grids[grid.component] = grid
    return tuple(grids)
