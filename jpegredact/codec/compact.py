"""The compact code: shapes and blocks <-> bytes, independent of tables and coding process."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from . import core
from .scan import ScanIndex

__all__ = [
    "ac_length",
    "pack_blocks",
    "pack_coefficients",
    "pack_shape",
    "unpack_blocks",
    "unpack_shape",
]

_ROOM = 1 << 16
_CHUNK = 4096

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
    length: int = core.compact.BlockPacker(0).length(words, index.tables[3], table)
    return length


def pack_shape(
    cells: Sequence[array[int]], widths: Sequence[int], places: Sequence[Rectangle], group: int
) -> bytes:
    """Pack which cells hold ``group``, within one rectangle for each component."""
    cells_in_all = sum(place[2] * place[3] for place in places)
    row = 4 * max(place[3] for place in places)  # bytes that one row takes at most
    coder = core.compact.RangeEncoder(8, min(_ROOM, cells_in_all // 8 + 64) + row)
    out = []
    for grid, width, (row, column, rows, columns) in zip(cells, widths, places, strict=True):
        done = 0
        while done < rows:
            done = coder.shape(grid, (row, column, width), rows, columns, group, done)
            out.append(coder.take())
    return b"".join(out) + coder.finish()


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
    coder = core.compact.RangeDecoder(data, 8)
    counts = []
    for grid, width, (row, column, rows, columns) in zip(cells, widths, places, strict=True):
        count = coder.shape(grid, (row, column, width), rows, columns, group)
        if count <= 0:
            return None
        counts.append(count)
    return counts if coder.spent() and not coder.exhausted() else None


def pack_blocks(parts: Sequence[Part]) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Pack blocks where they stand in their scans.

    Returns the bytes, and for each block that T.81's procedure would code
    otherwise its number, its part, and its recorded block.
    """
    packer = _packer(sum(len(members) for _, _, members in parts))
    odd: list[tuple[int, int, int]] = []
    found = array("i", bytes(4 * 256))
    out = []
    before = 0
    for number, (index, component, members) in enumerate(parts):
        packer.component()
        table = index.ac_number(component)
        context_class = _context_class(index.layout.grids[component].component)
        done = 0
        while done < len(members):
            done, count = packer.add(
                index.words, index.blocks, index.tables[3], table, members, done,
                context_class, found,
            )  # fmt: skip
            if done < 0:
                raise AssertionError("a recorded block can't be read again")
            odd.extend((before + k, number, members[k]) for k in found[:count])
            out.append(packer.take())
        before += len(members)
    return b"".join(out) + packer.finish(), odd


def _packer(blocks: int) -> core.compact.BlockPacker:
    """Return a packer with room for so many blocks as a rule; it is emptied as often as needed."""
    return core.compact.BlockPacker(min(_ROOM, 64 * blocks + 8192))


def pack_coefficients(
    coefficients: array[int], parts: Sequence[tuple[int, array[int]]]
) -> bytes:
    """Pack blocks of 64 coefficients each: for each part its component and which blocks."""
    packer = _packer(sum(len(members) for _, members in parts))
    out = []
    for component, members in parts:
        packer.component()
        done = 0
        while done < len(members):
            done = packer.add_plain(coefficients, members, done, _context_class(component))
            out.append(packer.take())
    return b"".join(out) + packer.finish()


def unpack_blocks(
    data: bytes, counts: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, array[int]] | None]:
    """Unpack blocks, given for each part its component in the frame and its number of blocks.

    Yields a part, the number of the first block in it, and 64 coefficients a
    block in zigzag order, a few thousand blocks at a time; None, and then no
    more, where the data is not what it should be.
    """
    unpacker = core.compact.BlockUnpacker(data)
    for number, (component, count) in enumerate(counts):
        unpacker.component()
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            coefficients = array("h", bytes(128 * size))
            if unpacker.blocks(size, _context_class(component), coefficients) < 0:
                yield None
                return
            yield number, start, coefficients
    if not unpacker.spent() or unpacker.exhausted():
        yield None


def _context_class(component: int) -> int:
    """The first component has contexts of its own; the others share theirs."""
    return 1 if component else 0
