"""APP11 "JP" segments: JUMBF boxes (ISO/IEC 19566-5, annex D), C2PA's among them, and JPEG XT's.

A box is cut into segments: "JP", the number of the box instance, the number of the piece, and in
each the box's own length and type. C2PA claims hold thumbnails, and its hashes of the picture
break with the first changed block; JPEG XT boxes (ISO/IEC 18477-3) hold a whole residual picture.
A sealed diff of ours may be in one, too (`diffbox`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from .. import jpegwalk
from ..model import Actions, Segment, SideCopy
from .base import Found, SegmentCarrier, payload, pieces_in_file
from .diffbox import find_boxes

__all__ = ["DiffTeller", "no_diff", "read_jumbf"]

DiffTeller = Callable[[bytes], str]
"""Says in a few words what sealed diff some bytes are; "" where they are none."""

_ACTIONS = Actions("drop", "drop", "warn")
_DIFF = Actions("keep", "drop", "keep")
_C2PA = bytes.fromhex("6332706100110010800000AA00389B71")
_CODESTREAMS = (b"RESI", b"ALFA")
"""Boxes that hold a JPEG: the residual picture and the opacity (ISO/IEC 18477-3, B.2)."""
_MOST_BOXES = 2000
_MOST_PICTURES = 64


class _Piece(NamedTuple):
    """Where a piece of a box is, and its number."""

    number: int
    segment: Segment
    start: int


def no_diff(content: bytes) -> str:
    """Take nothing for a sealed diff."""
    return ""


def read_jumbf(
    data: bytes, segments: Iterable[Segment], sealed_diff: DiffTeller = no_diff
) -> SegmentCarrier:
    """Read all APP11 segments that begin with "JP"."""
    segments = list(segments)
    boxes: dict[tuple[int, bytes], list[_Piece]] = {}
    found = list(_diffs(data, segments, sealed_diff))
    ours = {segment for one in found for segment in one.segments}
    for segment in segments:
        if segment in ours:
            continue
        content = payload(data, segment)
        if len(content) < 16:
            detail = "APP11 segment of boxes, cut short"
            found.append(Found(_copy("jumbf", (segment,), detail), (segment,)))
            continue
        head = 24 if content[8:12] == b"\0\0\0\1" else 16  # an extended length follows
        number = int.from_bytes(content[4:8], "big")
        piece = _Piece(number, segment, min(segment.offset + 4 + head, segment.end))
        boxes.setdefault((int.from_bytes(content[2:4], "big"), content[12:16]), []).append(piece)
    for (_, kind), pieces in boxes.items():
        found += _assembled(data, kind, sorted(pieces))
    return SegmentCarrier(tuple(sorted(found, key=lambda one: one.copy.offset)))


def _diffs(
    data: bytes, segments: Sequence[Segment], sealed_diff: DiffTeller
) -> Iterator[Found]:
    offsets = [segment.offset for segment in segments]
    for box in find_boxes(data, segments):
        detail = sealed_diff(box.content)
        if detail:
            held = tuple(
                segments[bisect_left(offsets, box.start) : bisect_left(offsets, box.end)]
            )
            copy = _copy("embedded-diff", held, detail)
            yield Found(replace(copy, actions=_DIFF), held)


def _assembled(data: bytes, kind: bytes, pieces: Sequence[_Piece]) -> Iterator[Found]:
    segments = tuple(sorted(piece.segment for piece in pieces))
    segments = tuple(sorted(segments, key=lambda segment: segment.offset))
    spans = [(piece.start, piece.segment.end) for piece in pieces]
    content = b"".join(data[start:end] for start, end in spans)
    if kind != b"jumb":
        name = kind.decode("latin-1")
        copy = _copy("jpeg-xt", segments, f"JPEG XT box {name!r}")
        if kind in _CODESTREAMS:
            shape = jpegwalk.header(content, 0, len(content))
            copy = replace(copy, pieces=tuple(spans), encoding="jpeg", size=shape and shape.size)
        yield Found(copy, segments)
        return
    boxes = list(_boxes(content, 0, len(content)))
    c2pa = any(box.kind == b"jumd" and content[box.start :].startswith(_C2PA) for box in boxes[:1])
    label = _label(content, boxes)
    detail = ("C2PA provenance" if c2pa else "JUMBF box") + (f" {label!r}" if label else "")
    yield Found(_copy("jumbf-c2pa" if c2pa else "jumbf", segments, detail), segments)
    pictures = 0
    for box in boxes:
        if box.kind not in (b"bidb", b"jp2c", b"jfif") or pictures >= _MOST_PICTURES:
            continue
        picture = _picture(content, box)
        if picture is not None:
            pictures += 1
            where = tuple(pieces_in_file(spans, box.start, box.end))
            detail = f"{picture[0]} in {'C2PA' if c2pa else 'JUMBF'} data"
            copy = _copy("jumbf-thumbnail", segments[:1], detail)
            yield Found(
                replace(
                    copy, offset=where[0][0], length=box.end - box.start, size=picture[1],
                    pieces=where, encoding=picture[2],
                )
            )  # fmt: skip


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def _boxes(content: bytes, start: int, end: int) -> Iterator[_Box]:
    """Yield boxes and, behind each superbox, those in it; their contents, without headers."""
    left = _MOST_BOXES
    open_boxes = [(start, end)]
    while open_boxes and left:
        at, behind = open_boxes.pop()
        if at + 8 > behind:
            continue
        left -= 1
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        if length == 0:
            length = behind - at
        if length < head:
            continue
        box = _Box(kind, min(at + head, behind), min(at + length, behind))
        open_boxes.append((box.end, behind))
        if kind == b"jumb":
            open_boxes.append((box.start, box.end))
        yield box


def _label(content: bytes, boxes: Sequence[_Box]) -> str:
    """Return the label in the first description box: type (16 bytes), toggles, label."""
    if not boxes or boxes[0].kind != b"jumd":
        return ""
    text = content[boxes[0].start + 17 : boxes[0].end].split(b"\0")[0][:80]
    label = text.decode("utf-8", "replace")
    return label if label.isprintable() else ""


def _picture(content: bytes, box: _Box) -> tuple[str, tuple[int, int] | None, str] | None:
    head = content[box.start : min(box.start + 16, box.end)]
    if head.startswith(b"\xff\xd8\xff"):
        shape = jpegwalk.header(content, box.start, box.end)
        size = shape.size if shape else None
        return f"JPEG thumbnail, {size[0]} × {size[1]}" if size else "JPEG thumbnail", size, "jpeg"
    if head.startswith(b"\x89PNG"):
        width, height = (int.from_bytes(content[box.start + i :][:4], "big") for i in (16, 20))
        return f"PNG thumbnail, {width} × {height}", (width, height), "png"
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp" or head.startswith(b"GIF8"):
        return "picture", None, "other"
    return None


def _copy(kind: str, segments: Sequence[Segment], detail: str) -> SideCopy:
    length = sum(segment.end - segment.offset for segment in segments)
    if len(segments) > 1:
        detail += f" in {len(segments)} segments"
    return SideCopy(kind, min(segment.offset for segment in segments), length, detail, _ACTIONS)
