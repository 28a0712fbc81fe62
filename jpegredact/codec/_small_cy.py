# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: small pictures, scaled, transformed and coded (ITU-T T.81 A.3.3, A.3.4 and F.1).

Samples are in raster order, 8 bits each. The house rules of ``_scan_cy`` hold here too.
"""

from array import array

import cython

__all__ = ["Writer", "encode", "is_compiled", "scale", "transform"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _line(
    line: cython.double[::1], at: cython.longlong, step: cython.longlong, count: cython.longlong,
    first: cython.double, last: cython.double, size: cython.longlong, out: cython.double[::1],
    to: cython.longlong, apart: cython.longlong,
) -> cython.int:
    """Scale one line: ``count`` samples from what lies in ``[first, last)`` of ``size`` samples.

    What gets smaller is the mean of what it covers; what gets larger lies between its neighbours.
    Behind the last sample and in front of the first one they go on.
    """
    each: cython.double = (last - first) / count
    k: cython.longlong
    i: cython.longlong
    j: cython.longlong
    stop: cython.longlong
    low: cython.double
    high: cython.double
    found: cython.double
    here: cython.double
    for k in range(count):
        low = first + k * each
        high = low + each
        if each < 1:
            here = (low + high) / 2 - 0.5
            i = cython.cast(cython.longlong, here + 1) - 1
            high = here - i
            j = i + 1
            i = 0 if i < 0 else size - 1 if i >= size else i
            j = 0 if j < 0 else size - 1 if j >= size else j
            found = line[at + i * step] * (1 - high) + line[at + j * step] * high
        else:
            found = 0
            i = cython.cast(cython.longlong, low)
            stop = cython.cast(cython.longlong, high)
            if stop < high:
                stop += 1
            while i < stop:
                here = (high if high < i + 1 else i + 1) - (low if low > i else i)
                j = size - 1 if i >= size else i
                found += line[at + j * step] * here
                i += 1
            found /= each
        out[to + k * apart] = found
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
    right: cython.double = area[0]
    bottom: cython.double = area[1]
    down: cython.longlong = len(out) // across
    row: cython.double[::1] = array("d", bytes(8 * width))
    middle: cython.double[::1] = array("d", bytes(8 * across * height))
    done: cython.double[::1] = array("d", bytes(8 * across * down))
    x: cython.longlong
    y: cython.longlong
    with cython.nogil:
        for y in range(height):
            for x in range(width):
                row[x] = samples[y * width + x]
            _line(row, 0, 1, across, 0, right, width, middle, y * across, 1)
        for x in range(across):
            _line(middle, x, across, down, 0, bottom, height, done, x, across)
        for x in range(across * down):
            out[x] = cython.cast(cython.uchar, done[x] + 0.5)


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
    cosines: cython.double[::1], out: cython.double[::1],
) -> None:
    """Give the DCT coefficients of blocks, ``columns`` a row, 64 each in rows of frequencies.

    ``cosines``: of k pi / 16, halved, but for the first one, which is half the square root of 1/2.
    ``size``: the plane's width and height. Its last samples go on to the ends of their blocks;
    whole blocks of padding at the right (T.81 A.2.4) are as bright as the ones beside them, and
    plain.
    """
    width: cython.longlong = size[0]
    height: cython.longlong = size[1]
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
                out[64 * b + k] = samples[y * width + x] - 128.0
            for k in range(8):
                _dct(out, 64 * b + 8 * k, 1, cosines)
            for k in range(8):
                _dct(out, 64 * b + k, 8, cosines)


@cython.final
@cython.cclass
class Writer:
    """Appends codes to words, the first bit in the highest place."""

    words: cython.uint[::1]
    acc: cython.ulonglong
    held: cython.int
    at: cython.longlong

    def __init__(self, words) -> None:
        self.words = words
        self.acc = 0
        self.held = 0
        self.at = 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _put(self, code: cython.uint, more: cython.uint, size: cython.int) -> cython.int:
        """Append a code (``code << 5 | length``), and ``size`` bits more: 31 at most together."""
        mask: cython.ulonglong = 0xFFFFFFFF
        one: cython.ulonglong = 1
        self.acc = (self.acc << (code & 31) | code >> 5) << size | more
        self.held += cython.cast(cython.int, code & 31) + size
        if self.held >= 32:
            self.held -= 32
            self.words[self.at] = cython.cast(cython.uint, (self.acc >> self.held) & mask)
            self.at += 1
            self.acc &= (one << self.held) - 1
        return 0

    def finish(self) -> int:
        """Fill the last byte with ones, and return how many bytes there are."""
        spare: cython.int = (8 - (self.held & 7)) & 7
        self._put(0, (1 << spare) - 1, spare)
        count: cython.longlong = 4 * self.at + self.held // 8
        self._put(0, 0, 32 - self.held)
        return count


def encode(
    coefficients: cython.double[::1], units: tuple, steps: cython.double[::1],
    order: cython.const[cython.uchar][::1], codes: tuple, writer: Writer,
) -> None:
    """Quantise and code an interleaved scan of the blocks that `transform` made.

    ``units``: for each data unit of an MCU its component; its column there; how many units its
    component has there, side by side; and which block is the component's first. ``steps``: 64 a
    component, in the order of ``order``, which is the zigzag one. ``codes``: ``code << 5 | length``
    of DC and of AC symbols, 256 a component.
    """
    parts: cython.uchar[::1] = units[0]
    columns: cython.uchar[::1] = units[1]
    counts: cython.uchar[::1] = units[2]
    firsts: cython.longlong[::1] = units[3]
    dc_codes: cython.uint[::1] = codes[0]
    ac_codes: cython.uint[::1] = codes[1]
    before: cython.int[::1] = array("i", bytes(4 * 4))
    mcus: cython.longlong = len(coefficients) // (64 * len(parts))
    at: cython.longlong
    m: cython.longlong
    u: cython.longlong
    k: cython.longlong
    c: cython.longlong
    run: cython.int
    size: cython.int
    value: cython.int
    coded: cython.int
    exact: cython.double
    with cython.nogil:
        for m in range(mcus):
            for u in range(len(parts)):
                c = parts[u]
                at = 64 * (firsts[u] + m * counts[u] + columns[u])
                run = 0
                for k in range(64):
                    exact = coefficients[at + order[k]] / steps[64 * c + k]
                    value = cython.cast(cython.int, exact + 0.5 if exact >= 0 else exact - 0.5)
                    coded = value
                    if k == 0:
                        coded = value - before[c]
                        before[c] = value
                    elif value == 0:
                        run += 1
                        continue
                    while run > 15:
                        writer._put(ac_codes[256 * c + 240], 0, 0)
                        run -= 16
                    size = 0
                    while (coded if coded >= 0 else -coded) >> size:
                        size += 1
                    if coded < 0:
                        coded += (1 << size) - 1
                    writer._put(
                        dc_codes[256 * c + size] if k == 0 else ac_codes[256 * c + 16 * run + size],
                        cython.cast(cython.uint, coded), size,
                    )
                    run = 0
                if run:
                    writer._put(ac_codes[256 * c], 0, 0)
