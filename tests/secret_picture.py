"""A picture with something to hide in it, and a search for its traces anywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import pictures
from referee import planted

import jpegredact as jr
from jpegredact.diff.cbor import encode

WINDOW = 16
REGIONS = (
    jr.Box(48, 40, 136, 120, "label-one-4711", 0.123456789, "id-one-0815"),
    jr.Box(104.25, 88.5, 200.125, 168.0625, "label-two-4711", 0.987654321, "id-two-0815"),
    jr.Box(300, 200, 396.3, 280.7, "label-three-4711", 0.555444333, "id-three-0815"),
)
"""The first two overlap."""


@cache
def original(seed: int = 3) -> bytes:
    """Return the picture, with an Exif thumbnail of it."""
    pixels = planted.picture(seed)
    return planted.exif_jpeg(pictures.pillow_jpeg(pixels, quality=85), planted.small(pixels))


@cache
def redacted() -> jr.Redaction:
    return jr.redact(original(), REGIONS)


def windows(data: bytes) -> set[bytes]:
    """Return all pieces of 16 bytes."""
    return {data[at : at + WINDOW] for at in range(len(data) - WINDOW + 1)}


@cache
def taken_out() -> frozenset[bytes]:
    """Return the pieces of the original that the redacted file does not have: the coded data of
    its regions and its thumbnail.
    """
    return frozenset(windows(original()) - windows(redacted().jpeg))


def marks(regions: Iterable[int] = range(len(REGIONS))) -> list[bytes]:
    """Return what tells where regions are, and whose, as a diff would have it, and as text."""
    found = []
    for number in regions:
        region = REGIONS[number]
        found += [region.label.encode(), region.id.encode(), encode(region.score)]
        sides = [region.left, region.top, region.right, region.bottom]
        found += [encode(sides), encode([float(side) for side in sides])]
        found += [str(region.score).encode(), ",".join(map(str, sides)).encode()]
    return found


def digests() -> list[bytes]:
    digest = hashlib.sha256(original())
    return [digest.digest(), digest.hexdigest().encode()]


def traces(data: bytes, regions: Iterable[int] = range(len(REGIONS))) -> list[str]:
    """Say what of the original there is in some bytes."""
    found = [f"mark {mark!r}" for mark in marks(regions) if mark in data]
    found += ["the original's digest" for digest in digests() if digest in data]
    if taken_out() & windows(data):
        found.append("bytes of the original")
    return found
