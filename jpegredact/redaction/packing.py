"""Groups in the diff's compact code: packed and unpacked in portions, by two threads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias, TypeVar

from ..background import Later
from ..codec.compact import PORTION
from .picture import Edits, Picture, Piece, Portion, Residue

__all__ = ["Batch", "Packed", "all_results", "batches", "by_group", "pack", "pack_fill", "put_back"]

T = TypeVar("T")

Batch: TypeAlias = "list[tuple[int, Portion]]"
"""Portions that one thread works on in one go, and whose they are."""


class Packed(NamedTuple):
    """A portion in the compact code."""

    group: int
    portion: Portion
    data: bytes
    odd: Residue
    piece: Piece | None
    """What it unpacks to; None where that is known to be the very blocks that were packed."""


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
        data, odd, proven = original.prove_portion(portion)
        piece = None if proven else original.unpack_portion(portion, data)
        found.append(Packed(group, portion, data, odd, piece))
    return found


def pack_fill(shown: Picture, batch: Batch) -> list[tuple[int, bytes]]:
    """Pack the fill of portions."""
    return [(group, shown.pack_portion(portion)[0]) for group, portion in batch]


def all_results(work: list[Later[list[T]]]) -> list[T]:
    """Return the results of all work in order; what nobody has begun is done from the other end."""
    for later in reversed(work):
        later.result()
    return [each for later in work for each in later.result()]


def by_group(found: Iterable[tuple[int, T]], count: int) -> list[tuple[T, ...]]:
    """Return what belongs to each group."""
    groups: list[list[T]] = [[] for _ in range(count)]
    for group, each in found:
        groups[group].append(each)
    return [tuple(each) for each in groups]


def put_back(edits: Edits, original: Picture, packed: Iterable[Packed]) -> None:
    """Set all groups to what the compact code says."""
    for each in packed:
        odd = {number: (bits, data) for number, bits, data in each.odd}
        edits.put_piece(each.piece or original.unpack_portion(each.portion, each.data), odd)
