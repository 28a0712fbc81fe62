"""Mutations that know nothing of a JPEG, or only that it has markers; and those of diffs.

Each is ``(generator, data, another input) -> damaged data``.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

from jpegredact.diff.cbor import MAGIC, decode, encode

from .structure import STRUCTURAL

_MARKERS = bytes.fromhex("c0c1c2c4c9cacccd00d7d8d9dadbdcdde1fe")
_CHECK = 8


def flip_bits(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Flip a few bits anywhere."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flip_header_bits(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Flip a few bits in the first 700 bytes, where the headers mostly are."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 3))):
        out[rng.randrange(min(len(out), 700))] ^= 1 << rng.randrange(8)
    return bytes(out)


def set_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Set a few bytes to values that tend to matter."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        out[rng.randrange(len(out))] = rng.choice((0, 1, 0x11, 0x7F, 0x80, 0xFE, 0xFF))
    return bytes(out)


def truncate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data))]


def delete_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Take a stretch out."""
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 1, 2, 16, 200)) :]


def insert_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put random bytes in."""
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 1, 2, 16, 200))) + data[at:]


def repeat_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a stretch twice."""
    at = rng.randrange(len(data))
    end = at + rng.choice((2, 20, 300))
    return data[:end] + data[at:end] + data[end:]


def insert_marker(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a marker somewhere, with or without a length."""
    at = rng.randrange(len(data))
    length = rng.choice((b"", b"\0\2", b"\0\0", b"\xff\xff", b"\0\x11" + rng.randbytes(15)))
    return data[:at] + b"\xff" + bytes([rng.choice(_MARKERS)]) + length + data[at:]


def splice_segments(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a stretch of another file, from marker to marker, between two markers of this one."""
    here, there = _marker_places(data), _marker_places(other)
    if len(here) < 2 or len(there) < 2:
        return flip_bits(rng, data, other)
    at = rng.choice(here)
    start, end = sorted(rng.sample(there, 2))
    return data[:at] + other[start:end] + data[rng.choice((at, rng.choice(here))) :]


def edit_segment(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a byte of a segment's length, or one of the first bytes behind it."""
    places = _marker_places(data)
    if not places:
        return flip_bits(rng, data, other)
    out = bytearray(data)
    at = min(rng.choice(places) + rng.choice((2, 3, 3, 4, 5, 6, 7, 8, 9)), len(out) - 1)
    out[at] = rng.choice((0, 1, 2, out[at] ^ 1, (out[at] + 1) & 255, 0xFF, rng.randrange(256)))
    return bytes(out)


def drop_segment(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Take a segment out."""
    places = _marker_places(data)
    if len(places) < 3:
        return truncate(rng, data, other)
    number = rng.randrange(len(places) - 1)
    return data[: places[number]] + data[places[number + 1] :]


def _marker_places(data: bytes) -> list[int]:
    found = []
    at = data.find(b"\xff", 2)
    while 0 <= at < len(data) - 1:
        if data[at + 1] not in (0, 0xFF):
            found.append(at)
        at = data.find(b"\xff", at + 1)
    return found


Mutation = Callable[[random.Random, bytes, bytes], bytes]
PLAIN: tuple[Mutation, ...] = (
    flip_bits, flip_bits, flip_header_bits, flip_header_bits, set_bytes, truncate, delete_bytes,
    insert_bytes, repeat_bytes, insert_marker, splice_segments, edit_segment, edit_segment,
    drop_segment,
)  # fmt: skip


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage data once, now and then twice or thrice; three times of five knowing what it is."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if data:
            data = rng.choice(STRUCTURAL if rng.random() < 0.6 else PLAIN)(rng, data, other)
    return data


def mutate_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage data that may be no JPEG."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if data:
            data = rng.choice(PLAIN)(rng, data, other)
    return data


# ---------------------------------------------------------------------------
# Diffs
# ---------------------------------------------------------------------------


def mutate_diff(rng: random.Random, diff: bytes, other: bytes) -> bytes:
    """Damage a few values of a diff and write it in its canonical form again, so that it parses.

    Knows the format as far as docs/design/diff-format.md's outer layers: a map, and
    in it records that end with a check. Whatever a record holds is damaged alike.
    """
    document, stranger = _taken_apart(diff), _taken_apart(other)
    for _ in range(rng.choice((1, 1, 1, 2))):
        where = "records" if rng.random() < 0.85 else rng.choice(sorted(document))
        theirs = stranger.get(where)
        if where == "records" and document[where]:
            records = document[where]
            number = rng.randrange(len(records))
            kind = records[number].get("kind")
            same = [r for r in theirs if r.get("kind") == kind] or [None]
            if rng.random() < 0.1:
                document[where] = _damaged(rng, records, theirs)
            else:
                records[number] = damaged_inside(rng, records[number], rng.choice(same))
        else:
            document[where] = damaged_inside(rng, document[where], theirs)
    return _put_together(document)


def _taken_apart(diff: bytes) -> dict[str, Any]:
    document = dict(decode(diff, len(MAGIC)))
    document["records"] = [dict(decode(r[:-_CHECK], 0)) for r in document["records"]]
    return document


def _put_together(document: dict[str, Any]) -> bytes:
    records = document["records"]
    if isinstance(records, list):
        coded = [encode(record) for record in records]
        checked = [record + hashlib.sha256(record).digest()[:_CHECK] for record in coded]
        document = {**document, "records": checked}
    return MAGIC + encode(document)


def damaged_inside(rng: random.Random, value: Any, theirs: Any) -> Any:
    """Damage a value, or one somewhere in it; ``theirs`` stands at the same place elsewhere."""
    if isinstance(value, dict) and value and rng.random() < 0.95:
        keys = [key for key in value if key != "kind"] or list(value)
        key = rng.choice(keys)
        other = theirs.get(key) if isinstance(theirs, dict) else None
        return {**value, key: damaged_inside(rng, value[key], other)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        other = theirs[rng.randrange(len(theirs))] if isinstance(theirs, list) and theirs else None
        return [*value[:at], damaged_inside(rng, value[at], other), *value[at + 1 :]]
    return _damaged(rng, value, theirs)


def _damaged(rng: random.Random, value: Any, theirs: Any) -> Any:
    if theirs is not None and rng.random() < 0.2:
        return theirs
    if isinstance(value, bool) or value is None:
        return rng.choice((None, True, False, 0, "x", 0.5))
    if isinstance(value, int):
        return max(-(1 << 63), min(value + rng.choice((-1, 1, 1, -value, 5, 1000, 1 << 14, 1 << 31,
                                                       1 << 40, -1 - value)), 1 << 63))  # fmt: skip
    if isinstance(value, float):
        return rng.choice((0.0, -value, value * 3, 1e300, -1.5, float("inf")))
    if isinstance(value, bytes):
        return _damaged_bytes(rng, value)
    if isinstance(value, str):
        return rng.choice((value + "x", value[1:], "", "\U0001f600", "file", "box", "group"))
    if isinstance(value, list):
        at = rng.randrange(len(value) + 1)
        return rng.choice((
            value[:at] + value[at + 1 :], value[:at], value + value[at : at + 1], value[::-1],
            value[:at] + value[at : at + 1] * rng.choice((3, 300, 3000)) + value[at:], [],
        ))  # fmt: skip
    if isinstance(value, dict):
        key = rng.choice(sorted(value) or ["x"])
        return rng.choice(({k: v for k, v in value.items() if k != key}, {**value, "x": 1}, {}))
    return value


def _damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 3))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(rng.choice((
        out, out, out, out[:-1], out + b"\0", out[:0], out[: len(out) // 2], out * 40,
        rng.choice((b"\0", b"\xff", b"\x80", b"\x55")) * 3000,
    )))  # fmt: skip
