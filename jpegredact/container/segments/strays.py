"""Bytes between the segments that belong to none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..model import Action, Actions, Area, Request, Scrubbed, Segment, SideCopy

__all__ = ["Strays", "read_strays"]

_FEW = 16
"""Bytes that show nothing: some encoders leave a few."""
_ACTIONS = Actions("drop", "drop", "warn")


class Strays(NamedTuple):
    """What stands between segments and is not coded data: readers pass over it."""

    copies: tuple[SideCopy, ...]

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return none: nobody knows what it says."""
        return frozenset()

    def scrub(self, request: Request) -> Scrubbed:
        """Drop them."""
        action: Action = _ACTIONS.of(request.policy)
        return Scrubbed(
            [(c.offset, c.offset + c.length, b"") for c in self.copies] if action == "drop" else [],
            [(copy, action) for copy in self.copies],
        )


def read_strays(
    data: bytes, segments: Sequence[Segment], end_of_picture: int, coded: Sequence[tuple[int, int]]
) -> Strays:
    """Find them, but for fill bytes (0xFF, T.81 B.1.1.2) and what stands behind coded data.

    What stands there is the picture's own business: it may be the rest of a scan that lacks
    restart markers. A few bytes are none where they are a few in all: several stretches come
    together where segments between them go.
    """
    ends = dict(coded)
    stretches, total = [], 0
    at = 2
    behind_scan = False
    for segment in (*segments, Segment(0xD9, max(end_of_picture - 2, at), end_of_picture)):
        if not behind_scan and segment.offset > at:
            stretch = data[at : segment.offset]
            bare = stretch.strip(b"\xff")
            total += len(stretch)
            if bare:
                first = at + len(stretch) - len(stretch.lstrip(b"\xff"))
                stretches.append((first, len(bare)))
        behind_scan = segment.end in ends
        at = max(at, ends.get(segment.end, segment.end))
    if len(stretches) == 1:  # with fill bytes around it, it is no longer
        total = stretches[0][1]
    if not stretches or total <= _FEW:
        return Strays(())
    return Strays(
        tuple(
            SideCopy("stray-bytes", first, length, "bytes between segments", _ACTIONS)
            for first, length in stretches
        )
    )
