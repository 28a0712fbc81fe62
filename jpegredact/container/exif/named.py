"""Pictures that the tags of an Exif block point to: thumbnails, and previews beyond IFD1.

Knows these tags and what is done with what they point to; reads no directory.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import FileEdit, SideCopy
from .images import first_number, pixel_layout, stated_size
from .parts import CLEANED, EDITED, NOTHING, REMADE, ZEROED, Part
from .pictures import Found, jpeg_at, trimmed
from .tags import JPEG, JPEG_LENGTH, STRIP_LENGTHS, STRIPS, TILE_LENGTHS, TILES
from .tiff import ByteOrder, Entry, Ifd, Span, gaps, numbers, overlaps

__all__ = ["Ground", "NamedIfd", "name_pictures"]


class Ground:
    """A block while it is read: who claims which bytes, and what is to be dealt with.

    Attributes
    ----------
    data, within, tiff, order
        The file, the block's bytes, its TIFF header and its byte order.
    claims
        Bytes that something names.
    shown
        Those that are pictures.
    parts, notes
        What is to be dealt with; what stays, for the audit.
    """

    def __init__(self, data: bytes, within: Span, order: ByteOrder) -> None:
        self.data = data
        self.within = within
        self.tiff = within[0]
        self.order = order
        self.claims: list[Span] = []
        self.shown: list[Span] = []
        self.parts: list[Part] = []
        self.notes: list[SideCopy] = []

    def add(self, part: Part) -> None:
        """Add a picture, unless its bytes are zeros."""
        self.claims += part.spans
        if all(trimmed(self.data, *span)[0] == span[1] for span in part.spans):
            return
        self.shown += part.spans
        self.parts.append(part)


class NamedIfd(NamedTuple):
    """A directory and what it is: IFD0, IFD1, ExifIFD and so on."""

    name: str
    ifd: Ifd
    unlink: FileEdit | None = None
    """Takes it out of the chain of directories, without moving a byte."""


def name_pictures(ground: Ground, item: NamedIfd) -> None:
    """Find the pictures that a directory's tags point to."""
    _jpeg_by_tags(ground, item)
    for first, second in ((STRIPS, STRIP_LENGTHS), (TILES, TILE_LENGTHS)):
        where, much = item.ifd.find(first), item.ifd.find(second)
        if where is not None:
            _strips(ground, item, where, much, tiles=first == TILES)


def _jpeg_by_tags(ground: Ground, item: NamedIfd) -> None:
    where, much = item.ifd.find(JPEG), item.ifd.find(JPEG_LENGTH)
    if where is None:
        return
    offset = first_number(ground.data, where, ground.order, 0)
    length = first_number(ground.data, much, ground.order, 0)
    if not offset:
        return
    thumbnail = item.name in ("IFD0", "IFD1")
    kind = "exif-thumbnail" if thumbnail else "exif-preview"
    start, limit = ground.tiff + offset, ground.within[1]
    if start >= limit:
        if length:
            _elsewhere(ground, kind, item, where, much)
        return
    found = jpeg_at(ground.data, start, limit)
    stop = min(start + length, limit)
    if found is None or stop - start < 4:
        if stop > start or found is not None:
            reach = max(stop, found.end if found is not None else 0)
            _unlike(ground, kind, (start, reach), item, where, much)
        return
    if found.complete and overlaps([(found.end, stop)], ground.claims):
        stop = found.end  # its tag says too much
    span = (start, _reach(ground, stop, found))
    copy = SideCopy(
        kind,
        start,
        span[1] - start,
        f"JPEG thumbnail of {item.name}" if thumbnail else f"JPEG preview of {item.name}",
        REMADE if thumbnail else CLEANED,
        found.size or stated_size(ground.data, item.ifd, ground.order),
        (span,),
        "jpeg",
    )
    ground.add(Part(copy, (span,), stop - start))


def _reach(ground: Ground, stop: int, found: Found) -> int:
    """Return how far a JPEG's bytes reach: behind its stated end too, up to another thing."""
    if not found.complete or found.end <= stop:
        return stop
    ahead = [first for first, last in ground.claims if last > stop and first < found.end]
    return max(stop, min([found.end, *ahead]))


def _elsewhere(ground: Ground, kind: str, item: NamedIfd, where: Entry, much: Entry | None) -> None:
    """Deal with tags that point out of the segment: they are to point to nothing."""
    detail = f"tags of {item.name} that point to a picture outside of the segment"
    ground.parts.append(_pointing(ground, kind, detail, item, where, much))


def _pointing(
    ground: Ground, kind: str, detail: str, item: NamedIfd, where: Entry, much: Entry | None
) -> Part:
    copy = SideCopy(kind, where.at, 12, detail, EDITED)
    edits = _blank(where, much)
    # A directory for a thumbnail that is not there goes as well, as far as readers see.
    if item.name == "IFD1" and item.unlink is not None:
        edits += (item.unlink, (item.ifd.at, item.ifd.end, bytes(item.ifd.end - item.ifd.at)))
    return Part(copy, (), 0, edits)


def _unlike(
    ground: Ground, kind: str, span: Span, item: NamedIfd, where: Entry, much: Entry | None
) -> None:
    """Deal with tags that point to what is no JPEG: of these bytes, what nothing else names."""
    free = tuple(
        part for part in gaps(span, ground.claims) if trimmed(ground.data, *part)[0] != part[1]
    )
    others = gaps(span, gaps(span, ground.claims))
    ground.claims.append(span)
    detail = f"what {item.name} says is a JPEG, and is none"
    if free:
        copy = SideCopy(kind, span[0], span[1] - span[0], detail, ZEROED, pieces=free)
        ground.add(Part(copy, free))
    if any(trimmed(ground.data, *part)[0] != part[1] for part in others):
        ground.parts.append(_pointing(ground, kind, detail, item, where, much))


def _strips(
    ground: Ground, item: NamedIfd, where: Entry, much: Entry | None, *, tiles: bool
) -> None:
    ifd = item.ifd
    starts = numbers(ground.data, where, ground.order)
    lengths = numbers(ground.data, much, ground.order) if much is not None else ()
    if not any(starts):
        return
    limit = ground.within[1]
    thumbnail = item.name in ("IFD0", "IFD1") and not tiles
    kind = "exif-tiff-thumbnail" if thumbnail else "exif-preview"
    spans = []
    for start, length in zip(starts, lengths, strict=False):
        first = ground.tiff + start
        if first < limit and length:
            spans.append((first, min(first + length, limit)))
    if not spans:
        # Left behind by programs that turned a TIFF into a JPEG; what is there is no matter
        # of this segment, and no reader of JPEG follows these.
        detail = f"strips of {item.name} that are not in this segment"
        ground.notes.append(SideCopy(kind, where.at, 12, detail, NOTHING))
        return
    jpeg = jpeg_at(ground.data, *spans[0])
    pixels = pixel_layout(ground.data, ifd, ground.order, spans) if thumbnail else None
    sure = pixels is not None or jpeg is not None
    if not sure and overlaps(spans, ground.claims):
        _unlike(ground, kind, (spans[0][0], max(spans[0][1], spans[-1][1])), item, where, much)
        return
    size = (
        pixels.size
        if pixels
        else (jpeg.size if jpeg else None) or stated_size(ground.data, ifd, ground.order)
    )
    whole = len(spans) == 1 and jpeg is not None and thumbnail
    copy = SideCopy(
        kind,
        spans[0][0],
        sum(last - first for first, last in spans),
        f"{'tiles' if tiles else 'strips'} of {item.name}",
        REMADE if pixels or whole else ZEROED,
        size,
        tuple(spans),
        "jpeg" if jpeg else ("ycbcr" if pixels and pixels.subsampling else "rgb")
        if pixels or jpeg else "other",
    )  # fmt: skip
    room = spans[0][1] - spans[0][0] if whole else 0
    ground.add(Part(copy, tuple(spans), room, (), pixels))


def _blank(*entries: Entry | None) -> tuple[FileEdit, ...]:
    """Return edits that set values to 0."""
    return tuple(
        (entry.start, entry.end, bytes(entry.length))
        for entry in entries
        if entry is not None and entry.inside
    )
