"""Pictures by Pillow and cjpeg, boxes, and checks that never trust jpegredact's own reader."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import jpegio
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from PIL import Image

from . import huffreader

CORPUS = Path(
    os.environ.get("JPEGREDACT_CORPUS", Path(__file__).parents[3] / "shared" / "corpus")
)
METHODS = ("inpaint", "fill", "pixelate", "blur")
CONTENT_FREE = ("inpaint", "fill", "fill:#20c0f0")
Box = tuple[float, float, float, float]

needs_cjpeg = pytest.mark.skipif(shutil.which("cjpeg") is None, reason="cjpeg is not installed")
needs_djpeg = pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not installed")


def quick(examples: int) -> settings:
    """Hypothesis settings: ``examples`` of them, the same ones each time.

    With JPEGREDACT_EXAMPLES=10 in the environment ten times as many, and others each time.
    """
    more = int(os.environ.get("JPEGREDACT_EXAMPLES", "1"))
    return settings(
        max_examples=examples * more, deadline=None, derandomize=more == 1, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip


# ---------------------------------------------------------------------------
# Pictures
# ---------------------------------------------------------------------------


def pixels(width: int, height: int, seed: int, kind: str = "mixed") -> np.ndarray:
    """Return RGB pixels: noise, a smooth slope, flat patches, or all of them."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    slope = np.stack([x * 255 // max(width, 2), y * 255 // max(height, 2), (x + y) % 256], axis=2)
    noise = random.integers(0, 256, (height, width, 3))
    patches = np.kron(
        random.integers(0, 256, (height // 11 + 1, width // 11 + 1, 3)), np.ones((11, 11, 1), int)
    )[:height, :width]
    if kind == "mixed":
        choice = random.integers(0, 3, (height // 16 + 1, width // 16 + 1))
        choice = np.kron(choice, np.ones((16, 16), int))[:height, :width, None]
        return np.choose(choice, [slope, noise, patches]).astype(np.uint8)
    return {"noise": noise, "slope": slope, "patches": patches}[kind].astype(np.uint8)


@lru_cache(maxsize=64)
def by_cjpeg(
    width: int, height: int, seed: int, arguments: tuple[str, ...], scans: str = "",
    kind: str = "mixed",
) -> bytes:
    """Let cjpeg make a picture; ``scans`` is a scan script."""
    picture = pixels(width, height, seed, kind)
    ppm = b"P6\n%d %d\n255\n" % (width, height) + picture.tobytes()
    with tempfile.TemporaryDirectory() as folder:
        if scans:
            script = Path(folder, "scans.txt")
            script.write_text(scans)
            arguments = (*arguments, "-scans", str(script))
        return subprocess.run(
            ["cjpeg", *arguments], input=ppm, capture_output=True, check=True
        ).stdout


@lru_cache(maxsize=64)
def by_pillow(
    width: int, height: int, seed: int, mode: str = "RGB", kind: str = "mixed", **options: int
) -> bytes:
    """Let Pillow make a picture; ``options`` are those of its JPEG plugin."""
    out = io.BytesIO()
    Image.fromarray(pixels(width, height, seed, kind)).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


SAMPLINGS = (
    "1x1", "2x1", "2x2", "1x2", "4x1", "3x1", "1x4", "4x2,1x1,1x1", "2x2,2x1,1x2", "2x1,1x1,2x1",
    "1x1,2x2,1x1", "2x2,1x2,1x1", "1x2,1x1,1x2", "4x1,2x1,1x1", "fractional",
)  # fmt: skip
SCRIPTS = ("", "0;1;2;", "0;1 2;", "0 1;2;", "2;0;1;", "0 2;1;")


@st.composite
def pictures(draw: st.DrawFn, largest: int = 200) -> bytes:
    """Draw a sequential JPEG made by cjpeg or Pillow."""
    width = draw(st.one_of(st.integers(1, largest), st.sampled_from((1, 8, 16, 17, 48, 64))))
    height = draw(st.one_of(st.integers(1, largest), st.sampled_from((1, 8, 16, 17, 48, 64))))
    seed = draw(st.integers(0, 1000))
    kind = draw(st.sampled_from(("mixed", "noise", "slope", "patches")))
    quality = draw(st.sampled_from((1, 5, 30, 75, 90, 95, 98, 100)))
    optimize = draw(st.booleans())
    restart = draw(st.sampled_from((0, 0, 1, 2, 3, 7)))
    if shutil.which("cjpeg") is None or draw(st.integers(0, 3)) == 0:
        options = {"quality": quality, "optimize": optimize}
        if restart:
            options[f"restart_marker_{draw(st.sampled_from(('rows', 'blocks')))}"] = restart
        mode = draw(st.sampled_from(("RGB", "L", "CMYK")))
        if mode == "RGB":
            options["subsampling"] = draw(st.sampled_from((0, 1, 2)))
        return by_pillow(width, height, seed, mode, kind, **options)
    arguments = ["-quality", str(quality)]
    if draw(st.booleans()):
        arguments += ["-baseline"]
    if optimize:
        arguments += ["-optimize"]
    if restart:
        arguments += ["-restart", f"{restart}{draw(st.sampled_from(('', 'B')))}"]
    script = ""
    if draw(st.integers(0, 7)) == 0:
        arguments += ["-grayscale"]
    else:
        arguments += ["-sample", draw(st.sampled_from(SAMPLINGS))]
        if draw(st.integers(0, 5)) == 0:
            arguments += ["-rgb"]
        script = draw(st.sampled_from(SCRIPTS))
    if "fractional" in arguments:
        plain = tuple(a for a in arguments if a not in ("-sample", "fractional", "-rgb"))
        return fractional(width, height, seed, plain, kind)
    return by_cjpeg(width, height, seed, tuple(arguments), script, kind)


def fractional(
    width: int, height: int, seed: int, arguments: tuple[str, ...], kind: str = "mixed"
) -> bytes:
    """Return a picture of 3x1, 2x1, 1x1: its chroma blocks are 12 and 24 pixels wide.

    No encoder makes them: it is a 4:2:0 RGB picture, all components of which
    share their tables, with the six blocks of an MCU dealt out anew.
    """
    across, down = -(-width // 24), -(-height // 8)
    data = by_cjpeg(
        16 * across, 16 * down, seed, (*arguments, "-rgb", "-sample", "2x2,1x1,1x1"), "", kind
    )
    for code, start, _ in huffreader.segments(data)[0]:
        if code in (0xC0, 0xC1):
            frame = bytearray(data[start : start + 19])
            frame[5:9] = height.to_bytes(2) + width.to_bytes(2)
            frame[11::3] = bytes([0x31, 0x21, 0x11])
            data = data[:start] + bytes(frame) + data[start + 19 :]
    return data


def size_of(data: bytes, default: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return width and height from the frame header."""
    for code, start, _ in huffreader.segments(data)[0]:
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[start + 7 : start + 9]), int.from_bytes(
                data[start + 5 : start + 7]
            )
    assert default, "no frame header"
    return default


@st.composite
def boxes_in(draw: st.DrawFn, width: int, height: int, most: int = 4) -> list[Box]:
    """Draw boxes that all lie at least partly in the picture; whole numbers and eighths."""
    found = []
    for _ in range(draw(st.integers(1, most))):
        left = draw(st.integers(-16, 8 * width - 1))
        top = draw(st.integers(-16, 8 * height - 1))
        right = draw(st.integers(max(left, 0) + 1, 8 * width + 80))
        bottom = draw(st.integers(max(top, 0) + 1, 8 * height + 80))
        box = (left / 8, top / 8, right / 8, bottom / 8)
        if draw(st.booleans()):
            box = (left // 8, top // 8, -(-right // 8), -(-bottom // 8))
        found.append(box)
    return found


MARGINS = (0, 0, 0, 1, 8, 0.25, 0.5, "0.5px", "150%")


def random_boxes(
    random: np.random.Generator, width: int, height: int, count: int, least: float, most: float
) -> list[Box]:
    """Return boxes with sides between these fractions of the picture's."""
    found = []
    for _ in range(count):
        wide = max(1.0, width * random.uniform(least, most))
        high = max(1.0, height * random.uniform(least, most))
        left = random.uniform(0, max(width - wide, 0))
        top = random.uniform(0, max(height - high, 0))
        found.append((left, top, left + wide, top + high))
    return found


# ---------------------------------------------------------------------------
# Which blocks a region touches, worked out from the words of the design alone
# ---------------------------------------------------------------------------


def grown(box: Box, margin: float | str) -> tuple[Fraction, ...]:
    """Return a box with its margin: pixels, or a fraction of its sides."""
    left, top, right, bottom = (Fraction(side) for side in box)
    text = str(margin)
    value = Fraction(text.removesuffix("px").removesuffix("%"))
    across = down = value
    if text.endswith("%") or (not text.endswith("px") and 0 < value < 1):
        share = value / 100 if text.endswith("%") else value
        across, down = share * (right - left), share * (bottom - top)
    return left - across, top - down, right + across, bottom + down


def spans(
    picture: huffreader.Picture, component: int, box: Box, margin: float | str = 0
) -> tuple[range, range]:
    """Return the rows and columns of a component's real blocks that a box has any area in."""
    left, top, right, bottom = grown(box, margin)
    most_across, most_down = picture.largest
    h, v = picture.factors[component]
    rows, columns = picture.real(component)
    found = []
    for low, high, step, count in (
        (top, bottom, Fraction(8 * most_down, v), rows),
        (left, right, Fraction(8 * most_across, h), columns),
    ):
        scale = step.denominator * low.denominator * high.denominator
        unit, below, above = (int(value * scale) for value in (step, low, high))
        inside = [n for n in range(count) if n * unit < above and (n + 1) * unit > below]
        found.append(range(inside[0], inside[-1] + 1) if inside else range(0))
    return found[0], found[1]


def touched_by(
    picture: huffreader.Picture, box: Box, margin: float | str = 0
) -> set[tuple[int, int, int]]:
    """Return (component, row, column) of each block that a box touches, padding included."""
    found = set()
    for scan in picture.scans:
        for part in scan.parts:
            rows, columns = picture.real(part.index)
            down, across = spans(picture, part.index, box, margin)
            for row in down:
                found |= {(part.index, row, column) for column in across}
            mcus = {(r // part.down, c // part.across) for r in down for c in across}
            for mcu_row, mcu_column in mcus:
                for row in range(mcu_row * part.down, (mcu_row + 1) * part.down):
                    for column in range(mcu_column * part.across, (mcu_column + 1) * part.across):
                        if row >= rows or column >= columns:
                            found.add((part.index, row, column))
    return found


def touched_by_all(
    picture: huffreader.Picture, boxes: Sequence[Box], margin: float | str = 0
) -> set[tuple[int, int, int]]:
    """Return the blocks that any of the boxes touches."""
    return set().union(*(touched_by(picture, box, margin) for box in boxes))


# ---------------------------------------------------------------------------
# Other readers
# ---------------------------------------------------------------------------


@contextmanager
def as_file(data: bytes) -> Iterator[str]:
    """Give bytes a path for readers that take nothing else."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(data)
        file.flush()
        yield file.name


def coefficients(data: bytes) -> list[np.ndarray]:
    """Read by jpegio: for each component (rows, columns, 64) in natural order."""
    with as_file(data) as path:
        return [
            plane.reshape(plane.shape[0] // 8, 8, plane.shape[1] // 8, 8)
            .transpose(0, 2, 1, 3)
            .reshape(plane.shape[0] // 8, plane.shape[1] // 8, 64)
            for plane in jpegio.read(path).coef_arrays
        ]


def whole_mcus(data: bytes) -> bytes | None:
    """Return a copy whose frame size is whole MCUs, so that jpegio sees hidden padding blocks.

    None where some scan is not wholly interleaved.
    """
    picture = huffreader.read(data, decode=False)
    if len(picture.factors) == 1 or [len(s.parts) for s in picture.scans] != [len(picture.factors)]:
        return None
    across, down = (8 * factor for factor in picture.largest)
    width, height = -(-picture.width // across) * across, -(-picture.height // down) * down
    at = picture.frame + 5
    return data[:at] + height.to_bytes(2) + width.to_bytes(2) + data[at + 4 :]


def changed_blocks(before: bytes, after: bytes) -> set[tuple[int, int, int]]:
    """Return the blocks whose coefficients jpegio finds different."""
    a, b = coefficients(before), coefficients(after)
    assert [plane.shape for plane in a] == [plane.shape for plane in b]
    return {
        (component, int(row), int(column))
        for component, (x, y) in enumerate(zip(a, b, strict=True))
        for row, column in zip(*np.nonzero((x != y).any(axis=2)), strict=True)
    }


def pillow_complaints(data: bytes) -> list[str]:
    """Let Pillow decode it; return its warnings and errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            return [f"{type(error).__name__}: {error}"]
        return [str(item.message) for item in caught]


def djpeg_complaints(data: bytes) -> tuple[int, str]:
    """Let djpeg decode it; return its exit status and its words."""
    done = subprocess.run(["djpeg", "-outfile", os.devnull], input=data, capture_output=True)
    return done.returncode, done.stderr.decode(errors="replace")


def assert_opens_like(before: bytes, after: bytes) -> None:
    """Assert that djpeg and Pillow complain about ``after`` no more than about ``before``."""
    assert _kinds(pillow_complaints(after)) <= _kinds(pillow_complaints(before))
    if shutil.which("djpeg"):
        (status, words), (was, old) = djpeg_complaints(after), djpeg_complaints(before)
        assert status <= was
        assert _kinds(words.splitlines()) <= _kinds(old.splitlines())


def _kinds(complaints: Sequence[str]) -> set[str]:
    """Return complaints with their byte counts and marker codes left out."""
    return {re.sub(r"0x[0-9a-f]+|\d+", "N", line) for line in complaints}
