"""The log as training data: COCO's format for detections (cocodataset.org, "Data format").

What a person left as it is becomes a category of its own: a reader that knows nothing of
decisions must not learn that a house number is a face.
"""

from __future__ import annotations

import json
from typing import Any

from ._version import VERSION
from .errors import InvalidLogError
from .log import Log, LogEntry, Sighting, utf8

__all__ = ["log_to_coco"]

_FALSE = "false-hit"


def log_to_coco(log: Log) -> bytes:
    """Return a log in COCO's format; entries of files that could not be read are left out.

    So is what was seen only in a redacted picture: it may be a fill, or what lies around one.

    Boxes are ``[left, top, width, height]`` in pixels of the stored picture. Annotations also
    have "score", "decision", "source" and "detection_id", images "sha256" and
    "exif_orientation"; readers of COCO skip what they don't know. What consists of several boxes
    has an annotation for each.

    Raises
    ------
    InvalidLogError
        A picture has detections and no size.
    """
    entries = [entry for entry in log.entries if entry.error is None]
    for entry in entries:
        if entry.size is None and entry.detections:
            raise InvalidLogError(
                f"the log does not say how large {entry.file!r} is, which COCO needs",
                code="log.size", hint="add its size, or make the log of the picture itself",
            )  # fmt: skip
    entries = [entry for entry in entries if entry.size is not None]
    categories = sorted({_category(each) for entry in entries for each in _in_original(entry)})
    numbers = {category: number for number, category in enumerate(categories, 1)}
    annotations: list[dict[str, Any]] = []
    for image, entry in enumerate(entries, 1):
        for each in _in_original(entry):
            category = numbers[_category(each)]
            for box in each.parts or (each.box,):
                annotations.append(_annotation(each, box, len(annotations) + 1, image, category))
    value = {
        "info": {"description": "detections and corrections", "version": VERSION},
        "licenses": [],
        "images": [_image(entry, number) for number, entry in enumerate(entries, 1)],
        "annotations": annotations,
        "categories": [
            {"id": numbers[supercategory, name], "name": name, "supercategory": supercategory}
            for supercategory, name in categories
        ],
    }
    return (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _in_original(entry: LogEntry) -> list[Sighting]:
    return [each for each in entry.detections if each.source != "again"]


def _category(sighting: Sighting) -> tuple[str, str]:
    """Return the supercategory and name of what a detection teaches."""
    label = sighting.label or "region"
    if sighting.decision == "keep":
        return _FALSE, f"not-{label}"
    return "region", label


def _image(entry: LogEntry, number: int) -> dict[str, Any]:
    width, height = entry.size or (0, 0)
    return {
        "id": number,
        "file_name": utf8(entry.file),
        "width": width,
        "height": height,
        "sha256": entry.sha256,
        "exif_orientation": entry.orientation,
    }


def _annotation(
    each: Sighting, box: tuple[float, float, float, float], number: int, image: int, category: int
) -> dict[str, Any]:
    left, top, right, bottom = box
    outline = each.points or ((left, top), (right, top), (right, bottom), (left, bottom))
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [left, top, right - left, bottom - top],
        "area": _area(outline),
        "segmentation": [[side for point in outline for side in point]],
        "iscrowd": 0,
        "score": each.score,
        "decision": each.decision,
        "source": each.source,
        "detection_id": each.id,
    }


def _area(outline: tuple[tuple[float, float], ...]) -> float:
    """Return the area of a polygon that does not cross itself (the shoelace formula)."""
    following = (*outline[1:], outline[0])
    twice = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(outline, following, strict=True))
    return abs(twice) / 2
