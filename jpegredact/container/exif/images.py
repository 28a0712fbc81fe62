"""How the raw samples of a TIFF thumbnail lie (TIFF 6.0, sections 6, 8 and 21).

Knows the tags that say so; knows no places and no actions.
"""

from __future__ import annotations

from .parts import Pixels
from .tags import COMPRESSION, PHOTOMETRIC, PLANAR, RANGE, SAMPLES, SUBSAMPLING
from .tiff import ByteOrder, Entry, Ifd, Span, numbers

__all__ = ["first_number", "pixel_layout", "stated_size"]

_IMAGE_WIDTH, _IMAGE_LENGTH = 0x0100, 0x0101
_UNCOMPRESSED, _CHUNKY, _RGB, _YCBCR = 1, 1, 2, 6
_SUBSAMPLINGS = frozenset({(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)})


def first_number(data: bytes, entry: Entry | None, order: ByteOrder, otherwise: int) -> int:
    """Return the first of an entry's integers, or what holds where there is none."""
    found = numbers(data, entry, order, 1) if entry is not None else ()
    return found[0] if found else otherwise


def stated_size(data: bytes, ifd: Ifd, order: ByteOrder) -> tuple[int, int] | None:
    """Return the width and height that a directory states."""
    width = first_number(data, ifd.find(_IMAGE_WIDTH), order, 0)
    height = first_number(data, ifd.find(_IMAGE_LENGTH), order, 0)
    return (width, height) if 0 < width <= 65535 and 0 < height <= 65535 else None


def pixel_layout(data: bytes, ifd: Ifd, order: ByteOrder, spans: list[Span]) -> Pixels | None:
    """Return how raw samples lie in these spans, where it is one of the ways that Exif knows."""

    def number(tag: int, otherwise: int) -> int:
        return first_number(data, ifd.find(tag), order, otherwise)

    size = stated_size(data, ifd, order)
    if size is None or number(COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED:
        return None
    if number(PLANAR, _CHUNKY) != _CHUNKY or number(SAMPLES, 3) != 3:
        return None
    width, height = size
    total = sum(last - first for first, last in spans)
    photometric = number(PHOTOMETRIC, _RGB)
    if photometric == _RGB:
        return Pixels(size, None, True) if total == 3 * width * height else None
    if photometric != _YCBCR:
        return None
    entry = ifd.find(SUBSAMPLING)
    found = numbers(data, entry, order) if entry is not None else ()
    across, down = found[:2] if len(found) >= 2 else (2, 2)
    if (across, down) not in _SUBSAMPLINGS:
        return None
    units = -(-width // across) * -(-height // down)
    if total != units * (across * down + 2):
        return None
    return Pixels(size, (across, down), _full_range(data, ifd, order))


def _full_range(data: bytes, ifd: Ifd, order: ByteOrder) -> bool:
    """Whether black is 0 (ReferenceBlackWhite; Exif's default) and not 16."""
    entry = ifd.find(RANGE)
    if entry is None or not entry.inside or entry.kind != 5 or entry.number != 6:
        return True
    black = int.from_bytes(data[entry.start : entry.start + 4], order)
    under = int.from_bytes(data[entry.start + 4 : entry.start + 8], order)
    return not under or black // under != 16
