"""Parts of a diff: which records open some regions and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Set

from ..errors import InvalidRegionError
from .document import Document, GroupRecord

__all__ = [
    "held_groups", "held_regions", "part_of", "regions_named", "rest_of", "with_records",
]  # fmt: skip


def held_groups(document: Document) -> dict[int, GroupRecord]:
    """Return the groups that a diff, or a part of one, has, by their index."""
    return {number: group for number, group in enumerate(document.groups) if group is not None}


def held_regions(document: Document) -> frozenset[int]:
    """Return the indices of the regions that a diff, or a part of one, has."""
    return frozenset(
        number for number, region in enumerate(document.regions) if region is not None
    )


def regions_named(document: Document, regions: Iterable[int]) -> frozenset[int]:
    """Return regions as indices that the diff has.

    Raises
    ------
    InvalidRegionError
    """
    held = held_regions(document)
    named = set()
    for region in regions:
        try:
            number = region.__index__()
        except (AttributeError, TypeError):
            raise InvalidRegionError(
                f"{region!r} is no index of a region", code="region.index"
            ) from None
        if number not in held:
            has = ", ".join(map(str, sorted(held))) or "none"
            raise InvalidRegionError(
                f"the diff has no region {number}", code="region.index", hint=f"it has {has}"
            )
        named.add(number)
    return frozenset(named)


def part_of(document: Document, regions: frozenset[int]) -> frozenset[int]:
    """Return the indices of the records that bring these regions back, and no others.

    What lies under another region too is not among them. The file record, which tells
    what the original was, goes with all regions only.
    """
    count = len(document.groups)
    found = {
        number
        for number, group in held_groups(document).items()
        if regions.issuperset(group.regions)
    }
    found |= {count + number for number in regions}
    if document.is_whole and len(regions) == len(document.regions):
        found.add(count + len(document.regions))
    return frozenset(found)


def rest_of(document: Document, regions: frozenset[int]) -> frozenset[int]:
    """Return the indices of the records that are left when nothing of these regions may come back.

    The file record is not among them: it holds bytes of the original.
    """
    count = len(document.groups)
    found = {
        number
        for number, group in held_groups(document).items()
        if regions.isdisjoint(group.regions)
    }
    return frozenset(found | {count + n for n in held_regions(document) - regions})


def with_records(document: Document, indices: Set[int]) -> Document:
    """Return a plain diff with these records alone."""
    count = len(document.groups)
    return Document(
        document.public,
        tuple(group if n in indices else None for n, group in enumerate(document.groups)),
        tuple(
            region if count + n in indices else None for n, region in enumerate(document.regions)
        ),
        document.file if count + len(document.regions) in indices else None,
    )
