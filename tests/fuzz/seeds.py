"""Small pictures of every coding process, to start mutations and coverage-guided runs from.

Made by Pillow, by cjpeg where it is installed, and by the tests' own encoders, which
do what odd encoders do. A frame header that says 12 bits over coefficients in the
range of both is a good 12-bit file, so each process has one made that way, and some
have coefficients that only 12 bits reach.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from . import structure
from .structure import DHT, DNL, FRAMES, SOS, Piece

TESTS = Path(__file__).parents[1]
if str(TESTS) not in sys.path:  # as `python -m tests.fuzz.mutate` has it
    sys.path.append(str(TESTS))

CORPUS = TESTS.parents[1] / "shared" / "corpus" / "files"
SCRIPTS = (
    "0 1 2: 0 0, 0, 1; 0: 1 5, 0, 2; 2: 1 63, 0, 1; 1: 1 63, 0, 1; 0: 6 63, 0, 2;"
    "0: 1 63, 2, 1; 0 1 2: 0 0, 1, 0; 2: 1 63, 1, 0; 1: 1 63, 1, 0; 0: 1 63, 1, 0;",  # libjpeg's
    "0: 0 0, 0, 0; 1 2: 0 0, 0, 0; 0: 1 2, 0, 0; 0: 3 63, 0, 0; 1: 1 63, 0, 0; 2: 1 63, 0, 0;",
    "0 1 2: 0 0, 0, 3; 0 1 2: 0 0, 3, 2; 0: 1 63, 0, 3; 0 1 2: 0 0, 2, 1; 0: 1 63, 3, 2;"
    "0: 1 63, 2, 1; 0 1 2: 0 0, 1, 0; 0: 1 63, 1, 0; 2: 1 63, 0, 0; 1: 1 63, 0, 0;",
    "0 1 2: 0 0, 0, 1; 0: 1 1, 0, 1; 0: 1 1, 1, 0;",  # a picture that never gets complete
)
"""Progressive scan scripts."""


@cache
def made_pictures() -> tuple[bytes, ...]:
    """Return small pictures of every coding process that can be made here."""
    return (*_by_pillow(), *_by_cjpeg(), *_sequential(), *_progressive(), *_arithmetic())


def _pixels(seed: int, side: tuple[int, int] = (20, 90)):
    from PIL import Image

    rng = random.Random(seed)
    size = (rng.randrange(*side), rng.randrange(*side))
    coarse = Image.frombytes("RGB", (9, 9), rng.randbytes(243))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def _by_pillow() -> Iterable[bytes]:
    for seed, (mode, options) in enumerate(
        [
            ("RGB", {"quality": 75}),
            ("RGB", {"quality": 95, "subsampling": 0, "restart_marker_blocks": 3}),
            ("RGB", {"quality": 40, "subsampling": 1, "optimize": True}),
            ("L", {"quality": 60, "optimize": True, "restart_marker_rows": 1}),
            ("CMYK", {"quality": 80}),
            ("RGB", {"quality": 50, "progressive": True}),
            ("L", {"quality": 92, "progressive": True, "restart_marker_blocks": 2}),
            ("CMYK", {"quality": 30, "progressive": True, "restart_marker_rows": 1}),
        ]
    ):
        out = io.BytesIO()
        _pixels(seed).convert(mode).save(out, "JPEG", **options)
        yield out.getvalue()
        if options.get("progressive") and mode == "RGB":
            yield in_twelve_bits(out.getvalue())


def _by_cjpeg() -> Iterable[bytes]:
    if shutil.which("cjpeg") is None:
        return
    for seed, arguments in enumerate(
        [
            ["-arithmetic"],
            ["-arithmetic", "-restart", "2B", "-sample", "1x1"],
            ["-arithmetic", "-grayscale", "-quality", "95"],
            ["-arithmetic", "-progressive"],
            ["-arithmetic", "-progressive", "-restart", "3B", "-sample", "2x1"],
            ["-progressive", "-sample", "2x2,2x1,1x2", "-restart", "1B"],
            ["-progressive", "-sample", "1x1", "-rgb"],
        ]
    ):
        data = cjpeg(seed + 50, [*arguments, "-scans", SCRIPTS[0]] if "-rgb" in arguments
                     else arguments)  # fmt: skip
        yield data
        if seed in (0, 4):
            yield in_twelve_bits(data)
    for seed, script in enumerate(SCRIPTS[1:]):
        yield cjpeg(seed + 80, ["-scans", script, "-quality", "85"])
        yield cjpeg(seed + 80, ["-arithmetic", "-scans", script, "-restart", "5B"])


def cjpeg(seed: int, arguments: Sequence[str]) -> bytes:
    """Let cjpeg make a picture; a scan script is given as its text."""
    image = _pixels(seed, (17, 60))
    pixels = b"P6\n%d %d\n255\n" % image.size + image.tobytes()
    with tempfile.TemporaryDirectory() as folder:
        arguments = list(arguments)
        if "-scans" in arguments:
            at = arguments.index("-scans") + 1
            script = Path(folder, "scans.txt")
            script.write_text(arguments[at])
            arguments[at] = str(script)
        done = subprocess.run(["cjpeg", *arguments], input=pixels, capture_output=True, check=True)
    return done.stdout


def _sequential() -> Iterable[bytes]:
    import jpegmaker as jm

    odd = jm.random_parts(37, 29, ((2, 1), (1, 1), (1, 1)))
    yield jm.make_jpeg(
        37, 29, odd, restart=3, padding=0, zrl_before_eob=True, fill=1, fill_inside=True,
        trailing_restart=True,
    )  # fmt: skip
    three = jm.random_parts(24, 24, ((2, 2), (1, 1), (1, 1)))
    yield jm.make_jpeg(24, 24, three, scans=[[0], [1], [2]])
    extended = jm.make_jpeg(24, 24, three, scans=[[0, 2], [1]], restart=2, sof=0xC1)
    yield extended
    yield in_twelve_bits(extended)
    yield without_height(extended)
    yield without_height(jm.make_jpeg(37, 29, odd))
    plain = jm.make_jpeg(37, 29, jm.random_parts(37, 29, ((1, 1),)))
    yield _without_tables(plain)
    tables = {
        0: jm.Table.level(range(16)),
        0x10: jm.Table.level([0, 0xF0, *(run << 4 | size for run in range(15)
                                         for size in (*range(1, 10), 14))]),
    }  # fmt: skip
    yield in_twelve_bits(jm.make_jpeg(40, 24, [_large_part()], tables, sof=0xC1))


def _large_part() -> Any:
    """Return a component with coefficients that take 12 bits, and 16-bit quantiser steps."""
    import jpegmaker as jm

    blocks = jm.random_parts(40, 24, ((1, 1),))[0].blocks * 17  # DC up to 2040, AC up to 153
    blocks[::2, ::2, 0] *= 8
    blocks[0, 0, 5] = 16383
    blocks[1, 2, 63] = -16383
    return jm.Part(blocks, quantization=(1, 300, *range(2, 64)))


def _odd_pictures(style: Any) -> Iterable[Any]:
    import jpegmaker as jm
    import progressive_maker as pm

    parts = jm.random_parts(45, 29, ((2, 1), (1, 1), (1, 1)), seed=3)
    grey = jm.random_parts(30, 50, ((1, 1),), seed=4)
    yield pm.Picture(45, 29, parts, pm.steps(3), 0, style)
    yield pm.Picture(45, 29, parts, pm.crossed(3), 4, style)
    yield pm.Picture(30, 50, grey, pm.steps(1, 3), 0, style)


def _progressive() -> Iterable[bytes]:
    import progressive_maker as pm

    odd = pm.Style(longest_run=3, cuts=frozenset({(0, 1, 1), (1, 0, 0)}), zrl_before_eob=True,
                   held=5, padding=0)  # fmt: skip
    for number, style in enumerate((pm.LIBJPEG, pm.Style(longest_run=1), odd)):
        for picture in _odd_pictures(style):
            tables = pm.tight(picture, full=number == 1) if number else None
            yield pm.make_progressive(picture, tables, fill=number, last_codes=number == 2)
    last = pm.make_progressive(picture, left_over=b"\x5a\xff")
    yield last
    yield without_height(last)
    large = pm.Picture(40, 24, [_large_part()], pm.steps(1), 7)
    yield pm.make_progressive(large, precision=12)


def _arithmetic() -> Iterable[bytes]:
    import arithmetic_maker as am
    import progressive_maker as pm

    conditioning = {0: 0x31, 1: 0xF0, 0x10: 20, 0x11: 1}
    odd = am.Ending(clear=False, discard=False, extra=b"\0\xff\0\x11")
    for picture in _odd_pictures(pm.LIBJPEG):
        count = len(picture.parts)
        sequential = replace(picture, scans=[pm.Band(tuple(range(count)), 0, 63)])
        for each in (picture, sequential):
            yield am.make_arithmetic(each, conditioning)
            yield am.make_arithmetic(each, ending=odd)
    yield without_height(am.make_arithmetic(each))
    for scans in (pm.steps(1), [pm.Band((0,), 0, 63)]):
        large = pm.Picture(40, 24, [_large_part()], scans)
        yield am.make_arithmetic(large, precision=12)


def in_twelve_bits(data: bytes) -> bytes:
    """Return the file with a frame header that says 12 bits; baseline becomes extended."""
    parts = structure.pieces(data)
    at = _frame(parts)
    code = parts[at].code | (parts[at].code == 0xC0)
    parts[at] = Piece(code, parts[at].data).with_byte(1, code).with_byte(4, 12)
    return structure.together(parts)


def without_height(data: bytes) -> bytes:
    """Return the file with its height in a DNL segment behind the first scan (T.81 B.2.5)."""
    parts = structure.pieces(data)
    at = _frame(parts)
    height = parts[at].data[5:7]
    parts[at] = parts[at].with_byte(5, 0).with_byte(6, 0)
    scan = next(k for k, part in enumerate(parts) if part.code == SOS)
    parts.insert(scan + 1, Piece(DNL, b"\xff\xdc\0\4" + height))
    return structure.together(parts)


def _frame(parts: Sequence[Piece]) -> int:
    return next(k for k, part in enumerate(parts) if part.code in FRAMES)


def _without_tables(data: bytes) -> bytes:
    return structure.together([p for p in structure.pieces(data) if p.code != DHT])


def of_every_process(folder: Path, largest: int = 60_000, each: int = 60) -> list[bytes]:
    """Return a folder's small files: of each process as many as there are, up to ``each``.

    A process that has fewer than three small files gets its three smallest of up to
    five times that size.
    """
    kinds: dict[tuple[int, int], list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        if path.is_file() and path.stat().st_size <= 5 * largest:
            kinds[structure.process_of(path.read_bytes())].append(path)
    found = []
    for paths in kinds.values():
        small = [path for path in paths if path.stat().st_size <= largest]
        few = paths[: max(3, len(small))]
        found += [few[k * len(few) // each] for k in range(each)] if len(few) > each else few
    return [path.read_bytes() for path in found]
