"""What tells one detector of the user's own from another, or from what it was before.

Nothing of a package is imported for that, and no network is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import Distribution, EntryPoint, entry_points

from ..errors import DetectorError
from .model import Detector, Model
from .registry import KNOWN
from .weights import beside, read_description, read_file

__all__ = ["GROUP", "built_in", "entry_point", "identity_of"]

GROUP = "jpegredact.detectors"
"""The group of entry points in which other packages offer detectors."""


def built_in(labels: Iterable[str]) -> list[Model]:
    """Return the weights of this package that look for labels."""
    return [
        Model(weights.name, weights.sha256)
        for label in labels for weights in KNOWN if label in weights.labels
    ]  # fmt: skip


def identity_of(labels: Iterable[str], detectors: Iterable[Detector | str]) -> list[Model]:
    """Return all that may look for labels.

    The built-in weights, even where another detector takes a label over, and those others: objects,
    names of entry points, or TOML files.

    Of a TOML file: it and its network, each with its digest. Of an entry point: its name, what it
    leads to, its distribution and that one's version; the digest is one over the digests of the
    distribution's files, as its record of what was installed has them. It is empty where
    there is no record. Files of an editable install are not in it, nor is what a package fetches
    from elsewhere. Of an object, its class is known.

    Raises
    ------
    DetectorError
        ``detector.unknown``, ``detector.missing``, ``detector.description``.
    """
    models = built_in(labels)
    for each in detectors:
        if isinstance(each, str):
            models += _named(each)
        else:
            models.append(Model(f"{type(each).__module__}.{type(each).__qualname__}"))
    return list(dict.fromkeys(models))


def _named(name: str) -> list[Model]:
    if name.endswith(".toml"):
        return _described(name)
    point = entry_point(name)
    if point.dist is None:
        return [Model(f"{name} ({point.value})")]
    about = f"{name} ({point.value}, {point.dist.name} {point.dist.version})"
    return [Model(about, _digest_of(point.dist))]


def entry_point(name: str) -> EntryPoint:
    """Return the entry point of that name; it is not loaded.

    Raises
    ------
    DetectorError
        ``detector.unknown``
    """
    points = list(entry_points(group=GROUP, name=name))
    if not points:
        known = sorted(point.name for point in entry_points(group=GROUP))
        raise DetectorError(
            f"no installed package offers a detector {name!r}",
            code="detector.unknown",
            hint=f"there are {', '.join(known) or 'none'}",
        )
    return points[0]


def _described(path: str) -> list[Model]:
    from .yolo import describe

    toml = read_description(path)
    description = describe(toml, path)
    weights = read_file(beside(path, description.model))
    return [
        Model(path.replace("\\", "/").rpartition("/")[2], hashlib.sha256(toml).hexdigest()),
        Model(description.name, hashlib.sha256(weights).hexdigest()),
    ]


def _digest_of(distribution: Distribution) -> str:
    files = sorted(
        f"{file.as_posix()} {file.hash.mode}={file.hash.value}\n"
        for file in distribution.files or ()
        if file.hash is not None and not file.parts[0].endswith(".dist-info")
    )
    return hashlib.sha256("".join(files).encode()).hexdigest() if files else ""
