# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core, reading: the AC scans of progressive Huffman pictures (ITU-T T.81 G.1.2).

Blocks that end in one EOB run share a codeword, and a refinement keeps their
correction bits behind it. So what is replaced is a *stretch*: from the end of the
last untouched block that codes something of its own, to the next one that does.
Where a stretch lies depends on untouched blocks alone.

A component's blocks are numbered in raster order of its padded grid; ``slots`` maps
these to recorded blocks, -1 elsewhere. A *history* has a bit for each coefficient of
a block that is not zero so far. Words and positions are as in ``_scan_cy``, whose
house rules hold here too.
"""

import cython

__all__ = ["BAD_CODE", "BAD_DATA", "BAD_RUN", "BAD_VALUE", "BandCursor", "is_compiled"]

BAD_DATA = -1  # the data ends before the last block does
BAD_CODE = -2  # bits that are no code of the table
BAD_RUN = -3  # a run of coefficients that leaves its band, or a new one of more than one bit
BAD_VALUE = -4  # a coefficient outside 16 bits


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cclass
class BandCursor:
    """Walks the blocks of one AC scan; updates history and recorded blocks; finds the stretches.

    ``stretches``: arrays for first block, end block, first bit, end bit, first entry
    and whether the block before begins the run (its end belongs to the stretch).
    ``entries``: for refinements, where the correction bits of each untouched block of
    a stretch stand (first that of the block before), and how many there are.
    """

    words: cython.uint[::1]
    full: cython.ushort[::1]
    history: cython.ulonglong[::1]
    slots: cython.int[::1]
    touched: cython.uchar[::1]
    coefficients: cython.short[::1]
    first_block: cython.longlong[::1]
    end_block: cython.longlong[::1]
    first_bit: cython.longlong[::1]
    end_bit: cython.longlong[::1]
    first_entry: cython.longlong[::1]
    tail: cython.uchar[::1]
    entry_at: cython.longlong[::1]
    entry_bits: cython.uchar[::1]
    columns: cython.longlong
    stride: cython.longlong
    begin_k: cython.int
    end_k: cython.int
    low: cython.int
    refine: cython.bint
    acc: cython.ulonglong
    n: cython.int
    i: cython.longlong
    last: cython.longlong
    in_stretch: cython.bint
    anchor_block: cython.longlong
    anchor_bit: cython.longlong
    anchor_tail: cython.bint
    entry: cython.longlong
    position = cython.declare(cython.longlong, visibility="public")
    kept = cython.declare(cython.longlong, visibility="public")
    count = cython.declare(cython.longlong, visibility="public")
    broken = cython.declare(cython.longlong, visibility="public")
    left = cython.declare(cython.longlong, visibility="public")
    floor = cython.declare(cython.longlong, visibility="public")
    beyond = cython.declare(cython.longlong, visibility="public")
    reached = cython.declare(cython.longlong, visibility="public")

    def __init__(self, words, full, history, store, band, grid, stretches, entries) -> None:
        self.words = words
        self.full = full
        self.history = history
        self.slots, self.touched, self.coefficients = store
        self.begin_k, self.end_k, high, self.low = band
        self.refine = high > 0
        self.columns, self.stride = grid
        (
            self.first_block, self.end_block, self.first_bit, self.end_bit, self.first_entry,
            self.tail,
        ) = stretches  # fmt: skip
        self.entry_at, self.entry_bits = entries
        self.count = 0
        self.kept = 0
        self.entry = 0
        self.floor = 0
        self.beyond = -1
        self.reached = 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _fill(self) -> cython.int:
        mask: cython.ulonglong = 0xFFFFFFFF
        if self.n < 32:
            if self.i > self.last:
                return -1
            self.acc = ((self.acc & mask) << 32) | self.words[self.i]
            self.i += 1
            self.n += 32
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _own(self, block: cython.longlong, bit: cython.longlong) -> cython.int:
        """An untouched block begins here that codes something of its own."""
        if self.in_stretch:
            self.end_block[self.count] = block
            self.end_bit[self.count] = bit
            self.count += 1
            self.in_stretch = False
            self.kept = self.entry
        else:
            self.entry = self.kept
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _touch(self) -> cython.int:
        if not self.in_stretch:
            self.in_stretch = True
            self.first_block[self.count] = self.anchor_block + 1
            self.first_bit[self.count] = self.anchor_bit
            self.first_entry[self.count] = self.kept
            self.tail[self.count] = self.anchor_tail
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _entry(self, bit: cython.longlong, bits: cython.int) -> cython.int:
        self.entry_at[self.entry] = bit
        self.entry_bits[self.entry] = bits
        self.entry += 1
        return 0

    def walk(
        self, begin: cython.longlong, end: cython.longlong, position: cython.longlong,
        limit: cython.longlong,
    ) -> int:
        """Pass the blocks ``[begin, end)`` of an interval whose data are bits ``[position, limit)``.

        Returns 0, or one of the negative numbers of this module; then ``position`` is
        where the block starts that fails, and ``broken`` is that block. ``left`` is how
        many blocks of an EOB run are left at the end, or at the block that fails. ``beyond``
        is where the first block ends that ends behind bit ``floor``, -1 if none does;
        ``reached`` is the first bit that was not taken.
        """
        status: cython.int = 0
        b: cython.longlong = begin
        raster: cython.longlong
        slot: cython.longlong
        run: cython.longlong = 0
        before: cython.longlong = 0
        start: cython.longlong = position
        row: cython.longlong = begin // self.columns
        column: cython.longlong = begin % self.columns
        with cython.nogil:
            self.i = position >> 5
            self.last = (limit >> 5) + 2  # in the zero words behind the data
            self.n = 32 - cython.cast(cython.int, position & 31)
            self.acc = self.words[self.i]
            self.i += 1
            self.in_stretch = False
            self.beyond = -1
            self.entry = self.kept
            self.anchor_block = begin - 1
            self.anchor_bit = position
            self.anchor_tail = False
            while b < end:
                start = self.i * 32 - self.n
                before = run
                raster = row * self.stride + column
                slot = self.slots[raster]
                if slot >= 0 and self.touched[slot]:
                    self._touch()
                if self.refine:
                    run = self._refine(b, raster, slot, run)
                elif run > 0:
                    run -= 1
                else:
                    run = self._first(b, raster, slot)
                if run < 0:
                    status = cython.cast(cython.int, run)
                    break
                if self.i * 32 - self.n > limit:
                    status = -1
                    break
                if self.beyond < 0 and self.i * 32 - self.n > self.floor:
                    self.beyond = self.i * 32 - self.n
                b += 1
                column += 1
                if column == self.columns:
                    column = 0
                    row += 1
            self.reached = self.i * 32 - self.n
            self.position = start if status else self.reached
            self.broken = b
            self.left = before if status else run
            if self.in_stretch:
                self.end_block[self.count] = b
                self.end_bit[self.count] = self.position
                self.count += 1
                self.in_stretch = False
                self.kept = self.entry
        return status

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _first(
        self, b: cython.longlong, raster: cython.longlong, slot: cython.longlong
    ) -> cython.longlong:
        """Read a block of a first scan (T.81 G.1.2.2); returns how many blocks behind it are in
        its EOB run, or a negative number.
        """
        k: cython.int = self.begin_k
        e: cython.uint
        size: cython.int
        skip: cython.int
        value: cython.int
        one: cython.ulonglong = 1
        found: cython.ulonglong = 0
        begin: cython.longlong = self.i * 32 - self.n
        at: cython.longlong
        run: cython.longlong = 0
        tail: cython.bint = False
        own: cython.bint = False
        is_touched: cython.bint = slot >= 0 and self.touched[slot] != 0
        at = begin
        while k <= self.end_k:
            if self._fill() < 0:
                return -1
            at = self.i * 32 - self.n
            e = self.full[(self.acc >> (self.n - 16)) & 65535]
            if e == 0:
                return -2
            size = e & 15
            skip = (e >> 4) & 15
            self.n -= cython.cast(cython.int, e >> 8)
            if size == 0:
                if skip < 15:
                    if self._fill() < 0:
                        return -1
                    self.n -= skip
                    run = (1 << skip) + ((self.acc >> self.n) & ((1 << skip) - 1))
                    tail = True
                    break
                own = True
                k += 16
                if k > self.end_k + 1:
                    return -3
                continue
            own = True
            k += skip
            if k > self.end_k:
                return -3
            if self._fill() < 0:
                return -1
            self.n -= size
            value = (self.acc >> self.n) & ((1 << size) - 1)
            if (value >> (size - 1)) == 0:
                value = value - (1 << size) + 1
            found |= one << k
            value *= 1 << self.low
            if value < -32767 or value > 32767:
                return -4
            if slot >= 0:
                self.coefficients[slot * 64 + k] = value
            k += 1
        if own and not is_touched:
            self._own(b, begin)
            self.anchor_block = b
            self.anchor_bit = at if tail else self.i * 32 - self.n
            self.anchor_tail = tail
        if len(self.history):
            self.history[raster] |= found
        return run - 1 if tail else 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _correct(self, slot: cython.longlong, k: cython.int) -> cython.int:
        """Read the correction bit of a coefficient."""
        value: cython.int
        if self._fill() < 0:
            return -1
        self.n -= 1
        if slot >= 0 and (self.acc >> self.n) & 1:
            value = self.coefficients[slot * 64 + k]
            if ((value if value >= 0 else -value) >> self.low) & 1 == 0:
                # a bit that was zero: it stays within 16 bits
                value += (1 << self.low) if value >= 0 else -(1 << self.low)
                self.coefficients[slot * 64 + k] = value
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _refine(
        self, b: cython.longlong, raster: cython.longlong, slot: cython.longlong,
        run: cython.longlong,
    ) -> cython.longlong:
        """The same for a block of a refinement scan (G.1.2.3), with ``run`` blocks of an EOB run
        left at its start.
        """
        k: cython.int = self.begin_k
        e: cython.uint
        size: cython.int
        skip: cython.int
        value: cython.int
        status: cython.int = 0
        one: cython.ulonglong = 1
        past: cython.ulonglong = self.history[raster]
        found: cython.ulonglong = 0
        begin: cython.longlong = self.i * 32 - self.n
        at: cython.longlong = begin
        bits: cython.int = 0
        tail: cython.bint = False
        own: cython.bint = False
        is_touched: cython.bint = slot >= 0 and self.touched[slot] != 0
        if run == 0:
            while k <= self.end_k:
                if self._fill() < 0:
                    return -1
                at = self.i * 32 - self.n
                e = self.full[(self.acc >> (self.n - 16)) & 65535]
                if e == 0:
                    return -2
                size = e & 15
                skip = (e >> 4) & 15
                self.n -= cython.cast(cython.int, e >> 8)
                value = 0
                if self._fill() < 0:
                    return -1
                if size == 0:
                    if skip < 15:
                        self.n -= skip
                        run = (1 << skip) + ((self.acc >> self.n) & ((1 << skip) - 1))
                        tail = True
                        break
                elif size == 1:
                    self.n -= 1
                    value = 1 if (self.acc >> self.n) & 1 else -1
                else:
                    return -3
                own = True
                while k <= self.end_k:
                    if (past >> k) & 1:
                        status = self._correct(slot, k)
                        if status < 0:
                            return status
                    else:
                        if skip == 0:
                            break
                        skip -= 1
                    k += 1
                if value:
                    if k > self.end_k:
                        return -3
                    found |= one << k
                    if slot >= 0:
                        value *= 1 << self.low
                        self.coefficients[slot * 64 + k] = value
                k += 1
        else:
            tail = True
        if own and not is_touched:
            self._own(b, begin)
        if tail:
            begin = self.i * 32 - self.n
            while k <= self.end_k:
                if (past >> k) & 1:
                    status = self._correct(slot, k)
                    if status < 0:
                        return status
                    bits += 1
                k += 1
            run -= 1
        if own and not is_touched:
            self.anchor_block = b
            self.anchor_bit = at if tail else self.i * 32 - self.n
            self.anchor_tail = tail
        if tail and not is_touched:
            self._entry(begin, bits)
        self.history[raster] = past | found
        return run
