"""G2: with a content-free method, two files that differ inside the regions only end up the same.

The pairs are made in the coefficient domain: by jpegio, and by the tests' own
writer where hidden padding blocks, padding bits and left-over bytes differ too.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import jpegio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jpegredact as jr

from . import helpers, huffreader, quirks
from .helpers import CONTENT_FREE, quick
from .huffreader import Style
from .test_g1_untouched import Checker

BOXES = [(13, 9, 40, 31), (30, 20, 50, 44), (60, 40, 72, 56)]


class Spy:
    """A user's content-free method that keeps all it is shown."""

    name = "spy"
    content_free = True

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bytes, object]] = []

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        """Return a fill made of everything there is to see."""
        dc, states = canvas.dc.tobytes(), canvas.states.tobytes()
        self.seen.append((dc, states, canvas.coefficients))
        out = np.zeros((canvas.rows, canvas.columns, 64), np.int64)
        out[:, :, 0] = sum(canvas.dc) % 50
        out[:, :, 5] = 1
        return out


def by_jpegio(jpeg: bytes, touched, seed: int) -> bytes:
    """Return the picture with new coefficients in the touched blocks, standard tables."""
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.jpg")
        path.write_bytes(jpeg)
        picture = jpegio.read(str(path))
        picture.optimize_coding = False
        for component, row, column in sorted(touched):
            plane = picture.coef_arrays[component]
            if row * 8 < plane.shape[0] and column * 8 < plane.shape[1]:
                block = random.integers(-40, 41, (8, 8)) * (random.random((8, 8)) < 0.4)
                plane[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = block
        out = Path(folder, "out.jpg")
        jpegio.write(picture, str(out))
        return out.read_bytes()


def by_writer(jpeg: bytes, touched, seed: int, standard: bool) -> bytes:
    """Return the picture with another inside, hidden blocks, padding and left-over bytes too.

    With ``standard`` tables the new blocks are random ones; else their AC
    coefficients are those of other blocks, which the tables can say for sure.
    """
    random = np.random.default_rng(seed)
    picture = huffreader.read(jpeg)
    pools: dict[int, list[list[int]]] = {}
    inside: set[int] = set()
    for number, interval in enumerate(i for scan in picture.scans for i in scan.intervals):
        for block in interval.blocks:
            pools.setdefault(block.component, []).append(block.coefficients)
            if block.place in touched:
                inside.add(number)

    def coefficients(block: huffreader.Block) -> list[int] | None:
        if block.place not in touched:
            return None
        if standard:
            found = random.integers(-200, 201, 64) * (random.random(64) < random.random())
            return [int(value) for value in found]
        pool = pools[block.component]
        return [block.coefficients[0], *pool[random.integers(len(pool))][1:]]

    def behind(number: int) -> bytes:
        if number not in inside or random.integers(3):
            return b""
        return (b"\xff\x00", b"\xff\xff", b"leaked\xff\x00")[random.integers(3)]

    def padding(number: int, count: int) -> int:
        ones = (1 << count) - 1
        return int(random.integers(0, ones + 1)) if number in inside else ones

    return fill_behind(
        huffreader.write(
            picture,
            Style(
                coefficients, padding, behind,
                lambda block: block.place in touched and random.random() < 0.3,
            ),
        ),
        touched, random,
    )  # fmt: skip


def fill_behind(jpeg: bytes, touched, random: np.random.Generator) -> bytes:
    """Put fill bytes before some stuffed bytes behind the first touched block of an interval."""
    places = []
    for scan in huffreader.read(jpeg).scans:
        for interval in scan.intervals:
            first = next((b for b in interval.blocks if b.place in touched), None)
            if first is not None and random.integers(2):
                for at in range((first.start >> 3) + 1, len(interval.data)):
                    if interval.data[at] == 0xFF:
                        places.append(interval.raw[at])
    for place in reversed(places):
        jpeg = jpeg[:place] + b"\xff" + jpeg[place:]
    return jpeg


def assert_gone(one: bytes, two: bytes, boxes, method, margin=0) -> None:
    """Assert that both files are redacted to the same bytes, and that their diffs say so."""
    assert one != two
    a = jr.redact(one, boxes, method=method, margin=margin)
    b = jr.redact(two, boxes, method=method, margin=margin)
    assert a.jpeg == b.jpeg
    assert a.diff.document.public == b.diff.document.public
    assert jr.restore(a.jpeg, a.diff.to_bytes()) == one
    assert jr.restore(a.jpeg, b.diff.to_bytes()) == two  # either diff fits the one file


@helpers.needs_cjpeg
@pytest.mark.parametrize("method", CONTENT_FREE)
@pytest.mark.parametrize("sampling", ["1x1", "2x1", "2x2", "1x2", "4x1", "2x2,2x1,1x2"])
def test_pairs_by_jpegio(sampling: str, method: str) -> None:
    jpeg = helpers.by_cjpeg(75, 59, 2, ("-sample", sampling, "-quality", "85", "-restart", "2"))
    touched = helpers.touched_by_all(huffreader.read(jpeg), BOXES)
    one, two = (by_jpegio(jpeg, touched, seed) for seed in (1, 2))
    changed = helpers.changed_blocks(one, two)
    assert changed
    assert changed <= touched
    assert_gone(one, two, BOXES, method)


@given(st.data())
@quick(50)
def test_pairs_by_the_tests_own_writer(data: st.DataObject) -> None:
    jpeg = data.draw(helpers.pictures(110))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg)))
    margin = data.draw(st.sampled_from(helpers.MARGINS))
    picture = huffreader.read(jpeg)
    touched = helpers.touched_by_all(picture, boxes, margin)
    standard = all(
        (t.counts, t.symbols) == huffreader.standard_tables()[t.slot] for t in picture.tables
    )
    one, two = (by_writer(jpeg, touched, seed, standard) for seed in (1, 2))
    if one != two:
        method = data.draw(st.sampled_from((*CONTENT_FREE, Checker())))
        assert_gone(one, two, boxes, method, margin)


@pytest.mark.parametrize("method", CONTENT_FREE)
@pytest.mark.parametrize("restart", [0, 1, 3])
@pytest.mark.parametrize(
    "quirk",
    [quirks.zero_padding, quirks.mixed_padding, quirks.byte_aligned_ending,
     quirks.fill_before_markers, quirks.zrl_before_eob],
    ids=lambda quirk: quirk.__name__,
)  # fmt: skip
def test_no_quirk_of_a_touched_interval_shows(quirk, restart: int, method: str) -> None:
    jpeg = quirks.base(restart)
    boxes = [(0, 0, 72, 56)]  # everything: then every quirk is inside
    assert_gone(jpeg, quirk(jpeg), boxes, method)


def test_hidden_padding_blocks_go() -> None:
    jpeg = quirks.base(0)
    picture = huffreader.read(jpeg)
    boxes = [(70, 54, 72, 56)]
    touched = helpers.touched_by_all(picture, boxes)
    hidden = {p for p in touched if p[1] >= picture.real(p[0])[0] or p[2] >= picture.real(p[0])[1]}
    assert hidden
    two = huffreader.write(
        picture, Style(lambda b: [99, *range(1, 64)] if b.place in hidden else None)
    )
    assert not helpers.changed_blocks(jpeg, two), "jpegio sees no hidden block"
    for method in CONTENT_FREE:
        assert_gone(jpeg, two, boxes, method)


def test_what_a_content_free_method_is_shown() -> None:
    jpeg = quirks.base()
    touched = helpers.touched_by_all(huffreader.read(jpeg), BOXES)
    spies = Spy(), Spy()
    outputs = [
        jr.redact(by_writer(jpeg, touched, seed, True), BOXES, method=spy).jpeg
        for seed, spy in zip((1, 2), spies, strict=True)
    ]
    assert outputs[0] == outputs[1]
    assert spies[0].seen == spies[1].seen
    assert all(coefficients is None for _, _, coefficients in spies[0].seen)
    for dc, states, _ in spies[0].seen:
        values = np.frombuffer(dc, np.int32)
        assert not values[np.frombuffer(states, np.uint8) != 1].any()


@pytest.mark.parametrize("method", ["pixelate", "blur"])
def test_the_test_can_fail(method: str) -> None:
    jpeg = quirks.base()
    touched = helpers.touched_by_all(huffreader.read(jpeg), BOXES)
    one, two = (by_jpegio(jpeg, touched, seed) for seed in (1, 2))
    assert jr.redact(one, BOXES, method=method).jpeg != jr.redact(two, BOXES, method=method).jpeg
