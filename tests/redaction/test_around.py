"""What lies beside a group, compared with a plain search for it over jpegio's coefficients."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pytest
import variants
from guarantees import helpers, structure
from hypothesis import given, settings
from hypothesis import strategies as st
from small_files import bits, covers
from variants import OF_EACH_KIND, by_cjpeg, by_jpegtran

import jpegredact as jr

pytestmark = variants.needs_programs


@cache
def made(name: str) -> bytes:
    return by_cjpeg(variants.photo(), *OF_EACH_KIND[name])


def beside(jpeg: bytes, cover: list[np.ndarray], group: int) -> tuple[bytes, tuple[int, ...]]:
    """Return the DC values beside a group, and the numbers of those that lie in another."""
    values = b""
    others = []
    for cells, plane in zip(cover, helpers.coefficients(jpeg), strict=True):
        own = np.pad(cells == group, 1)
        near = own[:-2, 1:-1] | own[2:, 1:-1] | own[1:-1, :-2] | own[1:-1, 2:]
        for y, x in zip(*np.nonzero(near & (cells != group)), strict=True):
            value = int(plane[y, x].flat[0])
            if cells[y, x]:
                others.append(len(values) // 2)
                value = 0
            values += value.to_bytes(2, "little", signed=True)
    return values, tuple(others)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    x, y = draw(st.integers(0, 120)), draw(st.integers(0, 90))
    return x, y, draw(st.integers(x + 1, 122)), draw(st.integers(y + 1, 93))


@given(st.sampled_from(sorted(OF_EACH_KIND)), st.lists(boxes(), min_size=1, max_size=3))
@settings(max_examples=120, deadline=None)
def test_records_say_what_is_beside(name: str, chosen: list) -> None:
    jpeg = made(name)
    result = jr.redact(jpeg, chosen)
    cover = covers(structure.read(jpeg), chosen)
    for record in result.diff.document.groups:
        values, others = beside(result.jpeg, cover, bits(record.regions))
        assert record.around == hashlib.sha256(values).digest()[:8]
        assert record.lacking == others


def test_one_block_beside_makes_it_another_picture() -> None:
    """Above, below, left and right of the region; the blocks at its corners don't count."""
    jpeg = made("grey")
    result = jr.redact(jpeg, [(40, 40, 64, 56)])
    for x, y, counts in [
        (40, 32, True), (56, 32, True), (48, 56, True), (32, 40, True), (64, 48, True),
        (32, 32, False), (64, 56, False), (48, 24, False), (80, 48, False),
    ]:  # fmt: skip
        changed = jr.redact(result.jpeg, [(x, y, x + 8, y + 8)], method="fill").jpeg
        assert helpers.changed_blocks(result.jpeg, changed) == {(0, y // 8, x // 8)}
        if counts:
            with pytest.raises(jr.DiffMismatchError) as caught:
                jr.restore(changed, result.diff, allow_modified=True)
            assert caught.value.code == "diff.pixels"
            continue
        back = jr.restore(changed, result.diff, regions=[0], allow_modified=True)
        assert helpers.changed_blocks(jpeg, back) == {(0, y // 8, x // 8)}


def test_a_part_leaves_out_what_others_revealed() -> None:
    """Two regions side by side: who holds one does not know of the other."""
    jpeg = made("2x2")
    result = jr.redact(jpeg, [(32, 32, 64, 64), (64, 32, 96, 64)])
    right = jr.restore(
        by_jpegtran(result.jpeg, "-optimize"), result.diff, regions=[1],
        allow_modified=True,
    )  # fmt: skip
    both = jr.restore(right, result.diff.extract([0]), allow_modified=True)
    assert not helpers.changed_blocks(jpeg, both)
