"""Files as real cameras and odd encoders write them: each function gives one a quirk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import helpers, huffreader
from .huffreader import Picture, Style, segments

ONES = b"\xff"


def base(restart: int = 3, seed: int = 9, width: int = 72, height: int = 56) -> bytes:
    """Return a 4:2:0 picture with hidden padding blocks and standard tables."""
    options = {"restart_marker_blocks": restart} if restart else {}
    return helpers.by_pillow(width, height, seed, quality=88, subsampling=2, **options)


def zero_padding(jpeg: bytes) -> bytes:
    """Pad intervals with zeros, as some cameras do."""
    return huffreader.write(huffreader.read(jpeg), Style(padding=lambda number, count: 0))


def mixed_padding(jpeg: bytes) -> bytes:
    """Pad intervals with bits of both kinds."""
    random = np.random.default_rng(4)
    return huffreader.write(
        huffreader.read(jpeg),
        Style(padding=lambda number, count: int(random.integers(0, 1 << count))),
    )


def zrl_before_eob(jpeg: bytes) -> bytes:
    """Write a needless ZRL before every EOB."""
    return huffreader.write(huffreader.read(jpeg), Style(zrl=lambda block: True))


def trailing_restart(jpeg: bytes) -> bytes:
    """Put a restart marker behind the last MCU."""
    picture = huffreader.read(jpeg, decode=False)
    number = len(picture.scans[-1].intervals) - 1
    end = picture.scans[-1].intervals[-1].end
    return jpeg[:end] + bytes([0xFF, 0xD0 + number % 8]) + jpeg[end:]


def behind_eoi(jpeg: bytes) -> bytes:
    """Leave card slack of another picture behind EOI."""
    return jpeg + b"\0" * 7 + helpers.by_pillow(40, 40, 77)[100:900]


def fill_before_markers(jpeg: bytes) -> bytes:
    """Put fill bytes before every marker that ends an interval."""
    return huffreader.write(
        huffreader.read(jpeg), Style(behind=lambda number: ONES * (1 + number % 3))
    )


def fill_before_stuffing(jpeg: bytes) -> bytes:
    """Put fill bytes before the stuffed bytes of the scan."""
    picture = huffreader.read(jpeg)
    out, at = [], 0
    for scan in picture.scans:
        out.append(jpeg[at : scan.start])
        out.append(jpeg[scan.start : scan.end].replace(b"\xff\x00", b"\xff\xff\xff\x00"))
        at = scan.end
    return b"".join([*out, jpeg[at:]])


def byte_aligned_ending(jpeg: bytes) -> bytes:
    """Leave whole bytes behind the last block of an interval."""
    return huffreader.write(
        huffreader.read(jpeg),
        Style(behind=lambda number: (b"\xff\x00", b"\x5a\x00\xff\x00", b"")[number % 3]),
    )


def fill_between_segments(jpeg: bytes) -> bytes:
    """Put fill bytes before every marker of the header."""
    out, at = [], 2
    for _, start, end in segments(jpeg)[0]:
        out += [jpeg[at:start], ONES * 3, jpeg[start:end]]
        at = end
    return jpeg[:2] + b"".join(out) + jpeg[at:]


def without_tables(jpeg: bytes) -> bytes:
    """Leave the Huffman tables out, as Motion JPEG does."""
    for code, start, end in reversed(segments(jpeg)[0]):
        if code == 0xC4:
            jpeg = jpeg[:start] + jpeg[end:]
    return jpeg


def without_eoi(jpeg: bytes) -> bytes:
    """Cut off the EOI marker."""
    return jpeg[: segments(jpeg)[1]]


class LastCodes(huffreader.Table):
    """A table that an odd encoder reads backwards: of two codes it takes the last one."""

    @property
    def codes(self) -> dict[int, tuple[int, int]]:
        """Symbol -> (code, length)."""
        return {
            symbol: (code, length)
            for code, length, symbol in huffreader.all_codes(self.counts, self.symbols)
        }


def with_table(
    jpeg: bytes, slot: int, counts: bytes, symbols: bytes, kind: type = huffreader.Table
) -> bytes:
    """Replace a Huffman table's definition, and code the scans anew with it."""
    picture = huffreader.read(jpeg)
    table = next(t for t in picture.tables if t.slot == slot)
    segment = next(s for s in picture.segments if s[1] < table.offset < s[2])
    old = bytes([slot]) + table.counts + table.symbols
    new = bytes([slot]) + counts + symbols
    length = segment[2] - segment[1] - 2 + len(new) - len(old)
    coded = _recoded(picture, kind(slot, counts, symbols, -1))
    head = coded[: segment[1] + 2] + length.to_bytes(2) + coded[segment[1] + 4 : table.offset]
    return head + new + coded[table.offset + len(old) :]


def _recoded(picture: Picture, new: huffreader.Table) -> bytes:
    scans = tuple(
        replace(
            scan,
            parts=tuple(
                replace(
                    part,
                    dc=new if part.dc.slot == new.slot else part.dc,
                    ac=new if part.ac.slot == new.slot else part.ac,
                )
                for part in scan.parts
            ),
        )
        for scan in picture.scans
    )
    return huffreader.write(replace(picture, scans=scans), Style())


def duplicated_symbols(jpeg: bytes) -> bytes:
    """Give 60 symbols of the first AC table a second code, and use that one."""
    table = next(t for t in huffreader.read(jpeg).tables if t.slot == 0x10)
    symbols = table.symbols + table.symbols[:60]
    counts = bytes([0] * 7 + [120, 100, len(symbols) - 220] + [0] * 6)
    return with_table(jpeg, 0x10, counts, symbols, LastCodes)


def two_definitions(jpeg_by_scans: bytes) -> bytes:
    """Define the Huffman tables again, in another order of codes, before the second scan."""
    picture = huffreader.read(jpeg_by_scans)
    second = [s for s in picture.segments if s[0] == 0xDA][1]
    tables = {part.dc.slot: part.dc for part in picture.scans[1].parts}
    extra = b""
    for table in tables.values():
        extra += bytes([table.slot]) + table.counts + table.symbols
    segment = b"\xff\xc4" + (len(extra) + 2).to_bytes(2) + extra
    return jpeg_by_scans[: second[1]] + segment + jpeg_by_scans[second[1] :]


SIMPLE = (
    zero_padding, mixed_padding, zrl_before_eob, trailing_restart, behind_eoi,
    fill_before_markers, fill_before_stuffing, byte_aligned_ending, fill_between_segments,
    without_tables, without_eoi, duplicated_symbols,
)  # fmt: skip
"""Quirks that any picture with the standard tables can be given."""
