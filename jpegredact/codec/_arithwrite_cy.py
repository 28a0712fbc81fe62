# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core of arithmetic-coded scans, writing (ITU-T T.81 D.1, F.1.4, G.1.3).

Blocks come as ``_arithread_cy`` reads them, touched ones are put in their place. The
house rules of ``_scan_cy`` hold here too.
"""

import cython

__all__ = ["ArithmeticWriter", "is_compiled"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cclass
class ArithmeticWriter:
    """Encodes the blocks of one scan's intervals; arguments as of `ArithmeticReader`.

    ``tables`` are the DC and AC tables of each part, ``touched`` says it of each slot.
    ``target`` holds the coefficients to put in, 64 a slot, and ``state`` becomes what a
    reader then has of them.
    """

    qe: cython.uint[::1]
    dc_low: cython.uchar[::1]
    ac_low: cython.uchar[::1]
    unit_part: cython.uchar[::1]
    dc_table: cython.longlong[::1]
    ac_table: cython.longlong[::1]
    begin_k: cython.int
    end_k: cython.int
    high: cython.int
    low: cython.int
    touched: cython.uchar[::1]
    target: cython.short[::1]
    state: cython.short[::1]
    code: cython.ulonglong
    span: cython.uint
    shift: cython.int
    byte: cython.int
    stack: cython.longlong
    bins: cython.uchar[::1]
    context: cython.int[::1]
    predictor: cython.int[::1]
    out: cython.uchar[::1]
    o: cython.longlong
    blocks: cython.short[::1]
    base: cython.longlong
    last: cython.int

    def __init__(
        self, estimates, unit_part, tables, conditioning, band, touched, target, state
    ) -> None:
        from array import array

        self.qe = estimates
        self.unit_part = unit_part
        self.dc_table, self.ac_table = tables
        self.dc_low, self.ac_low = conditioning
        self.begin_k, self.end_k, self.high, self.low = band
        self.touched = touched
        self.target = target
        self.state = state
        self.bins = array("B", [0]) * (16 * 320 + 1)
        self.context = array("i", bytes(16))
        self.predictor = array("i", bytes(16))
        self.out = array("B", [0]) * (1 << 16)
        self.base = 0
        self.last = 0

    def start(self) -> None:
        """Begin an interval (T.81 figure D.9)."""
        k: cython.int
        for k in range(16 * 320):
            self.bins[k] = 0
        self.bins[16 * 320] = 113
        for k in range(4):
            self.context[k] = 0
            self.predictor[k] = 0
        self.code = 0
        self.span = 0x10000
        self.shift = 11
        self.byte = -1
        self.stack = 0
        self.o = 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _encode(self, s: cython.longlong, bit: cython.int) -> cython.int:
        """Encode one decision with the estimate of bin ``s`` (T.81 D.1)."""
        state: cython.int = self.bins[s]
        entry: cython.uint = self.qe[state & 127]
        qe: cython.uint = entry >> 16
        self.span -= qe
        if bit != state >> 7:
            if self.span >= qe:
                self.code += self.span
                self.span = qe
            state = ((state & 128) ^ (entry >> 8 & 128)) | (entry >> 8 & 127)
        else:
            if self.span >= 0x8000:
                return 0
            if self.span < qe:
                self.code += self.span
                self.span = qe
            state = (state & 128) | (entry & 127)
        self.bins[s] = state
        while self.span < 0x8000:
            self.span <<= 1
            self.code <<= 1
            self.shift -= 1
            if self.shift == 0:
                self._byte_out()
                self.shift = 8
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _byte_out(self) -> cython.int:
        """Write a byte (T.81 figure D.7), without stuffing."""
        top: cython.int = cython.cast(cython.int, self.code >> 19)
        if top > 255:
            if self.byte >= 0:
                self._emit(self.byte + 1)
            while self.stack > 0:
                self._emit(0)
                self.stack -= 1
            self.byte = top & 255
        elif top == 255:
            self.stack += 1
        else:
            if self.byte >= 0:
                self._emit(self.byte)
            while self.stack > 0:
                self._emit(255)
                self.stack -= 1
            self.byte = top
        self.code &= 0x7FFFF
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _emit(self, byte: cython.int) -> cython.int:
        self.out[self.o] = byte
        self.o += 1
        return 0

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        from array import array

        done = bytes(self.out[: self.o])
        self.o = 0
        if self.stack > len(self.out) // 4:  # 0xFF bytes that a carry may still turn to zeros
            self.out = array("B", [0]) * (4 * self.stack + 65536)
        return done

    def finish(self) -> bytes:
        """End the interval (T.81 figure D.13) and return its last bytes."""
        top: cython.ulonglong = (self.code + self.span - 1) & 0xFFFF0000
        if top < self.code:
            top += 0x8000
        self.code = top << self.shift
        with cython.nogil:
            self._byte_out()
            self.code <<= 8
            self._byte_out()
            if self.byte >= 0:
                self._emit(self.byte)
            while self.stack > 0:
                self._emit(255)
                self.stack -= 1
        return self.take()

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_dc(self, part: cython.int, dc: cython.int) -> cython.int:
        base: cython.longlong = self.dc_table[part] * 64
        s: cython.longlong = base + self.context[part]
        low: cython.int = self.dc_low[self.dc_table[part]] & 15
        high: cython.int = self.dc_low[self.dc_table[part]] >> 4
        value: cython.int = dc - self.predictor[part]
        sign: cython.int = 1 if value < 0 else 0
        m: cython.int = 0
        rest: cython.int
        self.predictor[part] = dc
        if value == 0:
            self._encode(s, 0)
            self.context[part] = 0
            return 0
        self._encode(s, 1)
        self._encode(s + 1, sign)
        s += 2 + sign
        value = (-value if sign else value) - 1
        if value:
            self._encode(s, 1)
            m = 1
            s = base + 20
            rest = value >> 1
            while rest:
                self._encode(s, 1)
                m <<= 1
                s += 1
                rest >>= 1
        self._encode(s, 0)
        if m < (1 << low) >> 1:
            self.context[part] = 0
        elif m > (1 << high) >> 1:
            self.context[part] = 12 + 4 * sign
        else:
            self.context[part] = 4 + 4 * sign
        s += 14
        m >>= 1
        while m:
            self._encode(s, 1 if value & m else 0)
            m >>= 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_ac(self, part: cython.int) -> cython.int:
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        kx: cython.int = self.ac_low[self.ac_table[part]]
        s: cython.longlong
        k: cython.int = self.begin_k if self.begin_k > 0 else 1
        last: cython.int = self.last
        value: cython.int
        rest: cython.int
        m: cython.int
        while k <= last:
            s = base + 3 * (k - 1)
            self._encode(s, 0)
            while self.blocks[self.base + k] == 0:
                self._encode(s + 1, 0)
                s += 3
                k += 1
            self._encode(s + 1, 1)
            value = self.blocks[self.base + k]
            self._encode(5120, 1 if value < 0 else 0)
            value = (-value if value < 0 else value) - 1
            s += 2
            m = 0
            if value:
                self._encode(s, 1)
                m = 1
                rest = value >> 1
                if rest:
                    self._encode(s, 1)
                    m <<= 1
                    s = base + (189 if k <= kx else 217)
                    rest >>= 1
                    while rest:
                        self._encode(s, 1)
                        m <<= 1
                        s += 1
                        rest >>= 1
            self._encode(s, 0)
            s += 14
            m >>= 1
            while m:
                self._encode(s, 1 if value & m else 0)
                m >>= 1
            k += 1
        if k <= self.end_k:
            self._encode(base + 3 * (k - 1), 1)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_refinement(self, part: cython.int) -> cython.int:
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        s: cython.longlong
        k: cython.int = self.begin_k
        last: cython.int = self.last
        known: cython.int
        known = last
        while known >= k and (self.blocks[self.base + known] == 0 or self.blocks[self.base + known] > 2):
            known -= 1
        while k <= last:
            s = base + 3 * (k - 1)
            if k > known:
                self._encode(s, 0)
            while self.blocks[self.base + k] == 0:
                self._encode(s + 1, 0)
                s += 3
                k += 1
            if self.blocks[self.base + k] < 3:
                self._encode(s + 2, self.blocks[self.base + k] - 1)
            else:
                self._encode(s + 1, 1)
                self._encode(5120, self.blocks[self.base + k] - 3)
            k += 1
        if k <= self.end_k:
            self._encode(base + 3 * (k - 1), 1)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _put_in(self, slot: cython.longlong) -> cython.int:
        """Make the block at hand a touched one's."""
        base: cython.longlong = slot * 64
        last: cython.int = 0
        k: cython.int
        value: cython.int
        past: cython.int
        magnitude: cython.int
        step: cython.int = 1 << self.low
        if self.begin_k == 0:
            value = self.target[base] >> self.low
            if self.high > 0:
                value &= 1
                self.state[base] = self.state[base] | (value << self.low)
            else:
                self.state[base] = value * step
            self.blocks[self.base] = value
        for k in range(self.begin_k if self.begin_k > 0 else 1, self.end_k + 1):
            value = self.target[base + k]
            magnitude = (value if value >= 0 else -value) >> self.low
            self.blocks[self.base + k] = 0
            if self.high == 0:
                if magnitude:
                    last = k
                self.blocks[self.base + k] = magnitude if value >= 0 else -magnitude
                if magnitude:
                    self.state[base + k] = self.blocks[self.base + k] * step
                continue
            past = self.state[base + k]
            magnitude &= 1
            if past != 0 or magnitude:
                last = k
            if past != 0:
                self.blocks[self.base + k] = 1 + magnitude
                if magnitude and ((past if past >= 0 else -past) >> self.low) & 1 == 0:
                    self.state[base + k] = past + (step if past >= 0 else -step)
            elif magnitude:
                self.blocks[self.base + k] = 3 if value >= 0 else 4
                self.state[base + k] = step if value >= 0 else -step
        self.last = last
        return 0

    def run(
        self, start: cython.longlong, count: cython.longlong, blocks: cython.short[::1],
        lasts: cython.uchar[::1], slots: cython.int[::1],
    ) -> int:
        """Write the data units ``[start, count)`` of whole MCUs, as they were read.

        Returns how far it came: less than ``count`` where there was no room (then `take`
        what is there).
        """
        i: cython.longlong = start
        part: cython.int
        units: cython.int = len(self.unit_part)
        room: cython.longlong = len(self.out) - 32768
        self.blocks = blocks
        with cython.nogil:
            while i < count and self.o + self.stack < room:
                part = self.unit_part[i % units]
                self.base = i * 64
                self.last = lasts[i]
                if slots[i] >= 0 and self.touched[slots[i]]:
                    self._put_in(slots[i])
                if self.begin_k == 0:
                    if self.high > 0:
                        self._encode(5120, self.blocks[self.base])
                    else:
                        self._write_dc(part, self.blocks[self.base])
                if self.end_k > 0:
                    if self.high > 0:
                        self._write_refinement(part)
                    else:
                        self._write_ac(part)
                i += 1
        return i
