# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core of arithmetic-coded scans (ITU-T T.81 annex D, F.1.4, F.2.4, G.1.3).

Its states adapt, so a changed block changes all bits behind it in the interval.
`Transcoder` therefore decodes and encodes in step: no coefficient of an untouched
block is kept, and none can change.

Words as in ``_scan_cy``, whose house rules hold here too. The blocks of all
components are numbered in one row, each component's in raster order of its padded
grid; ``slots`` maps these to recorded blocks, -1 elsewhere. A *history* has a bit for
each coefficient of a block that is not zero so far.
"""

import cython

__all__ = ["BAD_RUN", "BAD_VALUE", "Transcoder", "is_compiled"]

BAD_RUN = -3  # a run of coefficients that leaves its band
BAD_VALUE = -4  # a value that has too many bits


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


# T.81 table D.3: Qe, next index behind the less probable symbol (128 more: the sense
# of the more probable one switches), next index behind the more probable one. The last
# entry is the fixed estimate of one half, which never changes.
_TABLE = bytes.fromhex(
    "5a1d810125860e0211141003080b120403d8140501da170600e51907006f1c0800361e09001a210a"
    "000d230b0006090c00030a0d00010c0d5a7f8f0f3f2524102cf22611207c271217b9281311822a14"
    "0cef2b1509a12d16072f2e17055c3018040631190303331a0240341b01b1361c0144381d00f5391e"
    "00b73b1f008a3c2000683e21004e3f22003b2023002c21095ae1a525484c40263a0d41272ef14328"
    "261f44291f33452a19a8462b1518482c1177492d0e744a2e0bfb4b2f09f84d3008614e3107064f32"
    "05cd303304de3234040f32350363333602d43437025c353801f8363901a4373a0160383b0125393c"
    "00f63a3d00cb3b3e00ab3d3f008f3d205b12c1414d045042412c514337d852442fe85345293c5446"
    "237956471edf57481aa95749174e484a1424484b119c4a4c0f6b4a4d0d514b4e0bb64d4f0a404d30"
    "5832d0514d1c5852438e59533bdd5a5434ee5b552eae5c56299a5d57251656475570d8594ca95f5a"
    "44d9605b3e22615c3824635d32b4635e2e175d5656a8df604f46656147e5666241cf67633c3d6864"
    "375e635d523169664c0f6a6746396b68415e67635627e96a50e76c6b4b856d6755976e6d504f6f6b"
    "5a10ee6f5522706d59ebf06f5a1d7171"
)

@cython.cclass
class Transcoder:
    """Decodes the blocks of one scan's intervals, and in step encodes them with others put in.

    Parameters
    ----------
    words
        Data of the intervals.
    units, parts
        For each data unit of the MCU: part (component of the scan), row and column in the
        MCU. For each part: blocks per MCU down and across, width of the padded grid, number
        of its first block, DC and AC table.
    conditioning
        ``U << 4 | L`` by DC table and ``Kx`` by AC table.
    band
        First and last coefficient, ``Ah``, ``Al``; 0 and 63 in sequential pictures.
    store
        Slots, touched, coefficients as decoded (64 a recorded block), history (may be
        empty where nothing is refined).
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
    touched: cython.uchar[::1]
    coefficients: cython.short[::1]
    history: cython.ulonglong[::1]
    # decoder
    code: cython.uint
    span: cython.uint
    shift: cython.int
    at: cython.longlong
    end: cython.longlong
    bins: cython.uchar[::1]
    context: cython.int[::1]
    predictor: cython.int[::1]
    # encoder
    e_code: cython.ulonglong
    e_span: cython.uint
    e_shift: cython.int
    e_byte: cython.int
    e_stack: cython.longlong
    e_zeros: cython.longlong
    e_bins: cython.uchar[::1]
    e_context: cython.int[::1]
    e_predictor: cython.int[::1]
    out: cython.uchar[::1]
    o: cython.longlong
    # the block at hand: DC value at this scan's scale; AC values, or in a refinement
    # 1 and 2 for correction bits of 0 and 1, 3 and 4 for a new one above and below zero
    dc: cython.int
    block: cython.int[::1]
    mcu = cython.declare(cython.longlong, visibility="public")

    def __init__(
        self, words, units, parts, conditioning, band, mcus_across, store
    ) -> None:
        from array import array

        k: cython.int
        table = array("I", bytes(4 * 114))
        for k in range(114):
            table[k] = int.from_bytes(_TABLE[4 * k : 4 * k + 4], "big")
        self.qe = table
        self.dc_low, self.ac_low = conditioning
        self.words = words
        self.unit_part, self.unit_row, self.unit_column = units
        self.down, self.across, self.stride, self.base, self.dc_table, self.ac_table = parts
        self.begin_k, self.end_k, self.high, self.low = band
        self.mcus_across = mcus_across
        self.slots, self.touched, self.coefficients, self.history = store
        self.bins = array("B", bytes(16 * 320 + 1))
        self.e_bins = array("B", bytes(16 * 320 + 1))
        self.context = array("i", bytes(16))
        self.e_context = array("i", bytes(16))
        self.predictor = array("i", bytes(16))
        self.e_predictor = array("i", bytes(16))
        self.block = array("i", bytes(256))
        self.out = array("B", bytes(1 << 17))
        self.o = 0
        self.mcu = 0

    def start(
        self, mcu: cython.longlong, at: cython.longlong, end: cython.longlong
    ) -> None:
        """Stand at an interval's first MCU; its data are the bytes ``[at, end)`` of the words."""
        k: cython.int
        self.mcu = mcu
        self.at = at
        self.end = end
        for k in range(16 * 320):
            self.bins[k] = 0
            self.e_bins[k] = 0
        self.bins[16 * 320] = 113
        self.e_bins[16 * 320] = 113
        for k in range(4):
            self.context[k] = self.e_context[k] = 0
            self.predictor[k] = self.e_predictor[k] = 0
        self.code = 0  # T.81 figure D.22
        self.span = 0x10000
        self.shift = 0
        with cython.nogil:
            self.code = self._byte() << 16
            self.code = (self.code | self._byte() << 8) << 8
        self.e_code = 0  # figure D.9
        self.e_span = 0x10000
        self.e_shift = 11
        self.e_byte = -1
        self.e_stack = 0
        self.e_zeros = 0
        self.o = 0

    # ---------------------------------------------------------------- coder

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
    @cython.exceptval(-1)
    def _encode(self, s: cython.longlong, bit: cython.int) -> cython.int:
        """Encode one decision with the estimate of bin ``s`` (T.81 D.1)."""
        state: cython.int = self.e_bins[s]
        entry: cython.uint = self.qe[state & 127]
        qe: cython.uint = entry >> 16
        self.e_span -= qe
        if bit != state >> 7:
            if self.e_span >= qe:
                self.e_code += self.e_span
                self.e_span = qe
            state = ((state & 128) ^ (entry >> 8 & 128)) | (entry >> 8 & 127)
        else:
            if self.e_span >= 0x8000:
                return 0
            if self.e_span < qe:
                self.e_code += self.e_span
                self.e_span = qe
            state = (state & 128) | (entry & 127)
        self.e_bins[s] = state
        while self.e_span < 0x8000:
            self.e_span <<= 1
            self.e_code <<= 1
            self.e_shift -= 1
            if self.e_shift == 0:
                self._byte_out()
                self.e_shift = 8
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _byte_out(self) -> cython.int:
        """T.81 figure D.7, without stuffing; the last zero bytes are held back (figure D.15)."""
        top: cython.int = cython.cast(cython.int, self.e_code >> 19)
        if top > 255:
            if self.e_byte >= 0:
                self._emit(self.e_byte + 1)
            while self.e_stack > 0:
                self._emit(0)
                self.e_stack -= 1
            self.e_byte = top & 255
        elif top == 255:
            self.e_stack += 1
        else:
            if self.e_byte >= 0:
                self._emit(self.e_byte)
            while self.e_stack > 0:
                self._emit(255)
                self.e_stack -= 1
            self.e_byte = top
        self.e_code &= 0x7FFFF
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _emit(self, byte: cython.int) -> cython.int:
        if byte == 0:
            self.e_zeros += 1
            return 0
        while self.e_zeros > 0 and self.o < len(self.out):
            self.out[self.o] = 0
            self.o += 1
            self.e_zeros -= 1
        self.out[self.o] = byte
        self.o += 1
        return 0

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        done = bytes(self.out[: self.o])
        self.o = 0
        return done

    def finish(self) -> bytes:
        """End the interval (T.81 figure D.13) and return its last bytes, final zeros discarded."""
        top: cython.ulonglong = (self.e_code + self.e_span - 1) & 0xFFFF0000
        if top < self.e_code:
            top += 0x8000
        self.e_code = top << self.e_shift
        with cython.nogil:
            self._byte_out()
            self.e_code <<= 8
            self._byte_out()
            if self.e_byte >= 0:
                self._emit(self.e_byte)
            while self.e_stack > 0:
                self._emit(255)
                self.e_stack -= 1
        return self.take()

    # --------------------------------------------------------------- blocks

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
        self.dc = self.predictor[part]
        if self.dc * (1 << self.low) < -32768 or self.dc * (1 << self.low) > 32767:
            return -4
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_dc(self, part: cython.int, dc: cython.int) -> cython.int:
        base: cython.longlong = self.dc_table[part] * 64
        s: cython.longlong = base + self.e_context[part]
        low: cython.int = self.dc_low[self.dc_table[part]] & 15
        high: cython.int = self.dc_low[self.dc_table[part]] >> 4
        value: cython.int = dc - self.e_predictor[part]
        sign: cython.int = 1 if value < 0 else 0
        m: cython.int = 0
        rest: cython.int
        self.e_predictor[part] = dc
        if value == 0:
            self._encode(s, 0)
            self.e_context[part] = 0
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
            self.e_context[part] = 0
        elif m > (1 << high) >> 1:
            self.e_context[part] = 12 + 4 * sign
        else:
            self.e_context[part] = 4 + 4 * sign
        s += 14
        m >>= 1
        while m:
            self._encode(s, 1 if value & m else 0)
            m >>= 1
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
            self.block[k] = -value if sign else value
            k += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_ac(self, part: cython.int) -> cython.int:
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        kx: cython.int = self.ac_low[self.ac_table[part]]
        s: cython.longlong
        k: cython.int = self.begin_k if self.begin_k > 0 else 1
        last: cython.int = self.end_k
        value: cython.int
        rest: cython.int
        m: cython.int
        while last >= k and self.block[last] == 0:
            last -= 1
        while k <= last:
            s = base + 3 * (k - 1)
            self._encode(s, 0)
            while self.block[k] == 0:
                self._encode(s + 1, 0)
                s += 3
                k += 1
            self._encode(s + 1, 1)
            value = self.block[k]
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
                    self.block[k] = 1 + self._decode(s + 2)
                    break
                if self._decode(s + 1):
                    self.block[k] = 3 + self._decode(5120)
                    break
                s += 3
                k += 1
                if k > self.end_k:
                    return -3
            k += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _write_refinement(self, part: cython.int) -> cython.int:
        base: cython.longlong = 1024 + self.ac_table[part] * 256
        s: cython.longlong
        k: cython.int = self.begin_k
        last: cython.int = self.end_k
        known: cython.int
        while last >= k and self.block[last] == 0:
            last -= 1
        known = last
        while known >= k and (self.block[known] == 0 or self.block[known] > 2):
            known -= 1
        while k <= last:
            s = base + 3 * (k - 1)
            if k > known:
                self._encode(s, 0)
            while self.block[k] == 0:
                self._encode(s + 1, 0)
                s += 3
                k += 1
            if self.block[k] < 3:
                self._encode(s + 2, self.block[k] - 1)
            else:
                self._encode(s + 1, 1)
                self._encode(5120, self.block[k] - 3)
            k += 1
        if k <= self.end_k:
            self._encode(base + 3 * (k - 1), 1)
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
        for k in range(64):
            self.block[k] = 0
        if self.begin_k == 0:
            if self.high > 0:
                self.dc = self._decode(5120)
                if slot >= 0 and self.dc:
                    self.coefficients[slot * 64] = self.coefficients[slot * 64] | (1 << self.low)
            else:
                status = self._read_dc(part)
                if status < 0:
                    return status
                if slot >= 0:
                    self.coefficients[slot * 64] = self.dc * (1 << self.low)
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
        for k in range(1, 64):
            value = self.block[k]
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
                    if old < -32767 or old > 32767:
                        return -4
                    self.coefficients[slot * 64 + k] = old
        if len(self.history):
            self.history[raster] = past
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _put_in(
        self, slot: cython.longlong, target: cython.short[::1], state: cython.short[::1]
    ) -> cython.int:
        """Make the block at hand a touched one's; ``state``: what a reader then has of it."""
        base: cython.longlong = slot * 64
        k: cython.int
        value: cython.int
        past: cython.int
        magnitude: cython.int
        step: cython.int = 1 << self.low
        if self.begin_k == 0:
            self.dc = target[base] >> self.low
            if self.high > 0:
                self.dc &= 1
                state[base] = state[base] | (self.dc << self.low)
            else:
                state[base] = self.dc * step
        for k in range(self.begin_k if self.begin_k > 0 else 1, self.end_k + 1):
            value = target[base + k]
            magnitude = (value if value >= 0 else -value) >> self.low
            self.block[k] = 0
            if self.high == 0:
                self.block[k] = magnitude if value >= 0 else -magnitude
                if magnitude:
                    state[base + k] = self.block[k] * step
                continue
            past = state[base + k]
            magnitude &= 1
            if past != 0:
                self.block[k] = 1 + magnitude
                if magnitude and ((past if past >= 0 else -past) >> self.low) & 1 == 0:
                    state[base + k] = past + (step if past >= 0 else -step)
            elif magnitude:
                self.block[k] = 3 if value >= 0 else 4
                state[base + k] = step if value >= 0 else -step
        return 0

    def run(
        self, mcus: cython.longlong, write: cython.bint, target: cython.short[::1],
        state: cython.short[::1],
    ) -> tuple:
        """Pass up to ``mcus`` MCUs; fewer where the room for output ends (then `take` it).

        Returns how many, and 0 or one of the negative numbers of this module.
        """
        status: cython.int = 0
        m: cython.longlong = 0
        u: cython.int
        part: cython.int
        raster: cython.longlong
        slot: cython.longlong
        units: cython.int = len(self.unit_part)
        room: cython.longlong = len(self.out) - 65536
        with cython.nogil:
            while m < mcus and status == 0 and self.o + self.e_stack + self.e_zeros < room:
                for u in range(units):
                    part = self.unit_part[u]
                    raster = (
                        self.base[part]
                        + (self.mcu // self.mcus_across * self.down[part] + self.unit_row[u])
                        * self.stride[part]
                        + self.mcu % self.mcus_across * self.across[part]
                        + self.unit_column[u]
                    )
                    slot = self.slots[raster]
                    status = self._read(part, raster, slot)
                    if status < 0:
                        break
                    if not write:
                        continue
                    if slot >= 0 and self.touched[slot]:
                        self._put_in(slot, target, state)
                    if self.begin_k == 0:
                        if self.high > 0:
                            self._encode(5120, self.dc)
                        else:
                            self._write_dc(part, self.dc)
                    if self.end_k > 0:
                        if self.high > 0:
                            self._write_refinement(part)
                        else:
                            self._write_ac(part)
                if status == 0:
                    self.mcu += 1
                    m += 1
        return m, status
