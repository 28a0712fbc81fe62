"""How much of anything this package takes on before it says no."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import LimitExceededError

__all__ = ["DEFAULT_LIMITS", "Limits", "checked"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds, checked before memory or time is spent.

    Attributes
    ----------
    max_bytes
        Size of a JPEG or a diff.
    max_pixels
        Width times height.
    max_segments
        Marker segments in a file, restart markers not counted.
    max_scans
        Scans in a file.
    max_restarts
        Restart markers in a scan.
    max_tables
        Huffman tables, however often the same one is defined.
    max_visits
        Blocks of all scans together: what walking through a picture costs.
    max_density
        Blocks of all scans together for each byte of the file, the first 2^20 not counted:
        progressive and arithmetic scans can code blocks in next to no bits. Arithmetic-coded
        ones count four times.
    max_blocks
        Blocks in all regions of a progressive or arithmetic-coded picture, each of which
        takes some 900 bytes of memory.
    max_regions
        Regions in one call, or in a diff.
    max_groups
        Sets of blocks under exactly the same regions; above it they are merged,
        and the report says so. In a diff, more is an error.
    max_points
        Corners of a polygon.
    max_cells
        Blocks in the windows of all groups together: what a diff's shapes cost to read.
    max_items
        Values (numbers, strings, lists, ...) in a diff.
    max_owners
        Keys that a diff is sealed to, a passphrase included.
    max_identities
        Identities tried on a sealed diff.
    """

    max_bytes: int = 1 << 30
    max_pixels: int = 400_000_000
    max_segments: int = 20_000
    max_scans: int = 1_000
    max_restarts: int = 1 << 23
    max_tables: int = 10_000
    max_visits: int = 1 << 27
    max_density: int = 1 << 8
    max_blocks: int = 1 << 21
    max_regions: int = 10_000
    max_groups: int = 2_048
    max_points: int = 2_000
    max_cells: int = 1 << 28
    max_items: int = 1 << 22
    max_owners: int = 64
    max_identities: int = 256

    def check(self, name: str, value: int, what: str, offset: int | None = None) -> None:
        """Raise `LimitExceededError` if ``value`` is above the limit ``name``."""
        limit: int = getattr(self, name)
        if value > limit:
            raise LimitExceededError(
                f"{value} {what}, the limit is {limit}",
                code=f"limit.{name.removeprefix('max_')}",
                offset=offset,
                hint=f"raise it with Limits({name}=...) if you trust the input",
            )


DEFAULT_LIMITS = Limits()


def checked(limits: Limits | None) -> Limits:
    """Return limits, those by default for None.

    Raises
    ------
    TypeError
        It is something else.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits are Limits(...) or None, not {type(limits).__name__}")
    return DEFAULT_LIMITS if limits is None else limits
