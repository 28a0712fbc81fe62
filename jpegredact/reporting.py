"""Makes the report of a redaction from its outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ._version import VERSION
from .codec.intervals import restart_faults
from .codec.model import JpegData
from .geometry import Region
from .redaction.coverage import counts_by_component, coverage_of
from .redaction.methods import Method
from .redaction.redact import Outcome
from .redaction.side_copies import PROVENANCE
from .report import Notice, RegionReport, Report, SideCopyReport

__all__ = ["empty_report", "make_report"]

_MOST_NOTICES = 8


def empty_report(
    data: bytes, digest: str, jpeg: JpegData, orientation: int, method: Method, policy: str
) -> Report:
    """Return the report where there was no region."""
    return Report(
        VERSION, digest, digest, len(data), len(data),
        (jpeg.frame.width, jpeg.frame.height), orientation, method.name, method.content_free,
        (), 0, 0, (0,) * len(jpeg.frame.components), 0, (), 0, 0, 0,
        policy, (), (),
        (Notice("no-regions", "no region was given: the output is the input"),),
    )  # fmt: skip


def make_report(
    data: bytes,
    jpeg: JpegData,
    orientation: int,
    coordinates: str,
    regions: tuple[Region, ...],
    outcome: Outcome,
    policy: str,
    diff_bytes: int,
    embedded_bytes: int,
    notices: tuple[Notice, ...] = (),
) -> Report:
    """Return what was done to a file.

    ``diff_bytes`` is how long the diff is as it is stored, ``embedded_bytes`` what it takes in the
    redacted file; ``notices`` are other warnings than those that follow from the outcome.
    """
    coverage = coverage_of(outcome.plan, jpeg.frame, len(regions))
    return Report(
        version=VERSION,
        original=outcome.file.sha256.hex(),
        redacted=outcome.sha256.hex(),
        original_bytes=len(data),
        redacted_bytes=len(outcome.jpeg),
        size=(jpeg.frame.width, jpeg.frame.height),
        orientation=orientation,
        method=outcome.method.name,
        content_free=outcome.method.content_free,
        regions=tuple(
            RegionReport(
                number, record.kind, record.box, *coverage[number],
                record.label, record.score, record.id,
            )
            for number, record in enumerate(outcome.regions)
        ),
        groups=len(outcome.plan.groups),
        groups_merged=outcome.plan.merged,
        blocks=counts_by_component(outcome.plan),
        blocks_moved=outcome.blocks_moved,
        tables_appended=outcome.tables_appended,
        bytes_rewritten=outcome.bytes_rewritten,
        diff_bytes=diff_bytes,
        raw_bytes=outcome.file.raw_bytes,
        side_copies_policy=policy,
        side_copies=tuple(
            SideCopyReport(copy.kind, copy.offset, copy.length, action, copy.detail)
            for copy, action in outcome.scrubbed.outcomes
        ),
        header_changes=tuple(
            (start, end - start, len(new)) for start, end, new in outcome.scrubbed.edits
        ),
        warnings=(*_warnings(jpeg, orientation, coordinates, outcome), *notices),
        embedded_bytes=embedded_bytes,
    )  # fmt: skip


def _warnings(
    jpeg: JpegData, orientation: int, coordinates: str, outcome: Outcome
) -> Iterator[Notice]:
    if orientation != 1:
        used = "as shown" if coordinates == "upright" else "of the stored picture"
        yield Notice(
            "orientation",
            f"the Exif orientation is {orientation}: the picture is shown turned; the regions "
            f"were taken as pixels {used}",
        )
    if not outcome.method.content_free:
        yield Notice(
            "cosmetic-method",
            f"{outcome.method.name} keeps something of the inside: not safe against recognition",
        )
    if outcome.plan.merged:
        yield Notice(
            "groups-merged",
            f"{outcome.plan.merged} sets of overlapping regions were merged: their blocks come "
            "back only with all regions of the merged set",
        )
    for offset in outcome.broken[:_MOST_NOTICES]:
        yield Notice(
            "damaged",
            f"the coded data can't be decoded from byte {offset} on, behind the regions; it was "
            "kept as it is",
        )
    for offset in restart_faults(jpeg)[:_MOST_NOTICES]:
        yield Notice(
            "damaged",
            f"restart markers are missing or out of order, at byte {offset}; readers differ in "
            "what they show behind it, which was kept as it is",
        )
    if jpeg.eoi is None:
        yield Notice("no-eoi", "the file has no EOI marker")
    yield from _side_copy_warnings(outcome)


def _side_copy_warnings(outcome: Outcome) -> Iterator[Notice]:
    kept = Counter(copy.kind for copy, action in outcome.scrubbed.outcomes if action == "warn")
    if kept:
        yield Notice(
            "side-copies-kept",
            "other places in the file may still show what was redacted: "
            + ", ".join(f"{count} {kind}" for kind, count in sorted(kept.items())),
        )
    signed = sum(
        copy.kind in PROVENANCE and action == "drop" for copy, action in outcome.scrubbed.outcomes
    )
    if signed:
        yield Notice(
            "provenance-dropped",
            f"signed provenance was taken out ({signed}), since it no longer fits; the diff "
            "brings it back",
        )
    for copy, action in outcome.scrubbed.outcomes:
        if copy.actions.default == "refuse":
            yield Notice("forced", f"the file holds {copy.detail}; forced: {action}")
