"""The faces and other regions that XMP marks in a picture, in the forms that are in use.

Metadata Working Group guidelines 2.0, 5.9 (`mwg-rs`; Picasa, digiKam, Lightroom, Apple); Microsoft
People Tags (`MP`, `MPRI`, `MPReg`); ACDSee's copy of the first; IPTC Photo Metadata standard
2023.1, image regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..model import Area
from .packet import RDF, Attribute, BrokenPacketError, Element, fields, is_item, items, texts

__all__ = ["Region", "overlapping", "read_list"]

_MWG = "http://www.metadataworkinggroup.com/schemas/regions"
_ACDSEE = "http://ns.acdsee.com/regions"
_MICROSOFT = "http://ns.microsoft.com/photo/1.2/t/RegionInfo"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29"

_LISTS = {
    f"{_MWG} RegionList": f"{_MWG} Regions",
    f"{_ACDSEE} RegionList": f"{_ACDSEE} Regions",
    f"{_MICROSOFT} Regions": "http://ns.microsoft.com/photo/1.2 RegionInfo",
    f"{_IPTC} ImageRegion": "",
}
"""The lists of regions, and the structure that makes no sense without one."""

_NAMES = frozenset(("Name", "PersonDisplayName", "PersonName", "PersonInImage"))
_NO_NAMES = frozenset(("", "unknown", "unnamed", "face", "person", "people", "none"))
"""What programs write where they know no name: such words stay in captions."""
_NO_PERSON = frozenset(("focus", "barcode"))
_AREAS = ("Rectangle", "RegionBoundary", "Area", "DLYArea", "ALGArea")
_APART = frozenset(("rCtype", "rRole", *_AREAS))
"""Fields whose own ones are not the person's: a term of a vocabulary has a "Name" too."""
_NAME_MOST = 200
_OUTSIDE = 0.25
"""How far a face may reach beyond the picture; what lies farther out is in another unit."""
_ASPECT = 0.05

_Size = tuple[float, float]


class Region(NamedTuple):
    """A region: the entry in its list, and the structure that goes with the last entry.

    ``area`` is as it is written, in fractions; None where it can't be read. ``pixels``: it was
    written in pixels of a picture that may be the stored or the upright one.
    """

    entry: Element
    holder: int
    area: Area | None
    names: frozenset[str]
    pixels: bool = False


def read_list(
    node: Element, ancestors: Iterable[Element], size: tuple[int, int] | None
) -> list[Region] | None:
    """Return the regions of a list; None if the property is no list of regions.

    ``size`` is the picture's, for areas that are written in pixels. Raises `BrokenPacketError`
    where a name is too long to be looked for.
    """
    if node.name not in _LISTS:
        return None
    owner = next((above for above in ancestors if above.name == _LISTS[node.name]), node)
    applied = _applied(owner)
    found = []
    for entry in _entries(node):
        known = _known(entry)
        names = frozenset(_names(entry))
        if str(_text(known.get("Type"))).strip().lower() in _NO_PERSON and not names:
            continue  # where the camera focussed, without a word on who is there
        area, pixels = _area(known, size, applied)
        found.append(Region(entry, owner.start, area, names, pixels))
    return found


def _entries(node: Element) -> list[Element]:
    """Return the regions in a list, also where it is no proper array."""
    found = list(items(node))
    for child in node.children:
        if is_item(child.name) or child.name == f"{RDF} Description":
            found.append(child)
    if not found and _known(node).keys() & (_NAMES | frozenset(_AREAS)):
        return [node]
    return found


def _known(entry: Element) -> dict[str, Attribute | Element]:
    """Return an entry's fields by their local names, those of a typed node in it too."""
    known: dict[str, Attribute | Element] = {}
    typed: list[Element] = []
    for each in fields(entry):
        known.setdefault(each.name.rpartition(" ")[2], each)
        if isinstance(each, Element):
            typed.append(each)
    if len(known) == len(typed) == 1 and not known.keys() & (_NAMES | frozenset(_AREAS)):
        for each in fields(typed[0]):
            known.setdefault(each.name.rpartition(" ")[2], each)
    return known


def _applied(owner: Element) -> _Size | None:
    """Return the size of the picture that areas were written for, where it is stated."""
    for each in fields(owner):
        if each.name.endswith(" AppliedToDimensions"):
            values = _values(each)
            try:
                width, height = float(values["w"]), float(values["h"])
            except ValueError:
                return None
            return (width, height) if 0 < width < 1e6 and 0 < height < 1e6 else None
    return None


def overlapping(region: Region, areas: Iterable[Area], orientation: int) -> bool:
    """Whether a region shares more than an edge with an area, in the stored or upright reading.

    Programs disagree on which one they mean. A region that can't be read overlaps any.
    """
    if region.area is None:
        return any(True for _ in areas)
    if region.pixels and orientation >= 5:
        return any(True for _ in areas)
    readings = (region.area, _stored(region.area, orientation))
    return any(reading.overlaps(area) for area in areas for reading in readings)


def _names(entry: Attribute | Element) -> Iterator[str]:
    """Give the names anywhere in a region; IPTC's persons with details are two levels down."""
    if entry.name.rpartition(" ")[2] in _NAMES:
        for text in texts(entry):
            name = " ".join(text.split())
            if len(name) > _NAME_MOST:
                raise BrokenPacketError("a region's name is too long")
            if name.lower() not in _NO_NAMES:
                yield name
        return
    if isinstance(entry, Element) and entry.name.rpartition(" ")[2] not in _APART:
        for attribute in entry.attributes:
            yield from _names(attribute)
        for child in entry.children:
            yield from _names(child)


def _area(
    known: dict[str, Attribute | Element], size: tuple[int, int] | None, applied: _Size | None
) -> tuple[Area | None, bool]:
    """Return a region's area, and whether it was in pixels of this picture, however it stands."""
    try:
        if applied is not None and size is not None and not _alike(applied, size):
            return None, False  # what they were written for was cropped since
        if "Rectangle" in known:
            left, top, width, height = map(float, str(_text(known["Rectangle"])).split(","))
            return _checked(Area(left, top, left + width, top + height)), False
        for local in _AREAS[1:]:
            if local in known:
                boundary = local == "RegionBoundary"
                values = _values(known[local])
                pixels = _unit(values, "rbUnit" if boundary else "unit")
                whole = applied or size if pixels == "pixel" else size
                area = _boundary(known[local], values, size) if boundary else _centred(values)
                return _checked(_scaled(area, pixels, whole)), pixels == "pixel" and not applied
    except (ValueError, OverflowError):
        return None, False
    return None, False


def _alike(applied: _Size, size: _Size) -> bool:
    """Whether two pictures have one shape, one of them turned perhaps."""
    wide, other = applied[0] * size[1], applied[1] * size[0]
    turned, upright = applied[0] * size[0], applied[1] * size[1]
    return min(wide, other) >= (1 - _ASPECT) * max(wide, other) or min(turned, upright) >= (
        1 - _ASPECT
    ) * max(turned, upright)


def _unit(values: _Values, field: str) -> str:
    """Return "", "pixel" or "percent"."""
    unit = values.get(field, "").strip().lower()
    known = {
        "": "", "normalized": "", "normalised": "", "relative": "",
        "pixel": "pixel", "pixels": "pixel", "px": "pixel", "percent": "percent", "%": "percent",
    }  # fmt: skip
    if unit not in known:
        raise ValueError("a unit that is not known")
    return known[unit]


def _centred(values: _Values) -> Area:
    """Read an ``stArea``: the centre, and width and height or a diameter."""
    x, y = float(values["x"]), float(values["y"])
    diameter = values.get("d", "0")
    half_width = float(values.get("w", diameter)) / 2
    half_height = float(values.get("h", diameter)) / 2
    return Area(x - half_width, y - half_height, x + half_width, y + half_height)


def _boundary(node: Attribute | Element, values: _Values, size: tuple[int, int] | None) -> Area:
    """Read an IPTC region boundary: rectangle, circle or polygon."""
    if "rbX" in values and "rbY" in values:
        x, y = float(values["rbX"]), float(values["rbY"])
        if "rbRx" not in values:
            return Area(x, y, x + float(values["rbW"]), y + float(values["rbH"]))
        radius = float(values["rbRx"])
        # A relative radius is of the width: the height may be the shorter side.
        flat = _unit(values, "rbUnit") or size is None
        tall = radius if flat or size is None else radius * size[0] / max(size[1], 1)
        return Area(x - radius, y - tall, x + radius, y + tall)
    corners = [
        (float(point["rbX"]), float(point["rbY"]))
        for each in (fields(node) if isinstance(node, Element) else ())
        if isinstance(each, Element) and each.name.endswith(" rbVertices")
        for point in map(_values, items(each))
    ]
    across, down = zip(*corners, strict=True)
    return Area(min(across), min(down), max(across), max(down))


def _scaled(area: Area, unit: str, size: _Size | None) -> Area:
    if not unit:
        return area
    if unit == "percent":
        size = (100, 100)
    if size is None:
        raise ValueError("pixels of a picture whose size is not known")
    width, height = max(size[0], 1), max(size[1], 1)
    return Area(area.left / width, area.top / height, area.right / width, area.bottom / height)


def _checked(area: Area) -> Area | None:
    """Return an area that can be compared: in fractions, not NaN, not turned inside out."""
    good = area.left <= area.right and area.top <= area.bottom
    good = good and all(-_OUTSIDE <= each <= 1 + _OUTSIDE for each in area)
    return area if good else None


def _stored(area: Area, orientation: int) -> Area:
    """Map an area of the upright picture to the stored one."""
    left, top, right, bottom = area
    if orientation >= 5:
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = 1 - right, 1 - left
    if orientation in (3, 4, 6, 7):
        top, bottom = 1 - bottom, 1 - top
    return Area(left, top, right, bottom)


def _text(node: Attribute | Element | None) -> str:
    return "" if node is None else next(texts(node), "")


class _Values(dict[str, str]):
    """A structure's fields by local name; one that is missing is an unreadable area."""

    def __missing__(self, key: str) -> str:
        raise ValueError(key)


def _values(node: Attribute | Element) -> _Values:
    if isinstance(node, Attribute):
        return _Values()
    return _Values({each.name.rpartition(" ")[2]: _text(each).strip() for each in fields(node)})
