"""The log: what was seen in each picture, where, how surely, and what is to become of it.

As JSON Lines here, as XML in `log_xml`; both have a published schema (docs/design/log.md).
A log shows what redaction hides, and holds digests of originals: keep it as private as the
diffs. `public_line` gives what may be shown.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from ._version import VERSION
from .errors import InvalidLogError, InvalidRegionError, JpegRedactError
from .geometry import Box, Boxes, Mask, Polygon, Region

__all__ = [
    "DECISIONS",
    "SCHEMA",
    "SHAPES",
    "SOURCES",
    "Failure",
    "Log",
    "LogEntry",
    "Options",
    "Sighting",
    "count_labels",
    "join_model",
    "json_value",
    "public_bytes",
    "public_value",
    "refuse_unsayable",
    "split_model",
    "to_bytes",
    "utf8",
    "with_ids",
]

SCHEMA = 1
"""Version of the schemas; a log of another one is refused."""
DECISIONS = ("redact", "keep")
SOURCES = ("detector", "person", "log", "again")
SHAPES = ("box", "polygon", "mask", "boxes")
_LONGEST = 4096
_FAR = 1e9
_LONGEST_STEM = 64
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters, but for those that stand for a byte of a file's name (PEP 383)."""
_LINE_ENDS = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}
"""What some readers take for the end of a line, though JSON Lines knows only LF."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing in a picture: seen by a detector, marked by a person, or added to a log.

    Attributes
    ----------
    box
        ``(left, top, right, bottom)`` in pixels of the stored picture, half-open, before any
        margin; of a polygon or mask, its bounds.
    label, score
        What it is, and how surely; None where nobody said.
    decision
        "redact", or "keep": it stays as it is.
    source
        "detector"; "person" for a box that was given; "log" for one that was added to a log;
        "again" for what a detector saw in the redacted picture (`looking_again`).
    id
        Unique in its picture. The same thing found again has the same one.
    model
        The detector: its name, "@", and the digest of its weights.
    threshold
        The score from which on it was reported; None: the detector's own.
    shape, points, parts
        "box"; "polygon", with its corners; "boxes", with its parts: two for what lies across the
        seam of a 360° panorama; or "mask", of which only the bounds are logged.
    snapped
        The pixels, half-open, around the blocks that it touches, margin included.
    blocks
        How many it touches in each component.
    """

    box: tuple[float, float, float, float]
    label: str | None = None
    score: float | None = None
    decision: str = "redact"
    source: str = "log"
    id: str = ""
    model: str | None = None
    threshold: float | None = None
    shape: str = "box"
    points: tuple[tuple[float, float], ...] = ()
    parts: tuple[tuple[float, float, float, float], ...] = ()
    snapped: tuple[int, int, int, int] | None = None
    blocks: tuple[int, ...] = ()

    @classmethod
    def of(cls, region: Region, source: str, **more: Any) -> Sighting:
        """Return a region (see `as_regions`) as it is logged."""
        shape = SHAPES[[Box, Polygon, Mask, Boxes].index(type(region))]
        left, top, right, bottom = region.bounds
        return cls(
            (left, top, right, bottom), region.label, region.score, source=source,
            id=region.id or "", shape=shape,
            points=region.points if isinstance(region, Polygon) else (),
            parts=region.parts if isinstance(region, Boxes) else (), **more,
        )  # fmt: skip

    @property
    def region(self) -> Region:
        """What to redact; for a mask its bounds, which hide no less."""
        if self.shape == "polygon":
            return Polygon(self.points, self.label, self.score, self.id)
        if self.shape == "boxes":
            return Boxes(self.parts, self.label, self.score, self.id)
        return Box(*self.box, label=self.label, score=self.score, id=self.id)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was told; None where it had no part in it.

    ``labels`` are those that detectors were asked for.
    """

    labels: tuple[str, ...] = ()
    effort: str | None = None
    threshold: float | None = None
    method: str | None = None
    margin: str = "0"
    side_copies: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing could be said of a file: an error's stable code, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What was seen in one picture, and done with it.

    Attributes
    ----------
    file
        Its name, as given.
    sha256
        Digest of the original, in hexadecimal; None where it could not be read.
    size, orientation
        Width and height of the stored picture in pixels, and its Exif orientation.
    detectors
        Those that looked: name, "@", digest of the weights.
    redacted
        Digest of the output (the original's, where nothing was to be redacted); None where none
        was made.
    diff
        Digest of the unblur-diff as it is stored; None where there is none.
    warnings
        Codes of the report's warnings, each once.
    """

    file: str
    sha256: str | None
    size: tuple[int, int] | None = None
    orientation: int | None = None
    detectors: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    detections: tuple[Sighting, ...] = ()
    redacted: str | None = None
    error: Failure | None = None
    version: str = VERSION
    diff: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def failed(cls, file: str, data: bytes | None, error: Exception) -> LogEntry:
        """Return the entry of a file that could not be worked on; ``data`` if it could be read."""
        sha256 = None if data is None else hashlib.sha256(data).hexdigest()
        if isinstance(error, JpegRedactError):
            return cls(file, sha256, error=Failure(error.code, str(error)[:_LONGEST]))
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return cls(file, sha256, error=Failure("io", text[:_LONGEST]))

    @property
    def to_redact(self) -> tuple[Sighting, ...]:
        """The detections that are to be redacted."""
        return tuple(each for each in self.detections if each.decision == "redact")

    def to_json(self) -> str:
        """Return it as one line of JSON, without the line's end."""
        text = json.dumps(json_value(self), ensure_ascii=False, allow_nan=False)
        return text.translate(_LINE_ENDS)

    def to_public_json(self) -> str:
        """Return one line that tells nothing private: counts, and the redacted file's digest.

        Raises
        ------
        InvalidLogError
            Nothing was redacted.
        """
        return json.dumps(public_value(self), ensure_ascii=False).translate(_LINE_ENDS)


@dataclass(frozen=True, slots=True)
class Log:
    """What was seen in some pictures."""

    entries: tuple[LogEntry, ...]

    def to_json_lines(self) -> bytes:
        """Return it as JSON Lines: a line for each picture; the same log gives the same bytes."""
        return "".join(f"{entry.to_json()}\n" for entry in self.entries).encode()

    def to_xml(self) -> bytes:
        """Return it as an XML document; control characters become U+FFFD."""
        from .log_xml import log_to_xml

        return log_to_xml(self)

    def to_coco(self) -> bytes:
        """Return it in COCO's format for detections, as training data."""
        from .log_coco import log_to_coco

        return log_to_coco(self)

    def entry_for(self, sha256: str) -> LogEntry:
        """Return what it says about a picture, found by the picture's SHA-256.

        Raises
        ------
        InvalidLogError
            Nothing; or there are several entries that contradict each other.
        """
        found = [e for e in self.entries if e.sha256 == sha256 and e.error is None]
        if not found:
            raise InvalidLogError(
                f"the log says nothing about this picture (SHA-256 {sha256[:16]}…)",
                code="log.mismatch",
                hint="take the log that was made of exactly this file",
            )
        if any(other.detections != found[0].detections for other in found):
            raise InvalidLogError(
                f"the log has {len(found)} entries for this picture that contradict each other",
                code="log.twice",
                hint="leave one of them",
            )
        return found[0]


def with_ids(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Give an id to each that lacks one: its label, and a digest of where it is.

    So the same thing has the same id however many others are found. Two of the same id keep it.
    """
    given = list(sightings)
    taken = {each.id for each in given}
    last: dict[str, int] = {}
    found = []
    for each in given:
        if not each.id:
            place = json.dumps([each.label, each.shape, each.box, each.points, each.parts])
            digest = hashlib.sha256(place.encode()).hexdigest()[:8]
            stem = f"{(each.label or 'region')[:_LONGEST_STEM]}-{digest}"
            name = _free(stem, taken, last)
            taken.add(name)
            each = replace(each, id=name)
        found.append(each)
    return tuple(found)


def refuse_unsayable(sighting: Sighting, where: str) -> None:
    """Refuse what could be logged, but not be read back.

    Raises
    ------
    InvalidRegionError
    """
    texts = (sighting.label, sighting.id, sighting.model)
    if any(text is not None and len(text) > _LONGEST for text in texts):
        raise InvalidRegionError(
            f"{where}: its label, id or model has more than {_LONGEST} characters; no log takes "
            "that"
        )
    numbers = [*sighting.box, *chain(*sighting.points), *chain(*sighting.parts)]
    numbers += [sighting.score or 0]
    if not all(-_FAR <= number <= _FAR for number in numbers):
        raise InvalidRegionError(
            f"{where}: a number beyond {_FAR:g}; no log takes that", hint="cut it to the picture"
        )


def _free(stem: str, taken: set[str], last: dict[str, int]) -> str:
    """Return a name that is not taken; ``last`` says where the search for a stem ended before."""
    name, count = stem, last.get(stem, 1)
    while name in taken:
        count += 1
        name = f"{stem}.{count}"
    last[stem] = count
    return name


def json_value(entry: LogEntry) -> dict[str, Any]:
    """Return an entry as dictionaries, lists, strings and numbers, in the schema's order."""
    options = entry.options
    return {
        "record": "file",
        "schema": SCHEMA,
        "version": entry.version,
        "file": utf8(entry.file),
        "sha256": entry.sha256,
        "size": None if entry.size is None else list(entry.size),
        "orientation": entry.orientation,
        "detectors": [split_model(model) for model in entry.detectors],
        "options": {
            "labels": list(options.labels),
            "effort": options.effort,
            "threshold": options.threshold,
            "method": options.method,
            "margin": options.margin,
            "side_copies": options.side_copies,
        },
        "detections": [
            {
                "id": each.id,
                "label": each.label,
                "score": each.score,
                "box": list(each.box),
                "decision": each.decision,
                "source": each.source,
                "model": each.model,
                "threshold": each.threshold,
                "shape": each.shape,
                "points": [list(point) for point in each.points],
                "parts": [list(part) for part in each.parts],
                "snapped": None if each.snapped is None else list(each.snapped),
                "blocks": list(each.blocks),
            }
            for each in entry.detections
        ],
        "redacted": entry.redacted,
        "diff": entry.diff,
        "warnings": list(entry.warnings),
        "error": None
        if entry.error is None
        else {"code": entry.error.code, "message": utf8(entry.error.message)},
    }


def public_value(entry: LogEntry) -> dict[str, Any]:
    """Return what may be shown of an entry.

    Raises
    ------
    InvalidLogError
        Nothing was redacted.
    """
    if entry.redacted is None:
        raise InvalidLogError(
            "nothing was redacted: there is nothing public to log", code="log.not-redacted"
        )
    counts = count_labels(entry.to_redact)
    return {
        "record": "public",
        "schema": SCHEMA,
        "version": entry.version,
        "redacted": entry.redacted,
        "counts": [{"label": label, "count": count} for label, count in counts],
    }


def count_labels(sightings: Iterable[Sighting]) -> list[tuple[str | None, int]]:
    """Return how many there are of each label, in the order of labels, those without one last."""
    counts = Counter(each.label for each in sightings)
    return sorted(counts.items(), key=lambda item: (item[0] is None, item[0] or ""))


def split_model(model: str) -> dict[str, str | None]:
    """Return a detector's name, and the digest of its weights if it has one."""
    name, at, digest = model.rpartition("@")
    return {"name": name, "digest": digest} if at else {"name": model, "digest": None}


def join_model(name: str, digest: str | None) -> str:
    """Return a detector as entries name it."""
    return name if digest is None else f"{name}@{digest}"


def utf8(value: str) -> str:
    """Return text that UTF-8 can say, and logs hold: a file's name may be any bytes."""
    value = _HALF.sub("\ufffd", value[:_LONGEST])
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def public_bytes(entries: Sequence[LogEntry], form: str) -> bytes:
    """Return what may be shown of these entries as "json" (JSON Lines) or "xml".

    Raises
    ------
    InvalidLogError
        Nothing was redacted.
    """
    if form == "xml":
        from .log_xml import public_to_xml

        return public_to_xml(public_value(entry) for entry in entries)
    return "".join(f"{entry.to_public_json()}\n" for entry in entries).encode()


def to_bytes(entries: Sequence[LogEntry], form: str) -> bytes:
    """Return a log of these entries as "json" (JSON Lines), "xml" or "coco"."""
    log = Log(tuple(entries))
    return {"json": log.to_json_lines, "xml": log.to_xml, "coco": log.to_coco}[form]()
