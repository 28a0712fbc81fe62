"""G1: every block outside the regions keeps its coefficients, and its bits; headers keep theirs.

Which blocks a region touches is worked out here from the words of the design,
the bits by the tests' own reader, and the coefficients again by jpegio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jpegredact as jr

from . import helpers, huffreader
from .helpers import METHODS, quick


@dataclass(frozen=True)
class Checker:
    """A user's own method: a chequered fill with AC coefficients."""

    name: str = "chequered"
    content_free: bool = True

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        """Give each block a few AC coefficients, and a DC value that jumps."""
        out = np.zeros((canvas.rows, canvas.columns, 64), np.int16)
        out[:, :, 0] = 40
        out[::2, ::2, 0] = -40
        out[:, :, 1] = 3
        out[:, :, 30] = -1
        out[1::2, :, 63] = 2
        return out


ALL_METHODS = (*METHODS, Checker())


def assert_untouched(before: bytes, after: bytes, boxes, margin, report: jr.Report) -> None:
    """Assert G1, all of it."""
    old, new = huffreader.read(before), huffreader.read(after)
    touched = helpers.touched_by_all(old, boxes, margin)
    assert helpers.changed_blocks(before, after) <= touched
    padded = helpers.whole_mcus(before), helpers.whole_mcus(after)
    if padded[0] is not None:
        assert helpers.changed_blocks(*padded) <= touched
    assert_headers(old, new, report)
    assert [len(s.intervals) for s in old.scans] == [len(s.intervals) for s in new.scans]
    for one, two in zip(old.scans, new.scans, strict=True):
        for was, now in zip(one.intervals, two.intervals, strict=True):
            assert_interval(before, after, was, now, touched)


def assert_interval(before, after, was, now, touched) -> None:
    """Assert that an interval keeps its untouched blocks' bits."""
    old, new = before[was.start : was.end], after[now.start : now.end]
    first = next((b for b in was.blocks if b.place in touched), None)
    if first is None:
        assert old == new
        return
    assert [b.place for b in was.blocks] == [b.place for b in now.blocks]
    kept = first.start >> 3
    length = was.raw[kept] - was.start if kept < len(was.raw) else len(old)
    assert old[:length] == new[:length]
    run_before = dict.fromkeys({block.component for block in was.blocks}, False)
    for a, b in zip(was.blocks, now.blocks, strict=True):
        if a.place in touched:
            run_before[a.component] = True
            continue
        assert a.coefficients == b.coefficients
        assert was.bits(a.dc_end, a.end) == now.bits(b.dc_end, b.end)
        if not run_before[a.component]:
            assert was.bits(a.start, a.end) == now.bits(b.start, b.end)
        run_before[a.component] = False
    count, padding = now.padding
    assert padding == (1 << count) - 1
    assert not now.left_over
    assert new == now.data.replace(b"\xff", b"\xff\x00")


def assert_headers(old: huffreader.Picture, new: huffreader.Picture, report: jr.Report) -> None:
    """Assert that all bytes outside the scans are the same, but for the tables in the report."""
    appended = {offset: bytes(symbols) for offset, _, symbols in report.tables_appended}
    assert set(appended) <= {table.offset for table in old.tables}
    assert unlisted(old, report, appended) == unlisted(new, report, appended, old)
    for was, now in zip(old.tables, new.tables, strict=True):
        assert now.symbols == was.symbols + appended.get(was.offset, b"")
        assert now.slot == was.slot
        for symbol, code in was.codes.items():
            assert now.codes[symbol] == code
        used = sum(n << (16 - length) for length, n in enumerate(now.counts, 1))
        assert used <= 65535 or not appended.get(was.offset), "the all-ones code was given away"
        assert len(now.symbols) == sum(now.counts) <= 256


def unlisted(
    picture: huffreader.Picture, report: jr.Report, appended: dict[int, bytes],
    original: huffreader.Picture | None = None,
) -> list[bytes]:  # fmt: skip
    """Return what is outside the scans, cut where the report says that something changed.

    Of a redacted picture where ``original`` is given: listed lengths are then the new ones.
    """
    changes = [(start, old, new) for start, old, new in report.header_changes]
    source = original or picture
    for code, start, end in source.segments:
        more = [t for t in source.tables if code == 0xC4 and start < t.offset < end]
        grown = sum(len(appended.get(t.offset, b"")) for t in more)
        if grown:
            changes.append((start, end - start, end - start + grown))
    coded = [(scan.start, scan.end - scan.start, None) for scan in source.scans]
    lengths = iter([scan.end - scan.start for scan in picture.scans])
    found, at, before = [], 0, 0
    for start, old, new in sorted([*changes, *coded], key=lambda change: change[:2]):
        found.append(picture.data[at : at + start - before])
        length = next(lengths) if new is None else new if original else old
        at += start - before + length
        before = start + old
    return [*found, picture.data[at:]]


@given(st.data())
@quick(70)
def test_blocks_and_bits_outside_stay(data: st.DataObject) -> None:
    jpeg = data.draw(helpers.pictures(130))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg)))
    margin = data.draw(st.sampled_from(helpers.MARGINS))
    method = data.draw(st.sampled_from(ALL_METHODS))
    result = jr.redact(jpeg, boxes, method=method, margin=margin)
    assert_untouched(jpeg, result.jpeg, boxes, margin, result.report)


@given(st.data())
@quick(25)
def test_other_readers_open_it_as_before(data: st.DataObject) -> None:
    jpeg = data.draw(helpers.pictures(200))
    boxes = data.draw(helpers.boxes_in(*helpers.size_of(jpeg)))
    result = jr.redact(jpeg, boxes, method=data.draw(st.sampled_from(ALL_METHODS)))
    helpers.assert_opens_like(jpeg, result.jpeg)
    assert jr.verify(jpeg, result.jpeg, result.diff).outside_changed == 0


@helpers.needs_cjpeg
@pytest.mark.parametrize("script", helpers.SCRIPTS)
@pytest.mark.parametrize("sampling", helpers.SAMPLINGS)
def test_every_sampling(sampling: str, script: str) -> None:
    arguments = ("-quality", "80", "-restart", "5B")
    if sampling == "fractional":
        jpeg = helpers.fractional(75, 61, 1, arguments)
    else:
        jpeg = helpers.by_cjpeg(75, 61, 1, (*arguments, "-sample", sampling), script)
    boxes = [(70, 3.5, 75, 9), (20, 30, 41, 61)]
    smooth = jr.redact(jpeg, boxes)
    assert_untouched(jpeg, smooth.jpeg, boxes, 0, smooth.report)
    result = jr.redact(jpeg, boxes, method="fill")  # which has no AC coefficients
    assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)
    old, new = huffreader.read(jpeg), huffreader.read(result.jpeg)
    touched = helpers.touched_by_all(old, boxes)
    bare = {b.place for _, b in new.blocks() if not any(b.coefficients[1:])}
    assert touched <= bare, "a touched block, hidden or not, still has AC coefficients"


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (7, 9), (8, 8), (17, 16)])
def test_small_and_narrow_pictures(size: tuple[int, int]) -> None:
    jpeg = helpers.by_pillow(*size, 5, quality=92, subsampling=2)
    boxes = [(0, 0, *size)]
    result = jr.redact(jpeg, boxes)
    assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)
    assert result.report.blocks == tuple(
        sum(1 for _, b in huffreader.read(jpeg).blocks() if b.component == c) for c in range(3)
    )


def test_the_check_can_fail() -> None:
    jpeg = helpers.by_pillow(64, 64, 5, quality=92)
    result = jr.redact(jpeg, [(0, 0, 40, 40)])
    with pytest.raises(AssertionError):
        assert_untouched(jpeg, result.jpeg, [(0, 0, 20, 20)], 0, result.report)


def test_a_region_touches_no_neighbour_by_its_edge() -> None:
    jpeg = helpers.by_pillow(64, 64, 5, quality=92, subsampling=0)
    assert jr.redact(jpeg, [(16, 16, 24, 24)]).report.blocks == (1, 1, 1)
    assert jr.redact(jpeg, [(16, 16, 24.001, 24)]).report.blocks == (2, 2, 2)
    assert jr.redact(jpeg, [(16, 15.999, 24, 24)]).report.blocks == (2, 2, 2)
    assert jr.redact(jpeg, [(16, 16, 24, 24)], margin=1).report.blocks == (9, 9, 9)
