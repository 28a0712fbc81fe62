"""Previews show, upright, what will be hidden; and the page refers to nothing outside."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from pictures import pillow_jpeg
from PIL import Image, ImageOps

import jpegredact as jr
from jpegredact.geometry import Boxes
from jpegredact.preview import draw_html, draw_png

BOX = (24, 40, 72, 64)
"""On the block grid, so that blocks and box are the same without a margin."""


def turned(picture: np.ndarray, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow_jpeg(picture, exif=exif, quality=95, subsampling=0)


def drawn(data: bytes, entry: jr.LogEntry, **options: int) -> Image.Image:
    return Image.open(io.BytesIO(draw_png(data, entry, **options))).convert("RGB")


def changed(data: bytes, entry: jr.LogEntry) -> np.ndarray:
    """Return which pixels of the upright picture the preview drew over."""
    plain = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    shown = drawn(data, entry, side=0)
    assert shown.size == plain.size
    return (np.asarray(plain).astype(int) != np.asarray(shown)).any(axis=2)


def upright(mask: np.ndarray, orientation: int) -> np.ndarray:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(mask.astype(np.uint8))
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image)) > 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_lie_where_they_are_seen(photo: np.ndarray, orientation: int) -> None:
    """Pillow turns the picture, and a mask of the stored box: the drawing fits both."""
    data = turned(np.full_like(photo, 128), orientation)
    entry = jr.survey(data, [jr.Box(*BOX, "face", 0.5)])
    mask = np.zeros(photo.shape[:2], bool)
    mask[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    expected = upright(mask, orientation)
    found = changed(data, entry)
    assert found[expected].all()  # all of it is tinted
    rows, columns = np.nonzero(expected)
    label = found.copy()
    label[rows.min() - 2 : rows.max() + 4, columns.min() - 2 : columns.max() + 4] = False
    # The label stands above the box and nowhere else: letters, not more.
    above, _ = np.nonzero(label)
    assert len(above)
    assert above.max() < rows.min()
    assert above.min() > rows.min() - 25


def test_the_blocks_are_tinted_not_just_the_box(photo: np.ndarray) -> None:
    data = pillow_jpeg(np.full_like(photo, 128), subsampling=2, quality=95)
    entry = jr.survey(data, [(42, 50, 61, 60)], margin=4)
    left, top, right, bottom = entry.detections[0].snapped
    assert (left, top, right, bottom) == (32, 32, 80, 64)
    found = changed(data, entry)
    assert found[top:bottom, left:right].all()
    rest = found.copy()
    rest[top:bottom, left:right] = False
    assert not rest[bottom:].any()
    assert not rest[:, right + 40 :].any()


def test_what_is_kept_is_outlined_only(photo: np.ndarray) -> None:
    data = pillow_jpeg(np.full_like(photo, 128), quality=95)
    entry = jr.survey(data, [BOX])
    kept = replace(entry, detections=(replace(entry.detections[0], decision="keep"),))
    found = changed(data, kept)
    assert found[BOX[1], BOX[0] : BOX[2]].all()
    assert not found[BOX[1] + 4 : BOX[3] - 4, BOX[0] + 4 : BOX[2] - 4].any()


def test_a_mask_s_own_blocks_and_a_polygon_s_corners(photo: np.ndarray) -> None:
    data = pillow_jpeg(np.full_like(photo, 128), quality=95, subsampling=0)
    polygon = jr.Polygon(((20, 20), (180, 30), (20, 140)))
    found = changed(data, jr.survey(data, [polygon]))
    assert found[24:32, 24:32].all()
    assert not found[130:, 150:].any()
    touched = jr.redact(data, [polygon]).report.blocks[0] * 64
    assert touched <= found.sum() < touched * 1.2


def test_both_parts_of_what_lies_across_a_seam(photo: np.ndarray) -> None:
    data = pillow_jpeg(np.full_like(photo, 128), quality=95, subsampling=0)
    entry = jr.survey(data, [Boxes(((192, 40, 208, 64), (0, 40, 24, 64)), "face")])
    found = changed(data, entry)
    assert found[40:64, 192:].all()
    assert found[40:64, :24].all()
    assert not found[44:60, 32:188].any()
    assert len(Page(draw_html(data, entry).decode()).polygons) == 2


def test_large_pictures_are_made_smaller(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    entry = jr.survey(data, [BOX])
    assert drawn(data, entry, side=104).size == (104, 80)
    assert drawn(data, entry, side=5000).size == (208, 160)
    assert drawn(data, entry, side=1).size == (1, 1)


def test_a_picture_with_nothing_to_draw(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    assert not changed(data, jr.survey(data)).any()


@pytest.mark.parametrize("label", ["Ω中文", "a\nb", "", "<&>"])
def test_any_label_can_be_drawn(photo: np.ndarray, label: str) -> None:
    data = pillow_jpeg(photo)
    entry = jr.survey(data, [jr.Box(*BOX, label)])
    assert drawn(data, entry).size == (208, 160)


def test_an_entry_of_another_picture_is_refused(photo: np.ndarray) -> None:
    entry = jr.survey(pillow_jpeg(photo), [BOX])
    for draw in (draw_png, draw_html):
        with pytest.raises(jr.InvalidLogError):
            draw(pillow_jpeg(photo[::-1]), entry)


def test_a_picture_that_pillow_cannot_decode(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    cut = data[: len(data) // 2]
    with pytest.raises(jr.UnsupportedJpegError) as caught:
        draw_png(cut, jr.survey(cut, [(0, 0, 8, 8)]))
    assert caught.value.code == "jpeg.pixels"


class Page(HTMLParser):
    """Collects what a browser would fetch, and what it would show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.polygons: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "data", "action", "xlink:href"):
                self.fetched.append(value or "")
        if tag == "polygon":
            found = dict(attrs)
            self.polygons.append((found["class"] or "", found["points"] or ""))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_in_one_piece(photo: np.ndarray) -> None:
    data = turned(photo, 6)
    evil = jr.Box(*BOX, '<script>alert("x")</script>', 0.25)
    entry = jr.survey(data, [evil, jr.Box(100, 100, 120, 120, "plate")], name="<b>&.jpg")
    first, second = entry.detections
    entry = replace(entry, detections=(first, replace(second, decision="keep")))
    text = draw_html(data, entry).decode()
    page = Page(text)
    assert len(page.fetched) == 1
    assert page.fetched[0].startswith("data:image/jpeg;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(page.fetched[0].split(",")[1])))
    assert picture.size == (160, 208)
    assert not picture.getexif()
    assert not {"script", "b", "link", "iframe", "img"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?:", text)
    assert "<b>&.jpg" in page.words
    assert '<script>alert("x")</script>' in page.words
    kinds = dict(page.polygons)
    assert set(kinds["redact"].split()) == {
        "120.0,24.0", "120.0,72.0", "96.0,72.0", "96.0,24.0",
    }  # fmt: skip
    assert "keep" in kinds


def test_the_same_entry_gives_the_same_bytes(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    entry = jr.survey(data, [BOX])
    assert draw_png(data, entry) == draw_png(data, entry)
    assert draw_html(data, entry) == draw_html(data, entry)
