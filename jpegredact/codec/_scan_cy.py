# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core, reading: where the blocks of an entropy-coded segment are.

Cython in pure-Python mode: this one file is both the compiled module and its
readable, interpretable twin; the tests run both against each other. It knows
bits, Huffman codes, data units and flat arrays of them. It knows no markers,
files, regions, diffs or errors: what goes wrong comes back as one of the
negative numbers below, and ``codec.scan`` turns it into an exception with a
byte offset.

House rules, held by a test: no pointers, no ``malloc``, no casts but between
integers, no check switched off. The bit reservoirs keep their *n* valid bits
at the low end and are masked with 32-bit constants only, so that the same
lines neither overflow when interpreted nor fall back to Python integers when
compiled.

Entropy-coded data reaches this module *unstuffed*, as big-endian 32-bit words
(``array('I')`` in native order), each interval padded with at least three zero
words; a position is a bit number counted from the first word.
"""

import cython

__all__ = [
    "BAD_CODE",
    "BAD_DATA",
    "BAD_DC",
    "BAD_RUN",
    "ScanCursor",
    "fast_ac",
    "fast_dc",
    "is_compiled",
    "stuffed_length",
    "unstuff",
]

BAD_DATA = -1  # the data ends before the last data unit does
BAD_CODE = -2  # bits that are no code of the table
BAD_RUN = -3  # a run of coefficients that leaves the block
BAD_DC = -4  # a DC value outside 16 bits


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


# --------------------------------------------------------------------------
# Byte stuffing (ITU-T T.81 B.1.1.5)
# --------------------------------------------------------------------------


def unstuff(
    raw: cython.const[cython.uchar][::1],
    quads: cython.const[cython.uint][::1],
    start: cython.longlong,
    end: cython.longlong,
    little: cython.bint,
    words: cython.uint[::1],
    at: cython.longlong,
) -> tuple:
    """Copy ``raw[start:end]`` without stuffing and fill bytes into ``words[at:]``.

    ``quads`` are the same bytes, four at a time in the machine's order
    (``little`` says which), as far as they go. Returns the number of data bytes
    and of fill bytes. The rest of the last word, and the words behind it, are
    left as they are (zero).
    """
    i: cython.longlong = start
    o: cython.longlong = at
    whole: cython.longlong = len(quads) * 4
    mask: cython.ulonglong = 0xFFFFFFFF
    high: cython.uint = 0x80808080
    acc: cython.ulonglong = 0
    held: cython.int = 0
    count: cython.longlong = 0
    fill: cython.longlong = 0
    a: cython.uint
    if whole > end:
        whole = end
    with cython.nogil:
        while i < end:
            if (i & 3) == 0 and i + 4 <= whole:
                a = quads[i >> 2]
                if (((a & 0x7F7F7F7F) + 0x01010101) & a & high) == 0:  # no byte of it is 0xFF
                    if little:
                        a = (a >> 24) | ((a >> 8) & 0xFF00) | ((a & 0xFF00) << 8) | (a & 255) << 24
                    acc = ((acc & 0xFFFFFF) << 32) | a
                    words[o] = (acc >> held) & mask
                    o += 1
                    i += 4
                    count += 4
                    continue
            a = raw[i]
            i += 1
            if a == 255:
                while i < end and raw[i] == 255:  # fill bytes (B.1.1.2)
                    i += 1
                    fill += 1
                if i < end and raw[i] == 0:
                    i += 1
                elif i == end:  # fill before a marker: no data
                    fill += 1
                    break
            acc = ((acc & 0xFFFFFF) << 8) | a
            held += 8
            count += 1
            if held == 32:
                words[o] = acc & mask
                o += 1
                held = 0
                acc = 0
        if held:
            words[o] = ((acc & 0xFFFFFF) << (32 - held)) & mask
    return count, fill


def stuffed_length(
    raw: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    data_bytes: cython.longlong,
) -> int:
    """Return how many bytes of ``raw[start:end]`` hold the first ``data_bytes`` data bytes.

    Stuffing behind the last of them counts; fill bytes in front of the next do not.
    """
    i: cython.longlong = start
    left: cython.longlong = data_bytes
    with cython.nogil:
        while left > 0 and i < end:
            if raw[i] == 255:
                while i + 1 < end and raw[i + 1] == 255:
                    i += 1
                if i + 1 < end and raw[i + 1] == 0:
                    i += 1
            i += 1
            left -= 1
    return i - start


# --------------------------------------------------------------------------
# Look-up tables
# --------------------------------------------------------------------------


def fast_dc(full: cython.ushort[::1], fast: cython.ushort[::1], at: cython.longlong) -> None:
    """Fill ``fast[at:at+4096]``: 12 bits -> a whole DC difference, where it fits.

    ``full`` maps 16 bits to ``code length << 8 | category``. An entry is
    ``(difference + 2048) << 4 | bits``, or 0 where 12 bits do not hold it.
    """
    p: cython.uint
    e: cython.uint
    length: cython.uint
    size: cython.uint
    value: cython.int
    with cython.nogil:
        for p in range(4096):
            e = full[p << 4]
            length = e >> 8
            size = e & 255
            fast[at + p] = 0
            if e != 0 and length + size <= 12:
                value = (p >> (12 - length - size)) & ((1 << size) - 1)
                if size > 0 and (value >> (size - 1)) == 0:
                    value = value - (1 << size) + 1
                fast[at + p] = (cython.cast(cython.uint, value + 2048) << 4) | (length + size)


def fast_ac(full: cython.ushort[::1], fast: cython.ushort[::1], at: cython.longlong) -> None:
    """Fill ``fast[at:at+8192]``: 13 bits -> as many whole AC symbols as they hold.

    An entry is ``EOB << 11 | coefficients passed << 4 | bits``, or 0 where not
    even one symbol with its extra bits fits.
    """
    p: cython.uint
    e: cython.uint
    used: cython.uint
    step: cython.uint
    length: cython.uint
    size: cython.uint
    passed: cython.uint
    eob: cython.uint
    with cython.nogil:
        for p in range(8192):
            used = 0
            passed = 0
            eob = 0
            while eob == 0:
                e = full[((p << used) & 8191) << 3]
                length = e >> 8
                size = e & 15
                if e == 0 or used + length + size > 13:
                    break
                step = ((e >> 4) & 15) + 1
                if size == 0 and step != 16:
                    eob = 1
                    step = 0
                if passed + step > 63:
                    eob = 0
                    break
                used += length + size
                passed += step
            fast[at + p] = (eob << 11) | (passed << 4) | used


# --------------------------------------------------------------------------
# Scanning: where the blocks are (ITU-T T.81 F.2)
# --------------------------------------------------------------------------


@cython.cclass
class ScanCursor:
    """Walks the MCUs of a Huffman-coded sequential scan, skipping or recording blocks.

    ``component``, ``dc_table`` and ``ac_table`` name, for each data unit of the
    MCU, the predictor and the tables in use. Recorded blocks go to the four
    parallel arrays: first bit, bits of the DC difference, bits of the whole
    block, absolute DC value. A block has ``coefficients`` of them: 64, or 1 in a
    DC scan of a progressive picture.
    """

    words: cython.uint[::1]
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
    position = cython.declare(cython.longlong, visibility="public")
    end = cython.declare(cython.longlong, visibility="public")
    passed = cython.declare(cython.longlong, visibility="public")
    whole = cython.declare(cython.longlong, visibility="public")

    def __init__(self, words, units, tables, blocks, predictors, coefficients) -> None:
        self.words = words
        self.coefficients = coefficients
        self.component, self.dc_table, self.ac_table = units
        self.dc_fast, self.ac_fast, self.dc_full, self.ac_full = tables
        self.first_bit, self.dc_bits, self.bits, self.dc = blocks
        self.predictors = predictors
        self.position = 0
        self.end = 0
        self.passed = 0
        self.whole = 0

    def start(self, position: cython.longlong, end: cython.longlong) -> None:
        """Stand at the first bit of an interval whose data ends at bit ``end``."""
        k: cython.int
        self.position = position
        self.end = end
        self.passed = 0
        self.whole = position
        for k in range(len(self.predictors)):
            self.predictors[k] = 0

    def advance(self, mcus: cython.longlong, at: cython.longlong) -> int:
        """Pass ``mcus`` MCUs; record their blocks from index ``at`` unless it is negative.

        Returns 0, or one of the negative numbers of this module; then
        ``position`` is where the trouble starts. ``passed`` counts the whole MCUs
        since `start`, and ``whole`` is where the last of them ends.
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
        units: cython.int = len(component)
        limit: cython.int = self.coefficients
        record: cython.bint = at >= 0
        index: cython.longlong = at
        mask: cython.ulonglong = 0xFFFFFFFF
        i: cython.longlong = self.position >> 5
        last: cython.longlong = (self.end >> 5) + 2  # in the zero words behind the data
        n: cython.int = 32 - cython.cast(cython.int, self.position & 31)
        acc: cython.ulonglong = words[i]
        begin: cython.longlong = self.position
        stop: cython.longlong = self.end
        whole: cython.longlong = self.position
        passed: cython.longlong = 0
        m: cython.longlong
        u: cython.int
        c: cython.int
        k: cython.int
        e: cython.uint
        size: cython.int
        value: cython.int
        dc_at: cython.longlong
        ac_at: cython.longlong
        status: cython.int = 0
        with cython.nogil:
            i += 1
            for m in range(mcus):
                if i * 32 - n > stop:  # the MCU before took what is not there
                    status = -1
                    break
                whole = i * 32 - n
                passed = m
                for u in range(units):
                    if n < 32:
                        if i > last:
                            status = -1
                            break
                        acc = ((acc & mask) << 32) | words[i]
                        i += 1
                        n += 32
                    begin = i * 32 - n
                    c = component[u]
                    dc_at = dc_table[u]
                    e = dc_fast[(dc_at << 12) + ((acc >> (n - 12)) & 4095)]
                    if e != 0:
                        n -= e & 15
                        value = cython.cast(cython.int, e >> 4) - 2048
                    else:
                        e = dc_full[(dc_at << 16) + ((acc >> (n - 16)) & 65535)]
                        if e == 0:
                            status = -2
                            break
                        n -= e >> 8
                        size = e & 15
                        n -= size
                        value = (acc >> n) & ((1 << size) - 1)
                        if size > 0 and (value >> (size - 1)) == 0:
                            value = value - (1 << size) + 1
                    value += predictors[c]
                    if value < -32768 or value > 32767:
                        status = -4
                        break
                    predictors[c] = value
                    if record:
                        first_bit[index] = begin
                        dc_bits[index] = cython.cast(cython.int, i * 32 - n - begin)
                        dc[index] = value
                    ac_at = ac_table[u]
                    k = 1
                    while k < limit:
                        if n < 32:
                            if i > last:
                                status = -1
                                break
                            acc = ((acc & mask) << 32) | words[i]
                            i += 1
                            n += 32
                        e = ac_fast[(ac_at << 13) + ((acc >> (n - 13)) & 8191)]
                        size = k + cython.cast(cython.int, (e >> 4) & 127)
                        if e != 0 and size + cython.cast(cython.int, e >> 11) <= 64:
                            n -= e & 15
                            k = size
                            if e >= 2048:
                                break
                        else:
                            e = ac_full[(ac_at << 16) + ((acc >> (n - 16)) & 65535)]
                            if e == 0:
                                status = -2
                                break
                            size = e & 15
                            n -= cython.cast(cython.int, e >> 8) + size
                            k += cython.cast(cython.int, (e >> 4) & 15) + 1
                            if size == 0 and (e & 240) != 240:
                                break
                            if k > 64:
                                status = -3
                                break
                    if status != 0:
                        break
                    if record:
                        bits[index] = cython.cast(cython.int, i * 32 - n - begin)
                        index += 1
                if status != 0:
                    break
        self.position = begin if status != 0 else i * 32 - n
        if self.position > stop or (status != 0 and i * 32 - n + 16 > stop):
            status = -1  # bits that are not there were taken, or would have been needed
        if status == 0:
            whole = self.position
            passed = mcus
        self.whole = whole
        self.passed += passed
        return status
