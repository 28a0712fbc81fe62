# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled: a smooth fill for one component's grid of quantised DC values, in integers.

The house rules of ``codec._scan_cy`` hold here too.
"""

import cython

__all__ = ["inpaint", "is_compiled", "slopes"]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def inpaint(
    values: cython.int[::1], states: cython.uchar[::1],
    rows: cython.longlong, columns: cython.longlong, sweeps: cython.int,
    scratch: cython.int[::1],
) -> int:
    """Fill the touched cells (state 2) smoothly from the known ones (state 1).

    First the mean of the nearest known values up, down, left and right, each
    weighted by one over its distance; then ``sweeps`` Gauss-Seidel passes of
    the Laplace equation, there and back, in sixteenths of a quantiser step. A cell that sees
    nothing known is worked out by the passes alone; 0 where nothing is known
    at all. Floor division throughout: the same on every platform.

    ``scratch`` needs ``3 * rows * columns + 2 * columns + rows`` ints. Returns the
    number of touched cells.
    """
    y: cython.longlong
    x: cython.longlong
    at: cython.longlong
    cells: cython.longlong = rows * columns
    below: cython.longlong = 2 * cells
    order: cython.longlong = 2 * cells + 2 * columns
    used: cython.longlong = 3 * cells + 2 * columns
    count: cython.longlong = 0
    k: cython.longlong
    run: cython.longlong
    total: cython.longlong
    weight: cython.longlong
    sum_: cython.longlong
    near: cython.int
    s: cython.int
    with cython.nogil:
        # Only rows with touched cells, and those beside them, matter.
        for y in range(rows):
            scratch[used + y] = 0
        for y in range(rows):
            for x in range(columns):
                if states[y * columns + x] == 2:
                    scratch[used + y] = 1
                    if y > 0:
                        scratch[used + y - 1] = 1
                    if y + 1 < rows:
                        scratch[used + y + 1] = 1
                    break
        # What stands above: value in scratch[at], distance in scratch[cells + at] (0: none).
        for y in range(rows):
            if scratch[used + y] == 0:
                continue
            for at in range(y * columns, (y + 1) * columns):
                if states[at] == 1:
                    values[at] *= 16
                    scratch[at] = values[at]
                    scratch[cells + at] = 1
                elif states[at] == 2 and at >= columns and scratch[cells + at - columns]:
                    scratch[at] = scratch[at - columns]
                    scratch[cells + at] = scratch[cells + at - columns] + (
                        1 if states[at - columns] == 2 else 0
                    )
                else:
                    scratch[cells + at] = 0
        for x in range(columns):
            scratch[below + columns + x] = 0
        # From the bottom: what stands below is carried along in two rows of scratch.
        for y in range(rows - 1, -1, -1):
            x = columns if scratch[used + y] == 0 else 0
            while x < columns:
                at = y * columns + x
                if states[at] == 1:
                    scratch[below + x] = values[at]
                    scratch[below + columns + x] = 1
                if states[at] != 2:
                    if states[at] == 0:
                        scratch[below + columns + x] = 0
                    x += 1
                    continue
                run = x
                while run < columns and states[y * columns + run] == 2:
                    run += 1
                for k in range(x, run):
                    at = y * columns + k
                    total = 0
                    sum_ = 0
                    if x > 0 and states[y * columns + x - 1] == 1:
                        weight = 65536 // (k - x + 1)
                        total += weight
                        sum_ += weight * values[y * columns + x - 1]
                    if run < columns and states[y * columns + run] == 1:
                        weight = 65536 // (run - k)
                        total += weight
                        sum_ += weight * values[y * columns + run]
                    if scratch[cells + at]:
                        weight = 65536 // scratch[cells + at]
                        total += weight
                        sum_ += weight * scratch[at]
                    if scratch[below + columns + k]:
                        weight = 65536 // scratch[below + columns + k]
                        total += weight
                        sum_ += weight * scratch[below + k]
                        scratch[below + columns + k] += 1
                    values[at] = cython.cast(cython.int, sum_ // total) if total else 0
                    scratch[order + count] = cython.cast(cython.int, at)
                    count += 1
                x = run
        # Which neighbours each cell has: as bits, and how many.
        for k in range(count):
            at = scratch[order + k]
            x = at % columns
            near = 0
            if x > 0 and states[at - 1]:
                near += 8 + 1
            if x + 1 < columns and states[at + 1]:
                near += 16 + 1
            if at >= columns and states[at - columns]:
                near += 32 + 1
            if at + columns < cells and states[at + columns]:
                near += 64 + 1
            scratch[at] = near
        for s in range(2 * sweeps):
            for k in range(count):
                at = scratch[order + (k if s & 1 else count - 1 - k)]
                near = scratch[at]
                if near == 120 + 4:
                    total = values[at - 1] + values[at + 1]
                    total += values[at - columns] + values[at + columns]
                    values[at] = cython.cast(cython.int, (total + 2) >> 2)
                    continue
                sum_ = 0
                if near & 8:
                    sum_ += values[at - 1]
                if near & 16:
                    sum_ += values[at + 1]
                if near & 32:
                    sum_ += values[at - columns]
                if near & 64:
                    sum_ += values[at + columns]
                near &= 7
                if near:
                    values[at] = cython.cast(cython.int, (sum_ + (near >> 1)) // near)
        for y in range(rows):
            if scratch[used + y]:
                for at in range(y * columns, (y + 1) * columns):
                    if states[at]:
                        values[at] = (values[at] + 8) >> 4
    return count


def slopes(
    values: cython.int[::1], states: cython.uchar[::1],
    rows: cython.longlong, columns: cython.longlong,
    steps: tuple, across: cython.int[::1], down: cython.int[::1],
) -> None:
    """Work out, for each touched cell, the two AC coefficients of a slope to its neighbours.

    As a decoder may guess them from DC values alone (ITU-T T.81 K.8.2); ``steps``
    are the quantiser's for DC, for the first coefficient across and the first
    one down. A neighbour that is not known counts as level.
    """
    y: cython.longlong
    x: cython.longlong
    at: cython.longlong
    dc_step: cython.longlong = steps[0]
    across_step: cython.longlong = steps[1]
    down_step: cython.longlong = steps[2]
    before: cython.longlong
    behind: cython.longlong
    value: cython.longlong
    with cython.nogil:
        for y in range(rows):
            for x in range(columns):
                at = y * columns + x
                if states[at] != 2:
                    continue
                before = values[at]
                behind = values[at]
                if x > 0 and states[at - 1]:
                    before = values[at - 1]
                if x + 1 < columns and states[at + 1]:
                    behind = values[at + 1]
                value = (36 * dc_step * (before - behind) + 128 * across_step) // (
                    256 * across_step
                )
                across[at] = cython.cast(cython.int, min(max(value, -1023), 1023))
                before = values[at]
                behind = values[at]
                if y > 0 and states[at - columns]:
                    before = values[at - columns]
                if y + 1 < rows and states[at + columns]:
                    behind = values[at + columns]
                value = (36 * dc_step * (before - behind) + 128 * down_step) // (256 * down_step)
                down[at] = cython.cast(cython.int, min(max(value, -1023), 1023))
