# cython: language_level=3, boundscheck=True, wraparound=False
"""The compiled core: byte stuffing and fill bytes (ITU-T T.81 B.1.1.5), for whole intervals.

Words as in ``_scan_cy``, whose house rules hold here too. Knows bytes, no codes.
"""

import cython

__all__ = [
    "data_length",
    "is_compiled",
    "stuff",
    "stuffed_length",
]


def is_compiled() -> bool:
    """Whether this module runs as the compiled extension."""
    return bool(cython.compiled)


def stuffed_length(
    raw: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    data_bytes: cython.longlong,
) -> int:
    """Return how many bytes of ``raw[start:end]`` hold the first ``data_bytes`` data bytes.

    Stuffing behind the last of them counts; fill bytes in front of the next do not.
    """
    i: cython.longlong = start
    left: cython.longlong = data_bytes
    with cython.nogil:
        while left > 0 and i < end:
            if raw[i] == 255:
                while i + 1 < end and raw[i + 1] == 255:
                    i += 1
                if i + 1 < end and raw[i + 1] == 0:
                    i += 1
            i += 1
            left -= 1
    return i - start


def data_length(raw: cython.const[cython.uchar][::1]) -> int:
    """Return how many data bytes there are, stuffing and fill bytes left out."""
    i: cython.longlong = 0
    end: cython.longlong = len(raw)
    count: cython.longlong = 0
    with cython.nogil:
        while i < end:
            if raw[i] == 255:
                while i + 1 < end and raw[i + 1] == 255:
                    i += 1
                if i + 1 == end:
                    break
                if raw[i + 1] == 0:
                    i += 1
            i += 1
            count += 1
    return count


def stuff(
    words: cython.uint[::1],
    at: cython.longlong,
    count: cython.longlong,
    out: cython.uchar[::1],
) -> int:
    """Write ``count`` bytes from word ``at`` on to ``out``, stuffed.

    Returns how many that are, or -1 where there is no room.
    """
    i: cython.longlong = at
    o: cython.longlong = 0
    room: cython.longlong = len(out) - 8
    left: cython.longlong = count
    high: cython.uint = 0x80808080
    word: cython.uint
    byte: cython.uint
    shift: cython.int
    with cython.nogil:
        while left > 0:
            if o > room:
                o = -1
                break
            word = words[i]
            i += 1
            if left >= 4 and (((word & 0x7F7F7F7F) + 0x01010101) & word & high) == 0:
                # no byte of it is 0xFF
                out[o] = word >> 24
                out[o + 1] = (word >> 16) & 255
                out[o + 2] = (word >> 8) & 255
                out[o + 3] = word & 255
                o += 4
                left -= 4
                continue
            shift = 24
            while shift >= 0 and left > 0:
                byte = (word >> shift) & 255
                out[o] = byte
                o += 1
                if byte == 255:
                    out[o] = 0
                    o += 1
                shift -= 8
                left -= 1
    return o
