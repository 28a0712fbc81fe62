"""Small pictures of every coding process, and which of their blocks a set of regions covers.

Made by the tests' own encoders and by Pillow; jpegio and `structure` read them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import jpegmaker12
import numpy as np
from arithmetic_maker import make_arithmetic
from guarantees import helpers, quirks, structure
from guarantees.helpers import Box
from jpegmaker import make_jpeg, random_parts
from progressive_maker import Band, Picture, crossed, make_progressive, simple, steps, tight

HALVED = ((2, 2), (1, 1), (1, 1))
WIDE = ((2, 1), (1, 1), (1, 1))
GREY = ((1, 1),)
NOTE = b"jrdiff-revealed\0"


def _picture(script: Sequence[Band], width: int, height: int, factors, restart: int = 0) -> Picture:
    return Picture(width, height, random_parts(width, height, factors, 5), script, restart)


def _tight(picture: Picture) -> bytes:
    return make_progressive(picture, tight(picture))


MADE: dict[str, Callable[[], bytes]] = {
    "restarts": lambda: make_jpeg(
        72, 56, random_parts(72, 56, HALVED), restart=3, padding=0, zrl_before_eob=True
    ),
    "one interval": lambda: make_jpeg(56, 40, random_parts(56, 40, WIDE, 2)),
    "scans": lambda: make_jpeg(40, 40, random_parts(40, 40, HALVED, 3), scans=[[1], [0], [2]]),
    "grey": lambda: make_jpeg(64, 48, random_parts(64, 48, GREY, 4), trailing_restart=True,
                              restart=5, behind=b"slack"),
    "optimised": lambda: helpers.by_pillow(64, 56, 8, quality=80, optimize=True),
    "mixed": lambda: quirks.mixed_padding(quirks.base(4)),
    "cmyk": lambda: helpers.by_pillow(40, 40, 2, "CMYK", quality=85),
    "12 bits": lambda: jpegmaker12.make_jpeg_12(
        48, 40, jpegmaker12.random_parts_12(48, 40, HALVED), restart=2
    ),
    "progressive": lambda: make_progressive(_picture(simple(3), 56, 48, HALVED)),
    "progressive, steps": lambda: _tight(_picture(steps(3), 48, 48, HALVED, 3)),
    "progressive, crossed": lambda: make_progressive(_picture(crossed(1), 64, 48, GREY)),
    "progressive by Pillow": lambda: helpers.by_pillow(72, 56, 5, quality=75, progressive=True),
    "arithmetic": lambda: make_arithmetic(
        _picture([Band((0, 1, 2), 0, 63)], 56, 48, HALVED, restart=4)
    ),
    "arithmetic, progressive": lambda: make_arithmetic(_picture(steps(3), 40, 40, HALVED)),
}  # fmt: skip


@cache
def made(name: str) -> bytes:
    """Return one of them."""
    return MADE[name]()


def covers(picture: structure.Structure, boxes: Sequence[Box]) -> list[np.ndarray]:
    """Return for each component and real block a number whose bits are the boxes over it."""
    found = [np.zeros(picture.real(k), np.int64) for k in range(len(picture.factors))]
    for bit, box in enumerate(boxes):
        for plane, mask in zip(found, structure.cover(picture, [box]), strict=True):
            plane[mask] |= 1 << bit
    return found


def sampled(
    picture: structure.Structure, cover: Sequence[np.ndarray], rows: int
) -> list[np.ndarray]:
    """Return by component the blocks of a diff's sample: diff-format.md, section 4.6."""
    factors = picture.factors if len(picture.factors) > 1 else [(1, 1)]  # across, down
    wide, high = (max(part[k] for part in factors) for k in (0, 1))
    across, down = -(-picture.width // (8 * wide)), -(-picture.height // (8 * high))
    assert 0 < rows <= down
    most = max(3072 // sum(h * v for h, v in factors), 1)
    strips = [(row, 0, across) for row in range(rows)]
    if rows * across > most:
        n = min(rows, 8)
        length = max(min(most // n, across), 1)
        strips = [
            ((2 * k + 1) * rows // (2 * n), left, left + length)
            for k in range(n)
            for left in [5 * k % n * (across - length) // n]
        ]
    found = []
    for (h, v), cells in zip(factors, cover, strict=True):
        inside = np.zeros(cells.shape, bool)
        for row, left, right in strips:
            inside[row * v : (row + 1) * v, left * h : right * h] = True
        found.append(inside & (cells == 0) & cells.any())
    return found


def bits(regions: Sequence[int] | frozenset[int]) -> int:
    """Return regions as one number, as in `covers`."""
    return sum(1 << region for region in regions)


def without_note(jpeg: bytes) -> bytes:
    """Return a file without the COM segments that say what was revealed in it."""
    out = jpeg
    for code, start, end in reversed(structure.read(jpeg).segments):
        if code == 0xFE and jpeg[start + 4 : end].startswith(NOTE):
            out = out[:start] + out[end:]
    return out


def assert_shows(
    original: bytes, redacted: bytes, now: bytes, cover: list[np.ndarray], groups: set[int]
) -> None:
    """Assert by jpegio that the blocks of these groups are the original's, all others redacted."""
    before, hidden, after = (helpers.coefficients(data) for data in (original, redacted, now))
    for old, fill, new, over in zip(before, hidden, after, cover, strict=True):
        shown = np.isin(over, sorted(groups))[:, :, None]
        assert (new == np.where(shown, old, fill)).all()


def assert_rest_untouched(
    redacted: bytes, now: bytes, cover: list[np.ndarray], groups: set[int]
) -> None:
    """Assert that nothing but the intervals of these groups, tables and the note is other than
    in the redacted file.
    """
    old, new = structure.read(redacted), structure.read(without_note(now))
    shown = [np.isin(over, sorted(groups)) for over in cover]
    kept = [old.data[start:end] for code, start, end in old.segments if code != 0xC4]
    assert kept == [new.data[start:end] for code, start, end in new.segments if code != 0xC4]
    assert len(old.tables) == len(new.tables)
    for was, is_ in zip(old.tables, new.tables, strict=True):
        assert is_.slot == was.slot
        assert is_.symbols[: len(was.symbols)] == was.symbols
    assert (old.eoi is None) == (new.eoi is None)
    assert old.data[old.eoi or len(old.data) :] == new.data[new.eoi or len(new.data) :]
    for one, two in zip(old.scans, new.scans, strict=True):
        touched = structure.touched_mcus(one, shown).ravel()
        for number, (was, is_) in enumerate(zip(one.intervals, two.intervals, strict=True)):
            if not touched[number * one.step : (number + 1) * one.step].any():
                assert old.data[was.start : was.end] == new.data[is_.start : is_.end]
