"""Brings regions back in a file that was changed without harm since it was redacted.

That is one whose quantised coefficients in the regions are still those of the redacted file, or
of the original: coded anew without loss, or with other metadata. It can't become the original,
byte for byte; the coefficients of what is revealed are the original's.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from ..codec.compact import unpack_blocks
from ..codec.huffman import HuffmanTable
from ..codec.layout import component_grids
from ..codec.model import JpegData
from ..codec.reader import read_jpeg
from ..diff import Document, GroupRecord
from ..diff.parts import held_groups
from ..errors import InvalidJpegError, VerificationError
from ..limits import Limits
from .changed import require_same_frame, require_sample, shown_groups
from .diffplan import diff_plan, mismatch
from .opening import open_picture
from .picture import Picture, Portion, assemble, damaged, table_edits
from .plan import Cover, Plan, check_blocks
from .rewriting import UNSAYABLE, rewrite, unsayable
from .spliced import SplicedPicture
from .state import read_parsed, without_notes

__all__ = ["restore_modified"]


def restore_modified(
    data: bytes, document: Document, asked: frozenset[int], limits: Limits, named: bool
) -> bytes:
    """Reveal the groups that lie under no other regions than these.

    Where they were not ``named`` one by one, but are all there are, the picture must not have
    been changed elsewhere either, as far as a whole diff tells.

    Raises
    ------
    DiffMismatchError
        Other pixels, another quantisation or other grids: it does not fit any more.
    InvalidJpegError, UnsupportedJpegError, InvalidDiffError, LimitExceededError,
    VerificationError
    """
    jpeg = read_parsed(data, document, limits)
    data = without_notes(data, jpeg, document)
    jpeg = read_jpeg(data, limits)
    held = held_groups(document)
    if not held:
        raise mismatch("the diff has no blocks by which a changed file could be known")
    require_same_frame(jpeg, next(iter(held.values())))
    plan = diff_plan(jpeg, list(held.values()))
    check_blocks(plan, jpeg, limits)
    picture = _open(data, jpeg, plan)
    if not named:
        require_sample(picture, document)
    try:
        return _restored(
            _with_symbols(picture, list(held.values()), limits), held, document, asked
        )
    except VerificationError as error:
        if error.code != UNSAYABLE:
            raise
    data = with_roomy_tables(data, jpeg, limits)
    return _restored(_open(data, read_jpeg(data, limits), plan), held, document, asked)


def _restored(
    picture: Picture, held: Mapping[int, GroupRecord], document: Document, asked: frozenset[int]
) -> bytes:
    shown = shown_groups(picture, held, document)
    edits = picture.edits()
    for place, (number, group) in enumerate(held.items()):
        if number not in shown and set(group.regions) <= asked | _regions(held, shown):
            edits.put_blocks(picture, place, group.blocks, ())
    tables = {table.order: table for table in picture.jpeg.tables}
    tables, rewritten = rewrite(picture, edits, tables, {})
    return assemble(picture.data, rewritten.changes(tables))


def _open(data: bytes, jpeg: JpegData, plan: Plan) -> Picture:
    try:
        return open_picture(data, jpeg, plan, ring=True)
    except InvalidJpegError as error:
        raise mismatch(
            f"the coded data does not fit the diff: {error.message}", "diff.pixels"
        ) from error


def _regions(held: Mapping[int, GroupRecord], shown: frozenset[int]) -> frozenset[int]:
    """Return the regions that were asked for before."""
    return frozenset(region for number in shown for region in held[number].regions)


def _with_symbols(picture: Picture, groups: list[GroupRecord], limits: Limits) -> Picture:
    """Return the picture with the AC symbols in its tables that the groups' blocks take.

    A sequential Huffman picture that was coded anew may have tables for nothing but its own
    blocks. (What a progressive one lacks shows when it is written.)
    """
    if not isinstance(picture, SplicedPicture):
        return picture
    data, jpeg = picture.data, picture.jpeg
    needed: dict[int, set[int]] = {}
    for place, group in enumerate(groups):
        portions = picture.portions(place)
        if len(portions) != len(group.blocks):
            raise damaged("blocks")
        for portion, packed in zip(portions, group.blocks, strict=True):
            for part, coefficients in zip(portion, _unpacked(portion, packed), strict=True):
                needed.setdefault(part.member.component, set()).update(_symbols(coefficients))
    tables: dict[int, HuffmanTable] = {}
    for component, symbols in needed.items():
        table = picture.ac_table(component)
        longer = tables.get(table.order, table)
        lacking = sorted(symbols - longer.codes.keys())
        if lacking:
            appended = longer.appended(lacking)
            if appended is None:
                raise unsayable()
            tables[table.order] = appended
    if not tables:
        return picture
    data = assemble(data, table_edits(data, jpeg, tables))
    return _open(data, read_jpeg(data, limits), picture.plan)


_RUNS = bytes(run << 4 | size for run in range(16) for size in range(11))
"""What AC coefficients of 8-bit pictures take (T.81 F.1.2.2); EOBn of progressive ones is in it
(G.1.2.2): of size 0."""
_SIZES = bytes(range(12))


def with_roomy_tables(data: bytes, jpeg: JpegData, limits: Limits) -> bytes:
    """Return a Huffman-coded file with all coefficients as they are, and symbols for all others.

    Optimised tables can be so full that nothing can be appended to them.

    Raises
    ------
    LimitExceededError, InvalidJpegError
    """
    grids = component_grids(jpeg)
    covers: list[Cover | None] = []
    for grid in grids:
        if grid is None:
            covers.append(None)
            continue
        size = grid.padded_rows, grid.padded_columns
        cells = array("H", [1]) * (size[0] * size[1])
        covers.append(Cover(0, 0, *size, cells, {0: (0, 0, *size)}))
    plan = Plan(grids, tuple(covers), ((),), 0)
    check_blocks(plan, jpeg, limits)
    picture = open_picture(data, jpeg, plan, ring=False)
    if not jpeg.tables:
        raise unsayable()  # none are defined: T.81's own, or none that can be changed
    tables = {
        table.order: table.roomy(_SIZES if table.is_dc else _RUNS) for table in jpeg.tables
    }
    if isinstance(picture, SplicedPicture):
        other = picture.with_ac_tables(tables)
        edits = other.edits()
        for portion in picture.portions(0):
            packed, _ = picture.pack_portion(portion)
            blocks = _unpacked(portion, packed)
            for part, coefficients in zip(portion, blocks, strict=True):
                if edits.put(part.member, part.blocks, coefficients, drop=False):
                    raise unsayable()
        return assemble(data, other.rewrite(edits, tables).changes(tables))
    return assemble(data, picture.rewrite(picture.edits(), tables).changes(tables))


def _unpacked(portion: Portion, packed: bytes) -> list[array[int]]:
    parts = [(part.member.component, len(part.blocks)) for part in portion]
    unpacked = unpack_blocks(packed, parts)
    if unpacked is None:
        raise damaged("blocks")
    return unpacked


def _symbols(coefficients: array[int]) -> set[int]:
    """Return the AC symbols of blocks, 64 coefficients each (T.81 F.1.2.2)."""
    import numpy as np

    blocks = np.frombuffer(coefficients, np.int16).reshape(-1, 64)
    found = set()
    if (blocks[:, 63] == 0).any():
        found.add(0x00)
    rows, places = np.nonzero(blocks[:, 1:])
    first = np.ones(len(rows), bool)
    first[1:] = rows[1:] != rows[:-1]
    before = np.where(first, -1, np.concatenate([[-1], places[:-1]])[: len(places)])
    runs = places - before - 1
    sizes = np.frexp(np.abs(blocks[rows, places + 1].astype(np.int32)).astype(float))[1]
    if (runs > 15).any():
        found.add(0xF0)
    found.update(int(symbol) for symbol in np.unique(runs % 16 * 16 + sizes))
    return found
