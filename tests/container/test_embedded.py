"""The box that a sealed diff is in: one way to write it, and nothing else is read as one."""

from __future__ import annotations

import struct
import time

import container_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.codec.reader import read_jpeg
from jpegredact.container.images import mpf
from jpegredact.container.insert import behind_first, inserted, without
from jpegredact.container.model import POLICIES, Policy, Segment
from jpegredact.container.segments import diffbox
from jpegredact.container.segments.base import SegmentCarrier
from jpegredact.container.segments.diffbox import find_boxes, free_number, make_box
from jpegredact.container.segments.jumbf import read_jumbf

PLAIN = files.picture(16, 16)
ROOM = 65517
"""Bytes of a box that a segment has room for."""
OTHER = bytes.fromhex("6A736F6E00110010800000AA00389B71")


def boxes_in(data: bytes) -> list[diffbox.DiffBox]:
    return list(find_boxes(data, read_jpeg(data).segments))


def put_in(data: bytes, box: bytes) -> bytes:
    return inserted(data, read_jpeg(data).segments, box)


def taken_out(data: bytes) -> bytes:
    spans = [(box.start, box.end) for box in boxes_in(data)]
    return without(data, read_jpeg(data).segments, spans)


def carrier(data: bytes, known: bytes) -> SegmentCarrier:
    segments = [one for one in files.segments_of(data) if data.startswith(b"JP", one.offset + 4)]
    return read_jumbf(data, segments, lambda content: "a diff" if content == known else "")


def read_plainly(data: bytes) -> list[tuple[bytes, bytes]]:
    """Put a JUMBF superbox together as annex D of ISO/IEC 19566-5 says; return the boxes in it."""
    shares: dict[int, bytes] = {}
    head = b""
    for segment in files.segments_of(data):
        if segment.code == 0xEB:
            common, number, piece, head = struct.unpack_from(">2sHI8s", data, segment.offset + 4)
            assert (common, number) == (b"JP", 1)
            shares[piece] = data[segment.offset + 20 : segment.end]
    assert sorted(shares) == list(range(1, len(shares) + 1))
    content = b"".join(shares[piece] for piece in sorted(shares))
    assert head == struct.pack(">I4s", 8 + len(content), b"jumb")
    found = []
    while content:
        length, kind = struct.unpack_from(">I4s", content)
        found.append((kind, content[8:length]))
        content = content[length:]
    return found


@pytest.mark.parametrize("length", [0, 1, 1000, ROOM - 40, ROOM - 39, ROOM, 3 * ROOM])
def test_a_box_is_what_the_standard_says(length: int) -> None:
    content = files.noise(length)
    box = make_box(content, 1)
    data = put_in(PLAIN, box)
    description, held = read_plainly(data)
    uuid = bytes.fromhex("15f0cada7f36468c8096d4df608e9e04")
    assert description == (b"jumd", uuid + b"\x03jrdiff\0")
    assert held == (b"cbor", content)
    assert boxes_in(data) == [diffbox.DiffBox(20, 20 + len(box), content)]
    count = sum(one.code == 0xEB for one in files.segments_of(data))
    assert diffbox.segments_for(length) == count
    assert taken_out(data) == PLAIN


def test_there_is_an_end_to_what_a_box_can_hold() -> None:
    assert diffbox.segments_for(0xFFFFFFFF - 48) == -(-0xFFFFFFF7 // ROOM)
    assert diffbox.segments_for(0xFFFFFFFF - 47) is None


def test_it_goes_behind_what_wants_to_be_in_front() -> None:
    front = [files.xmp("<a/>"), files.segment(0xE1, b"Exif\0\0"), files.segment(0xE0, b"JFXX\0")]
    data = files.with_segments(PLAIN, *front, files.segment(0xED, b"x"), files.xmp("<b/>"))
    at = 20 + sum(map(len, front))
    assert behind_first(read_jpeg(data).segments) == at
    assert boxes_in(put_in(data, make_box(b"d", 1)))[0].start == at


def test_numbers_differ() -> None:
    data = PLAIN
    for number in (1, 2, 3):
        assert free_number(data, read_jpeg(data).segments) == number
        data = put_in(data, make_box(b"%d" % number, number))
    assert [box.content for box in boxes_in(data)] == [b"3", b"2", b"1"]
    taken = [(0xEB, 8 * number, 8 * number + 8) for number in range(0xFFFF)]
    many = b"".join(b"\xff\xeb\0\x06JP" + number.to_bytes(2) for number in range(1, 0x10000))
    assert free_number(many, taken) is None


@given(st.data())
def test_nothing_else_is_one(data: st.DataObject) -> None:
    """With any byte of it changed it is none, but for those of the diff, and its number."""
    content = files.noise(ROOM + 100)
    box = bytearray(make_box(content, 1))
    heads = [*range(20 + 40), *range(20 + ROOM, 20 + ROOM + 20)]
    at = data.draw(st.sampled_from(heads))
    box[at] ^= data.draw(st.integers(1, 255))
    if at in (6, 7):
        return  # then the second piece's number is another one: looked at below
    whole = PLAIN[:20] + bytes(box) + PLAIN[20:]
    middle, end = 20 + 20 + ROOM, 20 + len(box)
    assert not list(find_boxes(whole, [(0xEB, 20, middle), (0xEB, middle, end)]))


def test_pieces_are_whole_in_order_and_adjacent() -> None:
    box = make_box(files.noise(2 * ROOM), 1)
    cut = [box[at : at + 20 + ROOM] for at in range(0, len(box), 20 + ROOM)]
    between = files.segment(0xFE, b"")
    renumbered = [cut[0], cut[1][:6] + b"\0\2" + cut[1][8:], cut[2]]
    for parts in (
        cut[:2], cut[1:], [cut[1], cut[0], cut[2]], [cut[0], between, *cut[1:]],
        [cut[0], b"\xff", *cut[1:]], renumbered, [*cut[:2], cut[1], cut[2]],
    ):  # fmt: skip
        data = files.with_segments(PLAIN, *parts)
        assert not boxes_in(data)
        assert {copy.kind for copy in carrier(data, files.noise(2 * ROOM)).copies} <= {"jumbf"}
    assert boxes_in(files.with_segments(PLAIN, between, *cut, between))


def test_boxes_that_never_end_take_no_time() -> None:
    """Each says that it holds the rest of the file."""
    size = 2000
    count = 15000
    piece = make_box(bytes(count * size), 1)[: size + 20]
    piece = piece[:2] + (size + 18).to_bytes(2) + piece[4:]
    data = files.with_segments(PLAIN, piece * count)
    segments = read_jpeg(data).segments
    start = time.process_time()
    assert not list(find_boxes(data, segments))
    assert time.process_time() - start < 2


@pytest.mark.parametrize("policy", POLICIES)
def test_what_policies_do(policy: Policy) -> None:
    content = files.noise(70_000)
    data = put_in(PLAIN, make_box(content, 1))
    found = carrier(data, content)
    (copy,) = found.copies
    assert (copy.kind, copy.offset, copy.length) == ("embedded-diff", 20, len(data) - len(PLAIN))
    assert copy.detail == "a diff in 2 segments"
    edits, outcomes = found.scrub(files.request(policy))
    assert files.applied(data, edits) == (PLAIN if policy == "strict" else data)
    assert outcomes == [(copy, "drop" if policy == "strict" else "keep")]


def test_what_is_no_diff_is_any_other_box() -> None:
    data = put_in(PLAIN, make_box(b"something", 1))
    (copy,) = carrier(data, b"a diff").copies
    assert (copy.kind, copy.actions.default, copy.actions.keep) == ("jumbf", "drop", "warn")
    assert read_jumbf(data, files.segments_of(data)[1:2]).copies == (copy,)


def test_others_in_the_same_file_stay_apart() -> None:
    described = struct.pack(">I4s", 30, b"jumd") + OTHER + b"\x03other"
    other = struct.pack(">I4s", 38, b"jumb") + described
    part = files.segment(0xEB, b"JP\0\1\0\0\0\1" + other)
    data = put_in(files.with_segments(PLAIN, part), make_box(b"diff", 2))
    found = carrier(data, b"diff")
    assert files.kinds(found.copies) == ["embedded-diff", "jumbf"]
    assert files.applied(data, found.scrub(files.request("default")).edits) == put_in(
        PLAIN, make_box(b"diff", 2)
    )


def index_of(data: bytes) -> mpf.Index:
    (segment,) = [one for one in files.segments_of(data) if data[one.offset + 4 :][:4] == b"MPF\0"]
    return mpf.read_index(data, segment)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("uids", [False, True])
def test_the_mpf_index_is_kept_right(order: str, uids: bool) -> None:
    other = files.picture(24, 16)
    data = files.multi_picture(
        PLAIN, [(0x10001, b"", other), (0x20002, b"\0\0", other)], order, uids, [files.xmp("<a/>")]
    )
    new = put_in(data, make_box(b"diff" * 100, 1))
    first, *others = index_of(new).entries
    assert first.size == files.end_of_picture(new)
    assert [new[one.offset : one.offset + one.size] for one in others] == [other, other]
    assert taken_out(new) == data


def test_an_index_in_front_of_the_box_is_kept_right_too() -> None:
    """Programs that sort segments may put it there."""
    other = files.picture(24, 16)
    data = files.multi_picture(PLAIN, [(0x10001, b"", other)])
    index = index_of(data).segment
    box = make_box(b"diff" * 100, 1)
    new = bytearray(data[: index.end] + box + data[index.end :])
    entry = index_of(bytes(new)).list_at
    new[entry + 4 : entry + 8] = (index_of(data).entries[0].size + len(box)).to_bytes(4)
    relative = index_of(data).entries[1].relative + len(box)
    new[entry + 24 : entry + 28] = relative.to_bytes(4)
    assert index.offset == 20
    assert taken_out(bytes(new)) == data


@given(
    st.lists(st.tuples(*[st.integers(0, 0xFFFFFFFF)] * 3, *[st.integers(0, 3)] * 2), min_size=1,
             max_size=4),
    st.integers(0, 200_000),
)  # fmt: skip
def test_whatever_an_index_says_comes_back(
    entries: list[tuple[int, int, int, int, int]], length: int
) -> None:
    index = files.segment(0xE2, files.mpf_content(entries))
    data = files.with_segments(PLAIN, index, index[:40])
    box = make_box(bytes(length), 7)
    segments = [Segment(0xE0, 2, 20), Segment(0xE2, 20, 20 + len(index))]
    new = inserted(data, segments, box)
    end = 20 + len(box)
    moved = [Segment(0xE0, 2, 20), Segment(0xE2, end, end + len(index))]
    assert without(new, moved, [(20, end)]) == data
    assert files.with_segments(PLAIN, box) == put_in(PLAIN, box)
