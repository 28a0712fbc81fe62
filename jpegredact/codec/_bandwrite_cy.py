# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core, writing: stretches of AC scans coded anew (ITU-T T.81 G.1.2).

Words as in ``_scan_cy``, grids and slots as in ``_bandread_cy``; the house rules of
``_scan_cy`` hold here too.
"""

import cython

__all__ = ["BandWriter", "drop_unsayable", "gather_bits", "is_compiled"]

def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cclass
class BandWriter:
    """Codes stretches of an AC scan in one way: the longest EOB runs that the table can say.

    ``codes`` is ``code << 5 | length`` by symbol, 0 where the table lacks it. Codes
    that are missing are marked in ``missing`` (a byte a symbol); then nothing that
    was written counts. ``state`` becomes what a reader has after this scan.
    """

    words: cython.uint[::1]
    codes: cython.uint[::1]
    missing: cython.uchar[::1]
    acc: cython.ulonglong
    held: cython.int
    at: cython.longlong
    taken: cython.longlong
    block: cython.longlong
    head: cython.longlong
    end: cython.longlong
    entry: cython.longlong
    begin_k: cython.int
    end_k: cython.int
    low: cython.int
    refine: cython.bint
    run: cython.int
    longest: cython.int
    gathered: cython.int
    bits: cython.uchar[::1]
    counts: cython.uchar[::1]
    own: cython.uchar[::1]

    def __init__(self, codes, missing, band) -> None:
        from array import array

        category: cython.int
        self.words = array("I", [0]) * 65536
        self.codes = codes
        self.missing = missing
        self.begin_k, self.end_k, high, self.low = band
        self.refine = high > 0
        self.begin(0, 0, False, 0)
        self.run = 0
        self.gathered = 0
        self.bits = array("B", [0]) * 1065
        self.counts = array("B", [0]) * 32768
        self.own = array("B", bytes(64))
        self.longest = 1
        for category in range(15):
            if self.codes[category << 4]:
                self.longest = (2 << category) - 1

    def bit(self) -> int:
        """Return how many bits the stretch has so far."""
        return (self.taken + self.at) * 32 + self.held

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _put(self, value: cython.uint, count: cython.int) -> cython.int:
        mask: cython.ulonglong = 0xFFFFFFFF
        self.acc = (self.acc << count) | value
        self.held += count
        if self.held >= 32:
            self.held -= 32
            self.words[self.at] = (self.acc >> self.held) & mask
            self.at += 1
            self.acc &= (cython.cast(cython.ulonglong, 1) << self.held) - 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _symbol(self, symbol: cython.int) -> cython.int:
        code: cython.uint = self.codes[symbol]
        if code == 0:
            self.missing[symbol] = 1
        self._put(code >> 5, code & 31)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _flush(self) -> cython.int:
        """End the EOB run, in pieces where the table lacks a longer one's symbol."""
        category: cython.int
        take: cython.int
        done: cython.int = 0
        bit: cython.int = 0
        b: cython.int
        k: cython.int
        while done < self.run:
            take = self.run - done
            category = 0
            while (2 << category) <= take:
                category += 1
            while category > 0 and self.codes[category << 4] == 0:
                category -= 1
                take = (2 << category) - 1
            self._symbol(category << 4)
            if category == 0:
                take = 1
            else:
                self._put(take - (1 << category), category)
            for b in range(done, done + take):
                for k in range(self.counts[b]):
                    self._put(self.bits[bit], 1)
                    bit += 1
            done += take
        self.run = 0
        self.gathered = 0
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _end_block(self, bits: cython.int) -> cython.int:
        """Add to the EOB run a block with so many correction bits, gathered already."""
        self.counts[self.run] = bits
        self.run += 1
        self.gathered += bits
        if self.run == self.longest or self.gathered > 937:  # libjpeg's rule
            self._flush()
        return 0

    def begin(
        self, block: cython.longlong, end: cython.longlong, tail: cython.bint,
        entry: cython.longlong,
    ) -> None:
        """Stand at the start of a stretch."""
        self.block = block - 1 if tail else block
        self.head = block
        self.end = end
        self.entry = entry
        self.acc = 0
        self.held = 0
        self.at = 0
        self.taken = 0

    def write(
        self, entries: tuple, source: cython.uint[::1], grid: tuple, store: tuple,
        state: cython.short[::1],
    ) -> bool:
        """Write the stretch as far as there is room; True when all of it stands in the words.

        ``entries`` and ``source`` say where correction bits of untouched blocks stand;
        ``store``: slots, touched, coefficients to code.
        """
        entry_at: cython.longlong[::1] = entries[0]
        entry_bits: cython.uchar[::1] = entries[1]
        columns: cython.longlong = grid[0]
        stride: cython.longlong = grid[1]
        slots: cython.int[::1] = store[0]
        touched: cython.uchar[::1] = store[1]
        coefficients: cython.short[::1] = store[2]
        slot: cython.longlong
        b: cython.longlong
        at: cython.longlong
        k: cython.int
        mask: cython.ulonglong = 0xFFFFFFFF
        room: cython.longlong = len(self.words) - 34816  # an EOB run in pieces of one block
        with cython.nogil:
            while self.block < self.end and self.at < room:
                slot = -1
                b = self.block
                if b >= self.head:
                    slot = slots[(b // columns) * stride + b % columns]
                self.block += 1
                if slot >= 0 and touched[slot]:
                    if self.refine:
                        self._refine(slot * 64, coefficients, state)
                    else:
                        self._first(slot * 64, coefficients, state)
                elif not self.refine:
                    self._end_block(0)
                else:
                    at = entry_at[self.entry]
                    for k in range(entry_bits[self.entry]):
                        self.bits[self.gathered + k] = (
                            source[(at + k) >> 5] >> (31 - ((at + k) & 31))
                        ) & 1
                    self._end_block(entry_bits[self.entry])
                    self.entry += 1
            if self.block == self.end and self.at < room:
                self._flush()
                if self.held:
                    self.words[self.at] = (self.acc << (32 - self.held)) & mask
                self.end = -1
        return self.end < 0

    def take(self) -> bytes:
        """Return the whole words written since the last call, and behind the end the rest too."""
        count: cython.longlong = self.at
        if self.end < 0 and self.held:
            count += 1
        self.taken += self.at
        self.at = 0
        return bytes(self.words[:count])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _first(
        self, base: cython.longlong, coefficients: cython.short[::1], state: cython.short[::1]
    ) -> cython.int:
        """Code a block's band for the first time (T.81 G.1.2.2)."""
        k: cython.int
        r: cython.int = 0
        value: cython.int
        magnitude: cython.int
        size: cython.int
        for k in range(self.begin_k, self.end_k + 1):
            value = coefficients[base + k]
            magnitude = (value if value >= 0 else -value) >> self.low
            if magnitude == 0:
                r += 1
                continue
            self._flush()
            while r > 15:
                self._symbol(240)
                r -= 16
            size = 0
            while magnitude >> size:
                size += 1
            self._symbol((r << 4) + (size & 15))
            r = 0
            self._put(magnitude if value >= 0 else (1 << size) - 1 - magnitude, size)
            magnitude <<= self.low
            state[base + k] = magnitude if value >= 0 else -magnitude
        if r > 0:
            self._end_block(0)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _refine(
        self, base: cython.longlong, coefficients: cython.short[::1], state: cython.short[::1]
    ) -> cython.int:
        """Code one more bit of a block's band (T.81 G.1.2.3)."""
        k: cython.int
        j: cython.int
        r: cython.int = 0
        bits: cython.int = 0
        value: cython.int
        bit: cython.int
        step: cython.int = 1 << self.low
        last: cython.int = -1
        for k in range(self.begin_k, self.end_k + 1):
            value = coefficients[base + k]
            self.own[k] = ((value if value >= 0 else -value) >> self.low) & 1
            if self.own[k] and state[base + k] == 0:
                last = k
        for k in range(self.begin_k, self.end_k + 1):
            bit = self.own[k]
            value = state[base + k]
            if value == 0 and bit == 0:
                r += 1
                continue
            while r > 15 and k <= last:
                self._flush_own(240, -1, bits)
                bits = 0
                r -= 16
            if value != 0:
                self.bits[self.gathered + bits] = bit
                bits += 1
                if bit and (((value if value >= 0 else -value) >> self.low) & 1) == 0:
                    state[base + k] = value + step if value >= 0 else value - step
                continue
            self._flush_own((r << 4) + 1, 1 if coefficients[base + k] >= 0 else 0, bits)
            state[base + k] = step if coefficients[base + k] >= 0 else -step
            bits = 0
            r = 0
        if r > 0 or bits > 0:
            self._end_block(bits)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _flush_own(self, symbol: cython.int, sign: cython.int, bits: cython.int) -> cython.int:
        """End the EOB run; write a symbol of this block, and behind it its bits gathered so far."""
        j: cython.int
        gathered: cython.int = self.gathered
        self._flush()
        self._symbol(symbol)
        if sign >= 0:
            self._put(sign, 1)
        for j in range(bits):
            self._put(self.bits[gathered + j], 1)
        return 0


def gather_bits(
    source: cython.uint[::1], entries: tuple, first: cython.longlong, end: cython.longlong,
    out: cython.uint[::1],
) -> int:
    """Write the correction bits of the entries ``[first, end)`` in a row; return how many.

    ``out`` must hold zeros; None has more than 63 bits.
    """
    entry_at: cython.longlong[::1] = entries[0]
    entry_bits: cython.uchar[::1] = entries[1]
    one: cython.uint = 1
    e: cython.longlong
    at: cython.longlong
    k: cython.int
    o: cython.longlong = 0
    with cython.nogil:
        for e in range(first, end):
            at = entry_at[e]
            for k in range(entry_bits[e]):
                if (source[(at + k) >> 5] >> (31 - ((at + k) & 31))) & 1:
                    out[o >> 5] = out[o >> 5] | (one << (31 - (o & 31)))
                o += 1
    return o


def drop_unsayable(
    members: cython.int[::1], coefficients: cython.short[::1], state: cython.short[::1],
    codes: cython.uint[::1], band: tuple,
) -> int:
    """Clear coefficients that a scan's table can't say; return how many blocks changed.

    ``state`` is what a reader has before the scan; for blocks that stay it becomes
    what it has after it.
    """
    first: cython.int = band[0]
    last: cython.int = band[1]
    refine: cython.bint = band[2] > 0
    low: cython.int = band[3]
    changed: cython.longlong = 0
    m: cython.longlong
    base: cython.longlong
    k: cython.int
    r: cython.int
    value: cython.int
    magnitude: cython.int
    past: cython.int
    size: cython.int
    clean: cython.bint
    with cython.nogil:
        for m in range(len(members)):
            base = cython.cast(cython.longlong, members[m]) * 64
            clean = True
            r = 0
            for k in range(first, last + 1):
                value = coefficients[base + k]
                magnitude = (value if value >= 0 else -value) >> low
                past = state[base + k]
                if refine and past != 0:
                    if magnitude & 1 and ((past if past >= 0 else -past) >> low) & 1 == 0:
                        state[base + k] = past + (1 << low if past >= 0 else -(1 << low))
                    continue
                if refine:
                    magnitude &= 1
                if magnitude == 0:
                    r += 1
                    continue
                size = 0
                while magnitude >> size:
                    size += 1
                if size > 15 or codes[((r & 15) << 4) + size] == 0 or (r > 15 and codes[240] == 0):
                    coefficients[base + k] = 0
                    clean = False
                    r += 1
                    continue
                r = 0
                magnitude <<= low
                state[base + k] = magnitude if value >= 0 else -magnitude
            if not clean:
                changed += 1
    return changed
