"""Pictures made with NumPy, saved with Pillow, read back with jpegio; no jpegredact in it."""

import io
import tempfile
from pathlib import Path

import jpegio
import numpy as np
from PIL import Image
from scipy import ndimage

ZIGZAG = np.array(
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
        12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ]
)  # fmt: skip
"""Natural position of each coefficient in zigzag order (ITU-T T.81 figure A.6)."""


def photo(width: int, height: int, seed: int = 1) -> np.ndarray:
    """Return an RGB picture with the spectrum of a photo: smooth parts, edges and grain."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for size in (32, 16, 8, 4, 2):
        noise = random.normal(size=(height, width, 3))
        smooth = ndimage.gaussian_filter(noise, (size, size, 0.7))
        picture += size**0.7 * smooth / smooth.std()
    y, x = np.mgrid[:height, :width]
    picture += 6 * ((x * 3 + y * 2) // 97 % 2)[:, :, None]
    picture += random.normal(size=picture.shape) * 0.3
    picture -= picture.min()
    return (picture * 255 / picture.max()).astype(np.uint8)


def pillow_jpeg(picture: np.ndarray, mode: str = "RGB", **options: object) -> bytes:
    """Save a picture with Pillow."""
    out = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def pillow_pixels(data: bytes, mode: str = "RGB") -> np.ndarray:
    """Decode a JPEG with Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert(mode)).astype(int)


def read_blocks(data: bytes, whole_mcus: bool = False) -> list[np.ndarray]:
    """Read all coefficients with jpegio: for each component (rows, columns, 64), zigzag order.

    With ``whole_mcus`` the frame size is rounded up first, so that hidden
    padding blocks of an interleaved scan show.
    """
    if whole_mcus:
        data = _rounded_up(data)
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Path(file.name).write_bytes(data)
        arrays = jpegio.read(file.name).coef_arrays
    return [
        a.reshape(a.shape[0] // 8, 8, a.shape[1] // 8, 8)
        .transpose(0, 2, 1, 3)
        .reshape(a.shape[0] // 8, a.shape[1] // 8, 64)[:, :, ZIGZAG]
        for a in arrays
    ]


def _rounded_up(data: bytes) -> bytes:
    at = next(at for code, at in segments(data) if code in (0xC0, 0xC1))
    count = data[at + 9]
    factors = [data[at + 11 + 3 * k] for k in range(count)]
    across = 8 * max(f >> 4 for f in factors)
    down = 8 * max(f & 15 for f in factors)
    height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
    height, width = -(-height // down) * down, -(-width // across) * across
    return data[: at + 5] + height.to_bytes(2) + width.to_bytes(2) + data[at + 9 :]


def segments(data: bytes) -> list[tuple[int, int]]:
    """Return marker code and offset of each segment up to the first scan's header."""
    found = []
    at = 2
    while True:
        while data[at + 1] == 0xFF:
            at += 1
        found.append((data[at + 1], at))
        if data[at + 1] == 0xDA:
            return found
        at += 2 + int.from_bytes(data[at + 2 : at + 4])


def huffman_tables(data: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Return the Huffman tables in front of the first scan: ``Tc/Th`` -> counts, symbols."""
    tables = {}
    for code, offset in segments(data):
        if code != 0xC4:
            continue
        at, end = offset + 4, offset + 2 + int.from_bytes(data[offset + 2 : offset + 4])
        while at < end:
            counts = data[at + 1 : at + 17]
            tables[data[at]] = counts, data[at + 17 : at + 17 + sum(counts)]
            at += 17 + sum(counts)
    return tables
