"""Exif (CIPA DC-008) in APP1 segments: what it holds beside numbers, and how it is cleaned.

Exif bytes never move: MakerNotes hold offsets in ways that nobody can list, so every edit is as
long as what it replaces. Only a whole segment can go. Bounds-checked, never trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..model import Action, Actions, Area, FileEdit, Request, Scrubbed, Segment, SideCopy
from ..names import blanked, blanked_bytes
from .block import Block, read_block
from .orientation import stated_orientation
from .parts import Part, TextField
from .pictures import pad, ycbcr_from_rgb
from .reduced import reduced
from .tiff import Span, merged, overlaps

__all__ = ["read_exif"]

_SIGNATURE = b"Exif\0"
_APP1 = 0xE1
_ESCAPES = re.compile(rb"\x1b[$(][@-Z]")
_MOST_PIXELS, _MOST_A_BYTE = 1 << 20, 64
"""Pixels of a picture in a segment, and for each byte of its room: some state sizes that only
cost time. A picture of one colour has 50 a byte.
"""

_MOST_MADE = 4
"""Pictures made anew in one file: one is usual, and each takes a while."""

_MOST_ROUNDS = 4
"""How often a block is read again while more of it shows."""

_USUAL_THUMBNAIL = (160, 120)
"""Exif's own example; for one that does not say its size."""


def read_exif(data: bytes, segments: Sequence[Segment]) -> ExifCarrier:
    """Read all Exif segments among these.

    Parameters
    ----------
    data
        The whole file.
    segments
        Its marker segments, in order; others than Exif are passed over.
    """
    blocks = tuple(
        read_block(data, segment)
        for segment in segments
        if segment.code == _APP1 and data.startswith(_SIGNATURE, segment.offset + 4)
    )
    return ExifCarrier(data, blocks, tuple(_copies(data, blocks)))


class ExifCarrier(NamedTuple):
    """The Exif segments of a file (a `Carrier`)."""

    data: bytes
    blocks: tuple[Block, ...]
    copies: tuple[SideCopy, ...]

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return the names that a MakerNote's face recognition gives to people in these areas.

        Its places are those of the stored picture, whatever the orientation.
        """
        wanted = tuple(areas)
        found = set()
        for block in self.blocks:
            for face in block.faces:
                (x, y), (width, height) = face.centre, face.size
                area = Area(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
                if any(area.overlaps(other) for other in wanted):
                    found.add(face.name)
        return frozenset(found)

    def scrub(self, request: Request) -> Scrubbed:
        """Return what is to be changed; within a segment, as many bytes as there were."""
        edits: list[FileEdit] = []
        outcomes: list[tuple[SideCopy, Action]] = []
        made = 0
        for index, block in enumerate(self.blocks):
            whole = _whole(self.data, block, first=index == 0)
            action = whole.actions.of(request.policy)
            more = None
            if action == "keep":
                more = _Cleaning(self.data, block, request, _MOST_MADE - made)
                made += more.tried
            if more is not None and not more.settle():
                more, action = None, whole.actions.strict
            outcomes.append((whole, action))
            if more is not None:
                edits += more.edits()
                outcomes += more.outcomes
            else:
                new = _least(self.data, block.segment) if action == "edit" else b""
                edits.append((block.segment.offset, block.segment.end, new))
                outcomes += [(copy, "drop") for copy in _inner_copies(block)]
        return Scrubbed(edits, outcomes)


def _copies(data: bytes, blocks: Iterable[Block]) -> Iterable[SideCopy]:
    for index, block in enumerate(blocks):
        yield _whole(data, block, first=index == 0)
        yield from _inner_copies(block)


def _inner_copies(block: Block) -> list[SideCopy]:
    copies = [part.copy for part in block.parts] + list(block.notes)
    return sorted(copies, key=lambda copy: copy.offset)


def _whole(data: bytes, block: Block, *, first: bool) -> SideCopy:
    """Return the segment itself as a side copy: strict keeps how to show the picture."""
    start, end = block.segment.offset, block.segment.end
    orientation = stated_orientation(data[start + 10 : end]) if first else 1
    turned = first and orientation != 1
    reduced: Action = "edit" if turned else "drop"
    if block.broken:
        detail = f"Exif that could not be read: {block.broken}"
        actions = Actions(reduced, reduced, reduced)
        return SideCopy("exif-broken", start, end - start, detail, actions)
    if turned and data[start:end] == _least(data, block.segment):
        reduced = "keep"
    detail = f"Exif, orientation {orientation}" if first else "a further Exif segment"
    return SideCopy("exif", start, end - start, detail, Actions("keep", reduced, "keep"))


def _least(data: bytes, segment: Segment) -> bytes:
    """Return what stays of an Exif segment whose orientation has to."""
    within = (segment.offset + 10, min(segment.end, len(data)))
    return reduced(data, within, stated_orientation(data[within[0] : within[1]]))


class _Cleaning:
    """Writes over the parts of one block, where they are."""

    def __init__(self, data: bytes, block: Block, request: Request, most_made: int) -> None:
        self.data = data
        self.most_made = most_made
        self.tried = 0
        self.request = request
        self.origin = block.segment.offset
        self.bytes = bytearray(data[block.segment.offset : block.segment.end])
        self.touched: list[Span] = []
        self.outcomes: list[tuple[SideCopy, Action]] = []
        for text in block.texts:
            self._take_names_out(text)
        self._deal_with(block.parts)
        self.outcomes += [(copy, copy.actions.of(request.policy)) for copy in block.notes]

    def _deal_with(self, parts: tuple[Part, ...]) -> None:
        """Write over the parts; zeros last, so that nothing comes back where a picture was."""
        actions = [part.copy.actions.of(self.request.policy) for part in parts]
        made = [
            self._made(part) if action == "regenerate" else None
            for part, action in zip(parts, actions, strict=True)
        ]
        # Where two lie over each other neither would be whole.
        covered = [action in ("regenerate", "zero") for action in actions]
        for index, part in enumerate(parts):
            others = (
                span
                for other, other_part in enumerate(parts)
                if other != index and covered[other]
                for span in other_part.spans
            )
            if made[index] is not None and overlaps(part.spans, others):
                made[index] = None
        zeroed: list[Span] = []
        for part, new, action in zip(parts, made, actions, strict=True):
            if new is not None:
                self._spread(part.spans, new)
            elif action in ("regenerate", "zero"):
                zeroed += part.spans
                action = "zero"
            elif action == "edit":
                for start, _, value in part.tags:
                    self._write(start, value)
            self.outcomes.append((part.copy, action))
        for start, end in merged(zeroed):
            self._write(start, bytes(end - start))

    def settle(self) -> bool:
        """Zero what shows only now that other things are zeros; False where that has no end.

        Where a MakerNote's offsets count from is told by what they point to, so what was zeroed
        may make another reading the better one.
        """
        zeroed = any(action == "zero" for _, action in self.outcomes)
        if self.request.policy != "default" or not zeroed:
            return True
        for _ in range(_MOST_ROUNDS):
            new = bytes(self.bytes)
            block = read_block(new, Segment(_APP1, 0, len(new)))
            left = [part for part in block.parts if part.copy.actions.default == "zero"]
            if block.broken or not left:
                return not block.broken
            for start, end in merged(span for part in left for span in part.spans):
                self._write(self.origin + start, bytes(end - start))
        return False

    def edits(self) -> list[FileEdit]:
        """Return what changed, in order."""
        out: list[FileEdit] = []
        for start, end in merged(self.touched):
            new = bytes(self.bytes[start - self.origin : end - self.origin])
            if new != self.data[start:end]:
                out.append((start, end, new))
        return out

    def _write(self, start: int, new: bytes) -> None:
        at = start - self.origin
        self.bytes[at : at + len(new)] = new
        self.touched.append((start, start + len(new)))

    def _made(self, part: Part) -> bytes | None:
        """Return a new picture for where the old one was, or None where none can be had."""
        room = sum(end - start for start, end in part.spans)
        if self.tried >= self.most_made:
            return None
        self.tried += 1
        made = _pixels(part, self.request) if part.pixels else _jpeg(part, self.request)
        return pad(made, room) if made is not None and len(made) <= room else None

    def _spread(self, spans: tuple[Span, ...], new: bytes) -> None:
        at = 0
        for start, end in spans:
            self._write(start, new[at : at + end - start])
            at += end - start

    def _take_names_out(self, text: TextField) -> None:
        if not self.request.names:
            return
        # As it is now: texts of hostile blocks lie over each other
        old = bytes(self.bytes[text.start - self.origin : text.end - self.origin])
        new = _without(old, text, self.request.names)
        if new == old:
            return
        copy = SideCopy(
            "exif-name", text.start, len(old), f"a name in {text.tag}",
            Actions("edit", "drop", "warn"),
        )  # fmt: skip
        action = copy.actions.of(self.request.policy)
        if action == "edit":
            self._write(text.start, new)
        self.outcomes.append((copy, action))


def _jpeg(part: Part, request: Request) -> bytes | None:
    if not part.room:
        return None
    width, height = part.copy.size or _USUAL_THUMBNAIL
    if not width or not height:
        return None
    if width * height > min(_MOST_PIXELS, _MOST_A_BYTE * part.room):
        return None
    made = request.renderer.thumbnail_jpeg(width, height, part.room)
    return made if made is not None and len(made) <= part.room else None


def _pixels(part: Part, request: Request) -> bytes | None:
    if part.pixels is None:
        return None
    (width, height), subsampling, full_range = part.pixels
    if sum(end - start for start, end in merged(part.spans)) < width * height:
        return None  # strips that lie over each other
    made = request.renderer.thumbnail_rgb(width, height)
    if made is None or len(made) != 3 * width * height:
        return None
    if subsampling is None:
        return made
    return ycbcr_from_rgb(made, width, height, *subsampling, full_range)


def _without(old: bytes, text: TextField, names: Iterable[str]) -> bytes:
    """Return text of the same length in bytes without these names.

    Programs write other encodings than they state, so each that it may be in is tried: a name
    that is found there is one.
    """
    wanted = tuple(names)
    new = old
    if text.encoding == "iso2022_jp":
        for name in wanted:
            body = _ESCAPES.sub(b"", name.encode("iso2022_jp", "ignore"))
            if len(body) >= 4 and not name.isascii():
                new = new.replace(body, b"!!" * (len(body) // 2))  # JIS X 0208's space
    even = len(old) - len(old) % 2
    for code in ("utf-16-le", "utf-16-be"):
        new = _blanked(new[:even], code, wanted) + new[even:]
    return blanked_bytes(new, wanted)


def _blanked(old: bytes, code: str, names: tuple[str, ...]) -> bytes:
    words = old.decode(code, "surrogatepass")
    without = blanked(words, names)
    if without == words:
        return old
    space = " ".encode(code)
    pieces = []
    for char, other in zip(words, without, strict=True):
        coded = char.encode(code, "surrogatepass")
        pieces.append(coded if char == other else space * (len(coded) // len(space)))
    return b"".join(pieces)
