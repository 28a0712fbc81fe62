"""JFIF's thumbnails go, its header stays."""

from __future__ import annotations

from pathlib import Path

import container_files as files
import pytest

from jpegredact.container import jpegwalk
from jpegredact.container.model import POLICIES, Policy
from jpegredact.container.segments.jfif import read_jfif

HEADER = b"JFIF\0\x01\x02\x01\x00\xb4\x00\xb4"
BARE = files.segment(0xE0, HEADER + b"\0\0")
REST = files.picture(16, 16)[20:]


def read(*segments: bytes):
    data = b"\xff\xd8" + b"".join(segments) + REST
    own = (b"JFIF\0", b"JFXX\0")
    found = [one for one in files.segments_of(data) if data.startswith(own, one.offset + 4)]
    return data, read_jfif(data, found)


def scrubbed(data: bytes, carrier, policy: Policy = "default") -> bytes:
    return files.applied(data, carrier.scrub(files.request(policy)).edits)


def test_a_header_shows_nothing() -> None:
    data, carrier = read(BARE)
    assert carrier.copies == ()
    assert scrubbed(data, carrier, "strict") == data


def test_an_rgb_thumbnail() -> None:
    pixels = files.noise(3 * 5 * 4)
    data, carrier = read(files.segment(0xE0, HEADER + bytes((5, 4)) + pixels))
    (copy,) = carrier.copies
    assert (copy.kind, copy.size, copy.encoding) == ("jfif-thumbnail", (5, 4), "rgb")
    ((start, end),) = copy.pieces
    assert data[start:end] == pixels
    assert scrubbed(data, carrier) == scrubbed(data, carrier, "strict") == b"\xff\xd8" + BARE + REST
    assert scrubbed(data, carrier, "keep") == data


@pytest.mark.parametrize("extra", [b"\xde\xad\xbe\xef", b"1234567890"[:8], bytes(500)])
def test_what_can_not_show_anything_stays(extra: bytes) -> None:
    data, carrier = read(files.segment(0xE0, HEADER + b"\0\0" + extra))
    assert scrubbed(data, carrier) == data


@pytest.mark.parametrize(("width", "height"), [(0, 0), (9, 9), (255, 255), (1, 0)])
def test_bytes_that_no_thumbnail_accounts_for(width: int, height: int) -> None:
    data, carrier = read(files.segment(0xE0, HEADER + bytes((width, height)) + files.noise(50)))
    (copy,) = carrier.copies
    assert (copy.pieces, copy.size) == ((), None)
    assert scrubbed(data, carrier) == b"\xff\xd8" + BARE + REST


EXTENSIONS = {
    "JPEG": (b"\x10" + files.picture(16, 24), (16, 24), "jpeg"),
    "palette": (b"\x11" + bytes((4, 2)) + files.noise(768 + 8), (4, 2), "other"),
    "RGB": (b"\x13" + bytes((4, 2)) + files.noise(24), (4, 2), "rgb"),
    "RGB cut short": (b"\x13" + bytes((4, 2)) + files.noise(5), (4, 2), "other"),
    "unknown": (b"\x77" + files.noise(30), None, "other"),
    "empty": (b"", None, "other"),
}


@pytest.mark.parametrize("name", EXTENSIONS)
@pytest.mark.parametrize("policy", POLICIES)
def test_extensions_go(name: str, policy: Policy) -> None:
    content, size, encoding = EXTENSIONS[name]
    data, carrier = read(BARE, files.segment(0xE0, b"JFXX\0" + content))
    (copy,) = carrier.copies
    assert (copy.kind, copy.size, copy.encoding) == ("jfxx-thumbnail", size, encoding)
    bare = b"\xff\xd8" + BARE + REST
    assert scrubbed(data, carrier, policy) == (data if policy == "keep" else bare)


def test_a_piece_is_the_picture() -> None:
    inner = files.picture(16, 24)
    data, carrier = read(BARE, files.segment(0xE0, b"JFXX\0\x10" + inner))
    ((start, end),) = carrier.copies[0].pieces
    assert data[start:end] == inner


@pytest.mark.parametrize("length", range(14))
def test_a_header_cut_short(length: int) -> None:
    data, carrier = read(files.segment(0xE0, (HEADER + b"\0\0")[: max(5, length)]))
    assert scrubbed(data, carrier) == data


def test_the_corpus(corpus: Path) -> None:
    kinds = set()
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        if shape is None or not shape.coherent:
            continue
        found = [
            files.Segment(*one)
            for one in shape.segments
            if one.code == 0xE0 and data.startswith((b"JFIF\0", b"JFXX\0"), one.offset + 4)
        ]
        carrier = read_jfif(data, found)
        kinds |= set(files.kinds(carrier.copies))
        again = scrubbed(data, carrier)
        for copy in carrier.copies:
            for start, end in copy.pieces:
                assert data[start:end] not in again, path.name
    assert kinds == {"jfif-thumbnail", "jfxx-thumbnail"}
