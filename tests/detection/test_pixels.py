"""Pixels as shown, at any scale; boxes back to the stored picture, exactly."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import photo, pillow_jpeg
from PIL import Image, ImageOps

from jpegredact.detection.pixels import Picture, outward, to_shown, to_stored
from jpegredact.errors import DetectorError


def stored(orientation: int, picture: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow_jpeg(picture, quality=95, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_as_pillow_shows_it(orientation) -> None:
    data = stored(orientation, photo(97, 64))
    picture = Picture(data, orientation)
    with Image.open(io.BytesIO(data)) as image:
        shown = np.asarray(ImageOps.exif_transpose(image))
    assert picture.size == shown.shape[1::-1]
    np.testing.assert_array_equal(np.asarray(picture), shown)


@pytest.mark.parametrize("orientation", range(1, 9))
@given(
    box=st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
)
def test_boxes_go_back_exactly(orientation, box) -> None:
    """Marked pixels of the picture as shown are the box's pixels of the stored one."""
    width, height = 61, 50
    upright = (width, height) if orientation < 5 else (height, width)
    left, top = min(box[0], upright[0] - 1), min(box[1], upright[1] - 1)
    right, bottom = min(left + box[2], upright[0]), min(top + box[3], upright[1])
    numbered = np.arange(width * height, dtype=np.int32).reshape(height, width)
    image = Image.fromarray(numbered)
    image.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(image))
    assert shown.shape == upright[::-1]
    inside = shown[top:bottom, left:right]
    x0, y0, x1, y1 = to_stored((left, top, right, bottom), orientation, width, height)
    assert to_shown((x0, y0, x1, y1), orientation, width, height) == (left, top, right, bottom)
    assert set(inside.ravel()) == set(numbered[int(y0) : int(y1), int(x0) : int(x1)].ravel())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("scale", [0.1, 0.24, 0.5, 0.8, 1.0, 1.5])
@pytest.mark.parametrize("first", [True, False])
def test_every_scale_shows_the_same(orientation, scale, first) -> None:
    """Whether the decoder leaves pixels out, or the whole picture is made smaller."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(photo(400, 296).astype(float), (20, 20, 0))
    picture = Picture(stored(orientation, smooth.astype(np.uint8)), orientation)
    if first:
        picture.whole()
    seen = picture.at_scale(scale)
    assert seen.shape[1::-1] == picture.scaled_size(scale)
    image = Image.fromarray(np.asarray(picture))
    expected = image.resize(seen.shape[1::-1], Image.Resampling.BICUBIC)
    assert np.abs(seen.astype(int) - np.asarray(expected).astype(int)).max() <= 6


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours(mode) -> None:
    picture = Picture(pillow_jpeg(photo(64, 48), mode))
    assert np.asarray(picture).shape == (48, 64, 3)
    assert np.asarray(picture).dtype == np.uint8


def test_a_bomb_is_no_warning() -> None:
    """Pillow's own limit is a warning, and an error in these tests; ours was checked before."""
    data = pillow_jpeg(np.zeros((10_000, 10_000), np.uint8), "L", quality=10)
    assert Picture(data).at_scale(0.01).shape == (100, 100, 3)


@pytest.mark.parametrize("cut", [2, 100, 700, -200])
def test_what_cannot_be_decoded(cut) -> None:
    data = pillow_jpeg(photo(208, 160))[:cut]
    with pytest.raises(DetectorError) as caught:
        Picture(data).whole()
    assert caught.value.code == "detector.pixels"


def test_boxes_grow_to_whole_pixels() -> None:
    assert outward((10.4, 20, 19.6, 30), 0, 0, 100, 100) == (10, 20, 20, 30)
    assert outward((10, 20, 20, 30), 0.25, 0, 100, 100) == (7, 17, 23, 33)
    assert outward((1, 1, 99, 99), 0.5, 0, 100, 100) == (0, 0, 100, 100)
    assert outward((1, 1, 21, 21), 0.5, -100, 200, 100) == (-9, 0, 31, 31)
