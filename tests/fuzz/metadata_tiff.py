"""Mutations of TIFF directories: those of Exif and of MakerNotes, and the MPF index.

Each is ``(generator, data, another input) -> damaged data``. Directories are found
loosely, by a walk that believes what they say, so that damaged ones are found too.
"""

from __future__ import annotations

import random
import struct
from typing import Literal, NamedTuple

from .metadata import APP1, APP2, SIGNATURES, edge, pick, replaced, segment
from .structure import Piece, pieces

_Order = Literal["little", "big"]
_POINTERS = frozenset({0x8769, 0x8825, 0xA005, 0x014A})
_MAKER_NOTE = 0x927C
_NOTE_STARTS = (0, 6, 8, 10, 12, 14, 18, 22, 26)
"""How far into a MakerNote its first directory may be."""
TAGS = (
    0x0201, 0x0202, 0x0111, 0x0117, 0x0144, 0x0145, 0x014A, 0x8769, 0x8825, 0xA005, 0x927C, 0xC634,
    0x0112, 0x0103, 0x0100, 0x0101, 0x0106, 0x0115, 0x0212, 0x0214, 0x011C, 0x010E, 0x010F, 0x02BC,
    0x8649, 0x83BB, 0x9286, 0x9C9B, 0x9C9F, 0xA002, 0xA003, 0xC6F3, 0x0E00, 0x0011, 0x0081, 0x0088,
    0x2001, 0x0010, 0xB000, 0xB001, 0xB002, 0xB003, 0x1234,
)  # fmt: skip
_KINDS = (1, 2, 3, 4, 5, 7, 13, 0, 6, 12, 16, 129, 255, 65535)


class Directory(NamedTuple):
    """Where a directory is in a segment, how it counts, and how many entries fit in it."""

    at: int
    base: int
    order: _Order
    count: int


def directories(load: bytes, header: int) -> list[Directory]:
    """Return the directories of a block whose TIFF header is at ``header``, loops left out."""
    order: _Order = "little" if load[header : header + 2] == b"II" else "big"
    found: dict[int, Directory] = {}
    waiting = [(header + _number(load, header + 4, 4, order), header, order)]
    while waiting and len(found) < 40:
        at, base, order = waiting.pop(0)
        count = _number(load, at, 2, order)
        if at in found or at + 14 > len(load) or not count:
            continue
        count = min(count, (len(load) - at - 2) // 12)
        found[at] = Directory(at, base, order, count)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, value = _number(load, entry, 2, order), _number(load, entry + 8, 4, order)
            if tag in _POINTERS:
                waiting.append((base + value, base, order))
            elif tag == _MAKER_NOTE:
                waiting += _notes(load, base + value, base, order)
        link = _number(load, at + 2 + 12 * count, 4, order)
        if link:
            waiting.append((base + link, base, order))
    return list(found.values())


def _notes(load: bytes, at: int, base: int, order: _Order) -> list[tuple[int, int, _Order]]:
    """Return the place within a MakerNote that looks most like a directory."""
    for start in _NOTE_STARTS:
        for way in (order, "big", "little"):
            place = at + start
            kinds = [_number(load, place + 4 + 12 * k, 2, way) for k in range(3)]  # type: ignore
            if 0 < _number(load, place, 2, way) < 200 and all(0 < kind < 14 for kind in kinds):  # type: ignore
                return [(place, base, way)]  # type: ignore
    return []


def _number(load: bytes, at: int, size: int, order: _Order) -> int:
    return int.from_bytes(load[at : at + size], order) if at + size <= len(load) else 0


def _block(rng: random.Random, data: bytes) -> tuple[list[Piece], int, int]:
    """Return the pieces, one that holds directories (or -1), and where its TIFF header is."""
    parts = pieces(data)
    code, start = rng.choice(((APP1, b"Exif\0"), (APP1, b"Exif\0"), (APP2, b"MPF\0")))
    at = pick(rng, parts, code, start)
    if at < 0:
        code, start = APP1, b"Exif\0"
        at = pick(rng, parts, code, start)
    return parts, at, 10 if code == APP1 else 8


def edit_entry(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change an entry's tag, type, count or value, the number of entries, or a link."""
    parts, at, header = _block(rng, data)
    if at < 0:
        return data
    out = bytearray(parts[at].data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        known = directories(bytes(out), header)
        if not known:
            out[header : header + 8] = rng.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"))
            break
        _edit_one(rng, out, rng.choice(known), known)
    return replaced(parts, at, Piece(parts[at].code, bytes(out)))


def _edit_one(
    rng: random.Random, out: bytearray, chosen: Directory, known: list[Directory]
) -> None:
    size = len(out)

    def write(place: int, value: int, width: int) -> None:
        if place + width <= size:
            value &= (1 << 8 * width) - 1
            out[place : place + width] = value.to_bytes(width, chosen.order)

    def somewhere() -> int:
        """Return an offset from the base: of a directory, of a value, to an end, or an edge."""
        which = rng.randrange(5)
        target = rng.choice(known)
        if which == 0:
            return target.at - chosen.base + rng.choice((0, 0, 2, 12))
        if which == 1:
            entry = target.at + 2 + 12 * rng.randrange(target.count) if target.count else 0
            return _number(bytes(out[:size]), entry + 8, 4, target.order) + rng.choice((0, 0, 1, 4))
        if which == 2:
            return size - chosen.base + rng.choice((0, -1, -2, -4, -8, -100, 1, 100))
        return edge(rng, 0, size - chosen.base)

    entry = chosen.at + 2 + 12 * rng.randrange(max(1, chosen.count))
    what = rng.randrange(14)
    if what < 2:
        write(entry, rng.choice(TAGS), 2)
    elif what == 2:
        write(entry + 2, rng.choice(_KINDS), 2)
    elif what < 5:
        write(entry + 4, edge(rng, _number(bytes(out), entry + 4, 4, chosen.order), size), 4)
    elif what < 9:
        write(entry + 8, somewhere(), 4)
    elif what == 9:
        write(chosen.at, rng.choice((0, 1, chosen.count + 1, chosen.count - 1, edge(rng))), 2)
    elif what == 10:
        write(chosen.at + 2 + 12 * chosen.count, somewhere(), 4)
    elif what == 11:  # one entry over another
        source = rng.choice(known)
        from_ = source.at + 2 + 12 * rng.randrange(max(1, source.count))
        out[entry : entry + 12] = out[from_ : from_ + 12]
    elif what == 12:  # a directory over some other place
        to = rng.randrange(size)
        whole = out[chosen.at : chosen.at + 2 + 12 * min(chosen.count, 20) + 4]
        out[to : to + len(whole)] = whole
    else:  # an entry that points to a picture, planted there
        new = rng.choice(SIGNATURES)
        to = rng.randrange(size)
        out[to : to + len(new)] = new
        tag = rng.choice(TAGS)
        write(entry, tag, 2)
        write(entry + 2, rng.choice((4, 4, 7, 13)), 2)
        write(entry + 4, rng.choice((1, 1, len(new))), 4)
        write(entry + 8, to - chosen.base, 4)
    del out[size:]


def flip_order(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """State the other byte order, another version, or another first directory."""
    parts, at, header = _block(rng, data)
    if at < 0:
        return data
    out = bytearray(parts[at].data)
    what = rng.randrange(3)
    if what == 0:
        out[header : header + 4] = b"MM\0*" if out[header : header + 2] == b"II" else b"II*\0"
    elif what == 1:
        out[header + 2 : header + 4] = rng.choice((b"+\0", b"\0+", b"U\0", b"*\0", b"\0*"))
    else:
        order = rng.choice(("big", "little"))
        out[header + 4 : header + 8] = edge(rng, 8, len(out)).to_bytes(4, order)  # type: ignore
    return replaced(parts, at, Piece(parts[at].code, bytes(out[: len(parts[at].data)])))


def splice_values(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a stretch of another file's block over a stretch of this one's."""
    parts, at, header = _block(rng, data)
    theirs, there, _ = _block(rng, other)
    if at < 0 or there < 0:
        return data
    out, source = bytearray(parts[at].data), theirs[there].data
    start = rng.randrange(len(source))
    piece = source[start : start + rng.choice((4, 12, 60, 500, 5000))]
    to = rng.randrange(header, max(header + 1, len(out)))
    out[to : to + len(piece)] = piece
    return replaced(parts, at, Piece(parts[at].code, bytes(out[: len(parts[at].data)])))


def make_index(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Give the file an MPF index whose entries say where things are, rightly or not."""
    parts = [part for part in pieces(data) if not part.data.startswith(b"MPF\0", 4)]
    count = rng.choice((1, 2, 2, 3, 300))
    length = 2 + 2 + 4 + 8 + 2 + 36 + 4 + 16 * count
    at = 1
    base = len(parts[0].whole) + 8
    eoi = sum(len(part.whole) for part in parts[:-1]) + 2 + length
    tail = len(parts[-1].data) - 2
    order = rng.choice("<>")
    out = b"MPF\0" + (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "IH", 8, 3)
    out += struct.pack(order + "HHI", 0xB000, 7, 4) + b"0100"
    out += struct.pack(order + "HHII", 0xB001, 4, 1, rng.choice((count, count, edge(rng))))
    out += struct.pack(order + "HHIII", 0xB002, 7, rng.choice((16 * count, edge(rng))), 50, 0)
    for number in range(count):
        size = eoi if not number else rng.choice((tail, tail, edge(rng, tail, tail)))
        offset = rng.choice((eoi - base, eoi - base, edge(rng, eoi - base, tail + eoi)))
        kind = rng.choice((0x030000, 0x010002, 0x020002, 0, edge(rng)))
        out += struct.pack(order + "IIIHH", kind, size & 0xFFFFFFFF, offset if number else 0,
                           rng.choice((0, 0, 1, 2, 65535)), 0)  # fmt: skip
    return replaced([*parts[:at], Piece(0, b""), *parts[at:]], at, segment(APP2, out))


TIFF = (edit_entry, edit_entry, edit_entry, edit_entry, flip_order, splice_values, make_index)
