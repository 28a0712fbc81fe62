"""The structure of a JPEG of any coding process, and what must hold of it after redaction.

Markers are read here, coefficients by jpegio, tables by the tests' own reader:
no line of jpegredact's own readers is asked.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import jpegredact as jr

from . import helpers, huffreader, test_g1_untouched
from .helpers import Box

FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
NATURAL = np.array(
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ]
)  # fmt: skip
"""Zigzag position -> natural one."""


@dataclass(frozen=True)
class Part:
    """A component of a scan, and how many of its blocks an MCU holds."""

    index: int
    across: int
    down: int


@dataclass(frozen=True)
class Interval:
    """The coded data between two restart markers."""

    start: int
    end: int


@dataclass(frozen=True)
class Scan:
    """A scan: parts, its grid of MCUs, spectral selection, point transforms, coded data."""

    parts: tuple[Part, ...]
    across: int
    down: int
    step: int
    spectral: tuple[int, int]
    approximation: tuple[int, int]
    start: int
    end: int
    restarts: tuple[int, ...]
    """Offsets of the restart markers."""

    @property
    def intervals(self) -> list[Interval]:
        """Return the stretches of coded data."""
        starts = [self.start, *(at + 2 for at in self.restarts)]
        return [Interval(*pair) for pair in zip(starts, [*self.restarts, self.end], strict=True)]


@dataclass(frozen=True)
class Structure:
    """A JPEG, taken apart down to its scans; it does for `helpers.spans` what a Picture does."""

    data: bytes
    frame: int
    code: int
    precision: int
    width: int
    height: int
    factors: tuple[tuple[int, int], ...]
    scans: tuple[Scan, ...]
    tables: tuple[huffreader.Table, ...]
    segments: tuple[tuple[int, int, int], ...]
    eoi: int | None

    @property
    def largest(self) -> tuple[int, int]:
        """The largest horizontal and vertical factors."""
        return max(h for h, _ in self.factors), max(v for _, v in self.factors)

    def real(self, component: int) -> tuple[int, int]:
        """Rows and columns of blocks that hold picture."""
        return huffreader.real_blocks(self.width, self.height, self.factors, component)

    @cached_property
    def coefficients(self) -> list[np.ndarray]:
        """All coefficients, by jpegio: for each component (rows, columns, 64), natural order."""
        return helpers.coefficients(self.data)


def read(data: bytes) -> Structure:
    """Read the markers of a JPEG with one frame of a DCT-based process."""
    parts, eoi = huffreader.segments(data)
    tables: list[huffreader.Table] = []
    scans: list[Scan] = []
    interval = 0
    header: tuple[int, int, bytes] | None = None
    for code, start, end in parts:
        body = data[start + 4 : end]
        if code in FRAMES:
            assert header is None, "several frames"
            header = code, start, body
        elif code == 0xC4:
            tables += huffreader._read_tables(body, start + 4)
        elif code == 0xDD:
            interval = int.from_bytes(body)
        elif code == 0xDA:
            assert header is not None
            scans.append(_scan(data, end, body, header[2], interval))
    assert header is not None, "no frame"
    code, at, body = header
    return Structure(
        data, at, code, body[0], int.from_bytes(body[3:5]), int.from_bytes(body[1:3]),
        tuple((f >> 4, f & 15) for f in body[7::3]), tuple(scans), tuple(tables),
        tuple(parts), eoi,
    )  # fmt: skip


def _scan(data: bytes, start: int, body: bytes, frame: bytes, interval: int) -> Scan:
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    identifiers, factors = list(frame[6::3]), tuple((f >> 4, f & 15) for f in frame[7::3])
    chosen = [identifiers.index(body[k]) for k in range(1, 1 + 2 * body[0], 2)]
    if len(chosen) == 1:
        parts = (Part(chosen[0], 1, 1),)
        down, across = huffreader.real_blocks(width, height, factors, chosen[0])
    else:
        parts = tuple(Part(k, *factors[k]) for k in chosen)
        across = -(-width // (8 * max(h for h, _ in factors)))
        down = -(-height // (8 * max(v for _, v in factors)))
    stop = huffreader.ENDS_SCAN.search(data, start)
    end = stop.start() if stop else len(data)
    restarts = []
    at = start
    while (found := huffreader.ENDS_INTERVAL.search(data, at, end)) is not None:
        restarts.append(found.start())
        at = found.end()
    first, last, bits = body[-3:]
    return Scan(
        parts, across, down, interval or across * down, (first, last), (bits >> 4, bits & 15),
        start, end, tuple(restarts),
    )  # fmt: skip


# ---------------------------------------------------------------------------
# Which blocks and MCUs
# ---------------------------------------------------------------------------


def cover(picture: Structure, boxes: Sequence[Box]) -> list[np.ndarray]:
    """Return for each component which of its real blocks any of the boxes touches."""
    masks = []
    for component in range(len(picture.factors)):
        mask = np.zeros(picture.real(component), bool)
        for box in boxes:
            down, across = helpers.spans(picture, component, box)
            mask[down.start : down.stop, across.start : across.stop] = True
        masks.append(mask)
    return masks


def touched_mcus(scan: Scan, masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return which MCUs of a scan hold a touched block."""
    found = np.zeros((scan.down, scan.across), bool)
    for part in scan.parts:
        padded = np.zeros((scan.down * part.down, scan.across * part.across), bool)
        mask = masks[part.index]
        padded[: mask.shape[0], : mask.shape[1]] = mask
        found |= padded.reshape(scan.down, part.down, scan.across, part.across).any(axis=(1, 3))
    return found


def whole_mcus(picture: Structure) -> bytes | None:
    """Return a copy in which jpegio sees hidden padding blocks: a frame size of whole MCUs.

    It holds the wholly interleaved scans alone, which in progressive pictures are
    those of the DC bits. None where there is no padding or no such scan.
    """
    every = len(picture.factors)
    across, down = (8 * factor for factor in picture.largest)
    width, height = -(-picture.width // across) * across, -(-picture.height // down) * down
    if every == 1 or (width, height) == (picture.width, picture.height):
        return None
    first = picture.scans[0]
    if len(first.parts) != every or max(width, height) > 65535:
        return None
    kept = {scan.start: scan.end for scan in picture.scans if len(scan.parts) == every}
    out = bytearray(b"\xff\xd8")
    for code, start, end in picture.segments:
        if code == 0xDA and end not in kept:
            continue
        piece = picture.data[start : kept.get(end, end)]
        if start == picture.frame:
            piece = piece[:5] + height.to_bytes(2) + width.to_bytes(2) + piece[9:]
        out += piece
    return bytes(out) + b"\xff\xd9"


# ---------------------------------------------------------------------------
# Assertions
# ---------------------------------------------------------------------------


def assert_untouched(
    old: Structure, new: Structure, boxes: Sequence[Box], report: jr.Report
) -> None:
    """Assert G1: headers, scans, restart markers, intervals and coefficients outside."""
    masks = cover(old, boxes)
    assert (old.code, old.precision, old.factors) == (new.code, new.precision, new.factors)
    assert_headers(old, new, report)
    assert len(old.scans) == len(new.scans)
    for one, two in zip(old.scans, new.scans, strict=True):
        assert (one.parts, one.spectral, one.approximation, one.step) == (
            two.parts, two.spectral, two.approximation, two.step
        )  # fmt: skip
        assert [old.data[at + 1] for at in one.restarts] == [
            new.data[at + 1] for at in two.restarts
        ]
        touched = touched_mcus(one, masks).ravel()
        for number, (was, now) in enumerate(zip(one.intervals, two.intervals, strict=True)):
            if not touched[number * one.step : (number + 1) * one.step].any():
                assert old.data[was.start : was.end] == new.data[now.start : now.end]
    assert_coefficients(old.coefficients, new.coefficients, masks)
    assert_padding(old, new, masks)


def assert_coefficients(
    before: Sequence[np.ndarray], after: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> None:
    """Assert that two readings differ in touched blocks only."""
    assert [plane.shape for plane in before] == [plane.shape for plane in after]
    for a, b, mask in zip(before, after, masks, strict=True):
        assert not ((a != b).any(axis=2) & ~mask).any()


def assert_padding(old: Structure, new: Structure, masks: Sequence[np.ndarray]) -> None:
    """Assert that hidden padding blocks change in touched MCUs only."""
    padded = whole_mcus(old), whole_mcus(new)
    if padded[0] is None or padded[1] is None:
        return
    scan = old.scans[0]
    wide = []
    for component, (h, v) in enumerate(old.factors):
        mask = np.zeros((scan.down * v, scan.across * h), bool)
        real = masks[component]
        mask[: real.shape[0], : real.shape[1]] = real
        mcus = mask.reshape(scan.down, v, scan.across, h).any(axis=(1, 3))
        whole = mcus.repeat(v, 0).repeat(h, 1)
        whole[: real.shape[0], : real.shape[1]] = real
        wide.append(whole)
    assert_coefficients(helpers.coefficients(padded[0]), helpers.coefficients(padded[1]), wide)


def assert_headers(old: Structure, new: Structure, report: jr.Report) -> None:
    """Assert that all bytes outside the scans are the same, but for the tables in the report."""
    test_g1_untouched.assert_headers(old, new, report)  # type: ignore[arg-type]


def assert_gone(old: Structure, new: Structure, boxes: Sequence[Box]) -> None:
    """Assert that no touched block still shows the original's detail."""
    for a, b, mask in zip(old.coefficients, new.coefficients, cover(old, boxes), strict=True):
        detail = a.copy()
        detail[:, :, [0, 1, 8]] = 0  # a flat or sloping block may meet its fill
        assert not (detail.any(axis=2) & mask & (a == b).all(axis=2)).any()


def assert_smooth(new: Structure, boxes: Sequence[Box], report: jr.Report) -> None:
    """Assert that no touched block of a content-free fill holds more than a slope.

    Not where fills gave way to what the tables can say. Where a table has no EOB,
    all blocks of a component hold the same faint detail.
    """
    if report.blocks_moved or not report.content_free:
        return
    for plane, mask in zip(new.coefficients, cover(new, boxes), strict=True):
        detail = plane[mask]
        detail[:, [0, 1, 8]] = 0
        assert (detail == detail[:1]).all()


def prefixes(picture: Structure) -> Iterator[tuple[int, bytes]]:
    """Yield for each scan its number, and the file as far as that scan."""
    for number, scan in enumerate(picture.scans):
        yield number, picture.data[: scan.end] + b"\xff\xd9"


def assert_every_scan(
    old: Structure, new: Structure, boxes: Sequence[Box], orderly: bool = True
) -> None:
    """Assert scan by scan that outside nothing changed, and that inside only the fill is said.

    What a reader has after a number of scans is, in touched blocks, the final
    value without the bits that are still to come: no scan says more of them. (Not
    ``orderly``: a script that says bits twice, where that does not hold.)
    """
    masks = cover(old, boxes)
    final = new.coefficients
    shown = [np.full(64, -1) for _ in old.factors]  # the lowest bit said so far, in zigzag order
    for (number, before), (_, after) in zip(prefixes(old), prefixes(new), strict=True):
        a, b = helpers.coefficients(before), helpers.coefficients(after)
        assert_coefficients(a, b, masks)
        scan = old.scans[number]
        for part in scan.parts:
            shown[part.index][scan.spectral[0] : scan.spectral[1] + 1] = scan.approximation[1]
        if not orderly:
            continue
        for component, (now, last, mask) in enumerate(zip(b, final, masks, strict=True)):
            assert (now[mask] == so_far(last[mask], shown[component])).all()


def so_far(final: np.ndarray, lowest: np.ndarray) -> np.ndarray:
    """Return coefficients (n, 64) without the bits below ``lowest`` (zigzag order; -1: nothing)."""
    bits = np.empty(64, int)
    bits[NATURAL] = lowest
    shift = np.maximum(bits, 0)
    found = np.sign(final) * (np.abs(final) >> shift << shift)  # AC: towards zero (T.81 G.1.2.2)
    found[:, 0] = final[:, 0] >> shift[0] << shift[0]  # DC: an arithmetic shift (G.1.2.1)
    return np.where(bits < 0, 0, found)


def assert_parts(old: Structure, result: jr.Redaction, boxes: Sequence[Box]) -> None:
    """Assert G4 for the first two regions in both orders, then for the rest."""
    stored = result.diff.to_bytes()
    first, second, joined = (
        jr.restore(result.jpeg, stored, regions=regions) for regions in ([0], [1], [0, 1])
    )
    assert jr.restore(first, stored, regions=[1]) == joined
    assert jr.restore(second, stored, regions=[0]) == joined
    assert jr.restore(joined, stored) == old.data
    alone, others = cover(old, boxes[:1]), cover(old, boxes[1:])
    hidden, now = helpers.coefficients(result.jpeg), helpers.coefficients(first)
    for k, plane in enumerate(old.coefficients):
        shown = (alone[k] & ~others[k])[:, :, None]
        assert (now[k] == np.where(shown, plane, hidden[k])).all()
    assert complaints(first) == complaints(old.data)


def complaints(data: bytes) -> str:
    """Return what djpeg says of a file; of 12-bit ones, and without a djpeg, what jpegio says."""
    if read(data).precision == 8 and shutil.which("djpeg"):
        status, words = helpers.djpeg_complaints(data)
        return f"{status} {words}".strip()
    with stderr_of_c() as words_of_c:
        helpers.coefficients(data)
    return f"0 {words_of_c[0]}".strip()


@contextmanager
def stderr_of_c() -> Iterator[list[str]]:
    """Catch what a C library prints: libjpeg's warnings come that way."""
    found = [""]
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            found[0] = file.read().decode(errors="replace")
