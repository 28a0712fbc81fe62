"""The faces and other regions that XMP marks in a picture, in the forms that are in use.

Metadata Working Group guidelines 2.0, 5.9 (`mwg-rs`; Picasa, digiKam, Lightroom, Apple); Microsoft
People Tags (`MP`, `MPRI`, `MPReg`); ACDSee's copy of the first; IPTC Photo Metadata standard
2023.1, image regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..model import Area
from .packet import Attribute, Element, fields, items, texts

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
_NAME_MOST = 200


class Region(NamedTuple):
    """A region: the entry in its list, and the structure that goes with the last entry.

    ``area`` is as it is written, in fractions; None where it can't be read.
    """

    entry: Element
    holder: int
    area: Area | None
    names: frozenset[str]


def read_list(
    node: Element, ancestors: Iterable[Element], size: tuple[int, int] | None
) -> list[Region] | None:
    """Return the regions of a list; None if the property is no list of regions.

    ``size`` is the picture's, for areas that are written in pixels.
    """
    if node.name not in _LISTS:
        return None
    owner = next((above for above in ancestors if above.name == _LISTS[node.name]), node)
    found = []
    for entry in items(node):
        known = {each.name.rpartition(" ")[2]: each for each in fields(entry)}
        names = frozenset(_names(known))
        if str(_text(known.get("Type"))).strip().lower() in _NO_PERSON and not names:
            continue  # where the camera focussed, without a word on who is there
        found.append(Region(entry, owner.start, _area(known, size), names))
    return found


def overlapping(region: Region, areas: Iterable[Area], orientation: int) -> bool:
    """Whether a region shares more than an edge with an area, in the stored or upright reading.

    Programs disagree on which one they mean. A region that can't be read overlaps any.
    """
    if region.area is None:
        return any(True for _ in areas)
    readings = (region.area, _stored(region.area, orientation))
    return any(reading.overlaps(area) for area in areas for reading in readings)


def _names(known: dict[str, Attribute | Element]) -> Iterator[str]:
    for local in _NAMES & known.keys():
        for text in texts(known[local]):
            name = " ".join(text.split())
            if name.lower() not in _NO_NAMES and len(name) <= _NAME_MOST:
                yield name


def _area(known: dict[str, Attribute | Element], size: tuple[int, int] | None) -> Area | None:
    try:
        if "Rectangle" in known:
            left, top, width, height = map(float, str(_text(known["Rectangle"])).split(","))
            return _checked(Area(left, top, left + width, top + height))
        if "RegionBoundary" in known:
            return _boundary(known["RegionBoundary"], size)
        for local in ("Area", "DLYArea", "ALGArea"):
            if local in known:
                return _centred(known[local], size)
    except (ValueError, OverflowError):
        return None
    return None


def _centred(node: Attribute | Element, size: tuple[int, int] | None) -> Area | None:
    """Read an ``stArea``: the centre, and width and height or a diameter."""
    values = _values(node)
    x, y = float(values["x"]), float(values["y"])
    diameter = values.get("d", "0")
    half_width = float(values.get("w", diameter)) / 2
    half_height = float(values.get("h", diameter)) / 2
    area = Area(x - half_width, y - half_height, x + half_width, y + half_height)
    return _checked(_scaled(area, values.get("unit", "normalized") == "pixel", size))


def _boundary(node: Attribute | Element, size: tuple[int, int] | None) -> Area | None:
    """Read an IPTC region boundary: rectangle, circle or polygon."""
    values = _values(node)
    pixels = values.get("rbUnit", "relative") == "pixel"
    if "rbX" in values and "rbY" in values:
        x, y = float(values["rbX"]), float(values["rbY"])
        if "rbRx" in values:
            radius = float(values["rbRx"])
            # A relative radius is of the width: the height may be the shorter side.
            tall = radius if pixels or size is None else radius * size[0] / max(size[1], 1)
            area = Area(x - radius, y - tall, x + radius, y + tall)
        else:
            area = Area(x, y, x + float(values["rbW"]), y + float(values["rbH"]))
        return _checked(_scaled(area, pixels, size))
    if not isinstance(node, Element):
        return None
    corners = [
        (float(point["rbX"]), float(point["rbY"]))
        for each in fields(node)
        if isinstance(each, Element) and each.name.endswith(" rbVertices")
        for point in map(_values, items(each))
    ]
    across, down = zip(*corners, strict=True)
    area = Area(min(across), min(down), max(across), max(down))
    return _checked(_scaled(area, pixels, size))


def _scaled(area: Area, pixels: bool, size: tuple[int, int] | None) -> Area:
    if not pixels:
        return area
    if size is None:
        raise ValueError("pixels of a picture whose size is not known")
    width, height = max(size[0], 1), max(size[1], 1)
    return Area(area.left / width, area.top / height, area.right / width, area.bottom / height)


def _checked(area: Area) -> Area | None:
    """Return an area that can be compared: not NaN, not turned inside out."""
    good = area.left <= area.right and area.top <= area.bottom
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
