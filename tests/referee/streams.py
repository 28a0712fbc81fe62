"""A JPEG's bytes outside its own scans, as streams to search: piece by piece, and put together.

Written for the tests alone, leniently: what makes no sense as a segment is searched all the same.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

STANDALONE = {0x01, *range(0xD0, 0xD8)}
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA


class Segment(NamedTuple):
    """``data[start:end]``, marker and length included."""

    code: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in one JPEG stream.

    Attributes
    ----------
    scans
        ``(start, end)`` of each scan's coded data.
    end
        Behind the EOI, or where the walk came to nothing.
    frame
        Width and height from the frame header.
    whole
        Whether there were a frame, a scan and an EOI.
    """

    start: int
    segments: tuple[Segment, ...]
    scans: tuple[tuple[int, int], ...]
    end: int
    frame: tuple[int, int] | None
    whole: bool


def walk(data: bytes, start: int = 0) -> Layout:
    """Walk one JPEG from its SOI (whose first byte is not looked at)."""
    segments: list[Segment] = []
    scans: list[tuple[int, int]] = []
    frame = None
    at, size = start + 2, len(data)
    while at + 4 <= size:
        if data[at] != 0xFF:
            # Garbage between segments: real files have some; the next marker is looked for.
            following = data.find(b"\xff", at)
            if following < 0 or (not scans and following - at > 4096):
                break
            at = following
            continue
        code = data[at + 1]
        if code in (0xFF, 0x00) or code in STANDALONE:
            at += 1 if code == 0xFF else 2
            continue
        if code == EOI:
            return Layout(
                start, tuple(segments), tuple(scans), at + 2, frame, bool(frame and scans)
            )
        if code == SOI:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if end < at + 4 or end > size:
            break
        segments.append(Segment(code, at, end))
        if code in FRAMES and end - at >= 10:
            height, width = (int.from_bytes(data[at + k : at + k + 2]) for k in (5, 7))
            frame = (width, height)
        at = end
        if code == SOS:
            at = _scan_end(data, end)
            scans.append((end, at))
    at_eoi = data[at : at + 2] == b"\xff\xd9"
    end = at + 2 if at_eoi else min(at, size)
    return Layout(
        start, tuple(segments), tuple(scans), end, frame, bool(at_eoi and frame and scans)
    )


def _scan_end(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] == 0 or data[at + 1] in STANDALONE:
            at += 2
        elif data[at + 1] == 0xFF:
            at += 1
        else:
            return at


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes to search, and where they came from.

    Attributes
    ----------
    place
        Words for a person.
    pieces
        ``(position in the stream, offset in the file)`` of each piece, in order.
    """

    place: str
    data: bytes
    pieces: tuple[tuple[int, int], ...]

    def offset(self, at: int) -> int:
        """Return the offset in the file of a position in the stream."""
        position, offset = max(piece for piece in self.pieces if piece[0] <= at)
        return offset + at - position


def main_picture(data: bytes) -> Layout:
    """Return the layout of the file's own picture."""
    return walk(data, max(data.find(b"\xff\xd8\xff"), 0))


def streams(data: bytes) -> list[Stream]:
    """Return all that lies outside the main picture's scans, as streams."""
    layout = main_picture(data)
    found = []
    at = layout.start + 2
    if layout.start:
        found.append(_plain("before SOI", data, 0, layout.start))
    for segment in layout.segments:
        if segment.start > at:
            found.append(_plain("between segments", data, at, segment.start))
        name = _name(data, segment)
        found.append(_plain(name, data, segment.start + 4, segment.end))
        at = segment.end
        at = next((end for start, end in layout.scans if start == at), at)
    if at < layout.end - 2:
        found.append(_plain("between segments", data, at, layout.end - 2))
    if layout.end < len(data):
        found.append(_plain("behind EOI", data, layout.end, len(data)))
    found += _joined(data, layout.segments)
    return [stream for stream in found if stream.data]


def _plain(place: str, data: bytes, start: int, end: int) -> Stream:
    return Stream(f"{place} @{start}", data[start:end], ((0, start),))


def _name(data: bytes, segment: Segment) -> str:
    if 0xE0 <= segment.code <= 0xEF:
        head = data[segment.start + 4 : min(segment.end, segment.start + 36)]
        letters = head.split(b"\0")[0].decode("latin-1")
        label = "".join(c for c in letters if " " < c < "\x7f")[-16:]
        return f"APP{segment.code - 0xE0} {label}".rstrip()
    return {0xFE: "COM", SOS: "SOS"}.get(segment.code, f"marker {segment.code:02X}")


# ---------------------------------------------------------------------------
# What is spread over several segments
# ---------------------------------------------------------------------------

Part = tuple[int, int]
"""``data[start:end]`` of one piece, headers taken off."""

_HEADERS = {b"ICC_PROFILE\0": 14, b"Photoshop 3.0\0": 14, b"Exif\0": 6, b"FLIR\0": 8}
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"


def _joined(data: bytes, segments: Iterable[Segment]) -> Iterator[Stream]:
    groups: dict[str, list[tuple[int, Part]]] = defaultdict(list)
    by_code: dict[int, list[Segment]] = defaultdict(list)
    for number, segment in enumerate(segments):
        if not (0xE0 <= segment.code <= 0xEF or segment.code == 0xFE):
            continue
        known = list(_known(data, segment, number))
        for key, order, skip in known:
            groups[key].append((order, (segment.start + 4 + skip, segment.end)))
        if not known:
            by_code[segment.code].append(segment)
    for key, parts in groups.items():
        if len(parts) > 1:
            parts.sort(key=lambda part: (part[0], part[1]))
            yield _join(f"{key} joined", data, [part for _, part in parts])
    for code, several in by_code.items():
        if len(several) > 1:
            yield from _unknown(data, code, several)


def _known(data: bytes, segment: Segment, number: int) -> Iterator[tuple[str, int, int]]:
    """Yield assembly, position in it, and header length."""
    at = segment.start + 4
    body = data[at : segment.end]
    for header, length in _HEADERS.items():
        if body.startswith(header):
            yield header.rstrip(b"\0").decode(), number, length
    if body.startswith(_EXTENDED):
        guid = body[35:67].decode("latin-1")
        yield f"extended XMP {guid[:6]}", int.from_bytes(body[71:75]), 75
    elif body.startswith(b"FPXR\0") and len(body) > 13 and body[6] == 2:
        yield f"FlashPix stream {int.from_bytes(body[7:9])}", int.from_bytes(body[9:13]), 13
    elif body.startswith(b"JP") and segment.code == 0xEB:
        sequence = int.from_bytes(body[4:8])
        # Every piece but the first repeats the box header.
        yield f"JUMBF {int.from_bytes(body[2:4])}", sequence, 8 if sequence <= 1 else 16


def _unknown(data: bytes, code: int, segments: list[Segment]) -> Iterator[Stream]:
    """Join segments whose header nobody knows: without what they have in common, and a counter."""
    bodies = [data[s.start + 4 : s.end] for s in segments]
    common = len(os.path.commonprefix(bodies))  # noqa: RUF071 -- no paths: bytes
    skips = {0, *(common + counter for counter in (0, 1, 2, 4) if common)}
    for skip in sorted(skips):
        parts = [(s.start + 4 + skip, s.end) for s in segments if s.end > s.start + 4 + skip]
        if len(parts) > 1:
            yield _join(f"marker {code:02X} joined, {skip} bytes off each", data, parts)


def _join(place: str, data: bytes, parts: list[Part]) -> Stream:
    pieces, at = [], 0
    for start, end in parts:
        pieces.append((at, start))
        at += max(end - start, 0)
    return Stream(place, b"".join(data[start:end] for start, end in parts), tuple(pieces))
