"""MakerNotes (Exif tag 0x927C): directories in each maker's own way, some with pictures in them.

Everything that shows nothing stays; whatever is a picture, tells of faces, or is long and
unknown is a `Part`. Tag numbers are in `makernote_tags`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ..model import Actions, SideCopy
from .makernote_layout import Layout, locate
from .makernote_tags import MAKERS, Maker, Vendor
from .parts import CLEANED, EDITED, ZEROED, Part, TextField
from .pictures import Found, Hits, busy, holds_more, jpeg_at, trimmed
from .tiff import (
    Budget,
    ByteOrder,
    Entry,
    Ifd,
    Span,
    gaps,
    merged,
    numbers,
    overlaps,
    read_chain,
    read_ifd,
)

__all__ = ["LONG_VALUE", "Note", "RecognizedFace", "read_note", "unread_note"]

LONG_VALUE = 2048
"""Bytes; what no list names may be as long as this. A 26 × 26 RGB picture is."""

_MOST_UNKNOWN = 32 << 10
"""Bytes of values and gaps of a MakerNote together that no list names."""

_LONGEST_HEADER = 32
"""Bytes in front of a directory that need no further reason."""

_FLAT = ((b"KDK", 1024),)
"""MakerNotes without a directory, and how many of their first bytes are camera settings."""


_DJI_RECORDS = b"[ae_dbg_info:"
_DJI_RECORD = re.compile(rb"\[[A-Za-z_]{3,40}:")
_DJI_LONG = 1100
"""Bytes: a histogram of the picture has 1024; those of its parts have more."""

_NO_AGE = b"9999:99:99"
"""What Panasonic writes where no age is set."""


class RecognizedFace(NamedTuple):
    """A name and where its face is, in fractions of the picture as the sensor saw it."""

    name: str
    centre: tuple[float, float]
    size: tuple[float, float]


class Note(NamedTuple):
    """What a MakerNote holds.

    Attributes
    ----------
    vendor, parsed
        Whose it is, and whether its directories could be read.
    parts, texts, faces
        What is to be dealt with; free text; people that it names.
    outside
        Bytes beyond it, in the same segment, that its tags point to.
    structure, values
        Its directories, and the values in them.
    """

    vendor: Vendor
    parsed: bool
    parts: list[Part]
    texts: list[TextField]
    faces: list[RecognizedFace]
    outside: list[Span]
    structure: list[Span]
    values: list[Span]


class _Directory(NamedTuple):
    group: str
    ifd: Ifd


def read_note(
    data: bytes,
    note: Span,
    within: Span,
    tiff: int,
    order: ByteOrder,
    make: str,
    picture: tuple[int, int],
    hits: Hits,
    budget: Budget,
) -> Note:
    """Read a MakerNote.

    Parameters
    ----------
    data, note, within
        The file, the MakerNote's bytes, and those of the Exif block around it.
    tiff, order, make
        The block's TIFF header, its byte order, and the camera's maker.
    picture
        Width and height that Exif states.
    hits
        The pictures in the block.
    budget
        How many directories and entries may still be read in the block's MakerNotes.
    """
    if data.startswith(_DJI_RECORDS, note[0]):
        return _dji_records(data, note, hits)
    layout = locate(data, note, within, tiff, order, make.lower())
    if layout is None:
        return unread_note(data, note, hits)
    return _Reader(data, note, within, tiff, layout, picture, hits, budget).read()


def unread_note(data: bytes, note: Span, hits: Hits) -> Note:
    """Judge a MakerNote that is not a directory: kept while it is short and shows no picture."""
    parts: list[Part] = []
    for prefix, known in _FLAT:
        if data.startswith(prefix, note[0]):
            note = (min(note[0] + known, note[1]), note[1])
    first, last = busy(data, *note)
    found = hits.first(*note)
    if found is not None:
        parts.append(_picture_part("makernote-preview", note, found, "in a MakerNote"))
    elif holds_more(data, first, last, LONG_VALUE):
        parts.append(_zero("makernote", note, "a MakerNote that could not be read", ZEROED))
    return Note("unknown", False, parts, [], [], [], [], [])


def _dji_records(data: bytes, note: Span, hits: Hits) -> Note:
    """Judge a MakerNote of "[name:value]" records: the long ones are statistics of a grid."""
    starts = [found.start() for found in _DJI_RECORD.finditer(data, *note)]
    parts = []
    for start, end in pairwise([*starts, note[1]]):
        value = data.index(b":", start) + 1
        first, last = busy(data, value, end)
        found = hits.first(first, last)
        name = data[start + 1 : value - 1].decode("latin-1")
        if found is not None:
            parts.append(_picture_part("makernote-preview", (value, end), found, name))
        elif holds_more(data, first, last, _DJI_LONG):
            parts.append(_zero("makernote-value", (value, end - 1), f"DJI {name}", ZEROED))
    return Note("DJI", True, parts, [], [], [], [], [])


# ---------------------------------------------------------------------------
# What is in it
# ---------------------------------------------------------------------------


class _Reader:
    """Goes through a MakerNote's directories once."""

    def __init__(
        self,
        data: bytes,
        note: Span,
        within: Span,
        tiff: int,
        layout: Layout,
        picture: tuple[int, int],
        hits: Hits,
        budget: Budget,
    ) -> None:
        self.data = data
        self.note = note
        self.within = within
        self.tiff = tiff
        self.layout = layout
        self.picture = picture
        self.hits = hits
        self.maker: Maker = MAKERS.get(layout.vendor, Maker())
        self.budget = budget
        self.claims: list[Span] = [(note[0], min(layout.at, note[0] + _LONGEST_HEADER))]
        self.parts: list[Part] = []
        self.texts: list[TextField] = []
        self.faces: list[RecognizedFace] = []
        self.shown: list[Span] = []
        self.inline: set[Span] = set()
        self.unknown = 0

    def read(self) -> Note:
        directories = list(self._directories())
        for directory in directories:
            self.claims.append((directory.ifd.at, directory.ifd.end))
        for directory in directories:
            self._pairs(directory)
        nested = {directory.ifd.at for directory in directories}
        for directory in directories:
            for entry in directory.ifd.entries:
                self._entry(directory, entry, nested)
        self._gaps()
        structure = [directory.ifd.core for directory in directories]
        spans = (span for part in self.parts for span in part.spans)
        if overlaps((span for span in spans if span not in self.inline), structure):
            return unread_note(self.data, self.note, self.hits)  # its offsets were misread
        outside = [
            span for part in self.parts for span in part.spans if not self._within_note(span)
        ]
        return Note(
            self.layout.vendor,
            True,
            self.parts,
            self.texts,
            self.faces,
            merged(outside),
            structure,
            self.claims,
        )

    def _within_note(self, span: Span) -> bool:
        return self.note[0] <= span[0] and span[1] <= self.note[1]

    def _directories(self) -> Iterator[_Directory]:
        data, layout = self.data, self.layout
        around = (self.note[0], self.within[1])
        for ifd in read_chain(data, around, layout.at, layout.base, layout.order, self.budget):
            if ifd.at == layout.at or self._plausible(ifd):
                yield _Directory("", ifd)
            if layout.vendor not in ("Nikon", "unknown"):
                break  # other makers have no chain; what stands there is no offset
        for entry in layout.ifd.entries:
            if entry.tag not in self.maker.directories:
                continue
            skip = self.maker.directories[entry.tag]
            if entry.kind in (4, 13) and entry.number == 1:
                at = layout.base + int.from_bytes(data[entry.start : entry.start + 4], layout.order)
            elif entry.inside and not entry.inline:
                at = entry.start + skip
            else:
                continue
            child = read_ifd(data, around, at, layout.base, layout.order)
            if (
                child is not None
                and self._plausible(child)
                and self.budget.spend(at, len(child.entries))
            ):
                yield _Directory(f"{entry.tag:04x}", child)

    def _plausible(self, ifd: Ifd) -> bool:
        return not ifd.damaged and all(e.valid for e in ifd.entries)

    def _pairs(self, directory: _Directory) -> None:
        """Deal with pictures that two tags point to."""
        order = self.layout.order
        for group, first, second in self.maker.pairs:
            if group != directory.group:
                continue
            where = directory.ifd.find(first)
            much = directory.ifd.find(second)
            if where is None or much is None or 4 not in (where.kind, much.kind):
                continue
            if not where.inline or not much.inline:
                continue
            offset = (*numbers(self.data, where, order), 0)[0]
            length = (*numbers(self.data, much, order), 0)[0]
            if offset and length:
                self._pointed(offset, length, (where, much))

    def _pointed(self, offset: int, length: int, tags: tuple[Entry, Entry]) -> None:
        end = self.within[1]
        starts = [base + offset for base in (self.layout.base, self.tiff, self.note[0])]
        start = next(
            (at for at in starts if at < end and jpeg_at(self.data, at, end) is not None),
            starts[0],
        )
        if not self.within[0] <= start < end:
            copy = SideCopy(
                "makernote-preview",
                tags[0].at,
                12,
                f"MakerNote tags that point to a preview of {length} bytes elsewhere",
                EDITED,
            )
            # One byte, of no picture: readers complain of a length of 0.
            one = (1).to_bytes(tags[1].length, self.layout.order)
            values = zip(tags, (bytes(tags[0].length), one), strict=True)
            blank = tuple((tag.start, tag.end, new) for tag, new in values if tag.inside)
            self.parts.append(Part(copy, (), 0, blank))
            return
        stop = min(start + length, end)
        found = jpeg_at(self.data, start, end)
        if found is not None and found.complete:
            stop = max(stop, found.end)
        self._show((start, stop), found, "MakerNote preview")

    def _show(self, span: Span, found: Found | None, what: str) -> None:
        self.claims.append(span)
        known = any(first <= span[0] and span[1] <= last for first, last in self.shown)
        if known or trimmed(self.data, *span)[0] == span[1]:
            return
        self.shown.append(span)
        self.parts.append(_picture_part("makernote-preview", span, found, what))

    def _entry(self, directory: _Directory, entry: Entry, nested: set[int]) -> None:
        key = (directory.group, entry.tag)
        maker = self.maker
        if not entry.valid or not entry.inside:
            return
        name = f"{self.layout.vendor} MakerNote tag 0x{entry.tag:04X}"
        span = (entry.start, entry.end)
        if entry.tag in maker.directories and not directory.group:
            if any(entry.start <= at < entry.end for at in nested):
                return  # its directory was read, and what it leaves out is a gap
        elif key in maker.previews and not entry.inline:
            self._show(span, self.hits.first(*span), name)
            return
        elif key in maker.faces:
            self.claims.append(span)
            self._face(key, entry, name)
            return
        if key in maker.texts:
            self.texts.append(TextField(name, *span, "utf-8"))
        if entry.inline or not self._within_note(span):
            return
        self.claims.append(span)
        first, last = busy(self.data, *span)
        if first == last:
            return
        found = self.hits.first(first, last, sure=key in maker.keep)
        if found is not None:
            self._show(span, found, name)
        elif key not in maker.keep and self._too_much(first, last):
            detail = f"{name}, {entry.length} bytes that are not known"
            self.parts.append(_zero("makernote-value", span, detail, ZEROED))

    def _too_much(self, first: int, last: int) -> bool:
        """Whether bytes that nobody knows are too many, by themselves or with the others."""
        if holds_more(self.data, first, last, LONG_VALUE):
            return True
        if last - first > _MOST_UNKNOWN - self.unknown:
            return True
        self.unknown += last - first
        return False

    def _face(self, key: tuple[str, int], entry: Entry, name: str) -> None:
        start = min(entry.start + self.maker.faces[key], entry.end)
        if trimmed(self.data, start, entry.end)[0] == entry.end:
            return
        if self.data.startswith(_NO_AGE, start):
            return
        if self.layout.vendor == "Panasonic" and entry.tag == 0x0061:
            self.faces = list(self._panasonic_faces(entry))
        if entry.inline:
            self.inline.add((start, entry.end))
        self.parts.append(_zero("makernote-faces", (start, entry.end), name, ZEROED))

    def _panasonic_faces(self, entry: Entry) -> Iterator[RecognizedFace]:
        """Yield the people of tag 0x0061: a count, then name, position and age of each.

        Positions are the centre's and the size's pixels in a picture 320 wide.
        """
        data, order = self.data, self.layout.order
        count = int.from_bytes(data[entry.start : entry.start + 2], order)
        width, height = self.picture
        tall = 320 * height / width if width and height else 240.0
        for index in range(min(count, (entry.length - 4) // 48)):
            at = entry.start + 4 + 48 * index
            name = data[at : at + 20].split(b"\0")[0].decode("utf-8", "replace").strip()
            x, y, w, h = (
                int.from_bytes(data[place : place + 2], order)
                for place in range(at + 20, at + 28, 2)
            )
            if name:
                yield RecognizedFace(name, (x / 320, y / tall), (w / 320, h / tall))

    def _gaps(self) -> None:
        """Look at the bytes that nothing names."""
        behind = {end for _, end in self.shown}
        for start, end in gaps(self.note, self.claims):
            first, last = busy(self.data, start, end)
            if first == last:
                continue
            found = self.hits.first(first, last)
            if found is not None:
                detail = "a picture in a MakerNote that nothing names"
                stop = min(found.end, self.note[1]) if found.complete else end
                self._show((start, max(end, stop)), found, detail)
            elif start in behind or self._too_much(first, last):
                detail = f"{end - start} bytes of a MakerNote that nothing names"
                self.parts.append(_zero("makernote-gap", (start, end), detail, ZEROED))


def _zero(kind: str, span: Span, detail: str, actions: Actions) -> Part:
    return Part(SideCopy(kind, span[0], span[1] - span[0], detail, actions), (span,))


def _picture_part(kind: str, span: Span, found: Found | None, detail: str) -> Part:
    """Return a part for a picture; the keep policy makes it anew where it is a whole JPEG."""
    jpeg = found is not None and found.encoding == "jpeg" and found.size is not None
    whole = jpeg and found is not None and found.start == span[0]
    length = span[1] - span[0]
    copy = SideCopy(
        kind,
        span[0],
        length,
        detail,
        CLEANED if whole else ZEROED,
        found.size if found is not None else None,
        ((found.start, max(found.start, min(found.end, span[1]))),)
        if found is not None
        else (span,),
        found.encoding if found is not None else "other",
    )
    return Part(copy, (span,), length if whole else 0)
