"""The note of a partly revealed file: what was asked for, and how it is hidden again.

It lies in COM segments in front of the first scan. With it, whoever holds any part of a diff can
tell whether a file is the redacted one: with the fills put back, its SHA-256 is the diff's. It says
nothing that the redacted file and this one don't show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import InvalidDiffError
from ..limits import Limits
from .cbor import Budget, Value, decode, encode
from .document import Fields, Window, blocks_of, odd_of, windows_of

__all__ = ["Fill", "Revealed"]

_NOTE = b"jrdiff-revealed\0"
_TOLD = 8
"""Bytes of the redacted file's SHA-256 that tell whose note it is."""
_MOST = 65533
_HEAD = len(_NOTE) + _TOLD


class Fill(NamedTuple):
    """What a revealed group shows in the redacted file; fields as in `GroupRecord`."""

    group: int
    windows: tuple[Window, ...]
    shape: bytes
    blocks: tuple[bytes, ...]
    odd: tuple[tuple[int, int, bytes], ...]


class Revealed(NamedTuple):
    """What has been revealed in a file.

    Attributes
    ----------
    regions
        Indices of those that were asked for: some may show nothing yet, since other regions lie
        over them.
    fills
        Of the groups that are revealed, by their index.
    tables
        Symbols in each Huffman table of the redacted file.
    """

    regions: tuple[int, ...] = ()
    fills: tuple[Fill, ...] = ()
    tables: tuple[int, ...] = ()

    def payloads(self, redacted: bytes) -> list[bytes]:
        """Return the contents of the COM segments, in order; none where nothing is revealed.

        ``redacted`` is the redacted file's SHA-256.
        """
        if not self.regions:
            return []
        head = _NOTE + redacted[:_TOLD]
        content = encode(
            {
                "regions": list(self.regions),
                "tables": list(self.tables),
                "fills": [
                    {
                        "group": fill.group,
                        "windows": [list(window) for window in fill.windows],
                        "shape": fill.shape,
                        "blocks": list(fill.blocks),
                        "odd": [list(item) for item in fill.odd],
                    }
                    for fill in self.fills
                ],
            }
        )
        room = _MOST - _HEAD
        return [head + content[at : at + room] for at in range(0, len(content), room)]

    @classmethod
    def is_payload(cls, content: bytes, redacted: bytes) -> bool:
        """Whether a COM segment's content is part of a note of this redacted file."""
        return content.startswith(_NOTE + redacted[:_TOLD])

    @classmethod
    def from_payloads(cls, payloads: Sequence[bytes], limits: Limits) -> Revealed:
        """Parse a note, strictly.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        content = b"".join(payload[_HEAD:] for payload in payloads)
        fields = Fields(decode(content, 0, Budget(limits.max_items)), "note")
        regions = fields.numbers("regions")
        tables = fields.numbers("tables", 0, 257)
        items = fields.array("fills")
        fields.done()
        if not regions or list(regions) != sorted(set(regions)):
            raise fields.bad("regions")
        limits.check("max_regions", regions[-1], "regions")
        limits.check("max_groups", len(items), "groups")
        fills = tuple(_fill(item) for item in items)
        groups = [fill.group for fill in fills]
        if groups != sorted(set(groups)):
            raise fields.bad("fills")
        cells = sum(w.rows * w.columns for fill in fills for w in fill.windows)
        limits.check("max_cells", cells, "blocks in the windows of all groups")
        return cls(regions, fills, tables)


def _fill(item: Value) -> Fill:
    record = Fields(item, "fill")
    fill = Fill(
        record.number("group"),
        windows_of(record),
        record.take("shape", bytes),
        blocks_of(record),
        odd_of(record),
    )
    record.done()
    if fill.group < 0:
        raise InvalidDiffError("a fill of no group", code="diff.record")
    return fill
