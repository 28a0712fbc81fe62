"""A second implementation of diff-format.md, written from its text alone.

Reads and writes what the format is made of: CBOR, the compact code in both
directions, sealed diffs, the states of a picture and their notes. **Of pictures it takes
sequential Huffman ones only**, and of these baseline (SOF0) with one scan and without
restart intervals, whole (no broken interval, section 7.5) and with nothing behind
their scan's data (no strays, 7.6): progressive and arithmetic-coded pictures (7.3, 7.4)
are refused, and so are stretches in the file record, which no sequential picture
has. The records are the same for every process. It imports nothing of jpegredact, and
refuses little else: it is there to show that the text suffices. `diff_example.py`
runs it. age files are opened by pyrage.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

Block = tuple[int, int, int]  # component, row, column
MAGIC = bytes.fromhex("d9d9f7")


# -- CBOR ------------------------------------------------------------------------------


def read_cbor(data: bytes, at: int, note: Callable[[int, int, str], None]) -> tuple[object, int]:
    """Read one value at ``at``; return it and where it ends. ``note`` sees each head."""
    start, first = at, data[at]
    major, number = first >> 5, first & 31
    at += 1
    if major == 7:
        size = {25: 2, 26: 4, 27: 8}.get(number, 0)
        if not size:
            return {20: False, 21: True, 22: None}[number], at
        form = {2: ">e", 4: ">f", 8: ">d"}[size]
        note(start, at + size, "float")
        return struct.unpack(form, data[at : at + size])[0], at + size
    if number >= 24:
        size = 1 << (number - 24)
        number = int.from_bytes(data[at : at + size])
        at += size
    if major in (0, 1):
        value = number if major == 0 else -1 - number
        note(start, at, str(value))
        return value, at
    if major == 2:
        note(start, at, f"{number} byte{'' if number == 1 else 's'}:")
        note(at, at + number, "")
        return data[at : at + number], at + number
    if major == 3:
        text = data[at : at + number].decode()
        note(start, at + number, f'"{text}"')
        return text, at + number
    if major == 4:
        note(start, at, f"array of {number}:")
        items = []
        for _ in range(number):
            item, at = read_cbor(data, at, note)
            items.append(item)
        return items, at
    note(start, at, f"map of {number}:")
    found = {}
    for _ in range(number):
        key, at = read_cbor(data, at, note)
        found[key], at = read_cbor(data, at, note)
    return found, at


def quiet(start: int, end: int, text: str) -> None:
    """Note nothing."""


def write_cbor(value: object) -> bytes:
    """Write a value; floats, which only region records have, are left out."""
    if value is None or isinstance(value, bool):
        return b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        pairs = sorted((write_cbor(key), write_cbor(item)) for key, item in value.items())
        return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    assert isinstance(value, list | tuple)
    return _head(4, len(value)) + b"".join(map(write_cbor, value))


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size)


# -- The diff, plain or sealed -----------------------------------------------------------


class Diff(NamedTuple):
    """The public part, and the records as they are stored; None where there is none."""

    public: dict[str, Any]
    stored: list[bytes | None]

    @property
    def records(self) -> list[dict[str, Any] | None]:
        """The records, read."""
        return [None if each is None else _record(each) for each in self.stored]

    @property
    def groups(self) -> list[dict[str, Any] | None]:
        """The groups' records."""
        return self.records[: len(self.public["fills"])]

    @property
    def file(self) -> dict[str, Any] | None:
        """The file's record."""
        return self.records[-1]


def check(record: bytes) -> bytes:
    """Return what stands behind a record's map."""
    return hashlib.sha256(record).digest()[:8]


def _record(stored: bytes) -> dict[str, Any]:
    assert stored[-8:] == check(stored[:-8])
    value, end = read_cbor(stored, 0, quiet)
    assert isinstance(value, dict)
    assert end == len(stored) - 8
    return value


def read_diff(data: bytes, identity: str = "") -> Diff:
    """Read a diff; ``identity`` is the text of an X25519 identity that opens a sealed one."""
    assert data[:3] == MAGIC
    public, end = read_cbor(data, 3, quiet)
    assert isinstance(public, dict)
    assert end == len(data)
    if "sealed" not in public:
        return Diff(public, public.pop("records"))
    sealed, envelopes = public.pop("sealed"), public.pop("envelopes")
    public.pop("run", None)
    return Diff(public, unsealed(public, sealed, _manifest(envelopes, identity)))


def unsealed(
    public: dict[str, Any], sealed: list[bytes | None], manifest: bytes
) -> list[bytes | None]:
    """Return the stored records, as section 8 says it: all is checked before any is opened."""
    value, end = read_cbor(manifest, 0, quiet)
    assert isinstance(value, dict)
    assert end == len(manifest)
    assert set(value) == {"id", "public", "records"}
    assert len(value["id"]) == 16
    assert value["public"] == hashlib.sha256(write_cbor(public)).digest()
    present = [
        [index, hashlib.sha256(each).digest()]
        for index, each in enumerate(sealed)
        if each is not None
    ]
    assert [[index, digest] for index, _, digest in value["records"]] == present
    identities = {index: "AGE-SECRET-KEY-1" + text for index, text, _ in value["records"]}
    return [
        None if each is None else unpadded(age_opened(each, identities[index]))
        for index, each in enumerate(sealed)
    ]


def _manifest(envelopes: list[bytes], identity: str) -> bytes:
    import pyrage

    for envelope in envelopes:
        try:
            return age_opened(envelope, identity)
        except pyrage.DecryptError:
            continue
    raise ValueError("no envelope is for this identity")


def age_opened(data: bytes, identity: str) -> bytes:
    """Open an age file; ``age -d -i IDENTITY-FILE`` does the same."""
    import pyrage

    return bytes(pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(identity)]))


def padded_size(length: int) -> int:
    """Return the size to which a record of a length is padded."""
    size = 8 + length
    if size <= 32768:
        return next(1 << n for n in range(10, 16) if size <= 1 << n)
    e = size.bit_length() - 1
    step = 1 << e - e.bit_length()
    return -(-size // step) * step


def unpadded(data: bytes) -> bytes:
    """Return what a padding holds."""
    length = int.from_bytes(data[:8])
    assert len(data) == padded_size(length)
    assert not any(data[8 + length :])
    return data[8 : 8 + length]


# -- The compact code of shapes --------------------------------------------------------


class Decoder:
    """Bytes -> bits: an interval, and the adaptive probabilities of a one."""

    def __init__(self, data: bytes, contexts: int) -> None:
        self.low, self.high = 0, 0xFFFFFFFF
        self.probability = [32768] * contexts
        self.seen = [0] * contexts
        self.data, self.at, self.code = data, 0, 0
        for _ in range(4):
            self.shift()

    def shift(self) -> None:
        """Read the next byte; behind the last one there are zeros."""
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        self.code = (self.code << 8 | byte) & 0xFFFFFFFF

    def bit(self, context: int) -> int:
        """Decode a bit in a context, and move its probability towards it."""
        p, rate = self.probability[context], 131072 // (2 * self.seen[context] + 3)
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = int(self.code <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        p = min(p + ((65536 - p) * rate >> 16), 65504) if bit else max(p - (p * rate >> 16), 32)
        self.probability[context] = p
        self.seen[context] = min(self.seen[context] + 1, 31)
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = self.high << 8 & 0xFFFFFFFF | 255
            self.shift()
        return bit

    def done(self) -> None:
        """Hold that all bytes were read, and no more than four beyond them."""
        assert len(self.data) <= self.at <= len(self.data) + 4


def read_shape(data: bytes, windows: list[list[int]]) -> list[Block]:
    """Return the blocks of a group, in their order."""
    coder, blocks = Decoder(data, 8), []
    for component, row, column, rows, columns in windows:
        cells: set[tuple[int, int]] = set()
        for y in range(rows):
            for x in range(columns):
                near = ((y, x - 1), (y - 1, x), (y - 1, x + 1))
                if coder.bit(sum(1 << k for k in range(3) if near[k] in cells)):
                    cells.add((y, x))
                    blocks.append((component, row + y, column + x))
    coder.done()
    return blocks


# -- The compact code of blocks --------------------------------------------------------

PORTION = 4096
ESCAPE = 32


def _weights() -> list[dict[int, int]]:
    """Read the weights at the beginning from the page itself: one line a context."""
    page = Path(__file__).with_name("diff-format.md").read_text()
    text = page.split("<!-- weights begin -->")[1].split("<!-- weights end -->")[0]
    contexts = []
    for line in text.split("```")[1].split("\n")[1:-1]:
        data = bytes.fromhex(line)
        symbols = iter(data[10:])
        contexts.append({next(symbols): 512 >> k for k in range(10) for _ in range(data[k])})
    return contexts


class Model:
    """The shares of the symbols in each context, as they follow from those met so far."""

    def __init__(self) -> None:
        self.weights = [dict(weights) for weights in WEIGHTS]
        self.left = [64] * 40
        self.span = [64] * 40
        self.shares = [share_out(weights) for weights in WEIGHTS]

    def met(self, context: int, symbol: int) -> None:
        """Count a symbol."""
        weights = self.weights[context]
        weights[symbol] = weights.get(symbol, 0) + 16
        self.left[context] -= 1
        if not self.left[context]:
            self.shares[context] = share_out(weights)
            self.span[context] *= 2
            self.left[context] = self.span[context]


def share_out(weights: dict[int, int]) -> dict[int, tuple[int, int]]:
    """Share 512 out; return for each symbol where its share begins, and how large it is."""
    symbols, total = sorted(weights), sum(weights.values())
    shares = {s: max(weights[s] * 512 // total, 1) for s in symbols}
    over = sum(shares.values()) - 512
    if over < 0:
        shares[max(symbols, key=lambda s: weights[s])] -= over
    while over > 0:
        most = max(symbols, key=lambda s: shares[s])
        less = min(over, shares[most] // 2)
        shares[most] -= less
        over -= less
    found, begin = {}, 0
    for s in symbols:
        found[s] = begin, shares[s]
        begin += shares[s]
    return found


class Contexts:
    """Which context the next symbol has: what both directions share."""

    def __init__(self) -> None:
        self.component = -1

    def dc(self, component: int) -> int:
        """Begin a block; return the context of its DC size."""
        if component != self.component:
            self.component, self.q = component, min(component, 1)
            self.before = self.size = self.symbols = 0
        return 32 + 4 * self.q + min(self.size // 2, 3)

    def ac(self, k: int, size: int) -> int:
        """Return the context of a symbol at ``k``; ``size`` is of the one before it."""
        if k == 1:
            met = self.symbols
            return 16 * self.q + (met > 1) + (met > 4) + (met > 10)
        band = 1 + (k > 5) + (k > 14)
        return 16 * self.q + 4 * band + min(max(size - 1, 0), 3)


def read_portion(data: bytes, blocks: list[Block]) -> dict[Block, list[int]]:
    """Return 64 coefficients in zigzag order for each block."""
    size = len(data) if len(data) < 5 else (len(data) - 1) % 4 + 5
    state, at = int.from_bytes(data[:size]), size
    assert 0 < state < 1 << 63

    def refill() -> None:
        nonlocal state, at
        if state < 1 << 31 and at < len(data):
            state, at = state << 32 | int.from_bytes(data[at : at + 4]), at + 4

    def bits(count: int) -> int:
        nonlocal state
        value, state = state & (1 << count) - 1, state >> count
        refill()
        return value

    def symbol(context: int) -> int:
        nonlocal state
        slot = state & 511
        s, (begin, share) = next(
            item for item in model.shares[context].items() if slot < sum(item[1])
        )
        state = share * (state >> 9) + slot - begin
        s = bits(8) if s == ESCAPE else s
        model.met(context, s)
        return s

    model, contexts, found = Model(), Contexts(), {}
    for block in blocks:
        s = symbol(contexts.dc(block[0]))
        assert s <= 16
        contexts.before += _signed(bits(s), s)
        assert -32768 <= contexts.before <= 32767
        contexts.size = s
        values = [contexts.before] + [0] * 63
        k, size, met = 1, 0, 0
        while k < 64:
            s = symbol(contexts.ac(k, size))
            last, size = size, s & 15
            extra = bits(size)
            if s == 0:
                assert not met or last, "ZRL before EOB"
                break
            met += 1
            k += s >> 4
            assert k < 64
            assert size or s == 0xF0
            values[k] = _signed(extra, size)
            k += 1
        contexts.symbols = met
        found[block] = values
    assert (state, at) == (1, len(data))
    return found


def write_portion(blocks: list[Block], coefficients: dict[Block, list[int]]) -> bytes:
    """Return blocks in the compact code."""
    model, contexts = Model(), Contexts()
    steps: list[tuple[int, int, int, int]] = []  # share, its begin; extra bits: how many, which

    def symbol(context: int, s: int, count: int, extra: int) -> None:
        begin, share = model.shares[context].get(s, (0, 0))
        if not share:
            begin, share = model.shares[context][ESCAPE]
            steps.append((share, begin, 8, s))
            begin, share = 0, 512
        steps.append((share, begin, count, extra))
        model.met(context, s)

    for block in blocks:
        context, values = contexts.dc(block[0]), coefficients[block]
        difference = values[0] - contexts.before
        s = abs(difference).bit_length()
        symbol(context, s, s, _extra(difference, s))
        contexts.before, contexts.size = values[0], s
        last = max(k for k in range(64) if values[k] or k == 0)
        k, size, met = 1, 0, 0
        while k < 64:
            context = contexts.ac(k, size)
            if k > last:
                symbol(context, 0, 0, 0)
                break
            run = next(j for j in range(k, 64) if values[j]) - k
            met += 1
            if run > 15:
                symbol(context, 0xF0, 0, 0)
                size = 0
                k += 16
                continue
            k += run
            size = abs(values[k]).bit_length()
            symbol(context, run << 4 | size, size, _extra(values[k], size))
            k += 1
        contexts.symbols = met
    state, words = 1, b""
    for share, begin, count, extra in reversed(steps):
        if state >= share << (54 - count):
            words = (state & 0xFFFFFFFF).to_bytes(4) + words
            state >>= 32
        state = state << count | extra
        state = (state // share << 9) + state % share + begin
    size = -(-state.bit_length() // 8)
    return state.to_bytes(max(size, 5) if words else size) + words


def _extra(value: int, size: int) -> int:
    return value if value >= 0 else value + (1 << size) - 1


def _signed(extra: int, size: int) -> int:
    return extra if not size or extra >> (size - 1) else extra - (1 << size) + 1


def read_blocks(portions: list[bytes], blocks: list[Block]) -> dict[Block, list[int]]:
    """Return the coefficients of a group's blocks."""
    assert len(portions) == -(-len(blocks) // PORTION)
    found = {}
    for number, data in enumerate(portions):
        found |= read_portion(data, blocks[PORTION * number : PORTION * (number + 1)])
    return found


def write_blocks(blocks: list[Block], coefficients: dict[Block, list[int]]) -> list[bytes]:
    """Return a group's blocks in the compact code."""
    return [
        write_portion(blocks[at : at + PORTION], coefficients)
        for at in range(0, len(blocks), PORTION)
    ]


WEIGHTS = _weights()


# -- Huffman tables ----------------------------------------------------------------------


class Table(NamedTuple):
    """A Huffman table as a DHT segment defines it."""

    slot: int
    counts: tuple[int, ...]
    symbols: bytes

    def codes(self) -> dict[str, int]:
        """Return the symbol of each code."""
        found, code, at = {}, 0, 0
        for length, count in enumerate(self.counts, 1):
            for symbol in self.symbols[at : at + count]:
                found[f"{code:0{length}b}"] = symbol
                code += 1
            at += count
            code <<= 1
        return found

    def by_symbol(self) -> dict[int, str]:
        """Return the first code of each symbol."""
        return {symbol: code for code, symbol in reversed(self.codes().items())}

    def cut(self, count: int) -> Table:
        """Return the table with its first ``count`` symbols only."""
        counts, spare = list(self.counts), len(self.symbols) - count
        for n in reversed(range(16)):
            less = min(spare, counts[n])
            counts[n] -= less
            spare -= less
        return Table(self.slot, tuple(counts), self.symbols[:count])

    def appended(self, symbols: list[int]) -> Table:
        """Return the table with symbols behind its codes, as section 10.1 says it."""
        counts, codes = list(self.counts), list(self.codes())
        length = max((n for n in range(1, 17) if counts[n - 1]), default=1)
        code = int(codes[-1], 2) + 1 if codes else 0
        for left in range(len(symbols), 0, -1):
            while (
                code + 1 > 2**length - 1
                or (2**length - 2 - code) * 2 ** (16 - length) + 2 ** (16 - length) - 1 < left - 1
                or counts[length - 1] == 255
            ):
                code, length = 2 * code, length + 1
                assert length <= 16, "it can't be done"
            counts[length - 1] += 1
            code += 1
        return Table(self.slot, tuple(counts), self.symbols + bytes(symbols))

    def to_bytes(self) -> bytes:
        """Return the table as a DHT segment holds it."""
        return bytes([self.slot, *self.counts]) + self.symbols


# -- A baseline JPEG with one scan and no restart interval -------------------------------


class Jpeg:
    """Where the blocks of a JPEG stand, and its tables."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tables: list[Table] = []
        self.segments = [(0xD8, 0, 2)]
        self.dht: list[tuple[int, int, range]] = []
        self.steps: dict[int, list[int]] = {}
        named: dict[int, int] = {}
        at = 2
        while data[at + 1] != 0xDA:
            code, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4])
            body = data[at + 4 : end]
            self.segments.append((code, at, end))
            if 0xC0 < code < 0xD0 and code not in (0xC4, 0xC8, 0xCC):
                raise ValueError("only baseline pictures (SOF0) are read here")
            if code == 0xC0:
                self.precision, self.height, self.width = struct.unpack(">BHH", body[:5])
                self.frame = [
                    (body[k], body[k + 1] >> 4, body[k + 1] & 15, body[k + 2])
                    for k in range(6, len(body), 3)
                ]
            while code == 0xDB and body:
                assert not body[0] >> 4, "only steps of 8 bits are read here"
                self.steps[body[0]], body = list(body[1:65]), body[65:]
            first = len(self.tables)
            while code == 0xC4 and body:
                count = sum(body[1:17])
                named[body[0]] = len(self.tables)
                self.tables.append(Table(body[0], tuple(body[1:17]), body[17 : 17 + count]))
                body = body[17 + count :]
            if code == 0xC4:
                self.dht.append((at, end, range(first, len(self.tables))))
            at = end
        self.scan = at
        self.start = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        self.segments.append((0xDA, at, self.start))
        names = [data[at + 6 + 2 * number] for number in range(len(self.frame))]
        self.used = [(named[n >> 4], named[16 + (n & 15)]) for n in names]
        self.units = [
            (number, i, j, h, v)
            for number, (_, h, v, _) in enumerate(self.frame)
            for i in range(v)
            for j in range(h)
        ]
        self.most = max(unit[3] for unit in self.units), max(unit[4] for unit in self.units)
        self.end = data.index(b"\xff\xd9", self.start)
        raw = data[self.start : self.end].replace(b"\xff\x00", b"\xff")
        self.bits = "".join(f"{byte:08b}" for byte in raw)
        self._blocks()

    def _blocks(self) -> None:
        """Decode; ``order`` lists (block, first bit, first AC bit, end bit)."""
        codes = [table.codes() for table in self.tables]
        side = self.most
        across, down = -(-self.width // (8 * side[0])), -(-self.height // (8 * side[1]))
        assert len(self.frame) > 1 or side == (1, 1)
        self.order: list[tuple[Block, int, int, int]] = []
        self.values: dict[Block, list[int]] = {}
        dc = [0] * len(self.frame)
        at = 0
        for mcu in range(across * down):
            for c, i, j, h, v in self.units:
                dc_codes, ac_codes = (codes[number] for number in self.used[c])
                block = (c, mcu // across * v + i, mcu % across * h + j)
                first = at
                difference, at = self._value(*self._symbol(dc_codes, at))
                dc[c] += difference
                middle, values, k = at, [dc[c]] + [0] * 63, 1
                while k < 64:
                    symbol, at = self._symbol(ac_codes, at)
                    if symbol == 0:
                        break
                    k += symbol >> 4
                    values[k], at = self._value(symbol & 15, at)
                    k += 1
                self.order.append((block, first, middle, at))
                self.values[block] = values

    def _symbol(self, codes: dict[str, int], at: int) -> tuple[int, int]:
        end = at + 1
        while self.bits[at:end] not in codes:
            end += 1
        return codes[self.bits[at:end]], end

    def _value(self, size: int, at: int) -> tuple[int, int]:
        if not size:
            return 0, at
        value = int(self.bits[at : at + size], 2)
        return value if value >> (size - 1) else value - (1 << size) + 1, at + size

    def real(self, blocks: Iterable[Block]) -> list[Block]:
        """Return the blocks that are no padding blocks (T.81 A.1.1, A.2.4)."""
        found = []
        for block in blocks:
            _, h, v, _ = self.frame[block[0]]
            rows = _up(_up(self.height * v, self.most[1]), 8)
            columns = _up(_up(self.width * h, self.most[0]), 8)
            if block[1] < rows and block[2] < columns:
                found.append(block)
        return found

    def fill_digest(self, shape: list[Block]) -> bytes:
        """Return the digest of what a group shows, as section 4.4 says it."""
        return hashlib.sha256(b"".join(write_blocks(self.real(shape), self.values))).digest()

    def fingerprints(self) -> tuple[bytes, bytes]:
        """Return ``frame`` and ``coding`` of this file, as section 4.5 says it."""
        parts = [[h, v, self.steps[q]] for _, h, v, q in self.frame]
        kept = [
            self.data[at:end]
            for code, at, end in self.segments
            if not 0xE0 <= code <= 0xEF and code != 0xFE
        ]
        return (
            check(write_cbor([self.width, self.height, self.precision, parts])),
            check(write_cbor([kept, [self.end - self.start]])),
        )

    # -- The note, section 9.1 --

    def note(self, redacted: bytes) -> tuple[int, dict[str, Any] | None]:
        """Return where the note begins (it ends with the first scan's header), and what it says."""
        head = b"jrdiff-revealed\0" + redacted[:8]
        begin, content = self.scan, b""
        for code, at, end in reversed(self.segments[:-1]):
            if code != 0xFE or not self.data[at + 4 : end].startswith(head):
                break
            begin, content = at, self.data[at + 4 + len(head) : end] + content
        if begin == self.scan:
            return begin, None
        value, end = read_cbor(content, 0, quiet)
        assert isinstance(value, dict)
        assert end == len(content)
        assert set(value) == {"regions", "tables", "fills"}
        return begin, value

    def fill(self, number: int, group: dict[str, Any]) -> dict[str, Any]:
        """Return what the note says of a group that is to be revealed."""
        shape = read_shape(group["shape"], group["windows"])
        odd = []
        where = {block: (middle, end) for block, _, middle, end in self.order}
        for k, block in enumerate(shape):
            middle, end = where[block]
            codes = self.tables[self.used[block[0]][1]].by_symbol()
            if self.bits[middle:end] != _canonical(self.values[block], codes):
                odd.append([k, end - middle, _packed(self.bits[middle:end], "0")])
        return {
            "group": number,
            "windows": group["windows"],
            "shape": group["shape"],
            "blocks": write_blocks(shape, self.values),
            "odd": odd,
        }

    # -- Writing, section 10.1 --

    def written(
        self, new: list[dict[str, Any]], counts: list[int], note: tuple[int, bytes]
    ) -> bytes:
        """Return the file with the blocks of groups or fills put in.

        ``counts`` are the redacted file's table lengths; ``note`` is where the old one begins,
        and what takes its place.
        """
        blocks: dict[Block, list[int]] = {}
        odd: dict[Block, str] = {}
        for group in new:
            shape = read_shape(group["shape"], group["windows"])
            blocks.update(read_blocks(group["blocks"], shape))
            for number, bits, data in group["odd"]:
                odd[shape[number]] = "".join(f"{byte:08b}" for byte in data)[:bits]
        assert len(counts) == len(self.tables)
        tables = [table.cut(n) for table, n in zip(self.tables, counts, strict=True)]
        tables = self._completed(tables, blocks)
        codes = [table.by_symbol() for table in tables]
        text, dc = "", [0] * len(self.frame)
        for block, _, middle, end in self.order:
            c = block[0]
            value = blocks.get(block, self.values[block])[0]
            text += _coded(codes[self.used[c][0]], 0, value - dc[c])
            dc[c] = value
            if block in odd:
                text += odd[block]
            elif block in blocks:
                text += _canonical(blocks[block], codes[self.used[c][1]])
            else:
                text += self.bits[middle:end]
        coded = _packed(text, "1").replace(b"\xff", b"\xff\x00")
        edits = [(*note, self.scan), (self.start, coded, self.end)]
        for at, end, numbers in self.dht:
            if any(tables[n] != self.tables[n] for n in numbers):
                body = b"".join(tables[n].to_bytes() for n in numbers)
                edits.append((at + 2, (len(body) + 2).to_bytes(2) + body, end))
        data = self.data
        for at, content, end in sorted(edits, reverse=True):
            data = data[:at] + content + data[end:]
        return data

    def _completed(self, tables: list[Table], blocks: dict[Block, list[int]]) -> list[Table]:
        """Append the categories that DC differences need."""
        lacking: dict[int, set[int]] = {}
        dc = [0] * len(self.frame)
        for block, *_ in self.order:
            c, number = block[0], self.used[block[0]][0]
            value = blocks.get(block, self.values[block])[0]
            size = abs(value - dc[c]).bit_length()
            dc[c] = value
            if size not in tables[number].symbols:
                lacking.setdefault(number, set()).add(size)
        return [
            table.appended(sorted(lacking[number])) if number in lacking else table
            for number, table in enumerate(tables)
        ]


def _canonical(values: list[int], codes: dict[int, str]) -> str:
    """Return a block's AC bits as T.81 F.1.2.2 has them; "?" in them for what has no code."""
    text, run = "", 0
    for coefficient in values[1:]:
        run += 1
        if coefficient:
            while run > 16:
                text += codes.get(0xF0, "?")
                run -= 16
            text += _coded(codes, run - 1, coefficient)
            run = 0
    return text + (codes.get(0, "?") if run else "")


def _coded(codes: dict[int, str], run: int, value: int) -> str:
    size = abs(value).bit_length()
    extra = value if value > 0 else value + (1 << size) - 1
    return codes.get(run << 4 | size, "?") + (f"{extra:0{size}b}" if size else "")


def _up(a: int, b: int) -> int:
    return -(-a // b)


def _packed(text: str, padding: str) -> bytes:
    text += padding * (-len(text) % 8)
    return bytes(int(text[k : k + 8], 2) for k in range(0, len(text), 8))


# -- States, sections 9 and 10 ------------------------------------------------------------


def hidden(data: bytes, diff: Diff) -> bytes:
    """Return the redacted file that a state came from; it must be the diff's."""
    jpeg = Jpeg(data)
    begin, note = jpeg.note(diff.public["redacted"])
    if note is not None:
        data = jpeg.written(note["fills"], note["tables"], (begin, b""))
    assert hashlib.sha256(data).digest() == diff.public["redacted"]
    if note is not None:
        redacted, numbers = Jpeg(data), [fill["group"] for fill in note["fills"]]
        for fill in note["fills"]:
            shape = read_shape(fill["shape"], fill["windows"])
            assert redacted.fill_digest(shape) == diff.public["fills"][fill["group"]]
        for number, group in enumerate(diff.groups):
            if group is not None and len(group["regions"]) == 1:
                assert number in numbers or group["regions"][0] not in note["regions"]
    return data


def revealed(data: bytes, diff: Diff, asked: set[int]) -> bytes:
    """Return the state with these regions revealed besides those that are already."""
    file = diff.file
    if file is not None and hashlib.sha256(data).digest() == file["sha256"]:
        return data
    redacted = Jpeg(hidden(data, diff))
    jpeg = Jpeg(data)
    begin, old = jpeg.note(diff.public["redacted"])
    old = old or {"regions": [], "fills": []}
    asked = asked | set(old["regions"])
    fills = {fill["group"]: fill for fill in old["fills"]}
    new = {
        number: group
        for number, group in enumerate(diff.groups)
        if group is not None and number not in fills and set(group["regions"]) <= asked
    }
    for number, group in enumerate(diff.groups):
        if group is not None:
            shape = read_shape(group["shape"], group["windows"])
            assert redacted.fill_digest(shape) == diff.public["fills"][number]
            assert number not in fills or write_blocks(shape, jpeg.values) == group["blocks"]
    counts = [len(table.symbols) for table in redacted.tables]
    plain = jpeg.written(list(new.values()), counts, (begin, b""))
    if file is not None:
        if len(fills) + len(new) == len(diff.groups):
            whole = patched(plain, file["patches"], file["stretches"])
            assert len(whole) == file["length"]
            assert hashlib.sha256(whole).digest() == file["sha256"]
            return whole
        if hashlib.sha256(plain).digest() == file["sha256"]:
            return plain
    if not asked:
        return plain
    fills |= {number: redacted.fill(number, group) for number, group in new.items()}
    content = write_cbor(
        {
            "regions": sorted(asked),
            "tables": counts,
            "fills": [fills[number] for number in sorted(fills)],
        }
    )
    return jpeg.written(list(new.values()), counts, (begin, _segments(content, diff)))


def _segments(content: bytes, diff: Diff) -> bytes:
    head = b"jrdiff-revealed\0" + diff.public["redacted"][:8]
    room = 65533 - len(head)
    pieces = [head + content[at : at + room] for at in range(0, len(content), room)]
    return b"".join(b"\xff\xfe" + (len(each) + 2).to_bytes(2) + each for each in pieces)


def patched(
    whole: bytes, patches: list[tuple[int, int, bytes]], stretches: list[object]
) -> bytes:
    """Return the original from the fully revealed file, as section 10.3 says it."""
    if stretches:
        raise ValueError("stretches belong to progressive pictures, which are not read here")
    for offset, length, new in reversed(patches):
        whole = whole[:offset] + new + whole[offset + length :]
    return whole
