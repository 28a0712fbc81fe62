"""Regions and the blocks that they touch, against brute force."""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from jpegredact.errors import InvalidRegionError, LimitExceededError
from jpegredact.geometry import (
    Box,
    Grid,
    Mask,
    Polygon,
    as_regions,
    margin_of,
    parse_margin,
    to_stored,
)
from jpegredact.limits import Limits

STEPS = [Fraction(8), Fraction(16), Fraction(32), Fraction(32, 3), Fraction(16, 3)]
GRIDS = [Grid(x, y, 5, 6) for x, y in product(STEPS, STEPS[::2])]
Cells = set[tuple[int, int]]


def covered(region: Box | Polygon | Mask, grid: Grid, margin=(0, 0)) -> Cells:
    """Return the blocks that a region says it touches, each checked to lie in the grid."""
    cells = set()
    for first, end, left, right in region.rects(grid, margin):
        assert 0 <= first < end <= grid.rows
        assert 0 <= left < right <= grid.columns
        cells.update(product(range(first, end), range(left, right)))
    return cells


def boxes_cells(boxes, grid: Grid) -> Cells:
    """Return the blocks that share an open area with one of the boxes, by exact arithmetic."""
    return {
        (r, c)
        for r in range(grid.rows)
        for c in range(grid.columns)
        for x0, y0, x1, y1 in boxes
        if max(x0, c * grid.step_x) < min(x1, (c + 1) * grid.step_x)
        and max(y0, r * grid.step_y) < min(y1, (r + 1) * grid.step_y)
    }


# --- boxes ---

coordinates = st.one_of(
    st.integers(-40, 200),
    st.floats(-40, 200, allow_nan=False),
    st.sampled_from([16.0, math.nextafter(16, 0), math.nextafter(16, 99), 32.0, 32 / 3]),
)
margins = st.sampled_from([(0, 0), (3, 0), (0, 5.5), (8, 8), (0.25, 1 / 3)])


@given(coordinates, coordinates, coordinates, coordinates, margins, st.sampled_from(GRIDS))
@settings(max_examples=300)
def test_box_touches_what_exact_arithmetic_says(x0, y0, x1, y1, margin, grid) -> None:
    x0, x1 = sorted((x0, x1))
    y0, y1 = sorted((y0, y1))
    assume(x0 < x1 and y0 < y1)
    dx, dy = (Fraction(m) for m in margin)
    grown = (Fraction(x0) - dx, Fraction(y0) - dy, Fraction(x1) + dx, Fraction(y1) + dy)
    assert covered(Box(x0, y0, x1, y1), grid, margin) == boxes_cells([grown], grid)


def test_box_is_half_open() -> None:
    grid = Grid(Fraction(8), Fraction(8), 4, 4)
    assert covered(Box(8, 8, 16, 16), grid) == {(1, 1)}
    assert covered(Box(8, 8, math.nextafter(16, 17), 16), grid) == {(1, 1), (1, 2)}
    assert covered(Box(math.nextafter(8, 0), 8, 16, 16), grid) == {(1, 0), (1, 1)}


def test_the_smallest_box_touches_a_block() -> None:
    grid = Grid(Fraction(8), Fraction(8), 4, 4)
    box = Box(0, 0, 5e-324, 5e-324)
    box.check(32, 32, "region 0")
    assert covered(box, grid) == {(0, 0)}


# --- polygons ---


def winding(points, x: float, y: float) -> int:
    """Return how often a polygon winds around a point."""
    turns = 0
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        if (y0 <= y) != (y1 <= y):
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            if y1 > y0 and side > 0:
                turns += 1
            elif y1 < y0 and side < 0:
                turns -= 1
    return turns


def distance(points, x: float, y: float) -> float:
    """Return how far a point is from the nearest edge."""
    best = math.inf
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        t = min(max(((x - x0) * dx + (y - y0) * dy) / length, 0), 1) if length else 0
        best = min(best, math.hypot(x - x0 - t * dx, y - y0 - t * dy))
    return best


def meets(a, b, rect) -> bool:
    """Whether the segment from ``a`` to ``b`` meets a closed rectangle (Liang and Barsky)."""
    low, high = 0.0, 1.0
    for k in (0, 1):
        delta = b[k] - a[k]
        for edge, sign in ((rect[k], -1), (rect[k + 2], 1)):
            room = sign * (edge - a[k])
            if delta == 0:
                if room < 0:
                    return False
            elif sign * delta > 0:
                high = min(high, room / (sign * delta))
            else:
                low = max(low, room / (sign * delta))
    return low <= high


def check_polygon(points, grid: Grid) -> None:
    """Compare a polygon's blocks with samples of its inside and the reach of its edges."""
    cells = covered(Polygon(points), grid)
    samples = 7
    sx, sy = float(grid.step_x), float(grid.step_y)
    for r, c in product(range(grid.rows), range(grid.columns)):
        inside = any(
            winding(points, x, y) and distance(points, x, y) > 1e-6
            for x in ((c + (i + 0.5) / samples) * sx for i in range(samples))
            for y in ((r + (i + 0.5) / samples) * sy for i in range(samples))
        )
        assert (r, c) in cells or not inside, f"block {(r, c)} is touched but not covered"
        rect = (c * sx - 1e-6, r * sy - 1e-6, (c + 1) * sx + 1e-6, (r + 1) * sy + 1e-6)
        near = winding(points, (c + 0.5) * sx, (r + 0.5) * sy) or any(
            meets(a, b, rect) for a, b in zip(points, (*points[1:], points[0]), strict=True)
        )
        assert (r, c) not in cells or near, f"block {(r, c)} is covered but not touched"


numbers = st.one_of(st.integers(-20, 90), st.floats(-20, 90, allow_nan=False, width=32))


@given(
    st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8),
    st.sampled_from([GRIDS[0], GRIDS[1], GRIDS[9], GRIDS[10]]),
)
@settings(max_examples=150)
def test_polygon_touches_what_samples_say(points, grid) -> None:
    check_polygon(tuple(points), grid)


SHAPES = {
    "star": tuple(
        (40 + 38 * math.sin(4 * math.pi * k / 5), 40 - 38 * math.cos(4 * math.pi * k / 5))
        for k in range(5)
    ),
    "bow tie": ((0, 0), (64, 40), (64, 0), (0, 40)),
    "ring": (  # the inner square runs the other way: winding 0 inside it
        (0, 0), (64, 0), (64, 64), (0, 64), (0, 0),
        (16, 16), (16, 48), (48, 48), (48, 16), (16, 16),
    ),
    "twice around": ((4, 4), (60, 4), (60, 60), (4, 60)) * 2,
    "comb": (*((x, 2 if x % 8 else 30) for x in range(0, 64, 4)), (62, 35), (0, 35)),
    "thin needle": ((1, 1), (63, 39), (63, 39.001)),
}  # fmt: skip


@pytest.mark.parametrize("points", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("grid", [Grid(Fraction(8), Fraction(8), 8, 8), GRIDS[9]], ids=["8", "t"])
@pytest.mark.parametrize("backwards", [False, True])
def test_shapes(points, grid, backwards) -> None:
    check_polygon(points[::-1] if backwards else points, grid)


def test_the_hole_of_a_ring_is_not_touched_and_a_double_turn_is() -> None:
    grid = Grid(Fraction(8), Fraction(8), 8, 8)
    hole = set(product(range(2, 6), range(2, 6)))
    assert covered(Polygon(SHAPES["ring"]), grid) == set(product(range(8), range(8))) - hole
    assert covered(Polygon(SHAPES["twice around"]), grid) == set(product(range(8), range(8)))


@given(
    st.tuples(coordinates, coordinates, coordinates, coordinates),
    margins,
    st.sampled_from(GRIDS),
)
def test_a_rectangular_polygon_is_a_box(sides, margin, grid) -> None:
    x0, x1 = sorted(sides[:2])
    y0, y1 = sorted(sides[2:])
    assume(x1 - x0 > 1e-3 and y1 - y0 > 1e-3)
    cells = covered(Polygon(((x0, y0), (x1, y0), (x1, y1), (x0, y1))), grid, margin)
    inner = Box(x0 + 1e-6, y0 + 1e-6, x1 - 1e-6, y1 - 1e-6)
    outer = Box(x0 - 1e-6, y0 - 1e-6, x1 + 1e-6, y1 + 1e-6)
    assert covered(inner, grid, margin) <= cells <= covered(outer, grid, margin)


@given(
    st.lists(st.tuples(st.integers(0, 64), st.integers(0, 64)), min_size=3, max_size=5),
    st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
@settings(max_examples=60)
def test_a_margin_grows_a_polygon_by_a_rectangle(points, margin) -> None:
    grid = Grid(Fraction(8), Fraction(8), 10, 10)
    polygon = Polygon(tuple(points))
    bare, grown = covered(polygon, grid), covered(polygon, grid, margin)
    assert bare <= grown
    for x, y in product(range(1, 80, 6), range(1, 80, 6)):
        if winding(points, x + 0.5, y + 0.5) and distance(points, x + 0.5, y + 0.5) > 0.01:
            dx, dy = margin
            box = Box(x + 0.5 - dx, y + 0.5 - dy, x + 0.51 + dx, y + 0.51 + dy)
            assert covered(box, grid) <= grown
    if bare:
        left, top, right, bottom = polygon.bounds
        box = Box(left - margin[0], top - margin[1], right + margin[0], bottom + margin[1])
        assert grown <= covered(box, grid)


@pytest.mark.parametrize(
    "points",
    [
        ((0, 0), (16, 16)),
        ((1, 1), (1, 1), (1, 1)),
        ((0, 0), (16, 0), (8, 0)),
        ((4, 0), (4, 16), (4, 8)),
        ((0, 0), (16, 16), (8, 8)),
        ((0, 0), (16, 8), (0, 0), (16, 8)),
        ((-10, 5), (5, -10), (-10, -10)),  # its bounds reach into the picture, it does not
        ((40, 0), (50, 0), (50, 10)),
        ((40, 30), (30, 40), (40, 40)),
    ],
    ids=str,
)
def test_a_polygon_without_area_in_the_picture_is_an_error(points) -> None:
    with pytest.raises(InvalidRegionError):
        Polygon(points).check(32, 32, "region 0")


@pytest.mark.parametrize("size", [1e9, 1e100, 1e300, 1.7e308])
def test_huge_polygons_are_clipped(size) -> None:
    (polygon,) = as_regions([Polygon(((-size, -size), (size, -size), (size, size), (-size, size)))])
    polygon.check(32, 32, "region 0")
    grid = Grid(Fraction(8), Fraction(8), 4, 4)
    assert covered(polygon, grid) == set(product(range(4), range(4)))


# --- masks ---


@given(
    st.integers(0, 2**32 - 1), st.floats(0.001, 0.2), st.sampled_from(GRIDS),
    st.sampled_from([(0, 0), (1, 0), (0, 2), (2.5, 3)]),
)  # fmt: skip
@settings(max_examples=60)
def test_mask_touches_what_its_pixels_touch(seed, density, grid, margin) -> None:
    # the last blocks of the grid stand out of the picture, as they do in a JPEG
    height = int(grid.step_y * grid.rows) - 3
    width = int(grid.step_x * grid.columns) - 2
    array = np.random.default_rng(seed).random((height, width)) < density
    dx, dy = math.ceil(margin[0]), math.ceil(margin[1])
    expected = set()
    for y, x in np.argwhere(array).tolist():
        x0, y0, x1, y1 = (
            max(x - dx, 0), max(y - dy, 0), min(x + 1 + dx, width), min(y + 1 + dy, height)
        )  # fmt: skip
        rows = range(math.floor(y0 / grid.step_y), math.ceil(y1 / grid.step_y))
        columns = range(math.floor(x0 / grid.step_x), math.ceil(x1 / grid.step_x))
        expected |= set(product(rows, columns))
    assert covered(Mask(array), grid, margin) == expected


def test_a_mask_never_covers_less_than_its_margin_asks() -> None:
    array = np.zeros((32, 32), bool)
    array[15, 15] = True
    grid = Grid(Fraction(8), Fraction(8), 4, 4)
    assert covered(Mask(array), grid, (0.01, 0)) == {(1, 1), (1, 2)}


@pytest.mark.parametrize(
    "array", [np.zeros(4, bool), np.zeros((2, 2)), np.zeros((2, 2, 1), bool), [["a"]], 1, None]
)
def test_what_is_no_mask(array) -> None:
    with pytest.raises(InvalidRegionError):
        Mask(array)


def test_masks_of_integers_and_lists() -> None:
    assert Mask(np.array([[0, 7]], np.uint8)).bounds == (1, 0, 2, 1)
    assert Mask([[False, True], [True, True]]).bounds == (0, 0, 2, 2)


def test_masks_are_checked() -> None:
    with pytest.raises(InvalidRegionError, match="shape"):
        Mask(np.ones((8, 9), bool)).check(8, 9, "region 0")
    with pytest.raises(InvalidRegionError, match="empty"):
        Mask(np.zeros((9, 8), bool)).check(8, 9, "region 0")
    Mask(np.eye(9, 8, dtype=bool)).check(8, 9, "region 0")


# --- what a caller may give ---


@dataclass
class Detection:
    box: object
    label: str | None = None
    score: float | None = None
    id: str | None = None


def test_landmarks_are_no_region() -> None:
    """Many detectors call a face's eyes, nose and mouth its ``points``."""
    points = [(3, 3), (6, 3), (5, 5), (4, 7), (6, 7)]
    for landmarks in (points, np.array(points), 5, {}):
        found = SimpleNamespace(box=(0, 0, 9, 9), points=landmarks, label="face")
        assert as_regions([found]) == (Box(0, 0, 9, 9, "face"),)
    with pytest.raises(InvalidRegionError):
        as_regions([SimpleNamespace(points=points, label="face")])


def test_what_a_caller_may_give() -> None:
    polygon = Polygon([(0, 0), (9, 0), (9, 9)], "sign")
    mask = Mask(np.ones((2, 2), bool))
    given = [
        (1, 2, 3, 4),
        [1.5, 2, 3, 4.0],
        Box(1, 2, 3, 4, "face", 0.5, "a"),
        Detection((1, 2, 3, 4), "face", 0.5, "b"),
        Detection(Box(1, 2, 3, 4)),
        Detection(Polygon([(0, 0), (9, 0), (9, 9)]), "face", 0.5, "c"),
        np.array([1, 2, 3, 4], np.float32),
        (Fraction(1, 2), Decimal("2"), 3, 4),
        polygon,
        mask,
    ]
    regions = as_regions(given)
    assert regions == (
        Box(1, 2, 3, 4), Box(1.5, 2, 3, 4), Box(1, 2, 3, 4, "face", 0.5, "a"),
        Box(1, 2, 3, 4, "face", 0.5, "b"), Box(1, 2, 3, 4),
        Polygon(((0, 0), (9, 0), (9, 9)), "face", 0.5, "c"), Box(1, 2, 3, 4), Box(0.5, 2, 3, 4),
        polygon, mask,
    )  # fmt: skip
    for region in regions[:-1]:
        assert {type(side) for side in region.bounds} <= {int, float}


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.uint8, np.float32, np.float64])
def test_arrays(kind) -> None:
    assert as_regions(np.array([[1, 2, 3, 4], [5, 6, 7, 8]], kind)) == (
        Box(1, 2, 3, 4),
        Box(5, 6, 7, 8),
    )
    assert as_regions(np.zeros((0, 4), kind)) == ()


def test_iterators() -> None:
    assert as_regions(box for box in [(0, 0, 1, 1)]) == (Box(0, 0, 1, 1),)
    assert as_regions(()) == ()


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    "boxes",
    [
        (0, 0, 8, 8),
        np.array([0, 0, 8, 8]),
        np.array([0.0, 0, 8, 8]),
        Box(0, 0, 8, 8),
        Mask(np.ones((2, 2), bool)),
        "0,0,8,8",
        b"1234",
        ["0,0,8,8"],
        [("0", "0", "8", "8")],
        [(b"0", 0, 8, 8)],
        ["1234"],
        [(0, 0, 8)],
        [(0, 0, 8, 8, 8)],
        [()],
        [None],
        [(0, 0, 8, None)],
        [(0, 0, 8, 8j)],
        [(0, 0, 8, [8])],
        [(0, 0, NAN, 8)],
        [(0, 0, INF, 8)],
        [(-INF, 0, 8, 8)],
        [(0, 0, Decimal("sNaN"), 8)],
        [(0, 0, 10**400, 8)],
        [Box(0, 0, NAN, 8)],
        [Box(0, 0, "8", 8)],
        [Polygon([(0, 0), (8, NAN), (8, 8)])],
        [Polygon([(0, 0), (8, "8"), (8, 8)])],
        [Detection((0, 0, 8))],
        [Detection("abcd")],
        np.zeros((2, 5)),
        np.zeros((2, 4, 4)),
        np.full((1, 4), NAN),
        object,
    ],
    ids=lambda b: repr(b)[:40],
)
def test_what_is_no_list_of_regions(boxes) -> None:
    with pytest.raises((InvalidRegionError, TypeError)) as caught:
        as_regions(boxes)
    assert caught.type is InvalidRegionError or boxes is object


@pytest.mark.parametrize("points", [None, [1, 2, 3], [(0,), (1,), (2,)]])
def test_what_is_no_polygon(points) -> None:
    """Corners that are no pairs are a wrong call or a wrong region, never an IndexError."""
    with pytest.raises((InvalidRegionError, TypeError)):
        as_regions([Polygon(points)])


@pytest.mark.parametrize(
    "marks",
    [{"label": 7}, {"id": 7}, {"score": "high"}, {"score": NAN}, {"label": "\ud800"}],
    ids=str,
)
@pytest.mark.parametrize("kind", [Detection, lambda box, **marks: Box(*box, **marks)])
def test_marks_that_a_diff_can_not_hold(kind, marks) -> None:
    """Refused at once, or made fit: never an error of the diff's encoder later."""
    try:
        (region,) = as_regions([kind((0, 0, 8, 8), **marks)])
    except InvalidRegionError:
        return
    assert isinstance(region.label, str | None)
    assert isinstance(region.id, str | None)
    assert isinstance(region.score, float | int | None)
    assert region.score is None or not math.isnan(region.score)
    (region.label or "").encode()


@pytest.mark.parametrize("score", [np.float32(0.5), np.float64(0.5), np.int64(1)])
def test_scores_become_plain_numbers(score) -> None:
    (region,) = as_regions([Detection((0, 0, 8, 8), "face", score)])
    assert isinstance(region.score, int | float)
    assert region.score == float(score)


def test_limits() -> None:
    with pytest.raises(LimitExceededError) as caught:
        as_regions(iter([(0, 0, 1, 1)] * 5), Limits(max_regions=4))
    assert caught.value.code == "limit.regions"
    with pytest.raises(LimitExceededError) as caught:
        as_regions([Polygon([(0, 0)] * 5)], Limits(max_points=4))
    assert caught.value.code == "limit.points"


@pytest.mark.parametrize(
    "sides",
    [
        (8, 0, 0, 8), (0, 8, 8, 0), (8, 8, 0, 0),  # inverted
        (4, 0, 4, 8), (0, 4, 8, 4), (0, 0, 0, 0),  # no area
        (-8, 0, 0, 8), (0, -8, 8, 0), (32, 0, 40, 8), (0, 24, 8, 30), (99, 99, 100, 100),
    ],
    ids=str,
)  # fmt: skip
def test_boxes_that_make_no_sense(sides) -> None:
    with pytest.raises(InvalidRegionError) as caught:
        Box(*sides).check(32, 24, "region 3")
    assert caught.value.code == "region.invalid"
    assert "region 3" in str(caught.value)


@pytest.mark.parametrize(
    "sides", [(-5, -5, 0.1, 0.1), (31.9, 23.9, 99, 99), (-1e9, -1e9, 1e9, 1e9), (0, 0, 0.1, 0.1)]
)
def test_boxes_that_reach_in(sides) -> None:
    Box(*sides).check(32, 24, "region 0")


# --- margins ---


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (0, (0, False)), (8, (8, False)), (2.5, (2.5, False)), (1, (1, False)), (1.0, (1, False)),
        (0.1, (0.1, True)), (0.999, (0.999, True)), ("0.1", (0.1, True)), ("8", (8, False)),
        ("0.5px", (0.5, False)), ("12px", (12, False)), ("150%", (1.5, True)), ("0%", (0, True)),
        (" 10% ", (0.1, True)), (np.float32(0.5), (0.5, True)), (np.int64(3), (3, False)),
        (1e-7, (1e-7, True)),
    ],
    ids=repr,
)  # fmt: skip
def test_parse_margin(margin, expected) -> None:
    assert parse_margin(margin) == expected


@pytest.mark.parametrize(
    "margin",
    [
        -1, -0.1, "-5%", NAN, INF, "x", "", "px", "%", "5px%", "5%px", None, True, (1, 2), 1e9,
        "1e9%",
    ],
    ids=repr,
)
def test_margins_that_make_no_sense(margin) -> None:
    with pytest.raises(InvalidRegionError) as caught:
        parse_margin(margin)
    assert caught.value.code == "region.margin"


def test_margin_of() -> None:
    assert margin_of(Box(0, 0, 40, 20), (0.25, True)) == (10, 5)
    assert margin_of(Box(0, 0, 40, 20), (3, False)) == (3, 3)
    assert margin_of(Polygon([(0, 0), (40, 0), (20, 10)]), (0.5, True)) == (20, 5)


# --- orientation ---


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored picture as Pillow shows it."""
    image = Image.fromarray(array)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


STORED = np.arange(7 * 11, dtype=np.uint8).reshape(7, 11)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("box", [(0, 0, 3, 2), (1, 2, 4, 7), (2, 0, 7, 5)])
def test_boxes_are_mapped_back(orientation, box) -> None:
    shown = upright(STORED, orientation)
    left, top, right, bottom = box
    stored = to_stored(Box(*box, label="face"), orientation, 11, 7)
    assert stored.label == "face"
    stored.check(11, 7, "region 0")
    x0, y0, x1, y1 = stored.bounds
    expected = shown[top:bottom, left:right]
    assert sorted(STORED[y0:y1, x0:x1].flat) == sorted(expected.flat)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_polygons_are_mapped_back(orientation) -> None:
    shown = upright(STORED, orientation)
    centres = [(x + 0.5, y + 0.5) for y, x in np.ndindex(shown.shape)]
    stored = to_stored(Polygon(centres, id="p"), orientation, 11, 7)
    assert stored.id == "p"
    assert [STORED[math.floor(y), math.floor(x)] for x, y in stored.points] == list(shown.flat)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_are_mapped_back(orientation) -> None:
    shown = upright(STORED, orientation)
    array = np.random.default_rng(orientation).random(shown.shape) < 0.3
    stored = to_stored(Mask(array, score=0.5), orientation, 11, 7)
    stored.check(11, 7, "region 0")
    assert stored.score == 0.5
    assert sorted(STORED[stored.array]) == sorted(shown[array])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_inverted_boxes_stay_an_error_when_turned(orientation) -> None:
    with pytest.raises(InvalidRegionError):
        to_stored(Box(5, 1, 2, 4), orientation, 11, 7).check(11, 7, "region 0")


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_of_the_stored_shape_is_no_upright_mask(orientation) -> None:
    turned = orientation >= 5
    mask = to_stored(Mask(np.ones((7, 11), bool)), orientation, 11, 7)
    if turned:
        with pytest.raises(InvalidRegionError, match="shape"):
            mask.check(11, 7, "region 0")
    else:
        mask.check(11, 7, "region 0")
