"""The keep-rule for comments and unknown segments; ICC, Adobe, and the kinds that are known."""

from __future__ import annotations

import base64
import re
import struct
import time
from pathlib import Path

import container_files as files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms

from jpegredact.container import jpegwalk
from jpegredact.container.model import POLICIES, Policy, SideCopy
from jpegredact.container.segments.base import SegmentCarrier
from jpegredact.container.segments.icc import profile_problem
from jpegredact.container.segments.kinds import KINDS, known_kind
from jpegredact.container.segments.unknown import read_unknown
from jpegredact.container.texts import has_base64_run, read_text

PLAIN = files.picture(16, 16)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def read(*segments: bytes) -> tuple[bytes, SegmentCarrier]:
    data = files.with_segments(PLAIN, *segments)
    found = [one for one in files.segments_of(data) if one.code != 0xE0 or one.offset > 2]
    return data, read_unknown(data, found)


def after(*segments: bytes, policy: Policy = "default", names: tuple[str, ...] = ()) -> bytes:
    """Return what stays of segments."""
    data, carrier = read(*segments)
    answer = carrier.scrub(files.request(policy, names=names))
    again = carrier.scrub(files.request(policy, names=names))
    assert answer == again
    out = files.applied(data, answer.edits)
    assert out.startswith(PLAIN[:20])
    assert out.endswith(PLAIN[20:])
    return out[20 : len(out) - len(PLAIN) + 20]


def only(*segments: bytes) -> SideCopy:
    (copy,) = read(*segments)[1].copies
    return copy


class TestComments:
    TEXTS = (
        b"Created with GIMP",
        b"File written by Adobe Photoshop\xa8 4.0\0",
        "Saukonpää, 50 °C".encode(),
        "Saukonpää, 50 °C".encode("latin-1"),
        "日本の桜".encode("cp932"),
        "\ufeff日本の桜".encode("utf-16-le"),
        b"lines\r\nand\ttabs\x0c",
        b"sha512 " + b"0123456789abcdef" * 8,
        b" " * 900,
        b"",
    )

    @pytest.mark.parametrize("text", TEXTS)
    def test_text_stays(self, text: bytes) -> None:
        comment = files.segment(0xFE, text)
        assert after(comment) == comment
        assert after(comment, policy="strict") == b""
        assert only(comment).kind == "comment"
        assert only(comment).default_action == "keep"

    @pytest.mark.parametrize(
        "content",
        [
            files.noise(500),
            b"text and " + bytes(range(40)),
            b"x" * 1025,
            base64.b64encode(files.noise(300)),
            base64.encodebytes(files.noise(300)),
            b"data:image/jpeg;base64," + base64.b64encode(files.picture(8, 8)),
        ],
    )
    def test_what_may_show_something_goes(self, content: bytes) -> None:
        comment = files.segment(0xFE, content)
        assert after(comment) == after(comment, policy="strict") == b""
        assert after(comment, policy="keep") == comment

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
    def test_a_name_leaves_it(self, encoding: str) -> None:
        def comment(text: str) -> bytes:
            return files.segment(0xFE, text.encode(encoding))

        old = comment("Left: Åsa Öst, at the harbour")
        assert after(old, names=("Åsa Öst",)) == comment("Left: , at the harbour")
        assert after(old, names=("Åsa",)) == comment("Left: Öst, at the harbour")
        assert after(old, names=("Bo",)) == old
        assert after(old, names=("Åsa Öst",), policy="keep") == old

    @pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
    def test_a_name_leaves_it_in_a_legacy_encoding(self, encoding: str) -> None:
        old = files.segment(0xFE, "мы и Анна Иванова".encode(encoding))
        new = files.segment(0xFE, ("мы и " + " " * 12).encode(encoding))
        assert after(old, names=("Анна Иванова",)) == new

    def test_a_name_that_its_own_removal_makes_takes_the_comment_along(self) -> None:
        assert after(files.segment(0xFE, b"x b b c c y"), names=("b c",)) == b""

    def test_zeros_at_its_end_stay(self) -> None:
        old = files.segment(0xFE, b"Ann Ok was here\0\0")
        assert after(old, names=("Ann Ok",)) == files.segment(0xFE, b"was here\0\0")

    def test_a_few_bytes_show_nothing(self) -> None:
        few = files.segment(0xFE, b"\x1b\x00\x11")
        assert after(few) == few
        many = [files.segment(0xE9, bytes([7]) * 31 + bytes([n])) for n in range(40)]
        assert len(after(*many)) < 400


class TestUnknownSegments:
    @pytest.mark.parametrize("code", [*range(0xE1, 0xF0)])
    def test_text_stays(self, code: int) -> None:
        segment = files.segment(code, b"This is an unknown APP marker.")
        assert after(segment) == segment
        assert after(segment, names=("unknown app",)) == b""
        assert after(segment, policy="strict") == b""

    def test_xmp_where_no_reader_looks_goes(self) -> None:
        assert after(files.segment(0xEE, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")) == b""
        assert after(files.segment(0xFE, b'<?xpacket begin="" id="W5M0MpCehiHzreSz"?>')) == b""

    @pytest.mark.parametrize("code", [*range(0xE1, 0xF0)])
    def test_bytes_go(self, code: int) -> None:
        segment = files.segment(code, files.noise(400))
        assert after(segment) == b""
        assert after(segment, policy="keep") == segment
        assert only(segment).kind == "unknown-segment"

    @pytest.mark.parametrize("before", [b"", b"QVGA\0", b"BGTH"])
    @pytest.mark.parametrize("code", [0xE2, 0xE3, 0xE5])
    def test_a_bare_preview_goes(self, before: bytes, code: int) -> None:
        inner = files.picture(48, 32)
        segment = files.segment(code, before + inner)
        copy = only(segment)
        assert (copy.kind, copy.size, copy.encoding) == ("appn-preview", (48, 32), "jpeg")
        data, _ = read(segment)
        ((start, end),) = copy.pieces
        assert data[start:end] == inner
        assert after(segment) == b""

    def test_a_preview_over_several_segments_goes_whole(self) -> None:
        inner = files.picture(160, 120, 4)
        parts = [inner[at : at + 1000] for at in range(0, len(inner), 1000)]
        assert len(parts) > 3
        segments = [files.segment(0xE3 + n % 3, part) for n, part in enumerate(parts)]
        assert after(*segments) == b""


CIFF = b"II\x1a\0\0\0HEAPJPGM" + files.noise(700)
HARMLESS = {
    "AVI1": files.segment(0xE0, b"AVI1\0" + bytes(9)),
    "CIFF": files.segment(0xE0, CIFF),
    "ISO 21496-1": files.segment(0xE2, files.ISO + bytes(4)),
    "Kodak Meta": files.segment(0xE3, b"Meta\0\0" + files.noise(600)),
    "RMETA": files.segment(0xE5, b"RMETA\0" + files.noise(400)),
    "unique ID": files.segment(0xE5, b"\0ssuniqueid" + files.noise(200)),
    "EPPIM": files.segment(0xE6, b"EPPIM\0" + files.noise(120)),
    "NITF": files.segment(0xE6, b"NITF\0" + bytes(18)),
    "GoPro": files.segment(0xE6, b"GoPro\0" + files.noise(1200)),
    "Qualcomm": files.segment(0xE7, b"\x1aQualcomm Camera Attributes" + files.noise(260)),
    "SPIFF": files.segment(0xE8, b"SPIFF\0" + bytes(26)),
    "Media Jukebox": files.segment(0xE9, b"Media Jukebox\0" + files.noise(240)),
    "UNICODE": files.segment(0xEA, b"UNICODE\0" + "© PhotoStudio".encode("utf-16-be")),
    "AROT": files.segment(0xEA, b"AROT\0\0" + files.noise(1000)),
    "Picture Info": files.segment(0xEC, b"OLYMPUS\0[picture info]\r\nZoom=1" + files.noise(600)),
    "Ducky": files.segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x50\0\0"),
    "Adobe_CM": files.segment(0xED, b"Adobe_CM\0\2"),
    "GraphicConverter": files.segment(0xEF, b"Q 70"),
}


class TestKnownKinds:
    @pytest.mark.parametrize("name", HARMLESS)
    def test_camera_data_stays(self, name: str) -> None:
        segment = HARMLESS[name]
        assert only(segment).kind == "known-segment"
        assert after(segment) == segment
        assert after(segment, policy="keep") == segment
        assert after(segment, policy="strict") == b""

    @pytest.mark.parametrize("name", HARMLESS)
    def test_more_than_such_a_segment_has_goes(self, name: str) -> None:
        longer = files.segment(HARMLESS[name][1], HARMLESS[name][4:] + files.noise(9000))
        assert only(longer).kind == "vendor-segment"
        assert after(longer) == b""

    @pytest.mark.parametrize("name", ["CIFF", "Kodak Meta", "GoPro", "EPPIM"])
    @pytest.mark.parametrize("inner", [files.picture(8, 8), base64.b64encode(files.noise(300))])
    def test_one_with_a_picture_in_it_goes(self, name: str, inner: bytes) -> None:
        segment = files.segment(HARMLESS[name][1], HARMLESS[name][4:][:20] + inner)
        assert after(segment) == b""

    def test_one_with_a_name_in_it_goes(self) -> None:
        names = ("photostudio",)
        assert after(HARMLESS["UNICODE"], names=names) == b""
        assert after(HARMLESS["UNICODE"], names=names, policy="keep") == HARMLESS["UNICODE"]

    @pytest.mark.parametrize(
        "segment",
        [
            files.segment(0xE4, b"SCALADO\0" + bytes(400)),
            files.segment(0xE4, b"QTI Debug Metadata\0"),
            files.segment(0xE7, b"HUAWEI\0\0" + bytes(40)),
            files.segment(0xE7, b"PENTAX \0" + bytes(40)),
            files.segment(0xEB, b"HDR_RI ver=11"),
        ],
    )
    def test_what_shows_something_goes_however_short(self, segment: bytes) -> None:
        assert only(segment).actions == ("drop", "drop", "warn")
        assert after(segment) == b""

    def test_each_kind_has_its_segment(self) -> None:
        assert all(known.reason and 0xE0 <= known.code <= 0xEF for known in KINDS)
        for segment in HARMLESS.values():
            known = known_kind(segment[1], segment[4:])
            assert known is not None
            assert known.most >= len(segment) - 4


def icc(profile: bytes, size: int = 60000) -> list[bytes]:
    chunks = [profile[at : at + size] for at in range(0, len(profile), size)]
    return [b"ICC_PROFILE\0" + bytes((n, len(chunks))) + one for n, one in enumerate(chunks, 1)]


class TestTotals:
    def test_texts_of_a_file_are_few(self) -> None:
        comments = [files.segment(0xFE, b"%03d " % number * 250) for number in range(9)]
        assert after(*comments) == b"".join(comments[:8])
        assert "in all" in read(*comments)[1].copies[8].detail
        texts = [files.segment(0xE9, comment[4:]) for comment in comments]
        assert after(*comments[:5], *texts) == b"".join((*comments[:5], *texts[:3]))

    def test_segments_of_a_kind_are_few(self) -> None:
        settings = [files.segment(0xE6, b"GoPro\0" + files.noise(3000, n)) for n in range(4)]
        assert after(*settings) == b"".join(settings[:2])

    def test_what_is_said_to_be_text_is_text(self) -> None:
        text = files.segment(0xEC, b"[picture]\r\nZoom=1\r\n\0")
        assert after(text) == text
        assert after(files.segment(0xEC, b"[" + files.noise(1000))) == b""


class TestDecoding:
    @pytest.mark.parametrize("policy", POLICIES)
    @pytest.mark.parametrize("size", [60000, 200])
    def test_a_profile_stays(self, policy: Policy, size: int) -> None:
        segments = [files.segment(0xE2, one) for one in icc(SRGB, size)]
        assert read(*segments)[1].copies == ()
        assert after(*segments, policy=policy) == b"".join(segments)

    def test_pieces_in_another_order_stay(self) -> None:
        assert profile_problem(list(reversed(icc(SRGB, 200)))) == ""

    def with_tag(self, content: bytes, called: bytes = b"priv") -> bytes:
        """Return a profile with one more tag."""
        count = struct.unpack(">I", SRGB[128:132])[0]
        tags = SRGB[132 : 132 + 12 * count]
        moved = b"".join(
            name + struct.pack(">II", at + 12, size)
            for name, at, size in struct.iter_unpack(">4sII", tags)
        )
        new = struct.pack(">4sII", called, len(SRGB) + 12, len(content))
        head = SRGB[:128] + struct.pack(">I", count + 1)
        return head + moved + new + SRGB[132 + 12 * count :] + content

    def test_a_profile_that_is_none_goes(self) -> None:
        picture = files.picture(16, 16)
        assert profile_problem(icc(self.with_tag(b"any text"))) == ""
        for chunks, why in (
            (icc(self.with_tag(picture)), "may hold a picture"),
            (icc(SRGB + files.noise(3000)), "no known tag accounts for"),
            (icc(files.noise(900)), "no profile header"),
            (icc(SRGB[:128] + b"\xff\xff\xff\xff"), "tag table"),
            (icc(SRGB, 200)[1:], "not numbered"),
            ([b"ICC_PROFILE\0\1"], "too short"),
        ):
            assert why in profile_problem(chunks)
            segments = [files.segment(0xE2, one) for one in chunks]
            assert only(*segments).kind == "icc-profile"
            assert after(*segments) == after(*segments, policy="strict") == b""
            assert after(*segments, policy="keep") == b"".join(segments)

    @pytest.mark.parametrize("size", [200, 60000])
    def test_the_first_of_two_profiles_stays(self, size: int) -> None:
        segments = [files.segment(0xE2, one) for one in icc(SRGB, size)]
        assert after(*segments, *segments) == b"".join(segments)
        assert "twice" in only(*segments, *segments).detail

    def test_pieces_may_be_numbered_from_0(self) -> None:
        chunks = [one[:12] + bytes((one[12] - 1,)) + one[13:] for one in icc(SRGB, 200)]
        assert profile_problem(chunks) == ""

    @pytest.mark.parametrize(("name", "kind", "length", "known"), [
        (b"fce1", b"raw!", 1900, True), (b"fce1", b"raw!", 3000, False),
        (b"A2B0", b"mft2", 9000, True), (b"A2B0", b"raw!", 9000, False),
        (b"targ", b"text", 3000, True), (b"meas", b"sf32", 3000, False),
    ])  # fmt: skip
    def test_tags_must_be_known(self, name: bytes, kind: bytes, length: int, known: bool) -> None:
        body = kind + bytes(4) + files.noise(length).replace(b"\xd8", b"\0")
        assert (profile_problem(icc(self.with_tag(body, name))) == "") == known

    def test_tags_over_each_other_are_searched_once(self) -> None:
        length, count = 3_000_000, 200
        tag = b"A2B0" + (132 + 12 * count).to_bytes(4, "big") + length.to_bytes(4, "big")
        head = bytes(36) + b"acsp" + bytes(88) + count.to_bytes(4, "big")
        start = time.process_time()
        profile_problem(icc(head + tag * count + bytes(length)))
        assert time.process_time() - start < 3

    def test_an_empty_profile_shows_nothing(self) -> None:
        segment = files.segment(0xE2, b"ICC_PROFILE\0\1\1")
        assert after(segment) == segment

    @pytest.mark.parametrize("policy", POLICIES)
    def test_adobe_stays(self, policy: Policy) -> None:
        for extra in (b"", bytes(19), b"\x01\x03\0\x10\x03\x02\x03\x06" + bytes(11)):
            segment = files.segment(0xEE, b"Adobe\0d\0\0\0\0\1" + extra)
            assert after(segment, policy=policy) == segment

    def test_what_lies_behind_adobe_goes(self) -> None:
        head = b"Adobe\0d\0\0\0\0\1"
        segment = files.segment(0xEE, head + files.noise(300))
        assert after(segment) == after(segment, policy="strict") == files.segment(0xEE, head)
        assert after(segment, policy="keep") == segment


OTHERS = re.compile(
    rb"\xe1..(Exif\0|http://ns.adobe.com/x|FLIR\0)|\xe2..(FPXR|MPF)\0|\xeb..JP|"
    rb"\xed..Photoshop 3.0\0|\xe0..JF(IF|XX)\0",
    re.DOTALL,
)
"""Segments that other carriers answer for."""


@given(
    st.lists(st.tuples(st.sampled_from([0xFE, *range(0xE1, 0xF0)]), st.binary(max_size=60))),
    st.sampled_from(POLICIES),
)
def test_any_bytes(contents: list[tuple[int, bytes]], policy: Policy) -> None:
    segments = [files.segment(code, content) for code, content in contents]
    once = after(*segments, policy=policy, names=("an",))
    left = files.with_segments(PLAIN, once)
    carrier = read_unknown(left, [one for one in files.segments_of(left) if one.offset > 2])
    again = carrier.scrub(files.request(policy, names=("an",)))
    assert files.applied(left, again.edits) == left


@given(st.text(max_size=80))
def test_text_is_read_as_it_was_written(text: str) -> None:
    content = text.encode()
    found = read_text(content)
    if found is not None and found[1] == "utf-8":
        assert found[0] == text.rstrip("\0")
    assert not has_base64_run(content[:100])


def test_the_corpus(corpus: Path) -> None:
    """What the default policy drops, and no more: each kind was looked at."""
    dropped: dict[str, set[str]] = {}
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        shape = jpegwalk.header(data, 0, len(data))
        if shape is None or not shape.coherent:
            continue
        found = [
            files.Segment(*one)
            for one in shape.segments
            if one.code >= 0xE0 and not OTHERS.match(data, one.offset + 1)
        ]
        for copy, action in read_unknown(data, found).scrub(files.request()).outcomes:
            if action == "drop":
                dropped.setdefault(copy.kind, set()).add(path.name)
    assert dropped == {
        "icc-profile": {"ed201e1c_icc_chunk_count_mismatch.jpeg"},  # no piece of it is there
        "unknown-segment": {  # 5 KB of XMP where nobody reads it
            "6ae2b584_23.jpg", "811cc946_21.jpg", "a2d096dc_22.jpg", "afec918e_03.jpg",
        },
        "vendor-segment": {  # Scalado, Qualcomm's debug data, JPEG-HDR
            "45f0498f_EvoRed.jpg", "810e0eb5_ss-motion-photo-shortened.jpg",
            "fdca3287_ExifTool.jpg",
        },
    }  # fmt: skip
