"""Application segments that are known to show nothing, and those that are known to show something.

Knows signatures only; each row says how it is known and why it is on its list. Sources: the names
and signatures that ExifTool's table of JPEG segments gives (facts, no code), the makers' files,
ISO/IEC 10918-3 (SPIFF), MIL-STD-188-198A (NITF), OpenDML (AVI1).
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["KINDS", "Known", "known_kind"]

_CAMERA_DATA = 2048
"""Bytes of camera data in a maker's own form that stay, as in MakerNotes (design, section 7)."""


class Known(NamedTuple):
    """A kind of segment.

    Attributes
    ----------
    code
        Its marker code.
    signature
        How its content begins.
    name, reason
        For the report.
    most
        The longest content that stays; 0: it never does.
    text
        Whether it is text.
    """

    code: int
    signature: re.Pattern[bytes]
    name: str
    reason: str
    most: int = 0
    text: bool = False


def _known(
    app: int, signature: bytes, name: str, reason: str, most: int = 0, *, text: bool = False
) -> Known:
    return Known(0xE0 + app, re.compile(signature, re.DOTALL), name, reason, most, text)


KINDS: tuple[Known, ...] = (
    # harmless, up to a length
    _known(0, rb"AVI1", "AVI1", "a frame of motion JPEG: which field it is", 64),
    _known(0, rb"Ocad", "Ocad", "revision of Photobucket's files", 64),
    _known(0, rb"(II|MM).{4}HEAPJPGM", "Canon CIFF", "camera data", _CAMERA_DATA),
    _known(1, rb"QVCI\0", "Casio QVCI", "camera data", _CAMERA_DATA),
    _known(2, rb"urn:iso:std:iso:ts:21496:-1\0", "ISO 21496-1", "version of the gain map", 160),
    _known(3, rb"(Meta|META)\0\0", "Kodak Meta", "camera data", _CAMERA_DATA),
    _known(3, rb"Stim\0", "Stim", "numbers of a stereo picture", 512),
    _known(5, rb"RMETA\0", "Ricoh RMETA", "what the user chose from a list", _CAMERA_DATA),
    _known(5, rb".?ssuniqueid", "Samsung unique ID", "a number of the camera module", 512),
    _known(6, rb"EPPIM\0", "Toshiba PrintIM", "print matching", _CAMERA_DATA),
    _known(6, rb"N(ITF|TIF)\0", "NITF", "size and quality", 64),
    _known(6, rb"GoPro\0", "GoPro", "settings and readings of the camera", 8192),
    _known(6, rb"TDHD\x01\0\0\0", "HP TDHD", "camera data", _CAMERA_DATA),
    _known(7, rb"\x1aQualcomm Camera Attributes", "Qualcomm", "camera data", _CAMERA_DATA),
    _known(8, rb"SPIFF\0", "SPIFF", "size and colour space", 64),
    _known(9, rb"Media Jukebox\0", "Media Jukebox", "the program's own notes", 1024),
    _known(10, rb"UNICODE\0", "PhotoStudio comment", "text", 1024),
    _known(10, rb"AROT\0\0", "Apple gain curve", "one curve for the whole picture", _CAMERA_DATA),
    _known(12, rb"Ducky", "Ducky", "quality in Photoshop, comment and copyright", 1024),
    _known(13, rb"Adobe_CM", "Adobe_CM", "colour management", 64),
    _known(15, rb"Q\s*\d+", "GraphicConverter", "quality", 64),
    _known(12, rb"[^\0]*(\[picture info\]|Type=)|OLYMPUS|Agfa|SEIKO|MINOLTA",
           "Picture Info", "camera data", _CAMERA_DATA),
    _known(12, rb"\[", "Picture Info", "camera data as text", _CAMERA_DATA, text=True),
    # known to show something, or not to be known well enough
    _known(4, rb"SCALADO\0", "Scalado SpeedTags",
           "DC values and places of the original's blocks, for quick zooming"),
    _known(4, rb"QTI Debug Metadata", "Qualcomm debug data", "statistics of areas of the picture"),
    _known(4, rb"(AFDEBUG|AF_DEBUG|AEC|MTK|\x2a\xaa)", "camera debug data",
           "statistics of areas of the picture"),
    _known(6, rb"MMIMETA\0", "Motorola data", "statistics of areas of the picture"),
    _known(7, rb"HUAWEI\0\0", "Huawei data", "debug data, portraits among them"),
    _known(7, rb"PENTAX \0", "Pentax maker note", "it may hold a preview"),
    _known(7, rb"DJI-DBG", "DJI debug data", "not documented"),
    _known(11, rb"HDR_RI ", "JPEG-HDR ratio image", "the ratio image is a picture of the same"),
)  # fmt: skip


def known_kind(code: int, content: bytes) -> Known | None:
    """Return what is known of a segment with this marker code and content."""
    for known in KINDS:
        if known.code == code and known.signature.match(content, 0, 512):
            return known
    return None
