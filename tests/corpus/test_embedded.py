"""Every file of the corpus that can be redacted, with its diff in it: nothing else changes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from guarantees import helpers
from guarantees.test_provenance import provenance, signed_files

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.container.images import mpf
from jpegredact.container.model import Segment
from jpegredact.container.segments.diffbox import find_boxes
from jpegredact.diff.keys import generate_identity

from .test_corpus import FILES, ROWS

OWNER = generate_identity()
WITH_INDEX = [name for name in sorted(ROWS) if ROWS[name]["mpf"] not in ("", "0")]


@pytest.mark.parametrize("name", WITH_INDEX[:8])
def test_some_files_with_an_index(name: str, tmp_path: Path) -> None:
    check(helpers.CORPUS / "files" / name, tmp_path)


@pytest.mark.parametrize("name", signed_files()[:3])
def test_signed_provenance_can_still_be_read(name: str) -> None:
    """It is as it was, and does not fit any more, as in any redacted file: its data moved, too."""
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    boxes = [(0, 0, 40, 40)]
    plain = jr.redact(jpeg, boxes, side_copies="keep")
    result = jr.redact(
        jpeg, boxes, side_copies="keep", recipients=[OWNER.recipient], embed=True
    )
    before, after = provenance(plain.jpeg), provenance(result.jpeg)
    assert before is not None
    assert after is not None
    assert (after[0], set(after[1])) == (before[0], set(before[1]))  # type: ignore
    back = jr.restore(result.jpeg, identities=[OWNER])
    assert provenance(back) == provenance(jpeg)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES[::3])
def test_every_third_file(name: str, tmp_path: Path) -> None:
    check(helpers.CORPUS / "files" / name, tmp_path)


def check(path: Path, folder: Path) -> None:
    jpeg = path.read_bytes()
    for policy in ("default", "keep"):
        try:
            width, height = jr.inspect(jpeg).size
            random = np.random.default_rng(len(jpeg))
            boxes = helpers.random_boxes(random, width, height, 3, 1 / 20, 1 / 4)
            plain = jr.redact(jpeg, boxes, side_copies=policy, force=True)
        except jr.JpegRedactError:
            return
        result = jr.redact(
            jpeg, boxes, side_copies=policy, force=True, recipients=[OWNER.recipient], embed=True
        )
        assert_only_the_box(plain.jpeg, result.jpeg)
        assert jr.restore(result.jpeg, identities=[OWNER]) == jpeg
        part = jr.restore(result.jpeg, regions=[1], identities=[OWNER])
        alone = jr.restore(plain.jpeg, plain.diff, regions=[1])
        if alone == jpeg:  # the others looked like their fills
            assert part == jpeg
        else:
            assert_only_the_box(alone, part)
            assert jr.restore(part, identities=[OWNER]) == jpeg
        assert_again(result.jpeg, boxes[0], policy)
        if policy == "default":
            assert_verifies_alike(jpeg, plain, result)
    assert_opens_like(plain.jpeg, result.jpeg, folder)


def assert_only_the_box(plain: bytes, embedded: bytes) -> None:
    """Assert that they differ in the box, and in what MPF says of the first picture's length."""
    (box,) = find_boxes(embedded, read_jpeg(embedded).segments)
    cut = embedded[: box.start] + embedded[box.end :]
    for segment in read_jpeg(plain).segments:
        if segment.code == 0xE2 and plain.startswith(b"MPF\0", segment.offset + 4):
            old, new = (mpf.read_index(data, Segment(*segment)) for data in (plain, cut))
            assert len(old.entries) == len(new.entries)
            for a, b in zip(old.entries, new.entries, strict=True):
                longer = (box.end - box.start) * a.primary * (not old.problem)
                assert b == a._replace(size=(a.size + longer) % (1 << 32))
            cut = cut[: segment.offset] + plain[segment.offset : segment.end] + cut[segment.end :]
    assert cut == plain


def assert_again(jpeg: bytes, box: tuple[float, float, float, float], policy: str) -> None:
    """Assert that a second layer comes off again."""
    try:
        again = jr.redact(jpeg, [box], side_copies=policy, force=True,
                          recipients=[OWNER.recipient], embed=True)  # fmt: skip
    except jr.InvalidJpegError:  # what was just decodable may not be any more
        return
    assert len(list(find_boxes(again.jpeg, read_jpeg(again.jpeg).segments))) == 2
    assert jr.restore(again.jpeg, identities=[OWNER]) == jpeg


def assert_verifies_alike(jpeg: bytes, plain: jr.Redaction, embedded: jr.Redaction) -> None:
    try:
        before = jr.verify(jpeg, plain.jpeg, plain.diff)
    except jr.VerificationError:  # jpegio does not read all that libjpeg does
        return
    after = jr.verify(jpeg, embedded.jpeg, identities=[OWNER])
    assert after.restored
    assert len(after.problems) == len(before.problems)
    assert len(after.side_copies) == len(before.side_copies)


def assert_opens_like(plain: bytes, embedded: bytes, folder: Path) -> None:
    """Assert that djpeg, Pillow and exiftool say the same of both, where they read them at all."""
    if np.prod(jr.inspect(plain).size) < 4e7:
        helpers.assert_opens_like(plain, embedded)
    if shutil.which("exiftool"):
        before, after = (complaints_of_exiftool(each, folder) for each in (plain, embedded))
        assert before == after or any("File format error" in line for line in before)


def complaints_of_exiftool(jpeg: bytes, folder: Path) -> list[str]:
    """Return its warnings, but for which segment it was that bytes without sense stand behind."""
    file = folder / "out.jpg"
    file.write_bytes(jpeg)
    command = ["exiftool", "-validate", "-warning", "-error", "-a", "-s3", str(file)]
    lines = subprocess.run(command, capture_output=True, check=False, text=True).stdout.splitlines()
    return sorted(re.sub(r"after JPEG \w+ segment", "", line) for line in lines)
