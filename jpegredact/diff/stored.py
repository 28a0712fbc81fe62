"""A diff as it is stored: plain, or sealed to its owners (docs/design/diff-format.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import InvalidDiffError, LimitExceededError
from ..limits import DEFAULT_LIMITS, Limits
from .age import recipient_stanzas
from .cbor import MAGIC, Budget, encode
from .document import Document, Public, open_map
from .keys import Identity, Recipient
from .parts import with_records
from .passphrase import Passphrase, RunKey
from .sealed import Opened, Sealed, open_sealed, seal_records, subset

__all__ = ["OpenedDiff", "SealedDiff", "parse_diff", "parse_published", "seal_document"]

_RECORD_KEYS = frozenset({"X25519"})
_OWNER_KEYS = frozenset({"X25519", "ssh-ed25519", "ssh-rsa"})
"""Types of stanzas in the headers of age files."""
_OTHER_VALUES = 32
"""That a sealed diff has besides fills, records and envelopes: 22."""


class SealedDiff(NamedTuple):
    """A sealed diff: what anybody sees of it."""

    public: Public
    sealed: Sealed

    def to_bytes(self) -> bytes:
        """Return the diff's bytes."""
        records, envelopes, run = self.sealed
        fields = self.public.fields()
        fields.update({"sealed": list(records), "envelopes": list(envelopes)})
        if run is not None:
            fields["run"] = run
        return MAGIC + encode(fields)

    def unlock(
        self,
        identities: Sequence[Identity] = (),
        passphrase: Passphrase | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> OpenedDiff:
        """Open it, as far as the keys go.

        Raises
        ------
        DecryptionError, DiffMismatchError, InvalidDiffError, LimitExceededError
        """
        opened = open_sealed(
            _public_bytes(self.public), self.sealed, identities, passphrase, limits
        )
        held = set(opened.indices)
        records = [
            opened.record(index) if index in held else None
            for index in range(len(self.sealed.records))
        ]
        return OpenedDiff(Document.from_records(self.public, records, limits), opened)


class OpenedDiff(NamedTuple):
    """A sealed diff that was opened: its records, and the keys to them."""

    document: Document
    opened: Opened

    @property
    def stored(self) -> SealedDiff:
        """Return it as anybody sees it."""
        return SealedDiff(self.document.public, self.opened.sealed)

    def rekeyed(
        self, owners: Iterable[Recipient], run: RunKey | None, limits: Limits, fresh: bool = False
    ) -> OpenedDiff:
        """Return it with other owners.

        The records stay as they are, and that revokes nothing: former owners still have, or may
        have, the identities of all records. ``fresh`` seals all records anew, with a new id: then
        older envelopes open nothing in the new diff, though copies of the older one still open.
        """
        opened = self.opened.sealed_anew() if fresh else self.opened
        return OpenedDiff(self.document, opened).cut(opened.indices, owners, run, limits)

    def cut(
        self, indices: Iterable[int], owners: Iterable[Recipient], run: RunKey | None,
        limits: Limits,
    ) -> OpenedDiff:  # fmt: skip
        """Return a diff with these records alone, as they are sealed; see `sealed.subset`."""
        public, held = self.document.public, frozenset(indices)
        sealed = subset(self.opened, held, _public_bytes(public), owners, run, limits)
        return OpenedDiff(with_records(self.document, held), self.opened.under(sealed))


def seal_document(
    document: Document, owners: Iterable[Recipient], run: RunKey | None, limits: Limits
) -> OpenedDiff:
    """Seal a diff to its owners, and to a run's passphrase.

    Raises
    ------
    InvalidKeyError, LimitExceededError
    """
    opened = seal_records(document.records())
    return OpenedDiff(document, opened).rekeyed(owners, run, limits)


def parse_diff(
    data: bytes, limits: Limits = DEFAULT_LIMITS, budget: Budget | None = None
) -> Document | SealedDiff:
    """Parse a diff, strictly.

    Raises
    ------
    InvalidDiffError, LimitExceededError
    """
    budget = Budget(limits.max_items) if budget is None else budget
    fields = open_map(data, limits, budget)
    if "sealed" not in fields.fields:
        return Document.take(fields, limits, budget)
    public = Public.take(fields, limits)
    records = fields.array("sealed")
    envelopes = fields.array("envelopes")
    run = fields.optional("run", bytes)
    fields.done()
    if not all(record is None or isinstance(record, bytes) for record in records):
        raise fields.bad("sealed")
    if not envelopes or not all(isinstance(envelope, bytes) for envelope in envelopes):
        raise fields.bad("envelopes")
    if len(records) <= len(public.fills):
        raise fields.bad("sealed")
    limits.check("max_regions", len(records) - len(public.fills) - 1, "regions")
    return SealedDiff(public, Sealed(tuple(records), tuple(envelopes), run))


def parse_published(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SealedDiff | None:
    """Parse a diff that may stand where anybody can read it; None where it is none.

    It is sealed, no passphrase opens it, since that could be guessed at, and all in it that
    is not public is an age file for one key each.
    """
    # Any JPEG may have something in such a box: a sealed diff has few values, however long it is.
    values = 2 * limits.max_groups + limits.max_regions + limits.max_owners + _OTHER_VALUES
    try:
        stored = parse_diff(data, limits, Budget(min(values, limits.max_items)))
        if not isinstance(stored, SealedDiff) or stored.sealed.run is not None:
            return None
        records = (record for record in stored.sealed.records if record is not None)
        sealed = all(_for_one(record, _RECORD_KEYS) for record in records)
        owned = all(_for_one(envelope, _OWNER_KEYS) for envelope in stored.sealed.envelopes)
    except (InvalidDiffError, LimitExceededError):
        return None
    return stored if sealed and owned else None


def _for_one(age_file: bytes, keys: frozenset[str]) -> bool:
    found = recipient_stanzas(age_file)
    return len(found) == 1 and found[0][0] in keys


def _public_bytes(public: Public) -> bytes:
    """Return the public part as manifests have its digest."""
    return encode(public.fields())
