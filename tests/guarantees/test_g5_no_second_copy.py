"""G5: nothing else in the file shows what was redacted; and what shows nothing is left alone.

The referee is not the package's own walker: a carver, and ExifTool (tests/referee). A region over
the middle of the picture is redacted; then every picture that is still in the file is laid over
the original, and must not vary in the region as the original did.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence, MpoImagePlugin
from referee import exiftool, planted
from referee.carver import carve
from referee.decode import FAILURES, small_grey
from referee.examine import explain, judged, pictures_of_original, survivors, what_shows
from referee.streams import main_picture
from scipy import ndimage

import jpegredact as jr

from . import helpers

DJPEG = shutil.which("djpeg") is not None
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
POLICIES = ("default", "strict", "keep")
Box = tuple[float, float, float, float]


def rows() -> dict[str, dict[str, str]]:
    """Return the corpus's manifest, nothing where there is no corpus."""
    path = helpers.CORPUS / "manifest.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


ROWS = rows()
NO_CORPUS = [pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))]


def quick_files() -> list:
    """Return the smallest file of each kind of side copy."""
    kinds: dict[str, Callable[[dict[str, str]], bool]] = {
        "exif": lambda row: row["exif_thumb"] == "jpeg",
        "turned": lambda row: row["exif_thumb"] == "jpeg" and row["orientation"] not in ("", "1"),
        "maker note": lambda row: row["makernote_jpegs"] in ("1", "2"),
        "photoshop": lambda row: row["irb_thumb"] != "" and row["exif_thumb"] == "jpeg",
        "jfxx": lambda row: row["jfxx_thumb"] != "",
        "jfif": lambda row: row["jfif_thumb"] != "",
        "mpf": lambda row: row["mpf"] == "2" and row["ultrahdr"] == "0",
        "ultra hdr": lambda row: row["ultrahdr"] == "1" and row["mpf"] == "2",
        "motion photo": lambda row: row["motionphoto"] == "1",
        "extended xmp": lambda row: row["xmp_ext"] not in ("", "0"),
        "c2pa": lambda row: row["c2pa"] == "1",
        "flashpix": lambda row: row["flashpix"] != "",
        "slack": lambda row: row["trailer_kind"].startswith("jpeg@pad"),
    }
    found = []
    for kind, holds in kinds.items():
        fit = [r for r in ROWS.values() if holds(r) and r["ent_status"] == "ok"
               and int(r["width"]) * int(r["height"]) > 10_000]  # fmt: skip
        fit.sort(key=lambda row: int(row["size"]))
        found += [pytest.param(row["file"], id=kind) for row in fit[:1]]
    return found or NO_CORPUS


def middle(jpeg: bytes) -> Box:
    """Return the middle third of a picture."""
    frame = main_picture(jpeg).frame
    width, height = frame or (3, 3)
    left, top = width // 3, height // 3
    return left, top, max(2 * width // 3, left + 1), max(2 * height // 3, top + 1)


def redacted(jpeg: bytes, box: Box, policy: str) -> jr.Redaction | None:
    """Redact; what is refused for being thermal or stereo is forced. None: refused, clearly."""
    try:
        return jr.redact(jpeg, [box], side_copies=policy)
    except jr.UnsupportedJpegError:
        pass  # next: forced
    except jr.JpegRedactError:
        return None
    try:
        return jr.redact(jpeg, [box], side_copies=policy, force=True)
    except jr.JpegRedactError:
        return None


def problems(jpeg: bytes, result: jr.Redaction, box: Box, policy: str) -> Iterator[str]:
    """Yield what is wrong with a redacted file."""
    if jr.restore(result.jpeg, result.diff) != jpeg:
        yield "the original does not come back"
    found = judged(jpeg, result.jpeg, box, result.jpeg)
    if found is None:
        return  # 12 bits and the like: the carver has nothing to compare with
    shown = what_shows(found)
    if policy == "keep":
        if shown and "side-copies-kept" not in {w.code for w in result.report.warnings}:
            yield f"kept without a word: {explain(shown[0])}"
    else:
        yield from (f"still there: {explain(one)}" for one in shown)
        for one in survivors(pictures_of_original(jpeg), found):
            yield f"went through untouched: {explain(one)}"
    if exiftool.HAVE_EXIFTOOL:
        more = exiftool.shared().complaints(result.jpeg) - exiftool.shared().complaints(jpeg)
        # A strict file's Exif holds the orientation and nothing else.
        fewer = "Missing required" if policy == "strict" else "\0"
        yield from (f"exiftool now says: {words}" for words in more if fewer not in words)
    yield from outside_problems(jpeg, result.jpeg, box)
    if policy == "default" and DJPEG:
        before, after = (helpers.djpeg_complaints(data) for data in (jpeg, result.jpeg))
        if after[0] > before[0] or len(after[1].splitlines()) > len(before[1].splitlines()):
            yield f"djpeg now says: {after}"


def outside_problems(jpeg: bytes, new: bytes, box: Box) -> Iterator[str]:
    """Compare pixels away from the region; large pictures at a scale that is exact by blocks."""
    old_pixels, new_pixels = (scaled_pixels(data) for data in (jpeg, new))
    if old_pixels is None or new_pixels is None:
        if (old_pixels is None) != (new_pixels is None):
            yield "Pillow opens only one of original and output"
        return
    if old_pixels.shape != new_pixels.shape:
        yield f"shape {new_pixels.shape} instead of {old_pixels.shape}"
        return
    frame = main_picture(jpeg).frame
    assert frame is not None
    scale = old_pixels.shape[1] / frame[0]
    away = 64  # whole MCUs, and the neighbours that chroma upsampling and smoothing look at
    outside = np.ones(old_pixels.shape[:2], bool)
    left, top, right, bottom = box
    outside[
        max(int((top - away) * scale), 0) : int((bottom + away) * scale) + 2,
        max(int((left - away) * scale), 0) : int((right + away) * scale) + 2,
    ] = False
    if not np.array_equal(old_pixels[outside], new_pixels[outside]):
        yield "pixels outside the region differ"


def scaled_pixels(data: bytes) -> np.ndarray | None:
    """Return RGB or grey pixels, of large pictures scaled while decoding (each block by itself)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data))
            if image.width * image.height > 6e7:
                return None
            if image.width * image.height > 2e6:
                image.draft(image.mode, (image.width // 4, image.height // 4))
            return np.asarray(image)
        except FAILURES:
            return None


# ---------------------------------------------------------------------------
# Planted copies: no corpus is needed
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", planted.KINDS)
def test_planted_copies(kind: str, policy: str) -> None:
    pixels = planted.picture()
    jpeg = planted.KINDS[kind](
        planted.saved(Image.fromarray(pixels), quality=92), planted.small(pixels)
    )
    result = jr.redact(jpeg, [planted.BOX], side_copies=policy)
    assert list(problems(jpeg, result, planted.BOX, policy)) == []


def test_no_region_no_change() -> None:
    jpeg = planted.exif_jpeg(
        planted.saved(Image.fromarray(planted.picture())), planted.small(planted.picture())
    )
    for policy in POLICIES:
        assert jr.redact(jpeg, [], side_copies=policy).jpeg == jpeg


# ---------------------------------------------------------------------------
# The corpus
# ---------------------------------------------------------------------------


def check(name: str, policies: tuple[str, ...]) -> None:
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    box = middle(jpeg)
    found = []
    for policy in policies:
        result = redacted(jpeg, box, policy)
        if result is not None:
            found += [f"[{policy}] {text}" for text in problems(jpeg, result, box, policy)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", quick_files())
def test_some_files(name: str) -> None:
    check(name, POLICIES)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", sorted(ROWS) or NO_CORPUS)
def test_every_file(name: str, policy: str) -> None:
    check(name, (policy,))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ROWS) or NO_CORPUS)
def test_the_audit_names_every_picture(name: str) -> None:
    """Whatever the carver finds lies in something that `audit` lists."""
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    try:
        copies = jr.audit(jpeg)
    except jr.JpegRedactError:
        return
    spans = [(c.offset, c.offset + c.length) for c in copies]
    spans += [piece for c in copies for piece in c.pieces]
    # What is spread over segments is named by its first piece, and the carver's by its own start.
    frames = main_picture(jpeg).segments
    for start, end in list(spans):
        spans += [
            (s.start, s.end) for s in frames if s.start <= start < s.end or start <= s.start < end
        ]
    for finding in carve(jpeg):
        shown = finding.grey is not None and float(finding.grey.std()) > 2
        assert not shown or any(a <= finding.offset < b for a, b in spans), finding


@pytest.mark.skipif(not ROWS, reason="the corpus is not there")
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_chromium_opens_them(tmp_path: Path) -> None:
    """The quick files, redacted under each policy, show in a browser at their size."""
    wanted, page = [], ["<body>"]
    for parameter in quick_files():
        jpeg = (helpers.CORPUS / "files" / parameter.values[0]).read_bytes()
        for policy in POLICIES:
            result = redacted(jpeg, middle(jpeg), policy)
            if result is not None:
                name = f"{len(wanted)}.jpg"
                (tmp_path / name).write_bytes(result.jpeg)
                wanted.append(sorted(main_picture(jpeg).frame or ()))
                page.append(f'<img src="{name}">')
    page.append(
        "<script>onload = () => { document.title = [...document.images].map("
        "i => i.naturalWidth + ' ' + i.naturalHeight).join() }</script>"
    )
    (tmp_path / "page.html").write_text("\n".join(page))
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--virtual-time-budget=60000", (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    title = done.stdout.partition("<title>")[2].partition("</title>")[0]
    # Sides sorted: Chromium turns them by the Exif orientation.
    assert [sorted(map(int, sides.split())) for sides in title.split(",")] == wanted


GAIN_MAPS = [
    name
    for name, row in ROWS.items()
    if row["ultrahdr"] == "1" and row["mpf"] == "2" and row["ent_status"] == "ok"
] or NO_CORPUS


@pytest.mark.parametrize("name", GAIN_MAPS)
def test_gain_maps_stay_without_the_region(name: str) -> None:
    """Pillow and ExifTool still find the gain map; outside it is the same, inside it is smooth."""
    jpeg = (helpers.CORPUS / "files" / name).read_bytes()
    box = middle(jpeg)
    result = jr.redact(jpeg, [box])
    if exiftool.HAVE_EXIFTOOL:
        assert any("MPImage2" in f.place for f in exiftool.shared().pictures(result.jpeg))
    old, new = second_frame(jpeg), second_frame(result.jpeg)
    if old is None:  # Pillow does not understand the original's index: the last picture, then
        old, new = last_picture(jpeg), last_picture(result.jpeg)
    assert old is not None
    assert new is not None, "Pillow finds no gain map"
    assert new.shape == old.shape
    frame = main_picture(jpeg).frame
    assert frame is not None
    rows_, columns = old.shape[:2]
    left, right = (side * columns / frame[0] for side in (box[0], box[2]))
    top, bottom = (side * rows_ / frame[1] for side in (box[1], box[3]))
    inner = slice(int(top) + 1, int(bottom) - 1), slice(int(left) + 1, int(right) - 1)
    away = 24
    far = np.ones(old.shape[:2], bool)
    far[
        max(int(top) - away, 0) : int(bottom) + away, max(int(left) - away, 0) : int(right) + away
    ] = False
    assert np.array_equal(old[far], new[far])
    before, after = (fine_detail(p)[inner] for p in (old, new))
    if before.size >= 64 and float(before.std()) > 1:
        assert float(after.std()) < max(0.35 * float(before.std()), 0.8)


def second_frame(data: bytes) -> np.ndarray | None:
    """Return the second picture of a multi-picture file, by Pillow."""
    try:
        # By name: Image.open takes what has an Ultra HDR gain map for a plain JPEG.
        with MpoImagePlugin.MpoImageFile(io.BytesIO(data)) as image:
            frames = [
                np.asarray(f.convert("L"), dtype=float) for f in ImageSequence.Iterator(image)
            ]
    except FAILURES:
        return None
    return frames[1] if len(frames) > 1 else None


def last_picture(data: bytes) -> np.ndarray | None:
    """Return the picture that follows the main one, by its own SOI behind the main one's EOI."""
    start = data.find(b"\xff\xd8\xff", main_picture(data).end)
    if start < 0:
        return None
    decoded = small_grey(data[start:], 8192)
    return None if decoded is None else decoded[0]


def fine_detail(grey: np.ndarray) -> np.ndarray:
    """Return what is finer than a few pixels."""
    return grey - ndimage.gaussian_filter(grey, 3)
