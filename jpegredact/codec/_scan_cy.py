# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core, reading: where the blocks of an entropy-coded segment are.

Cython in pure-Python mode: this one file is both the compiled module and its
readable, interpretable twin; the tests run both against each other. It knows
bits, Huffman codes, data units and flat arrays of them. It knows no markers,
files, regions, diffs or errors: what goes wrong comes back as one of the
negative numbers below, and ``codec.walk`` turns it into an exception with a
byte offset.

House rules, held by a test: no pointers, no ``malloc``, no casts but between
integers, no check switched off. The bit reservoirs keep their *n* valid bits
at the low end and are masked with 32-bit constants only, so that the same
lines neither overflow when interpreted nor fall back to Python integers when
compiled.

A position is the number of a data bit, counted from the first one of its restart
interval, byte stuffing and fill bytes left out. Data without stuffing is kept as
big-endian 32-bit words (``array('I')`` in native order).
"""

import cython

__all__ = [
    "BAD_CODE",
    "BAD_DATA",
    "BAD_DC",
    "BAD_RUN",
    "AT_ONCE",
    "IntervalWriter",
    "ScanCursor",
    "Unstuffer",
    "is_compiled",
    "room",
]

BAD_DATA = -1  # the data ends before the last data unit does
BAD_CODE = -2  # bits that are no code of the table
BAD_RUN = -3  # a run of coefficients that leaves the block
BAD_DC = -4  # a DC value outside 16 bits

AT_ONCE = 64  # MCUs that `ScanCursor.advance` records in one call, at most
CHUNK = 1024  # words; a run of recorded MCUs looks back for less than two chunks


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


@cython.cclass
class Unstuffer:
    """Takes the stuffing out of an interval, some words at a time (T.81 B.1.1.5).

    ``words[2:filled]`` are those from bit ``base + 64`` of the interval on; the two in
    front of them are the last of the chunk before. Behind the data follow four words
    of zeros; then ``total`` is how many bits of data there are (before, -1).
    """

    raw: cython.const[cython.uchar][::1]
    quads: cython.const[cython.uint][::1]
    little: cython.bint
    words: cython.uint[::1]
    acc: cython.ulonglong
    held: cython.int
    next: cython.longlong
    stop: cython.longlong
    filled: cython.longlong
    base: cython.longlong
    chunk_raw: cython.longlong
    chunk_byte: cython.longlong
    before_raw: cython.longlong
    before_byte: cython.longlong
    total = cython.declare(cython.longlong, visibility="public")
    fill = cython.declare(cython.longlong, visibility="public")

    def __init__(self, raw, quads, little) -> None:
        from array import array

        self.raw = raw
        self.quads = quads
        self.little = little
        self.words = array("I", [0]) * (CHUNK + 8)
        self._begin(0, 0, 0)

    def load(
        self, start: cython.longlong, end: cython.longlong, out: cython.uint[::1],
        at: cython.longlong,
    ) -> tuple:
        """Put the data of the interval ``raw[start:end]`` into ``out``, from word ``at`` on.

        Returns how many bytes of data and of fill there are. The rest of the last word is
        zero, and the words behind it are left as they are.
        """
        k: cython.longlong
        count: cython.longlong
        self._begin(start, end, 0)
        with cython.nogil:
            while self._more():
                count = self.filled - 2
                if self.total >= 0:
                    count = (self.total - self.base - 64 + 31) >> 5
                for k in range(count):
                    out[at + k] = self.words[2 + k]
                at += count
        return self.total >> 3, self.fill

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _begin(
        self, start: cython.longlong, end: cython.longlong, byte: cython.longlong
    ) -> cython.int:
        """Stand at ``raw[start]``, which is data byte ``byte`` of an interval that ends at ``end``."""
        self.acc = 0
        self.held = 0
        self.next = start
        self.stop = end
        self.filled = 2
        self.base = 8 * byte - 64
        self.total = -1
        self.fill = 0
        self.words[0] = 0
        self.words[1] = 0
        self.chunk_raw = start
        self.chunk_byte = byte
        self.before_raw = start
        self.before_byte = byte
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _more(self) -> cython.int:
        """Go on to the next chunk; return whether there is one."""
        raw = self.raw
        quads = self.quads
        words = self.words
        i: cython.longlong = self.next
        end: cython.longlong = self.stop
        o: cython.longlong = 2
        room: cython.longlong = len(words) - 8
        whole: cython.longlong = len(quads) * 4
        mask: cython.ulonglong = 0xFFFFFFFF
        high: cython.uint = 0x80808080
        acc: cython.ulonglong = self.acc
        held: cython.int = self.held
        little: cython.bint = self.little
        a: cython.uint
        if self.total >= 0:
            return 0
        self.base += 32 * (self.filled - 2)
        self.before_raw = self.chunk_raw
        self.before_byte = self.chunk_byte
        self.chunk_raw = i
        self.chunk_byte = ((self.base + 64) >> 3) + (held >> 3)
        words[0] = words[self.filled - 2]
        words[1] = words[self.filled - 1]
        if whole > end:
            whole = end
        while o < room:
            if (i & 3) == 0 and i + 4 <= whole:
                a = quads[i >> 2]
                if (((a & 0x7F7F7F7F) + 0x01010101) & a & high) == 0:  # no byte of it is 0xFF
                    if little:
                        a = (a >> 24) | ((a >> 8) & 0xFF00) | ((a & 0xFF00) << 8) | (a & 255) << 24
                    acc = ((acc & 0xFFFFFF) << 32) | a
                    words[o] = (acc >> held) & mask
                    o += 1
                    i += 4
                    continue
            if i >= end:
                break
            a = raw[i]
            i += 1
            if a == 255:
                while i < end and raw[i] == 255:  # fill bytes (B.1.1.2)
                    i += 1
                    self.fill += 1
                if i < end and raw[i] == 0:
                    i += 1
                elif i == end:  # fill before a marker: no data
                    self.fill += 1
                    break
            acc = ((acc & 0xFFFFFF) << 8) | a
            held += 8
            if held == 32:
                words[o] = acc & mask
                o += 1
                held = 0
                acc = 0
        if o < room:
            self.total = self.base + 32 * o + held
            words[o] = ((acc & 0xFFFFFF) << (32 - held)) & mask if held else 0
            words[o + 1] = 0
            words[o + 2] = 0
            words[o + 3] = 0
            o += 4
            i = end
        self.acc = acc
        self.held = held
        self.next = i
        self.filled = o
        return 1


# --------------------------------------------------------------------------
# Scanning: where the blocks are (ITU-T T.81 F.2)
# --------------------------------------------------------------------------


def room(units: int) -> int:
    """Return how many words `ScanCursor.advance` may keep in one call."""
    return AT_ONCE * units * 62 + 16  # a block takes 31 bits for each coefficient at most


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(0, check=True)
def _window(words: cython.uint[::1], at: cython.longlong) -> cython.ulonglong:
    """Return the 64 bits of ``words`` from bit ``at`` on."""
    mask: cython.ulonglong = 0xFFFFFFFF
    i: cython.longlong = at >> 5
    n: cython.int = 32 - cython.cast(cython.int, at & 31)
    before: cython.ulonglong = words[i]
    middle: cython.ulonglong = words[i + 1]
    return ((((before << 32) | middle) >> n) & mask) << 32 | (
        ((middle << 32) | words[i + 2]) >> n
    ) & mask


@cython.cclass
class ScanCursor(Unstuffer):
    """Walks the MCUs of a Huffman-coded sequential scan, skipping or recording blocks.

    ``component``, ``dc_table`` and ``ac_table`` name, for each data unit of the
    MCU, the predictor and the tables in use. Recorded blocks go to the four
    parallel arrays: first bit, bits of the DC difference, bits of the whole
    block, absolute DC value. A block has ``coefficients`` of them: 64, or 1 in a
    DC scan of a progressive picture. The words that hold recorded blocks go to
    ``kept`` (as long as `room` says), call by call; laid end to end they are where first
    bits are numbered, ``shift`` more than in the interval.
    """

    component: cython.uchar[::1]
    dc_table: cython.uchar[::1]
    ac_table: cython.uchar[::1]
    dc_fast: cython.ushort[::1]
    ac_fast: cython.ushort[::1]
    dc_full: cython.ushort[::1]
    ac_full: cython.ushort[::1]
    first_bit: cython.longlong[::1]
    dc_bits: cython.uchar[::1]
    bits: cython.int[::1]
    dc: cython.int[::1]
    predictors: cython.int[::1]
    coefficients: cython.int
    kept: cython.uint[::1]
    keeping: cython.longlong
    log_bits: cython.longlong[::1]
    log_dc: cython.int[::1]
    drawn: cython.int[::1]
    draws: cython.uchar[::1]
    logged = cython.declare(cython.longlong, visibility="public")
    bound = cython.declare(cython.int, visibility="public")
    position = cython.declare(cython.longlong, visibility="public")
    end = cython.declare(cython.longlong, visibility="public")
    passed = cython.declare(cython.longlong, visibility="public")
    whole = cython.declare(cython.longlong, visibility="public")
    shift = cython.declare(cython.longlong, visibility="public")
    taken = cython.declare(cython.longlong, visibility="public")
    count: cython.longlong

    def __init__(self, raw, quads, little, units, tables, blocks, kept, coefficients) -> None:
        from array import array

        Unstuffer.__init__(self, raw, quads, little)
        self.coefficients = coefficients
        self.component, self.dc_table, self.ac_table = units
        self.dc_fast, self.ac_fast, self.dc_full, self.ac_full = tables
        self.first_bit, self.dc_bits, self.bits, self.dc = blocks
        self.predictors = array("i", [0]) * (max(units[0]) + 1)
        self.kept = kept
        self.keeping = 0
        self.shift = 0
        self.count = 0
        self.taken = 0
        self.bound = 32768
        self.log(array("q"), array("i"))
        self.draw(array("i"), array("B", [0]) * len(units[0]))
        self.start(0, 0)

    def start(self, start: cython.longlong, end: cython.longlong) -> None:
        """Stand at the first bit of the interval ``raw[start:end]``.

        ``end`` of the cursor is where its data is to end, -1: where it does.
        """
        k: cython.int
        self._begin(start, end, 0)
        self.position = 0
        self.end = -1
        self.passed = 0
        self.whole = 0
        for k in range(len(self.predictors)):
            self.predictors[k] = 0

    def resume(
        self, raw: cython.longlong, byte: cython.longlong, end: cython.longlong,
        position: cython.longlong, passed: cython.longlong, predictors: cython.int[::1],
    ) -> None:
        """Stand where an MCU begins, in the interval that ends at ``raw[end]``.

        ``raw`` is a byte not far in front of it, and data byte ``byte`` of the interval;
        ``passed`` MCUs lie in front, which leave these predictors.
        """
        k: cython.int
        stop: cython.longlong = self.end
        self.start(raw, end)
        self._begin(raw, end, byte)
        self.end = stop
        self.position = position
        self.passed = passed
        self.whole = position
        for k in range(len(self.predictors)):
            self.predictors[k] = predictors[k]

    def anchor(self) -> tuple:
        """Return a byte of the file not far in front of the position, and which data byte it is."""
        if self.position >= 8 * self.chunk_byte:
            return self.chunk_raw, self.chunk_byte
        return self.before_raw, self.before_byte

    def log(self, bits: cython.longlong[::1], dc: cython.int[::1]) -> None:
        """Note for the next MCUs where each begins, and the predictors there, as far as there is room.

        ``logged`` counts them.
        """
        self.log_bits = bits
        self.log_dc = dc
        self.logged = 0

    def draw(self, dc: cython.int[::1], units: cython.uchar[::1]) -> None:
        """Note the DC values of data units that have a 1, for every MCU of the interval in its place.

        As far as there is room.
        """
        self.drawn = dc
        self.draws = units

    def begin_run(self) -> tuple:
        """Begin a run of recorded MCUs: their words follow those kept so far.

        Returns a byte of the file in front of them, and which data byte of the interval
        that is.
        """
        self.keeping = (self.position - self.base) >> 5
        self.shift = 32 * (self.count - self.keeping) - self.base
        return self.before_raw, self.before_byte

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _stop(self) -> cython.longlong:
        """Return where the data ends: as was said, or as far as is known."""
        if self.end >= 0:
            return self.end
        return self.total if self.total >= 0 else 1 << 62

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _keep(self, end: cython.longlong) -> cython.int:
        """Keep the words up to ``end``."""
        k: cython.longlong
        for k in range(self.keeping, end):
            self.kept[self.taken] = self.words[k]
            self.taken += 1
        if self.keeping < end:
            self.keeping = end
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def _next(self, record: cython.bint) -> cython.longlong:
        """Go on to the next chunk; return by how many bits positions get smaller, -1: none left."""
        passed: cython.longlong = self.filled - 2
        if record:
            self._keep(passed)
        if not self._more():
            return -1
        self.keeping -= passed
        return 32 * passed

    def advance(self, mcus: cython.longlong, at: cython.longlong) -> int:
        """Pass ``mcus`` MCUs; record their blocks from index ``at`` unless it is negative.

        At most `AT_ONCE` when recording; then ``taken`` words stand in ``kept``, to be added
        to those from before. Returns 0, or one of the negative
        numbers of this module; then ``position`` is where the trouble
        starts. ``passed`` counts the whole MCUs since `start`, and ``whole`` is where the
        last of them ends.
        """
        words = self.words
        component = self.component
        dc_table = self.dc_table
        ac_table = self.ac_table
        dc_fast = self.dc_fast
        ac_fast = self.ac_fast
        dc_full = self.dc_full
        ac_full = self.ac_full
        first_bit = self.first_bit
        dc_bits = self.dc_bits
        bits = self.bits
        dc = self.dc
        predictors = self.predictors
        log_bits = self.log_bits
        log_dc = self.log_dc
        drawn = self.drawn
        draws = self.draws
        drawing: cython.longlong = 0
        room_drawn: cython.longlong = 0
        logged: cython.longlong = self.logged
        bound: cython.int = self.bound
        units: cython.int = len(component)
        limit: cython.int = self.coefficients
        record: cython.bint = at >= 0
        index: cython.longlong = at
        stop: cython.longlong = self._stop() - self.base
        last: cython.longlong = 32 * (self.filled - 2)  # from here on, `_more` comes first
        at_bit: cython.longlong = self.position - self.base
        begin: cython.longlong = at_bit
        whole: cython.longlong = at_bit
        passed: cython.longlong = 0
        window: cython.ulonglong = 0
        m: cython.longlong
        u: cython.int
        c: cython.int
        k: cython.int
        n: cython.int
        s: cython.int
        room: cython.int
        e: cython.uint
        size: cython.int
        value: cython.int
        ac_at: cython.longlong
        moved: cython.longlong
        status: cython.int = 0
        self.taken = 0
        for u in range(units):
            drawing += draws[u]
        if drawing > 0:
            room_drawn = len(drawn) // drawing - self.passed
            drawing *= self.passed
        with cython.nogil:
            for m in range(mcus):
                if at_bit > stop:  # the MCU before took what is not there
                    status = -1
                    break
                whole = at_bit
                passed = m
                if logged < len(log_bits):
                    log_bits[logged] = at_bit + self.base
                    for c in range(len(predictors)):
                        log_dc[logged * len(predictors) + c] = predictors[c]
                    logged += 1
                for u in range(units):
                    begin = at_bit
                    while at_bit >= last:
                        moved = self._next(record)
                        if moved < 0:
                            status = -1
                            break
                        at_bit -= moved
                        begin -= moved
                        whole -= moved
                        last = 32 * (self.filled - 2)
                        stop = self._stop() - self.base
                    if status != 0:
                        break
                    window = _window(words, at_bit)
                    c = component[u]
                    e = dc_fast[(dc_table[u] << 12) + (window >> 52)]
                    if e != 0:
                        s = e & 15
                        value = cython.cast(cython.int, e >> 4) - 2048
                        n = 51 - s
                        room = 4
                    else:
                        e = dc_full[(dc_table[u] << 16) + (window >> 48)]
                        if e == 0:
                            status = -2
                            break
                        size = e & 15
                        s = cython.cast(cython.int, e >> 8)
                        value = 0
                        if size > 0:
                            value = (window >> (64 - s - size)) & ((1 << size) - 1)
                            if (value >> (size - 1)) == 0:
                                value = value - (1 << size) + 1
                        s += size
                        room = 0
                    at_bit += s
                    value += predictors[c]
                    if value < -bound or value >= bound:
                        status = -4
                        break
                    predictors[c] = value
                    if m < room_drawn and draws[u] != 0:
                        drawn[drawing] = value
                        drawing += 1
                    if record:
                        dc_bits[index] = s
                        dc[index] = value
                    ac_at = ac_table[u]
                    ac_at = ac_at << 13
                    k = 1
                    while k < limit:
                        if room == 0:
                            while at_bit >= last:
                                moved = self._next(record)
                                if moved < 0:
                                    status = -1
                                    break
                                at_bit -= moved
                                begin -= moved
                                whole -= moved
                                last = 32 * (self.filled - 2)
                                stop = self._stop() - self.base
                            if status != 0:
                                break
                            window = _window(words, at_bit)
                            n = 51
                            room = 4
                        e = ac_fast[ac_at + ((window >> n) & 8191)]
                        size = k + cython.cast(cython.int, (e >> 4) & 127)
                        if size <= 64:
                            room -= 1
                            at_bit += e & 15
                            n -= e & 15
                            k = size
                            if e >= 2048:
                                break
                        elif n < 51:
                            room = 0  # look again with all 64 bits
                        else:
                            e = ac_full[(ac_at << 3) + (window >> 48)]
                            if e == 0:
                                status = -2
                                break
                            size = e & 15
                            at_bit += cython.cast(cython.int, e >> 8) + size
                            room = 0
                            k += cython.cast(cython.int, (e >> 4) & 15) + 1
                            if size == 0 and (e & 240) != 240:
                                break
                            if k > 64:
                                status = -3
                                break
                    if status != 0:
                        break
                    if record:
                        first_bit[index] = begin + self.base + self.shift
                        bits[index] = cython.cast(cython.int, at_bit - begin)
                        index += 1
                if status != 0:
                    break
            if record:
                self._keep((at_bit + 31) >> 5)
        self.count += self.taken
        self.logged = logged
        if status == 0:
            begin = at_bit
        self.position = begin + self.base
        if begin > stop or (status != 0 and at_bit + 16 > stop):
            status = -1  # bits that are not there were taken, or would have been needed
        if status == 0:
            whole = at_bit
            passed = mcus
        self.whole = whole + self.base
        self.passed += passed
        return status

    def data_bits(self) -> int:
        """Pass what is left of the interval; return how many bits of data it has in all."""
        with cython.nogil:
            while self.total < 0:
                self._more()
        return self.total


# --------------------------------------------------------------------------
# Writing an interval anew: most bits as they are
# --------------------------------------------------------------------------


@cython.cclass
class IntervalWriter(Unstuffer):
    """Copies an interval's bits, with other ones in the place of some runs of them.

    The bytes go to ``out``, with stuffing or without, and are to be `taken` from there
    whenever `write` says that it is not done yet.
    """

    out: cython.uchar[::1]
    stuffing: cython.bint
    used: cython.longlong
    bits: cython.ulonglong
    count: cython.int
    position: cython.longlong
    inner: cython.longlong
    run: cython.longlong

    def __init__(self, raw, quads, little, stuffing) -> None:
        Unstuffer.__init__(self, raw, quads, little)
        self.stuffing = stuffing

    def start(
        self, start: cython.longlong, end: cython.longlong, byte: cython.longlong,
        run: cython.longlong, inner: cython.longlong, out,
    ) -> None:
        """Begin with ``raw[start]``, data byte ``byte`` of an interval that ends at ``end``.

        The next run is ``run``; or it is under way: at bit ``inner`` of its words, else -1.
        """
        self.out = out
        self.used = 0
        self._stand(start, end, byte, run, inner)

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _stand(
        self, start: cython.longlong, end: cython.longlong, byte: cython.longlong,
        run: cython.longlong, inner: cython.longlong,
    ) -> cython.int:
        """Begin an interval, behind what stands in ``out`` already: see `start`."""
        self._begin(start, end, byte)
        self.bits = 0
        self.count = 0
        self.position = 8 * byte
        self.inner = inner
        self.run = run
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _emit(self, word: cython.uint, o: cython.longlong) -> cython.longlong:
        """Write four bytes to ``out[o:]``; return where the next ones go."""
        shift: cython.int
        byte: cython.uint
        for shift in range(24, -8, -8):
            byte = (word >> shift) & 255
            self.out[o] = byte
            o += 1
            if byte == 255 and self.stuffing:
                self.out[o] = 0
                o += 1
        return o

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _put(
        self, words: cython.uint[::1], at: cython.longlong, end: cython.longlong
    ) -> cython.longlong:
        """Append the bits ``[at, end)`` of ``words`` while there is room; return how far it went."""
        out = self.out
        o: cython.longlong = self.used
        mask: cython.ulonglong = 0xFFFFFFFF
        high: cython.uint = 0x80808080
        room: cython.longlong = len(out) - 16  # `finish` needs 8 of them
        i: cython.longlong
        s: cython.int
        take: cython.int
        word: cython.uint
        acc: cython.ulonglong
        if not self.stuffing:
            high = 0
        while at < end and o <= room:
            i = at >> 5
            s = cython.cast(cython.int, at & 31)
            if self.count == 0 and end - at >= 32:  # whole words
                acc = words[i] if s else 0
                i += s > 0
                s = (32 - s) & 31
                while end - at >= 32 and o <= room:
                    acc = ((acc & mask) << 32) | words[i]
                    word = (acc >> s) & mask
                    i += 1
                    at += 32
                    if (((word & 0x7F7F7F7F) + 0x01010101) & word & high) == 0:
                        out[o] = word >> 24  # no byte of it is 0xFF
                        out[o + 1] = (word >> 16) & 255
                        out[o + 2] = (word >> 8) & 255
                        out[o + 3] = word & 255
                        o += 4
                    else:
                        o = self._emit(word, o)
                continue
            take = 32 - self.count
            if end - at < take:
                take = cython.cast(cython.int, end - at)
            acc = cython.cast(cython.ulonglong, words[i]) << 32
            if s + take > 32:
                acc |= words[i + 1]
            acc = (acc >> (64 - s - take)) & ((cython.cast(cython.ulonglong, 1) << take) - 1)
            self.bits = ((self.bits << take) | acc) & mask
            self.count += take
            at += take
            if self.count == 32:
                o = self._emit(self.bits & mask, o)
                self.bits = 0
                self.count = 0
        self.used = o
        return at

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _write(
        self, old_start: cython.longlong[::1], old_end: cython.longlong[::1],
        new_start: cython.longlong[::1], new_end: cython.longlong[::1],
        words: cython.uint[::1], last: cython.longlong, end: cython.longlong,
    ) -> cython.int:
        """Go on to bit ``end``: 1 where that is done, 0 where ``out`` is full, -1: no such bit."""
        target: cython.longlong
        stop: cython.longlong
        while True:
            if self.inner < 0:
                target = old_start[self.run] if self.run < last else end
                while self.position < target:
                    stop = self.base + 32 * self.filled
                    if self.position >= stop:
                        if self._more():
                            continue
                        return -1
                    if stop > target:
                        stop = target
                    self.position = self.base + self._put(
                        self.words, self.position - self.base, stop - self.base
                    )
                    if self.position < stop:
                        return 0
                if self.run >= last:
                    return 1
                self.inner = new_start[self.run]
            self.inner = self._put(words, self.inner, new_end[self.run])
            if self.inner < new_end[self.run]:
                return 0
            self.inner = -1
            self.position = old_end[self.run]
            self.run += 1
            while self.position > self.base + 32 * self.filled and self._more():
                pass

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _finish(self, ones: cython.bint) -> cython.int:
        """Fill the last byte with ones (without stuffing: with zeros)."""
        spare: cython.int = (8 - (self.count & 7)) & 7
        left: cython.int
        byte: cython.uint
        self.bits = (self.bits << spare) | (((1 << spare) - 1) if ones and self.stuffing else 0)
        left = self.count + spare
        while left > 0:
            left -= 8
            byte = (self.bits >> left) & 255
            self.out[self.used] = byte
            self.used += 1
            if byte == 255 and self.stuffing:
                self.out[self.used] = 0
                self.used += 1
        self.bits = 0
        self.count = 0
        return 0

    def write(
        self, old: tuple, new: tuple, words: cython.uint[::1], last: cython.longlong,
        end: cython.longlong, ones: cython.bint,
    ) -> bool:
        """Go on to bit ``end`` of the interval, and fill the last byte, with ones if it is stuffed.

        Returns whether that is done; else ``out`` is full.

        Run ``r`` stands at the bits ``[old[0][r], old[1][r])`` of the interval, and in its
        place come the bits ``[new[0][r], new[1][r])`` of ``words``; runs up to ``last``.
        """
        old_start: cython.longlong[::1] = old[0]
        old_end: cython.longlong[::1] = old[1]
        new_start: cython.longlong[::1] = new[0]
        new_end: cython.longlong[::1] = new[1]
        done: cython.int
        with cython.nogil:
            done = self._write(old_start, old_end, new_start, new_end, words, last, end)
            if done == 1:
                self._finish(ones)
        if done < 0:
            raise EOFError("the interval has no such bit")
        return done == 1

    def write_all(
        self, intervals: tuple, old: tuple, new: tuple, words: cython.uint[::1], out,
        ends: cython.longlong[::1],
    ) -> int:
        """Write whole intervals, as many as ``out`` holds.

        ``intervals`` has, for each of them, where its bytes start and end in ``raw``, its
        first run and the one behind its last, its end bit, and whether ones fill its last
        byte. Where each one's bytes end in ``out`` goes to ``ends``. Returns how many were
        written. See `write`.
        """
        starts: cython.longlong[::1] = intervals[0]
        stops: cython.longlong[::1] = intervals[1]
        first: cython.longlong[::1] = intervals[2]
        last: cython.longlong[::1] = intervals[3]
        end: cython.longlong[::1] = intervals[4]
        ones: cython.uchar[::1] = intervals[5]
        old_start: cython.longlong[::1] = old[0]
        old_end: cython.longlong[::1] = old[1]
        new_start: cython.longlong[::1] = new[0]
        new_end: cython.longlong[::1] = new[1]
        done: cython.int = 1
        used: cython.longlong = 0
        k: cython.longlong = 0
        self.out = out
        self.used = 0
        with cython.nogil:
            while k < len(starts):
                self._stand(starts[k], stops[k], 0, first[k], -1)
                done = self._write(
                    old_start, old_end, new_start, new_end, words, last[k], end[k]
                )
                if done != 1:
                    break
                self._finish(ones[k])
                used = self.used
                ends[k] = used
                k += 1
        if done < 0:
            raise EOFError("the interval has no such bit")
        self.used = used
        return k

    def taken(self) -> memoryview:
        """Return what stands in ``out``; the next bytes overwrite it."""
        used: cython.longlong = self.used
        self.used = 0
        return memoryview(self.out)[:used]
