"""Mutations of what a file holds beside the picture: segments, and what stands behind EOI.

Each is ``(generator, data, another input) -> damaged data``, and gives the data back as
they are where there is nothing for it to damage. This module knows segments and
trailers; `metadata_tiff` directories, `metadata_text` XMP and base64, `metadata_boxes`
Photoshop resources, IPTC and boxes.
"""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Callable, Sequence

from .structure import LARGEST, SOS, Piece, pieces, together

APP0, APP1, APP2, APP11, APP13, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xFE
METADATA = frozenset({*range(0xE0, 0xF0), COM})
MOST = 65533
"""Bytes that a segment holds behind its length."""
EDGES = (0, 1, 2, 3, 4, 7, 8, 9, 12, 16, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF,
         0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)  # fmt: skip
"""Numbers that tend to matter."""
SMALL_JPEG = bytes.fromhex(
    "ffd8ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e40"
    "4457453738506d51575f626768673e4d71797064785c656763ffc0000b080008000801011100ffc4001400010000"
    "0000000000000000000000000000ffc4001f1000020102070000000000000000000000010211000304121321313"
    "261ffda0008010100003f005ec3aa16576d4676cc2eaa8661b4f6832218ac091ef35fffd9"
)
"""A grey picture of 8 × 8 pixels."""
LOOSE_JPEG = SMALL_JPEG.replace(b"\xff\xc0", b"between\xff\xc0")
"""One with bytes between its segments, which libjpeg passes over."""
SIGNATURES = (
    SMALL_JPEG, SMALL_JPEG, SMALL_JPEG, LOOSE_JPEG, SMALL_JPEG[:160], SMALL_JPEG[1:],
    SMALL_JPEG[:20],
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0IEND\xaeB`\x82",
    b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\1D\0;", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
    b"RIFF\x24\0\0\0WEBPVP8 ", b"II*\0\x08\0\0\0\1\0\x01\2\4\0\1\0\0\0\x1a\0\0\0\0\0\0\0",
    b"MM\0*\0\0\0\x08\0\1\1\x11\0\4\0\0\0\1\0\0\0\x1a\0\0\0\0", b"8BIM\4\x0c\0\0\0\0\0\x20",
    base64.b64encode(SMALL_JPEG), SMALL_JPEG.hex().encode(), b"A" * 700, b"8BPS\0\1",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"Exif\0\0MM\0*\0\0\0\x08", b"http://ns.adobe.com/xap/1.0/\0",
    b"Jane Doe", bytes(3000), b"\xff" * 3000,
)  # fmt: skip
"""What is planted where it may be overlooked."""
HEADERS = (
    (APP0, b"JFIF\0\1\1\0\0\1\0\1"), (APP0, b"JFXX\0\x10"), (APP0, b"JFXX\0\x13"),
    (APP1, b"Exif\0\0"), (APP1, b"http://ns.adobe.com/xap/1.0/\0"),
    (APP1, b"http://ns.adobe.com/xmp/extension/\0"), (APP2, b"MPF\0"),
    (APP2, b"urn:iso:std:iso:ts:21496:-1\0"), (APP2, b"FPXR\0"), (APP2, b"ICC_PROFILE\0\1\1"),
    (0xE4, b"FPXR\0"), (APP11, b"JP\0\1\0\0\0\1\0\0\0\x20jumb"), (APP13, b"Photoshop 3.0\0"),
    (APP13, b"Adobe_Photoshop2.5:"), (0xEE, b"Adobe\0d\0\0\0\0\1"), (APP1, b"FLIR\0\1\0\0"),
    (0xE3, b"_JPSJPS_"), (0xE3, b"Meta"), (APP2, b"\0\0\0\0"), (COM, b""), (0xEC, b"Ducky"),
    (0xE7, b"\1\2\3"), (0xF7, b"LS"), (0xFD, b"x"),
)  # fmt: skip
"""How segments of each kind begin."""
_TAILS = (
    SMALL_JPEG, bytes(20), b"\xff" * 9,
    b"\0\0\0\x18ftypmp42\0\0\0\0isommp42\0\0\0\x10mdat" + b"x" * 8,
    b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<IIII", 0, 0xA30, 32, 24)
    + struct.pack("<I", 28) + b"SEFT",
    b"AXS!" + bytes(30) + b"AXS!" + struct.pack(">II", 700, 0), b"cbipcbbl" + bytes(8),
    b"text" + struct.pack(">I", 4) + b"cbipcbbl", b"any" + struct.pack(">HII", 1, 13, 0xA1B2C3D4),
    b"CANON OPTIONAL DATA\0".ljust(28, b"\0") + b"CANON OPTIONAL DATA\0" + bytes(44),
    b"~\x10\x04\x130MIE" + bytes(4) + b"~\0\x04\0zmie~\0\0\x06\0\0\0\x12\x10\4",
    b"\xff\xd8" + SMALL_JPEG, b"\xff\xd9", b"MotionPhoto_Data" + b"\0\0\0\x18ftypmp42",
)  # fmt: skip


def metadata_places(parts: Sequence[Piece], code: int = 0, start: bytes = b"") -> list[int]:
    """Return which pieces hold metadata; of one marker, and that begin so."""
    return [
        number for number, part in enumerate(parts)
        if (part.code == code if code else part.code in METADATA)
        and part.data.startswith(start, 4)
    ]  # fmt: skip


def pick(rng: random.Random, parts: Sequence[Piece], code: int = 0, start: bytes = b"") -> int:
    """Return one of the pieces that hold metadata, or -1."""
    found = metadata_places(parts, code, start)
    return rng.choice(found) if found else -1


def segment(code: int, payload: bytes) -> Piece:
    """Return a segment, cut off where it can't be longer."""
    payload = payload[:MOST]
    return Piece(code, bytes([0xFF, code]) + (len(payload) + 2).to_bytes(2) + payload)


def replaced(parts: Sequence[Piece], at: int, *new: Piece) -> bytes:
    """Return the file with others in place of a piece."""
    return together([*parts[:at], *new, *parts[at + 1 :]])


def edge(rng: random.Random, near: int = 0, most: int = 0) -> int:
    """Return a number that tends to matter: an edge, next to another one, or up to a length."""
    what, most = rng.randrange(4), max(0, most)
    if what == 0 or (not most and not near):
        return rng.choice(EDGES)
    if what == 1 and most:
        return max(0, most + rng.choice((0, 0, 1, -1, 2, -2, 8)))
    if what == 2 and most:
        return rng.randrange(most + 1)
    return (near + rng.choice((1, -1, 2, -2, 4, 8, 12, -8, near, 256))) & 0xFFFFFFFF


# ---------------------------------------------------------------------------
# Any segment
# ---------------------------------------------------------------------------


def edit_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change some bytes of one segment, or a number of two or four bytes in it."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0 or len(parts[at].data) < 6:
        return data
    out = bytearray(parts[at].data)
    near = len(out) if rng.random() < 0.5 else min(len(out), 200)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(4, near)
        what = rng.randrange(3)
        if what == 0:
            out[place] ^= 1 << rng.randrange(8)
        elif what == 1:
            out[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)))
        else:
            size = rng.choice((2, 4))
            value = edge(rng, 0, len(out)) & ((1 << 8 * size) - 1)
            new = value.to_bytes(size, rng.choice(("big", "little")))
            out[place : place + size] = new[: len(out) - place]
    return replaced(parts, at, Piece(parts[at].code, bytes(out)))


def resize(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Cut bytes out of a segment, say some twice, put others in; the length is put right."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0 or len(parts[at].data) < 5:
        return data
    load = parts[at].data[4:]
    place, length = rng.randrange(len(load)), rng.choice((1, 1, 2, 12, 100, 2000))
    what = rng.randrange(5)
    if what == 0:
        load = load[:place] + load[place + length :]
    elif what == 1:
        load = load[: place + length] + load[place:]
    elif what == 2:
        load = load[:place] + rng.randbytes(length) + load[place:]
    elif what == 3:
        load = load[:place]
    else:
        load += rng.choice((bytes(length), rng.randbytes(length), b" " * length))
    return replaced(parts, at, segment(parts[at].code, load))


def edit_length(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """State another length than a segment has."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0 or len(parts[at].data) < 4:
        return data
    whole = parts[at].data
    value = edge(rng, len(whole) - 2, len(data)) & 0xFFFF
    return replaced(parts, at, Piece(parts[at].code, whole[:2] + value.to_bytes(2) + whole[4:]))


def plant(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a picture, or what begins like one, over a segment's bytes or between them."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0 or len(parts[at].data) < 5:
        return data
    load, new = parts[at].data[4:], rng.choice(SIGNATURES)
    place = rng.choice((rng.randrange(len(load)), max(0, len(load) - len(new)), len(load)))
    gone = 0 if rng.random() < 0.3 else len(new)
    load = load[:place] + new + load[place + gone :]
    return replaced(parts, at, segment(parts[at].code, load))


def blank(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Set a stretch of a segment to one byte, or to noise."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0 or len(parts[at].data) < 6:
        return data
    load = parts[at].data[4:]
    place, length = rng.randrange(len(load)), rng.choice((4, 40, 400, 4000))
    length = min(length, len(load) - place)
    new = rng.choice((bytes(length), b"\xff" * length, b" " * length, rng.randbytes(length)))
    load = load[:place] + new + load[place + length :]
    return replaced(parts, at, segment(parts[at].code, load))


def swap_code(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Give a segment another marker."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0:
        return data
    code = rng.choice((*METADATA, 0xF0, 0xFD, 0xF7))
    return replaced(parts, at, Piece(code, b"\xff" + bytes([code]) + parts[at].data[2:]))


def add_segment(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a segment somewhere: of a known kind with little or anything in it, or another file's."""
    parts, theirs = pieces(data), pieces(other)
    there = pick(rng, theirs)
    if there >= 0 and rng.random() < 0.6:
        new = theirs[there]
    else:
        code, start = rng.choice(HEADERS)
        start = start[: rng.randrange(len(start) + 1)] if rng.random() < 0.1 else start
        new = segment(code, start + rng.choice((
            b"", bytes(30), rng.randbytes(40), rng.randbytes(3000), rng.choice(SIGNATURES),
            b"text " * rng.choice((10, 300)),
        )))  # fmt: skip
    return _put(rng, parts, [new] * rng.choice((1, 1, 1, 2)))


def _put(rng: random.Random, parts: Sequence[Piece], new: Sequence[Piece]) -> bytes:
    """Put pieces in front, now and then anywhere between the others."""
    last = max(1, len(parts) - 1)
    first = next((k for k, part in enumerate(parts) if part.code == SOS), last)
    at = rng.randrange(1, max(2, first + 1 if rng.random() < 0.8 else last + 1))
    return together([*parts[:at], *new, *parts[at:]])


def move_segments(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a segment twice, drop it, or put it elsewhere."""
    parts = pieces(data)
    at = pick(rng, parts)
    if at < 0:
        return data
    what = rng.randrange(4)
    if what == 0:
        return replaced(parts, at)
    if what == 1:
        return replaced(parts, at, parts[at], *[parts[at]] * rng.choice((1, 1, 3)))
    if what == 2:
        to = pick(rng, parts)
        order = list(parts)
        order[at], order[to] = order[to], order[at]
        return together(order)
    return _put(rng, [*parts[:at], *parts[at + 1 :]], [parts[at]])


def say_often(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a segment, the start of one, or what stands behind EOI hundreds or thousands of times."""
    parts, tail = pieces(data), tail_of(data)
    at = pick(rng, parts)
    if at < 0 or (tail and rng.random() < 0.3):
        some = tail[rng.randrange(len(tail) + 1) :][: rng.choice((4, 60, 2000))] or SMALL_JPEG
        return data + some * (min(LARGEST, rng.choice((3000, LARGEST))) // len(some))
    new = parts[at]
    if rng.random() < 0.6:
        load = new.data[4 : rng.choice((20, 60, 400, 3000))]
        new = segment(new.code, load)
    if rng.random() < 0.3:  # much in one segment
        load = new.data[4:] or b"\0"
        start = load[:30]
        new = segment(new.code, start + load[rng.randrange(len(load)) :][:200] * 500)
    times = rng.choice((3000, 20_000, 20_000, LARGEST)) // len(new.data) + 1
    return replaced(parts, at, *[new] * times)


def take_metadata(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put all of another file's segments in place of this one's, or beside them; the tail too."""
    parts, theirs = pieces(data), pieces(other)
    new = [part for part in theirs if part.code in METADATA]
    if rng.random() < 0.5:
        new = [part for part in new if rng.random() < 0.5]
    kept = [part for part in parts if part.code not in METADATA or rng.random() < 0.3]
    out = together([*kept[:1], *new, *kept[1:]])
    return out + tail_of(other) if rng.random() < 0.5 else out


def add_strays(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put bytes between two segments."""
    new = rng.choice((b"\xff" * 30, bytes(17), rng.randbytes(300).replace(b"\xff", b"\0"),
                      *SIGNATURES))  # fmt: skip
    return _put(rng, pieces(data), [Piece(0, new)])


# ---------------------------------------------------------------------------
# Behind EOI
# ---------------------------------------------------------------------------


def tail_of(data: bytes) -> bytes:
    """Return what stands behind the first EOI."""
    return pieces(data)[-1].data[2:]


def edit_tail(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Append something behind EOI, or damage what stands there."""
    tail = tail_of(data)
    head = data[: len(data) - len(tail)]
    what = rng.randrange(8)
    if what < 2 or len(tail) < 4:
        new = rng.choice((*_TAILS, tail_of(other), other[:20000], rng.choice(SIGNATURES)))
        return head + (tail + new if rng.random() < 0.6 else new + tail)
    out = bytearray(tail)
    at = rng.randrange(len(tail))
    if what == 2:
        return head + tail[:at]
    if what == 3:
        return head + tail[at:]
    if what == 4:
        return head + tail[: at + rng.choice((4, 400))] + tail[at:]
    if what == 5:  # a number near the end: there, trailers state their length
        at = max(0, len(tail) - rng.randrange(4, 60))
    if what < 7:
        size = rng.choice((2, 4, 4))
        value = edge(rng, 0, len(tail)) & ((1 << 8 * size) - 1)
        out[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))
    else:
        new = rng.choice(SIGNATURES)
        out[at : at + len(new)] = new
    return head + bytes(out)


Mutation = Callable[[random.Random, bytes, bytes], bytes]
SEGMENTS: tuple[Mutation, ...] = (
    edit_bytes, edit_bytes, edit_bytes, resize, resize, edit_length, plant, plant, plant, blank,
    swap_code, say_often, add_segment, add_segment, move_segments, take_metadata, add_strays,
    edit_tail, edit_tail, edit_tail,
)  # fmt: skip
