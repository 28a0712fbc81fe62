"""G1, G3, G4 and "gone" in every coding process, as cjpeg, jpegtran and Pillow write them.

Each made variant, and each corpus photo in one of jpegtran's variants (in all of them
with ``JPEGREDACT_EVERY_VARIANT=1``: most of an hour), is redacted with boxes of which
two overlap and one lies in the corner; jpegio is the referee.
"""

from __future__ import annotations

import csv
import hashlib
import os
from functools import cache

import numpy as np
import pytest
import variants

import jpegredact as jr

from . import helpers, structure
from .helpers import Box

SYNTHETIC = variants.synthetic()
TWELVE = variants.twelve_bit()
LARGE = 400_000  # bytes; of larger photos not every scan is looked at alone


def boxes_of(picture: structure.Structure) -> list[Box]:
    """Return two boxes that overlap, and one in the lower right corner, where padding is."""
    w, h = picture.width, picture.height
    return [
        (0.1 * w, 0.1 * h, 0.45 * w, 0.5 * h),
        (0.3 * w, 0.3 * h, 0.6 * w, 0.7 * h),
        (0.85 * w, 0.8 * h, w, h),
    ]


def check(jpeg: bytes, methods: tuple[str, ...] = ("inpaint", "fill"), scans: bool = True) -> None:
    """Assert everything that holds for a file that redacts."""
    old = structure.read(jpeg)
    boxes = boxes_of(old)
    before = structure.complaints(jpeg)
    for method in methods:
        result = jr.redact(jpeg, boxes, method=method, force=True)  # one photo is thermal
        new = structure.read(result.jpeg)
        structure.assert_untouched(old, new, boxes, result.report)
        structure.assert_gone(old, new, boxes)
        structure.assert_smooth(new, boxes, result.report)
        assert structure.complaints(result.jpeg) == before
        assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
        again = jr.redact(jpeg, boxes, method=method, force=True)
        assert (again.jpeg, again.diff) == (result.jpeg, result.diff)
        if scans and len(old.scans) > 1:
            structure.assert_every_scan(old, new, boxes)
    structure.assert_parts(old, result, boxes)


@variants.needs_programs
@pytest.mark.parametrize("name", SYNTHETIC)
def test_variants(name: str) -> None:
    jpeg = SYNTHETIC[name]()
    assert structure.complaints(jpeg) == "0"
    check(jpeg)


@pytest.mark.parametrize("name", TWELVE)
def test_twelve_bits(name: str) -> None:
    jpeg = TWELVE[name]()
    picture = structure.read(jpeg)
    assert picture.precision == 12
    assert max(np.abs(plane).max() for plane in picture.coefficients) > 2048, "8 bits would do"
    assert structure.complaints(jpeg) == "0"
    check(jpeg)


@variants.needs_programs
@pytest.mark.parametrize("process", variants.PROCESSES)
@pytest.mark.parametrize("method", ["pixelate", "blur", "fill:#20c0f0"])
def test_other_methods(process: str, method: str) -> None:
    check(SYNTHETIC[process](), (method,))


@variants.needs_programs
@pytest.mark.parametrize("process", variants.PROCESSES)
def test_the_whole_picture(process: str) -> None:
    jpeg = SYNTHETIC[process]()
    old = structure.read(jpeg)
    boxes = [(0, 0, old.width, old.height)]
    result = jr.redact(jpeg, boxes, method="fill")
    new = structure.read(result.jpeg)
    structure.assert_untouched(old, new, boxes, result.report)
    structure.assert_gone(old, new, boxes)
    structure.assert_smooth(new, boxes, result.report)
    assert structure.complaints(result.jpeg) == "0"
    assert jr.restore(result.jpeg, result.diff) == jpeg


@variants.needs_programs
@pytest.mark.parametrize("process", variants.PROCESSES)
def test_redacting_twice(process: str) -> None:
    jpeg = SYNTHETIC[process]()
    first = jr.redact(jpeg, [(10, 10, 50, 40)])
    second = jr.redact(first.jpeg, [(30, 30, 70, 60)], method="fill")
    assert jr.restore(second.jpeg, second.diff) == first.jpeg
    assert jr.restore(first.jpeg, first.diff) == jpeg
    with pytest.raises(jr.DiffMismatchError):
        jr.restore(second.jpeg, first.diff)


def test_the_checks_can_fail() -> None:
    """A picture in which one block outside, or one bit of one scan, differs is found."""
    old = structure.read(TWELVE["progressive 12-bit 4:2:0 restart 0"]())
    boxes = boxes_of(old)
    final = [plane.copy() for plane in old.coefficients]
    free = np.argwhere(~structure.cover(old, boxes)[0])[0]
    final[0][free[0], free[1], 5] += 1
    with pytest.raises(AssertionError):
        structure.assert_coefficients(old.coefficients, final, structure.cover(old, boxes))
    with pytest.raises(AssertionError):
        structure.assert_gone(old, old, boxes)
    inside = np.argwhere(structure.cover(old, boxes)[0])[0]
    final[0][inside[0], inside[1], 5] += 8
    stale = structure.read(old.data)
    stale.__dict__["coefficients"] = final  # as if the first scans said something else
    with pytest.raises(AssertionError):
        structure.assert_every_scan(old, stale, boxes)


# ---------------------------------------------------------------------------
# Photos of the corpus, coded anew by jpegtran
# ---------------------------------------------------------------------------


@cache
def photos() -> dict[str, dict[str, str]]:
    """Return the corpus's rows of whole baseline pictures."""
    path = helpers.CORPUS / "manifest.csv"
    if not path.exists() or not variants.HAVE_PROGRAMS:
        return {}
    with path.open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["sof_name"] == "baseline"
            and row["precision"] == "8"
            and row["djpeg_rc"] == "0"
            and row["category"] != "malformed-test"
            and int(row["width"]) * int(row["height"]) <= 20e6
        ]
    return {row["file"]: row for row in sorted(rows, key=lambda row: int(row["size"]))}


def names(most: int | None = None) -> list:
    """Return the names of small photos, each of another sampling, or of all pictures."""
    found = list(photos())
    if most:
        kinds = {
            photos()[name]["sampling"]: name for name in reversed(found)
            if int(photos()[name]["width"]) > 150 and photos()[name]["ncomp"] == "3"
        }  # fmt: skip
        found = sorted(kinds.values(), key=lambda name: int(photos()[name]["size"]))[:most]
    return found or [pytest.param("", marks=pytest.mark.skip(reason="no corpus, or no programs"))]


def check_photo(name: str, variant: str) -> None:
    """Check a photo in a variant, if jpegtran takes it without a word."""
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    if helpers.djpeg_complaints(jpeg) != (0, ""):
        return
    made = variants.of_photo(jpeg, variant, int(photos()[name]["ncomp"]))
    if made is not None and helpers.djpeg_complaints(made) == (0, ""):
        check(made, ("inpaint",), scans=len(jpeg) < LARGE)


@pytest.mark.parametrize("name", names(2))
@pytest.mark.parametrize("variant", variants.OF_PHOTOS)
def test_some_photos(name: str, variant: str) -> None:
    check_photo(name, variant)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_photo(name: str) -> None:
    every = list(variants.OF_PHOTOS)
    if not os.environ.get("JPEGREDACT_EVERY_VARIANT"):
        first = hashlib.sha256(name.encode()).digest()[0]
        every = [every[first % len(every)]]
    for variant in every:
        check_photo(name, variant)
