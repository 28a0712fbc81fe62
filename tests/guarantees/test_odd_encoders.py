"""G1, G3 and G4 on progressive files of odd encoders, which no program here writes.

They come from the tests' own encoder, and jpegio must read them as what went in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import progressive_maker as maker
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpegmaker import Part, random_parts, shapes
from pictures import read_blocks
from progressive_maker import Band, Picture, Style

import jpegredact as jr

from . import pairs, structure
from .helpers import quick

WIDTH, HEIGHT = 91, 70
BOXES = [(9, 9, 40, 31), (30, 20, 60, 50), (80, 60, 91, 70)]
CUTS = frozenset((k, row, column) for k in range(3) for row in range(12) for column in (1, 4, 9))
STYLES = {
    "libjpeg": Style(),
    "no EOB runs": Style(longest_run=1),
    "runs of three": Style(longest_run=3),
    "runs of eight": Style(longest_run=8),
    "runs cut anywhere": Style(cuts=CUTS),
    "ZRL before EOB": Style(zrl_before_eob=True),
    "corrections flushed at once": Style(held=0),
    "corrections flushed early": Style(held=20),
    "zero padding": Style(padding=0),
    "all of it": Style(5, CUTS, True, 25, 0),
}
SCRIPTS = {"simple": maker.simple, "steps": maker.steps, "crossed": maker.crossed}
TABLES = {
    "general": maker.every_symbol,
    "tight": maker.tight,
    "shared": maker.shared,
    "full": lambda picture: maker.tight(picture, full=True),
}


@cache
def picture(script: str, style: str, restart: int = 0, factors=pairs.HALVED) -> Picture:
    """Return the photo in a script and a style."""
    parts = pairs.photo(WIDTH, HEIGHT, factors)
    return Picture(
        WIDTH, HEIGHT, parts, SCRIPTS[script](len(parts)), restart, STYLES[style]
    )


def assert_says(jpeg: bytes, made: Picture) -> None:
    """Assert that jpegio reads what the encoder was given."""
    sizes = shapes(
        made.width, made.height, [(part.horizontal, part.vertical) for part in made.parts]
    )
    for k, (plane, (real, _)) in enumerate(zip(read_blocks(jpeg), sizes, strict=True)):
        assert (plane == made.said(k)[: real[0], : real[1]]).all()


def refused(jpeg: bytes, boxes=BOXES, method: str | jr.Method = "inpaint") -> bool:
    """Return whether no fill can be said, and that is said clearly."""
    try:
        jr.redact(jpeg, boxes, method=method)
    except jr.VerificationError as error:
        return error.code == "redact.unsayable"
    return False


def check(
    jpeg: bytes, boxes=BOXES, method: str = "inpaint", full: bool = False
) -> jr.Redaction:
    """Assert G1 scan by scan, G3 and G4; of ``full`` tables parts may be refused."""
    old = structure.read(jpeg)
    result = jr.redact(jpeg, boxes, method=method)
    new = structure.read(result.jpeg)
    structure.assert_untouched(old, new, boxes, result.report)
    structure.assert_gone(old, new, boxes)
    structure.assert_smooth(new, boxes, result.report)
    structure.assert_every_scan(old, new, boxes)
    assert structure.complaints(result.jpeg) == structure.complaints(jpeg)
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
    try:
        structure.assert_parts(old, result, boxes)
    except jr.VerificationError as error:
        if not full or error.code != "restore.unsayable":
            raise
    return result


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_style(script: str, style: str) -> None:
    number = list(STYLES).index(style) + list(SCRIPTS).index(script)
    made = picture(script, style, restart=number % 3 * 7)
    for tables in list(TABLES)[number % 2 :: 2]:
        jpeg = maker.make_progressive(made, TABLES[tables](made))
        assert_says(jpeg, made)
        if tables != "full" or not refused(jpeg):
            check(jpeg, full=tables == "full")


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ({0: 9, 1: 3, 63: 1}, maker.simple(1)),
        ({0: 9, 5: -3, 6: 1, 63: -2}, [Band((0,)), Band((0,), 1, 5), Band((0,), 6, 63)]),
        ({0: 9, 1: 5, 2: -7, 5: 4, 6: 1, 63: -2},
         [Band((0,)), Band((0,), 1, 5, 0, 2), Band((0,), 6, 63), Band((0,), 1, 5, 2, 1)]),
        ({0: 9, 5: 2, 6: 1, 63: -2},  # the refinement ends the block
         [Band((0,)), Band((0,), 6, 63), Band((0,), 1, 5, 0, 2), Band((0,), 1, 5, 2, 1)]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("many", [1, 5])
def test_a_table_without_eob_and_without_room(values, script, many: int) -> None:
    """A block that ends with its last coefficient needs no EOB; a fill must do so too."""
    blocks = np.zeros((1, many, 64), int)
    for k, value in values.items():
        blocks[0, :, k] = value
    blocks[0, :, 1] += np.arange(many) * (values.get(1, 0) > 0)
    made = Picture(8 * many, 8, [Part(blocks)], script)
    jpeg = maker.make_progressive(made, maker.tight(made, full=True))
    for box in ((0, 0, 8, 8), (8 * many - 8, 0, 8 * many, 8), (0, 0, 8 * many, 8)):
        done = jr.redact(jpeg, [box])
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == jpeg
        assert jr.verify(jpeg, done.jpeg, done.diff).outside_changed == 0
        assert done.report.blocks_moved
        assert done.report.tables_appended == ()


def test_the_styles_differ() -> None:
    made = {style: maker.make_progressive(picture("steps", style)) for style in STYLES}
    assert len(set(made.values())) == len(STYLES)


@pytest.mark.parametrize("method", ["fill", "pixelate", "blur"])
@pytest.mark.parametrize("tables", TABLES)
def test_other_methods(tables: str, method: str) -> None:
    made = picture("steps", "all of it")
    check(maker.make_progressive(made, TABLES[tables](made)), BOXES, method, tables == "full")


@pytest.mark.parametrize("factors", [pairs.GREY, pairs.PLAIN, ((1, 1),) * 4, ((2, 1), (1, 2))])
def test_components(factors) -> None:
    made = picture("steps", "libjpeg", 0, factors)
    check(maker.make_progressive(made, maker.tight(made)))


def test_what_libjpeg_would_write_costs_no_raw_bytes() -> None:
    for script in SCRIPTS:
        made = picture(script, "libjpeg")
        assert check(maker.make_progressive(made)).report.raw_bytes == 0


@pytest.mark.parametrize("slots", [(0, 0), (2, 3), (3, 1)])
def test_slots_of_tables(slots: tuple[int, int]) -> None:
    """Progressive pictures may use four tables of each class."""
    made = picture("steps", "libjpeg", 5)
    parts = [replace(part, dc=slots[0], ac=slots[1]) for part in made.parts]
    made = replace(made, parts=[*parts[:2], replace(parts[2], dc=1, ac=2)])
    for which, tables in TABLES.items():
        check(maker.make_progressive(made, tables(made)), full=which == "full")


def test_restart_intervals_that_change_between_scans() -> None:
    made = picture("steps", "libjpeg")
    intervals = [(0, 3, 17, 1, 0, 0, 100)[n % 7] for n in range(len(made.scans))]
    jpeg = maker.make_progressive(replace(made, restart=intervals))
    assert_says(jpeg, made)
    check(jpeg)


@pytest.mark.parametrize("restart", [0, 6])
def test_codes_that_say_the_same(restart: int) -> None:
    """A table may give a symbol several codes; this encoder takes the last one."""
    made = picture("steps", "libjpeg", restart)
    jpeg = maker.make_progressive(made, maker.tight(made, full=True), last_codes=True)
    assert jpeg != maker.make_progressive(made, maker.tight(made, full=True))
    assert_says(jpeg, made)
    check(jpeg)


@pytest.mark.parametrize("restart", [0, 6])
def test_fill_bytes_before_markers(restart: int) -> None:
    jpeg = maker.make_progressive(picture("steps", "libjpeg", restart), fill=2, behind=b"tail")
    check(jpeg)


@pytest.mark.parametrize("restart", [0, 6])
def test_bytes_behind_the_last_block(restart: int) -> None:
    jpeg = maker.make_progressive(picture("simple", "libjpeg", restart), left_over=b"\x12\xff\x34")
    result = jr.redact(jpeg, BOXES)
    assert jr.restore(result.jpeg, result.diff) == jpeg


def test_a_scan_said_twice() -> None:
    """Redundant scans: DC and a band once more, the same values."""
    made = picture("simple", "libjpeg")
    scans = [*made.scans, Band((0, 1, 2)), Band((0,), 1, 63)]
    jpeg = maker.make_progressive(replace(made, scans=scans))
    old = structure.read(jpeg)
    result = jr.redact(jpeg, BOXES)
    new = structure.read(result.jpeg)
    structure.assert_untouched(old, new, BOXES, result.report)
    structure.assert_gone(old, new, BOXES)
    structure.assert_smooth(new, BOXES, result.report)
    structure.assert_every_scan(old, new, BOXES)
    assert jr.restore(result.jpeg, result.diff) == jpeg


def test_a_long_run_over_everything() -> None:
    """One EOB run goes through all blocks, in front of the region, inside and behind it."""
    parts = pairs.photo(200, 160, pairs.GREY)
    quiet = pairs.with_inside(parts, {(0, r, c) for r in range(20) for c in range(25)}, "flat")
    quiet[0].blocks[7, 9, 5] = 3
    made = Picture(200, 160, quiet, maker.steps(1))
    for tables in (maker.every_symbol(made), maker.tight(made), maker.tight(made, full=True)):
        jpeg = maker.make_progressive(made, tables)
        assert_says(jpeg, made)
        check(jpeg, [(64, 48, 90, 70), (150, 100, 200, 160), (60, 60, 80, 80)])


def test_more_correction_bits_than_libjpeg_holds() -> None:
    """An EOB run ends before its correction bits are more than 937."""
    parts = pairs.photo(160, 96, pairs.GREY)
    places = {(0, row, column) for row in range(12) for column in range(20)}
    parts = pairs.with_inside(parts, places, "corrections")
    parts[0].blocks[5, 11, 1:] = 0
    made = Picture(160, 96, parts, maker.steps(1))
    for style in (Style(), Style(held=500), Style(held=1500)):
        jpeg = maker.make_progressive(replace(made, style=style))
        assert_says(jpeg, made)
        result = check(jpeg, [(30, 20, 60, 40), (50, 30, 90, 60), (150, 90, 160, 96)])
        assert (result.report.raw_bytes == 0) == (style == Style())


def test_runs_longer_than_any_symbol_says() -> None:
    """32,767 blocks are the most that one EOB run can be."""
    width, height = 8 * 260, 8 * 255
    blocks = np.zeros((255, 260, 64), int)
    blocks[:, :, 0] = np.arange(260) % 50
    blocks[100, 100, 1:20] = 2
    made = Picture(width, height, [Part(blocks)], maker.simple(1))
    jpeg = maker.make_progressive(made)
    check(jpeg, [(800, 800, 830, 820), (1000, 1008, 1100, 1030), (0, 0, 9, 9)])


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Draw an encoder."""
    return Style(
        draw(st.sampled_from((1, 2, 3, 4, 7, 8, 0x7FFF))),
        draw(st.sampled_from((frozenset(), CUTS))),
        draw(st.booleans()),
        draw(st.sampled_from((0, 3, 30, 200, 937))),
        draw(st.integers(0, 1)),
    )


@given(st.data())
@quick(30)
def test_anything(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 60))
    factors = data.draw(st.sampled_from((
        pairs.GREY, pairs.PLAIN, pairs.HALVED, ((1, 1), (2, 2)), ((4, 1), (1, 1), (1, 1)),
    )))  # fmt: skip
    seed = data.draw(st.integers(0, 99))
    parts: Sequence[Part] = random_parts(width, height, factors, seed)
    if data.draw(st.booleans()):
        parts = pairs.photo(width, height, factors, seed)
    script = maker.shuffled(len(factors), data.draw(st.integers(0, 999)))
    made = Picture(
        width, height, parts, script, data.draw(st.sampled_from((0, 0, 1, 4, 11))),
        data.draw(styles()),
    )  # fmt: skip
    which = data.draw(st.sampled_from(list(TABLES)))
    jpeg = maker.make_progressive(made, TABLES[which](made))
    assert_says(jpeg, made)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    wide, high = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 50))
    boxes = [(x, y, x + wide, y + high), (0, y, x + 1, y + 1)]
    method = data.draw(st.sampled_from(("inpaint", "fill", "pixelate")))
    if which != "full" or not refused(jpeg, boxes, method):
        check(jpeg, boxes, method, which == "full")
