"""`redact_bytes`: rewrite the touched blocks, make the diff, and prove that it brings all back."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..codec.huffman import HuffmanTable
from ..codec.model import JpegData
from ..codec.reader import require_supported
from ..diff import Document, FileRecord, Patch, RegionRecord
from ..errors import InvalidRegionError, VerificationError
from ..geometry import Box, Polygon, Region
from ..limits import Limits
from .background import Later
from .methods import Method
from .picture import (
    EditBuilder,
    FileEdit,
    Picture,
    Tables,
    apply_patches,
    assemble,
    open_picture,
)
from .plan import Plan, make_plan
from .render import render_into
from .say import bare_block, say

__all__ = ["Outcome", "redact_bytes"]

_LEGIBLE = frozenset({"plate", "text"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A redacted JPEG, its diff, and the facts for the report."""

    jpeg: bytes
    sha256: bytes
    diff: bytes
    document: Document
    plan: Plan
    method: Method
    tables_appended: tuple[tuple[int, str, tuple[int, ...]], ...]
    """Offset in the original, name of the table, symbols appended."""
    blocks_moved: int
    """Blocks whose fill gave way to what the tables can say."""
    bytes_rewritten: int
    """Bytes of coded data in the intervals that were written anew."""
    raw_bytes: int
    """Original bytes that the diff's file record holds."""


def redact_bytes(
    data: bytes,
    jpeg: JpegData,
    regions: Sequence[Region],
    method: Method,
    margin: tuple[float, bool],
    limits: Limits,
) -> Outcome:
    """Redact regions of a JPEG, ``jpeg`` as `read_jpeg` has it. There must be at least one region.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    VerificationError
    """
    require_supported(jpeg)
    for number, region in enumerate(regions):
        region.check(jpeg.frame.width, jpeg.frame.height, f"region {number}")
        if region.label in _LEGIBLE and not (
            method.content_free or getattr(method, "allow_text", False)
        ):
            raise InvalidRegionError(
                f"region {number}: {method.name} leaves a {region.label} readable",
                code="region.cosmetic",
                hint="use inpaint or fill, or a method with allow_text=True",
            )
    sha256 = Later(lambda: hashlib.sha256(data).digest(), len(data))
    plan = make_plan(jpeg, regions, margin, limits)
    original = open_picture(data, jpeg, plan, ring=True)
    groups = range(len(plan.groups))
    records = Later(lambda: [original.record(group) for group in groups], len(data))
    edits = original.unchanged()
    render_into(original, method, edits)
    said = say(original, edits, _bare_blocks(original, edits))
    outside = Later(lambda: original.outside_digest(said.tables), len(data))
    shown = said.picture
    redacted = Later(lambda: _file(shown, said.tables), len(data))
    symbols = tuple(len(said.tables.get(t.order, t).symbols) for t in jpeg.tables)
    document = Document(
        outside=bytes(32),  # still being worked out
        size=(jpeg.frame.width, jpeg.frame.height),
        fills=tuple(hashlib.sha256(shown.pack(group)[0]).digest() for group in groups),
        groups=tuple(replace(record, tables=symbols) for record in records.result()),
        regions=tuple(_region_record(region) for region in regions),
        file=FileRecord(len(data), bytes(32), ()),
    )
    # Guarantee G3: bring the original back from the records as they will be stored.
    document = Document.from_bytes(document.to_bytes(), limits)
    patches = _patches(original, shown, document, said.tables, redacted)
    document = replace(
        document,
        outside=outside.result(),
        file=FileRecord(len(data), sha256.result(), patches),
    )
    return Outcome(
        jpeg=redacted.result().data,
        sha256=redacted.result().sha256,
        diff=document.to_bytes(),
        document=document,
        plan=plan,
        method=method,
        tables_appended=tuple(
            (table.offset, _table_name(table), tuple(longer.symbols[len(table.symbols) :]))
            for table in jpeg.tables
            if (longer := said.tables.get(table.order, table)) != table
        ),
        blocks_moved=said.moved,
        bytes_rewritten=sum(
            interval.raw_end - interval.raw_start
            for index in original.indexes.values()
            for interval in index.intervals
            if interval.touched
        ),
        raw_bytes=sum(len(patch[2]) for patch in patches),
    )


def _bare_blocks(original: Picture, edits: dict[int, EditBuilder]) -> dict[int, HuffmanTable]:
    """Give the touched blocks that have no new AC bits those of a block without AC coefficients.

    Returns the AC tables that had to be extended for it.
    """
    tables: dict[int, HuffmanTable] = {}
    for member in original.members:
        edit = edits[member.scan]
        index = original.indexes[member.scan]
        table = index.ac_tables[index.ac_number(member.part)]
        longer, bits, value = bare_block(table)
        if longer != table:
            tables[table.order] = longer
        bare = member.blocks
        if 0 not in table.codes:  # a method's blocks may or may not have got an end
            bare = array("i", [block for block in bare if edit.ac_bits[block] < 0])
        elif edit.ac_bits[bare[0]] >= 0:  # it gave AC coefficients to all
            continue
        edit.put_ac(bare, bits, value)
    return tables


def _table_name(table: HuffmanTable) -> str:
    return f"{'DC' if table.is_dc else 'AC'} {table.slot & 15}"


def _region_record(region: Region) -> RegionRecord:
    left, top, right, bottom = region.bounds
    return RegionRecord(
        "box" if isinstance(region, Box) else "polygon" if isinstance(region, Polygon) else "mask",
        (left, top, right, bottom),
        region.points if isinstance(region, Polygon) else (),
        region.label,
        region.score,
        region.id,
    )


@dataclass(frozen=True, slots=True)
class _File:
    """The redacted file, and how it came from the original."""

    changes: list[FileEdit]
    data: bytes
    sha256: bytes


def _file(shown: Picture, tables: Tables) -> _File:
    changes = shown.changes(tables)
    data = assemble(shown.data, changes)
    return _File(changes, data, hashlib.sha256(data).digest())


def _patches(
    original: Picture,
    shown: Picture,
    document: Document,
    tables: Tables,
    redacted: Later[_File],
) -> tuple[Patch, ...]:
    """Reveal all groups from the document, and return what still differs from the original.

    The scan positions are those that the splice itself noted, so no second pass
    over the file is needed; that a reader finds the same ones follows from the
    codes being prefix codes, and the tests restore by reading.
    """
    edits = shown.unchanged()
    for group, record in enumerate(document.groups):
        shown.put(edits, group, record)
    revealed = shown.rewrite(edits, {})
    if not any(tables.get(t.order, t) != t for t in original.jpeg.tables) and all(
        index.same_intervals(revealed.indexes[number])
        for number, index in original.indexes.items()
    ):
        return ()  # every bit is the original's
    data = original.data
    pieces = {change[:2]: change[2] for change in revealed.changes({})}
    # The fully revealed file is the redacted one but for those intervals.
    whole: list[FileEdit] = [
        (start, end, pieces.get((start, end), new))
        for start, end, new in redacted.result().changes
    ]
    patches: list[Patch] = []
    position = at = 0  # how far in the revealed file, and in the original
    for start, end, new in whole:
        position += start - at
        patches.extend(_difference(position, bytes(new), data[start:end]))
        position += len(new)
        at = end
    if apply_patches(assemble(data, whole), patches) != data:
        raise VerificationError(
            "the diff would not bring the original back",
            code="redact.not-reversible",
            hint="please report this file as a bug",
        )
    return tuple(patches)


def _difference(position: int, new: bytes, old: bytes) -> list[Patch]:
    """Return the patch that makes ``new`` at ``position`` into ``old``: one from first to last."""
    if new == old:
        return []
    head = _common(new, old)
    limit = min(len(new), len(old)) - head
    tail = _common(new[::-1], old[::-1], limit) if limit else 0
    return [(position + head, len(new) - head - tail, old[head : len(old) - tail])]


def _common(a: bytes, b: bytes, limit: int | None = None) -> int:
    """Return how many first bytes are the same, at most ``limit``."""
    low, high = 0, min(len(a), len(b)) if limit is None else limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
