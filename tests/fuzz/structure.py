"""Mutations that know what a JPEG is made of: segments, scans, tables, restart intervals.

Each is ``(generator, data, another input) -> damaged data``, and gives the data
back as they are where there is nothing for it to damage.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

DHT, SOS, DQT, DNL, DRI, DAC, EOI = 0xC4, 0xDA, 0xDB, 0xDC, 0xDD, 0xCC, 0xD9
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
OURS = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
LARGEST = 300_000
"""Mutations that repeat things stop at about this many bytes."""
_ALONE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_ENDS_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True)
class Piece:
    """A marker segment, and behind a scan header the coded data; the end of it all has no code."""

    code: int
    data: bytes
    """From the marker on, coded data left out."""
    coded: bytes = b""

    @property
    def whole(self) -> bytes:
        """All bytes."""
        return self.data + self.coded

    def with_byte(self, at: int, value: int) -> Piece:
        """Return the piece with another byte, or as it is where it has none there."""
        if not 0 <= at < len(self.data):
            return self
        return Piece(self.code, self.data[:at] + bytes([value & 255]) + self.data[at + 1 :],
                     self.coded)  # fmt: skip


def pieces(data: bytes) -> list[Piece]:
    """Take a JPEG apart, as far as it goes; the bytes of all pieces together are the file's."""
    found = [Piece(0, data[:2])]
    at = 2
    while (marker := _MARKER.search(data, at)) and data[marker.end() - 1] != EOI:
        start, code = marker.end() - 2, data[marker.end() - 1]
        if start > at:  # fill bytes, or something else between segments
            found.append(Piece(0, data[at:start]))
        if code in _ALONE or start + 4 > len(data):
            found.append(Piece(0, data[start : start + 2]))
            at = start + 2
            continue
        end = start + max(2, 2 + int.from_bytes(data[start + 2 : start + 4]))
        at = end
        if code == SOS and end <= len(data):
            stop = _ENDS_SCAN.search(data, end)
            at = stop.start() if stop else len(data)
        found.append(Piece(code, data[start:end], data[end:at]))
    return [*found, Piece(0, data[at:])]


def together(parts: Sequence[Piece]) -> bytes:
    """Return the file."""
    return b"".join(part.whole for part in parts)


def process_of(data: bytes) -> tuple[int, int]:
    """Return the frame header's marker and precision, or zeros."""
    for part in pieces(data):
        if part.code in FRAMES and len(part.data) > 4:
            return part.code, part.data[4]
    return 0, 0


def _places(parts: Sequence[Piece], *codes: int) -> list[int]:
    return [number for number, part in enumerate(parts) if part.code in codes]


def _pick(rng: random.Random, parts: Sequence[Piece], *codes: int) -> int:
    """Return the place of one of the pieces with these codes, or -1."""
    found = _places(parts, *codes)
    return rng.choice(found) if found else -1


def _segment(code: int, payload: bytes) -> Piece:
    return Piece(code, bytes([0xFF, code]) + (len(payload) + 2 & 65535).to_bytes(2) + payload)


def _changed(parts: Sequence[Piece], at: int, new: Piece) -> bytes:
    return together([*parts[:at], new, *parts[at + 1 :]])


# ---------------------------------------------------------------------------
# Headers
# ---------------------------------------------------------------------------


def swap_process(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say another coding process, another precision, or both."""
    parts = pieces(data)
    at = _pick(rng, parts, *FRAMES)
    if at < 0:
        return data
    part = parts[at]
    if rng.random() < 0.7:
        code = rng.choice((*OURS, *OURS, *sorted(FRAMES)))
        part = Piece(code, b"\xff" + bytes([code]) + part.data[2:])
    else:
        part = part.with_byte(4, rng.choice((8, 12, 12, 0, 2, 16)))
    return _changed(parts, at, part)


def edit_frame(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a size, a sampling factor, a component's name or table, or how many there are."""
    parts = pieces(data)
    at = _pick(rng, parts, *FRAMES)
    if at < 0 or len(parts[at].data) < 13:
        return data
    part = parts[at]
    what = rng.randrange(6)
    if what < 2:  # height or width, often next to what it was
        side = 5 + 2 * what
        old = int.from_bytes(part.data[side : side + 2])
        new = rng.choice((0, 1, 7, 8, 9, 4000, 20000, 65500, 65535, old + 1, old + 8, old - 8,
                          old // 2, 2 * old))  # fmt: skip
        size = (new & 65535).to_bytes(2)
        part = Piece(part.code, part.data[:side] + size + part.data[side + 2 :])
    elif what == 5:
        count = part.data[9]
        if rng.random() < 0.5 and count > 1:
            payload = part.data[4:9] + bytes([count - 1]) + part.data[10:-3]
        else:
            payload = part.data[4:9] + bytes([count + 1 & 255]) + part.data[10:]
            payload += rng.randbytes(1) + b"\x11\0"
        part = _segment(part.code, payload)
    else:
        which = 10 + 3 * rng.randrange((len(part.data) - 10) // 3)
        factors = rng.choice((0x11, 0x12, 0x21, 0x22, 0x31, 0x13, 0x41, 0x44, 0x14, 0x24, 0, 0x51))
        part = part.with_byte(*rng.choice((
            (which, rng.choice((part.data[10], rng.randrange(256)))),
            (which + 1, factors), (which + 1, factors), (which + 2, rng.randrange(5)),
        )))  # fmt: skip
    return _changed(parts, at, part)


def huge_and_full(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Claim a huge size, and have a lot of coded data in every scan to back it."""
    sizes = [rng.choice((512, 2000, 6000, 20000, 65535)) for _ in range(2)]
    if rng.random() < 0.6:
        sizes[rng.randrange(2)] = 0
    fill = rng.choice((b"", b"\0", b"\x55", b"\xaa", b"\xff\0", b"\x7f", rng.randbytes(3)))
    return claiming(data, *sizes, fill)


def claiming(data: bytes, width: int, height: int, fill: bytes, length: int = LARGEST) -> bytes:
    """Return a JPEG with another size (0: as it is), and about ``length`` bytes of coded data.

    What is in each scan is followed by ``fill`` over and over, or else by itself.
    """
    parts = pieces(data)
    frames, scans = _places(parts, *FRAMES), _places(parts, SOS)
    for at in frames:
        part = parts[at]
        for side, size in ((5, height), (7, width)):
            if size:
                new = part.data[:side] + size.to_bytes(2) + part.data[side + 2 :]
                part = Piece(part.code, new)
        parts[at] = part
    for at in scans:
        scan = parts[at]
        more = fill or scan.coded
        if more:
            times = max(length // len(scans) - len(scan.coded), 0) // len(more)
            parts[at] = Piece(SOS, scan.data, scan.coded + more * times)
    return together(parts)


def edit_scan_header(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a scan's band, its bits, its tables or its components."""
    parts = pieces(data)
    at = _pick(rng, parts, SOS)
    if at < 0 or len(parts[at].data) < 10:
        return data
    part = parts[at]
    end = len(part.data)
    first, last, bits = end - 3, end - 2, end - 1
    what = rng.randrange(8)
    if what == 0:
        part = part.with_byte(first, rng.choice((0, 1, 2, 5, 6, 63, 64, 255)))
    elif what == 1:
        part = part.with_byte(last, rng.choice((0, 1, 2, 5, 62, 63, 64, 255)))
    elif what < 4:
        high, low = rng.randrange(15), rng.randrange(15)
        part = part.with_byte(bits, rng.choice((0, 1, 2, 0x10, 0x21, 0x32, 0xD, 0xED, 0xF,
                                                high << 4 | low)))  # fmt: skip
    elif what == 4:  # tables
        which = 6 + 2 * rng.randrange(max(1, (end - 8) // 2))
        part = part.with_byte(which, rng.choice((0, 1, 0x10, 0x11, 0x22, 0x33, 0x40)))
    elif what == 5:  # components
        which = 5 + 2 * rng.randrange(max(1, (end - 8) // 2))
        part = part.with_byte(which, rng.choice((0, 1, 2, 3, 4, rng.randrange(256))))
    else:  # one component less, or one said twice
        names = [part.data[k : k + 2] for k in range(5, end - 3, 2)]
        names = names[:-1] if rng.random() < 0.5 else [*names, rng.choice(names or [b"\1\0"])]
        payload = bytes([len(names) & 255]) + b"".join(names) + part.data[end - 3 :]
        part = Piece(SOS, _segment(SOS, payload).data, part.coded)
    return _changed(parts, at, part)


def edit_huffman(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change a table's counts (so that they still add up, or not), its symbols or its slot."""
    parts = pieces(data)
    at = _pick(rng, parts, DHT)
    if at < 0 or len(parts[at].data) < 22:
        return data
    part = parts[at]
    out = bytearray(part.data)
    what = rng.randrange(6)
    if what < 2:  # move codes from one length to another
        give, take = rng.randrange(5, 21), rng.randrange(5, 21)
        count = min(out[give], rng.choice((1, 1, 2, 255)), 255 - out[take] if give != take else 0)
        out[give] -= count
        out[take] += count
    elif what == 2:
        out[rng.randrange(5, 21)] = rng.choice((0, 1, 2, 3, 16, 255))
    elif what == 3:
        out[4] = rng.choice((0, 1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x20, 4))
    elif what == 4:  # symbols
        for _ in range(rng.choice((1, 3, 20))):
            out[min(rng.randrange(21, 60), len(out) - 1)] = rng.randrange(256)
    else:  # all symbols of one kind
        value = rng.choice((0, 0xF0, 0xE0, 0x0F, 0xFF, 0x10, 1))
        start = rng.randrange(21, max(22, len(out)))
        out[start:] = bytes([value]) * (len(out) - start)
    return _changed(parts, at, Piece(DHT, bytes(out)))


def edit_restart_interval(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Define a restart interval anywhere, change one, or take it out."""
    parts = pieces(data)
    value = rng.choice((0, 1, 1, 2, 3, 7, 65535, rng.randrange(65536))).to_bytes(2)
    at = _pick(rng, parts, DRI)
    if at >= 0 and rng.random() < 0.6:
        new = [_segment(DRI, value)] if rng.random() < 0.7 else []
        return together([*parts[:at], *new, *parts[at + 1 :]])
    at = _pick(rng, parts, SOS)
    return together([*parts[:at], _segment(DRI, value), *parts[at:]]) if at >= 0 else data


def edit_height(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a DNL segment somewhere, with or without a zero in the frame header."""
    parts = pieces(data)
    at = _pick(rng, parts, *FRAMES)
    if at < 0:
        return data
    height = int.from_bytes(parts[at].data[5:7])
    if rng.random() < 0.7:
        parts[at] = Piece(parts[at].code, parts[at].data[:5] + b"\0\0" + parts[at].data[7:])
    value = rng.choice((height, height, height, 0, 1, height + 8, height - 1 & 65535, 65535))
    places = _places(parts, SOS) or [at]
    place = places[0] if rng.random() < 0.7 else rng.choice((at, *places))
    line = _segment(DNL, (value & 65535).to_bytes(2))
    return together([*parts[: place + 1], line, *parts[place + 1 :]])


def edit_conditioning(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Define arithmetic conditioning before a scan (T.81 B.2.4.3): right, odd or wrong."""
    parts = pieces(data)
    at = _pick(rng, parts, SOS, DAC)
    if at < 0:
        return data
    payload = bytearray()
    for _ in range(rng.choice((1, 1, 2, 5))):
        kind, slot = rng.choice((0, 0, 1, 1, 2)), rng.choice((0, 0, 1, 3, 7, 15))
        low, high = rng.randrange(16), rng.randrange(16)
        value = high << 4 | low if kind == 0 else rng.choice((1, 5, 63, 64, 0, 255))
        payload += bytes([kind << 4 | slot, value])
    if rng.random() < 0.1:
        payload += b"\0"
    drop = parts[at].code == DAC and rng.random() < 0.6
    return together([*parts[:at], _segment(DAC, bytes(payload)), *parts[at + drop :]])


def edit_quantiser(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change the steps, the slot or the precision of a quantisation table, or take it out."""
    parts = pieces(data)
    at = _pick(rng, parts, DQT)
    if at < 0 or len(parts[at].data) < 5:
        return data
    what = rng.randrange(4)
    if what == 0:
        return together([*parts[:at], *parts[at + 1 :]])
    if what == 1:
        return _changed(parts, at, parts[at].with_byte(4, rng.choice((0, 1, 3, 4, 0x10, 0x20))))
    if what == 2:
        steps = b"".join(rng.choice((1, 255, 65535, 0)).to_bytes(2) for _ in range(64))
        return _changed(parts, at, _segment(DQT, bytes([0x10 | parts[at].data[4] & 3]) + steps))
    place = rng.choice((5, 5, 6, 20, 68))
    return _changed(parts, at, parts[at].with_byte(place, rng.choice((0, 1, 255))))


# ---------------------------------------------------------------------------
# Scans
# ---------------------------------------------------------------------------


def edit_scans(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say a scan twice, take one out, or change their order."""
    parts = pieces(data)
    scans = _places(parts, SOS)
    if not scans:
        return data
    at, to = rng.choice(scans), rng.choice(scans)
    what = rng.randrange(3)
    if what == 0:
        return together([*parts[:to], parts[at], *parts[to:]])
    if what == 1:
        return together([*parts[:at], *parts[at + 1 :]])
    parts[at], parts[to] = parts[to], parts[at]
    return together(parts)


def many_scans(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say one scan hundreds or thousands of times; with little coded data, or all of it."""
    parts = pieces(data)
    at = _pick(rng, parts, SOS)
    if at < 0:
        return data
    scan = parts[at]
    if rng.random() < 0.6:
        scan = Piece(SOS, scan.data, scan.coded[: rng.choice((0, 1, 4, 40))])
    times = min(rng.choice((50, 300, 999, 1001, 5000)), LARGEST // len(scan.whole) + 1)
    return together([*parts[:at], *[scan] * times, *parts[at + 1 :]])


def many_segments(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Say one segment, not a scan, hundreds or thousands of times."""
    parts = pieces(data)
    at = _pick(rng, parts, DHT, DQT, DRI, DAC, 0xE0, 0xFE)
    if at < 0:
        return data
    times = min(rng.choice((50, 300, 5000, 25000)), LARGEST // len(parts[at].data) + 1)
    return together([*parts[:at], *[parts[at]] * times, *parts[at + 1 :]])


def splice_scan(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put another file's scan, or only its coded data, in place of one of this file's."""
    parts, theirs = pieces(data), pieces(other)
    at, there = _pick(rng, parts, SOS), _pick(rng, theirs, SOS)
    if at < 0 or there < 0:
        return data
    new = theirs[there]
    if rng.random() < 0.6:
        new = Piece(SOS, parts[at].data, new.coded)
    return _changed(parts, at, new)


def edit_restarts(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put restart markers in, take them out, say them twice, or number them otherwise."""
    parts = pieces(data)
    at = _pick(rng, parts, SOS)
    if at < 0:
        return data
    coded = parts[at].coded
    found = [match.start() for match in _RESTART.finditer(coded)]
    what = rng.randrange(5)
    if what == 0 or not found:
        place = rng.randrange(len(coded) + 1)
        coded = coded[:place] + bytes([0xFF, 0xD0 + rng.randrange(8)]) + coded[place:]
    else:
        place = rng.choice(found)
        end = place + 2
        if what == 1:
            coded = coded[:place] + coded[end:]
        elif what == 2:
            coded = coded[:end] + coded[place:]
        elif what == 3:
            coded = coded[: place + 1] + bytes([0xD0 + rng.randrange(8)]) + coded[end:]
        else:  # a whole interval less
            stop = min((f for f in found if f > place), default=len(coded))
            coded = coded[:place] + coded[stop:]
    return _changed(parts, at, Piece(SOS, parts[at].data, coded))


def edit_coded(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Damage the coded data of one scan."""
    parts = pieces(data)
    at = _pick(rng, parts, SOS)
    if at < 0 or not parts[at].coded:
        return data
    coded = bytearray(parts[at].coded)
    place = rng.randrange(len(coded))
    what = rng.randrange(7)
    if what < 3:
        for _ in range(rng.choice((1, 1, 3, 30))):
            coded[rng.randrange(len(coded))] ^= 1 << rng.randrange(8)
    elif what == 3:  # cut short, the rest of the file kept
        del coded[place:]
    elif what == 4:  # a stretch of one byte
        length = rng.choice((1, 4, 40, 4000))
        fill = rng.choice((b"\0", b"\xff\0", b"\xff", b"\x7f", b"\xaa"))
        coded[place : place + length] = fill * length
    elif what == 5:  # said again, or dropped
        length = rng.choice((1, 4, 40))
        coded[place:place] = coded[place : place + length] * rng.choice((1, 1, 20))
    else:
        del coded[place : place + rng.choice((1, 2, 20))]
    return _changed(parts, at, Piece(SOS, parts[at].data, bytes(coded)))


STRUCTURAL = (
    swap_process, edit_frame, edit_frame, huge_and_full, edit_scan_header, edit_scan_header,
    edit_huffman, edit_huffman, edit_restart_interval, edit_height, edit_conditioning,
    edit_quantiser, edit_scans, edit_scans, many_scans, many_segments, splice_scan, edit_restarts,
    edit_restarts, edit_coded, edit_coded, edit_coded, edit_coded,
)  # fmt: skip
