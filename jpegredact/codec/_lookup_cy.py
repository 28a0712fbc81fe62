# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core: look-up tables that decode several Huffman codes at once.

The house rules of ``_scan_cy`` hold here too. Knows codes, no coded data.
"""

import cython

__all__ = [
    "fast_ac",
    "fast_dc",
    "is_compiled",
]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def fast_dc(full: cython.ushort[::1], fast: cython.ushort[::1], at: cython.longlong) -> None:
    """Fill ``fast[at:at+4096]``: 12 bits -> a whole DC difference, where it fits.

    ``full`` maps 16 bits to ``code length << 8 | category``. An entry is
    ``(difference + 2048) << 4 | bits``, or 0 where 12 bits do not hold it.
    """
    p: cython.uint
    e: cython.uint
    length: cython.uint
    size: cython.uint
    value: cython.int
    with cython.nogil:
        for p in range(4096):
            e = full[p << 4]
            length = e >> 8
            size = e & 255
            fast[at + p] = 0
            if e != 0 and length + size <= 12:
                value = (p >> (12 - length - size)) & ((1 << size) - 1)
                if size > 0 and (value >> (size - 1)) == 0:
                    value = value - (1 << size) + 1
                fast[at + p] = (cython.cast(cython.uint, value + 2048) << 4) | (length + size)


def fast_ac(full: cython.ushort[::1], fast: cython.ushort[::1], at: cython.longlong) -> None:
    """Fill ``fast[at:at+8192]``: 13 bits -> as many whole AC symbols as they hold.

    An entry is ``EOB << 11 | coefficients passed << 4 | bits``, one more of them for EOB;
    and 2032 (127 passed) where not even one symbol with its extra bits fits.
    """
    p: cython.uint
    e: cython.uint
    used: cython.uint
    step: cython.uint
    length: cython.uint
    size: cython.uint
    passed: cython.uint
    eob: cython.uint
    with cython.nogil:
        for p in range(8192):
            used = 0
            passed = 0
            eob = 0
            while eob == 0:
                e = full[((p << used) & 8191) << 3]
                length = e >> 8
                size = e & 15
                if e == 0 or used + length + size > 13:
                    break
                step = ((e >> 4) & 15) + 1
                if size == 0 and step != 16:
                    eob = 1
                    step = 0
                if passed + step > 63:
                    eob = 0
                    break
                used += length + size
                passed += step
            fast[at + p] = ((eob << 11) | (passed + eob) << 4 | used) if used else 2032
