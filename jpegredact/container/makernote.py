"""MakerNotes (Exif tag 0x927C): directories in each maker's own way, some with pictures in them.

Everything that shows nothing stays; whatever is a picture, tells of faces, or is long and
unknown is a `Part`. Tag numbers are in `makernote_tags`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from .exif_parts import CLEANED, EDITED, ZEROED, Part, TextField
from .exif_pictures import Found, busy, find_pictures, is_text, jpeg_at, trimmed
from .makernote_tags import MAKERS, SIGNATURES, Maker, Signature, Vendor
from .model import Actions, SideCopy
from .tiff import (
    TYPE_SIZES,
    Budget,
    ByteOrder,
    Entry,
    Ifd,
    Span,
    byte_order,
    gaps,
    merged,
    numbers,
    read_chain,
    read_ifd,
)

__all__ = ["LONG_VALUE", "Note", "RecognizedFace", "read_note", "unread_note"]

LONG_VALUE = 2048
"""Bytes; what no list names may be as long as this. A 26 × 26 RGB picture is."""

_LONGEST_HEADER = 32
"""Bytes in front of a directory that need no further reason."""

_GOOD_ENOUGH = 0.8
"""The share of values that must lie within the MakerNote, or its offsets were misread."""

_FLAT = ((b"KDK", 1024),)
"""MakerNotes without a directory, and how many of their first bytes are camera settings."""


_DJI_RECORDS = b"[ae_dbg_info:"
_DJI_RECORD = re.compile(rb"\[[A-Za-z_]{3,40}:")
_DJI_LONG = 1100
"""Bytes: a histogram of the picture has 1024; those of its parts have more."""

_NO_AGE = b"9999:99:99"
"""What Panasonic writes where no age is set."""

_PLAIN = tuple(Signature(b"", "", "unknown", skip, "tiff") for skip in range(0, 34, 2))
"""Where the directory of a maker that nobody knows may be: behind a name of some length."""

_FEW_ENTRIES = 3
"""What is found by trying must have as many entries as this, or it may be chance."""


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
    """

    vendor: Vendor
    parsed: bool
    parts: list[Part]
    texts: list[TextField]
    faces: list[RecognizedFace]
    outside: list[Span]


class _Layout(NamedTuple):
    vendor: Vendor
    at: int
    base: int
    order: ByteOrder
    ifd: Ifd
    moved: bool = False


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
    """
    if data.startswith(_DJI_RECORDS, note[0]):
        return _dji_records(data, note)
    layout = _locate(data, note, within, tiff, order, make.lower())
    if layout is None:
        return unread_note(data, note)
    return _Reader(data, note, within, tiff, layout, picture).read()


def unread_note(data: bytes, note: Span) -> Note:
    """Judge a MakerNote that is not a directory: kept while it is short and shows no picture."""
    parts: list[Part] = []
    for prefix, known in _FLAT:
        if data.startswith(prefix, note[0]):
            note = (min(note[0] + known, note[1]), note[1])
    first, last = busy(data, *note)
    pictures = find_pictures(data, *note)
    if pictures:
        parts.append(_picture_part("makernote-preview", note, pictures[0], "in a MakerNote"))
    elif last - first > LONG_VALUE:
        parts.append(_zero("makernote", note, "a MakerNote that could not be read", ZEROED))
    return Note("unknown", False, parts, [], [], [])


def _dji_records(data: bytes, note: Span) -> Note:
    """Judge a MakerNote of "[name:value]" records: the long ones are statistics of a grid."""
    starts = [found.start() for found in _DJI_RECORD.finditer(data, *note)]
    parts = []
    for start, end in pairwise([*starts, note[1]]):
        value = data.index(b":", start) + 1
        first, last = busy(data, value, end)
        pictures = find_pictures(data, first, last)
        name = data[start + 1 : value - 1].decode("latin-1")
        if pictures:
            parts.append(_picture_part("makernote-preview", (value, end), pictures[0], name))
        elif last - first > _DJI_LONG:
            parts.append(_zero("makernote-value", (value, end - 1), f"DJI {name}", ZEROED))
    return Note("DJI", True, parts, [], [], [])


# ---------------------------------------------------------------------------
# Where the directory is
# ---------------------------------------------------------------------------


def _locate(
    data: bytes, note: Span, within: Span, tiff: int, order: ByteOrder, make: str
) -> _Layout | None:
    """Find the directory and what its offsets count from: as the maker does it, if that fits."""
    start = note[0]
    known = [
        signature
        for signature in SIGNATURES
        if data.startswith(signature.prefix, start) and make.startswith(signature.make)
    ][:1]
    if known and known[0].skip < 0:
        return None
    best: _Layout | None = None
    most = 0.0
    for layout in (
        layout
        for signature in known or _PLAIN
        for layout in _layouts(data, note, within, tiff, order, signature)
        if known or len(layout.ifd.entries) >= _FEW_ENTRIES
    ):
        score = _score(data, layout, note)
        if score <= most:
            continue
        if layout.moved and most >= _GOOD_ENOUGH and not _fills(layout, note):
            continue
        best, most = layout, score
        if most == 1.0:
            break
    return best if most >= _GOOD_ENOUGH else None


def _layouts(
    data: bytes, note: Span, within: Span, tiff: int, order: ByteOrder, signature: Signature
) -> Iterator[_Layout]:
    """Yield each way to read it; the maker's own comes first, so it wins where several fit."""
    start = note[0]
    at = start + signature.skip
    orders: list[ByteOrder] = [order, "big" if order == "little" else "little"]
    match signature.base:
        case "tiff":
            bases = [tiff, start]
        case "note":
            bases = [start, tiff]
        case distance:
            bases = [start + distance]
            if (own := byte_order(data[start + distance : start + distance + 2])) is not None:
                orders = [own]
                if signature.vendor == "Nikon":
                    at = bases[0] + int.from_bytes(
                        data[bases[0] + 4 : bases[0] + 8], own
                    )
    if signature.vendor == "Canon":
        bases = [*_canon_base(data, note, tiff), tiff]
    if signature.vendor == "Fujifilm":
        orders = ["little"]
        at = bases[0] + int.from_bytes(data[bases[0] + 8 : bases[0] + 12], "little")
    for mark in (data[at - 2 : at], data[at : at + 2]):
        # "II" or "MM" right in front of the directory, or in front of its count.
        if (own := byte_order(mark)) is not None:
            orders = [own]
            if mark == data[at : at + 2]:
                at += 2
            break
    for way in orders:
        if not _likely(data, at, note[1], way):
            continue
        for base in bases:
            ifd = read_ifd(data, (start, within[1]), at, base, way)
            if ifd is None or not ifd.entries or ifd.damaged:
                continue
            yield _Layout(signature.vendor, at, base, way, ifd)
            # Moved by a program that did not know its offsets: the first value is then to be
            # right behind the directory.
            far = [entry.start for entry in ifd.entries if not entry.inline and entry.valid]
            for behind in (ifd.end, ifd.end - 4) if far else ():  # with a link, or none
                moved = base + behind - min(far)
                again = read_ifd(data, (start, within[1]), at, moved, way)
                if again is not None and moved != base:
                    yield _Layout(signature.vendor, at, moved, way, again, True)


def _likely(data: bytes, at: int, end: int, order: ByteOrder) -> bool:
    """Whether a directory may begin here: a look at its count and its first type."""
    count = int.from_bytes(data[at : at + 2], order)
    kind = int.from_bytes(data[at + 4 : at + 6], order)
    return 0 < count and at + 2 + 12 * count <= end and kind in TYPE_SIZES


def _canon_base(data: bytes, note: Span, tiff: int) -> list[int]:
    """Return the base by the footer of a Canon MakerNote: a TIFF header, saying where it was."""
    footer = data[note[1] - 8 : note[1]]
    own = byte_order(footer[:2])
    if own is None or len(footer) < 8 or int.from_bytes(footer[2:4], own) != 42:
        return []
    base = note[0] - int.from_bytes(footer[4:], own)
    return [base] if base != tiff else []


def _score(data: bytes, layout: _Layout, note: Span) -> float:
    """Return the share of values that are where values can be, and of texts that are text."""
    entries = layout.ifd.entries
    far = [entry for entry in entries if not entry.inline]
    if not all(entry.valid for entry in entries):
        return 0.0
    if not far:
        return 1.0
    placed = [
        entry.inside
        and note[0] <= entry.start
        and entry.end <= note[1]
        and not (entry.start < layout.ifd.end - 4 and layout.ifd.at < entry.end)
        for entry in far
    ]
    texts = [
        not value or value[-1] in b"\0 " or is_text(value)
        for value in (
            data[entry.start : entry.end] for entry in far if entry.inside and entry.kind == 2
        )
    ]
    good = sum(placed) + sum(texts)
    share = good / (len(placed) + len(texts))
    # One may point elsewhere: a preview at the end of the file, a dump that was left behind.
    return max(share, _GOOD_ENOUGH if sum(placed) == len(placed) - 1 >= 3 and all(texts) else 0)


def _fills(layout: _Layout, note: Span) -> bool:
    """Whether the last value ends where the MakerNote does."""
    ends = [entry.end for entry in layout.ifd.entries if not entry.inline]
    return bool(ends) and 0 <= note[1] - max(ends) <= 3


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
        layout: _Layout,
        picture: tuple[int, int],
    ) -> None:
        self.data = data
        self.note = note
        self.within = within
        self.tiff = tiff
        self.layout = layout
        self.picture = picture
        self.maker: Maker = MAKERS.get(layout.vendor, Maker())
        self.budget = Budget(40, 4000)
        self.claims: list[Span] = [(note[0], min(layout.at, note[0] + _LONGEST_HEADER))]
        self.parts: list[Part] = []
        self.texts: list[TextField] = []
        self.faces: list[RecognizedFace] = []
        self.shown: list[Span] = []

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
        outside = [
            span for part in self.parts for span in part.spans if not self._within_note(span)
        ]
        return Note(
            self.layout.vendor, True, self.parts, self.texts, self.faces, merged(outside)
        )

    def _within_note(self, span: Span) -> bool:
        return self.note[0] <= span[0] and span[1] <= self.note[1]

    def _directories(self) -> Iterator[_Directory]:
        data, layout = self.data, self.layout
        around = (self.note[0], self.within[1])
        for ifd in read_chain(
            data, around, layout.at, layout.base, layout.order, self.budget
        ):
            if ifd.at == layout.at or self._plausible(ifd):
                yield _Directory("", ifd)
            if layout.vendor not in ("Nikon", "unknown"):
                break  # other makers have no chain; what stands there is no offset
        for entry in layout.ifd.entries:
            if entry.tag not in self.maker.directories:
                continue
            skip = self.maker.directories[entry.tag]
            if entry.kind in (4, 13) and entry.count == 1:
                at = layout.base + int.from_bytes(
                    data[entry.start : entry.start + 4], layout.order
                )
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
        return bool(ifd.entries) and not ifd.damaged and all(e.valid for e in ifd.entries)

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
            blank = tuple((tag.start, tag.end, bytes(tag.length)) for tag in tags if tag.inside)
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
        elif key in maker.previews:
            hits = find_pictures(self.data, *span)
            self._show(span, hits[0] if hits else None, name)
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
        hits = find_pictures(self.data, first, last) if last - first > 64 else []
        if hits:
            self._show(span, hits[0], name)
        elif last - first > LONG_VALUE and key not in maker.keep:
            detail = f"{name}, {entry.length} bytes that are not known"
            self.parts.append(_zero("makernote-value", span, detail, ZEROED))

    def _face(self, key: tuple[str, int], entry: Entry, name: str) -> None:
        start = min(entry.start + self.maker.faces[key], entry.end)
        if trimmed(self.data, start, entry.end)[0] == entry.end:
            return
        if self.data.startswith(_NO_AGE, start):
            return
        if self.layout.vendor == "Panasonic" and entry.tag == 0x0061:
            self.faces = list(self._panasonic_faces(entry))
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
            hits = find_pictures(self.data, first, last)
            if hits:
                detail = "a picture in a MakerNote that nothing names"
                self._show((start, self._reach(end, hits[-1])), hits[0], detail)
            elif last - first > LONG_VALUE or start in behind:
                detail = f"{end - start} bytes of a MakerNote that nothing names"
                self.parts.append(_zero("makernote-gap", (start, end), detail, ZEROED))

    def _reach(self, end: int, found: Found) -> int:
        """Return where a picture ends that may go on over what seems to be values."""
        whole = found if found.complete else jpeg_at(self.data, found.start, self.note[1])
        return max(end, whole.end) if whole is not None and whole.complete else end


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
        ((found.start, found.end),) if found is not None else (span,),
        found.encoding if found is not None else "other",
    )
    return Part(copy, (span,), length if whole else 0)
