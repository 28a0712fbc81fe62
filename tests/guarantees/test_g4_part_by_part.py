"""G4: regions come back one at a time, in any order; what is not revealed stays redacted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jpegredact as jr

from . import helpers, huffreader, quirks
from .helpers import METHODS, quick
from .test_g1_untouched import Checker

NESTED = [(10, 10, 40, 40), (16, 16, 30, 30), (10, 10, 40, 40), (35, 35, 60, 56), (0, 0, 72, 3)]


def assert_shows(jpeg: bytes, result: jr.Redaction, part: bytes, regions: set[int], cover) -> None:
    """Assert by jpegio that exactly the blocks whose every region is revealed are shown."""
    before, hidden, after = (helpers.coefficients(d) for d in (jpeg, result.jpeg, part))
    for component, planes in enumerate(zip(before, hidden, after, strict=True)):
        old, redacted, now = planes
        for row, column in np.ndindex(old.shape[:2]):
            over = {n for n, blocks in enumerate(cover) if (component, row, column) in blocks}
            wanted = old if over <= regions else redacted
            assert (now[row, column] == wanted[row, column]).all()


def covers(jpeg: bytes, boxes, margin=0) -> list[set[tuple[int, int, int]]]:
    """Return each box's blocks."""
    picture = huffreader.read(jpeg)
    return [helpers.touched_by(picture, box, margin) for box in boxes]


@given(st.data())
@quick(40)
def test_any_order_gives_the_same(data: st.DataObject) -> None:
    jpeg = data.draw(helpers.pictures(90))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg), most=5))
    boxes += data.draw(st.lists(st.sampled_from(boxes), max_size=2))  # identical ones
    method = data.draw(st.sampled_from((*METHODS, Checker())))
    result = jr.redact(jpeg, boxes, method=method)
    indices = st.sets(st.integers(0, len(boxes) - 1))
    a, b = data.draw(indices), data.draw(indices)
    stored = result.diff.to_bytes()
    first = jr.restore(result.jpeg, stored, regions=a)
    joined = jr.restore(result.jpeg, stored, regions=a | b)
    assert jr.restore(first, stored, regions=b) == joined
    other = jr.restore(result.jpeg, stored, regions=b)
    assert jr.restore(other, stored, regions=a) == joined
    assert_shows(jpeg, result, first, a, covers(jpeg, boxes))
    assert jr.restore(joined, stored) == jpeg
    if a | b == set(range(len(boxes))):
        assert joined == jpeg


@given(st.data())
@quick(25)
def test_one_after_the_other(data: st.DataObject) -> None:
    jpeg = quirks.mixed_padding(quirks.base(data.draw(st.sampled_from((0, 1, 4)))))
    result = jr.redact(jpeg, NESTED, method=data.draw(st.sampled_from(METHODS)))
    part = result.jpeg
    shown: set[int] = set()
    for region in data.draw(st.permutations(range(len(NESTED)))):
        part = jr.restore(part, result.diff, regions=[region])
        shown.add(region)
        assert part == jr.restore(result.jpeg, result.diff, regions=shown)
    assert part == jpeg


@pytest.mark.parametrize("quirk", quirks.SIMPLE, ids=lambda quirk: quirk.__name__)
def test_parts_of_odd_files(quirk) -> None:
    jpeg = quirk(quirks.base())
    result = jr.redact(jpeg, NESTED)
    cover = covers(jpeg, NESTED)
    for a, b in (([0, 1], [2, 3, 4]), ([3], [0, 1, 2]), ([4], [3])):
        part = jr.restore(result.jpeg, result.diff, regions=a)
        assert_shows(jpeg, result, part, set(a), cover)
        helpers.assert_opens_like(jpeg, part)
        both = jr.restore(part, result.diff, regions=b)
        assert both == jr.restore(result.jpeg, result.diff, regions=a + b)
        assert_shows(jpeg, result, both, {*a, *b}, cover)
        assert jr.restore(both, result.diff) == jpeg


def test_a_block_under_two_regions_needs_both() -> None:
    jpeg = helpers.by_pillow(64, 64, 3, quality=90, subsampling=0)
    result = jr.redact(jpeg, [(0, 0, 32, 32), (16, 16, 48, 48)])
    one = jr.restore(result.jpeg, result.diff, regions=[0])
    changed = helpers.changed_blocks(result.jpeg, one)
    assert (0, 0, 0) in changed
    assert not any(2 <= row < 4 and 2 <= column < 4 for _, row, column in changed)


def test_no_region_asked_for_changes_nothing() -> None:
    jpeg = quirks.base()
    result = jr.redact(jpeg, NESTED)
    assert jr.restore(result.jpeg, result.diff, regions=[]) == result.jpeg


def test_what_was_revealed_before_is_no_trouble() -> None:
    jpeg = quirks.base()
    result = jr.redact(jpeg, NESTED)
    part = jr.restore(result.jpeg, result.diff, regions=[3])
    assert jr.restore(part, result.diff, regions=[3]) == part
    assert jr.restore(jpeg, result.diff, regions=[3]) == jpeg


def test_a_part_that_is_the_whole_already() -> None:
    """Where all that is still hidden is like its fill, the part is the original: so be it."""
    jpeg = helpers.by_pillow(64, 64, 3, "L", "noise", quality=50)
    half = jr.redact(jpeg, [(0, 0, 32, 64)], method="fill").jpeg
    boxes = [(0, 0, 8, 8), (0, 0, 64, 64), (8, 8, 16, 16)]
    result = jr.redact(half, boxes, method="fill")
    for a, b in (([1], [0]), ([0], [1]), ([1], [2]), ([2], [1]), ([0, 1], [1]), ([0], [2])):
        part = jr.restore(result.jpeg, result.diff, regions=a)
        joined = jr.restore(result.jpeg, result.diff, regions=a + b)
        assert jr.restore(part, result.diff, regions=b) == joined
        assert jr.restore(joined, result.diff) == half


def test_a_region_that_is_its_own_fill() -> None:
    """Flat blocks are like their fill: which regions were asked for must not be lost."""
    jpeg = helpers.by_pillow(64, 64, 3, "L", "patches", quality=50)
    flat = jr.redact(jpeg, [(0, 0, 64, 64)], method="fill").jpeg
    boxes = [(0, 0, 32, 32), (16, 16, 64, 64), (20, 20, 24, 24)]
    result = jr.redact(flat, boxes, method="fill")
    for a, b in (([0], [1, 2]), ([2], [0, 1]), ([1], [0, 2])):
        part = jr.restore(result.jpeg, result.diff, regions=a)
        assert jr.restore(part, result.diff, regions=b) == flat


@pytest.mark.parametrize("bad", [[3], [-1], [0, 99], ["0"], [0.0], [None]])
def test_no_such_region(bad: list[object]) -> None:
    jpeg = quirks.base()
    result = jr.redact(jpeg, [(0, 0, 9, 9), (9, 9, 20, 20), (30, 30, 40, 40)])
    with pytest.raises(jr.InvalidRegionError) as caught:
        jr.restore(result.jpeg, result.diff, regions=bad)
    assert caught.value.code == "region.index"


def test_the_wrong_diff() -> None:
    box = [(10, 10, 30, 30)]
    jpeg = quirks.base(seed=1)
    result = jr.redact(jpeg, box)
    for other in (
        jr.redact(quirks.base(seed=2), box),  # of another picture of the same size
        jr.redact(quirks.base(width=80), box),  # of another size
        jr.redact(jpeg, [(10, 10, 50, 30)]),  # of another box of the same picture
        jr.redact(jpeg, box, method="fill"),  # of another fill
    ):
        with pytest.raises(jr.DiffMismatchError):
            jr.restore(result.jpeg, other.diff)
        with pytest.raises(jr.DiffMismatchError):
            jr.restore(other.jpeg, result.diff, regions=[0])


@pytest.mark.parametrize("where", ["header", "outside", "inside", "behind"])
def test_a_changed_file(where: str) -> None:
    jpeg = quirks.behind_eoi(quirks.base(1))
    result = jr.redact(jpeg, [(10, 10, 30, 30)])
    picture = huffreader.read(result.jpeg)
    touched = helpers.touched_by_all(picture, [(10, 10, 30, 30)])

    def bumped(block: huffreader.Block) -> list[int] | None:
        if (where == "inside") == (block.place in touched):
            return [block.coefficients[0] + 1, *block.coefficients[1:]]
        return None

    changed = {
        "header": result.jpeg[:14] + b"\x55" + result.jpeg[15:],
        "behind": result.jpeg + b"more",
    }.get(where) or huffreader.write(picture, huffreader.Style(bumped))
    for regions in (None, [0], []):
        with pytest.raises(jr.DiffMismatchError):
            jr.restore(changed, result.diff, regions=regions)
