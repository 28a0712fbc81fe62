"""Photoshop's resources: thumbnails are made again, outlines and copies go, the rest stays."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Set

import pytest
from carrier_helpers import (
    STANDARD,
    GreyRenderer,
    applied,
    end_of_picture,
    jpeg,
    noise,
    request,
    scrubbed,
    segment,
    segments,
)
from PIL import Image
from test_iptc import data_set
from test_xmp import TITLE, file, packet, picture, xmp

from jpegredact.container.model import Carrier, FileEdit, Policy
from jpegredact.container.photoshop import iptc
from jpegredact.container.photoshop.carrier import read_photoshop
from jpegredact.container.xmp.carrier import read_xmp

HEADER = b"Photoshop 3.0\0"


def resource(number: int, content: bytes, name: bytes = b"", signature: bytes = b"8BIM") -> bytes:
    pascal = bytes((len(name),)) + name
    pascal += b"\0" * (len(pascal) % 2)
    padding = b"\0" * (len(content) % 2)
    size = struct.pack(">I", len(content))
    return signature + struct.pack(">H", number) + pascal + size + content + padding


def app13(block: bytes, *, share: int = 65000, header: bytes = HEADER) -> bytes:
    return b"".join(
        segment(0xED, header + block[at : at + share]) for at in range(0, len(block), share)
    )


def thumbnail(width: int = 40, height: int = 30, *, extra: int = 3000) -> bytes:
    out = io.BytesIO()
    noise(width, height).save(out, "JPEG")
    raw = out.getvalue() + b"\0" * extra
    row = (width * 24 + 31) // 32 * 4
    return struct.pack(">6I2H", 1, width, height, row, row * height, len(raw), 24, 1) + raw


def carrier(data: bytes) -> Carrier:
    return read_photoshop(data, segments(data))


def clean(data: bytes, policy: Policy = "default", **more: object) -> bytes:
    wanted = request(policy, **more)  # type: ignore[arg-type]
    new = scrubbed(data, carrier(data), wanted, {0xED})
    assert carrier(new).scrub(wanted).edits == []
    return new


def block_of(data: bytes) -> bytes:
    return b"".join(
        data[each.offset + 4 + len(HEADER) : each.end]
        for each in segments(data)
        if data.startswith(HEADER, each.offset + 4)
    )


HARMLESS = resource(0x03ED, b"\0H\0\0\0\1\0\1" * 2, b"Resolution") + resource(0x0406, b"\0\1\2")


PROFILE = (
    b"\0" * 36 + b"acsp" + b"\0" * 88
    + struct.pack(">I4sII", 1, b"A2B0", 144, 30000)
    + b"mft2" + bytes(4) + b"\1\2\3\4" * 7498
)  # fmt: skip


@pytest.mark.parametrize("number", [0x0409, 0x040C])
@pytest.mark.parametrize("policy", ["default", "keep"])
@pytest.mark.parametrize("share", [65000, 700, 101])
def test_a_thumbnail_is_made_again_at_the_same_length(
    number: int, policy: Policy, share: int
) -> None:
    old = thumbnail()
    data = jpeg(app13(HARMLESS + resource(number, old) + HARMLESS, share=share))
    (copy,) = [each for each in carrier(data).copies if each.kind == "photoshop-thumbnail"]
    assert (copy.size, copy.encoding, copy.default_action) == ((40, 30), "jpeg", "regenerate")
    assert b"".join(data[start:end] for start, end in copy.pieces) == old[28:]
    new = clean(data, policy)
    assert len(new) == len(data)
    assert [len(data)] + [each.offset for each in segments(new)] == [len(new)] + [
        each.offset for each in segments(data)
    ]
    content = block_of(new).split(HARMLESS)[1]
    assert content[4:6] == b"\x04\x0c"
    read = struct.unpack(">6I2H", content[12:40])
    assert read[1:3] == (40, 30)
    size = read[5]
    assert content[38 + size : 40 + size] == b"\xff\xd9"
    assert content[40 + size :].strip(b"\0") == b""
    shown = Image.open(io.BytesIO(content[40 : 40 + size]))
    assert shown.size == (40, 30)
    assert shown.convert("L").getextrema() == (128, 128)


def test_a_raw_thumbnail_is_made_again() -> None:
    width, height, row = 6, 5, 20
    raw = struct.pack(">6I2H", 0, width, height, row, row * height, row * height, 24, 1)
    data = jpeg(app13(resource(0x040C, raw + b"\7" * (row * height))))
    assert "other" in [copy.encoding for copy in carrier(data).copies if copy.pieces]
    plain = struct.pack(">6I2H", 0, 4, 2, 12, 24, 24, 24, 1) + bytes(24)
    (_, copy) = carrier(jpeg(app13(resource(0x040C, plain)))).copies
    assert (copy.encoding, copy.size) == ("rgb", (4, 2))
    new = clean(data)
    assert block_of(new) == resource(0x040C, raw + (b"\x80" * 18 + b"\0\0") * height)


@pytest.mark.parametrize(
    "content",
    [
        thumbnail(200, 200, extra=0)[:700],  # too little room for what the renderer makes
        thumbnail()[:28],
        b"",
        struct.pack(">6I2H", 1, 1 << 31, 1 << 31, 0, 0, 0, 24, 1) + b"x" * 99,
        struct.pack(">6I2H", 0, 6, 5, 20, 100, 100, 24, 1) + b"x" * 99,
        struct.pack(">6I2H", 7, 6, 5, 20, 100, 100, 24, 1) + b"x" * 100,
    ],
)
def test_a_thumbnail_that_cannot_be_made_goes(content: bytes) -> None:
    data = jpeg(app13(HARMLESS + resource(0x040C, content)))
    assert clean(data) == jpeg(app13(HARMLESS))


def test_both_thumbnails_become_one() -> None:
    old = thumbnail()
    data = jpeg(app13(resource(0x0409, old) + resource(0x040C, old)))
    assert clean(data) == clean(jpeg(app13(resource(0x040C, old))))


@pytest.mark.parametrize(
    ("number", "content", "kind"),
    [
        (0x07D0, b"\0\6" + b"\0" * 24, "photoshop-path"),
        (0x0BB6, b"x", "photoshop-path"),
        (0x0BB7, b"\4Path", "photoshop-path"),
        (0x0401, b"x" * 26, "photoshop-path"),
        (0x0422, b"Exif", "photoshop-exif"),
        (0x0423, b"Exif", "photoshop-exif"),
        (0x0FA0, b"8BPS" * 500, "photoshop-resource"),
        (0x1234, b"y" * 1025, "photoshop-resource"),
        (0x1234, b"ab\xff\xd8\xff\xe0\0\x10JFIF", "photoshop-resource"),
        (0x041A, b"ab\xff\xd8\xff\xdb\0", "photoshop-resource"),
        (0x03EA, b"<data>" + b"QUJDRA" * 200 + b"</data>", "photoshop-resource"),
        (0x0408, b"\0" * 20000, "photoshop-resource"),
        (0x040F, b"\xff\xd8\xff\xe0" * 90, "photoshop-resource"),
        (0x040F, b"raw samples" * 90, "photoshop-resource"),
        (0x040F, PROFILE[:5000] + b"\xff\xd8\xff\xe0" + PROFILE[5004:], "photoshop-resource"),
        (0x0424, b"no XMP", "photoshop-xmp"),
    ],
)
def test_what_shows_something_or_is_not_known_goes(number: int, content: bytes, kind: str) -> None:
    block = HARMLESS + resource(number, content, b"name") + HARMLESS
    data = jpeg(app13(block))
    (copy,) = [each for each in carrier(data).copies if each.kind == kind]
    assert copy.actions == ("drop", "drop", "warn")
    assert data[copy.offset : copy.offset + copy.length] == resource(number, content, b"name")
    assert clean(data) == jpeg(app13(HARMLESS * 2))
    assert clean(data, "keep") == data
    assert clean(data, "strict") == jpeg()


def test_what_shows_nothing_stays_byte_for_byte() -> None:
    block = HARMLESS + resource(0x0FA1, b"msetHTML" + b"\0\1" * 600) + resource(0x1234, b"small")
    block += resource(0x03EC, b"", b"", b"MeSa") + resource(0x040F, PROFILE)
    block += resource(0x03EA, b"<?xml?><plist>" + b"<key>value</key> " * 400) + b"\0\0"
    data = jpeg(app13(block, share=5000))
    assert clean(data, names=["Jane Doe"]) == clean(data, "keep", names=["Jane Doe"]) == data


@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "utf-16-be"])
def test_a_resource_with_a_name_goes(codec: str) -> None:
    slices = resource(0x041A, b"\0\0\0\7" + "Jané Doe".encode(codec) + b"\0\0")
    data = jpeg(app13(HARMLESS + slices))
    assert clean(data) == data
    assert clean(data, names=["jané doe"]) == jpeg(app13(HARMLESS))
    assert clean(data, "keep", names=["jané doe"]) == data
    named = resource(0x041A, b"\0\0\0\7", b"Jane Doe")
    assert clean(jpeg(app13(HARMLESS + named)), names=["Jane Doe"]) == jpeg(app13(HARMLESS))


@pytest.mark.parametrize("before", [b"\0\0\0\7", b"\0\0\7"])
def test_a_name_beyond_latin_1_is_found_at_any_place(before: bytes) -> None:
    slices = resource(0x041A, before + "Żaneta Łoś".encode("utf-16-be") + b"\0\0")
    data = jpeg(app13(HARMLESS + slices))
    assert clean(data, names=["Żaneta Łoś"]) == jpeg(app13(HARMLESS))


def test_iptc_loses_names_and_its_digests_stay_in_step() -> None:
    left = data_set(2, 80, b"Jane Doe") + data_set(2, 120, b"at the lake")
    old = data_set(2, 25, b"Jane Doe") + data_set(2, 80, b"Jane Doe")
    old += data_set(2, 120, b"Jane Doe at the lake") + data_set(2, 202, picture().encode())

    def both(block: bytes) -> bytes:
        digest = hashlib.md5(block, usedforsecurity=False)
        stated = (
            f"<photoshop:LegacyIPTCDigest>{digest.hexdigest().upper()}</photoshop:LegacyIPTCDigest>"
        )
        irb = HARMLESS + resource(0x0404, block) + resource(0x0425, digest.digest())
        return file(packet(TITLE + stated), "utf-8", app13(irb))

    data = both(old)
    new = clean(data, names=["Jane Doe"])
    result = read_xmp(data, segments(data), end_of_picture(data)).scrub(request(names=["Jane Doe"]))
    assert applied(new, result.edits) == both(left)
    assert clean(data, "keep", names=["Jane Doe"]) == data


def test_digests_of_another_block_are_left_or_go() -> None:
    block = data_set(2, 120, b"Jane Doe here")
    stale = HARMLESS + resource(0x0404, block) + resource(0x0425, b"0123456789abcdef")
    data = jpeg(app13(stale))
    assert clean(data) == data
    after = HARMLESS + resource(0x0404, data_set(2, 120, b"here"))
    assert clean(data, names=["Jane Doe"]) == jpeg(app13(after))


@pytest.mark.parametrize(
    "planted",
    [b"8BPS\0\1" + bytes(20), b"\0\0\0\x0cjP  \r\n\x87\n",
     thumbnail(8, 8)[28:].hex().encode()[:1000], b"\0\0\0\x18ftypmp42" + bytes(12)],
    ids=["Photoshop", "JPEG 2000", "hexadecimal", "film"],
)  # fmt: skip
@pytest.mark.parametrize("number", [0x0404, 0x03F0, 0x1234])
def test_what_the_gate_would_find_goes(number: int, planted: bytes) -> None:
    """Else the whole file would be refused for it."""
    content = b"some " + planted
    if number == 0x0404:
        content = data_set(2, 5, b"A lake") + data_set(2, 25, content)
    out = block_of(clean(jpeg(app13(HARMLESS + resource(number, content)))))
    assert planted not in out
    assert out.startswith(HARMLESS)
    assert (b"A lake" in out) is (number == 0x0404)


@pytest.mark.parametrize("content", [b"", bytes(15), b"\1" * 17, thumbnail(8, 8)[28:]])
def test_what_is_no_digest_goes(content: bytes) -> None:
    data = jpeg(app13(HARMLESS + resource(0x0425, content)))
    (copy,) = [each for each in carrier(data).copies if each.kind == "photoshop-digest"]
    assert copy.actions == ("drop", "drop", "warn")
    assert block_of(clean(data)) == HARMLESS
    assert clean(data, "keep") == data


def test_iptc_with_nothing_left_goes_with_its_digest() -> None:
    block = data_set(2, 25, b"Jane Doe")
    digest = hashlib.md5(block, usedforsecurity=False).digest()
    data = jpeg(app13(resource(0x0425, digest) + resource(0x0404, block)))
    assert clean(data, names=["Jane Doe"]) == jpeg()


def test_the_copy_of_xmp_is_cleaned_by_the_same_rules() -> None:
    text = packet(TITLE + f"<GImage:Data>{picture()}</GImage:Data>")
    data = jpeg(app13(HARMLESS + resource(0x0424, text.encode())))
    new = clean(data)
    assert len(new) == len(data)
    start = block_of(new).index(b"<?xpacket")
    inside = file(block_of(new)[start:].rstrip(b"\0").decode())
    found = xmp(inside)
    assert found is not None
    assert b"GImage:Data" not in found
    assert TITLE.encode() in found
    only = packet(f"<GImage:Data>{picture()}</GImage:Data>")
    assert clean(jpeg(app13(HARMLESS + resource(0x0424, only.encode())))) == jpeg(app13(HARMLESS))


def test_segments_that_others_divide_are_read_apart() -> None:
    block = resource(0x07D0, b"x" * 40)
    comment = segment(0xFE, b"between")
    data = jpeg(app13(HARMLESS), comment, app13(block + HARMLESS))
    assert clean(data) == jpeg(app13(HARMLESS), comment, app13(HARMLESS))


def test_a_resource_does_not_go_on_behind_another_segment() -> None:
    block, comment = resource(0x041A, b"x" * 40), segment(0xFE, b"between")
    data = jpeg(app13(HARMLESS + block[:20]), comment, app13(block[20:] + HARMLESS))
    assert clean(data) == jpeg(app13(HARMLESS), comment)


def test_photoshop_2_5_and_blocks_without_padding() -> None:
    old = b"Adobe_Photoshop2.5:" + b"\0" * 8
    data = jpeg(app13(HARMLESS + resource(0x07D0, b"x"), header=old))
    assert clean(data) == jpeg(app13(HARMLESS, header=old))
    unpadded = resource(0x07D0, b"xyz")[:-1] + HARMLESS
    assert clean(jpeg(app13(unpadded))) == jpeg(app13(HARMLESS))


@pytest.mark.parametrize(
    "junk",
    [
        b"8BIM\x04\x0c",
        b"8BIM\x04\x0c\0\0\xff\xff\xff\xff1234",
        b"junk\xff\xd8\xff\xe0",
        b"8BIM\0\1\xff",
    ],
)
def test_what_cannot_be_read_is_cut_off(junk: bytes) -> None:
    data = jpeg(app13(HARMLESS + junk))
    assert "photoshop-broken" in [copy.kind for copy in carrier(data).copies]
    assert clean(data) == jpeg(app13(HARMLESS))
    assert clean(data, "keep") == data
    assert clean(jpeg(app13(junk))) == jpeg()


def test_an_empty_segment_does_no_harm() -> None:
    data = jpeg(segment(0xED, HEADER))
    assert clean(data) == data
    assert clean(data, "strict") == jpeg()


def test_a_profile_that_goes_over_two_segments_is_judged_as_one() -> None:
    hidden = PROFILE[:5000] + b"\xff\xd8\xff\xe0" + PROFILE[5004:]
    start = len(resource(0x040F, hidden)) - len(hidden) + 5002
    data = jpeg(app13(resource(0x040F, hidden) + HARMLESS, share=start))
    assert clean(data) == jpeg(app13(HARMLESS))


@pytest.mark.parametrize(("number", "size", "most"), [(0x0408, 15000, 4), (0x1234, 1000, 4)])
def test_there_is_room_for_so_much_of_what_stays(number: int, size: int, most: int) -> None:
    one = resource(number, b"\1\xff" * (size // 2))
    comment = segment(0xFE, b"between")
    data = jpeg(app13(one * 3), comment, app13(one * 5))
    assert clean(data) == jpeg(app13(one * 3), comment, app13(one * (most - 3)))


def test_two_profiles_are_one_too_many() -> None:
    one = resource(0x040F, PROFILE)
    assert clean(jpeg(app13(one * 2))) == jpeg(app13(one))
    large = resource(0x040F, PROFILE + bytes(1 << 16))
    assert clean(jpeg(app13(HARMLESS + large))) == jpeg(app13(HARMLESS))


class _Counting(GreyRenderer):
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        self.asked.append((width, height))
        return super().thumbnail_jpeg(width, height, limit)


def test_thumbnails_are_made_only_as_large_and_as_many_as_real_ones() -> None:
    def asked(*contents: bytes) -> list[tuple[int, int]]:
        data = jpeg(app13(b"".join(resource(0x040C, each) for each in contents)))
        renderer = _Counting()
        carrier(data).scrub(request()._replace(renderer=renderer))
        return renderer.asked

    def stated(width: int, height: int, room: int) -> bytes:
        return struct.pack(">6I2H", 1, width, height, 0, 0, room, 24, 1) + bytes(room)

    assert asked(stated(4096, 4096, 14)) == []
    assert asked(stated(513, 10, 5000)) == []
    assert asked(stated(512, 512, 4000)) == []
    assert asked(stated(512, 512, 4096)) == [(512, 512)]
    assert asked(*[stated(16, 16, 2000)] * 9) == [(16, 16)]
    assert asked(*(stated(16, 16 + more, 2000) for more in range(9))) == [
        (16, 16 + more) for more in range(4)
    ]
    nine = resource(0x040C, thumbnail()) * 9
    assert block_of(clean(jpeg(app13(nine)))).count(b"8BIM\x04\x0c") == 4


def test_digests_of_a_long_block_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    clean_block = iptc.clean

    def counted(block: bytes, names: Set[str]) -> list[FileEdit]:
        calls.append(len(block))
        return clean_block(block, names)

    monkeypatch.setattr(iptc, "clean", counted)
    block = data_set(2, 120, b"Jane Doe here")
    digest = resource(0x0425, hashlib.md5(block, usedforsecurity=False).digest())
    stated = packet(TITLE, 'photoshop:LegacyIPTCDigest="00"').encode()
    data = jpeg(
        *[segment(0xE1, STANDARD + stated)] * 20, app13(resource(0x0404, block) + digest * 50)
    )
    carrier(data).scrub(request(names=["Jane Doe"]))
    assert len(calls) == 1
    read_xmp(data, segments(data), end_of_picture(data)).scrub(request(names=["Jane Doe"]))
    assert len(calls) == 2
