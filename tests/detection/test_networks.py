"""The real networks on a real face, and on letters and plates that are drawn."""

import io

import numpy as np
import pytest
from matplotlib import font_manager
from pictures import pillow_jpeg
from PIL import Image, ImageDraw, ImageFont

import jpegredact as jr
from jpegredact.detection.registry import KNOWN

FACE = (186, 140, 352, 334)
"""Of the portrait, looked up by eye: hairline to chin, ear to ear."""


def share(box, of) -> float:
    """How much of a box another one covers."""
    across = min(box[2], of[2]) - max(box[0], of[0])
    down = min(box[3], of[3]) - max(box[1], of[1])
    return max(across, 0) * max(down, 0) / ((box[2] - box[0]) * (box[3] - box[1]))


def found_in(pixels: np.ndarray, labels=("face",), **options):
    return jr.detect(pillow_jpeg(pixels, quality=92), labels, **options)


@pytest.mark.parametrize("effort", ["fast", "normal", "thorough"])
def test_a_face(face_weights, portrait, effort) -> None:
    (found,) = [d for d in found_in(portrait, effort=effort) if d.score > 0.5]
    assert share(FACE, found.box) > 0.9
    assert share(found.box, FACE) > 0.5
    assert (found.label, found.model.name) == ("face", "centerface")
    assert found.model.sha256 == KNOWN[0].sha256


def test_it_is_gone_once_redacted(face_weights, portrait) -> None:
    data = pillow_jpeg(portrait, quality=92)
    found = jr.detect(data)
    for regions in (found, [d.ellipse() for d in found]):
        left = jr.detect(jr.redact(data, regions).jpeg)
        assert not any(share(FACE, d.box) > 0.2 for d in left)


# What stored pixels become when shown, by NumPy: Exif 2.32, 4.6.4.A, read anew.
SHOWN = {
    1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1), 6: lambda p: p.swapaxes(0, 1)[:, ::-1],
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1), 8: lambda p: p.swapaxes(0, 1)[::-1],
}  # fmt: skip
STORED = {**SHOWN, 6: SHOWN[8], 8: SHOWN[6]}


@pytest.mark.parametrize("effort", ["fast", "normal"])
def test_eight_orientations(face_weights, portrait, effort) -> None:
    """The same picture, stored in eight ways: the same boxes within 2 pixels, as shown.

    Not the very same, since JPEG's blocks lie elsewhere.
    """
    pixels = np.full((1000, 1500, 3), 140, np.uint8)
    pixels[300:900, 620:1132] = portrait
    boxes = {}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = np.ascontiguousarray(STORED[orientation](pixels))
        data = pillow_jpeg(stored, quality=95, exif=exif)
        (found,) = (d for d in jr.detect(data, effort=effort) if d.score > 0.5)
        marked = np.zeros(stored.shape[:2], bool)
        left, top, right, bottom = (round(side) for side in found.box)
        marked[top:bottom, left:right] = True
        y, x = np.nonzero(SHOWN[orientation](marked))
        boxes[orientation] = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
    for orientation, box in boxes.items():
        assert np.abs(box - boxes[1]).max() <= 2, orientation


XMP = (
    b"http://ns.adobe.com/xap/1.0/\0"
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)


def panorama(pixels: np.ndarray) -> bytes:
    data = pillow_jpeg(pixels, quality=92)
    return data[:2] + b"\xff\xe1" + (len(XMP) + 2).to_bytes(2, "big") + XMP + data[2:]


@pytest.mark.parametrize("effort", ["fast", "normal"])
def test_a_face_on_the_seam(face_weights, portrait, effort) -> None:
    """Found once, in two parts, that cover all of it; hidden in both; back byte for byte."""
    whole = np.full((1000, 2000, 3), 128, np.uint8)
    x, y = 700, 250
    whole[y : y + portrait.shape[0], x : x + portrait.shape[1]] = portrait
    turn = 2000 - (x + (FACE[0] + FACE[2]) // 2)
    data = panorama(np.roll(whole, turn, axis=1))
    (found,) = (d for d in jr.detect(data, effort=effort) if d.score > 0.5)
    right, left = found.parts
    assert (right[2], left[0]) == (2000, 0)
    assert right[1::2] == left[1::2]
    unrolled = (right[0] - turn, right[1], left[2] + 2000 - turn, right[3])
    face = (FACE[0] + x, FACE[1] + y, FACE[2] + x, FACE[3] + y)
    assert share(face, unrolled) > 0.9
    done = jr.redact(data, [found])
    assert len(done.diff.regions) == 1
    with Image.open(io.BytesIO(done.jpeg)) as image:
        back = np.roll(np.asarray(image), -turn, axis=1)
    assert not any(share(face, d.box) > 0.2 for d in found_in(back))
    assert not any(share(face, d.box) > 0.2 for d in found_in(np.roll(back, 77, axis=1)))
    assert jr.restore(done.jpeg, done.diff) == data


def test_a_face_near_the_nadir(face_weights, portrait) -> None:
    """Strongly bent in the panorama: only `thorough` looks through a pinhole."""
    from jpegredact.detection.panorama import View

    height, width = 900, 1800
    view = View(0.3, np.radians(-68), 1.0, 512)
    y, x = np.mgrid[:512, :512] + 0.5
    column, row = view.to_panorama(x, y, width, height)
    pixels = np.full((height, width, 3), 128, np.uint8)
    square = np.asarray(Image.fromarray(portrait[:512]).resize((512, 512)))
    pixels[row.astype(int), np.minimum(column.astype(int), width - 1)] = square
    found = [d for d in jr.detect(panorama(pixels), effort="thorough") if d.score > 0.5]
    assert found
    middle = view.to_panorama(np.array([253.0]), np.array([207.0]), width, height)
    mx, my = float(middle[0][0]), float(middle[1][0])
    assert any(
        left <= mx < right and top <= my < bottom
        for d in found
        for left, top, right, bottom in (d.parts or (d.box,))
    )


def test_small_faces_need_normal_effort(face_weights, portrait) -> None:
    """A face of 24 pixels in a picture of 12 megapixels."""
    scale = 24 / (FACE[3] - FACE[1])
    head = Image.fromarray(portrait)
    head = head.resize((round(head.width * scale), round(head.height * scale)), reducing_gap=3.0)
    canvas = Image.new("RGB", (4000, 3000), (110, 120, 130))
    canvas.paste(head, (2100, 1700))
    face = tuple(s * scale + o for s, o in zip(FACE, (2100, 1700, 2100, 1700), strict=True))
    pixels = np.asarray(canvas)
    assert not any(share(face, d.box) > 0.5 for d in found_in(pixels, effort="fast"))
    assert any(share(face, d.box) > 0.8 for d in found_in(pixels))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_second_look_is_near_what_was_hidden(face_weights, portrait, orientation) -> None:
    """Of two small faces in two corners, seen only at full size: the one that is near."""
    scale = 28 / (FACE[3] - FACE[1])
    head = Image.fromarray(portrait)
    head = head.resize((round(head.width * scale), round(head.height * scale)), reducing_gap=3.0)
    canvas = Image.new("RGB", (4000, 1800), (110, 120, 130))
    for place in ((300, 300), (3500, 1400)):
        canvas.paste(head, place)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](np.asarray(canvas)))
    data = pillow_jpeg(stored, quality=92, exif=exif)
    both = jr.detect(data)
    assert len(both) == 2
    for each in both:
        (seen,) = jr.Detecting().again(data, [each.box], threshold=None, effort="normal")
        assert np.abs(np.subtract(seen.box, each.box)).max() <= 2


def lettered(size, *texts) -> np.ndarray:
    """Draw texts, each (left, top, height of the letters, text)."""
    image = Image.new("RGB", size, (150, 150, 160))
    draw = ImageDraw.Draw(image)
    for left, top, height, text in texts:
        font = ImageFont.truetype(font_manager.findfont("DejaVu Sans:bold"), height)
        box = draw.textbbox((left, top), text, font=font)
        draw.rectangle((box[0] - 8, box[1] - 6, box[2] + 8, box[3] + 6), "white", "black", 2)
        draw.text((left, top), text, "black", font=font)
    return np.asarray(image)


def test_text(all_weights) -> None:
    pixels = lettered((900, 600), (100, 100, 40, "OPENING HOURS"), (500, 400, 30, "No. 27"))
    found = found_in(pixels, ("text",))
    assert [d.label for d in found] == ["text", "text"]
    for place in ((104, 104, 420, 138), (504, 404, 590, 428)):
        assert max(share(place, d.box) for d in found) > 0.9


def test_plates(all_weights) -> None:
    pixels = lettered((900, 600), (300, 300, 44, "AB 12 CDE"))
    found = found_in(pixels, ("plate",))
    assert {d.label for d in found} == {"plate"}
    assert {d.model.name for d in found} <= {"clp", "ppocrv5"}
    assert max(share((300, 306, 540, 344), d.box) for d in found) > 0.95


def test_several_labels_at_once(all_weights, portrait) -> None:
    """A sign over a face erases nothing: each label stands for itself."""
    image = Image.fromarray(np.ascontiguousarray(portrait))
    sign = Image.fromarray(lettered((500, 90), (20, 20, 44, "AB 12 CDE 34")))
    image.paste(sign, (6, 500))
    found = found_in(np.asarray(image), ("face", "plate", "text"))
    labels = [d.label for d in found]
    assert labels == sorted(labels, key=("face", "plate", "text").index)
    assert set(labels) == {"face", "plate", "text"}
    alone = found_in(np.asarray(image), ("face",))
    assert [d.box for d in found if d.label == "face"] == [d.box for d in alone]
