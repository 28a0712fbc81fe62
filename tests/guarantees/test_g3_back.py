"""G3: `restore` gives the original byte for byte, for every file that `redact` accepts."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jpegredact as jr

from . import helpers, huffreader, quirks
from .helpers import METHODS, quick


def assert_back(jpeg: bytes, boxes, **options) -> jr.Redaction:
    """Redact, send both results through bytes, restore, compare; bound the diff's size."""
    result = jr.redact(jpeg, boxes, **options)
    assert result.jpeg != jpeg
    stored = result.diff.to_bytes()
    back = jr.restore(result.jpeg, stored)
    assert hashlib.sha256(back).hexdigest() == hashlib.sha256(jpeg).hexdigest()
    assert jr.restore(back, stored) == jpeg  # nothing left to do
    assert_small(jpeg, boxes, options.get("margin", 0), result)
    return result


def assert_small(jpeg: bytes, boxes, margin, result: jr.Redaction) -> None:
    """Assert the bound on the groups' records: 1.10 × the blocks' bits + 512 bytes a group."""
    picture = huffreader.read(jpeg)
    touched = helpers.touched_by_all(picture, boxes, margin)
    bits = sum(b.end - b.start for _, b in picture.blocks() if b.place in touched)
    groups = result.diff.document.groups
    held = sum(
        sum(map(len, g.blocks)) + len(g.shape) + sum(len(data) + 8 for _, _, data in g.odd) + 64
        for g in groups
    )
    assert held <= 1.10 * bits / 8 + 512 * len(groups)


@given(st.data())
@quick(60)
def test_the_original_comes_back(data: st.DataObject) -> None:
    jpeg = data.draw(helpers.pictures(130))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg)))
    margin = data.draw(st.sampled_from(helpers.MARGINS))
    method = data.draw(st.sampled_from((*METHODS, "fill:#ff0000")))
    result = jr.redact(jpeg, boxes, method=method, margin=margin)
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
    assert_small(jpeg, boxes, margin, result)


@given(st.data())
@quick(40)
def test_quirks_come_back(data: st.DataObject) -> None:
    jpeg = quirks.base(
        data.draw(st.sampled_from((0, 1, 3))), data.draw(st.integers(0, 50)),
        data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90)),
    )  # fmt: skip
    chosen = data.draw(st.lists(st.sampled_from(quirks.SIMPLE[:-1]), min_size=1, max_size=3))
    for quirk in sorted(set(chosen), key=quirks.SIMPLE.index):
        jpeg = quirk(jpeg)
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg)))
    result = jr.redact(jpeg, boxes, method=data.draw(st.sampled_from(METHODS)))
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("restart", [0, 4])
@pytest.mark.parametrize("quirk", quirks.SIMPLE, ids=lambda quirk: quirk.__name__)
def test_each_quirk(quirk, restart: int, method: str) -> None:
    plain = quirks.base(restart)
    jpeg = quirk(plain)
    assert jpeg != plain, "the quirk does nothing"
    assert_back(jpeg, [(30, 20, 50, 40), (70, 50, 72, 56), (0, 0, 4, 3)], method=method)


@helpers.needs_cjpeg
@pytest.mark.parametrize("script", [s for s in helpers.SCRIPTS if s])
def test_tables_defined_again_between_scans(script: str) -> None:
    for optimize in ((), ("-optimize",)):
        plain = helpers.by_cjpeg(70, 50, 3, ("-sample", "2x2", *optimize), script)
        jpeg = quirks.two_definitions(plain)
        assert_back(jpeg, [(0, 0, 30, 20), (60, 40, 70, 50)])
        assert_back(jpeg, [(0, 0, 70, 50)], method="fill:#ffff00")


def test_sixteen_bit_quantisation_tables() -> None:
    plain = helpers.by_pillow(40, 40, 3, quality=90)
    jpeg = plain
    for code, start, end in reversed(huffreader.segments(plain)[0]):
        if code == 0xDB:
            values = plain[start + 5 : end]
            wide = b"".join(value.to_bytes(2) for value in values)
            body = bytes([0x10 | plain[start + 4]]) + wide
            jpeg = jpeg[:start] + b"\xff\xdb" + (len(body) + 2).to_bytes(2) + body + jpeg[end:]
    for method in METHODS:
        assert_back(jpeg, [(5, 5, 20, 20)], method=method)


def test_redacting_twice_and_going_back_twice() -> None:
    jpeg = quirks.mixed_padding(quirks.base())
    first = jr.redact(jpeg, [(10, 10, 30, 30)])
    second = jr.redact(first.jpeg, [(20, 20, 50, 50), (0, 0, 9, 9)], method="fill")
    half = jr.restore(second.jpeg, second.diff, regions=[1])
    third = jr.redact(half, [(5, 40, 60, 56)], method="blur")
    assert jr.restore(third.jpeg, third.diff) == half
    assert jr.restore(half, second.diff) == first.jpeg
    assert jr.restore(first.jpeg, first.diff) == jpeg
    with pytest.raises(jr.DiffMismatchError):
        jr.restore(second.jpeg, first.diff)


def test_no_region_is_no_change() -> None:
    jpeg = quirks.base()
    result = jr.redact(jpeg, [])
    assert result.jpeg == jpeg
    assert result.diff is None


def test_the_same_input_gives_the_same_bytes() -> None:
    jpeg = quirks.byte_aligned_ending(quirks.base())
    for method in METHODS:
        one, two = (jr.redact(jpeg, [(10, 10, 30, 30)], method=method) for _ in range(2))
        assert one.jpeg == two.jpeg
        assert one.diff.to_bytes() == two.diff.to_bytes()
