"""What was seen and done, for people and programs: JSON and XML (docs/design/report.md)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Notice", "RegionReport", "Report", "SideCopyReport"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the caller should know: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RegionReport:
    """One region: as asked for (pixels of the stored picture), and what it came to.

    ``snapped`` is the least rectangle of pixels, half-open, around its blocks in
    all components; ``blocks`` counts them by component, hidden padding included.
    """

    index: int
    shape: str
    box: tuple[float, float, float, float]
    snapped: tuple[int, int, int, int]
    blocks: tuple[int, ...]
    label: str | None
    score: float | None
    id: str | None


@dataclass(frozen=True, slots=True)
class SideCopyReport:
    """Another place in the file, and what was done with it (see `SideCopy`)."""

    kind: str
    offset: int
    length: int
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `redact` did to one file.

    Attributes
    ----------
    original, redacted
        SHA-256 in hexadecimal. ``original`` lets a short secret in the picture be
        guessed and checked: keep reports as private as diffs.
    size
        Width and height in pixels.
    method, content_free
        How blocks were filled, and whether nothing of the inside was used.
    regions, groups, groups_merged
        ``groups`` counts sets of blocks under exactly the same regions.
    blocks
        Rewritten, by component.
    blocks_moved
        Whose fill gave way to what the file's Huffman tables can say.
    tables_appended
        Header bytes that changed: offset and name of a Huffman table, symbols appended.
    bytes_rewritten
        Coded bytes in the intervals that were written anew.
    diff_bytes, raw_bytes
        Size of the diff; of it, original bytes kept because coding anew does not
        give them back, side copies included.
    side_copies_policy, side_copies
        "default", "strict" or "keep"; and each side copy with what was done.
    header_changes
        All that changed outside scans and Huffman tables: offset and length in the original, and
        the length of what stands there instead. An embedded diff is not among it.
    embedded_bytes
        What the diff takes in the redacted file itself, if it is embedded there.
    """

    version: str
    original: str
    redacted: str
    original_bytes: int
    redacted_bytes: int
    size: tuple[int, int]
    orientation: int
    method: str
    content_free: bool
    regions: tuple[RegionReport, ...]
    groups: int
    groups_merged: int
    blocks: tuple[int, ...]
    blocks_moved: int
    tables_appended: tuple[tuple[int, str, tuple[int, ...]], ...]
    bytes_rewritten: int
    diff_bytes: int
    raw_bytes: int
    side_copies_policy: str
    side_copies: tuple[SideCopyReport, ...]
    header_changes: tuple[tuple[int, int, int], ...]
    warnings: tuple[Notice, ...]
    embedded_bytes: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain dictionaries, lists, strings and numbers."""
        return asdict(self)

    def to_json(self, indent: int | None = None) -> str:
        """Return it as JSON, on one line unless ``indent`` says otherwise."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def to_xml(self) -> str:
        """Return it as XML: an element for each field, ``item`` for each entry of a list."""
        from xml.etree import ElementTree

        root = ElementTree.Element("report")
        _add(root, self.to_dict())
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode")


def _add(parent: Element, value: Any) -> None:
    from xml.etree import ElementTree

    if isinstance(value, dict):
        for name, part in value.items():
            if part is not None:
                _add(ElementTree.SubElement(parent, name), part)
    elif isinstance(value, list | tuple):
        for part in value:
            _add(ElementTree.SubElement(parent, "item"), part)
    elif isinstance(value, bool):
        parent.text = "true" if value else "false"
    else:
        # XML 1.0 has no way to write most control characters.
        parent.text = "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in str(value))
