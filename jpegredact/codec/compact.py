"""The compact code: shapes and blocks <-> bytes, independent of tables and coding process."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from . import core
from .huffman import encode_codes
from .scan import ScanIndex
from .weights import read_weights

__all__ = [
    "PORTION",
    "Codes",
    "PackedBlocks",
    "ac_length",
    "pack_blocks",
    "pack_coefficients",
    "pack_rectangles",
    "pack_shape",
    "sum_blocks",
    "sum_coefficients",
    "unpack_blocks",
    "unpack_codes",
    "unpack_shape",
]

_ROOM = 1 << 16
PORTION = 4096
"""Most blocks that are coded together, and apart from all others: what a cache holds."""


Part: TypeAlias = "tuple[ScanIndex, int, array[int]]"
"""The blocks of one component: an index, the component's number in its scan, recorded blocks."""

Rectangle = tuple[int, int, int, int]
"""Row, column, rows, columns."""


def ac_length(words: array[int], index: ScanIndex, component: int) -> int:
    """Return how many bits the AC codes at the beginning of ``words`` take; -1 for no codes.

    They are read with the tables of a component of ``index``; behind them,
    ``words`` needs 64 zero words, since no block takes more.
    """
    table = index.ac_number(component)
    packer = _packer()
    length: int = packer.length(words, index.tables[3], table)
    _packers.append(packer)
    return length


# Coders take a while to make, and little more than a page of one is used by a small group.
# So they are kept for the next one: as many as threads that once worked at the same time.
_packers: list[core.compact.BlockPacker] = []
_unpackers: list[core.compact.BlockUnpacker] = []


def _packer() -> core.compact.BlockPacker:
    try:
        return _packers.pop()
    except IndexError:
        return core.compact.BlockPacker(read_weights())


def _unpacker() -> core.compact.BlockUnpacker:
    try:
        return _unpackers.pop()
    except IndexError:
        return core.compact.BlockUnpacker(read_weights())


def pack_shape(
    cells: Sequence[array[int]], widths: Sequence[int], places: Sequence[Rectangle], group: int
) -> bytes:
    """Pack which cells hold ``group``, within one rectangle for each component."""
    cells_in_all = sum(place[2] * place[3] for place in places)
    row = 4 * max(place[3] for place in places)  # bytes that one row takes at most
    coder = core.shape.RangeEncoder(8, min(_ROOM, cells_in_all // 8 + 64) + row)
    out = []
    for grid, width, (row, column, rows, columns) in zip(cells, widths, places, strict=True):
        done = 0
        while done < rows:
            done = coder.shape(grid, (row, column, width), rows, columns, group, done)
            out.append(coder.take())
    return b"".join(out) + coder.finish()


@lru_cache(maxsize=64)
def pack_rectangles(sizes: tuple[tuple[int, int], ...]) -> bytes:
    """Pack the shape of whole rectangles of these rows and columns."""
    cells = [array("H", [1]) * (rows * columns) for rows, columns in sizes]
    widths = [columns for _, columns in sizes]
    return pack_shape(cells, widths, [(0, 0, *size) for size in sizes], 1)


def unpack_shape(
    data: bytes,
    cells: Sequence[array[int]],
    widths: Sequence[int],
    places: Sequence[Rectangle],
    group: int,
) -> list[int] | None:
    """Set the cells of a shape to ``group``; return how many in each component.

    None where the data is no shape, or a cell is taken already.
    """
    coder = core.shape.RangeDecoder(data, 8)
    counts = []
    for grid, width, (row, column, rows, columns) in zip(cells, widths, places, strict=True):
        count = coder.shape(grid, (row, column, width), rows, columns, group)
        if count <= 0:
            return None
        counts.append(count)
    return counts if coder.spent() and not coder.exhausted() else None


class PackedBlocks(NamedTuple):
    """A packed portion."""

    data: bytes
    odd: list[tuple[int, int]]
    """For each block that T.81's procedure would code otherwise, its number in the portion, and its
    part."""
    proven: bool
    """Whether it was unpacked again, and the very same symbols came back."""


def pack_blocks(parts: Sequence[Part], prove: bool = False) -> PackedBlocks:
    """Pack a portion: at most `PORTION` blocks, where they stand in their scans.

    With ``prove``, unpack it again, while it is in the cache.

    Raises
    ------
    ValueError
        A block's codes are none of its table: somebody put them there.
    """
    odd: list[tuple[int, int]] = []
    before = 0
    packer = _packer()
    packer.begin()
    for part, (index, component, members) in enumerate(parts):
        count = packer.add(
            index.words, index.blocks, index.tables[3], index.ac_number(component), members,
            _context_class(index.layout.grids[component].component),
        )  # fmt: skip
        if count < 0:
            _packers.append(packer)
            raise ValueError("a block's codes can't be read")
        if count:
            odd.extend((before + k, part) for k in packer.numbers(count))
        before += len(members)
    data: bytes = packer.finish()
    proven = prove and _repeats(packer, data, parts)
    _packers.append(packer)
    return PackedBlocks(data, odd, proven)


def _repeats(packer: core.compact.BlockPacker, data: bytes, parts: Sequence[Part]) -> bool:
    """Whether a portion's bytes say the symbols that the packer took."""
    unpacker = _unpacker()
    end = 0 if unpacker.begin(data) else -1
    for index, component, members in parts:
        if end >= 0:
            kind = _context_class(index.layout.grids[component].component)
            end = unpacker.repeats(packer, end, len(members), kind)
    return _let_go(unpacker) and end >= 0


def pack_coefficients(
    coefficients: array[int], parts: Sequence[tuple[int, array[int]]]
) -> bytes:
    """Pack a portion from 64 coefficients a block: for each part its component and which blocks."""
    packer = _packer()
    packer.begin()
    for component, members in parts:
        packer.add_plain(coefficients, members, _context_class(component))
    data: bytes = packer.finish()
    _packers.append(packer)
    return data


def sum_blocks(parts: Iterable[Part]) -> int:
    """Return the checksum of blocks where they stand in their scans; see diff-format.md."""
    packer = _packer()
    packer.begin_sum()
    for index, component, members in parts:
        count = packer.add(
            index.words, index.blocks, index.tables[3], index.ac_number(component), members, -1
        )
        if count < 0:
            raise AssertionError("a recorded block can't be read again")
    return _summed(packer)


def sum_coefficients(
    coefficients: array[int], parts: Iterable[tuple[int, array[int]]]
) -> int:
    """Return that checksum of blocks from 64 coefficients each."""
    packer = _packer()
    packer.begin_sum()
    for _, members in parts:
        packer.add_plain(coefficients, members, -1)
    return _summed(packer)


def _summed(packer: core.compact.BlockPacker) -> int:
    found: int = packer.checksum()
    _packers.append(packer)
    return found


def unpack_blocks(data: bytes, parts: Sequence[tuple[int, int]]) -> list[array[int]] | None:
    """Unpack a portion: for each part are given its component in the frame and its blocks' number.

    Returns for each part 64 coefficients a block in zigzag order; None where the data is not
    what it should be.
    """
    unpacker = _unpacker()
    if not unpacker.begin(data):
        return None
    found = []
    for component, count in parts:
        found.append(array("h", [0]) * (64 * count))
        if unpacker.blocks(count, _context_class(component), found[-1]) < 0:
            return None
    return found if _let_go(unpacker) else None


class Codes(NamedTuple):
    """An unpacked portion: DC values, and where in ``words`` the AC codes of each block stand."""

    dc: array[int]
    at: array[int]
    bits: array[int]
    """-1 for a block that has symbols which the table lacks."""
    words: bytes
    failed: tuple[int, ...]
    """How many such blocks there are, by part."""


def unpack_codes(data: bytes, parts: Sequence[tuple[ScanIndex, int, int]]) -> Codes | None:
    """Unpack a portion as codes of the scans' own tables; None for damage.

    For each part are given an index, the component's number in its scan, and its blocks' number.
    """
    unpacker = _unpacker()
    if not unpacker.begin(data):
        return None
    total = sum(count for _, _, count in parts)
    found = array("i", [0]) * total, array("q", [0]) * total, array("i", [0]) * total
    failed = []
    first = 0
    for index, component, count in parts:
        failed.append(
            unpacker.codes(
                first, count, _context_class(index.layout.grids[component].component),
                encode_codes(index.ac_tables, 256), index.ac_number(component), found,
            )
        )  # fmt: skip
        if failed[-1] < 0:
            return None
        first += count
    words = unpacker.taken()
    return Codes(*found, words, tuple(failed)) if _let_go(unpacker) else None


def _let_go(unpacker: core.compact.BlockUnpacker) -> bool:
    """Keep an unpacker for the next portion; return whether this one was at its end."""
    done: bool = unpacker.done()
    unpacker.forget()
    _unpackers.append(unpacker)
    return done


def _context_class(component: int) -> int:
    """The first component has contexts of its own; the others share theirs."""
    return 1 if component else 0
