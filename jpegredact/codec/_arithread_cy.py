# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core of arithmetic-coded scans, reading (ITU-T T.81 D.2, F.2.4, G.2.3).

The blocks of all components are numbered in one row, each component's in raster order
of its padded grid; ``slots`` maps these to recorded blocks, -1 elsewhere. A *history*
has a bit for each coefficient of a block that is not zero so far. Words as in
``_scan_cy``, whose house rules hold here too.
"""

import cython

__all__ = ["BAD_RUN", "BAD_VALUE", "ArithmeticReader", "is_compiled"]

BAD_RUN = -3  # a run of coefficients that leaves its band
BAD_VALUE = -4  # a value that has too many bits


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cclass
class ArithmeticReader:
    """Decodes the blocks of one scan's intervals.

    Parameters
    ----------
    words
        Data of the intervals.
    estimates
        T.81 table D.3, see ``codec.arithmetic``.
    units, parts
        For each data unit of the MCU: part (component of the scan), row and column in the
        MCU. For each part: blocks per MCU down and across, width of the padded grid, number
        of its first block, DC and AC table.
    conditioning
        ``U << 4 | L`` by DC table and ``Kx`` by AC table.
    band
        First and last coefficient, ``Ah``, ``Al``; 0 and 63 in sequential pictures.
    store
        Slots, coefficients as decoded (64 a recorded block), history (may be empty where
        nothing is refined).

    A block that was read stands as 64 numbers: the DC value at this scan's precision, or
    its one bit; then AC values, or in a refinement 1 and 2 for correction bits of 0 and 1,
    3 and 4 for a new coefficient above and below zero.
    """

    qe: cython.uint[::1]
    dc_low: cython.uchar[::1]
    ac_low: cython.uchar[::1]
    words: cython.uint[::1]
    unit_part: cython.uchar[::1]
    unit_row: cython.uchar[::1]
    unit_column: cython.uchar[::1]
    down: cython.longlong[::1]
    across: cython.longlong[::1]
    stride: cython.longlong[::1]
    base: cython.longlong[::1]
    dc_table: cython.longlong[::1]
    ac_table: cython.longlong[::1]
    begin_k: cython.int
    end_k: cython.int
    high: cython.int
    low: cython.int
    mcus_across: cython.longlong
    slots: cython.int[::1]
    coefficients: cython.short[::1]
    history: cython.ulonglong[::1]
    code: cython.uint
    span: cython.uint
    shift: cython.int
    at: cython.longlong
    end: cython.longlong
    bins: cython.uchar[::1]
    context: cython.int[::1]
    predictor: cython.int[::1]
    blocks: cython.short[::1]
    o: cython.longlong
    last: cython.int
    mcu: cython.longlong
    beyond = cython.declare(cython.longlong, visibility="public")

    def __init__(
        self, words, estimates, units, parts, conditioning, band, mcus_across, store
    ) -> None:
        from array import array

        self.words = words
        self.qe = estimates
        self.unit_part, self.unit_row, self.unit_column = units
        self.down, self.across, self.stride, self.base, self.dc_table, self.ac_table = parts
        self.dc_low, self.ac_low = conditioning
        self.begin_k, self.end_k, self.high, self.low = band
        self.mcus_across = mcus_across
        self.slots, self.coefficients, self.history = store
        self.bins = array("B", [0]) * (16 * 320 + 1)
        self.context = array("i", bytes(16))
        self.predictor = array("i", bytes(16))
        self.o = 0
        self.last = 0
        self.mcu = 0
        self.beyond = -1

    def start(
        self, mcu: cython.longlong, at: cython.longlong, end: cython.longlong
    ) -> None:
        """Stand at an interval's first MCU; its data are the bytes ``[at, end)`` of the words.

        ``beyond`` becomes the first MCU, if any, that took more than the data and the
        zeros that the decoder looks ahead.
        """
        k: cython.int
        self.beyond = -1
        self.mcu = mcu
        self.at = at
        self.end = end
        for k in range(16 * 320):
            self.bins[k] = 0
        self.bins[16 * 320] = 113
        for k in range(4):
            self.context[k] = 0
            self.predictor[k] = 0
        self.code = 0  # T.81 figure D.22
        self.span = 0x10000
        self.shift = 0
        with cython.nogil:
            self.code = self._byte() << 16
            self.code = (self.code | self._byte() << 8) << 8

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def _byte(self) -> cython.uint:
        byte: cython.uint = 0
        if self.at < self.end:
            byte = (self.words[self.at >> 2] >> (24 - 8 * (self.at & 3))) & 255
        self.at += 1
        return byte

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _decode(self, s: cython.longlong) -> cython.int:
        """Decode one decision with the estimate of bin ``s`` (T.81 D.2)."""
        state: cython.int = self.bins[s]
        entry: cython.uint = self.qe[state & 127]
        qe: cython.uint = entry >> 16
        bit: cython.int = state >> 7
        less: cython.bint
        self.span -= qe
        if (self.code >> 16) < self.span:
            if self.span >= 0x8000:
                return bit
            less = self.span < qe
        else:
            less = self.span >= qe
            self.code -= self.span << 16
            self.span = qe
        if less:
            bit ^= 1
            state = ((state & 128) ^ (entry >> 8 & 128)) | (entry >> 8 & 127)
        else:
            state = (state & 128) | (entry & 127)
        self.bins[s] = state
        while self.span < 0x8000:
            if self.shift == 0:
                self.code |= self._byte() << 8
                self.shift = 8
            self.span <<= 1
            self.code = (self.code & 0x7FFFFFFF) << 1
            self.shift -= 1
        return bit

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _read_dc(self, part: cython.int) -> cython.int:
        """Decode a DC difference (T.81 F.1.4.1, F.2.4.1)."""
        base: cython.longlong = self.dc_table[part] * 64
        s: cython.longlong = base + self.context[part]
        low: cython.int = self.dc_low[self.dc_table[part]] & 15
        high: cython.int = self.dc_low[self.dc_table[part]] >> 4
        sign: cython.int
        m: cython.int
        value: cython.int
        if self._decode(s) == 0:
            self.context[part] = 0
        else:
            sign = self._decode(s + 1)
            s += 2 + sign
            m = self._decode(s)
            if m:
                s = base + 20
                while self._decode(s):
                    m <<= 1
                    if m == 0x8000:
                        return -4
                    s += 1
            if m < (1 << low) >> 1:
                self.context[part] = 0
            elif m > (1 << high) >> 1:
                self.context[part] = 12 + 4 * sign
            else:
                self.context[part] = 4 + 4 * sign
            value = m
            s += 14
            m >>= 1
            while m:
                if self._decode(s):
                    value |= m
                m >>= 1
            value += 1
            self.predictor[part] += -value if sign else value
        value = self.predictor[part]
        if value * (1 << self.low) < -32768 or value * (1 << self.low) > 32767:
            return -4
        self.blocks[self.o] = value
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _read_ac(self, part: cython.int) -> cython.int:
        """Decode AC coefficients (T.81 F.1.4.2, F.2.4.2, G.1.3.2) into ``block``."""
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        kx: cython.int = self.ac_low[self.ac_table[part]]
        s: cython.longlong
        k: cython.int = self.begin_k if self.begin_k > 0 else 1
        sign: cython.int
        m: cython.int
        value: cython.int
        while k <= self.end_k:
            s = base + 3 * (k - 1)
            if self._decode(s):
                break
            while self._decode(s + 1) == 0:
                s += 3
                k += 1
                if k > self.end_k:
                    return -3
            sign = self._decode(5120)
            s += 2
            m = self._decode(s)
            if m and self._decode(s):
                m <<= 1
                s = base + (189 if k <= kx else 217)
                while self._decode(s):
                    m <<= 1
                    if m == 0x8000:
                        return -4
                    s += 1
            value = m
            s += 14
            m >>= 1
            while m:
                if self._decode(s):
                    value |= m
                m >>= 1
            value += 1
            if value << self.low > 32767:
                return -4
            self.blocks[self.o + k] = -value if sign else value
            self.last = k
            k += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _read_refinement(self, part: cython.int, past: cython.ulonglong) -> cython.int:
        """Decode one more bit of the AC coefficients (T.81 G.1.3.3) into ``block``."""
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        s: cython.longlong
        k: cython.int = self.begin_k
        known: cython.int = self.end_k
        while known > 0 and not (past >> known) & 1:
            known -= 1
        while k <= self.end_k:
            s = base + 3 * (k - 1)
            if k > known and self._decode(s):
                break
            while True:
                if (past >> k) & 1:
                    self.blocks[self.o + k] = 1 + self._decode(s + 2)
                    self.last = k
                    break
                if self._decode(s + 1):
                    self.blocks[self.o + k] = 3 + self._decode(5120)
                    self.last = k
                    break
                s += 3
                k += 1
                if k > self.end_k:
                    return -3
            k += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-99)
    def _read(
        self, part: cython.int, raster: cython.longlong, slot: cython.longlong
    ) -> cython.int:
        """Decode a block's share of the scan; note what is recorded."""
        k: cython.int
        value: cython.int
        old: cython.int
        status: cython.int = 0
        one: cython.ulonglong = 1
        past: cython.ulonglong = 0
        if self.begin_k == 0:
            if self.high > 0:
                self.blocks[self.o] = self._decode(5120)
                if slot >= 0 and self.blocks[self.o]:
                    self.coefficients[slot * 64] = self.coefficients[slot * 64] | (1 << self.low)
            else:
                status = self._read_dc(part)
                if status < 0:
                    return status
                if slot >= 0:
                    self.coefficients[slot * 64] = self.blocks[self.o] * (1 << self.low)
        if self.end_k == 0:
            return 0
        if len(self.history):
            past = self.history[raster]
        if self.high > 0:
            status = self._read_refinement(part, past)
        else:
            status = self._read_ac(part)
        if status < 0:
            return status
        for k in range(1, self.last + 1):
            value = self.blocks[self.o + k]
            if value == 0:
                continue
            past |= one << k
            if slot < 0:
                continue
            if self.high == 0:
                self.coefficients[slot * 64 + k] = value * (1 << self.low)
                continue
            if value > 2:
                self.coefficients[slot * 64 + k] = (1 if value == 3 else -1) * (1 << self.low)
            elif value == 2:
                old = self.coefficients[slot * 64 + k]
                if ((old if old >= 0 else -old) >> self.low) & 1 == 0:
                    old += (1 << self.low) if old >= 0 else -(1 << self.low)
                    self.coefficients[slot * 64 + k] = old
        if len(self.history):
            self.history[raster] = past
        return 0

    def run(
        self, mcus: cython.longlong, blocks: cython.short[::1], lasts: cython.uchar[::1],
        slots: cython.int[::1],
    ) -> int:
        """Read ``mcus`` MCUs into ``blocks`` (64 a data unit, zeros so far).

        Also which of their AC values is the last that is not zero, and their slots.
        Returns 0, or one of the negative numbers of this module.
        """
        status: cython.int = 0
        m: cython.longlong
        u: cython.int
        part: cython.int
        raster: cython.longlong
        index: cython.longlong = 0
        units: cython.int = len(self.unit_part)
        self.blocks = blocks
        with cython.nogil:
            for m in range(mcus):
                for u in range(units):
                    part = self.unit_part[u]
                    raster = (
                        self.base[part]
                        + (self.mcu // self.mcus_across * self.down[part] + self.unit_row[u])
                        * self.stride[part]
                        + self.mcu % self.mcus_across * self.across[part]
                        + self.unit_column[u]
                    )
                    slots[index] = self.slots[raster]
                    self.o = index * 64
                    self.last = 0
                    status = self._read(part, raster, slots[index])
                    if status < 0:
                        break
                    lasts[index] = self.last
                    index += 1
                if status < 0:
                    break
                if self.beyond < 0 and self.at > self.end + 3:
                    self.beyond = self.mcu
                self.mcu += 1
        return status
