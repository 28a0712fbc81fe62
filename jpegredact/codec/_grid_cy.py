# cython: language_level=3, boundscheck=True, wraparound=False
"""Compiled helpers between grids of blocks and the order of a scan.

A *grid* is a component's blocks in raster order, hidden padding included; a
*window* is a rectangle of it. A *range* is a run of consecutive MCUs whose
blocks were recorded. Knows no bits, files, regions or diffs. The house rules of
``_scan_cy`` hold here too.
"""

import cython

__all__ = [
    "assign",
    "beside",
    "count_cells",
    "draw_runs",
    "drawn_behind",
    "is_compiled",
    "locate",
    "mark_mcus",
    "next_run",
    "place",
    "samples",
    "scatter",
    "spread",
]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def mark_mcus(
    cells: cython.ushort[::1], window: tuple, unit: tuple, interval: cython.longlong,
    ring: cython.bint, marks: cython.uchar[::1],
) -> None:
    """Mark the MCUs to record: 2 where a cell is touched, else 1.

    ``cells`` is a component's window of the block grid, non-zero where touched;
    ``window`` its first row, first column, rows, columns; ``unit`` the
    component's blocks per MCU down and across, the scan's MCUs across, and the
    component's real rows and columns. Recorded too are the MCUs before and
    behind in the same interval (DC predictions cross there), and with ``ring``
    those of the four neighbours.
    """
    row0: cython.longlong = window[0]
    column0: cython.longlong = window[1]
    rows: cython.longlong = window[2]
    columns: cython.longlong = window[3]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    real_rows: cython.longlong = unit[3]
    real_columns: cython.longlong = unit[4]
    total: cython.longlong = len(marks)
    y: cython.longlong
    x: cython.longlong
    r: cython.longlong
    c: cython.longlong
    mcu: cython.longlong
    other: cython.longlong
    with cython.nogil:
        for y in range(rows):
            r = row0 + y
            for x in range(columns):
                if cells[y * columns + x] == 0:
                    continue
                c = column0 + x
                mcu = (r // v) * across + c // h
                marks[mcu] = 2
                if mcu + 1 < total and (mcu + 1) % interval != 0 and marks[mcu + 1] == 0:
                    marks[mcu + 1] = 1
                if mcu % interval != 0 and marks[mcu - 1] == 0:
                    marks[mcu - 1] = 1
                if ring:
                    if r > 0 and r - 1 < real_rows and c < real_columns:
                        other = ((r - 1) // v) * across + c // h
                        if marks[other] == 0:
                            marks[other] = 1
                    if r + 1 < real_rows and c < real_columns:
                        other = ((r + 1) // v) * across + c // h
                        if marks[other] == 0:
                            marks[other] = 1
                    if c > 0 and c - 1 < real_columns and r < real_rows:
                        other = (r // v) * across + (c - 1) // h
                        if marks[other] == 0:
                            marks[other] = 1
                    if c + 1 < real_columns and r < real_rows:
                        other = (r // v) * across + (c + 1) // h
                        if marks[other] == 0:
                            marks[other] = 1


def next_run(marks: cython.const[cython.uchar][::1], start: cython.longlong) -> tuple:
    """Return where the next run of non-zero marks from ``start`` on begins and ends.

    Both are the end of the marks where there is none.
    """
    begin: cython.longlong = start
    end: cython.longlong
    count: cython.longlong = len(marks)
    with cython.nogil:
        while begin < count and marks[begin] == 0:
            begin += 1
        end = begin
        while end < count and marks[end] != 0:
            end += 1
    return begin, end


def locate(
    cells: cython.ushort[::1], window: tuple, unit: tuple, ranges: tuple,
    cursor: cython.longlong[::1], out: cython.int[::1], touched: cython.uchar[::1],
) -> int:
    """List the recorded index of every touched cell, by group, each in raster order.

    ``unit``: blocks per MCU down and across, MCUs across, data units per MCU,
    and the component's first data unit in it. ``ranges``: first MCU, end MCU and
    first recorded index of each run of recorded MCUs. ``cursor[g]`` is where
    group ``g`` (cell value less one) writes next. Each of them is marked in
    ``touched`` too. Returns 0, or -1 where a touched cell was not recorded.
    """
    row0: cython.longlong = window[0]
    column0: cython.longlong = window[1]
    rows: cython.longlong = window[2]
    columns: cython.longlong = window[3]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    count: cython.longlong = unit[3]
    first: cython.longlong = unit[4]
    begins: cython.longlong[::1] = ranges[0]
    ends: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    last: cython.longlong = len(begins) - 1
    k: cython.longlong = 0
    y: cython.longlong
    x: cython.longlong
    r: cython.longlong
    c: cython.longlong
    mcu: cython.longlong
    g: cython.longlong
    index: cython.longlong
    missing: cython.int = 0
    with cython.nogil:
        for y in range(rows):
            r = row0 + y
            for x in range(columns):
                g = cells[y * columns + x]
                if g == 0:
                    continue
                c = column0 + x
                mcu = (r // v) * across + c // h
                while k < last and mcu >= ends[k]:
                    k += 1
                while k > 0 and mcu < begins[k]:
                    k -= 1
                if last < 0 or mcu < begins[k] or mcu >= ends[k]:
                    missing = -1
                    break
                index = bases[k] + (mcu - begins[k]) * count + first + (r % v) * h + c % h
                out[cursor[g - 1]] = cython.cast(cython.int, index)
                touched[index] = 1
                cursor[g - 1] += 1
            if missing:
                break
    return missing


def beside(
    cells: cython.ushort[::1], window: tuple, unit: tuple, real: tuple,
    ranges: tuple, boxes: cython.longlong[::1],
    dc: cython.int[::1], touched: cython.uchar[::1],
    values: cython.uchar[::1], lacking: cython.uchar[::1], ends: cython.longlong[::1],
) -> int:
    """Collect the DC values of the real blocks beside each group's, each group's in raster order.

    Those are the blocks above, below, left and right of a group's that are not its own.
    ``window``, ``unit`` and ``ranges`` are as in `locate`; ``boxes`` has a row, column, rows
    and columns of the grid for each group. A block of another group, and one whose value is
    not known, has 0, and 1 in ``lacking``. Values take two bytes each, the lower one first.
    Returns how many there are; as many are written as there is room for, and where each
    group's end.
    """
    row0: cython.longlong = window[0]
    column0: cython.longlong = window[1]
    rows: cython.longlong = window[2]
    columns: cython.longlong = window[3]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    count: cython.longlong = unit[3]
    first: cython.longlong = unit[4]
    real_rows: cython.longlong = real[0]
    real_columns: cython.longlong = real[1]
    begins: cython.longlong[::1] = ranges[0]
    stops: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    last: cython.longlong = len(begins) - 1
    room: cython.longlong = min(len(values) // 2, len(lacking))
    k: cython.longlong = 0
    n: cython.longlong = 0
    g: cython.longlong
    r: cython.longlong
    c: cython.longlong
    y: cython.longlong
    x: cython.longlong
    mcu: cython.longlong
    index: cython.longlong
    own: cython.bint
    with cython.nogil:
        for g in range(len(ends)):
            for r in range(boxes[4 * g] - 1, boxes[4 * g] + boxes[4 * g + 2] + 1):
                if r < 0 or r >= real_rows:
                    continue
                y = r - row0
                for c in range(boxes[4 * g + 1] - 1, boxes[4 * g + 1] + boxes[4 * g + 3] + 1):
                    if c < 0 or c >= real_columns:
                        continue
                    x = c - column0
                    index = -1  # the cell's group, if the window has it
                    if 0 <= y and y < rows and 0 <= x and x < columns:
                        index = cells[y * columns + x] - 1
                    if index == g:
                        continue
                    own = False
                    if 0 <= x and x < columns:
                        if 0 < y and y <= rows:
                            own = cells[(y - 1) * columns + x] == g + 1
                        if not own and -1 <= y and y < rows - 1:
                            own = cells[(y + 1) * columns + x] == g + 1
                    if not own and 0 <= y and y < rows:
                        if 0 < x and x <= columns:
                            own = cells[y * columns + x - 1] == g + 1
                        if not own and -1 <= x and x < columns - 1:
                            own = cells[y * columns + x + 1] == g + 1
                    if not own:
                        continue
                    if n < room:
                        values[2 * n] = 0
                        values[2 * n + 1] = 0
                        lacking[n] = 1
                        if index < 0 and last >= 0:
                            mcu = (r // v) * across + c // h
                            while k < last and mcu >= stops[k]:
                                k += 1
                            while k > 0 and mcu < begins[k]:
                                k -= 1
                            if begins[k] <= mcu and mcu < stops[k]:
                                index = (
                                    bases[k] + (mcu - begins[k]) * count + first
                                    + (r % v) * h + c % h
                                )
                                if touched[index] == 0:
                                    values[2 * n] = dc[index] & 255
                                    values[2 * n + 1] = (dc[index] >> 8) & 255
                                    lacking[n] = 0
                    n += 1
            ends[g] = n
    return n


def count_cells(cells: cython.ushort[::1], counts: cython.longlong[::1]) -> None:
    """Count the cells of each group into ``counts``."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(cells)):
            if cells[k]:
                counts[cells[k] - 1] += 1


def scatter(values: cython.int[::1], members: cython.int[::1], out: cython.int[::1]) -> None:
    """``out[members[k]] = values[k]``."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(members)):
            out[members[k]] = values[k]


def assign(value: cython.longlong, members: cython.int[::1], out: cython.longlong[::1]) -> None:
    """``out[members[k]] = value``."""
    k: cython.longlong
    with cython.nogil:
        for k in range(len(members)):
            out[members[k]] = value


def spread(
    ranges: tuple, unit: tuple, real: tuple, window: tuple,
    dc: cython.int[::1], touched: cython.uchar[::1], hide: cython.bint,
    values: cython.int[::1], states: cython.uchar[::1],
) -> None:
    """Lay recorded DC values out on a component's block grid; 0 for touched ones with ``hide``.

    In ``states``: 1 where a real block is recorded and untouched, 2 where it is
    touched; cells of neither, and those whose value is not known (a 2 in ``touched``),
    keep 0. Hidden padding blocks are left out.
    """
    begins: cython.longlong[::1] = ranges[0]
    ends: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    count: cython.longlong = unit[3]
    first: cython.longlong = unit[4]
    real_rows: cython.longlong = real[0]
    real_columns: cython.longlong = real[1]
    row0: cython.longlong = window[0]
    column0: cython.longlong = window[1]
    rows: cython.longlong = window[2]
    columns: cython.longlong = window[3]
    k: cython.longlong
    mcu: cython.longlong
    i: cython.longlong
    j: cython.longlong
    r: cython.longlong
    c: cython.longlong
    index: cython.longlong
    with cython.nogil:
        for k in range(len(begins)):
            for mcu in range(begins[k], ends[k]):
                index = bases[k] + (mcu - begins[k]) * count + first
                for i in range(v):
                    r = (mcu // across) * v + i
                    if r >= real_rows or r < row0 or r >= row0 + rows:
                        index += h
                        continue
                    for j in range(h):
                        c = (mcu % across) * h + j
                        if (
                            c < real_columns and c >= column0 and c < column0 + columns
                            and touched[index] != 2
                        ):
                            values[(r - row0) * columns + c - column0] = (
                                0 if hide and touched[index] else dc[index]
                            )
                            states[(r - row0) * columns + c - column0] = (
                                2 if touched[index] else 1
                            )
                        index += 1


def place(
    ranges: tuple, unit: tuple, real: tuple, window: tuple,
    values: cython.int[::1], touched: cython.uchar[::1], new_dc: cython.int[::1],
) -> None:
    """Take the new DC value of every touched block of a window from the grid ``values``.

    A hidden padding block takes its nearest real block's.
    """
    begins: cython.longlong[::1] = ranges[0]
    ends: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    v: cython.longlong = unit[0]
    h: cython.longlong = unit[1]
    across: cython.longlong = unit[2]
    count: cython.longlong = unit[3]
    first: cython.longlong = unit[4]
    real_rows: cython.longlong = real[0]
    real_columns: cython.longlong = real[1]
    row0: cython.longlong = window[0]
    column0: cython.longlong = window[1]
    rows: cython.longlong = window[2]
    columns: cython.longlong = window[3]
    k: cython.longlong
    mcu: cython.longlong
    i: cython.longlong
    j: cython.longlong
    r: cython.longlong
    c: cython.longlong
    index: cython.longlong
    with cython.nogil:
        for k in range(len(begins)):
            for mcu in range(begins[k], ends[k]):
                index = bases[k] + (mcu - begins[k]) * count + first
                for i in range(v):
                    for j in range(h):
                        if touched[index] == 1:
                            r = (mcu // across) * v + i
                            c = (mcu % across) * h + j
                            if r >= real_rows:
                                r = real_rows - 1
                            if c >= real_columns:
                                c = real_columns - 1
                            r -= row0
                            c -= column0
                            if r >= 0 and r < rows and c >= 0 and c < columns:
                                new_dc[index] = values[r * columns + c]
                        index += 1


def drawn_behind(
    ahead: cython.int[::1], first: cython.longlong, off: cython.int[::1], at: cython.longlong,
    drawn: cython.int[::1],
) -> None:
    """Copy DC values, ``off`` more each, from MCU ``first`` of ``ahead`` to MCU ``at`` and on.

    Both hold as many values for each MCU as ``off``; what goes beyond an end is left out.
    """
    n: cython.longlong = len(off)
    count: cython.longlong = min(len(ahead) // n - first, len(drawn) // n - at)
    k: cython.longlong
    c: cython.longlong
    with cython.nogil:
        for k in range(count):
            for c in range(n):
                drawn[(at + k) * n + c] = ahead[(first + k) * n + c] + off[c]


def draw_runs(
    ranges: tuple, units: cython.longlong, wanted: cython.int[::1], dc: cython.int[::1],
    drawn: cython.int[::1],
) -> None:
    """Set the DC values of recorded MCUs: those of some data units.

    ``ranges`` are runs of recorded MCUs: first, end, first recorded block; ``wanted`` the
    units.
    """
    begins: cython.longlong[::1] = ranges[0]
    ends: cython.longlong[::1] = ranges[1]
    bases: cython.longlong[::1] = ranges[2]
    n: cython.longlong = len(wanted)
    r: cython.longlong
    m: cython.longlong
    c: cython.longlong
    with cython.nogil:
        for r in range(len(begins)):
            for m in range(begins[r], ends[r]):
                for c in range(n):
                    drawn[m * n + c] = dc[bases[r] + (m - begins[r]) * units + wanted[c]]


def samples(
    drawn: cython.int[::1], shape: tuple, across: cython.longlong, step: cython.longlong,
    out: cython.uchar[::1],
) -> None:
    """Turn DC values of a component into samples of 8 bits: what its blocks are on average.

    Of every MCU, as many as ``shape`` says: values in all, the first one, rows and columns of the
    component's. ``out`` has them in raster order, ``across`` MCUs side by side. ``step`` is
    the quantiser's (T.81 A.3.4); values that no sample can have are clipped.
    """
    values: cython.longlong = shape[0]
    first: cython.longlong = shape[1]
    rows: cython.longlong = shape[2]
    columns: cython.longlong = shape[3]
    m: cython.longlong
    y: cython.longlong
    x: cython.longlong
    at: cython.longlong
    value: cython.longlong
    with cython.nogil:
        for m in range(len(out) // (rows * columns)):
            at = (m // across * rows * across + m % across) * columns
            for y in range(rows):
                for x in range(columns):
                    value = drawn[m * values + first + y * columns + x]
                    value = 128 + ((value * step + 4) >> 3)
                    if value < 0:
                        value = 0
                    if value > 255:
                        value = 255
                    out[at + y * across * columns + x] = cython.cast(cython.uchar, value)
