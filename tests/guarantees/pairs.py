"""Pictures as coefficients, and pairs of them: the same outside, another inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pictures
from jpegmaker import Part, make_jpeg, shapes

from . import helpers, structure
from .helpers import Box

Factors = tuple[tuple[int, int], ...]
GREY: Factors = ((1, 1),)
PLAIN: Factors = ((1, 1),) * 3
HALVED: Factors = ((2, 2), (1, 1), (1, 1))
Place = tuple[int, int, int]

INSIDES = ("empty", "flat", "busy", "ends", "lone", "corrections", "loud")


@cache
def photo(width: int, height: int, factors: Factors, seed: int = 1) -> tuple[Part, ...]:
    """Return a photo-like picture: coefficients by Pillow, long runs of blocks without detail.

    Hidden padding blocks hold DC values of their own.
    """
    random = np.random.default_rng(seed)
    parts = []
    sizes = shapes(width, height, factors)
    for k, ((h, v), (real, padded)) in enumerate(zip(factors, sizes, strict=True)):
        pixels = pictures.photo(8 * real[1], 8 * real[0], seed + k)[:, :, 1].copy()
        pixels[: 4 * real[0], 3 * real[1] :] = 120 + 3 * k  # nothing at all to see here,
        pixels[3 * real[0] : 6 * real[0]] = 90 - 2 * k  # nor in a band from side to side
        plane = pictures.read_blocks(pictures.pillow_jpeg(pixels, "L", quality=88))[0]
        last = plane[6 * real[0] // 8 :, :, 1:]
        last[abs(last) < 4] = 0  # known since the first scan: then only correction bits follow
        blocks = np.zeros((*padded, 64), int)
        blocks[:, :, 0] = random.integers(-90, 90, padded)
        blocks[: real[0], : real[1]] = plane
        slot = min(k, 1)
        parts.append(Part(blocks, h, v, slot, slot))
    return tuple(parts)


def plain_jpeg(width: int, height: int, parts: Sequence[Part], restart: int = 0) -> bytes:
    """Return a sequential JPEG of the parts: its structure tells which blocks are touched."""
    return make_jpeg(width, height, parts, restart=restart)


def touched(
    width: int, height: int, parts: Sequence[Part], boxes: Iterable[Box]
) -> set[Place]:
    """Return the blocks that the boxes touch, the padding of interleaved scans included."""
    empty = [replace(part, blocks=np.zeros_like(part.blocks)) for part in parts]
    picture = structure.read(plain_jpeg(width, height, empty))
    return helpers.touched_by_all(picture, list(boxes))


def with_inside(
    parts: Sequence[Part], places: Iterable[Place], kind: str, seed: int = 1
) -> tuple[Part, ...]:
    """Return the parts with other blocks at these places."""
    random = np.random.default_rng(seed)
    planes = [part.blocks.copy() for part in parts]
    for component, row, column in sorted(places):
        planes[component][row, column] = inside(random, kind)
    return tuple(replace(part, blocks=plane) for part, plane in zip(parts, planes, strict=True))


def inside(random: np.random.Generator, kind: str) -> np.ndarray:
    """Return one block: 64 coefficients in zigzag order."""
    block = np.zeros(64, int)
    if kind == "empty":
        return block
    block[0] = random.integers(-200, 200)
    if kind == "busy":
        keep = random.random(64) < random.random() * 0.7
        block[1:] = (random.integers(-30, 31, 64) * keep)[1:]
    elif kind == "ends":  # its last coefficient needs no EOB
        block[63] = random.choice([-1, 1, 5])
    elif kind == "lone":
        block[random.integers(1, 64)] = random.choice([-1, 1, 2])
    elif kind == "corrections":  # nothing but correction bits in refinement scans
        block[1:] = random.integers(8, 16, 63) * random.choice([-1, 1], 63)
    elif kind == "loud":
        block[1:] = random.integers(-1000, 1001, 63) * (random.random(63) < 0.2)
    else:
        assert kind == "flat"
    return block
