"""Findings of reviews: odd markers and headers, arithmetic intervals, far-apart boxes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

import arithmetic_maker
import numpy as np
import pictures
import progressive_maker as maker
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpegmaker import make_jpeg, random_parts, segment
from progressive_maker import Band, Picture, simple, steps
from variants import by_jpegtran

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.geometry import Box
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.redaction import render
from jpegredact.redaction.plan import make_plan

from . import helpers, pairs, structure
from .helpers import quick
from .test_findings import flat, within

WIDTH, HEIGHT = 96, 80
BOXES = [(9, 9, 40, 31), (30, 20, 60, 50)]
APART = [[0], [1], [2]]


@cache
def jpeg(kind: str, restart: int = 0) -> bytes:
    """Return the photo in a coding process."""
    parts = pairs.photo(WIDTH, HEIGHT, pairs.HALVED)
    if kind == "sequential":
        return make_jpeg(WIDTH, HEIGHT, parts, restart=restart)
    if kind == "sequential, apart":
        return make_jpeg(WIDTH, HEIGHT, parts, scans=APART, restart=restart)
    if kind == "arithmetic":
        made = Picture(WIDTH, HEIGHT, parts, [Band((0, 1, 2), 0, 63)], restart)
        return arithmetic_maker.make_arithmetic(made)
    made = Picture(WIDTH, HEIGHT, parts, steps(3), restart)
    if kind == "progressive":
        return maker.make_progressive(made)
    assert kind == "arithmetic progressive"
    return arithmetic_maker.make_arithmetic(made)


PROGRESSIVE = ("progressive", "arithmetic progressive")
PROCESSES = ("sequential", "sequential, apart", "arithmetic", *PROGRESSIVE)
SEVERAL = ("sequential, apart", *PROGRESSIVE)


def inside(data: bytes, scan: int) -> int:
    """Return a place in the middle of a scan's coded data, between two bytes of data."""
    found = structure.read(data).scans[scan]
    at = (found.start + found.end) // 2
    while 0xFF in data[at - 2 : at + 1]:
        at += 1
    return at


def behind(data: bytes, scan: int) -> int:
    """Return where a scan's coded data ends."""
    return structure.read(data).scans[scan].end


def put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at:]


# ---------------------------------------------------------------------------
# Markers that readers pass by
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("length", [b"\0\0", b"\0\1"])
@pytest.mark.parametrize("code", [0xE1, 0xED, 0xFE])
@pytest.mark.parametrize("kind", PROGRESSIVE)
def test_a_segment_without_length_behind_a_scan(kind: str, code: int, length: bytes) -> None:
    """The libjpeg library reads on behind it, so all scans behind it must be redacted too."""
    plain = jpeg(kind)
    odd = bytes([0xFF, code]) + length
    data = put(plain, behind(plain, 0), odd)
    assert len(jr.inspect(data).scans) == len(structure.read(plain).scans)
    done, expected = jr.redact(data, BOXES), jr.redact(plain, BOXES)
    assert done.jpeg == put(expected.jpeg, behind(expected.jpeg, 0), odd)
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == data
    assert jr.verify(data, done.jpeg, done.diff).ok


@pytest.mark.parametrize("length", [b"", b"\0\0", b"\x20\0"])
@pytest.mark.parametrize("code", [0x02, 0x3F, 0xBF])
@pytest.mark.parametrize("place", [inside, behind])
@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("kind", SEVERAL)
def test_a_reserved_marker_is_refused(
    kind: str, restart: int, place: Callable, code: int, length: bytes
) -> None:
    """Some readers go on behind it, some take what follows for its segment."""
    plain = jpeg(kind, restart)
    at = place(plain, 0)
    with pytest.raises(jr.InvalidJpegError) as caught:
        jr.redact(put(plain, at, bytes([0xFF, code]) + length), BOXES)
    assert (caught.value.code, caught.value.offset) == ("jpeg.reserved-marker", at)


@pytest.mark.parametrize("kind", SEVERAL)
def test_a_wrong_length_with_scans_behind_it_is_refused(kind: str) -> None:
    plain = jpeg(kind)
    at = behind(plain, 0)
    for code in (0xE1, 0xFE):
        with pytest.raises(jr.InvalidJpegError) as caught:
            jr.redact(put(plain, at, bytes([0xFF, code, 0xFF, 0xFF])), BOXES)
        assert caught.value.offset == at
        assert caught.value.code in ("jpeg.segment-length", "jpeg.truncated")


@pytest.mark.parametrize(
    "odd", [b"\xff\x3f\x20\0", b"\xff\xbf", b"\xff\xfe\xff\xff", b"\xff\xe1\0\0"]
)
def test_a_picture_of_one_scan_may_have_such_markers(odd: bytes) -> None:
    """What stands behind them can't be its data."""
    plain = jpeg("sequential")
    for at in (inside(plain, 0), behind(plain, 0)):
        data = put(plain, at, odd)
        done = jr.redact(data, [(0, 0, 20, 20)])
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == data
        assert odd[:2] in done.jpeg
    with pytest.raises(jr.InvalidJpegError) as caught:
        jr.redact(put(plain, inside(plain, 0), odd), [(0, 64, 20, 80)])
    assert caught.value.code == "jpeg.truncated"


# ---------------------------------------------------------------------------
# Bytes that belong to no interval
# ---------------------------------------------------------------------------

SECRET = b"SECRET \xff\0 SECRET"


def left_over(data: bytes, number: int, how: str) -> bytes:
    """Return coded data behind the last MCU of a scan, and the markers around it."""
    scan = structure.read(data).scans[number]
    count = len(re.findall(rb"\xff[\xd0-\xd7]", data[scan.start : scan.end]))
    marks = [bytes([0xFF, 0xD0 + (count + k) % 8]) for k in range(2)]
    if how == "the scan again":
        return marks[0] + data[scan.start : scan.end]
    return {
        "behind RST": marks[0] + SECRET,
        "behind TEM": b"\xff\x01" + SECRET,
        "between two RST": marks[0] + SECRET + marks[1],
        "behind two RST": marks[0] + marks[1] + SECRET,
    }[how]


HOW = ("the scan again", "behind RST", "behind TEM", "between two RST", "behind two RST")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("kind", PROCESSES)
def test_data_behind_the_last_block_goes(kind: str, restart: int, how: str) -> None:
    plain = jpeg(kind, restart)
    expected = jr.redact(plain, BOXES).jpeg
    scans = structure.read(plain).scans
    for number in sorted({0, len(scans) - 1}):
        scan = scans[number]
        odd = left_over(plain, number, how)
        marks = b"".join(re.findall(rb"\xff[^\0\xff]", odd))
        end = structure.read(expected).scans[number].end
        data = put(plain, scan.end, odd)
        done = jr.redact(data, BOXES)
        assert done.jpeg == put(expected, end, marks)
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == data
        assert done.report.raw_bytes >= len(odd) - len(marks)
        assert jr.verify(data, done.jpeg, done.diff).ok
        assert jr.verify(data, done.jpeg, boxes=BOXES).ok
        back = put(expected, end, odd)
        assert not jr.verify(data, back, done.diff).ok
        assert not jr.verify(data, back, boxes=BOXES).ok


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("kind", PROCESSES)
def test_what_such_data_holds_does_not_show(kind: str, restart: int) -> None:
    """The bytes are no part of the outside: with others there, nothing else changes."""
    plain = jpeg(kind, restart)
    end = behind(plain, 0)
    mark = left_over(plain, 0, "behind RST")[:2]
    made = [jr.redact(put(plain, end, mark + rest), BOXES) for rest in (b"", b"ab", SECRET)]
    assert len({done.jpeg for done in made}) == 1
    assert len({done.diff.document.public for done in made}) == 1
    assert made[0].jpeg == put(jr.redact(plain, BOXES).jpeg, behind(made[0].jpeg, 0) - 2, mark)
    assert made[0].report.raw_bytes == jr.redact(plain, BOXES).report.raw_bytes


# ---------------------------------------------------------------------------
# Arithmetic coding
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "restarts", [(0, 1, 3), (1, 0, 5), (3, 5, 1), (200, 1, 0), (5, 3, 200), (0, 0, 1), (1, 3, 0)]
)
def test_arithmetic_scans_of_other_restart_intervals(restarts: tuple[int, ...]) -> None:
    parts = random_parts(91, 70, pairs.GREY, seed=3)
    scans = [Band((0,)), Band((0,), 1, 63, 0, 1), Band((0,), 1, 63, 1, 0)]
    data = arithmetic_maker.make_arithmetic(Picture(91, 70, parts, scans, restarts))
    for boxes in ([(8, 8, 40, 30)], [(40, 0, 50, 70), (0, 60, 20, 70)]):
        done = jr.redact(data, boxes)
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == data
        old, new = structure.read(data), structure.read(done.jpeg)
        structure.assert_every_scan(old, new, boxes)
        structure.assert_gone(old, new, boxes)


@pytest.mark.parametrize("value", [0, 64, 255])
@pytest.mark.parametrize("kind", ["sequential", "progressive"])
def test_conditioning_that_libjpeg_takes(kind: str, value: int) -> None:
    """T.81 has Kx from 1 to 63 (B.2.4.3); libjpeg takes any."""
    scans = [Band((0,), 0, 63)] if kind == "sequential" else simple(1)
    made = Picture(64, 48, pairs.photo(64, 48, pairs.GREY), scans)
    plain = arithmetic_maker.make_arithmetic(made)
    data = arithmetic_maker.make_arithmetic(made, {0x10: value})
    assert structure.complaints(data) == structure.complaints(plain)
    done, expected = jr.redact(data, BOXES), jr.redact(plain, BOXES)
    assert not helpers.changed_blocks(expected.jpeg, done.jpeg)
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == data


def test_an_empty_dac_segment() -> None:
    plain = jpeg("arithmetic")
    empty, at = segment(0xCC, b""), structure.read(plain).frame
    done = jr.redact(put(plain, at, empty), BOXES)
    assert done.jpeg == put(jr.redact(plain, BOXES).jpeg, at, empty)


# ---------------------------------------------------------------------------
# Headers
# ---------------------------------------------------------------------------


def renamed(data: bytes, names: bytes) -> bytes:
    """Give the three components other identifiers."""
    out = bytearray(data)
    for code, start, _ in structure.read(data).segments:
        if 0xC0 <= code <= 0xCA and code not in (0xC4, 0xC8):
            out[start + 10 : start + 19 : 3] = names
        elif code == 0xDA:
            for at in range(start + 5, start + 5 + 2 * data[start + 4], 2):
                out[at] = names[data[at] - 1]
    return bytes(out)


@pytest.mark.parametrize("names", [b"\1\1\1", b"\1\1\2", b"\2\1\1", b"\0\0\xff"])
@pytest.mark.parametrize("kind", ["sequential", "arithmetic"])
def test_components_of_the_same_name(kind: str, names: bytes) -> None:
    """In the order of the frame, each takes the next component of its name."""
    plain = jpeg(kind)
    data = renamed(plain, names)
    assert not helpers.changed_blocks(plain, data)
    done, expected = jr.redact(data, BOXES), jr.redact(plain, BOXES)
    assert done.jpeg == renamed(expected.jpeg, names)
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == data


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 0)])
def test_scans_out_of_the_order_of_the_frame(order: tuple[int, ...]) -> None:
    """T.81 B.2.3 asks for that order, and libjpeg insists; others read them, and there are some."""
    parts = pairs.photo(64, 48, pairs.HALVED)
    rest = [(k,) for k in range(3) if k not in order]
    bands = [Band(order), *map(Band, rest), *(Band((k,), 1, 63) for k in range(3))]
    made = Picture(64, 48, parts, bands)
    sequential = Picture(64, 48, parts, [Band(o, 0, 63) for o in (order, *rest)])
    for data in (
        make_jpeg(64, 48, parts, scans=[order, *rest]),
        maker.make_progressive(made),
        arithmetic_maker.make_arithmetic(made),
        arithmetic_maker.make_arithmetic(sequential),
    ):
        done = jr.redact(data, [(8, 8, 20, 20)])
        assert jr.inspect(done.jpeg).scans[0].components[0].index == order[0]
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == data


def test_four_components_that_adobe_transformed() -> None:
    """Transform 2 is YCCK; libjpeg takes 1 for it, too."""
    cmyk = pictures.pillow_jpeg(pictures.photo(64, 48), "CMYK")
    marks = [b"Adobe\0\x64\0\0\0\0" + bytes([n]) for n in range(3)]
    files = [cmyk.replace(marks[0], mark) for mark in marks]
    assert [jr.inspect(data).colour for data in files] == ["CMYK", "YCCK", "YCCK"]
    plain, one, two = (jr.redact(data, BOXES, method="fill:#20c0f0").jpeg for data in files)
    assert one.replace(marks[1], marks[2]) == two
    assert plain.replace(marks[0], marks[2]) != two


def test_huffman_tables_have_a_limit() -> None:
    data = flat(3, 3)
    table = next(data[a:b] for code, a, b in structure.read(data).segments if code == 0xC4)
    at = structure.read(data).scans[0].start - 10  # where the scan header begins
    assert data[at : at + 2] == b"\xff\xda"
    count = len(jr.inspect(data).tables)
    jr.redact(data, [(0, 0, 8, 8)], limits=jr.Limits(max_tables=count))
    many = put(data, at, table * 5)
    jr.redact(many, [(0, 0, 8, 8)], limits=jr.Limits(max_tables=count + 5))
    for call in (jr.inspect, lambda jpeg, limits: jr.redact(jpeg, BOXES, limits=limits)):
        with pytest.raises(jr.LimitExceededError) as caught:
            call(many, limits=jr.Limits(max_tables=count + 2))
        assert caught.value.code == "limit.tables"
        assert at + 2 * len(table) < caught.value.offset < at + 3 * len(table)


def test_twelve_thousand_tables_are_quickly_refused() -> None:
    data = flat(3, 3)
    at = structure.read(data).scans[0].start - 10
    many = segment(0xC4, (b"\0" + bytes(16)) * 3800)
    with within(2), pytest.raises(jr.LimitExceededError) as caught:
        jr.redact(put(data, at, 4 * many), [(0, 0, 8, 8)])
    assert caught.value.code == "limit.tables"


@pytest.mark.parametrize("front", [b"\0", b"\0\0\r\n", b"\xff" * 3, b"\0" * 1000])
def test_bytes_in_front_of_the_picture(front: bytes) -> None:
    data = flat(3, 3)
    with pytest.raises(jr.InvalidJpegError) as caught:
        jr.redact(front + data, [(0, 0, 8, 8)])
    assert (caught.value.code, caught.value.offset) == ("jpeg.no-soi", 0)
    assert re.search(rf"\b{len(front)}\b", caught.value.hint)


# ---------------------------------------------------------------------------
# Boxes that are far apart: each is rendered in a window of its own
# ---------------------------------------------------------------------------

SIDE = 1200
FAR = [(40, 56, 90, 100), (1010, 1100, 1100, 1195), (1000, 20, 1100, 60)]


@lru_cache(maxsize=4)
def large(kind: str) -> bytes:
    """Return a picture of 150 x 150 luma blocks, and more than one of its tables."""
    small = pictures.photo(SIDE // 4, SIDE // 4)
    pixels = np.kron(small, np.ones((4, 4, 1), np.uint8))
    options = {"progressive": True} if kind == "progressive" else {}
    return pictures.pillow_jpeg(pixels, quality=80, **options)


class Halved:
    """A method that looks at all coefficients, and keeps something of each."""

    name = "halved"
    content_free = False

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        """Return half of each coefficient, and a little of the DC values around."""
        assert canvas.coefficients is not None
        self.shapes.append((canvas.rows, canvas.columns))
        found = canvas.coefficients() // 2
        found[:, :, 0] = np.array(canvas.dc).reshape(canvas.rows, canvas.columns) // 2
        assert found.shape == (canvas.rows, canvas.columns, 64)
        assert canvas.areas().shape == (canvas.rows, canvas.columns)
        return found


@pytest.mark.parametrize("kind", ["sequential", "progressive"])
@pytest.mark.parametrize("method", ["inpaint", "fill:#20c0f0", "pixelate", "blur", Halved()])
def test_windows_make_no_difference(
    kind: str, method: str | jr.Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = large(kind)
    apart = jr.redact(data, FAR, method=method)
    monkeypatch.setattr(render, "_WORTH_A_WINDOW", 1 << 40)
    together = jr.redact(data, FAR, method=method)
    assert apart.jpeg == together.jpeg
    assert apart.diff.to_bytes() == together.diff.to_bytes()
    assert jr.restore(apart.jpeg, apart.diff) == data


@pytest.mark.parametrize("method", ["inpaint", "fill:#20c0f0", "pixelate", "blur", Halved()])
def test_far_boxes_one_after_the_other(method: str | jr.Method) -> None:
    data = large("sequential")
    for box in FAR:
        data = jr.redact(data, [box], method=method).jpeg
    assert data == jr.redact(large("sequential"), FAR, method=method).jpeg


def test_a_method_sees_no_more_than_the_windows() -> None:
    method = Halved()
    jr.redact(large("sequential"), FAR, method=method)
    assert len(method.shapes) >= 6
    assert sum(rows * columns for rows, columns in method.shapes) < 3500  # of 33,750 blocks


def covered(cover, grid) -> np.ndarray:
    """Return which real blocks the regions touch; hidden ones count as the last real ones."""
    found = np.zeros((grid.rows, grid.columns), bool)
    cells = np.frombuffer(cover.cells, np.uint16).reshape(cover.rows, cover.columns)
    for row, column in zip(*np.nonzero(cells), strict=True):
        row, column = row + cover.row, column + cover.column
        found[min(row, grid.rows - 1), min(column, grid.columns - 1)] = True
    return found


@quick(40)
@given(st.data())
def test_windows_share_nothing_and_cover_all(data: st.DataObject) -> None:
    parsed = read_jpeg(large("sequential"))
    boxes = []
    for _ in range(data.draw(st.integers(1, 12))):
        left, top = (data.draw(st.integers(0, SIDE - 1)) for _ in range(2))
        wide, high = (data.draw(st.integers(1, 300)) for _ in range(2))
        boxes.append(Box(left, top, min(left + wide, SIDE), min(top + high, SIDE)))
    plan = make_plan(parsed, boxes, (0.0, False), DEFAULT_LIMITS)
    for grid, cover in zip(plan.grids, plan.covers, strict=True):
        assert grid is not None
        assert cover is not None
        member = type("Member", (), {"grid": grid, "cover": cover})
        inside, seen = covered(cover, grid), np.zeros((grid.rows, grid.columns), int)
        ring = np.pad(inside, 1)
        ring = np.logical_or.reduce(
            [ring[i : i + grid.rows, j : j + grid.columns] for i in range(3) for j in range(3)]
        )
        for row, column, rows, columns in render._windows(member):
            assert min(row, column) >= 0 < min(rows, columns)
            assert row + rows <= grid.rows
            assert column + columns <= grid.columns
            seen[row : row + rows, column : column + columns] += 1
            assert inside[row : row + rows, column : column + columns].any()
        assert seen.max() == 1
        assert seen[ring].min() == 1


def test_a_redacted_file_beyond_the_limits_is_refused_by_name(monkeypatch) -> None:
    """An arithmetic picture with nothing left in it: some bytes for any number of blocks."""
    noise = np.random.default_rng(1).integers(0, 256, (400, 400), np.uint8)
    jpeg = by_jpegtran(pictures.pillow_jpeg(noise, "L"), "-arithmetic")
    monkeypatch.setattr("jpegredact.codec.support._SMALL", 0)
    few = jr.Limits(max_density=5)
    with pytest.raises(jr.LimitExceededError) as caught:
        jr.redact(jpeg, [(0, 0, 400, 400)], method="fill", limits=few)
    assert caught.value.code == "limit.redacted"
    for box, limits in (((0, 0, 40, 40), few), ((0, 0, 400, 400), DEFAULT_LIMITS)):
        done = jr.redact(jpeg, [box], method="fill", limits=limits)
        assert jr.restore(done.jpeg, done.diff, limits=limits) == jpeg
