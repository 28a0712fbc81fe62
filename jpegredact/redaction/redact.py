"""`redact_bytes`: rewrite the touched blocks, make the diff, and prove that it brings all back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from ..background import Beside, Later
from ..codec.huffman import HuffmanTable
from ..codec.model import JpegData, Segment
from ..codec.reader import read_jpeg, require_supported
from ..codec.support import check_density
from ..container.model import Scrubbed
from ..container.walk import new_offsets
from ..diff import Document, FileRecord, Public, RegionRecord
from ..errors import (
    InvalidJpegError,
    InvalidRegionError,
    JpegRedactError,
    LimitExceededError,
    UnsupportedJpegError,
)
from ..geometry import Box, Polygon, Region
from ..limits import Limits
from .around import around
from .fingerprints import coding_fingerprint, frame_fingerprint
from .methods import Method
from .opening import open_picture
from .packing import all_results, batches, by_group, pack, pack_fill
from .picture import fill_digest
from .plan import Plan, make_plan
from .proof import Rewritten, find_patches, irreversible, rewritten
from .render import render_into
from .sample import cheap_rows, make_sample
from .say import say
from .side_copies import Handling, Side, grown_bounds, orientation_of

__all__ = ["Outcome", "redact_bytes", "redact_picture"]

_NO_MARGIN = (0.0, False)
_DEEPEST = 2
"""Pictures within pictures that are looked into."""
_LEGIBLE = frozenset({"plate", "text"})


class Outcome(NamedTuple):
    """A redacted JPEG, its diff, and the facts for the report."""

    jpeg: bytes
    sha256: bytes
    diff: bytes
    document: Document
    file: FileRecord
    regions: tuple[RegionRecord, ...]
    """The document's."""
    plan: Plan
    method: Method
    tables_appended: tuple[tuple[int, str, tuple[int, ...]], ...]
    """Offset in the original, name of the table, symbols appended."""
    blocks_moved: int
    """Blocks whose fill gave way to what the tables can say."""
    bytes_rewritten: int
    """Bytes of coded data in the intervals that were written anew."""
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
    """Redact regions of a JPEG, ``jpeg`` as `read_jpeg` has it.

    With no region, only side copies are cleaned.

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
    nested = partial(_redact_nested, method, limits, deeper)
    grown = [Box(*grown_bounds(region, margin), region.label) for region in regions]
    with Beside(len(data)) as beside:
        sha256 = beside.begin(lambda: hashlib.sha256(data).digest())
        side = Side(data, jpeg, handling, grown, orientation, nested, limits, method.name)
        outcome = _redact(data, jpeg, regions, method, margin, limits, beside, side, sha256)
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
        sha256 = beside.begin(lambda: hashlib.sha256(data).digest())
        return _redact(data, jpeg, regions, method, margin, limits, beside, None, sha256).jpeg


def _redact_nested(
    method: Method, limits: Limits, handling: Handling,
    data: bytes, regions: Sequence[Region], whole: bool,
) -> bytes:  # fmt: skip
    """Redact regions of a picture within the file; with ``whole``, its side copies too."""
    if not whole:
        return redact_picture(data, regions, method, _NO_MARGIN, limits)
    if handling.depth > _DEEPEST:
        raise UnsupportedJpegError("a picture in a picture in a picture", code="jpeg.nested")
    jpeg = read_jpeg(data, limits)
    orientation = orientation_of(data, jpeg)
    return redact_bytes(
        data, jpeg, regions, method, _NO_MARGIN, limits, orientation, handling
    ).jpeg


def _redact(
    data: bytes, jpeg: JpegData, regions: Sequence[Region], method: Method,
    margin: tuple[float, bool], limits: Limits, beside: Beside, side: Side | None,
    sha256: Later[bytes],
) -> Outcome:  # fmt: skip
    """Do it; what was needed on the way is not held any more when this returns."""
    plan = make_plan(jpeg, regions, margin, limits)
    draw = None if side is None else side.drawing()
    sample = None  # of a picture in a picture, nobody wants the diff
    if side is not None:
        sample = make_sample(jpeg, plan, cheap_rows(jpeg, plan))
    original = open_picture(
        data, jpeg, plan, ring=True, beside=beside, draw=draw, sample=sample
    )
    groups = range(len(plan.groups))
    work = batches(original)
    packed = [beside.begin(partial(pack, original, batch)) for batch in work]
    outlines = beside.begin(lambda: [original.outline(group) for group in groups])
    sampled = beside.begin(lambda: original.checksum(original.sampled))
    edits = original.edits()
    render_into(original, method, edits)
    said = say(original, edits, edits.make_bare())
    shown = said.picture
    coded = beside.begin(lambda: shown.cleaning_changes(said.tables))
    real = batches(original, real=True) if original.has_padding() else work
    fills = [beside.begin(partial(pack_fill, shown, batch)) for batch in real]
    beside_groups = beside.begin(partial(around, shown, len(groups)))
    scrubbed = Scrubbed([], []) if side is None else side.scrub(coded.result, shown.sketch)
    redacted = beside.begin(lambda: rewritten(data, coded.result(), scrubbed.edits))
    redacted_sha256 = beside.begin(lambda: hashlib.sha256(redacted.result().data).digest())
    gate = None
    if side is not None:
        gate = beside.begin(partial(_require_clean, side, redacted))
    coding = beside.begin(partial(_coding, jpeg, redacted))
    symbols = tuple(len(said.tables.get(t.order, t).symbols) for t in jpeg.tables)
    frame = frame_fingerprint(jpeg)
    portions = all_results(packed)
    blocks = by_group(((each.group, each.data) for each in portions), len(groups))
    odd = by_group(((each.group, odd) for each in portions for odd in each.odd), len(groups))
    kept = [
        outline._replace(blocks=data, odd=residue, tables=symbols, frame=frame)
        for outline, data, residue in zip(outlines.result(), blocks, odd, strict=True)
    ]
    # Guarantee G3: the records bring the original back.
    patches, stretches = find_patches(
        original, shown, portions, kept, said.tables, scrubbed.edits, redacted
    )
    known = None
    if sample is not None and original.sampled:
        known = sample.rows, sampled.result()
    file = FileRecord(len(data), sha256.result(), patches, stretches, known)
    region_records = tuple(_region_record(region) for region in regions)
    document = Document(
        public=Public(
            redacted_sha256.result(),
            (jpeg.frame.width, jpeg.frame.height),
            tuple(fill_digest(data) for data in by_group(all_results(fills), len(groups))),
        ),
        groups=tuple(
            group._replace(coding=coding.result(), around=values, lacking=lacking)
            for group, (values, lacking) in zip(kept, beside_groups.result(), strict=True)
        ),
        regions=region_records,
        file=file,
    )
    diff = document.to_bytes()
    stored = Document.from_bytes(diff, limits)
    if stored != document:  # what brought it back is not what is stored
        raise irreversible()
    if gate is not None:
        gate.result()
    return Outcome(
        jpeg=redacted.result().data,
        sha256=redacted_sha256.result(),
        diff=diff,
        document=stored,
        file=file,
        regions=region_records,
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
        broken=tuple(
            sorted(i.broken for i in original.touched_intervals() if i.broken is not None)
        ),
        scrubbed=scrubbed,
    )


def _require_clean(side: Side, redacted: Later[Rewritten]) -> None:
    changes, data = redacted.result()
    side.require_clean(data, changes)


def _coding(jpeg: JpegData, redacted: Later[Rewritten]) -> bytes:
    """Return the fingerprint of how the redacted file is coded; ``jpeg`` is the original's."""
    changes, data = redacted.result()
    place = new_offsets(changes)
    segments = [
        Segment(each.code, place(each.offset), place(each.end))
        for each in jpeg.segments
        if place(each.offset) < place(each.end)  # the others were dropped
    ]
    return coding_fingerprint(
        data, segments, [(place(scan.start), place(scan.end)) for scan in jpeg.scans]
    )


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
            raise irreversible() from error
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
