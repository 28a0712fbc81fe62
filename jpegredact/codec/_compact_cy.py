# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: the compact code of blocks, range asymmetric numeral systems (rANS).

Blocks are said in T.81's own symbols (run and size, F.1.2), so that a sequential scan's
codes need not become coefficients on the way, in either direction. Symbols are coded by
how often they were met so far in contexts of their own, which need neither a file's
Huffman tables nor its coding process; the diff format (docs/design/diff-format.md) says
all of it in words. The house rules of ``_scan_cy`` hold here too.
"""

from array import array

import cython

__all__ = ["BlockPacker", "BlockUnpacker", "is_compiled"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


_ENTRIES = 160 * 64  # more than what 64 blocks take: 65 symbols each, and as many escapes
_CHUNK = 66 * 64  # symbols of 64 blocks, and more
_BANDS = array("B", [0, 0] + [4] * 4 + [8] * 9 + [12] * 50)  # by position; 64 is asked for too
_LENGTHS = array("B", [0, 0, 1, 2] + [3] * 13)  # by the size of the symbol before
_SYMBOLS = array("B", [0] * 2 + [1] * 3 + [2] * 6 + [3] * 54)  # by those of the block before
_DIFFERENCES = array("B", [0, 0, 1, 1, 2, 2] + [3] * 11)  # by the size of the one before


@cython.cclass
class Model:
    """How often each symbol was met in each context, and its share of 512 that follows from it.

    Contexts 0 to 31 are of AC symbols: 16 for the first component and 16 for all others, in
    four bands of four; 32 to 39 are of the sizes of DC differences, 4 and 4. Shares are made
    anew when 64 symbols were met, then 128 more, 256 more, and so on.
    """

    weights: cython.uint[::1]
    counts: cython.uint[::1]
    left: cython.int[::1]
    spans: cython.int[::1]
    base: cython.int[::1]
    shares: cython.uint[::1]
    bands: cython.uchar[::1]
    lengths: cython.uchar[::1]
    activity: cython.uchar[::1]
    differences: cython.uchar[::1]
    symbols: cython.uint[::1]
    previous_dc: cython.int
    previous_size: cython.int
    previous_symbols: cython.int

    def __init__(self, weights) -> None:
        self.weights = weights
        self.counts = array("I", [0]) * (40 * 256)
        self.left = array("i", [64]) * 40
        self.spans = array("i", [64]) * 40
        self.base = array("i", range(40))
        self.shares = array("I", bytes(4 * 256))
        self.bands = _BANDS
        self.lengths = _LENGTHS
        self.activity = _SYMBOLS
        self.differences = _DIFFERENCES
        self.symbols = array("I", [0]) * _CHUNK

    @cython.final
    @cython.cfunc
    @cython.exceptval(-1)
    def _component(self) -> cython.int:
        """Begin the blocks of another component."""
        self.previous_dc = 0
        self.previous_size = 0
        self.previous_symbols = 0
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _forget(self) -> cython.int:
        c: cython.int
        s: cython.int
        for c in range(40):
            if self.base[c] != c or self.left[c] != 64:
                for s in range(256 * c, 256 * c + 256):
                    self.counts[s] = 0
            self.base[c] = c
            self.left[c] = 64
            self.spans[c] = 64
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _share_out(self, c: cython.int) -> cython.int:
        """Share 512 out among the symbols of a context: at least one for each that has a weight."""
        weight: cython.ulonglong
        total: cython.ulonglong = 0
        most: cython.ulonglong = 0
        best: cython.int = 0
        given: cython.int = 0
        share: cython.int
        s: cython.int
        at: cython.longlong = 256 * c
        weights = self.weights
        counts = self.counts
        shares = self.shares
        self.spans[c] = 2 * self.spans[c]
        self.left[c] = self.spans[c]
        for s in range(256):
            shares[s] = weights[at + s] + 16 * counts[at + s]
            total += shares[s]
        for s in range(256):
            weight = shares[s]
            if weight == 0:
                continue
            share = cython.cast(cython.int, 512 * weight // total)
            if share == 0:
                share = 1
            if weight > most:
                most = weight
                best = s
            shares[s] = share
            given += share
        if given < 512:
            self.shares[best] += 512 - given
        while given > 512:
            best = 0
            for s in range(256):
                if self.shares[s] > self.shares[best]:
                    best = s
            share = cython.cast(cython.int, self.shares[best] // 2)
            if share > given - 512:
                share = given - 512
            self.shares[best] -= share
            given -= share
        return 0


@cython.final
@cython.cclass
class BlockPacker(Model):
    """Packs blocks, from where they stand in a scan or from coefficients.

    What is to be coded is noted in ``entries`` first: share, where it begins, and some bits
    as they are, how many and which. rANS codes them from the last one to the first. The
    portion's ``symbols`` stay until the next one begins.
    """

    codes: cython.uint[::1]
    entries: cython.ulonglong[::1]
    top: cython.longlong
    kept: cython.longlong
    out: cython.uchar[::1]
    odd: cython.int[::1]
    full: cython.ushort[::1]
    short: cython.ushort[::1]
    of: object
    used: cython.longlong
    sum: cython.ulonglong

    def __init__(self, weights) -> None:
        c: cython.int
        Model.__init__(self, weights)
        self.codes = array("I", [0]) * (2 * 40 * 256)
        self.entries = array("Q", [0]) * (2 * _ENTRIES)
        self.top = 0
        self.out = array("B", bytes(4))
        self.odd = array("i", [0]) * 4096
        self.of = None
        self.used = 0
        self.begin_sum()
        for c in range(40):
            self._renew(c, c)
        self.begin()

    def begin(self) -> None:
        """Begin a portion: what was met in others does not count."""
        self.top = 0
        self.kept = 0
        self._forget()

    def begin_sum(self) -> None:
        """Begin a checksum."""
        self.kept = 0
        self.sum = 0x811C9DC5

    def checksum(self) -> int:
        """Return the checksum of the symbols since `begin_sum`."""
        return self.sum

    def _room(self) -> None:
        """Make room for more entries and symbols."""
        if len(self.entries) - self.top < _ENTRIES:
            more = array("Q", self.entries)
            more.extend(array("Q", [0]) * len(more))
            self.entries = more
        if len(self.symbols) - self.kept < _CHUNK:
            more = array("I", self.symbols)
            more.extend(array("I", [0]) * len(more))
            self.symbols = more

    def _load(self, full) -> None:
        """Take a scan's tables: all codes of up to 10 bits to where they are near each other."""
        k: cython.longlong
        if self.of is full:
            return
        self.full = full
        self.short = array("H", bytes(len(full) // 32))
        for k in range(len(self.short)):
            self.short[k] = self.full[k << 6] if self.full[k << 6] >> 8 <= 10 else 0
        self.of = full

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _renew(self, c: cython.int, to: cython.int) -> cython.int:
        start: cython.uint = 0
        s: cython.int
        self._share_out(c)
        self.base[c] = to
        for s in range(256):
            self.codes[256 * to + s] = self.shares[s] | start << 11
            start += self.shares[s]
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _note(self, end: cython.longlong, q: cython.int) -> cython.int:
        """Turn ``symbols[kept:end]`` into entries, and keep them.

        They are DC values, and T.81's AC symbols behind each.
        """
        i: cython.longlong = self.kept
        top: cython.longlong = self.top
        code: cython.ulonglong
        bits: cython.ulonglong
        e: cython.uint
        s: cython.uint
        k: cython.int = 64
        c: cython.int = 0
        value: cython.int
        size: cython.int
        met: cython.int = 0
        codes = self.codes
        base = self.base
        counts = self.counts
        left = self.left
        symbols = self.symbols
        entries = self.entries
        bands = self.bands
        lengths = self.lengths
        while i < end:
            e = symbols[i]
            i += 1
            if k == 64:  # a DC value
                value = cython.cast(cython.int, e) - 32768 - self.previous_dc
                self.previous_dc = cython.cast(cython.int, e) - 32768
                size = 0
                while (value if value >= 0 else -value) >> size:
                    size += 1
                if value < 0:
                    value += (1 << size) - 1
                s = size
                bits = value
                c = 32 + 4 * q + self.differences[self.previous_size]
                self.previous_size = size
            else:
                s = e & 255
                size = s & 15
                bits = e >> 8
            code = codes[256 * base[c] + s]
            if code & 2047 == 0:  # the escape, and the symbol as it is
                code = codes[256 * base[c] + 32]
                entries[top] = code | 8 << 21 | cython.cast(cython.ulonglong, s) << 26
                top += 1
                code = 512
            entries[top] = code | cython.cast(cython.ulonglong, size) << 21 | bits << 26
            top += 1
            counts[256 * c + s] += 1
            left[c] -= 1
            if left[c] == 0:
                self._renew(c, 40 + c)
            if k == 64:
                k = 1
                met = 0
                c = 16 * q + self.activity[self.previous_symbols]
            elif s == 0:
                k = 64
                self.previous_symbols = met
            else:
                met += 1
                k += cython.cast(cython.int, s >> 4) + 1
                c = 16 * q + bands[k] + lengths[size]
                self.previous_symbols = met
        self.top = top
        self.kept = end
        return 0

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _add_up(self, end: cython.longlong) -> cython.int:
        """Add ``symbols[kept:end]`` to the checksum: FNV-1a of 32 bits, but by words, not bytes."""
        i: cython.longlong
        found: cython.ulonglong = self.sum
        mask: cython.ulonglong = 0xFFFFFFFF
        symbols = self.symbols
        for i in range(self.kept, end):
            found = (found ^ symbols[i]) * 0x01000193 & mask
        self.sum = found
        return 0

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-2)
    def _read(
        self, words: cython.uint[::1], table: cython.longlong, begin: cython.longlong,
        at: cython.longlong,
    ) -> cython.longlong:
        """Take the AC symbols of the block at bit ``begin`` to ``symbols[at:]``; return their end.

        It is negative where T.81's own procedure would not take the same ones (ZRL before
        EOB is left out), and -1 where they can't be read.
        """
        mask: cython.ulonglong = 0xFFFFFFFF
        i: cython.longlong = (begin >> 5) + 1
        n: cython.int = 32 - cython.cast(cython.int, begin & 31)
        acc: cython.ulonglong = words[begin >> 5]
        k: cython.int = 1
        last: cython.int = 1
        e: cython.uint
        size: cython.int
        odd: cython.bint = False
        ended: cython.bint = False
        while k < 64:
            if n < 32:
                acc = ((acc & mask) << 32) | words[i]
                i += 1
                n += 32
            e = self.short[(table << 10) + ((acc >> (n - 10)) & 1023)]
            if e == 0:
                e = self.full[(table << 16) + ((acc >> (n - 16)) & 65535)]
                if e == 0:
                    return -1
            size = e & 15
            n -= cython.cast(cython.int, e >> 8) + size
            k += cython.cast(cython.int, (e >> 4) & 15) + 1
            if size == 0:
                if e & 240 != 240:
                    odd = (e & 240) != 0 or k - 1 != last  # with a run, or behind a ZRL
                    ended = True
                    break
                if k > 64:
                    return -1
                continue
            if k > 64:
                return -1
            while k - last > 16:
                self.symbols[at] = 240
                at += 1
                last += 16
            self.symbols[at] = (
                cython.cast(cython.uint, (acc >> n) & ((1 << size) - 1)) << 8
                | cython.cast(cython.uint, k - last - 1) << 4 | size
            )
            at += 1
            last = k
        self.used = i * 32 - n - begin
        if last < 64:
            self.symbols[at] = 0
            at += 1
            odd = odd or not ended  # ZRLs to the end
        return -1 - at if odd else at

    def length(self, words: cython.uint[::1], full, table: cython.longlong) -> int:
        """Return how many bits the AC codes of the block at bit 0 take; -1 where they are none."""
        end: cython.longlong
        self._load(full)
        with cython.nogil:
            end = self._read(words, table, 0, 0)
        return -1 if end == -1 else self.used

    def add(
        self, words: cython.uint[::1], blocks: tuple, full, table: cython.longlong,
        members: cython.int[::1], q: cython.int,
    ) -> int:
        """Note one component's blocks; return how many of them were coded oddly: see `numbers`.

        Or -1 where a block can't be read. With ``q`` -1 they are only added to the checksum.
        """
        first_bit: cython.longlong[::1] = blocks[0]
        dc_bits: cython.uchar[::1] = blocks[1]
        dc: cython.int[::1] = blocks[3]
        k: cython.longlong = 0
        m: cython.longlong
        end: cython.longlong
        at: cython.longlong
        limit: cython.longlong
        count: cython.longlong = 0
        room: cython.longlong
        space: cython.longlong
        stop: cython.longlong = len(members)
        self._component()
        self._load(full)
        while k < stop:
            self._room()
            room = len(self.entries) - _ENTRIES
            space = len(self.symbols) - _CHUNK
            with cython.nogil:
                while k < stop and self.top <= room and self.kept <= space:
                    at = self.kept
                    limit = stop if stop < k + 64 else k + 64
                    while k < limit:
                        m = members[k]
                        self.symbols[at] = cython.cast(cython.uint, dc[m] + 32768)
                        end = self._read(words, table, first_bit[m] + dc_bits[m], at + 1)
                        if end == -1:
                            break
                        if end < 0:
                            end = -1 - end
                            if q >= 0:
                                self.odd[count] = cython.cast(cython.int, k)
                            count += 1
                        at = end
                        k += 1
                    if k < limit:
                        break
                    if q < 0:
                        self._add_up(at)
                    else:
                        self._note(at, q)
            if k < limit:
                return -1
        return count

    def numbers(self, count: cython.longlong) -> list:
        """Return which blocks of the component added last were coded oddly."""
        k: cython.longlong
        return [self.odd[k] for k in range(count)]

    def add_plain(
        self, coefficients: cython.short[::1], members: cython.int[::1], q: cython.int
    ) -> None:
        """Note one component's blocks, given as 64 coefficients each; with ``q`` as `add` does."""
        k: cython.longlong = 0
        base: cython.longlong
        at: cython.longlong
        limit: cython.longlong
        j: cython.int
        run: cython.int
        size: cython.int
        value: cython.int
        room: cython.longlong
        space: cython.longlong
        stop: cython.longlong = len(members)
        self._component()
        while k < stop:
            self._room()
            room = len(self.entries) - _ENTRIES
            space = len(self.symbols) - _CHUNK
            with cython.nogil:
                while k < stop and self.top <= room and self.kept <= space:
                    at = self.kept
                    limit = stop if stop < k + 64 else k + 64
                    while k < limit:
                        base = cython.cast(cython.longlong, members[k]) * 64
                        self.symbols[at] = cython.cast(cython.uint, coefficients[base] + 32768)
                        at += 1
                        run = 0
                        for j in range(1, 64):
                            value = coefficients[base + j]
                            if value == 0:
                                run += 1
                                continue
                            while run > 15:
                                self.symbols[at] = 240
                                at += 1
                                run -= 16
                            size = 0
                            while (value if value >= 0 else -value) >> size:
                                size += 1
                            if value < 0:
                                value += (1 << size) - 1
                            self.symbols[at] = cython.cast(
                                cython.uint, value << 8 | run << 4 | size
                            )
                            at += 1
                            run = 0
                        if run:
                            self.symbols[at] = 0
                            at += 1
                        k += 1
                    if q < 0:
                        self._add_up(at)
                    else:
                        self._note(at, q)

    def finish(self) -> bytes:
        """Code what was noted."""
        x: cython.ulonglong = 1
        e: cython.ulonglong
        share: cython.ulonglong
        n: cython.int
        i: cython.longlong
        at: cython.longlong
        if len(self.out) < 4 * self.top:
            self.out = array("B", [0]) * (4 * self.top)
        with cython.nogil:
            at = len(self.out)
            for i in range(self.top - 1, -1, -1):
                e = self.entries[i]
                share = e & 2047
                n = cython.cast(cython.int, (e >> 21) & 31)
                if x >= share << (54 - n):
                    at -= 4
                    self.out[at] = (x >> 24) & 255
                    self.out[at + 1] = (x >> 16) & 255
                    self.out[at + 2] = (x >> 8) & 255
                    self.out[at + 3] = x & 255
                    x >>= 32
                x = (x << n) | (e >> 26)
                x = (x // share << 9) + x % share + ((e >> 11) & 1023)
        state = int(x)
        size = (state.bit_length() + 7) // 8
        if at == len(self.out):
            return state.to_bytes(size, "big")
        return state.to_bytes(max(size, 5), "big") + bytes(self.out[at:])


@cython.final
@cython.cclass
class BlockUnpacker(Model):
    """Unpacks blocks: to coefficients, or to a sequential scan's codes."""

    table: cython.uint[::1]
    data: cython.const[cython.uchar][::1]
    state: cython.ulonglong
    at: cython.longlong
    end: cython.longlong
    words: cython.uint[::1]
    filled: cython.longlong

    def __init__(self, weights) -> None:
        c: cython.int
        Model.__init__(self, weights)
        self.words = array("I", [0]) * (64 * 64 * 2)
        self.filled = 0
        self.table = array("I", [0]) * (2 * 40 * 512)
        for c in range(40):
            self._renew(c, c)

    def begin(self, data) -> bool:
        """Begin a portion; False where the data can't be one."""
        length: cython.longlong = len(data)
        size: cython.longlong = length if length < 5 else (length - 1) % 4 + 5
        state = int.from_bytes(data[:size], "big")
        if length == 0 or state >> 63:
            return False
        self.data = data
        self.state = state
        self.at = size
        self.end = length
        self.filled = 0
        self._forget()
        return True

    def forget(self) -> None:
        """Hold nothing that is not needed any more."""
        self.data = b""
        self.at = 0
        self.end = 0

    def done(self) -> bool:
        """Whether the portion is at its end, as it must be when all its blocks were unpacked."""
        return self.at == self.end and self.state == 1

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def _renew(self, c: cython.int, to: cython.int) -> cython.int:
        at: cython.longlong = 512 * to
        s: cython.uint
        j: cython.uint
        self._share_out(c)
        self.base[c] = to
        for s in range(256):
            for j in range(self.shares[s]):
                self.table[at] = s | self.shares[s] << 8 | j << 19
                at += 1
        return 0

    @cython.final
    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(1, check=True)
    def _word(self, at: cython.longlong) -> cython.uint:
        return (
            cython.cast(cython.uint, self.data[at]) << 24
            | cython.cast(cython.uint, self.data[at + 1]) << 16
            | cython.cast(cython.uint, self.data[at + 2]) << 8
            | self.data[at + 3]
        )

    @cython.final
    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def _decode(self, blocks: cython.longlong, q: cython.int) -> cython.longlong:
        """Decode up to 64 blocks into ``symbols``: DC values, AC symbols behind each.

        Returns how many symbols these are, or -1.
        """
        one: cython.ulonglong = 1
        x: cython.ulonglong = self.state
        at: cython.longlong = self.at
        b: cython.longlong
        o: cython.longlong = 0
        e: cython.uint
        s: cython.uint
        c: cython.int
        k: cython.int
        n: cython.int
        met: cython.int
        value: cython.int
        table = self.table
        base = self.base
        counts = self.counts
        left = self.left
        symbols = self.symbols
        bands = self.bands
        lengths = self.lengths
        for b in range(blocks):
            met = -1
            k = 0
            s = 240
            c = 32 + 4 * q + self.differences[self.previous_size]
            while k < 64:
                e = table[512 * base[c] + cython.cast(cython.longlong, x & 511)]
                x = ((e >> 8) & 2047) * (x >> 9) + (e >> 19)
                value = cython.cast(cython.int, s)
                s = e & 255
                if s == 32:
                    s = cython.cast(cython.uint, x & 255)
                    x >>= 8
                    if x >> 31 == 0 and at < self.end:
                        x = x << 32 | self._word(at)
                        at += 4
                counts[256 * c + s] += 1
                left[c] -= 1
                if left[c] == 0:
                    self._renew(c, 40 + c)
                n = cython.cast(cython.int, s & 15)
                if met < 0:  # a DC difference
                    n = cython.cast(cython.int, s)
                    if n > 16:
                        return -1
                    self.previous_size = n
                    value = cython.cast(cython.int, x & ((one << n) - 1))
                    if n and value >> (n - 1) == 0:
                        value -= (1 << n) - 1
                    self.previous_dc += value
                    if self.previous_dc < -32768 or self.previous_dc > 32767:
                        return -1
                    symbols[o] = cython.cast(cython.uint, self.previous_dc + 32768)
                    k = 1
                    c = 16 * q + self.activity[self.previous_symbols]
                    s = 0
                else:
                    symbols[o] = cython.cast(cython.uint, x & ((one << n) - 1)) << 8 | s
                    if s == 0:
                        if value == 240:  # ZRL before EOB
                            return -1
                        k = 64
                    else:
                        k += cython.cast(cython.int, s >> 4) + 1
                        if k > 64 or n == 0 and (s != 240 or k > 63):
                            return -1
                        c = 16 * q + bands[k] + lengths[n]
                o += 1
                met += 1
                x >>= n
                if x >> 31 == 0 and at < self.end:
                    x = x << 32 | self._word(at)
                    at += 4
            self.previous_symbols = met - (1 if s == 0 else 0)
        self.state = x
        self.at = at
        return o

    def repeats(
        self, packer: BlockPacker, start: cython.longlong, count: cython.longlong, q: cython.int
    ) -> int:
        """Unpack ``count`` blocks; return where their symbols end in the packer's if, from ``start``
        on, they are those that it packed. Else -1.
        """
        done: cython.longlong = 0
        some: cython.longlong
        i: cython.longlong
        end: cython.longlong = 0
        at: cython.longlong = start
        differ: cython.uint = 0
        self._component()
        with cython.nogil:
            symbols = self.symbols
            packed = packer.symbols
            while done < count and differ == 0:
                some = count - done if count - done < 64 else 64
                end = self._decode(some, q)
                if end < 0 or at + end > packer.kept:
                    differ = 1
                    break
                for i in range(end):
                    differ |= symbols[i] ^ packed[at + i]
                at += end
                done += some
        return -1 if differ else at

    def blocks(self, count: cython.longlong, q: cython.int, out: cython.short[::1]) -> int:
        """Unpack ``count`` blocks into zeros as 64 coefficients each, in zigzag order. 0, or -1."""
        done: cython.longlong = 0
        some: cython.longlong
        b: cython.longlong
        i: cython.longlong
        e: cython.uint
        k: cython.int
        n: cython.int
        value: cython.int
        status: cython.longlong = 0
        self._component()
        with cython.nogil:
            while done < count:
                some = count - done if count - done < 64 else 64
                status = self._decode(some, q)
                if status < 0:
                    break
                i = 0
                for b in range(done, done + some):
                    out[64 * b] = cython.cast(cython.int, self.symbols[i]) - 32768
                    i += 1
                    k = 1
                    while k < 64:
                        e = self.symbols[i]
                        i += 1
                        if e & 255 == 0:
                            break
                        k += cython.cast(cython.int, (e >> 4) & 15) + 1
                        n = e & 15
                        value = e >> 8
                        if n:
                            if value >> (n - 1) == 0:
                                value -= (1 << n) - 1
                            out[64 * b + k - 1] = value
                done += some
        return -1 if status < 0 else 0

    def codes(
        self, first: cython.longlong, count: cython.longlong, q: cython.int,
        codes: cython.uint[::1], table: cython.longlong, patch: tuple,
    ) -> int:
        """Unpack one component's blocks as AC codes of a table; see `taken`.

        ``codes``: ``code << 5 | length`` by table and symbol, 0 where the table lacks it.
        DC values, first bits and numbers of bits go to ``[first:first + count]`` of the arrays
        of ``patch``; a block that can't be said gets the length -1. Returns how many these
        are, or -1 where the data is damaged.
        """
        dc: cython.int[::1] = patch[0]
        patch_at: cython.longlong[::1] = patch[1]
        patch_bits: cython.int[::1] = patch[2]
        mask: cython.ulonglong = 0xFFFFFFFF
        one: cython.ulonglong = 1
        acc: cython.ulonglong = 0
        held: cython.int = 0
        o: cython.longlong = self.filled
        k: cython.longlong = first
        stop: cython.longlong = first + count
        i: cython.longlong
        limit: cython.longlong
        begin: cython.longlong
        e: cython.uint
        code: cython.uint
        position: cython.int
        n: cython.int
        sayable: cython.bint
        failed: cython.longlong = 0
        room: cython.longlong
        status: cython.longlong = 0
        self._component()
        while k < stop and status >= 0:
            room = len(self.words) - 64 * 64
            if o > room:
                more = array("I", self.words)
                more.extend(array("I", [0]) * len(more))
                self.words = more
                room = len(self.words) - 64 * 64
            with cython.nogil:
                while k < stop and o <= room:
                    limit = stop if stop < k + 64 else k + 64
                    status = self._decode(limit - k, q)
                    if status < 0:
                        break
                    i = 0
                    while k < limit:
                        dc[k] = cython.cast(cython.int, self.symbols[i]) - 32768
                        i += 1
                        begin = 32 * o + held
                        sayable = True
                        position = 1
                        while position < 64:
                            e = self.symbols[i]
                            i += 1
                            code = codes[256 * table + (e & 255)]
                            if code == 0:
                                sayable = False
                            n = cython.cast(cython.int, (code & 31) + (e & 15))  # 16 + 15 at most
                            acc = acc << n | (code >> 5) << (e & 15) | e >> 8
                            held += n
                            if held >= 32:
                                held -= 32
                                self.words[o] = cython.cast(cython.uint, (acc >> held) & mask)
                                o += 1
                                acc &= (one << held) - 1
                            if e & 255 == 0:
                                break
                            position += cython.cast(cython.int, (e >> 4) & 15) + 1
                        patch_at[k] = begin
                        patch_bits[k] = cython.cast(cython.int, 32 * o + held - begin)
                        if not sayable:
                            patch_bits[k] = -1
                            failed += 1
                        k += 1
        if held:
            self.words[o] = cython.cast(cython.uint, (acc << (32 - held)) & mask)
            o += 1
        self.filled = o
        return -1 if status < 0 else failed

    def taken(self) -> bytes:
        """Return the words with all codes of the portion."""
        return bytes(self.words[: self.filled])
