"""What tells one detector of the user's own from another, or from what it was before.

Nothing of a package is imported for that, and no network is opened.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path

from ..errors import DetectorError
from .model import Model
from .weights import beside, read_description, read_file

__all__ = ["GROUP", "entry_point", "identity_of"]

GROUP = "jpegredact.detectors"
"""The group of entry points in which other packages offer detectors."""


def identity_of(name: str) -> list[Model]:
    """Return what the detector is that an entry point names, or that a TOML file describes.

    Of a TOML file: it and its network, each with its digest. Of an entry point: its name, what it
    leads to, its distribution and that one's version; the digest is one over the digests of the
    distribution's files, as its record of what was installed has them. It is empty where
    there is no record. Files of an editable install are not in it, nor is what a package fetches
    from elsewhere.

    Raises
    ------
    DetectorError
        ``detector.unknown``, ``detector.missing``, ``detector.description``.
    """
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
        Model(Path(path).name, hashlib.sha256(toml).hexdigest()),
        Model(description.name, hashlib.sha256(weights).hexdigest()),
    ]


def _digest_of(distribution: Distribution) -> str:
    files = sorted(
        f"{file.as_posix()} {file.hash.mode}={file.hash.value}\n"
        for file in distribution.files or ()
        if file.hash is not None and not file.parts[0].endswith(".dist-info")
    )
    return hashlib.sha256("".join(files).encode()).hexdigest() if files else ""
