"""Sequential 12-bit pictures (ITU-T T.81 4.11): what `jpegmaker` makes, with more bits.

No encoder here makes them: Debian's cjpeg knows 8 bits only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from jpegmaker import Part, Table, make_jpeg, random_parts
from pictures import segments

FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)


@cache
def general_tables() -> dict[int, Table]:
    """Return tables of every symbol that 12 bits can need: DC 0-15, AC sizes 1-14, EOB, ZRL."""
    dc = Table.level(range(16))
    symbols = [0, 0xF0, *(run << 4 | size for size in range(1, 15) for run in range(16))]
    short, rest = symbols[:66], symbols[66:]
    ac = Table.of([(s, 8) for s in short] + [(s, 9) for s in rest])
    return {0x00: dc, 0x01: dc, 0x10: ac, 0x11: ac}


def with_precision(data: bytes, bits: int) -> bytes:
    """Return a file whose frame header says this many bits; nothing else is touched."""
    at = next(at for code, at in segments(data) if code in FRAMES)
    return data[: at + 4] + bytes([bits]) + data[at + 5 :]


def random_parts_12(
    width: int, height: int, factors: Sequence[tuple[int, int]], seed: int = 1
) -> list[Part]:
    """Return components whose coefficients are too large for 8 bits."""
    random = np.random.default_rng(seed)
    parts = []
    for part in random_parts(width, height, factors, seed):
        blocks = part.blocks.copy()
        blocks[:, :, 0] *= 60
        loud = random.random(blocks.shape) < 0.02
        loud[:, :, 0] = False
        blocks[loud] *= 150
        parts.append(Part(blocks, part.horizontal, part.vertical, part.dc, part.ac, (3,) * 64))
    return parts


def make_jpeg_12(width: int, height: int, parts: Sequence[Part], **options) -> bytes:
    """Encode a 12-bit picture in the extended sequential process; options are `make_jpeg`'s."""
    options.setdefault("tables", general_tables())
    return with_precision(make_jpeg(width, height, parts, sof=0xC1, **options), 12)
