"""The last gate finds pictures in bytes that should hold none, and is not fooled by chance."""

from __future__ import annotations

import base64
import io
import struct
import time
from pathlib import Path

import container_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jpegredact.container import jpegwalk
from jpegredact.container.carve import Hit, carve

JPEG = files.picture(16, 16)
TIFF = b"II*\0" + struct.pack("<IHHHIIHHIII", 8, 2, 0x0100, 4, 1, 8, 0x0111, 4, 1, 200, 0)


SCAN = files.segment(0xDA, b"\1\1\0\0\x3f\0")


def saved(name: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, name)
    return out.getvalue()


def found(data: bytes, start: int = 0) -> list[tuple[int, str]]:
    return [(hit.offset, hit.kind) for hit in carve(data, [(start, len(data))]) if hit.coherent]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("jpeg", JPEG),
        ("jpeg", b"\x00" + JPEG[1:]),  # makers overwrite the first byte
        ("jpeg", files.picture(16, 16, progressive=True)),
        ("jpeg", JPEG[:2] + JPEG[20:]),  # no JFIF: DQT is the first
        ("png", saved("PNG")),
        ("gif", saved("GIF")),
        ("bmp", saved("BMP")),
        ("tiff", saved("TIFF")),
        ("tiff", TIFF),
        ("riff", saved("WEBP")),
        ("iso-media", struct.pack(">I4s4s", 24, b"ftyp", b"heic") + bytes(12)),
        ("jp2", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("jp2", b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 47, 0, *[8] * 8, 3)),
        ("jxl", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("jxr", b"II\xbc\x01" + struct.pack("<I", 8) + bytes(20)),
        ("psd", b"8BPS\0\1" + bytes(20)),
        ("base64", base64.b64encode(JPEG)),
        ("base64", base64.encodebytes(JPEG)),
        ("base64", base64.encodebytes(JPEG).replace(b"\n", b"&#xA;")),
        ("base64", base64.b64encode(saved("PNG"))),
        ("hex", JPEG.hex().encode()),
        ("hex", JPEG.hex().upper().encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_finds(kind: str, data: bytes) -> None:
    # a byte before it may be the first of a signature too, so none of 0xFF or 0xD8
    assert (7, kind) in found(b"\x01before" + data + b"behind", 2)
    assert (0, kind) in found(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\xd8\xff\xe0",
        b"\x01\xd8\xff\xe0" + bytes(2000),
        b"\x01\xd8\xff\xdb" + files.noise(2000),
        b"\xff\xd8\xff\xdb\x00\x04ab" + files.noise(2000, 3),
        # a frame whose length says other than its number of components
        b"\xff\xd8" + files.segment(0xC0, b"\x08\0\x08\0\x08\x03" + bytes(3)) + SCAN,
        b"\xff\xd8" + files.segment(0xC0, b"\x08\0\x08\0\x08\x01" + bytes(3)) + SCAN[:4] + b"\2",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"BM" + bytes(100),
        b"GIF89a" + bytes(100),
        b"MM\0*" + struct.pack(">IH", 8, 0) + bytes(100),
        b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0112, 3, 1, 0) + bytes(100),
        b"RIFF" + struct.pack("<I", 90) + b"WAVE" + bytes(90),
        b"an article on ftyp" + bytes(30),
        b"/9j/ is how a JPEG begins in base64",
        b"ffd8ff is how it begins",
    ],
)
def test_no_picture_behind_a_signature(data: bytes) -> None:
    assert found(data) == []


def test_a_picture_cut_short_is_not_decided() -> None:
    """Once a second segment is in sight, what the bytes lack may be elsewhere."""
    shape = jpegwalk.header(JPEG, 0, len(JPEG))
    assert shape is not None
    for cut in range(shape.segments[1].end, len(JPEG), 13):
        assert found(JPEG[:cut]) == [(0, "jpeg")]
    for cut in range(4, shape.segments[1].end):
        assert found(JPEG[:cut]) == []


@pytest.mark.parametrize("between", [b"x", b"some text", bytes(30), b"\0" * 4000])
def test_bytes_between_segments(between: bytes) -> None:
    """libjpeg passes over them with a warning, so the picture can be seen."""
    shape = jpegwalk.header(JPEG, 0, len(JPEG))
    assert shape is not None
    for segment in shape.segments[1:]:
        data = JPEG[: segment.offset] + between + JPEG[segment.offset :]
        Image.open(io.BytesIO(data)).load()
        assert found(data) == [(0, "jpeg")]


def test_many_pictures_with_bytes_between_take_no_long_time() -> None:
    data = (b"\xff\xd8" + b"x\xff\xe1\0\2" * 5) * 20000
    assert timed(data) < 3


def test_a_chain_too_long_to_follow_is_not_decided() -> None:
    chain = files.segment(0xE1, b"") * (jpegwalk.MOST_SEGMENTS + 9)
    assert found(b"\xff\xd8" + chain + bytes(90)) == [(0, "jpeg")]


def test_only_in_the_spans() -> None:
    data = JPEG + b"between" + JPEG
    second = len(JPEG) + 7
    assert [hit.offset for hit in carve(data, [(second, len(data))])] == [second]
    assert carve(data, [(len(JPEG), second)]) == []
    assert [hit.offset for hit in carve(data, [(second, 1 << 40), (-5, 40)])][:2] == [0, second]


def test_says_what_it_is_not_sure_of() -> None:
    assert carve(b"..\xd8\xff\xe0....", [(0, 9)]) == [Hit(1, "jpeg", False)]


def test_more_hits_than_can_be_looked_at_are_a_picture() -> None:
    data = b"\x01\xd8\xff\xe0\x00\x00" * 5000
    began = time.perf_counter()
    hits = carve(data, [(0, len(data))])
    assert time.perf_counter() - began < 5
    assert len(hits) < 3000
    assert hits[-1].coherent


@given(st.binary(max_size=400), st.binary(max_size=8))
def test_any_bytes(data: bytes, signature: bytes) -> None:
    for needle in (b"\xff\xd8\xff\xdb", b"II*\0", b"BM", b"GIF89a", b"/9j/", b"ffd8ff", signature):
        for hit in carve(needle + data, [(0, len(needle) + len(data))]):
            assert 0 <= hit.offset < len(needle) + len(data)


def test_is_fast() -> None:
    """Far below the time that anything else takes: linear, and a few searches of bytes."""
    data = files.noise(1_000_000)
    best = min(timed(data) for _ in range(3))
    assert best < 0.1


def timed(data: bytes) -> float:
    began = time.perf_counter()
    carve(data, [(0, len(data))])
    return time.perf_counter() - began


def test_finds_each_thumbnail_of_the_corpus(corpus: Path) -> None:
    """Every Exif thumbnail that Pillow decodes is a coherent hit within the header."""
    seen = 0
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        if shape is None:
            continue
        for segment in shape.segments:
            if segment.code == 0xE1 and data.startswith(b"Exif\0", segment.offset + 4):
                at = data.find(b"\xff\xd8\xff", segment.offset + 4, segment.end)
                if at < 0 or not decodes(data[at : segment.end]):
                    continue
                seen += 1
                hits = carve(data, [(segment.offset + 4, segment.end)])
                assert any(hit.offset == at and hit.coherent for hit in hits), path.name
    assert seen > 50


def decodes(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError, UserWarning):
        return False
    return True
