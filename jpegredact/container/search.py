"""Many short byte strings looked for in one pass.

`bytes.find` would go over the bytes once for each.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from ..compiled import compiled

__all__ = ["Needles"]

_AT_ONCE = 256


class Needles:
    """Byte strings of two bytes or more, and how to find them all.

    Each is found by two bytes of it that follow each other, as rare ones as it has.
    """

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._wanted = bytearray(1 << 16)
        self._by_pair: dict[bytes, list[tuple[int, int, bytes]]] = {}
        for number, needle in enumerate(needles):
            offset = min(range(len(needle) - 1), key=lambda k: _frequency(needle[k : k + 2]))
            pair = needle[offset : offset + 2]
            self._wanted[int.from_bytes(pair)] = 1
            self._by_pair.setdefault(pair, []).append((number, offset, needle))

    def places(self, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where in ``data[start:end]`` they stand whole, and the number of which does.

        By the place of the two bytes that each is found by.
        """
        out = array("q", [0]) * _AT_ONCE
        start, end = max(start, 0), min(end, len(data))
        at = start
        while at + 1 < end:
            count, at = _core().find_pairs(data, self._wanted, at, end, out)
            for place in out[:count]:
                for number, offset, needle in self._by_pair[data[place : place + 2]]:
                    first = place - offset
                    if start <= first <= end - len(needle) and data.startswith(needle, first):
                        yield first, number


@cache
def _core() -> Any:
    return compiled("jpegredact.container._search_cy")


def _frequency(pair: bytes) -> int:
    """How often two bytes are to be expected: runs and zeros are frequent."""
    return (pair[0] == pair[1]) + (0 in pair)
