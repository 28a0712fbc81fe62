"""What lies around a group, by which a file that was turned or compressed anew is told.

Fills alone don't tell: a flat one is the same upside down, and when it is compressed anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from ..codec import core
from ..diff import GroupRecord
from .fingerprints import fingerprint
from .picture import Member, Picture

__all__ = ["around", "fits"]


def around(picture: Picture, groups: int) -> list[tuple[bytes, tuple[int, ...]]]:
    """Return ``around`` and ``lacking`` of each group's `GroupRecord`."""
    return [
        (fingerprint(values), tuple(number for number, each in enumerate(lacking) if each))
        for values, lacking in _beside(picture, groups)
    ]


def fits(picture: Picture, records: Sequence[GroupRecord]) -> bool:
    """Whether a picture whose plan has these groups, in this order, shows them all around."""
    for record, (values, lacking) in zip(records, _beside(picture, len(records)), strict=True):
        for number in record.lacking:
            if number >= len(lacking):
                return False
            values[2 * number : 2 * number + 2] = bytes(2)
            lacking[number] = 0
        if any(lacking) or fingerprint(values) != record.around:
            return False
    return True


def _beside(picture: Picture, groups: int) -> Iterator[tuple[bytearray, bytearray]]:
    """Yield for each group the DC values beside it, two bytes each, and which are lacking."""
    found = [_of_member(member, picture, groups) for member in picture.members]
    for group in range(groups):
        values, lacking = bytearray(), bytearray()
        for all_values, all_lacking, ends in found:
            start, end = ends[group - 1] if group else 0, ends[group]
            values += all_values[2 * start : 2 * end]
            lacking += all_lacking[start:end]
        yield values, lacking


def _of_member(
    member: Member, picture: Picture, groups: int
) -> tuple[bytearray, bytearray, array[int]]:
    boxes = array("q", [0]) * (4 * groups)
    for group, box in member.cover.boxes.items():
        boxes[4 * group : 4 * group + 4] = array("q", box)
    ends = array("q", [0]) * groups
    dc, touched = picture.dc(member), picture.touched(member)
    values = lacking = bytearray()
    count = 2 * len(boxes)  # more than there are, but for wide ones: then once more
    for _ in range(2):
        values, lacking = bytearray(2 * count), bytearray(count)
        needed = core.grid.beside(
            member.cover.cells, member.cover.window, member.unit,
            (member.grid.rows, member.grid.columns), member.ranges, boxes, dc, touched,
            values, lacking, ends,
        )  # fmt: skip
        if needed <= count:
            break
        count = needed
    return values, lacking, ends
