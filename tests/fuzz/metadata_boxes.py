"""Mutations of Photoshop resources and the IPTC data sets in them, and of APP11's boxes.

Each is ``(generator, data, another input) -> damaged data``.
"""

from __future__ import annotations

import random
import re
import struct

from .metadata import APP11, APP13, SIGNATURES, Piece, edge, pick, replaced, segment
from .metadata import metadata_places as places
from .structure import pieces, together

PHOTOSHOP = b"Photoshop 3.0\0"
_RESOURCE = re.compile(rb"8BIM|PHUT|AgHg|DCSR|MeSa")
_NUMBERS = (0x0404, 0x0409, 0x040C, 0x0422, 0x0423, 0x0424, 0x0425, 0x03ED, 0x07D0, 0x0401, 0x0BB7,
            0x040F, 0x0FA0, 0x1234, 0, 0xFFFF)  # fmt: skip
_DATA_SET = re.compile(rb"\x1c[\x01-\x09]")
_SETS = ((2, 120), (2, 25), (2, 202), (2, 200), (2, 125), (2, 150), (8, 10), (7, 10), (1, 90),
         (2, 0), (2, 80), (2, 5), (255, 255), (0, 0))  # fmt: skip
_BOXES = (b"jumb", b"jumd", b"bidb", b"bfdb", b"json", b"jp2c", b"cbor", b"xml ", b"uuid", b"free",
          b"\0\0\0\0", b"COMM", b"RSPC", b"FTYP")  # fmt: skip
_BOX = re.compile(rb"jumb|jumd|bidb|bfdb|json|cbor|jp2c|uuid")


def resource(number: int, content: bytes, name: bytes = b"") -> bytes:
    """Return a resource."""
    pascal = bytes([len(name) & 255]) + name
    pascal += b"\0" * (len(pascal) % 2)
    return (b"8BIM" + struct.pack(">H", number) + pascal + struct.pack(">I", len(content))
            + content + b"\0" * (len(content) % 2))  # fmt: skip


def data_set(rng: random.Random) -> bytes:
    """Return a data set, some of them with lengths that they haven't."""
    record, number = rng.choice(_SETS)
    content = rng.choice((b"Jane Doe", b"", bytes(40), *SIGNATURES))
    length = len(content).to_bytes(2)
    if rng.random() < 0.3:
        length = rng.choice((
            b"\x80\4" + len(content).to_bytes(4), b"\x80\0", b"\xff\xff", b"\x80\x08" + bytes(8),
            b"\x80\4\xff\xff\xff\xff", edge(rng, len(content)).to_bytes(4)[2:],
        ))  # fmt: skip
    return bytes([0x1C, record, number]) + length + content


def _numbers(rng: random.Random, out: bytearray, at: int, kind: str) -> None:
    """Write an edge at a place; ``kind`` as `struct` names it."""
    size = struct.calcsize(kind)
    if at + size <= len(out):
        (old,) = struct.unpack_from(">" + kind, out, at)
        out[at : at + size] = (edge(rng, old, len(out) - at) & ((1 << 8 * size) - 1)).to_bytes(size)


def edit_resources(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a resource's number, name or size; say one twice; take another file's."""
    parts, theirs = pieces(data), pieces(other)
    at, there = pick(rng, parts, APP13), pick(rng, theirs, APP13)
    if at < 0:
        new = resource(rng.choice(_NUMBERS), rng.choice(SIGNATURES), rng.choice((b"", b"Jane Doe")))
        parts = [*parts[:1], segment(APP13, PHOTOSHOP + new), *parts[1:]]
        at = 1
    out = bytearray(parts[at].data[4:])
    found = [match.start() for match in _RESOURCE.finditer(out)]
    place = rng.choice(found) if found else len(out)
    what = rng.randrange(9)
    if what == 0 and found:
        out[place + 4 : place + 6] = struct.pack(">H", rng.choice(_NUMBERS))
    elif what < 3 and found:  # the size: behind a name that mostly is empty
        _numbers(rng, out, place + 6 + (out[place + 6] // 2 * 2 + 2 if place + 6 < len(out) else 0),
                 "I")  # fmt: skip
    elif what == 3 and place + 6 < len(out):
        out[place + 6] = rng.choice((0, 1, 2, 8, 127, 254, 255))
    elif what == 4:
        new = resource(rng.choice(_NUMBERS), rng.choice((*SIGNATURES, rng.randbytes(50))))
        out[place:place] = new * rng.choice((1, 1, 3))
    elif what == 5 and found:
        end = next((one for one in found if one > place), len(out))
        out[place:end] = out[place:end] * rng.choice((0, 2))
    elif what == 6 and there >= 0:
        block = theirs[there].data[4:]
        spots = [match.start() for match in _RESOURCE.finditer(block)]
        start = rng.choice(spots) if spots else 0
        out[place:place] = block[start : start + rng.choice((20, 300, 9000))]
    elif what == 7 and found:
        out[place : place + 4] = rng.choice((b"8BIM", b"8BPS", b"PHUT", b"\0\0\0\0", b"MeSa"))
    else:  # cut into several segments
        block = bytes(out[len(PHOTOSHOP) :])
        size = rng.choice((7, 101, 1000, max(1, len(block) // 2)))
        size = max(size, len(block) // 200 + 1)
        cut = [segment(APP13, PHOTOSHOP + block[k : k + size])
               for k in range(0, len(block), size)]  # fmt: skip
        if rng.random() < 0.2:
            rng.shuffle(cut)
        return replaced(parts, at, *cut)
    return replaced(parts, at, segment(APP13, bytes(out)))


def edit_data_sets(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a data set's record, number or length; put others in."""
    parts = pieces(data)
    at = pick(rng, parts, APP13)
    found = [match.start() for match in _DATA_SET.finditer(parts[at].data)] if at >= 0 else []
    if not found:
        block = b"".join(data_set(rng) for _ in range(rng.choice((1, 3, 10))))
        new = segment(APP13, PHOTOSHOP + resource(0x0404, block))
        return together([*parts[:1], new, *parts[1:]])
    out = bytearray(parts[at].data[4:])
    place = rng.choice(found) - 4
    what = rng.randrange(5)
    if what == 0:
        out[place + 1 : place + 3] = bytes(rng.choice(_SETS))
    elif what == 1:
        _numbers(rng, out, place + 3, "H")
    elif what == 2:
        out[place + 3 : place + 5] = rng.choice((b"\x80\4", b"\x80\0", b"\xff\xff", b"\x80\2"))
    elif what == 3:  # in place of another one: the resource's size stays right
        new = data_set(rng)
        out[place : place + len(new)] = new
    else:
        block = b"".join(data_set(rng) for _ in range(rng.choice((1, 3, 10))))
        out += resource(0x0404, block)
    return replaced(parts, at, segment(APP13, bytes(out)))


def edit_boxes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change lengths and types of boxes, their segments' numbers and order; make some."""
    parts = pieces(data)
    at = pick(rng, parts, APP11)
    if at < 0:
        return together([*parts[:1], *_made(rng), *parts[1:]])
    out = bytearray(parts[at].data[4:])
    boxes = [match.start() for match in _BOX.finditer(out)]
    what = rng.randrange(7)
    if what == 0:
        _numbers(rng, out, 2, "H")
    elif what == 1:
        _numbers(rng, out, 4, "I")
    elif what < 4 and boxes:
        _numbers(rng, out, max(0, rng.choice(boxes) - 4), "I")
    elif what == 4 and boxes:
        place = rng.choice(boxes)
        out[place : place + 4] = rng.choice(_BOXES)
    elif what == 5:
        to = rng.choice(places(parts, APP11))
        parts[at], parts[to] = parts[to], parts[at]
        return together(parts)
    else:
        return together([*parts[:at], *_made(rng), *parts[at:]])
    return replaced(parts, at, segment(APP11, bytes(out)))


def _made(rng: random.Random) -> list[Piece]:
    """Return segments of a box with others in it, right or not."""
    content = rng.choice(SIGNATURES)
    for _ in range(rng.choice((1, 2, 5, 300))):
        length = len(content) + 8
        if rng.random() < 0.1:
            length = edge(rng, length)
        content = struct.pack(">I4s", length & 0xFFFFFFFF, rng.choice(_BOXES)) + content
        if rng.random() < 0.05:
            content = struct.pack(">I4sQ", 1, b"jumb", len(content) + 16) + content
    size = rng.choice((60000, 30))
    head, rest = content[:8], content[8:]
    return [
        segment(APP11, b"JP" + struct.pack(">HI", rng.choice((1, 1, 2)), number) + head
                + rest[k : k + size])
        for number, k in enumerate(range(0, max(1, len(rest)), size), rng.choice((1, 1, 0)))
    ][:100]  # fmt: skip


BOXES = (edit_resources, edit_resources, edit_data_sets, edit_boxes)
