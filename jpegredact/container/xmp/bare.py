"""A packet made anew, with nothing but a panorama's geometry (GPano) and the note."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import RedactionNote
from . import rules as rules
from .note import describe
from .packet import RDF, Document, Element, fields, texts

__all__ = ["bare_packet", "panorama"]

_GPANO_TEXT = re.compile(r"[\w.:+-]{1,40}", re.ASCII)


def panorama(document: Document) -> dict[str, str]:
    """Return a panorama's geometry.

    Of Photo Sphere XMP's properties, those that are a number, a date or a single word.
    """
    found: dict[str, str] = {}
    below: list[Element] = [document.root]
    while below:
        element = below.pop()
        for node in fields(element):
            if node.name in rules.PANORAMA:
                value = next(texts(node), "").strip()
                if _GPANO_TEXT.fullmatch(value):
                    found.setdefault(node.name.rpartition(" ")[2], value)
        below += element.children
    return found


def bare_packet(geometry: Mapping[str, str], note: RedactionNote | None) -> bytes:
    """Return a packet with these properties of Photo Sphere XMP, and with a note."""
    described = ""
    if geometry:
        properties = (f'\n   GPano:{name}="{geometry[name]}"' for name in sorted(geometry))
        described += (
            '  <rdf:Description rdf:about=""\n'
            '   xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"'
            f"{''.join(properties)}/>\n"
        )
    if note is not None:
        described += describe(note)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f' <rdf:RDF xmlns:rdf="{RDF}#">\n'
        f"{described} </rdf:RDF>\n"
        "</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    ).encode()
