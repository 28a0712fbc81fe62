# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: the compact code of shapes and blocks, an adaptive binary range coder.

It needs neither a file's Huffman tables nor its coding process; the diff format
(docs/design/diff-format.md) says all of it in words. The house rules of
``_scan_cy`` hold here too.
"""

from array import array

import cython

__all__ = ["BlockPacker", "BlockUnpacker", "RangeDecoder", "RangeEncoder", "is_compiled"]


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

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _direct(self, value: cython.uint, count: cython.int) -> cython.int:
        middle: cython.uint
        mask: cython.uint
        k: cython.int
        for k in range(count - 1, -1, -1):
            middle = self.low + ((self.high - self.low) >> 1)
            mask = 0 - ((value >> k) & 1)  # all ones for a one: no branch to be guessed
            self.high = (middle & mask) | (self.high & ~mask)
            self.low = (self.low & mask) | ((middle + 1) & ~mask)
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

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _direct(self, count: cython.int) -> cython.int:
        middle: cython.uint
        mask: cython.uint
        bit: cython.uint
        value: cython.int = 0
        k: cython.int
        for k in range(count):
            middle = self.low + ((self.high - self.low) >> 1)
            bit = self.code <= middle
            value = 2 * value + bit
            mask = 0 - bit
            self.high = (middle & mask) | (self.high & ~mask)
            self.low = (self.low & mask) | ((middle + 1) & ~mask)
            while (self.low ^ self.high) >> 24 == 0:
                self.low = (self.low & 0xFFFFFF) << 8
                self.high = ((self.high & 0xFFFFFF) << 8) | 255
                self.code = ((self.code & 0xFFFFFF) << 8) | self._next()
        return value

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


# Context numbers, for component class q (0: first component, 1: all others),
# behind q * 640: 0-7 DC zero by the size of the difference before, 8-15 DC sign,
# 16-31 DC magnitude, 32-47 its second bit; 64 + k end of block, 128 + k zero
# coefficient, 192 + k magnitude above one; 256 + 16 * band + e AC magnitude.


@cython.final
@cython.cclass
class BlockPacker(RangeEncoder):
    """Decodes blocks where they stand in a scan and packs them in the compact code."""

    zigzag: cython.short[::1]
    previous_dc: cython.int
    previous_size: cython.int
    last: cython.int
    canonical: cython.int
    used: cython.longlong

    def __init__(self, room: int) -> None:
        RangeEncoder.__init__(self, 1280, room)
        self.zigzag = array("h", bytes(128))
        self.last = 0
        self.previous_dc = 0
        self.previous_size = 0

    def component(self) -> None:
        """Begin the blocks of another component."""
        self.previous_dc = 0
        self.previous_size = 0

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _read(
        self, zigzag: cython.short[::1], words: cython.uint[::1], full: cython.ushort[::1],
        table: cython.longlong, begin: cython.longlong,
    ) -> cython.int:
        """Decode the AC coefficients of one block at bit ``begin``.

        Returns the position of the last that is not zero, and says in
        ``canonical`` whether T.81's own procedure would code them with the same
        symbols.
        """
        mask: cython.ulonglong = 0xFFFFFFFF
        i: cython.longlong = (begin >> 5) + 1
        n: cython.int = 32 - cython.cast(cython.int, begin & 31)
        acc: cython.ulonglong = words[begin >> 5]
        k: cython.int
        last: cython.int = 0
        e: cython.uint
        size: cython.int
        value: cython.int
        ended: cython.bint = False
        self.canonical = 1
        for k in range(1, self.last + 1):
            zigzag[k] = 0  # what the block before left
        self.last = 63
        k = 1
        while k < 64:
            if n < 32:
                acc = ((acc & mask) << 32) | words[i]
                i += 1
                n += 32
            e = full[(table << 16) + ((acc >> (n - 16)) & 65535)]
            if e == 0:
                return -1
            size = e & 15
            n -= cython.cast(cython.int, e >> 8) + size
            if size == 0:
                if (e & 240) != 240:
                    ended = True
                    if e & 240 or k != last + 1:
                        self.canonical = 0  # EOB with a run, or behind a ZRL
                    break
                k += 16
                if k > 64:
                    return -1
                continue
            k += cython.cast(cython.int, (e >> 4) & 15)
            if k > 63:
                return -1
            value = (acc >> n) & ((1 << size) - 1)
            if (value >> (size - 1)) == 0:
                value = value - (1 << size) + 1
            zigzag[k] = value
            last = k
            k += 1
        if not ended and last != 63:
            self.canonical = 0
        self.used = i * 32 - n - begin
        self.last = last
        return last

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _write(
        self, zigzag: cython.short[::1], dc: cython.int, last: cython.int, q: cython.int
    ) -> cython.int:
        base: cython.int = q * 640
        value: cython.int = dc - self.previous_dc
        size: cython.int = 0
        e: cython.int
        k: cython.int
        band: cython.int
        magnitude: cython.int = value if value >= 0 else -value
        before: cython.int = self.previous_size if self.previous_size < 7 else 7
        self.previous_dc = dc
        while magnitude >> size:
            size += 1
        self.previous_size = size
        self._encode(base + before, 1 if value == 0 else 0)
        if value != 0:
            self._encode(base + 8 + before, 1 if value < 0 else 0)
            for e in range(1, size):
                self._encode(base + 16 + e, 1)
            self._encode(base + 16 + size, 0)
            if size > 1:
                self._encode(base + 32 + (size if size < 15 else 15), (magnitude >> (size - 2)) & 1)
                if size > 2:
                    self._direct(magnitude & ((1 << (size - 2)) - 1), size - 2)
        k = 1
        while k < 64:
            if k > last:
                self._encode(base + 64 + k, 1)
                break
            self._encode(base + 64 + k, 0)
            while zigzag[k] == 0:
                self._encode(base + 128 + k, 1)
                k += 1
            self._encode(base + 128 + k, 0)
            value = zigzag[k]
            self._direct(1 if value < 0 else 0, 1)
            magnitude = value if value >= 0 else -value
            self._encode(base + 192 + k, 1 if magnitude > 1 else 0)
            if magnitude > 1:
                band = 0
                if k > 3:
                    band = 1
                if k > 9:
                    band = 2
                if k > 24:
                    band = 3
                magnitude -= 1
                size = 0
                while magnitude >> size:
                    size += 1
                for e in range(1, size):
                    self._encode(base + 256 + 16 * band + e, 1)
                self._encode(base + 256 + 16 * band + size, 0)
                if size > 1:
                    self._direct(magnitude & ((1 << (size - 1)) - 1), size - 1)
            k += 1
        return 0

    def length(
        self, words: cython.uint[::1], full: cython.ushort[::1], table: cython.longlong
    ) -> int:
        """Return how many bits the AC codes of the block at bit 0 take; -1 where they are none."""
        last: cython.int
        zigzag = self.zigzag
        with cython.nogil:
            last = self._read(zigzag, words, full, table, 0)
        return self.used if last >= 0 else -1

    def add_plain(
        self, coefficients: cython.short[::1], members: cython.int[::1], start: cython.longlong,
        q: cython.int,
    ) -> int:
        """Pack ``members[start:]`` from 64 coefficients each, while there is room; see `add`."""
        limit: cython.longlong = len(self.out) - 4096
        k: cython.longlong = start
        base: cython.longlong
        j: cython.int
        last: cython.int
        zigzag = self.zigzag
        with cython.nogil:
            while k < len(members) and self.at < limit:
                base = cython.cast(cython.longlong, members[k]) * 64
                last = 0
                for j in range(1, 64):
                    zigzag[j] = coefficients[base + j]
                    if zigzag[j]:
                        last = j
                self.last = 63
                self._write(zigzag, coefficients[base], last, q)
                k += 1
        return k

    def add(
        self, words: cython.uint[::1], blocks: tuple, full: cython.ushort[::1],
        table: cython.longlong, members: cython.int[::1], start: cython.longlong,
        q: cython.int, odd: cython.int[::1],
    ) -> tuple:
        """Pack ``members[start:]`` while there is room; stop behind a block coded oddly.

        Returns the next index and whether the block before it was odd; the
        index is negative (minus one minus it) where a block can't be read.
        """
        first_bit: cython.longlong[::1] = blocks[0]
        dc_bits: cython.uchar[::1] = blocks[1]
        dc: cython.int[::1] = blocks[3]
        limit: cython.longlong = len(self.out) - 4096
        k: cython.longlong = start
        m: cython.longlong
        last: cython.int
        count: cython.longlong = 0
        zigzag = self.zigzag
        with cython.nogil:
            while k < len(members) and self.at < limit and count < len(odd):
                m = members[k]
                last = self._read(zigzag, words, full, table, first_bit[m] + dc_bits[m])
                if last < 0:
                    k = -1 - k
                    break
                self._write(zigzag, dc[m], last, q)
                if self.canonical == 0:
                    odd[count] = cython.cast(cython.int, k)
                    count += 1
                k += 1
        return k, count


@cython.final
@cython.cclass
class BlockUnpacker(RangeDecoder):
    """Unpacks blocks of the compact code."""

    previous_dc: cython.int
    previous_size: cython.int

    def __init__(self, data) -> None:
        RangeDecoder.__init__(self, data, 1280)
        self.previous_dc = 0
        self.previous_size = 0

    def component(self) -> None:
        """Begin the blocks of another component."""
        self.previous_dc = 0
        self.previous_size = 0

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _read(
        self, q: cython.int, out: cython.short[::1], at: cython.longlong
    ) -> cython.int:
        """Decode a block into zeros from ``out[at]`` on; -1 where a value is out of range, else 0."""
        base: cython.int = q * 640
        before: cython.int = self.previous_size if self.previous_size < 7 else 7
        size: cython.int = 0
        magnitude: cython.int = 0
        negative: cython.int = 0
        k: cython.int
        band: cython.int
        if self._decode(base + before) == 0:
            negative = self._decode(base + 8 + before)
            size = 1
            while self._decode(base + 16 + size):
                size += 1
                if size > 16:
                    return -1
            magnitude = 1
            if size > 1:
                magnitude = 2 + self._decode(base + 32 + (size if size < 15 else 15))
                if size > 2:
                    magnitude = (magnitude << (size - 2)) | self._direct(size - 2)
        self.previous_size = size
        self.previous_dc += -magnitude if negative else magnitude
        if self.previous_dc < -32768 or self.previous_dc > 32767:
            return -1
        out[at] = self.previous_dc
        k = 1
        while k < 64:
            if self._decode(base + 64 + k):
                break
            while self._decode(base + 128 + k):
                k += 1
                if k > 63:
                    return -1
            negative = self._direct(1)
            magnitude = 1
            if self._decode(base + 192 + k):
                band = 0
                if k > 3:
                    band = 1
                if k > 9:
                    band = 2
                if k > 24:
                    band = 3
                size = 1
                while self._decode(base + 256 + 16 * band + size):
                    size += 1
                    if size > 15:
                        return -1
                magnitude = 1
                if size > 1:
                    magnitude = (1 << (size - 1)) | self._direct(size - 1)
                magnitude += 1
                if magnitude > 32767:
                    return -1
            out[at + k] = -magnitude if negative else magnitude
            k += 1
        return 0

    def blocks(self, count: cython.longlong, q: cython.int, out: cython.short[::1]) -> int:
        """Unpack ``count`` blocks into zeros as 64 coefficients each, in zigzag order. 0, or -1."""
        k: cython.longlong
        status: cython.int = 0
        with cython.nogil:
            for k in range(count):
                if self.at > len(self.data) + 4:
                    status = -1
                    break
                status = self._read(q, out, k * 64)
                if status < 0:
                    break
        return status
