"""The mutations of what stands beside a picture, and the checks that go with them."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

import jpegredact as jr
from jpegredact.container.model import POLICIES, SideCopy
from jpegredact.container.walk import Contents

from . import metadata, mutate, rich, side_copies, structure, targets
from .metadata_boxes import BOXES
from .metadata_text import TEXT
from .metadata_tiff import TIFF, directories

EACH = {m.__name__: m for m in (*metadata.SEGMENTS, *TIFF, *TEXT, *BOXES)}


@pytest.mark.parametrize("how", mutate.HOW)
def test_made_files_keep_the_promises_as_they_are(how: str) -> None:
    tally = mutate.Tally()
    for number, jpeg in enumerate(rich.made_files()):
        for seed in range(number % 4, targets.SEEDS, 4 if how == "scrub" else 13):
            mutate.check_beside(jpeg, seed, tally, how)
    assert [each.what for each in tally.escapes] == []


@pytest.mark.parametrize("count", [400, pytest.param(5000, marks=pytest.mark.slow)])
def test_mutations_keep_the_promises(count: int) -> None:
    source = mutate.Beside(rich.made_files(), 1, len(rich.made_files()))
    tally = mutate.Tally()
    for number in range(count):
        tally.add(source.input(number).check(number))
    assert [each.what for each in tally.escapes] == []
    done = Counter(what.partition(": ")[2].partition(",")[0] for what in tally.outcomes.elements())
    assert all(done[policy] > count / 20 for policy in POLICIES)  # not all is refused


def test_made_files_hold_side_copies_of_most_kinds() -> None:
    kinds = {copy.kind for jpeg in rich.made_files() for copy in jr.audit(jpeg)}
    assert kinds >= {
        "comment", "exif-gap", "exif-preview", "exif-thumbnail", "exif-tiff-thumbnail",
        "flashpix", "gain-map", "gain-map-note", "icc-profile", "iptc-preview", "jfif-thumbnail",
        "jfxx-thumbnail", "jumbf-c2pa", "makernote", "makernote-preview", "mpf-image",
        "mpf-index", "padding", "photoshop-digest", "photoshop-path", "photoshop-thumbnail",
        "photoshop-xmp", "stereo", "thermal", "trailer-jpeg", "trailer-samsung", "trailer-video",
        "unknown-segment", "xmp-extended", "xmp-image", "xmp-mask", "xmp-region",
        "xmp-thumbnail",
    }  # fmt: skip


@pytest.mark.parametrize("name", EACH)
def test_each_mutation_does_something_and_leaves_the_scans(name: str) -> None:
    made, changed = rich.made_files(), 0
    for number in range(60):
        rng = random.Random(number)
        data, other = rng.choice(made), rng.choice(made)
        new = EACH[name](rng, data, other)
        changed += new != data
        if name not in ("edit_length", "add_segment", "move_segments", "add_strays", "say_often"):
            scans = [part.coded for part in structure.pieces(data) if part.coded]
            assert all(scan in new for scan in scans)
    assert changed > 20
    assert isinstance(EACH[name](rng, b"\xff\xd8\xff\xd9", b""), bytes)


def test_directories_are_found() -> None:
    exif = next(part.data for part in structure.pieces(rich.made_files()[0]) if part.code == 0xE1)
    assert len(directories(exif, 10)) == 6


def test_a_graft_has_the_files_segments_and_its_index() -> None:
    whole = rich.made_files()[-2]  # a gain map
    larger = structure.together(
        [piece if piece.code != structure.DQT else structure.Piece(
            piece.code, piece.data * 9) for piece in structure.pieces(whole)]
    )  # fmt: skip
    new = rich.graft(larger)
    assert len(new) < len(larger)
    assert new.endswith(metadata.tail_of(whole))
    assert [copy.kind for copy in jr.audit(new)] == [copy.kind for copy in jr.audit(whole)]


# ---------------------------------------------------------------------------
# What is wrong is noticed
# ---------------------------------------------------------------------------


def what(jpeg: bytes, how: str = "scrub", seed: int = 0) -> str:
    tally = mutate.Tally()
    mutate.check_beside(jpeg, seed, tally, how)
    return tally.escapes[0].what if tally.escapes else ""


PLANTED = metadata.segment(0xE8, b"\0maker" + metadata.SMALL_JPEG).data


def test_what_is_left_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    jpeg = rich.made_files()[0]
    jpeg = jpeg[:2] + PLANTED + jpeg[2:]
    assert what(jpeg) == ""
    monkeypatch.setattr(Contents, "scrub", lambda *_: ([], []))
    assert "side-copy.left" in what(jpeg)
    monkeypatch.setattr(side_copies, "_gate", lambda *_: None)
    assert "is still there" in what(jpeg)
    monkeypatch.setattr(side_copies, "_require_gone", lambda *_: None)
    assert "planted picture" in what(jpeg)


@pytest.mark.parametrize("edits", [[(5, 4, b"")], [(9, 12, b""), (8, 9, b"")], [(0, 1 << 30, b"")]])
def test_edits_out_of_order_are_noticed(
    edits: list[tuple[int, int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Contents, "scrub", lambda *_: (edits, []))
    assert "out of order" in what(rich.made_files()[0])


def test_side_copies_that_are_nowhere_are_noticed() -> None:
    copy = SideCopy("x", 90, 10, "", side_copies.jr.audit(rich.made_files()[0])[0].actions)
    with pytest.raises(targets.BrokenPromise):
        side_copies._check_copies((copy,), bytes(80))


@pytest.mark.parametrize("name", side_copies.TARGETS)
def test_targets_keep_their_promises(name: str) -> None:
    for data in side_copies.first_inputs(name)[:30]:
        side_copies.TARGETS[name](data)


def test_an_escape_is_read_as_what_it_was(tmp_path: Path) -> None:
    jpeg = rich.made_files()[0]
    for how in mutate.HOW:
        kept = mutate.Escape(f"{mutate.BESIDE}, {how}: trouble", jpeg).save(tmp_path)
        assert mutate.Input.read(kept) == mutate.Input(jpeg, beside=how)
    kept = mutate.Escape("restore: trouble", jpeg, b"diff").save(tmp_path)
    assert mutate.Input.read(kept) == mutate.Input(jpeg, b"diff")
