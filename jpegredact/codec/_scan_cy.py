# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core: bits of entropy-coded segments, block by block.

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
    "BitWriter",
    "ScanCursor",
    "encode_ac",
    "encode_slopes",
    "fast_ac",
    "fast_dc",
    "is_compiled",
    "same_bits",
    "splice",
    "stuff",
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


def stuff(
    words: cython.uint[::1],
    at: cython.longlong,
    count: cython.longlong,
    out: cython.uchar[::1],
) -> int:
    """Write ``count`` bytes from word ``at`` on to ``out``, stuffed.

    Returns how many that are, or -1 where there is no room.
    """
    i: cython.longlong = at
    o: cython.longlong = 0
    room: cython.longlong = len(out) - 8
    left: cython.longlong = count
    high: cython.uint = 0x80808080
    word: cython.uint
    byte: cython.uint
    shift: cython.int
    with cython.nogil:
        while left > 0:
            if o > room:
                o = -1
                break
            word = words[i]
            i += 1
            if left >= 4 and (((word & 0x7F7F7F7F) + 0x01010101) & word & high) == 0:
                # no byte of it is 0xFF
                out[o] = word >> 24
                out[o + 1] = (word >> 16) & 255
                out[o + 2] = (word >> 8) & 255
                out[o + 3] = word & 255
                o += 4
                left -= 4
                continue
            shift = 24
            while shift >= 0 and left > 0:
                byte = (word >> shift) & 255
                out[o] = byte
                o += 1
                if byte == 255:
                    out[o] = 0
                    o += 1
                shift -= 8
                left -= 1
    return o


def same_bits(
    a: cython.uint[::1],
    at_a: cython.longlong,
    b: cython.uint[::1],
    at_b: cython.longlong,
    count: cython.longlong,
) -> bool:
    """Whether ``count`` bits are the same from bit ``at_a`` of ``a`` and ``at_b`` of ``b``.

    Both must be at the beginning of a word.
    """
    i: cython.longlong
    words: cython.longlong = count >> 5
    rest: cython.int = cython.cast(cython.int, count & 31)
    first_a: cython.longlong = at_a >> 5
    first_b: cython.longlong = at_b >> 5
    differ: cython.uint = 0
    with cython.nogil:
        for i in range(words):
            differ |= a[first_a + i] ^ b[first_b + i]
        if rest:
            differ |= (a[first_a + words] ^ b[first_b + words]) >> (32 - rest)
    return differ == 0


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
    block, absolute DC value.
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
    position = cython.declare(cython.longlong, visibility="public")
    end = cython.declare(cython.longlong, visibility="public")

    def __init__(self, words, units, tables, blocks, predictors) -> None:
        self.words = words
        self.component, self.dc_table, self.ac_table = units
        self.dc_fast, self.ac_fast, self.dc_full, self.ac_full = tables
        self.first_bit, self.dc_bits, self.bits, self.dc = blocks
        self.predictors = predictors
        self.position = 0
        self.end = 0

    def start(self, position: cython.longlong, end: cython.longlong) -> None:
        """Stand at the first bit of an interval whose data ends at bit ``end``."""
        k: cython.int
        self.position = position
        self.end = end
        for k in range(len(self.predictors)):
            self.predictors[k] = 0

    def advance(self, mcus: cython.longlong, at: cython.longlong) -> int:
        """Pass ``mcus`` MCUs; record their blocks from index ``at`` unless it is negative.

        Returns 0, or one of the negative numbers of this module; then
        ``position`` is where the trouble starts.
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
        record: cython.bint = at >= 0
        index: cython.longlong = at
        mask: cython.ulonglong = 0xFFFFFFFF
        i: cython.longlong = self.position >> 5
        last: cython.longlong = (self.end >> 5) + 2  # in the zero words behind the data
        n: cython.int = 32 - cython.cast(cython.int, self.position & 31)
        acc: cython.ulonglong = words[i]
        begin: cython.longlong = self.position
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
                    while k < 64:
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
        if status == 0 and self.position > self.end:
            status = -1
        return status


# --------------------------------------------------------------------------
# Writing bits
# --------------------------------------------------------------------------


@cython.cclass
class BitWriter:
    """Appends bits to an ``array('I')`` of fixed length; reading past it is an IndexError."""

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
    def _copy(
        self, words: cython.uint[::1], start: cython.longlong, end: cython.longlong
    ) -> cython.int:
        """Append the bits ``[start, end)`` of ``words``."""
        mask: cython.ulonglong = 0xFFFFFFFF
        out = self.words
        o: cython.longlong = self.at
        acc: cython.ulonglong = self.acc
        held: cython.int = self.held
        i: cython.longlong = start >> 5
        skip: cython.int = cython.cast(cython.int, start & 31)
        left: cython.longlong = end - start
        word: cython.ulonglong
        if skip and left > 0:  # up to the next whole word of the source
            take: cython.int = 32 - skip
            if left < take:
                take = cython.cast(cython.int, left)
            word = (words[i] >> (32 - skip - take)) & (
                (cython.cast(cython.ulonglong, 1) << take) - 1
            )
            acc = (acc << take) | word
            held += take
            if held >= 32:
                held -= 32
                out[o] = (acc >> held) & mask
                o += 1
                acc &= (cython.cast(cython.ulonglong, 1) << held) - 1
            left -= take
            i += 1
        while left >= 32:
            acc = ((acc & mask) << 32) | words[i]
            out[o] = (acc >> held) & mask
            i += 1
            o += 1
            left -= 32
        acc &= (cython.cast(cython.ulonglong, 1) << held) - 1
        if left > 0:
            take = cython.cast(cython.int, left)
            acc = (acc << take) | (words[i] >> (32 - take))
            held += take
            if held >= 32:
                held -= 32
                out[o] = (acc >> held) & mask
                o += 1
                acc &= (cython.cast(cython.ulonglong, 1) << held) - 1
        self.acc = acc
        self.held = held
        self.at = o
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _bit(self) -> cython.longlong:
        return self.at * 32 + self.held

    def bit(self) -> int:
        """Return how many bits were written."""
        return self._bit()

    def skip(self, words: cython.longlong) -> None:
        """Leave ``words`` whole words as they are; only behind `finish`."""
        self.at += words

    def finish(self, ones: cython.bint) -> int:
        """Pad to a byte with ones or zeros, then to a word; return the number of bytes."""
        spare: cython.int = (8 - (self.held & 7)) & 7
        count: cython.longlong
        if spare:
            self._put(((1 << spare) - 1) if ones else 0, spare)
        count = self._bit() >> 3
        if self.held:
            self._put(0, 32 - self.held)
        return count


def splice(
    words: cython.uint[::1],
    span: tuple,
    blocks: tuple,
    units: tuple,
    edit: tuple,
    codes: tuple,
    moved: tuple,
    outside: cython.bint,
    writer: BitWriter,
) -> int:
    """Write one interval anew: touched blocks replaced, all other bits copied.

    ``span`` is the interval's first and end bit, and its first and end index in
    the recorded blocks (``blocks``, as in `ScanCursor`). ``edit`` holds, for
    each recorded block, whether it is touched, its new DC value, and where its
    new AC bits stand in ``patch`` (a negative length copies the old ones).
    ``codes`` are the DC codes (``code << 5 | length`` by table and category,
    32 a table), working space of a number and a byte a component, and a byte
    for each code, which is set where one is missing (then nothing that was
    written counts). The new positions of all blocks go to ``moved``.

    With ``outside``, touched blocks are left out, and the DC difference behind
    a run of them becomes its absolute value in 16 bits: the canonical form
    that says the same about every partial state.

    Returns how many DC differences have no code.
    """
    bit: cython.longlong = span[0]
    end: cython.longlong = span[1]
    low: cython.longlong = span[2]
    high: cython.longlong = span[3]
    first_bit: cython.longlong[::1] = blocks[0]
    dc_bits: cython.uchar[::1] = blocks[1]
    bits: cython.int[::1] = blocks[2]
    dc: cython.int[::1] = blocks[3]
    component: cython.uchar[::1] = units[0]
    dc_table: cython.uchar[::1] = units[1]
    touched: cython.uchar[::1] = edit[0]
    new_dc: cython.int[::1] = edit[1]
    patch: cython.uint[::1] = edit[2]
    patch_at: cython.longlong[::1] = edit[3]
    patch_bits: cython.int[::1] = edit[4]
    dc_codes: cython.uint[::1] = codes[0]
    new_first: cython.longlong[::1] = moved[0]
    new_dc_bits: cython.uchar[::1] = moved[1]
    new_bits: cython.int[::1] = moved[2]
    predictors: cython.int[::1] = codes[1]
    dirty: cython.uchar[::1] = codes[2]
    missing: cython.uchar[::1] = codes[3]
    count: cython.int = len(component)
    i: cython.longlong
    u: cython.int
    c: cython.int
    value: cython.int
    difference: cython.int
    size: cython.int
    code: cython.uint
    delta: cython.longlong
    begin: cython.longlong
    failed: cython.longlong = 0
    with cython.nogil:
        for u in range(len(predictors)):
            predictors[u] = 0
            dirty[u] = 0
        delta = writer._bit() - bit
        for i in range(low, high):
            u = i % count
            c = component[u]
            value = new_dc[i] if touched[i] else dc[i]
            if not touched[i] and not dirty[c]:
                new_first[i] = first_bit[i] + delta
                new_dc_bits[i] = dc_bits[i]
                new_bits[i] = bits[i]
                predictors[c] = value
                continue
            writer._copy(words, bit, first_bit[i])
            bit = first_bit[i] + dc_bits[i]
            begin = writer._bit()
            new_first[i] = begin
            if outside:
                if touched[i]:
                    bit = first_bit[i] + bits[i]
                else:
                    writer._put(cython.cast(cython.uint, value & 0xFFFF), 16)
                    writer._copy(words, bit, first_bit[i] + bits[i])
                    bit = first_bit[i] + bits[i]
            else:
                difference = value - predictors[c]
                size = 0
                code = difference if difference >= 0 else -difference
                while code >> size:
                    size += 1
                code = dc_codes[dc_table[u] * 32 + size]
                if code == 0:
                    missing[dc_table[u] * 32 + size] = 1
                    failed += 1
                writer._put(code >> 5, code & 31)
                if size:
                    if difference < 0:
                        difference += (1 << size) - 1
                    writer._put(cython.cast(cython.uint, difference), size)
                new_dc_bits[i] = cython.cast(cython.int, writer._bit() - begin)
                if touched[i] and patch_bits[i] >= 0:
                    writer._copy(patch, patch_at[i], patch_at[i] + patch_bits[i])
                else:
                    writer._copy(words, bit, first_bit[i] + bits[i])
                bit = first_bit[i] + bits[i]
                new_bits[i] = cython.cast(cython.int, writer._bit() - begin)
            predictors[c] = value
            dirty[c] = touched[i]
            delta = writer._bit() - bit
        writer._copy(words, bit, end)
    return failed


def encode_ac(
    coefficients: cython.short[::1], count: cython.longlong, codes: cython.uint[::1],
    table: cython.longlong, drop: cython.bint, writer: BitWriter,
    members: cython.int[::1], base: cython.longlong, patch: tuple,
) -> int:
    """Write the AC symbols of ``count`` blocks (T.81 F.1.2.2) and note where they stand.

    ``coefficients`` holds 64 a block in zigzag order; ``codes`` is ``code << 5 |
    length`` by table and symbol, 0 where the table lacks it. First bit (``base``
    added) and length of block ``k`` go to the two arrays of ``patch`` at
    ``members[k]``. With ``drop``, a coefficient that the table can't say is left
    out. A block that can't be said (with ``drop``: that can't end) gets the
    length -1; returns how many these are.
    """
    patch_at: cython.longlong[::1] = patch[0]
    patch_bits: cython.int[::1] = patch[1]
    b: cython.longlong
    k: cython.int
    r: cython.int
    value: cython.int
    magnitude: cython.int
    size: cython.int
    code: cython.uint
    zrl: cython.uint = codes[table * 256 + 240]
    eob: cython.uint = codes[table * 256]
    begin: cython.longlong
    failed: cython.longlong = 0
    with cython.nogil:
        for b in range(count):
            begin = writer._bit()
            eob = codes[table * 256]
            r = 0
            for k in range(1, 64):
                value = coefficients[b * 64 + k]
                if value == 0:
                    r += 1
                    continue
                magnitude = value if value >= 0 else -value
                size = 0
                while magnitude >> size:
                    size += 1
                code = codes[table * 256 + ((r & 15) << 4) + size] if size < 16 else 0
                if code == 0 or (r > 15 and zrl == 0):
                    r += 1
                    if drop:
                        continue
                    eob = 0
                    break
                while r > 15:
                    writer._put(zrl >> 5, zrl & 31)
                    r -= 16
                r = 0
                writer._put(code >> 5, code & 31)
                if value < 0:
                    value += (1 << size) - 1
                writer._put(cython.cast(cython.uint, value), size)
            if r > 0 and eob == 0:
                failed += 1
                patch_bits[members[b]] = -1
                continue
            if r > 0:
                writer._put(eob >> 5, eob & 31)
            patch_at[members[b]] = base + begin
            patch_bits[members[b]] = cython.cast(cython.int, writer._bit() - begin)
    return failed


def encode_slopes(
    across: cython.int[::1], down: cython.int[::1], codes: cython.uint[::1],
    table: cython.longlong, writer: BitWriter, members: cython.int[::1],
    base: cython.longlong, patch: tuple,
) -> None:
    """Like `encode_ac` with ``drop``, for blocks of the first two AC coefficients only.

    These stand in ``across`` and ``down`` by recorded block. The table must have EOB.
    """
    patch_at: cython.longlong[::1] = patch[0]
    patch_bits: cython.int[::1] = patch[1]
    m: cython.longlong
    b: cython.longlong
    k: cython.int
    value: cython.int
    magnitude: cython.int
    size: cython.int
    run: cython.int
    code: cython.uint
    eob: cython.uint = codes[table * 256]
    begin: cython.longlong
    with cython.nogil:
        for b in range(len(members)):
            m = members[b]
            begin = writer._bit()
            run = 0
            for k in range(2):
                value = across[m] if k == 0 else down[m]
                magnitude = value if value >= 0 else -value
                size = 0
                while magnitude >> size:
                    size += 1
                code = codes[table * 256 + (run << 4) + size] if size else 0
                if code == 0:
                    run += 1
                    continue
                run = 0
                writer._put(code >> 5, code & 31)
                if value < 0:
                    value += (1 << size) - 1
                writer._put(cython.cast(cython.uint, value), size)
            writer._put(eob >> 5, eob & 31)
            patch_at[m] = base + begin
            patch_bits[m] = cython.cast(cython.int, writer._bit() - begin)
