"""What a request does to one XMP packet: which nodes go, which get another value.

Used for the packets in APP1, extended ones too, and for the copy in Photoshop's resources.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from ..many_texts import closed_up, with_blanks
from ..model import Action, Area, FileEdit, RedactionNote, Request
from .bare import bare_packet, panorama
from .items import put_right
from .note import describe, read_note
from .packet import RDF, Attribute, BrokenPacketError, Document, Element, parse, texts
from .regions import overlapping
from .survey import Finding, Survey, Text, survey

__all__ = ["Decision", "Packet", "too_many"]

_RDF = f"{RDF} RDF"
_NAMES_MOST = 256
_NAMES_LONG = 8192
"""Names that a file's packets may give to people, wherever they are, and their characters."""
_DIVIDERS = re.compile(r"([|/])")


def too_many(names: Set[str]) -> bool:
    """Whether these are more names than can be looked for."""
    return len(names) > _NAMES_MOST or sum(map(len, names)) > _NAMES_LONG


class Decision(NamedTuple):
    """What is changed: ``changes`` of the packet's bytes (None: nothing is left of it)."""

    changes: list[FileEdit] | None
    outcomes: list[Action]
    """One for each finding."""
    named: bool
    """Whether a text holds one of the names."""


@dataclass(slots=True)
class _Plan:
    gone: set[int] = field(default_factory=set)
    values: dict[int, str] = field(default_factory=dict)
    added: dict[int, str] = field(default_factory=dict)
    named: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that was read and surveyed."""

    document: Document = field(repr=False)
    survey: Survey = field(repr=False)

    @classmethod
    def read(cls, raw: bytes, size: tuple[int, int] | None) -> Packet:
        """Read a packet; ``size`` is the picture's. Raises `BrokenPacketError`."""
        document = parse(raw)
        packet = cls(document, survey(document, size))
        if too_many(packet.all_names):
            raise BrokenPacketError("more names than can be looked for")
        return packet

    @property
    def findings(self) -> list[Finding]:
        """What is in it, in its order."""
        return self.survey.findings

    @property
    def exact(self) -> bool:
        """Whether positions in it are positions in the file's bytes, too."""
        return self.document.codec == "utf-8"

    @property
    def iptc_digest(self) -> str:
        """The digest of IPTC that it states, in upper case; "" if none."""
        node = self.survey.iptc_digest
        return "" if node is None else next(texts(node), "").strip().upper()

    @property
    def extended_guid(self) -> str | None:
        """The GUID of the extended XMP that it says to have, in upper case."""
        node = self.survey.extended
        return None if node is None else next(texts(node), "").strip().upper()

    @property
    def note(self) -> RedactionNote | None:
        """The note in it, if there is one that was made here."""
        return read_note(self.survey.notes)

    @property
    def geometry(self) -> dict[str, str]:
        """The geometry of a panorama that it states."""
        return panorama(self.document)

    @property
    def bare(self) -> bytes | None:
        """It with nothing but a panorama's geometry and the note; None if it has neither."""
        geometry, note = self.geometry, self.note
        return bare_packet(geometry, note) if geometry or note else None

    @property
    def all_names(self) -> frozenset[str]:
        """All names that its regions give."""
        return frozenset().union(*(region.names for region in self.survey.regions))

    def names(self, areas: Iterable[Area], orientation: int) -> frozenset[str]:
        """Return the names that its regions give to what is in these areas."""
        wanted = tuple(areas)
        found: set[str] = set()
        for region in self.survey.regions:
            if region.names and overlapping(region, wanted, orientation):
                found |= region.names
        return frozenset(found)

    def decide(
        self,
        request: Request,
        end_of_picture: int,
        *,
        extended: str | None = None,
        iptc_digest: str | None = None,
        exif_named: bool = True,
        note: RedactionNote | None = None,
    ) -> Decision:
        """Return what a request changes in it, by the policies "default" and "keep".

        ``extended`` is the GUID that it shall name, "" for none, and ``iptc_digest`` the
        digest that it shall have, "" for none; None leaves what is there. ``exif_named`` says
        whether a name may leave Exif, which digests are of. ``note`` is put in, where there is
        an ``rdf:RDF``; if anything is to be noted in the file, a note that is there goes.
        """
        seen = self.survey
        plan = _Plan()
        if request.policy == "keep":
            for directory in seen.directories:
                update = put_right(directory, request.images, end_of_picture, only_lengths=True)
                plan.values.update(update.values)
        else:
            plan.gone |= seen.gone
            self._regions(request, plan)
            self._behind(request, end_of_picture, plan)
            if request.names and exif_named:  # it covers Exif's descriptions and comments
                plan.gone.update(node.start for node in seen.native_digests)
        self._names(request, plan)
        if request.policy != "keep":
            self._empty_structures(plan)
        for node, value in ((seen.extended, extended), (seen.iptc_digest, iptc_digest)):
            if node is not None and value is not None:
                _set(node, value, plan)
        if request.note is not None:
            plan.gone.update(node.start for node in seen.notes)
        if note is not None:
            self._add(note, plan)
        changes = self.document.changes(
            plan.gone, plan.values, plan.added, cut_junk=request.policy != "keep"
        )
        return Decision(changes, self._outcomes(request, plan, changes), plan.named)

    def _add(self, note: RedactionNote, plan: _Plan) -> None:
        root = self.document.root
        for element in (root, *root.children):
            if element.name == _RDF and not plan.added:
                plan.added[element.start] = describe(note, self._about(plan))

    def _about(self, plan: _Plan) -> str:
        """Return what its first description says to be about, as written, with quotes."""
        first = next(iter(self.survey.abouts), None)
        if first is None or first.start in plan.values or first.start in plan.gone:
            return '""'
        return self.document.source[first.value_start - 1 : first.value_end + 1].decode()

    def _regions(self, request: Request, plan: _Plan) -> None:
        for region in self.survey.regions:
            if overlapping(region, request.areas, request.orientation):
                plan.gone.add(region.entry.start)

    def _empty_structures(self, plan: _Plan) -> None:
        """Take out what goes with a list of regions, where none of them is left."""
        regions = self.survey.regions
        left = {each.holder for each in regions if each.entry.start not in plan.gone}
        plan.gone.update(each.holder for each in regions if each.holder not in left)

    def _behind(self, request: Request, end_of_picture: int, plan: _Plan) -> None:
        """Put right what leads to pictures behind the first one."""
        seen = self.survey
        for directory in seen.directories:
            update = put_right(directory, request.images, end_of_picture, plan.gone)
            plan.gone |= update.gone
            plan.values.update(update.values)
        # A gain map's own packet has numbers, and is no directory: it stays.
        only_version = all(node.name.endswith(" Version") for node in seen.gain_map)
        if not request.images and (seen.directories or only_version):
            plan.gone.update(node.start for node in seen.gain_map)

    def _names(self, request: Request, plan: _Plan) -> None:
        listed = self.survey.texts
        found = with_blanks([text.value for text in listed], request.names) if request.names else {}
        plan.named = bool(found)
        for number, blank in found.items() if request.policy != "keep" else ():
            text = listed[number]
            new = _closed_up(text, blank) if text.entry is None else ""
            if new:
                plan.values[text.node] = new
            else:
                plan.gone.add(text.node if text.entry is None else text.entry)
        if request.names:
            self._syntax(request, plan)

    def _syntax(self, request: Request, plan: _Plan) -> None:
        """Take names out of what the packet says to be about, and out of other attributes."""
        listed = self.survey.abouts + self.survey.syntax
        for number in with_blanks([each.value for each in listed], request.names):
            plan.named = True
            if request.policy == "keep":
                continue
            if number < len(self.survey.abouts):
                plan.values[listed[number].start] = ""
            else:
                plan.gone.add(listed[number].start)

    def _outcomes(
        self, request: Request, plan: _Plan, changes: list[FileEdit] | None
    ) -> list[Action]:
        outcomes: list[Action] = []
        elsewhere = {
            region.entry.start
            for region in self.survey.regions
            if not overlapping(region, request.areas, request.orientation)
        }
        touched = sorted((*plan.gone, *plan.values))
        for finding in self.findings:
            action = finding.actions.of(request.policy)
            if action == "warn" and finding.start in elsewhere:
                action = "keep"
            if action == "edit" and changes is not None:
                first = bisect_left(touched, finding.start)
                inside = first < len(touched) and touched[first] < finding.end
                action = "edit" if inside else "keep"
            outcomes.append(action)
        return outcomes


def _set(node: Attribute | Element, value: str, plan: _Plan) -> None:
    if value and not (isinstance(node, Element) and node.children):
        plan.values[node.start] = value
    else:
        plan.gone.add(node.start)


def _closed_up(text: Text, blank: str) -> str:
    """Return a text whose names are blanks without them.

    A keyword with its parents loses the steps that were names, with their dividers.
    """
    if not text.hierarchy:
        return closed_up(blank)
    steps = _DIVIDERS.split(blank)
    left: list[str] = []
    for number in range(0, len(steps), 2):
        if steps[number].strip():
            left += (steps[number - 1] if number and left else "", closed_up(steps[number]))
    return "".join(left)
