# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: between the DC scans of progressive pictures and the blocks of a component.

A component's blocks are numbered in raster order of its padded grid; ``slots`` maps
these to recorded blocks, -1 elsewhere. Words and positions are as in ``_scan_cy``,
whose house rules hold here too.
"""

import cython

__all__ = [
    "bit_positions",
    "clear",
    "find_mcus",
    "give_dc",
    "is_compiled",
    "map_slots",
    "mark",
    "mark_known",
    "mark_mcus",
    "put_bits",
    "put_blocks",
    "put_dc",
    "put_slopes",
    "take_bits",
    "take_dc",
]

BAD_VALUE = -4  # a coefficient outside 16 bits


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def map_slots(
    ranges: tuple, unit: tuple, slots: cython.int[::1], stride: cython.longlong,
    out: cython.int[::1],
) -> None:
    """For the blocks that a scan recorded of one component: their slot, or -1.

    ``ranges`` and ``unit`` as in ``_grid_cy.locate``; ``stride`` is the width of
    the padded grid.
    """
    begins: cython.longlong[::1] = ranges[0]
    ends: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    count: cython.longlong = unit[3]
    first: cython.longlong = unit[4]
    k: cython.longlong
    mcu: cython.longlong
    i: cython.longlong
    j: cython.longlong
    index: cython.longlong
    with cython.nogil:
        for k in range(len(begins)):
            for mcu in range(begins[k], ends[k]):
                index = bases[k] + (mcu - begins[k]) * count + first
                for i in range(v):
                    for j in range(h):
                        out[index] = slots[
                            ((mcu // across) * v + i) * stride + (mcu % across) * h + j
                        ]
                        index += 1


def take_dc(
    map: cython.int[::1], values: cython.int[::1], low: cython.int,
    wanted: cython.uchar[::1], coefficients: cython.short[::1],
) -> int:
    """Set the DC of each wanted slot to its value, shifted up; 0, or `BAD_VALUE`."""
    k: cython.longlong
    value: cython.int
    status: cython.int = 0
    with cython.nogil:
        for k in range(len(map)):
            if map[k] < 0 or not wanted[map[k]]:
                continue
            value = values[k] * (1 << low)
            if value < -32768 or value > 32767:
                status = -4
                break
            coefficients[cython.cast(cython.longlong, map[k]) * 64] = value
    return status


def give_dc(
    map: cython.int[::1], touched: cython.uchar[::1], low: cython.int,
    coefficients: cython.short[::1], values: cython.int[::1],
) -> None:
    """The other way: the values of touched slots become their DC, shifted down."""
    k: cython.longlong
    slot: cython.longlong
    with cython.nogil:
        for k in range(len(map)):
            slot = map[k]
            if slot >= 0 and touched[slot]:
                values[k] = coefficients[slot * 64] >> low


def find_mcus(
    rasters: cython.int[::1], unit: tuple, touched: cython.uchar[::1],
    last: cython.longlong[::1], out: cython.longlong[::1],
) -> int:
    """For each recorded block of a component its data unit's number in a scan, -1 if it has none.

    ``unit``: blocks per MCU down and across, MCUs across and down, data units per MCU, the
    component's first, the padded grid's width, MCUs in a restart interval. In ``last``, by
    interval: -2, or -1 where a block is recorded, or the last MCU with a touched one. What
    is behind these intervals has no data unit; returns how many touched blocks are.
    """
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    high: cython.longlong = unit[3]
    count: cython.longlong = unit[4]
    first: cython.longlong = unit[5]
    stride: cython.longlong = unit[6]
    interval: cython.longlong = unit[7]
    k: cython.longlong
    i: cython.longlong
    row: cython.longlong
    column: cython.longlong
    mcu: cython.longlong
    missing: cython.longlong = 0
    with cython.nogil:
        for k in range(len(rasters)):
            row = rasters[k] // stride
            column = rasters[k] % stride
            out[k] = -1
            if column // h >= across or row // v >= high:  # padding that this scan has not
                continue
            mcu = (row // v) * across + column // h
            if mcu // interval >= len(last):
                missing += touched[k]
                continue
            out[k] = mcu * count + first + (row % v) * h + column % h
            i = mcu // interval
            if touched[k] and last[i] < mcu:
                last[i] = mcu
            if last[i] < -1:
                last[i] = -1
    return missing


def bit_positions(
    units: cython.longlong[::1], per_interval: cython.longlong, starts: cython.longlong[::1],
    ends: cython.longlong[::1], out: cython.longlong[::1],
) -> None:
    """For data units of one bit each: where it stands.

    -1 where its interval is not loaded (``starts`` less than 0), or ends before it.
    """
    k: cython.longlong
    i: cython.longlong
    with cython.nogil:
        for k in range(len(units)):
            out[k] = -1
            i = units[k] // per_interval
            if units[k] >= 0 and starts[i] >= 0:
                i = starts[i] + units[k] % per_interval
                if i < ends[units[k] // per_interval]:
                    out[k] = i


def take_bits(
    words: cython.uint[::1], at: cython.longlong[::1], low: cython.int,
    coefficients: cython.short[::1],
) -> None:
    """Set bit ``low`` of each slot's DC where its bit is a one."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(at)):
            if at[k] >= 0 and (words[at[k] >> 5] >> (31 - (at[k] & 31))) & 1:
                coefficients[k * 64] = coefficients[k * 64] | (1 << low)


def put_bits(
    words: cython.uint[::1], at: cython.longlong[::1], touched: cython.uchar[::1],
    low: cython.int, coefficients: cython.short[::1], state: cython.short[::1],
) -> None:
    """Write bit ``low`` of the touched slots' DC; ``state`` becomes what a reader then has."""
    k: cython.longlong
    one: cython.uint = 1
    bit: cython.uint
    with cython.nogil:
        for k in range(len(at)):
            if at[k] < 0 or not touched[k]:
                continue
            bit = (coefficients[k * 64] >> low) & 1
            one = cython.cast(cython.uint, 1) << (31 - (at[k] & 31))
            words[at[k] >> 5] = words[at[k] >> 5] & ~one
            if bit:
                words[at[k] >> 5] = words[at[k] >> 5] | one
                state[k * 64] = state[k * 64] | (1 << low)


def put_blocks(
    coefficients: cython.short[::1], members: cython.int[::1], out: cython.short[::1]
) -> None:
    """Set the blocks ``members`` of ``out`` to 64 coefficients each."""
    m: cython.longlong
    k: cython.int
    with cython.nogil:
        for m in range(len(members)):
            for k in range(64):
                out[cython.cast(cython.longlong, members[m]) * 64 + k] = coefficients[m * 64 + k]


def put_dc(
    values: cython.int[::1], touched: cython.uchar[::1], out: cython.short[::1]
) -> None:
    """Set the DC of touched blocks."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(values)):
            if touched[k]:
                out[k * 64] = values[k]


def mark(
    map: cython.int[::1], touched: cython.uchar[::1], out: cython.uchar[::1]
) -> None:
    """Set ``out`` to 1 for mapped blocks whose slot is touched."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(map)):
            if map[k] >= 0 and touched[map[k]]:
                out[k] = 1


def clear(touched: cython.uchar[::1], out: cython.short[::1]) -> None:
    """Set all coefficients of touched slots to zero."""
    m: cython.longlong
    k: cython.int
    with cython.nogil:
        for m in range(len(touched)):
            if touched[m]:
                for k in range(64):
                    out[m * 64 + k] = 0


def mark_mcus(
    units: cython.longlong[::1], per_mcu: cython.longlong, touched: cython.uchar[::1],
    interval: cython.longlong, marks: cython.uchar[::1],
) -> None:
    """Mark the MCUs of recorded data units: 2 where one is touched, else 1.

    So are the MCUs before and behind a touched one in its interval: DC predictions
    cross there.
    """
    k: cython.longlong
    mcu: cython.longlong
    with cython.nogil:
        for k in range(len(units)):
            if units[k] < 0:
                continue
            mcu = units[k] // per_mcu
            if not touched[k]:
                if marks[mcu] == 0:
                    marks[mcu] = 1
                continue
            marks[mcu] = 2
            if mcu + 1 < len(marks) and (mcu + 1) % interval != 0 and marks[mcu + 1] == 0:
                marks[mcu + 1] = 1
            if mcu % interval != 0 and marks[mcu - 1] == 0:
                marks[mcu - 1] = 1


def put_slopes(
    across: cython.int[::1], down: cython.int[::1], members: cython.int[::1],
    out: cython.short[::1],
) -> None:
    """Set the first two AC coefficients of the blocks ``members`` of ``out``, given by slot."""
    k: cython.longlong
    m: cython.longlong
    with cython.nogil:
        for k in range(len(members)):
            m = members[k]
            out[m * 64 + 1] = across[m]
            out[m * 64 + 2] = down[m]


def mark_known(map: cython.int[::1], touched: cython.uchar[::1], out: cython.uchar[::1]) -> None:
    """Copy ``touched`` to ``out`` for mapped slots."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(map)):
            if map[k] >= 0:
                out[map[k]] = touched[map[k]]
