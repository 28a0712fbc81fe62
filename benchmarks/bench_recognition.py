"""Whether a redacted face is still found, or still known to a face recognition network.

    python benchmarks/bench_recognition.py CORPUS [--methods inpaint,fill] [--sheet FILE]

CORPUS is a folder of JPEG files. In each, faces are found as `jpegredact.detect` does by
default, and all of them are redacted, with each method. Then:

*Found again*: the detector looks at the redacted file, in the same way. A region counts where
something that is found, with its margin, covers more than 0.2 of it; all regions, and those of
``--least`` pixels and a score of ``--score``. Files are redacted as `jpegredact.process` does it,
which looks again itself; with ``--once``, as `jpegredact.redact` does it with what was detected.

*Known again*: dlib's network, in ``face-recognition-models``, looks at regions of that size and
score, at most ``--most`` of them, drawn with a seed. A face takes part if it matches itself after
small changes: moved, made smaller, compressed again, placed anew. Below 0.6 dlib calls two faces
one person's.

What recognises faces first has to find one: the first table says for how many redacted faces
dlib's two detectors, the usual one (HOG) and the slower, better one (a network), find any in the
region, that is, one that covers more than 0.2 of it; and how near the nearest of those is to the
untouched face, placed by the landmarks that dlib sees there.

The other tables take the worst case, in which somebody who knows where the face was lets the
network look anyway: the redacted face is cut out with the landmarks of the untouched one. Where
dlib's usual detector finds a face there by itself, the smaller of both distances counts.

*Grey alone* is the same with every pixel grey, around the face too: what the network says of
nothing, and so what a redaction that leaves nothing may give; other colours, noise and chequers
hold as little. *Against grey* is how much farther
(or, below 0, nearer) than that the redacted face is: median, and least. *Named*: of all untouched
faces, the one nearest to the redacted face is its own or matches it; for any two faces, the share
of all that match. Tables are of all faces; of those that dlib's own detector finds; and of these,
those that grey alone is at least 0.7 away from.

Needs the extras ``bench`` and ``detect``. ``--sheet`` draws the faces, the nearest ones first.
"""

from __future__ import annotations

import argparse
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import jpegredact as jr
from jpegredact.detection.pixels import to_stored

SAME = 0.6
APART = 0.7
HEIGHT = 200
"""Of a face that dlib looks at, in pixels."""
SMALLER = 0.6
"""How much smaller dlib's slow detector sees it: it finds faces of 80 pixels and more."""
IN_REGION = 0.2
"""Share of a region that something must cover to count as found in it."""
MARGIN = 0.12
"""`jr.detect`'s: a face with its margin is 1.24 times as high."""
Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Face:
    """A face, and what the network says of it."""

    name: str
    region: jr.Detection
    crop: Image.Image
    shape: object
    numbers: np.ndarray
    by_dlib: bool
    """Whether dlib's own detector finds it."""
    changed: float
    """Distance to itself after small changes."""
    nothing: dict[str, np.ndarray]
    """What the network says of `nothings` in its place, and all around it."""
    seen: Seen
    hidden: dict[str, Hidden] = field(default_factory=dict)
    """By method."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A face that was redacted."""

    crop: Image.Image
    numbers: np.ndarray
    distance: float
    seen: Seen


@dataclass(slots=True)
class Regions:
    """How many there are, and in how many something is found again."""

    all: int = 0
    sure: int = 0
    all_again: int = 0
    sure_again: int = 0


DETECTORS = ("HOG", "network")
"""dlib's."""
Seen = dict[str, list[np.ndarray]]
"""By detector, the numbers of each face that it finds in a region."""


class Recognition:
    """dlib's network, and what places a face for it."""

    def __init__(self) -> None:
        import dlib

        spec = find_spec("face_recognition_models")  # only its files: its code wants setuptools
        if spec is None or spec.origin is None:
            raise SystemExit("face-recognition-models is not installed; the extra bench brings it")
        models = Path(spec.origin).parent / "models"
        self._dlib = dlib
        self._faces = dlib.get_frontal_face_detector()
        self._better = dlib.cnn_face_detection_model_v1(
            str(models / "mmod_human_face_detector.dat")
        )
        # Not the one of 68 landmarks: those it was trained on are not for commercial use.
        self._shapes = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def found(self, crop: Image.Image, box: Box) -> object:
        """Return the landmarks of the face there that dlib's own detector finds, or None."""
        pixels = np.asarray(crop)
        found = [
            (overlap, rect)
            for rect in self._faces(pixels, 0)
            if (overlap := union(box, sides(rect))) > 0.3
        ]
        if not found:
            return None
        return self._shapes(pixels, max(found, key=lambda pair: pair[0])[1])

    def seen(self, crop: Image.Image, box: Box) -> Seen:
        """Return the numbers of all faces that dlib's detectors find in a region by themselves."""
        pixels = np.asarray(crop)
        small = crop.resize((round(SMALLER * crop.width), round(SMALLER * crop.height)))
        found = {
            "HOG": list(self._faces(pixels, 0)),
            "network": [
                self._dlib.rectangle(*(round(side / SMALLER) for side in sides(each.rect)))
                for each in self._better(np.asarray(small), 0)
            ],
        }
        return {
            name: [
                self.numbers(crop, self._shapes(pixels, rect))
                for rect in rects
                if share(box, sides(rect)) > IN_REGION
            ]
            for name, rects in found.items()
        }

    def guessed(self, crop: Image.Image, box: Box) -> object:
        """Return the landmarks of a face that must be there though dlib finds none."""
        left, _, right, bottom = box  # dlib's are squares from the brows to the chin
        side, x = 0.8 * (box[3] - box[1]), (left + right) / 2
        sides = (x - side / 2, bottom - side, x + side / 2, bottom)
        return self._shapes(np.asarray(crop), self._dlib.rectangle(*(round(s) for s in sides)))

    def numbers(self, crop: Image.Image, shape: object) -> np.ndarray:
        """Return the 128 numbers of the face with these landmarks."""
        return np.array(self._network.compute_face_descriptor(np.asarray(crop), shape))


def sides(rect: object) -> Box:
    """Return a rectangle of dlib's as a box."""
    return rect.left(), rect.top(), rect.right(), rect.bottom()


def union(one: Box, other: Box) -> float:
    """Return what two boxes share, as a part of their union."""
    shared = share(one, other) * area(one)
    return shared / (area(one) + area(other) - shared)


def share(box: Box, by: Box) -> float:
    """Return how much of a box another one covers."""
    across = min(box[2], by[2]) - max(box[0], by[0])
    down = min(box[3], by[3]) - max(box[1], by[1])
    return max(across, 0) * max(down, 0) / area(box)


def area(box: Box) -> float:
    """Return width times height."""
    return (box[2] - box[0]) * (box[3] - box[1])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return dlib's distance of two faces."""
    return float(np.linalg.norm(one - other))


def height(region: jr.Detection, turned: bool) -> float:
    """Return a face's, without its margin, as shown."""
    left, top, right, bottom = region.box
    return (right - left if turned else bottom - top) / (1 + 2 * MARGIN)


def upright(jpeg: bytes) -> tuple[Image.Image, int]:
    """Return a picture as shown, and its orientation."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return ImageOps.exif_transpose(image.convert("RGB")), orientation_of(image)


def orientation_of(image: Image.Image) -> int:
    """Return Exif's, or 1 where it makes no sense."""
    orientation = image.getexif().get(0x0112, 1)
    return orientation if orientation in range(1, 9) else 1


def cut(picture: Image.Image, region: jr.Detection, orientation: int) -> tuple[Image.Image, Box]:
    """Cut out a face with as much around, scaled to `HEIGHT`; return it and its box there."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    left, top, right, bottom = to_stored(region.box, back, *picture.size)
    margins = np.array([right - left, bottom - top]) * MARGIN / (1 + 2 * MARGIN)
    face = np.array([left, top, right, bottom]) + np.concatenate([margins, -margins])
    around = (
        max(round(1.5 * left - 0.5 * right), 0),
        max(round(1.5 * top - 0.5 * bottom), 0),
        min(round(1.5 * right - 0.5 * left), picture.width),
        min(round(1.5 * bottom - 0.5 * top), picture.height),
    )
    scale = HEIGHT / (face[3] - face[1])
    crop = picture.crop(around)
    size = (round(scale * crop.width), round(scale * crop.height))
    box = scale * (face - np.array(around[:2] * 2))
    return crop.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0), tuple(box.tolist())


def change(crop: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    """Return a face as another copy of the picture might show it."""
    part = crop.crop((3, 5, crop.width, crop.height))
    small = part.resize((round(0.8 * part.width), round(0.8 * part.height)))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=75)
    moved = np.array(box) - (3, 5, 3, 5)
    return upright(out.getvalue())[0], tuple((0.8 * moved).tolist())


def found_in(corpus: Path, threads: int) -> dict[Path, list[jr.Detection]]:
    """Return the faces of each file in which there are some."""
    found = {}
    for path in sorted(corpus.iterdir()):
        try:
            seen = jr.detect(path, threads=threads)
        except (jr.JpegRedactError, OSError):
            continue
        if seen:
            found[path] = seen
    return found


def drawn(
    found: dict[Path, list[jr.Detection]], options: argparse.Namespace
) -> dict[Path, list[jr.Detection]]:
    """Return the faces to recognise."""
    pairs = [(path, d) for path, seen in found.items() for d in seen if is_sure(d, path, options)]
    chosen: dict[Path, list[jr.Detection]] = {}
    for path, region in random.Random(options.seed).sample(pairs, min(len(pairs), options.most)):
        chosen.setdefault(path, []).append(region)
    return chosen


def is_sure(region: jr.Detection, path: Path, options: argparse.Namespace) -> bool:
    """Whether a region is large and sure enough to be a face."""
    if region.score < options.score or region.parts:
        return False
    with Image.open(path) as image:
        turned = orientation_of(image) >= 5
    return height(region, turned) >= options.least


def faces_of(path: Path, regions: Sequence[jr.Detection], network: Recognition) -> list[Face]:
    """Return a file's faces, and how they look untouched."""
    picture, orientation = upright(path.read_bytes())
    faces = []
    for region in regions:
        crop, box = cut(picture, region, orientation)
        shape = network.found(crop, box)
        by_dlib = shape is not None
        shape = shape or network.guessed(crop, box)
        numbers = network.numbers(crop, shape)
        nothing = {
            name: network.numbers(image, shape) for name, image in nothings(crop.size).items()
        }
        before = box
        crop_again, box = change(crop, box)
        again = network.found(crop_again, box) or network.guessed(crop_again, box)
        changed = apart(numbers, network.numbers(crop_again, again))
        seen = network.seen(crop, before)
        faces.append(
            Face(path.name, region, crop, shape, numbers, by_dlib, changed, nothing, seen)
        )
    return faces


def nothings(size: tuple[int, int]) -> dict[str, Image.Image]:
    """Return pictures that hold nothing of any face."""
    colours = {"grey": (128,) * 3, "black": (0,) * 3, "white": (255,) * 3, "magenta": (255, 0, 255)}
    found = {name: Image.new("RGB", size, colour) for name, colour in colours.items()}
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    found["noise"] = Image.fromarray(noise)
    y, x = np.mgrid[: size[1], : size[0]]
    chequers = ((x // 8 + y // 8) % 2 * 255).astype(np.uint8)
    found["chequers"] = Image.fromarray(chequers).convert("RGB")
    return found


def hide(face: Face, method: str, picture: Image.Image, network: Recognition, turn: int) -> None:
    """Look at a face in a redacted picture."""
    crop, box = cut(picture, face.region, turn)
    looks = [network.numbers(crop, face.shape)]
    shape = network.found(crop, box)
    if shape is not None:
        looks.append(network.numbers(crop, shape))
    nearest = min(looks, key=lambda look: apart(face.numbers, look))
    seen = network.seen(crop, box)
    face.hidden[method] = Hidden(crop, nearest, apart(face.numbers, nearest), seen)


def measure(options: argparse.Namespace) -> tuple[list[Face], dict[str, Regions]]:
    """Redact every file with every method, and look again."""
    methods = options.methods.split(",")
    network = Recognition()
    found = found_in(options.corpus, options.threads)
    chosen = drawn(found, options)
    faces: list[Face] = []
    counts = {method: Regions() for method in methods}
    for path, regions in found.items():
        own = faces_of(path, chosen.get(path, []), network)
        faces += own
        sure = [is_sure(region, path, options) for region in regions]
        for method in methods:
            try:
                redacted = hidden_in(path, regions, method, options)
            except jr.JpegRedactError as error:
                print(f"{path.name}: {method}: not redacted: {error}")
                continue
            seen = jr.detect(redacted, threads=options.threads)
            again = [max((share(r.box, d.box), d.score, d.box) for d in seen) if seen else (0.0,)
                     for r in regions]  # fmt: skip
            count = counts[method]
            count.all += len(regions)
            count.sure += sum(sure)
            for region, is_large, best in zip(regions, sure, again, strict=True):
                if best[0] > IN_REGION:
                    count.all_again += 1
                    count.sure_again += is_large
                    if options.list:
                        print(f"{path.name}: {method}: {region.box} {region.score:.2f}: {best}")
            picture, orientation = upright(redacted)
            for face in own:
                hide(face, method, picture, network, orientation)
    return faces, counts


class Known:
    """A detector that finds what was found before, and looks again as ours does."""

    def __init__(self, regions: Sequence[jr.Detection], threads: int) -> None:
        self._regions = regions
        self.again = jr.Detecting(threads=threads).again

    def __call__(self, *_: object, **__: object) -> Sequence[jr.Detection]:
        """Return it."""
        return self._regions


def hidden_in(
    path: Path, regions: Sequence[jr.Detection], method: str, options: argparse.Namespace
) -> bytes:
    """Return a redacted file."""
    if options.once or options.ellipse:
        shapes = [r.ellipse() for r in regions] if options.ellipse else regions
        return jr.redact(path, shapes, method=method, margin=options.margin).jpeg
    known = Known(regions, options.threads)
    return jr.process(
        path, detect=["face"], detector=known, method=method, margin=options.margin
    ).jpeg


def report(faces: Sequence[Face], counts: dict[str, Regions]) -> None:
    """Print both tables."""
    print("\n| method | regions | found again | of them large and sure | found again |")
    print("|---|---|---|---|---|")
    for method, count in counts.items():
        print(f"| {method} | {count.all} | {count.all_again} | {count.sure} | {count.sure_again} |")
    own = [face for face in faces if face.changed < SAME]
    print(
        f"\n{len(faces)} faces of {len({face.name for face in faces})} files; "
        f"{len(own)} match themselves after small changes"
    )
    if own:
        found_by_dlib(own, list(counts))
        recognised(own, list(counts))


def found_by_dlib(own: Sequence[Face], methods: Sequence[str]) -> None:
    """Print in how many regions dlib itself finds a face, and how near that is."""
    print(
        "\n| | faces |" + "".join(f" {name} finds | nearest |" for name in DETECTORS)
        + "\n|---|---" + "|---|---" * len(DETECTORS) + "|"
    )  # fmt: skip
    rows = {"untouched": [(face, face.seen) for face in own]}
    for method in methods:
        rows[method] = [(f, f.hidden[method].seen) for f in own if method in f.hidden]
    for title, pairs in rows.items():
        cells = []
        for name in DETECTORS:
            near = [
                min(apart(face.numbers, numbers) for numbers in seen[name])
                for face, seen in pairs
                if seen[name]
            ]
            cells += [str(len(near)), f"{min(near):.2f}" if near else ""]
        print(f"| {title} | {len(pairs)} | " + " | ".join(cells) + " |")


def recognised(own: Sequence[Face], methods: Sequence[str]) -> None:
    """Print the tables of distances."""
    gallery = np.array([face.numbers for face in own])
    between = np.linalg.norm(gallery[:, None] - gallery[None], axis=2)
    alone = {
        name: np.array([apart(face.numbers, face.nothing[name]) for face in own])
        for name in own[0].nothing
    }
    grey = alone["grey"]
    by_dlib = np.array([face.by_dlib for face in own])
    groups = {
        "All": grey > -1,
        "Found by dlib": by_dlib,
        "Found by dlib, and 0.7 away from grey alone": by_dlib & (grey >= APART),
    }
    for title, group in groups.items():
        chosen = np.flatnonzero(group)
        print(
            f"\n{title}: {len(chosen)} faces\n\n"
            "| | least | 5 % | median | below 0.6 | below 0.7 | against grey | named |\n"
            "|---|---|---|---|---|---|---|---|"
        )
        print(row("changed a little", [own[n].changed for n in chosen]))
        for method in methods:
            known = [n for n in chosen if method in own[n].hidden]
            looks = [own[n].hidden[method].numbers for n in known]
            distances = [own[n].hidden[method].distance for n in known]
            print(row(method, distances, grey[known], named(known, looks, gallery, between)))
        for name, distances in alone.items():
            looks = [own[n].nothing[name] for n in chosen]
            share = named(chosen, looks, gallery, between)
            print(row(f"{name} alone", distances[chosen], None, share))
        some = between[np.ix_(chosen, chosen)]
        match = float((between[chosen] < SAME).mean())
        print(row("any two faces", some[np.triu_indices(len(chosen), 1)], None, match))


def named(
    whose: Sequence[int], looks: Sequence[np.ndarray], gallery: np.ndarray, between: np.ndarray
) -> float:
    """Return the share of faces of which the nearest untouched one is, or matches, their own."""
    near = [int(np.linalg.norm(gallery - look, axis=1).argmin()) for look in looks]
    return float(np.mean([between[n, m] < SAME for n, m in zip(whose, near, strict=True)]))


def row(
    name: str,
    distances: Sequence[float] | np.ndarray,
    grey: np.ndarray | None = None,
    share: float | None = None,
) -> str:
    """Return a line of a table."""
    every = np.array(distances)
    if not every.size:
        return f"| {name} | | | | | | | |"
    least, few, median = np.percentile(every, (0, 5, 50))
    same, near = (every < SAME).mean(), (every < APART).mean()
    against = ""
    if grey is not None:
        against = f"{np.median(every - grey):+.2f}, {np.min(every - grey):+.2f}"
    said = "" if share is None else f"{share:.3f}"
    numbers = f"{least:.2f} | {few:.2f} | {median:.2f} | {same:.3f} | {near:.3f}"
    return f"| {name} | {numbers} | {against} | {said} |"


def sheet(faces: Sequence[Face], methods: Sequence[str], path: Path) -> None:
    """Draw faces untouched and redacted, the nearest by the first method first."""
    own = [face for face in faces if face.changed < SAME and methods[0] in face.hidden]
    own.sort(key=lambda face: face.hidden[methods[0]].distance)
    side = 130
    across = 3
    rows = -(-len(own) // across)
    page = Image.new("RGB", (across * (len(methods) + 1) * side, rows * (side + 14)), "white")
    draw = ImageDraw.Draw(page)
    for number, face in enumerate(own):
        x, y = (number % across) * (len(methods) + 1) * side, number // across * (side + 14)
        crops = [(face.crop, f"{face.name[:8]} {face.changed:.2f}")]
        crops += [(h.crop, f"{h.distance:.2f}") for m in methods if (h := face.hidden.get(m))]
        for crop, text in crops:
            page.paste(ImageOps.contain(crop, (side - 2, side)), (x, y + 14))
            draw.text((x + 1, y + 1), text, "black")
            x += side
    page.save(path)


def main() -> None:
    """Read the options, measure, and print."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("corpus", type=Path, help="a folder of JPEG files")
    words.add_argument("--methods", default="inpaint,fill,pixelate,blur")
    words.add_argument("--most", type=int, default=200, help="faces to recognise")
    words.add_argument("--least", type=float, default=40, help="a face's height in pixels")
    words.add_argument("--score", type=float, default=0.6)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--margin", type=float, default=0.0, help="on top of the detector's")
    words.add_argument("--ellipse", action="store_true", help="redact ellipses")
    words.add_argument("--once", action="store_true", help="redact without looking again")
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--list", action="store_true", help="say what is found again")
    words.add_argument("--sheet", type=Path, metavar="FILE", help="draw what was compared")
    options = words.parse_args()
    faces, counts = measure(options)
    report(faces, counts)
    if options.sheet:
        sheet(faces, list(counts), options.sheet)


if __name__ == "__main__":
    main()
