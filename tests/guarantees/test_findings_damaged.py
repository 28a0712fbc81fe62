"""Findings of reviews in damaged files: tails that move by some bits, scans that lack data."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import progressive_maker as maker
import pytest
from jpegmaker import Part, Table, segment
from progressive_maker import Band, Picture, Style, steps

import jpegredact as jr

from . import helpers, huffreader, pairs, structure
from .test_findings import within

EOI = b"\xff\xd9"


def blocks(rows: int, columns: int, seed: int = 1) -> np.ndarray:
    """Return blocks of random DC values."""
    found = np.zeros((rows, columns, 64), int)
    found[:, :, 0] = np.random.default_rng(seed).integers(-60, 60, (rows, columns))
    return found


def grey(planes: np.ndarray, scans: list[Band], **options: object) -> Picture:
    """Return a grey picture of these blocks."""
    rows, columns = planes.shape[:2]
    return Picture(8 * columns, 8 * rows, [Part(planes)], scans, **options)


def restored(jpeg: bytes, boxes: list) -> jr.Redaction:
    """Redact; assert that all comes back, at once and part by part."""
    done = jr.redact(jpeg, boxes)
    stored = done.diff.to_bytes()
    assert jr.restore(done.jpeg, stored) == jpeg
    if len(boxes) == 2:
        for first in (0, 1):
            part = jr.restore(done.jpeg, stored, regions=[first])
            assert jr.restore(part, stored, regions=[1 - first]) == jpeg
    return done


def attempt(jpeg: bytes, boxes: list) -> jr.Redaction | jr.JpegRedactError:
    """Do that, or return why not; where that is, is always said."""
    found: jr.Redaction | jr.JpegRedactError
    try:
        found = restored(jpeg, boxes)
    except (jr.InvalidJpegError, jr.VerificationError) as error:
        found = error
    assert not isinstance(found, jr.InvalidJpegError) or found.offset is not None
    return found


def name(found: jr.Redaction | jr.JpegRedactError) -> str:
    """Return an error's code, or "done"."""
    return "done" if isinstance(found, jr.Redaction) else found.code


# ---------------------------------------------------------------------------
# DC refinements: a bit a block
# ---------------------------------------------------------------------------

REFINED = [Band((0,), low=1), Band((0,), 0, 0, 1, 0)]
WIDE = 300
"""Blocks in a row: more than are decoded at once, and than the words behind the data hold."""


@pytest.mark.parametrize("kept", [WIDE // 8 + 2, 2 * WIDE // 8 + 3, 3 * WIDE // 8])
def test_a_refinement_that_is_cut_below_the_region(kept: int) -> None:
    """The blocks around it lie beyond the data."""
    jpeg = maker.make_progressive(grey(blocks(6, WIDE), REFINED))
    cut = jpeg[: structure.read(jpeg).scans[1].start + kept]
    for box in ((8, 8, 24, 16), (2300, 0, 2390, 8)):
        found = attempt(cut, [box])
        assert name(found) in ("done", "jpeg.truncated")
        if isinstance(found, jr.Redaction):
            assert "damaged" in [warning.code for warning in found.report.warnings]


def test_a_short_interval_does_not_read_the_next_one() -> None:
    """What stands in that is the inside."""
    made = set()
    for seed in (1, 2, 3):
        planes = blocks(4, WIDE)
        planes[1, 120:299] = blocks(1, 179, seed)[0]
        picture = grey(planes, REFINED, restart=[0, WIDE])
        jpeg = maker.make_progressive(picture, short={(1, 0): WIDE - 16})
        assert len(structure.read(jpeg).scans[1].intervals) == 4
        done = restored(jpeg, [(960, 8, 2392, 16)])
        made.add((done.jpeg, done.diff.document.public))
    assert len(made) == 1


# ---------------------------------------------------------------------------
# Tails of zeros
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [20, 26, 35, 56, 64, 72, 122, 175, 204, 216, 231, 233])
def test_a_refinement_of_zeros_behind_a_lost_scan(seed: int) -> None:
    """Where it can't be decoded any more, its bits are zeros back into the stretch."""
    random = np.random.default_rng(seed)
    planes = blocks(1, int(random.integers(9, 30)), seed)
    planes[0, 0, 1:6] = 4
    planes[0, 1, 1:20] = random.integers(-9, 10, 19)
    planes[0, 2:, 1] = 8  # known since the first scan; its low bit is zero
    scans = [Band((0,)), Band((0,), 1, 63, 0, 1), Band((0,), 1, 63, 1, 0)]
    ac = Table.of([(symbol, 9 if symbol else 2) for symbol in range(256)])
    picture = grey(planes, scans, style=Style(longest_run=1))
    tables = [{0x00: Table.level(range(12)), 0x10: ac}, {}, {}]
    restored(maker.make_progressive(picture, tables, short={(1, 0): 30}), [(8, 0, 16, 8)])


def with_zeros(jpeg: bytes, random: np.random.Generator) -> bytes:
    """Return a picture with zeros from some place on: to the end of a scan, or of the file."""
    scans = structure.read(jpeg).scans
    scan = scans[int(random.integers(1, len(scans)))]
    at = int(random.integers((scan.start + scan.end) // 2, scan.end))
    if random.random() < 0.5:
        return jpeg[:at] + bytes(len(jpeg) - at)
    return jpeg[:at] + bytes(scan.end - at) + jpeg[scan.end :]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("restart", [0, 12])
def test_sectors_of_zeros(restart: int, seed: int) -> None:
    parts = pairs.photo(96, 80, pairs.HALVED)
    jpeg = maker.make_progressive(Picture(96, 80, parts, steps(3), restart))
    random = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(8):
        left, top = int(random.integers(0, 80)), int(random.integers(0, 30))
        boxes = [(left, top, left + 9, top + 8), (0, 0, 12, 12)]
        outcomes[name(attempt(with_zeros(jpeg, random), boxes))] += 1
    assert outcomes["done"]
    assert not outcomes["redact.not-reversible"]


# ---------------------------------------------------------------------------
# The inside does not show in a tail, and a tail does not change what is outside
# ---------------------------------------------------------------------------


def test_the_padding_of_a_broken_tail() -> None:
    """A refinement whose end can't be found by decoding kept the ones that filled its last byte."""
    made, lengths = set(), set()
    scans = [Band((0,)), Band((0,), 1, 63, 0, 1), Band((0,), 1, 63, 1, 0)]
    for count in range(1, 9):
        planes = blocks(1, 12)
        planes[0, :, 1:6] = 4
        planes[0, :, 8] = 1
        planes[0, 1] = 0
        planes[0, 1, :2] = 5, 4
        planes[0, 1, 10 : 10 + count] = 1
        picture = grey(planes, scans)
        lengths.add(sum(len(extra) for _, _, extra in picture.tokens()[2][0]))
        jpeg = maker.make_progressive(picture, short={(1, 0): 30})
        made.add(restored(jpeg, [(8, 0, 16, 8)]).jpeg)
    assert len(lengths) == 8
    assert len(made) == 1


BASELINE = {
    "grey": ("L", {}),
    "4:2:0": ("RGB", {"subsampling": 2}),
    "4:4:4": ("RGB", {"subsampling": 0}),
    "optimised": ("RGB", {"subsampling": 2, "optimize": True}),
    "restarts": ("RGB", {"subsampling": 2, "restart_marker_rows": 2}),
}


def whole(kind: str, seed: int = 4) -> bytes:
    """Return a baseline picture."""
    mode, options = BASELINE[kind]
    return helpers.by_pillow(112, 80, seed, mode, quality=60, **options)


def cuts(jpeg: bytes, random: np.random.Generator, count: int) -> Iterator[bytes]:
    """Yield a picture cut short, with and without an EOI marker."""
    (scan,) = huffreader.read(jpeg, decode=False).scans
    for _ in range(count):
        at = int(random.integers(scan.start + 50, scan.end))
        yield jpeg[:at] + (EOI if random.random() < 0.5 else b"")


@pytest.mark.parametrize("kind", BASELINE)
def test_a_cut_changes_nothing_outside(kind: str) -> None:
    """Not in blocks that lack data, either: libjpeg shows what it showed."""
    jpeg = whole(kind)
    picture = huffreader.read(jpeg, decode=False)
    random = np.random.default_rng(len(kind))
    outcomes: Counter[str] = Counter()
    for cut in cuts(jpeg, random, 40):
        left, top = 16 * int(random.integers(6)), 16 * int(random.integers(2))
        box = (left, top, left + 24, top + 16)
        done = attempt(cut, [box])
        outcomes[name(done)] += 1
        if not isinstance(done, jr.Redaction):
            continue
        assert helpers.changed_blocks(cut, done.jpeg) <= helpers.touched_by(picture, box)
        assert jr.verify(cut, done.jpeg, done.diff).ok
    assert outcomes["done"] > 10
    assert outcomes["jpeg.truncated"] + outcomes["jpeg.restart-missing"]


@pytest.mark.parametrize("kind", ["grey", "4:2:0", "4:4:4"])
def test_a_tail_that_would_end_in_another_block_is_refused(kind: str) -> None:
    """With some zeros more in its last byte, readers would take one more block for whole."""
    jpeg = whole(kind, 1)
    (scan,) = huffreader.read(jpeg, decode=False).scans
    cuts = range((scan.start + scan.end) // 2, scan.end - 2, 7)
    torn = 0
    for at in cuts:
        found = attempt(jpeg[:at], [(16, 0, 40, 16)])
        assert name(found) in ("done", "jpeg.torn")
        if isinstance(found, jr.InvalidJpegError):
            assert scan.start < found.offset <= at
            torn += 1
    assert 0 < torn < len(cuts) // 2


# ---------------------------------------------------------------------------
# Much asked for by few bytes
# ---------------------------------------------------------------------------


def hardly_any_data(side: int, scans: int, padding: int) -> bytes:
    """Return a large progressive picture with a restart marker behind each block, of which there
    are three.
    """
    dc, ac = Table.level(list(range(12))), Table.level([0, 1, 0x10, 0x20, 0xF0])
    out = b"\xff\xd8" + segment(0xDB, bytes([0]) + bytes([8]) * 64)
    out += segment(0xC2, bytes([8]) + 2 * side.to_bytes(2) + bytes([1, 1, 0x11, 0]))
    out += segment(0xDD, b"\0\1")
    out += segment(0xC4, dc.segment_part(0)) + segment(0xC4, ac.segment_part(0x10))
    out += segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + b"\x0f\xff\xd0\x0f\xff\xd1\x0f"
    for k in range(1, scans + 1):
        out += segment(0xDA, bytes([1, 1, 0, k, k, 0])) + b"\x1f\xff\xd0\x1f"
    return out + segment(0xFE, b"padding " * 125) * (65 * padding) + EOI


@pytest.mark.parametrize(("side", "scans", "padding"), [(8000, 60, 4), (16000, 30, 8)])
def test_intervals_that_are_not_there(side: int, scans: int, padding: int) -> None:
    jpeg = hardly_any_data(side, scans, padding)
    with within(5):
        done = jr.redact(jpeg, [(0, 0, 8, 8)], side_copies="keep")
    assert jr.restore(done.jpeg, done.diff) == jpeg
    tracemalloc.start()
    try:
        jr.redact(jpeg, [(0, 0, 8, 8)], side_copies="keep")
        assert tracemalloc.get_traced_memory()[1] < 20 * side**2 // 64 + 8 * len(jpeg)
    finally:
        tracemalloc.stop()


def test_fill_bytes_in_a_refinement_of_many_intervals() -> None:
    picture = grey(blocks(140, 140), REFINED, restart=[0, 1])
    jpeg = maker.make_progressive(picture, fill=1)
    with within(6):
        done = jr.redact(jpeg, [(0, 0, 1120, 1120)])
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == jpeg


# ---------------------------------------------------------------------------
# Fills that a first DC scan of few bits can say
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("low", [1, 2, 3])
def test_a_coarse_first_scan_gives_way_by_two_steps(low: int) -> None:
    """At the scan's precision one step is 2^Al of the quantiser's; beyond two, a symbol comes."""
    random = np.random.default_rng(3)
    planes = blocks(12, 24)
    rise = np.where(random.random((12, 24)) < 0.5, 16, -16) * random.integers(1, 4, (12, 24))
    planes[:, :, 0] = np.cumsum(rise, axis=1)
    scans = [Band((0,), low=low)] + [Band((0,), 0, 0, k, k - 1) for k in range(low, 0, -1)]
    picture = grey(planes, scans)
    wanted = jr.redact(maker.make_progressive(picture), [(64, 32, 128, 64)])
    jpeg = maker.make_progressive(picture, maker.tight(picture))
    done = restored(jpeg, [(64, 32, 128, 64)])
    one, two = (helpers.coefficients(r.jpeg)[0][:, :, 0] for r in (wanted, done))
    assert abs(one - two).max() <= 2
    assert done.report.tables_appended or done.report.blocks_moved


# ---------------------------------------------------------------------------
# Bytes behind the last block, where an interval is damaged
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_stray_bytes_behind_a_refinement_of_which_an_interval_is_short(number: int) -> None:
    """Intervals around the region are read by ``redact`` for its fill, but not by ``restore``."""
    picture = grey(blocks(4, 30), REFINED, restart=[0, 30])
    jpeg = maker.make_progressive(picture, short={(1, number): 14})
    end = structure.read(jpeg).scans[1].end
    jpeg = jpeg[:end] + b"\xff\xd3SECRET" + jpeg[end:]
    done = restored(jpeg, [(8, 8, 96, 16)])  # in interval 1
    assert (b"SECRET" in done.jpeg) == (number == 1)
    assert jr.verify(jpeg, done.jpeg, done.diff).ok


# --- parts, which `redact` does not check ---

KEPT = {
    "31554c9d170ffbab": [(3, 13, 4, 14), (7, 21, 8, 22), (0, 12, 8, 13)],
    "707cbd1f8831ce14": [(9, 6, 10, 15), (0, 2, 1, 3), (10, 13, 17, 14)],
    "b0620dfa4895f1b6": [(37, 9, 38, 10), (19, 11, 20, 20), (10, 10, 18, 11)],
    "f31fed0e896d9e93": [(6, 17, 14, 26), (36, 23, 40, 24), (11, 8, 12, 17)],
}


@pytest.mark.parametrize("name", KEPT)
def test_every_part_of_these(name: str) -> None:
    """Their txt files beside them say what went wrong."""
    jpeg = (Path(__file__).parent.parent / "fuzz" / "crashes" / f"{name}.jpg").read_bytes()
    done = jr.redact(jpeg, KEPT[name])
    stored = done.diff.to_bytes()
    for chosen in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
        part = jr.restore(done.jpeg, stored, regions=chosen)
        assert jr.restore(part, stored) == jpeg
