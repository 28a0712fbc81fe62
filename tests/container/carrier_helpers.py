"""Segments, requests and edits for the tests of carriers; nothing of the package's own reading."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from jpegredact.container.model import Area, Carrier, Kept, Policy, Request, Scrubbed, Segment

MIDDLE = Area(0.3, 0.3, 0.7, 0.7)
STANDARD = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"


class GreyRenderer:
    """Makes grey pictures, as small as they have to be; None where they don't fit."""

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        out = io.BytesIO()
        Image.new("RGB", (width, height), (128, 128, 128)).save(out, "JPEG", quality=30)
        return out.getvalue() if len(out.getvalue()) <= limit else None

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        return b"\x80" * (3 * width * height)

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        return None


def request(
    policy: Policy = "default",
    *,
    areas: tuple[Area, ...] = (MIDDLE,),
    orientation: int = 1,
    names: Iterable[str] = (),
    images: tuple[Kept, ...] = (),
) -> Request:
    return Request(policy, areas, orientation, GreyRenderer(), frozenset(names), images)


def noise(width: int, height: int) -> Image.Image:
    """Return a picture of noise, always the same."""
    values = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def segments(data: bytes) -> list[Segment]:
    """Return the marker segments up to the first scan's, as far as they can be followed."""
    found = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        while at + 1 < len(data) and data[at + 1] == 0xFF:
            at += 1
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if at + 4 > len(data) or data[at + 1] in (0xD9, 0xDA) or end > len(data) or end < at + 4:
            break
        found.append(Segment(data[at + 1], at, end))
        at = end
    return found


def end_of_picture(data: bytes) -> int:
    """Return the offset behind the first EOI that ends a scan; the file's end without one."""
    at = segments(data)[-1].end if segments(data) else 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        code = data[at + 1]
        if code == 0xD9:
            return at + 2
        if code == 0xFF:
            at += 1
        elif code == 0 or 0xD0 <= code <= 0xD7:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def segment(code: int, content: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(content) + 2).to_bytes(2, "big") + content


def jpeg(*parts: bytes, size: tuple[int, int] = (200, 100)) -> bytes:
    """Return a small picture with these segments behind its SOI."""
    out = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(out, "JPEG")
    return b"\xff\xd8" + b"".join(parts) + out.getvalue()[2:]


def applied(data: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Make edits; they must be sorted and must not overlap."""
    out, at = [], 0
    for start, end, new in edits:
        assert at <= start <= end <= len(data)
        out += [data[at:start], new]
        at = end
    return b"".join((*out, data[at:]))


def scrubbed(data: bytes, carrier: Carrier, wanted: Request, codes: set[int]) -> bytes:
    """Scrub and check what holds for every carrier; return the new file."""
    result = carrier.scrub(wanted)
    check(data, carrier, result, wanted, codes)
    return applied(data, result.edits)


def check(
    data: bytes, carrier: Carrier, result: Scrubbed, wanted: Request, codes: set[int]
) -> None:
    own = [each for each in segments(data) if each.code in codes]
    for start, end, _ in result.edits:
        assert any(each.offset <= start <= end <= each.end for each in own), (start, end)
    assert [copy for copy, _ in result.outcomes] == list(carrier.copies)
    for copy, action in result.outcomes:
        assert copy.length > 0
        assert any(each.offset <= copy.offset < each.end for each in own), copy
        assert all(0 <= start < end <= len(data) for start, end in copy.pieces)
        possible = {copy.actions.of(wanted.policy), "keep", "drop", "edit"}
        assert action in possible, (copy, action)
