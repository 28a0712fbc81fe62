"""What the public functions return: a redaction, its diff, and what was seen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .diff import Document, Public, RegionRecord
from .diff.parts import part_of, regions_named, rest_of, with_records
from .errors import DecryptionError, InvalidKeyError, InvalidRegionError
from .files import read_source, write_new
from .limits import Limits, checked
from .log import LogEntry
from .report import Report

if TYPE_CHECKING:
    from .diff.passphrase import RunKey
    from .diff.stored import OpenedDiff, SealedDiff
    from .keyring import IdentityLike, PassphraseLike, RecipientLike

__all__ = ["Processed", "Redaction", "UnblurDiff"]

_SOI = b"\xff\xd8"


class UnblurDiff:
    """The way back: the original blocks of every region, and what belongs to the whole file.

    Keep it apart from the redacted picture, and private: whoever has both has the
    original, unless it is sealed. A sealed one tells nothing until `open` has been given a key.
    """

    def __init__(
        self, stored: Document | SealedDiff, data: bytes | None = None,
        opened: OpenedDiff | None = None,
    ) -> None:  # fmt: skip
        self._stored = stored
        self._data = stored.to_bytes() if data is None else data
        self._opened = opened
        self._document = stored if isinstance(stored, Document) else None
        if opened is not None:
            self._document = opened.document

    @classmethod
    def _of(cls, opened: OpenedDiff) -> UnblurDiff:
        """Return a sealed diff to which the keys are known."""
        return cls(opened.stored, opened=opened)

    @property
    def is_sealed(self) -> bool:
        """Whether it takes a key to read it."""
        return not isinstance(self._stored, Document)

    @property
    def regions(self) -> tuple[RegionRecord | None, ...]:
        """The regions, in the order in which they were given to `redact`; None for those of which a
        part of a diff says nothing.

        Raises
        ------
        DecryptionError
            It is sealed, and was not opened.
        """
        return self.document.regions

    @property
    def is_open(self) -> bool:
        """Whether it can be read: it is plain, or was opened."""
        return self._document is not None

    @property
    def owners(self) -> int:
        """To how many keys it is sealed; a passphrase counts as one."""
        return 0 if isinstance(self._stored, Document) else len(self._stored.sealed.envelopes)

    @property
    def has_passphrase(self) -> bool:
        """Whether a passphrase opens it."""
        return not isinstance(self._stored, Document) and self._stored.sealed.run is not None

    def unsealed(self) -> UnblurDiff:
        """Return it plain.

        Raises
        ------
        DecryptionError
            It is sealed, and was not opened.
        """
        return UnblurDiff(self.document)

    @property
    def public(self) -> Public:
        """What anybody may see of it."""
        return self._stored.public

    @property
    def document(self) -> Document:
        """The diff, taken apart.

        Raises
        ------
        DecryptionError
            It is sealed, and was not opened.
        """
        if self._document is None:
            raise DecryptionError(
                "the diff is sealed", code="decrypt.no-key", hint="give an identity or passphrase"
            )
        return self._document

    @property
    def stored(self) -> Document | SealedDiff:
        """What its bytes say."""
        return self._stored

    def open(
        self,
        identities: Iterable[IdentityLike] = (),
        passphrase: PassphraseLike | None = None,
        limits: Limits | None = None,
    ) -> UnblurDiff:
        """Return the same diff, opened as far as the keys go; a plain one is open.

        Parameters
        ----------
        identities
            Secret keys: `Identity` objects, their text, or paths of identity files.
        passphrase
            For a diff that was sealed to one; takes seconds.

        Raises
        ------
        DecryptionError
            No key, or none that fits.
        DiffMismatchError
            It was put together from several.
        InvalidDiffError, InvalidKeyError, LimitExceededError
        OSError
            A path that can't be read.
        """
        if isinstance(self._stored, Document):
            return self
        if self._opened is not None and not identities and passphrase is None:
            return self
        from .keyring import as_identities, as_passphrase

        opened = self._stored.unlock(
            as_identities(identities), as_passphrase(passphrase), checked(limits)
        )
        return UnblurDiff(self._stored, self._data, opened)

    def seal(
        self,
        recipients: Iterable[RecipientLike] = (),
        passphrase: PassphraseLike | RunKey | None = None,
        *,
        limits: Limits | None = None,
    ) -> UnblurDiff:
        """Return a plain diff sealed to its owners, each of whom can open it; see `rekey`.

        Raises
        ------
        InvalidKeyError
            No owner, or a key that can't be used.
        """
        from .diff.stored import seal_document
        from .keyring import as_recipients, as_run

        if not isinstance(self._stored, Document):
            raise InvalidKeyError("the diff is sealed already", code="key.sealed")
        sealed = seal_document(
            self._stored, as_recipients(recipients), as_run(passphrase), checked(limits)
        )
        return UnblurDiff._of(sealed)

    def extract(
        self,
        regions: Iterable[int],
        *,
        recipients: Iterable[RecipientLike] = (),
        passphrase: PassphraseLike | RunKey | None = None,
        identities: Iterable[IdentityLike] = (),
        limits: Limits | None = None,
    ) -> UnblurDiff:
        """Return a diff that brings back these regions and tells nothing of the others.

        What lies under another region too stays hidden: for that, extract both at once. Two
        parts, of one region each, don't add up to it.

        Parameters
        ----------
        regions
            Indices into `regions`; they stay the same in the part.
        recipients, passphrase
            Whose it shall be. None of them: plain, if this diff is, or else whoever opened it.
        identities
            What opens this diff, if it is sealed and was not opened.

        Raises
        ------
        InvalidRegionError
            There is no such region, or none is named.
        InvalidKeyError
            Nobody who could open it.
        DecryptionError, DiffMismatchError, InvalidDiffError, LimitExceededError
        """
        source = self.open(identities, limits=limits)
        named = _named(source.document, regions)
        return source._cut(part_of(source.document, named), recipients, passphrase, limits)

    def drop(
        self,
        regions: Iterable[int],
        *,
        recipients: Iterable[RecipientLike] = (),
        passphrase: PassphraseLike | RunKey | None = None,
        identities: Iterable[IdentityLike] = (),
        limits: Limits | None = None,
    ) -> UnblurDiff:
        """Return a diff without any way back for these regions.

        The record of the whole file goes too, so the original can't come back byte for byte any
        more; the other regions can. Other copies of the diff still open.

        Raises
        ------
        As `extract`.
        """
        source = self.open(identities, limits=limits)
        named = _named(source.document, regions)
        return source._cut(rest_of(source.document, named), recipients, passphrase, limits)

    def rekey(
        self,
        recipients: Iterable[RecipientLike] = (),
        passphrase: PassphraseLike | RunKey | None = None,
        *,
        identities: Iterable[IdentityLike] = (),
        fresh: bool = False,
        limits: Limits | None = None,
    ) -> UnblurDiff:
        """Return a sealed diff with other owners.

        This revokes nothing: who could open it still can, with a copy, or with the keys of the
        records if they kept them; ``fresh`` seals all records anew, which helps against the latter.

        Raises
        ------
        InvalidKeyError
            Nobody who could open it; or the diff is plain.
        DecryptionError, DiffMismatchError, InvalidDiffError, LimitExceededError
        """
        from .keyring import as_recipients, as_run

        source = self.open(identities, limits=limits)
        if source._opened is None:
            raise InvalidKeyError(
                "the diff is plain" if not self.is_sealed else "open the diff first",
                code="key.plain", hint="seal it",
            )  # fmt: skip
        sealed = source._opened.rekeyed(
            as_recipients(recipients), as_run(passphrase), checked(limits), fresh
        )
        return UnblurDiff._of(sealed)

    def _cut(
        self, indices: Set[int], recipients: Iterable[RecipientLike],
        passphrase: PassphraseLike | RunKey | None, limits: Limits | None,
    ) -> UnblurDiff:  # fmt: skip
        """Return a diff with these records alone."""
        if self._opened is None and passphrase is None and not (recipients := [*recipients]):
            return UnblurDiff(with_records(self.document, indices))
        from .keyring import as_recipients, as_run

        owners, run = as_recipients(recipients), as_run(passphrase)
        if self._opened is not None and not owners and run is None:
            owners, run = self._opened.opened.owner()
        if self._opened is None:
            from .diff.stored import seal_document

            part = with_records(self.document, indices)
            return UnblurDiff._of(seal_document(part, owners, run, checked(limits)))
        return UnblurDiff._of(self._opened.cut(indices, owners, run, checked(limits)))

    def to_bytes(self) -> bytes:
        """Return the diff's bytes. A plain one's are the same for the same input."""
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
        """Parse a diff, strictly; of a JPEG, the one that is embedded in it.

        Of several, that is the one of the last redaction.

        Raises
        ------
        InvalidDiffError
            It is none, or there is none in it (``diff.not-embedded``).
        InvalidJpegError, UnsupportedJpegError, LimitExceededError
        """
        from .diff.stored import parse_diff

        data, limits = memoryview(data).tobytes(), checked(limits)
        if data.startswith(_SOI):
            from .redaction.embedding import outermost_diff

            data = outermost_diff(data, limits)
        return cls(parse_diff(data, limits), data)

    @classmethod
    def load(cls, path: str | os.PathLike[str], limits: Limits | None = None) -> UnblurDiff:
        """Read a diff from a file, as `from_bytes` does: its own, or a JPEG that it is in."""
        return cls.from_bytes(read_source(path, checked(limits)), limits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnblurDiff) and self._data == other._data

    def __reduce__(self) -> tuple[type[UnblurDiff], tuple[Document | SealedDiff, bytes]]:
        """Pickle what is stored: a sealed diff that was opened goes without its keys."""
        return UnblurDiff, (self._stored, self._data)

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        kind = "sealed " if self.is_sealed else ""
        held = "" if self._document is None else f" of {len(self._document.regions)} regions"
        return f"<UnblurDiff, {kind}{len(self._data)} bytes{held}>"


def _named(document: Document, regions: Iterable[int]) -> frozenset[int]:
    named = regions_named(document, regions)
    if not named:
        raise InvalidRegionError("no region is named", code="region.index")
    return named


@dataclass(frozen=True, slots=True)
class Redaction:
    """What `redact` returns.

    Attributes
    ----------
    jpeg
        The redacted file; with ``embed``, the diff is in it, too.
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
