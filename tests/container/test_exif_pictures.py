"""Finding pictures among bytes: what counts as one, and how far it reaches."""

import io

import exif_maker as maker
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jpegredact.container.exif.pictures import (
    Hits,
    busy,
    find_pictures,
    holds_more,
    is_text,
    jpeg_at,
    looks_coded,
    trimmed,
)

PICTURE = maker.jpeg(40, 30)


def progressive():
    buffer = io.BytesIO()
    Image.open(io.BytesIO(PICTURE)).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [PICTURE, progressive(), b"\0" + PICTURE[1:]])
@pytest.mark.parametrize("tail", [b"", b"\0" * 9, b"\xff\xd9\xff\xd8"])
def test_a_jpeg_is_followed_to_its_end(picture, tail):
    found = jpeg_at(b"abc" + picture + tail, 3, 3 + len(picture) + len(tail))
    assert found == (3, 3 + len(picture), (40, 30), True, "jpeg")


@pytest.mark.parametrize("length", [30, 200, 600, len(PICTURE) - 1])
def test_a_jpeg_that_is_cut_off_is_one(length):
    found = jpeg_at(PICTURE, 0, length)
    assert found is not None
    assert not found.complete
    assert found.end == length


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\0\x04ab no marker here at all",
        b"\xff\xd8\xff\xe0\0\x01ab",
        b"\xff\xd8\xff\x12\0\x04ab",
        b"\xff\xd8",
        b"",
    ],
)
def test_what_is_no_jpeg(data):
    assert jpeg_at(data, 0, len(data)) is None


def test_pictures_are_found_among_bytes():
    png = io.BytesIO()
    Image.new("L", (7, 5)).save(png, "PNG")
    text = b"<i>/9j/" + b"4AAQSkZJRg" * 20 + b"</i>"
    pieces = [
        maker.settings(50),
        PICTURE,
        maker.settings(9),
        png.getvalue(),
        maker.settings(9),
        text,
    ]
    data = b"".join(pieces)
    jpeg, image, base64 = find_pictures(data, 0, len(data))
    assert data[jpeg.start : jpeg.end] == PICTURE
    assert (data[image.start : image.end], image.size) == (png.getvalue(), (7, 5))
    assert data[base64.start : base64.end] == text[3:-4]
    hits = Hits([jpeg, image, base64])
    assert hits.first(0, len(data)) == jpeg
    assert hits.first(jpeg.end, len(data)) == image
    assert hits.first(jpeg.start + 100, jpeg.start + 200) == jpeg
    assert hits.first(jpeg.start + 100, jpeg.start + 200, sure=True) is None
    assert hits.within(jpeg.start + 2, base64.start + 1) == [image, base64]
    assert hits.first(base64.end, len(data)) is None


def test_one_by_chance_hides_none():
    data = b"\x12\xd8\xff\xe1\xff\xf0" + maker.settings(40) + PICTURE
    chance, real = find_pictures(data, 0, len(data))
    assert not chance.complete
    assert real == (46, len(data), (40, 30), True, "jpeg")
    hits = Hits([chance, real])
    assert hits.first(0, 99) == real
    assert hits.first(0, 40) == chance
    assert hits.first(0, 40, sure=True) is None


@given(st.binary(max_size=300))
def test_any_bytes(data):
    for found in find_pictures(data, 0, len(data)):
        assert 0 <= found.start < found.end <= len(data)
    first, last = busy(data, 0, len(data))
    assert trimmed(data, 0, len(data))[0] <= first <= last <= len(data)
    assert isinstance(is_text(data), bool)


def test_filling_is_nothing():
    assert busy(bytes(90), 0, 90) == (90, 90)
    assert busy(b"\xff" * 90, 0, 90)[0] == busy(b"\xff" * 90, 0, 90)[1]
    data = bytes(20) + b"\xff" * 30 + b"abcd" + b" " * 40 + bytes(10)
    assert busy(data, 0, len(data)) == (50, 54)
    assert trimmed(data, 0, len(data)) == (20, 94)
    data = maker.noise(100) + bytes(500) + maker.noise(100)
    assert holds_more(data, 0, len(data), 199)
    assert not holds_more(data, 0, len(data), 201)


@pytest.mark.parametrize(
    ("value", "encoding", "text"),
    [
        (b"plain words\r\n\tand more\0\0", "", True),
        ("Zürich".encode(), "", True),
        ("Zürich".encode("latin-1"), "", True),
        (b"\x01\x02\x03", "", False),
        (bytes(range(128, 250)), "", False),
        (b"A" * 600, "", False),
        ("写真と文字".encode("utf-16-le"), "utf-16-le", True),
        (maker.noise(900), "utf-16-le", False),
        ("写真".encode("iso2022_jp"), "iso2022_jp", True),
    ],
)
def test_text(value, encoding, text):
    assert is_text(value, encoding) is text


def test_coded_data_is_dense():
    scan = PICTURE[-300:-2]
    assert looks_coded(scan)
    assert not looks_coded(maker.settings(300))
    assert not looks_coded(b"words and words " * 20)
    assert not looks_coded(scan[:60])
