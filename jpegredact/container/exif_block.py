"""One Exif block (an APP1 segment): every byte of it is named, judged, and kept or a `Part`.

CIPA DC-008 (Exif), TIFF 6.0, DNG 1.7. Bytes are kept because something names them as what
shows nothing: directories, known tags, short values, text. The rest is a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from .exif_images import first_number, pixel_layout, stated_size
from .exif_parts import CLEANED, EDITED, NOTHING, REMADE, ZEROED, Part, TextField
from .exif_pictures import (
    Found,
    Hits,
    busy,
    find_pictures,
    holds_more,
    is_text,
    jpeg_at,
    looks_coded,
    trimmed,
)
from .exif_tags import (
    HEIGHT,
    JPEG,
    JPEG_LENGTH,
    LONG_KNOWN,
    MAKE,
    MAKER_NOTE,
    OTHERS_FORMATS,
    POINTERS,
    PRIVATE,
    STEERING,
    STRIP_LENGTHS,
    STRIPS,
    SUB_IFDS,
    TELLTALE,
    TILE_LENGTHS,
    TILES,
    WIDE_TEXTS,
    WIDTH,
    text_field,
)
from .makernote import LONG_VALUE, Note, RecognizedFace, read_note, unread_note
from .model import Actions, FileEdit, Segment, SideCopy
from .tiff import (
    MOST_OVERLAP,
    Budget,
    ByteOrder,
    Entry,
    Ifd,
    Span,
    byte_order,
    gaps,
    merged,
    numbers,
    overlaps,
    read_ifd,
)

__all__ = ["Block", "read_block"]

_HEADER = 10  # marker, length, "Exif\0" and one more byte
_LONG_UNKNOWN = 1024
"""Bytes: a value of a tag that no list names, and that is no text, may be as long as this."""


class Block(NamedTuple):
    """What one Exif segment holds.

    Attributes
    ----------
    segment, broken
        The segment; and, in words, why it can't be kept, "" where it can.
    parts, texts, faces
        What is to be dealt with; free text; people whom the MakerNote names.
    structure
        Header and directories: nothing may be written over these.
    notes
        Side copies that stay as they are, for the audit.
    """

    segment: Segment
    broken: str
    parts: tuple[Part, ...] = ()
    texts: tuple[TextField, ...] = ()
    faces: tuple[RecognizedFace, ...] = ()
    structure: tuple[Span, ...] = ()
    notes: tuple[SideCopy, ...] = ()


class _Named(NamedTuple):
    name: str
    ifd: Ifd
    unlink: FileEdit | None = None
    """Takes it out of the chain of directories, without moving a byte."""


def read_block(data: bytes, segment: Segment) -> Block:
    """Read an Exif segment; one that can't be read comes back as broken."""
    tiff = segment.offset + _HEADER
    end = min(segment.end, len(data))
    order = byte_order(data[tiff : tiff + 2])
    if order is None or tiff + 8 > end or int.from_bytes(data[tiff + 2 : tiff + 4], order) != 42:
        return Block(segment, "it has no TIFF header")
    reader = _Reader(data, segment, (tiff, end), order)
    return reader.read()


class _Reader:
    """Goes through one block once."""

    def __init__(self, data: bytes, segment: Segment, within: Span, order: ByteOrder) -> None:
        self.data = data
        self.segment = segment
        self.within = within
        self.tiff = within[0]
        self.order = order
        self.budget = Budget()
        self.structure: list[Span] = [(self.tiff, self.tiff + 8)]
        self.claims: list[Span] = []
        self.values: list[Span] = []
        self.parts: list[Part] = []
        self.texts: list[TextField] = []
        self.notes: list[SideCopy] = []
        self.read_notes: list[tuple[Span, Note]] = []
        self.faces: tuple[RecognizedFace, ...] = ()
        self.hits = Hits(find_pictures(data, *within))
        self.shown: list[Span] = []

    def read(self) -> Block:
        """Return the block."""
        directories = list(self._directories())
        broken = self._why_broken(directories)
        if broken:
            return Block(self.segment, broken)
        structure = self.structure
        for item in directories:
            structure.append((item.ifd.at, item.ifd.end))
            # What says where other things are must stay as it was read.
            structure += [
                (entry.start, entry.end)
                for entry in item.ifd.entries
                if entry.tag in STEERING and entry.inside and not entry.inline
            ]
        self.claims += structure
        for item in directories:
            self._values(item)
        for item in directories:
            self._pictures(item)
        for item in directories:
            self._notes(item, directories)
        if self._over_directories():
            return Block(self.segment, "a picture lies over its directories")
        self._hidden()
        self._gaps()
        self._disbelieve()
        for part in self.parts:
            if overlaps(part.spans, structure):
                broken = f"its {part.copy.kind} lies over its directories"
                return Block(self.segment, broken)
        return Block(
            self.segment,
            "",
            tuple(sorted(self.parts, key=lambda part: part.copy.offset)),
            tuple(self.texts),
            self.faces,
            tuple(structure),
            tuple(self.notes),
        )

    # -- directories ---------------------------------------------------------------------------

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], self.order)

    def _at(self, at: int) -> Ifd | None:
        ifd = read_ifd(self.data, self.within, at, self.tiff, self.order)
        if ifd is None or not self.budget.spend(at, len(ifd.entries)):
            return None
        return ifd

    def _directories(self) -> Iterator[_Named]:
        """Yield the chain IFD0, IFD1 and so on, and every directory that they name."""
        at = self.tiff + self._number(self.tiff + 4, 4)
        index = 0
        waiting: list[_Named] = []
        while at:
            ifd = self._at(at)
            if ifd is None:
                break
            unlink = None
            if index and waiting[-1].ifd.next_at == at:
                link = waiting[-1].ifd.end - 4
                following = self.data[ifd.end - 4 : ifd.end] if ifd.next_at else bytes(4)
                unlink = (link, link + 4, following)
            waiting.append(_Named(f"IFD{index}", ifd, unlink))
            index += 1
            at = ifd.next_at
        while waiting:
            named = waiting.pop(0)
            yield named
            for entry in named.ifd.entries:
                if entry.tag not in POINTERS and entry.tag != SUB_IFDS:
                    continue
                for offset in numbers(self.data, entry, self.order, 32):
                    child = self._at(self.tiff + offset) if offset else None
                    if child is not None:
                        waiting.append(_Named(POINTERS.get(entry.tag, "SubIFD"), child))

    def _why_broken(self, directories: list[_Named]) -> str:
        if not directories:
            at = self.tiff + self._number(self.tiff + 4, 4)
            empty = at + 2 <= self.within[1] and not self._number(at, 2)
            return "" if empty else "it has no directory"
        for item in directories:
            if item.ifd.damaged:
                return f"its {item.name} {item.ifd.damaged}"
        # Work is to grow with the bytes that are there, whatever directories say.
        stated = sum(
            entry.length
            for item in directories
            for entry in item.ifd.entries
            if entry.inside and not entry.inline
        )
        if stated > MOST_OVERLAP * (self.within[1] - self.within[0]):
            return "its values lie over each other"
        return ""

    # -- values --------------------------------------------------------------------------------

    def _values(self, item: _Named) -> None:
        """Claim the values of a directory, and judge those that are long or hold a picture."""
        for entry in item.ifd.entries:
            if not entry.inside or not entry.valid or entry.tag in (MAKER_NOTE, PRIVATE):
                continue
            field = text_field(self.data, entry, self.order)
            if field is not None:
                self.texts.append(field)
            if entry.inline:
                continue
            span = (entry.start, entry.end)
            self.claims.append(span)
            self.values.append(span)
            if entry.length > 64:
                self._long(item.name, entry)

    def _long(self, name: str, entry: Entry) -> None:
        span = (entry.start, entry.end)
        first, last = busy(self.data, *span)
        if first == last:
            return
        what = f"{name} tag 0x{entry.tag:04X}"
        hit = self.hits.first(first, last, sure=entry.tag in LONG_KNOWN)
        if hit is not None:
            self._show("exif-value", span, hit, f"a picture in {what}", ZEROED)
            return
        format_ = OTHERS_FORMATS.get(entry.tag)
        value = self.data[first:last]
        if format_ is not None:
            bad = holds_more(self.data, first, last, LONG_VALUE) or any(
                word in value for word in TELLTALE
            )
        elif entry.tag in LONG_KNOWN or not holds_more(self.data, first, last, _LONG_UNKNOWN):
            bad = False
        else:
            bad = not self._readable(entry)
        if bad:
            detail = f"{what}, {entry.length} bytes of {format_ or 'what is no text'}"
            copy = SideCopy("exif-value", span[0], entry.length, detail, ZEROED)
            self.parts.append(Part(copy, (span,)))

    def _readable(self, entry: Entry) -> bool:
        value = self.data[entry.start : entry.end]
        if entry.tag in WIDE_TEXTS:
            return is_text(value, "utf-16-le")
        field = text_field(self.data, entry, self.order)
        if field is not None:
            encoding = "" if field.encoding == "utf-8" else field.encoding
            return is_text(self.data[field.start : field.end], encoding)
        return entry.kind in (2, 129, 7) and is_text(value)

    # -- pictures that tags name ---------------------------------------------------------------

    def _pictures(self, item: _Named) -> None:
        self._jpeg_by_tags(item)
        for first, second in ((STRIPS, STRIP_LENGTHS), (TILES, TILE_LENGTHS)):
            where, much = item.ifd.find(first), item.ifd.find(second)
            if where is not None:
                self._strips(item, where, much, tiles=first == TILES)

    def _jpeg_by_tags(self, item: _Named) -> None:
        where, much = item.ifd.find(JPEG), item.ifd.find(JPEG_LENGTH)
        if where is None:
            return
        offset = first_number(self.data, where, self.order, 0)
        length = first_number(self.data, much, self.order, 0)
        if not offset:
            return
        thumbnail = item.name in ("IFD0", "IFD1")
        kind = "exif-thumbnail" if thumbnail else "exif-preview"
        start, limit = self.tiff + offset, self.within[1]
        if start >= limit:
            if length:
                self._elsewhere(kind, item, where, much)
            return
        found = jpeg_at(self.data, start, limit)
        stop = min(start + length, limit)
        if found is None or stop - start < 4:
            if stop > start or found is not None:
                reach = max(stop, found.end if found is not None else 0)
                self._unlike(kind, (start, reach), item, where, much)
            return
        if found.complete and overlaps([(found.end, stop)], self.claims):
            stop = found.end  # its tag says too much
        span = (start, self._reach(stop, found))
        copy = SideCopy(
            kind,
            start,
            span[1] - start,
            f"JPEG thumbnail of {item.name}" if thumbnail else f"JPEG preview of {item.name}",
            REMADE if thumbnail else CLEANED,
            found.size or stated_size(self.data, item.ifd, self.order),
            (span,),
            "jpeg",
        )
        self._add(Part(copy, (span,), stop - start))

    def _reach(self, stop: int, found: Found) -> int:
        """Return how far a JPEG's bytes reach: behind its stated end too, up to another thing."""
        if not found.complete or found.end <= stop:
            return stop
        ahead = [first for first, last in self.claims if last > stop and first < found.end]
        return max(stop, min([found.end, *ahead]))

    def _elsewhere(self, kind: str, item: _Named, where: Entry, much: Entry | None) -> None:
        """Deal with tags that point out of the segment: they are to point to nothing."""
        detail = f"tags of {item.name} that point to a picture outside of the segment"
        self.parts.append(self._pointing(kind, detail, item, where, much))

    def _pointing(
        self, kind: str, detail: str, item: _Named, where: Entry, much: Entry | None
    ) -> Part:
        copy = SideCopy(kind, where.at, 12, detail, EDITED)
        edits = _blank(where, much)
        # A directory for a thumbnail that is not there goes as well, as far as readers see.
        if item.name == "IFD1" and item.unlink is not None:
            edits += (item.unlink, (item.ifd.at, item.ifd.end, bytes(item.ifd.end - item.ifd.at)))
        return Part(copy, (), 0, edits)

    def _unlike(
        self, kind: str, span: Span, item: _Named, where: Entry, much: Entry | None
    ) -> None:
        """Deal with tags that point to what is no JPEG: of these bytes, what nothing else names."""
        free = tuple(
            part for part in gaps(span, self.claims) if trimmed(self.data, *part)[0] != part[1]
        )
        others = gaps(span, gaps(span, self.claims))
        self.claims.append(span)
        detail = f"what {item.name} says is a JPEG, and is none"
        if free:
            copy = SideCopy(kind, span[0], span[1] - span[0], detail, ZEROED, pieces=free)
            self._add(Part(copy, free))
        if any(trimmed(self.data, *part)[0] != part[1] for part in others):
            self.parts.append(self._pointing(kind, detail, item, where, much))

    def _add(self, part: Part) -> None:
        self.claims += part.spans
        if all(trimmed(self.data, *span)[0] == span[1] for span in part.spans):
            return
        self.shown += part.spans
        self.parts.append(part)

    def _strips(self, item: _Named, where: Entry, much: Entry | None, *, tiles: bool) -> None:
        ifd = item.ifd
        starts = numbers(self.data, where, self.order)
        lengths = numbers(self.data, much, self.order) if much is not None else ()
        if not any(starts):
            return
        limit = self.within[1]
        thumbnail = item.name in ("IFD0", "IFD1") and not tiles
        kind = "exif-tiff-thumbnail" if thumbnail else "exif-preview"
        spans = []
        for start, length in zip(starts, lengths, strict=False):
            first = self.tiff + start
            if first < limit and length:
                spans.append((first, min(first + length, limit)))
        if not spans:
            # Left behind by programs that turned a TIFF into a JPEG; what is there is no matter
            # of this segment, and no reader of JPEG follows these.
            detail = f"strips of {item.name} that are not in this segment"
            self.notes.append(SideCopy(kind, where.at, 12, detail, NOTHING))
            return
        jpeg = jpeg_at(self.data, *spans[0])
        pixels = pixel_layout(self.data, ifd, self.order, spans) if thumbnail else None
        sure = pixels is not None or jpeg is not None
        if not sure and overlaps(spans, self.claims):
            self._unlike(kind, (spans[0][0], max(spans[0][1], spans[-1][1])), item, where, much)
            return
        size = (
            pixels.size
            if pixels
            else (jpeg.size if jpeg else None) or stated_size(self.data, ifd, self.order)
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
        self._add(Part(copy, tuple(spans), room, (), pixels))

    # -- MakerNotes ----------------------------------------------------------------------------

    def _notes(self, item: _Named, directories: list[_Named]) -> None:
        for entry in item.ifd.entries:
            if entry.tag not in (MAKER_NOTE, PRIVATE) or entry.inline or not entry.valid:
                continue
            if not self.tiff + 8 <= entry.start < self.within[1]:
                continue
            span = (entry.start, min(entry.end, self.within[1]))
            note = read_note(
                self.data, span, self.within, self.tiff, self.order,
                self._make(directories), self._picture_size(directories), self.hits,
            )  # fmt: skip
            spans = [piece for part in note.parts for piece in part.spans]
            if overlaps(spans, self.structure):
                note = unread_note(self.data, span, self.hits)  # its offsets were misread
            self._take(note, span)

    def _take(self, note: Note, span: Span) -> None:
        self.read_notes.append((span, note))
        self.claims.append(span)
        self.claims += note.outside
        self.parts += note.parts
        self.texts += note.texts
        self.faces += tuple(note.faces)
        self.shown += [piece for part in note.parts if part.room for piece in part.spans]
        if trimmed(self.data, *span)[0] != span[1]:
            detail = f"MakerNote ({note.vendor})" if note.parsed else "MakerNote, not read"
            self.notes.append(SideCopy("makernote", span[0], span[1] - span[0], detail, NOTHING))

    def _make(self, directories: list[_Named]) -> str:
        for item in directories:
            entry = item.ifd.find(MAKE)
            if entry is not None and entry.inside:
                return self.data[entry.start : entry.end].rstrip(b"\0 ").decode("latin-1")
        return ""

    def _picture_size(self, directories: list[_Named]) -> tuple[int, int]:
        ifd = next((item.ifd for item in directories if item.name == "ExifIFD"), None)
        if ifd is None:
            return 0, 0
        return (
            first_number(self.data, ifd.find(WIDTH), self.order, 0),
            first_number(self.data, ifd.find(HEIGHT), self.order, 0),
        )

    def _disbelieve(self) -> None:
        """Zero what can't be right: MakerNotes that others lie over, pictures over values."""
        for span, note in self.read_notes:
            others = [
                piece for part in self.parts for piece in part.spans if part not in note.parts
            ]
            if overlaps(others, note.structure):
                detail = "a MakerNote that other things lie over"
                copy = SideCopy("makernote", span[0], span[1] - span[0], detail, ZEROED)
                self.parts.append(Part(copy, (span,)))
        values = self.values + [value for _, note in self.read_notes for value in note.values]
        for index, part in enumerate(self.parts):
            if part.copy.kind.startswith("exif-") and overlaps(part.spans, values):
                actions = part.copy.actions
                if "regenerate" in actions:
                    copy = replace(part.copy, actions=ZEROED)
                    self.parts[index] = part._replace(copy=copy)

    # -- what nothing names --------------------------------------------------------------------

    def _show(self, kind: str, span: Span, hit: Found, detail: str, actions: Actions) -> None:
        copy = SideCopy(
            kind, span[0], span[1] - span[0], detail, actions,
            hit.size, ((hit.start, hit.end),), hit.encoding,
        )  # fmt: skip
        self._add(Part(copy, (span,)))

    def _over_directories(self) -> bool:
        """Whether a whole picture that no tag names begins in a directory or goes over one.

        One that ends where another does began by chance and ran into it.
        """
        return any(
            hit.complete
            and overlaps([(hit.start, hit.end)], self.structure)
            and not any(first < hit.end <= last for first, last in self.shown)
            for hit in self.hits.found
        )

    def _hidden(self) -> None:
        """Deal with pictures that begin in one value and go on over others."""
        shown = merged(self.shown)
        for hit in self.hits.found:
            if not hit.complete or not gaps((hit.start, hit.end), shown):
                continue
            for span in gaps((hit.start, hit.end), self.claims):
                if span[0] > hit.start:
                    self._show("exif-gap", span, hit, "the rest of such a picture", ZEROED)

    def _gaps(self) -> None:
        """Look at the bytes that nothing names: short ones stay unless they show a picture."""
        behind = {end for _, end in self.shown}
        for start, end in gaps(self.within, self.claims):
            first, last = busy(self.data, start, end)
            if first == last:
                continue
            hits = self.hits.within(first, last)
            # Behind a picture lies what is left of a longer one: headless, but a scan.
            left = start in behind or looks_coded(self.data[first:last])
            if hits or left or holds_more(self.data, first, last, LONG_VALUE):
                hit = hits[0] if hits else None
                copy = SideCopy(
                    "exif-gap",
                    start,
                    end - start,
                    "bytes of an Exif segment that nothing names",
                    ZEROED,
                    hit.size if hit else None,
                    tuple((hit.start, min(hit.end, end)) for hit in hits[:16]),
                    hit.encoding if hit else "other",
                )
                self.parts.append(Part(copy, ((start, end),)))


def _blank(*entries: Entry | None) -> tuple[FileEdit, ...]:
    """Return edits that set values to 0."""
    return tuple(
        (entry.start, entry.end, bytes(entry.length))
        for entry in entries
        if entry is not None and entry.inside
    )
