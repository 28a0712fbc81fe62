# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core, writing: bits copied and blocks replaced.

Words and positions are as in ``_scan_cy``, whose house rules hold here too, but that `encode_scan`
makes integers of coefficients of 8-bit samples.
Knows no markers, files, regions or diffs.
"""

from array import array

import cython

__all__ = [
    "BitWriter",
    "encode_ac",
    "encode_scan",
    "encode_slopes",
    "is_compiled",
    "put_codes",
    "same_bits",
    "same_runs",
    "splice",
]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def _bit_lengths(sizes: cython.uchar[::1]) -> None:
    """Fill in the size category of each magnitude (T.81 tables F.1 and F.2)."""
    k: cython.longlong
    for k in range(1, len(sizes)):
        sizes[k] = sizes[k >> 1] + 1


_SIZES = array("B", [0]) * 32769
_bit_lengths(_SIZES)


@cython.final
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
    @cython.inline
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
        one: cython.uint = 1
        i: cython.longlong = start >> 5
        skip: cython.int = cython.cast(cython.int, start & 31)
        left: cython.longlong = end - start
        take: cython.int
        if skip and left > 0:  # up to the next whole word of the source
            take = 32 - skip
            if left < take:
                take = cython.cast(cython.int, left)
            self._put((words[i] >> (32 - skip - take)) & ((one << take) - 1), take)
            left -= take
            i += 1
        out = self.words
        o: cython.longlong = self.at
        acc: cython.ulonglong = self.acc
        held: cython.int = self.held
        while left >= 32:
            acc = ((acc & mask) << 32) | words[i]
            out[o] = (acc >> held) & mask
            i += 1
            o += 1
            left -= 32
        self.acc = acc & ((cython.cast(cython.ulonglong, 1) << held) - 1)
        self.at = o
        if left > 0:
            take = cython.cast(cython.int, left)
            self._put(words[i] >> (32 - take), take)
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1)
    def _bit(self) -> cython.longlong:
        return self.at * 32 + self.held

    def bit(self) -> int:
        """Return how many bits were written."""
        return self._bit()

    def copy(
        self, words: cython.uint[::1], start: cython.longlong, end: cython.longlong
    ) -> None:
        """Append the bits ``[start, end)`` of ``words``."""
        self._copy(words, start, end)

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
    runs: tuple,
    blocks: tuple,
    units: tuple,
    edit: tuple,
    codes: tuple,
    moved: tuple,
    outside: cython.bint,
    writer: BitWriter,
) -> int:
    """Write runs of recorded MCUs anew: touched blocks replaced, all other bits copied.

    ``runs`` are, for each of them, its first and end bit in the interval as the file has
    it, its first and end bit in ``words``, and its first block. A run begins with an
    interval, or with an untouched MCU. ``blocks`` are as in `ScanCursor`. ``edit`` holds, for
    each recorded block, whether it is touched, its new DC value, and where its
    new AC bits stand in ``patch`` (a negative length copies the old ones).
    ``codes`` are the DC codes (``code << 5 | length`` by table and category,
    32 a table), working space of a number and a byte a component, and a byte
    for each code, which is set where one is missing (then nothing that was
    written counts). The new positions of all blocks and runs go to ``moved``, and
    by how many bits the runs up to each one grew from what the file has.

    With ``outside``, touched blocks are left out, and the DC difference behind
    a run of them becomes its absolute value in 16 bits: the canonical form
    that says the same about every partial state.

    Returns how many DC differences have no code.
    """
    old_start: cython.longlong[::1] = runs[0]
    old_end: cython.longlong[::1] = runs[1]
    start: cython.longlong[::1] = runs[2]
    end: cython.longlong[::1] = runs[3]
    first: cython.longlong[::1] = runs[4]
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
    new_start: cython.longlong[::1] = moved[3]
    new_end: cython.longlong[::1] = moved[4]
    more: cython.longlong[::1] = moved[5]
    predictors: cython.int[::1] = codes[1]
    dirty: cython.uchar[::1] = codes[2]
    missing: cython.uchar[::1] = codes[3]
    count: cython.int = len(component)
    r: cython.longlong
    i: cython.longlong
    high: cython.longlong
    bit: cython.longlong
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
        for r in range(len(first)):
            for u in range(len(predictors)):
                predictors[u] = 0
                dirty[u] = 0
            bit = start[r]
            new_start[r] = writer._bit()
            delta = new_start[r] - bit
            high = first[r + 1] if r + 1 < len(first) else len(dc)
            for i in range(first[r], high):
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
            writer._copy(words, bit, end[r])
            new_end[r] = writer._bit()
            more[r + 1] = more[r] + new_end[r] - new_start[r] - (old_end[r] - old_start[r])
        writer._put(0, (32 - writer.held) & 31)
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
    sizes: cython.uchar[::1] = _SIZES
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
                size = sizes[magnitude]
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
                if value < 0:
                    value += (1 << size) - 1
                writer._put(  # both together: 16 + 15 bits at most
                    ((code >> 5) << size) | cython.cast(cython.uint, value),
                    cython.cast(cython.int, code & 31) + size,
                )
            if r > 0 and eob == 0:
                failed += 1
                patch_bits[members[b]] = -1
                continue
            if r > 0:
                writer._put(eob >> 5, eob & 31)
            patch_at[members[b]] = base + begin
            patch_bits[members[b]] = cython.cast(cython.int, writer._bit() - begin)
    return failed


def encode_scan(
    coefficients: cython.float[::1], units: tuple, scales: cython.double[::1], codes: tuple,
    writer: BitWriter,
) -> None:
    """Quantise and write a picture as one interleaved scan: 64 coefficients a block.

    Those of 8-bit samples, in zigzag order, component by component; every symbol has a code.

    ``units``: for each data unit of an MCU its component; its column there; how many units its
    component has there, side by side; and which block is the component's first. ``scales``: what to
    multiply with, 64 a component. ``codes``: ``code << 5 | length`` of DC and of AC symbols, 256 a
    component.
    """
    parts: cython.uchar[::1] = units[0]
    columns: cython.uchar[::1] = units[1]
    counts: cython.uchar[::1] = units[2]
    firsts: cython.longlong[::1] = units[3]
    dc_codes: cython.uint[::1] = codes[0]
    ac_codes: cython.uint[::1] = codes[1]
    before: cython.int[::1] = array("i", bytes(4 * 4))
    mcus: cython.longlong = len(coefficients) // (64 * len(parts))
    sizes: cython.uchar[::1] = _SIZES
    zrl: cython.uint
    eob: cython.uint
    code: cython.uint
    at: cython.longlong
    m: cython.longlong
    u: cython.longlong
    k: cython.longlong
    c: cython.longlong
    run: cython.int
    size: cython.int
    value: cython.int
    coded: cython.int
    exact: cython.double
    with cython.nogil:
        for m in range(mcus):
            for u in range(len(parts)):
                c = parts[u]
                at = 64 * (firsts[u] + m * counts[u] + columns[u])
                zrl = ac_codes[256 * c + 240]
                eob = ac_codes[256 * c]
                run = 0
                for k in range(64):
                    exact = coefficients[at + k] * scales[64 * c + k]
                    if k and -0.5 < exact < 0.5:
                        run += 1
                        continue
                    value = cython.cast(cython.int, exact + 0.5 if exact >= 0 else exact - 0.5)
                    coded = value
                    if k == 0:
                        coded = value - before[c]
                        before[c] = value
                    while run > 15:
                        writer._put(zrl >> 5, zrl & 31)
                        run -= 16
                    size = sizes[coded if coded >= 0 else -coded]
                    if coded < 0:
                        coded += (1 << size) - 1
                    code = (
                        dc_codes[256 * c + size] if k == 0 else ac_codes[256 * c + 16 * run + size]
                    )
                    writer._put(  # both together: 16 + 11 bits at most
                        ((code >> 5) << size) | cython.cast(cython.uint, coded),
                        cython.cast(cython.int, code & 31) + size,
                    )
                    run = 0
                if run:
                    writer._put(eob >> 5, eob & 31)


def put_codes(
    members: cython.int[::1], new: tuple, first: cython.longlong, base: cython.longlong,
    patch: tuple,
) -> None:
    """Note DC values, and where AC codes stand: ``base`` is added to their first bits.

    Both tuples hold DC values, first bits, and numbers of bits: the new ones, from
    ``first`` on those of the members, and those of all recorded blocks.
    """
    new_dc: cython.int[::1] = new[0]
    new_at: cython.longlong[::1] = new[1]
    new_bits: cython.int[::1] = new[2]
    dc: cython.int[::1] = patch[0]
    patch_at: cython.longlong[::1] = patch[1]
    patch_bits: cython.int[::1] = patch[2]
    k: cython.longlong
    m: cython.longlong
    with cython.nogil:
        for k in range(len(members)):
            m = members[k]
            dc[m] = new_dc[first + k]
            patch_at[m] = base + new_at[first + k]
            patch_bits[m] = new_bits[first + k]


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


def same_runs(a: cython.uint[::1], runs_a: tuple, b: cython.uint[::1], runs_b: tuple) -> bool:
    """Whether all runs of bits are the same in ``a`` and ``b``, given their first and end bits.

    Both arrays go on for two words behind the last bit.
    """
    start_a: cython.longlong[::1] = runs_a[0]
    end_a: cython.longlong[::1] = runs_a[1]
    start_b: cython.longlong[::1] = runs_b[0]
    end_b: cython.longlong[::1] = runs_b[1]
    r: cython.longlong
    left: cython.longlong
    i: cython.longlong
    j: cython.longlong
    s: cython.int
    t: cython.int
    x: cython.ulonglong
    y: cython.ulonglong
    mask: cython.ulonglong = 0xFFFFFFFF
    differ: cython.ulonglong = 0
    with cython.nogil:
        for r in range(len(start_a)):
            left = end_a[r] - start_a[r]
            if left != end_b[r] - start_b[r]:
                differ = 1
                break
            i = start_a[r] >> 5
            j = start_b[r] >> 5
            s = cython.cast(cython.int, start_a[r] & 31)
            t = cython.cast(cython.int, start_b[r] & 31)
            while left > 0:
                x = (cython.cast(cython.ulonglong, a[i]) << 32) | a[i + 1]
                y = (cython.cast(cython.ulonglong, b[j]) << 32) | b[j + 1]
                x = ((x >> (32 - s)) ^ (y >> (32 - t))) & mask
                if left < 32:
                    x = x >> (32 - left)
                differ |= x
                i += 1
                j += 1
                left -= 32
    return differ == 0
