"""What is in an XMP packet that shows the picture, points to something that does, or names people.

Knows properties and their places in the packet; changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..embedded import picture_size
from ..model import Actions
from . import rules as rules
from .note import NAMESPACE as NOTE
from .packet import Attribute, Document, Element, Note, is_field
from .regions import Region, read_list

__all__ = ["Finding", "Survey", "Text", "survey"]

DROPPED = Actions("drop", "drop", "warn")
EDITED = Actions("edit", "drop", "warn")
IN_STEP = Actions("edit", "drop", "edit")

_SMALL = 256
"""Shorter properties of a kind are listed together."""
_HEAD = 1 << 16
"""Characters of a base64 text that are looked at for the picture's size."""
_ENTITY = re.compile(
    rb"&#x[0-9A-Fa-f]+;|&#[0-9]+;|\n\s*|\r\s*| \s*|\t\s*|\x0b\s*|\x0c\s*"
)
"""Each way begins with a byte of its own, so that megabytes of base64 are passed over fast."""
_PIECES = 20_000

_ABOUT = frozenset(("http://www.w3.org/1999/02/22-rdf-syntax-ns about", "about"))
"""What RDF says that a packet is about, and an old form of it: often a file's name."""
_DIRECTORY = re.compile(r"http://ns\.google\.com/photos/(?:1\.0|dd/1\.0)/container Directory")


class Finding(NamedTuple):
    """A side copy in a packet, at its place in the packet; ``pieces`` are its base64 text."""

    kind: str
    start: int
    end: int
    detail: str
    actions: Actions
    size: tuple[int, int] | None = None
    pieces: tuple[tuple[int, int], ...] = ()


class Text(NamedTuple):
    """A text property. ``entry`` is what goes with it where it holds a name."""

    node: int
    value: str
    entry: int | None
    hierarchy: bool


@dataclass(slots=True)
class Survey:
    """All that a packet has.

    Attributes
    ----------
    findings
        What the default policy would change, whatever the regions are.
    gone
        Nodes that the default policy takes out for what they are.
    regions, directories, gain_map, native_digests, iptc_digest, extended, notes, texts, abouts,
    syntax
        What depends on more than the packet.
    """

    findings: list[Finding] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    regions: list[Region] = field(default_factory=list)
    directories: list[Element] = field(default_factory=list)
    gain_map: list[Attribute | Element] = field(default_factory=list)
    native_digests: list[Attribute | Element] = field(default_factory=list)
    iptc_digest: Attribute | Element | None = None
    extended: Attribute | Element | None = None
    notes: list[Attribute | Element] = field(default_factory=list)
    """Properties of a note of ours."""
    texts: list[Text] = field(default_factory=list)
    abouts: list[Attribute] = field(default_factory=list)
    syntax: list[Attribute] = field(default_factory=list)
    """Other attributes of RDF and XML: languages, identifiers."""


class _Inherited(NamedTuple):
    """What a node has from those above it."""

    protected: bool = False
    entry: int | None = None
    in_list: bool = False
    hierarchy: bool = False


def survey(document: Document, size: tuple[int, int] | None) -> Survey:
    """Look at every property of a packet. ``size`` is the picture's width and height."""
    return _Surveyor(document, size).run()


class _Surveyor:
    def __init__(self, document: Document, size: tuple[int, int] | None) -> None:
        self.document = document
        self.size = size
        self.seen = Survey()
        self.small: dict[str, list[Attribute | Element | Note]] = {}
        self.encoded: list[tuple[Attribute | Element | Note, int]] = []
        """What looks encoded, but is short, and how much of it does."""

    def run(self) -> Survey:
        seen = self.seen
        self._element(self.document.root, (), _Inherited())
        for note in self.document.notes:
            weight = rules.encoded("", note.text)
            if weight > rules.ENCODED_MOST or rules.is_note_removed(note.text):
                seen.gone.add(note.start)
                seen.findings.append(
                    Finding("xmp-blob", note.start, note.end, "a comment", DROPPED)
                )
            else:
                seen.texts.append(Text(note.start, note.text, note.start, False))
                self.encoded += [(note, weight)] if weight else []
        self._encoded()
        for kind, nodes in self.small.items():
            names = ", ".join(self.document.label(node.start) for node in nodes[:4])
            more = f" and {len(nodes) - 4} more" if len(nodes) > 4 else ""
            seen.findings.append(
                Finding(
                    kind, nodes[0].start, nodes[-1].end, names + more, DROPPED,
                )
            )  # fmt: skip
        end = len(self.document.source)
        if self.document.junk < end:
            detail = "bytes behind the packet that are no XMP"
            seen.findings.append(Finding("xmp-broken", self.document.junk, end, detail, DROPPED))
        seen.findings.sort(key=lambda finding: finding.start)
        return seen

    def _element(self, element: Element, above: tuple[Element, ...], inherited: _Inherited) -> None:
        if self._is_removed(element, element.text):
            return
        self._note(element, element.text)
        name = element.name
        regions = read_list(element, above, self.size)
        if regions is not None:
            self._regions(regions)
        if _DIRECTORY.fullmatch(name):
            self._directory(element)
        inherited = self._inherit(element, inherited, regions is not None)
        for attribute in element.attributes:
            if not self._is_removed(attribute, attribute.value):
                self._note(attribute, attribute.value)
                own = self._inherit(attribute, inherited, False)
                if attribute.name in _ABOUT:
                    self.seen.abouts.append(attribute)
                elif not is_field(attribute.name) and attribute.value.strip():
                    self.seen.syntax.append(attribute)
                elif is_field(attribute.name) and attribute.value.strip() and not own.protected:
                    self.seen.texts.append(
                        Text(attribute.start, attribute.value, own.entry, own.hierarchy)
                    )
        if element.text.strip() and not inherited.protected:
            # Mixed content is no RDF: text beside elements can only go with all of it.
            entry = element.start if element.children else inherited.entry
            self.seen.texts.append(Text(element.start, element.text, entry, inherited.hierarchy))
        above = (element, *above)
        for child in element.children:
            self._element(child, above, inherited)

    def _inherit(
        self, node: Attribute | Element, inherited: _Inherited, is_region_list: bool
    ) -> _Inherited:
        is_list = is_region_list or node.name in rules.ENTRY_LISTS
        entry = inherited.entry
        own = node.name.endswith(" li") if inherited.in_list else isinstance(node, Attribute)
        if own and (inherited.in_list or is_list):
            entry = node.start
        return _Inherited(
            inherited.protected or rules.is_protected(node.name),
            entry,
            is_list or (inherited.in_list and entry == inherited.entry),
            inherited.hierarchy or node.name in rules.HIERARCHIES,
        )

    def _is_removed(self, node: Attribute | Element, value: str) -> bool:
        kind = rules.removed_kind(node.name)
        if kind is None and self._is_blob(node, value):
            kind = "xmp-blob"
        if kind is None:
            return False
        self.seen.gone.add(node.start)
        if node.end - node.start < _SMALL:
            self.small.setdefault(kind, []).append(node)
            return True
        pictures = list(_pictures(node))
        pieces = tuple(
            piece for start, end, _ in pictures for piece in self._without_breaks(start, end)
        )
        size = next((found for _, _, text in pictures if (found := _encoded_size(text))), None)
        detail = f"{self.document.label(node.start)}, {node.end - node.start} bytes"
        self.seen.findings.append(
            Finding(kind, node.start, node.end, detail, DROPPED, size, pieces)
        )
        return True

    def _is_blob(self, node: Attribute | Element, value: str) -> bool:
        weight = rules.encoded(node.name, value)
        if weight > rules.ENCODED_MOST or rules.is_blob(node.name, value):
            return True
        if weight:
            self.encoded.append((node, weight))
        return False

    def _encoded(self) -> None:
        """Take out all that looks encoded, where there is too much of it in the packet."""
        if sum(weight for _, weight in self.encoded) <= rules.ENCODED_TOTAL:
            return
        self.seen.gone.update(node.start for node, _ in self.encoded)
        found = self.small.setdefault("xmp-blob", [])
        found += [node for node, _ in self.encoded]
        found.sort(key=lambda node: node.start)

    def _without_breaks(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Give the stretches of base64 text between its line breaks, escaped ones too."""
        at = start
        breaks = _ENTITY.finditer(self.document.source, start, end)
        for found in itertools.islice(breaks, _PIECES):
            if at < found.start():
                yield at, found.start()
            at = found.end()
        if at < end:
            yield at, end

    def _note(self, node: Attribute | Element, value: str) -> None:
        """Remember a property that the rest of the file decides about."""
        seen = self.seen
        if node.name == rules.EXTENDED:
            seen.extended = node
            actions = Actions("edit", "drop", "keep")
            seen.findings.append(
                Finding("xmp-extended", node.start, node.end, "names extended XMP", actions)
            )
        elif node.name == rules.IPTC_DIGEST:
            seen.iptc_digest = node
            seen.findings.append(
                Finding("xmp-digest", node.start, node.end, "digest of IPTC", IN_STEP)
            )
        elif node.name in rules.NATIVE_DIGESTS:
            seen.native_digests.append(node)
            actions = Actions("edit", "drop", "keep")
            seen.findings.append(
                Finding("xmp-digest", node.start, node.end, "digest of Exif", actions)
            )
        elif node.name.startswith(f"{NOTE} "):
            seen.notes.append(node)
        elif node.name.startswith(rules.GAIN_MAP):
            seen.gain_map.append(node)

    def _regions(self, regions: list[Region]) -> None:
        self.seen.regions += regions
        for region in regions:
            named = "with a name" if region.names else "without a name"
            placed = "" if region.area is not None else ", its place can't be read"
            self.seen.findings.append(
                Finding(
                    "xmp-region", region.entry.start, region.entry.end,
                    f"a region {named}{placed}", EDITED,
                )
            )  # fmt: skip

    def _directory(self, element: Element) -> None:
        self.seen.directories.append(element)
        detail = "directory of the pictures and videos behind this one"
        self.seen.findings.append(
            Finding("xmp-container", element.start, element.end, detail, IN_STEP)
        )


def _pictures(node: Attribute | Element) -> Iterator[tuple[int, int, str]]:
    """Give the base64 texts in a node that begin like a picture."""
    if isinstance(node, Attribute):
        if rules.is_picture_text(node.value):
            yield node.value_start, node.value_end, node.value
        return
    if rules.is_picture_text(node.text):
        yield node.inner, node.close, node.text
    for attribute in node.attributes:
        yield from _pictures(attribute)
    for child in node.children:
        yield from _pictures(child)


def _encoded_size(text: str) -> tuple[int, int] | None:
    head = "".join(text[:_HEAD].split())
    try:
        return picture_size(base64.b64decode(head[: len(head) // 4 * 4]))
    except (binascii.Error, ValueError):
        return None
