"""Hostile Exif, ICC, FlashPix and gain maps: bounded work, no room for what is not theirs."""

from __future__ import annotations

import struct
import time

import container_files as files
import exif_maker as maker
import pytest
from exif_maker import LONG, SHORT, UNDEFINED, Ref, Size

from jpegredact.container.carve import carve
from jpegredact.container.exif.carrier import read_exif
from jpegredact.container.exif.orientation import stated_orientation
from jpegredact.container.exif.pictures import jpeg_at
from jpegredact.container.images import gainmap
from jpegredact.container.model import Request, Segment
from jpegredact.container.segments.flashpix import read_flashpix

SECONDS = 3.0  # for what takes a hundredth of it


class Renderer:
    """Remembers the sizes that it was asked for; makes the first bytes of a picture."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        self.asked.append((width, height))
        return b"\xff\xd8\xff\xd9"

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        self.asked.append((width, height))
        return bytes(3 * width * height)

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        return None


def small(width: int, height: int, body: bytes = b"") -> bytes:
    """A JPEG that states a size; nothing of it decodes."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    scan = b"\1\1\0\0\x3f\0"
    parts = (files.segment(0xC0, frame), files.segment(0xDA, scan), b"scan", body)
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def with_thumbnail(picture: bytes) -> bytes:
    """An Exif segment with this thumbnail."""
    made = maker.tiff(
        {
            "ifd0": [(0x0112, SHORT, 1)],
            "ifd1": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, Size("picture"))],
            "picture": picture,
        },
        links={"ifd0": "ifd1"},
    )
    return files.segment(0xE1, b"Exif\0\0" + made.data)


def scrubbed(*segments: bytes, names: tuple[str, ...] = ()) -> tuple[bytes, Renderer]:
    """Scrub Exif segments; return the file and what was asked for."""
    data = b"\xff\xd8" + b"".join(segments)
    renderer = Renderer()
    carrier = read_exif(data, [Segment(*one) for one in files.segments_of(data + b"\xff\xd9")])
    edits, _ = carrier.scrub(Request("default", (), 1, renderer, frozenset(names)))
    return files.applied(data, edits), renderer


@pytest.mark.parametrize(("size", "room", "made"), [
    ((160, 120), 400, True), ((160, 120), 200, False), ((2048, 2048), 60_000, False),
    ((1024, 1024), 20_000, True),
])  # fmt: skip
def test_a_thumbnail_is_as_large_as_its_room_allows(
    size: tuple[int, int], room: int, made: bool
) -> None:
    picture = small(*size, b"x" * (room - 40))
    out, renderer = scrubbed(with_thumbnail(picture))
    assert renderer.asked == [size] * made
    assert b"scan" not in out


def test_four_thumbnails_of_a_file_are_made_anew() -> None:
    out, renderer = scrubbed(*[with_thumbnail(small(16, 16))] * 9)
    assert renderer.asked == [(16, 16)] * 4
    assert b"scan" not in out


def test_a_thumbnail_has_the_size_of_its_first_frame_header() -> None:
    later = files.segment(0xC0, struct.pack(">BHHB", 8, 9, 9, 1) + b"\1\x11\0")
    picture = small(64, 48, later)
    found = jpeg_at(picture, 0, len(picture))
    assert found is not None
    assert found.size == (64, 48)


def test_directories_that_end_with_the_data_are_read_to_there() -> None:
    start = time.process_time()
    for _ in range(10_000):
        assert stated_orientation(b"MM\0*\0\0\0\x08\xff\xff") == 1
    assert time.process_time() - start < SECONDS


def test_one_makernote_is_read_and_others_are_zeroed() -> None:
    first, second = maker.noise(100), maker.noise(90)[::-1]
    made = maker.tiff(
        {
            "ifd0": [(0x0112, SHORT, 1), (0x8769, LONG, Ref("exif")), (0x927C, UNDEFINED, first)],
            "exif": [(0x927C, UNDEFINED, second)],
        }
    )
    out, _ = scrubbed(files.segment(0xE1, b"Exif\0\0" + made.data))
    assert first in out
    assert second not in out


def test_many_makernotes_in_one_place_take_no_time() -> None:
    def note(at: int) -> bytes:
        sub = struct.pack(">H", 900) + struct.pack(">HHII", 0x3000, 3, 1, 5) * 900 + bytes(4)
        head = b"OLYMP\0\1\0" + struct.pack(">H", 3)
        places = (at + 50, at + 50 + len(sub), 0)
        for tag, place in zip((0x2010, 0x2020, 1), places, strict=True):
            head += struct.pack(">HHII", tag, 13 if place else 3, 1, place)
        return (head + bytes(50))[:50] + 2 * sub

    at = 8 + 2 + 12 * 999 + 4
    ifd = struct.pack(">H", 999) + struct.pack(">HHII", 0x927C, 7, 50, at) * 999 + bytes(4)
    block = b"Exif\0\0MM\0*\0\0\0\x08" + ifd + note(at)
    start = time.process_time()
    scrubbed(files.segment(0xE1, block))
    assert time.process_time() - start < SECONDS


def test_flashpix_is_not_walked_over_again_and_again() -> None:
    count, tail = 9000, b"\xff\xfe\0\2" * 1000
    body = b"".join(
        b"\xff\xd8\xff\xfe" + struct.pack(">H", 6 * count - 6 * at - 4) for at in range(count)
    )
    content = b"FPXR\0\0\2\0\0\0\0\0\0" + body + tail
    data = b"\xff\xd8" + files.segment(0xE2, content) * 4
    start = time.process_time()
    read_flashpix(data, files.segments_of(data + b"\xff\xd9"))
    assert time.process_time() - start < SECONDS


def test_a_gain_map_s_namespace_is_looked_for_once() -> None:
    packet = b"http://ns.adobe.com/xap/1.0/\0" + b"http://ns.adobe.com/hdr-gain-map/1.0/ " * 1700
    jpeg = files.gain_map(files.segment(0xE1, packet))
    start = time.process_time()
    assert gainmap.gain_map_kind(jpeg) == ""
    assert time.process_time() - start < SECONDS / 10


def test_signatures_that_lead_to_one_chain_are_walked_a_few_times() -> None:
    count, tail = 9000, b"\xff\xfe\0\2" * 1000
    body = b"".join(
        b"\xff\xd8\xff\xfe" + struct.pack(">H", 6 * count - 6 * at - 4) for at in range(count)
    )
    start = time.process_time()
    hits = carve(body + tail, [(0, len(body + tail))])
    assert any(hit.coherent for hit in hits)
    assert time.process_time() - start < SECONDS
