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
from collections.abc import Callable, Iterator

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


# -- The compact code ------------------------------------------------------------------


class Coder:
    """What both directions share: the interval, and the adaptive probabilities of a one."""

    def __init__(self, contexts: int) -> None:
        self.low, self.high = 0, 0xFFFFFFFF
        self.probability = [32768] * contexts
        self.seen = [0] * contexts

    def middle(self, context: int) -> int:
        """Return where a context splits the interval: a one lies at or below it."""
        return self.low + ((self.high - self.low) * self.probability[context] >> 16)

    def half(self) -> int:
        """Return where a bit without context splits the interval."""
        return self.low + ((self.high - self.low) >> 1)

    def adapt(self, context: int, bit: int) -> None:
        """Move a probability towards what was seen."""
        p, rate = self.probability[context], 131072 // (2 * self.seen[context] + 3)
        p = min(p + ((65536 - p) * rate >> 16), 65504) if bit else max(p - (p * rate >> 16), 32)
        self.probability[context] = p
        self.seen[context] = min(self.seen[context] + 1, 31)

    def take(self, middle: int, bit: int) -> Iterator[int]:
        """Choose a part of the interval; yield each byte that is decided by it."""
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            yield self.high >> 24
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = self.high << 8 & 0xFFFFFFFF | 255


class Decoder(Coder):
    """Bytes -> bits."""

    def __init__(self, data: bytes, contexts: int) -> None:
        super().__init__(contexts)
        self.data, self.at, self.code = data, 0, 0
        for _ in range(4):
            self.shift()

    def shift(self) -> None:
        """Read the next byte; behind the last one there are zeros."""
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        self.code = (self.code << 8 | byte) & 0xFFFFFFFF

    def choose(self, middle: int) -> int:
        """Decode one bit."""
        bit = int(self.code <= middle)
        for _ in self.take(middle, bit):
            self.shift()
        return bit

    def bit(self, context: int) -> int:
        """Decode a bit in a context."""
        bit = self.choose(self.middle(context))
        self.adapt(context, bit)
        return bit

    def bits(self, count: int) -> int:
        """Decode bits without context, the highest first."""
        value = 0
        for _ in range(count):
            value = 2 * value + self.choose(self.half())
        return value

    def done(self) -> None:
        """Hold that all bytes were read, and no more than four beyond them."""
        assert len(self.data) <= self.at <= len(self.data) + 4


class Encoder(Coder):
    """Bits -> bytes."""

    def __init__(self, contexts: int) -> None:
        super().__init__(contexts)
        self.out = bytearray()

    def bit(self, context: int, bit: int) -> None:
        """Encode a bit in a context."""
        self.out += bytes(self.take(self.middle(context), bit))
        self.adapt(context, bit)

    def bits(self, value: int, count: int) -> None:
        """Encode bits without context, the highest first."""
        for k in range(count - 1, -1, -1):
            self.out += bytes(self.take(self.half(), value >> k & 1))

    def finish(self) -> bytes:
        """Return all bytes; the last are the fewest that, zeros behind, lie in the interval."""
        count = 0
        while self.high >> (32 - 8 * count) << (32 - 8 * count) < self.low:
            count += 1
        return bytes(self.out) + self.high.to_bytes(4)[:count]


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


def band(k: int) -> int:
    """Return which magnitude contexts a coefficient has."""
    return (k > 3) + (k > 9) + (k > 24)


def read_blocks(data: bytes, blocks: list[Block]) -> dict[Block, list[int]]:
    """Return 64 coefficients in zigzag order for each block."""
    coder, found = Decoder(data, 1280), {}
    component, dc, size = -1, 0, 0
    for block in blocks:
        if block[0] != component:
            component, dc, size = block[0], 0, 0
        q = 640 if component else 0
        before, size, magnitude = min(size, 7), 0, 0
        if not coder.bit(q + before):
            sign = coder.bit(q + 8 + before)
            size = magnitude = 1
            while coder.bit(q + 16 + size):
                size += 1
            if size > 1:
                magnitude = 2 + coder.bit(q + 32 + min(size, 15))
                magnitude = magnitude << (size - 2) | coder.bits(size - 2)
            dc += -magnitude if sign else magnitude
        values = [dc] + [0] * 63
        k = 1
        while k < 64 and not coder.bit(q + 64 + k):
            while coder.bit(q + 128 + k):
                k += 1
            sign, magnitude = coder.bits(1), 1
            if coder.bit(q + 192 + k):
                length = 1
                while coder.bit(q + 256 + 16 * band(k) + length):
                    length += 1
                magnitude = 1 + (1 << (length - 1) | coder.bits(length - 1))
            values[k] = -magnitude if sign else magnitude
            k += 1
        found[block] = values
    coder.done()
    return found


def write_blocks(blocks: list[Block], coefficients: dict[Block, list[int]]) -> bytes:
    """Return blocks in the compact code."""
    coder = Encoder(1280)
    component, dc, size = -1, 0, 0
    for block in blocks:
        if block[0] != component:
            component, dc, size = block[0], 0, 0
        q = 640 if component else 0
        values = coefficients[block]
        difference, before = values[0] - dc, min(size, 7)
        dc, size, magnitude = values[0], abs(difference).bit_length(), abs(difference)
        coder.bit(q + before, difference == 0)
        if difference:
            coder.bit(q + 8 + before, difference < 0)
            for e in range(1, size):
                coder.bit(q + 16 + e, 1)
            coder.bit(q + 16 + size, 0)
            if size > 1:
                coder.bit(q + 32 + min(size, 15), magnitude >> (size - 2) & 1)
                coder.bits(magnitude, size - 2)
        last = max(k for k in range(64) if values[k] or k == 0)
        k = 1
        while k < 64:
            coder.bit(q + 64 + k, k > last)
            if k > last:
                break
            while not values[k]:
                coder.bit(q + 128 + k, 1)
                k += 1
            coder.bit(q + 128 + k, 0)
            coder.bits(values[k] < 0, 1)
            rest = abs(values[k]) - 1
            coder.bit(q + 192 + k, rest > 0)
            if rest:
                for e in range(1, rest.bit_length()):
                    coder.bit(q + 256 + 16 * band(k) + e, 1)
                coder.bit(q + 256 + 16 * band(k) + rest.bit_length(), 0)
                coder.bits(rest, rest.bit_length() - 1)
            k += 1
    return coder.finish()


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
