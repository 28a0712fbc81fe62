"""`redact_bytes`: rewrite the touched blocks, make the diff, and prove that it brings all back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from ..background import Beside, Later
from ..codec.compact import PORTION
from ..codec.huffman import HuffmanTable
from ..codec.markers import APP1
from ..codec.model import JpegData
from ..codec.reader import read_jpeg, require_supported
from ..codec.scan import MissingCategory
from ..codec.support import check_density
from ..container.exif.orientation import read_orientation
from ..diff import Document, FileRecord, GroupRecord, Patch, RegionRecord, Stretch
from ..errors import (
    InvalidJpegError,
    InvalidRegionError,
    JpegRedactError,
    LimitExceededError,
    UnsupportedJpegError,
    VerificationError,
)
from ..geometry import Box, Polygon, Region
from ..limits import Limits
from .methods import Method
from .opening import open_picture
from .picture import (
    Edits,
    FileEdit,
    Picture,
    Piece,
    Portion,
    Raw,
    Residue,
    Tables,
    apply_patches,
    assemble,
    fill_digest,
)
from .plan import Plan, make_plan
from .render import render_into
from .say import say
from .side_copies import Handling, Scrubbed, Side

__all__ = ["Outcome", "redact_bytes", "redact_picture"]

_DEEPEST = 2
"""Pictures within pictures that are looked into."""
_LEGIBLE = frozenset({"plate", "text"})


class Outcome(NamedTuple):
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
    broken: tuple[int, ...]
    """Offsets in the original from which coded data in those intervals can't be decoded."""
    scrubbed: Scrubbed
    """What was done with side copies."""


def redact_bytes(
    data: bytes,
    jpeg: JpegData,
    regions: Sequence[Region],
    method: Method,
    margin: tuple[float, bool],
    limits: Limits,
    orientation: int,
    handling: Handling,
) -> Outcome:
    """Redact regions of a JPEG, ``jpeg`` as `read_jpeg` has it. There must be at least one region.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    SideCopyError, VerificationError
    """
    require_supported(jpeg, limits)
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
    deeper = handling._replace(depth=handling.depth + 1, note=False)
    nested = partial(_redact_nested, method, margin, limits, deeper)
    side = Side(data, jpeg, handling, regions, orientation, nested, method.name)
    with Beside(len(data)) as beside:
        outcome = _redact(data, jpeg, regions, method, margin, limits, beside, side)
    try:
        check_density(jpeg, len(outcome.jpeg), limits)
    except LimitExceededError as error:
        raise _beyond_limits(error) from error
    if outcome.broken or jpeg.frame.arithmetic:
        _restore(outcome.jpeg, outcome.document, limits, min(outcome.broken, default=None))
    return outcome


def redact_picture(
    data: bytes, regions: Sequence[Region], method: Method, margin: tuple[float, bool],
    limits: Limits,
) -> bytes:  # fmt: skip
    """Redact regions of a picture that is part of another one; its side copies are not looked at.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    VerificationError
    """
    jpeg = read_jpeg(data, limits)
    require_supported(jpeg, limits)
    with Beside(0) as beside:
        return _redact(data, jpeg, regions, method, margin, limits, beside, None).jpeg


def _redact_nested(
    method: Method, margin: tuple[float, bool], limits: Limits, handling: Handling,
    data: bytes, regions: Sequence[Region], whole: bool,
) -> bytes:  # fmt: skip
    """Redact regions of a picture within the file; with ``whole``, its side copies too."""
    if not whole:
        return redact_picture(data, regions, method, margin, limits)
    if handling.depth > _DEEPEST:
        raise UnsupportedJpegError("a picture in a picture in a picture", code="jpeg.nested")
    jpeg = read_jpeg(data, limits)
    orientation = read_orientation(
        data[s.offset + 4 : s.end] for s in jpeg.segments if s.code == APP1
    )
    return redact_bytes(data, jpeg, regions, method, margin, limits, orientation, handling).jpeg


def _redact(
    data: bytes, jpeg: JpegData, regions: Sequence[Region], method: Method,
    margin: tuple[float, bool], limits: Limits, beside: Beside, side: Side | None,
) -> Outcome:  # fmt: skip
    """Do it; what was needed on the way is not held any more when this returns."""
    sha256 = beside.begin(lambda: hashlib.sha256(data).digest())
    plan = make_plan(jpeg, regions, margin, limits)
    draw = side is not None and side.wants_thumbnails
    original = open_picture(data, jpeg, plan, ring=True, beside=beside, draw=draw)
    groups = range(len(plan.groups))
    outside = None
    # In arithmetic coding it is a rewrite of its own: not while there is another.
    if not jpeg.frame.arithmetic and (side is None or side.quiet):
        outside = beside.begin(lambda: original.outside_digest({}))
    batches = _batches(original)
    packed = [beside.begin(partial(_pack, original, batch)) for batch in batches]
    outlines = beside.begin(lambda: [original.outline(group) for group in groups])
    edits = original.edits()
    render_into(original, method, edits)
    said = say(original, edits, edits.make_bare())
    shown = said.picture
    coded = beside.begin(lambda: shown.changes(said.tables))
    scrubbed = Scrubbed([], ()) if side is None else side.scrub(coded.result, shown.sketch)
    if outside is None or said.tables or scrubbed.edits:  # it is of the redacted file's tables
        if outside is not None:
            outside.call_off()
        outside = beside.begin(
            lambda: original.outside_digest(said.tables, others=scrubbed.edits)
        )
    if jpeg.frame.arithmetic:
        outside.result()
    redacted = beside.begin(lambda: _file(data, coded.result(), scrubbed.edits))
    redacted_sha256 = beside.begin(lambda: hashlib.sha256(redacted.result().data).digest())
    gate = None
    if side is not None:
        gate = beside.begin(partial(_require_clean, side, redacted))
    fills = [beside.begin(partial(_pack_fill, shown, batch)) for batch in batches]
    symbols = tuple(len(said.tables.get(t.order, t).symbols) for t in jpeg.tables)
    # Guarantee G3: bring the original back from the records.
    back = shown.edits()
    kept = [
        outline._replace(blocks=tuple(blocks), odd=tuple(odd), tables=symbols)
        for outline, (blocks, odd) in zip(
            outlines.result(), _put_back(back, packed, len(groups)), strict=True
        )
    ]
    patches, stretches = _patches(
        original, shown, back, kept, said.tables, scrubbed.edits, redacted
    )
    document = Document(
        outside=outside.result(),
        size=(jpeg.frame.width, jpeg.frame.height),
        fills=tuple(fill_digest(blocks) for blocks in _by_group(fills, len(groups))),
        groups=tuple(kept),
        regions=tuple(_region_record(region) for region in regions),
        file=FileRecord(len(data), sha256.result(), patches, stretches),
    )
    diff = document.to_bytes()
    stored = Document.from_bytes(diff, limits)
    if stored != document:  # what brought it back is not what is stored
        raise _irreversible()
    if gate is not None:
        gate.result()
    return Outcome(
        jpeg=redacted.result().data,
        sha256=redacted_sha256.result(),
        diff=diff,
        document=stored,
        plan=plan,
        method=method,
        tables_appended=tuple(
            (table.offset, _table_name(table), tuple(longer.symbols[len(table.symbols) :]))
            for table in jpeg.tables
            if (longer := said.tables.get(table.order, table)) != table
        ),
        blocks_moved=said.moved,
        bytes_rewritten=sum(
            interval.raw_end - interval.raw_start for interval in original.touched_intervals()
        ),
        raw_bytes=stored.file.raw_bytes,
        broken=tuple(
            sorted(i.broken for i in original.touched_intervals() if i.broken is not None)
        ),
        scrubbed=scrubbed,
    )


def _require_clean(side: Side, redacted: Later[_File]) -> None:
    changes, data = redacted.result()
    side.require_clean(data, changes)


_Batch: TypeAlias = "list[tuple[int, Portion]]"
"""Portions that one thread works on in one go, and whose they are."""


class _Packed(NamedTuple):
    """A portion in the compact code, and what came back from there."""

    group: int
    data: bytes
    odd: Residue
    piece: Piece


def _batches(picture: Picture) -> list[_Batch]:
    """Return all portions in order, small ones together."""
    found: list[_Batch] = []
    room = 0
    for group in range(len(picture.plan.groups)):
        for portion in picture.portions(group):
            if room <= 0:
                found.append([])
                room = PORTION
            found[-1].append((group, portion))
            room -= sum(len(part.blocks) for part in portion)
    return found


def _pack(original: Picture, batch: _Batch) -> list[_Packed]:
    """Pack portions, and unpack them again: while they are in the cache."""
    found = []
    for group, portion in batch:
        data, odd = original.pack_portion(portion)
        found.append(_Packed(group, data, odd, original.unpack_portion(portion, data)))
    return found


def _pack_fill(shown: Picture, batch: _Batch) -> list[tuple[int, bytes]]:
    return [(group, shown.pack_portion(portion)[0]) for group, portion in batch]


def _put_back(
    edits: Edits, work: list[Later[list[_Packed]]], count: int
) -> list[tuple[list[bytes], Residue]]:
    """Set all groups to what came back from the compact code; return what is to be stored.

    From the last ones on, while others are packed.
    """
    found: list[tuple[list[bytes], Residue]] = [([], []) for _ in range(count)]
    for later in reversed(work):
        for packed in later.result():
            odd = {number: (bits, data) for number, bits, data in packed.odd}
            edits.put_piece(packed.piece, odd)
    for later in work:
        for packed in later.result():
            found[packed.group][0].append(packed.data)
            found[packed.group][1].extend(packed.odd)
    return found


def _by_group(work: list[Later[list[tuple[int, bytes]]]], count: int) -> list[list[bytes]]:
    """Return each group's portions; those that nobody has begun come first, from the other end."""
    for later in reversed(work):
        later.result()
    found: list[list[bytes]] = [[] for _ in range(count)]
    for later in work:
        for group, data in later.result():
            found[group].append(data)
    return found


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


class _File(NamedTuple):
    """The redacted file, and how it came from the original."""

    changes: list[FileEdit]
    data: bytes


def _file(data: bytes, coded: list[FileEdit], others: Sequence[FileEdit]) -> _File:
    changes = sorted([*coded, *others], key=_place) if others else coded
    return _File(changes, assemble(data, changes))


def _patches(
    original: Picture,
    shown: Picture,
    edits: Edits,
    records: Sequence[GroupRecord],
    tables: Tables,
    others: Sequence[FileEdit],
    redacted: Later[_File],
) -> tuple[tuple[Patch, ...], tuple[Stretch, ...]]:
    """Reveal all groups, ``edits`` from their records, and return what still differs from the
    original.

    The scan positions are those that the rewrite itself noted, so no second pass
    over the file is needed; that a reader finds the same ones follows from the
    codes being prefix codes, and the tests restore by reading.
    """
    try:
        revealed, raw = _reveal(original, shown, edits)
    except InvalidJpegError as error:
        if error.code == "jpeg.torn":
            raise
        raise VerificationError(  # it is not the input that is bad
            f"this fill can't be coded: {error.message}", code="redact.unsayable"
        ) from error
    if original.jpeg.frame.progressive and any(
        revealed.pack(group) != record.blocks for group, record in enumerate(records)
    ):
        raise UnsupportedJpegError(
            "the scans say some coefficients twice, and not the same; readers differ",
            code="jpeg.progression",
            offset=original.jpeg.frame.offset,
        )
    stretches = tuple(
        (scan, number, bits, data)
        for scan, found in sorted(raw.items())
        for number, (bits, data) in sorted(found.items())
    )
    if (
        not others
        and not any(tables.get(t.order, t) != t for t in original.jpeg.tables)
        and not original.strays()
        and original.same_intervals(revealed)
    ):
        return (), stretches  # every bit is the original's
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
        raise _irreversible()
    return tuple(patches), stretches


def _reveal(
    original: Picture, shown: Picture, edits: Edits
) -> tuple[Picture, dict[int, Raw]]:
    """Rewrite with the original's blocks, and its own stretches where they are not canonical."""
    raw: dict[int, Raw] = {}
    try:
        revealed = shown.rewrite(edits, {})
    except MissingCategory as lack:
        # The original never needed the codes that the canonical form takes.
        raw = original.residue(None, (table.order for table in lack.categories))
        revealed = shown.rewrite(edits, {}, raw)
    raw |= original.residue(revealed, ())
    return (shown.rewrite(edits, {}, raw) if raw else revealed), raw


def _restore(redacted: bytes, document: Document, limits: Limits, broken: int | None) -> None:
    """Hold G3 by reading the file again.

    Where all bits of an interval hang together, or can't all be decoded (from byte
    ``broken`` on), that a reader finds what the rewrite noted does not follow.
    """
    from .restore import restore_bytes

    try:
        restore_bytes(redacted, document, None, limits)
    except LimitExceededError as error:
        raise _beyond_limits(error) from error
    except JpegRedactError as error:
        if broken is None:
            raise _irreversible() from error
        raise InvalidJpegError(
            "where damaged data ends can't be told any more once it has moved by some bits",
            code="jpeg.torn",
            offset=broken,
        ) from error


def _beyond_limits(error: LimitExceededError) -> LimitExceededError:
    return LimitExceededError(
        f"the redacted file would be beyond the limits: {error.message}",
        code="limit.redacted",
        hint=error.hint,
    )


def _irreversible() -> VerificationError:
    return VerificationError(
        "the diff would not bring the original back",
        code="redact.not-reversible",
        hint="please report this file as a bug",
    )


def _place(change: FileEdit) -> tuple[int, int]:
    return change[:2]


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
