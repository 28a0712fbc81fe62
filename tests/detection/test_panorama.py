"""360° panoramas: the seam, the poles, and whether a picture is one."""

import math

import numpy as np
import pytest
import spotter
from hypothesis import given
from hypothesis import strategies as st
from pictures import pillow_jpeg, pillow_pixels
from scipy import ndimage

import jpegredact as jr
from jpegredact.detection import Picture, is_full_turn
from jpegredact.detection.effort import effort_named, search
from jpegredact.detection.panorama import View, in_views, views_of

XMP = b"http://ns.adobe.com/xap/1.0/\0"


def packet(attributes: str = "", elements: str = "") -> bytes:
    return XMP + (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {attributes}>{elements}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


FULL = packet(
    'GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="2000" '
    'GPano:CroppedAreaImageWidthPixels="2000"'
)
PART = FULL.replace(b'ImageWidthPixels="2000"', b'ImageWidthPixels="1500"')
ELEMENTS = packet(
    "",
    "<GPano:ProjectionType>equirectangular</GPano:ProjectionType>"
    "<GPano:FullPanoWidthPixels> 2000 </GPano:FullPanoWidthPixels>"
    "<GPano:CroppedAreaImageWidthPixels>2000</GPano:CroppedAreaImageWidthPixels>",
)


@pytest.mark.parametrize(
    ("segment", "size", "expected"),
    [
        (FULL, (2000, 1000), True),
        (FULL, (2000, 700), True),
        (ELEMENTS, (2000, 1000), True),
        (PART, (2000, 1000), False),
        (packet("GPano:ProjectionType = 'equirectangular'"), (2000, 1000), True),
        (packet("GPano:ProjectionType = 'equirectangular'"), (2000, 900), False),
        (packet('GPano:ProjectionType="cylindrical"'), (2000, 1000), False),
        (packet(), (2000, 1000), False),
        (b"Exif\0\0", (2000, 1000), False),
        (FULL.removeprefix(XMP), (2000, 1000), False),
    ],
)
def test_whether_it_goes_all_around(segment, size, expected) -> None:
    assert is_full_turn([b"Exif\0\0II", segment], *size) is expected


@given(st.binary(max_size=300))
def test_any_packet(content) -> None:
    assert is_full_turn([XMP + content], 2000, 1000) in (True, False)


class Dots:
    """A user's detector: bright spots, in the array that it is given."""

    labels = ("dot",)

    def detect(self, image):
        labelled, _ = ndimage.label(np.asarray(image)[:, :, 1] > 127)
        return [
            jr.Detection("dot", 0.9, (x.start, y.start, x.stop, y.stop), spotter.Spotter.model)
            for y, x in ndimage.find_objects(labelled)
        ]


def panorama(*boxes, width=2000, height=1000) -> Picture:
    pixels = spotter.spots(width, height, *boxes)
    return Picture(pillow_jpeg(pixels, quality=98, subsampling=0), wraps=True)


@pytest.mark.parametrize("effort", ["fast", "normal"])
def test_one_detection_on_the_seam(effort) -> None:
    """Seen as two halves at both edges, and whole behind the right one: one box."""
    whole = panorama((1960, 400, 2000, 480), (0, 400, 30, 480), (500, 500, 560, 560))
    found = search(spotter.Spotter(), whole, effort_named(effort), 0.5)
    assert len(found) == 2
    np.testing.assert_allclose(
        sorted(found[:, :4].tolist()), [(500, 500, 560, 560), (1960, 400, 2030, 480)], atol=3
    )


def test_halves_that_are_no_whole_stay() -> None:
    """Something at the left edge alone, and something at the right one at another height."""
    whole = panorama((0, 100, 40, 180), (1950, 600, 2000, 680))
    found = search(spotter.Spotter(), whole, effort_named("normal"), 0.5)
    np.testing.assert_allclose(
        sorted(found[:, :4].tolist()), [(0, 100, 40, 180), (1950, 600, 2000, 680)], atol=3
    )


def test_a_region_of_two_parts() -> None:
    """A detection in two parts is one region: both are hidden, and come back together."""
    pixels = ndimage.gaussian_filter(spotter.spots(256, 128, (0, 40, 30, 80)), (2, 2, 0))
    data = pillow_jpeg(pixels, quality=95, subsampling=0)
    parts = ((240.0, 40.0, 256.0, 80.0), (0.0, 40.0, 30.0, 80.0))
    two = jr.Detection("face", 0.75, (0.0, 40.0, 256.0, 80.0), spotter.Spotter.model, parts)
    done = jr.redact(data, [two, (100, 0, 120, 16)])
    (first, _) = done.diff.regions
    assert (first.label, first.score, first.box) == ("face", 0.75, (0, 40, 256, 80))
    assert done.report.groups == 2
    before, after = pillow_pixels(data), pillow_pixels(done.jpeg)
    assert not (before != after).any(axis=(0, 2))[32:96].any()
    assert after[48:72, 4:24].max() < 127 < before[48:72, 4:24].min()
    assert jr.restore(done.jpeg, done.diff, regions=[0, 1]) == data
    assert jr.verify(data, done.jpeg, done.diff).ok


def test_margins_of_two_parts_are_of_the_larger_one() -> None:
    data = pillow_jpeg(spotter.spots(256, 128), quality=95, subsampling=0)
    two = jr.Detection(
        "face", 0.75, (0, 40, 256, 80), spotter.Spotter.model, ((240, 40, 256, 80), (0, 40, 32, 80))
    )
    plain, grown = jr.redact(data, [two]), jr.redact(data, [two], margin=0.25)
    assert plain.report.blocks[0] == (2 + 4) * 5
    assert grown.report.blocks[0] == (3 + 5) * 9


def test_a_user_detector_on_a_panorama(tmp_path) -> None:
    """Its boxes are of the picture as shown; a margin may reach over the seam."""
    data = pillow_jpeg(spotter.spots(400, 200, (0, 50, 40, 90)), quality=98, subsampling=0)
    (found,) = jr.detect(data, detectors=[Dots()], labels=(), margins={"dot": 0.5}, panorama=True)
    assert found.parts == ((380, 30, 400, 110), (0, 30, 60, 110))
    assert found.box == (0, 30, 400, 110)
    (flat,) = jr.detect(data, detectors=[Dots()], labels=(), margins={"dot": 0.5})
    assert (flat.box, flat.parts) == ((0, 30, 60, 110), ())


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_a_turned_panorama(orientation) -> None:
    """Mirrored or upside down, its edges are still left and right."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = spotter.spots(400, 200, (0, 50, 40, 90))
    data = pillow_jpeg(pixels, quality=98, subsampling=0, exif=exif)
    (found,) = jr.detect(data, detectors=[Dots()], labels=(), margins={"dot": 0.5}, panorama=True)
    assert sorted(found.parts) == [(0, 30, 60, 110), (380, 30, 400, 110)]


@given(
    st.floats(-math.pi, math.pi), st.floats(-math.pi / 2, math.pi / 2), st.floats(0.3, 2.0),
    st.floats(0, 100), st.floats(0, 100),
)  # fmt: skip
def test_views_keep_angles(yaw, pitch, field, x, y) -> None:
    """The angle between a point and the view's axis is the same on the sphere as in the view."""
    view = View(yaw, pitch, field, 100)
    column, row = view.to_panorama(np.array([x, 50.0]), np.array([y, 50.0]), 4000, 2000)
    longitude, latitude = (column / 4000 - 0.5) * 2 * math.pi, (0.5 - row / 2000) * math.pi
    points = np.stack(
        [np.cos(latitude) * np.sin(longitude), np.sin(latitude),
         np.cos(latitude) * np.cos(longitude)]
    )  # fmt: skip
    away = math.hypot(x - 50, y - 50) * 2 * math.tan(field / 2) / 100
    assert float(points[:, 0] @ points[:, 1]) == pytest.approx(math.cos(math.atan(away)), abs=1e-6)


def test_views_cover_the_poles_of_a_panorama() -> None:
    """Every direction more than 25° above or below the horizon is in some view, whole."""
    seen = np.zeros((180, 360), bool)
    for view in views_of(1440):
        x, y = np.meshgrid(*2 * [np.linspace(0, view.side, 6 * view.side)])
        column, row = view.to_panorama(x, y, 360, 180)
        seen[row.astype(int), column.astype(int)] = True
    latitude = 90 - np.arange(180) - 0.5
    assert seen[np.abs(latitude) > 25].mean() > 0.999


def planted(view: View, size: tuple[int, int]) -> np.ndarray:
    """A panorama that shows a square of 20° in the middle of a view, and nothing else."""
    height, width = size[1], size[0]
    pixels = np.zeros((height, width, 3), np.uint8)
    steps = np.linspace(view.side * 0.4, view.side * 0.6, 900)
    x, y = np.meshgrid(steps, steps)
    column, row = view.to_panorama(x, y, width, height)
    pixels[np.minimum(row.astype(int), height - 1), np.minimum(column.astype(int), width - 1)] = 255
    return pixels


@pytest.mark.parametrize("yaw", [0.0, 2.0, math.pi])
@pytest.mark.parametrize("pitch", [-60, 50, -90])
def test_found_in_a_view_and_brought_back(yaw, pitch) -> None:
    pixels = planted(View(yaw, math.radians(pitch), 1.3, 300), (1200, 600))
    picture = Picture(pillow_jpeg(pixels, quality=98, subsampling=0), wraps=True)
    found = in_views(spotter.Spotter(), picture, 0.5)
    assert len(found)
    hidden = np.zeros((600, 2400), bool)
    for left, top, right, bottom in found[:, :4]:
        hidden[int(top) : math.ceil(bottom), int(left) : math.ceil(right)] = True
    hidden = hidden[:, :1200] | hidden[:, 1200:]
    lit = pixels[:, :, 1] > 127
    assert hidden[lit].mean() > 0.99
    assert (hidden & ~lit).sum() < (1.5 if pitch == -90 else 4) * lit.sum() + 2000
