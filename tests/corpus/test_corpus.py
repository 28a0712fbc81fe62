"""G1, G3 and G4 on every file of the corpus that can be redacted; a clear refusal of the rest.

A file counts if its process is DCT-based and djpeg decodes it without a word (of
12 bits, jpegio). With 1, 3 and 20 random boxes and each method: coefficients by
jpegio, bytes of untouched restart intervals, the original's digest, parts in both
orders.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from guarantees import helpers, huffreader, structure
from guarantees.test_g1_untouched import assert_headers, assert_untouched

import jpegredact as jr

SECONDS = 10.0  # no call takes more on a busy machine; above 20 MP, three times as much
SMALL = 30_000  # bytes; such files are also checked bit by bit


def manifest() -> list[dict[str, str]]:
    """Return the corpus's rows, none where there is no corpus."""
    path = helpers.CORPUS / "manifest.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


ROWS = {row["file"]: row for row in manifest()}
FILES = sorted(ROWS) or [
    pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))
]


def quick_files() -> list:
    """Return one small file of each kind that is worth a look in every run."""
    kinds: dict[str, Callable[[dict[str, str]], bool]] = {
        "4:2:0": lambda row: row["subsampling"] == "4:2:0" and row["dri"] == "0",
        "4:2:2": lambda row: row["sampling"] == "2x1,1x1,1x1",
        "4:4:0": lambda row: row["sampling"] == "1x2,1x1,1x1",
        "grey": lambda row: row["sampling"] == "1x1",
        "four components": lambda row: row["ncomp"] == "4",
        "odd sampling": lambda row: row["sampling"] in ("2x2,2x2,1x1", "2x2", "4x1,1x4,2x1"),
        "restarts": lambda row: row["rst_markers"] not in ("", "0"),
        "trailing restart": lambda row: row["trailing_rst"] not in ("", "0"),
        "zero padding": lambda row: row["ent_pad0"] not in ("", "0"),
        "ZRL before EOB": lambda row: row["ent_zrleob"] not in ("", "0"),
        "several scans": lambda row: row["interleave"] in ("partial", "none"),
        "16-bit DQT": lambda row: row["dqt16"] == "1",
        "extended": lambda row: row["sof_name"] == "extended",
        "progressive": lambda row: row["sof_name"] == "progressive",
        "progressive, 12 bits": lambda row: (
            row["sof_name"] == "progressive" and row["precision"] == "12"
        ),
        "sequential, 12 bits": lambda row: (
            row["sof_name"] == "extended" and row["precision"] == "12"
        ),
        "arithmetic": lambda row: row["sof_name"] == "arith-seq",
        "arithmetic, progressive": lambda row: row["sof_name"] == "arith-prog",
        "malformed": lambda row: row["category"] == "malformed-test",
    }
    found = []
    for kind, holds in kinds.items():
        rows = [row for row in ROWS.values() if holds(row)]
        rows.sort(key=lambda row: (int(row["djpeg_rc"] or 1), int(row["size"])))
        found += [pytest.param(row["file"], id=kind) for row in rows[:1]]
    return found or FILES


@helpers.needs_djpeg
@pytest.mark.parametrize("name", quick_files())
def test_some_files(name: str) -> None:
    check_file(helpers.CORPUS / "files" / name, ROWS[name], ((3, "inpaint"), (1, "pixelate")))


@helpers.needs_djpeg
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_file(name: str) -> None:
    row = ROWS[name]
    every = [(count, method) for count in (1, 3, 20) for method in helpers.METHODS]
    if int(row["width"] or 0) * int(row["height"] or 0) > 20e6:  # minutes, else
        every = [(1, "fill"), (3, "inpaint"), (20, "blur"), (3, "pixelate")]
    check_file(helpers.CORPUS / "files" / name, row, every)


def check_file(path: Path, row: dict[str, str], cases) -> None:
    """Check all that a file of its kind must do."""
    jpeg = path.read_bytes()
    small = int(row["width"] or 0) * int(row["height"] or 0) < 4e8  # others keep djpeg for minutes
    sequential = row["sof_name"] in ("baseline", "extended")
    if sequential and row["precision"] == "8":
        if small and helpers.djpeg_complaints(jpeg) == (0, ""):
            check_redactable(jpeg, cases)
            return
    elif sequential or row["sof_name"] in ("progressive", "arith-seq", "arith-prog"):
        if small and without_complaint(jpeg):
            check_other_process(jpeg, cases)
            return
    elif small and helpers.djpeg_complaints(jpeg) == (0, ""):
        with pytest.raises(jr.UnsupportedJpegError):
            jr.redact(jpeg, [(0, 0, 8, 8)])
        return
    for box in ((0, 0, 8, 8), (0, 0, 60000, 60000)):
        try:
            result = timed(jr.redact, jpeg, [box])
        except jr.JpegRedactError:
            continue
        assert timed(jr.restore, result.jpeg, result.diff) == jpeg


def without_complaint(jpeg: bytes) -> bool:
    """Whether djpeg, or jpegio for 12 bits, reads a file without a word."""
    try:
        return structure.complaints(jpeg) == "0"
    except (RuntimeError, ValueError, AssertionError, IndexError, KeyError):
        return False  # one of the malformed files


def check_other_process(jpeg: bytes, cases) -> None:
    """The same checks for progressive, arithmetic and 12-bit pictures."""
    old = structure.read(jpeg)
    random = np.random.default_rng(len(jpeg))
    for count, method in cases:
        boxes = helpers.random_boxes(random, old.width, old.height, count, 1 / 20, 1 / 4)
        result = timed(jr.redact, jpeg, boxes, method=method, force=True)  # one is thermal
        new = structure.read(result.jpeg)
        structure.assert_untouched(old, new, boxes, result.report)
        structure.assert_smooth(new, boxes, result.report)
        if result.report.content_free:
            structure.assert_gone(old, new, boxes)
        assert structure.complaints(result.jpeg) == "0"
        assert_back(jpeg, result, random)
    if len(jpeg) < SMALL:
        structure.assert_every_scan(old, new, boxes)
        if count > 1:
            structure.assert_parts(old, result, boxes)


def timed(function: Callable, *arguments, **options):
    """Call a function; assert that it takes no more than a few seconds."""
    width, height = helpers.size_of(arguments[0], default=(1, 1))
    start = time.perf_counter()
    try:
        return function(*arguments, **options)
    finally:
        limit = SECONDS if width * height < 20e6 else 3 * SECONDS
        assert time.perf_counter() - start < limit


def check_redactable(jpeg: bytes, cases) -> None:
    """Redact with each number of boxes and method, and check everything."""
    picture = huffreader.read(jpeg, decode=False)
    padded = helpers.whole_mcus(jpeg)
    before = helpers.coefficients(jpeg if padded is None else padded)
    complaints = helpers.pillow_complaints(jpeg)
    random = np.random.default_rng(len(jpeg))
    for count, method in cases:
        boxes = helpers.random_boxes(random, picture.width, picture.height, count, 1 / 20, 1 / 4)
        result = timed(jr.redact, jpeg, boxes, method=method, force=True)  # one is thermal
        masks = cover(picture, boxes)
        after = helpers.coefficients(
            result.jpeg if padded is None else helpers.whole_mcus(result.jpeg)
        )
        for component, (a, b) in enumerate(zip(before, after, strict=True)):
            mask = masks[component][: a.shape[0], : a.shape[1]]
            assert not ((a != b).any(axis=2) & ~mask).any()
        assert_bytes(picture, result, masks)
        if len(jpeg) < SMALL and count == 3 and method == "inpaint":
            assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)
        assert helpers.djpeg_complaints(result.jpeg) == (0, "")
        assert set(helpers.pillow_complaints(result.jpeg)) <= set(complaints)  # some were cleared
        assert_back(jpeg, result, random)
    if len(jpeg) < SMALL:
        assert_part_shown(jpeg, picture, boxes, result)


def cover(picture: huffreader.Picture, boxes) -> list[np.ndarray]:
    """Return for each component which of its blocks are touched, padding blocks included."""
    masks = [np.zeros((0, 0), bool)] * len(picture.factors)
    for scan in picture.scans:
        for part in scan.parts:
            rows, columns = picture.real(part.index)
            mask = np.zeros((scan.down * part.down, scan.across * part.across), bool)
            for box in boxes:
                down, across = helpers.spans(picture, part.index, box)
                mask[down.start : down.stop, across.start : across.stop] = True
            whole = in_mcus(mask, scan, part).repeat(part.down, 0).repeat(part.across, 1)
            mask[rows:] |= whole[rows:]
            mask[:, columns:] |= whole[:, columns:]
            masks[part.index] = mask
    return masks


def in_mcus(mask: np.ndarray, scan: huffreader.Scan, part: huffreader.Part) -> np.ndarray:
    """Return which MCUs of a scan hold a block of the mask."""
    return mask.reshape(scan.down, part.down, scan.across, part.across).any(axis=(1, 3))


def assert_bytes(picture: huffreader.Picture, result: jr.Redaction, masks) -> None:
    """Assert that headers and untouched restart intervals are the same, byte for byte."""
    new = huffreader.read(result.jpeg, decode=False)
    assert_headers(picture, new, result.report)
    for one, two in zip(picture.scans, new.scans, strict=True):
        touched = np.zeros((one.down, one.across), bool)
        for part in one.parts:
            touched |= in_mcus(masks[part.index], one, part)
        assert len(one.intervals) == len(two.intervals)
        pieces = np.array_split(touched.ravel(), interval_starts(one)[1:])
        for was, now, piece in zip(one.intervals, two.intervals, pieces, strict=True):
            if not piece.any():
                assert picture.data[was.start : was.end] == new.data[now.start : now.end]


def interval_starts(scan: huffreader.Scan) -> range:
    """Return the first MCU of each restart interval."""
    return range(0, scan.down * scan.across, scan.step)


def assert_back(jpeg: bytes, result: jr.Redaction, random: np.random.Generator) -> None:
    """Assert G3, and G4 for a random split of the regions in both orders."""
    stored = result.diff.to_bytes()
    assert timed(jr.restore, result.jpeg, stored) == jpeg
    count = len(result.diff.regions)
    if count == 1:
        return
    order = [int(n) for n in random.permutation(count)]
    cut, end = count // 3 + 1, count - int(random.integers(0, count // 3 + 1))
    a, b = order[:cut], order[cut:end]
    joined = jr.restore(result.jpeg, stored, regions=a + b)
    for first, second in ((a, b), (b, a)):
        part = timed(jr.restore, result.jpeg, stored, regions=first)
        assert jr.restore(part, stored, regions=second) == joined
    assert jr.restore(joined, stored, regions=order[end:]) == jpeg


def assert_part_shown(jpeg: bytes, picture, boxes, result: jr.Redaction) -> None:
    """Assert that with the first region revealed, exactly the blocks under it alone are back."""
    part = jr.restore(result.jpeg, result.diff, regions=[0])
    alone = cover(picture, boxes[:1])
    others = cover(picture, boxes[1:])
    planes = (helpers.coefficients(data) for data in (jpeg, result.jpeg, part))
    for component, (old, hidden, now) in enumerate(zip(*planes, strict=True)):
        shown = (alone[component] & ~others[component])[: old.shape[0], : old.shape[1]]
        assert (now == np.where(shown[:, :, None], old, hidden)).all()
    assert helpers.djpeg_complaints(part) == (0, "")
