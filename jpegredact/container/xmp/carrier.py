"""XMP in APP1: the standard packet, and the extended one that is spread over segments.

XMP specification part 3, 1.1.3 (ISO 16684-1): "http://ns.adobe.com/xap/1.0/" and a packet; or
"http://ns.adobe.com/xmp/extension/", the GUID (MD5 of the extended packet in hexadecimal
digits), the full length, this chunk's offset, and the chunk. What can't be parsed is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...errors import UnsupportedJpegError
from ..assembly import Assembly, Part, assemble
from ..markers import FRAMES
from ..model import (
    Action,
    Actions,
    Area,
    Carrier,
    FileEdit,
    Policy,
    RedactionNote,
    Request,
    Scrubbed,
    Segment,
    SideCopy,
)
from ..names import blanked_bytes
from ..photoshop.blocks import iptc_digests
from .bare import bare_packet
from .clean import Decision, Packet, too_many
from .note import joined
from .packet import BrokenPacketError
from .survey import Finding

__all__ = ["read_xmp"]

_APP0, _APP1 = 0xE0, 0xE1
_STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_CHUNKS = 4096
"""Segments of one extended packet: 256 MiB of it."""
_GUID = 32
_CHUNK = _GUID + 8
"""Bytes between the extension's signature and a chunk: GUID, full length, offset."""

_BROKEN = Actions("drop", "drop", "warn")
_DROPPED = Actions("keep", "drop", "keep")
_REBUILT = Actions("keep", "edit", "keep")
_BARE = Actions("keep", "keep", "keep")


class _Unit(NamedTuple):
    """A packet and its segments; ``packet`` is None where it is broken: ``why``."""

    assembly: Assembly
    packet: Packet | None
    guid: str
    why: str


@dataclass(frozen=True, slots=True)
class _Listed:
    """A side copy, and the unit and finding that it stands for."""

    copy: SideCopy
    unit: _Unit
    finding: int | None


@dataclass(frozen=True, slots=True)
class _Xmp:
    """The carrier of all XMP segments."""

    standard: tuple[_Unit, ...]
    extended: tuple[_Unit, ...]
    listed: tuple[_Listed, ...]
    end_of_picture: int
    file: tuple[bytes, tuple[Segment, ...]] = field(repr=False)

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        return tuple(each.copy for each in self.listed)

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        wanted = tuple(areas)
        packets = [unit.packet for unit in self.standard + self.extended if unit.packet]
        return frozenset().union(*(packet.names(wanted, orientation) for packet in packets))

    def scrub(self, request: Request) -> Scrubbed:
        edits: list[FileEdit] = []
        results: dict[int, Decision | None] = {}
        """By a unit's identity: what was decided; None if all of it is dropped."""
        if request.policy == "strict":
            edits += self._strict(self._note(request))
        else:
            note = None if request.note is None else self._note(request)
            guids: dict[str, str] = {}
            for unit in self.extended:
                edits += self._extended(unit, request, guids, results)
            digests = self._iptc_digests(request)
            exif_named = self._exif_named(request)
            for unit in self.standard:
                beside = digests, exif_named, note
                edits += self._standard(unit, request, guids, beside, results)
                if results.get(id(unit)) is not None:
                    note = None  # it is in this one
            if note is not None:
                edits.append(self._new_segment(note))
        outcomes = [(each.copy, _outcome(each, request, results)) for each in self.listed]
        return Scrubbed(sorted(edits, key=lambda edit: edit[:2]), outcomes)

    def _iptc_digests(self, request: Request) -> tuple[str, str] | None:
        """Return IPTC's digests before and after, if it changes and a packet states one."""
        stated = any(unit.packet and unit.packet.survey.iptc_digest for unit in self.standard)
        if request.policy != "default" or not stated:
            return None
        return iptc_digests(*self.file, request.names)

    def _exif_named(self, request: Request) -> bool:
        """Whether Exif holds a name, so that what is a digest of its texts is one no more."""
        if not any(unit.packet and unit.packet.survey.native_digests for unit in self.standard):
            return False
        data, segments = self.file
        listed = (data[each.offset + 4 : each.end] for each in segments if each.code == _APP1)
        return any(
            blanked_bytes(exif, request.names) != exif
            for exif in listed
            if exif.startswith(_EXIF)
        )

    def _note(self, request: Request) -> RedactionNote | None:
        """Return the note of all that is noted, with what is there already."""
        notes = [unit.packet.note for unit in self.standard if unit.packet is not None]
        known = [note for note in (request.note, *notes) if note is not None]
        return joined(known, request.names) if known else None

    def _new_segment(self, note: RedactionNote) -> FileEdit:
        """Return the edit that puts a packet in, behind the APP0 and APP1 segments in front."""
        at = 2
        for segment in self.file[1]:
            if segment.offset == at and segment.code in (_APP0, _APP1):
                at = segment.end
        content = _STANDARD + bare_packet({}, note)
        return at, at, bytes((0xFF, _APP1)) + (len(content) + 2).to_bytes(2, "big") + content

    def _strict(self, note: RedactionNote | None) -> list[FileEdit]:
        """Leave one packet with the panorama's geometry and the note, if there is any."""
        packets = [unit.packet for unit in self.standard if unit.packet is not None]
        geometry = next(filter(None, (packet.geometry for packet in packets)), {})
        home = next((u for u in self.standard if u.packet and u.packet.bare is not None), None)
        edits: list[FileEdit] = []
        for unit in self.standard + self.extended:
            if unit is not home:
                edits += unit.assembly.dropped()
        if home is not None:
            new, old = bare_packet(geometry, note), home.assembly.content
            fitted = home.assembly.edits([(0, len(old), new)] if new != old else [])
            edits += home.assembly.dropped() if fitted is None else fitted
        elif note is not None:
            edits.append(self._new_segment(note))
        return edits

    def _extended(
        self,
        unit: _Unit,
        request: Request,
        guids: dict[str, str],
        results: dict[int, Decision | None],
    ) -> list[FileEdit]:
        """Clean extended XMP; ``guids`` gets its new GUID, or "" where nothing is left."""
        if unit.packet is None:
            return unit.assembly.dropped() if request.policy == "default" else []
        decision = unit.packet.decide(request, self.end_of_picture)
        results[id(unit)] = decision
        if decision.changes == []:
            guids[unit.guid] = unit.guid
            return []
        new = _changed(unit.assembly.content, decision, request.policy)
        guid = "" if new is None else hashlib.md5(new, usedforsecurity=False).hexdigest().upper()

        def header(part: Part, at: int) -> FileEdit:
            length = len(new or b"")
            stated = guid.encode() + length.to_bytes(4, "big") + at.to_bytes(4, "big")
            return part.start - _CHUNK, part.start, stated

        edits = None if new is None else unit.assembly.edits(decision.changes or (), header)
        guids[unit.guid] = guid if edits is not None else ""
        if edits is None:
            results[id(unit)] = None
            return unit.assembly.dropped()
        return edits

    def _standard(
        self,
        unit: _Unit,
        request: Request,
        guids: dict[str, str],
        beside: tuple[tuple[str, str] | None, bool, RedactionNote | None],
        results: dict[int, Decision | None],
    ) -> list[FileEdit]:
        """Clean a packet; ``beside``: IPTC's digests, whether Exif holds a name, what to note."""
        digests, exif_named, note = beside
        if unit.packet is None:
            if note is not None and request.policy == "keep":
                raise _not_noted(unit, "can't be read")
            return unit.assembly.dropped() if request.policy == "default" else []
        named = unit.packet.extended_guid
        changed = None
        digest = None
        if named is not None and request.policy == "default" and guids.get(named, "") != named:
            changed = guids.get(named, "")
        if unit.packet.survey.iptc_digest is not None and digests is not None:
            # One that was of another block goes.
            digest = digests[1] if unit.packet.iptc_digest == digests[0] else ""
        decision = unit.packet.decide(
            request,
            self.end_of_picture,
            extended=changed,
            iptc_digest=digest,
            exif_named=exif_named,
            note=note,
        )
        results[id(unit)] = decision
        if decision.changes == [] and note is None:
            return []
        new = _changed(unit.assembly.content, decision, request.policy, note)
        edits = None if new is None else unit.assembly.edits(decision.changes or ())
        if edits is None and note is not None and decision.changes is not None:
            raise _not_noted(unit, "can't take a note" if new is None else "has no room for it")
        if edits is None:
            results[id(unit)] = None
            return unit.assembly.dropped()
        return edits


def read_xmp(data: bytes, segments: Sequence[Segment], end_of_picture: int) -> Carrier:
    """Read all XMP of a file.

    Parameters
    ----------
    data
        The file.
    segments
        Its marker segments, in the file's order; those that hold no XMP are looked at for the
        picture's size and for the IPTC block that a digest in XMP is of.
    end_of_picture
        The offset behind the first picture's EOI.
    """
    size = _size(data, segments)
    standard: list[_Unit] = []
    names: set[str] = set()
    chunks: dict[bytes, list[Segment]] = {}
    for segment in segments:
        if segment.code != _APP1:
            continue
        start = segment.offset + 4
        if data.startswith(_STANDARD, start, segment.end):
            standard.append(_unit(assemble(data, [segment], len(_STANDARD)), "", size, names))
        elif data.startswith(_EXTENSION, start, segment.end):
            at = start + len(_EXTENSION)
            chunks.setdefault(data[at : min(at + _GUID, segment.end)], []).append(segment)
    named = {unit.packet.extended_guid for unit in standard if unit.packet is not None}
    extended = [_chunked(data, guid, each, named, (size, names)) for guid, each in chunks.items()]
    listed = [each for unit in standard for each in _list(unit, is_extended=False)]
    listed += [each for unit in extended for each in _list(unit, is_extended=True)]
    listed.sort(key=lambda each: each.copy.offset)
    return _Xmp(
        tuple(standard), tuple(extended), tuple(listed), end_of_picture, (data, tuple(segments))
    )


def _unit(
    assembly: Assembly, guid: str, size: tuple[int, int] | None, names: set[str]
) -> _Unit:
    """Read a packet; ``names`` are those that the packets before it give to people."""
    try:
        packet = Packet.read(assembly.content, size)
    except BrokenPacketError as error:
        return _Unit(assembly, None, guid, str(error))
    more = packet.all_names
    if too_many(names | more):
        return _Unit(assembly, None, guid, "more names than can be looked for")
    names |= more
    return _Unit(assembly, packet, guid, "")


def _chunked(
    data: bytes,
    guid: bytes,
    segments: list[Segment],
    named: set[str | None],
    known: tuple[tuple[int, int] | None, set[str]],
) -> _Unit:
    """Put the chunks of one GUID together; they may come in any order (part 3, 1.1.3.1)."""
    header = len(_EXTENSION) + _CHUNK

    def stated(segment: Segment) -> tuple[int, int]:
        at = segment.offset + 4 + header - 8
        return int.from_bytes(data[at + 4 : at + 8], "big"), int.from_bytes(
            data[at : at + 4], "big"
        )

    if any(segment.end - segment.offset - 4 < header for segment in segments):
        return _Unit(assemble(data, segments, header), None, "", "a chunk without its header")
    if len(segments) > _CHUNKS:
        return _Unit(assemble(data, segments, header), None, "", "too many chunks")
    ordered = sorted(segments, key=stated)
    assembly = assemble(data, ordered, header)
    text = guid.decode("ascii", "replace").upper()
    if text not in named:
        return _Unit(assembly, None, text, "no packet names this extended XMP")
    whole = {len(assembly.content)}
    if [part.at for part in assembly.parts] != [stated(each)[0] for each in ordered] or whole != {
        stated(each)[1] for each in ordered
    }:
        return _Unit(assembly, None, text, "chunks are missing or overlap")
    return _unit(assembly, text, *known)


def _list(unit: _Unit, *, is_extended: bool) -> list[_Listed]:
    """Return the side copies of a packet; the first one stands for the packet as such."""
    parts = unit.assembly.parts
    length = sum(part.segment.end - part.segment.offset for part in parts)
    first = min(part.segment.offset for part in parts)
    what = "extended XMP" if is_extended else "XMP"
    if unit.packet is None:
        broken = SideCopy("xmp-broken", first, length, f"{what}: {unit.why}", _BROKEN)
        return [_Listed(broken, unit, None)]
    bare = None if is_extended else unit.packet.bare
    is_bare = bare == unit.assembly.content
    actions = _BARE if is_bare else _DROPPED if bare is None else _REBUILT
    listed = [_Listed(SideCopy("xmp-packet", first, length, what, actions), unit, None)]
    if unit.packet.survey.texts:
        count = len(unit.packet.survey.texts)
        detail = f"{what}: {count} texts that may name people"
        actions = Actions("edit", "keep" if is_bare else "drop", "warn")
        copy = SideCopy("xmp-name", first, length, detail, actions)
        listed.append(_Listed(copy, unit, None))
    for number, finding in enumerate(unit.packet.findings):
        listed.append(_Listed(_side_copy(unit, unit.packet, finding), unit, number))
    return listed


def _side_copy(unit: _Unit, packet: Packet, finding: Finding) -> SideCopy:
    start, end = finding.start, finding.end
    if not packet.exact:  # positions are not the file's: all of it
        start, end = 0, len(unit.assembly.content)
    spans = unit.assembly.spans(start, end)
    pieces = tuple(
        span for piece in finding.pieces if packet.exact for span in unit.assembly.spans(*piece)
    )
    return SideCopy(
        finding.kind,
        spans[0][0],
        end - start,
        finding.detail,
        finding.actions,
        finding.size,
        pieces,
        "base64" if pieces else "other",
    )


def _outcome(each: _Listed, request: Request, results: dict[int, Decision | None]) -> Action:
    planned = each.copy.actions.of(request.policy)
    if request.policy == "strict" or id(each.unit) not in results:
        return planned
    done = results[id(each.unit)]
    if done is None:
        return "drop"
    if each.finding is not None:
        return done.outcomes[each.finding]
    if each.copy.kind == "xmp-name" and not done.named:
        return "keep"
    return planned


def _not_noted(unit: _Unit, why: str) -> UnsupportedJpegError:
    return UnsupportedJpegError(
        f"a note belongs in the file's XMP packet, and that {why}", code="jpeg.note",
        offset=unit.assembly.parts[0].segment.offset,
        hint="redact it without a note, or with side_copies='strict'",
    )  # fmt: skip


def _changed(
    content: bytes, decision: Decision, policy: Policy, note: RedactionNote | None = None
) -> bytes | None:
    """Return the new packet; None if nothing is left, or if it does not read as clean.

    None, too, where the note is not in it. The second reading is a net below the first: what it
    catches was never seen on a real file.
    """
    if decision.changes is None:
        return None
    out: list[bytes] = []
    at = 0
    for start, end, new in decision.changes:
        out += (content[at:start], new)
        at = end
    out.append(content[at:])
    changed = b"".join(out)
    try:
        again = Packet.read(changed, None)
    except BrokenPacketError:
        return None
    if again.survey.gone and policy == "default":
        return None
    return changed if note is None or again.note == note else None


def _size(data: bytes, segments: Sequence[Segment]) -> tuple[int, int] | None:
    """Return the picture's width and height, from its frame header (ITU-T T.81, B.2.2)."""
    for segment in segments:
        if segment.code in FRAMES and segment.end - segment.offset >= 9:
            height, width = (data[segment.offset + at : segment.offset + at + 2] for at in (5, 7))
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
    return None
