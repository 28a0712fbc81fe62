# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: the compact code of shapes, an adaptive binary range coder.

The diff format (docs/design/diff-format.md) says all of it in words. The house rules of
``_scan_cy`` hold here too.
"""

from array import array

import cython

__all__ = ["RangeDecoder", "RangeEncoder", "is_compiled"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


_RATES = array("I", [131072 // (2 * n + 3) for n in range(32)])


@cython.cclass
class RangeEncoder:
    """Binary range coder with 16-bit adaptive probabilities; output grows with `take`.

    ``states`` holds for each context its probability of a one, times 65536 and
    shifted left by 5, and how often it was met, up to 31.
    """

    low: cython.uint
    high: cython.uint
    states: cython.uint[::1]
    rates: cython.uint[::1]
    out: cython.uchar[::1]
    at: cython.longlong

    def __init__(self, contexts: int, room: int) -> None:
        self.low = 0
        self.high = 0xFFFFFFFF
        self.states = array("I", [32768 << 5]) * contexts
        self.rates = _RATES
        self.out = array("B", [0]) * room
        self.at = 0

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _encode(self, context: cython.int, bit: cython.int) -> cython.int:
        state: cython.uint = self.states[context]
        p: cython.uint = state >> 5
        n: cython.uint = state & 31
        span: cython.ulonglong = self.high - self.low
        middle: cython.uint = self.low + cython.cast(cython.uint, (span * p) >> 16)
        if bit:
            self.high = middle
            p += ((65536 - p) * self.rates[n]) >> 16
            if p > 65504:
                p = 65504
        else:
            self.low = middle + 1
            p -= (p * self.rates[n]) >> 16
            if p < 32:
                p = 32
        self.states[context] = p << 5 | (n + 1 if n < 31 else n)
        while (self.low ^ self.high) >> 24 == 0:
            self.out[self.at] = self.high >> 24
            self.at += 1
            self.low = (self.low & 0xFFFFFF) << 8
            self.high = ((self.high & 0xFFFFFF) << 8) | 255
        return 0

    def shape(
        self, cells: cython.ushort[::1], window: tuple, rows: cython.longlong,
        columns: cython.longlong, group: cython.ushort, start: cython.longlong,
    ) -> int:
        """Encode which cells are ``group``'s, rows from ``start`` on, while there is room.

        ``window``: the rectangle's first row and column in ``cells``, and how many
        cells a row of those has. Returns the next row. The context of a cell is
        made of its left, upper and upper right neighbours.
        """
        row0: cython.longlong = window[0]
        column0: cython.longlong = window[1]
        across: cython.longlong = window[2]
        y: cython.longlong = start
        x: cython.longlong
        at: cython.longlong
        context: cython.int
        limit: cython.longlong = len(self.out) - 4 * columns - 16
        with cython.nogil:
            while y < rows and self.at < limit:
                for x in range(columns):
                    at = (row0 + y) * across + column0 + x
                    context = 0
                    if x > 0 and cells[at - 1] == group:
                        context = 1
                    if y > 0 and cells[at - across] == group:
                        context += 2
                    if y > 0 and x + 1 < columns and cells[at - across + 1] == group:
                        context += 4
                    self._encode(context, 1 if cells[at] == group else 0)
                y += 1
        return y

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        done = bytes(self.out[: self.at])
        self.at = 0
        return done

    def finish(self) -> bytes:
        """Return the last bytes: the shortest that name a point of the interval."""
        n: cython.int
        for n in range(5):
            keep = (0xFFFFFFFF << (32 - 8 * n)) & 0xFFFFFFFF
            if (self.high & keep) >= self.low:
                return self.take() + int(self.high & keep).to_bytes(4, "big")[:n]
        raise AssertionError("unreachable: low <= high")


@cython.cclass
class RangeDecoder:
    """The other way round; behind the last byte it reads zeros."""

    low: cython.uint
    high: cython.uint
    code: cython.uint
    states: cython.uint[::1]
    rates: cython.uint[::1]
    data: cython.const[cython.uchar][::1]
    at = cython.declare(cython.longlong, visibility="public")

    def __init__(self, data, contexts: int) -> None:
        k: cython.int
        self.low = 0
        self.high = 0xFFFFFFFF
        self.code = 0
        self.states = array("I", [32768 << 5]) * contexts
        self.rates = _RATES
        self.data = data
        self.at = 0
        for k in range(4):
            self.code = (self.code << 8) | self._next()

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _next(self) -> cython.int:
        byte: cython.int = 0
        if self.at < len(self.data):
            byte = self.data[self.at]
        self.at += 1
        return byte

    def exhausted(self) -> bool:
        """Whether much more was read than there is: the data is cut short or forged."""
        return bool(self.at > len(self.data) + 4)

    def spent(self) -> bool:
        """Whether every byte of the data was read."""
        return bool(self.at >= len(self.data))

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _decode(self, context: cython.int) -> cython.int:
        state: cython.uint = self.states[context]
        p: cython.uint = state >> 5
        n: cython.uint = state & 31
        span: cython.ulonglong = self.high - self.low
        middle: cython.uint = self.low + cython.cast(cython.uint, (span * p) >> 16)
        bit: cython.int = 1 if self.code <= middle else 0
        if bit:
            self.high = middle
            p += ((65536 - p) * self.rates[n]) >> 16
            if p > 65504:
                p = 65504
        else:
            self.low = middle + 1
            p -= (p * self.rates[n]) >> 16
            if p < 32:
                p = 32
        self.states[context] = p << 5 | (n + 1 if n < 31 else n)
        while (self.low ^ self.high) >> 24 == 0:
            self.low = (self.low & 0xFFFFFF) << 8
            self.high = ((self.high & 0xFFFFFF) << 8) | 255
            self.code = ((self.code & 0xFFFFFF) << 8) | self._next()
        return bit

    def shape(self, cells: cython.ushort[::1], window: tuple, rows: cython.longlong,
              columns: cython.longlong, group: cython.ushort) -> int:
        """Decode a shape into ``cells`` (window: row, column, and its width), as ``group``.

        Returns the number of cells, or -1 where one is taken already or the
        data ends.
        """
        row0: cython.longlong = window[0]
        column0: cython.longlong = window[1]
        across: cython.longlong = window[2]
        count: cython.longlong = 0
        y: cython.longlong
        x: cython.longlong
        at: cython.longlong
        context: cython.int
        with cython.nogil:
            for y in range(rows):
                if self.at > len(self.data) + 4:
                    count = -1
                    break
                for x in range(columns):
                    at = (row0 + y) * across + column0 + x
                    context = 0
                    if x > 0 and cells[at - 1] == group:
                        context = 1
                    if y > 0 and cells[at - across] == group:
                        context += 2
                    if y > 0 and x + 1 < columns and cells[at - across + 1] == group:
                        context += 4
                    if self._decode(context):
                        if cells[at] != 0:
                            count = -1
                            break
                        cells[at] = group
                        count += 1
                if count < 0:
                    break
        return count
