"""The log as XML: the same fields as in JSON Lines (docs/design/log.xsd)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import InvalidLogError
from .log import SCHEMA, Log, json_value

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["log_to_xml", "public_to_xml", "xml_values"]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
_ILLEGIBLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CORNERS = ("left", "top", "right", "bottom")
_FILE = ("name", "sha256", "version", "orientation", "redacted", "diff")
_DETECTION = ("id", "label", "score", "decision", "source", "model", "threshold", "shape")
_OPTIONS = ("effort", "threshold", "method", "margin", "side_copies")
_MOST = 100
"""Numbers in a list that are looked at: more are refused, whatever they are."""
_NUMERIC = frozenset(("orientation", "score", "threshold"))


def log_to_xml(log: Log) -> bytes:
    """Return a log as an XML document."""
    root = _element("log", {"schema": SCHEMA})
    for entry in log.entries:
        root.append(_file(json_value(entry)))
    return _document(root)


def public_to_xml(values: Iterable[dict[str, Any]]) -> bytes:
    """Return what may be shown (see `public_value`) as an XML document."""
    root = _element("log", {"schema": SCHEMA})
    for value in values:
        public = _element("public", {"version": value["version"], "redacted": value["redacted"]})
        for each in value["counts"]:
            public.append(_element("count", {"label": each["label"]}, str(each["count"])))
        root.append(public)
    return _document(root)


def _document(root: Element) -> bytes:
    from xml.etree import ElementTree

    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _file(value: dict[str, Any]) -> Element:
    value["name"] = value["file"]
    file = _element("file", {name: value[name] for name in _FILE})
    if value["size"] is not None:
        file.append(_element("size", dict(zip(("width", "height"), value["size"], strict=True))))
    for detector in value["detectors"]:
        file.append(_element("detector", detector))
    options = _element("options", {name: value["options"][name] for name in _OPTIONS})
    for label in value["options"]["labels"]:
        options.append(_element("label", {}, label))
    file.append(options)
    for each in value["detections"]:
        file.append(_detection(each))
    for code in value["warnings"]:
        file.append(_element("warning", {}, code))
    if value["error"] is not None:
        file.append(_element("error", {"code": value["error"]["code"]}, value["error"]["message"]))
    return file


def _detection(value: dict[str, Any]) -> Element:
    found = _element("detection", {name: value[name] for name in _DETECTION})
    found.append(_element("box", dict(zip(_CORNERS, value["box"], strict=True))))
    for x, y in value["points"]:
        found.append(_element("point", {"x": x, "y": y}))
    for part in value["parts"]:
        found.append(_element("part", dict(zip(_CORNERS, part, strict=True))))
    if value["snapped"] is not None:
        found.append(_element("snapped", dict(zip(_CORNERS, value["snapped"], strict=True))))
    if value["blocks"]:
        found.append(_element("blocks", {}, " ".join(map(str, value["blocks"]))))
    return found


def _element(tag: str, attributes: dict[str, Any], text: str | None = None) -> Element:
    from xml.etree.ElementTree import Element

    element = Element(
        tag,
        {
            name: _legible(value if isinstance(value, str) else json.dumps(value))
            for name, value in attributes.items()
            if value is not None
        },
    )
    if text is not None:
        element.text = _legible(text)
    return element


def _legible(text: str) -> str:
    """Return text without what XML 1.0 can't hold (2.2), or reads back as something else."""
    return _ILLEGIBLE.sub("\ufffd", text)


def xml_values(text: str) -> Iterator[tuple[str, Any]]:
    """Yield what each picture's element says, as in JSON Lines, and where it is."""
    root = _parse(text)
    if root.tag != "log":
        raise _wrong(f"the root is {root.tag!r}, not 'log'")
    shown = _Element(root, "log")
    schema = shown.attributes(("schema",))["schema"]
    for number, child in enumerate(root, 1):
        where = f"picture {number}"
        if child.tail is not None and child.tail.strip():
            raise _wrong(f"text behind {where}")
        if child.tag == "public":
            yield where, {"record": "public"}
            continue
        if child.tag != "file":
            raise _wrong(f"{where}: {child.tag!r} is neither 'file' nor 'public'")
        yield where, _file_value(_Element(child, where), schema)


def _parse(text: str) -> Element:
    from xml.etree import ElementTree

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _wrong("document types are not read")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  (no entities without a document type)
    except (ElementTree.ParseError, ValueError) as error:
        raise _wrong(str(error)) from None


class _Element:
    """An element of which nothing may be left unread."""

    def __init__(self, element: Element, where: str) -> None:
        self._element = element
        self._where = where

    def attributes(self, names: Iterable[str]) -> dict[str, Any]:
        """Return its attributes, numbers as such; None where one is missing."""
        left = dict(self._element.attrib)
        found = {name: left.pop(name, None) for name in names}
        for name in left:
            raise _wrong(f"{self._where}: {self._element.tag} has no attribute {name!r}")
        return {
            name: _number(value) if value is not None and _is_number(name) else value
            for name, value in found.items()
        }

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the attributes of what has nothing else."""
        self.children({})
        return self.attributes(names)

    def text(self, names: Iterable[str] = ()) -> dict[str, Any]:
        """Return the attributes of what holds nothing but text, and that as "text"."""
        for child in self._element:
            raise _wrong(f"{self._where}: {self._element.tag} holds no {child.tag!r}")
        return {**self.attributes(names), "text": self._element.text or ""}

    def children(self, readers: dict[str, Callable[[_Element], Any]]) -> dict[str, list[Any]]:
        """Return what its children say, by their tags."""
        found: dict[str, list[Any]] = {tag: [] for tag in readers}
        for text in (self._element.text, *(child.tail for child in self._element)):
            if text is not None and text.strip():
                raise _wrong(f"{self._where}: {self._element.tag} holds no text")
        for child in self._element:
            if child.tag not in readers:
                raise _wrong(f"{self._where}: {self._element.tag} holds no {child.tag!r}")
            found[child.tag].append(readers[child.tag](_Element(child, self._where)))
        return found


def _is_number(name: str) -> bool:
    return name in _NUMERIC or name in _CORNERS or name in ("x", "y", "width", "height", "schema")


def _file_value(file: _Element, schema: Any) -> dict[str, Any]:
    value = file.attributes(_FILE)
    value["file"] = value.pop("name")
    parts = file.children(
        {
            "size": lambda e: list(e.values(("width", "height")).values()),
            "detector": lambda e: e.values(("name", "digest")),
            "options": _options_value,
            "detection": _detection_value,
            "warning": lambda e: e.text()["text"],
            "error": _error_value,
        }
    )
    return {
        **_without_none(value),
        "record": "file",
        "schema": schema,
        "size": _one(parts["size"], "size"),
        "detectors": parts["detector"],
        "options": _one(parts["options"], "options"),
        "detections": parts["detection"],
        "warnings": parts["warning"],
        "error": _one(parts["error"], "error"),
    }


def _error_value(error: _Element) -> dict[str, Any]:
    value = error.text(("code",))
    return {"code": value["code"], "message": value["text"]}


def _options_value(options: _Element) -> dict[str, Any]:
    labels = options.children({"label": lambda e: e.text()["text"]})["label"]
    return {**options.attributes(_OPTIONS), "labels": labels}


def _detection_value(detection: _Element) -> dict[str, Any]:
    parts = detection.children(
        {
            "box": lambda e: list(e.values(_CORNERS).values()),
            "point": lambda e: list(e.values(("x", "y")).values()),
            "part": lambda e: list(e.values(_CORNERS).values()),
            "snapped": lambda e: list(e.values(_CORNERS).values()),
            "blocks": lambda e: [_number(part) for part in e.text()["text"].split(maxsplit=_MOST)],
        }
    )
    value = {
        **detection.attributes(_DETECTION),
        "points": parts["point"],
        "parts": parts["part"],
        "snapped": _one(parts["snapped"], "snapped"),
        "blocks": _one(parts["blocks"], "blocks"),
    }
    if parts["box"]:
        value["box"] = _one(parts["box"], "box")
    return value


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if part is not None}


def _one(found: list[Any], tag: str) -> Any:
    if len(found) > 1:
        raise _wrong(f"{tag!r} stands there {len(found)} times")
    return found[0] if found else None


def _number(text: str) -> Any:
    """Return a number, or the text itself where it is none: who asks for a number says so."""
    return json.loads(text) if _NUMBER.fullmatch(text.strip()) else text


def _wrong(message: str) -> InvalidLogError:
    return InvalidLogError(f"the log as XML: {message}", code="log.syntax")
