"""Small pictures of our own: planes scaled, turned, framed with bars, and coded as baseline JPEG.

For thumbnails of redacted pictures. Knows samples and T.81; knows no regions and no files.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from . import core
from . import markers as m
from .huffman import STANDARD_TABLES, HuffmanTable, encode_codes
from .sketch import Plane

__all__ = ["SmallCoder", "framed", "scaled", "turned"]

_ZIGZAG = bytes(
    8 * y + s - y
    for s in range(15)
    for y in (range(15) if s % 2 else range(14, -1, -1))
    if y < 8 and 0 <= s - y < 8
)
"""The place of each coefficient in rows of frequencies (T.81 figure A.6)."""
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *[99] * 38,
)  # fmt: skip
"""T.81 tables K.1 and K.2, in rows of frequencies."""
_COSINES = array("d", [math.sqrt(0.125), *(math.cos(k * math.pi / 16) / 2 for k in range(1, 8))])
"""What T.81 A.3.3 multiplies with, in one dimension."""
_SLOTS = (0x00, 0x10, 0x01, 0x11)


def scaled(plane: Plane, size: tuple[int, int], area: tuple[float, float] | None = None) -> Plane:
    """Scale a plane, or its upper left ``area``, to a width and height in samples.

    What gets smaller is averaged, what gets larger interpolated.
    """
    if area is None:
        area = plane.across, plane.down
    out = bytearray(size[0] * size[1])
    core.small.scale(plane.samples, plane[:2], area, out, size[0])
    return Plane(*size, bytes(out))


def turned(plane: Plane, orientation: int) -> Plane:
    """Turn a plane upright by an Exif orientation of 5 to 8, those that swap width and height."""
    columns = [plane.samples[x :: plane.across] for x in range(plane.across)]
    if orientation in (7, 8):
        columns.reverse()
    if orientation in (6, 7):
        columns = [column[::-1] for column in columns]
    return Plane(plane.down, plane.across, b"".join(columns))


def framed(plane: Plane, size: tuple[int, int], sample: int) -> Plane:
    """Put a plane into the middle of a larger one, whose other samples are all the same."""
    left, top = (size[0] - plane.across) // 2, (size[1] - plane.down) // 2
    bar = bytes([sample])
    rows = (
        plane.samples[y * plane.across : (y + 1) * plane.across] for y in range(plane.down)
    )
    sides = left * bar, (size[0] - plane.across - left) * bar
    below = size[1] - plane.down - top
    return Plane(
        *size,
        top * size[0] * bar + b"".join(sides[0] + row + sides[1] for row in rows)
        + below * size[0] * bar,
    )  # fmt: skip


class SmallCoder:
    """Codes one small picture, in any quality, as 4:2:2 or grey.

    Parameters
    ----------
    planes
        Y, or Y, Cb and Cr, all of the same size.
    """

    def __init__(self, planes: Sequence[Plane]) -> None:
        self.size = planes[0].across, planes[0].down
        wide = 2 if len(planes) > 1 else 1
        across, down = -(-self.size[0] // (8 * wide)), -(-self.size[1] // 8)
        self._wide = [wide, 1, 1][: len(planes)]
        self._done: dict[int, bytes] = {}
        blocks = across * down * sum(self._wide)
        self._coefficients = array("f", [0]) * (64 * blocks)
        left = memoryview(self._coefficients)
        for plane, units in zip(planes, self._wide, strict=True):
            if units < wide:
                half = (plane.across + 1) // 2, plane.down
                plane = scaled(plane, half, (2 * half[0], plane.down))
            count = 64 * across * down * units
            core.small.transform(
                plane.samples, plane[:2], across * units, _COSINES, _ZIGZAG, left[:count]
            )
            left = left[count:]

    def code(self, quality: int) -> bytes:
        """Return it as a JPEG, its tables scaled as libjpeg does: 50 for T.81's own, 1 to 100."""
        if quality not in self._done:
            self._done[quality] = self._code(quality)
        return self._done[quality]

    def _code(self, quality: int) -> bytes:
        count = len(self._wide)
        factor = 5000 // quality if quality < 50 else 200 - 2 * quality
        tables = [
            [min(max((table[k] * factor + 50) // 100, 1), 255) for k in _ZIGZAG]
            for table in (_LUMINANCE, _CHROMINANCE)
        ][:count]
        kinds = [STANDARD_TABLES[slot] for slot in _SLOTS][: 2 * count]
        frame = [8, *self.size[1].to_bytes(2), *self.size[0].to_bytes(2), count]
        scan = [count]
        for c, wide in enumerate(self._wide):
            frame += [c + 1, wide << 4 | 1, min(c, 1)]
            scan += [c + 1, min(c, 1) * 0x11]
        return b"".join(
            [
                bytes([0xFF, m.SOI]),
                *(_segment(m.DQT, [n, *table]) for n, table in enumerate(tables)),
                _segment(m.SOF0, frame),
                _segment(m.DHT, b"".join(table.to_bytes() for table in kinds)),
                _segment(m.SOS, [*scan, 0, 63, 0]),
                self._scan(tables, kinds),
                bytes([0xFF, m.EOI]),
            ]
        )

    def _scan(self, tables: list[list[int]], kinds: list[HuffmanTable]) -> bytearray:
        """Return the coded data."""
        parts = [(c, x) for c, wide in enumerate(self._wide) for x in range(wide)]
        blocks = len(self._coefficients) // 64
        each = blocks // len(parts)
        firsts = [each * sum(self._wide[:c]) for c in range(len(self._wide))]
        units = (
            bytearray(c for c, _ in parts),
            bytearray(x for _, x in parts),
            bytearray(self._wide[c] for c, _ in parts),
            array("q", [firsts[c] for c, _ in parts]),
        )
        slots = [min(c, 1) for c in range(len(self._wide))]
        codes = tuple(
            encode_codes([kinds[2 * slot + ac] for slot in slots], 256) for ac in (0, 1)
        )
        scales = array("d", [1 / step for slot in slots for step in tables[slot]])
        words = array("I", [0]) * (54 * blocks + 2)  # 64 × (16 + 11) bits each at most
        writer = core.splice.BitWriter(words)
        core.splice.encode_scan(self._coefficients, units, scales, codes, writer)
        length = writer.finish(True)
        out = bytearray(2 * length + 8)
        del out[core.stuffing.stuff(words, 0, length, out) :]
        return out


def _segment(code: int, content: Sequence[int] | bytes) -> bytes:
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2) + bytes(content)
