"""Networks of one's own, exported in the way of the YOLO family, described by a small TOML file.

::

    model = "signs.onnx"            # beside the TOML file, or an absolute path
    labels = ["person", "sign"]     # in the order of the network's classes
    layout = "cxcywh+classes"       # one row an answer: see below
    threshold = 0.4                 # one for all, or a table: { person = 0.3, sign = 0.5 }
    sha256 = "..."                  # optional: of the weights
    name = "signs"                  # optional: how logs call it
    overlap = 0.5                   # optional: of two boxes' union, that makes them one
    size = 640                      # optional: the input's side, where the file leaves it open
    mean = 0.0                      # optional: what is taken off each value of 0 to 255,
    scale = 0.00392156862           # and what it is then multiplied by; these are the defaults
    order = "rgb"                   # optional: or "bgr"

Layouts: ``cxcywh+classes`` (YOLOv8 and later: the centre, the size, a score a class),
``cxcywh+object+classes`` (YOLOv5 and v7, YOLOX: an objectness that multiplies the scores),
``ltrb+score+class`` (end to end exports: corners, a score, the class's number). Rows may be
columns: which, is seen from the output's shape. Boxes are in pixels of the network's input.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DetectorError
from .boxes import candidates, clipped, suppressed
from .model import Model
from .network import planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Candidates
    from .session import Session

__all__ = ["Description", "Yolo", "describe"]

_LAYOUTS = {"cxcywh+classes": 4, "cxcywh+object+classes": 5, "ltrb+score+class": 6}
"""Columns before those of classes."""
_LONGEST = 1000  # characters of a text
_MOST_LABELS = 10_000
_MOST_DOTS = 10_000  # tomllib takes quadratic time for a key of many parts
_TOGETHER = 4  # pictures, on an accelerator, where the file leaves it open
_MOST_PIXELS = 1 << 26  # of a batch: of one picture of the largest size that a description names
_FAR = 1e9  # beyond any picture, and any score


@dataclass(frozen=True, slots=True)
class Description:
    """What the TOML file says."""

    model: str
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    layout: str
    name: str
    sha256: str | None
    overlap: float
    size: int
    mean: float
    scale: float
    reverse: bool


def describe(toml: bytes, where: str) -> Description:
    """Parse a description, strictly.

    Raises
    ------
    DetectorError
        ``detector.description``: what is missing, unknown, or of the wrong kind.
    """
    if toml.count(b".") > _MOST_DOTS:
        raise _wrong(where, f"more than {_MOST_DOTS} dots")
    try:
        table = tomllib.loads(toml.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # a number too long is no TOMLDecodeError
        raise _wrong(where, f"no TOML: {error}") from error
    read = _Table(table, where)
    model = read.text("model", None)
    labels = read.labels()
    threshold = table.pop("threshold", 0.25)
    layout = read.text("layout", None)
    if layout not in _LAYOUTS:
        raise _wrong(where, f"layout is one of {', '.join(_LAYOUTS)}, not {layout!r}")
    description = Description(
        model,
        labels,
        _thresholds(threshold, labels, where),
        layout,
        read.text("name", model.rpartition("/")[2].removesuffix(".onnx")),
        read.text("sha256", "").lower() or None,
        read.number("overlap", 0.45, 0, 1),
        int(read.number("size", 640, 32, 8192)),
        read.number("mean", 0.0, -255, 255),
        read.number("scale", 1 / 255, 1e-6, 255),
        read.text("order", "rgb") == "bgr",
    )
    if table:
        raise _wrong(where, f"unknown: {_names(table)}")
    return description


class _Table:
    """Takes values out of a table, checking each; what is left at the end is unknown."""

    def __init__(self, table: dict[str, Any], where: str) -> None:
        self._table, self._where = table, where

    def text(self, name: str, default: str | None) -> str:
        value = self._table.pop(name, default)
        if not isinstance(value, str):
            raise _wrong(self._where, f"{name} must be a text")
        if len(value) > _LONGEST or "\0" in value:
            raise _wrong(self._where, f"{name} is too long, or holds a NUL")
        if name == "order" and value not in ("rgb", "bgr"):
            raise _wrong(self._where, f"order is rgb or bgr, not {value!r}")
        return value

    def number(self, name: str, default: float, least: float, most: float) -> float:
        return _number(self._table.pop(name, default), name, least, most, self._where)

    def labels(self) -> tuple[str, ...]:
        value = self._table.pop("labels", None)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise _wrong(self._where, "labels must be a list of texts, one for each class")
        if len(value) > _MOST_LABELS or any(not 0 < len(label) <= _LONGEST for label in value):
            raise _wrong(
                self._where, f"labels are at most {_MOST_LABELS}, of 1 to {_LONGEST} characters"
            )
        if twice := [label for label, count in Counter(value).items() if count > 1]:
            raise _wrong(self._where, f"two classes have the label {twice[0]!r}")
        return tuple(value)


def _thresholds(value: Any, labels: Sequence[str], where: str) -> tuple[float, ...]:
    if not isinstance(value, Mapping):
        return (_number(value, "threshold", 0, 1, where),) * len(labels)
    if unknown := set(value) - set(labels):
        raise _wrong(where, f"threshold names what is no label: {_names(unknown)}")
    return tuple(
        _number(value.get(label, 0.25), f"threshold.{label}", 0, 1, where) for label in labels
    )


def _number(value: Any, name: str, least: float, most: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(where, f"{name} must be a number from {least} to {most}")
    return float(value)


def _names(names: Iterable[str]) -> str:
    first = [name[:_LONGEST] for name in sorted(names)[:10]]
    return ", ".join(first)


def _wrong(where: str, what: str) -> DetectorError:
    return DetectorError(
        f"{where}: {what}", code="detector.description", hint="see docs/detection.md"
    )


class Yolo:
    """A network that a `Description` explains."""

    def __init__(self, description: Description, session: Session) -> None:
        if description.sha256 not in (None, session.sha256):
            raise DetectorError(
                f"{description.model} has the SHA-256 {session.sha256}, expected is "
                f"{description.sha256}",
                code="detector.digest",
                hint="get the file anew, or correct the description",
            )
        self.model = Model(description.name, session.sha256)
        self.labels: Sequence[str] = description.labels
        self.threshold = min(description.thresholds)
        self.glimpse = 1.0
        self.assured = 0.0
        self.thresholds = description.thresholds
        self._about = description
        self._session = session
        self._batch, _, *sides = (n if isinstance(n, int) else None for n in session.shape)
        self._height, self._width = (side or description.size for side in sides)
        batch = self._batch or 1
        if min(batch, self._height, self._width) < 1 or (
            batch * self._height * self._width > _MOST_PIXELS
        ):
            raise DetectorError(
                f"the input of {description.model} is {session.shape}, which is no batch of "
                f"pictures, or one of more than {_MOST_PIXELS} pixels",
                code="detector.weights",
            )

    def find(self, batch: Sequence[NDArray[np.uint8]], threshold: float) -> list[Candidates]:
        """Return what is in each picture; a fixed input size is met by scaling and padding."""
        height, width = batch[0].shape[:2]
        scale = min(self._height / height, self._width / width)
        about = self._about
        fitted = planes(
            [self._fitted(picture, scale) for picture in batch],
            None, 1, (about.mean,) * 3, (about.scale,) * 3, about.reverse,
        )  # fmt: skip
        each = self._batch or (len(batch) if self._session.again is None else _TOGETHER)
        found = []
        for first in range(0, len(batch), each):
            part = fitted[first : first + each]
            missing = each - len(part)
            full = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
            rows = self._rows(self._session.run(full), len(full))
            for number in range(len(part)):
                boxes = self._read(rows[number], threshold)
                boxes[:, :4] /= scale
                found.append(clipped(suppressed(boxes, about.overlap), width, height))
        return found

    def _fitted(self, picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
        from PIL import Image

        size = (
            max(1, min(self._width, round(picture.shape[1] * scale))),
            max(1, min(self._height, round(picture.shape[0] * scale))),
        )
        image = Image.fromarray(np.ascontiguousarray(picture))
        out = np.full((self._height, self._width, 3), 114, np.uint8)  # the family's grey
        out[: size[1], : size[0]] = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
        return out

    def _rows(self, outputs: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.float32]:
        """Return the first output as (pictures, answers, columns)."""
        before = _LAYOUTS[self._about.layout]
        columns = before if before == 6 else before + len(self.labels)
        rows = outputs[0]
        if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiub":
            raise DetectorError(
                f"{self.model.name} gives an output that is no array of numbers",
                code="detector.layout",
                hint="export it with one output, and nothing behind that",
            )
        if rows.ndim == 3 and rows.shape[0] == count:
            if rows.shape[2] == columns:
                return rows
            if rows.shape[1] == columns:
                return rows.transpose(0, 2, 1)
        raise DetectorError(
            f"{self.model.name} gives an output of shape {rows.shape}, expected are "
            f"{count} × answers × {columns} for the layout {self._about.layout} and "
            f"{len(self.labels)} labels",
            code="detector.layout",
            hint="the layout or the labels of its description may be wrong",
        )

    def _read(self, rows: NDArray[Any], threshold: float) -> Candidates:
        layout = self._about.layout
        # What is no number is no answer; what is infinite is far away, or sure.
        rows = np.nan_to_num(rows.astype(np.float64), nan=-1, posinf=_FAR, neginf=-_FAR)
        rows = rows.clip(-_FAR, _FAR)
        if layout == "ltrb+score+class":
            kind = rows[:, 5].astype(int)
            known = (kind >= 0) & (kind < len(self.labels))
            rows, kind = rows[known], kind[known]
            boxes, score = rows[:, :4], rows[:, 4]
        else:
            classes = rows[:, _LAYOUTS[layout] :]
            kind = classes.argmax(axis=1)
            score = classes.max(axis=1)
            if layout == "cxcywh+object+classes":
                score = score * rows[:, 4]
            centre, half = rows[:, :2], rows[:, 2:4] / 2
            boxes = np.concatenate([centre - half, centre + half], axis=1)
        sure = score >= threshold
        return candidates(boxes[sure], score[sure], kind[sure])
