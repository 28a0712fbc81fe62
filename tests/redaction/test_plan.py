"""Which blocks belong to which groups, against a brute force block by block."""

from array import array
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jpegmaker import make_jpeg, random_parts, shapes
from pictures import read_blocks

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.errors import InvalidRegionError
from jpegredact.geometry import Box, Mask, Polygon
from jpegredact.limits import Limits
from jpegredact.redaction.coverage import covers
from jpegredact.redaction.plan import make_plan

SAMPLINGS = {
    "grey": ((1, 1),),
    "4:4:4": ((1, 1), (1, 1), (1, 1)),
    "4:2:0": ((2, 2), (1, 1), (1, 1)),
    "4:1:1": ((4, 1), (1, 1), (1, 1)),
    "4:4:0": ((1, 2), (1, 1), (1, 1)),
    "odd": ((3, 1), (2, 1), (1, 1)),
    "chroma finer": ((1, 1), (2, 2), (1, 2)),
    "four": ((2, 1), (1, 1), (1, 2), (2, 2)),
}
Sides = tuple[float, float, float, float]


def regions_of_blocks(
    width: int, height: int, factors, boxes: list[Sides], interleaved: bool
) -> list[dict[tuple[int, int], frozenset[int]]]:
    """Return for each component which regions touch each block, worked out one by one."""
    most = max(h for h, _ in factors), max(v for _, v in factors)
    found = []
    for (h, v), (real, padded) in zip(factors, shapes(width, height, factors), strict=True):
        step_x, step_y = Fraction(8 * most[0], h), Fraction(8 * most[1], v)
        touched = {
            (r, c): frozenset(
                n
                for n, (x0, y0, x1, y1) in enumerate(boxes)
                if max(Fraction(x0), c * step_x) < min(Fraction(x1), (c + 1) * step_x)
                and max(Fraction(y0), r * step_y) < min(Fraction(y1), (r + 1) * step_y)
            )
            for r in range(real[0])
            for c in range(real[1])
        }
        if interleaved:
            for r in range(padded[0]):
                for c in range(padded[1]):
                    if r >= real[0] or c >= real[1]:
                        mcu = [
                            touched.get((r // v * v + i, c // h * h + j), frozenset())
                            for i in range(v)
                            for j in range(h)
                            if r // v * v + i < real[0] and c // h * h + j < real[1]
                        ]
                        touched[r, c] = frozenset().union(*mcu)
        found.append({place: under for place, under in touched.items() if under})
    return found


def planned(plan, component: int) -> dict[tuple[int, int], frozenset[int]]:
    """Return what a plan says of a component in the same form."""
    found = plan.cover_of(component)
    if found is None or found[1] is None:
        return {}
    cover = found[1]
    cells = {
        (cover.row + k // cover.columns, cover.column + k % cover.columns): group - 1
        for k, group in enumerate(cover.cells)
        if group
    }
    for group, (row, column, rows, columns) in cover.boxes.items():
        mine = [place for place, number in cells.items() if number == group]
        assert (row, column) == (min(r for r, _ in mine), min(c for _, c in mine))
        assert (rows, columns) == (
            max(r for r, _ in mine) + 1 - row,
            max(c for _, c in mine) + 1 - column,
        )
        assert cover.counts()[group] == len(mine)
    assert isinstance(cover.cells, array)
    assert set(cover.boxes) == set(cells.values())
    return {place: frozenset(plan.groups[group]) for place, group in cells.items()}


sides = st.floats(-20, 120, allow_nan=False, width=32) | st.integers(-3, 12).map(lambda n: 8 * n)


@st.composite
def boxes_in(draw: st.DrawFn) -> list[Sides]:
    boxes = []
    for _ in range(draw(st.integers(1, 6))):
        x0, x1 = sorted((draw(sides), draw(sides)))
        y0, y1 = sorted((draw(sides), draw(sides)))
        boxes.append((x0, y0, x1 if x1 > x0 else x0 + 1, y1 if y1 > y0 else y0 + 1))
    return boxes


@given(
    st.sampled_from(sorted(SAMPLINGS)),
    st.integers(1, 70),
    st.integers(1, 70),
    boxes_in(),
    st.booleans(),
)
@settings(max_examples=150)
def test_groups_are_what_brute_force_finds(name, width, height, boxes, interleaved) -> None:
    factors = SAMPLINGS[name]
    jpeg = read_jpeg(header_only(width, height, factors, interleaved))
    interleaved = interleaved and len(factors) > 1
    expected = regions_of_blocks(width, height, factors, boxes, interleaved)
    covered = {region for part in expected for under in part.values() for region in under}
    if covered != set(range(len(boxes))):  # a box without blocks would hide nothing
        with pytest.raises(InvalidRegionError):
            make_plan(jpeg, [Box(*b) for b in boxes], (0, False), Limits())
        return
    plan = make_plan(jpeg, [Box(*b) for b in boxes], (0, False), Limits())
    assert [planned(plan, k) for k in range(len(factors))] == expected
    wanted = {tuple(sorted(under)) for part in expected for under in part.values()}
    assert set(plan.groups) == wanted
    assert len(plan.groups) == len(wanted)
    assert plan.merged == 0


@given(
    st.sampled_from(sorted(SAMPLINGS)),
    st.integers(1, 70),
    st.integers(1, 70),
    boxes_in(),
    boxes_in(),
    st.booleans(),
)
@settings(max_examples=150)
def test_what_one_plan_has_of_another(name, width, height, boxes, others, interleaved) -> None:
    jpeg = read_jpeg(header_only(width, height, SAMPLINGS[name], interleaved))
    try:
        plan, other = (
            make_plan(jpeg, [Box(*b) for b in each], (0, False), Limits())
            for each in (boxes, others)
        )
    except InvalidRegionError:
        assume(False)
    components = range(len(SAMPLINGS[name]))
    assert covers(plan, other) == all(
        set(planned(other, k)) <= set(planned(plan, k)) for k in components
    )
    both = make_plan(jpeg, [Box(*b) for b in (*boxes, *others)], (0, False), Limits())
    assert covers(both, plan)
    assert covers(both, other)


def header_only(width: int, height: int, factors, interleaved: bool) -> bytes:
    """Return a JPEG whose coded data is missing: a plan needs none of it."""
    parts = random_parts(8, 8, factors)
    scans = None if interleaved else [[k] for k in range(len(factors))]
    data = bytearray(make_jpeg(8, 8, parts, scans=scans))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = height.to_bytes(2) + width.to_bytes(2)
    return bytes(data)


def test_padding_by_hand() -> None:
    """The rule of design section 3 on a picture of 2 × 2 MCUs of 4:2:0, 20 × 20 pixels."""
    jpeg = read_jpeg(header_only(20, 20, SAMPLINGS["4:2:0"], True))
    plan = make_plan(jpeg, [Box(16, 0, 17, 1)], (0, False), Limits())
    assert set(planned(plan, 0)) == {(0, 2), (0, 3), (1, 3)}  # (1, 2) is a real, untouched block
    assert set(planned(plan, 1)) == set(planned(plan, 2)) == {(0, 1)}
    plan = make_plan(jpeg, [Box(0, 19, 1, 20)], (0, False), Limits())
    assert set(planned(plan, 0)) == {(2, 0), (3, 0), (3, 1)}
    plan = make_plan(jpeg, [Box(19, 19, 20, 20)], (0, False), Limits())
    assert set(planned(plan, 0)) == {(2, 2), (2, 3), (3, 2), (3, 3)}
    plan = make_plan(jpeg, [Box(0, 0, 16, 16)], (0, False), Limits())
    assert set(planned(plan, 0)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    plan = make_plan(
        read_jpeg(header_only(20, 20, SAMPLINGS["4:2:0"], False)),
        [Box(16, 0, 17, 1)], (0, False), Limits(),
    )  # fmt: skip
    assert set(planned(plan, 0)) == {(0, 2)}  # not interleaved: there is no padding


def test_every_kind_of_region_and_the_margin() -> None:
    jpeg = read_jpeg(header_only(64, 48, SAMPLINGS["4:2:0"], True))
    mask = np.zeros((48, 64), bool)
    mask[9:20, 30:41] = True
    kinds = [
        Box(30, 9, 41, 20),
        Polygon(((30, 9), (41, 9), (41, 20), (30, 20))),
        Mask(mask),
    ]
    for margin in ((0, False), (7, False), (0.5, True)):
        plans = [make_plan(jpeg, [region], margin, Limits()) for region in kinds]
        assert planned(plans[0], 0)
        for k in range(3):
            assert planned(plans[0], k) == planned(plans[1], k) == planned(plans[2], k)
    plan = make_plan(jpeg, kinds, (0, False), Limits())
    assert plan.groups == ((0, 1, 2),)


BOXES = [(0, 0, 40, 40), (8, 8, 48, 48), (16, 0, 64, 24), (0, 16, 24, 64), (30, 30, 33, 33)]


@pytest.mark.parametrize("limit", range(1, 12))
@pytest.mark.parametrize("name", ["grey", "4:2:0"])
def test_merging(limit, name) -> None:
    factors = SAMPLINGS[name]
    jpeg = read_jpeg(header_only(64, 64, factors, True))
    regions = [Box(*b) for b in BOXES]
    free = make_plan(jpeg, regions, (0, False), Limits())
    plan = make_plan(jpeg, regions, (0, False), Limits(max_groups=limit))
    assert len(plan.groups) <= limit
    assert plan.merged == len(free.groups) - len(plan.groups)
    assert len(set(plan.groups)) == len(plan.groups)
    if limit >= len(free.groups):
        assert plan == free
    for k in range(len(factors)):
        before, after = planned(free, k), planned(plan, k)
        assert before.keys() == after.keys()
        assert all(before[place] <= after[place] for place in before)
    assert make_plan(jpeg, regions, (0, False), Limits(max_groups=limit)) == plan


def test_merged_groups_where_the_union_is_a_group_itself() -> None:
    """Small groups {0}, {1} and a large {0, 1}: what is merged ends up in the large one."""
    jpeg = read_jpeg(header_only(200, 64, SAMPLINGS["grey"], True))
    regions = [Box(0, 0, 100, 64), Box(8, 0, 108, 64), Box(120, 0, 200, 64)]
    free = make_plan(jpeg, regions, (0, False), Limits())
    assert free.groups == ((0,), (0, 1), (1,), (2,))
    plan = make_plan(jpeg, regions, (0, False), Limits(max_groups=3))
    assert sorted(plan.groups) == [(0, 1), (2,)]
    assert plan.merged == 2


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_merged_groups_come_back(limit) -> None:
    data = make_jpeg(64, 64, random_parts(64, 64, SAMPLINGS["4:2:0"]))
    result = jr.redact(data, BOXES, limits=Limits(max_groups=limit))
    assert result.report.groups <= limit
    assert result.report.groups_merged > 0
    assert "groups-merged" in [w.code for w in result.report.warnings]
    part = result.jpeg
    for region in (3, 0, 4, 2):
        part = jr.restore(part, result.diff, regions=[region])
        assert part != data
    assert jr.restore(part, result.diff, regions=[1]) == data


@pytest.mark.parametrize("name", ["4:2:0", "odd", "chroma finer", "four"])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (36, 0, 37, 1), (0, 28, 1, 29), (36, 28, 37, 29)])
def test_padding_blocks_are_rewritten_with_their_mcu(name, box) -> None:
    """As jpegio sees it, once the frame size is rounded up to whole MCUs."""
    factors = SAMPLINGS[name]
    parts = random_parts(37, 29, factors)
    data = make_jpeg(37, 29, parts)
    result = jr.redact(data, [box], method="fill:#ffffff")
    before, after = read_blocks(data, True), read_blocks(result.jpeg, True)
    expected = regions_of_blocks(37, 29, factors, [box], True)
    for k, part in enumerate(parts):
        changed = np.argwhere((before[k] != after[k]).any(axis=2)).tolist()
        assert {tuple(place) for place in changed} == set(expected[k])
        for row, column in expected[k]:
            assert not after[k][row, column, 1:].any()
        assert (before[k] == part.blocks).all()
    assert jr.restore(result.jpeg, result.diff) == data
    total = sum(len(part) for part in expected)
    assert sum(result.report.blocks) == total


def test_a_hundred_boxes_make_as_many_groups_as_brute_force() -> None:
    random = np.random.default_rng(4)
    corners = random.uniform(0, 180, (100, 2))
    sizes = random.uniform(1, 40, (100, 2))
    boxes = np.hstack([corners, corners + sizes]).tolist()
    jpeg = read_jpeg(header_only(200, 200, SAMPLINGS["4:2:0"], True))
    plan = make_plan(jpeg, [Box(*b) for b in boxes], (0, False), Limits())
    expected = regions_of_blocks(200, 200, SAMPLINGS["4:2:0"], boxes, True)
    assert [planned(plan, k) for k in range(3)] == expected
