"""Pictures whose scans share their blocks: progressive, arithmetic, or both.

The recorded blocks are kept with all their coefficients; each scan that has a share
in touched ones is written anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..codec import core
from ..codec.blocks import BlockStore, make_store
from ..codec.compact import pack_coefficients, sum_coefficients, unpack_blocks
from ..codec.intervals import FileEdit, Interval, Outside, raw_interval
from ..codec.layers import Layer, read_layers, repeats, rewrite_layers, sayable
from ..codec.layout import scan_layout
from ..codec.model import JpegData
from ..codec.progressive import AcBand, DcFirst, Targets
from ..codec.sketch import Drawing, Sketch, draw_intervals, make_sketch
from ..errors import InvalidJpegError
from .picture import (
    DcLine,
    Edits,
    Member,
    Picture,
    Piece,
    Portion,
    Raw,
    Residue,
    Tables,
    damaged,
    find_blocks,
    in_order,
    locate_members,
)
from .plan import Plan
from .sample import Sample
from .say import faintest

__all__ = ["LayeredPicture", "open_layered"]


@dataclass(frozen=True)
class LayeredPicture(Picture):
    """See `Picture`."""

    store: BlockStore
    layers: dict[int, Layer]
    """By number of the scan."""
    draw: Drawing | None = None
    """What `sketch` is to show."""

    def pack_portion(self, portion: Portion) -> tuple[bytes, Residue]:
        """See `Picture.pack_portion`. There is no residue of single blocks."""
        parts = [(part.member.component, part.blocks) for part in portion]
        return pack_coefficients(self.store.coefficients, parts), []

    def unpack_portion(self, portion: Portion, data: bytes) -> Piece:
        """See `Picture.unpack_portion`."""
        parts = [(part.member.component, len(part.blocks)) for part in portion]
        found = unpack_blocks(data, parts)
        if found is None:
            raise damaged("blocks")
        return Piece(portion, found)

    def checksum(self, members: Iterable[Member]) -> int:
        """See `Picture.checksum`."""
        parts = ((member.component, member.blocks) for member in members)
        return sum_coefficients(self.store.coefficients, parts)

    def dc(self, member: Member) -> array[int]:
        """See `Picture.dc`."""
        return self.store.dc()

    def touched(self, member: Member) -> array[int]:
        """See `Picture.touched`."""
        if self.jpeg.frame.arithmetic:
            return self.store.touched
        # Unknown, unless touched or shown by a first DC scan.
        known = array("B", self.store.touched.tobytes().translate(b"\2\1" + bytes(254)))
        for layer in self.layers.values():
            if isinstance(layer, DcFirst):
                for slots in layer.maps:
                    core.dcscan.mark_known(slots, self.store.touched, known)
        return known

    def edits(self) -> LayeredEdits:
        """See `Picture.edits`."""
        return LayeredEdits(self)

    def rewrite(
        self, edits: Edits, tables: Tables, raw: Mapping[int, Raw] | None = None
    ) -> LayeredPicture:
        """See `Picture.rewrite`."""
        assert isinstance(edits, LayeredEdits)  # noqa: S101 - `edits` made them
        return self._with(edits.wishes(), tables, raw or {})

    def _with(
        self, coefficients: array[int], tables: Tables, raw: Mapping[int, Raw]
    ) -> LayeredPicture:
        # Where a later scan says again, less exactly, what others said, only its answer stays; then
        # all of them are to say that, so that what is read can be written again.
        for _ in range(2 if repeats(self.jpeg) else 1):
            targets = Targets.of(self.store, coefficients, self.jpeg.frame.arithmetic)
            layers = rewrite_layers(self.layers, self.store, targets, tables, raw)
            coefficients = targets.state
        return replace(self, layers=layers, store=self.store._replace(coefficients=coefficients))

    def coded_changes(self) -> Iterator[FileEdit]:
        """See `Picture.coded_changes`."""
        for layer in self.layers.values():
            yield from layer.changes()

    def intervals(self) -> dict[int, tuple[Interval, ...]]:
        """See `Picture.intervals`."""
        return {number: layer.intervals for number, layer in self.layers.items()}

    def unclean(self) -> Iterator[Interval]:
        """See `Picture.unclean`."""
        if self.jpeg.frame.arithmetic:  # what is read to its end says nothing about it
            again = self.rewrite(self.edits(), {})
            for number, layer in self.layers.items():
                if not layer.same_intervals(again.layers[number]):  # type: ignore[arg-type]
                    yield from (interval for interval in layer.intervals if interval.touched)
            return
        for layer in self.layers.values():
            for interval in layer.intervals:
                if interval.touched and not layer.ends_clean(interval):
                    yield interval

    def outside(self) -> Iterator[tuple[Interval, Outside]]:
        """See `Picture.outside`."""
        layers = self.layers
        if self.jpeg.frame.arithmetic:
            nothing = array("h", [0]) * (64 * self.store.recorded)
            layers = self._with(nothing, {}, {}).layers
        for layer in layers.values():
            touched = (interval for interval in layer.intervals if interval.touched)
            yield from zip(touched, layer.outside(self.store), strict=True)

    def same_intervals(self, other: LayeredPicture) -> bool:
        """See `Picture.same_intervals`."""
        return all(
            layer.same_intervals(other.layers[number])  # type: ignore[arg-type]
            for number, layer in self.layers.items()
        )

    def sketch(self) -> Sketch | None:
        """See `Picture.sketch`."""
        layer = None if self.draw is None else self.layers.get(self.draw.scan)
        if self.draw is None or not isinstance(layer, DcFirst):
            return None
        drawn = None
        if layer.scan.restarts:
            drawn = draw_intervals(self.data, self.jpeg, self.draw)
        return make_sketch(layer.index, self.jpeg, self.draw, drawn)

    def residue(
        self, revealed: LayeredPicture | None, lacking: Iterable[int]
    ) -> dict[int, Raw]:
        """See `Picture.residue`."""
        found: dict[int, Raw] = {}
        orders = set(lacking)
        for number, layer in self.layers.items():
            if not isinstance(layer, AcBand):
                continue
            if layer.table.order in orders:
                found[number] = layer.residue(None)
            elif revealed is not None:
                raw = layer.residue(revealed.layers[number])  # type: ignore[arg-type]
                if raw:
                    found[number] = raw
        return found


class LayeredEdits(Edits):
    """See `Edits`. Recorded blocks are numbered by slot."""

    def __init__(self, picture: LayeredPicture) -> None:
        self.picture = picture
        self._coefficients = array("h", picture.store.coefficients)
        self._dc = picture.store.dc()
        self._given: set[int] = set()

    def dc(self, member: Member) -> array[int]:
        """See `Edits.dc`."""
        return self._dc

    def wishes(self) -> array[int]:
        """Return 64 coefficients for each slot."""
        core.dcscan.put_dc(self._dc, self.picture.store.touched, self._coefficients)
        return self._coefficients

    def put(
        self, member: Member, blocks: array[int], coefficients: array[int], drop: bool
    ) -> int:
        """See `Edits.put`. What can't be said is left out by `make_bare`."""
        core.dcscan.put_blocks(coefficients, blocks, self._coefficients)
        core.grid.scatter(array("i", coefficients[::64]), blocks, self._dc)
        self._given.add(member.component)
        return 0

    def put_slopes(self, member: Member, across: array[int], down: array[int]) -> None:
        """See `Edits.put_slopes`."""
        core.dcscan.put_blocks(
            array("h", [0]) * (64 * len(member.blocks)), member.blocks, self._coefficients
        )
        core.dcscan.put_slopes(across, down, member.blocks, self._coefficients)
        self._given.add(member.component)

    def make_bare(self) -> Tables:
        """See `Edits.make_bare`. Takes away, too, what the tables can't say."""
        picture = self.picture
        for member in picture.members:
            if member.component not in self._given:
                nothing = array("h", [0]) * (64 * len(member.blocks))
                core.dcscan.put_blocks(nothing, member.blocks, self._coefficients)
        blocks = {member.component: member.blocks for member in picture.members}
        sayable(picture.layers, picture.store, blocks, self._coefficients)
        return {}

    def end_blocks(self, lacking: Container[int], tables: Tables) -> int:
        """See `Edits.end_blocks`. The same coefficients for all blocks of a component."""
        changed = 0
        for member in self.picture.members:
            bands = [
                layer
                for layer in self.picture.layers.values()
                if isinstance(layer, AcBand) and layer.component == member.component
            ]
            block = _ended(bands, lacking, tables)
            if block is not None:
                core.dcscan.put_blocks(
                    block * len(member.blocks), member.blocks, self._coefficients
                )
                changed += len(member.blocks)
        return changed

    def put_piece(self, piece: Piece, odd: dict[int, tuple[int, bytes]]) -> None:
        """See `Edits.put_piece`."""
        for part, coefficients in zip(piece.portion, piece.content, strict=True):
            self.put(part.member, part.blocks, coefficients, drop=False)

    def dc_lines(self) -> Iterator[DcLine]:
        """See `Edits.dc_lines`."""
        for number, layer in self.picture.layers.items():
            if isinstance(layer, DcFirst):
                dc = layer.wishes(self.picture.store, self.wishes())
                yield DcLine(number, layer.index, layer.touched, dc)

    def take_dc(self, line: DcLine) -> None:
        """See `Edits.take_dc`."""
        layer = self.picture.layers[line.scan]
        assert isinstance(layer, DcFirst)  # noqa: S101 - the line came from it
        low = layer.scan.approximation[1]
        wished = layer.wishes(self.picture.store, self.wishes())
        for slots in layer.maps:
            for block, slot in enumerate(slots):
                if slot >= 0 and layer.touched[block] and line.dc[block] != wished[block]:
                    self._dc[slot] = line.dc[block] << low | self._dc[slot] & (1 << low) - 1


def _ended(
    bands: Iterable[AcBand], lacking: Container[int], tables: Tables
) -> array[int] | None:
    """Return 64 coefficients that end by themselves in the scans whose tables lack EOB.

    None where no scan needs that. Where it is not possible, that shows when it is coded.
    """
    block = array("h", bytes(128))
    found = False
    for band in bands:
        table = tables.get(band.table.order, band.table)
        if table.order not in lacking or 0 in table.codes:
            continue
        (first, last), (high, low) = band.scan.spectral, band.scan.approximation
        # A refinement passes over coefficients that are not zero so far.
        places = [k for k in range(first, last + 1) if not block[k]]
        if not places or places[-1] != last:
            continue
        path = faintest(table, len(places), 1 if high else 1 << (14 - low))
        found = path is not None or found
        at = -1
        for symbol in path or ():
            at += (symbol >> 4) + 1
            if symbol & 15:
                block[places[at]] = 1 << (symbol & 15) - 1 + low
    return block if found else None


def open_layered(
    data: bytes, jpeg: JpegData, plan: Plan, ring: bool, draw: Drawing | None = None,
    sample: Sample | None = None,
) -> LayeredPicture:
    """Find the plan's blocks in a file; with ``ring``, also record the blocks around them.

    And those of a ``sample``. With ``draw``, see to it that it has a `Picture.sketch` where that
    can be.

    Raises
    ------
    InvalidJpegError
        The coded data around them can't be decoded.
    """
    _check_room(data, jpeg, plan)
    marks: list[bytearray | None] = []
    for grid, cover in zip(plan.grids, plan.covers, strict=True):
        if grid is None or cover is None:
            marks.append(None)
            continue
        marked = bytearray(grid.padded_rows * grid.padded_columns)
        unit = (1, 1, grid.padded_columns, grid.rows, grid.columns)
        core.grid.mark_mcus(cover.cells, cover.window, unit, 1, ring, marked)
        if sample is not None:
            sample.mark_blocks(grid._replace(down=1, across=1), grid.padded_columns, marked)
        marks.append(marked)
    store = make_store(plan.grids, marks)
    members: list[Member] = []
    sampled: list[Member | None] = []
    for grid, cover in zip(plan.grids, plan.covers, strict=True):
        if grid is None or cover is None:
            continue
        part, ranges = grid.component, store.ranges[grid.component]
        unit = (1, 1, grid.padded_columns, 1, 0)
        members.append(
            locate_members(
                -1, part, grid, cover, ranges, unit, len(plan.groups), store.touched
            )
        )
        if sample is not None and sample.covers[part]:
            sampled.append(
                find_blocks(-1, part, grid, sample.covers[part], ranges, unit, store.recorded)
            )
    layers = read_layers(data, jpeg, store, draw)
    return LayeredPicture(
        data, jpeg, plan, in_order(members), in_order(sampled), store, layers, draw
    )


def _check_room(data: bytes, jpeg: JpegData, plan: Plan) -> None:
    """Refuse scans whose data ends before the touched blocks, before memory is taken for them.

    A Huffman-coded one of DC values has a bit a block at least.
    """
    for scan in jpeg.scans:
        if not plan.touched(scan):
            continue
        layout = scan_layout(jpeg, scan)
        last = 0  # a touched MCU is here or behind
        for grid in layout.grids:
            cover, whole = plan.covers[grid.component], plan.grids[grid.component]
            if cover is not None and whole is not None:
                row = min(cover.row + cover.rows, grid.padded_rows) - 1
                row = row // whole.down * whole.down // grid.down
                last = max(last, row * layout.mcus_across + cover.column // grid.across)
        number = last // layout.interval
        if number > len(scan.restarts):
            raise InvalidJpegError(
                f"no restart marker behind the first {len(scan.restarts)}",
                code="jpeg.restart-missing",
                offset=scan.end,
            )
        if jpeg.frame.arithmetic or scan.spectral[0] or layout.interval < layout.mcus:
            continue
        start, end = raw_interval(scan, number)
        if (last % layout.interval) * layout.units > 8 * (end - start):
            raise InvalidJpegError(
                "the coded data ends before the last touched block", code="jpeg.truncated",
                offset=end,
            )  # fmt: skip
