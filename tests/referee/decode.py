"""Small grey pictures from bytes: by Pillow, and where Pillow can't, by djpeg or from DC alone."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import jpegio
import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from .streams import main_picture

LARGEST = 384
"""Pixels on the longer side of what is compared."""

MOST_PIXELS = 6e7
"""What is decoded at most: hostile headers promise gigabytes."""

FAILURES = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError,
    KeyError, OverflowError, MemoryError, ZeroDivisionError, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow raises on broken bytes (struct.error is a ValueError)."""


@contextlib.contextmanager
def _lenient() -> Iterator[None]:
    """Let Pillow show what there is of a truncated picture; half a face is a face."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def small_grey(data: bytes, largest: int = LARGEST) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Return a picture as grey values (longer side at most ``largest``), and its full size.

    None where Pillow makes nothing of it.
    """
    with _lenient():
        try:
            image = Image.open(io.BytesIO(data))
            size = image.size
            if size[0] * size[1] > MOST_PIXELS:
                return None
            image.draft("L", (largest, largest))
            grey = _grey(image)
        except FAILURES:
            return None
    return shrink(grey, largest), size


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.asarray(image, dtype=np.float32)
        low, high = float(deep.min()), float(deep.max())
        return (deep - low) * (255 / (high - low or 1))
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA").convert("RGB")
    return np.asarray(image.convert("L"), dtype=np.float32)


def shrink(grey: np.ndarray, largest: int) -> np.ndarray:
    """Bring the longer side down to ``largest``."""
    height, width = grey.shape
    factor = largest / max(height, width)
    if factor >= 1:
        return grey
    return resize(grey, max(round(width * factor), 1), max(round(height * factor), 1))


def resize(grey: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize grey values, averaging where they get fewer."""
    if grey.shape == (height, width):
        return grey
    image = Image.fromarray(np.ascontiguousarray(grey, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX if
                      width < grey.shape[1] else Image.Resampling.BILINEAR))  # fmt: skip


def any_jpeg(data: bytes, largest: int = LARGEST) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Like `small_grey`, with two more ways in: djpeg, then the DC values that jpegio reads.

    The last one gives an eighth of the size, of pictures of 12 bits too.
    """
    frame = main_picture(data).frame
    if frame is None or frame[0] * frame[1] > MOST_PIXELS:
        return None
    found = small_grey(data, largest)
    if found is not None:
        return found
    done = subprocess.run(
        ["djpeg", "-grayscale", "-scale", "1/4", "-pnm"], input=data, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    if done.stdout.startswith(b"P5"):
        found = small_grey(done.stdout, largest)
        if found is not None:
            grey, (width, height) = found
            return grey, (4 * width, 4 * height)
    return _from_dc(data, largest)


def _from_dc(data: bytes, largest: int) -> tuple[np.ndarray, tuple[int, int]] | None:
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Path(file.name).write_bytes(data)
        try:
            read = jpegio.read(file.name)
        except (RuntimeError, ValueError, OSError):
            return None
        grey = np.asarray(read.coef_arrays[0], dtype=np.float32)[::8, ::8]
        across, down = read.image_width, read.image_height
    low, high = float(grey.min()), float(grey.max())
    grey = (grey - low) * (255 / (high - low or 1))
    rows, columns = min(-(-down // 8), len(grey)), min(-(-across // 8), grey.shape[1])
    return shrink(grey[:rows, :columns], largest), (across, down)
