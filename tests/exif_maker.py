"""Exif blocks byte by byte, from a few lines; no jpegredact in it.

A block is a dict of parts in the order in which they lie: lists of entries are directories,
with their long values right behind them; bytes are bytes. `Ref` and `Size` stand for another
part's offset and length.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

Order = Literal["little", "big"]

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1}


class Ref(NamedTuple):
    """The offset of a part, by default from the TIFF header."""

    part: str
    plus: int = 0


class Size(NamedTuple):
    """The length of a part."""

    part: str


class Raw(NamedTuple):
    """An entry's count and its 4 bytes as they are."""

    count: int
    value: int


Value = bytes | str | int | tuple[int, ...] | Ref | Size | Raw
Entry = tuple[int, int, Value]
Directory = list[Entry]


@dataclass(frozen=True)
class Made:
    """A block, and where its parts and its entries' values begin in it."""

    data: bytes
    places: Mapping[str, int]
    sizes: Mapping[str, int]
    values: Mapping[tuple[str, int], tuple[int, int]]


def tiff(
    parts: Mapping[str, Directory | bytes],
    order: Order = "little",
    links: Mapping[str, str] | None = None,
    header: int = 8,
    base: int = 0,
) -> Made:
    """Lay out a block; ``links`` name each directory's next one.

    ``header`` bytes are left out in front for what precedes it (8: a TIFF header is written);
    offsets are counted from ``base`` bytes before it.
    """
    links = links or {}
    places: dict[str, int] = {}
    sizes: dict[str, int] = {}
    at = header
    for name, part in parts.items():
        at += at % 2
        places[name] = at
        sizes[name] = len(part) if isinstance(part, bytes) else _directory_size(part)
        at += sizes[name]
    out = bytearray(at)
    values: dict[tuple[str, int], tuple[int, int]] = {}

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, order)

    def coded(kind: int, value: Value) -> bytes:
        match value:
            case Ref(part, plus):
                return number(places[part] + base + plus, 4)
            case Size(part):
                return number(sizes[part], 4)
            case bytes():
                return value
            case str():
                return value.encode() + b"\0"
            case int():
                return number(value, SIZES[kind])
            case _:
                size = 4 if kind == RATIONAL else SIZES[kind]
                return b"".join(number(one, size) for one in value)

    for name, part in parts.items():
        at = places[name]
        if isinstance(part, bytes):
            out[at : at + len(part)] = part
            continue
        behind = at + 2 + 12 * len(part) + 4
        out[at : at + 2] = number(len(part), 2)
        for index, (tag, kind, value) in enumerate(part):
            entry = at + 2 + 12 * index
            if isinstance(value, Raw):
                out[entry : entry + 12] = (
                    number(tag, 2) + number(kind, 2) + number(value.count, 4)
                    + number(value.value, 4)
                )  # fmt: skip
                continue
            content = coded(kind, value)
            count = len(content) // SIZES[kind]
            out[entry : entry + 8] = number(tag, 2) + number(kind, 2) + number(count, 4)
            if len(content) <= 4:
                out[entry + 8 : entry + 8 + len(content)] = content
                values[name, tag] = (entry + 8, len(content))
            else:
                behind += behind % 2
                out[entry + 8 : entry + 12] = number(behind + base, 4)
                out[behind : behind + len(content)] = content
                values[name, tag] = (behind, len(content))
                behind += len(content)
        if name in links:
            link = at + 2 + 12 * len(part)
            out[link : link + 4] = number(places[links[name]] + base, 4)
    if header == 8:
        mark = b"II*\0" if order == "little" else b"MM\0*"
        out[:8] = mark + number(places[next(iter(parts))], 4)
    return Made(bytes(out), places, sizes, values)


def _directory_size(entries: Directory) -> int:
    size = 2 + 12 * len(entries) + 4
    for _, kind, value in entries:
        match value:
            case bytes():
                length = len(value)
            case str():
                length = len(value.encode()) + 1
            case tuple() if not isinstance(value, Ref | Size | Raw):
                length = len(value) * (4 if kind == RATIONAL else SIZES[kind])
            case _:
                length = 4
        if length > 4:
            size += size % 2 + length
    return size


@dataclass(frozen=True)
class File:
    """A JPEG file with Exif in it; its segments as (code, offset, end), and the block."""

    data: bytes
    segments: list[tuple[int, int, int]]
    made: Made
    start: int = 12
    """Where the TIFF header is in the file."""

    def at(self, part: str) -> int:
        return self.start + self.made.places[part]

    def span(self, part: str) -> tuple[int, int]:
        return self.at(part), self.at(part) + self.made.sizes[part]

    def value(self, part: str, tag: int) -> tuple[int, int]:
        at, length = self.made.values[part, tag]
        return self.start + at, self.start + at + length


def file(
    parts: Mapping[str, Directory | bytes],
    order: Order = "little",
    links: Mapping[str, str] | None = None,
) -> File:
    """A small JPEG file whose first segment is this Exif block."""
    made = tiff(parts, order, links)
    return wrapped(made)


def wrapped(made: Made) -> File:
    content = b"Exif\0\0" + made.data
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    data = b"\xff\xd8" + segment + jpeg(16, 16)[2:]
    return File(data, segments(data), made)


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """The marker segments of a well-formed file up to its first scan."""
    out = []
    at = 2
    while data[at] == 0xFF and data[at + 1] not in (0xD9, 0xDA):
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        out.append((data[at + 1], at, min(end, len(data))))
        at = end
        if at + 4 > len(data):
            break
    return out


def jpeg(width: int, height: int, seed: int = 1, quality: int = 80) -> bytes:
    """A JPEG of noise, so that it is long."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def noise(length: int, seed: int = 2) -> bytes:
    """Bytes that are no text and hold no JPEG signature."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 0xD0, length, dtype=np.uint8).tobytes()


def settings(length: int) -> bytes:
    """Bytes such as cameras store: small numbers, many zeros."""
    return bytes((index % 7 if index % 3 == 0 else 0) for index in range(length))


def applied(data: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """The file with edits made; they must be in order."""
    out = bytearray()
    at = 0
    for start, end, new in edits:
        assert at <= start <= end <= len(data)
        out += data[at:start] + new
        at = end
    return bytes(out + data[at:])
