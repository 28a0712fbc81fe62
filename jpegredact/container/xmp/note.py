"""The note: properties of ours in a packet that say what was redacted.

It is for those who find the file, not for its owner. Nothing in it comes from the picture: the
version, the method, how many regions, and how many of each label. Labels are the caller's; what
is no plain word counts as "other", and no label as "region". Of a note that stands there already
only what could have been written here is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set

from ..._version import VERSION
from ..many_texts import with_blanks
from ..model import RedactionNote
from .packet import RDF, Attribute, Element, texts

__all__ = ["NAMESPACE", "describe", "joined", "make_note", "read_note"]

NAMESPACE = "urn:x-jpegredact:note/1.0"
"""As names in packets have it: without the "/" at its end."""

_NAMES = ("Version", "Method", "Regions", "Labels")
_OTHER = "other"
_MOST_LABELS = 32
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,29}")
"""Too short for `rules.encoded` to look at, with the colon behind it."""
_COUNTED = re.compile(r"([^:]+): ([1-9][0-9]{0,8})")
_VERSION = re.compile(r"[A-Za-z0-9.+_-]{1,64}")


def make_note(labels: Iterable[str | None], method: str) -> RedactionNote:
    """Return the note of regions with these labels, redacted by this version."""
    counts = Counter("region" if label is None else _plain(label) for label in labels)
    return RedactionNote(VERSION, _plain(method), _listed(counts))


def joined(notes: Sequence[RedactionNote], names: Set[str]) -> RedactionNote:
    """Return a note of the regions of all, by the first one's version and method.

    A label that holds one of ``names`` counts as "other".
    """
    said = [counted for note in notes for counted in note.labels]
    named = with_blanks([label for label, _ in said], names) if names else {}
    counts: Counter[str] = Counter()
    for number, (label, count) in enumerate(said):
        counts[_OTHER if number in named else label] += count
    return notes[0]._replace(labels=_listed(counts))


def read_note(properties: Sequence[Attribute | Element]) -> RedactionNote | None:
    """Return the note that a packet's properties of ours are; None if it was not made here."""
    if len(properties) != len(_NAMES):
        return None
    found = {node.name.rpartition(" ")[2]: "".join(texts(node)) for node in properties}
    items = map(_COUNTED.fullmatch, found.get("Labels", "").split(", "))
    note = RedactionNote(
        found.get("Version", ""),
        _plain(found.get("Method", "")),
        _listed(Counter({item[1]: int(item[2]) for item in items if item is not None})),
    )
    written = found == _properties(note) and _VERSION.fullmatch(note.version)
    return note if written else None


def describe(note: RedactionNote, about: str = '""') -> str:
    """Return a note as an element that can stand in any ``rdf:RDF``, whatever its prefix.

    ``about`` is what the other descriptions there are about, with its quotes: readers want it
    to be the same in all of them.
    """
    properties = (f'\n   jpegredact:{name}="{text}"' for name, text in _properties(note).items())
    return (
        f'  <rdf:Description rdf:about={about} xmlns:rdf="{RDF}#"\n'
        f'   xmlns:jpegredact="{NAMESPACE}/"{"".join(properties)}/>\n'
    )


def _properties(note: RedactionNote) -> dict[str, str]:
    regions = str(sum(count for _, count in note.labels))
    labels = ", ".join(f"{label}: {count}" for label, count in note.labels)
    return dict(zip(_NAMES, (note.version, note.method, regions, labels), strict=True))


def _listed(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent labels, and how many others there are."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most = [item for item in ordered if item[0] == _plain(item[0]) != _OTHER][:_MOST_LABELS]
    others = sum(counts.values()) - sum(count for _, count in most)
    return (*most, (_OTHER, others)) if others else tuple(most)


def _plain(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else _OTHER
