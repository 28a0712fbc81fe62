"""Exif segments: what is remade, zeroed and kept, and that no byte moves."""

import base64
import io
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import exif_maker as maker
import numpy as np
import pytest
from exif_maker import ASCII, BYTE, LONG, RATIONAL, SHORT, UNDEFINED, Raw, Ref, Size
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from jpegredact.container.exif.carrier import read_exif
from jpegredact.container.exif.orientation import read_orientation
from jpegredact.container.model import POLICIES, Request, Segment

ORDERS = ("little", "big")
DESCRIPTION, MAKE, ORIENTATION, ARTIST, COPYRIGHT = 0x010E, 0x010F, 0x0112, 0x013B, 0x8298
EXIF_IFD, COMMENT = 0x8769, 0x9286
QUIET = ("keep", "regenerate")


class Grey:
    """Makes grey pictures, and remembers what it was asked."""

    def __init__(self, able: bool = True) -> None:
        self.able = able
        self.asked: list[tuple[int, ...]] = []

    def thumbnail_jpeg(self, width: int, height: int, limit: int) -> bytes | None:
        self.asked.append((width, height, limit))
        if not self.able or max(width, height) > 8000:
            return None
        picture = Image.new("RGB", (max(width, 1), max(height, 1)), (128, 128, 128))
        for quality in (75, 5):
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= limit:
                return buffer.getvalue()
        return None

    def thumbnail_rgb(self, width: int, height: int) -> bytes | None:
        self.asked.append((width, height))
        return bytes((200, 40, 90)) * (width * height) if self.able else None

    def redacted(self, jpeg: bytes, whole: bool = False) -> bytes | None:
        raise AssertionError("Exif has nothing for this")


def request(policy="default", names=(), renderer=None):
    return Request(policy, (), 1, renderer or Grey(), frozenset(names))


def read(data, segments):
    return read_exif(data, [Segment(*segment) for segment in segments])


def scrub(file, *args, **kwargs):
    """Scrub a made file; check what always holds; return the bytes and the outcomes."""
    return check(file.data, file.segments, request(*args, **kwargs))


def check(data, segments, wanted):
    carrier = read(data, segments)
    edits, outcomes = carrier.scrub(wanted)
    whole = {(block.segment.offset, block.segment.end) for block in carrier.blocks}
    for start, end, new in edits:
        assert (start, end) in whole or len(new) == end - start
        assert any(a <= start and end <= b for a, b in whole)
    assert all(first[1] <= second[0] for first, second in pairwise(edits))
    copies = list(carrier.copies)
    for copy, _ in outcomes:
        assert copy in copies or copy.kind == "exif-name"
    out = maker.applied(data, edits)
    if wanted.renderer.able:
        again = read(out, maker.segments(out)).scrub(wanted)
        loud = [(c.kind, c.detail, a) for c, a in again.outcomes if a not in (*QUIET, "warn")]
        assert not loud
    return out, outcomes


def kinds(outcomes, *, quiet=False):
    return [(copy.kind, action) for copy, action in outcomes if quiet or action != "keep"]


def with_thumbnail(thumbnail, order="little", behind=b"", stated=None):
    length = Size("thumbnail") if stated is None else stated
    return maker.file(
        {
            "ifd0": [(MAKE, ASCII, "Somebody"), (ORIENTATION, SHORT, 6)],
            "ifd1": [(0x0103, SHORT, 6), (0x0201, LONG, Ref("thumbnail")), (0x0202, LONG, length)],
            "thumbnail": thumbnail,
            **({"behind": behind} if behind else {}),
        },
        order,
        {"ifd0": "ifd1"},
    )


# ---------------------------------------------------------------------------
# Orientation
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_the_orientation_is_read(order):
    made = maker.tiff({"ifd0": [(ORIENTATION, SHORT, 6)]}, order)
    assert read_orientation([b"nothing", b"Exif\0\0" + made.data]) == 6
    for wrong in (0, 9, 600):
        made = maker.tiff({"ifd0": [(ORIENTATION, SHORT, wrong)]}, order)
        assert read_orientation([b"Exif\0\0" + made.data]) == 1
    assert read_orientation([b"Exif\0\0XX"]) == 1
    assert read_orientation([]) == 1


# ---------------------------------------------------------------------------
# Thumbnails
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", ["default", "keep"])
def test_a_thumbnail_is_made_anew_in_its_place(order, policy):
    old = maker.jpeg(80, 60)
    file = with_thumbnail(old, order)
    renderer = Grey()
    out, outcomes = scrub(file, policy, renderer=renderer)
    assert renderer.asked[0] == (80, 60, len(old))
    assert kinds(outcomes) == [("exif-thumbnail", "regenerate")]
    copy = outcomes[-1][0]
    start, end = file.span("thumbnail")
    assert (copy.offset, copy.length, copy.size, copy.encoding) == (
        start,
        end - start,
        (80, 60),
        "jpeg",
    )
    assert copy.pieces == ((start, end),)
    assert out[:start] == file.data[:start]
    assert out[end:] == file.data[end:]
    picture = Image.open(io.BytesIO(out[start:end]))
    assert picture.size == (80, 60)
    assert picture.convert("RGB").getpixel((40, 30)) == (128, 128, 128)


def test_a_thumbnail_that_can_not_be_made_is_zeroed():
    file = with_thumbnail(maker.jpeg(80, 60))
    out, outcomes = scrub(file, renderer=Grey(able=False))
    start, end = file.span("thumbnail")
    assert kinds(outcomes) == [("exif-thumbnail", "zero")]
    assert out == file.data[:start] + bytes(end - start) + file.data[end:]
    assert kinds(read(out, file.segments).scrub(request()).outcomes) == []


def test_a_thumbnail_longer_than_its_tag_says_goes_whole():
    old = maker.jpeg(80, 60)
    file = with_thumbnail(old, stated=len(old) - 900)
    renderer = Grey()
    out, _ = scrub(file, renderer=renderer)
    start, end = file.span("thumbnail")
    assert renderer.asked[0] == (80, 60, len(old) - 900)
    assert not any(out[start + len(old) - 900 : end])


def test_what_a_longer_thumbnail_left_behind_goes_too():
    file = with_thumbnail(maker.jpeg(40, 30), behind=maker.settings(200))
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-thumbnail", "regenerate"), ("exif-gap", "zero")]
    start, end = file.span("behind")
    assert not any(out[start:end])


def test_a_tag_that_says_too_much_covers_the_rest():
    file = with_thumbnail(maker.jpeg(40, 30), stated=2**32 - 1)
    out, outcomes = scrub(file)
    assert ("exif-thumbnail", "regenerate") in kinds(outcomes)
    assert len(out) == len(file.data)


def test_a_thumbnail_elsewhere_is_no_longer_pointed_to():
    file = with_thumbnail(b"", stated=4000)
    data = bytearray(file.data)
    at = file.value("ifd1", 0x0201)[0]
    data[at : at + 4] = (60000).to_bytes(4, "little")
    out, outcomes = check(bytes(data), file.segments, request())
    assert kinds(outcomes) == [("exif-thumbnail", "edit")]
    assert Image.open(io.BytesIO(out)).getexif().get_ifd(1) == {}
    assert out[at : at + 4] == bytes(4)
    kept, outcomes = check(bytes(data), file.segments, request("keep"))
    assert kept == out  # it may have moved
    assert kinds(outcomes) == [("exif-thumbnail", "edit")]


def test_tags_that_point_to_no_picture_do_no_harm():
    file = maker.file(
        {
            "ifd0": [(DESCRIPTION, ASCII, "a long enough description")],
            "ifd1": [(0x0201, LONG, Ref("ifd0")), (0x0202, LONG, Size("ifd0"))],
        },
        links={"ifd0": "ifd1"},
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-thumbnail", "edit")]
    start, end = file.span("ifd0")
    link = start + 2 + 12
    assert out[start:link] == file.data[start:link]
    assert out[link + 4 : end] == file.data[link + 4 : end]


def test_a_picture_over_the_directories_takes_the_segment_with_it():
    thumbnail = maker.jpeg(40, 30)
    made = maker.tiff({"ifd0": [(ORIENTATION, SHORT, 3)], "thumbnail": thumbnail}, links={})
    at = made.places["thumbnail"]
    directory = maker.tiff({"ifd1": [(0x0201, LONG, at), (0x0202, LONG, len(thumbnail))]}).data[8:]
    data = bytearray(made.data)
    inside = at + 600
    data[inside : inside + len(directory)] = directory
    link = 8 + 2 + 12
    data[link : link + 4] = inside.to_bytes(4, "little")
    file = maker.wrapped(maker.Made(bytes(data), made.places, made.sizes, made.values))
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-broken", "edit")]
    assert len(out) <= len(file.data) - len(thumbnail)
    assert Image.open(io.BytesIO(out)).getexif() == {ORIENTATION: 3}


def strips(photometric, lengths, extra=(), order="little", width=24, height=16):
    pieces = {f"strip{index}": maker.noise(length, index) for index, length in enumerate(lengths)}
    offsets = Ref("strip0") if len(lengths) == 1 else Ref("offsets")
    parts = {
        "ifd0": [(MAKE, ASCII, "Somebody")],
        "ifd1": [
            (0x0100, SHORT, width),
            (0x0101, SHORT, height),
            (0x0103, SHORT, 1),
            (0x0106, SHORT, photometric),
            (0x0111, LONG, offsets if len(lengths) == 1 else Raw(len(lengths), 0)),
            (0x0115, SHORT, 3),
            (0x0117, LONG, tuple(lengths) if len(lengths) > 1 else lengths[0]),
            *extra,
        ],
        "offsets": bytes(4 * len(lengths)),
        **pieces,
    }
    file = maker.file(parts, order, {"ifd0": "ifd1"})
    if len(lengths) == 1:
        return file
    data = bytearray(file.made.data)
    at = file.made.places["offsets"]
    entry = file.made.places["ifd1"] + 2 + 12 * 4 + 8
    data[entry : entry + 4] = at.to_bytes(4, order)
    for index in range(len(lengths)):
        place = file.made.places[f"strip{index}"]
        data[at + 4 * index : at + 4 * index + 4] = place.to_bytes(4, order)
    made = file.made
    return maker.wrapped(maker.Made(bytes(data), made.places, made.sizes, made.values))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("lengths", [[1152], [576, 500, 76]])
def test_rgb_strips_are_made_anew(order, lengths):
    file = strips(2, lengths, order=order)
    renderer = Grey()
    out, outcomes = scrub(file, renderer=renderer)
    assert renderer.asked == [(24, 16)] * 2  # once more when it is read again
    assert kinds(outcomes) == [("exif-tiff-thumbnail", "regenerate")]
    found = b"".join(out[slice(*file.span(f"strip{index}"))] for index in range(len(lengths)))
    assert found == bytes((200, 40, 90)) * (24 * 16)


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2)])
def test_ycbcr_strips_are_made_anew(across, down):
    units = (24 // across) * (16 // down)
    file = strips(6, [units * (across * down + 2)], [(0x0212, SHORT, (across, down))])
    out, outcomes = scrub(file)
    assert outcomes[-1][0].encoding == "ycbcr"
    y, cb, cr = Image.new("RGB", (1, 1), (200, 40, 90)).convert("YCbCr").getpixel((0, 0))
    unit = np.frombuffer(out[slice(*file.span("strip0"))], np.uint8).reshape(units, -1)
    assert np.abs(unit.astype(int) - [*[y] * (across * down), cb, cr]).max() <= 1


def test_ycbcr_of_an_odd_size_and_a_short_range():
    units = 13 * 8
    black = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    file = strips(
        6, [units * 6], [(0x0212, SHORT, (2, 2)), (0x0214, RATIONAL, black)], width=25, height=15
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-tiff-thumbnail", "regenerate")]
    unit = np.frombuffer(out[slice(*file.span("strip0"))], np.uint8).reshape(units, 6)
    assert (unit == unit[0]).all()
    assert unit[0][0] == 16 + round(219 * round(0.299 * 200 + 0.587 * 40 + 0.114 * 90) / 255)


@pytest.mark.parametrize(
    ("photometric", "lengths", "extra"),
    [
        (2, [1100], []),
        (2, [1152], [(0x011C, SHORT, 2)]),
        (6, [1000], [(0x0212, SHORT, (2, 2))]),
        (6, [1152], [(0x0212, SHORT, (3, 5))]),
        (32803, [1152], []),
    ],
    ids=["short", "planar", "odd-length", "odd-sampling", "mosaic"],
)
def test_other_strips_are_zeroed(photometric, lengths, extra):
    file = strips(photometric, lengths, extra)
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-tiff-thumbnail", "zero")]
    start, end = file.span("strip0")
    assert out == file.data[:start] + bytes(end - start) + file.data[end:]


def test_an_old_style_jpeg_in_a_strip_is_made_anew():
    thumbnail = maker.jpeg(48, 32)
    file = maker.file(
        {
            "ifd0": [(MAKE, ASCII, "Somebody")],
            "ifd1": [
                (0x0103, SHORT, 7),
                (0x0111, LONG, Ref("thumbnail")),
                (0x0117, LONG, Size("thumbnail")),
            ],
            "thumbnail": thumbnail,
        },
        links={"ifd0": "ifd1"},
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-tiff-thumbnail", "regenerate")]
    assert Image.open(io.BytesIO(out[slice(*file.span("thumbnail"))])).size == (48, 32)


def test_previews_of_other_directories_are_zeroed():
    preview, tile, third = maker.jpeg(90, 60), maker.noise(900), maker.jpeg(60, 40, 3)
    file = maker.file(
        {
            "ifd0": [(0x014A, LONG, Ref("sub"))],
            "ifd1": [(0x0103, SHORT, 6)],
            "ifd2": [(0x0201, LONG, Ref("third")), (0x0202, LONG, Size("third"))],
            "sub": [
                (0x0144, LONG, Ref("tile")),
                (0x0145, LONG, Size("tile")),
                (0x0201, LONG, Ref("preview")),
                (0x0202, LONG, Size("preview")),
            ],
            "preview": preview,
            "tile": tile,
            "third": third,
        },
        links={"ifd0": "ifd1", "ifd1": "ifd2"},
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-preview", "zero")] * 3
    for part in ("preview", "tile", "third"):
        assert not any(out[slice(*file.span(part))])
    out, outcomes = scrub(file, "keep")
    assert sorted(kinds(outcomes)) == [("exif-preview", "regenerate")] * 2 + [
        ("exif-preview", "zero")
    ]
    assert Image.open(io.BytesIO(out[slice(*file.span("third"))])).size == (60, 40)


def test_the_old_picture_does_not_show_in_the_new_bytes():
    """Two files that differ in their thumbnail alone become the same (G2)."""
    size = 3000
    one, other = (
        with_thumbnail(maker.jpeg(80, 60, seed, quality).ljust(size, b"\0")[:size], stated=size)
        for seed, quality in ((1, 30), (2, 20))
    )
    assert one.data != other.data
    assert scrub(one)[0] == scrub(other)[0]


@pytest.mark.parametrize("policy", ["default", "keep"])
def test_pictures_over_each_other_are_zeroed(policy):
    picture = maker.jpeg(60, 40)
    file = maker.file(
        {
            "ifd0": [(MAKE, ASCII, "Somebody")],
            "ifd1": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, Size("picture"))],
            "ifd2": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, Size("picture"))],
            "picture": picture,
        },
        links={"ifd0": "ifd1", "ifd1": "ifd2"},
    )
    out, outcomes = scrub(file, policy)
    assert kinds(outcomes) == [("exif-thumbnail", "zero"), ("exif-preview", "zero")]
    assert not any(out[slice(*file.span("picture"))])


def test_a_picture_over_a_value_is_zeroed():
    """Made anew, it would be a picture in a value."""
    file = maker.file(
        {
            "ifd0": [(MAKE, ASCII, "Somebody"), (0xFDE8, UNDEFINED, Raw(300, 3000))],
            "ifd1": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, Size("picture"))],
            "picture": maker.jpeg(120, 80),
        },
        links={"ifd0": "ifd1"},
    )
    out, outcomes = scrub(file)
    assert ("exif-thumbnail", "zero") in kinds(outcomes)
    assert not any(out[slice(*file.span("picture"))])


def test_a_tag_that_says_too_much_leaves_values_alone():
    file = maker.file(
        {
            "ifd0": [(MAKE, ASCII, "Somebody")],
            "ifd1": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, 5000)],
            "picture": maker.jpeg(24, 16),
            "ifd2": [(MAKE, ASCII, "Somebody else")],
        },
        links={"ifd0": "ifd1", "ifd1": "ifd2"},
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-thumbnail", "regenerate")]
    assert out[file.span("picture")[1] :] == file.data[file.span("picture")[1] :]


# ---------------------------------------------------------------------------
# What no tag names
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "zeroed"),
    [
        (maker.settings(2000), False),
        (maker.settings(2100), True),
        (maker.noise(60), False),
        (maker.noise(300), True),
        (b"The quick brown fox. " * 60, False),
        (bytes(5000), False),
        (b"\xff" * 5000, False),
        (maker.settings(100) + maker.jpeg(16, 16)[:400], True),
        (maker.settings(100) + b"\0" + maker.jpeg(16, 16)[1:], True),
        (b"\0" + maker.jpeg(16, 16)[1:], True),
        (b"/9j/" + b"4AAQSkZJRg" * 30, True),
        (b"\x89PNG\r\n\x1a\n" + maker.settings(200), True),
    ],
    ids=[
        "short",
        "long",
        "few",
        "coded",
        "text",
        "zeros",
        "flash",
        "jpeg",
        "masked",
        "masked-in-front",
        "base64",
        "png",
    ],
)
def test_unreferenced_bytes(gap, zeroed):
    file = maker.file({"ifd0": [(MAKE, ASCII, "Somebody")], "gap": gap})
    out, outcomes = scrub(file)
    assert kinds(outcomes) == ([("exif-gap", "zero")] if zeroed else [])
    start, end = file.span("gap")
    assert out == (
        file.data[:start] + bytes(end - start) + file.data[end:] if zeroed else file.data
    )


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BASE64 = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 40


def encoded(kind):
    out = io.BytesIO()
    Image.fromarray(np.frombuffer(maker.noise(768), np.uint8).reshape(16, 16, 3)).save(out, kind)
    return out.getvalue()


def test_unknown_values_are_few_in_all():
    entries = [(0x9990 + index, UNDEFINED, maker.noise(1000)) for index in range(9)]
    out, outcomes = scrub(maker.file({"ifd0": entries}))
    assert kinds(outcomes) == [("exif-value", "zero")] * 5
    assert out.count(maker.noise(1000)) == 4


@pytest.mark.parametrize(
    ("tag", "kind", "value", "zeroed"),
    [
        (0xFDE8, UNDEFINED, maker.noise(1000), False),
        (0xFDE8, UNDEFINED, maker.noise(1100), True),
        (0xFDE8, ASCII, b"words and words " * 200, False),
        (DESCRIPTION, ASCII, b"words and words " * 200, False),
        (DESCRIPTION, ASCII, BASE64, True),
        (DESCRIPTION, ASCII, maker.noise(3000), True),
        (0x9C9C, BYTE, ("a comment, " * 200).encode("utf-16-le"), False),
        (0x9C9C, BYTE, maker.noise(3000), True),
        (0x012D, SHORT, maker.noise(1536), False),
        (0x8773, UNDEFINED, maker.noise(3000), True),
        (0x8773, UNDEFINED, PROFILE, False),
        (0xA302, UNDEFINED, maker.noise(1000), False),
        (0xA302, UNDEFINED, maker.noise(1100), True),
        (0xA40B, UNDEFINED, maker.noise(5000), True),
        (DESCRIPTION, ASCII, base64.encodebytes(maker.noise(3000)), True),
        (0x9999, ASCII, base64.encodebytes(maker.noise(3000)), True),
        (DESCRIPTION, ASCII, maker.noise(1000).hex(" ").encode(), True),
        (DESCRIPTION, ASCII, bytes(33 + byte % 90 for byte in maker.noise(3000)), True),
        (0x9C9C, BYTE, base64.encodebytes(maker.noise(999)).decode().encode("utf-16-le"), True),
        (0x8773, UNDEFINED, maker.jpeg(32, 32), True),
        (0xEA1C, UNDEFINED, b"\x1c\xea" + bytes(4094), False),
        (0xEA1C, UNDEFINED, maker.noise(4096), True),
        (0x02BC, BYTE, b"<x:xmpmeta>" + b" " * 500, False),
        (0x02BC, BYTE, b"<x:xmpmeta><mwg-rs:Regions>" + b" " * 90 + b"</x>", True),
        (0x02BC, BYTE, b"<x:xmpmeta>" + b"<a>b</a>" * 500, True),
        (0x83BB, BYTE, b"\x1c\x02\x78\0\x04name" + bytes(60), True),
        (0x8649, BYTE, b"8BIM\x04\x0c" + maker.settings(100), True),
    ],
)  # fmt: skip
def test_long_values(tag, kind, value, zeroed):
    file = maker.file({"ifd0": [(tag, kind, value), (0xFFF0, SHORT, 5)]})
    out, outcomes = scrub(file)
    assert kinds(outcomes) == ([("exif-value", "zero")] if zeroed else [])
    start, end = file.value("ifd0", tag)
    assert out == (
        file.data[:start] + bytes(end - start) + file.data[end:] if zeroed else file.data
    )


@pytest.mark.parametrize(
    ("value", "zeroed"),
    [
        (b"ASCII\0\0\0" + b"words and words " * 200, False),
        (bytes(8) + b"words and words " * 200, False),
        (b"UNICODE\0" + ("a comment, " * 200).encode("utf-16-le"), False),
        (b"JIS\0\0\0\0\0" + ("コメント" * 200).encode("iso2022_jp"), False),
        (b"words without a charset " * 200, False),
        (bytes(8) + maker.noise(3000), True),
        (b"ASCII\0\0\0" + maker.jpeg(24, 24), True),
        (b"ASCII\0\0\0" + BASE64, True),
        (b"ASCII\0\0\0" + base64.encodebytes(encoded("AVIF")), True),
        (b"ASCII\0\0\0" + encoded("JPEG").hex().encode(), True),
        (b"ASCII\0\0\0" + encoded("JPEG").hex("\n").encode(), True),
        (b"ASCII\0\0\0" + encoded("BMP"), True),
    ],
    ids=["ascii", "undefined", "unicode", "jis", "none", "noise", "jpeg", "base64", "avif",
         "hex", "hex lines", "bmp"],
)
def test_user_comments(value, zeroed):
    file = maker.file(
        {"ifd0": [(EXIF_IFD, LONG, Ref("exif"))], "exif": [(COMMENT, UNDEFINED, value)]}
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == ([("exif-value", "zero")] if zeroed else [])
    assert any(out[slice(*file.value("exif", COMMENT))]) != zeroed


# ---------------------------------------------------------------------------
# Names
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_names_leave_free_text_in_place(order):
    name = "Ada Müller"
    wide = "utf-16-le" if order == "little" else "utf-16-be"
    file = maker.file(
        {
            "ifd0": [
                (DESCRIPTION, ASCII, f"{name} and Ada Müllerin, by {name}"),
                (MAKE, ASCII, name),
                (ARTIST, ASCII, name),
                (COPYRIGHT, ASCII, f"(c) {name}"),
                (EXIF_IFD, LONG, Ref("exif")),
                (0x9C9B, BYTE, f"{name}!\0".encode("utf-16-le")),
                (0x9C9D, BYTE, f"{name}\0".encode("utf-16-le")),
                (0x9C9E, BYTE, "ada  müller;me\0".encode("utf-16-le")),
            ],
            "exif": [
                (COMMENT, UNDEFINED, b"UNICODE\0" + f"to {name}".encode(wide)),
                (0xA430, ASCII, name),
            ],
        },
        order,
    )
    out, outcomes = scrub(file, names=[name])
    assert kinds(outcomes) == [("exif-name", "edit")] * 4

    def value(part, tag):
        return out[slice(*file.value(part, tag))]

    assert (
        value("ifd0", DESCRIPTION).decode() == " " * 11 + " and Ada Müllerin, by " + " " * 11 + "\0"
    )
    assert value("ifd0", 0x9C9B).decode("utf-16-le") == " " * 10 + "!\0"
    assert value("ifd0", 0x9C9E).decode("utf-16-le") == " " * 11 + ";me\0"
    assert value("exif", COMMENT)[8:].decode(wide) == "to " + " " * 10
    for part, tag in (
        ("ifd0", MAKE),
        ("ifd0", ARTIST),
        ("ifd0", COPYRIGHT),
        ("ifd0", 0x9C9D),
        ("exif", 0xA430),
    ):
        assert value(part, tag) == file.data[slice(*file.value(part, tag))]
    assert scrub(file, names=["Nobody"])[0] == file.data
    kept, outcomes = scrub(file, "keep", names=[name])
    assert kept == file.data
    assert kinds(outcomes) == [("exif-name", "warn")] * 4


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (DESCRIPTION, "für Jürgen\0".encode("latin-1")),
        (COMMENT, b"UNICODE\0" + "für Jürgen ".encode("utf-16-be")),
        (COMMENT, bytes(8) + "für Jürgen ".encode("utf-16-le") + b"\0"),
        (COMMENT, b"ASCII\0\0\0" + "für Jürgen".encode()),
    ],
)
def test_names_are_found_in_other_encodings_than_stated(tag, value):
    kind = ASCII if tag == DESCRIPTION else UNDEFINED
    file = maker.file({"ifd0": [(tag, kind, value)]})
    out, outcomes = scrub(file, names=["Jürgen"])
    assert kinds(outcomes) == [("exif-name", "edit")]
    assert len(out) == len(file.data)
    left = out[slice(*file.value("ifd0", tag))]
    assert left != value
    for code in ("latin-1", "utf-8", "utf-16-le", "utf-16-be"):
        assert "rgen" not in left.decode(code, "replace")


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-8"])
@pytest.mark.parametrize("tag", [0x9999, 0xA436, 0xA420, 0x013C])
def test_names_leave_any_text_in_any_encoding(tag, encoding):
    name = "Анна Иванова"
    file = maker.file({"ifd0": [(tag, ASCII, f"мы и {name}".encode(encoding) + b"\0")]})
    out, outcomes = scrub(file, names=[name])
    assert kinds(outcomes) == [("exif-name", "edit")]
    assert name not in out.decode(encoding, "replace")


def test_names_of_texts_over_each_other_all_go():
    text = b"Ann Ok and Bo Ek"
    parts = {"ifd0": [(0x9990, ASCII, Raw(16, 8 + 30)), (0x9991, ASCII, Raw(10, 8 + 30))],
             "text": text}  # fmt: skip
    out, _ = scrub(maker.file(parts), names=["Ann Ok", "Bo Ek", "Ok"])
    assert not any(word in out for word in (b"Ann", b"Bo Ek"))


def test_japanese_names():
    value = b"JIS\0\0\0\0\0" + "これは花子です".encode("iso2022_jp")
    file = maker.file({"ifd0": [(COMMENT, UNDEFINED, value)]})
    out, _ = scrub(file, names=["花子"])
    left = out[slice(*file.value("ifd0", COMMENT))][8:]
    assert left.decode("iso2022_jp") == "これは\u3000\u3000です"


def test_no_areas_no_names():
    file = with_thumbnail(maker.jpeg(40, 30))
    assert read(file.data, file.segments).names([], 1) == frozenset()


# ---------------------------------------------------------------------------
# Strict, and what is broken
# ---------------------------------------------------------------------------


def test_strict_keeps_the_orientation_alone():
    file = with_thumbnail(maker.jpeg(80, 60))
    out, outcomes = scrub(file, "strict")
    assert kinds(outcomes) == [("exif", "edit"), ("exif-thumbnail", "drop")]
    assert Image.open(io.BytesIO(out)).getexif() == {ORIENTATION: 6}
    assert read_orientation([out[6:]]) == 6
    assert len(out) == 2 + 4 + 6 + 8 + 2 + 12 + 4 + len(maker.jpeg(16, 16)) - 2


@pytest.mark.parametrize("order", ORDERS)
def test_strict_keeps_how_to_decode(order):
    """The numbers that Exif demands, as they were; no text, no time, no place, no maker."""
    shown = [
        (ORIENTATION, SHORT, 8),
        (0x011A, RATIONAL, (300, 1)),
        (0x011B, RATIONAL, (300, 1)),
        (0x0128, SHORT, 2),
        (0x0213, SHORT, 1),
    ]
    coded = [
        (0x9000, UNDEFINED, b"0232"),
        (0x9101, UNDEFINED, b"\1\2\3\0"),
        (0xA001, SHORT, 1),
        (0xA002, SHORT, 4000),
        (0xA003, LONG, 3000),
    ]
    file = maker.file(
        {
            "ifd0": [
                (MAKE, ASCII, "Somebody"),
                *shown,
                (0x0132, ASCII, "2007:05:12 08:19:07"),
                (EXIF_IFD, LONG, Ref("exif")),
            ],
            "exif": [
                *coded[:1],
                (0x9003, ASCII, "2007:05:12 08:19:07"),
                *coded[1:],
                (0xA000, UNDEFINED, b"longer than it may be"),
                (COMMENT, UNDEFINED, b"ASCII\0\0\0to Ada"),
            ],
        },
        order,
    )
    out, outcomes = scrub(file, "strict")
    assert kinds(outcomes) == [("exif", "edit")]
    exif = Image.open(io.BytesIO(out)).getexif()
    found = {tag: value for tag, value in exif.items() if tag != EXIF_IFD}
    assert found == {ORIENTATION: 8, 0x011A: 300, 0x011B: 300, 0x0128: 2, 0x0213: 1}
    assert exif.get_ifd(EXIF_IFD) == {
        0x9000: b"0232", 0x9101: b"\1\2\3\0", 0xA001: 1, 0xA002: 4000, 0xA003: 3000,
    }  # fmt: skip


def test_strict_drops_an_upright_block():
    file = maker.file({"ifd0": [(MAKE, ASCII, "Somebody"), (ORIENTATION, SHORT, 1)]})
    out, outcomes = scrub(file, "strict")
    assert kinds(outcomes) == [("exif", "drop")]
    assert out == maker.jpeg(16, 16)


BROKEN = {
    "no header": b"Exif\0\0",
    "another order": b"Exif\0\0XX*\0\x08\0\0\0" + bytes(40),
    "another number": b"Exif\0\0II+\0\x08\0\0\0" + bytes(40),
    "no directory": b"Exif\0\0II*\0\xff\xff\0\0" + bytes(40),
    "no types": b"Exif\0\0II*\0\x08\0\0\0\x02\0" + b"\x01\0\x99\0" * 20,
    "too many": b"Exif\0\0II*\0\x08\0\0\0\xff\x7f" + b"\x01\0\x03\0\x01\0\0\0\x05\0\0\0" * 3,
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_what_can_not_be_read_is_dropped(content, policy):
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    data = b"\xff\xd8" + segment + maker.jpeg(16, 16)[2:]
    out, outcomes = check(data, maker.segments(data), request(policy))
    assert kinds(outcomes) == [("exif-broken", "drop")]
    assert out == maker.jpeg(16, 16)


def test_an_empty_block_stays():
    content = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    data = b"\xff\xd8" + segment + maker.jpeg(16, 16)[2:]
    out, outcomes = check(data, maker.segments(data), request())
    assert out == data
    assert kinds(outcomes, quiet=True) == [("exif", "keep")]


def test_several_segments_are_each_read():
    first = with_thumbnail(maker.jpeg(80, 60))
    second = with_thumbnail(maker.jpeg(40, 30, 5), "big")
    data = first.data[: first.segments[0][2]] + second.data[2:]
    out, outcomes = check(data, maker.segments(data), request())
    assert kinds(outcomes) == [("exif-thumbnail", "regenerate")] * 2
    assert len(out) == len(data)
    out, _ = check(data, maker.segments(data), request("strict"))
    assert [code for code, *_ in maker.segments(out)].count(0xE1) == 1


def test_other_segments_are_left_alone():
    data = maker.jpeg(16, 16)
    carrier = read(data, maker.segments(data))
    assert carrier.copies == ()
    assert carrier.scrub(request()) == ([], [])


# ---------------------------------------------------------------------------
# Hostile input
# ---------------------------------------------------------------------------


def rich(order="little"):
    return maker.file(
        {
            "ifd0": [
                (DESCRIPTION, ASCII, "Ada and Bob"),
                (MAKE, ASCII, "NIKON"),
                (ORIENTATION, SHORT, 8),
                (0x014A, LONG, Ref("sub")),
                (EXIF_IFD, LONG, Ref("exif")),
            ],
            "ifd1": [
                (0x0103, SHORT, 6),
                (0x0201, LONG, Ref("thumbnail")),
                (0x0202, LONG, Size("thumbnail")),
            ],
            "exif": [
                (0x927C, UNDEFINED, b"Nikon\0\x02\x10\0\0" + note(order)),
                (COMMENT, UNDEFINED, b"ASCII\0\0\0to Ada"),
                (0xFDE8, UNDEFINED, maker.noise(1500)),
            ],
            "sub": [(0x0201, LONG, Ref("preview")), (0x0202, LONG, Size("preview"))],
            "gap": maker.settings(400),
            "thumbnail": maker.jpeg(24, 16),
            "preview": maker.jpeg(20, 16, 3),
        },
        order,
        {"ifd0": "ifd1"},
    )


def note(order):
    return maker.tiff(
        {
            "ifd": [
                (0x0001, UNDEFINED, b"0210"),
                (0x0011, LONG, Ref("preview ifd")),
                (0x0021, UNDEFINED, maker.noise(60)),
            ],
            "preview ifd": [(0x0201, LONG, Ref("picture")), (0x0202, LONG, Size("picture"))],
            "picture": maker.jpeg(16, 16, 4),
        },
        order,
    ).data


RICH = {order: rich(order) for order in ORDERS}


@pytest.mark.parametrize("order", ORDERS)
def test_all_at_once(order):
    out, outcomes = scrub(RICH[order], names=["Ada"])
    assert sorted(kinds(outcomes)) == [
        ("exif-name", "edit"),
        ("exif-name", "edit"),
        ("exif-preview", "zero"),
        ("exif-thumbnail", "regenerate"),
        ("exif-value", "zero"),
        ("makernote-faces", "zero"),
        ("makernote-preview", "zero"),
    ]
    assert b"Ada" not in out
    assert b"Bob" in out
    assert out[slice(*RICH[order].span("gap"))] == maker.settings(400)


@given(
    st.sampled_from(ORDERS),
    st.lists(
        st.tuples(
            st.integers(0, 10**6),
            st.sampled_from(
                [
                    b"\0",
                    b"\xff",
                    b"\0\0\0\0",
                    b"\xff\xff\xff\xff",
                    b"\x08\0\0\0",
                    b"\x7f\xff",
                    b"\0\x04",
                ]
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 400),
    st.sampled_from(POLICIES),
)
def test_damaged_blocks_hold_the_rules(order, changes, cut, policy):
    file = RICH[order]
    head = file.segments[0][2] - cut
    data = bytearray(file.data[:head])
    data[4:6] = (head - 4).to_bytes(2, "big")
    for at, new in changes:
        # Most of the time somewhere in the directories, which are in front.
        place = 12 + (at % 400 if at % 3 else at % (head - 12))
        data[place : place + len(new)] = new
    del data[head:]
    whole = bytes(data) + maker.jpeg(16, 16)[2:]
    check(whole, maker.segments(whole), request(policy, ["Ada"]))


@given(st.binary(max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_any_block_holds_the_rules(tail, head):
    content = b"Exif\0\0" + head + tail
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    data = b"\xff\xd8" + segment + maker.jpeg(16, 16)[2:]
    check(data, maker.segments(data), request())


def test_directories_that_name_each_other_end():
    made = maker.tiff(
        {
            "a": [(0x014A, LONG, Ref("b")), (EXIF_IFD, LONG, Ref("a"))],
            "b": [(0x014A, LONG, Ref("a")), (0x8825, LONG, Ref("b"))],
        },
        links={"a": "b", "b": "a"},
    )
    file = maker.wrapped(made)
    out, outcomes = scrub(file)
    assert out == file.data
    assert not kinds(outcomes)


def test_values_many_times_over_each_other_are_not_believed():
    entries = [(0xC000 + index, UNDEFINED, Raw(40000, 11000 + index)) for index in range(900)]
    file = maker.file({"ifd0": entries, "rest": maker.noise(42000)})
    _, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-broken", "drop")]


def test_many_signatures_do_not_hide_what_lies_behind():
    decoys = b"\xff\xd8\xff\xe0\x00\x02" * 3000
    file = maker.file(
        {"ifd0": [(0xFDE8, UNDEFINED, decoys), (0xFDE9, UNDEFINED, maker.jpeg(16, 16))]}
    )
    out, outcomes = scrub(file)
    assert kinds(outcomes) == [("exif-value", "zero")] * 2
    assert not any(out[slice(*file.value("ifd0", 0xFDE9))])


# ---------------------------------------------------------------------------
# Real files
# ---------------------------------------------------------------------------

PREVIEWS = (
    "ThumbnailImage", "PreviewImage", "JpgFromRaw", "OtherImage", "ThumbnailTIFF", "PreviewTIFF",
    "TiffMeteringImage", "ZoomedPreviewImage", "SanyoThumbnail",
)  # fmt: skip


def real(corpus):
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        segments = [
            (code, offset, end)
            for code, offset, end in (maker.segments(data) if data[:2] == b"\xff\xd8" else [])
            if code == 0xE1 and data[offset + 4 : offset + 9] == b"Exif\0"
        ]
        if segments:
            yield path, data, segments


@pytest.mark.parametrize("policy", POLICIES)
def test_corpus_rules_hold(corpus, policy):
    number = 0
    for _, data, segments in real(corpus):
        check(data, segments, request(policy))
        number += 1
    assert number > 200


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_corpus_by_exiftool(corpus, tmp_path):
    """No picture of the original, no new warning, and what was there before is read as before."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    for path, data, segments in real(corpus):
        head = segments[-1][2]
        tail = maker.jpeg(16, 16)[2:]
        carrier = read(data, segments)
        out = maker.applied(data, carrier.scrub(request()).edits)
        (before / path.name).write_bytes(data[:head] + tail)
        (after / path.name).write_bytes(out[: head + len(out) - len(data)] + tail)
    old, new = pictures(before), pictures(after)
    assert len(old) > 130
    # An SOI and an EOI alone are no picture; some test files have these.
    same = [name for name, value in new.items() if value in old.values() and len(value) > 4]
    assert not [name for name in same if any(new[name])]
    was, is_now = warnings(before), warnings(after)
    new_lines = {
        (name, line)
        for name, lines in is_now.items()
        for line in lines - was.get(name, set())
        # Tags that say that there is no preview, where it was behind EOI; two broken files have
        # a directory's pointer that names the thumbnail.
        if "PreviewImageLength is zero" not in line and not line.startswith("Bad format")
    }
    assert not new_lines


def pictures(folder: Path) -> dict[str, bytes]:
    """What exiftool extracts from Exif and MakerNotes."""
    out = folder.parent / f"{folder.name}-pictures"
    out.mkdir()
    tags = [f"-{group}:{name}" for group in ("EXIF", "MakerNotes") for name in PREVIEWS]
    subprocess.run(
        [
            "exiftool",
            "-q",
            "-q",
            "-b",
            "-a",
            "-u",
            "-m",
            "-W!",
            f"{out}/%f_%t%c.bin",
            *tags,
            folder,
        ],
        capture_output=True,
        check=False,
    )
    return {path.name: path.read_bytes() for path in out.iterdir()}


def warnings(folder: Path) -> dict[str, set[str]]:
    text = subprocess.run(
        ["exiftool", "-j", "-a", "-G4", "-validate", "-warning", "-error", folder],
        capture_output=True,
        check=False,
    ).stdout
    out = {}
    for item in json.loads(text):
        lines = {str(line) for tag, line in item.items() if tag.endswith(("Warning", "Error"))}
        out[Path(item["SourceFile"]).name] = lines
    return out


def test_what_shows_only_once_other_things_are_zeros_goes_too(monkeypatch):
    """Each reading finds another place; where that has no end, all of it goes."""
    from jpegredact.container.exif import carrier
    from jpegredact.container.exif.parts import ZEROED, Part
    from jpegredact.container.model import SideCopy

    file = maker.file(
        {
            "ifd0": [
                (MAKE, ASCII, "Somebody"),
                (ORIENTATION, SHORT, 6),
                (0x1234, 7, b"\x01" * 2000),
            ],
            "some": maker.noise(60),
        }
    )
    first, start = file.at("some"), file.segments[0][1]
    real, rounds = carrier.read_block, []

    def another(data, segment):
        block = real(data, segment)
        rounds.append(segment)
        if len(rounds) > most:
            return block
        at = first - start + segment.offset + len(rounds)
        copy = SideCopy("makernote-preview", at, 1, "", ZEROED)
        return block._replace(parts=(*block.parts, Part(copy, ((at, at + 1),))))

    monkeypatch.setattr(carrier, "read_block", another)
    for most in (3, 99):
        rounds.clear()
        edits, outcomes = read(file.data, file.segments).scrub(request())
        out = maker.applied(file.data, edits)
        if most == 3:
            assert len(out) == len(file.data)
            changed = [n for n, byte in enumerate(file.data) if byte != out[n] and n >= first]
            assert changed == [first + n for n in (1, 2, 3)]
            assert ("exif", "keep") in kinds(outcomes, quiet=True)
        else:
            assert len(out) < len(file.data)
            assert read_orientation([out[6:60]]) == 6
            assert ("exif", "edit") in kinds(outcomes)
