"""All scans that share in the blocks of a picture: read together, written together.

For pictures whose coefficients are spread over scans (progressive) or coded with a
state that remembers (arithmetic). Knows scans and blocks; knows no regions, diffs, files.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import TypeAlias

from ..errors import InvalidJpegError
from . import core
from .arithmetic import ArithmeticScan
from .blocks import BlockStore
from .huffman import HuffmanTable, Tables, encode_codes
from .intervals import Raw, raw_interval, readable_intervals, restart_fault
from .layout import scan_layout
from .model import JpegData, Scan
from .progressive import (
    AcBand,
    BrokenInterval,
    DcFirst,
    DcRefinement,
    Targets,
    find_mcus,
)
from .scan import MissingCategory
from .sketch import Drawing

__all__ = ["Layer", "read_layers", "repeats", "rewrite_layers", "sayable"]

_MOST_BROKEN = 8

Layer: TypeAlias = "DcFirst | DcRefinement | AcBand | ArithmeticScan"


def _refines_ac(jpeg: JpegData) -> bool:
    """Whether some scan refines AC coefficients."""
    return any(scan.approximation[0] and scan.spectral[1] for scan in jpeg.scans)


def repeats(jpeg: JpegData) -> bool:
    """Whether a scan is a first one of coefficients that another one before it said."""
    said: set[tuple[int, int]] = set()
    for scan in jpeg.scans:
        if scan.approximation[0] == 0:
            band = range(scan.spectral[0], scan.spectral[1] + 1)
            these = {(part.index, k) for part in scan.components for k in band}
            if not said.isdisjoint(these):
                return True
            said |= these
    return False


def read_layers(
    data: bytes, jpeg: JpegData, store: BlockStore,
    draw: Drawing | None = None,
) -> dict[int, Layer]:
    """Read every scan that codes recorded blocks, as far as needed; fill the store.

    With ``draw``, a first DC scan's index has what that asks for: see `index_scan`.

    Returns them by number of the scan.

    Raises
    ------
    InvalidJpegError
        The coded data around the blocks can't be decoded.
    """
    scans = {
        number: scan
        for number, scan in enumerate(jpeg.scans)
        if any(store.has(component.index) for component in scan.components)
    }
    units = {number: find_mcus(store, jpeg, scan) for number, scan in scans.items()}
    walked = _walked(data, jpeg, scans, {n: last for n, (_, last) in units.items()})
    stops: dict[int, dict[int, tuple[int, bool]]] = {number: {} for number in scans}
    offset = 0
    for _ in range(_MOST_BROKEN):
        try:
            return _read(data, jpeg, store, units, walked, stops, draw)
        except _BrokenScan as broken:  # the history is spoilt by now: once more
            stops[broken.scan][broken.interval] = broken.stop
            store.coefficients[:] = array("h", [0]) * (64 * store.recorded)
            offset = raw_interval(scans[broken.scan], broken.interval)[0]
    raise InvalidJpegError(
        "too many restart intervals are damaged", code="jpeg.truncated", offset=offset
    )


class _BrokenScan(Exception):  # noqa: N818 - it is caught and answered, no failure
    def __init__(self, scan: int, broken: BrokenInterval) -> None:
        super().__init__("a scan ends too early")
        self.scan, self.interval, self.stop = scan, broken.interval, broken.stop


def _read(
    data: bytes,
    jpeg: JpegData,
    store: BlockStore,
    units: Mapping[int, tuple[list[array[int]], array[int]]],
    walked: Mapping[int, Mapping[int, int]],
    stops: Mapping[int, Mapping[int, tuple[int, bool]]],
    draw: Drawing | None,
) -> dict[int, Layer]:
    size = len(store.slots) if _refines_ac(jpeg) else 0
    history = array("Q", [0]) * size
    unknown: list[list[range]] = [[] for _ in store.grids]
    layers: dict[int, Layer] = {}
    for number, (found, _) in units.items():
        scan = jpeg.scans[number]
        if jpeg.frame.arithmetic:
            layers[number] = ArithmeticScan.read(
                data, jpeg, scan, store, history, walked[number]
            )
        elif scan.spectral[0]:
            component = scan.components[0].index
            base = store.bases[component]
            part = memoryview(history)[base : base + len(store.slots_of(component))]
            try:
                layers[number], unknown[component] = AcBand.read(
                    data, jpeg, scan, store, part if size else None, walked[number],
                    unknown[component], stops[number],
                )  # fmt: skip
            except BrokenInterval as broken:
                raise _BrokenScan(number, broken) from None
        elif scan.approximation[0]:
            layers[number] = DcRefinement.read(data, jpeg, scan, store, found, walked[number])
        else:
            layout = scan_layout(jpeg, scan)
            marks = bytearray(layout.mcus)
            for grid, numbers in zip(layout.grids, found, strict=True):
                core.dcscan.mark_mcus(
                    numbers, layout.units, store.of(grid.component, store.touched),
                    layout.interval, marks,
                )  # fmt: skip
            wanted = None if draw is None else draw.of(number)
            layers[number] = DcFirst.read(data, jpeg, scan, store, marks, wanted)
    return layers


def _walked(
    data: bytes, jpeg: JpegData, scans: Mapping[int, Scan], lasts: Mapping[int, array[int]]
) -> dict[int, dict[int, int]]:
    """Return which restart intervals of each scan must be decoded, with their last touched MCU.

    A refinement can be decoded only by who knows which coefficients were not zero
    before, in all blocks of the interval; so from the last scan to the first, an
    interval is needed also where a later one that is needed overlaps it. One that has
    only blocks around the regions is left out where readers may not agree on it.
    """
    needed: dict[int, bytearray] = {}
    walked = {}
    for number in sorted(scans, reverse=True):
        scan, last = scans[number], lasts[number]
        layout = scan_layout(jpeg, scan)
        codes_ac = scan.spectral[0] > 0
        least = 0 if codes_ac else -1  # of blocks around the regions only the DC is of use
        readable = readable_intervals(layout, scan)
        marks = bytearray()
        if codes_ac:
            marks = needed.setdefault(layout.grids[0].component, bytearray(layout.mcus))
        found = {}
        for k, mcu in enumerate(last):
            begin, end = k * layout.interval, min((k + 1) * layout.interval, layout.mcus)
            if mcu == -1 == least and k >= readable:
                continue
            if mcu >= least or marks.find(1, begin, end) >= 0:
                found[k] = mcu
                if codes_ac and scan.approximation[0]:
                    marks[begin:end] = b"\1" * (end - begin)
        if marks.find(1, len(last) * layout.interval) >= 0:
            raise restart_fault(scan, len(last))
        walked[number] = found
    return walked


def rewrite_layers(
    layers: Mapping[int, Layer],
    store: BlockStore,
    targets: Targets,
    tables: Tables,
    raw: Mapping[int, Raw],
) -> dict[int, Layer]:
    """Write the touched intervals of all scans anew, in their order; ``raw`` by scan.

    Raises
    ------
    MissingCategory
        With all that is missing in any scan.
    """
    written: dict[int, Layer] = {}
    missing: dict[HuffmanTable, list[int]] = {}
    for number, layer in layers.items():
        try:
            written[number] = layer.rewrite(store, targets, tables, raw.get(number, {}))
        except MissingCategory as lack:
            for table, sizes in lack.categories.items():
                missing[table] = sorted({*missing.get(table, ()), *sizes})
    if missing:
        raise MissingCategory(missing)
    return written


def sayable(
    layers: Mapping[int, Layer],
    store: BlockStore,
    members: Mapping[int, array[int]],
    coefficients: array[int],
) -> None:
    """Clear AC coefficients of blocks (slots, by component) that the scans' tables can't say."""
    for component, blocks in members.items():
        bands = [
            (encode_codes((layer.table,), 256), layer)
            for layer in layers.values()
            if isinstance(layer, AcBand) and layer.component == component
        ]
        changed = 1
        while blocks and changed:  # what falls in a late scan is missing in an early one
            state = array("h", [0]) * (64 * store.recorded)
            changed = sum(
                core.bandwrite.drop_unsayable(
                    blocks, coefficients, state, codes,
                    (*layer.scan.spectral, *layer.scan.approximation),
                )
                for codes, layer in bands
            )  # fmt: skip
