"""The parts of the core one by one, for pytest-benchmark.

Usage: ``pytest -n0 benchmarks/micro.py`` (extra ``bench``); ``--benchmark-compare`` and the like
are its own. The picture is made here, from a fixed seed.
"""

from __future__ import annotations

import random
from array import array
from functools import cache

import pytest
from instructions import make

import jpegredact
from jpegredact.codec import core
from jpegredact.codec.compact import PORTION, pack_blocks, unpack_blocks, unpack_codes
from jpegredact.codec.layout import scan_layout
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.scan import ScanIndex
from jpegredact.codec.walk import index_scan
from jpegredact.diff import Document
from jpegredact.geometry import as_regions
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.redaction.plan import make_plan
from jpegredact.redaction.spliced import ScanEdit

BOXES = [(100, 60, 180, 160), (420.5, 300, 460, 330), (440, 310, 500, 400)]


@cache
def picture(restart: int = 0) -> bytes:
    return make({"restart": restart})


@cache
def index() -> ScanIndex:
    """Return the index of all blocks."""
    jpeg = read_jpeg(picture())
    scan = jpeg.scans[0]
    return index_scan(picture(), jpeg, scan, bytearray([2]) * scan_layout(jpeg, scan).mcus)


@cache
def luma() -> array[int]:
    """Return which of them are the first component's: as many as are packed together."""
    units = index().units[0]
    return array("i", [k for k in range(index().recorded) if units[k % len(units)] == 0][:PORTION])


@cache
def document() -> Document:
    return jpegredact.redact(picture(), BOXES).diff.document  # type: ignore[union-attr]


@pytest.mark.parametrize("restart", [0, 40])
def test_redact(benchmark, restart):
    benchmark(jpegredact.redact, picture(restart), BOXES)


@pytest.mark.parametrize("restart", [0, 40])
def test_restore(benchmark, restart):
    done = jpegredact.redact(picture(restart), BOXES)
    assert benchmark(jpegredact.restore, done.jpeg, done.diff) == picture(restart)


@pytest.mark.parametrize("restart", [0, 1])
def test_read_markers(benchmark, restart):
    benchmark(read_jpeg, picture(restart))


@pytest.mark.parametrize("mark", [b"\0", b"\2"], ids=["pass over all but one", "record all"])
def test_scan(benchmark, mark):
    jpeg = read_jpeg(picture())
    scan = jpeg.scans[0]
    mcus = scan_layout(jpeg, scan).mcus
    benchmark(lambda: index_scan(picture(), jpeg, scan, bytearray(b"\2\1" + mark * (mcus - 2))))


def test_write_a_scan(benchmark):
    touched = array("B", [1]) * index().recorded
    benchmark(lambda: [bytes(change[2]) for change in index().changes(touched)])


def test_digest_form_of_a_scan(benchmark):
    touched = array("B", [0]) * index().recorded
    touched[500] = 1
    benchmark(lambda: [[*map(bytes, pieces)] for _, pieces in index().outside(touched)])


def test_pack(benchmark):
    benchmark(pack_blocks, [(index(), 0, luma())])


def test_pack_and_prove(benchmark):
    benchmark(pack_blocks, [(index(), 0, luma())], prove=True)


def test_unpack(benchmark):
    packed = pack_blocks([(index(), 0, luma())]).data
    benchmark(unpack_blocks, packed, [(0, len(luma()))])


def test_unpack_as_codes(benchmark):
    packed = pack_blocks([(index(), 0, luma())]).data
    benchmark(unpack_codes, packed, [(index(), 0, len(luma()))])


def test_encode(benchmark):
    packed = pack_blocks([(index(), 0, luma())]).data
    (coefficients,) = unpack_blocks(packed, [(0, len(luma()))])
    edit = ScanEdit(index(), array("B", [1]) * index().recorded)

    def put() -> None:
        edit.put(0, luma(), coefficients, drop=False)
        edit._pieces.clear()

    benchmark(put)


def test_splice(benchmark):
    edit = ScanEdit(index(), array("B", [1, 0, 0, 0]) * (index().recorded // 4))
    benchmark(lambda: index().splice(edit.edit(), index().dc_tables, index().ac_tables))


def test_inpaint(benchmark):
    from jpegredact.redaction._inpaint_cy import inpaint

    rows, columns = 60, 80
    cells = rows * columns
    states = array("B", [1]) * cells
    for row in range(10, 40):
        states[row * columns + 10 : row * columns + 60] = array("B", [2]) * 50
    values = array("i", range(cells))
    scratch = array("i", [0]) * (3 * cells + 2 * columns + rows)
    benchmark(lambda: inpaint(array("i", values), states, rows, columns, 12, scratch))


def test_plan_100_boxes(benchmark):
    generator = random.Random(1)
    places = [(generator.uniform(0, 600), generator.uniform(0, 440)) for _ in range(100)]
    regions = as_regions([(x, y, x + 40, y + 40) for x, y in places], DEFAULT_LIMITS)
    jpeg = read_jpeg(picture())
    benchmark(make_plan, jpeg, regions, (0, False), DEFAULT_LIMITS)


def test_write_a_diff(benchmark):
    benchmark(document().to_bytes)


def test_read_a_diff(benchmark):
    data = document().to_bytes()
    assert benchmark(Document.from_bytes, data) == document()


def test_stuffing(benchmark):
    benchmark(core.stuffing.data_length, picture())
