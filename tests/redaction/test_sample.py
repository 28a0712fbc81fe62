"""The sample of a whole diff, made anew over jpegio's coefficients as diff-format.md says."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import variants
from guarantees import helpers, structure
from hypothesis import given, settings
from hypothesis import strategies as st
from small_files import covers, sampled
from variants import OF_EACH_KIND, by_cjpeg, by_jpegtran

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg

pytestmark = variants.needs_programs

PICTURES = {**OF_EACH_KIND, "progressive restarts": ("-progressive", "-restart", "2")}
FACTORS = {
    "2x2": (2, 1, 1), "1x1": (1, 1, 1), "restarts": (1, 1, 1), "grey": (1,),
    "progressive": (2, 1, 1), "arithmetic": (2, 1, 1),
}  # fmt: skip
"""Down, by component."""
SIZES = ((122, 93), (900, 700))
ZIGZAG = [
    8 * y + x
    for y, x in sorted(
        product(range(8), range(8)),
        key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]),
    )
]


@cache
def made(name: str, size: tuple[int, int] = SIZES[0]) -> bytes:
    return by_cjpeg(variants.photo(*size), *PICTURES[name])


def symbols(block: np.ndarray) -> list[int]:
    """Return a block's symbols as numbers; ``block`` is in zigzag order."""
    found = [int(block[0]) + 32768]
    zeros = 0
    for value in map(int, block[1:]):
        if not value:
            zeros += 1
            continue
        found += [0xF0] * (zeros // 16)
        size = abs(value).bit_length()
        extra = value if value > 0 else value + (1 << size) - 1
        found.append(extra << 8 | zeros % 16 << 4 | size)
        zeros = 0
    return found + [0] * (zeros > 0)


def sample(jpeg: bytes, cover: list[np.ndarray], rows: int) -> tuple[int, int]:
    """Return the checksum of the sample, and how many blocks are in it."""
    found, count = 0x811C9DC5, 0
    masks = sampled(structure.read(jpeg), cover, rows)
    for plane, mask in zip(helpers.coefficients(jpeg), masks, strict=True):
        for y, x in zip(*np.nonzero(mask), strict=True):
            count += 1
            for number in symbols(plane[y, x][ZIGZAG]):
                found = (found ^ number) * 0x01000193 % (1 << 32)
    return found, count


@st.composite
def boxes(draw: st.DrawFn, size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    x, y = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    return x, y, draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height))


def bottom(cells: np.ndarray) -> int:
    """Return the last row of a component that a box touches."""
    return int(np.nonzero(cells)[0].max())


def check(name: str, size: tuple[int, int], chosen: list) -> None:
    jpeg = made(name, size)
    result = jr.redact(jpeg, chosen)
    cover = covers(structure.read(jpeg), chosen)
    known = result.diff.document.file.sample
    if name == "progressive restarts":
        assert known is None
        return
    if name in ("progressive", "arithmetic"):  # rows above the last touched ones
        rows = min(bottom(cells) // v for cells, v in zip(cover, FACTORS[name], strict=True))
    else:
        rows = -(-size[1] // (8 * FACTORS[name][0]))
    if known is None:
        assert rows == 0 or not sample(jpeg, cover, rows)[1]
        return
    assert known == (rows, sample(jpeg, cover, rows)[0])
    for arguments in (("-optimize",), ("-progressive",), ("-restart", "1"), ("-arithmetic",)):
        again = by_jpegtran(result.jpeg, *arguments)
        back = jr.restore(again, result.diff, allow_modified=True)
        assert not helpers.changed_blocks(jpeg, back)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_records_hold_the_sample(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PICTURES)))
    size = data.draw(st.sampled_from(SIZES))
    check(name, size, data.draw(st.lists(boxes(size), min_size=1, max_size=3)))


@pytest.mark.parametrize("name", sorted(set(PICTURES) - {"progressive restarts"}))
def test_a_coefficient_elsewhere_makes_it_another_picture(name: str) -> None:
    """One that is neither in the region nor beside it; but regions that are named come back."""
    jpeg = made(name)
    result = jr.redact(jpeg, [(64, 72, 96, 88)])
    other = jr.redact(result.jpeg, [(8, 8, 16, 16)])
    with pytest.raises(jr.DiffMismatchError) as caught:
        jr.restore(other.jpeg, result.diff, allow_modified=True)
    assert caught.value.code == "diff.pixels"
    back = jr.restore(other.jpeg, result.diff, regions=[0], allow_modified=True)
    changed = helpers.changed_blocks(jpeg, back)
    assert changed
    assert changed == helpers.changed_blocks(result.jpeg, other.jpeg)


def test_without_the_flag_it_is_said_too() -> None:
    result = jr.redact(made("2x2"), [(64, 72, 96, 88)])
    other = jr.redact(result.jpeg, [(8, 8, 16, 16)])
    with pytest.raises(jr.DiffMismatchError) as caught:
        jr.restore(other.jpeg, result.diff)
    assert caught.value.code == "diff.pixels"
    assert "redacted again" in caught.value.hint
    assert "--allow-modified" in caught.value.hint


def test_a_damaged_interval_costs_the_sample_not_the_fill() -> None:
    """An interval that is only looked into is read no further than the fill wants it.

    Damage behind that must not take the blocks beside a region away.
    """
    jpeg = by_cjpeg(variants.photo(*SIZES[1]), "-sample", "2x2", "-restart", "1")
    box = [(64, 320, 128, 352)]  # row 19 of MCUs, above it, is a strip of the sample
    whole = jr.redact(jpeg, box).diff.document
    assert whole.file.sample is not None
    restarts = read_jpeg(jpeg).scans[0].restarts
    seen = 0
    for at in range((restarts[18] + restarts[19]) // 2, restarts[19] - 2):
        damaged = jpeg[:at] + bytes([jpeg[at] ^ 0x5A]) + jpeg[at + 1 :]
        try:
            result = jr.redact(damaged, box)
        except jr.JpegRedactError:
            continue  # the marker of an interval that is not
        assert jr.restore(result.jpeg, result.diff) == damaged
        assert result.diff.document.groups[0].lacking == whole.groups[0].lacking == ()
        seen += result.diff.document.file.sample is None
    assert seen > 3
