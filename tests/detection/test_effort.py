"""Scales, tiles, closer looks: with a network that finds bright spots."""

import itertools
import math

import numpy as np
import pytest
import spotter
from hypothesis import given
from hypothesis import strategies as st
from pictures import pillow_jpeg

from jpegredact.detection.boxes import candidates
from jpegredact.detection.closer import CONTEXT, ENLARGED, WINDOW, windows_of
from jpegredact.detection.effort import EFFORTS, effort_named, search, tiles_of
from jpegredact.detection.pixels import Picture
from jpegredact.errors import DetectorError


def picture(width, height, *boxes, wraps=False) -> Picture:
    pixels = spotter.spots(width, height, *boxes)
    return Picture(pillow_jpeg(pixels, quality=98, subsampling=0), wraps=wraps)


def near(found, *boxes, within=2.0) -> bool:
    left = [tuple(each[:4]) for each in found.tolist()]
    for box in boxes:
        match = [b for b in left if max(abs(x - y) for x, y in zip(b, box, strict=True)) <= within]
        if len(match) != 1:
            return False
        left.remove(match[0])
    return not left


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(300, 1500), st.integers(0, 200))
def test_tiles_cover_everything_and_overlap(width, height, tile, overlap) -> None:
    tiles = tiles_of(width, height, tile, overlap)
    assert len({(w, h) for _, _, w, h in tiles}) == 1
    for axis, length in ((0, width), (1, height)):
        size = tiles[0][2 + axis]
        starts = sorted({each[axis] for each in tiles})
        assert size <= tile or len(starts) == 1
        assert starts[0] == 0
        assert starts[-1] + size == length
        assert all(b - a <= size - overlap for a, b in itertools.pairwise(starts))
        assert (len(starts) == 1) == (length <= 1.25 * tile)
        if length > 1.25 * tile:
            assert len(starts) == math.ceil((length - overlap) / (tile - overlap))
    assert len(tiles) == len(set(tiles))


@pytest.mark.parametrize("effort", [e.name for e in EFFORTS])
def test_each_spot_once(effort) -> None:
    """Also those on the edges of tiles, which every tile sees a part of, and larger ones."""
    boxes = [
        (1240, 300, 1300, 360), (30, 20, 90, 90), (2400, 1150, 2600, 1300), (1900, 4, 1960, 60),
        (200, 420, 1500, 1100),
    ]  # fmt: skip
    found = search(spotter.Spotter(), picture(2700, 1400, *boxes), effort_named(effort), 0.5)
    assert near(found, *boxes, within=4)


def test_what_each_effort_looks_at() -> None:
    whole = picture(2560, 1280, (100, 100, 200, 200))
    seen = {}
    for effort in EFFORTS:
        network = spotter.Spotter()
        search(network, whole, effort, 0.5)
        seen[effort.name] = sum(math.prod(shape[:3]) for shape in network.shapes)
        assert max(max(shape[1:3]) for shape in network.shapes) <= 1600
    assert seen["fast"] == 1280 * 640
    assert 2560 * 1280 < seen["normal"] - seen["fast"] < 1.4 * 2560 * 1280
    assert seen["thorough"] > 3 * seen["normal"]


def test_a_small_picture_is_looked_at_once() -> None:
    network = spotter.Spotter()
    search(network, picture(640, 480, (10, 10, 50, 50)), effort_named("normal"), 0.5)
    assert network.shapes == [(1, 480, 640, 3)]


def test_of_two_scales_nearly_the_same_the_finer_one() -> None:
    network = spotter.Spotter()
    search(network, picture(1500, 900, (10, 10, 50, 50)), effort_named("normal"), 0.5)
    assert {shape[1:3] for shape in network.shapes} == {(900, 1500)}


def test_a_small_spot_needs_a_closer_look() -> None:
    boxes = [(700, 500, 716, 516), (1270, 640, 1290, 658), (8, 8, 24, 24), (1500, 100, 1600, 200)]
    whole = picture(1800, 1000, *boxes)
    assert near(search(spotter.Spotter(25), whole, effort_named("normal"), 0.5), boxes[3])
    network = spotter.Spotter(25, glimpse=0.1)
    found = search(network, whole, effort_named("normal"), 0.5)
    assert near(found, *boxes)
    windows = [shape for shape in network.shapes if shape[1:3] == (ENLARGED * WINDOW,) * 2]
    assert sum(shape[0] for shape in windows) == 3


def test_a_closer_look_must_be_sure_enough() -> None:
    network = spotter.Spotter(25, glimpse=0.1)
    whole = picture(1800, 1000, (700, 500, 716, 516), (1500, 100, 1600, 200))
    network.assured = 1.1
    assert near(search(network, whole, effort_named("normal"), 0.5), (1500, 100, 1600, 200))


def test_no_closer_look_at_effort_fast() -> None:
    network = spotter.Spotter(25, glimpse=0.1)
    whole = picture(600, 400, (50, 50, 66, 66))
    assert near(search(network, whole, effort_named("fast"), 0.5))
    assert near(search(network, whole, effort_named("normal"), 0.5), (50, 50, 66, 66))


def test_only_near_some_places() -> None:
    """Of four tiles, those that touch them; of small spots, those that touch them."""
    boxes = [(1500, 300, 1600, 400), (700, 500, 716, 516), (800, 500, 816, 516)]
    whole = picture(2560, 1280, *boxes)
    network = spotter.Spotter(25, glimpse=0.1)
    places = np.array([[690.0, 490.0, 720.0, 520.0]])
    found = search(network, whole, effort_named("normal"), 0.5, places)
    at_full_size = [shape for shape in network.shapes if shape[1] == 1280]
    assert sum(shape[0] for shape in at_full_size) == 1
    windows = [shape for shape in network.shapes if shape[1:3] == (ENLARGED * WINDOW,) * 2]
    assert sum(shape[0] for shape in windows) == 1
    assert near(found, *boxes[:2], within=3)  # what is seen on the way is told
    nowhere = spotter.Spotter(25, glimpse=0.1)
    assert len(search(nowhere, whole, effort_named("normal"), 0.5, np.zeros((0, 4)))) == 0
    assert nowhere.shapes == []


def test_near_a_place_on_the_seam() -> None:
    """What begins at the right edge reaches into a place at the left one."""
    whole = picture(2560, 1280, (2540, 600, 2560, 640), (0, 600, 20, 640), wraps=True)
    places = np.array([[0.0, 600.0, 20.0, 640.0]])
    found = search(spotter.Spotter(25), whole, effort_named("normal"), 0.5, places)
    assert near(found, (2540, 600, 2580, 640), within=3)


SMALL = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 300), st.integers(1, 64), st.integers(1, 64)),
    max_size=20,
)


@given(SMALL, st.integers(40, 564), st.integers(40, 364))
def test_windows_show_everything_small(found, width, height) -> None:
    """Each with its context, but where the picture ends; and never more windows than things."""
    boxes = [
        (x, y, min(x + w, width), min(y + h, height))
        for x, y, w, h in found
        if x < width and y < height and max(w, h) <= WINDOW - 2 * CONTEXT
    ]
    rows = candidates(np.array(boxes, float).reshape(-1, 4), np.linspace(1, 0, len(boxes)), 0)
    corners = windows_of(rows, width, height)
    assert len(corners) <= len(boxes)
    for left, top, right, bottom in boxes:
        assert any(
            x <= max(left - CONTEXT + 1, 0) and min(right + CONTEXT - 1, width) <= x + WINDOW
            and y <= max(top - CONTEXT + 1, 0) and min(bottom + CONTEXT - 1, height) <= y + WINDOW
            for x, y in corners
        )  # fmt: skip


def test_a_crowd_shares_windows() -> None:
    boxes = np.array([(x, y, x + 10, y + 10) for x in range(0, 400, 12) for y in range(0, 400, 12)])
    corners = windows_of(candidates(boxes.astype(float), np.full(len(boxes), 0.2), 0), 410, 410)
    assert len(corners) < len(boxes) / 5


def test_an_effort_that_there_is_not() -> None:
    with pytest.raises(DetectorError, match="fast, normal, thorough") as caught:
        effort_named("heroic")
    assert caught.value.code == "detector.effort"
