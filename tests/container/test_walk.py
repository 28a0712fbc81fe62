"""The walk as a whole: who answers for what, in what order, and where things lie in the end."""

from __future__ import annotations

import io

import pytest
from container_files import applied, multi_picture, picture, segment, with_segments, xmp
from exif_maker import jpeg as small_jpeg
from hypothesis import given
from hypothesis import strategies as st

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.container.model import SideCopy
from jpegredact.container.walk import areas_of, new_offsets
from jpegredact.redaction.side_copies import read_contents


def contents(data: bytes):
    return read_contents(data, read_jpeg(data))


def kinds(data: bytes) -> list[str]:
    return [copy.kind for copy in contents(data).copies]


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int, bytes]]]:
    """Draw bytes and edits of them that don't overlap."""
    data = draw(st.binary(max_size=60))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    spans = [pair for n, pair in enumerate(pairs) if n == 0 or pairs[n - 1][1] < pair[0]]
    return data, [(start, end, draw(st.binary(max_size=5))) for start, end in spans]


@given(edits())
def test_new_offsets(drawn) -> None:
    """An offset behind so many bytes of the old file has what became of them in front."""
    data, changes = drawn
    place = new_offsets(changes)
    for offset in range(len(data) + 1):
        if not any(start < offset < end for start, end, _ in changes):
            before = [(a, b, new) for a, b, new in changes if b <= offset]
            assert place(offset) == len(applied(data[:offset], before))
        else:
            start = next(start for start, end, _ in changes if start < offset < end)
            assert place(offset) == place(start)


def test_areas() -> None:
    (area,) = areas_of([(10, 20, 30, 60)], 100, 200)
    assert tuple(area) == (0.1, 0.1, 0.3, 0.3)
    assert area.overlaps(areas_of([(29, 59, 31, 61)], 100, 200)[0])
    assert not area.overlaps(areas_of([(30, 20, 40, 60)], 100, 200)[0])


def test_a_plain_picture_has_no_side_copies() -> None:
    assert contents(picture()).copies == ()


def test_each_signature_has_its_carrier() -> None:
    data = with_segments(
        picture(),
        segment(0xE1, b"Exif\0\0" + b"II*\0\x08\0\0\0" + bytes(6)),
        segment(0xE1, xmp("<x/>")[4:]),
        segment(0xE2, b"FPXR\0\0\x01" + bytes(20)),
        segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x1ajumb\0\0\0\x12jumd" + bytes(10)),
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x07\xd0\0\0\0\0\0\x02ab"),
        segment(0xFE, b"a comment"),
        segment(0xE9, b"\0binary\xff" * 4),
    )
    found = kinds(data)
    for start in ("exif", "xmp", "flashpix", "jumbf", "photoshop", "comment", "unknown"):
        assert any(kind.startswith(start) for kind in found), (start, found)


def test_copies_are_in_the_order_of_the_file() -> None:
    data = with_segments(picture(), segment(0xFE, b"one"), segment(0xFE, b"two")) + b"behind"
    offsets = [copy.offset for copy in contents(data).copies]
    assert offsets == sorted(offsets)
    assert len(offsets) == 3


def test_reserved_markers_are_nobodys() -> None:
    data = with_segments(picture(), segment(0xF3, small_jpeg(64, 48)))
    (copy,) = contents(data).copies
    assert (copy.kind, copy.default_action) == ("appn-preview", "drop")
    result = jr.redact(data, [(0, 0, 16, 16)])
    assert small_jpeg(64, 48) not in result.jpeg
    assert jr.restore(result.jpeg, result.diff) == data


@pytest.mark.parametrize("count", [16, 17, 3000])
@pytest.mark.parametrize("fill", [b"\xff", b"x"])
def test_bytes_between_segments(count: int, fill: bytes) -> None:
    plain = picture()
    first = int.from_bytes(plain[4:6]) + 4  # behind JFIF
    data = plain[:first] + fill * count + plain[first:]
    gone = fill != b"\xff" and count > 16
    assert kinds(data) == (["stray-bytes"] if gone else [])
    for policy in ("default", "strict", "keep"):
        result = jr.redact(data, [(0, 0, 16, 16)], side_copies=policy)
        assert (fill * count in result.jpeg) is (not gone or policy == "keep")
        assert jr.restore(result.jpeg, result.diff) == data
        assert jr.verify(data, result.jpeg, result.diff).ok is (not gone or policy != "keep")


JUNK = [
    b"\x12\x34", b"\x12" * 30, b"\xff", b"\xff" * 20, b"\xff\xd0", b"\xff\x01\x22", b"a\xff\xff"
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=bytes.hex)
@pytest.mark.parametrize(
    "gone", [segment(0xE9, b"\0bin" * 20), segment(0xE1, b"Exif\0\0xx" * 9)], ids=["APP9", "Exif"]
)
@pytest.mark.parametrize("progressive", [False, True])
def test_bytes_that_would_come_to_stand_behind_coded_data(
    junk: bytes, gone: bytes, progressive: bool
) -> None:
    """The segment between them goes, and nothing may become part of the scan."""
    plain = picture(progressive=progressive)
    eoi = plain.rindex(b"\xff\xd9")
    again = segment(0xFE, b"a comment stays") + junk
    for tail in (plain[eoi:], again + plain[eoi:], gone + junk + plain[eoi:], b""):
        data = plain[:eoi] + gone + junk + tail
        for policy in ("default", "strict", "keep"):
            result = jr.redact(data, [(0, 0, 16, 16)], side_copies=policy)
            stored = result.diff.to_bytes()
            assert jr.restore(result.jpeg, stored) == data
            assert jr.restore(jr.restore(result.jpeg, stored, regions=[0]), stored) == data


@pytest.mark.parametrize("between", [segment(0xE9, b"\0\1\2" * 20), segment(0xFE, bytes(9))])
@pytest.mark.parametrize("few", [b"0123456789", b"xyzzy" + b"\xff" * 20, b"\xff" * 20])
def test_a_few_bytes_here_and_a_few_there_are_not_few(between: bytes, few: bytes) -> None:
    """They come together where the segments between them go."""
    plain = picture()
    data = plain[:20] + few + between + few + between + plain[20:]
    for policy in ("default", "strict", "keep"):
        result = jr.redact(data, [(0, 0, 16, 16)], side_copies=policy)
        assert jr.restore(result.jpeg, result.diff) == data
        assert ((few.strip(b"\xff") or few) in result.jpeg) is (policy == "keep" or few[0] == 255)
        assert "stray-bytes" not in kinds(result.jpeg) or policy == "keep"


def test_fill_bytes_between_a_few_bytes_count() -> None:
    plain, gone = picture(), segment(0xE9, b"\0\1\2" * 20)
    data = plain[:20] + b"abc" + gone + b"\xff" * 20 + gone + b"def" + plain[20:]
    result = jr.redact(data, [(0, 0, 16, 16)])
    assert kinds(result.jpeg) == []
    assert jr.restore(result.jpeg, result.diff) == data


def test_the_index_says_where_things_lie_in_the_end() -> None:
    """A comment in front goes, the scans change, and the gain map gets another length."""
    note = segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(20))
    small = with_segments(picture(48, 32), note)
    data = multi_picture(picture(96, 64), [(0, b"", small)])
    data = with_segments(data, segment(0xEF, b"\0\1" * 500))
    result = jr.redact(data, [(16, 16, 60, 40)])
    assert jr.restore(result.jpeg, result.diff) == data
    actions = {copy.kind: copy.action for copy in result.report.side_copies}
    assert actions["unknown-segment"] == "drop"
    assert actions["gain-map"] == "redact"
    from PIL import Image

    with Image.open(io.BytesIO(result.jpeg)) as image:
        assert image.n_frames == 2
        image.seek(1)
        image.load()


ITEM = '<rdf:li><Container:Item Item:Semantic="GainMap" Item:Length="{}"/></rdf:li>'


@pytest.mark.parametrize("packet", ["<x>" + ITEM, "<x>" + ITEM + "</x>", "{}"])
@pytest.mark.parametrize("note", [b"", segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))])
def test_a_gain_map_goes_that_nothing_tells_of_in_the_end(packet: str, note: bytes) -> None:
    """XMP says that it is one, but is broken, or is no directory that can be put right."""
    small = with_segments(picture(48, 32), segment(0xFE, b"its length will be another"))
    data = multi_picture(picture(96, 64), [(0, b"", small)])
    data = with_segments(data, xmp(packet.format(len(small))), note)
    for policy in ("default", "strict"):
        result = jr.redact(data, [(16, 16, 60, 40)], side_copies=policy)
        assert jr.restore(result.jpeg, result.diff) == data
        left = {copy.kind for copy in jr.audit(result.jpeg)}
        assert left <= {"xmp-packet"}
        assert len(result.jpeg) < len(data) - len(small)


def test_side_copies_can_be_compared_and_shown() -> None:
    data = with_segments(picture(), segment(0xFE, b"a comment"))
    (copy,) = contents(data).copies
    assert copy == contents(data).copies[0]
    assert isinstance(copy, SideCopy)
    assert "comment" in repr(copy)
