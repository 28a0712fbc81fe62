"""`Document` <-> bytes: the parts of an unblur-diff (docs/design/diff-format.md).

Knows the format; knows no codec, no picture, no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import InvalidDiffError
from ..limits import DEFAULT_LIMITS, Limits
from .cbor import MAGIC, Budget, Value, decode, encode

__all__ = [
    "FINGERPRINT",
    "VERSION",
    "Document",
    "Fields",
    "FileRecord",
    "GroupRecord",
    "Patch",
    "Public",
    "RegionRecord",
    "Stretch",
    "Window",
    "blocks_of",
    "odd_of",
    "open_map",
    "windows_of",
]

VERSION = 1
_CHECK = 8
FINGERPRINT = 8
"""Bytes of a digest that tells what happened, and protects nothing."""
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
    frame, coding, around
        What tells a changed file: a fingerprint of the picture's grids and quantisation, one
        of how the redacted file codes it, and one of the DC values of all blocks beside the
        group's.
    lacking
        Which of those blocks, by number, are left out: other groups' and such as can't be decoded.
    """

    regions: tuple[int, ...]
    windows: tuple[Window, ...]
    shape: bytes
    blocks: tuple[bytes, ...]
    odd: tuple[tuple[int, int, bytes], ...]
    tables: tuple[int, ...]
    frame: bytes
    coding: bytes
    around: bytes
    lacking: tuple[int, ...]


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

    ``sample`` tells a changed file that was compressed anew: rows of MCUs, and a checksum of some
    blocks in them that lie in no group; None where none could be had.
    """

    length: int
    sha256: bytes
    patches: tuple[Patch, ...]
    stretches: tuple[Stretch, ...] = ()
    sample: tuple[int, int] | None = None

    @property
    def raw_bytes(self) -> int:
        """How many bytes of the original it holds."""
        return sum(len(p[2]) for p in self.patches) + sum(len(s[3]) for s in self.stretches)


class Public(NamedTuple):
    """What anybody may see of a diff: nothing that the redacted file doesn't tell."""

    redacted: bytes
    """SHA-256 of the redacted file."""
    size: tuple[int, int]
    """Width and height of the picture."""
    fills: tuple[bytes, ...]
    """For each group, SHA-256 of its fill in the compact code, padding blocks left out."""

    def fields(self) -> dict[str, Value]:
        """Return it as the fields of a diff's map."""
        return {
            "format": "jrdiff",
            "version": VERSION,
            "redacted": self.redacted,
            "size": list(self.size),
            "fills": list(self.fills),
        }

    @classmethod
    def take(cls, fields: Fields, limits: Limits) -> Public:
        """Take it out of a diff's map.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        if fields.text("format") != "jrdiff":
            raise InvalidDiffError("this is no unblur-diff", code="diff.magic", offset=3)
        version = fields.number("version")
        if version != VERSION:
            raise InvalidDiffError(
                f"a diff of version {version}; this program reads version {VERSION}",
                code="diff.version",
                hint="a newer jpegredact may read it",
            )
        fills = tuple(fields.digest(item) for item in fields.array("fills"))
        limits.check("max_groups", len(fills), "groups")
        size = fields.array("size")
        if len(size) != 2 or not all(_is_number(n) and 0 < n < 65536 for n in size):
            raise fields.bad("size")
        return cls(fields.digest(fields.take("redacted", bytes)), (size[0], size[1]), fills)


class Document(NamedTuple):
    """An unblur-diff, taken apart. A part of one lacks records: they are None."""

    public: Public
    groups: tuple[GroupRecord | None, ...]
    """As many as fills."""
    regions: tuple[RegionRecord | None, ...]
    file: FileRecord | None

    @property
    def is_whole(self) -> bool:
        """Whether no record is missing."""
        return None not in self.groups and None not in self.regions and self.file is not None

    def records(self) -> list[bytes | None]:
        """Return the records as they are stored: all groups, all regions, the file."""
        values = [
            *(None if group is None else _group_value(group) for group in self.groups),
            *(None if region is None else _region_value(region) for region in self.regions),
            None if self.file is None else _file_value(self.file),
        ]
        return [None if value is None else _with_check(encode(value)) for value in values]

    def to_bytes(self) -> bytes:
        """Return the plain diff: the same parts give the same bytes."""
        return MAGIC + encode({**self.public.fields(), "records": self.records()})

    @classmethod
    def from_bytes(cls, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
        """Parse a plain diff, strictly.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        budget = Budget(limits.max_items)
        return cls.take(open_map(data, limits, budget), limits, budget)

    @classmethod
    def take(cls, fields: Fields, limits: Limits, budget: Budget) -> Document:
        """Take a plain diff out of its map.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        public = Public.take(fields, limits)
        records = fields.array("records")
        fields.done()
        return cls.from_records(public, records, limits, budget)

    @classmethod
    def from_records(
        cls, public: Public, items: Sequence[Value], limits: Limits, budget: Budget | None = None
    ) -> Document:
        """Parse records: byte strings, or None for those that a part lacks.

        Raises
        ------
        InvalidDiffError, LimitExceededError
        """
        budget = Budget(limits.max_items) if budget is None else budget
        count = len(public.fills)
        limits.check("max_regions", len(items) - count - 1, "regions")
        if len(items) <= count:
            raise Fields({}, "diff").bad("records")
        records = [None if item is None else _record(item, budget) for item in items]
        kinds = ["group"] * count + ["region"] * (len(records) - count - 1) + ["file"]
        for record, kind in zip(records, kinds, strict=True):
            if record is not None and record.kind != kind:
                raise record.bad("kind")
        document = cls(
            public,
            tuple(None if record is None else _group(record) for record in records[:count]),
            tuple(None if record is None else _region(record) for record in records[count:-1]),
            None if records[-1] is None else _file(records[-1]),
        )
        held = [group for group in document.groups if group is not None]
        cells = sum(w.rows * w.columns for group in held for w in group.windows)
        limits.check("max_cells", cells, "blocks in the windows of all groups")
        for group in held:
            if group.regions[-1] >= len(document.regions):
                raise Fields({}, "group").bad("regions")
        if len({group.regions for group in held}) < len(held):
            raise Fields({}, "group").bad("regions")
        if len({(group.tables, group.frame, group.coding) for group in held}) > 1:
            raise Fields({}, "group").bad("coding")  # of one and the same file
        return document


def open_map(data: bytes, limits: Limits, budget: Budget) -> Fields:
    """Return the fields of a diff, plain or sealed.

    Raises
    ------
    InvalidDiffError, LimitExceededError
    """
    limits.check("max_bytes", len(data), "bytes")
    if not data.startswith(MAGIC):
        raise InvalidDiffError(
            "this is no unblur-diff: its magic is missing", code="diff.magic", offset=0
        )
    return Fields(decode(data, len(MAGIC), budget), "diff")


class Fields:
    """The fields of a map, each taken once and of the right type."""

    def __init__(self, value: Value, kind: str) -> None:
        if not isinstance(value, dict):
            raise InvalidDiffError(f"a {kind} that is no map", code="diff.record")
        self.fields: dict[str, Value] = dict(value)
        self.kind = kind

    def bad(self, name: str) -> InvalidDiffError:
        """Return the error for a bad field."""
        return InvalidDiffError(f"bad field {name!r} in a {self.kind} record", code="diff.record")

    def take(self, name: str, kind: type) -> Value:
        """Take a field of a type."""
        value = self.fields.pop(name, None)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.bad(name)
        return value

    def number(self, name: str) -> int:
        """Take an integer."""
        value: int = self.take(name, int)
        return value

    def text(self, name: str) -> str:
        """Take text."""
        value: str = self.take(name, str)
        return value

    def array(self, name: str) -> list[Value]:
        """Take an array."""
        value: list[Value] = self.take(name, list)
        return value

    def optional(self, name: str, kind: type | tuple[type, ...]) -> Value:
        """Take a field that may be missing: None."""
        if name not in self.fields:
            return None
        value = self.fields.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.bad(name)
        return value

    def digest(self, value: Value) -> bytes:
        """Return a value that must be a SHA-256."""
        if not isinstance(value, bytes) or len(value) != 32:
            raise self.bad("digest")
        return value

    def fingerprint(self, name: str) -> bytes:
        """Take a digest's first 8 bytes."""
        value: bytes = self.take(name, bytes)
        if len(value) != FINGERPRINT:
            raise self.bad(name)
        return value

    def numbers(self, name: str, least: int = 0, limit: int = 1 << 32) -> tuple[int, ...]:
        """Take an array of integers from ``least`` to below ``limit``."""
        values = self.array(name)
        if not all(_is_number(v) and least <= v < limit for v in values):
            raise self.bad(name)
        return tuple(values)

    def done(self) -> None:
        """Refuse fields that nobody took."""
        if self.fields:
            raise self.bad(next(iter(self.fields)))


def _is_number(value: Value) -> bool:
    return type(value) is int  # no bool is


def _with_check(record: bytes) -> bytes:
    """Return a record with what tells damage: the first 8 bytes of its SHA-256."""
    return record + hashlib.sha256(record).digest()[:_CHECK]


def _record(item: Value, budget: Budget) -> Fields:
    if not isinstance(item, bytes):
        raise InvalidDiffError("a record that is no byte string", code="diff.record")
    if _with_check(item[:-_CHECK]) != item:
        raise InvalidDiffError("a record is damaged", code="diff.damaged")
    record = Fields(decode(item[:-_CHECK], 0, budget), "diff")
    record.kind = record.text("kind")
    return record


def _file_value(file: FileRecord) -> dict[str, Value]:
    return {
        "kind": "file",
        "length": file.length,
        "sha256": file.sha256,
        "patches": [list(patch) for patch in file.patches],
        "stretches": [list(stretch) for stretch in file.stretches],
        "sample": list(file.sample or ()),
    }


def _group_value(group: GroupRecord) -> dict[str, Value]:
    return {
        "kind": "group",
        "regions": list(group.regions),
        "windows": [[w.component, w.row, w.column, w.rows, w.columns] for w in group.windows],
        "shape": group.shape,
        "blocks": list(group.blocks),
        "odd": [list(item) for item in group.odd],
        "tables": list(group.tables),
        "frame": group.frame,
        "coding": group.coding,
        "around": group.around,
        "lacking": list(group.lacking),
    }


def _group(record: Fields) -> GroupRecord:
    regions = record.numbers("regions")
    if not regions or list(regions) != sorted(set(regions)):
        raise record.bad("regions")
    group = GroupRecord(
        regions,
        windows_of(record),
        record.take("shape", bytes),
        blocks_of(record),
        odd_of(record),
        record.numbers("tables", 0, 257),
        record.fingerprint("frame"),
        record.fingerprint("coding"),
        record.fingerprint("around"),
        _lacking(record),
    )
    record.done()
    return group


def _lacking(record: Fields) -> tuple[int, ...]:
    lacking = record.numbers("lacking")
    if any(a >= b for a, b in pairwise(lacking)):
        raise record.bad("lacking")
    return lacking


def windows_of(record: Fields) -> tuple[Window, ...]:
    """Take a group's windows out of a map."""
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
    return tuple(windows)


def odd_of(record: Fields) -> tuple[tuple[int, int, bytes], ...]:
    """Take a group's coding residue out of a map."""
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
    return tuple(odd)


def blocks_of(record: Fields) -> tuple[bytes, ...]:
    """Take a group's blocks, in the compact code, out of a map."""
    blocks = record.array("blocks")
    if not all(isinstance(item, bytes) for item in blocks):
        raise record.bad("blocks")
    return tuple(blocks)


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


def _region(record: Fields) -> RegionRecord:
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


def _file(record: Fields) -> FileRecord:
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
    found = FileRecord(length, digest, tuple(patches), tuple(stretches), _sample(record))
    record.done()
    return found


def _sample(record: Fields) -> tuple[int, int] | None:
    sample = record.numbers("sample")
    if not sample:
        return None
    if len(sample) != 2 or not 0 < sample[0] <= _SIDE:
        raise record.bad("sample")
    return sample[0], sample[1]
