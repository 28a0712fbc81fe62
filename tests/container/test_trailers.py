"""All that lies behind EOI has a name, without a gap, whatever it is."""

from __future__ import annotations

import struct

import container_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.container import jpegwalk
from jpegredact.container.images import trailers
from jpegredact.container.images.carrier import read_images
from jpegredact.container.model import POLICIES, Policy

TAIL = {
    "nothing": (b"", []),
    "zeros": (bytes(349), ["padding"]),
    "fill": (b"\xff" * 7, ["padding"]),
    "text": (b"\r\n--5D9144052FC54aa482D8", ["trailer"]),
    "a picture": (files.picture(16, 16), ["trailer-jpeg"]),
    "zeros, a picture": (bytes(3) + files.picture(16, 16), ["padding", "trailer-jpeg"]),
    "a broken picture": (files.picture(16, 16)[:200], ["trailer-jpeg"]),
    "a film": (files.MP4, ["trailer-video"]),
    "zeros, a film": (bytes(5) + files.MP4, ["padding", "trailer-video"]),
    "a cut film": (files.MP4[:-8] + struct.pack(">I4s", 999, b"mdat"), ["trailer-video"]),
    "a film with a large box": (
        struct.pack(">I4s4s", 12, b"ftyp", b"mp42") + struct.pack(">I4sQ", 1, b"mdat", 24)
        + bytes(8), ["trailer-video"],
    ),
    "debug data, a film": (b"aecDebug" + bytes(90) + files.MP4, ["trailer", "trailer-video"]),
    "a picture without its first byte": (
        b"LN\xb8" + files.picture(16, 16)[1:], ["trailer"],
    ),
    "AFCP": (
        b"AXS!" + bytes(30) + b"AXS!" + struct.pack(">II", len(files.picture()), 0), ["trailer"],
    ),
    "AFCP that points elsewhere": (
        b"any" * 9 + b"AXS*" + struct.pack("<II", 1 << 31, 0), ["trailer", "trailer"],
    ),
    "a picture, AFCP that points elsewhere": (
        files.gain_map() + b"AXS*" + struct.pack("<II", 9, 0), ["trailer-jpeg", "trailer"],
    ),
    "a picture, a damaged Samsung trailer": (
        files.gain_map() + b"SEFH" + struct.pack("<I", 0xFFFFFFF0) + b"SEFT",
        ["trailer-jpeg", "trailer-samsung"],
    ),
    "FotoStation": (
        b"text" + bytes(9) + struct.pack(">HII", 1, 19, 0xA1B2C3D4), ["trailer", "trailer"],
    ),
    "PhotoMechanic": (
        b"text" + bytes(9) + struct.pack(">I", 9) + b"cbipcbbl", ["trailer", "trailer"],
    ),
    "Canon VRD": (
        b"text" + b"CANON OPTIONAL DATA\0".ljust(28, b"\0") + bytes(5)
        + b"CANON OPTIONAL DATA\0" + struct.pack(">I", 5) + bytes(40), ["trailer", "trailer"],
    ),
    "MIE": (
        b"~\x10\x04\x130MIE" + bytes(4) + b"~\0\x04\0zmie~\0\0\x06"
        + struct.pack(">I", 30) + b"\x10\x04", ["trailer"],
    ),
    "Insta360": (
        bytes(100) + struct.pack("<I", 140) + bytes(4)
        + b"8db42d694ccc418790edff439fe026bf" + bytes(0), ["trailer"],
    ),
    "NikonApp": (
        b"NIKON APP\0" + bytes(40) + struct.pack(">I", 70) + bytes(6) + b"/NIKON APP",
        ["trailer"],
    ),
    "Vivo": (
        b'vivo{"a":1}' + b"\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1", ["trailer"],
    ),
    "QDIOBS": (b"SOBIDQ" + bytes(9) + b"\0\0QDIOBS", ["trailer"]),
}  # fmt: skip


class TestEveryByteHasAName:
    @pytest.mark.parametrize("name", TAIL)
    def test_parts(self, name: str) -> None:
        tail, expected = TAIL[name]
        data = files.picture() + tail
        images = files.images_of(data)
        assert files.kinds(images.copies) == expected
        position = len(data) - len(tail)
        for copy in images.copies:
            assert copy.offset == position
            position += copy.length
        assert position == len(data)

    @pytest.mark.parametrize("name", TAIL)
    @pytest.mark.parametrize("policy", POLICIES)
    def test_goes_but_under_keep(self, name: str, policy: Policy) -> None:
        tail, _ = TAIL[name]
        data = files.picture() + tail
        out, answer, kept = files.scrubbed(data, policy)
        assert out == (data if policy == "keep" else files.picture())
        assert all(action in ("drop", "warn", "keep") for _, action in answer.outcomes)
        assert not kept or policy == "keep"

    def test_samsung_blocks(self) -> None:
        def block(kind: int, name: bytes, content: bytes) -> bytes:
            return struct.pack("<HHI", 0, kind, len(name)) + name + content

        inner = files.picture(16, 16)
        first, second = (
            block(0x0A30, b"MotionPhoto_Data", files.MP4),
            block(0x0AB1, b"DualShot", inner),
        )
        directory = b"SEFH" + struct.pack("<II", 106, 2)
        directory += struct.pack("<HHII", 0, 0x0A30, len(first) + len(second), len(first))
        directory += struct.pack("<HHII", 0, 0x0AB1, len(second), len(second))
        tail = first + second + directory + struct.pack("<I", len(directory)) + b"SEFT"
        data = files.picture() + tail
        video, photo, last = files.images_of(data).copies
        assert files.kinds((video, photo, last)) == ["trailer-samsung"] * 3
        assert "MotionPhoto_Data" in video.detail
        ((start, end),) = video.pieces
        assert data[start:end] == files.MP4
        ((start, end),) = photo.pieces
        assert data[start:end] == inner
        assert photo.size == (16, 16)
        assert last.offset + last.length == len(data)

    def test_samsung_blocks_upon_each_other(self) -> None:
        directory = b"SEFH" + struct.pack("<II", 106, 3)
        for back, length in ((90, 60), (80, 80), (0xFFFFFFFF, 9)):
            directory += struct.pack("<HHII", 0, 0x0A30, back, length)
        tail = bytes(100) + directory + struct.pack("<I", len(directory)) + b"SEFT"
        parts = trailers.split(tail, 0)
        assert [part.start for part in parts] == [0, *(part.end for part in parts)][: len(parts)]
        assert parts[-1].end == len(tail)

    def test_extracted_pictures_decode(self) -> None:
        inner = files.picture(16, 24)
        data = files.picture() + b"LN\xb8" + inner[1:]
        (copy,) = files.images_of(data).copies
        ((start, end),) = copy.pieces
        assert copy.size == (16, 24)
        assert data[start + 1 : end] == inner[1:]

    def test_no_end_of_the_picture(self) -> None:
        data = files.picture()[:-2]
        assert read_images(data, [], len(data)).copies == ()


class TestHostile:
    @given(st.binary(max_size=300))
    def test_any_trailer_is_named_whole(self, tail: bytes) -> None:
        parts = trailers.split(tail, 0)
        assert [part.start for part in parts] == [0, *(part.end for part in parts)][: len(parts)]
        assert not tail or parts[-1].end == len(tail)

    def test_many_starts_of_pictures_take_no_time(self) -> None:
        tail = b"\xff\xd8\xff\xe0\x00\x04\0\0" * 50_000
        parts = trailers.split(tail, 0)
        assert len(parts) <= 300
        assert parts[-1].end == len(tail)

    def test_a_long_chain_of_segments_is_not_followed(self) -> None:
        data = b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000
        shape = jpegwalk.walk(data, 0, len(data))
        assert shape is not None
        assert not shape.decided
        assert len(shape.segments) == jpegwalk.MOST_SEGMENTS
