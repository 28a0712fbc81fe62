"""When two boxes are one: never across classes, never a small one lost in a large one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.detection.boxes import candidates, clipped, merged, suppressed


def row(left, top, right, bottom, score=0.5, kind=0, cut=0):
    return [left, top, right, bottom, score, kind, cut]


def rows(*each):
    return np.array(each, float).reshape(-1, 7)


def boxes_of(found):
    return [tuple(each[:4]) for each in found.tolist()]


def test_nearly_the_same_become_the_least_box_around_both() -> None:
    found = merged(rows(row(0, 0, 10, 10, 0.4), row(2, 1, 12, 11, 0.9)))
    assert found.tolist() == [[0, 0, 12, 11, 0.9, 0, 0]]


def test_classes_do_not_swallow_each_other() -> None:
    found = merged(rows(row(0, 0, 100, 40, 0.99, 1), row(1, 0, 99, 41, 0.4, 0)))
    assert len(found) == 2
    assert boxes_of(suppressed(found)) == boxes_of(found)


def test_a_small_box_in_a_large_one_stays() -> None:
    large, small = row(0, 0, 200, 200, 0.99), row(90, 90, 110, 110, 0.4)
    assert len(merged(rows(large, small))) == 2
    assert len(merged(rows([*large[:4], 0.4, 0, 0], [*small[:4], 0.99, 0, 0]))) == 2


def test_neighbours_stay_apart() -> None:
    """A row of faces that each overlap the next: no chain joins them."""
    line = [row(n * 10, 0, n * 10 + 15, 15, 0.5 + n / 100) for n in range(20)]
    assert len(merged(rows(*line))) == 20


def test_a_cut_box_goes_where_a_whole_one_covers_it() -> None:
    whole, cut = row(80, 10, 130, 60, 0.5), row(100, 12, 128, 58, 0.9, cut=1)
    assert boxes_of(merged(rows(whole, cut))) == [(80, 10, 130, 60)]
    assert len(merged(rows(whole, row(100, 12, 128, 58, 0.9, kind=1, cut=1)))) == 2
    assert len(merged(rows(whole, row(120, 12, 190, 58, 0.9, cut=1)))) == 2
    assert boxes_of(merged(rows(cut))) == [(100, 12, 128, 58)]


def test_around_a_seam() -> None:
    found = merged(
        rows(row(990, 0, 1030, 40, 0.9), row(0, 2, 29, 41, 0.95, cut=1), row(-9, 0, 31, 40, 0.6)),
        1000.0,
    )
    assert boxes_of(found) == [(990, 0, 1031, 40)]


BOXES = st.lists(
    st.tuples(
        st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40),
        st.sampled_from([n / 64 for n in range(8, 65)]), st.integers(0, 2), st.integers(0, 1),
    ),
    max_size=12,
)  # fmt: skip


@given(BOXES)
def test_what_any_pass_found_whole_stays_covered(found) -> None:
    """Each whole box lies within one of its class; each cut one is mostly covered."""
    every = rows(*([x, y, x + w, y + h, s, k, c] for x, y, w, h, s, k, c in found))
    joined = merged(every)
    assert len(joined) <= len(every)
    for box in every:
        same = joined[joined[:, 5] == box[5]]
        across = np.minimum(box[2], same[:, 2]) - np.maximum(box[0], same[:, 0])
        down = np.minimum(box[3], same[:, 3]) - np.maximum(box[1], same[:, 1])
        area = (box[2] - box[0]) * (box[3] - box[1])
        shared = (across.clip(0) * down.clip(0)).max()
        assert shared >= area * (0.6 if box[6] else 1)


@given(BOXES, st.randoms(use_true_random=False))
def test_the_order_of_passes_does_not_matter(found, random) -> None:
    # Of each score one: which of two equals leads may depend on more than their place.
    different = list({each[4]: each for each in found}.values())
    every = [[x, y, x + w, y + h, s, k, c] for x, y, w, h, s, k, c in different]
    before = merged(rows(*every)).tolist()
    random.shuffle(every)
    assert merged(rows(*every)).tolist() == before


def test_one_pass_gives_one_box_each() -> None:
    peak = [row(n, 0, n + 20, 20, 0.9 - abs(n - 2) / 10) for n in range(5)]
    found = suppressed(rows(*peak, row(100, 0, 120, 20, 0.3)))
    np.testing.assert_allclose(found[:, :4], [(2, 0, 22, 20), (100, 0, 120, 20)])
    assert found[:, 4].tolist() == [0.9, 0.3]


def test_equals_decide_together() -> None:
    """Which of two equally sure answers is ahead changes nothing."""
    for one, other in ((0.8001, 0.8), (0.8, 0.8001)):
        found = suppressed(rows(row(0, 0, 40, 40, one), row(4, 2, 44, 42, other)))
        np.testing.assert_allclose(found[:, :4], [(2, 1, 42, 41)], atol=0.01)


@pytest.mark.parametrize(
    ("box", "left"),
    [((-5, -5, 5, 5), (0, 0, 5, 5)), ((90, 40, 120, 60), (90, 40, 100, 50)),
     ((100, 0, 110, 5), None), ((-9, 0, 0, 5), None), ((7, 9, 7, 20), None)],
)  # fmt: skip
def test_clipped(box, left) -> None:
    found = clipped(candidates(np.array([box], float), np.array([0.5]), 3), 100, 50)
    assert boxes_of(found) == ([] if left is None else [left])
