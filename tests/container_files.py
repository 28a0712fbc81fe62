"""Files with side copies, made here; and what a caller of the carriers does with their answers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pictures

from jpegredact.container import jpegwalk
from jpegredact.container.images.carrier import Images, read_images
from jpegredact.container.model import (
    Area,
    FileEdit,
    Kept,
    Policy,
    Request,
    Scrubbed,
    Segment,
    SideCopy,
)  # fmt: skip

HDRGM = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    'hdrgm:GainMapMin="0" hdrgm:GainMapMax="2.3" hdrgm:HDRCapacityMax="2.3"/>'
    "</rdf:RDF></x:xmpmeta>"
)
APPLE = HDRGM.replace(
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    'hdrgm:GainMapMin="0" hdrgm:GainMapMax="2.3" hdrgm:HDRCapacityMax="2.3"/>',
    'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" '
    'apdi:AuxiliaryImageType="urn:com:apple:photo:2020:aux:hdrgainmap"/>',
)
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
MP4 = struct.pack(">I4s4sI4sI4s", 20, b"ftyp", b"mp42", 0, b"isom", 8, b"mdat")
MIDDLE = Area(0.25, 0.25, 0.75, 0.75)


def segment(code: int, content: bytes) -> bytes:
    """Return a marker segment."""
    return bytes((0xFF, code)) + struct.pack(">H", len(content) + 2) + content


def xmp(text: str) -> bytes:
    """Return an APP1 segment of XMP."""
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


def picture(width: int = 48, height: int = 32, seed: int = 1, **options: object) -> bytes:
    """Return a small JPEG."""
    return pictures.pillow_jpeg(pictures.photo(width, height, seed), quality=80, **options)


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Return a JPEG with segments behind its SOI (and JFIF's header, where it has one)."""
    at = 20 if jpeg[2:4] == b"\xff\xe0" else 2
    return jpeg[:at] + b"".join(segments) + jpeg[at:]


def gain_map(*segments: bytes, width: int = 24, height: int = 16) -> bytes:
    """Return a small grey picture with these segments."""
    grey = pictures.photo(width, height, 5)
    return with_segments(pictures.pillow_jpeg(grey, "L", quality=80), *segments)


def mpf_content(
    entries: Sequence[tuple[int, int, int, int, int]], order: str = ">", uids: bool = False
) -> bytes:
    """Return an MPF segment's content: attributes, size, offset and dependents of each picture."""
    tags = 4 if uids else 3
    list_at = 8 + 2 + 12 * tags + 4
    size = 16 * len(entries)
    out = b"MM\0*" if order == ">" else b"II*\0"
    out += struct.pack(order + "IH", 8, tags)
    out += struct.pack(order + "HHI", 0xB000, 7, 4) + b"0100"
    out += struct.pack(order + "HHII", 0xB001, 4, 1, len(entries))
    out += struct.pack(order + "HHII", 0xB002, 7, size, list_at)
    if uids:
        out += struct.pack(order + "HHII", 0xB003, 7, 33 * len(entries), list_at + size)
    out += struct.pack(order + "I", 0)
    out += b"".join(struct.pack(order + "IIIHH", *entry) for entry in entries)
    if uids:
        out += b"".join(bytes([65 + i]) * 33 for i in range(len(entries)))
    return b"MPF\0" + out


def multi_picture(
    primary: bytes,
    others: Sequence[tuple[int, bytes, bytes]],
    order: str = ">",
    uids: bool = False,
    front: Sequence[bytes] = (),
) -> bytes:
    """Return a file with an MPF index: (attributes, bytes before it, picture) for each other."""
    length = len(segment(0xE2, mpf_content([(0, 0, 0, 0, 0)] * (len(others) + 1), order, uids)))
    at = 20 if primary[2:4] == b"\xff\xe0" else 2
    base = at + sum(map(len, front)) + 8
    size = len(primary) + sum(map(len, front)) + length
    # with several others, the first is the primary's dependent: flags of DC-007, figure 8
    dependent = len(others) > 1
    entries = [(0xA0030000 if dependent else 0x20030000, size, 0, 2 if dependent else 0, 0)]
    position = size
    for attributes, before, other in others:
        position += len(before)
        entries.append((attributes, len(other), position - base, 0, 0))
        position += len(other)
    index = segment(0xE2, mpf_content(entries, order, uids))
    tail = b"".join(before + other for _, before, other in others)
    return with_segments(primary, *front, index) + tail


def segments_of(data: bytes) -> list[Segment]:
    """Return APPn and COM segments of a file's first picture."""
    shape = jpegwalk.walk(data, 0, len(data))
    assert shape is not None
    return [
        Segment(*found) for found in shape.segments if found.code >= 0xE0 and found.code != 0xF7
    ]


def end_of_picture(data: bytes) -> int:
    """Return the byte behind the first picture's EOI."""
    shape = jpegwalk.walk(data, 0, len(data))
    assert shape is not None
    assert shape.closed
    return shape.end


class Renderer:
    """Does what a caller's does, as simply as may be: ``change`` makes a picture anew."""

    def __init__(self, change: Callable[[bytes], bytes | None] = lambda jpeg: jpeg) -> None:
        self.change = change
        self.asked: list[bytes] = []

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        raise AssertionError("no carrier here asks for a thumbnail")

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        raise AssertionError("no carrier here asks for a thumbnail")

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        self.asked.append(jpeg)
        return self.change(jpeg)


def request(
    policy: Policy = "default", renderer: Renderer | None = None, names: Iterable[str] = ()
) -> Request:
    """Return a request for the middle of the picture."""
    return Request(policy, (MIDDLE,), 1, renderer or Renderer(), frozenset(names))


def applied(data: bytes, edits: Sequence[FileEdit]) -> bytes:
    """Return the file with the edits made; they must be sorted and apart."""
    out, position = [], 0
    for start, end, new in edits:
        assert position <= start <= end <= len(data)
        out += [data[position:start], new]
        position = end
    return b"".join([*out, data[position:]])


def new_offset(edits: Sequence[FileEdit]) -> Callable[[int], int]:
    """Return where a byte of the old file is in the new one."""

    def where(old: int) -> int:
        return old + sum(len(new) - (end - start) for start, end, new in edits if end <= old)

    return where


def kinds(copies: Iterable[SideCopy]) -> list[str]:
    """Return the kinds of side copies."""
    return [copy.kind for copy in copies]


def kept_bytes(kept: Iterable[Kept]) -> list[bytes]:
    """Return what stays."""
    return [one.new for one in kept]


def noise(length: int, seed: int = 0) -> bytes:
    """Return random bytes."""
    return np.random.default_rng(seed).integers(0, 256, length, dtype=np.uint8).tobytes()


def images_of(data: bytes, hint: int | None = None) -> Images:
    """Read what lies behind EOI, as a caller does."""
    heads = [
        one
        for one in segments_of(data)
        if one.code == 0xE2 and data[one.offset + 4 :].startswith((b"MPF\0", ISO))
    ]
    return read_images(data, heads, end_of_picture(data), hint)


def scrubbed(
    data: bytes, policy: Policy = "default", renderer: Renderer | None = None
) -> tuple[bytes, Scrubbed, tuple[Kept, ...]]:
    """Return the new file, with its index put right, and what was said of it."""
    images = images_of(data)
    answer, kept = images.decide(request(policy, renderer))
    late = images.index_edits(kept, new_offset(answer.edits))
    assert all(len(new) == end - start for start, end, new in late)
    return applied(data, sorted(answer.edits + late)), answer, kept
