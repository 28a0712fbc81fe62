"""The public functions: sources in, results with diff and report out.

Joins files, redaction and report; everything below takes bytes and gives bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._version import VERSION
from .codec.intervals import restart_faults
from .codec.markers import APP1
from .codec.model import JpegData
from .codec.reader import read_jpeg
from .container.exif.orientation import read_orientation
from .diff import Document, RegionRecord
from .errors import InvalidRegionError
from .files import Source, read_source, write_new
from .geometry import Region, as_regions, parse_margin, to_stored
from .limits import Limits, checked
from .redaction.methods import Method, as_method
from .redaction.redact import Outcome, redact_bytes
from .redaction.side_copies import PROVENANCE, Handling
from .report import Notice, RegionReport, Report, SideCopyReport

if TYPE_CHECKING:
    from .container.model import SideCopy
    from .detection import Detection, Detector
    from .redaction.verify import Verification

__all__ = ["Redaction", "UnblurDiff", "audit", "detect", "inspect", "redact", "restore", "verify"]

_MOST_NOTICES = 8


class UnblurDiff:
    """The way back: the original blocks of every region, and what belongs to the whole file.

    Keep it apart from the redacted picture, and private: whoever has both has
    the original.
    """

    def __init__(self, document: Document, data: bytes | None = None) -> None:
        self._document = document
        self._data = document.to_bytes() if data is None else data

    @property
    def regions(self) -> tuple[RegionRecord, ...]:
        """The regions, in the order in which they were given to `redact`."""
        return self._document.regions

    @property
    def document(self) -> Document:
        """The diff, taken apart."""
        return self._document

    def to_bytes(self) -> bytes:
        """Return the diff's bytes: the same input gives the same ones."""
        return self._data

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the diff with mode 0600, whole or not at all.

        Raises
        ------
        FileExistsError
            There is a file with other bytes: a diff is never replaced.
        """
        write_new(path, self._data, 0o600)

    @classmethod
    def from_bytes(cls, data: bytes, limits: Limits | None = None) -> UnblurDiff:
        """Parse a diff, strictly; `InvalidDiffError` where it is none."""
        return cls(Document.from_bytes(bytes(data), checked(limits)), bytes(data))

    @classmethod
    def load(cls, path: str | os.PathLike[str], limits: Limits | None = None) -> UnblurDiff:
        """Read a diff from a file."""
        return cls.from_bytes(read_source(path, checked(limits)), limits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnblurDiff) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"<UnblurDiff of {len(self.regions)} regions, {len(self._data)} bytes>"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What `redact` returns.

    Attributes
    ----------
    jpeg
        The redacted file.
    diff
        The way back; None where there was no region, and so nothing to bring back.
    report
        What was done.
    """

    jpeg: bytes = field(repr=False)
    diff: UnblurDiff | None
    report: Report = field(repr=False)


def redact(
    jpeg: Source,
    boxes: Any,
    *,
    method: str | Method = "inpaint",
    margin: float | str = 0,
    coordinates: str = "stored",
    side_copies: str = "default",
    provenance: str = "drop",
    force: bool = False,
    limits: Limits | None = None,
) -> Redaction:
    """Hide regions of a JPEG by rewriting only the blocks that they touch.

    Nothing is recompressed. That the diff brings the original back byte for
    byte has been checked when this returns.

    Parameters
    ----------
    jpeg
        Bytes, a path, or a binary file.
    boxes
        Iterable of ``(left, top, right, bottom)`` in pixels, half-open; of `Box`,
        `Polygon`, `Mask`, or objects with a ``box``; or an (n, 4) array. None of
        them: the output is the input.
    method
        "inpaint" or "fill" (also "fill:#rrggbb"), which keep nothing of the
        inside; "pixelate" or "blur", which are cosmetic; or a `Method`.
    margin
        Grows each region: pixels (1 or more), or a fraction of its width and
        height (below 1); "0.5px" and "150%" say it outright.
    coordinates
        "stored" for pixels of the stored picture, "upright" for the picture as
        shown, with its Exif orientation applied.
    side_copies
        What becomes of thumbnails, previews, gain maps, trailers and names: "default",
        "strict" (all goes that is not needed to show the picture) or "keep". The original's
        are in the diff. `audit` lists them.
    provenance
        "drop" signed provenance (C2PA), which no longer fits, or "refuse" such a file.
    force
        Go on where the file would be refused: thermal pictures, stereo pairs.
    limits
        Bounds on what is taken on; see `Limits`.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    SideCopyError, VerificationError
    OSError
        A path that can't be read.
    """
    limits = checked(limits)
    data = read_source(jpeg, limits)
    how = as_method(method)
    grow = parse_margin(margin)
    handling = Handling.parse(side_copies, force, provenance)
    regions = as_regions(boxes, limits)
    parsed = read_jpeg(data, limits)
    orientation = _orientation(data, parsed)
    regions = _in_stored(regions, coordinates, orientation, parsed)
    if not regions:
        digest = hashlib.sha256(data).hexdigest()
        return Redaction(
            data, None, _empty_report(data, digest, parsed, orientation, how, handling.policy)
        )
    outcome = redact_bytes(data, parsed, regions, how, grow, limits, orientation, handling)
    diff = UnblurDiff(outcome.document, outcome.diff)
    report = _report(data, parsed, orientation, coordinates, regions, outcome, handling.policy)
    return Redaction(outcome.jpeg, diff, report)


def restore(
    jpeg: Source,
    diff: UnblurDiff | Source,
    *,
    regions: Iterable[int] | None = None,
    limits: Limits | None = None,
) -> bytes:
    """Bring regions back: all of them, byte for byte, or those with the given indices.

    Parameters
    ----------
    jpeg
        The redacted file, or one in which some regions were brought back before.
    diff
        An `UnblurDiff`, its bytes, or a path.
    regions
        Indices into ``diff.regions``. A block under two regions comes back only
        with both; what is not asked for stays as redacted.

    Raises
    ------
    DiffMismatchError
        The diff is of another picture, or this one was changed since.
    InvalidDiffError, InvalidJpegError, UnsupportedJpegError, LimitExceededError,
    InvalidRegionError, VerificationError
    OSError
        A path that can't be read.
    """
    from .redaction.restore import restore_bytes

    limits = checked(limits)
    document = _as_diff(diff, limits).document
    return restore_bytes(read_source(jpeg, limits), document, regions, limits)


def verify(
    original: Source,
    redacted: Source,
    diff: UnblurDiff | Source | None = None,
    *,
    boxes: Any = None,
    margin: float | str = 0,
    coordinates: str = "stored",
    limits: Limits | None = None,
) -> Verification:
    """Compare an original with its redacted form, coefficient by coefficient, by a second reader.

    The regions come from the diff or from ``boxes`` (with ``margin`` and
    ``coordinates`` as in `redact`); with neither, every changed block counts as
    outside. With a diff, it also checks that the diff restores the original. It
    wants the fully redacted file: one with regions brought back still shows them.

    Raises
    ------
    VerificationError
        The second reader (jpegio) can't open one of the files.
    InvalidJpegError, UnsupportedJpegError, InvalidDiffError, DiffMismatchError,
    InvalidRegionError, LimitExceededError
    """
    from .redaction.verify import verify_bytes

    limits = checked(limits)
    if diff is not None and boxes is not None:
        raise InvalidRegionError("give a diff or boxes, not both", code="verify.both")
    document = None if diff is None else _as_diff(diff, limits).document
    data = read_source(original, limits)
    regions: tuple[Region, ...] = ()
    if boxes is not None:
        parsed = read_jpeg(data, limits)
        orientation = _orientation(data, parsed)
        regions = _in_stored(as_regions(boxes, limits), coordinates, orientation, parsed)
    return verify_bytes(
        data, read_source(redacted, limits), document, regions, parse_margin(margin), limits
    )


def audit(jpeg: Source, *, limits: Limits | None = None) -> list[SideCopy]:
    """Return the other places in a JPEG that show, or may show, what the picture shows.

    Nothing is changed. In the order of the file: thumbnails, previews, gain maps, what lies
    behind EOI, named faces, and whatever can't be read; each with what the policies of
    `redact` do with it.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    """
    from .redaction.side_copies import read_contents

    limits = checked(limits)
    data = read_source(jpeg, limits)
    return list(read_contents(data, read_jpeg(data, limits)).copies)


def detect(
    jpeg: Source,
    labels: Iterable[str] = ("face",),
    *,
    threshold: float | Mapping[str, float] | None = None,
    effort: str = "normal",
    detectors: Sequence[Detector | str] = (),
    margins: Mapping[str, float] | None = None,
    panorama: bool | None = None,
    provider: str = "cpu",
    threads: int | None = None,
    limits: Limits | None = None,
) -> list[Detection]:
    """Find faces, licence plates, text, or what a detector of one's own finds.

    What it gives can go to `redact` as boxes. Detectors miss things: look at the result.

    Parameters
    ----------
    jpeg
        Bytes, a path, or a binary file.
    labels
        Of "face", "plate", "text", and what ``detectors`` have; none: all that they have.
    threshold
        The score from which something counts, one for all or by label; None for what each
        network works best with. Lower finds more, and more that is nothing.
    effort
        "fast" looks once, "normal" also in tiles at full size, "thorough" also at other
        scales, mirrored, and less sure.
    detectors
        Objects with ``labels`` and ``detect``, names of entry points, or TOML files that
        describe a network. A label that one of them has is left to them.
    margins
        By label, how far boxes grow on each side, as a share of their size; 0.12 for faces, 0.2
        for plates and 0.1 for text unless said otherwise.
    panorama
        Whether the picture goes all around, so that its left and right edges are one; None: as
        its XMP says.
    provider, threads
        What onnxruntime runs networks with ("cpu", "cuda", ...), and on how many threads.
    limits
        Bounds on what is taken on; see `Limits`.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    DetectorError
        No such label or weights, weights that can't be had, pixels that can't be decoded.
    OSError
        A path that can't be read.
    """
    from .detection import Picture, Search, Settings, is_full_turn

    if isinstance(labels, str):
        raise TypeError("labels are a list of names, such as ['face']")
    limits = checked(limits)
    data = read_source(jpeg, limits)
    parsed = read_jpeg(data, limits)
    frame, orientation = parsed.frame, _orientation(data, parsed)
    if panorama is None:
        panorama = is_full_turn(_app1(data, parsed), frame.width, frame.height)
    search = Search(
        tuple(labels), tuple(detectors), threshold, effort, margins or {},
        Settings(provider, threads),
    )  # fmt: skip
    picture = Picture(data, orientation, panorama)
    return search.run(picture, orientation, (frame.width, frame.height))


def inspect(jpeg: Source, *, limits: Limits | None = None) -> JpegData:
    """Return the structure of a JPEG: process, components, scans, tables, segments.

    Works for every coding process; no coded data is decoded.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    """
    limits = checked(limits)
    return read_jpeg(read_source(jpeg, limits), limits)


def _as_diff(diff: UnblurDiff | Source, limits: Limits) -> UnblurDiff:
    if isinstance(diff, UnblurDiff):
        return diff
    return UnblurDiff.from_bytes(read_source(diff, limits), limits)


def _orientation(data: bytes, jpeg: JpegData) -> int:
    return read_orientation(_app1(data, jpeg))


def _app1(data: bytes, jpeg: JpegData) -> Iterator[bytes]:
    return (
        data[segment.offset + 4 : segment.end]
        for segment in jpeg.segments
        if segment.code == APP1
    )


def _in_stored(
    regions: tuple[Region, ...], coordinates: str, orientation: int, jpeg: JpegData
) -> tuple[Region, ...]:
    if coordinates == "stored":
        return regions
    if coordinates != "upright":
        raise InvalidRegionError(
            f"coordinates are 'stored' or 'upright', not {coordinates!r}", code="region.coordinates"
        )
    frame = jpeg.frame
    return tuple(to_stored(region, orientation, frame.width, frame.height) for region in regions)


def _empty_report(
    data: bytes, digest: str, jpeg: JpegData, orientation: int, method: Method, policy: str
) -> Report:
    return Report(
        VERSION, digest, digest, len(data), len(data),
        (jpeg.frame.width, jpeg.frame.height), orientation, method.name, method.content_free,
        (), 0, 0, (0,) * len(jpeg.frame.components), 0, (), 0, 0, 0,
        policy, (), (),
        (Notice("no-regions", "no region was given: the output is the input"),),
    )  # fmt: skip


def _report(
    data: bytes,
    jpeg: JpegData,
    orientation: int,
    coordinates: str,
    regions: tuple[Region, ...],
    outcome: Outcome,
    policy: str,
) -> Report:
    count = len(jpeg.frame.components)
    blocks = [[0] * count for _ in regions]
    total = [0] * count
    snapped = [(1 << 31, 1 << 31, 0, 0)] * len(regions)
    for component in range(count):
        found = outcome.plan.cover_of(component)
        if found is None or found[1] is None:
            continue
        part = jpeg.frame.components[component]
        across = 8 * jpeg.frame.horizontal / part.horizontal
        down = 8 * jpeg.frame.vertical / part.vertical
        for group, cells in found[1].counts().items():
            total[component] += cells
            row, column, rows, columns = found[1].boxes[group]
            for region in outcome.plan.groups[group]:
                blocks[region][component] += cells
                left, top, right, bottom = snapped[region]
                snapped[region] = (
                    min(left, int(column * across)), min(top, int(row * down)),
                    max(right, min(-int(-(column + columns) * across // 1), jpeg.frame.width)),
                    max(bottom, min(-int(-(row + rows) * down // 1), jpeg.frame.height)),
                )  # fmt: skip
    return Report(
        version=VERSION,
        original=outcome.document.file.sha256.hex(),
        redacted=outcome.sha256.hex(),
        original_bytes=len(data),
        redacted_bytes=len(outcome.jpeg),
        size=(jpeg.frame.width, jpeg.frame.height),
        orientation=orientation,
        method=outcome.method.name,
        content_free=outcome.method.content_free,
        regions=tuple(
            RegionReport(
                number, record.kind, record.box, snapped[number], tuple(blocks[number]),
                record.label, record.score, record.id,
            )
            for number, record in enumerate(outcome.document.regions)
        ),
        groups=len(outcome.plan.groups),
        groups_merged=outcome.plan.merged,
        blocks=tuple(total),
        blocks_moved=outcome.blocks_moved,
        tables_appended=outcome.tables_appended,
        bytes_rewritten=outcome.bytes_rewritten,
        diff_bytes=len(outcome.diff),
        raw_bytes=outcome.raw_bytes,
        side_copies_policy=policy,
        side_copies=tuple(
            SideCopyReport(copy.kind, copy.offset, copy.length, action, copy.detail)
            for copy, action in outcome.scrubbed.outcomes
        ),
        header_changes=tuple(
            (start, end - start, len(new)) for start, end, new in outcome.scrubbed.edits
        ),
        warnings=tuple(_warnings(jpeg, orientation, coordinates, outcome)),
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
