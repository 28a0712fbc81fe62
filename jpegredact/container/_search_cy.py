# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled part of `search`: pairs of bytes found in one pass.

The house rules of ``codec/_scan_cy`` hold here too. Knows no formats.
"""

import cython

__all__ = [
    "find_pairs",
    "is_compiled",
]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def find_pairs(
    data: cython.const[cython.uchar][::1], wanted: cython.const[cython.uchar][::1],
    start: cython.longlong, end: cython.longlong, out: cython.longlong[::1],
) -> tuple:
    """List where in ``data[start:end]`` two bytes stand that are ``wanted``.

    ``wanted[a << 8 | b]`` is not 0 for those. Returns how many were found, and how far it came:
    short of ``end`` only where ``out`` was full.
    """
    at: cython.longlong = start
    count: cython.longlong = 0
    room: cython.longlong = len(out)
    pair: cython.uint
    if at + 1 >= end:
        return 0, end
    with cython.nogil:
        pair = data[at]
        while at + 1 < end and count < room:
            pair = (pair << 8 | data[at + 1]) & 65535
            if wanted[pair]:
                out[count] = at
                count += 1
            at += 1
    return count, at
