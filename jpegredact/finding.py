"""What is to be hidden in one picture: found by a detector, given by a person, or read from a log.

Gives regions to redact, and the same as they are logged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from .codec.model import JpegData
from .errors import InvalidRegionError
from .files import Source
from .geometry import Boxes, Region, as_regions, parse_margin, to_stored
from .limits import Limits
from .log import Log, LogEntry, Options, Sighting, join_model, refuse_unsayable, utf8, with_ids
from .redaction.coverage import coverage_of
from .redaction.plan import make_plan

__all__ = ["Detects", "Found", "Search", "boxes_of", "find", "in_stored", "with_more"]

_SHOWN = 80
"""Characters of an id in a message."""


class Detects(Protocol):
    """What looks for things in a picture; called like `jpegredact.detect`.

    It may have an attribute ``models``: those that look whatever they find, for the log; and
    ``again``, which looks at redacted pictures (see `looking_again.LooksAgain`).
    """

    def __call__(
        self, jpeg: bytes, labels: Sequence[str], *, threshold: float | None, effort: str
    ) -> Sequence[Any]:
        """Return objects with ``label``, ``score``, ``box`` (pixels as stored) and ``model``."""


class Search(NamedTuple):
    """What to look for, and where else regions come from; see `pipeline.process`."""

    boxes: Any = ()
    coordinates: str = "stored"
    labels: tuple[str, ...] = ()
    threshold: float | None = None
    effort: str = "normal"
    detector: Detects | None = None
    from_log: Log | LogEntry | Source | None = None
    margin: float | str | None = None

    def check(self) -> None:
        """Refuse what makes no sense together.

        Raises
        ------
        InvalidRegionError
        """
        if self.from_log is not None and self.labels:
            raise InvalidRegionError(
                "give a log or labels to detect, not both: the log says what was detected",
                code="region.log-and-labels",
            )


class Found(NamedTuple):
    """What was found in one picture.

    Attributes
    ----------
    sightings
        All, also those that are kept.
    regions
        Those to redact, in the same order, in pixels of the stored picture.
    detectors
        Those that looked.
    margin
        That of the search, or else of the log; parsed.
    options
        What was asked for, for the log.
    """

    sightings: tuple[Sighting, ...]
    regions: tuple[Region, ...]
    detectors: tuple[str, ...]
    margin: tuple[float, bool]
    options: Options


def find(
    data: bytes,
    jpeg: JpegData,
    orientation: int,
    search: Search,
    limits: Limits,
) -> Found:
    """Find, or read, what is to be redacted.

    Raises
    ------
    InvalidRegionError
        A region lies outside the picture, or makes no sense.
    InvalidLogError
        The log says nothing about this picture.
    DetectorError
    LimitExceededError
    """
    said = 0 if search.margin is None else search.margin
    margin = parse_margin(said)
    given = in_stored(as_regions(search.boxes, limits), search.coordinates, orientation, jpeg)
    detectors: tuple[str, ...] = ()
    options = Options()
    pairs: list[tuple[Sighting, Region]] = []
    if search.from_log is not None:
        entry = _entry(search.from_log, hashlib.sha256(data).hexdigest(), limits)
        detectors, options = entry.detectors, entry.options
        if search.margin is None:
            said = entry.options.margin
            margin = parse_margin(said)
        pairs += [(each, each.region) for each in entry.detections]
    if search.labels:
        detectors, seen = _detected(data, search, limits)
        pairs += seen
    pairs += [(Sighting.of(region, "person"), region) for region in given]
    sightings, regions = _settled(pairs, jpeg, margin, limits)
    if search.labels:
        options = Options(search.labels, search.effort, search.threshold)
    options = replace(options, margin=str(said))
    return Found(sightings, regions, detectors, margin, options)


def with_more(
    found: Found,
    jpeg: JpegData,
    more: Sequence[tuple[Any, Region]],
    search: Search,
    limits: Limits,
) -> Found:
    """Add what a detector saw in the redacted picture; it is logged as that.

    ``found`` has nothing that is kept: it comes from a detector. ``more`` has what the detector
    returned, each with the region to redact.

    Raises
    ------
    InvalidRegionError, LimitExceededError
    """
    seen, regions = zip(*more, strict=True)
    pairs = list(zip(found.sightings, found.regions, strict=True))
    pairs += _as_logged(regions, seen, "again", search.threshold)
    sightings, regions = _settled(pairs, jpeg, found.margin, limits)
    return found._replace(sightings=sightings, regions=regions)


def _settled(
    pairs: Sequence[tuple[Sighting, Region]],
    jpeg: JpegData,
    margin: tuple[float, bool],
    limits: Limits,
) -> tuple[tuple[Sighting, ...], tuple[Region, ...]]:
    """Return what was seen with ids and blocks, and the regions to redact."""
    limits.check("max_regions", len(pairs), "regions")
    names = with_ids(_apart(sighting for sighting, _ in pairs))
    sightings, regions = [], []
    for number, ((_, region), sighting) in enumerate(zip(pairs, names, strict=True)):
        where = f"region {number} ({sighting.id[:_SHOWN]})"
        region.check(jpeg.frame.width, jpeg.frame.height, where)
        refuse_unsayable(sighting, where)
        plan = make_plan(jpeg, [region], margin, limits)
        snapped, blocks = coverage_of(plan, jpeg.frame, 1)[0]
        sightings.append(replace(sighting, snapped=snapped, blocks=blocks))
        if sighting.decision == "redact":
            known = sighting.source != "person"
            regions.append(replace(region, id=sighting.id) if known else region)
    return tuple(sightings), tuple(regions)


def _apart(sightings: Iterable[Sighting]) -> Iterator[Sighting]:
    """Yield sightings, without the ids that another one has: in a log each has its own."""
    taken: set[str] = set()
    for each in sightings:
        yield replace(each, id="") if each.id in taken else each
        taken.add(each.id)


def in_stored(
    regions: tuple[Region, ...], coordinates: str, orientation: int, jpeg: JpegData
) -> tuple[Region, ...]:
    """Return regions in pixels of the stored picture.

    Raises
    ------
    InvalidRegionError
        ``coordinates`` is neither "stored" nor "upright".
    """
    if coordinates == "stored":
        return regions
    if coordinates != "upright":
        raise InvalidRegionError(
            f"coordinates are 'stored' or 'upright', not {coordinates!r}", code="region.coordinates"
        )
    frame = jpeg.frame
    return tuple(to_stored(region, orientation, frame.width, frame.height) for region in regions)


def _entry(source: Log | LogEntry | Source, sha256: str, limits: Limits) -> LogEntry:
    if isinstance(source, LogEntry):
        source = Log((source,))
    if not isinstance(source, Log):
        from .log_reading import read_log

        source = read_log(source, limits=limits)
    return source.entry_for(sha256)


def _detected(
    data: bytes, search: Search, limits: Limits
) -> tuple[tuple[str, ...], list[tuple[Sighting, Region]]]:
    detector = search.detector
    if detector is None:
        raise TypeError("labels to look for, and no detector")
    found = list(
        detector(data, search.labels, threshold=search.threshold, effort=search.effort)
    )
    pairs = _as_logged(as_regions(found, limits), found, "detector", search.threshold)
    names = {*_models_of(detector, search.labels), *(sighting.model for sighting, _ in pairs)}
    return tuple(sorted(name for name in names if name is not None)), pairs


def _as_logged(
    regions: Iterable[Region], found: Sequence[Any], source: str, threshold: float | None
) -> list[tuple[Sighting, Region]]:
    """Return a detector's answers as they are logged, each with its region."""
    models = [_model(getattr(each, "model", None)) for each in found]
    return [
        (Sighting.of(region, source, model=model, threshold=threshold), region)
        for region, model in zip(regions, models, strict=True)
    ]


def boxes_of(region: Region) -> tuple[tuple[float, float, float, float], ...]:
    """Return the boxes around a region's parts."""
    return region.parts if isinstance(region, Boxes) else (region.bounds,)


def _models_of(detector: Detects, labels: Iterable[str]) -> Iterator[str | None]:
    """Yield the models that look for these labels, whether they find something or not."""
    models = getattr(detector, "models", None)
    for model in () if models is None else models(labels) if callable(models) else models:
        yield _model(model)


def _model(model: Any) -> str | None:
    """Return a model as logs name it, with all of its digest."""
    if model is None:
        return None
    return utf8(model if isinstance(model, str) else join_model(model.name, model.sha256 or None))
