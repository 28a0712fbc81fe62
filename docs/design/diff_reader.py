"""A second implementation of diff-format.md, written from its text alone.

Reads and writes what the format is made of: CBOR, the compact code in both
directions, and the states of a picture. **Of pictures it takes sequential Huffman
ones only**, and of these baseline (SOF0) with one scan, without restart intervals
and padding blocks, whole (no broken interval, section 7.5) and with nothing behind
their scan's data (no strays, 7.6): progressive and arithmetic-coded pictures (7.3, 7.4)
are refused, and so are stretches in the file record, which no sequential picture
has. The records are the same for every process. It imports nothing of jpegredact, and
refuses little else: it is there to show that the text suffices. `diff_example.py`
runs it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

Block = tuple[int, int, int]  # component, row, column


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


# -- A baseline JPEG with one scan, no restart interval, no padding blocks ----------------


class Jpeg:
    """Where the blocks of a JPEG stand, and its tables."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tables: dict[int, dict[str, int]] = {}
        self.table_symbols: list[int] = []
        at = 2
        while data[at + 1] != 0xDA:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            body = data[at + 4 : end]
            if 0xC0 < data[at + 1] < 0xD0 and data[at + 1] not in (0xC4, 0xC8, 0xCC):
                raise ValueError("only baseline pictures (SOF0) are read here")
            if data[at + 1] == 0xC0:
                self.height, self.width = struct.unpack(">HH", body[1:5])
                self.frame = {body[k]: (body[k + 1] >> 4, body[k + 1] & 15)
                              for k in range(6, len(body), 3)}  # fmt: skip
            while data[at + 1] == 0xC4 and body:
                count = sum(body[1:17])
                self.tables[body[0]] = _codes(body[1:17], body[17 : 17 + count])
                self.table_symbols.append(count)
                body = body[17 + count :]
            at = end
        self.scan = at
        self.start = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        self.units = [
            (number, h, v, i, j, *self._tables(data[at + 6 + 2 * number]))
            for number, (h, v) in enumerate(self.frame.values())
            for i in range(v)
            for j in range(h)
        ]
        self.end = data.index(b"\xff\xd9", self.start)
        raw = data[self.start : self.end].replace(b"\xff\x00", b"\xff")
        self.bits = "".join(f"{byte:08b}" for byte in raw)
        self._blocks()

    def _tables(self, names: int) -> tuple[dict[str, int], dict[str, int]]:
        return self.tables[names >> 4], self.tables[16 + (names & 15)]

    def _blocks(self) -> None:
        """Decode; ``order`` lists (block, first bit, first AC bit, end bit)."""
        grey = len(self.frame) == 1
        side = max(unit[1] for unit in self.units), max(unit[2] for unit in self.units)
        across, down = -(-self.width // (8 * side[0])), -(-self.height // (8 * side[1]))
        assert not grey or len(self.units) == 1
        self.order: list[tuple[Block, int, int, int]] = []
        self.values: dict[Block, list[int]] = {}
        dc = [0] * len(self.frame)
        at = 0
        for mcu in range(across * down):
            for c, h, v, i, j, dc_table, ac_table in self.units:
                block = (c, mcu // across * v + i, mcu % across * h + j)
                first = at
                difference, at = self._value(*self._symbol(dc_table, at))
                dc[c] += difference
                middle, values, k = at, [dc[c]] + [0] * 63, 1
                while k < 64:
                    symbol, at = self._symbol(ac_table, at)
                    if symbol == 0:
                        break
                    k += symbol >> 4
                    values[k], at = self._value(symbol & 15, at)
                    k += 1
                self.order.append((block, first, middle, at))
                self.values[block] = values

    def _symbol(self, table: dict[str, int], at: int) -> tuple[int, int]:
        end = at + 1
        while self.bits[at:end] not in table:
            end += 1
        return table[self.bits[at:end]], end

    def _value(self, size: int, at: int) -> tuple[int, int]:
        if not size:
            return 0, at
        value = int(self.bits[at : at + size], 2)
        return value if value >> (size - 1) else value - (1 << size) + 1, at + size

    def outside(self, touched: set[Block]) -> bytes:
        """Return the outside digest, as section 8 says it."""
        text, behind_touched = "", set()
        for block, first, middle, end in self.order:
            if block in touched:
                behind_touched.add(block[0])
            elif block[0] in behind_touched:
                behind_touched.remove(block[0])
                text += f"{self.values[block][0] & 0xFFFF:016b}" + self.bits[middle:end]
            else:
                text += self.bits[first:end]
        return hashlib.sha256(
            self.data[: self.start] + len(text).to_bytes(8) + _packed(text, "0")
            + self.data[self.end :]
        ).digest()  # fmt: skip

    def revealed(self, blocks: dict[Block, list[int]], odd: dict[Block, str]) -> bytes:
        """Return the file with the blocks put back, as section 10 says it."""
        text, dc = "", [0] * len(self.frame)
        tables = {unit[0]: unit[5:] for unit in self.units}
        for block, _, middle, end in self.order:
            value = blocks.get(block, self.values[block])[0]
            codes = [{symbol: code for code, symbol in t.items()} for t in tables[block[0]]]
            text += _coded(codes[0], 0, value - dc[block[0]])
            dc[block[0]] = value
            if block in odd:
                text += odd[block]
            elif block in blocks:
                run = 0
                for coefficient in blocks[block][1:]:
                    run += 1
                    if coefficient:
                        while run > 16:
                            text += codes[1][0xF0]
                            run -= 16
                        text += _coded(codes[1], run - 1, coefficient)
                        run = 0
                text += codes[1][0] if run else ""
            else:
                text += self.bits[middle:end]
        coded = _packed(text, "1").replace(b"\xff", b"\xff\x00")
        return self.data[: self.start] + coded + self.data[self.end :]


def patched(
    whole: bytes, patches: list[tuple[int, int, bytes]], stretches: list[object]
) -> bytes:
    """Return the original from the fully revealed file, as section 10.3 says it."""
    if stretches:
        raise ValueError("stretches belong to progressive pictures, which are not read here")
    for offset, length, new in reversed(patches):
        whole = whole[:offset] + new + whole[offset + length :]
    return whole


def _codes(counts: bytes, symbols: bytes) -> dict[str, int]:
    found, code, at = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for symbol in symbols[at : at + count]:
            found[f"{code:0{length}b}"] = symbol
            code += 1
        at += count
        code <<= 1
    return found


def _coded(codes: dict[int, str], run: int, value: int) -> str:
    size = abs(value).bit_length()
    extra = value if value > 0 else value + (1 << size) - 1
    return codes[run << 4 | size] + (f"{extra:0{size}b}" if size else "")


def _packed(text: str, padding: str) -> bytes:
    text += padding * (-len(text) % 8)
    return bytes(int(text[k : k + 8], 2) for k in range(0, len(text), 8))
