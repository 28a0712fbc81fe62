"""What a diff and its parts find in files that are odd, damaged, or were tampered with."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from jpegmaker import make_jpeg, random_parts, segment
from pictures import photo, pillow_jpeg

import jpegredact as jr
from jpegredact.diff import Fill, Revealed
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.pipeline import bring_back

COLOUR = ((2, 2), (1, 1), (1, 1))


def code_of(jpeg: bytes, diff: jr.UnblurDiff, **options: object) -> str:
    with pytest.raises(jr.JpegRedactError) as caught:
        jr.restore(jpeg, diff, **options)
    return caught.value.code


def test_a_part_leaves_what_stands_behind_a_scan() -> None:
    """Redacting leaves it where an interval is broken; a part may touch whole ones only."""
    base = make_jpeg(
        160, 120, random_parts(160, 120, COLOUR), restart=20, trailing_restart=True
    )
    restarts = jr.inspect(base).scans[0].restarts
    behind = restarts[-1] + 2
    data = base[:behind] + b"\x12\x34\x56\x78" * 4 + base[behind:]
    data = data[: restarts[1] - 200] + data[restarts[1] :]
    done = jr.redact(data, [(0, 0, 8, 8), (0, 40, 8, 48)])
    assert [warning.code for warning in done.report.warnings] == ["damaged"]
    for region in (0, 1):
        part = done.diff.extract([region])
        shown = jr.restore(done.jpeg, part)
        assert shown == jr.restore(done.jpeg, done.diff, regions=[region])
        assert jr.restore(shown, done.diff) == data


def test_a_part_refuses_damaged_bands() -> None:
    """Where such an interval ends is told from the last stretch, which may be another region's."""
    whole = pillow_jpeg(photo(208, 160), progressive=True)
    last = jr.inspect(whole).scans[-1]
    boxes = [(8, 8, 40, 24), (96, 8, 140, 30)]
    for cut in range((last.start + 3 * last.end) // 4, last.end):
        data = whole[:cut] + b"\xff\xd9"
        try:
            done = jr.redact(data, boxes)
        except jr.InvalidJpegError:
            continue
        break
    assert jr.restore(done.jpeg, done.diff) == data
    part = done.diff.extract([0])
    assert code_of(done.jpeg, part) == "restore.part-damaged"


def test_metadata_edits_are_told_where_redaction_dropped_an_odd_segment() -> None:
    data = pillow_jpeg(photo(96, 64))
    data = data[:2] + segment(0xF0, b"\1\2\3" * 1000) + data[2:]
    done = jr.redact(data, [(8, 8, 40, 24)], side_copies="strict")
    assert b"\1\2\3" * 100 not in done.jpeg
    edited = done.jpeg[:2] + segment(0xFE, b"a comment") + done.jpeg[2:]
    assert code_of(edited, done.diff) == "diff.metadata"


def test_what_was_revealed_is_known_without_its_note() -> None:
    data = pillow_jpeg(photo(208, 160))
    done = jr.redact(data, [(8, 8, 40, 24), (96, 8, 140, 30)])
    part = jr.restore(done.jpeg, done.diff, regions=[0])
    at = part.index(b"\xff\xfe")
    end = at + 2 + int.from_bytes(part[at + 2 : at + 4])
    for changed in (part[:at] + part[end:], part[:2] + part[at:end] + part[2:at] + part[end:]):
        assert code_of(changed, done.diff) == "diff.coding"
        now = jr.restore(changed, done.diff, regions=[1], allow_modified=True)
        assert b"jrdiff-revealed" not in now
        shown = [np.asarray(each) for each in map(decoded, (now, data))]
        assert np.array_equal(*shown)


def decoded(jpeg: bytes):
    import io

    from PIL import Image

    return Image.open(io.BytesIO(jpeg))


def test_a_note_names_regions_that_there_are() -> None:
    data = pillow_jpeg(photo(208, 160))
    done = jr.redact(data, [(8, 8, 40, 24), (30, 8, 140, 30)])
    part = jr.restore(done.jpeg, done.diff, regions=[0])
    at = part.index(b"\xff\xfe")
    end = at + 2 + int.from_bytes(part[at + 2 : at + 4])
    note = Revealed.from_payloads([part[at + 4 : end]], DEFAULT_LIMITS)
    assert note.regions == (0,)
    for regions in ((0, 9), (1,)):
        (payload,) = note._replace(regions=regions).payloads(done.diff.public.redacted)
        forged = part[:at] + segment(0xFE, payload) + part[end:]
        assert code_of(forged, done.diff) == "diff.metadata"


def with_note(jpeg: bytes, note: Revealed, redacted: bytes) -> bytes:
    """Put a note into a file that has none."""
    at = jpeg.index(b"\xff\xda")
    (payload,) = note.payloads(redacted)
    return jpeg[:at] + segment(0xFE, payload) + jpeg[at:]


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_nobody_else_asks_for_a_region(options: dict[str, object]) -> None:
    """A note is not secret: whoever writes one must not make the owner reveal more than asked."""
    done = jr.redact(pillow_jpeg(photo(208, 160), **options), [(8, 8, 40, 24), (96, 8, 140, 30)])
    document = done.diff.document
    for regions in ((0, 1), (1,)):
        forged = with_note(
            done.jpeg, Revealed(regions, (), document.groups[0].tables), document.public.redacted
        )
        for diff in (done.diff, done.diff.extract([0, 1])):
            assert code_of(forged, diff, regions=[0]) == "diff.metadata"


def test_what_was_asked_for_before_is_told() -> None:
    """Of a region that lies under others wholly, nobody can tell who asked for it."""
    done = jr.redact(pillow_jpeg(photo(208, 160)), [(8, 8, 80, 80), (16, 16, 40, 40)])
    asked = bring_back(done.jpeg, done.diff, regions=[1])
    assert asked.besides == ()
    assert bring_back(asked.data, done.diff, regions=[1]).besides == ()
    assert bring_back(asked.data, done.diff.extract([0]), regions=[0]).besides == (1,)
    whole = bring_back(asked.data, done.diff, regions=[0])
    assert (whole.original, whole.besides) == (True, (1,))


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_note_hides_nothing_but_groups(options: dict[str, object]) -> None:
    """Who changes the picture elsewhere can't call that a group which the holder doesn't have."""
    done = jr.redact(pillow_jpeg(photo(208, 160), **options), [(8, 8, 40, 24), (96, 8, 140, 30)])
    elsewhere = jr.redact(done.jpeg, [(16, 96, 80, 140)], method="fill")
    group, tables = elsewhere.diff.document.groups[0], done.diff.document.groups[0].tables
    assert group.tables == tables
    fill = Fill(1, group.windows, group.shape, group.blocks, group.odd)
    forged = with_note(
        elsewhere.jpeg, Revealed((1,), (fill,), tables), done.diff.public.redacted
    )
    assert code_of(forged, done.diff.extract([0])) == "diff.metadata"


def test_groups_of_one_diff_agree() -> None:
    done = jr.redact(pillow_jpeg(photo(96, 64)), [(8, 8, 40, 24), (50, 8, 60, 24)])
    document = done.diff.document
    first, second = document.groups
    for groups in (
        (first, second._replace(coding=bytes(8))),
        (first, second._replace(tables=(1,))),
        (first, second._replace(regions=first.regions)),
    ):
        with pytest.raises(jr.InvalidDiffError):
            jr.UnblurDiff.from_bytes(document._replace(groups=groups).to_bytes())


def test_what_was_just_sealed_is_open() -> None:
    from jpegredact.diff.keys import generate_identity

    owner, other = generate_identity(), generate_identity()
    data = pillow_jpeg(photo(96, 64))
    done = jr.redact(data, [(8, 8, 40, 24), (50, 8, 60, 24)], recipients=[owner.recipient])
    assert done.diff.is_open
    again = pickle.loads(pickle.dumps(done)).diff  # what a pool of processes hands back
    assert again == done.diff
    assert not again.is_open
    assert copy.deepcopy(again.open([owner])) == again
    part = done.diff.extract([1], recipients=[other.recipient])
    assert part.regions[0] is None
    assert jr.restore(
        jr.restore(done.jpeg, part.to_bytes(), identities=[other]), done.diff.to_bytes(),
        identities=[owner],
    ) == data  # fmt: skip
    fresh = done.diff.rekey([other.recipient], fresh=True)
    assert jr.restore(done.jpeg, fresh.extract([0, 1], recipients=[owner.recipient])) == data
