"""The public functions: sources in, results with diff and report out.

Joins files, redaction and report; everything below takes bytes and gives bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .codec.model import JpegData
from .codec.reader import read_jpeg
from .errors import InvalidRegionError
from .files import Source, read_source
from .finding import Detects, Found, Search, find, in_stored
from .geometry import Region, as_regions, parse_margin
from .limits import Limits, checked
from .log import Log, LogEntry
from .owners import Owners, with_diff
from .redaction.methods import Method, as_method
from .redaction.redact import Outcome, redact_bytes
from .redaction.side_copies import Handling, orientation_of
from .reporting import empty_report, make_report
from .results import Processed, Redaction, UnblurDiff

if TYPE_CHECKING:
    from .container.model import SideCopy
    from .diff.passphrase import RunKey
    from .keyring import IdentityLike, PassphraseLike, RecipientLike
    from .redaction.restore import Restored
    from .redaction.verify import Verification
    from .report import Notice

__all__ = [
    "Processed",
    "Redaction",
    "UnblurDiff",
    "audit",
    "inspect",
    "process",
    "redact",
    "restore",
    "survey",
    "verify",
]


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
    note: bool = False,
    scrub: bool = False,
    recipients: Iterable[RecipientLike] = (),
    passphrase: PassphraseLike | RunKey | None = None,
    embed: bool = False,
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
    note
        Say in the file's XMP how many regions of which labels were redacted, and by which
        version. A file whose packet has no room for that is refused.
    scrub
        Clean side copies also where there is no region.
    recipients
        The owners to whom the diff is sealed, with age: public keys (``age1...``,
        ``ssh-ed25519 ...``, ``ssh-rsa ...``) or paths of files of them. None: it is plain,
        unless there is a passphrase.
    passphrase
        What opens the diff too. It takes seconds; a `RunKey` serves for many diffs.
    embed
        Put the diff into the redacted file as well, where anybody can copy it: only one that
        is sealed to recipients, and that no passphrase opens, since that could be guessed at.
    limits
        Bounds on what is taken on; see `Limits`.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    InvalidKeyError, SideCopyError, VerificationError
    OSError
        A path that can't be read.
    """
    limits = checked(limits)
    owners = Owners.of(recipients, passphrase, embed)
    data = read_source(jpeg, limits)
    task = _Task(
        as_method(method),
        parse_margin(margin),
        Handling.parse(side_copies, force, provenance, note),
        coordinates,
        limits,
        owners,
        scrub,
    )
    regions = as_regions(boxes, limits)
    parsed = read_jpeg(data, limits)
    orientation = orientation_of(data, parsed)
    regions = in_stored(regions, coordinates, orientation, parsed)
    return _redacted(data, parsed, orientation, regions, task)


class _Task(NamedTuple):
    """How regions are to be redacted, checked."""

    method: Method
    margin: tuple[float, bool]
    handling: Handling
    coordinates: str
    limits: Limits
    owners: Owners
    scrub: bool


def _redacted(
    data: bytes, jpeg: JpegData, orientation: int, regions: tuple[Region, ...], task: _Task
) -> Redaction:
    if not regions and not task.scrub:
        return _nothing(data, jpeg, orientation, task)
    outcome = _rewritten(data, jpeg, orientation, regions, task)
    if not regions and outcome.jpeg == data:
        return _nothing(data, jpeg, orientation, task)
    return _finished(data, jpeg, orientation, regions, task, outcome)


def _rewritten(
    data: bytes, jpeg: JpegData, orientation: int, regions: tuple[Region, ...], task: _Task
) -> Outcome:
    handling = task.handling if regions else task.handling._replace(note=False)
    return redact_bytes(
        data, jpeg, regions, task.method, task.margin, task.limits, orientation, handling
    )


def _finished(
    data: bytes,
    jpeg: JpegData,
    orientation: int,
    regions: tuple[Region, ...],
    task: _Task,
    outcome: Outcome,
    notices: tuple[Notice, ...] = (),
) -> Redaction:
    """Seal the diff, put it into the file where that is wanted, and report."""
    diff = task.owners.seal(UnblurDiff(outcome.document, outcome.diff), task.limits)
    bare = len(outcome.jpeg)
    if task.owners.embed:
        outcome = with_diff(outcome, diff, task.limits)
    report = make_report(
        data, jpeg, orientation, task.coordinates, regions, outcome, task.handling.policy,
        len(diff.to_bytes()), len(outcome.jpeg) - bare, notices,
    )  # fmt: skip
    return Redaction(outcome.jpeg, diff, report)


def _nothing(data: bytes, jpeg: JpegData, orientation: int, task: _Task) -> Redaction:
    """Return the input, in which there was nothing to do."""
    digest = hashlib.sha256(data).hexdigest()
    policy = task.handling.policy
    return Redaction(
        data, None, empty_report(data, digest, jpeg, orientation, task.method, policy)
    )


def process(
    jpeg: Source,
    boxes: Any = (),
    *,
    detect: Sequence[str] = (),
    threshold: float | None = None,
    effort: str = "normal",
    detector: Detects | None = None,
    from_log: Log | LogEntry | Source | None = None,
    name: str | None = None,
    method: str | Method = "inpaint",
    margin: float | str | None = None,
    coordinates: str = "stored",
    side_copies: str = "default",
    provenance: str = "drop",
    force: bool = False,
    note: bool = False,
    scrub: bool = False,
    recipients: Iterable[RecipientLike] = (),
    passphrase: PassphraseLike | RunKey | None = None,
    embed: bool = False,
    limits: Limits | None = None,
) -> Processed:
    """Find what is to be hidden in a picture, hide it, and say both: redaction and log.

    The one function behind the command line, batches and services. It writes nothing.

    Parameters
    ----------
    boxes
        Regions to redact, as in `redact`, besides those that are found.
    detect
        Labels to look for, such as ``("face", "plate")``.
    threshold, effort
        As in `jpegredact.detect`.
    detector
        What looks for them: `Detecting` with options of `detect`, or anything that is called
        like `detect`.
    from_log
        A log that has an entry for this very picture (by SHA-256): what it says to redact is
        redacted, what it says to keep is kept, and nothing is looked for.
    name
        The picture's name in the log; a path's own by default.
    margin
        As in `redact`; None: the one that the log was made with, or 0.
    method, coordinates, side_copies, provenance, force, note, scrub, recipients, passphrase,
    embed, limits
        As in `redact`; ``coordinates`` are those of ``boxes`` alone.

    Raises
    ------
    InvalidLogError
        The log can't be read, or says nothing about this picture.
    DetectorError
        The detector or its weights can't be had, or don't work.
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    InvalidKeyError, SideCopyError, VerificationError
        As in `redact`.
    OSError
        A path that can't be read.
    """
    limits = checked(limits)
    how = as_method(method)
    handling = Handling.parse(side_copies, force, provenance, note)
    owners = Owners.of(recipients, passphrase, embed)
    labels = _labels(detect)
    search = Search(
        boxes, coordinates, labels, threshold, effort, _detector(detector, labels, limits),
        from_log, margin,
    )  # fmt: skip
    data = read_source(jpeg, limits)
    look = _look(data, search, limits)
    task = _Task(how, look.found.margin, handling, coordinates, limits, owners, scrub)
    look, done = _redacted_for_good(data, look, search, task)
    entry = replace(
        look.entry(_name_of(jpeg) if name is None else name, done.report.original),
        redacted=done.report.redacted,
        diff=None if done.diff is None else hashlib.sha256(done.diff.to_bytes()).hexdigest(),
        options=replace(look.found.options, method=how.name, side_copies=side_copies),
        warnings=tuple(dict.fromkeys(notice.code for notice in done.report.warnings)),
    )
    return Processed(done.jpeg, done.diff, done.report, entry)


def _detector(
    detector: Detects | None, labels: tuple[str, ...], limits: Limits
) -> Detects | None:
    """Return who looks for things: the built-in networks, unless somebody else is to, or none."""
    if detector is not None or not labels:
        return detector
    from .detecting import Detecting

    return Detecting(limits=limits)


def _redacted_for_good(
    data: bytes, look: _Look, search: Search, task: _Task
) -> tuple[_Look, Redaction]:
    """Redact what was found, and what a second look at the redacted picture finds."""
    jpeg, orientation, found = look
    if not found.regions or not search.labels or not task.method.content_free:
        return look, _redacted(data, jpeg, orientation, found.regions, task)
    from .looking_again import look_again

    outcome = _rewritten(data, jpeg, orientation, found.regions, task)

    def rewrite(more: Found) -> Outcome:
        return _rewritten(data, jpeg, orientation, more.regions, task)

    again = look_again(outcome, jpeg, found, search, task.limits, rewrite)
    done = _finished(
        data, jpeg, orientation, again.found.regions, task, again.outcome, again.notices
    )
    return look._replace(found=again.found), done


def survey(
    jpeg: Source,
    boxes: Any = (),
    *,
    detect: Sequence[str] = (),
    threshold: float | None = None,
    effort: str = "normal",
    detector: Detects | None = None,
    from_log: Log | LogEntry | Source | None = None,
    name: str | None = None,
    margin: float | str | None = None,
    coordinates: str = "stored",
    limits: Limits | None = None,
) -> LogEntry:
    """Find what `process` would hide, and hide nothing.

    But for what `process` finds when it looks again at what it redacted. Parameters and errors
    are those of `process`.
    """
    limits = checked(limits)
    labels = _labels(detect)
    search = Search(
        boxes, coordinates, labels, threshold, effort, _detector(detector, labels, limits),
        from_log, margin,
    )  # fmt: skip
    data = read_source(jpeg, limits)
    look = _look(data, search, limits)
    return look.entry(
        _name_of(jpeg) if name is None else name, hashlib.sha256(data).hexdigest()
    )


class _Look(NamedTuple):
    """A picture, and what was found in it."""

    jpeg: JpegData
    orientation: int
    found: Found

    def entry(self, name: str, sha256: str) -> LogEntry:
        """Return it as it is logged."""
        return LogEntry(
            file=name,
            sha256=sha256,
            size=self.jpeg.size,
            orientation=self.orientation,
            detectors=self.found.detectors,
            options=self.found.options,
            detections=self.found.sightings,
        )


def _look(data: bytes, search: Search, limits: Limits) -> _Look:
    search.check()
    jpeg = read_jpeg(data, limits)
    orientation = orientation_of(data, jpeg)
    return _Look(jpeg, orientation, find(data, jpeg, orientation, search, limits))


def restore(
    jpeg: Source,
    diff: UnblurDiff | Source | None = None,
    *,
    regions: Iterable[int] | None = None,
    identities: Iterable[IdentityLike] = (),
    passphrase: PassphraseLike | None = None,
    allow_modified: bool = False,
    limits: Limits | None = None,
) -> bytes:
    """Bring regions back: all of them, byte for byte, or those with the given indices.

    Parameters
    ----------
    jpeg
        The redacted file, or one in which some regions were brought back before.
    diff
        An `UnblurDiff`, its bytes, or a path; a part of a diff brings back what it has. None: the
        one that is embedded in the file; of several, that of the last redaction. It stays there
        as long as something is hidden.
    regions
        Indices into ``diff.regions``. A block under two regions comes back only
        with both; what is not asked for stays as redacted.
    identities, passphrase
        What opens a sealed diff; see `UnblurDiff.open`.
    allow_modified
        Bring regions back in a file, too, that was coded anew without loss, or whose metadata was
        edited, since it was redacted. Their coefficients are the original's then, and the
        file is not. With ``regions``, also where only other places were changed.

    Raises
    ------
    DiffMismatchError
        The diff is of another picture, or this one was changed since; the code says how:
        "diff.metadata", "diff.coding" or "diff.pixels".
    DecryptionError, InvalidKeyError
        The diff is sealed, and the keys don't open it.
    InvalidDiffError
        It can't be read; or none was given, and none is embedded (``diff.not-embedded``).
    InvalidJpegError, UnsupportedJpegError, LimitExceededError, InvalidRegionError,
    VerificationError
    OSError
        A path that can't be read.
    """
    return bring_back(
        jpeg, diff, regions=regions, identities=identities, passphrase=passphrase,
        allow_modified=allow_modified, limits=limits,
    ).data  # fmt: skip


def bring_back(
    jpeg: Source,
    diff: UnblurDiff | Source | None = None,
    *,
    regions: Iterable[int] | None = None,
    identities: Iterable[IdentityLike] = (),
    passphrase: PassphraseLike | None = None,
    allow_modified: bool = False,
    limits: Limits | None = None,
) -> Restored:
    """Do what `restore` does, and say whether it is the original, and what was changed before."""
    from .redaction.restore import restore_bytes

    limits = checked(limits)
    if diff is not None:
        diff = _as_diff(diff, limits)
    data = read_source(jpeg, limits)
    opened = _as_diff(data if diff is None else diff, limits).open(identities, passphrase, limits)
    return restore_bytes(data, opened.document, regions, limits, allow_modified)


def verify(
    original: Source,
    redacted: Source,
    diff: UnblurDiff | Source | None = None,
    *,
    boxes: Any = None,
    margin: float | str = 0,
    coordinates: str = "stored",
    identities: Iterable[IdentityLike] = (),
    passphrase: PassphraseLike | None = None,
    limits: Limits | None = None,
) -> Verification:
    """Compare an original with its redacted form, coefficient by coefficient, by a second reader.

    The regions come from the diff or from ``boxes`` (with ``margin`` and
    ``coordinates`` as in `redact`); with neither, every changed block counts as
    outside. With a diff, it also checks that the diff restores the original. It
    wants the fully redacted file: one with regions brought back still shows them.
    ``identities`` and ``passphrase`` open a sealed diff; with neither diff nor boxes, that is the
    one that is embedded in the redacted file.

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
    redacted = read_source(redacted, limits)
    if diff is None and boxes is None and (identities or passphrase is not None):
        diff = redacted
    document = None
    if diff is not None:
        document = _as_diff(diff, limits).open(identities, passphrase, limits).document
    data = read_source(original, limits)
    regions: tuple[Region, ...] = ()
    if boxes is not None:
        parsed = read_jpeg(data, limits)
        orientation = orientation_of(data, parsed)
        regions = in_stored(as_regions(boxes, limits), coordinates, orientation, parsed)
    return verify_bytes(
        data, redacted, document, regions, parse_margin(margin), limits
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
    return list(read_contents(data, read_jpeg(data, limits), limits).copies)


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


def _labels(detect: Sequence[str]) -> tuple[str, ...]:
    if isinstance(detect, str):
        raise TypeError("detect is a list of labels, such as ['face']")
    return tuple(detect)


def _name_of(jpeg: Source) -> str:
    return os.fsdecode(jpeg) if isinstance(jpeg, str | os.PathLike) else ""
