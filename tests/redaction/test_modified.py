"""Files that were coded anew or given other metadata since they were redacted.

Without ``allow_modified`` they are refused, and the code says what was changed; with it the blocks
that come back are the original's, and all else is as in the changed file. jpegio judges.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import jpegmaker12
import numpy as np
import pictures
import pytest
import small_files
import variants
from guarantees import helpers, structure
from guarantees.tight import full as tight_table
from jpegmaker import Table, make_jpeg, random_parts
from PIL import Image
from progressive_maker import Picture, make_progressive, steps, tight
from small_files import bits, covers, sampled
from variants import by_cjpeg, by_jpegtran

import jpegredact as jr
from jpegredact.redaction import recoded

pytestmark = variants.needs_programs
needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool here")

BOXES = [(16, 16, 56, 48), (40, 32, 80, 64), (100, 70, 122, 93)]
RECODINGS = {
    "optimised": ("-optimize",),
    "progressive": ("-progressive",),
    "restarts": ("-restart", "1"),
    "restarts in blocks": ("-restart", "7B", "-optimize"),
    "arithmetic": ("-arithmetic",),
    "arithmetic, progressive": ("-arithmetic", "-progressive"),
    "general tables": (),
}
ORIGINALS = {
    "sequential": lambda: by_cjpeg(variants.photo(), "-quality", "88", "-sample", "2x2"),
    "optimised": lambda: by_cjpeg(variants.photo(), "-optimize", "-quality", "95"),
    "restarts": lambda: by_cjpeg(variants.photo(), "-restart", "1", "-sample", "2x1"),
    "grey": lambda: by_cjpeg(variants.photo(), "-grayscale", "-optimize"),
    "cmyk": lambda: pictures.pillow_jpeg(variants.photo(), "CMYK", quality=85),
    "progressive": lambda: by_cjpeg(variants.photo(), "-progressive", "-sample", "2x2"),
    "arithmetic": lambda: by_cjpeg(variants.photo(), "-arithmetic", "-sample", "1x2"),
    "arithmetic, progressive": lambda: by_cjpeg(variants.photo(), "-arithmetic", "-progressive"),
}
FILES = [
    pytest.param(path, id=path.name) for path in sorted((helpers.CORPUS / "files").glob("*"))
] or [pytest.param(None, marks=pytest.mark.skip(reason="the corpus is not there"))]


@cache
def original(name: str) -> bytes:
    return ORIGINALS[name]()


@cache
def redacted(name: str, method: str = "inpaint") -> jr.Redaction:
    return jr.redact(original(name), BOXES, method=method)


def code_of(jpeg: bytes, diff: jr.UnblurDiff, **options: object) -> str:
    """Return why a file is refused."""
    with pytest.raises(jr.DiffMismatchError) as caught:
        jr.restore(jpeg, diff, **options)
    return caught.value.code


def assert_brought_back(
    before: bytes, changed: bytes, now: bytes, boxes: list, groups: set[int] | None = None
) -> None:
    """Assert that exactly these groups (None: all) show the original, and all else is kept.

    That is: the changed file's other blocks, and its segments but for Huffman tables.
    """
    cover = covers(structure.read(before), boxes)
    if groups is None:
        groups = {int(n) for plane in cover for n in np.unique(plane) if n}
    small_files.assert_shows(before, changed, now, cover, groups)
    assert other_segments(changed) == other_segments(now)
    old, new = structure.read(changed), structure.read(now)
    assert [(s.parts, s.spectral, s.approximation, s.step) for s in old.scans] == [
        (s.parts, s.spectral, s.approximation, s.step) for s in new.scans
    ]
    assert structure.complaints(now) == structure.complaints(changed)


def other_segments(jpeg: bytes) -> list[bytes]:
    """Return all but Huffman tables and notes of what is revealed, which hold no longer."""
    return [
        jpeg[start:end]
        for code, start, end in structure.read(jpeg).segments
        if code != 0xC4 and not (code == 0xFE and jpeg.startswith(b"jrdiff-revealed", start + 4))
    ]


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("recoding", RECODINGS)
def test_coded_anew(name: str, recoding: str) -> None:
    result = redacted(name)
    changed = by_jpegtran(result.jpeg, *RECODINGS[recoding])
    if changed == result.jpeg:
        assert jr.restore(changed, result.diff) == original(name)
        return
    assert code_of(changed, result.diff) == "diff.coding"
    whole = jr.restore(changed, result.diff, allow_modified=True)
    assert_brought_back(original(name), changed, whole, BOXES)
    part = jr.restore(changed, result.diff, regions=[0], allow_modified=True)
    assert_brought_back(original(name), changed, part, BOXES, {bits((0,))})
    assert code_of(part, result.diff).startswith("diff.")
    more = jr.restore(part, result.diff, regions=[1], allow_modified=True)
    shown = {bits(regions) for regions in ((0,), (1,), (0, 1))}
    assert_brought_back(original(name), changed, more, BOXES, shown)
    rest = jr.restore(more, result.diff, regions=[2], allow_modified=True)
    assert_brought_back(original(name), changed, rest, BOXES)
    by_part = jr.restore(changed, result.diff.extract([1]), allow_modified=True)
    assert_brought_back(original(name), changed, by_part, BOXES, {bits((1,))})


@pytest.mark.parametrize("name", ORIGINALS)
def test_there_and_back(name: str) -> None:
    """jpegtran's own way back to the first process gives the same file, or one of its coding."""
    result = redacted(name)
    options = {"progressive": ["-progressive"], "arithmetic": ["-arithmetic"],
               "arithmetic, progressive": ["-arithmetic", "-progressive"]}  # fmt: skip
    changed = by_jpegtran(by_jpegtran(result.jpeg, "-progressive", "-restart", "1"),
                          *options.get(name, ["-optimize"]))  # fmt: skip
    whole = jr.restore(changed, result.diff, allow_modified=True)
    assert_brought_back(original(name), changed, whole, BOXES)


@pytest.mark.parametrize("name", ORIGINALS)
@pytest.mark.parametrize("recoding", ["optimised", "progressive", "arithmetic"])
def test_partly_revealed_and_coded_anew(name: str, recoding: str) -> None:
    result = redacted(name)
    part = jr.restore(result.jpeg, result.diff, regions=[0, 2])
    changed = by_jpegtran(part, *RECODINGS[recoding])
    for diff in (result.diff, result.diff.extract([0, 1])):
        if changed != part:
            assert code_of(changed, diff).startswith("diff.")
        now = jr.restore(changed, diff, regions=[1], allow_modified=True)
        if changed == part:
            small_files.assert_shows(
                original(name), result.jpeg, now, covers(structure.read(original(name)), BOXES),
                {bits(r) for r in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2))},
            )  # fmt: skip
        else:
            assert_brought_back(original(name), changed, now, BOXES)


EDITS = {
    "a comment": ("-Comment=taken in May",),
    "an artist": ("-Artist=nobody", "-Copyright=all"),
    "XMP": ("-XMP-dc:Title=" + "long " * 200,),
    "IPTC": ("-IPTC:City=Ghent",),
    "an orientation": ("-Orientation#=6", "-n"),
    "nothing left": ("-all=",),
}


def by_exiftool(jpeg: bytes, *arguments: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.jpg")
        path.write_bytes(jpeg)
        subprocess.run(
            ["exiftool", "-q", "-overwrite_original", *arguments, path], check=True,
            capture_output=True,
        )  # fmt: skip
        return path.read_bytes()


@needs_exiftool
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["sequential", "progressive", "arithmetic"])
def test_metadata(name: str, edit: str) -> None:
    result = redacted(name)
    changed = by_exiftool(result.jpeg, *EDITS[edit])
    assert changed != result.jpeg
    assert code_of(changed, result.diff) == "diff.metadata"
    assert code_of(changed, result.diff.extract([2])) == "diff.metadata"
    whole = jr.restore(changed, result.diff, allow_modified=True)
    assert_brought_back(original(name), changed, whole, BOXES)
    part = jr.restore(changed, result.diff, regions=[2], allow_modified=True)
    again = jr.restore(part, result.diff, allow_modified=True)
    assert_brought_back(original(name), changed, again, BOXES)


@needs_exiftool
@pytest.mark.parametrize("edit", ["an artist", "a comment", "nothing left"])
def test_metadata_of_a_partly_revealed_file(edit: str) -> None:
    """The note of what is revealed may go with it: the blocks are still known."""
    result = redacted("sequential")
    part = jr.restore(result.jpeg, result.diff, regions=[0])
    changed = by_exiftool(part, *EDITS[edit])
    assert code_of(changed, result.diff).startswith("diff.")
    now = jr.restore(changed, result.diff, regions=[1], allow_modified=True)
    shown = {bits(regions) for regions in ((0,), (1,), (0, 1))}
    cover = covers(structure.read(original("sequential")), BOXES)
    small_files.assert_shows(original("sequential"), result.jpeg, now, cover, shown)
    whole = jr.restore(now, result.diff, allow_modified=True)
    assert_brought_back(original("sequential"), changed, whole, BOXES)


def test_segments_put_in_and_taken_out() -> None:
    with_comment = pictures.pillow_jpeg(variants.photo(), comment="harmless")
    result = jr.redact(with_comment, BOXES)
    at = result.jpeg.index(b"\xff\xfe")
    end = at + 2 + int.from_bytes(result.jpeg[at + 2 : at + 4])
    scan = structure.read(result.jpeg).segments[-1][1]
    app = b"\xff\xe7\x00\x06more"
    for changed in (
        result.jpeg[:at] + result.jpeg[end:],
        result.jpeg[:scan] + app + result.jpeg[scan:],
        result.jpeg[:2] + app + result.jpeg[2:],
        result.jpeg[:scan] + b"\xff\xfe\x00\x12jrdiff-revealed\0" + result.jpeg[scan:],
        result.jpeg[:at] + result.jpeg[at:end].replace(b"harmless", b"harmful!")
        + result.jpeg[end:],
    ):  # fmt: skip
        assert code_of(changed, result.diff) == "diff.metadata"
        now = jr.restore(changed, result.diff, allow_modified=True)
        assert_brought_back(with_comment, changed, now, BOXES)


def test_a_file_that_was_not_changed_is_the_original_byte_for_byte() -> None:
    result = redacted("optimised")
    assert jr.restore(result.jpeg, result.diff, allow_modified=True) == original("optimised")
    part = jr.restore(result.jpeg, result.diff, regions=[1], allow_modified=True)
    assert part == jr.restore(result.jpeg, result.diff, regions=[1])
    assert jr.restore(part, result.diff, allow_modified=True) == original("optimised")


@pytest.mark.parametrize("factors", [(2, 2), (1, 2), (4, 1)])
def test_factors_of_a_component_that_is_alone(factors: tuple[int, int]) -> None:
    """They mean nothing; jpegtran writes 1 × 1."""
    jpeg = make_jpeg(122, 93, random_parts(122, 93, (factors,)))
    result = jr.redact(jpeg, BOXES)
    changed = by_jpegtran(result.jpeg, "-optimize")
    assert structure.read(changed).factors == ((1, 1),) != structure.read(jpeg).factors
    assert code_of(changed, result.diff) == "diff.coding"
    now = jr.restore(changed, result.diff, allow_modified=True)
    assert_brought_back(jpeg, changed, now, BOXES)


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that were given other tables."""
    made = []
    plain = recoded.with_roomy_tables

    def spy(data: bytes, *others: object) -> bytes:
        made.append(plain(data, *others))
        return made[-1]

    monkeypatch.setattr(recoded, "with_roomy_tables", spy)
    return made


def symbols_of(blocks: np.ndarray) -> set[int]:
    """Return the AC symbols of a sequential scan (T.81 F.1.2.2)."""
    used = {0}
    for block in blocks.reshape(-1, 64):
        run = 0
        for value in block[1:]:
            if value:
                used |= {0xF0} if run > 15 else set()
                used.add(run % 16 << 4 | int(abs(value)).bit_length())
            run = 0 if value else run + 1
    return used


def test_full_tables(roomy: list[bytes]) -> None:
    """Where nothing can be appended to optimised tables, the file gets others."""
    parts = random_parts(122, 93, ((1, 1),), 7)
    jpeg = make_jpeg(122, 93, parts)
    result = jr.redact(jpeg, BOXES, method="fill")
    hidden = helpers.coefficients(result.jpeg)[0]
    blocks = hidden[:, :, structure.NATURAL]
    used = sorted(symbols_of(blocks))
    assert symbols_of(parts[0].blocks) - set(used), "the original takes no symbol more"
    full = Table(*tight_table(bytes(used)))
    changed = make_jpeg(
        122, 93, [replace(parts[0], blocks=blocks)], {0x00: Table.full(range(12)), 0x10: full}
    )
    assert (helpers.coefficients(changed)[0] == hidden).all()
    assert code_of(changed, result.diff) == "diff.coding"
    now = jr.restore(changed, result.diff, allow_modified=True)
    assert len(roomy) == 1
    assert (helpers.coefficients(roomy[0])[0] == hidden).all()
    assert_brought_back(jpeg, changed, now, BOXES)


@pytest.mark.parametrize("factors", [((1, 1),), small_files.HALVED], ids=["grey", "4:2:0"])
def test_full_tables_of_progressive_files(roomy: list[bytes], factors) -> None:
    parts = random_parts(122, 93, factors, 7)
    picture = Picture(122, 93, parts, steps(len(factors)))
    jpeg = make_progressive(picture)
    boxes = [(0, 0, 122, 80)]
    result = jr.redact(jpeg, boxes)
    hidden = [plane[:, :, structure.NATURAL] for plane in helpers.coefficients(result.jpeg)]
    blocks = [part.blocks.copy() for part in parts]
    for plane, real in zip(blocks, hidden, strict=True):
        plane[: real.shape[0], : real.shape[1]] = real
    fills = replace(
        picture,
        parts=[replace(part, blocks=plane) for part, plane in zip(parts, blocks, strict=True)],
    )
    changed = make_progressive(fills, tight(fills, full=True))
    for plane, real in zip(helpers.coefficients(changed), hidden, strict=True):
        assert (plane[:, :, structure.NATURAL] == real).all()
    assert code_of(changed, result.diff) == "diff.coding"
    now = jr.restore(changed, result.diff, allow_modified=True)
    assert len(roomy) == 1
    assert_brought_back(jpeg, changed, now, boxes)


# ---------------------------------------------------------------------------
# What is no harmless change
# ---------------------------------------------------------------------------


def refused(jpeg: bytes, diff: jr.UnblurDiff) -> None:
    """Assert that a file is refused, by the whole diff and a part, with the flag and without."""
    for each in (diff, diff.extract([0])):
        for options in ({}, {"regions": [0]}):
            for flag in (False, True):
                assert code_of(jpeg, each, allow_modified=flag, **options) == "diff.pixels"


TURNED = {
    "rotated": ("-rotate", "90"),
    "upside down": ("-rotate", "180"),
    "flipped": ("-flip", "horizontal"),
    "transposed": ("-transpose",),
    "cropped": ("-crop", "96x80+0+0"),
    "cropped in front": ("-crop", "96x80+16+0"),
}


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("name", ["sequential", "progressive", "arithmetic", "grey"])
def test_turned_and_cropped(name: str, turn: str) -> None:
    result = redacted(name)
    refused(by_jpegtran(result.jpeg, *TURNED[turn]), result.diff)


@pytest.mark.parametrize("quality", [30, 87, 89, 95])
@pytest.mark.parametrize("name", ["sequential", "progressive", "grey"])
def test_compressed_anew(name: str, quality: int) -> None:
    result = redacted(name)
    with Image.open(io.BytesIO(result.jpeg)) as image:
        again = pictures.pillow_jpeg(np.asarray(image), image.mode, quality=quality,
                                     subsampling=2)  # fmt: skip
    refused(again, result.diff)


def coded_by_pillow(jpeg: bytes) -> bytes:
    """Return a file decoded and compressed anew with the very same tables."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        image.save(out, "JPEG", quality="keep")
    return out.getvalue()


@pytest.mark.parametrize("method", ["inpaint", "pixelate"])
def test_compressed_anew_with_the_same_tables(method: str) -> None:
    result = redacted("sequential", method)
    refused(coded_by_pillow(result.jpeg), result.diff)


@pytest.mark.parametrize("turn", ["flipped", "upside down"])
def test_turned_with_a_flat_fill_in_the_middle(turn: str) -> None:
    jpeg = by_cjpeg(variants.photo(128, 96), "-quality", "88", "-sample", "2x2")
    result = jr.redact(jpeg, [(32, 32, 96, 64)], method="fill")
    refused(by_jpegtran(result.jpeg, *TURNED[turn]), result.diff)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["inpaint", "fill"])
@pytest.mark.parametrize("path", FILES)
def test_files_compressed_anew_with_the_same_tables(path: Path, method: str) -> None:
    """Refused, wherever that changed a DC value beside a region, or a coefficient in it or in the
    sample of the rest."""
    jpeg = path.read_bytes()
    try:
        width, height = helpers.size_of(jpeg)
        if width * height > 4e6:
            pytest.skip("minutes")
        box = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
        result = jr.redact(jpeg, [box], method=method)
        again = coded_by_pillow(result.jpeg)
        cover = covers(structure.read(result.jpeg), [box])
        changed = helpers.changed_blocks(result.jpeg, again)
    except jr.JpegRedactError:
        pytest.skip("can't be redacted")
    except (OSError, RuntimeError, ValueError, AssertionError, IndexError, KeyError):
        pytest.skip("Pillow or jpegio can't read it, or it is coded otherwise now")
    planes = zip(helpers.coefficients(result.jpeg), helpers.coefficients(again), strict=True)
    dc = [(a.reshape(*a.shape[:2], -1)[..., 0], b.reshape(*b.shape[:2], -1)[..., 0])
          for a, b in planes]  # fmt: skip
    seen = False
    known = result.diff.document.file.sample
    inside = sampled(structure.read(result.jpeg), cover, known[0]) if known else []
    for component, mask in enumerate(inside):
        seen |= any(part == component and y < mask.shape[0] and x < mask.shape[1] and mask[y, x]
                    for part, y, x in changed)  # fmt: skip
    for component, cells in enumerate(cover):
        own = np.pad(cells > 0, 1)
        near = own[:-2, 1:-1] | own[2:, 1:-1] | own[1:-1, :-2] | own[1:-1, 2:]
        rows, columns = cells.shape
        other = (dc[component][0] != dc[component][1])[:rows, :columns]
        seen |= bool((other & near).any())
        seen |= any(part == component and y < rows and x < columns and cells[y, x]
                    for part, y, x in changed)  # fmt: skip
    if not seen:
        pytest.skip("nothing was changed that it is known by")
    assert code_of(again, result.diff, allow_modified=True) == "diff.pixels"


@pytest.mark.parametrize("where", [(60, 40, 64, 44), (0, 0, 122, 93)])
def test_painted_over(where: tuple[int, int, int, int]) -> None:
    result = redacted("sequential")
    with Image.open(io.BytesIO(result.jpeg)) as image:
        pixels = np.asarray(image).copy()
    pixels[where[1] : where[3], where[0] : where[2]] ^= 0x55
    refused(pictures.pillow_jpeg(pixels, quality=88, subsampling=2), result.diff)


def test_other_pictures() -> None:
    result = redacted("sequential")
    for name in ("optimised", "grey", "cmyk", "progressive"):
        for method in ("inpaint", "fill"):
            refused(redacted(name, method).jpeg, result.diff)
    other = by_cjpeg(variants.photo()[::-1, ::-1], "-quality", "88", "-sample", "2x2")
    refused(other, result.diff)
    refused(jr.redact(other, BOXES).jpeg, result.diff)
    refused(redacted("sequential", "fill").jpeg, result.diff)
    twelve = jpegmaker12.make_jpeg_12(
        122, 93, jpegmaker12.random_parts_12(122, 93, small_files.HALVED)
    )
    refused(twelve, result.diff)


def test_redacted_twice() -> None:
    """The wrong order says so, and the right one gives the original."""
    first = redacted("sequential")
    second = jr.redact(first.jpeg, [(60, 40, 110, 80)])
    for flag in (False, True):
        with pytest.raises(jr.DiffMismatchError) as caught:
            jr.restore(second.jpeg, first.diff, allow_modified=flag)
        assert caught.value.code == "diff.pixels"
    with pytest.raises(jr.DiffMismatchError, match="again since"):
        jr.restore(second.jpeg, first.diff)
    assert jr.restore(jr.restore(second.jpeg, second.diff), first.diff) == original("sequential")


def test_redacted_twice_elsewhere() -> None:
    """Another place: the first diff's regions come back where they are named, the other stays."""
    first = redacted("sequential")
    second = jr.redact(first.jpeg, [(0, 70, 16, 90)])
    for flag in (False, True):
        with pytest.raises(jr.DiffMismatchError, match="again since") as caught:
            jr.restore(second.jpeg, first.diff, allow_modified=flag)
        assert caught.value.code == "diff.pixels"
    named = range(len(BOXES))
    now = jr.restore(second.jpeg, first.diff, regions=named, allow_modified=True)
    assert_brought_back(original("sequential"), second.jpeg, now, BOXES)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES[::4])
def test_every_fourth_file(path: Path) -> None:
    jpeg = path.read_bytes()
    try:
        width, height = helpers.size_of(jpeg)
    except AssertionError:
        pytest.skip("no frame")
    if width * height > 9e6:
        pytest.skip("minutes")
    boxes = [
        (width // 8, height // 8, width // 3, height // 3),
        (width // 4, height // 4, width // 2, height // 2),
        (width * 3 // 4, height * 3 // 4, width, height),
    ]
    try:
        result = jr.redact(jpeg, boxes, force=True)
    except jr.JpegRedactError:
        pytest.skip("can't be redacted")
    try:
        cover = covers(structure.read(jpeg), boxes)
        before = structure.complaints(jpeg)
    except (RuntimeError, ValueError, AssertionError, IndexError, KeyError):
        pytest.skip("jpegio can't judge it")
    if before != "0":
        pytest.skip("damaged")
    groups = {int(n) for plane in cover for n in np.unique(plane) if n}
    for recoding in ("optimised", "progressive", "restarts", "arithmetic", "general tables"):
        try:
            changed = by_jpegtran(result.jpeg, *RECODINGS[recoding])
        except subprocess.CalledProcessError:
            continue  # jpegtran takes no file of 12 bits
        if changed != result.jpeg:
            assert code_of(changed, result.diff) in ("diff.coding", "diff.metadata")
        now = jr.restore(changed, result.diff, allow_modified=True)
        small_files.assert_shows(jpeg, changed, now, cover, groups)
        if 1 not in groups:
            continue  # so small that region 0 has no block of its own to be known by
        part = jr.restore(changed, result.diff.extract([0]), allow_modified=True)
        small_files.assert_shows(jpeg, changed, part, cover, {1})
        rest = jr.restore(part, result.diff, allow_modified=True)
        small_files.assert_shows(jpeg, changed, rest, cover, groups)
