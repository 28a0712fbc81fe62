"""Whether detections are the same however a picture is stored and Exif turns it.

    python benchmarks/turned.py CORPUS [--effort normal] [--surest 0.6]

Takes the pictures of a folder in which ``fast`` finds a face with ``--surest`` or more, cuts them
to whole MCUs of 16 pixels, and has jpegtran store each in the eight orientations of Exif: the same
coefficients, so nothing is lost, though decoders round turned blocks a little otherwise. Boxes
without margin, as shown, are compared with those of the upright one: each with the nearest that
is no further off than a third of its height.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

import jpegredact as jr

Box = tuple[float, float, float, float]
Seen = list[tuple[Box, float]]
TURNS = {
    1: [], 2: ["-flip", "horizontal"], 3: ["-rotate", "180"], 4: ["-flip", "vertical"],
    5: ["-transpose"], 6: ["-rotate", "270"], 7: ["-transverse"], 8: ["-rotate", "90"],
}  # fmt: skip
"""By Exif orientation, what makes the stored picture out of the one that is shown."""
_STEP = 2
_CLASSES = (0.35, 0.4, 0.5, 0.7)


def turned(jpeg: Path, folder: Path) -> Iterator[tuple[int, bytes]]:
    """Yield a picture in eight orientations, each with its Exif; none if it can't be turned."""
    with Image.open(jpeg) as image:
        width, height = (side // 16 * 16 for side in image.size)
    whole, one = folder / "whole.jpg", folder / "one.jpg"
    steps = [(jpeg, whole, ["-crop", f"{width}x{height}+0+0"])]
    if not width or not height or not _jpegtran(*steps[0]):
        return
    for orientation, turn in TURNS.items():
        if not _jpegtran(whole, one, ["-perfect", *turn]):
            return
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = exif.tobytes()
        data = one.read_bytes()
        segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content
        yield orientation, data[:2] + segment + data[2:]


def _jpegtran(source: Path, out: Path, arguments: list[str]) -> bool:
    done = subprocess.run(
        ["jpegtran", "-copy", "none", *arguments, "-outfile", out, source], capture_output=True
    )
    return done.returncode == 0


def as_shown(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """Return a box of the stored picture, of this size, as it is shown."""
    width, height = size
    corners = []
    for x, y in (box[:2], box[2:]):
        if orientation in (2, 3, 7, 8):
            x = width - x
        if orientation in (3, 4, 6, 7):
            y = height - y
        corners.append((y, x) if orientation >= 5 else (x, y))
    (a, b), (c, d) = corners
    return min(a, c), min(b, d), max(a, c), max(b, d)


def faces(data: bytes, orientation: int, effort: str) -> Seen:
    """Return the faces of a picture, as shown."""
    size = jr.inspect(data).size
    found = jr.detect(data, ["face"], effort=effort, margins={"face": 0})
    return [(as_shown(each.box, orientation, size), each.score) for each in found]


def compare(first: Seen, other: Seen) -> tuple[list[tuple[float, float, float]], Seen, Seen]:
    """Return how far off each is that is in both, with score and height; what is in one only."""
    pairs = []
    left, alone = list(first), []
    for box, score in sorted(other, key=lambda each: -each[1]):
        near = [(max(abs(a - b) for a, b in zip(box, o, strict=True)), o, s) for o, s in left]
        off, there, surer = min(near, default=(float("inf"), box, score))
        if off > max(4, (box[3] - box[1]) / 3):
            alone.append((box, score))
            continue
        left.remove((there, surer))
        pairs.append((off, max(score, surer), there[3] - there[1]))
    return pairs, left, alone


def main() -> None:
    """Read the options, and compare."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("corpus", type=Path, help="a folder of JPEG files")
    words.add_argument("--effort", default="normal")
    words.add_argument("--surest", type=float, default=0.6)
    options = words.parse_args()
    files = count = 0
    pairs: list[tuple[float, float, float]] = []
    lone: Seen = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(options.corpus.iterdir()):
            try:
                sure = jr.detect(path, ["face"], effort="fast", threshold=options.surest)
            except jr.JpegRedactError:
                continue  # no JPEG that can be looked at
            pictures = dict(turned(path, Path(folder))) if sure else {}
            if len(pictures) < len(TURNS):
                continue
            first = faces(pictures.pop(1), 1, options.effort)
            files, count = files + 1, count + len(first)
            for orientation, data in pictures.items():
                both, lost, more = compare(first, faces(data, orientation, options.effort))
                pairs += both
                lone += lost + more
            print(f"{path.name[:8]} {len(first)}", flush=True)
    print(f"\n{files} pictures, {count} faces upright, each picture in seven other orientations\n")
    print("| score | in both | more than 2 pixels off | furthest | in one of both only |")
    print("|---|---|---|---|---|")
    for low, high in zip(_CLASSES, (*_CLASSES[1:], 9), strict=True):
        these = [pair for pair in pairs if low <= pair[1] < high]
        off = [pair for pair in these if pair[0] > _STEP]
        only = [score for _, score in lone if low <= score < high]
        furthest = max((pair[0] for pair in these), default=0)
        print(f"| {low} to {high} | {len(these)} | {len(off)} | {furthest:.0f} | {len(only)} |")
    heights = [pair[2] for pair in pairs if pair[0] > _STEP]
    if heights:
        print(f"\nthose are {min(heights):.0f} to {max(heights):.0f} pixels high, "
              f"median {statistics.median(heights):.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
