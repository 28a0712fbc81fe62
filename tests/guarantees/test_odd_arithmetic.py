"""G1 to G4 on arithmetic-coded files that jpegtran does not write: conditioning, other endings.

They come from the tests' own encoder; jpegio must read them as what went in, and
with libjpeg's ways it writes jpegtran's very bytes.
"""

from __future__ import annotations

from functools import cache

import arithmetic_maker as maker
import jpegmaker12
import pytest
import variants
from arithmetic_maker import Ending
from hypothesis import given
from hypothesis import strategies as st
from jpegmaker import make_jpeg, random_parts
from progressive_maker import Band, Picture, crossed, shuffled, simple, steps

import jpegredact as jr

from . import helpers, pairs, structure
from .helpers import quick
from .test_g2_processes import BOXES, HEIGHT, WIDTH, assert_gone
from .test_odd_encoders import assert_says

SCRIPTS = {
    "sequential": lambda count: [Band(tuple(range(count)), 0, 63)],
    "apart": lambda count: [Band((k,), 0, 63) for k in range(count)],
    "simple": simple,
    "steps": steps,
    "crossed": crossed,
}
CONDITIONINGS = {
    "defaults": {},
    "defaults, said": {0x00: 0x10, 0x01: 0x10, 0x10: 5, 0x11: 5},
    "others": {0x00: 0x31, 0x01: 0x52, 0x10: 9, 0x11: 63},
    "extreme": {0x00: 0xFF, 0x01: 0xF0, 0x10: 1, 0x11: 63},
}
ENDINGS = {
    "libjpeg": Ending(),
    "lower end": Ending(clear=False),
    "zeros kept": Ending(discard=False),
    "lower end, zeros kept": Ending(clear=False, discard=False),
    "zeros behind": Ending(extra=b"\0\0\0"),
    "bytes behind": Ending(discard=False, extra=b"\x12\xff\x34"),
}


@cache
def picture(script: str, restart: int = 0, factors=pairs.HALVED) -> Picture:
    """Return the photo in a script."""
    parts = pairs.photo(WIDTH, HEIGHT, factors)
    return Picture(WIDTH, HEIGHT, parts, SCRIPTS[script](len(parts)), restart)


def check(jpeg: bytes, boxes=BOXES, method: str = "inpaint") -> jr.Redaction:
    """Assert G1 scan by scan, G3 and G4."""
    old = structure.read(jpeg)
    result = jr.redact(jpeg, boxes, method=method)
    new = structure.read(result.jpeg)
    structure.assert_untouched(old, new, boxes, result.report)
    structure.assert_gone(old, new, boxes)
    structure.assert_smooth(new, boxes, result.report)
    structure.assert_every_scan(old, new, boxes)
    helpers.assert_opens_like(jpeg, result.jpeg)
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
    first = jr.restore(result.jpeg, result.diff, regions=[0])
    other = jr.restore(result.jpeg, result.diff, regions=list(range(1, len(boxes))))
    assert jr.restore(first, result.diff) == jr.restore(other, result.diff) == jpeg
    return result


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_conditioning(script: str, conditioning: str) -> None:
    made = picture(script, len(conditioning) % 2 * 5)
    jpeg = maker.make_arithmetic(made, CONDITIONINGS[conditioning])
    assert_says(jpeg, made)
    assert check(jpeg).report.raw_bytes == 0


def test_the_conditionings_differ() -> None:
    made = {
        name: maker.make_arithmetic(picture("sequential"), values)
        for name, values in CONDITIONINGS.items()
    }
    coded = {name: structure.read(jpeg) for name, jpeg in made.items()}
    scans = {s.data[s.scans[0].start : s.scans[0].end] for s in coded.values()}
    assert len(scans) == len(CONDITIONINGS) - 1  # the defaults, said or not


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_endings(script: str, ending: str) -> None:
    made = picture(script, len(script + ending) % 2 * 4)
    jpeg = maker.make_arithmetic(made, ending=ENDINGS[ending])
    assert_says(jpeg, made)
    check(jpeg)


@variants.needs_programs
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_encoder_is_like_libjpeg(script: str) -> None:
    made = picture(script, 3, pairs.GREY)
    lines = " ".join(
        f"{','.join(map(str, s.components))}: {s.first}-{s.last}, {s.high}, {s.low};"
        for s in made.scans
    )
    plain = make_jpeg(WIDTH, HEIGHT, made.parts)
    theirs = variants.by_jpegtran(
        plain, "-arithmetic", "-restart", "3B", scans="" if script in ("sequential", "apart")
        else lines,
    )  # fmt: skip
    ours = maker.make_arithmetic(made)
    for one, two in zip(structure.read(ours).scans, structure.read(theirs).scans, strict=True):
        assert ours[one.start : one.end] == theirs[two.start : two.end]


@pytest.mark.parametrize("conditioning", ["others", "extreme"])
@pytest.mark.parametrize("kind", ["busy", "empty", "loud"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_g2_with_conditioning(script: str, kind: str, conditioning: str) -> None:
    made = picture(script, 6)
    places = pairs.touched(WIDTH, HEIGHT, made.parts, BOXES)
    other = Picture(
        WIDTH, HEIGHT, pairs.with_inside(made.parts, places, kind), made.scans, made.restart
    )
    one, two = (
        maker.make_arithmetic(said, CONDITIONINGS[conditioning]) for said in (made, other)
    )
    assert_gone(one, two)


@pytest.mark.parametrize("ending", list(ENDINGS)[1:])
@pytest.mark.parametrize("script", SCRIPTS)
def test_g2_whatever_the_ending(script: str, ending: str) -> None:
    made = picture(script, 7)
    one = maker.make_arithmetic(made)
    two = maker.make_arithmetic(made, ending=ENDINGS[ending])
    if one != two:
        assert_gone(one, two, [(0, 0, WIDTH, HEIGHT)])
    else:
        assert ending == "zeros kept"


@pytest.mark.parametrize("script", SCRIPTS)
def test_twelve_bits(script: str) -> None:
    parts = tuple(jpegmaker12.random_parts_12(WIDTH, HEIGHT, pairs.HALVED))
    made = Picture(WIDTH, HEIGHT, parts, SCRIPTS[script](3), 5)
    jpeg = maker.make_arithmetic(made, CONDITIONINGS["others"], precision=12)
    assert_says(jpeg, made)
    old, result = structure.read(jpeg), jr.redact(jpeg, BOXES)
    structure.assert_untouched(old, structure.read(result.jpeg), BOXES, result.report)
    structure.assert_parts(old, result, BOXES)


@given(st.data())
@quick(25)
def test_anything(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 60))
    factors = data.draw(st.sampled_from((
        pairs.GREY, pairs.PLAIN, pairs.HALVED, ((1, 1), (2, 2)), ((4, 1), (1, 1), (1, 1)),
    )))  # fmt: skip
    seed = data.draw(st.integers(0, 99))
    make = random_parts if data.draw(st.booleans()) else pairs.photo
    parts = make(width, height, factors, seed)
    count = len(factors)
    script = data.draw(st.sampled_from((
        SCRIPTS["sequential"](count), SCRIPTS["apart"](count),
        shuffled(count, data.draw(st.integers(0, 999))),
    )))  # fmt: skip
    made = Picture(width, height, parts, script, data.draw(st.sampled_from((0, 0, 1, 4, 11))))
    jpeg = maker.make_arithmetic(
        made, data.draw(st.sampled_from(list(CONDITIONINGS.values()))),
        ending=data.draw(st.sampled_from(list(ENDINGS.values()))),
    )  # fmt: skip
    assert_says(jpeg, made)
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    wide, high = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 50))
    boxes = [(x, y, x + wide, y + high), (0, y, x + 1, y + 1)]
    check(jpeg, boxes, data.draw(st.sampled_from(("inpaint", "fill", "pixelate"))))
