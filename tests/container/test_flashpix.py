"""FlashPix data goes whole; the pictures in it can be looked at first."""

from __future__ import annotations

import struct
from pathlib import Path

import container_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.container import jpegwalk
from jpegredact.container.model import POLICIES, Policy
from jpegredact.container.segments.base import SegmentCarrier
from jpegredact.container.segments.flashpix import read_flashpix

PLAIN = files.picture(16, 16)


def contents(*names: str) -> bytes:
    out = b"FPXR\0\0\x01" + struct.pack(">H", len(names))
    for name in names:
        out += struct.pack(">IB", 100, 0) + name.encode("utf-16-le") + b"\0\0"
    return files.segment(0xE2, out)


def stream(number: int, content: bytes, size: int = 65000) -> list[bytes]:
    return [
        files.segment(
            0xE2, b"FPXR\0\0\x02" + struct.pack(">HI", number, at) + content[at : at + size]
        )
        for at in range(0, len(content), size)
    ]


def read(*segments: bytes) -> tuple[bytes, SegmentCarrier]:
    data = files.with_segments(PLAIN, *segments)
    found = [one for one in files.segments_of(data) if data.startswith(b"FPXR\0", one.offset + 4)]
    return data, read_flashpix(data, found)


@pytest.mark.parametrize("policy", POLICIES)
def test_goes_whole(policy: Policy) -> None:
    inner = files.picture(48, 32)
    pieces = stream(1, b"\xfe\xff property set " + inner + b"behind", 300)
    data, carrier = read(contents("/Sum", "/Screen Nail"), *stream(0, bytes(90)), *pieces)
    whole, screennail = carrier.copies
    assert (whole.kind, whole.length) == ("flashpix", len(data) - len(PLAIN))
    assert screennail.size == (48, 32)
    assert "/Screen Nail" in screennail.detail
    assert len(screennail.pieces) > 2
    assert b"".join(data[start:end] for start, end in screennail.pieces) == inner
    out = files.applied(data, carrier.scrub(files.request(policy)).edits)
    assert out == (data if policy == "keep" else PLAIN)


def test_a_thumbnail_in_a_picture_is_part_of_it() -> None:
    inner = files.with_segments(files.picture(48, 32), files.segment(0xE1, files.picture(16, 16)))
    _, carrier = read(*stream(0, inner))
    assert [copy.size for copy in carrier.copies] == [None, (48, 32)]


def test_none() -> None:
    data, carrier = read()
    assert carrier.copies == ()
    assert carrier.scrub(files.request()).edits == []
    assert data == PLAIN


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.sampled_from([0, 1, 2, 3]))
def test_hostile(bodies: list[bytes], kind: int) -> None:
    segments = [files.segment(0xE2, b"FPXR\0\0" + bytes([kind]) + body) for body in bodies]
    data, carrier = read(*segments, files.segment(0xE2, b"FPXR\0"))
    assert files.applied(data, carrier.scrub(files.request()).edits) == PLAIN


def test_many_pictures_are_not_all_listed() -> None:
    tiny = files.picture(8, 8)
    _, carrier = read(*stream(0, tiny * 60))
    assert len(carrier.copies) <= 17


def test_the_corpus(corpus: Path) -> None:
    files_with_it = 0
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        if shape is None:
            continue
        found = [
            files.Segment(*one)
            for one in shape.segments
            if one.code == 0xE2 and data.startswith(b"FPXR\0", one.offset + 4)
        ]
        carrier = read_flashpix(data, found)
        files_with_it += bool(found)
        assert b"FPXR" not in files.applied(data, carrier.scrub(files.request()).edits)[: shape.end]
    assert files_with_it >= 2
