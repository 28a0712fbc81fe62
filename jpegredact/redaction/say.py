"""Fills that a file's Huffman tables can say.

Optimised tables lack what their picture did not need. In this order: the nearest
fill within two quantiser steps; then the missing symbols appended behind the
table's codes; then, where no code is left, the nearest fill that can be said at
all. Everything here is a function of the wishes, the tables and the blocks
around, so a content-free fill stays content-free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..codec.huffman import HuffmanTable
from ..codec.scan import MissingCategory
from ..errors import VerificationError
from .picture import DcLine, Edits, Picture, Tables, missing_symbols

__all__ = ["Said", "bare_block", "faintest", "nearest_run", "nearest_run_at_all", "say"]

NEAR = 2
"""Quantiser steps that a fill may give way before a table is changed."""


class Said(NamedTuple):
    """A rewrite that the tables can say, and what had to give way for it."""

    picture: Picture
    tables: Tables
    moved: int
    """Blocks whose DC value is not the wished one."""


def say(picture: Picture, edits: Edits, tables: Tables) -> Said:
    """Rewrite a picture, giving way where its DC tables lack a category.

    ``edits`` hold the wishes and are changed; ``tables`` may hold tables that
    were extended already.
    """
    moved = 0
    for attempt in ("as wished", "near", "append", "anything"):
        try:
            rewritten = picture.rewrite(edits, tables)
        except MissingCategory as lack:
            lacking = {table.order for table in lack.categories}
            if attempt in ("as wished", "append"):
                bound = NEAR if attempt == "as wished" else None
                for line in edits.dc_lines():
                    moved += _give_way(line, tables, lacking, bound)
                    edits.take_dc(line)
                if attempt == "append":  # there was no room
                    moved += edits.end_blocks(lacking, tables)
            else:
                for table, symbols in lack.categories.items():
                    tables = (
                        missing_symbols(MissingCategory({table: symbols}), tables) or tables
                    )
        else:
            return Said(rewritten, tables, moved)
    raise VerificationError(
        "no fill can be coded with this file's Huffman tables", code="redact.unsayable"
    )


def _give_way(line: DcLine, tables: Tables, lacking: set[int], bound: int | None) -> int:
    """Move the DC values of runs that can't be said; return how many blocks moved."""
    moved = 0
    index = line.coded
    for unit, before, blocks, behind in _runs(line):
        table = index.dc_tables[index.units[1][unit]]
        table = tables.get(table.order, table)
        if table.order not in lacking:
            continue
        sizes = frozenset(symbol for symbol in table.symbols if symbol < 16)
        wishes = [line.dc[block] for block in blocks]
        values = [before, *wishes, *([] if behind is None else [behind])]
        if all(abs(b - a).bit_length() in sizes for a, b in pairwise(values)):
            continue
        if bound is not None:
            low = index.scan.approximation[1]  # a step of this scan is so many bits larger
            found = nearest_run(before, wishes, behind, sizes, bound >> low)
        else:
            found = nearest_run_at_all(before, wishes, behind, sizes)
        if found is not None:
            for block, value in zip(blocks, found, strict=True):
                moved += line.dc[block] != value
                line.dc[block] = value
    return moved


def _runs(line: DcLine) -> Iterator[tuple[int, int, list[int], int | None]]:
    """Yield each run of touched blocks of one component in coding order.

    Its first data unit, the DC value before it, its blocks, the DC value behind
    it (None at the end of an interval).
    """
    index = line.coded
    units = index.layout.units
    firsts = [grid.first for grid in index.layout.grids]
    for interval in index.intervals:
        if not interval.touched:
            continue
        before = [0] * len(firsts)
        runs: list[list[int]] = [[] for _ in firsts]
        for block in range(interval.first_block, interval.end_block):
            c = index.units[0][block % units]
            if line.touched[block]:
                runs[c].append(block)
                continue
            value = index.blocks[3][block]
            if runs[c]:
                yield firsts[c], before[c], runs[c], value
                runs[c] = []
            before[c] = value
        for c, run in enumerate(runs):
            if run:
                yield firsts[c], before[c], run, None


def nearest_run(
    before: int, wishes: Sequence[int], behind: int | None, sizes: Iterable[int], bound: int
) -> list[int] | None:
    """Return DC values, each within ``bound`` of its wish, whose differences have these sizes.

    The least sum of distances; among equals the one whose last values are the
    least. None if there are none.
    """
    allowed = frozenset(sizes)
    best: dict[int, tuple[int, tuple[int, ...] | None]] = {before: (0, None)}
    trail: list[dict[int, int]] = []
    for wish in wishes:
        step: dict[int, tuple[int, tuple[int, ...] | None]] = {}
        back: dict[int, int] = {}
        for value in range(wish - bound, wish + bound + 1):
            found = min(
                (
                    (cost + abs(value - wish), previous)
                    for previous, (cost, _) in best.items()
                    if abs(value - previous).bit_length() in allowed
                ),
                default=None,
            )
            if found is not None and -32768 <= value <= 32767:
                step[value] = (found[0], None)
                back[value] = found[1]
        best = step
        trail.append(back)
    ends = [
        (cost, value)
        for value, (cost, _) in best.items()
        if behind is None or abs(behind - value).bit_length() in allowed
    ]
    if not ends:
        return None
    values = [min(ends)[1]]
    for back in reversed(trail[1:]):
        values.append(back[values[-1]])
    return values[::-1]


_STRETCH = 64
_ZERO = 32768
_ALL = (1 << 65536) - 1


def nearest_run_at_all(
    before: int, wishes: Sequence[int], behind: int | None, sizes: Iterable[int]
) -> list[int] | None:
    """Return DC values whose differences have these sizes, each as near to its wish as it can be.

    From the first block on, each takes the nearest value from which the rest
    can still be said (the lower of two). Sets of 16-bit values are the bits of
    a large integer. None if there are none.
    """
    ordered = sorted(set(sizes))
    # From which values the rest can be said, for the last block of each stretch, from the
    # end; within a stretch it is worked out again, since such a set takes 8 KB.
    marks = [_ALL if behind is None else _reach(1 << (behind + _ZERO), ordered)]
    starts = list(range(0, len(wishes), _STRETCH))
    for start in reversed(starts[1:]):
        can = marks[-1]
        for _ in range(start, min(start + _STRETCH, len(wishes))):
            can = _reach(can, ordered)
        marks.append(can)
    values = []
    value = before
    for start in starts:
        stretch = wishes[start : start + _STRETCH]
        rests = [marks.pop()]
        for _ in stretch[1:]:
            rests.append(_reach(rests[-1], ordered))
        for wish, rest in zip(stretch, reversed(rests), strict=True):
            choice = rest & _reach(1 << (value + _ZERO), ordered)
            if not choice:
                return None
            value = _nearest(choice, wish + _ZERO) - _ZERO
            values.append(value)
    return values


def _reach(values: int, sizes: Sequence[int]) -> int:
    """Return all values at a distance of one of these sizes from one of ``values``."""
    reached = 0
    for size in sizes:
        if size == 0:
            reached |= values
            continue
        length = 1 << (size - 1)
        smeared, width = values, 1
        while width < length:
            smeared |= smeared << width
            width *= 2
        reached |= smeared << length  # distances length ... 2 * length - 1, upward
        reached |= smeared >> (2 * length - 1)  # and downward
    return reached & _ALL


def _nearest(values: int, at: int) -> int:
    below = (values & ((1 << at) - 1)).bit_length() - 1
    upward = values >> at
    above = at + (upward & -upward).bit_length() - 1 if upward else -1
    if below < 0:
        return above
    if above < 0:
        return below
    return below if at - below <= above - at else above


def bare_block(table: HuffmanTable) -> tuple[HuffmanTable, int, int]:
    """Return a table, and the bits (count, value) of a block without AC coefficients by it.

    That is EOB. Where the table lacks it: the faintest block within two steps
    that reaches coefficient 63; then EOB appended; then the faintest of all.
    """
    for candidate, largest in ((table, 2), (table.appended([0]), 2), (table, 1 << 14)):
        if candidate is None:
            continue
        eob = candidate.codes.get(0)
        if eob is not None:
            return candidate, eob[1], eob[0]
        path = faintest(candidate, 63, largest)
        if path is not None:
            bits = value = 0
            for symbol in path:
                code, length = candidate.codes[symbol]
                size = symbol & 15
                # the extra bits of the least positive value of this size
                extra = 1 << (size - 1) if size else 0
                value = (value << length | code) << size | extra
                bits += length + size
            return candidate, bits, value
    raise VerificationError(
        "a Huffman table without any way to end a block", code="redact.unsayable"
    )


def faintest(table: HuffmanTable, count: int, largest: int) -> list[int] | None:
    """Return the AC symbols that reach the last of so many coefficients with the least sum of
    magnitudes.
    """
    best: list[tuple[int, list[int]] | None] = [(0, [])] + [None] * count
    symbols = sorted(
        s for s in table.codes if s == 0xF0 or (s & 15 and 1 << ((s & 15) - 1) <= largest)
    )
    for k in range(count):
        here = best[k]
        if here is None:
            continue
        for symbol in symbols:
            size = symbol & 15
            end = k + (symbol >> 4) + 1
            if end > count or (symbol == 0xF0 and end == count):
                continue
            cost = here[0] + (1 << (size - 1) if size else 0)
            there = best[end]
            if there is None or (cost, len(here[1]) + 1) < (there[0], len(there[1])):
                best[end] = (cost, [*here[1], symbol])
    found = best[count]
    return None if found is None else found[1]
