"""Raw samples, which have no signature: those a TIFF header points at, and those found by trial."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy import fft

from .decode import LARGEST, resize, shrink, small_grey
from .streams import walk

__all__ = ["TABLES", "Shown", "by_trial", "of_jfif", "of_matrix", "of_tiffs"]


def _standard_tables() -> bytes:
    """Return the DHT segments of ITU-T T.81 annex K.3: Pillow's, unless it optimises."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    jpeg = out.getvalue()
    found = [s for s in walk(jpeg).segments if s.code == 0xC4]
    return b"".join(jpeg[s.start : s.end] for s in found)


TABLES = _standard_tables()


@dataclass(frozen=True, slots=True)
class Shown:
    """Samples that make a picture: where they are, and what it looks like in grey."""

    kind: str
    offset: int
    length: int
    size: tuple[int, int]
    grey: np.ndarray | None


# ---------------------------------------------------------------------------
# What TIFF directories point at
# ---------------------------------------------------------------------------

_TIFF = re.compile(rb"II\x2a\0|MM\0\x2a")
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 0x100, 0x101, 0x102, 0x103, 0x106
_STRIPS, _COUNTS, _SAMPLING, _SUB_IFDS, _EXIF = 0x111, 0x117, 0x212, 0x14A, 0x8769
_SIZES = {1: 1, 3: 2, 4: 4, 13: 4}
_MOST_IFDS, _MOST_VALUES = 64, 4096


def of_tiffs(data: bytes) -> Iterator[Shown]:
    """Yield the pictures in strips of every TIFF structure, Exif's thumbnails among them."""
    for hit in _TIFF.finditer(data):
        at = hit.start()
        for tags in _directories(data, at):
            yield from _strips(data, at, tags)


Tags = Mapping[int, list[int]]


def _directories(data: bytes, base: int) -> Iterator[Tags]:
    order: Literal["little", "big"] = "little" if data[base : base + 2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    waiting, seen = [number(base + 4, 4)], set[int]()
    while waiting and len(seen) < _MOST_IFDS:
        ifd = waiting.pop(0)
        if ifd < 8 or ifd in seen or base + ifd + 2 > len(data):
            continue
        seen.add(ifd)
        count = number(base + ifd, 2)
        tags: dict[int, list[int]] = {}
        for entry in range(base + ifd + 2, min(base + ifd + 2 + 12 * count, len(data) - 11), 12):
            size = _SIZES.get(number(entry + 2, 2))
            values = number(entry + 4, 4)
            if size is None or not 0 < values <= _MOST_VALUES:
                continue
            at = entry + 8 if size * values <= 4 else base + number(entry + 8, 4)
            tags[number(entry, 2)] = [number(at + k * size, size) for k in range(values)]
        waiting += [*tags.get(_SUB_IFDS, []), *tags.get(_EXIF, [])]
        waiting.append(number(base + ifd + 2 + 12 * count, 4))
        yield tags


def _strips(data: bytes, base: int, tags: Tags) -> Iterator[Shown]:
    if not {_WIDTH, _HEIGHT, _STRIPS} <= tags.keys():
        return
    width, height = tags[_WIDTH][0], tags[_HEIGHT][0]
    if not (0 < width < 65536 and 0 < height < 65536):
        return
    offsets = tags[_STRIPS]
    pieces = []
    for k, offset in enumerate(offsets):
        length = tags[_COUNTS][k] if k < len(tags.get(_COUNTS, [])) else len(data)
        pieces.append(data[base + offset : base + offset + length])
    body = b"".join(pieces)
    if not any(body):
        return  # zeroed, or it points nowhere: nothing is there to see
    if tags.get(_COMPRESSION, [1])[0] == 1:
        grey = _uncompressed(body, width, height, tags)
        kind = "uncompressed tiff"
    else:
        decoded = small_grey(data[base:])
        grey, kind = (None if decoded is None else decoded[0]), "compressed tiff"
        if grey is None and body[:3] == b"\xff\xd8\xff":
            return  # a JPEG in a strip: found by its own signature
    yield Shown(kind, base + offsets[0], len(body), (width, height), grey)


def _uncompressed(body: bytes, width: int, height: int, tags: Tags) -> np.ndarray | None:
    photometric = tags.get(_PHOTOMETRIC, [2])[0]
    deep = tags.get(_BITS, [8])[0] == 16
    samples = np.frombuffer(body, np.uint8)
    if deep:
        samples = samples[: len(samples) & ~1].reshape(-1, 2).max(axis=1)
    if photometric == 6:
        return _ycbcr(samples, width, height, tags.get(_SAMPLING, [2, 2]))
    channels = 3 if photometric == 2 else 1
    wanted = width * height * channels
    if len(samples) < wanted // 8:
        return None
    samples = np.pad(samples[:wanted], (0, max(wanted - len(samples), 0)))
    grey = samples.reshape(height, width, channels).mean(axis=2, dtype=np.float32)
    return shrink(grey, LARGEST)


def _ycbcr(samples: np.ndarray, width: int, height: int, sampling: list[int]) -> np.ndarray | None:
    """Return luma from TIFF's data units: ``h * v`` luma samples, then one Cb and one Cr."""
    h, v = (*sampling, 1, 1)[:2]
    if h not in (1, 2, 4) or v not in (1, 2, 4):
        return None
    across, down = -(-width // h), -(-height // v)
    unit = h * v + 2
    wanted = across * down * unit
    if len(samples) < wanted // 8:
        return None
    samples = np.pad(samples[:wanted], (0, max(wanted - len(samples), 0)))
    luma = samples.reshape(down, across, unit)[:, :, : h * v].reshape(down, across, v, h)
    plane = luma.transpose(0, 2, 1, 3).reshape(down * v, across * h)[:height, :width]
    return shrink(plane.astype(np.float32), LARGEST)


def of_jfif(data: bytes) -> Iterator[Shown]:
    """Yield the uncompressed thumbnail of a JFIF or JFXX segment (ITU-T T.871 6.1 and annex)."""
    at, palette = 0, b""
    if data.startswith(b"JFIF\0") and len(data) > 14:
        at = 14
    elif data.startswith(b"JFXX\0\x13"):
        at = 8
    elif data.startswith(b"JFXX\0\x11"):
        at, palette = 8 + 768, data[8 : 8 + 768]
    if not at or len(data) <= at:
        return
    width, height = data[12:14] if at == 14 else data[6:8]
    channels = 1 if palette else 3
    body = data[at : at + width * height * channels]
    if len(body) != width * height * channels or not any(body):
        return
    pixels = np.frombuffer(body, np.uint8).reshape(height, width, channels)
    if palette:
        pixels = np.frombuffer(palette, np.uint8).reshape(256, 3)[pixels[:, :, 0]]
    yield Shown("jfif samples", at, len(body), (width, height), pixels.mean(axis=2, dtype="f4"))


def of_matrix(data: bytes) -> Iterator[Shown]:
    """Yield the picture in an HDR+ matrix: five 32-bit numbers (sides, 1, planes, 2), planes."""
    if len(data) < 20:
        return
    width, height, one, planes, kind = (
        int.from_bytes(data[k : k + 4], "little") for k in range(0, 20, 4)
    )
    if one == 1 and kind == 2 and planes <= 4 and width * height * planes == len(data) - 20 > 0:
        grey = np.frombuffer(data, np.uint8, offset=20).reshape(planes, height, width)
        shown = grey.mean(axis=0, dtype=np.float32)
        yield Shown("hdr+ samples", 0, len(data), (width, height), shown)


# ---------------------------------------------------------------------------
# By trial: a matched filter
# ---------------------------------------------------------------------------

_WIDTHS = (320, 240, 160, 144, 128, 120, 112, 100, 96, 88, 80, 64, 48)
_LEAST = 2000
_LONGEST = 1 << 20
_ALIKE = 0.5
"""How much less neighbouring rows differ than chance rows do, where there are rows."""
_FITS = 0.65
"""Correlation with the original at which samples are taken for a picture of it."""


def by_trial(data: bytes, original: np.ndarray) -> Iterator[Shown]:
    """Yield raw samples that nothing points at, if they look like the original picture.

    For each likely width and pixel size: do bytes one row apart look alike anywhere? If so, the
    picture at that size is looked for at every offset at once, by its correlation.
    """
    if len(data) < _LEAST:
        return
    samples = np.frombuffer(data, np.uint8)[:_LONGEST].astype(np.float32)
    done: set[tuple[int, int]] = set()
    for height, width, pixel in _shapes(original):
        if width * height * pixel > len(samples) or not _has_rows(samples, width * pixel):
            continue
        picture = resize(original, width, height)
        step = 1 if pixel != 2 else 2
        template = np.repeat(picture.ravel(), pixel) if step == 1 else picture.ravel()
        source = samples if step == 1 else samples[: len(samples) & ~1]
        for phase in range(step):
            track = source[phase::step]
            fits = _correlation(track, template)
            best = int(np.argmax(fits))
            start = best * step + phase
            if fits[best] < _FITS or (start, width) in done:
                continue
            done.add((start, width))
            pixels = track[best : best + len(template)].reshape(height, width, -1)
            yield Shown(
                "raw samples", start, len(template) * step, (width, height), pixels.mean(axis=2)
            )


def _shapes(original: np.ndarray) -> Iterator[tuple[int, int, int]]:
    rows, columns = original.shape
    for width in _WIDTHS:
        heights = {round(width * rows / columns), width * 3 // 4, width * 2 // 3}
        for height in sorted(heights - {0}):
            for pixel in (3, 1, 2):
                yield height, width, pixel


def _has_rows(samples: np.ndarray, row: int) -> bool:
    """Whether somewhere bytes a row apart are much more alike than bytes half a row more apart."""
    window = 6 * row
    windows = (len(samples) - 2 * row) // window
    if windows < 1:
        return False
    length = windows * window
    here = samples[:length]
    near, far = (
        np.abs(here - samples[lag : lag + length]).reshape(windows, window).sum(axis=1)
        for lag in (row, row + row // 2)
    )
    return bool(np.any((near < _ALIKE * far) & (far > 4 * window)))


def _correlation(track: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Return the normalised correlation of a template with every stretch of a track."""
    count = len(template)
    if len(track) < count:
        return np.zeros(1)
    shape = template - template.mean()
    norm = float(np.sqrt((shape**2).sum())) or 1.0
    size = fft.next_fast_len(len(track) + count, real=True)
    product = fft.irfft(fft.rfft(track, size) * np.conj(fft.rfft(shape, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(track, dtype=np.float64)))
    squares = np.concatenate(([0.0], np.cumsum(track.astype(np.float64) ** 2)))
    places = len(track) - count + 1
    total = sums[count:] - sums[:-count]
    spread = squares[count:] - squares[:-count] - total**2 / count
    return np.asarray(product[:places] / (norm * np.sqrt(np.maximum(spread, 1.0))))
