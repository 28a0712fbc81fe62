"""The XMP of a gain map, made anew with nothing in it but the numbers that a screen needs.

Properties of Adobe's ``hdrgm`` namespace (ISO 21496-1 names them too) and of Apple's gain maps.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

__all__ = ["HDRGM", "least_packet"]

HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NUMBER = re.compile(r"[-+]?[0-9][0-9.eE+-]{0,23}|True|False|true|false")
_APPLE = re.compile(r"urn:com:apple:photo:2020:aux:hdrgainmap")
_PREFIXES = {
    HDRGM: "hdrgm",
    "http://ns.apple.com/pixeldatainfo/1.0/": "apdi",
    "http://ns.apple.com/HDRGainMap/1.0/": "HDRGainMap",
}
_VALUES = {
    **dict.fromkeys(
        (
            f"hdrgm:{name}"
            for name in (
                "Version", "BaseRenditionIsHDR", "GainMapMin", "GainMapMax", "Gamma",
                "OffsetSDR", "OffsetHDR", "HDRCapacityMin", "HDRCapacityMax", "OplusScale",
            )
        ),
        _NUMBER,
    ),
    "apdi:AuxiliaryImageType": _APPLE,
    "apdi:StoredFormat": _NUMBER,
    "apdi:NativeFormat": _NUMBER,
    "HDRGainMap:HDRGainMapVersion": _NUMBER,
    "HDRGainMap:HDRGainMapHeadroom": _NUMBER,
}  # fmt: skip
_MOST_VALUES = 4
"""In one property: one for each channel of the gain map."""


class _Property(NamedTuple):
    """A property, its values, and whether it was an attribute, or an element with a list in it."""

    name: str
    values: tuple[str, ...]
    form: str

    @property
    def fine(self) -> bool:
        wanted = _VALUES.get(self.name)
        return (
            wanted is not None
            and 0 < len(self.values) <= (_MOST_VALUES if self.form == "list" else 1)
            and all(wanted.fullmatch(value) for value in self.values)
        )


class _DeclaredError(ValueError):
    """A document type, which no XMP has."""


class _Reader:
    """Gathers the properties of the descriptions in a packet."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.found: dict[str, _Property] = {}
        self.text = ""
        self.values: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._declared

    @staticmethod
    def _declared(*_: object) -> None:
        raise _DeclaredError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(_called(name))
        self.text = ""
        if self.path[-2:] == ["rdf:RDF", "rdf:Description"]:
            for key, value in attributes.items():
                self._add(_Property(_called(key), (value,), "attribute"))
        elif self.path[-3:-1] == ["rdf:RDF", "rdf:Description"]:
            self.values = []

    def _characters(self, text: str) -> None:
        self.text += text

    def _end(self, name: str) -> None:
        below = self.path[self.path.index("rdf:RDF") :] if "rdf:RDF" in self.path else []
        if len(below) == 3:
            text, many = self.text.strip(), bool(self.values)
            values = tuple(self.values) if many else (text,)
            self._add(_Property(self.path[-1], values, "list" if many else "element"))
        elif len(below) == 5 and below[3:] == ["rdf:Seq", "rdf:li"]:
            self.values.append(self.text.strip())
        self.text = ""
        self.path.pop()

    def _add(self, one: _Property) -> None:
        if one.fine:
            self.found.setdefault(one.name, one)


def least_packet(packet: bytes) -> bytes | None:
    """Return a packet with a gain map's own properties alone; None where it has none.

    What this made comes back as it is.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except (expat.ExpatError, _DeclaredError):
        return None
    found = reader.found.values()
    if not found:
        return None
    spaces = {name: space for space, name in _PREFIXES.items()}
    used = dict.fromkeys(one.name.split(":")[0] for one in found)
    words = [f'xmlns:{prefix}="{spaces[prefix]}"' for prefix in used]
    words += [f'{one.name}="{one.values[0]}"' for one in found if one.form == "attribute"]
    inner = "".join(_element(one) for one in found if one.form != "attribute")
    head = f"<rdf:Description {' '.join(words)}"
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">{head}'
        + (f">{inner}</rdf:Description>" if inner else "/>")
        + "</rdf:RDF></x:xmpmeta>"
    ).encode()


def _element(one: _Property) -> str:
    value = one.values[0]
    if one.form == "list":
        items = "".join(f"<rdf:li>{value}</rdf:li>" for value in one.values)
        value = f"<rdf:Seq>{items}</rdf:Seq>"
    return f"<{one.name}>{value}</{one.name}>"


def _called(name: str) -> str:
    """Return a name with its namespace's usual prefix; "" where it is of no matter."""
    space, _, local = name.rpartition(" ")
    if space == _RDF:
        return f"rdf:{local}"
    return f"{_PREFIXES[space]}:{local}" if space in _PREFIXES else ""
