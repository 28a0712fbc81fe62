"""What the public functions return: a redaction, its diff, and what was seen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from .diff import Document, RegionRecord
from .files import read_source, write_new
from .limits import Limits, checked
from .log import LogEntry
from .report import Report

__all__ = ["Processed", "Redaction", "UnblurDiff"]


class UnblurDiff:
    """The way back: the original blocks of every region, and what belongs to the whole file.

    Keep it apart from the redacted picture, and private: whoever has both has
    the original.
    """

    def __init__(self, document: Document, data: bytes | None = None) -> None:
        self._document = document
        self._data = document.to_bytes() if data is None else data

    @property
    def regions(self) -> tuple[RegionRecord | None, ...]:
        """The regions, in the order in which they were given to `redact`; None for those of which a
        part of a diff says nothing.
        """
        return self._document.regions

    @property
    def document(self) -> Document:
        """The diff, taken apart."""
        return self._document

    def to_bytes(self) -> bytes:
        """Return the diff's bytes: the same input gives the same ones."""
        return self._data

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the diff with mode 0600, whole or not at all.

        Raises
        ------
        FileExistsError
            There is a file with other bytes: a diff is never replaced.
        """
        write_new(path, self._data, 0o600)

    @classmethod
    def from_bytes(cls, data: bytes, limits: Limits | None = None) -> UnblurDiff:
        """Parse a diff, strictly; `InvalidDiffError` where it is none."""
        return cls(Document.from_bytes(bytes(data), checked(limits)), bytes(data))

    @classmethod
    def load(cls, path: str | os.PathLike[str], limits: Limits | None = None) -> UnblurDiff:
        """Read a diff from a file."""
        return cls.from_bytes(read_source(path, checked(limits)), limits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnblurDiff) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"<UnblurDiff of {len(self.regions)} regions, {len(self._data)} bytes>"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What `redact` returns.

    Attributes
    ----------
    jpeg
        The redacted file.
    diff
        The way back; None where there was no region, and so nothing to bring back.
    report
        What was done.
    """

    jpeg: bytes = field(repr=False)
    diff: UnblurDiff | None
    report: Report = field(repr=False)


@dataclass(frozen=True, slots=True)
class Processed:
    """What `process` returns: a `Redaction`, and what was seen.

    Attributes
    ----------
    jpeg, diff, report
        As in `Redaction`; where nothing was to be redacted, the input, None, and a report that
        says so.
    entry
        What was seen, with decisions, as it goes into a log.
    """

    jpeg: bytes = field(repr=False)
    diff: UnblurDiff | None
    report: Report = field(repr=False)
    entry: LogEntry = field(repr=False)
