"""Pictures behind the first EOI, their index (MPF), and everything else that lies there.

Knows which part stays and which goes, and puts the MPF index right; what a trailer is,
`trailers` knows, what a gain map needs, `gainmap`. Nothing behind EOI is kept by default but gain
maps, in which the same regions are redacted, and the zeros before the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..model import Action, Actions, Area, FileEdit, Kept, Request, Scrubbed, Segment, SideCopy
from . import gainmap, mpf, trailers

__all__ = ["Images", "read_images"]

_LARGEST_OFFSET = (1 << 32) - (1 << 24)
"""Above this size a file's offsets may not fit the MPF index once something has grown."""

_LONGEST_NOTE = 256
"""Bytes of a segment that says that there is a gain map; 36 in all files seen."""

_MOST_GAIN_MAPS = 3
"""That stay: each is a picture to be redacted, and files have one, or Apple's and Adobe's."""

_DROP_OR_WARN = Actions("drop", "drop", "warn")
_KINDS: Mapping[trailers.PartKind, tuple[str, Actions]] = {
    "jpeg": ("trailer-jpeg", _DROP_OR_WARN),
    "video": ("trailer-video", _DROP_OR_WARN),
    "samsung": ("trailer-samsung", _DROP_OR_WARN),
    "vendor": ("trailer", _DROP_OR_WARN),
    "unknown": ("trailer", _DROP_OR_WARN),
    "padding": ("padding", Actions("drop", "drop", "keep")),
}
_GAIN_MAP = Actions("redact", "drop", "redact")
_MPF_IMAGE = Actions("drop", "drop", "redact")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part behind EOI, as a side copy, and the entries of an index that point at it."""

    copy: SideCopy
    part: trailers.Part
    listed: tuple[tuple[int, int], ...] = ()
    hinted: bool = False
    """Whether only its length, in XMP, says that it is a gain map."""

    @property
    def gain_map(self) -> bool:
        return self.copy.kind == "gain-map"


@dataclass(frozen=True, slots=True)
class Images:
    """What lies behind a picture's EOI, and the segments in front that speak of it (a `Carrier`).

    Attributes
    ----------
    end_of_picture
        The byte behind the first EOI.
    """

    data: bytes = field(repr=False)
    end_of_picture: int
    pieces: tuple[_Piece, ...] = field(repr=False)
    indexes: tuple[mpf.Index, ...] = field(repr=False)
    notes: tuple[Segment, ...] = field(repr=False)
    read_with: tuple[int | None, int | None] = (None, None)
    """The length that XMP gives the gain map, and the most pixels that it may have."""

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        """All side copies: first what the segments say, then what lies behind EOI."""
        heads = [self._index_copy(index) for index in self.indexes]
        heads += [self._note_copy(note) for note in self.notes]
        heads.sort(key=lambda copy: copy.offset)
        return (*heads, *(piece.copy for piece in self.pieces))

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return no names: none of this gives any."""
        return frozenset()

    def with_places(self, place: Callable[[int], int]) -> Images:
        """Return the same for bytes that were left out: what indexes say is to be mapped."""
        if not any(index.entries for index in self.indexes):
            return self
        segments = [*(index.segment for index in self.indexes), *self.notes]
        return read_images(self.data, segments, self.end_of_picture, *self.read_with, place)

    def scrub(self, request: Request) -> Scrubbed:
        """Return what `decide` does, without what stays."""
        return self.decide(request)[0]

    def decide(self, request: Request, *, hinted: bool = True) -> tuple[Scrubbed, tuple[Kept, ...]]:
        """Say what goes, and what stays with which bytes.

        Without ``hinted``, gain maps that only XMP says are some go too.

        `index_edits` puts the index right when it is known where everything is in the new file.
        What stays under "keep" is listed too where it is no picture, such as a film, so that
        whoever counts the items of a GContainer directory finds all of them.
        """
        edits: list[FileEdit] = []
        outcomes: list[tuple[SideCopy, Action]] = []
        kept: list[Kept] = []
        for piece in self.pieces:
            new, action = self._fate(piece, request)
            if piece.hinted and not hinted:
                new, action = None, "drop"
            start, end = piece.part.start, piece.part.end
            if new is not None and piece.part.kind != "padding":
                kept.append(Kept(start, end - start, new))
            if new is None:
                edits.append((start, end, b""))
            elif new != self.data[start:end]:
                edits.append((start, end, new))
            outcomes.append((piece.copy, action))
        heads, said = self._heads(request, kept)
        return Scrubbed(heads + edits, said + outcomes), tuple(kept)

    def unsaid(self, kept: Sequence[Kept], hint: int | None) -> bool:
        """Whether a gain map stays that XMP does not tell of any more: it gives this length."""
        hinted = {piece.part.start for piece in self.pieces if piece.hinted}
        return any(one.offset in hinted and len(one.new) != hint for one in kept)

    def index_edits(self, kept: Sequence[Kept], new_offset: Callable[[int], int]) -> list[FileEdit]:
        """Return the MPF segments that stay, put right, each of the same length as before.

        Parameters
        ----------
        kept
            What `decide` returned.
        new_offset
            Where a byte of the old file is in the new one; for the first byte of a stretch that
            was replaced, where its replacement begins.
        """
        edits = []
        primary_size = new_offset(self.end_of_picture)
        for which, index in enumerate(self.indexes):
            places = self._places(which, kept)
            if not self._stays(index, places):
                continue
            moved = {
                number: (new_offset(kept_one.offset), len(kept_one.new))
                for number, kept_one in places.items()
            }
            new = index.rewritten(self.data, moved, new_offset(index.base), primary_size)
            if new != self.data[index.segment.offset : index.segment.end]:
                edits.append((index.segment.offset, index.segment.end, new))
        return edits

    # What happens to each part

    def _fate(self, piece: _Piece, request: Request) -> tuple[bytes | None, Action]:
        """Return a part's bytes in the new file, None for gone, and what that is called."""
        start, end = piece.part.start, piece.part.end
        action = piece.copy.actions.of(request.policy)
        content = self.data[start:end]
        if action == "drop":
            return None, "drop"
        if action != "redact":
            return content, action
        if piece.gain_map:
            new = _redacted_gain_map(content, request)
            return new, "redact" if new is not None else "drop"
        new = request.renderer.redacted(content, whole=True)
        return (content, "warn") if new is None else (new, "redact")

    # The index and the note of ISO 21496-1

    def _heads(
        self, request: Request, kept: Sequence[Kept]
    ) -> tuple[list[FileEdit], list[tuple[SideCopy, Action]]]:
        edits: list[FileEdit] = []
        outcomes: list[tuple[SideCopy, Action]] = []
        for which, index in enumerate(self.indexes):
            copy = self._index_copy(index)
            action = copy.actions.of(request.policy)
            if action == "edit" and not self._stays(index, self._places(which, kept)):
                action = "warn" if request.policy == "keep" else "drop"
            outcomes.append((copy, action))
            if action == "drop":
                edits.append((index.segment.offset, index.segment.end, b""))
        offsets = {piece.part.start for piece in self.pieces if piece.gain_map}
        gain_map_stays = any(one.offset in offsets for one in kept)
        for note in self.notes:
            copy = self._note_copy(note)
            action = copy.actions.of(request.policy)
            if action == "keep" and not (gain_map_stays or request.policy == "keep"):
                action = "drop"
            outcomes.append((copy, action))
            if action == "drop":
                edits.append((note.offset, note.end, b""))
        edits.sort()
        return edits, sorted(outcomes, key=lambda outcome: outcome[0].offset)

    def _places(self, which: int, kept: Sequence[Kept]) -> dict[int, Kept]:
        """Return what stays of the pictures that an index lists, by the number of the entry."""
        by_offset = {one.offset: one for one in kept}
        return {
            number: by_offset[piece.part.start]
            for piece in self.pieces
            for listed_in, number in piece.listed
            if listed_in == which and piece.part.start in by_offset
        }

    def _stays(self, index: mpf.Index, places: Mapping[int, Kept]) -> bool:
        """Whether an index lists something that is still there, and can be put right."""
        if index.problem or len(self.data) > _LARGEST_OFFSET:
            return False
        return bool(places)

    def _shows_nothing(self, index: mpf.Index) -> bool:
        """Whether it lists no pictures: a picture taken out of such a file has one like that."""
        return not (index.problem or index.entries) and index.accounted_for(self.data)

    def _index_copy(self, index: mpf.Index) -> SideCopy:
        listed = ", ".join(mpf.type_name(entry) for entry in index.entries if not entry.primary)
        detail = f"MPF index of other pictures: {listed or 'none'}"
        if index.problem:
            detail += f" ({index.problem})"
        gain_maps = any(piece.gain_map and piece.listed for piece in self.pieces)
        actions = Actions("edit" if gain_maps else "drop", "drop", "edit")
        if index.problem:
            actions = _DROP_OR_WARN
        elif self._shows_nothing(index):
            actions = Actions("keep", "drop", "keep")
        start, end = index.segment.offset, index.segment.end
        return SideCopy("mpf-index", start, end - start, detail, actions)

    def _note_copy(self, note: Segment) -> SideCopy:
        length = note.end - note.offset
        detail = "ISO 21496-1: says that there is a gain map"
        if length > _LONGEST_NOTE:
            return SideCopy("gain-map-note", note.offset, length, detail, _DROP_OR_WARN)
        gain_maps = any(piece.gain_map for piece in self.pieces)
        actions = Actions("keep" if gain_maps else "drop", "drop", "keep")
        return SideCopy("gain-map-note", note.offset, length, detail, actions)


def read_images(
    data: bytes,
    segments: Sequence[Segment],
    end_of_picture: int,
    gain_map_hint: int | None = None,
    most_pixels: int | None = None,
    place: Callable[[int], int] | None = None,
) -> Images:
    """Read what lies behind EOI.

    Parameters
    ----------
    segments
        The APP2 segments "MPF", and those of ISO 21496-1 ("urn:iso:std:iso:ts:21496:-1"), which
        only say that there is a gain map.
    end_of_picture
        The byte behind the first EOI; ``len(data)`` where there is none.
    gain_map_hint
        The length that the GContainer directory gives its gain map: a picture of that length is
        one, even if it says so nowhere.
    most_pixels
        The picture's: a gain map that has more is none that is worth its time.
    place
        Where in ``data`` a byte of the file is, where some of that was left out.
    """
    end_of_picture = min(max(end_of_picture, 0), len(data))
    indexes, notes = [], []
    for segment in segments:
        if data.startswith(gainmap.ISO, segment.offset + 4):
            notes.append(segment)
        else:
            indexes.append(_placed(mpf.read_index(data, segment), place))
    listed: dict[int, list[tuple[int, int]]] = {}
    ends: dict[int, int] = {}
    for which, index in enumerate(indexes):
        for number, entry in enumerate(index.entries):
            if not entry.primary and end_of_picture <= entry.offset < len(data):
                listed.setdefault(entry.offset, []).append((which, number))
                ends[entry.offset] = entry.offset + entry.size
    parts = trailers.split(data, end_of_picture, sorted(ends.items()))
    for which, number, offset in _found_by_size(parts, indexes, ends):
        listed.setdefault(offset, []).append((which, number))
    entries = [index.entries for index in indexes]
    pieces = tuple(
        _too_many(
            [_piece(data, part, listed.get(part.start, ()), entries, gain_map_hint)
             for part in parts],
            most_pixels,
        )
    )  # fmt: skip
    read_with = (gain_map_hint, most_pixels)
    return Images(data, end_of_picture, pieces, tuple(indexes), tuple(notes), read_with)


def _placed(index: mpf.Index, place: Callable[[int], int] | None) -> mpf.Index:
    if place is None:
        return index
    entries = (entry._replace(offset=place(entry.offset)) for entry in index.entries)
    return index._replace(entries=tuple(entries))


def _piece(
    data: bytes,
    part: trailers.Part,
    listed: Sequence[tuple[int, int]],
    entries: Sequence[Sequence[mpf.Entry]],
    gain_map_hint: int | None,
) -> _Piece:
    kind, actions = _KINDS[part.kind]
    detail, hinted = part.detail, False
    if part.kind == "jpeg":
        names = [mpf.type_name(entries[which][number]) for which, number in listed]
        by = gainmap.gain_map_kind(data[part.start : part.end])
        if not by and part.end - part.start == gain_map_hint and part.closed:
            by, hinted = "GContainer", True
        if by and part.closed:
            kind, actions, detail = "gain-map", _GAIN_MAP, f"gain map ({by}), {part.detail}"
        elif listed:
            kind, actions, detail = "mpf-image", _MPF_IMAGE, f"MPF {names[0]}, {part.detail}"
    copy = SideCopy(
        kind, part.start, part.end - part.start, detail, actions, part.size,
        (part.inner,) if part.inner else (), part.encoding,
    )  # fmt: skip
    return _Piece(copy, part, tuple(listed) if part.kind == "jpeg" else (), hinted)


def _too_many(pieces: Iterable[_Piece], most_pixels: int | None) -> Iterator[_Piece]:
    """Yield the pieces; gain maps that are too many, or too large, go instead of being redacted."""
    count = 0
    for piece in pieces:
        if piece.gain_map:
            width, height = piece.copy.size or (0, 0)
            large = not width * height or (
                most_pixels is not None and width * height > most_pixels
            )
            if large or count >= _MOST_GAIN_MAPS:
                why = "larger than the picture" if large else "one of too many"
                detail = f"{piece.copy.detail}, {why}"
                copy = replace(piece.copy, detail=detail, actions=_DROP_OR_WARN)
                piece = replace(piece, copy=copy)
            count += not large
        yield piece


def _found_by_size(
    parts: Sequence[trailers.Part], indexes: Sequence[mpf.Index], listed: Mapping[int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield entries that point beside their picture, and where the only one of their size is.

    Programs that change a header without the index leave such offsets.
    """
    by_size: dict[int, list[int]] = {}
    for part in parts:
        if part.kind == "jpeg" and part.closed and part.start not in listed:
            by_size.setdefault(part.end - part.start, []).append(part.start)
    starts = {part.start for part in parts if part.kind == "jpeg"}
    for which, index in enumerate(indexes):
        for number, entry in enumerate(index.entries):
            found = by_size.get(entry.size, [])
            if not entry.primary and entry.offset not in starts and len(found) == 1:
                yield which, number, found[0]


def _redacted_gain_map(jpeg: bytes, request: Request) -> bytes | None:
    """Return a gain map with the same regions redacted and nothing beside it, or None."""
    bare = gainmap.cleaned(jpeg)
    # Without what tells that it is a gain map, a reader would take it for a picture
    if bare is None or (gainmap.gain_map_kind(jpeg) and not gainmap.gain_map_kind(bare)):
        return None
    new = request.renderer.redacted(bare)
    return new if new is not None and gainmap.cleaned(new) == new else None
