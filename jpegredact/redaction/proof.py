"""Guarantee G3: how the redacted file, all groups revealed, becomes the original.

Knows what the rewrite noted; reads no file again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..background import Later
from ..codec.scan import MissingCategory
from ..diff import GroupRecord, Patch, Stretch
from ..errors import InvalidJpegError, UnsupportedJpegError, VerificationError
from .packing import Packed, put_back
from .picture import Edits, FileEdit, Picture, Raw, Tables, assemble, chunks

__all__ = ["Rewritten", "find_patches", "irreversible", "rewritten"]


class Rewritten(NamedTuple):
    """The redacted file, and how it came from the original."""

    changes: list[FileEdit]
    data: bytes


def rewritten(data: bytes, coded: list[FileEdit], others: Sequence[FileEdit]) -> Rewritten:
    """Return the file with the changes of its scans and tables, and with ``others`` made."""
    changes = sorted([*coded, *others], key=_place) if others else coded
    return Rewritten(changes, assemble(data, changes))


def find_patches(
    original: Picture,
    shown: Picture,
    packed: Sequence[Packed],
    records: Sequence[GroupRecord],
    tables: Tables,
    others: Sequence[FileEdit],
    redacted: Later[Rewritten],
) -> tuple[tuple[Patch, ...], tuple[Stretch, ...]]:
    """Reveal all groups, as they are ``packed``, and return what still differs from the original.

    Where every block was proven to come back, and there is but one way to code it, nothing in
    the scans differs. Else they are written again. The scan positions are those that the rewrite
    itself noted, so no second pass over the file is needed; that a reader finds the same ones
    follows from the codes being prefix codes, and the tests restore by reading.
    """
    tidy = not original.strays()
    other: Picture | None = None  # with all revealed, if its scans are not the original's
    stretches: tuple[Stretch, ...] = ()
    if not (tidy and all(each.piece is None for each in packed) and original.says_itself()):
        revealed, stretches = _revealed(original, shown, packed, records)
        if not (tidy and original.same_intervals(revealed)):
            other = revealed
    retabled = any(tables.get(t.order, t) != t for t in original.jpeg.tables)
    if other is None and not others and not retabled:
        return (), stretches  # every bit is the original's
    data = original.data
    # The fully revealed file is the redacted one but for the touched intervals.
    if other is None:
        scans = [(scan.start, scan.end) for scan in original.jpeg.scans]
        whole = [
            change
            for change in redacted.result().changes
            if not any(start <= change[0] and change[1] <= end for start, end in scans)
        ]
    else:
        pieces = {change[:2]: change[2] for change in other.changes({})}
        whole = [
            (start, end, pieces.get((start, end), new))
            for start, end, new in redacted.result().changes
        ]
    patches: list[Patch] = []
    position = at = 0  # how far in the revealed file, and in the original
    for start, end, new in whole:
        position += start - at
        patches.extend(_difference(position, bytes(new), data[start:end]))
        position += len(new)
        at = end
    if not _bring_back(patches, data, whole):
        raise irreversible()
    return tuple(patches), stretches


def _bring_back(patches: Sequence[Patch], data: bytes, whole: Sequence[FileEdit]) -> bool:
    """Whether patches make ``data`` with the changes ``whole`` into ``data``; copies nothing."""
    rest = iter(patches)
    patch = next(rest, None)
    position = done = 0  # how far in the revealed file, and in the original
    for each in chunks(data, whole):
        piece = memoryview(each)
        at = 0  # how far in the piece
        while patch is not None and patch[0] + patch[1] <= position + len(piece):
            start = patch[0] - position
            if start < at:
                return False
            for part in (piece[at:start], patch[2]):
                if not data.startswith(part, done):
                    return False
                done += len(part)
            at = start + patch[1]
            patch = next(rest, None)
        if not data.startswith(piece[at:], done):
            return False
        done += len(piece) - at
        position += len(piece)
    return patch is None and done == len(data)


def _revealed(
    original: Picture, shown: Picture, packed: Sequence[Packed], records: Sequence[GroupRecord]
) -> tuple[Picture, tuple[Stretch, ...]]:
    """Return the picture with all groups revealed, and its own stretches: see `_reveal`."""
    edits = shown.edits()
    put_back(edits, original, packed)
    try:
        revealed, raw = _reveal(original, shown, edits)
    except InvalidJpegError as error:
        if error.code == "jpeg.torn":
            raise
        raise VerificationError(  # it is not the input that is bad
            f"this fill can't be coded: {error.message}", code="redact.unsayable"
        ) from error
    if original.jpeg.frame.progressive and any(
        revealed.pack(group) != record.blocks for group, record in enumerate(records)
    ):
        raise _said_twice(original)
    return revealed, tuple(
        (scan, number, bits, data)
        for scan, found in sorted(raw.items())
        for number, (bits, data) in sorted(found.items())
    )


def _reveal(
    original: Picture, shown: Picture, edits: Edits
) -> tuple[Picture, dict[int, Raw]]:
    """Rewrite with the original's blocks, and its own stretches where they are not canonical."""
    raw: dict[int, Raw] = {}
    try:
        revealed = shown.rewrite(edits, {})
    except MissingCategory as lack:
        # The original never needed the codes that the canonical form takes.
        raw = original.residue(None, (table.order for table in lack.categories))
        try:
            revealed = shown.rewrite(edits, {}, raw)
        except MissingCategory as still:
            raise _said_twice(original) from still  # what the last scan said fits no other one
    raw |= original.residue(revealed, ())
    return (shown.rewrite(edits, {}, raw) if raw else revealed), raw


def _said_twice(original: Picture) -> UnsupportedJpegError:
    return UnsupportedJpegError(
        "the scans say some coefficients twice, and not the same; readers differ",
        code="jpeg.progression",
        offset=original.jpeg.frame.offset,
    )


def irreversible() -> VerificationError:
    """Return the error for a diff that would not bring the original back."""
    return VerificationError(
        "the diff would not bring the original back",
        code="redact.not-reversible",
        hint="please report this file as a bug",
    )


def _place(change: FileEdit) -> tuple[int, int]:
    return change[:2]


def _difference(position: int, new: bytes, old: bytes) -> list[Patch]:
    """Return the patch that makes ``new`` at ``position`` into ``old``: one from first to last."""
    if new == old:
        return []
    head = _common(new, old)
    limit = min(len(new), len(old)) - head
    tail = _common(new[::-1], old[::-1], limit) if limit else 0
    return [(position + head, len(new) - head - tail, old[head : len(old) - tail])]


def _common(a: bytes, b: bytes, limit: int | None = None) -> int:
    """Return how many first bytes are the same, at most ``limit``."""
    low, high = 0, min(len(a), len(b)) if limit is None else limit
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
