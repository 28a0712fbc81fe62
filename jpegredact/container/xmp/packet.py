"""An XMP packet as a tree that knows where each part of it lies, and cuts in its bytes.

Knows XML and RDF's containers (XMP specification part 1, 7; ISO 16684-1); knows no property and
no segment. Nothing is serialised again: what stays is the original's bytes.

Expat is used directly: its byte positions are what the cuts are made from, and the parsers of
`defusedxml` don't hand them on. What makes that package safe is done here too: a document type
declaration, and with it every entity and external reference, is refused, and so are deep and
very large trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from ..model import FileEdit

__all__ = [
    "RDF",
    "Attribute",
    "BrokenPacketError",
    "Document",
    "Element",
    "Note",
    "fields",
    "is_field",
    "is_item",
    "items",
    "parse",
    "texts",
]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns"
_DESCRIPTION = f"{RDF} Description"
_ARRAYS = frozenset(f"{RDF} {name}" for name in ("Bag", "Seq", "Alt"))
_ITEM = f"{RDF} li"
_NUMBERED = re.compile(re.escape(RDF) + r" _\d{1,6}")
_RESOURCE = f"{RDF} resource"
_VALUE = f"{RDF} value"
_OUTSIDE = ("http://www.w3.org/XML/1998/namespace ", "adobe:ns:meta ")
"""Namespaces of attributes that are no fields: ``xml:lang``, ``x:xmptk``."""
_BARE = frozenset(("about", "ID", "parseType"))
"""RDF's own attributes, as old writers put them, without its prefix."""

_DEPTH = 64
_NODES = 50_000
"""Elements and attributes: a packet of 64 KiB has room for some thousands, real ones hold tens."""

_WORDS = {"namespace": (256, 8192), "prefix": (64, 2048), "name": (128, 16384), "lang": (64, 1024)}
"""Characters of one such word, and of all different ones together: real packets have a tenth."""
_LANG = "http://www.w3.org/XML/1998/namespace lang"

_TAG = re.compile(rb"<[^\s/>]+")
_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_TAG_END = re.compile(rb"\s*(/?)>")
_TAIL = re.compile(rb"[\s\0]*(<\?xpacket\s+end=[\"'][rw][\"']\s*\?>)?[\s\0]*")
_OPENING = re.compile(
    r"begin=[\"'].{0,3}[\"']\s+id=[\"']W5M0\w{0,40}[\"']"
    r"(?:\s+(?:bytes|encoding)=[\"'][\w-]{0,20}[\"'])*\s*"
)
"""The wrapper's own text; anything else in its place is a note."""
_LINE = 100
"""Padding gets a line break this often, as in Adobe's own (XMP specification part 1, 7.3.5)."""


class BrokenPacketError(ValueError):
    """The packet can't be parsed, or is not safe to parse. Never leaves this package."""


class Attribute(NamedTuple):
    """An attribute; ``start`` is behind whatever stands before it, the value is unquoted."""

    name: str
    value: str
    start: int
    end: int
    value_start: int
    value_end: int


class Element(NamedTuple):
    """An element: ``start`` to ``end`` with its tags, ``inner`` to ``close`` without them.

    Names are "namespace local", the namespace without the last "/" or "#" (writers differ in
    it). ``text`` is its own character data.
    """

    name: str
    start: int
    end: int
    inner: int
    close: int
    attributes: tuple[Attribute, ...]
    children: tuple[Element, ...]
    text: str


class Note(NamedTuple):
    """A comment or a processing instruction."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed packet.

    Attributes
    ----------
    raw, source, codec
        The packet as it is stored, and in UTF-8: positions are in that one.
    root
        The outermost element.
    notes
        Comments and instructions, but for the packet's own wrapper.
    junk
        Where bytes begin, behind the packet, that belong to no XML; the length if there are none.
    wrapper
        Where the closing wrapper begins, if there is one.
    """

    raw: bytes = field(repr=False)
    source: bytes = field(repr=False)
    codec: str
    root: Element = field(repr=False)
    notes: tuple[Note, ...]
    junk: int
    wrapper: int | None

    def label(self, start: int) -> str:
        """Return the name, as written, of the element or attribute at a position."""
        found = re.compile(rb"[\s<]*([\w.:-]{1,60})").match(self.source, start)
        return found[1].decode("ascii", "replace") if found else "?"

    def changes(
        self,
        gone: Set[int],
        values: Mapping[int, str],
        added: Mapping[int, str],
        *,
        cut_junk: bool = True,
    ) -> list[FileEdit] | None:
        """Return the changes of ``raw`` that take some nodes out and give others a new value.

        Nodes are named by their ``start``; elements in ``added`` get more XML at their end. What
        has nothing left in it goes too; None: nothing is left at all. The length is kept by
        padding where there is a wrapper to pad in.
        """
        plan = _Wanted(gone, values, added)
        visited = None if self.root.start in gone else self._visit(self.root, plan)
        if visited is None:
            return None
        changes = list(visited.edits)
        changes += [(note.start, note.end, b"") for note in self.notes if note.start in gone]
        if cut_junk and self.junk < len(self.source):
            changes.append((self.junk, len(self.source), b""))
        if not changes:
            return []
        changes = _outermost(changes)
        if self.codec == "utf-8":
            return self._padded(changes, 1)
        unit = 4 if self.codec.startswith("utf-32") else 2
        new = _applied(self.source, self._padded(changes, unit)).decode().encode(self.codec)
        return [_difference(self.raw, new)]

    def _visit(self, element: Element, plan: _Wanted) -> _Visited | None:
        """Return the edits within an element; None if it goes."""
        gone, values, added = plan
        edits: list[FileEdit] = []
        lost = substance = False
        for attribute in element.attributes:
            if attribute.start in gone:
                edits.append((attribute.start, attribute.end, b""))
                lost = True
                continue
            if attribute.start in values:
                quote = self.source[attribute.value_start - 1 : attribute.value_start].decode()
                new = _quoted(values[attribute.start], quote)
                edits.append((attribute.value_start, attribute.value_end, new))
            substance = substance or is_field(attribute.name)
        for child in element.children:
            visited = None if child.start in gone else self._visit(child, plan)
            if visited is None:
                edits.append((self._before(child.start), child.end, b""))
                lost = True
            else:
                edits += visited.edits
                substance = substance or visited.substance
        if element.start in values and not element.children:
            edits.append((element.inner, element.close, _escaped(values[element.start]).encode()))
        if element.start in added:
            edits.append(self._at_end(element, added[element.start].encode()))
        substance = substance or bool(element.text.strip()) or element.start in added
        return None if lost and not substance else _Visited(edits, substance)

    def _at_end(self, element: Element, xml: bytes) -> FileEdit:
        """Return the edit that puts more into an element, behind all that is in it."""
        if element.close < element.end:
            return element.close, element.close, xml
        tag = _TAG.match(self.source, element.start)
        name = self.source[element.start + 1 : tag.end()] if tag is not None else b""
        return element.inner - len(b"/>"), element.inner, b">" + xml + b"</" + name + b">"

    def _before(self, start: int) -> int:
        """Return where the white space before an element begins."""
        while start and self.source[start - 1] in b" \t\r\n":
            start -= 1
        return start

    def _padded(self, changes: list[FileEdit], unit: int) -> list[FileEdit]:
        """Return changes with white space before the wrapper's end, so that no length changes."""
        if self.wrapper is None or self.junk < len(self.source):
            return changes
        new = _applied(self.source, changes)
        if unit == 1:
            room = len(self.source) - len(new)
        else:
            room = (len(self.raw) - len(new.decode().encode(self.codec))) // unit
        if room > 0:
            pad = (b" " * (_LINE - 1) + b"\n") * (room // _LINE + 1)
            return [*changes, (self.wrapper, self.wrapper, pad[:room])]
        spare = min(-room, self.wrapper - max(self._before(self.wrapper), changes[-1][1]))
        return [*changes, (self.wrapper - spare, self.wrapper, b"")] if spare > 0 else changes


class _Wanted(NamedTuple):
    gone: Set[int]
    values: Mapping[int, str]
    added: Mapping[int, str]


class _Visited(NamedTuple):
    edits: list[FileEdit]
    substance: bool


def fields(node: Element, depth: int = 0) -> Iterator[Attribute | Element]:
    """Give the fields of a structure, in whichever of RDF's forms they are written.

    As attributes, as elements (``rdf:parseType="Resource"``), or within an ``rdf:Description``.
    """
    for attribute in node.attributes:
        if is_field(attribute.name):
            yield attribute
    for child in node.children:
        if child.name in (_DESCRIPTION, _VALUE) and child.children + child.attributes:
            if depth < _DEPTH:
                yield from fields(child, depth + 1)
        else:
            yield child


def items(node: Element) -> Iterator[Element]:
    """Give the items of an array property."""
    for child in node.children:
        if child.name in _ARRAYS:
            yield from (item for item in child.children if is_item(item.name))


def is_item(name: str) -> bool:
    """Whether an element is an array's item: ``rdf:li``, or ``rdf:_1`` and so on."""
    return name == _ITEM or _NUMBERED.fullmatch(name) is not None


def texts(node: Attribute | Element) -> Iterator[str]:
    """Give every text in a node, attributes included."""
    if isinstance(node, Attribute):
        yield node.value
        return
    for attribute in node.attributes:
        if is_field(attribute.name):
            yield attribute.value
    if node.text.strip():
        yield node.text.strip()
    for child in node.children:
        yield from texts(child)


def parse(raw: bytes) -> Document:
    """Parse a packet.

    Raises
    ------
    BrokenPacketError
        It is not well-formed, has a document type, or is beyond the limits.
    """
    codec = _codec(raw)
    try:
        source = raw if codec == "utf-8" else raw.decode(codec).encode()
    except UnicodeError as error:
        raise BrokenPacketError(f"not {codec}") from error
    builder = _Builder(source)
    builder.run()
    root = builder.root
    if root is None:
        raise BrokenPacketError("no element")
    tail = _TAIL.match(source, root.end)
    wrapper = tail.start(1) if tail is not None and tail[1] is not None else None
    junk = tail.end() if tail is not None else root.end
    return Document(raw, source, codec, root, tuple(builder.notes), junk, wrapper)


class _Frame:
    """An element that is still open."""

    __slots__ = ("attributes", "children", "empty", "inner", "name", "start", "texts")

    def __init__(
        self, name: str, start: int, inner: int, empty: bool, attributes: tuple[Attribute, ...]
    ) -> None:
        self.name, self.start, self.inner, self.empty = name, start, inner, empty
        self.attributes = attributes
        self.children: list[Element] = []
        self.texts: list[str] = []


class _Builder:
    """Makes the tree from expat's events."""

    def __init__(self, source: bytes) -> None:
        # Zero bytes, left by damage or as padding, are no XML; as spaces they move nothing.
        self.source = source.replace(b"\0", b" ")
        self.root: Element | None = None
        self.notes: list[Note] = []
        self._open: list[_Frame] = []
        self._nodes = 0
        self._words: dict[str, set[str]] = {kind: set() for kind in _WORDS}
        self._sizes = dict.fromkeys(_WORDS, 0)
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartNamespaceDeclHandler = self._declaration
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype

    def run(self) -> None:
        try:
            self._parser.Parse(self.source, True)
        except expat.ExpatError as error:
            # Behind the outermost element: the packet is whole, what follows it is judged there.
            if self.root is None or self._parser.ErrorByteIndex < self.root.end:
                raise BrokenPacketError(expat.ErrorString(error.code)) from error

    def _word(self, kind: str, word: str) -> None:
        """Count what a packet may have some of; more of it is data in disguise."""
        most, total = _WORDS[kind]
        if word in self._words[kind]:
            return
        self._words[kind].add(word)
        self._sizes[kind] += len(word)
        if len(word) > most or self._sizes[kind] > total:
            raise BrokenPacketError(f"{kind}s that are too long")

    def _declaration(self, prefix: str | None, uri: str | None) -> None:
        self._word("prefix", prefix or "")
        self._word("namespace", uri or "")

    def _start(self, name: str, listed: list[str]) -> None:
        start = self._parser.CurrentByteIndex
        self._nodes += 1 + len(listed) // 2
        if len(self._open) >= _DEPTH or self._nodes > _NODES:
            raise BrokenPacketError("nested too deep or too many elements")
        self._word("name", name.rpartition(" ")[2])
        for at in range(0, len(listed), 2):
            self._word("name", listed[at].rpartition(" ")[2])
            if listed[at] == _LANG:
                self._word("lang", listed[at + 1])
        tag = _TAG.match(self.source, start)
        at = tag.end() if tag is not None else start
        attributes: list[Attribute] = []
        names = iter(listed)
        while found := _ATTRIBUTE.match(self.source, at):
            if found[1] != b"xmlns" and not found[1].startswith(b"xmlns:"):
                attribute = next(names, None), next(names, None)
                if attribute[0] is None or attribute[1] is None:
                    raise BrokenPacketError("attributes that can't be told apart")
                value_end = found.end() - 1
                value_start = self.source.index(found[0][-1:], found.end(1)) + 1
                attributes.append(
                    Attribute(
                        _normal(attribute[0]), attribute[1], found.start(), found.end(),
                        value_start, value_end,
                    )
                )  # fmt: skip
            at = found.end()
        closing = _TAG_END.match(self.source, at)
        if closing is None or next(names, None) is not None:
            raise BrokenPacketError("attributes that can't be told apart")
        empty = bool(closing[1])
        self._open.append(_Frame(_normal(name), start, closing.end(), empty, tuple(attributes)))

    def _end(self, _name: str) -> None:
        frame = self._open.pop()
        if frame.empty:
            close = end = frame.inner
        else:
            close = self._parser.CurrentByteIndex
            end = self.source.index(b">", close) + 1
        element = Element(
            frame.name, frame.start, end, frame.inner, close,
            frame.attributes, tuple(frame.children), "".join(frame.texts),
        )  # fmt: skip
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].texts.append(text)

    def _comment(self, text: str) -> None:
        start = self._parser.CurrentByteIndex
        if self.root is None:
            self.notes.append(Note(start, self.source.index(b"-->", start) + 3, text))

    def _instruction(self, target: str, text: str) -> None:
        start = self._parser.CurrentByteIndex
        own = target == "xpacket" and not self._open and _OPENING.fullmatch(text)
        if self.root is None and not own:
            end = self.source.index(b"?>", start) + 2
            self.notes.append(Note(start, end, f"{target} {text}"))

    def _doctype(self, *_: object) -> None:
        raise BrokenPacketError("a document type declaration")


def _normal(name: str) -> str:
    namespace, space, local = name.rpartition(" ")
    return namespace.rstrip("/#") + space + local


def is_field(name: str) -> bool:
    """Whether an attribute of this name is a property, not part of RDF's or XML's own syntax."""
    if name.startswith(RDF):
        return name == _RESOURCE
    return not name.startswith(_OUTSIDE) and name not in _BARE


def _codec(raw: bytes) -> str:
    """Return the encoding, from a byte order mark or from where the first zero bytes are."""
    head = raw[:4].ljust(4, b" ")
    if head in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32-le" if head[0] else "utf-32-be"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if head[0] == 0xFF else "utf-16-be"
    if head[:3] == b"\0\0\0" or head[1:] == b"\0\0\0":
        return "utf-32-le" if head[0] else "utf-32-be"
    if b"\0" in head[:2]:
        return "utf-16-le" if head[0] else "utf-16-be"
    return "utf-8"


def _quoted(value: str, quote: str) -> bytes:
    entities = {quote: "&quot;" if quote == '"' else "&apos;"}
    entities.update({"\n": "&#xA;", "\r": "&#xD;", "\t": "&#x9;"})
    return _escaped(value, entities).encode()


def _applied(source: bytes, changes: list[FileEdit]) -> bytes:
    out: list[bytes] = []
    at = 0
    for start, end, new in changes:
        out += (source[at:start], new)
        at = end
    out.append(source[at:])
    return b"".join(out)


def _outermost(changes: list[FileEdit]) -> list[FileEdit]:
    """Sort changes; a comment may lie in an element that goes as a whole."""
    found: list[FileEdit] = []
    for change in sorted(changes, key=lambda change: (change[0], -change[1])):
        if not found or change[0] >= found[-1][1]:
            found.append(change)
    return found


def _difference(old: bytes, new: bytes) -> FileEdit:
    """Return the one change that makes the new out of the old, without what both share."""
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    tail = next((n for n in range(most - head) if old[-1 - n] != new[-1 - n]), most - head)
    return head, len(old) - tail, new[head : len(new) - tail]


def _escaped(value: str, more: Mapping[str, str] | None = None) -> str:
    """Return text as XML has it, with other characters replaced too."""
    for char, entity in {"&": "&amp;", ">": "&gt;", "<": "&lt;", **(more or {})}.items():
        value = value.replace(char, entity)
    return value
