"""Photoshop's image resources in APP13: thumbnails, paths, copies of Exif and XMP, IPTC.

Adobe Photoshop File Formats Specification, "Image Resource Blocks" and "Thumbnail resource
format". Resources are cut out or changed where they are; the bytes of the others stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..assembly import Assembly
from ..model import (
    Action,
    Actions,
    Area,
    Carrier,
    FileEdit,
    Request,
    Scrubbed,
    Segment,
    SideCopy,
)
from ..xmp.clean import Packet
from ..xmp.packet import BrokenPacketError
from . import iptc
from .blocks import (
    IPTC,
    Resource,
    applied,
    digest,
    gather,
    read_resources,
)
from .rules import Judge, has_name, is_path
from .thumbnail import NEW, OLD, Thumbnail, Thumbnails, read_thumbnail

__all__ = ["read_photoshop"]

_EXIF = (0x0422, 0x0423)
_XMP = 0x0424
_DIGEST = 0x0425
_DIGEST_SIZE = 16

_DROPPED = Actions("drop", "drop", "warn")
_KEPT = Actions("keep", "drop", "keep")
_EDITED = Actions("edit", "drop", "warn")
_REGENERATED = Actions("regenerate", "drop", "regenerate")


class _Entry(NamedTuple):
    """A side copy and the resource it stands for; None: the block as such, or all its text."""

    copy: SideCopy
    resource: Resource | None
    finding: int | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    """The resources of one assembly of segments."""

    assembly: Assembly
    resources: tuple[Resource, ...]
    end: int
    entries: tuple[_Entry, ...]
    packets: dict[int, Packet] = field(repr=False)
    """XMP copies that can be read, by where they start."""
    dropped: dict[int, str]
    """Why resources without a rule of their own go, by where they start."""
    has_new: bool
    """Whether there is a thumbnail of the newer number."""
    iptc: Resource | None
    """The first IPTC block, which digests are of."""

    def content(self, resource: Resource) -> bytes:
        return self.assembly.content[resource.data : resource.stop]

    def whole(self, resource: Resource) -> bytes:
        return self.assembly.content[resource.start : resource.stop]


@dataclass(frozen=True, slots=True)
class _Photoshop:
    """The carrier of all segments with image resources."""

    blocks: tuple[_Block, ...]

    @property
    def copies(self) -> tuple[SideCopy, ...]:
        return tuple(entry.copy for block in self.blocks for entry in block.entries)

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        wanted = tuple(areas)
        packets = [packet for block in self.blocks for packet in block.packets.values()]
        return frozenset().union(*(packet.names(wanted, orientation) for packet in packets))

    def scrub(self, request: Request) -> Scrubbed:
        edits: list[FileEdit] = []
        outcomes: list[tuple[SideCopy, Action]] = []
        thumbnails = Thumbnails(request.renderer)
        for block in self.blocks:
            cleaner = _Cleaner(block, request, thumbnails)
            edits += cleaner.edits()
            outcomes += [(entry.copy, cleaner.outcome(entry)) for entry in block.entries]
        return Scrubbed(sorted(edits, key=lambda edit: edit[:2]), outcomes)


class _Cleaner:
    """What one request does to one block."""

    def __init__(self, block: _Block, request: Request, thumbnails: Thumbnails) -> None:
        self.block = block
        self.request = request
        self.thumbnails = thumbnails
        self.done: dict[tuple[int, int | None], Action] = {}
        """By a resource's start and the number of a finding in it, where it is not as planned."""
        self.named = False
        self.iptc_changes: dict[int, list[FileEdit]] = {}
        """Of each IPTC block, by where its resource starts."""
        self.digests: tuple[bytes, bytes] | None = None
        """Of the first IPTC block that changes: what it was and what it will be, b"" for none."""

    def edits(self) -> list[FileEdit]:
        block, policy = self.block, self.request.policy
        if policy == "strict":
            return block.assembly.dropped()
        changes: list[FileEdit] = []
        for resource in block.resources:
            changes += self._resource(resource)
        if policy == "default" and block.end < len(block.assembly.content):
            changes.append((block.end, len(block.assembly.content), b""))
        changes = [each for each in changes if block.assembly.content[each[0] : each[1]] != each[2]]
        if not changes:
            return []
        left = applied(block.assembly.content, sorted(changes))
        edits = block.assembly.edits(sorted(changes)) if left.strip(b"\0") else None
        return block.assembly.dropped() if edits is None else edits

    def outcome(self, entry: _Entry) -> Action:
        planned = entry.copy.actions.of(self.request.policy)
        if self.request.policy == "strict":
            return planned
        if entry.copy.kind == "photoshop-name":
            return planned if self.named else "keep"
        if entry.resource is None:
            return planned
        return self.done.get((entry.resource.start, entry.finding), planned)

    def _resource(self, resource: Resource) -> list[FileEdit]:
        content = self.block.content(resource)
        if resource.number in (OLD, NEW):
            return self._thumbnail(resource, content)
        if resource.number == IPTC:
            return self._iptc(resource, content)
        if self._is_plain(resource) and self.request.names:
            named = has_name(self.block.whole(resource), self.request.names)
            self.named = self.named or named
            return self._drop(resource) if named and self.request.policy == "default" else []
        if self.request.policy == "keep":
            return []
        if resource.number == _DIGEST and len(content) == _DIGEST_SIZE:
            return self._digest(resource, content)
        if resource.number == _XMP:
            return self._xmp(resource)
        return [] if self._is_plain(resource) else self._drop(resource)

    def _is_plain(self, resource: Resource) -> bool:
        return _plain_kind(resource, self.block.dropped.get(resource.start)) is None

    def _drop(self, resource: Resource) -> list[FileEdit]:
        return [(resource.start, resource.end, b"")]

    def _replaced(self, resource: Resource, content: bytes) -> list[FileEdit]:
        """Return the edit that gives a resource another content: length and padding with it."""
        if not content:
            return self._drop(resource)
        length = len(content).to_bytes(4, "big")
        padding = b"\0" * (len(content) % 2)
        if len(content) == resource.stop - resource.data:
            return [(resource.data, resource.stop, content)]
        return [(resource.data - 4, resource.end, length + content + padding)]

    def _thumbnail(self, resource: Resource, content: bytes) -> list[FileEdit]:
        key = (resource.start, None)
        read = read_thumbnail(content)
        new = None
        if read is not None and not (resource.number == OLD and self.block.has_new):
            new = self.thumbnails.renewed(read)
        if new is None:
            self.done[key] = "drop"
            return self._drop(resource)
        edits = self._replaced(resource, new)
        if resource.number == OLD:
            # Its red and blue change places; the new picture's don't, so it takes the new number.
            edits.insert(0, (resource.start + 4, resource.start + 6, NEW.to_bytes(2, "big")))
        return edits

    def _iptc(self, resource: Resource, content: bytes) -> list[FileEdit]:
        listed = iptc.findings(content)
        for number, action in enumerate(iptc.outcomes(listed, content, self.request)):
            self.done[resource.start, number] = action
        if self.request.policy == "keep":
            return []
        changes = self._iptc_changes(resource)
        return self._replaced(resource, applied(content, changes)) if changes else []

    def _iptc_changes(self, resource: Resource) -> list[FileEdit]:
        if resource.start not in self.iptc_changes:
            content = self.block.content(resource)
            self.iptc_changes[resource.start] = iptc.clean(content, self.request.names)
        return self.iptc_changes[resource.start]

    def _digests(self) -> tuple[bytes, bytes] | None:
        """Return the digests of the first IPTC block, before and after, if it changes."""
        first = self.block.iptc
        changes = [] if first is None else self._iptc_changes(first)
        if first is not None and changes and self.digests is None:
            old = self.block.content(first)
            new = applied(old, changes)
            self.digests = digest(old), digest(new) if new else b""
        return self.digests

    def _digest(self, resource: Resource, content: bytes) -> list[FileEdit]:
        """Keep the digest of IPTC in step; one that was of another block goes."""
        digests = self._digests()
        if digests is None:
            self.done[resource.start, None] = "keep"
            return []
        old, new = digests
        if content != old or not new:
            self.done[resource.start, None] = "drop"
            return self._drop(resource)
        return self._replaced(resource, new)

    def _xmp(self, resource: Resource) -> list[FileEdit]:
        packet = self.block.packets.get(resource.start)
        if packet is None:
            return self._drop(resource)
        # What it says of pictures behind the first one is the standard packet's to say.
        decision = packet.decide(self.request, 0, extended="", iptc_digest="")
        if decision.changes is None:
            self.done[resource.start, None] = "drop"
            return self._drop(resource)
        if not decision.changes:
            self.done[resource.start, None] = "keep"
            return []
        new = applied(self.block.content(resource), decision.changes)
        return self._replaced(resource, new)


def read_photoshop(data: bytes, segments: Sequence[Segment]) -> Carrier:
    """Read the image resources of a file; ``segments`` are all of its marker segments."""
    judge = Judge()
    return _Photoshop(tuple(_read_block(assembly, judge) for assembly in gather(data, segments)))


def _read_block(assembly: Assembly, judge: Judge) -> _Block:
    content = assembly.content
    resources, end = read_resources(content)
    packets: dict[int, Packet] = {}
    first = assembly.parts[0].segment.offset
    length = sum(part.segment.end - part.segment.offset for part in assembly.parts)
    whole = SideCopy("photoshop", first, length, f"{len(resources)} resources", _KEPT)
    entries = [_Entry(whole, None)]
    dropped: dict[int, str] = {}
    texts = 0
    for resource in resources:
        block = content[resource.data : resource.stop]
        if resource.number == IPTC:
            entries += _iptc_entries(assembly, resource, block)
        elif resource.number == _XMP:
            entries.append(_xmp_entry(assembly, resource, block, packets))
        else:
            if not _has_rule(resource) and (why := judge.why_dropped(resource, block)) is not None:
                dropped[resource.start] = why
            entry = _plain_entry(assembly, resource, block, dropped.get(resource.start))
            if entry is not None:
                entries.append(entry)
            else:
                texts += 1
    if texts:
        detail = f"{texts} resources that may name people"
        entries.append(_entry(assembly, 0, end, "photoshop-name", detail, _EDITED))
    if end < len(content):
        detail = "resources that can't be read"
        entries.append(_entry(assembly, end, len(content), "photoshop-broken", detail, _DROPPED))
    first_iptc = next((each for each in resources if each.number == IPTC), None)
    has_new = any(each.number == NEW for each in resources)
    return _Block(
        assembly, tuple(resources), end, tuple(entries), packets, dropped, has_new, first_iptc
    )


def _has_rule(resource: Resource) -> bool:
    """Whether a resource is judged by what it is, not by its size and content."""
    number = resource.number
    return number in (OLD, NEW, _DIGEST, _XMP, IPTC, *_EXIF) or is_path(number)


def _plain_entry(
    assembly: Assembly, resource: Resource, content: bytes, why: str | None
) -> _Entry | None:
    """Return the side copy that a resource is, or None: it shows nothing."""
    if resource.number in (OLD, NEW):
        return _thumbnail_entry(assembly, resource, read_thumbnail(content))
    found = _plain_kind(resource, why)
    if found is None:
        return None
    kind, detail, actions = found
    detail = f"0x{resource.number:04X}: {detail}"
    return _entry(assembly, resource.start, resource.end, kind, detail, actions, resource)


def _plain_kind(resource: Resource, why: str | None) -> tuple[str, str, Actions] | None:
    """Return kind, detail and actions of a resource without a part of its own, or None."""
    if resource.number == _DIGEST and resource.stop - resource.data != _DIGEST_SIZE:
        return "photoshop-digest", "what is no digest of IPTC", _DROPPED
    if resource.number == _DIGEST:
        return "photoshop-digest", "digest of IPTC", Actions("edit", "drop", "keep")
    if resource.number == _XMP:
        return "photoshop-xmp", "a copy of XMP", _EDITED
    if is_path(resource.number):
        return "photoshop-path", "an outline", _DROPPED
    if resource.number in _EXIF:
        return "photoshop-exif", "a copy of Exif", _DROPPED
    return None if why is None else ("photoshop-resource", why, _DROPPED)


def _thumbnail_entry(assembly: Assembly, resource: Resource, read: Thumbnail | None) -> _Entry:
    detail = f"0x{resource.number:04X}: thumbnail"
    if read is None:
        detail += " that can't be read"
        return _entry(
            assembly,
            resource.start,
            resource.end,
            "photoshop-thumbnail",
            detail,
            _DROPPED,
            resource,
        )
    pieces = assembly.spans(resource.data + read.begin, resource.stop)
    first = assembly.spans(resource.start, resource.end)
    copy = SideCopy(
        "photoshop-thumbnail", first[0][0], resource.end - resource.start, detail, _REGENERATED,
        (read.width, read.height), pieces, read.encoding,
    )  # fmt: skip
    return _Entry(copy, resource)


def _iptc_entries(assembly: Assembly, resource: Resource, block: bytes) -> list[_Entry]:
    entries = []
    for number, found in enumerate(iptc.findings(block)):
        spans = assembly.spans(resource.data + found.start, resource.data + found.end)
        pieces: tuple[tuple[int, int], ...] = ()
        if found.picture is not None:
            pieces = assembly.spans(*(resource.data + at for at in found.picture))
        copy = SideCopy(
            found.kind, spans[0][0], found.end - found.start, found.detail, found.actions,
            found.size, pieces, found.encoding if pieces else "other",
        )  # fmt: skip
        entries.append(_Entry(copy, resource, number))
    return entries


def _xmp_entry(
    assembly: Assembly, resource: Resource, block: bytes, packets: dict[int, Packet]
) -> _Entry:
    actions, detail = _EDITED, "a copy of XMP"
    try:
        if packets:
            raise BrokenPacketError("a second one")
        packets[resource.start] = Packet.read(block, None)
    except BrokenPacketError as error:
        actions, detail = _DROPPED, f"a copy of XMP: {error}"
    return _entry(
        assembly, resource.start, resource.end, "photoshop-xmp", detail, actions, resource
    )


def _entry(
    assembly: Assembly,
    start: int,
    end: int,
    kind: str,
    detail: str,
    actions: Actions,
    resource: Resource | None = None,
) -> _Entry:
    offset = assembly.spans(start, end)[0][0]
    return _Entry(SideCopy(kind, offset, end - start, detail, actions), resource)
