# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: small pictures, scaled and transformed (ITU-T T.81 A.3.3).

Samples are in raster order, 8 bits each. The house rules of ``_scan_cy`` hold here too, but that
floats become integers: means of samples, and places in a plane.
"""

from array import array

import cython

__all__ = ["is_compiled", "scale", "transform"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cfunc
@cython.exceptval(-1)
def _taps(
    end: cython.double, size: cython.longlong, first: cython.longlong[::1],
    taps: cython.longlong[::1], weights: cython.double[::1],
) -> cython.int:
    """Say what each new sample is made of, where ``[0, end)`` of ``size`` samples is to be scaled.

    ``first`` gives its first old one, ``taps`` how many they are, and ``weights`` how much it takes
    of each, with the same room for all. What gets smaller is the mean of what it covers; what gets
    larger lies between its neighbours. Behind the last sample and in front of the first one they
    go on.
    """
    count: cython.longlong = len(first)
    room: cython.longlong = len(weights) // count
    each: cython.double = end / count
    k: cython.longlong
    i: cython.longlong
    j: cython.longlong
    here: cython.longlong
    low: cython.double
    high: cython.double
    part: cython.double
    for k in range(count):
        low = k * each
        high = low + each
        if each < 1:
            low = (low + high) / 2 - 0.5
            high = low + 1
        i = cython.cast(cython.longlong, low + 1) - 1
        first[k] = 0 if i < 0 else size - 1 if i >= size else i
        for j in range(i, i + room):
            if each < 1:
                part = 1 - low + i if j == i else low - i if j == i + 1 else 0
            else:
                part = (high if high < j + 1 else j + 1) - (low if low > j else j)
                part = part / each if part > 0 else 0
            if part > 0:
                here = 0 if j < 0 else size - 1 if j >= size else j
                here -= first[k]
                weights[k * room + here] += part
                taps[k] = here + 1
    return 0


def scale(
    samples: cython.const[cython.uchar][::1], size: tuple, area: tuple, out: cython.uchar[::1],
    across: cython.longlong,
) -> None:
    """Scale the upper left ``area`` (width and height, as floats) of a plane to fill ``out``.

    ``size`` is the plane's width and height, ``across`` how many samples a row of ``out`` has.
    """
    width: cython.longlong = size[0]
    height: cython.longlong = size[1]
    down: cython.longlong = len(out) // across
    wide: cython.longlong = int(area[0] / across) + 3
    high: cython.longlong = int(area[1] / down) + 3
    column: cython.longlong[::1] = array("q", [0]) * across
    row: cython.longlong[::1] = array("q", [0]) * down
    columns: cython.longlong[::1] = array("q", [0]) * across
    rows: cython.longlong[::1] = array("q", [0]) * down
    by_column: cython.double[::1] = array("d", [0]) * (across * wide)
    by_row: cython.double[::1] = array("d", [0]) * (down * high)
    line: cython.double[::1] = array("d", [0]) * width
    x: cython.longlong
    y: cython.longlong
    k: cython.longlong
    at: cython.longlong
    weight: cython.double
    found: cython.double
    _taps(area[0], width, column, columns, by_column)
    _taps(area[1], height, row, rows, by_row)
    with cython.nogil:
        for y in range(down):
            for x in range(width):
                line[x] = 0
            for k in range(rows[y]):
                weight = by_row[y * high + k]
                at = (row[y] + k) * width
                for x in range(width):
                    line[x] += weight * samples[at + x]
            for x in range(across):
                found = 0.5
                for k in range(columns[x]):
                    found += by_column[x * wide + k] * line[column[x] + k]
                out[y * across + x] = cython.cast(cython.uchar, found)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _dct(
    a: cython.double[::1], at: cython.longlong, step: cython.longlong, c: cython.double[::1]
) -> cython.int:
    """The DCT of eight values, in place: even ones of their sums, odd ones of their differences."""
    s0: cython.double = a[at] + a[at + 7 * step]
    s1: cython.double = a[at + step] + a[at + 6 * step]
    s2: cython.double = a[at + 2 * step] + a[at + 5 * step]
    s3: cython.double = a[at + 3 * step] + a[at + 4 * step]
    d0: cython.double = a[at] - a[at + 7 * step]
    d1: cython.double = a[at + step] - a[at + 6 * step]
    d2: cython.double = a[at + 2 * step] - a[at + 5 * step]
    d3: cython.double = a[at + 3 * step] - a[at + 4 * step]
    a[at] = (s0 + s1 + s2 + s3) * c[0]
    a[at + step] = d0 * c[1] + d1 * c[3] + d2 * c[5] + d3 * c[7]
    a[at + 2 * step] = (s0 - s3) * c[2] + (s1 - s2) * c[6]
    a[at + 3 * step] = d0 * c[3] - d1 * c[7] - d2 * c[1] - d3 * c[5]
    a[at + 4 * step] = (s0 - s1 - s2 + s3) * c[4]
    a[at + 5 * step] = d0 * c[5] - d1 * c[1] + d2 * c[7] + d3 * c[3]
    a[at + 6 * step] = (s0 - s3) * c[6] - (s1 - s2) * c[2]
    a[at + 7 * step] = d0 * c[7] - d1 * c[5] + d2 * c[3] - d3 * c[1]
    return 0


def transform(
    samples: cython.const[cython.uchar][::1], size: tuple, columns: cython.longlong,
    cosines: cython.double[::1], order: cython.const[cython.uchar][::1], out: cython.float[::1],
) -> None:
    """Give the DCT coefficients of blocks, ``columns`` a row, 64 each in zigzag ``order``.

    ``cosines``: of k pi / 16, halved, but for the first one, which is half the square root of 1/2.
    ``size``: the plane's width and height. Its last samples go on to the ends of their blocks;
    whole blocks of padding at the right (T.81 A.2.4) are as bright as the ones beside them, and
    plain.
    """
    width: cython.longlong = size[0]
    height: cython.longlong = size[1]
    block: cython.double[::1] = array("d", bytes(8 * 64))
    b: cython.longlong
    x: cython.longlong
    y: cython.longlong
    k: cython.longlong
    with cython.nogil:
        for b in range(len(out) // 64):
            if b % columns * 8 >= width:
                for k in range(64):
                    out[64 * b + k] = out[64 * (b - 1)] if k == 0 else 0
                continue
            for k in range(64):
                x = b % columns * 8 + k % 8
                y = b // columns * 8 + k // 8
                x = x if x < width else width - 1
                y = y if y < height else height - 1
                block[k] = samples[y * width + x] - 128.0
            for k in range(8):
                _dct(block, 8 * k, 1, cosines)
            for k in range(8):
                _dct(block, k, 8, cosines)
            for k in range(64):
                out[64 * b + k] = block[order[k]]
