"""G2 where the Huffman tables make a fill give way: near, by appended symbols, by anything at all.

Both pictures of a pair have the same tables, and the same blocks outside the
regions. Inside, the DC differences of each run of blocks come in another order:
so both pictures can be said, and meet the block behind the run alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from jpegmaker import Part, Table, make_jpeg, standard_tables

import jpegredact as jr

from . import huffreader, tight
from .helpers import CONTENT_FREE

DC = ([3], [0], [9], [2, 5], [0, 1], [0, 8], [1], [4, 0], [6, 7], [0, 1, 2, 3])
AC = ([0, 1], [0], [1], [0, 0xF0, 0x11, 0x21], [5], [0, 0x31, 0x21, 2])
BOXES = [(9, 9, 30, 22), (20, 17, 40, 40)]
ROWS, COLUMNS = 6, 7
SEEDS = range(4)
Lengths = Callable[[bytes], tuple[bytes, bytes]]


def touched(row: int, column: int) -> bool:
    return any(
        left < 8 * column + 8 and 8 * column < right and top < 8 * row + 8 and 8 * row < bottom
        for left, top, right, bottom in BOXES
    )


INSIDE = np.array([[touched(row, column) for column in range(COLUMNS)] for row in range(ROWS)])


def signed(random: np.random.Generator, size: int, lower: bool | None = None) -> int:
    """Return a value of this many bits; ``lower`` says whether it is negative."""
    if not size:
        return 0
    value = int(random.integers(1 << (size - 1), 1 << size))
    return -value if (random.random() < 0.5 if lower is None else lower) else value


def ac_values(random: np.random.Generator, symbols: list[int]) -> list[int]:
    """Return 63 coefficients that these symbols can say."""
    values = [0] * 63
    at = 0
    while at < 63 and not (0 in symbols and random.random() < 0.3):
        fitting = [s for s in symbols if s and at + (s >> 4) + 1 <= 63]
        if not fitting:
            break
        symbol = int(random.choice(fitting))
        at += (symbol >> 4) + 1
        values[at - 1] = signed(random, symbol & 15)
    return values


def pair(
    dc: list[int], ac: list[int], restart: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return two planes of blocks that differ inside the regions only."""
    random = np.random.default_rng(seed)
    count = ROWS * COLUMNS
    firsts = range(0, count, restart or count)
    differences, value = [], 0
    for n in range(count):
        value = 0 if n in firsts else value
        size = int(random.choice(dc))
        lower = value > 0 if abs(value) > 600 else None
        differences.append(signed(random, size, lower))
        value += differences[-1]
    found = []
    inside = INSIDE.ravel()
    outside_ac = [ac_values(random, ac) for _ in range(count)]
    for _ in range(2):
        mixed = list(differences)
        for first in firsts:
            _mix(random, mixed, inside, first, min(first + (restart or count), count))
        blocks = np.zeros((count, 64), int)
        for n in range(count):
            before = 0 if n in firsts else blocks[n - 1, 0]
            blocks[n, 0] = before + mixed[n]
            blocks[n, 1:] = ac_values(random, ac) if inside[n] else outside_ac[n]
        found.append(blocks.reshape(ROWS, COLUMNS, 64))
    return found[0], found[1]


def _mix(
    random: np.random.Generator, differences: list[int], inside: np.ndarray, first: int, end: int
) -> None:
    """Put the differences of each run of one interval, and the one behind it, in another order."""
    at = first
    while at < end:
        stop = at
        while stop < end and inside[stop]:
            stop += 1
        stop = min(stop + 1, end)  # the first block behind a run keeps its value
        differences[at:stop] = random.permutation(differences[at:stop]).tolist()
        at = stop


def said(jpeg: bytes) -> np.ndarray:
    """Return the DC values, read by the tests' own reader."""
    values = np.zeros((ROWS, COLUMNS), int)
    for _, block in huffreader.read(jpeg).blocks():
        values[block.row, block.column] = block.coefficients[0]
    return values


def picture(blocks: np.ndarray, tables: dict[int, Table], restart: int) -> bytes:
    part = Part(blocks, quantization=(3,) * 64)
    return make_jpeg(8 * COLUMNS, 8 * ROWS, [part], tables, restart=restart)


@cache
def steps(lengths: Lengths, dc: tuple[int, ...], method: str) -> frozenset[str]:
    """Assert G2 and G3 for pairs with these DC symbols; return how fills gave way."""
    found = set()
    for seed in SEEDS:
        ac, restart = AC[(seed + sum(dc)) % len(AC)], (0, 5)[seed % 2]
        tables = {0: Table(*lengths(bytes(dc))), 0x10: Table(*lengths(bytes(ac)))}
        one, two = pair(list(dc), ac, restart, seed)
        if (one == two).all():
            continue
        a, b = (picture(blocks, tables, restart) for blocks in (one, two))
        done, other = (jr.redact(jpeg, BOXES, method=method) for jpeg in (a, b))
        assert done.jpeg == other.jpeg
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == a
        assert jr.restore(done.jpeg, other.diff.to_bytes()) == b
        assert (said(done.jpeg) == one[:, :, 0])[~INSIDE].all()
        found.add(step(done, one, restart, method))
    assert found
    return frozenset(found)


def step(done: jr.Redaction, blocks: np.ndarray, restart: int, method: str) -> str:
    """Return how far the fill of a picture had to give way."""
    if any(name.startswith("DC") for _, name, _ in done.report.tables_appended):
        return "append"
    if not done.report.blocks_moved:
        return "as wished"
    tables = {0: Table.level(range(16)), 0x10: standard_tables()[0x10]}
    free = jr.redact(picture(blocks, tables, restart), BOXES, method=method)
    assert not free.report.blocks_moved
    moved = np.abs(said(done.jpeg) - said(free.jpeg))
    assert moved.any()
    return "near" if moved.max() <= 2 else "anything"


@pytest.mark.parametrize("method", CONTENT_FREE)
@pytest.mark.parametrize("dc", DC, ids=str)
@pytest.mark.parametrize("lengths", [tight.full, tight.roomy])
def test_pairs(lengths: Lengths, dc: list[int], method: str) -> None:
    found = steps(lengths, tuple(dc), method)
    assert found <= {"as wished", "near", "anything" if lengths is tight.full else "append"}


def test_each_step_occurs() -> None:
    found = {
        (lengths.__name__, name)
        for lengths, dc, method in (
            (tight.full, (0, 1), "fill"),
            (tight.roomy, (0, 1), "fill"),
            (tight.full, (9,), "inpaint"),
            (tight.roomy, (9,), "inpaint"),
        )
        for name in steps(lengths, dc, method)
    }
    assert {name for _, name in found} >= {"near", "append", "anything"}


def test_the_pairs_differ_inside_only() -> None:
    one, two = pair([3], [0, 1], 5, 1)
    changed = (one != two).any(axis=2)
    assert changed.any()
    assert not changed[~INSIDE].any()
    assert (one[:, :, 0] != two[:, :, 0]).any()
