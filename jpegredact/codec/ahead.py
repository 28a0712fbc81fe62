"""Walking the second half of a long scan while another thread walks the first.

Huffman codes synchronise themselves: a decoder that begins at any byte soon begins an
MCU at a bit where one that began in front does, and from there on both do the same. So
one may go ahead from the middle, without knowing which MCU it is at; when the other
comes to a bit where both begin an MCU, all that the first one saw behind it holds, with
its MCUs and DC values counted from there. Nothing is taken on trust, and what comes out
does not depend on whether there was somebody ahead.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import NamedTuple

from . import core

__all__ = ["Ahead", "Found", "Stop", "look_ahead", "meet", "middle"]

_DENSE = 512
"""MCUs at whose first bit both may meet."""
_STEP = 128
"""MCUs from one stop to the next, as a rule."""
_MOST_STOPS = 1 << 13
_TRIES = 64
_FEW = 64
"""Bytes to look for one that is not 0xFF."""
_BOUND = 1 << 14
"""DC values stay below it, counted from where it begins, and so does what they are off by:
together within 16 bits."""


class Stop(NamedTuple):
    """Where an MCU begins, and what a cursor needs to go on from there."""

    mcu: int
    raw: int
    byte: int
    position: int
    predictors: array[int]


class Ahead(NamedTuple):
    """What was seen from the middle of an interval on, MCUs, bits and DC values counted from there.

    ``starts`` is where the first MCUs begin, ``predictors`` what the DC values are there.
    """

    starts: array[int]
    predictors: array[int]
    stops: list[Stop]
    fill: bool
    drawn: array[int]
    """The DC values of each MCU that were asked for."""
    passed: int


class Found(NamedTuple):
    """The stops ahead, counted as in the interval they are in."""

    stops: list[Stop]
    fill: bool
    first: int
    """The MCU, counted from where it was begun, in front of which both have met."""
    mcu: int
    """The same one in the interval."""
    off: array[int]
    """What DC values are more than as counted from there."""

    def before(self, mcu: int, end: int | None) -> Stop | None:
        """Return the last stop not behind an MCU, nor behind bit ``end``."""
        at = bisect_right(self.stops, mcu, key=lambda stop: stop.mcu) - 1
        if at < 0 or (end is not None and self.stops[at].position > end):
            return None
        return self.stops[at]


def middle(data: bytes, start: int, end: int) -> int | None:
    """Return about where one begins who goes ahead: behind the middle, since later than the other.

    Not within stuffing or fill bytes; None where there are too many of those.
    """
    at = start + (end - start) * 9 // 16
    front = data[max(start, at - _FEW) : at].rstrip(b"\xff")
    return at - _FEW + len(front) if front and at - _FEW >= start else None


def look_ahead(
    make: Callable[[], core.scan.ScanCursor], components: int, at: int, end: int, most: int,
    wanted: Callable[[], bool], draw: array[int],
) -> Ahead | None:  # fmt: skip
    """Walk an interval from ``data[at]`` to its ``end``, or ``most`` MCUs; None where that fails.

    ``make`` gives a cursor that skips, and whose predictors are so many. ``wanted`` says
    whether there is still somebody who would be told; ``draw`` says of which data units all DC
    values are asked for.
    """
    try:
        cursor, drawn = make(), array("i", [0]) * (most * sum(draw))
        cursor.draw(drawn, draw)
        return _look_ahead(cursor, components, at, end, most, wanted, drawn)
    except MemoryError:  # it may suffice for one
        return None


def _look_ahead(
    cursor: core.scan.ScanCursor, components: int, at: int, end: int, most: int,
    wanted: Callable[[], bool], drawn: array[int],
) -> Ahead | None:  # fmt: skip
    cursor.bound = _BOUND
    starts, predictors = array("q", [0]) * _DENSE, array("i", [0]) * (_DENSE * components)
    position = 0
    for _ in range(_TRIES):
        cursor.start(at, end)
        cursor.position = position
        cursor.log(starts, predictors)
        status = cursor.advance(_DENSE, -1)
        if status == 0:
            break
        if status == core.scan.BAD_DATA:
            return None
        position = cursor.position + 1  # no codes: not in step yet
    else:
        return None
    stops = []
    step = max(_STEP, most // _MOST_STOPS)
    state = array("q", bytes(8)), array("i", [0]) * components
    mcu = _DENSE
    while mcu < most and wanted():
        cursor.log(*state)
        anchor = cursor.anchor()
        if cursor.advance(step, -1):
            break
        raw, byte = anchor
        stops.append(Stop(mcu, raw, byte, state[0][0], array("i", state[1])))
        mcu += step
    return Ahead(starts, predictors, stops, cursor.fill > 0, drawn, cursor.passed)


def meet(
    ahead: Ahead, byte: int, mcu: int, log: tuple[array[int], array[int]]
) -> Found | None:
    """Return the stops ahead, if one of the MCUs from ``mcu`` on begins where one ahead does.

    ``log`` has the first bits of these, and their predictors. The one ahead began at data
    byte ``byte`` of the interval.
    """
    starts, predictors = log
    components = len(predictors) // max(len(starts), 1)
    for here, bit in enumerate(starts):
        there = bisect_left(ahead.starts, bit - 8 * byte)
        if there == len(ahead.starts) or ahead.starts[there] != bit - 8 * byte:
            continue
        off = [
            predictors[here * components + c] - ahead.predictors[there * components + c]
            for c in range(components)
        ]
        if max(map(abs, off)) >= _BOUND:
            return None
        return Found(
            [
                Stop(
                    mcu + here + stop.mcu - there, stop.raw, byte + stop.byte,
                    8 * byte + stop.position,
                    array("i", [dc + more for dc, more in zip(stop.predictors, off, strict=True)]),
                )
                for stop in ahead.stops
            ],
            ahead.fill, there, mcu + here, array("i", off),
        )  # fmt: skip
    return None
