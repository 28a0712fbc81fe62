"""Where a MakerNote's directory is, and what its offsets count from.

Each maker does it in its own way, and programs that move a MakerNote without knowing that leave
its offsets wrong; so every way is scored by whether the values lie where values can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .makernote_tags import SIGNATURES, Signature, Vendor
from .pictures import is_text
from .tiff import MOST_OVERLAP, TYPE_SIZES, ByteOrder, Ifd, Span, byte_order, read_ifd

__all__ = ["Layout", "locate"]

_GOOD_ENOUGH = 0.8
"""The share of values that must lie within the MakerNote, or its offsets were misread."""

_PLAIN = tuple(Signature(b"", "", "unknown", skip, "tiff") for skip in range(0, 34, 2))
"""Where the directory of a maker that nobody knows may be: behind a name of some length."""

_FEW_ENTRIES = 3
"""What is found by trying must have as many entries as this, or it may be chance."""


class Layout(NamedTuple):
    """A directory and what its offsets count from.

    ``moved``: not as the maker does it, but as it has to be for the values to be where they are.
    """

    vendor: Vendor
    at: int
    base: int
    order: ByteOrder
    ifd: Ifd
    moved: bool = False


def locate(
    data: bytes, note: Span, within: Span, tiff: int, order: ByteOrder, make: str
) -> Layout | None:
    """Find the directory and what its offsets count from: as the maker does it, if that fits."""
    start = note[0]
    known = [
        signature
        for signature in SIGNATURES
        if data.startswith(signature.prefix, start) and make.startswith(signature.make)
    ][:1]
    if known and known[0].skip < 0:
        return None
    best: Layout | None = None
    most = 0.0
    for layout in (
        layout
        for signature in known or _PLAIN
        for layout in _layouts(data, note, within, tiff, order, signature)
        if known or len(layout.ifd.entries) >= _FEW_ENTRIES
    ):
        score = _score(data, layout, note)
        if score <= most:
            continue
        if layout.moved and most >= _GOOD_ENOUGH and not _fills(layout, note):
            continue
        best, most = layout, score
        if most == 1.0:
            break
    return best if most >= _GOOD_ENOUGH else None


def _layouts(
    data: bytes, note: Span, within: Span, tiff: int, order: ByteOrder, signature: Signature
) -> Iterator[Layout]:
    """Yield each way to read it; the maker's own comes first, so it wins where several fit."""
    start = note[0]
    at = start + signature.skip
    orders: list[ByteOrder] = [order, "big" if order == "little" else "little"]
    match signature.base:
        case "tiff":
            bases = [tiff, start]
        case "note":
            bases = [start, tiff]
        case distance:
            bases = [start + distance]
            if (own := byte_order(data[start + distance : start + distance + 2])) is not None:
                orders = [own]
                if signature.vendor == "Nikon":
                    at = bases[0] + int.from_bytes(data[bases[0] + 4 : bases[0] + 8], own)
    if signature.vendor == "Canon":
        bases = [*_canon_base(data, note, tiff), tiff]
    if signature.vendor == "Fujifilm":
        orders = ["little"]
        at = bases[0] + int.from_bytes(data[bases[0] + 8 : bases[0] + 12], "little")
    for mark in (data[at - 2 : at], data[at : at + 2]):
        # "II" or "MM" right in front of the directory, or in front of its count.
        if (own := byte_order(mark)) is not None:
            orders = [own]
            if mark == data[at : at + 2]:
                at += 2
            break
    for way in orders:
        if not _likely(data, at, note[1], way):
            continue
        for base in bases:
            ifd = read_ifd(data, (start, within[1]), at, base, way)
            if ifd is None or ifd.damaged:
                continue
            yield Layout(signature.vendor, at, base, way, ifd)
            # Moved by a program that did not know its offsets: the first value is then to be
            # right behind the directory.
            far = [entry.start for entry in ifd.entries if not entry.inline and entry.valid]
            for behind in (ifd.end, ifd.end - 4) if far else ():  # with a link, or none
                moved = base + behind - min(far)
                again = read_ifd(data, (start, within[1]), at, moved, way)
                if again is not None and moved != base:
                    yield Layout(signature.vendor, at, moved, way, again, True)


def _likely(data: bytes, at: int, end: int, order: ByteOrder) -> bool:
    """Whether a directory may begin here: a look at its count and its first type."""
    count = int.from_bytes(data[at : at + 2], order)
    kind = int.from_bytes(data[at + 4 : at + 6], order)
    return count > 0 and at + 2 + 12 * count <= end and kind in TYPE_SIZES


def _canon_base(data: bytes, note: Span, tiff: int) -> list[int]:
    """Return the base by the footer of a Canon MakerNote: a TIFF header, saying where it was."""
    footer = data[note[1] - 8 : note[1]]
    own = byte_order(footer[:2])
    if own is None or len(footer) < 8 or int.from_bytes(footer[2:4], own) != 42:
        return []
    base = note[0] - int.from_bytes(footer[4:], own)
    return [base] if base != tiff else []


def _score(data: bytes, layout: Layout, note: Span) -> float:
    """Return the share of values that are where values can be, and of texts that are text."""
    entries = layout.ifd.entries
    far = [entry for entry in entries if not entry.inline]
    if not all(entry.valid for entry in entries):
        return 0.0
    if not far:
        return 1.0
    if sum(entry.length for entry in far if entry.inside) > MOST_OVERLAP * (note[1] - note[0]):
        return 0.0
    placed = [
        entry.inside
        and note[0] <= entry.start
        and entry.end <= note[1]
        and not (entry.start < layout.ifd.end - 4 and layout.ifd.at < entry.end)
        for entry in far
    ]
    texts = [
        not value or value[-1] in b"\0 " or is_text(value)
        for value in (
            data[entry.start : entry.end] for entry in far if entry.inside and entry.kind == 2
        )
    ]
    good = sum(placed) + sum(texts)
    share = good / (len(placed) + len(texts))
    # One may point elsewhere: a preview at the end of the file, a dump that was left behind.
    return max(share, _GOOD_ENOUGH if sum(placed) == len(placed) - 1 >= 3 and all(texts) else 0)


def _fills(layout: Layout, note: Span) -> bool:
    """Whether the last value ends where the MakerNote does."""
    ends = [entry.end for entry in layout.ifd.entries if not entry.inline]
    return bool(ends) and 0 <= note[1] - max(ends) <= 3
