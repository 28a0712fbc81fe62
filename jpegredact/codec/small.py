"""Small pictures of our own: planes scaled, turned, framed with bars, and coded as baseline JPEG.

For thumbnails of redacted pictures. Knows samples and T.81; knows no regions and no files.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from . import core
from . import markers as m
from .huffman import STANDARD_TABLES, encode_codes
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
        colour = len(planes) > 1
        wide = 2 if colour else 1
        self._across = -(-self.size[0] // (8 * wide))
        down = -(-self.size[1] // 8)
        self._planes = []
        for number, plane in enumerate(planes):
            if number:
                half = (plane.across + 1) // 2, plane.down
                plane = scaled(plane, half, (2 * half[0], plane.down))
            columns = self._across * (1 if number else wide)
            out = array("d", bytes(8 * 64 * columns * down))
            core.small.transform(plane.samples, plane[:2], columns, out)
            self._planes.append(out)
        self._factors = [(wide, 1), (1, 1), (1, 1)][: len(planes)]

    def code(self, quality: int) -> bytes:
        """Return it as a JPEG, its tables scaled as libjpeg does: 50 for T.81's own, 1 to 100."""
        count = len(self._planes)
        factor = 5000 // quality if quality < 50 else 200 - 2 * quality
        tables = [
            [min(max((table[k] * factor + 50) // 100, 1), 255) for k in _ZIGZAG]
            for table in (_LUMINANCE, _CHROMINANCE)
        ]
        steps = array("d", [step for c in range(count) for step in tables[min(c, 1)]])
        kinds = [STANDARD_TABLES[slot] for slot in _SLOTS]
        codes = (
            encode_codes([kinds[0], kinds[2], kinds[2]][:count], 256),
            encode_codes([kinds[1], kinds[3], kinds[3]][:count], 256),
        )
        parts = [(c, x) for c, (wide, _) in enumerate(self._factors) for x in range(wide)]
        units = (
            bytearray(c for c, _ in parts), bytearray(len(parts)), bytearray(x for _, x in parts),
            bytearray(high for _, high in self._factors),
            bytearray(wide for wide, _ in self._factors),
        )  # fmt: skip
        blocks = sum(len(plane) for plane in self._planes) // 64
        words = array("I", bytes(4 * (54 * blocks + 2)))  # 64 × (16 + 11) bits a block at most
        length = core.small.encode(
            self._planes, units, self._across, steps, _ZIGZAG, codes, words
        )
        out = bytearray(2 * length + 8)
        end = core.stuffing.stuff(words, 0, length, out)
        width, height = self.size
        frame = [8, *height.to_bytes(2), *width.to_bytes(2), count]
        scan = [count]
        for c, (wide, high) in enumerate(self._factors):
            frame += [c + 1, wide << 4 | high, min(c, 1)]
            scan += [c + 1, min(c, 1) * 0x11]
        used = 2 if count > 1 else 1
        return b"".join(
            [
                bytes([0xFF, m.SOI]),
                *(_segment(m.DQT, [n, *tables[n]]) for n in range(used)),
                _segment(m.SOF0, frame),
                _segment(m.DHT, b"".join(table.to_bytes() for table in kinds[: 2 * used])),
                _segment(m.SOS, [*scan, 0, 63, 0]),
                out[:end],
                bytes([0xFF, m.EOI]),
            ]
        )


def _segment(code: int, content: Sequence[int] | bytes) -> bytes:
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2) + bytes(content)
