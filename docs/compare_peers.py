"""Run what people use today over files of ten kinds, and see what each leaves and destroys.

``python docs/compare_peers.py`` writes ``docs/comparison.md``. It needs the corpus (see
``tests/guarantees/helpers.py``) and ExifTool; peers that are not installed are said to be absent.
The judge of what shows the region is the tests' referee, not this package's own walker.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jpegredact as jr

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from guarantees import helpers  # noqa: E402
from guarantees.test_g5_no_second_copy import outside_problems  # noqa: E402
from referee import exiftool  # noqa: E402
from referee.examine import (  # noqa: E402
    Judged,
    judged,
    pictures_of_original,
    survivors,
    what_shows,
)
from referee.streams import main_picture  # noqa: E402

Row = Mapping[str, str]
Box = tuple[int, int, int, int]

# ---------------------------------------------------------------------------
# Files: one of each kind, chosen by the manifest
# ---------------------------------------------------------------------------

KINDS: Mapping[str, Callable[[Row], bool]] = {
    "Exif thumbnail": lambda r: (
        r["exif_thumb"] == "jpeg" and not (r["makernote_jpegs"] or r["irb_thumb"] or r["mpf"])
        and r["category"] == "camera-exif"
    ),
    "MakerNote preview": lambda r: r["makernote_jpegs"] in ("1", "2") and not r["mpf"],
    "Photoshop thumbnail (8BIM)": lambda r: r["irb_thumb"] != "" and r["exif_thumb"] == "jpeg",
    "MPF preview": lambda r: (
        r["mpf"] == "2" and r["ultrahdr"] == "0" and r["trailer_kind"].startswith("jpeg+njpeg=1")
        and r["exif_thumb"] == "jpeg"
    ),
    "Ultra HDR gain map": lambda r: r["ultrahdr"] == "1" and r["mpf"] == "2",
    "Motion photo (film put back)": lambda r: r["motionphoto"] == "1",
    "Depth map in extended XMP": lambda r: r["xmp_ext"] not in ("", "0") and int(r["size"]) > 10**6,
    "C2PA (JUMBF)": lambda r: r["c2pa"] == "1",
    "FlashPix (of a picture of 8×8)": lambda r: r["flashpix"] != "" and int(r["size"]) > 10_000,
    "Another photo behind EOI": lambda r: r["trailer_kind"].startswith("jpeg@pad"),
}  # fmt: skip
_FILM = (24).to_bytes(4) + b"ftypmp42" + bytes(4) + b"mp42isom" + (408).to_bytes(4) + b"mdat"
_FILM += bytes(range(200)) * 2


def chosen() -> dict[str, bytes]:
    """Return the smallest whole file of each kind that is large enough to show something."""
    with (helpers.CORPUS / "manifest.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["truncated"] == "0" and r["pil"] == "ok"]
    found = {}
    for kind, holds in KINDS.items():
        fit = [r for r in rows if holds(r) and r["sof_name"] in ("baseline", "progressive")]
        large = [r for r in fit if int(r["width"]) * int(r["height"]) > 60_000] or fit
        for row in sorted(large, key=lambda r: int(r["size"])):
            data = (helpers.CORPUS / "files" / row["file"]).read_bytes()
            if kind.startswith("Motion") and b"ftyp" not in data:
                data += _FILM  # the corpus's whole one has lost its film; this is a box of bytes
            if suits(data):
                found[kind] = data
                break
    return found


def suits(data: bytes) -> bool:
    """Whether jpegredact takes the file (its peers take anything), and there is a copy to find."""
    box = middle(data)
    try:
        reference = jr.redact(data, [box]).jpeg
    except (jr.InvalidJpegError, jr.UnsupportedJpegError):
        return False
    found = judged(data, reference, box, data) or []
    return bool(what_shows(found) or any(j.verdict == "no detail" for _, j in found))


def middle(data: bytes) -> Box:
    """Return the middle third, on whole MCUs of 16 pixels where there is room for any."""
    width, height = main_picture(data).frame or (3, 3)
    step = 16 if min(width, height) > 96 else 1
    left, top = (side // 3 // step * step for side in (width, height))
    right, bottom = (max(2 * side // 3 // step * step, 1) for side in (width, height))
    return left, top, max(right, left + 1), max(bottom, top + 1)


# ---------------------------------------------------------------------------
# Peers
# ---------------------------------------------------------------------------


class PeerError(Exception):
    """A peer gave nothing."""


def _run(*command: str, data: bytes = b"") -> bytes:
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=180)
    if done.returncode and not done.stdout:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise PeerError(words[-1][:60] if words else f"exit status {done.returncode}")
    return done.stdout


def _in_place(data: bytes, *command: str, result: str = "a.jpg") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jpg")
        path.write_bytes(data)
        _run(*command, str(path))
        made = Path(folder, result)
        if not made.exists():
            raise PeerError("no output")
        return made.read_bytes()


def by_jpegtran(data: bytes, box: Box) -> bytes:
    """Wipe the box; everything else is asked to be kept."""
    left, top, right, bottom = box
    where = f"{right - left}x{bottom - top}+{left}+{top}"
    return _run("jpegtran", "-copy", "all", "-wipe", where, data=data)


def by_exiftool(data: bytes, box: Box) -> bytes:
    """Remove all metadata."""
    return _in_place(data, "exiftool", "-q", "-all=", "-overwrite_original")


def by_mat2(data: bytes, box: Box) -> bytes:
    """Clean as MAT2 does unless told otherwise."""
    return _in_place(data, "mat2", result="a.cleaned.jpg")


def by_exiv2(data: bytes, box: Box) -> bytes:
    """Remove all metadata that exiv2 knows."""
    return _in_place(data, "exiv2", "rm")


def by_jpegredact(data: bytes, box: Box) -> bytes:
    """Redact with every default."""
    return jr.redact(data, [box]).jpeg


PEERS: Mapping[str, tuple[str, Callable[[bytes, Box], bytes]]] = {
    "`jpegtran -copy all -wipe`": ("jpegtran", by_jpegtran),
    "`exiftool -all=`": ("exiftool", by_exiftool),
    "`mat2`": ("mat2", by_mat2),
    "`exiv2 rm`": ("exiv2", by_exiv2),
    "jpegredact, default": ("", by_jpegredact),
}


def version(program: str) -> str:
    """Return the version that a program says it has."""
    if not program:
        return str(jr.__version__)
    option = {"exiftool": "-ver", "jpegtran": "-version"}.get(program, "--version")
    done = subprocess.run([program, option], capture_output=True, check=False, timeout=30)
    found = re.search(rb"\d+\.\d+[\w.]*", done.stdout + done.stderr)
    return found.group().decode() if found else "?"


# ---------------------------------------------------------------------------
# What is left, what is lost
# ---------------------------------------------------------------------------

KEPT: Mapping[str, tuple[str, ...]] = {
    "ICC profile": ("ICC_Profile:*",),
    "orientation": ("IFD0:Orientation",),
    "GPS": ("GPS:GPSLatitude", "XMP-exif:GPSLatitude"),
    "camera data": ("IFD0:Make", "IFD0:Model", "ExifIFD:ExposureTime", "ExifIFD:FNumber"),
    "date": ("ExifIFD:DateTimeOriginal", "XMP-photoshop:DateCreated"),
    "credits": (
        "IFD0:Artist", "IFD0:Copyright", "XMP-dc:Creator", "XMP-dc:Rights", "IPTC:By-line",
        "IPTC:CopyrightNotice",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one peer did to one file."""

    shows: tuple[str, ...]
    untouched: tuple[str, ...]
    lost: tuple[str, ...]

    def cell(self) -> str:
        """Return it for the table."""
        parts = [_counted("**still shows**", self.shows), _counted("untouched", self.untouched)]
        parts.append(f"lost: {', '.join(self.lost)}" if self.lost else "")
        return "; ".join(p for p in parts if p) or "nothing left, nothing lost"


def _counted(words: str, places: tuple[str, ...]) -> str:
    counted = [f"{p} ×{n}" if n > 1 else p for p, n in Counter(places).items()]
    return f"{words} in {', '.join(counted)}" if counted else ""


def examined(original: bytes, reference: bytes, made: bytes, box: Box) -> Verdict:
    """Judge a peer's output; ``reference`` is a picture without the region, for the referee."""
    found = judged(original, reference, box, made) or []
    shown = what_shows(found)
    return Verdict(
        tuple(_place(one) for one in shown),
        tuple(_place(one) for one in survivors(pictures_of_original(original), found)),
        tuple(_lost(original, made, box)),
    )


_PLACES = {
    "IFD1": "Exif", "APP1 Exif": "Exif", "APP13": "8BIM", "Photoshop": "8BIM", "MPImage": "MPF",
    "JUMBF": "C2PA", "APP11": "C2PA", "Jpeg2000": "C2PA", "FPXR": "FlashPix", "FlashPix":
    "FlashPix", "XMP": "XMP", "xmp": "XMP", "xap": "XMP", "behind EOI": "trailer", "JFIF": "JFIF",
    "JFXX": "JFXX", "PreviewIFD": "MakerNote", "Casio": "MakerNote", "Minolta": "MakerNote",
    "Olympus": "MakerNote", "Nikon": "MakerNote",
}  # fmt: skip


def _place(one: Judged) -> str:
    finding, judgement = one
    place = next((v for k, v in _PLACES.items() if k in finding.place), finding.place)
    return f"{place} (film)" if judgement.verdict == "video" else place


def _lost(original: bytes, made: bytes, box: Box) -> list[str]:
    before, after = tags(original), tags(made)
    lost = []
    for name, keys in KEPT.items():
        had = {k for k in before if any(re.fullmatch(key.replace("*", ".*"), k) for key in keys)}
        if had and not had & after.keys():
            lost.append(name)
    if list(outside_problems(original, made, box)):
        lost.append("pixels (re-encoded)")
    if "XMP-hdrgm:Version" in before or b"hdrgm" in original:
        frames = second_picture(made)
        if not frames or b"hdrgm" not in made:
            lost.append("HDR gain map")
    return lost


@cache
def tags(data: bytes) -> dict[str, object]:
    """Return the tags that ExifTool reads."""
    return exiftool.shared().tags(data, "-a", "-ee")


def second_picture(data: bytes) -> bool:
    """Whether ExifTool finds a second picture by the MPF index."""
    return any("MPImage2" in f.place for f in exiftool.shared().pictures(data))


# ---------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------

HEAD = """# What is left, and what is lost

Made by `docs/compare_peers.py`; don't edit. One file of each kind from the corpus (the smallest
whole one that the manifest has), a region over the middle third of the picture. The referee of
`tests/referee` looks for every picture in what each tool leaves, lays it over the original, and
says whether it varies in the region as the original does. It knows nothing of jpegredact.

- **still shows**: the region can be seen there, or nobody can tell that it can't (film).
- **untouched**: a picture that the region's content can't be judged by (another scene, or a main
  picture without detail) is there with the very same pixels.
- **lost**: what shows nothing of the region and was in the original, and is no more. What may show
  it (thumbnails, film, depth maps, C2PA manifests, whose hashes no longer fit) is not counted.

`exiftool`, `mat2` and `exiv2` hide nothing in the picture itself, and are not meant to; people run
them after blurring. jpegredact alone can bring everything back, byte for byte, with its diff.

The corpus's whole motion photo has lost its film: a box of bytes stands for it. Its FlashPix files
are pictures of 8×8, in which nothing can be told apart.
"""


def page(files: Mapping[str, bytes]) -> str:
    """Return the whole page."""
    missing = [
        name for name, (program, _) in PEERS.items() if program and not shutil.which(program)
    ]
    present = {name: peer for name, peer in PEERS.items() if name not in missing}
    lines = [HEAD, f"| kind | in the original | {' | '.join(present)} |"]
    lines.append("|" + "---|" * (len(present) + 2))
    totals = {name: [0, 0, 0] for name in present}
    for kind, data in files.items():
        box = middle(data)
        reference = jr.redact(data, [box]).jpeg
        found = judged(data, reference, box, data) or []
        unsure = survivors(pictures_of_original(data), found)
        had = _counted("shows", tuple(_place(one) for one in what_shows(found)))
        other = _counted("other pictures", tuple(_place(one) for one in unsure))
        cells = ["; ".join(p for p in (had, other) if p) or "nothing"]
        for name, (_, peer) in present.items():
            try:
                verdict = examined(data, reference, peer(data, box), box)
            except PeerError as error:
                cells.append(f"fails: {error}".replace("|", "/"))
                continue
            cells.append(verdict.cell())
            totals[name][0] += bool(verdict.shows)
            totals[name][1] += bool(verdict.untouched)
            totals[name][2] += bool(verdict.lost)
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    sums = [
        f"{a} files show it, {b} keep others, {c} lose something" for a, b, c in totals.values()
    ]
    lines.append(f"| **of {len(files)}** | | {' | '.join(sums)} |")
    versions = [f"{name} {version(program)}" for name, (program, _) in present.items()]
    lines += ["", f"Versions: {', '.join(versions)}."]
    if missing:
        lines += ["", f"Not installed where this was made, so absent: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "comparison.md")
    arguments = parser.parse_args()
    if not (helpers.CORPUS / "manifest.csv").exists() or not exiftool.HAVE_EXIFTOOL:
        sys.exit("compare_peers.py needs the corpus and exiftool")
    arguments.output.write_text(page(chosen()))


if __name__ == "__main__":
    main()
