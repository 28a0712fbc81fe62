"""Groups in the diff's compact code: packed and unpacked in portions, by two threads."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ..background import Later
from ..codec.compact import PORTION
from .picture import Edits, Picture, Piece, Portion, Residue

__all__ = ["Batch", "Packed", "batches", "by_group", "pack", "pack_fill", "put_back"]

Batch: TypeAlias = "list[tuple[int, Portion]]"
"""Portions that one thread works on in one go, and whose they are."""


class Packed(NamedTuple):
    """A portion in the compact code, and what came back from there."""

    group: int
    data: bytes
    odd: Residue
    piece: Piece


def batches(picture: Picture, real: bool = False) -> list[Batch]:
    """Return all portions in order, small ones together; with ``real``, without padding blocks."""
    found: list[Batch] = []
    room = 0
    for group in range(len(picture.plan.groups)):
        for portion in picture.portions(group, real):
            if room <= 0:
                found.append([])
                room = PORTION
            found[-1].append((group, portion))
            room -= sum(len(part.blocks) for part in portion)
    return found


def pack(original: Picture, batch: Batch) -> list[Packed]:
    """Pack portions, and unpack them again: while they are in the cache."""
    found = []
    for group, portion in batch:
        data, odd = original.pack_portion(portion)
        found.append(Packed(group, data, odd, original.unpack_portion(portion, data)))
    return found


def pack_fill(shown: Picture, batch: Batch) -> list[tuple[int, bytes]]:
    """Pack the fill of portions."""
    return [(group, shown.pack_portion(portion)[0]) for group, portion in batch]


def put_back(
    edits: Edits, work: list[Later[list[Packed]]], count: int
) -> list[tuple[list[bytes], Residue]]:
    """Set all groups to what came back from the compact code; return what is to be stored.

    From the last ones on, while others are packed.
    """
    found: list[tuple[list[bytes], Residue]] = [([], []) for _ in range(count)]
    for later in reversed(work):
        for packed in later.result():
            odd = {number: (bits, data) for number, bits, data in packed.odd}
            edits.put_piece(packed.piece, odd)
    for later in work:
        for packed in later.result():
            found[packed.group][0].append(packed.data)
            found[packed.group][1].extend(packed.odd)
    return found


def by_group(work: list[Later[list[tuple[int, bytes]]]], count: int) -> list[list[bytes]]:
    """Return each group's portions; those that nobody has begun come first, from the other end."""
    for later in reversed(work):
        later.result()
    found: list[list[bytes]] = [[] for _ in range(count)]
    for later in work:
        for group, data in later.result():
            found[group].append(data)
    return found
