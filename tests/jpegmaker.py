"""A tiny baseline JPEG encoder: coefficient blocks and chosen Huffman tables in, bytes out.

It shares no code with jpegredact, and does on request what odd encoders do:
zero padding bits, ZRL before EOB, fill bytes, a restart marker behind the last MCU.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import ceil

import numpy as np
from pictures import huffman_tables, pillow_jpeg
from PIL import Image


@dataclass(frozen=True)
class Table:
    """A Huffman table: number of codes of each length, symbols in order of their codes."""

    counts: bytes
    symbols: bytes

    @classmethod
    def of(cls, lengths: Sequence[tuple[int, int]]) -> "Table":
        """Make a table of ``(symbol, code length)``."""
        ordered = sorted(lengths, key=lambda pair: pair[1])
        counts = bytes(sum(length == n for _, length in ordered) for n in range(1, 17))
        return cls(counts, bytes(symbol for symbol, _ in ordered))

    @classmethod
    def level(cls, symbols: Sequence[int]) -> "Table":
        """Make a table with codes of one length, the all-ones code left free."""
        length = len(symbols).bit_length()
        return cls.of([(symbol, length) for symbol in symbols])

    @classmethod
    def full(cls, symbols: Sequence[int]) -> "Table":
        """Make a table of 16 codes that leaves only the 16-bit all-ones code free.

        Fewer symbols than 16 are repeated, so some have several codes.
        """
        repeated = [symbols[k] if k < len(symbols) else symbols[0] for k in range(16)]
        return cls.of([(symbol, k + 1) for k, symbol in enumerate(repeated)])

    def in_order(self) -> Iterator[tuple[int, str]]:
        """Yield each symbol and its code as a string of 0 and 1."""
        code = at = 0
        for n in range(1, 17):
            for _ in range(self.counts[n - 1]):
                yield self.symbols[at], format(code, f"0{n}b")
                code += 1
                at += 1
            code *= 2

    def codes(self) -> dict[int, str]:
        """Return each symbol's (first) code."""
        found: dict[int, str] = {}
        for symbol, code in self.in_order():
            found.setdefault(symbol, code)
        return found

    def segment_part(self, slot: int) -> bytes:
        """Return the table as a DHT segment holds it."""
        return bytes([slot]) + self.counts + self.symbols


@cache
def standard_tables() -> dict[int, Table]:
    """Return the tables of T.81 annex K, as libjpeg writes them."""
    data = pillow_jpeg(np.asarray(Image.new("RGB", (16, 16))))
    return {slot: Table(*table) for slot, table in huffman_tables(data).items()}


@dataclass(frozen=True)
class Part:
    """One component: quantised blocks (rows, columns, 64) in zigzag order, padding included."""

    blocks: np.ndarray
    horizontal: int = 1
    vertical: int = 1
    dc: int = 0
    ac: int = 0
    quantization: Sequence[int] = field(default=(8,) * 64)


def shapes(
    width: int, height: int, factors: Sequence[tuple[int, int]]
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return for each component its real and its padded rows and columns of blocks."""
    most = max(h for h, _ in factors), max(v for _, v in factors)
    across, down = -(-width // (8 * most[0])), -(-height // (8 * most[1]))
    return [
        (
            (ceil(ceil(height * v / most[1]) / 8), ceil(ceil(width * h / most[0]) / 8)),
            (down * v, across * h),
        )
        for h, v in factors
    ]


def make_jpeg(
    width: int,
    height: int,
    parts: Sequence[Part],
    tables: Mapping[int, Table] | None = None,
    *,
    scans: Sequence[Sequence[int]] | None = None,
    restart: int = 0,
    padding: int = 1,
    zrl_before_eob: bool = False,
    fill: int = 0,
    fill_inside: bool = False,
    trailing_restart: bool = False,
    joined_tables: bool = False,
    front: bytes = b"",
    behind: bytes = b"",
    sof: int = 0xC0,
) -> bytes:
    """Encode a picture.

    ``scans`` names the components of each scan (default: one interleaved scan).
    ``fill`` 0xFF bytes stand in front of each marker behind the frame header,
    with ``fill_inside`` also one in front of each 0xFF of coded data (there
    libjpeg-turbo leaves stale coefficients in blocks: jpegio can't judge those files).
    ``tables`` without a slot that is used leaves the DHT segment out for it.
    """
    tables = standard_tables() if tables is None else tables
    out = b"\xff\xd8" + front
    for k, part in enumerate(parts):
        values = list(part.quantization)
        wide = max(values) > 255
        body = b"".join(v.to_bytes(2 if wide else 1) for v in values)
        out += segment(0xDB, bytes([wide << 4 | k]) + body)
    frame = bytes([8]) + height.to_bytes(2) + width.to_bytes(2) + bytes([len(parts)])
    for k, part in enumerate(parts):
        frame += bytes([k + 1, part.horizontal << 4 | part.vertical, k])
    out += segment(sof, frame)
    gap = b"\xff" * fill
    bodies = [table.segment_part(slot) for slot, table in tables.items()]
    for body in [b"".join(bodies)] if joined_tables else bodies:
        out += gap + segment(0xC4, body)
    if restart:
        out += gap + segment(0xDD, restart.to_bytes(2))
    codes = {slot: table.codes() for slot, table in {**standard_tables(), **tables}.items()}
    size = shapes(width, height, [(part.horizontal, part.vertical) for part in parts])
    for scan in [range(len(parts))] if scans is None else scans:
        header = bytes([len(scan)])
        for k in scan:
            header += bytes([k + 1, parts[k].dc << 4 | parts[k].ac])
        out += gap + segment(0xDA, header + bytes([0, 63, 0]))
        mcus = _mcus(parts, scan, size)
        step = restart or len(mcus)
        for number, start in enumerate(range(0, len(mcus), step)):
            if start:
                out += gap + bytes([0xFF, 0xD0 + (number - 1) % 8])
            bits = _interval(parts, mcus[start : start + step], codes, zrl_before_eob)
            bits += str(padding) * (-len(bits) % 8)
            coded = int("1" + bits, 2).to_bytes(len(bits) // 8 + 1)[1:]
            out += coded.replace(b"\xff", b"\xff\xff\x00" if fill_inside else b"\xff\x00")
        if trailing_restart:
            out += gap + bytes([0xFF, 0xD0 + (-(-len(mcus) // step) - 1) % 8])
    return out + gap + b"\xff\xd9" + behind


def segment(code: int, payload: bytes) -> bytes:
    """Return a marker segment."""
    return bytes([0xFF, code]) + (len(payload) + 2).to_bytes(2) + payload


def _mcus(
    parts: Sequence[Part],
    scan: Sequence[int],
    size: Sequence[tuple[tuple[int, int], tuple[int, int]]],
) -> list[list[tuple[int, int, int]]]:
    """Return for each MCU of a scan its blocks: component, row, column."""
    if len(scan) == 1:
        rows, columns = size[scan[0]][0]
        return [[(scan[0], r, c)] for r in range(rows) for c in range(columns)]
    down = size[scan[0]][1][0] // parts[scan[0]].vertical
    across = size[scan[0]][1][1] // parts[scan[0]].horizontal
    return [
        [
            (k, y * parts[k].vertical + i, x * parts[k].horizontal + j)
            for k in scan
            for i in range(parts[k].vertical)
            for j in range(parts[k].horizontal)
        ]
        for y in range(down)
        for x in range(across)
    ]


def _interval(
    parts: Sequence[Part],
    mcus: Sequence[Sequence[tuple[int, int, int]]],
    codes: Mapping[int, Mapping[int, str]],
    zrl_before_eob: bool,
) -> str:
    before = [0] * len(parts)
    bits = []
    for mcu in mcus:
        for k, row, column in mcu:
            block = [int(v) for v in parts[k].blocks[row, column]]
            bits.append(_coded(codes[parts[k].dc], 0, block[0] - before[k]))
            before[k] = block[0]
            bits.append(_ac(block, codes[0x10 | parts[k].ac], zrl_before_eob))
    return "".join(bits)


def _ac(block: Sequence[int], codes: Mapping[int, str], zrl_before_eob: bool) -> str:
    bits = []
    run = 0
    for value in block[1:]:
        if value == 0:
            run += 1
            continue
        bits.extend(codes[0xF0] for _ in range(run // 16))
        bits.append(_coded(codes, run % 16 << 4, value))
        run = 0
    if zrl_before_eob and run > 16:
        bits.append(codes[0xF0])
    if run:
        bits.append(codes[0])
    return "".join(bits)


def _coded(codes: Mapping[int, str], run: int, value: int) -> str:
    size = abs(value).bit_length()
    extra = value if value > 0 else value + (1 << size) - 1
    return codes[run | size] + (format(extra, f"0{size}b") if size else "")


def grey(
    dc: np.ndarray, ac: Mapping[int, int] | None = None, quantization: int = 8
) -> Part:
    """Return a component of blocks with these DC values, and the same AC values everywhere."""
    blocks = np.zeros((*dc.shape, 64), int)
    blocks[:, :, 0] = dc
    for k, value in (ac or {}).items():
        blocks[:, :, k] = value
    return Part(blocks, quantization=(quantization,) * 64)


def random_parts(
    width: int, height: int, factors: Sequence[tuple[int, int]], seed: int = 1
) -> list[Part]:
    """Return components of sparse random blocks, hidden padding different from its neighbours."""
    random = np.random.default_rng(seed)
    parts = []
    for k, ((h, v), (_, padded)) in enumerate(
        zip(factors, shapes(width, height, factors), strict=True)
    ):
        blocks = random.integers(-9, 10, (*padded, 64))
        blocks *= random.random(blocks.shape) < 0.6 / (1 + np.arange(64) / 4)
        blocks[:, :, 0] = random.integers(-120, 121, padded)
        slot = min(k, 1)
        parts.append(Part(blocks, h, v, slot, slot))
    return parts
