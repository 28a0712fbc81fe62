"""Carriers for marker segments that are either dropped whole, changed a little, or left.

The formats' own modules say which segment is what; this one makes a `Carrier` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..model import Action, Area, FileEdit, Request, Scrubbed, Segment, SideCopy

__all__ = ["Answer", "Found", "SegmentCarrier", "payload", "pieces_in_file"]

Answer = Callable[[Request, Action], tuple[Action, bytes | None]]
"""Gives the action for a request, and for "edit" the new segment."""


class Found(NamedTuple):
    """A side copy, the segments that it takes up, and how it is changed where it is not dropped.

    Attributes
    ----------
    segments
        What goes when it is dropped. Empty for what lies within another's segments and goes with
        them.
    rewritten
        What to write in place of its one segment: under the action "edit", and where
        ``drop_rewrites``, under "drop" too.
    answer
        Where the action depends on the request, not on its policy alone.
    limit
        The name of a kind, and how many bytes of it may stay in a file.
    """

    copy: SideCopy
    segments: tuple[Segment, ...] = ()
    rewritten: bytes | None = None
    drop_rewrites: bool = False
    answer: Answer | None = None
    limit: tuple[str, int] | None = None


class SegmentCarrier(NamedTuple):
    """What was found in some segments of a file (a `Carrier`)."""

    found: tuple[Found, ...]

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        """All side copies in it, in the order of the file."""
        return tuple(one.copy for one in self.found)

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return no names: none of this gives any."""
        return frozenset()

    def scrub(self, request: Request) -> Scrubbed:
        """Drop or change what the policy says."""
        edits: list[FileEdit] = []
        outcomes: list[tuple[SideCopy, Action]] = []
        for one in self.found:
            action = one.copy.actions.of(request.policy)
            new = one.rewritten
            if one.answer is not None:
                action, new = one.answer(request, action)
            outcomes.append((one.copy, action))
            rewrites = action == "edit" or (action == "drop" and one.drop_rewrites)
            if rewrites and new is not None:
                edits += [(segment.offset, segment.end, new) for segment in one.segments]
            elif action == "drop":
                edits += [(segment.offset, segment.end, b"") for segment in one.segments]
        return Scrubbed(sorted(edits), outcomes)


def payload(data: bytes, segment: Segment) -> bytes:
    """Return a segment's content, without marker and length."""
    return data[segment.offset + 4 : segment.end]


def pieces_in_file(
    spans: Sequence[tuple[int, int]], start: int, end: int
) -> Iterator[tuple[int, int]]:
    """Yield where bytes ``start`` to ``end`` of what these spans of the file add up to are."""
    at = 0
    for first, behind in spans:
        low, high = max(start, at), min(end, at + behind - first)
        if low < high:
            yield first + low - at, first + high - at
        at += behind - first
