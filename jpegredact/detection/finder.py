"""Who finds what: labels to networks, networks to detections of the stored picture.

The built-in labels are "face", "plate" and "text"; others come from detectors that the caller
gives or names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, SupportsFloat

import numpy as np

from ..errors import DetectorError
from .boxes import COLUMNS, merged, overlaps
from .centerface import CenterFace
from .clp import Clp
from .effort import Effort, effort_named, search
from .identity import GROUP, entry_point
from .model import BoxTuple, Detection, Detector, Model
from .panorama import in_views
from .pixels import Picture, outward, to_shown, to_stored
from .ppocr import PpOcr
from .registry import weights_for
from .session import Settings, open_session
from .weights import beside, load, read_description, read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .network import Network
    from .session import Session

__all__ = [
    "GROUP", "LABELS", "MARGINS", "NetworkDetector", "Search", "labels_of", "load_detector",
    "with_text",
]  # fmt: skip

_DEFAULTS = Settings()

LABELS = ("face", "plate", "text")
"""What can be found without further ado."""

MARGINS: Mapping[str, float] = {"face": 0.12, "plate": 0.2, "text": 0.1}
"""How far boxes grow on each side, as a share of their width and height.

CenterFace's boxes end at the hairline and the chin. Plates' are too tight by a fifth.
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, and how.

    Attributes
    ----------
    labels
        What to find; none of them: whatever ``detectors`` can.
    detectors
        Detectors besides the built-in ones: objects, names of entry points, or paths of TOML
        files that describe a network (`yolo`). A label that one of them has is left to them.
    threshold
        The score from which something counts: one for all, or by label; None for what each
        network works best with.
    effort
        "fast", "normal" or "thorough".
    margins
        By label, instead of `MARGINS`.
    settings
        How networks are run.
    near
        Boxes in pixels of the stored picture: networks look only at what is near them; see
        `effort.search`. None: everywhere. Detectors that are objects always see all.
    """

    labels: tuple[str, ...] = ("face",)
    detectors: tuple[Detector | str, ...] = ()
    threshold: float | Mapping[str, float] | None = None
    effort: str = "normal"
    margins: Mapping[str, float] = field(default_factory=dict)
    settings: Settings = _DEFAULTS
    near: tuple[BoxTuple, ...] | None = None

    def run(self, picture: Picture, orientation: int, size: tuple[int, int]) -> list[Detection]:
        """Return the detections in a picture: by label in the order asked for, the surest first.

        Parameters
        ----------
        picture
            As shown.
        orientation, size
            Exif's, and the stored picture's width and height, for the boxes.

        Raises
        ------
        DetectorError
        """
        effort = effort_named(self.effort)
        self._check()
        seen = _Seen(picture, effort, self, self._places(orientation, size))
        users = [
            load_detector(each, self.settings) if isinstance(each, str) else each
            for each in self.detectors
        ]
        for each in users:
            if not isinstance(each, Detector):
                raise TypeError(f"a detector has labels and detect; {type(each).__name__} has not")
        found: list[Detection] = []
        for label in dict.fromkeys(self.labels or [n for each in users for n in each.labels]):
            own = [each for each in users if label in each.labels]
            if own:
                found += seen.by_users(label, own)
            elif label in LABELS:
                found += seen.built_in(label)
            else:
                raise _unknown_label(label, users)
        return [_stored(detection, orientation, size) for detection in found]

    def threshold_of(self, label: str) -> float | None:
        """Return the threshold that was asked for, or None."""
        if isinstance(self.threshold, Mapping):
            return self.threshold.get(label)
        return self.threshold

    def _places(
        self, orientation: int, size: tuple[int, int]
    ) -> NDArray[np.float64] | None:
        if self.near is None:
            return None
        shown = [to_shown(box, orientation, *size) for box in self.near]
        return np.array(shown, float).reshape(-1, 4)

    def margin_of(self, label: str, default: float) -> float:
        """Return the margin of a label."""
        return self.margins.get(label, default)

    def _check(self) -> None:
        by_label = self.threshold if isinstance(self.threshold, Mapping) else {"": self.threshold}
        for value in by_label.values():
            if value is not None and not 0 <= value <= 1:
                raise DetectorError(
                    f"a threshold is from 0 to 1, not {value}", code="detector.settings"
                )
        for value in self.margins.values():
            if not 0 <= value <= 10:
                raise DetectorError(
                    f"a margin is a share of a box, from 0 to 10, not {value}",
                    code="detector.settings",
                )


def load_detector(name: str, settings: Settings = _DEFAULTS) -> Detector:
    """Return the detector that an entry point names, or that a TOML file describes.

    Nothing is loaded but what is named.

    Raises
    ------
    DetectorError
        ``detector.unknown``, or ``detector.entry-point`` where loading it fails.
    """
    if name.endswith(".toml"):
        return _described(name, settings)
    point = entry_point(name)
    try:
        detector = point.load()()
    except Exception as error:  # another package's code: anything
        raise DetectorError(
            f"the detector {name!r} ({point.value}) can't be loaded: {error!r}",
            code="detector.entry-point",
        ) from error
    if not isinstance(detector, Detector):
        raise DetectorError(
            f"the detector {name!r} ({point.value}) has no labels or no detect",
            code="detector.entry-point",
        )
    return detector


def labels_of(name: str) -> tuple[str, ...]:
    """Return what the detector finds that an entry point names or a TOML file describes.

    Raises
    ------
    DetectorError
    """
    if name.endswith(".toml"):
        from .yolo import describe

        return tuple(describe(read_description(name), name).labels)
    return tuple(load_detector(name).labels)


@dataclass(frozen=True, slots=True)
class NetworkDetector:
    """A network of the user's own as a `Detector`; `Search` looks with its own effort."""

    network: Network
    labels: Sequence[str]
    thresholds: Sequence[float]
    """For each label."""

    def detect(self, image: Picture) -> Sequence[Detection]:
        """Return what is in a picture, at normal effort."""
        found = search(self.network, image, effort_named("normal"), self.network.threshold)
        return [
            _detection(self.labels[int(row[5])], row, self.network.model, 0.0, image)
            for row in found
            if row[4] >= self.thresholds[int(row[5])]
        ]


def _described(path: str, settings: Settings) -> NetworkDetector:
    from .yolo import Yolo, describe

    description = describe(read_description(path), path)
    weights = read_file(beside(path, description.model))
    network = Yolo(description, open_session(weights, settings, any_size=False))
    return NetworkDetector(network, description.labels, description.thresholds)


class _Seen:
    """One picture and what has been found in it so far: no network looks twice."""

    def __init__(
        self,
        picture: Picture,
        effort: Effort,
        wanted: Search,
        near: NDArray[np.float64] | None,
    ) -> None:
        self._picture, self._effort, self._wanted, self._near = picture, effort, wanted, near
        self._found: dict[tuple[str, float], Candidates] = {}

    def built_in(self, label: str) -> list[Detection]:
        """Return what the built-in networks find for a label."""
        margin = self._wanted.margin_of(label, MARGINS[label])
        if label == "plate":
            return self._plates(margin)
        network = self._network("centerface" if label == "face" else "ppocrv5")
        found = self._search(network, self._threshold(label, network.threshold))
        return self._detections(label, found, network.model, margin)

    def by_users(self, label: str, detectors: Iterable[Detector]) -> list[Detection]:
        """Return what detectors of the user's own find for a label."""
        margin = self._wanted.margin_of(label, 0.0)
        found: list[Detection] = []
        for detector in detectors:
            if isinstance(detector, NetworkDetector):
                network, number = detector.network, list(detector.labels).index(label)
                least = [
                    self._threshold(each, threshold)
                    for each, threshold in zip(detector.labels, detector.thresholds, strict=True)
                ]
                rows = self._search(network, min(least))  # once for all labels
                rows = rows[(rows[:, 5] == number) & (rows[:, 4] >= least[number])]
                found += self._detections(label, rows, network.model, margin)
            else:
                found += self._by_object(label, detector, margin)
        return found

    def _by_object(self, label: str, detector: Detector, margin: float) -> Iterable[Detection]:
        least = self._wanted.threshold_of(label)
        for detection in self._answers(detector):
            if detection.label == label and (least is None or detection.score >= least):
                yield _grown(detection, margin, self._picture)

    def _answers(self, detector: Detector) -> list[Detection]:
        """Return what another one's detector gives, checked."""
        name = type(detector).__name__
        try:
            answers = list(detector.detect(self._picture))
        except DetectorError:
            raise
        except Exception as error:  # another one's code: anything
            raise DetectorError(f"{name}.detect failed: {error!r}", code="detector.run") from error
        for answer in answers:
            if wrong := _wrong(answer, self._picture):
                raise DetectorError(f"{name}.detect gave {wrong}", code="detector.entry-point")
        return answers

    def _plates(self, margin: float) -> list[Detection]:
        """Join the plates that a network for them finds with text of a plate's shape.

        Text over a plate makes it larger; other text that could be a plate is one, and its
        model says who saw it. At effort "fast" nobody looks for text.
        """
        network = self._network("clp")
        plates = self._search(network, self._threshold("plate", network.threshold))
        if self._effort.name == "fast":
            return self._detections("plate", plates, network.model, margin)
        reader = self._network("ppocrv5")
        text = self._search(reader, reader.threshold * self._effort.doubt)
        plates, others = with_text(plates, text, self._picture.height)
        return [
            *self._detections("plate", plates, network.model, margin),
            *self._detections("plate", others, reader.model, margin),
        ]

    def _threshold(self, label: str, usual: float) -> float:
        asked = self._wanted.threshold_of(label)
        return usual * self._effort.doubt if asked is None else asked

    def _network(self, name: str) -> Network:
        return _opened(name, self._wanted.settings)

    def _search(self, network: Network, threshold: float) -> Candidates:
        key = (str(network.model), threshold)
        if key not in self._found:
            found = search(network, self._picture, self._effort, threshold, self._near)
            if self._picture.wraps and self._effort.views:
                views = in_views(network, self._picture, threshold)
                found = merged(np.concatenate([found, views]), float(self._picture.width))
            self._found[key] = found
        return self._found[key]

    def _detections(
        self, label: str, found: Candidates, model: Model, margin: float
    ) -> list[Detection]:
        return [_detection(label, row, model, margin, self._picture) for row in found]


@lru_cache(maxsize=8)
def _opened(name: str, settings: Settings) -> Network:
    """Return a built-in network; its weights are read and checked once a process."""
    return _CLASSES[name](open_session(load(weights_for(name)[0]), settings))


_CLASSES: Mapping[str, Callable[[Session], Network]] = {
    "centerface": CenterFace,
    "ppocrv5": PpOcr,
    "clp": Clp,
}


def with_text(
    plates: Candidates, text: Candidates, height: float
) -> tuple[Candidates, Candidates]:
    """Return plates, grown to the text that lies on them, and other text of a plate's shape.

    Parameters
    ----------
    plates, text
        Candidates of both networks.
    height
        Of the picture, in pixels.
    """
    plates = plates.copy()
    own = plates.copy()
    others = []
    for line in text:
        shared, areas, area = overlaps(line, own)
        on = (shared >= _ON_PLATE * np.minimum(areas, area)) & (area <= _LARGEST_TEXT * areas)
        for number in np.flatnonzero(on):
            plates[number, :2] = np.minimum(plates[number, :2], line[:2])
            plates[number, 2:4] = np.maximum(plates[number, 2:4], line[2:4])
        across, down = line[2] - line[0], line[3] - line[1]
        if not on.any() and (
            _SHAPES[0] <= across / down <= _SHAPES[1]
            and _HEIGHTS[0] <= down <= _HEIGHTS[1] * height
        ):
            others.append(line)
    return plates, np.array(others).reshape(-1, COLUMNS)


_ON_PLATE = 0.5  # share of the smaller of text and plate that they have in common
_LARGEST_TEXT = 2.5  # plates; text that is larger is a sign around it
_SHAPES = (1.3, 7.0)  # width / height of a line on plates of one or two lines
_HEIGHTS = (8.0, 0.1)  # pixels; share of the picture's height


def _detection(
    label: str, row: Candidates, model: Model, margin: float, picture: Picture
) -> Detection:
    box = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
    box, parts = _on_picture(box, margin, picture)
    return Detection(label, min(float(row[4]), 1.0), box, model, parts)


def _wrong(answer: object, picture: Picture) -> str | None:
    """Say what is wrong with what another one's detector gave; None if nothing is."""
    if not isinstance(answer, Detection):
        return f"a {type(answer).__name__}, expected is a Detection"
    if not isinstance(answer.label, str):
        return f"the label {answer.label!r}, expected is a text"
    if not _are_finite([answer.score]):
        return f"the score {answer.score!r}, expected is a number"
    for box in (answer.box, *answer.parts):
        if len(box) != 4 or not _are_finite(box):
            return f"the box {box!r}, expected are four finite numbers"
        left, top, right, bottom = box
        if not (left < right and top < bottom):
            return f"the box {box!r}, which is inverted or has no area"
        if left >= picture.width or top >= picture.height or right <= 0 or bottom <= 0:
            return f"the box {box!r}, which is outside of the picture"
    return None


def _are_finite(numbers: Iterable[object]) -> bool:
    return all(isinstance(n, SupportsFloat) and math.isfinite(n) for n in numbers)


def _grown(detection: Detection, margin: float, picture: Picture) -> Detection:
    parts = tuple(
        part
        for each in detection.parts
        for part in (lambda found: found[1] or (found[0],))(_on_picture(each, margin, picture))
    )
    if parts:
        return replace(detection, box=_around(parts), parts=parts)
    box, parts = _on_picture(detection.box, margin, picture)
    return replace(detection, box=box, parts=parts)


def _on_picture(
    box: BoxTuple, margin: float, picture: Picture
) -> tuple[BoxTuple, tuple[BoxTuple, ...]]:
    """Grow a box by its margin; return it and, if it crosses a panorama's seam, its parts."""
    width, height = picture.size
    if not picture.wraps:
        return outward(box, margin, 0, width, height), ()
    left, top, right, bottom = outward(box, margin, -width, 2 * width, height)
    if right - left >= width:
        return (0, top, width, bottom), ()
    if left >= 0 and right <= width:
        return (left, top, right, bottom), ()
    left %= width
    right = (right - 1) % width + 1
    if left < right:  # all of it was behind the seam
        return (left, top, right, bottom), ()
    parts = ((left, top, float(width), bottom), (0.0, top, right, bottom))
    return _around(parts), parts


def _around(parts: Sequence[BoxTuple]) -> BoxTuple:
    return (
        min(part[0] for part in parts), min(part[1] for part in parts),
        max(part[2] for part in parts), max(part[3] for part in parts),
    )  # fmt: skip


def _stored(detection: Detection, orientation: int, size: tuple[int, int]) -> Detection:
    if orientation == 1:
        return detection
    return replace(
        detection,
        box=to_stored(detection.box, orientation, *size),
        parts=tuple(to_stored(part, orientation, *size) for part in detection.parts),
    )


def _unknown_label(label: str, users: Iterable[Detector]) -> DetectorError:
    names = ", ".join([*LABELS, *(name for each in users for name in each.labels)])
    return DetectorError(
        f"no detector finds {label!r}", code="detector.label", hint=f"labels are {names}"
    )
