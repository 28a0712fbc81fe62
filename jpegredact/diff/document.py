"""`Document` <-> bytes: the parts of an unblur-diff (docs/design/diff-format.md).

Knows the format; knows no codec, no picture, no file.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from ..errors import InvalidDiffError
from ..limits import DEFAULT_LIMITS, Limits
from .cbor import MAGIC, Budget, Value, decode, encode

__all__ = [
    "VERSION",
    "Document",
    "FileRecord",
    "GroupRecord",
    "Patch",
    "RegionRecord",
    "Stretch",
    "Window",
]

VERSION = 1
_CHECK = 8
_SIDE = 1 << 14  # no picture of 65,535 pixels has more blocks a side, padding included


class Window(NamedTuple):
    """Where the blocks of a group lie in one component: the least rectangle around them."""

    component: int
    row: int
    column: int
    rows: int
    columns: int


class GroupRecord(NamedTuple):
    """The original blocks under exactly the same regions, ready to be handed on alone.

    Attributes
    ----------
    regions
        Indices of those regions.
    windows, shape
        Which blocks: a window a component, and in the compact code which of its cells.
    blocks
        Their quantised coefficients with absolute DC values, in the compact code,
        some thousand blocks at a time: by component, then in raster order.
    odd
        Coding residue: ``(number of the block, bits, bytes)`` for blocks that the
        original encoder coded otherwise than T.81's procedure does.
    tables
        Symbols in each Huffman table of the redacted file, in the order of the file.
    """

    regions: tuple[int, ...]
    windows: tuple[Window, ...]
    shape: bytes
    blocks: tuple[bytes, ...]
    odd: tuple[tuple[int, int, bytes], ...]
    tables: tuple[int, ...]


class RegionRecord(NamedTuple):
    """What a region was: its kind ("box", "polygon", "mask"), box and marks."""

    kind: str
    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...] = ()
    label: str | None = None
    score: float | None = None
    id: str | None = None


Patch = tuple[int, int, bytes]
"""Offset, length, and the bytes that stand there instead."""

Stretch = tuple[int, int, int, bytes]
"""Number of the scan, number of the stretch in it, bits, and the bytes of them."""


class FileRecord(NamedTuple):
    """What belongs to the file as a whole: how the fully revealed file becomes the original.

    ``patches`` replace bytes of the fully revealed file: padding bits, tables,
    and whatever else coding anew does not give back. Before that, ``stretches`` of
    progressive AC scans that the original encoder coded in its own way take the place
    of the canonical ones.
    """

    length: int
    sha256: bytes
    patches: tuple[Patch, ...]
    stretches: tuple[Stretch, ...] = ()

    @property
    def raw_bytes(self) -> int:
        """How many bytes of the original it holds."""
        return sum(len(p[2]) for p in self.patches) + sum(len(s[3]) for s in self.stretches)


class Document(NamedTuple):
    """An unblur-diff, taken apart."""

    outside: bytes
    """SHA-256 of all that no region touches, in canonical form."""
    size: tuple[int, int]
    """Width and height of the picture."""
    fills: tuple[bytes, ...]
    """For each group, SHA-256 of its fill in the compact code."""
    groups: tuple[GroupRecord, ...]
    regions: tuple[RegionRecord, ...]
    file: FileRecord

    def to_bytes(self) -> bytes:
        """Return the plain diff: the same parts give the same bytes."""
        records = [
            *(_group_value(group) for group in self.groups),
            *(_region_value(region) for region in self.regions),
            {
                "kind": "file",
                "length": self.file.length,
                "sha256": self.file.sha256,
                "patches": [list(patch) for patch in self.file.patches],
                "stretches": [list(stretch) for stretch in self.file.stretches],
            },
        ]
        return MAGIC + encode(
            {
                "format": "jrdiff",
                "version": VERSION,
                "outside": self.outside,
                "size": list(self.size),
                "fills": list(self.fills),
                "records": [_with_check(encode(record)) for record in records],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
        """Parse a plain diff, strictly.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        limits.check("max_bytes", len(data), "bytes")
        if not data.startswith(MAGIC):
            raise InvalidDiffError(
                "this is no unblur-diff: its magic is missing", code="diff.magic", offset=0
            )
        budget = Budget(limits.max_items)
        public = _Fields(decode(data, len(MAGIC), budget), "diff")
        if public.text("format") != "jrdiff":
            raise InvalidDiffError("this is no unblur-diff", code="diff.magic", offset=3)
        version = public.number("version")
        if version != VERSION:
            raise InvalidDiffError(
                f"a diff of version {version}; this program reads version {VERSION}",
                code="diff.version",
                hint="a newer jpegredact may read it",
            )
        fills = tuple(public.digest(item) for item in public.array("fills"))
        limits.check("max_groups", len(fills), "groups")
        records = [_record(item, budget) for item in public.array("records")]
        limits.check("max_regions", len(records) - len(fills) - 1, "regions")
        size = public.array("size")
        if len(size) != 2 or not all(_is_number(n) and 0 < n < 65536 for n in size):
            raise public.bad("size")
        document = cls(
            public.digest(public.take("outside", bytes)),
            (size[0], size[1]),
            fills,
            tuple(_group(r) for r in records if r.kind == "group"),
            tuple(_region(r) for r in records if r.kind == "region"),
            _file(records[-1] if records else _Fields({}, "diff")),
        )
        public.done()
        kinds = ["group"] * len(fills) + ["region"] * len(document.regions) + ["file"]
        if [record.kind for record in records] != kinds:
            raise public.bad("records")
        cells = sum(w.rows * w.columns for group in document.groups for w in group.windows)
        limits.check("max_cells", cells, "blocks in the windows of all groups")
        used: set[int] = set()
        for group in document.groups:
            used.update(group.regions)
        if used and max(used) >= len(document.regions):
            raise public.bad("regions")
        return document


class _Fields:
    """The fields of a map, each taken once and of the right type."""

    def __init__(self, value: Value, kind: str) -> None:
        if not isinstance(value, dict):
            raise InvalidDiffError(f"a {kind} that is no map", code="diff.record")
        self.fields: dict[str, Value] = dict(value)
        self.kind = kind

    def bad(self, name: str) -> InvalidDiffError:
        return InvalidDiffError(f"bad field {name!r} in a {self.kind} record", code="diff.record")

    def take(self, name: str, kind: type) -> Value:
        value = self.fields.pop(name, None)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.bad(name)
        return value

    def number(self, name: str) -> int:
        value: int = self.take(name, int)
        return value

    def text(self, name: str) -> str:
        value: str = self.take(name, str)
        return value

    def array(self, name: str) -> list[Value]:
        value: list[Value] = self.take(name, list)
        return value

    def optional(self, name: str, kind: type | tuple[type, ...]) -> Value:
        if name not in self.fields:
            return None
        value = self.fields.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.bad(name)
        return value

    def digest(self, value: Value) -> bytes:
        if not isinstance(value, bytes) or len(value) != 32:
            raise self.bad("digest")
        return value

    def numbers(self, name: str, least: int = 0, limit: int = 1 << 32) -> tuple[int, ...]:
        values = self.array(name)
        if not all(_is_number(v) and least <= v < limit for v in values):
            raise self.bad(name)
        return tuple(values)

    def done(self) -> None:
        if self.fields:
            raise self.bad(next(iter(self.fields)))


def _is_number(value: Value) -> bool:
    return type(value) is int  # no bool is


def _with_check(record: bytes) -> bytes:
    """Return a record with what tells damage: the first 8 bytes of its SHA-256."""
    return record + hashlib.sha256(record).digest()[:_CHECK]


def _record(item: Value, budget: Budget) -> _Fields:
    if not isinstance(item, bytes):
        raise InvalidDiffError("a record that is no byte string", code="diff.record")
    if _with_check(item[:-_CHECK]) != item:
        raise InvalidDiffError("a record is damaged", code="diff.damaged")
    record = _Fields(decode(item[:-_CHECK], 0, budget), "diff")
    record.kind = record.text("kind")
    return record


def _group_value(group: GroupRecord) -> dict[str, Value]:
    return {
        "kind": "group",
        "regions": list(group.regions),
        "windows": [[w.component, w.row, w.column, w.rows, w.columns] for w in group.windows],
        "shape": group.shape,
        "blocks": list(group.blocks),
        "odd": [list(item) for item in group.odd],
        "tables": list(group.tables),
    }


def _group(record: _Fields) -> GroupRecord:
    regions = record.numbers("regions")
    if not regions or list(regions) != sorted(set(regions)):
        raise record.bad("regions")
    windows = []
    for item in record.array("windows"):
        if not isinstance(item, list) or len(item) != 5 or not all(_is_number(n) for n in item):
            raise record.bad("windows")
        component, row, column, rows, columns = item
        if not (
            0 <= component < 4
            and row >= 0 and column >= 0 and rows > 0 and columns > 0
            and row + rows <= _SIDE and column + columns <= _SIDE
        ):  # fmt: skip
            raise record.bad("windows")
        windows.append(Window(component, row, column, rows, columns))
    components = [w.component for w in windows]
    if not windows or components != sorted(set(components)):
        raise record.bad("windows")
    odd: list[tuple[int, int, bytes]] = []
    for item in record.array("odd"):
        if not (
            isinstance(item, list) and len(item) == 3
            and _is_number(item[0]) and _is_number(item[1]) and isinstance(item[2], bytes)
            and item[0] > (odd[-1][0] if odd else -1)
            and 0 < item[1] <= 63 * 31 + 16 and len(item[2]) == (item[1] + 7) // 8
        ):  # fmt: skip
            raise record.bad("odd")
        odd.append((item[0], item[1], item[2]))
    blocks = record.array("blocks")
    if not all(isinstance(item, bytes) for item in blocks):
        raise record.bad("blocks")
    group = GroupRecord(
        regions,
        tuple(windows),
        record.take("shape", bytes),
        tuple(blocks),
        tuple(odd),
        record.numbers("tables", 0, 257),
    )
    record.done()
    return group


def _region_value(region: RegionRecord) -> dict[str, Value]:
    value: dict[str, Value] = {
        "kind": "region",
        "shape": region.kind,
        "box": list(region.box),
        "points": [list(point) for point in region.points],
    }
    for name in ("label", "score", "id"):
        mark = getattr(region, name)
        if mark is not None:
            value[name] = mark
    return value


def _region(record: _Fields) -> RegionRecord:
    def coordinates(values: Value, count: int) -> tuple[float, ...]:
        if (
            not isinstance(values, list)
            or len(values) != count
            or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        ):
            raise record.bad("box")
        return tuple(values)

    kind = record.text("shape")
    if kind not in ("box", "polygon", "mask"):
        raise record.bad("shape")
    left, top, right, bottom = coordinates(record.array("box"), 4)
    points = tuple(coordinates(point, 2) for point in record.array("points"))
    region = RegionRecord(
        kind,
        (left, top, right, bottom),
        tuple((p[0], p[1]) for p in points),
        record.optional("label", str),
        record.optional("score", (int, float)),
        record.optional("id", str),
    )
    record.done()
    return region


def _file(record: _Fields) -> FileRecord:
    if record.kind != "file":
        raise record.bad("kind")
    patches: list[Patch] = []
    at = 0
    for item in record.array("patches"):
        if not (
            isinstance(item, list) and len(item) == 3
            and _is_number(item[0]) and _is_number(item[1]) and isinstance(item[2], bytes)
            and item[0] >= at and item[1] >= 0
        ):  # fmt: skip
            raise record.bad("patches")
        patches.append((item[0], item[1], item[2]))
        at = item[0] + item[1]
    stretches: list[Stretch] = []
    for item in record.array("stretches"):
        if not (
            isinstance(item, list) and len(item) == 4
            and all(_is_number(n) and 0 <= n < 1 << 40 for n in item[:3])
            and isinstance(item[3], bytes) and len(item[3]) == (item[2] + 7) // 8
            and (not stretches or (item[0], item[1]) > stretches[-1][:2])
        ):  # fmt: skip
            raise record.bad("stretches")
        stretches.append((item[0], item[1], item[2], item[3]))
    length = record.number("length")
    if length < 0:
        raise record.bad("length")
    digest = record.digest(record.take("sha256", bytes))
    found = FileRecord(length, digest, tuple(patches), tuple(stretches))
    record.done()
    return found
