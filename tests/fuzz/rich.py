"""Small pictures with much beside them: made here, or a file's metadata on a small picture.

Made ones hold every kind of side copy; a graft has another file's segments and what stands
behind its EOI, and its shape, but not its picture: thousands of them are scrubbed in a minute.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import random
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from . import seeds  # noqa: F401 - puts the makers of the tests on the path
from .metadata import APP1, METADATA, SMALL_JPEG
from .metadata_boxes import resource
from .metadata_text import EXTENSION, STANDARD
from .structure import FRAMES, pieces, together

import container_files as files  # isort: skip - on the path since `seeds`
import exif_maker as maker  # isort: skip

_XMP = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "x": "adobe:ns:meta/",
    "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "GImage": "http://ns.google.com/photos/1.0/image/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/", "xmpNote": "http://ns.adobe.com/xmp/note/",
    "dcterms": "http://purl.org/dc/terms/",
}  # fmt: skip
_PICTURE = base64.b64encode(SMALL_JPEG).decode()
_JANE = (
    '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="640" '
    'stDim:h="480" stDim:unit="pixel"/><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description '
    'mwg-rs:Name="Jane Doe" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.5" stArea:y="0.5" '
    'stArea:w="0.4" stArea:h="0.4" stArea:unit="normalized"/></rdf:Description></rdf:li></rdf:Bag>'
    "</mwg-rs:RegionList></mwg-rs:Regions><dc:subject><rdf:Bag><rdf:li>Jane Doe</rdf:li><rdf:li>"
    "a lake</rdf:li></rdf:Bag></dc:subject>"
    "<MP:RegionInfo rdf:parseType='Resource'><MPRI:Regions><rdf:Bag>"
    "<rdf:li MPReg:Rectangle='0.3, 0.3, 0.4, 0.4' MPReg:PersonDisplayName='Jane Doe'/></rdf:Bag>"
    "</MPRI:Regions></MP:RegionInfo>"
)
_THUMBNAILS = (
    "<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType='Resource'><xmpGImg:width>8</xmpGImg:width>"
    f"<xmpGImg:height>8</xmpGImg:height><xmpGImg:image>{_PICTURE}</xmpGImg:image></rdf:li></rdf:Alt>"
    f"</xmp:Thumbnails><GImage:Data>{_PICTURE}</GImage:Data><GDepth:Data>{_PICTURE}</GDepth:Data>"
    "<crs:PaintBasedCorrections><rdf:Seq><rdf:li crs:What='Correction'/></rdf:Seq>"
    "</crs:PaintBasedCorrections><dcterms:provenance>https://a.example/</dcterms:provenance>"
)
_PANORAMA = (
    "<GPano:ProjectionType>equirectangular</GPano:ProjectionType>"
    "<GPano:FullPanoWidthPixels>4000</GPano:FullPanoWidthPixels>"
)


def packet(inner: str, attributes: str = "", padding: int = 300) -> str:
    """Return an XMP packet."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _XMP.items() if prefix != "x")
    return (
        '<?xpacket begin="\ufeff" id="W5M0Mp"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="{_XMP["rdf"]}"><rdf:Description rdf:about="" {declared} {attributes}>{inner}'
        f'</rdf:Description></rdf:RDF></x:xmpmeta>{" " * padding}<?xpacket end="w"?>'
    )


def _directory_items(length: int) -> str:
    items = ("Primary", 0), ("GainMap", length)
    return "<Container:Directory><rdf:Seq>" + "".join(
        "<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='image/jpeg' "
        f"Item:Semantic='{name}' Item:Length='{size}'/></rdf:li>"
        for name, size in items
    ) + "</rdf:Seq></Container:Directory>"  # fmt: skip


@cache
def made_files() -> tuple[bytes, ...]:
    """Return small pictures with side copies of every kind."""
    plain = files.picture(48, 32)
    return tuple(
        files.with_segments(plain, *segments) + tail for segments, tail in _beside()
    ) + tuple(_with_images())  # fmt: skip


def _beside() -> Iterable[tuple[list[bytes], bytes]]:
    little: maker.Order = "little"
    for order in (little, "big"):
        yield [_exif(order)], b""
        yield [_exif(order, raw=True), files.xmp(packet(_JANE))], bytes(40)
        for make, head in _NOTES.items():
            yield [_camera(make, head, order)], b""
    yield [files.xmp(packet(_THUMBNAILS + _JANE)), _photoshop()], files.MP4
    yield [files.xmp(packet(_PANORAMA)), *_boxes()], b"text" + bytes(9)
    yield _extended(packet(_THUMBNAILS)), SMALL_JPEG
    yield _extended("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), b""
    yield [_photoshop(), files.segment(0xFE, b"Jane Doe at the lake")], b"\xff" * 30
    yield [files.segment(0xE0, b"JFXX\0\x10" + SMALL_JPEG), _flashpix()], b""
    yield [
        files.segment(0xE0, b"JFXX\0\x13\2\2" + bytes(range(12))),
        files.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\2\2" + bytes(range(12))),
        files.segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(200)),
        files.segment(0xE7, b"maker" + bytes(range(200))), files.segment(0xEC, b"Ducky\0\1\0\4"),
    ], _samsung()  # fmt: skip
    yield [files.segment(0xE1, b"FLIR\0\1\0\0" + bytes(80)), _exif(little)], b""
    yield [files.segment(0xE3, b"_JPSJPS_" + bytes(20))], SMALL_JPEG


def _exif(order: maker.Order, raw: bool = False) -> bytes:
    """Return an Exif segment with a thumbnail, a preview, texts and GPS."""
    small = maker.jpeg(32, 24)
    pixels = bytes(range(256)) * 9
    thumbnail = small if not raw else pixels
    first = (
        [(0x0201, maker.LONG, maker.Ref("thumbnail")),
         (0x0202, maker.LONG, maker.Size("thumbnail"))]
        if not raw else
        [(0x0100, maker.SHORT, 32), (0x0101, maker.SHORT, 24), (0x0103, maker.SHORT, 1),
         (0x0106, maker.SHORT, 2), (0x0111, maker.LONG, maker.Ref("thumbnail")),
         (0x0115, maker.SHORT, 3), (0x0117, maker.LONG, maker.Size("thumbnail"))]
    )  # fmt: skip
    parts: dict[str, maker.Directory | bytes] = {
        "ifd0": [(0x010E, maker.ASCII, "Jane Doe at the lake"), (0x010F, maker.ASCII, "Somebody"),
                 (0x0112, maker.SHORT, 6), (0x014A, maker.LONG, maker.Ref("sub")),
                 (0x8769, maker.LONG, maker.Ref("exif")), (0x8825, maker.LONG, maker.Ref("gps"))],
        "exif": [(0x9286, maker.UNDEFINED, b"ASCII\0\0\0Jane Doe"), (0xA002, maker.LONG, 48),
                 (0xA003, maker.LONG, 32), (0xA005, maker.LONG, maker.Ref("interop"))],
        "interop": [(1, maker.ASCII, "R98")],
        "gps": [(1, maker.ASCII, "N"), (2, maker.RATIONAL, (1, 2, 3, 4, 5, 6))],
        "ifd1": first, "thumbnail": thumbnail,
        "sub": [(0x0201, maker.LONG, maker.Ref("preview")),
                (0x0202, maker.LONG, maker.Size("preview")),
                (0x1234, maker.UNDEFINED, bytes(range(256)) * 6)],
        "preview": maker.jpeg(24, 24, 3), "gap": maker.noise(3000),
    }  # fmt: skip
    made = maker.tiff(parts, order, {"ifd0": "ifd1"})
    return files.segment(APP1, b"Exif\0\0" + made.data)


_NOTES = {
    "Canon": b"", "NIKON CORPORATION": b"Nikon\0\2\x10\0\0MM\0*\0\0\0\x08", "Panasonic":
    b"Panasonic\0\0\0", "FUJIFILM": b"FUJIFILM\x0c\0\0\0", "OLYMPUS": b"OLYMPUS\0II\3\0",
    "SONY": b"SONY DSC \0\0\0", "Apple": b"Apple iOS\0\0\1MM", "PENTAX": b"AOC\0MM",
    "SAMSUNG": b"", "Minolta Co., Ltd.": b"",
}  # fmt: skip


def _camera(make: str, head: bytes, order: maker.Order) -> bytes:
    """Return an Exif segment with something like this maker's MakerNote."""
    entries: maker.Directory = [
        (0x0001, maker.SHORT, 3), (0x0010, maker.UNDEFINED, bytes(range(90))),
        (0x0081, maker.UNDEFINED, maker.jpeg(16, 16)), (0x0088, maker.LONG, 700),
        (0x0089, maker.LONG, 300), (0x2001, maker.UNDEFINED, SMALL_JPEG),
        (0x0E00, maker.UNDEFINED, bytes(50)), (0x0040, maker.UNDEFINED, maker.noise(3000)),
    ]  # fmt: skip
    note = maker.tiff({"note": entries}, order, header=len(head), base=-len(head)).data
    note = head + note[len(head) :]
    parts: dict[str, maker.Directory | bytes] = {
        "ifd0": [(0x010F, maker.ASCII, make), (0x8769, maker.LONG, maker.Ref("exif"))],
        "exif": [(0x927C, maker.UNDEFINED, note), (0xA002, maker.LONG, 48)],
    }
    return files.segment(APP1, b"Exif\0\0" + maker.tiff(parts, order).data)


def _photoshop() -> bytes:
    row = struct.pack(">6I2H", 1, 8, 8, 24, 192, len(SMALL_JPEG) + 900, 24, 1)
    sets = b"".join(
        bytes([0x1C, record, number]) + len(text).to_bytes(2) + text
        for record, number, text in ((1, 90, b"\x1b%G"), (2, 5, b"Lake"), (2, 120, b"Jane Doe"),
                                     (2, 202, SMALL_JPEG), (8, 10, SMALL_JPEG[:50]))
    )  # fmt: skip
    block = resource(0x03ED, b"\0H\0\0\0\1\0\1" * 2, b"Resolution")
    block += resource(0x0404, sets) + resource(0x0425, hashlib.md5(sets).digest())
    block += resource(0x040C, row + SMALL_JPEG + bytes(900))
    block += resource(0x07D0, bytes(52), b"Path 1")
    block += resource(0x0424, packet(_JANE).encode()) + resource(0x0422, b"MM\0*\0\0\0\x08\0\0")
    return files.segment(0xED, b"Photoshop 3.0\0" + block)


def _boxes() -> list[bytes]:
    def box(kind: bytes, *content: bytes) -> bytes:
        joined = b"".join(content)
        return struct.pack(">I4s", len(joined) + 8, kind) + joined

    uuid = bytes.fromhex("6332706100110010800000AA00389B71")
    whole = box(b"jumb", box(b"jumd", uuid, b"\3c2pa\0"), box(b"bidb", SMALL_JPEG), box(b"json"))
    return [
        files.segment(0xEB, b"JP" + struct.pack(">HI", 1, number) + whole[:8] + whole[at : at + 99])
        for number, at in enumerate(range(8, len(whole), 99), 1)
    ]  # fmt: skip


def _extended(text: str) -> list[bytes]:
    raw = text.encode()
    guid = hashlib.md5(raw).hexdigest().upper()
    standard = packet("", f'xmpNote:HasExtendedXMP="{guid}"')
    return [files.segment(APP1, STANDARD + standard.encode())] + [
        files.segment(APP1, EXTENSION + guid.encode() + struct.pack(">II", len(raw), at)
                      + raw[at : at + 700])
        for at in range(0, len(raw), 700)
    ]  # fmt: skip


def _flashpix() -> bytes:
    return files.segment(0xE2, b"FPXR\0\0\2\0\0\0\0\0\0" + SMALL_JPEG)


def _samsung() -> bytes:
    block = struct.pack("<HHI", 0, 0xA30, 16) + b"MotionPhoto_Data" + files.MP4
    head = b"SEFH" + struct.pack("<II", 106, 1)
    head += struct.pack("<HHII", 0, 0xA30, len(block), len(block))
    return block + head + struct.pack("<I", len(head)) + b"SEFT"


def _with_images() -> Iterable[bytes]:
    iso = files.segment(0xE2, files.ISO + bytes(61))
    for by in (files.xmp(files.HDRGM), files.xmp(files.APPLE), iso, b""):
        small = files.gain_map(by)
        front = [files.xmp(packet(_directory_items(len(small)), 'hdrgm:Version="1.0"')),
                 files.segment(0xE2, files.ISO + bytes(4))]  # fmt: skip
        for order in "<>":
            yield files.multi_picture(files.picture(), [(0, b"", small)], order, front=front)
    others = [
        (0x40010001, bytes(3), files.picture(24, 16)),
        (0x020002, b"", files.picture(48, 32, 2)),
    ]
    yield files.multi_picture(files.picture(), others, uids=True) + bytes(30)


# ---------------------------------------------------------------------------
# Other files' metadata on small pictures
# ---------------------------------------------------------------------------


@cache
def _small(width: int, height: int, grey: bool) -> bytes:
    from PIL import Image

    rng = random.Random(width * 1000 + height)
    picture = Image.frombytes("RGB", (5, 5), rng.randbytes(75)).resize((width, height))
    out = io.BytesIO()
    picture.convert("L" if grey else "RGB").save(out, "JPEG", quality=75)
    return out.getvalue()


def graft(data: bytes, most: int = 150_000) -> bytes:
    """Return a small picture of the file's shape with its segments, and some bytes of its tail."""
    parts = pieces(data)
    frame = next((p.data for p in parts if p.code in FRAMES and len(p.data) > 9), None)
    height, width = struct.unpack(">HH", frame[5:9]) if frame else (32, 48)
    tail = parts[-1].data[2:][:most]
    kept = [part for part in parts if part.code in METADATA]
    small = pieces(_small(*_shape(width, height), frame is not None and frame[9] == 1))
    if kept:
        small = [part for part in small if part.code not in METADATA]
    new = together([*small[:1], *kept, *small[1:]])
    moved = len(new) - (len(data) - len(parts[-1].data) + 2)
    ahead = 0
    for part in kept:  # they lie further in front, and so does what stands behind EOI
        at = 2 + ahead
        ahead += len(part.data)
        if part.data.startswith(b"MPF\0", 4):
            shift = moved - (at - data.find(part.data))
            new = new[:at] + _shifted(part.data, shift) + new[at + len(part.data) :]
    return new + tail


def _shape(width: int, height: int) -> tuple[int, int]:
    """Return a small size in the same proportion, as well as can be."""
    common = math.gcd(width, height) or 1
    across, down = width // common, height // common
    if 0 < max(across, down) <= 100:
        times = max(1, 64 // max(across, down))
        return across * times, down * times
    scale = 64 / max(width, height, 1)
    return max(8, round(width * scale)), max(8, round(height * scale))


def _shifted(index: bytes, shift: int) -> bytes:
    """Return an MPF segment with the offsets of all pictures but the first moved."""
    order = "<" if index[8:10] == b"II" else ">"
    out = bytearray(index)
    at = index.find(struct.pack(order + "HH", 0xB002, 7))
    if at < 0 or at + 12 > len(index):
        return index
    size, start = struct.unpack_from(order + "II", index, at + 4)
    for entry in range(8 + start, 8 + start + min(size, 4096), 16):
        if entry + 16 <= len(index):
            (offset,) = struct.unpack_from(order + "I", index, entry + 8)
            if offset:
                struct.pack_into(order + "I", out, entry + 8, offset + shift & 0xFFFFFFFF)
    return bytes(out)


def of_folder(folder: Path, most: int = 250_000) -> list[bytes]:
    """Return grafts of a folder's files that have something beside the picture."""
    found = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        data = path.read_bytes()
        whole = graft(data)
        if len(whole) <= most and data[:2] == b"\xff\xd8":
            found[hashlib.sha256(whole).digest()] = whole
    return list(found.values())
