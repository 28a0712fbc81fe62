"""Which Photoshop image resources are known to show nothing.

Adobe Photoshop File Formats Specification (November 2019), "Image Resource IDs".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..names import blanked_bytes, contains_name
from ..segments import icc
from ..xmp.rules import is_blob
from .blocks import Resource

__all__ = ["Judge", "has_name", "is_path"]

_KEPT = {
    0x03E8: "channels, rows, columns (Photoshop 2.0)",
    0x03E9: "print manager information (Macintosh)",
    0x03EA: "page format information (Macintosh)",
    0x03EB: "indexed colour table (Photoshop 2.0)",
    0x03ED: "resolution",
    0x03EE: "names of the alpha channels",
    0x03EF: "display information",
    0x03F0: "caption",
    0x03F1: "border",
    0x03F2: "background colour",
    0x03F3: "print flags",
    0x03F4: "halftone, grey",
    0x03F5: "halftone, colour",
    0x03F6: "halftone, duotone",
    0x03F7: "transfer function, grey",
    0x03F8: "transfer functions, colour",
    0x03F9: "transfer functions, duotone",
    0x03FA: "duotone image information",
    0x03FB: "black and white values of the dot range",
    0x03FD: "EPS options",
    0x03FE: "quick mask: channel and state",
    0x0400: "layer state",
    0x0402: "layer groups",
    0x0406: "JPEG quality",
    0x0408: "grid and guides",
    0x040A: "copyright flag",
    0x040B: "URL",
    0x040D: "global angle",
    0x040E: "colour samplers",
    0x040F: "ICC profile",
    0x0410: "watermark flag",
    0x0411: "ICC untagged flag",
    0x0412: "effects visible",
    0x0413: "spot halftone",
    0x0414: "base of document identifiers",
    0x0415: "names of the alpha channels, Unicode",
    0x0416: "count of the indexed colour table",
    0x0417: "index of the transparent colour",
    0x0419: "global altitude",
    0x041A: "slices",
    0x041B: "workflow URL",
    0x041D: "identifiers of the alpha channels",
    0x041E: "list of URLs",
    0x0421: "version",
    0x0426: "print scale",
    0x0428: "pixel aspect ratio",
    0x0429: "layer comps",
    0x042A: "alternate duotone colours",
    0x042B: "alternate spot colours",
    0x042D: "identifiers of the selected layers",
    0x042E: "HDR toning",
    0x042F: "print information (CS2)",
    0x0430: "identifiers of enabled layer groups",
    0x0431: "colour samplers",
    0x0432: "measurement scale",
    0x0433: "timeline",
    0x0434: "sheet disclosure",
    0x0435: "display information, floating point",
    0x0436: "onion skins",
    0x0438: "count information",
    0x043A: "print information (CS5)",
    0x043B: "print style (CS5)",
    0x043C: "print information (Macintosh)",
    0x043D: "device mode (Windows)",
    0x043E: "path of the automatic copy",
    0x043F: "format of the automatic copy",
    0x0440: "path selection",
    0x1F40: "Lightroom workflow",
    0x2710: "print flags",
}
_ICC = 0x040F
_PLUG_INS = range(0x0FA0, 0x1388)
_PLUG_IN_KEYS = (b"mani", b"mfri", b"mopt", b"mset")
"""ImageReady's animation and frames, and its settings for saving."""
_UNKNOWN_MOST = 1024
_UNKNOWN_TOTAL = 1 << 12
_ICC_MOST = _KEPT_TOTAL = 1 << 16
_KEPT_MOST = 1 << 14
"""The largest ones in use, page formats, have 8 KiB."""

_PATHS = range(0x07D0, 0x0BB9)
"""Paths (0x07D0 to 0x0BB6), the name of the clipping path, and where paths came from."""
_WORK_PATH = 0x0401

_PICTURE = re.compile(rb"\xff\xd8\xff[\xc0-\xcf\xdb-\xef\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a")


def is_path(number: int) -> bool:
    """Whether a resource draws an outline, or goes with one that does."""
    return number in _PATHS or number == _WORK_PATH


class Judge:
    """Tells which resources of one file show nothing; a file has room for so many of them."""

    def __init__(self) -> None:
        self._known_left = _KEPT_TOTAL
        self._unknown_left = _UNKNOWN_TOTAL
        self._icc_left = 1

    def why_dropped(self, resource: Resource, content: bytes) -> str | None:
        """Return why a resource without a rule of its own goes, or None: it shows nothing."""
        size = resource.end - resource.start
        known = _is_known(resource, content)
        if known and resource.number == _ICC:
            why = _icc_problem(content) or ("" if self._icc_left else "a second ICC profile")
            self._icc_left -= not why
            return why or None
        why = _why_dropped(known, content) or ""
        if not why and size > (self._known_left if known else self._unknown_left):
            return "more than a file has of such"
        if not why and known:
            self._known_left -= size
        elif not why:
            self._unknown_left -= size
        return why or None


def _is_known(resource: Resource, content: bytes) -> bool:
    return resource.signature == b"8BIM" and (
        resource.number in _KEPT
        or (resource.number in _PLUG_INS and content.startswith(_PLUG_IN_KEYS))
    )


def _icc_problem(content: bytes) -> str:
    """Return why a profile goes, or "": all of its bytes are a profile's."""
    if len(content) > _ICC_MOST:
        return "too large for an ICC profile"
    if _PICTURE.search(content):
        return "with a picture in it"
    return icc.profile_problem([icc.SIGNATURE + b"\1\1" + content])


def _why_dropped(known: bool, content: bytes) -> str | None:
    if len(content) > (_KEPT_MOST if known else _UNKNOWN_MOST):
        return "too large for what it is" if known else "not known, and large"
    if _PICTURE.search(content):
        return "with a picture in it"
    if is_blob("", content.decode("latin-1")):
        return "with encoded data in it"
    return None


def has_name(raw: bytes, names: Iterable[str]) -> bool:
    """Whether a resource holds a name, in 8-bit text or UTF-16 (the specification's own)."""
    wanted = frozenset(names)
    if blanked_bytes(raw, wanted) != raw:
        return True
    readings = (
        raw.decode("utf-8", "replace"),
        raw.decode("latin-1"),
        raw.replace(b"\0", b"").decode("latin-1"),
        raw.decode("utf-16-be", "replace"),
        raw[1:].decode("utf-16-be", "replace"),
    )
    return contains_name("\0".join(readings), wanted)
