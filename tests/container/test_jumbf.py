"""Boxes in APP11 are put together, named, and go whole."""

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
from jpegredact.container.segments.jumbf import read_jumbf

PLAIN = files.picture(16, 16)
C2PA = bytes.fromhex("6332706100110010800000AA00389B71")
JSON = bytes.fromhex("6A736F6E00110010800000AA00389B71")


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", len(joined) + 8, kind) + joined


def described(uuid: bytes, label: bytes) -> bytes:
    return box(b"jumd", uuid, b"\x03", label + b"\0")


def segments(whole: bytes, number: int = 1, size: int = 65000) -> list[bytes]:
    """Cut a box: each segment repeats its length and type (ISO/IEC 19566-5, D.2)."""
    head, content = whole[:8], whole[8:]
    return [
        files.segment(
            0xEB, b"JP" + struct.pack(">HI", number, piece) + head + content[at : at + size]
        )
        for piece, at in enumerate(range(0, max(len(content), 1), size), 1)
    ]


def read(*parts: bytes) -> tuple[bytes, SegmentCarrier]:
    data = files.with_segments(PLAIN, *parts)
    found = [one for one in files.segments_of(data) if data.startswith(b"JP", one.offset + 4)]
    return data, read_jumbf(data, found)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", [65000, 100])
def test_c2pa_with_a_thumbnail(policy: Policy, size: int) -> None:
    inner = files.picture(48, 32)
    thumbnail = box(
        b"jumb", described(JSON, b"c2pa.thumbnail"), box(b"bfdb", b"\0image/jpeg\0"),
        box(b"bidb", inner),
    )  # fmt: skip
    claim = box(b"jumb", described(JSON, b"urn:uuid:1"), thumbnail, box(b"json", b"{}"))
    parts = segments(box(b"jumb", described(C2PA, b"c2pa"), claim), size=size)
    # pieces may come in any order
    data, carrier = read(*reversed(parts))
    store, picture = carrier.copies[:2]
    assert (store.kind, store.length) == ("jumbf-c2pa", len(data) - len(PLAIN))
    assert "'c2pa'" in store.detail
    assert (picture.kind, picture.size, picture.encoding) == ("jumbf-thumbnail", (48, 32), "jpeg")
    assert b"".join(data[start:end] for start, end in picture.pieces) == inner
    answer = carrier.scrub(files.request(policy))
    assert files.applied(data, answer.edits) == (data if policy == "keep" else PLAIN)
    assert {action for _, action in answer.outcomes} == {"warn" if policy == "keep" else "drop"}


def test_kinds() -> None:
    other = box(b"jumb", described(JSON, b"cai"), box(b"json", b"{}"))
    residual = box(b"RESI", PLAIN)
    c2pa = box(b"jumb", described(C2PA, b"c2pa"))
    data, carrier = read(*segments(other, 1), *segments(residual, 2), *segments(c2pa, 3))
    assert files.kinds(carrier.copies) == ["jumbf", "jpeg-xt", "jumbf-c2pa"]
    xt = carrier.copies[1]
    assert "RESI" in xt.detail
    assert (xt.size, xt.encoding) == ((16, 16), "jpeg")
    assert b"".join(data[start:end] for start, end in xt.pieces) == PLAIN
    assert files.applied(data, carrier.scrub(files.request()).edits) == PLAIN


def test_boxes_of_one_number_and_two_types() -> None:
    first, second = box(b"SPEC", b"a"), box(b"FTYP", b"b")
    _, carrier = read(*segments(first), *segments(second))
    assert files.kinds(carrier.copies) == ["jpeg-xt", "jpeg-xt"]


def test_an_extended_length() -> None:
    content = described(C2PA, b"c2pa")
    head = b"JP\0\1\0\0\0\1" + struct.pack(">I4sQ", 1, b"jumb", 16 + len(content))
    _, carrier = read(files.segment(0xEB, head + content))
    assert files.kinds(carrier.copies) == ["jumbf-c2pa"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\1",
        b"\0\1\0\0\0\1" + struct.pack(">I4sI4s", 0xFFFFFFFF, b"jumb", 0, b"jumb") * 99,
        b"\0\1\0\0\0\1" + struct.pack(">I4s", 8, b"jumb") + struct.pack(">I4s", 3, b"jumb") * 99,
        b"\0\1\0\0\0\1" + struct.pack(">I4s", 1, b"jumb"),
    ],
)  # fmt: skip
def test_damaged_ones_go_too(content: bytes) -> None:
    data, carrier = read(files.segment(0xEB, b"JP" + content))
    assert "jumbf" in files.kinds(carrier.copies)
    assert files.applied(data, carrier.scrub(files.request()).edits) == PLAIN


def test_deep_boxes_are_not_followed() -> None:
    whole = box(b"free")
    for _ in range(3000):
        whole = box(b"jumb", whole)
    data, carrier = read(*segments(whole))
    assert files.applied(data, carrier.scrub(files.request()).edits) == PLAIN


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_hostile(bodies: list[bytes]) -> None:
    data, carrier = read(*(files.segment(0xEB, b"JP" + body) for body in bodies))
    left = files.applied(data, carrier.scrub(files.request()).edits)
    assert left == PLAIN or any(body.startswith(b"EG") for body in bodies)


def test_the_corpus(corpus: Path) -> None:
    thumbnails = 0
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        found = [
            files.Segment(*one)
            for one in (shape.segments if shape else ())
            if one.code == 0xEB and data.startswith(b"JP", one.offset + 4)
        ]
        carrier = read_jumbf(data, found)
        if b"c2pa\0" in data[: shape.end if shape else 0]:
            assert "jumbf-c2pa" in files.kinds(carrier.copies), path.name
        for copy in carrier.copies:
            if copy.encoding == "jpeg":
                thumbnails += 1
                jpeg = b"".join(data[start:end] for start, end in copy.pieces)
                inner = jpegwalk.walk(jpeg, 0, len(jpeg))
                assert inner is not None
                assert inner.coherent
                assert inner.closed
    assert thumbnails > 10
