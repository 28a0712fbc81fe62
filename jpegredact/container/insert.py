"""Puts segments into a file or takes them out, and keeps right what counts the file's bytes.

That is the MPF index (CIPA DC-007): how long the first picture is, and how far behind the index
the others begin. GContainer counts the pictures behind the first one only; Exif counts within its
own segment. Whatever an index said, right or not, it says again once the segments are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .images import mpf
from .model import FileEdit, Segment
from .walk import new_offsets

__all__ = ["behind_first", "inserted", "without"]

_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2


def behind_first(segments: Iterable[tuple[int, int, int]]) -> int:
    """Return where the APP0 and APP1 segments end with which a file begins.

    JFIF and Exif want to be in front, and MPF's offsets count from behind there.
    """
    at = 2
    for code, offset, end in segments:
        if offset == at and code in (_APP0, _APP1):
            at = end
    return at


def inserted(data: bytes, segments: Sequence[tuple[int, int, int]], new: bytes) -> bytes:
    """Return a file with new segments behind the APP0 and APP1 segments in front."""
    at = behind_first(segments)
    return _applied(data, segments, [(at, at, new)])


def without(
    data: bytes, segments: Sequence[tuple[int, int, int]], spans: Iterable[tuple[int, int]]
) -> bytes:
    """Return a file without the segments in these spans, which are in order."""
    return _applied(data, segments, [(start, end, b"") for start, end in spans])


def _applied(
    data: bytes, segments: Sequence[tuple[int, int, int]], edits: list[FileEdit]
) -> bytes:
    place = new_offsets(edits)
    growth = sum(len(new) - (end - start) for start, end, new in edits)
    moved = [
        edit
        for segment in segments
        if segment[0] == _APP2 and data.startswith(mpf.SIGNATURE, segment[1] + 4, segment[2])
        for edit in mpf.read_index(data, Segment(*segment)).moved(place, growth)
    ]
    pieces, at = [], 0
    for start, end, new in sorted([*edits, *moved]):
        pieces += [data[at:start], new]
        at = end
    return b"".join([*pieces, data[at:]])
