"""FlashPix data in APP2 (and APP4) "FPXR" segments (Exif 2.1, annex for FlashPix-ready files).

A contents list names the streams; the others carry pieces of them, by number and offset. A whole
second picture may be in it, and screennails in its property sets: it goes whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .. import jpegwalk
from ..model import Actions, Segment, SideCopy
from .base import Found, SegmentCarrier, payload, pieces_in_file

__all__ = ["read_flashpix"]

_ACTIONS = Actions("drop", "drop", "warn")
_MOST_PICTURES = 16
_MOST_STREAMS = 100
_MOST_STARTS, _MOST_WALKED = 200, 4
"""Places where a picture may start that are looked at in a file, and how many times over its
bytes are: all of it goes, and what is found is for who wants to see it.
"""


class _Walks:
    """How much more may be walked over."""

    def __init__(self, length: int) -> None:
        self.starts, self.bytes = _MOST_STARTS, _MOST_WALKED * length

    def walk(self, content: bytes, at: int) -> jpegwalk.Shape | None:
        if self.starts <= 0 or self.bytes <= 0:
            return None
        shape = jpegwalk.walk(content, at, len(content))
        self.starts -= 1
        self.bytes -= shape.end - at if shape is not None else 0
        return shape


def read_flashpix(data: bytes, segments: Iterable[Segment]) -> SegmentCarrier:
    """Read all "FPXR" segments."""
    segments = tuple(sorted(segments, key=lambda segment: segment.offset))
    if not segments:
        return SegmentCarrier(())
    names = _stream_names(data, segments)
    length = sum(segment.end - segment.offset for segment in segments)
    detail = f"FlashPix data in {len(segments)} segments"
    whole = SideCopy("flashpix", segments[0].offset, length, detail, _ACTIONS)
    found = [Found(whole, segments)]
    walks = _Walks(length)
    for number, pieces in list(_streams(data, segments).items())[:_MOST_STREAMS]:
        name = names[number] if number < len(names) else f"number {number}"
        for copy in _pictures(data, pieces, name, _MOST_PICTURES - len(found), walks):
            found.append(Found(copy))
    return SegmentCarrier(tuple(found))


def _stream_names(data: bytes, segments: Iterable[Segment]) -> list[str]:
    """Return the names in the contents list: size, default byte, name in UTF-16 (little endian)."""
    names: list[str] = []
    for segment in segments:
        content = payload(data, segment)
        if content[6:7] != b"\x01":
            continue
        at = 9
        while len(names) < int.from_bytes(content[7:9], "big") and at + 7 <= len(content):
            end = at + 5
            while end + 2 <= len(content) and content[end : end + 2] != b"\0\0":
                end += 2
            names.append(content[at + 5 : end].decode("utf-16-le", "replace"))
            storage = content[at : at + 4] == b"\xff\xff\xff\xff"  # then a class identifier follows
            at = end + 2 + (16 if storage else 0)
    return names


def _streams(data: bytes, segments: Iterable[Segment]) -> dict[int, list[tuple[int, int]]]:
    """Return where the bytes of each stream are in the file, by its number."""
    streams: dict[int, list[tuple[int, int]]] = {}
    for segment in segments:
        if data[segment.offset + 10 : segment.offset + 11] == b"\x02":
            number = int.from_bytes(data[segment.offset + 11 : segment.offset + 13], "big")
            start = segment.offset + 17
            if start < segment.end:
                streams.setdefault(number, []).append((start, segment.end))
    return streams


def _pictures(
    data: bytes, pieces: list[tuple[int, int]], name: str, most: int, walks: _Walks
) -> Iterable[SideCopy]:
    content = b"".join(data[start:end] for start, end in pieces)
    behind = 0
    for at in jpegwalk.starts(content, 0, len(content)):
        if most <= 0:
            return
        if at < behind:
            continue
        shape = walks.walk(content, at)
        if shape is None or not shape.coherent or shape.size is None:
            continue
        most, behind = most - 1, shape.end
        where = tuple(pieces_in_file(pieces, at, shape.end))
        detail = f"picture in the FlashPix stream {name}, {shape.size[0]} × {shape.size[1]}"
        copy = SideCopy("flashpix", where[0][0], shape.end - at, detail, _ACTIONS)
        yield replace(copy, size=shape.size, pieces=where, encoding="jpeg")
