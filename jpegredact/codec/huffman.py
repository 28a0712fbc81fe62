"""Huffman tables (ITU-T T.81 annex C): what a DHT segment says, ready to decode and encode."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from ..errors import InvalidJpegError

__all__ = ["STANDARD_TABLES", "HuffmanTable", "Tables", "decode_tables", "encode_codes"]


@dataclass(frozen=True)
class HuffmanTable:
    """One table: how many codes of each length, and the symbols in order of their codes.

    ``order`` is the table's number among all tables defined in the file, -1 for
    the standard tables that a file without DHT means; ``offset`` is where its
    ``Tc/Th`` byte stands; ``room`` is how many symbols its segment has room for.
    """

    slot: int
    """``Tc << 4 | Th``: 0x00-0x03 for DC, 0x10-0x13 for AC."""
    counts: bytes
    symbols: bytes
    order: int = -1
    offset: int = -1
    room: int = 65_533

    @property
    def is_dc(self) -> bool:
        """Whether it is for DC differences."""
        return self.slot < 0x10

    @property
    def ambiguous(self) -> bool:
        """Whether a symbol has several codes."""
        return len(set(self.symbols)) < len(self.symbols)

    @cached_property
    def codes(self) -> dict[int, tuple[int, int]]:
        """Symbol -> (code, length); where a symbol stands twice, its first code."""
        codes: dict[int, tuple[int, int]] = {}
        for symbol, code, length in self._in_order():
            codes.setdefault(symbol, (code, length))
        return codes

    def _in_order(self) -> tuple[tuple[int, int, int], ...]:
        found = _codes(self.counts, self.symbols)
        if found is None:
            raise InvalidJpegError(
                "a Huffman table has more codes than its lengths allow",
                code="jpeg.huffman",
                offset=self.offset if self.offset >= 0 else None,
            )
        return found

    def check(self) -> None:
        """Raise `InvalidJpegError` if this is no prefix code, or not for 16-bit values."""
        self._in_order()
        if self.is_dc and any(symbol > 15 for symbol in self.symbols):
            raise InvalidJpegError(
                "a DC Huffman table has a category above 15",
                code="jpeg.huffman",
                offset=self.offset,
            )

    def appended(self, symbols: list[int]) -> HuffmanTable | None:
        """Return the table with ``symbols`` behind its codes, or None if they don't fit.

        No existing code changes: a new symbol takes the next free code of the
        longest length in use, or a longer one where only the reserved all-ones
        code is left (T.81 C.2 keeps that one free; so do we).
        """
        if len(symbols) > min(self.room, 256 - len(self.symbols)):
            return None
        counts = bytearray(self.counts)
        length = max((n + 1 for n in range(16) if counts[n]), default=1)
        entries = self._in_order()
        code = entries[-1][1] + 1 if entries else 0
        for left in range(len(symbols), 0, -1):
            # Room for all that are left must remain at 16 bits, all ones excluded.
            while (
                counts[length - 1] == 255
                or code + 1 >= 1 << length
                or (((1 << length) - code - 1) << (16 - length)) - 1 < left - 1
            ):
                code <<= 1
                length += 1
                if length > 16:
                    return None
            counts[length - 1] += 1
            code += 1
        return replace(
            self,
            counts=bytes(counts),
            symbols=self.symbols + bytes(symbols),
            room=self.room - len(symbols),
        )

    def shortened(self, count: int) -> HuffmanTable:
        """Return the table with its first ``count`` symbols only."""
        counts = bytearray(self.counts)
        spare = len(self.symbols) - count
        for n in range(15, -1, -1):
            less = min(spare, counts[n])
            counts[n] -= less
            spare -= less
        return replace(
            self,
            counts=bytes(counts),
            symbols=self.symbols[:count],
            room=self.room + len(self.symbols) - count,
        )

    def roomy(self, symbols: Iterable[int]) -> HuffmanTable:
        """Return a table with other codes, for its symbols and these.

        Made as T.81 K.2 says, of the frequencies that its present lengths stand for; no code is
        all ones.
        """
        present = {symbol: 1 << 20 - length for symbol, (_, length) in self.codes.items()}
        weights = {symbol: present.get(symbol, 1) for symbol in {*present, *symbols}}
        counts = _code_lengths(sorted(weights.values()))
        ordered = sorted(weights, key=lambda symbol: (-weights[symbol], symbol))
        return replace(self, counts=bytes(counts), symbols=bytes(ordered))

    def to_bytes(self) -> bytes:
        """Return the table as a DHT segment holds it."""
        return bytes([self.slot]) + self.counts + self.symbols

    @cached_property
    def full(self) -> array[int]:
        """16 bits -> ``length << 8 | symbol``; 0 where no code begins like that."""
        return _full(self.counts, self.symbols)


Tables: TypeAlias = "Mapping[int, HuffmanTable]"
"""Tables that differ from the file's own, by their order in the file."""


def _code_lengths(weights: Sequence[int]) -> list[int]:
    """Return how many codes there are of each length, 1 to 16, for symbols of these weights.

    T.81 figures K.1 to K.3: a symbol of no weight takes the code of all ones, and is left out.
    """
    # Each tree: its weight, what tells trees of equal weight apart, the depths of its leaves.
    trees = [(0, -1, [0]), *((weight, n, [0]) for n, weight in enumerate(weights))]
    heapify(trees)
    while len(trees) > 1:
        (a, _, below), (b, number, others) = heappop(trees), heappop(trees)
        heappush(trees, (a + b, number, [depth + 1 for depth in below + others]))
    bits = [0] * (len(weights) + 2)
    for depth in trees[0][2]:
        bits[depth] += 1
    for length in range(len(bits) - 1, 16, -1):
        while bits[length] > 0:
            shorter = length - 2
            while bits[shorter] == 0:
                shorter -= 1
            bits[length] -= 2
            bits[length - 1] += 1
            bits[shorter + 1] += 2
            bits[shorter] -= 1
    longest = max(length for length, count in enumerate(bits) if count)
    bits[longest] -= 1
    return (bits + [0] * 16)[1:17]


@lru_cache(maxsize=64)
def _codes(counts: bytes, symbols: bytes) -> tuple[tuple[int, int, int], ...] | None:
    """Return (symbol, code, length) in the order of the codes; None where they don't fit."""
    found = []
    code = at = 0
    for length, count in enumerate(counts, 1):
        for symbol in symbols[at : at + count]:
            found.append((symbol, code, length))
            code += 1
        at += count
        if code > 1 << length:
            return None
        code <<= 1
    return tuple(found)


@lru_cache(maxsize=64)
def _full(counts: bytes, symbols: bytes) -> array[int]:
    table = array("H")
    for symbol, _, length in HuffmanTable(0x10, counts, symbols)._in_order():
        table.extend(array("H", [length << 8 | symbol]) * (1 << (16 - length)))
    table.extend(array("H", [0]) * (65536 - len(table)))
    return table


@lru_cache(maxsize=64)
def _fast(is_dc: bool, counts: bytes, symbols: bytes) -> array[int]:
    from . import core

    full = _full(counts, symbols)
    table = array("H", [0]) * (4096 if is_dc else 8192)
    (core.lookup.fast_dc if is_dc else core.lookup.fast_ac)(full, table, 0)
    return table


def decode_tables(
    dc: Sequence[HuffmanTable], ac: Sequence[HuffmanTable]
) -> tuple[array[int], array[int], array[int], array[int]]:
    """Return the fast DC, fast AC, full DC and full AC tables, each laid end to end."""
    return _decode_tables(
        tuple((t.counts, t.symbols) for t in dc), tuple((t.counts, t.symbols) for t in ac)
    )


@lru_cache(maxsize=4)
def _decode_tables(
    dc: tuple[tuple[bytes, bytes], ...], ac: tuple[tuple[bytes, bytes], ...]
) -> tuple[array[int], array[int], array[int], array[int]]:
    parts = (array("H"), array("H"), array("H"), array("H"))
    for is_dc, tables in ((True, dc), (False, ac)):
        for counts, symbols in tables:
            parts[0 if is_dc else 1].extend(_fast(is_dc, counts, symbols))
            parts[2 if is_dc else 3].extend(_full(counts, symbols))
    return parts


def encode_codes(tables: Sequence[HuffmanTable], room: int) -> array[int]:
    """Return ``code << 5 | length`` by table and symbol, ``room`` entries a table; 0: none."""
    return _encode_codes(tuple((t.counts, t.symbols) for t in tables), room)


@lru_cache(maxsize=16)
def _encode_codes(tables: tuple[tuple[bytes, bytes], ...], room: int) -> array[int]:
    codes = array("I", [0]) * (room * len(tables))
    for number, (counts, symbols) in enumerate(tables):
        for symbol, code, length in reversed(_codes(counts, symbols) or ()):
            if symbol < room:
                codes[number * room + symbol] = code << 5 | length
    return codes


def _standard(slot: int, counts: str, symbols: str) -> HuffmanTable:
    return HuffmanTable(slot, bytes.fromhex(counts), bytes.fromhex(symbols), room=0)


# T.81 tables K.3 to K.6: what a file without DHT means (Motion JPEG; libjpeg-turbo does the same).
STANDARD_TABLES = {
    table.slot: table
    for table in (
        _standard(0x00, "00010501010101010100000000000000", "000102030405060708090a0b"),
        _standard(0x01, "00030101010101010101010000000000", "000102030405060708090a0b"),
        _standard(
            0x10,
            "0002010303020403050504040000017d",
            "01020300041105122131410613516107227114328191a1082342b1c11552d1f0"
            "2433627282090a161718191a25262728292a3435363738393a434445464748494a"
            "535455565758595a636465666768696a737475767778797a838485868788898a"
            "92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6"
            "c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
        ),
        _standard(
            0x11,
            "00020102040403040705040400010277",
            "000102031104052131061241510761711322328108144291a1b1c109233352f0"
            "156272d10a162434e125f11718191a262728292a35363738393a434445464748"
            "494a535455565758595a636465666768696a737475767778797a828384858687"
            "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3"
            "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
        ),
    )
}
