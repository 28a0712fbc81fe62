"""A sealed diff in the redacted file: it goes in and comes out, and nothing else changes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import container_files as files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photo as make_photo
from pictures import pillow_jpeg, read_blocks
from PIL import Image

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.container.segments.diffbox import find_boxes, make_box
from jpegredact.diff import Document
from jpegredact.diff.cbor import MAGIC
from jpegredact.diff.keys import generate_identity
from jpegredact.diff.stored import SealedDiff, parse_published
from jpegredact.results import UnblurDiff

ALICE, BOB, EVE = (generate_identity() for _ in range(3))
BOXES = [(10, 20, 70, 60), (50, 40, 120, 110), (150, 100, 200, 150)]
PICTURE = pillow_jpeg(make_photo(208, 160), quality=85)


def embedded(jpeg: bytes, boxes: object = BOXES, **options: object) -> jr.Redaction:
    return jr.redact(jpeg, boxes, recipients=[ALICE.recipient], embed=True, **options)  # type: ignore


def boxes_in(jpeg: bytes) -> list[bytes]:
    return [box.content for box in find_boxes(jpeg, read_jpeg(jpeg).segments)]


def bare(jpeg: bytes) -> bytes:
    """Cut the boxes out, by hand."""
    for box in reversed(list(find_boxes(jpeg, read_jpeg(jpeg).segments))):
        jpeg = jpeg[: box.start] + jpeg[box.end :]
    return jpeg


def sealed(redaction: jr.Redaction) -> SealedDiff:
    assert redaction.diff is not None
    assert not isinstance(redaction.diff.stored, Document)
    return redaction.diff.stored


def put_in(jpeg: bytes, content: bytes, number: int = 9) -> bytes:
    return files.with_segments(jpeg, make_box(content, number))


@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_there_and_back(photo: np.ndarray, options: dict[str, object], policy: str) -> None:
    data = pillow_jpeg(photo, comment=b"a comment", **options)
    plain = jr.redact(data, BOXES, side_copies=policy)
    result = embedded(data, side_copies=policy)
    assert bare(result.jpeg) == plain.jpeg
    assert boxes_in(result.jpeg) == [result.diff.to_bytes()]
    assert result.diff.public == plain.diff.public
    assert result.report.embedded_bytes == len(result.jpeg) - len(plain.jpeg)
    assert result.report.redacted_bytes == len(result.jpeg)
    assert jr.restore(result.jpeg, identities=[ALICE]) == data
    assert jr.restore(result.jpeg, result.diff, identities=[ALICE]) == data
    assert jr.restore(result.jpeg, plain.diff) == data
    assert jr.restore(plain.jpeg, UnblurDiff.from_bytes(result.jpeg), identities=[ALICE]) == data


def test_parts_keep_it() -> None:
    plain, result = jr.redact(PICTURE, BOXES), embedded(PICTURE)
    (box,) = find_boxes(result.jpeg, read_jpeg(result.jpeg).segments)
    segments = result.jpeg[box.start : box.end]
    for first, second in (([0], [1, 2]), ([1], [0, 2]), ([2], None), ([0, 1], [2])):
        part = jr.restore(result.jpeg, regions=first, identities=[ALICE])
        alone = jr.restore(plain.jpeg, plain.diff, regions=first)
        assert part == alone[: box.start] + segments + alone[box.start :]
        assert jr.restore(part, regions=second, identities=[ALICE]) == PICTURE
        assert jr.restore(part, plain.diff, regions=second) == PICTURE


@settings(max_examples=25)
@given(st.data())
def test_any_parts_in_any_order(data: st.DataObject) -> None:
    one = st.tuples(*[st.integers(0, 150), st.integers(0, 100)], *[st.integers(8, 50)] * 2)
    drawn = data.draw(st.lists(one, min_size=1, max_size=4))
    boxes = [(x, y, x + width, y + height) for x, y, width, height in drawn]
    result = embedded(PICTURE, boxes)
    plain = jr.redact(PICTURE, boxes)
    order = data.draw(st.permutations(range(len(boxes))))
    state, alone = result.jpeg, plain.jpeg
    for region in order:
        state = jr.restore(state, regions=[region], identities=[ALICE])
        alone = jr.restore(alone, plain.diff, regions=[region])
        assert bare(state) == alone
    assert state == PICTURE


def test_a_part_handed_on() -> None:
    result = embedded(PICTURE)
    part = UnblurDiff.from_bytes(result.jpeg).extract(
        [2], recipients=[BOB.recipient], identities=[ALICE]
    )
    shown = jr.restore(result.jpeg, part, identities=[BOB])
    assert shown == jr.restore(result.jpeg, regions=[2], identities=[ALICE])
    assert jr.restore(shown, identities=[ALICE]) == PICTURE


def test_with_a_note_and_exif(photo: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = pillow_jpeg(photo, exif=exif)
    result = embedded(data, note=True)
    codes = [segment.code for segment in read_jpeg(result.jpeg).segments]
    assert codes[1:5] == [0xE0, 0xE1, 0xE1, 0xEB]
    assert jr.restore(result.jpeg, identities=[ALICE]) == data


def test_two_files_of_the_same_outside() -> None:
    """All but the sealed bytes is a function of the outside (G2)."""
    other = make_photo(208, 160)
    other[24:56, 16:64] = 255 - other[24:56, 16:64]
    blocks = [(16, 24, 64, 56)]
    options = {"quality": 85, "subsampling": 0}
    a, b = (embedded(pillow_jpeg(p, **options), blocks) for p in (make_photo(208, 160), other))
    assert bare(a.jpeg) == bare(b.jpeg)
    assert sealed(a).public == sealed(b).public


# Layers


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
@pytest.mark.parametrize("policy", ["default", "strict", "keep"])
def test_two_layers(first: bool, second: bool, policy: str) -> None:
    one = embedded(PICTURE) if first else jr.redact(PICTURE, BOXES)
    again = [(20, 20, 90, 90), (0, 100, 50, 150)]
    two = embedded(one.jpeg, again, side_copies=policy) if second else jr.redact(
        one.jpeg, again, side_copies=policy
    )  # fmt: skip
    kept = first and policy != "strict"
    assert len(boxes_in(two.jpeg)) == kept + second
    if second:
        assert boxes_in(two.jpeg)[0] == two.diff.to_bytes()
        assert jr.restore(two.jpeg, identities=[ALICE]) == one.jpeg
        part = jr.restore(two.jpeg, regions=[1], identities=[ALICE])
        assert len(boxes_in(part)) == kept + second
        assert jr.restore(part, identities=[ALICE]) == one.jpeg
    assert jr.restore(two.jpeg, two.diff, identities=[ALICE]) == one.jpeg
    assert jr.verify(one.jpeg, two.jpeg, two.diff, identities=[ALICE]).ok
    if first:
        assert jr.restore(one.jpeg, identities=[ALICE]) == PICTURE
    with pytest.raises(jr.DiffMismatchError, match="again since, bring that back first") as caught:
        jr.restore(two.jpeg, one.diff, identities=[ALICE])
    assert caught.value.code == "diff.pixels"


def test_three_layers_of_three_owners() -> None:
    state, states = PICTURE, [PICTURE]
    for owner, box in zip((ALICE, BOB, EVE), BOXES, strict=True):
        state = jr.redact(state, [box], recipients=[owner.recipient], embed=True).jpeg
        states.append(state)
    numbers = [state[box.start + 6 : box.start + 8]
               for box in find_boxes(state, read_jpeg(state).segments)]  # fmt: skip
    assert numbers == [b"\0\3", b"\0\2", b"\0\1"]
    with pytest.raises(jr.DecryptionError):
        jr.restore(state, identities=[ALICE])
    for owner, before in zip((EVE, BOB, ALICE), states[-2::-1], strict=True):
        state = jr.restore(state, identities=[owner])
        assert state == before


def test_a_diff_of_another_file_is_part_of_the_file() -> None:
    other = embedded(pillow_jpeg(make_photo(64, 64, 3)), [(0, 0, 20, 20)])
    data = put_in(PICTURE, other.diff.to_bytes())
    result = embedded(data)
    assert boxes_in(result.jpeg) == [result.diff.to_bytes(), other.diff.to_bytes()]
    assert jr.restore(result.jpeg, identities=[ALICE]) == data


def test_several_boxes_of_one_diff_are_left_out_and_stay_together() -> None:
    result = embedded(PICTURE)
    rekeyed = result.diff.rekey([BOB.recipient], identities=[ALICE])
    twice = put_in(result.jpeg, rekeyed.to_bytes())
    assert jr.restore(twice, identities=[BOB]) == PICTURE
    assert jr.restore(twice, result.diff, identities=[ALICE]) == PICTURE
    part = jr.restore(twice, regions=[0], identities=[BOB])
    assert boxes_in(part) == [rekeyed.to_bytes(), result.diff.to_bytes()]
    assert jr.restore(part, regions=[1, 2], identities=[BOB]) == PICTURE


# Other things in the file


def gain_mapped(*segments: bytes) -> bytes:
    primary = pillow_jpeg(make_photo(208, 160), quality=85)
    other = files.gain_map(files.xmp(files.HDRGM), width=52, height=40)
    return files.multi_picture(primary, [(0, b"", other)], front=segments)


@pytest.mark.parametrize("policy", ["default", "keep"])
def test_the_index_of_pictures_is_right(policy: str, tmp_path: Path) -> None:
    data = gain_mapped(files.xmp(files.HDRGM))
    plain = jr.redact(data, BOXES, side_copies=policy)
    result = embedded(data, side_copies=policy)
    assert mpf_entries(result.jpeg)[0][0] == files.end_of_picture(result.jpeg)
    size, offset = mpf_entries(result.jpeg)[1]
    assert len(result.jpeg) == offset + size
    assert result.jpeg[offset:] == plain.jpeg[-size:]
    assert mpf_entries(plain.jpeg)[0][0] == files.end_of_picture(plain.jpeg)
    part = jr.restore(result.jpeg, regions=[0], identities=[ALICE])
    shift = mpf_entries(part)[0][0] - mpf_entries(result.jpeg)[0][0]
    alone = jr.restore(plain.jpeg, plain.diff, regions=[0])
    assert shift == mpf_entries(alone)[0][0] - mpf_entries(plain.jpeg)[0][0]
    assert jr.restore(part, identities=[ALICE]) == data
    assert jr.restore(part, plain.diff) == data
    again = embedded(result.jpeg, [(0, 0, 9, 9)], side_copies=policy)
    assert mpf_entries(again.jpeg)[0][0] == files.end_of_picture(again.jpeg)
    assert jr.restore(again.jpeg, identities=[ALICE]) == result.jpeg
    if policy == "default":
        assert jr.verify(data, result.jpeg, identities=[ALICE]).ok


def mpf_entries(jpeg: bytes) -> list[tuple[int, int]]:
    """Return size and offset in the file of the pictures that an index lists, read here."""
    at = jpeg.index(b"MPF\0MM\0*") + 4
    row = at + 8 + 2 + 12 * 3 + 4
    rows = [[int.from_bytes(jpeg[row + 16 * n + i :][:4]) for i in (4, 8)] for n in (0, 1)]
    return [(size, at + offset if offset else 0) for size, offset in rows]


def test_boxes_of_others_stay_as_they_are() -> None:
    uuid = bytes.fromhex("6A736F6E00110010800000AA00389B71")
    inner = (30).to_bytes(4) + b"jumd" + uuid + b"\3other"
    head = (8 + len(inner)).to_bytes(4) + b"jumb"
    part = files.segment(0xEB, b"JP\0\1\0\0\0\1" + head + inner)
    data = files.with_segments(PICTURE, part)
    result = embedded(data, side_copies="keep")
    assert part in result.jpeg
    (box,) = find_boxes(result.jpeg, read_jpeg(result.jpeg).segments)
    assert result.jpeg[box.start + 6 : box.start + 8] == b"\0\2"
    assert jr.restore(result.jpeg, identities=[ALICE]) == data


# Side copies


def test_it_is_listed() -> None:
    result = embedded(PICTURE)
    (copy,) = jr.audit(result.jpeg)
    assert (copy.kind, copy.offset, tuple(copy.actions)) == (
        "embedded-diff", 20, ("keep", "drop", "keep"),
    )  # fmt: skip
    assert copy.length == result.report.embedded_bytes
    assert copy.detail == "sealed unblur-diff of 4 groups to 1 owner"


def fakes() -> dict[str, bytes]:
    """Return what may look like a sealed diff in a box, and is none that `redact` embeds."""
    result = embedded(PICTURE)
    stored = sealed(result)
    records = stored.sealed.records
    spoilt = stored._replace(sealed=stored.sealed._replace(records=(b"record", *records[1:])))
    envelope = records[0]
    assert envelope is not None
    no_owner = stored._replace(sealed=stored.sealed._replace(envelopes=(b"-" * 500,)))
    ssh = envelope.replace(b"-> X25519 ", b"-> ssh-rsa ", 1)
    with_ssh = stored._replace(sealed=stored.sealed._replace(records=(ssh, *records[1:])))
    locked = stored._replace(sealed=stored.sealed._replace(run=envelope))
    return {
        "plain": jr.redact(PICTURE, BOXES).diff.to_bytes(),
        "passphrase": locked.to_bytes(),
        "no age file": spoilt.to_bytes(),
        "no envelope": no_owner.to_bytes(),
        "other key": with_ssh.to_bytes(),
        "cut short": result.diff.to_bytes()[:-1],
        "longer": result.diff.to_bytes() + b"\0",
        "nothing": b"",
    }


@pytest.mark.parametrize("name", fakes())
def test_what_is_none_goes(name: str) -> None:
    content = fakes()[name]
    assert parse_published(content) is None
    data = put_in(PICTURE, content)
    (copy,) = jr.audit(data)
    assert copy.kind == "jumbf"
    assert not boxes_in(jr.redact(data, BOXES).jpeg)
    for read in (jr.restore, UnblurDiff.from_bytes):
        with pytest.raises(jr.InvalidDiffError) as caught:
            read(data)
        assert caught.value.code == "diff.not-embedded"


@settings(max_examples=150)
@given(st.data())
def test_damaged_boxes(data: st.DataObject) -> None:
    """A damaged box is a result or a clear refusal (G7), and never a wrong original."""
    (box,) = find_boxes(DAMAGED, read_jpeg(DAMAGED).segments)
    jpeg = bytearray(DAMAGED)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(box.start, min(box.start + 1200, box.end - 1)))
        jpeg[at] = data.draw(st.integers(0, 255))
    try:
        found = jr.restore(bytes(jpeg), identities=[ALICE])
    except jr.JpegRedactError:
        pass
    else:
        assert found == PICTURE
    try:
        result = jr.redact(bytes(jpeg), BOXES[:1])
    except jr.JpegRedactError:
        return
    assert jr.restore(result.jpeg, result.diff) == jpeg


DAMAGED = embedded(PICTURE).jpeg


def test_as_many_values_as_there_can_be_and_no_more() -> None:
    """Whatever is in a box is parsed whenever the file is read, also by who wants no diff."""
    diff = sealed(embedded(PICTURE))
    groups, content = len(diff.public.fills), diff.to_bytes()
    tight = jr.Limits(max_groups=groups, max_regions=len(BOXES), max_owners=1)
    assert parse_published(content, tight) == diff
    many = MAGIC + b"\x9a\x00\x20\x00\x00" + (1 << 21) * b"\x80"
    tracemalloc.start()
    try:
        assert parse_published(many) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_picture_in_it_is_found() -> None:
    """Whoever has no key can't look into it, but what lies open in it is searched for."""
    stored = sealed(embedded(PICTURE))
    first = stored.sealed.records[0]
    assert first is not None
    head = first[: first.index(b"\n---") + 50]
    records = (head + files.picture(), *stored.sealed.records[1:])
    hiding = stored._replace(sealed=stored.sealed._replace(records=records))
    data = put_in(PICTURE, hiding.to_bytes())
    assert [copy.kind for copy in jr.audit(data)] == ["embedded-diff"]
    with pytest.raises(jr.SideCopyError) as caught:
        jr.redact(data, BOXES)
    assert caught.value.code == "side-copy.carved"
    assert jr.redact(data, BOXES, side_copies="strict")


def test_verify() -> None:
    result = embedded(PICTURE)
    for how in ({"identities": [ALICE]}, {"boxes": BOXES}):
        found = jr.verify(PICTURE, result.jpeg, **how)  # type: ignore
        assert found.ok, found.problems
    assert jr.verify(PICTURE, result.jpeg, result.jpeg, identities=[ALICE]).restored
    with pytest.raises(jr.DecryptionError):
        jr.verify(PICTURE, result.jpeg, identities=[BOB])
    shown = jr.restore(result.jpeg, regions=[0], identities=[ALICE])
    assert not jr.verify(PICTURE, shown, identities=[ALICE]).ok


# Refusals


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "key.embed-plain"),
        ({"recipients": []}, "key.embed-plain"),
        ({"passphrase": "words"}, "key.embed-passphrase"),
        ({"passphrase": "words", "recipients": [ALICE.recipient]}, "key.embed-passphrase"),
    ],
)
def test_what_is_refused(options: dict[str, object], code: str) -> None:
    for call in (jr.redact, jr.process):
        with pytest.raises(jr.InvalidKeyError) as caught:
            call(PICTURE, BOXES, embed=True, **options)  # type: ignore
        assert caught.value.code == code


def test_nothing_to_redact() -> None:
    result = embedded(PICTURE, [])
    assert (result.jpeg, result.diff, result.report.embedded_bytes) == (PICTURE, None, 0)


def test_what_is_too_large() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    data = pillow_jpeg(noise, quality=95)
    whole = [(0, 0, 400, 400)]
    segments = len(read_jpeg(jr.redact(data, whole).jpeg).segments)
    pieces = len(read_jpeg(embedded(data, whole).jpeg).segments) - segments
    assert pieces > 2
    assert_too_large(data, whole, jr.Limits(max_segments=segments + pieces - 1))
    assert len(embedded(PICTURE, BOXES[:1]).jpeg) > len(PICTURE) + 1000
    assert_too_large(PICTURE, BOXES[:1], jr.Limits(max_bytes=len(PICTURE)))


def assert_too_large(data: bytes, boxes: object, limits: jr.Limits) -> None:
    assert jr.redact(data, boxes, recipients=[ALICE.recipient], limits=limits)
    with pytest.raises(jr.LimitExceededError) as caught:
        embedded(data, boxes, limits=limits)
    assert caught.value.code == "limit.embedded"


def test_there_is_none() -> None:
    plain = jr.redact(PICTURE, BOXES)
    with pytest.raises(jr.InvalidDiffError) as caught:
        jr.restore(plain.jpeg)
    assert caught.value.code == "diff.not-embedded"
    with pytest.raises(jr.DecryptionError) as locked:
        jr.restore(embedded(PICTURE).jpeg)
    assert locked.value.code == "decrypt.no-key"


# Sources


def test_a_file_stands_for_the_diff_in_it(tmp_path: Path) -> None:
    result = embedded(PICTURE)
    path = tmp_path / "out.jpg"
    path.write_bytes(result.jpeg)
    assert UnblurDiff.load(path) == result.diff == UnblurDiff.from_bytes(result.jpeg)
    assert jr.restore(path, identities=[ALICE]) == PICTURE
    assert jr.restore(path, path, identities=[ALICE]) == PICTURE
    with path.open("rb") as file:
        assert jr.restore(file, identities=[ALICE]) == PICTURE


# Other programs

needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool")
needs_jpegtran = pytest.mark.skipif(shutil.which("jpegtran") is None, reason="jpegtran")


def exiftool(*arguments: str | os.PathLike[str]) -> str:
    done = subprocess.run(["exiftool", *arguments], capture_output=True, check=True, text=True)
    return done.stdout


@needs_exiftool
@pytest.mark.parametrize("data", [PICTURE, gain_mapped(files.xmp(files.HDRGM))])
def test_exiftool_reads_it(data: bytes, tmp_path: Path) -> None:
    files_ = {"plain.jpg": jr.redact(data, BOXES).jpeg, "embedded.jpg": embedded(data).jpeg}
    said = []
    for name, content in files_.items():
        (tmp_path / name).write_bytes(content)
        said.append(exiftool("-validate", "-warning", "-error", "-a", "-s3", tmp_path / name))
    assert said[0] == said[1]
    shown = exiftool("-s3", "-JUMDLabel", "-CBOR:Format", "-CBOR:Size", tmp_path / "embedded.jpg")
    assert shown.splitlines() == ["jrdiff", "jrdiff", "208, 160"]


@needs_exiftool
def test_it_goes_with_the_metadata(tmp_path: Path) -> None:
    result = embedded(PICTURE)
    path = tmp_path / "out.jpg"
    path.write_bytes(result.jpeg)
    exiftool("-q", "-all=", "-overwrite_original", path)
    for modified in (False, True):
        with pytest.raises(jr.InvalidDiffError, match="embedded") as caught:
            jr.restore(path, identities=[ALICE], allow_modified=modified)
        assert caught.value.code == "diff.not-embedded"
    again = jr.restore(path, result.diff, identities=[ALICE], allow_modified=True)
    assert_same_blocks(again, PICTURE)


@needs_exiftool
def test_edited_metadata(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    path.write_bytes(embedded(gain_mapped()).jpeg)
    exiftool("-q", "-Comment=by hand", "-XMP:Title=title", "-overwrite_original", path)
    assert_only_when_modified(path.read_bytes(), "diff.metadata", gain_mapped())


@needs_jpegtran
@pytest.mark.parametrize("how", [("-optimize",), ("-progressive",), ("-restart", "1")])
def test_coded_anew(how: tuple[str, ...]) -> None:
    jpeg = embedded(PICTURE).jpeg
    done = subprocess.run(
        ["jpegtran", "-copy", "all", *how], input=jpeg, capture_output=True, check=True
    )
    assert_only_when_modified(done.stdout, "diff.coding", PICTURE)


def assert_only_when_modified(changed: bytes, code: str, original: bytes) -> None:
    assert len(boxes_in(changed)) == 1
    with pytest.raises(jr.DiffMismatchError) as caught:
        jr.restore(changed, identities=[ALICE])
    assert caught.value.code == code
    part = jr.restore(changed, regions=[0], identities=[ALICE], allow_modified=True)
    whole = jr.restore(part, identities=[ALICE], allow_modified=True)
    assert boxes_in(part) == boxes_in(whole) == boxes_in(changed)
    assert_same_blocks(whole, original)


def assert_same_blocks(a: bytes, b: bytes) -> None:
    for one, other in zip(read_blocks(a), read_blocks(b), strict=True):
        assert np.array_equal(one, other)


def test_readers_see_the_same_picture() -> None:
    plain, result = jr.redact(PICTURE, BOXES).jpeg, embedded(PICTURE).jpeg
    pixels = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in (plain, result)]
    assert np.array_equal(*pixels)
    if shutil.which("djpeg"):
        shown = [
            subprocess.run(["djpeg"], input=jpeg, capture_output=True, check=True)
            for jpeg in (plain, result)
        ]
        assert shown[0].stdout == shown[1].stdout
        assert not shown[1].stderr
