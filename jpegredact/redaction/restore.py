"""`restore_bytes`: bring regions back from a diff, in part or all of them.

A file under a diff is in one of many states: any set of regions may have been
revealed. The state is read from the file itself, and written as a function of
that set alone, so the order in which regions come back does not matter (G4).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..background import Beside
from ..codec.compact import unpack_shape
from ..codec.huffman import HuffmanTable
from ..codec.layout import component_grids
from ..codec.markers import COM
from ..codec.model import JpegData, Segment
from ..codec.reader import read_jpeg, require_supported
from ..codec.scan import MissingCategory
from ..diff import Document, GroupRecord
from ..diff.cbor import decode, encode
from ..errors import (
    DiffMismatchError,
    InvalidDiffError,
    InvalidJpegError,
    InvalidRegionError,
    VerificationError,
)
from ..limits import Limits
from .opening import open_picture
from .picture import (
    Edits,
    FileEdit,
    Picture,
    Raw,
    apply_patches,
    assemble,
    fill_digest,
    missing_symbols,
)
from .plan import Cover, Plan, check_blocks

__all__ = ["diff_plan", "restore_bytes"]

_NOTE = b"jrdiff-revealed\0"


def restore_bytes(
    data: bytes, document: Document, regions: Iterable[int] | None, limits: Limits
) -> bytes:
    """Bring back the regions with these indices, or all.

    Raises
    ------
    DiffMismatchError
        The diff is of another picture, or this one was changed since.
    InvalidDiffError, InvalidJpegError, UnsupportedJpegError, LimitExceededError,
    InvalidRegionError, VerificationError
    """
    asked = _asked(document, regions)
    digest = document.file.sha256
    if len(data) == document.file.length and hashlib.sha256(data).digest() == digest:
        return data  # it is the original already
    with Beside(len(data)) as beside:
        state = _read_state(data, document, limits, beside)
    revealed = state.revealed | asked
    wanted = [set(group.regions) <= revealed for group in document.groups]
    edits = state.picture.edits()
    for number, group in enumerate(document.groups):
        if wanted[number] and not state.shown[number]:
            edits.put_record(state.picture, number, group)
    raw: dict[int, dict[int, tuple[int, bytes]]] = {}
    if all(wanted):
        for scan, number, bits, piece in document.file.stretches:
            raw.setdefault(scan, {})[number] = bits, piece
    tables, rewritten = _rewrite(state, edits, raw)
    for number, group in enumerate(document.groups):
        new = wanted[number] and not state.shown[number]
        if new and rewritten.pack(number) != group.blocks:
            raise InvalidDiffError("a group's blocks were damaged", code="diff.damaged")
    changes = rewritten.changes(tables)
    if state.note is not None:
        changes.append((state.note.offset, state.note.end, b""))
    if not all(wanted):
        plain = assemble(data, changes)
        if len(plain) == document.file.length and hashlib.sha256(plain).digest() == digest:
            return plain  # what is still hidden looked like its fill from the beginning
        shown = {r for n, group in enumerate(document.groups) if wanted[n] for r in group.regions
                 if not _is_still_fill(group, document.fills[n])}  # fmt: skip
        changes.append(_note(state, document, sorted(revealed - shown)))
        return assemble(data, changes)
    if any(tables[order] != table for order, table in state.tables.items()):
        raise _mismatch("the original's coefficients need codes that its own tables lack")
    whole = assemble(data, changes)
    try:
        whole = apply_patches(whole, document.file.patches)
    except ValueError:
        raise InvalidDiffError("a patch lies outside the file", code="diff.patch") from None
    if hashlib.sha256(whole).digest() != digest:
        raise _mismatch("what came back is not the original: the diff or the file was damaged")
    return whole


@dataclass(frozen=True, slots=True)
class _State:
    picture: Picture
    tables: Mapping[int, HuffmanTable]
    """The fully redacted file's tables, by their order."""
    note: Segment | None
    revealed: frozenset[int]
    """Regions that were asked for before."""
    shown: tuple[bool, ...]
    """For each group whether the file shows the original's blocks."""


def _asked(document: Document, regions: Iterable[int] | None) -> frozenset[int]:
    count = len(document.regions)
    if regions is None:
        return frozenset(range(count))
    asked = set()
    for region in regions:
        try:
            number = region.__index__()
        except (AttributeError, TypeError):
            raise InvalidRegionError(
                f"{region!r} is no index of a region", code="region.index"
            ) from None
        if not 0 <= number < count:
            raise InvalidRegionError(
                f"there is no region {number}: the diff has {count}", code="region.index"
            )
        asked.add(number)
    return frozenset(asked)


def _mismatch(message: str, code: str = "diff.mismatch") -> DiffMismatchError:
    return DiffMismatchError(
        message, code=code, hint="take the diff that was made with exactly this file"
    )


def _read_state(data: bytes, document: Document, limits: Limits, beside: Beside) -> _State:
    """Find out which picture this is and which of its groups are revealed."""
    jpeg = read_jpeg(data, limits)
    require_supported(jpeg, limits)
    if (jpeg.frame.width, jpeg.frame.height) != document.size:
        raise _mismatch(
            f"the diff is of a picture of {document.size[0]} × {document.size[1]} pixels, this one "
            f"has {jpeg.frame.width} × {jpeg.frame.height}"
        )
    plan = diff_plan(jpeg, document)
    check_blocks(plan, jpeg, limits)
    tables = _redacted_tables(jpeg, document.groups)
    try:
        picture = open_picture(data, jpeg, plan, ring=False, beside=beside)
    except InvalidJpegError as error:
        raise _mismatch(f"the coded data does not fit the diff: {error.message}") from error
    note, noted = _find_note(data, jpeg, document)
    outside = beside.begin(lambda: picture.outside_digest(tables, note))
    packed = [picture.pack(number) for number in range(len(document.groups))]
    if outside.result() != document.outside:
        raise _mismatch("the file is another one, or it was changed outside the regions")
    shown = []
    revealed = set(noted)
    for number, (group, blocks) in enumerate(zip(document.groups, packed, strict=True)):
        if fill_digest(blocks) == document.fills[number]:
            shown.append(False)
        elif blocks == group.blocks:
            shown.append(True)
            revealed.update(group.regions)
        else:
            raise _mismatch(f"the blocks of regions {list(group.regions)} were changed")
    return _State(picture, tables, note, frozenset(revealed), tuple(shown))


def _is_still_fill(group: GroupRecord, fill: bytes) -> bool:
    """Whether a group's original blocks are the same as its fill, so that no file tells which."""
    return fill_digest(group.blocks) == fill


def _redacted_tables(jpeg: JpegData, groups: Sequence[GroupRecord]) -> dict[int, HuffmanTable]:
    """Return the tables as the fully redacted file had them: a partial state may have more."""
    counts = groups[0].tables if groups else tuple(len(t.symbols) for t in jpeg.tables)
    if any(group.tables != counts for group in groups) or len(counts) != len(jpeg.tables):
        raise _mismatch("the file's Huffman tables are not those of the diff")
    tables = {}
    for table, count in zip(jpeg.tables, counts, strict=True):
        if len(table.symbols) < count:
            raise _mismatch("the file's Huffman tables are not those of the diff")
        tables[table.order] = table.shortened(count)
    return tables


def diff_plan(jpeg: JpegData, document: Document) -> Plan:
    """Return the plan that a diff's records describe.

    Raises
    ------
    InvalidDiffError, DiffMismatchError
    """
    grids = component_grids(jpeg)
    boxes: dict[int, dict[int, tuple[int, int, int, int]]] = {}
    for number, group in enumerate(document.groups):
        for window in group.windows:
            grid = grids[window.component] if window.component < len(grids) else None
            if (
                grid is None
                or window.row + window.rows > grid.padded_rows
                or window.column + window.columns > grid.padded_columns
            ):
                raise _mismatch("the diff's blocks lie outside this picture")
            boxes.setdefault(window.component, {})[number] = (
                window.row, window.column, window.rows, window.columns,
            )  # fmt: skip
    covers = {component: _empty_cover(found) for component, found in boxes.items()}
    for number, group in enumerate(document.groups):
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
        tuple(group.regions for group in document.groups),
        0,
    )


def _empty_cover(boxes: dict[int, tuple[int, int, int, int]]) -> Cover:
    row = min(box[0] for box in boxes.values())
    column = min(box[1] for box in boxes.values())
    rows = max(box[0] + box[2] for box in boxes.values()) - row
    columns = max(box[1] + box[3] for box in boxes.values()) - column
    return Cover(row, column, rows, columns, array("H", bytes(2 * rows * columns)), boxes)


def _rewrite(
    state: _State, edits: Edits, raw: Mapping[int, Raw]
) -> tuple[dict[int, HuffmanTable], Picture]:
    """Rewrite, with symbols appended where a DC difference between fill and original needs one."""
    tables = dict(state.tables)
    more: dict[int, HuffmanTable] | None
    try:
        return tables, state.picture.rewrite(edits, tables, raw)
    except MissingCategory as lack:
        more = missing_symbols(lack, tables)
    except InvalidJpegError as error:
        raise VerificationError(
            f"these regions can't be shown without the others: {error.message}",
            code="restore.unsayable",
            offset=error.offset,
            hint="restore all regions at once",
        ) from error
    if more is None:
        raise VerificationError(
            "these regions can't be shown without the others: the file's Huffman tables have no "
            "room for the differences between them",
            code="restore.unsayable",
            hint="restore all regions at once",
        )
    return more, state.picture.rewrite(edits, more, raw)


# A region may have no blocks of its own: all of them under another one too, or the
# same as their fill. That it was asked for leaves no trace in the coefficients, yet
# a later request must know (G4); so such a partial file carries a note, a COM segment
# in front of the first scan. It goes when all is restored.


def _note(state: _State, document: Document, regions: list[int]) -> FileEdit:
    at = state.picture.jpeg.scans[0].header.offset
    if not regions:
        return at, at, b""
    payload = _NOTE + document.outside[:8] + encode(regions)
    if len(payload) > 65533:
        raise VerificationError(
            "too many regions for a partial file to note", code="restore.note",
            hint="restore all regions at once",
        )  # fmt: skip
    return at, at, bytes([0xFF, COM]) + (len(payload) + 2).to_bytes(2) + payload


def _find_note(
    data: bytes, jpeg: JpegData, document: Document
) -> tuple[Segment | None, list[int]]:
    start = _NOTE + document.outside[:8]
    at = jpeg.scans[0].header.offset
    for segment in jpeg.segments:
        if segment.code == COM and segment.end == at:
            payload = data[segment.offset + 4 : segment.end]
            if payload.startswith(start):
                regions = decode(payload, len(start))
                count = len(document.regions)
                if not isinstance(regions, list) or not all(
                    isinstance(r, int) and 0 <= r < count for r in regions
                ):
                    raise _mismatch("the file's note of revealed regions was damaged")
                return segment, regions
    return None, []
