"""Pictures whose Huffman tables leave no room, or lack what a fill would like to say."""

from __future__ import annotations

from collections.abc import Callable

from . import helpers, huffreader, quirks
from .huffreader import Block, Style

Wanted = Callable[[Block], list[int]]


def full(symbols: bytes) -> tuple[bytes, bytes]:
    """Return lengths and symbols of a table in which only the reserved all-ones code is free.

    That takes 16 codes at least: some symbols get several.
    """
    symbols = symbols + symbols[-1:] * max(0, 16 - len(symbols))
    counts = bytearray(16)
    length = next(n for n in range(1, 17) if len(symbols) - (16 - n) <= (1 << n) - 1)
    slots, rest = (1 << length) - 1, len(symbols) - (16 - length)
    for size in range(1, length + 1):  # short codes while the rest still gets by
        width = 1 << (length - size)
        while rest and slots - width >= rest - 1 and (slots - width > 0 or rest == 1):
            counts[size - 1] += 1
            slots -= width
            rest -= 1
    for size in range(length + 1, 17):
        counts[size - 1] += 1
    assert sum(counts) == len(symbols)
    assert sum(n << (16 - size) for size, n in enumerate(counts, 1)) == 65535
    return bytes(counts), symbols


def roomy(symbols: bytes) -> tuple[bytes, bytes]:
    """Return lengths and symbols of a table with codes to spare."""
    counts = bytearray(16)
    counts[max(1, len(symbols).bit_length())] = len(symbols)
    return bytes(counts), symbols


def used_symbols(picture: huffreader.Picture, wanted: Wanted) -> tuple[bytes, bytes]:
    """Return the DC and AC symbols that the picture with other coefficients needs."""
    dc, ac = set(), set()
    for scan in picture.scans:
        for interval in scan.intervals:
            before: dict[int, int] = {}
            for block in interval.blocks:
                values = wanted(block)
                dc.add(abs(values[0] - before.get(block.component, 0)).bit_length())
                before[block.component] = values[0]
                run = 0
                for value in values[1:]:
                    if not value:
                        run += 1
                        continue
                    ac |= {0xF0} if run > 15 else set()
                    ac.add((run % 16) << 4 | abs(value).bit_length())
                    run = 0
                ac |= {0} if run else set()
    return bytes(sorted(dc)), bytes(sorted(ac))


def tight(
    wanted: Wanted, width: int = 64, height: int = 64, restart: int = 0,
    lengths: Callable[[bytes], tuple[bytes, bytes]] = full,
) -> bytes:
    """Return a grey picture of these coefficients, with tables of just the symbols it needs."""
    options = {"restart_marker_blocks": restart} if restart else {}
    plain = helpers.by_pillow(width, height, 1, "L", "slope", quality=90, **options)
    picture = huffreader.read(plain)
    dc, ac = used_symbols(picture, wanted)
    plain = quirks.with_table(plain, 0x00, *roomy(bytes(range(16))))  # all can be said
    jpeg = huffreader.write(huffreader.read(plain), Style(wanted))
    jpeg = quirks.with_table(jpeg, 0x10, *lengths(ac))
    return quirks.with_table(jpeg, 0x00, *lengths(dc))


def no_eob(block: Block) -> list[int]:
    """Every block reaches coefficient 63: its table needs no EOB."""
    return [10 * (block.row + block.column), *[1] * 62, 2 if block.column % 2 else -1]


def large_steps(block: Block) -> list[int]:
    """DC differences of categories 9 and 0 only."""
    return [300 * (block.column % 2), 5, *[0] * 62]


def steps_up(block: Block) -> list[int]:
    """DC differences of category 3 only: no two blocks in a row are alike."""
    return [5 * ((block.row * 8 + block.column) % 2) + 4, 0, 3, *[0] * 61]


def leaps(block: Block) -> list[int]:
    """DC differences of category 9 only, which no fill likes: 600, 300, 600, ..."""
    return [600 - 300 * (block.column % 2), 0, 3, *[0] * 61]


def flat(block: Block) -> list[int]:
    """No DC difference but 0, and no AC coefficient."""
    return [0] * 64


def extreme(block: Block) -> list[int]:
    """DC values and differences at the ends of 16 bits: category 15 and 14."""
    return [(-16384, 16383)[block.column % 2], 1, *[0] * 62]


PICTURES = (no_eob, large_steps, steps_up, leaps, flat, extreme)
