"""A second, independent reader and writer of Huffman-coded sequential JPEGs, in plain Python.

Slow and simple on purpose: it shares no line with jpegredact, and it shows what
jpegio cannot: the bits of each block, hidden padding blocks, padding bits, and
where each restart interval begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

ENDS_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
ENDS_INTERVAL = re.compile(rb"\xff[^\x00\xff]")



@dataclass(frozen=True)
class Table:
    """A Huffman table, and where its first byte stands in the file."""

    slot: int
    counts: bytes
    symbols: bytes
    offset: int

    @property
    def look(self) -> list[tuple[int, int]]:
        """16 bits -> (length of the code, symbol)."""
        return _look(self.counts, self.symbols)

    @cached_property
    def codes(self) -> dict[int, tuple[int, int]]:
        """Symbol -> (code, length); the first one where there are two."""
        found: dict[int, tuple[int, int]] = {}
        for code, length, symbol in all_codes(self.counts, self.symbols):
            found.setdefault(symbol, (code, length))
        return found


def all_codes(counts: bytes, symbols: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield code, length and symbol, in order of the codes."""
    code = at = 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            yield code, length, symbols[at]
            code += 1
            at += 1
        code <<= 1


@lru_cache(maxsize=200)
def _look(counts: bytes, symbols: bytes) -> list[tuple[int, int]]:
    table: list[tuple[int, int]] = []
    for _, length, symbol in all_codes(counts, symbols):
        table += [(length, symbol)] * (1 << (16 - length))
    return table + [(0, 0)] * (65536 - len(table))


@dataclass(frozen=True)
class Part:
    """A component as one scan codes it."""

    index: int
    dc: Table
    ac: Table
    across: int
    down: int


@dataclass
class Block:
    """One data unit: where its bits stand in its interval's data, and what they say."""

    component: int
    row: int
    column: int
    start: int
    dc_end: int
    end: int
    difference: int
    coefficients: list[int] = field(repr=False)
    """64, in zigzag order, the DC value absolute."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Component, row and column in the padded grid."""
        return self.component, self.row, self.column


@dataclass
class Interval:
    """A restart interval: its bytes in the file, unstuffed, and its blocks in coding order."""

    start: int
    end: int
    data: bytes
    raw: list[int] = field(repr=False)
    """Where in the file each data byte stands."""
    blocks: list[Block] = field(repr=False, default_factory=list)

    def bits(self, start: int, end: int) -> tuple[int, int]:
        """Return how many bits, and their value."""
        first, last = start >> 3, (end + 7) >> 3
        value = int.from_bytes(self.data[first:last]) >> (8 * last - end)
        return end - start, value & ((1 << (end - start)) - 1)

    @property
    def padding(self) -> tuple[int, int]:
        """Return the bits behind the last block up to a whole byte."""
        end = self.blocks[-1].end
        return self.bits(end, -(-end // 8) * 8)

    @property
    def left_over(self) -> bytes:
        """Data bytes behind those padding bits."""
        return self.data[-(-self.blocks[-1].end // 8) :]


@dataclass(frozen=True)
class Scan:
    """A scan: its parts, its MCUs, its intervals; ``start`` is behind the header."""

    parts: tuple[Part, ...]
    across: int
    down: int
    start: int
    end: int
    step: int
    """MCUs in a restart interval."""
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class Picture:
    """A JPEG, read whole. ``factors`` are (horizontal, vertical) for each component."""

    data: bytes
    frame: int
    width: int
    height: int
    factors: tuple[tuple[int, int], ...]
    scans: tuple[Scan, ...]
    tables: tuple[Table, ...]
    segments: tuple[tuple[int, int, int], ...]
    """Marker code, first byte, end; EOI not among them."""
    eoi: int | None

    @property
    def largest(self) -> tuple[int, int]:
        """The largest horizontal and vertical factors."""
        return max(h for h, _ in self.factors), max(v for _, v in self.factors)

    def real(self, component: int) -> tuple[int, int]:
        """Rows and columns of blocks that hold picture (ITU-T T.81 A.1.1)."""
        return real_blocks(self.width, self.height, self.factors, component)

    def blocks(self) -> Iterator[tuple[Interval, Block]]:
        """Yield every block in coding order."""
        for scan in self.scans:
            for interval in scan.intervals:
                for block in interval.blocks:
                    yield interval, block


def real_blocks(
    width: int, height: int, factors: tuple[tuple[int, int], ...], component: int
) -> tuple[int, int]:
    """Rows and columns of a component's blocks that hold picture."""
    h, v = factors[component]
    across = -(-width * h // max(f[0] for f in factors))
    down = -(-height * v // max(f[1] for f in factors))
    return -(-down // 8), -(-across // 8)


def segments(data: bytes) -> tuple[list[tuple[int, int, int]], int | None]:
    """Return the marker segments (code, first byte, end), SOI left out, and where EOI stands."""
    found = []
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) - 1 and data[at + 1] == 0xFF:
            at += 1
        if at < 0 or at + 1 >= len(data):
            return found, None
        code = data[at + 1]
        if code == 0xD9:
            return found, at
        if code == 0 or 0xD0 <= code <= 0xD8:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        found.append((code, at, end))
        at = end
        if code == 0xDA:
            stop = ENDS_SCAN.search(data, end)
            at = stop.start() if stop else len(data)


def read(data: bytes, decode: bool = True) -> Picture:
    """Read a JPEG whole; without ``decode`` its intervals have no blocks."""
    parts, eoi = segments(data)
    tables: dict[int, Table] = {}
    all_tables = []
    scans = []
    frame = width = height = interval = 0
    identifiers: list[int] = []
    factors: tuple[tuple[int, int], ...] = ()
    for code, start, end in parts:
        body = data[start + 4 : end]
        if code in (0xC0, 0xC1):
            frame, height, width = start, int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            identifiers = list(body[6::3])
            factors = tuple((f >> 4, f & 15) for f in body[7::3])
        elif code == 0xC4:
            for table in _read_tables(body, start + 4):
                tables[table.slot] = table
                all_tables.append(table)
        elif code == 0xDD:
            interval = int.from_bytes(body)
        elif code == 0xDA:
            chosen = [
                (identifiers.index(body[k]), body[k + 1]) for k in range(1, 1 + 2 * body[0], 2)
            ]
            scans.append(
                _read_scan(data, end, chosen, tables, (width, height, factors), interval, decode)
            )
    return Picture(
        data, frame, width, height, factors, tuple(scans), tuple(all_tables), tuple(parts), eoi
    )


def _read_tables(body: bytes, offset: int) -> Iterator[Table]:
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        size = 17 + sum(counts)
        yield Table(body[at], counts, body[at + 17 : at + size], offset + at)
        at += size


def _read_scan(data, start, chosen, tables, frame, interval, decode) -> Scan:
    width, height, factors = frame
    single = len(chosen) == 1
    parts = tuple(
        Part(
            index,
            _table(tables, slots >> 4),
            _table(tables, 0x10 | slots & 15),
            *((1, 1) if single else factors[index]),
        )
        for index, slots in chosen
    )
    if single:
        down, across = real_blocks(width, height, factors, chosen[0][0])
    else:
        across = -(-width // (8 * max(f[0] for f in factors)))
        down = -(-height // (8 * max(f[1] for f in factors)))
    stop = ENDS_SCAN.search(data, start)
    end = stop.start() if stop else len(data)
    step = interval or across * down
    intervals = []
    at = start
    for first in range(0, across * down, step):
        marker = ENDS_INTERVAL.search(data, at, end)
        limit = marker.start() if marker else end
        found = Interval(at, limit, *(_unstuff(data, at, limit) if decode else (b"", [])))
        if decode:
            _decode(found, parts, across, range(first, min(first + step, across * down)))
        intervals.append(found)
        at = limit + 2
    return Scan(parts, across, down, start, end, step, tuple(intervals))


def _table(tables: dict[int, Table], slot: int) -> Table:
    if slot in tables:
        return tables[slot]
    counts, symbols = standard_tables()[slot]
    return Table(slot, counts, symbols, -1)


@lru_cache(maxsize=1)
def standard_tables() -> dict[int, tuple[bytes, bytes]]:
    """Tables K.3 to K.6, as cjpeg writes them."""
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    data = out.getvalue()
    return {
        table.slot: (table.counts, table.symbols)
        for code, start, end in segments(data)[0]
        if code == 0xC4
        for table in _read_tables(data[start + 4 : end], start + 4)
    }


def _unstuff(data: bytes, start: int, end: int) -> tuple[bytes, list[int]]:
    out = bytearray()
    raw = []
    at = start
    while at < end:
        if data[at] == 0xFF:
            first = at
            while at < end and data[at] == 0xFF:
                at += 1
            if at == end:  # fill bytes before a marker
                break
            out.append(0xFF)  # then data[at] is 0
            raw.append(first)
        else:
            out.append(data[at])
            raw.append(at)
        at += 1
    return bytes(out), raw


def _decode(interval: Interval, parts: tuple[Part, ...], across: int, mcus: range) -> None:
    data = interval.data + bytes(8)
    predictors = [0] * len(parts)
    at = 0
    for mcu in mcus:
        for k, part in enumerate(parts):
            for unit in range(part.across * part.down):
                row = mcu // across * part.down + unit // part.across
                column = mcu % across * part.across + unit % part.across
                block = _decode_block(data, at, part, predictors[k])
                block.component, block.row, block.column = part.index, row, column
                predictors[k] = block.coefficients[0]
                at = block.end
                interval.blocks.append(block)
    if at > 8 * len(interval.data):
        raise ValueError("the data ends before the last block")


def _decode_block(data: bytes, at: int, part: Part, predictor: int) -> Block:
    def peek(count: int) -> int:
        word = int.from_bytes(data[at >> 3 : (at >> 3) + 5])
        return word >> (40 - (at & 7) - count) & ((1 << count) - 1)

    def signed(size: int) -> int:
        value = peek(size)
        return value if not size or value >> (size - 1) else value - (1 << size) + 1

    start = at
    coefficients = [0] * 64
    length, size = part.dc.look[peek(16)]
    if not length:
        raise ValueError("no such code")
    at += length
    difference = signed(size)
    at += size
    coefficients[0] = predictor + difference
    dc_end = at
    look = part.ac.look
    k = 1
    while k < 64:
        length, symbol = look[peek(16)]
        if not length:
            raise ValueError("no such code")
        at += length
        size = symbol & 15
        if not size:
            if symbol != 0xF0:
                break
            k += 16
            continue
        k += symbol >> 4
        coefficients[k] = signed(size)
        at += size
        k += 1
    return Block(part.index, 0, 0, start, dc_end, at, difference, coefficients)


# ---------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """How `write` codes what T.81 leaves open, and what it may do oddly.

    ``coefficients`` maps a block to 64 new ones (or None to keep its own);
    ``padding`` gives, for an interval's number and a count of bits, their value;
    ``behind`` the raw bytes to put behind an interval's last byte; ``zrl`` says
    of a block whether a ZRL is put before its EOB where there is room.
    """

    coefficients: Callable[[Block], list[int] | None] = lambda block: None
    padding: Callable[[int, int], int] = lambda number, count: (1 << count) - 1
    behind: Callable[[int], bytes] = lambda number: b""
    zrl: Callable[[Block], bool] = lambda block: False


def write(picture: Picture, style: Style) -> bytes:
    """Code every scan anew with the file's own tables; everything else stays."""
    out = []
    at = 0
    number = 0
    for scan in picture.scans:
        for interval in scan.intervals:
            out.append(picture.data[at : interval.start])
            count, value = _encode(interval, scan.parts, style)
            spare = -count % 8
            value = value << spare | style.padding(number, spare)
            coded = value.to_bytes((count + spare) // 8)
            out.append(coded.replace(b"\xff", b"\xff\x00") + style.behind(number))
            at = interval.end
            number += 1
    return b"".join([*out, picture.data[at:]])


def _encode(interval: Interval, parts: tuple[Part, ...], style: Style) -> tuple[int, int]:
    pieces: list[str] = []
    predictors: dict[int, int] = {}
    by_index = {part.index: part for part in parts}
    for block in interval.blocks:
        part = by_index[block.component]
        coefficients = style.coefficients(block) or block.coefficients
        _put(pieces, part.dc, 0, coefficients[0] - predictors.get(block.component, 0))
        predictors[block.component] = coefficients[0]
        run = 0
        for value in coefficients[1:]:
            if not value:
                run += 1
                continue
            while run > 15:
                _put(pieces, part.ac, 0xF0, 0)
                run -= 16
            _put(pieces, part.ac, run << 4, value)
            run = 0
        if run:
            if style.zrl(block) and run > 16 and 0xF0 in part.ac.codes:
                _put(pieces, part.ac, 0xF0, 0)
            _put(pieces, part.ac, 0, 0)
    bits = "".join(pieces)
    return len(bits), int(bits or "0", 2)


def _put(pieces: list[str], table: Table, symbol: int, value: int) -> None:
    size = abs(value).bit_length()
    code, length = table.codes[symbol | size]
    pieces.append(format(code, f"0{length}b"))
    if size:
        pieces.append(format(value if value > 0 else value + (1 << size) - 1, f"0{size}b"))
