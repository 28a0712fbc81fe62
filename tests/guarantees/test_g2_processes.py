"""G2 in every coding process: same outside, another inside, the same redacted bytes.

Progressive Huffman pairs come from the tests' own encoder, with the same tables
for both; arithmetic ones from jpegtran, which has no tables to differ in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import arithmetic_maker
import jpegmaker12
import progressive_maker as maker
import pytest
import variants
from hypothesis import given
from hypothesis import strategies as st
from jpegmaker import Part, random_parts
from progressive_maker import Band, Picture, Style

import jpegredact as jr

from . import helpers, pairs, structure
from .helpers import CONTENT_FREE, quick
from .test_odd_encoders import SCRIPTS, TABLES, assert_says, refused

WIDTH, HEIGHT = 91, 71  # neither side is whole MCUs
BOXES = [(9, 9, 40, 31), (30, 20, 60, 50), (80, 60, 91, 71)]
Pair = tuple[bytes, bytes]


def assert_gone(
    one: bytes, two: bytes, boxes=BOXES, method: str | jr.Method = "inpaint", full: bool = False
) -> None:
    """Assert that both files are redacted to the same bytes, and that their diffs say so.

    With ``full`` tables, both may be refused instead.
    """
    assert one != two
    if full and refused(one, boxes, method):
        assert refused(two, boxes, method)
        return
    assert outside_is_same(one, two, boxes)
    a, b = (jr.redact(jpeg, boxes, method=method) for jpeg in (one, two))
    assert a.jpeg == b.jpeg
    assert a.diff.document.public == b.diff.document.public
    assert jr.restore(a.jpeg, a.diff.to_bytes()) == one
    assert jr.restore(a.jpeg, b.diff.to_bytes()) == two  # either diff fits the one file


def outside_is_same(one: bytes, two: bytes, boxes) -> bool:
    """Return whether the pair is one: jpegio finds differences inside only."""
    old, new = structure.read(one), structure.read(two)
    masks = structure.cover(old, boxes)
    structure.assert_coefficients(old.coefficients, new.coefficients, masks)
    structure.assert_padding(old, new, masks)
    return True


# ---------------------------------------------------------------------------
# Progressive, Huffman
# ---------------------------------------------------------------------------


def inner(places: set[pairs.Place]) -> frozenset[pairs.Place]:
    """Return the places whose next block in the row is touched too: a cut there is inside."""
    return frozenset(p for p in places if (p[0], p[1], p[2] + 1) in places)


def same_tables(which: str, two: Sequence[Picture]) -> maker.Tables:
    """Return tables for both pictures of a pair."""
    if which == "general":
        return maker.every_symbol(two[0])
    return maker.shared(*two) if which == "shared" else maker.tight(*two, full=which == "full")


@cache
def progressive(
    script: str, kind: str, tables: str, restart: int = 0, factors=pairs.HALVED, quiet: bool = False
) -> Pair:
    """Return the photo, and the photo with another inside, in the same tables.

    ``quiet``: the photo's own inside is empty too, in the AC coefficients.
    """
    parts = pairs.photo(WIDTH, HEIGHT, factors)
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    if quiet:
        parts = pairs.with_inside(parts, places, "flat", 7)
    other = pairs.with_inside(parts, places, kind)
    scans = SCRIPTS[script](len(factors))
    two = [Picture(WIDTH, HEIGHT, p, scans, restart) for p in (parts, other)]
    chosen = same_tables(tables, two)
    jpegs = [maker.make_progressive(picture, chosen) for picture in two]
    for jpeg, picture in zip(jpegs, two, strict=True):
        assert_says(jpeg, picture)
    return jpegs[0], jpegs[1]


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("kind", pairs.INSIDES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_progressive(script: str, kind: str, tables: str) -> None:
    one, two = progressive(script, kind, tables, restart=5 * (len(kind) % 2))
    assert_gone(one, two, full=tables == "full")


@pytest.mark.parametrize("method", CONTENT_FREE[1:])
@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("restart", [0, 1, 8])
def test_progressive_methods(restart: int, tables: str, method: str) -> None:
    one, two = progressive("steps", "busy", tables, restart)
    assert_gone(one, two, method=method, full=tables == "full")


@pytest.mark.parametrize("kind", ["corrections", "lone", "ends"])
@pytest.mark.parametrize("script", ["steps", "crossed"])
def test_an_inside_without_detail_and_one_with(script: str, kind: str) -> None:
    """In one picture an EOB run goes through the region; in the other none touches it."""
    for tables in TABLES:
        one, two = progressive(script, kind, tables, 0, pairs.GREY, quiet=True)
        assert_gone(one, two, full=tables == "full")


@pytest.mark.parametrize("factors", [pairs.PLAIN, ((2, 1), (1, 2)), ((1, 1),) * 4])
def test_progressive_components(factors) -> None:
    assert_gone(*progressive("steps", "loud", "general", 4, factors))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    "style",
    [Style(longest_run=1), Style(longest_run=5), Style(held=0), Style(zrl_before_eob=True)],
    ids=["no runs", "short runs", "no held bits", "ZRL before EOB"],
)
def test_how_the_inside_was_coded(script: str, style: Style) -> None:
    """The whole picture is the region: every way of its encoder is inside."""
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    scans = SCRIPTS[script](3)
    one, two = (
        maker.make_progressive(Picture(WIDTH, HEIGHT, parts, scans, 9, way))
        for way in (Style(), style)
    )
    if one != two:
        assert_gone(one, two, [(0, 0, WIDTH, HEIGHT)])
    else:
        assert script == "simple"  # no correction bits to hold
        assert style.held == 0


@pytest.mark.parametrize("script", SCRIPTS)
def test_runs_cut_inside(script: str) -> None:
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    parts = pairs.with_inside(parts, places, "flat")
    made = Picture(WIDTH, HEIGHT, parts, SCRIPTS[script](3))
    one = maker.make_progressive(made)
    two = maker.make_progressive(replace(made, style=Style(cuts=inner(places))))
    assert_gone(one, two)


@pytest.mark.parametrize("restart", [0, 6])
@pytest.mark.parametrize("odd", ["padding", "fill", "left over"])
def test_what_lies_around_touched_intervals(odd: str, restart: int) -> None:
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    made = Picture(WIDTH, HEIGHT, parts, maker.steps(3), restart)
    one = maker.make_progressive(made)
    two = {
        "padding": lambda: maker.make_progressive(replace(made, style=Style(padding=0))),
        "fill": lambda: maker.make_progressive(made, fill=1),
        "left over": lambda: maker.make_progressive(made, left_over=b"\x01\x02"),
    }[odd]()
    whole = [(0, 0, WIDTH, HEIGHT)]
    if odd == "fill":  # those between segments are outside
        a, b = (jr.redact(jpeg, whole) for jpeg in (one, two))
        old, new = structure.read(a.jpeg), structure.read(b.jpeg)
        for x, y in zip(old.scans, new.scans, strict=True):
            assert old.data[x.start : x.end] == new.data[y.start : y.end]
        assert jr.restore(b.jpeg, b.diff) == two
        return
    assert_gone(one, two, whole)


def test_hidden_padding_of_dc_scans() -> None:
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    picture = structure.read(pairs.plain_jpeg(WIDTH, HEIGHT, parts))
    hidden = {
        p for p in pairs.touched(WIDTH, HEIGHT, parts, BOXES)
        if p[1] >= picture.real(p[0])[0] or p[2] >= picture.real(p[0])[1]
    }  # fmt: skip
    assert hidden
    other = pairs.with_inside(parts, hidden, "flat")
    one, two = (
        maker.make_progressive(Picture(WIDTH, HEIGHT, p, maker.steps(3))) for p in (parts, other)
    )
    assert not helpers.changed_blocks(one, two), "jpegio sees no hidden block"
    assert_gone(one, two)


@pytest.mark.parametrize("encoder", [maker.make_progressive, arithmetic_maker.make_arithmetic])
@pytest.mark.parametrize(
    ("repeated", "number"),
    [(Band((0, 1, 2)), 0), (Band((0, 1, 2)), 1), (Band((0,), 1, 63), 1), (Band((0,), 20, 40), 2)],
)
def test_a_scan_that_says_something_else_inside(encoder, repeated: Band, number: int) -> None:
    """Two scans say the same bits twice; in one picture they differ within the regions."""
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    first = Band((0, 1, 2)) if repeated.first == 0 else Band((0,), 1, 63)
    scans = [first, repeated] if repeated.first == 0 else [Band((0, 1, 2)), first, repeated]
    one, other = (
        encoder(Picture(WIDTH, HEIGHT, said, scans))
        for said in (parts, pairs.with_inside(parts, places, "busy"))
    )
    mine, its = structure.read(one).scans[number], structure.read(other).scans[number]
    two = one[: mine.start] + other[its.start : its.end] + one[mine.end :]
    assert_gone(one, two)


def outcome(jpeg: bytes, boxes, method: str) -> tuple[object, ...]:
    """Return what comes of a file: bytes, or which error; both may depend on the outside only."""
    try:
        result = jr.redact(jpeg, boxes, method=method)
    except jr.JpegRedactError as error:
        return type(error), error.code
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
    return result.jpeg, result.diff.document.public


@given(st.data())
@quick(50)
def test_any_progressive_pair(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(9, 90)), data.draw(st.integers(9, 70))
    factors = data.draw(st.sampled_from((
        pairs.GREY, pairs.PLAIN, pairs.HALVED, ((1, 1), (2, 2)), ((4, 1), (1, 1), (1, 1)),
    )))  # fmt: skip
    seed = data.draw(st.integers(0, 99))
    parts: Sequence[Part] = pairs.photo(width, height, factors, seed)
    if data.draw(st.integers(0, 3)) == 0:
        parts = random_parts(width, height, factors, seed)
    boxes = data.draw(helpers.boxes_in(width, height, most=3))
    places = pairs.touched(width, height, parts, boxes)
    kinds = data.draw(st.tuples(*(st.sampled_from(pairs.INSIDES),) * 2))
    insides = [pairs.with_inside(parts, places, kind, seed + n) for n, kind in enumerate(kinds)]
    scans = maker.shuffled(len(factors), data.draw(st.integers(0, 999)))
    restart = data.draw(st.sampled_from((0, 0, 1, 3, 10)))
    odd = data.draw(st.sampled_from((
        Style(), Style(), Style(1), Style(4), Style(zrl_before_eob=True), Style(held=7),
    )))  # fmt: skip
    two = [Picture(width, height, p, scans, restart, odd) for p in insides]
    which = data.draw(st.sampled_from(list(TABLES)))
    chosen = same_tables(which, two)
    one, other = (maker.make_progressive(picture, chosen) for picture in two)
    if one == other:
        return
    method = data.draw(st.sampled_from(CONTENT_FREE))
    results = [outcome(jpeg, boxes, method) for jpeg in (one, other)]
    assert results[0] == results[1]
    assert which == "full" or isinstance(results[0][0], bytes)


# ---------------------------------------------------------------------------
# Arithmetic
# ---------------------------------------------------------------------------

ARITHMETIC = {
    "sequential": (("-arithmetic",), ""),
    "apart": (("-arithmetic",), "0;1;2;"),
    "progressive": (("-arithmetic", "-progressive"), ""),
    **{
        name: (("-arithmetic",), variants.PROGRESSIVE_SCRIPTS[name])
        for name in ("deep", "dc-refined-late", "single-coefficients", "last-bit-left-out")
    },
}


@cache
def arithmetic(process: str, kind: str, restart: str = "", twelve: bool = False) -> Pair:
    """Return a pair, coded by jpegtran."""
    if twelve:
        parts = tuple(jpegmaker12.random_parts_12(WIDTH, HEIGHT, pairs.HALVED))
        make = jpegmaker12.make_jpeg_12
    else:
        parts, make = pairs.photo(WIDTH, HEIGHT, pairs.HALVED), pairs.plain_jpeg
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    other = pairs.with_inside(parts, places, kind)
    arguments, script = ARITHMETIC[process]
    if restart:
        arguments = (*arguments, "-restart", restart)
    found = []
    for said in (parts, other):
        jpeg = make(WIDTH, HEIGHT, said)
        if twelve:
            jpeg = jpegmaker12.with_precision(jpeg, 8)
        jpeg = variants.by_jpegtran(jpeg, *arguments, scans=script)
        found.append(jpegmaker12.with_precision(jpeg, 12) if twelve else jpeg)
    return found[0], found[1]


@variants.needs_programs
@pytest.mark.parametrize("kind", pairs.INSIDES)
@pytest.mark.parametrize("process", ARITHMETIC)
def test_arithmetic(process: str, kind: str) -> None:
    assert_gone(*arithmetic(process, kind, "1" if len(kind) % 2 else ""))


@variants.needs_programs
@pytest.mark.parametrize("method", CONTENT_FREE[1:])
@pytest.mark.parametrize("restart", ["", "1", "3B"])
def test_arithmetic_methods(restart: str, method: str) -> None:
    for process in ("sequential", "progressive"):
        assert_gone(*arithmetic(process, "busy", restart), method=method)


@variants.needs_programs
@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_arithmetic_twelve_bits(process: str) -> None:
    assert_gone(*arithmetic(process, "loud", "2", twelve=True))


@variants.needs_programs
@pytest.mark.parametrize("process", ["sequential", "progressive"])
def test_how_arithmetic_data_ends(process: str) -> None:
    """An encoder may keep zero bytes that T.81 D.1.8 lets it drop: they say the same."""
    one = arithmetic(process, "busy", "2")[0]
    two = one
    for scan in reversed(structure.read(one).scans):
        for interval in reversed(scan.intervals):
            two = two[: interval.end] + b"\0\0" + two[interval.end :]
    assert not helpers.changed_blocks(one, two)
    assert_gone(one, two, [(0, 0, WIDTH, HEIGHT)])


@pytest.mark.parametrize("script", SCRIPTS)
def test_progressive_twelve_bits(script: str) -> None:
    parts = tuple(jpegmaker12.random_parts_12(WIDTH, HEIGHT, pairs.HALVED))
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    one, two = (
        maker.make_progressive(Picture(WIDTH, HEIGHT, said, SCRIPTS[script](3)), precision=12)
        for said in (parts, pairs.with_inside(parts, places, "busy"))
    )
    assert_gone(one, two)


@pytest.mark.parametrize("method", CONTENT_FREE)
def test_sequential_twelve_bits(method: str) -> None:
    parts = tuple(jpegmaker12.random_parts_12(WIDTH, HEIGHT, pairs.HALVED))
    places = pairs.touched(WIDTH, HEIGHT, parts, BOXES)
    one, two = (
        jpegmaker12.make_jpeg_12(WIDTH, HEIGHT, said)
        for said in (parts, pairs.with_inside(parts, places, "loud"))
    )
    assert_gone(one, two, method=method)


# ---------------------------------------------------------------------------
# The tests themselves
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["pixelate", "blur"])
def test_the_test_can_fail(method: str) -> None:
    one, two = progressive("steps", "busy", "general")
    assert jr.redact(one, BOXES, method=method).jpeg != jr.redact(two, BOXES, method=method).jpeg


def test_pairs_are_pairs() -> None:
    one, two = progressive("simple", "busy", "tight")
    with pytest.raises(AssertionError):
        outside_is_same(one, two, BOXES[:2])
    tables = [structure.read(jpeg).tables for jpeg in (one, two)]
    assert [t.symbols for t in tables[0]] == [t.symbols for t in tables[1]]
