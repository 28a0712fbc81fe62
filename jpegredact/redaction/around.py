"""What lies around a group: DC values by which a file that was turned is told from the diff's own.

Fills alone don't tell: a flat one is the same upside down.
"""

from __future__ import annotations

from collections.abc import Sequence

from .picture import Picture

__all__ = ["around", "fits"]


def around(picture: Picture, groups: int, outside: bool = False) -> list[tuple[int | None, ...]]:
    """Return for each group the DC values of eight blocks beside its window.

    In its first component: above, beside and below the window, at both ends and in the middle, row
    by row. None stands for one that the picture lacks, that was not recorded, or, if only those
    ``outside`` are wanted, that is another group's.
    """
    known = [(member, picture.dc(member), picture.touched(member)) for member in picture.members]
    found: list[tuple[int | None, ...]] = []
    for group in range(groups):
        member, dc, touched = next(each for each in known if group in each[0].cover.boxes)
        row, column, rows, columns = member.cover.boxes[group]
        values: list[int | None] = []
        for y, beside in ((row - 1, False), (row + rows // 2, True), (row + rows, False)):
            for x in (column - 1, column + columns // 2, column + columns):
                if beside and x == column + columns // 2:
                    continue
                inside = 0 <= y < member.grid.rows and 0 <= x < member.grid.columns
                slot = member.slot(y, x) if inside else None
                if slot is None or touched[slot] == 2 or (outside and touched[slot]):
                    values.append(None)
                else:
                    values.append(dc[slot])
        found.append(tuple(values))
    return found


def fits(recorded: Sequence[int | None], seen: Sequence[int | None]) -> bool:
    """Whether at least half of the values that both know are the same.

    Not all: some may belong to what others have revealed.
    """
    pairs = [
        (a, b) for a, b in zip(recorded, seen, strict=True) if a is not None and b is not None
    ]
    return 2 * sum(a == b for a, b in pairs) >= len(pairs)
