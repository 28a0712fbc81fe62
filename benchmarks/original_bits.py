"""How many bits a set of blocks has in a Huffman-coded JPEG, worked out from its coefficients.

Knows markers, tables and T.81's coding procedures; decodes nothing, and shares no
code with jpegredact: coefficients come from another reader (jpegio). What an odd
encoder spent on top (EOB runs cut early, ZRL before EOB) is not counted, hidden
padding blocks are not either: so the figure is a lower bound, and exact but for
a run's length for what libjpeg writes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
from PIL import Image

__all__ = ["Layout", "Scan", "count_bits", "cover", "read_layout", "to_blocks"]

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ENDS_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_MARKER = re.compile(rb"\xff[^\x00\xff]")
ZIGZAG = np.array(
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ]
)  # fmt: skip
"""Natural position of each coefficient in zigzag order (ITU-T T.81 figure A.6)."""


@dataclass(frozen=True)
class Scan:
    """A scan header with what was in effect: its components with the code lengths of their tables.

    A table is 256 lengths, one a symbol; 0 where it has none.
    """

    components: tuple[tuple[int, np.ndarray, np.ndarray], ...]
    spectral: tuple[int, int]
    approximation: tuple[int, int]
    restart: int


@dataclass(frozen=True)
class Layout:
    """The markers of a file, as far as its first frame goes."""

    code: int
    precision: int
    width: int
    height: int
    factors: tuple[tuple[int, int], ...]
    scans: tuple[Scan, ...]

    @property
    def process(self) -> str:
        """Return the frame's marker and precision."""
        return f"SOF{self.code - 0xC0} {self.precision}-bit"

    @property
    def dct_based(self) -> bool:
        """Return whether it is a DCT-based process with one frame (ITU-T T.81 table B.1)."""
        return self.code in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)

    @property
    def largest(self) -> tuple[int, int]:
        """Return the largest sampling factors."""
        return max(h for h, _ in self.factors), max(v for _, v in self.factors)

    def blocks(self, component: int) -> tuple[int, int]:
        """Return rows and columns of blocks that hold picture."""
        (h, v), (most_across, most_down) = self.factors[component], self.largest
        return ceil(ceil(self.height * v / most_down) / 8), ceil(
            ceil(self.width * h / most_across) / 8
        )


def read_layout(data: bytes) -> Layout | None:
    """Read the markers of a JPEG; None where there is no frame header to be found."""
    at, restart = 2, 0
    frame = b""
    code = 0
    tables = dict(_default_tables())
    scans: list[Scan] = []
    height = 0
    while data[:2] == b"\xff\xd8" and (found := _MARKER.search(data, at)):
        marker, start = data[found.end() - 1], found.end() - 2
        if marker == 0xD9:
            break
        if marker == 1 or 0xD0 <= marker <= 0xD8:
            at = found.end()
            continue
        at = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4]))
        body = data[start + 4 : at]
        if marker in FRAMES and not code and len(body) >= 6 + 3 * body[5]:
            code, frame = marker, body
        elif marker == 0xC4:
            _read_tables(body, tables)
        elif marker == 0xDD and len(body) == 2:
            restart = int.from_bytes(body)
        elif marker == 0xDC and len(body) == 2:
            height = int.from_bytes(body)
        elif marker == 0xDA and code and len(body) == 4 + 2 * body[0]:
            scan = _read_scan(body, list(frame[6::3]), tables, restart)
            scans += [scan] if scan else []
            stop = _ENDS_SCAN.search(data, at)
            at = stop.start() if stop else len(data)
    if not code:
        return None
    factors = tuple((f >> 4, f & 15) for f in frame[7 : 6 + 3 * frame[5] : 3])
    return Layout(
        code, frame[0], int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3]) or height,
        factors, tuple(scans),
    )  # fmt: skip


@cache
def _default_tables() -> dict[int, np.ndarray]:
    """Return the tables of ITU-T T.81 annex K, which Motion JPEG leaves out; Pillow knows them."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    tables: dict[int, np.ndarray] = {}
    for piece in out.getvalue().split(b"\xff\xc4")[1:]:
        _read_tables(piece[2 : int.from_bytes(piece[:2])], tables)
    return tables


def _read_tables(body: bytes, tables: dict[int, np.ndarray]) -> None:
    at = 0
    while at + 17 <= len(body):
        counts = body[at + 1 : at + 17]
        symbols = body[at + 17 : at + 17 + sum(counts)]
        lengths = np.zeros(256, np.int64)
        each = np.repeat(np.arange(1, 17), list(counts))[: len(symbols)]
        lengths[list(symbols[::-1])] = each[: len(symbols)][::-1]  # the first code of a symbol
        tables[body[at]] = lengths
        at += 17 + sum(counts)


def _read_scan(
    body: bytes, identifiers: list[int], tables: dict[int, np.ndarray], restart: int
) -> Scan | None:
    none = np.zeros(256, np.int64)
    components = []
    for k in range(1, 1 + 2 * body[0], 2):
        if body[k] not in identifiers:
            return None
        dc, ac = body[k + 1] >> 4, body[k + 1] & 15
        components.append(
            (identifiers.index(body[k]), tables.get(dc, none), tables.get(0x10 | ac, none))
        )
    first, last, bits = body[-3:]
    return Scan(tuple(components), (first, last), (bits >> 4, bits & 15), restart)


def cover(layout: Layout, boxes: Sequence[tuple[int, int, int, int]]) -> list[np.ndarray]:
    """Return for each component which of its blocks the boxes (whole pixels) have area in."""
    masks = []
    most_across, most_down = layout.largest
    for component, (h, v) in enumerate(layout.factors):
        mask = np.zeros(layout.blocks(component), bool)
        rows, columns = (np.arange(count) for count in mask.shape)
        for left, top, right, bottom in boxes:
            # Block n reaches from n * 8 * most / factor up to (n + 1) * 8 * most / factor.
            down = (rows * 8 * most_down < bottom * v) & ((rows + 1) * 8 * most_down > top * v)
            across = (columns * 8 * most_across < right * h) & (
                (columns + 1) * 8 * most_across > left * h
            )
            mask |= down[:, None] & across
        masks.append(mask)
    return masks


def to_blocks(plane: np.ndarray) -> np.ndarray:
    """Turn jpegio's plane of coefficients into (rows, columns, 64), zigzag order, 16 bits."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    view = plane.astype(np.int16).reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    return view.reshape(rows, columns, 64)[:, :, ZIGZAG]


def count_bits(
    layout: Layout, planes: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> float:
    """Return how many bits the masked blocks have in all scans together.

    ``planes`` are `to_blocks` of each component. An EOB run's bits are shared out
    evenly among its blocks.
    """
    total = 0.0
    for scan in layout.scans:
        first, last = scan.spectral
        for component, dc, ac in scan.components:
            blocks, mask = planes[component], masks[component]
            if not mask.any():
                continue
            if first == 0:
                total += _dc_bits(layout, scan, component, dc, blocks, mask)
            if layout.code in (0xC0, 0xC1):
                total += _sequential_bits(ac, blocks[mask])
            elif last:
                band = np.abs(blocks[:, :, first : last + 1].reshape(-1, last + 1 - first))
                total += _band_bits(scan, ac, band, mask.ravel())
    return total


def _size(values: np.ndarray) -> np.ndarray:
    """Return the bit length of each absolute value."""
    return np.frexp(np.abs(values).astype(np.float64))[1]


def _dc_bits(
    layout: Layout, scan: Scan, component: int, lengths: np.ndarray, blocks: np.ndarray,
    mask: np.ndarray,
) -> float:  # fmt: skip
    if scan.approximation[0]:
        return float(mask.sum())
    h, v = layout.factors[component] if len(scan.components) > 1 else (1, 1)
    values = blocks[:, :, 0].astype(np.int64) >> scan.approximation[1]
    rows, columns = values.shape
    down, across = -(-rows // v), -(-columns // h)
    beyond = ((0, down * v - rows), (0, across * h - columns))
    values = np.pad(values, beyond, "edge")  # hidden blocks: what encoders copy into them
    mask = np.pad(mask, beyond)
    order = (down, v, across, h)
    in_order = values.reshape(order).transpose(0, 2, 1, 3).ravel()
    difference = np.diff(in_order, prepend=0)
    if scan.restart:
        step = scan.restart * h * v
        difference[::step] = in_order[::step]
    size = _size(difference)
    chosen = mask.reshape(order).transpose(0, 2, 1, 3).ravel()
    return float((lengths[size] + size)[chosen].sum())


def _sequential_bits(lengths: np.ndarray, blocks: np.ndarray) -> float:
    values = blocks[:, 1:]
    row, column = np.nonzero(values)
    before = np.where(np.diff(row, prepend=-1) != 0, -1, np.roll(column, 1))
    run = column - before - 1
    size = _size(values[row, column])
    bits = lengths[(run % 16) << 4 | size] + size + run // 16 * lengths[0xF0]
    return float(bits.sum() + (values[:, -1] == 0).sum() * lengths[0])


def _band_bits(scan: Scan, lengths: np.ndarray, band: np.ndarray, mask: np.ndarray) -> float:
    """Count a progressive AC scan of one component (ITU-T T.81 G.1.2.2, G.1.2.3).

    ``band`` holds absolute values, a row a block.
    """
    high, low = scan.approximation
    values = band >> low
    known = band >> high != 0 if high else np.zeros(band.shape, bool)
    new = (values != 0) & ~known
    ended = ~new[:, -1]
    starts = new.any(axis=1)
    starts[1:] |= ~ended[:-1]
    if scan.restart:
        starts[:: scan.restart] = True
    number = np.cumsum(starts)
    length = np.bincount(number, weights=ended, minlength=number[-1] + 1)[number]
    length = np.clip(length, 1, 0x7FFF).astype(np.int64)  # longer ones are several runs
    size = _size(length) - 1
    run_bits = (lengths[size << 4] + size) / length
    total = float(run_bits[mask & ended].sum())
    values, known, new = values[mask], known[mask], new[mask]
    zeros = np.cumsum(values == 0, axis=1)
    row, column = np.nonzero(new)
    so_far = zeros[row, column]
    before = np.where(np.diff(row, prepend=-1) != 0, 0, np.roll(so_far, 1))
    run = so_far - before
    size = np.ones(len(row), np.int64) if high else _size(values[row, column])
    bits = lengths[(run % 16) << 4 | size] + size + run // 16 * lengths[0xF0]
    return total + float(bits.sum() + known.sum())
