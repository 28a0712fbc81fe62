"""Gain maps: the second picture from which a screen works out the HDR one.

Knows by what a gain map tells that it is one (Adobe's ``hdrgm`` XMP as in Ultra HDR, the APP2 of
ISO 21496-1, Apple's auxiliary type), and which of its segments it needs. A gain map shows the
same outlines as its picture, so what stays of it is redacted like that, and it is rebuilt from
what is on the keep-list: a thumbnail in its own Exif would be a copy of a copy.
"""

from __future__ import annotations

import re

from .. import jpegwalk
from ..segments.icc import profile_problem
from .gainmap_xmp import HDRGM, least_packet

__all__ = ["ISO", "cleaned", "gain_map_kind", "length_in_directory"]

ISO = b"urn:iso:std:iso:ts:21496:-1\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
_HDRGM = HDRGM.encode()
_TELLING = re.compile(rb"\w:(?:GainMapMax|HDRCapacityMax)")
_ITEM = re.compile(rb"<(?:rdf:li|\w{1,40}:Item)\b")
_SEMANTIC = re.compile(rb"\w:Semantic(?:\s*=\s*[\"']|>)\s*GainMap\b")
_LENGTH = re.compile(rb"\w:Length(?:\s*=\s*[\"']|>)\s*(\d{1,10})\b")
_APPLE = b"urn:com:apple:photo:2020:aux:hdrgainmap"
_ISO_LEAST, _ISO_MOST = 5, 160
"""Bytes of metadata behind the ISO name; the primary picture's has 4, of versions only."""
_CODING = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD})
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})


def gain_map_kind(jpeg: bytes) -> str:
    """Say by what a picture tells that it is a gain map; "" where it does not."""
    shape = jpegwalk.header(jpeg, 0, len(jpeg))
    if shape is None:
        return ""
    for segment in shape.segments:
        content = jpeg[segment.offset + 4 : segment.end]
        if segment.code == 0xE2 and content.startswith(ISO):
            if len(content) - len(ISO) >= _ISO_LEAST:
                return "ISO 21496-1"
        elif segment.code == 0xE1 and content.startswith(XMP):
            if _tells(content):
                return "hdrgm"
            if _APPLE in content:
                return "Apple"
    return ""


def _tells(content: bytes) -> bool:
    """Whether it has properties of Adobe's namespace that only the gain map itself has."""
    at = content.find(_HDRGM)
    return at >= 0 and _TELLING.search(content, at) is not None


def length_in_directory(packet: bytes) -> int | None:
    """Return the length that a GContainer directory in an XMP packet gives its gain map.

    Both ways to write it are understood: attributes of one element, and elements of their own.
    """
    for item in _ITEM.split(packet)[1:]:
        if _SEMANTIC.search(item):
            length = _LENGTH.search(item)
            return int(length.group(1)) if length else None
    return None


def cleaned(jpeg: bytes) -> bytes | None:
    """Return a gain map with nothing but its coded picture and the metadata that it needs.

    None where it is not one whole picture that this package knows how to look at: then it can't
    stay. What comes behind its EOI, and what lies between its segments, is left out.
    """
    shape = jpegwalk.walk(jpeg, 0, len(jpeg))
    if shape is None or not (shape.closed and shape.decided and shape.coherent):
        return None
    profile_is_fine = _profile_is_fine(jpeg, shape)
    packet = False
    out = bytearray(b"\xff\xd8")
    frames = 0
    for index, segment in enumerate(shape.segments):
        content = jpeg[segment.offset + 4 : segment.end]
        if segment.code in _CODING:
            frames += segment.code in _FRAMES
            # a scan ends where the next marker (or the fill before it) or EOI begins
            behind = segment.end
            if segment.code == 0xDA:
                behind = _scan_end(jpeg, shape, index)
            out += jpeg[segment.offset : behind]
        elif segment.code == 0xE0 and content.startswith(b"JFIF\0") and len(content) >= 14:
            out += b"\xff\xe0\x00\x10" + content[:12] + b"\0\0"
        elif segment.code == 0xE2 and content.startswith(b"ICC_PROFILE\0"):
            out += jpeg[segment.offset : segment.end] if profile_is_fine else b""
        elif segment.code == 0xE1 and content.startswith(XMP):
            out += b"" if packet else _packet(content)
            packet = True
        elif _needed(segment.code, content):
            out += jpeg[segment.offset : segment.end]
        elif not (0xE0 <= segment.code <= 0xEF or segment.code == 0xFE):
            return None
    return bytes(out + b"\xff\xd9") if frames == 1 else None


def _scan_end(jpeg: bytes, shape: jpegwalk.Shape, index: int) -> int:
    if index + 1 < len(shape.segments):
        return shape.segments[index + 1].offset
    return shape.end - 2


def _needed(code: int, content: bytes) -> bool:
    if code == 0xEE:
        return content.startswith(b"Adobe") and len(content) == 12
    if code == 0xE2:
        return content.startswith(ISO) and len(content) - len(ISO) <= _ISO_MOST
    return False


def _packet(content: bytes) -> bytes:
    """Return an XMP segment with the gain map's own properties; nothing where it has none."""
    packet = least_packet(content[len(XMP) :])
    if packet is None or not (_tells(packet) or _APPLE in packet):
        return b""
    new = XMP + packet
    return b"\xff\xe1" + (len(new) + 2).to_bytes(2, "big") + new


def _profile_is_fine(jpeg: bytes, shape: jpegwalk.Shape) -> bool:
    chunks = [
        jpeg[segment.offset + 4 : segment.end]
        for segment in shape.segments
        if segment.code == 0xE2 and jpeg.startswith(b"ICC_PROFILE\0", segment.offset + 4)
    ]
    return bool(chunks) and not profile_problem(chunks)
