"""One Exif block (an APP1 segment): every byte of it is named, judged, and kept or a `Part`.

CIPA DC-008 (Exif), TIFF 6.0, DNG 1.7. Bytes are kept because something names them as what
shows nothing: directories, known tags, short values, text. The rest is a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from .. import carve
from ..model import Actions, Segment, SideCopy
from ..segments import icc
from .images import first_number
from .makernote import LONG_VALUE, Note, RecognizedFace, read_note, unread_note
from .named import Ground, NamedIfd, name_pictures
from .parts import NOTHING, ZEROED, Part, TextField
from .pictures import (
    Found,
    Hits,
    busy,
    find_pictures,
    hides_data,
    holds_more,
    is_text,
    looks_coded,
    trimmed,
)
from .tags import (
    HEIGHT,
    ICC_PROFILE,
    LONG_KNOWN,
    MAKE,
    MAKER_NOTE,
    OTHERS_FORMATS,
    POINTERS,
    PRIVATE,
    STEERING,
    SUB_IFDS,
    TELLTALE,
    WIDE_TEXTS,
    WIDTH,
    text_field,
)
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

_MOST_UNKNOWN = 4096
"""Bytes of all such values of a block together."""


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


def read_block(data: bytes, segment: Segment) -> Block:
    """Read an Exif segment; one that can't be read comes back as broken."""
    tiff = segment.offset + _HEADER
    end = min(segment.end, len(data))
    order = byte_order(data[tiff : tiff + 2])
    if order is None or tiff + 8 > end or int.from_bytes(data[tiff + 2 : tiff + 4], order) != 42:
        return Block(segment, "it has no TIFF header")
    reader = _Reader(data, segment, (tiff, end), order)
    return reader.read()


def _others(data: bytes, within: Span) -> list[Found]:
    """Return pictures of rarer formats and encodings, but for the block itself, a TIFF.

    What the last gate would refuse the file for is to be gone before.
    """
    kinds = {"jpeg", "png", "iso-media"}
    return [
        Found(hit.offset, within[1], None, False, "other")
        for hit in carve.carve(data, [within])
        if hit.coherent and hit.kind not in kinds and hit.offset != within[0]
    ]


class _Reader(Ground):
    """Goes through one block once."""

    def __init__(self, data: bytes, segment: Segment, within: Span, order: ByteOrder) -> None:
        super().__init__(data, within, order)
        self.segment = segment
        self.budget = Budget()
        self.note_budget = Budget(40, 2000)
        self.structure: list[Span] = [(self.tiff, self.tiff + 8)]
        self.values: list[Span] = []
        self.texts: list[TextField] = []
        self.unknown = 0
        self.read_notes: list[tuple[Span, Note]] = []
        self.faces: tuple[RecognizedFace, ...] = ()
        self.hits = Hits(find_pictures(data, *within), _others(data, within))

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
        everywhere = self.hits
        self.hits = everywhere.without(structure)
        for item in directories:
            self._values(item)
        for item in directories:
            name_pictures(self, item)
        self._notes(directories)
        if self._over_directories(everywhere):
            return Block(self.segment, "a picture lies over its directories")
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

    def _directories(self) -> Iterator[NamedIfd]:
        """Yield the chain IFD0, IFD1 and so on, and every directory that they name."""
        at = self.tiff + self._number(self.tiff + 4, 4)
        index = 0
        waiting: list[NamedIfd] = []
        while at:
            ifd = self._at(at)
            if ifd is None:
                break
            unlink = None
            if index and waiting[-1].ifd.next_at == at:
                link = waiting[-1].ifd.end - 4
                following = self.data[ifd.end - 4 : ifd.end] if ifd.next_at else bytes(4)
                unlink = (link, link + 4, following)
            waiting.append(NamedIfd(f"IFD{index}", ifd, unlink))
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
                        waiting.append(NamedIfd(POINTERS.get(entry.tag, "SubIFD"), child))

    def _why_broken(self, directories: list[NamedIfd]) -> str:
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

    def _values(self, item: NamedIfd) -> None:
        """Claim the values of a directory, and judge those that are long or hold a picture."""
        for entry in item.ifd.entries:
            if not entry.inside or not entry.valid or entry.tag in (MAKER_NOTE, PRIVATE):
                continue
            field = text_field(self.data, entry, self.order, item.name)
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
        known = self._known(entry)
        hit = self.hits.first(first, last, sure=known)
        if hit is not None:
            self._show("exif-value", span, hit, f"a picture in {what}", ZEROED)
            return
        format_ = OTHERS_FORMATS.get(entry.tag)
        value = self.data[first:last]
        if format_ is not None:
            bad = holds_more(self.data, first, last, LONG_VALUE) or any(
                word in value for word in TELLTALE
            )
        elif known or self._readable(entry):
            bad = False
        else:
            bad = holds_more(self.data, first, last, _LONG_UNKNOWN)
            bad = bad or last - first > _MOST_UNKNOWN - self.unknown
            self.unknown += 0 if bad else last - first
        if bad:
            detail = f"{what}, {entry.length} bytes of {format_ or 'what is no text'}"
            copy = SideCopy("exif-value", span[0], entry.length, detail, ZEROED)
            self.parts.append(Part(copy, (span,)))

    def _known(self, entry: Entry) -> bool:
        """Whether a value is what its tag says: of such a length, and a profile if that's said."""
        if entry.length > LONG_KNOWN.get(entry.tag, 0):
            return False
        if entry.tag != ICC_PROFILE:
            return True
        head = icc.SIGNATURE + b"\1\1"
        return not icc.profile_problem([head + self.data[entry.start : entry.end]])

    def _readable(self, entry: Entry) -> bool:
        value = self.data[entry.start : entry.end]
        field = text_field(self.data, entry, self.order)
        shown = value
        if field is not None and field.encoding == "iso2022_jp":  # seven bits, but no ASCII
            shown = value.decode(field.encoding, "replace").encode()
        if hides_data(shown):
            return False
        if entry.tag in WIDE_TEXTS:
            return is_text(value, "utf-16-le")
        if field is not None:
            encoding = "" if field.encoding == "utf-8" else field.encoding
            return is_text(self.data[field.start : field.end], encoding)
        return entry.kind in (2, 129, 7) and is_text(value)

    # -- MakerNotes ----------------------------------------------------------------------------

    def _notes(self, directories: list[NamedIfd]) -> None:
        """Read the first value of each tag; files have one, and others' bytes are zeroed."""
        read: list[int] = []
        more: list[Span] = []
        for entry in (entry for item in directories for entry in item.ifd.entries):
            if entry.tag not in (MAKER_NOTE, PRIVATE) or entry.inline or not entry.valid:
                continue
            if not self.tiff + 8 <= entry.start < self.within[1]:
                continue
            if entry.tag in read:
                more.append((entry.start, min(entry.end, self.within[1])))
                continue
            read.append(entry.tag)
            # Where its length is wrong, it ends where the next directory begins at the latest.
            ahead = [first for first, _ in self.structure if first > entry.start]
            span = (entry.start, min(entry.end, self.within[1], *ahead))
            note = read_note(
                self.data, span, self.within, self.tiff, self.order,
                self._make(directories), self._picture_size(directories), self.hits,
                self.note_budget,
            )  # fmt: skip
            spans = [piece for part in note.parts for piece in part.spans]
            if overlaps(spans, self.structure):
                note = unread_note(self.data, span, self.hits)  # its offsets were misread
            if not note.parsed and overlaps([span], self.shown):
                span = self._in_front_of_pictures(span)
                if span[0] == span[1]:
                    continue
                note = unread_note(self.data, span, self.hits)
            self._take(note, span)
        known = [*(span for span, _ in self.read_notes), *self.structure]
        for span in merged(more):
            for start, end in gaps(span, known):
                if trimmed(self.data, start, end)[0] == end:
                    continue
                detail = "a second MakerNote"
                copy = SideCopy("makernote", start, end - start, detail, ZEROED)
                self.claims.append((start, end))
                self.parts.append(Part(copy, ((start, end),)))

    def _in_front_of_pictures(self, span: Span) -> Span:
        """Return what of a MakerNote no picture that tags name lies over, from its start on."""
        start, end = span
        if any(first <= start < last for first, last in self.shown):
            return start, start
        return start, min([end, *(first for first, _ in self.shown if first > start)])

    def _take(self, note: Note, span: Span) -> None:
        self.read_notes.append((span, note))
        self.claims.append(span)
        self.claims += note.outside
        self.parts += note.parts
        self.texts += note.texts
        self.faces += tuple(note.faces)
        self.shown += [piece for part in note.parts if part.room for piece in part.spans]
        gone = any(part.spans == (span,) for part in note.parts)
        if not gone and trimmed(self.data, *span)[0] != span[1]:
            detail = f"MakerNote ({note.vendor})" if note.parsed else "MakerNote, not read"
            self.notes.append(SideCopy("makernote", span[0], span[1] - span[0], detail, NOTHING))

    def _make(self, directories: list[NamedIfd]) -> str:
        for item in directories:
            entry = item.ifd.find(MAKE)
            if entry is not None and entry.inside:
                return self.data[entry.start : entry.end].rstrip(b"\0 ").decode("latin-1")
        return ""

    def _picture_size(self, directories: list[NamedIfd]) -> tuple[int, int]:
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
        self.add(Part(copy, (span,)))

    def _over_directories(self, hits: Hits) -> bool:
        """Whether a whole picture that no tag names begins in a directory or goes over one.

        One that ends where another does began by chance and ran into it.
        """
        return any(
            hit.complete
            and overlaps([(hit.start, hit.end)], self.structure)
            and not any(first < hit.end <= last for first, last in self.shown)
            for hit in hits.found
        )

    def _gaps(self) -> None:
        """Look at the bytes that nothing names: short ones stay unless they show a picture."""
        behind = {end for _, end in self.shown}
        for start, end in gaps(self.within, self.claims):
            first, last = busy(self.data, start, end)
            if first == last:
                continue
            hit = self.hits.first(first, last)
            # Behind a picture lies what is left of a longer one: headless, but a scan.
            left = start in behind or looks_coded(self.data[first:last])
            if hit is None and not left and not holds_more(self.data, first, last, LONG_VALUE):
                continue
            inside = self.hits.within(first, last)[:16]
            copy = SideCopy(
                "exif-gap",
                start,
                end - start,
                "bytes of an Exif segment that nothing names",
                ZEROED,
                hit.size if hit else None,
                tuple((found.start, min(found.end, end)) for found in inside),
                hit.encoding if hit else "other",
            )
            self.parts.append(Part(copy, ((start, end),)))
