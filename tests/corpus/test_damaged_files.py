"""The corpus's broken files: a clear refusal, or all guarantees for what decodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from guarantees import helpers

import jpegredact as jr

from .test_corpus import ROWS, timed

BROKEN = [
    name
    for name, row in sorted(ROWS.items())
    if row["truncated"] == "1" or row["ent_status"] not in ("ok", "unsupported")
]
WITHOUT_CORPUS = [pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))]

BEGINS_WELL = [
    name
    for start in ("29acfbb1", "37c6cd15", "40a244d8", "82f5f01e", "88c00940", "8c799bfa",
                  "a62eceaf", "e31c18f8", "e86a6667", "ff0be181")
    for name in BROKEN
    if name.startswith(start)
]  # fmt: skip
"""Files that decode for a while."""


OURS_ALONE = ("47ad1bc2_32x32x8_bgr.jpg", "8b02bcff_CorruptImage.jpg")
"""Files that are redacted, and that no other reader here can open."""


def load(name: str) -> bytes:
    """Return a file of the corpus."""
    return Path(helpers.CORPUS / "files" / name).read_bytes()


def attempt(name: str, box: helpers.Box, judge: bool = True) -> bool:
    """Redact a box and check everything (by jpegio if asked); return whether it was accepted."""
    jpeg = load(name)
    try:
        result = timed(jr.redact, jpeg, [box])
    except jr.JpegRedactError:
        return False
    stored = result.diff.to_bytes()
    assert timed(jr.restore, result.jpeg, stored) == jpeg
    if not judge:
        return True
    try:
        found = jr.verify(jpeg, result.jpeg, stored)
    except jr.VerificationError:  # jpegio can't open the original either
        assert name in OURS_ALONE
        return True
    assert name not in OURS_ALONE
    assert found.outside_changed == 0
    assert not [problem for problem in found.problems if "detail" not in problem]
    return True


@pytest.mark.parametrize("name", BROKEN or WITHOUT_CORPUS)
def test_broken_files(name: str) -> None:
    width, height = int(ROWS[name]["width"] or 64), int(ROWS[name]["height"] or 64)
    if width * height > 5e7:
        width = height = 64
    accepted = False
    for k in range(4):
        top = height * k // 4
        box = (width // 3, top, min(width // 3 + 20, width), min(top + 20, height))
        accepted |= attempt(name, box, not accepted)


@pytest.mark.parametrize("name", BEGINS_WELL or WITHOUT_CORPUS)
def test_the_beginning_of_broken_files(name: str) -> None:
    jpeg = load(name)
    assert attempt(name, (0, 0, 8, 8))
    result = jr.redact(jpeg, [(0, 0, 8, 8)])
    assert result.report.bytes_rewritten < len(jpeg)


@pytest.mark.parametrize("name", [n for n in OURS_ALONE if n in ROWS] or WITHOUT_CORPUS)
def test_what_no_other_reader_opens(name: str) -> None:
    assert attempt(name, (0, 0, 8, 8))
