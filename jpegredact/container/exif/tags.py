"""Tag numbers of TIFF 6.0, Exif 3.0 and DNG 1.7, and what is known of their values.

Knows numbers and text encodings; reads no directory.
"""

from __future__ import annotations

from typing import Literal

from .parts import TextField
from .tiff import ByteOrder, Entry

__all__ = [
    "COMPRESSION",
    "EXIF",
    "HEIGHT",
    "ICC_PROFILE",
    "JPEG",
    "JPEG_LENGTH",
    "LONG_KNOWN",
    "MAKE",
    "MAKER_NOTE",
    "OTHERS_FORMATS",
    "PHOTOMETRIC",
    "PLANAR",
    "POINTERS",
    "PRIVATE",
    "RANGE",
    "SAMPLES",
    "STEERING",
    "STRIPS",
    "STRIP_LENGTHS",
    "SUBSAMPLING",
    "SUB_IFDS",
    "TELLTALE",
    "TILES",
    "TILE_LENGTHS",
    "WIDE_TEXTS",
    "WIDTH",
    "text_field",
]

EXIF, GPS, INTEROP, SUB_IFDS = 0x8769, 0x8825, 0xA005, 0x014A
POINTERS = {EXIF: "ExifIFD", GPS: "GPS", INTEROP: "InteropIFD", 0x0190: "GlobalIFD"}
MAKE, WIDTH, HEIGHT = 0x010F, 0xA002, 0xA003
COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR = 0x0103, 0x0106, 0x0115, 0x011C
STRIPS, STRIP_LENGTHS, TILES, TILE_LENGTHS = 0x0111, 0x0117, 0x0144, 0x0145
JPEG, JPEG_LENGTH = 0x0201, 0x0202
SUBSAMPLING, RANGE = 0x0212, 0x0214
STEERING = frozenset(
    {*POINTERS, SUB_IFDS, STRIPS, STRIP_LENGTHS, TILES, TILE_LENGTHS, JPEG, JPEG_LENGTH}
)
"""Tags whose values are offsets and lengths."""
MAKER_NOTE, PRIVATE = 0x927C, 0xC634
USER_COMMENT = 0x9286

WIDE_TEXTS = {
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
}  # fmt: skip
TEXTS = {
    0x010E: "ImageDescription", 0x010D: "DocumentName", 0x011D: "PageName", 0xA436: "ImageTitle",
}  # fmt: skip
PROTECTED = frozenset({
    0x013B, 0x8298, 0x9C9D, 0xA437, 0xA438,  # Artist, Copyright, XPAuthor, Photographer, editor
    0xA430, 0xA431, 0xA435, 0xC62F,  # the camera's owner; serial numbers
    0x010F, 0x0110, 0xA433, 0xA434, 0xC614, 0xC615,  # makes and models
    0x0131, 0xA439, 0xA43A, 0xA43B, 0xA43C,  # software
    0x0132, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292,  # times
})  # fmt: skip
"""Tags whose text says something of the camera or of who took the picture: names stay there."""
CHARSETS = {b"ASCII": "utf-8", b"JIS": "iso2022_jp", b"UNICODE": "utf-16", b"": "utf-8"}

OTHERS_FORMATS = {0x02BC: "XMP", 0x83BB: "IPTC", 0x8649: "Photoshop resources"}
TELLTALE = (b"mwg-rs", b"MPReg", b"PersonInImage", b"Thumbnail", b"GImage", b"GDepth",
             b"HdrPlus", b"\x1c\x02\x78", b"\x1c\x02\x19", b"8BIM\x04\x09", b"8BIM\x04\x0c",
             b"8BIM\x04\x22", b"8BIM\x04\x24", b"8BIM\x04\x04")  # fmt: skip

ICC_PROFILE = 0x8773
LONG_KNOWN = {
    0x012D: 1536,  # TransferFunction: three of 256 values
    0x0140: 1536,  # ColorMap
    ICC_PROFILE: 65535,
    0x8828: 4096,  # OECF
    0xA20C: 4096,  # SpatialFrequencyResponse
    0xA302: 1024, 0x828E: 1024,  # CFAPattern
    0xA40B: 4096,  # DeviceSettingDescription
    0xC4A5: 4096,  # PrintIM
    0xC618: 8192,  # LinearizationTable
    0xC6FA: 8192, 0xC6FB: 8192, 0xC6FC: 8192, 0xC725: 8192, 0xC726: 8192, 0xC7A3: 8192,
    # profile tables and tone curves
    0xC740: 4096, 0xC741: 4096, 0xC74E: 4096,  # opcode lists: lens correction
}  # fmt: skip
"""Tags of TIFF, Exif and DNG whose values are long and show nothing (calibration), and how many
bytes such values have at most.
"""


def text_field(
    data: bytes, entry: Entry, order: ByteOrder, directory: str = ""
) -> TextField | None:
    """Return the text of an entry that may name people, or None where it is none.

    Values of unknown types of text count too; so do bytes, which may be text in any encoding.
    """
    if entry.tag in PROTECTED or entry.tag in STEERING or directory in ("GPS", "InteropIFD"):
        return None
    if entry.kind in (2, 129):
        name = TEXTS.get(entry.tag, f"tag 0x{entry.tag:04X}")
        return TextField(name, entry.start, entry.end, "utf-8")
    if entry.tag in WIDE_TEXTS:
        return TextField(WIDE_TEXTS[entry.tag], entry.start, entry.end, "utf-16-le")
    if entry.tag in OTHERS_FORMATS:
        return TextField(OTHERS_FORMATS[entry.tag], entry.start, entry.end, "utf-8")
    if entry.tag != USER_COMMENT or entry.length <= 8:
        if entry.kind not in (1, 7) or entry.length <= 4 or entry.tag in LONG_KNOWN:
            return None
        return TextField(f"tag 0x{entry.tag:04X}", entry.start, entry.end, "utf-8")
    charset = CHARSETS.get(data[entry.start : entry.start + 8].rstrip(b"\0 "))
    start = entry.start + 8
    encoding: Literal["utf-8", "utf-16-le", "utf-16-be", "iso2022_jp"]
    match charset:
        case "utf-16":
            encoding = "utf-16-le" if order == "little" else "utf-16-be"
        case "iso2022_jp":
            encoding = "iso2022_jp"
        case None:
            encoding, start = "utf-8", entry.start
        case _:
            encoding = "utf-8"
    return TextField("UserComment", start, entry.end, encoding)
