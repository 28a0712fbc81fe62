"""Content that lies in one or several marker segments, and edits of it as edits of the file.

Knows where the shares are and keeps the segments' lengths right; knows nothing of what is in
them.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .model import FileEdit, Segment

__all__ = ["Assembly", "Part", "assemble"]

_MOST = 0xFFFF
"""The largest value of a segment's length field (ITU-T T.81, B.1.1.4)."""


class Part(NamedTuple):
    """A segment's share: ``length`` bytes at ``start`` in the file, ``at`` in the content."""

    segment: Segment
    start: int
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Assembly:
    """Content put together from segments, in its own order (not always the file's)."""

    content: bytes = field(repr=False)
    parts: tuple[Part, ...]

    def spans(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """Return where ``content[start:end]`` lies in the file."""
        found = []
        first = max(bisect_right(self.parts, start, key=_at) - 1, 0)
        for part in itertools.islice(self.parts, first, None):
            if part.at >= end:
                break
            low, high = max(start, part.at), min(end, part.at + part.length)
            if low < high:
                shift = part.start - part.at
                found.append((low + shift, high + shift))
        return tuple(found)

    def edits(
        self,
        changes: Sequence[FileEdit],
        renew: Callable[[Part, int], FileEdit] | None = None,
    ) -> list[FileEdit] | None:
        """Return sorted changes of the content as sorted edits of the file.

        Each segment keeps its own share; one that becomes empty goes. ``renew`` makes the edit
        of a segment's own header, given where its share begins in the new content. None: a
        segment would become too long.
        """
        shares: list[list[FileEdit]] = [[] for _ in self.parts]
        for start, end, new in changes:
            self._spread(start, end, new, shares)
        edits: list[FileEdit] = []
        at = 0
        for part, share in zip(self.parts, shares, strict=True):
            growth = sum(len(new) - (end - start) for start, end, new in share)
            offset, stop = part.segment.offset, part.segment.end
            if part.length and part.length + growth <= 0:
                edits.append((offset, stop, b""))
                continue
            if growth:
                length = stop - offset - 2 + growth
                if length > _MOST:
                    return None
                edits.append((offset + 2, offset + 4, length.to_bytes(2, "big")))
            if renew is not None:
                edits.append(renew(part, at))
            edits += share
            at += part.length + growth
        return sorted(edits, key=lambda edit: edit[:2])

    def dropped(self) -> list[FileEdit]:
        """Return the edits that take all of these segments out."""
        return sorted((part.segment.offset, part.segment.end, b"") for part in self.parts)

    def _spread(self, start: int, end: int, new: bytes, shares: list[list[FileEdit]]) -> None:
        """Give each segment as many of the new bytes as it had of the old, the last the rest."""
        if start == end:  # between two segments: to the first
            first = bisect_left(self.parts, start, key=_stop)
            last = first + 1
        else:
            first = bisect_right(self.parts, start, key=_stop)
            last = bisect_left(self.parts, end, key=_at)
        touched = [
            (number, max(start, part.at), min(end, part.at + part.length))
            for number, part in enumerate(self.parts[first:last], first)
        ]
        for number, low, high in touched:
            last = number == touched[-1][0]
            size = len(new) if last else min(high - low, len(new))
            part = self.parts[number]
            shift = part.start - part.at
            shares[number].append((low + shift, high + shift, new[:size]))
            new = new[size:]


def _at(part: Part) -> int:
    return part.at


def _stop(part: Part) -> int:
    return part.at + part.length


def assemble(data: bytes, segments: Iterable[Segment], header: int) -> Assembly:
    """Put the contents of segments together, in this order, without each one's header.

    ``header`` counts the bytes behind the length field that are not content.
    """
    parts: list[Part] = []
    at = 0
    for segment in segments:
        start = min(segment.offset + 4 + header, segment.end)
        parts.append(Part(segment, start, at, segment.end - start))
        at += segment.end - start
    return Assembly(b"".join(data[p.start : p.start + p.length] for p in parts), tuple(parts))
