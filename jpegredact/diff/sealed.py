"""Sealing: each record encrypted to a key of its own, and those keys to each owner.

Records are bytes here, whatever they mean. Each is padded and encrypted with age to a
fresh X25519 identity. A *manifest* lists these identities and the digests of the sealed
records, and is encrypted to each owner alone: an *envelope*. Who has one record's identity
can read that record, and write another in its place; but the manifest still has the digest
of the first. age proves no sender: whoever knows an owner's public key can make a diff for
it, whole and from scratch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from secrets import token_bytes
from typing import NamedTuple, NoReturn

from ..errors import (
    DecryptionError,
    DiffMismatchError,
    InvalidDiffError,
    InvalidKeyError,
    LimitExceededError,
)
from ..limits import DEFAULT_LIMITS, Limits
from .age import MAX_HEADER
from .cbor import Budget, decode, encode
from .keys import Identity, Recipient, generate_identity
from .padding import pad, unpad
from .passphrase import Passphrase, RunKey, open_run

__all__ = ["Opened", "Sealed", "open_sealed", "seal_records", "subset"]

_ENTRY = 128  # bytes and more that a manifest takes for a record
_ID = 16


class Sealed(NamedTuple):
    """What of a sealed diff is not public: all of it can be shown to anyone.

    Attributes
    ----------
    records
        By index, each an age file; None for records that this diff does not have.
    envelopes
        The manifest, encrypted to each owner: an age file each.
    run
        The envelope of the run identity, which a passphrase opens, if there is one.
    """

    records: tuple[bytes | None, ...]
    envelopes: tuple[bytes, ...]
    run: bytes | None


class Opened:
    """A sealed diff whose manifest has been checked. Decrypts records as they are asked for.

    Attributes
    ----------
    id
        16 random bytes, the same in all envelopes of a diff, and in what is made from it
        without sealing its records anew.
    sealed
        What was opened.
    identities
        By index of the record, ascending: what opens it.
    key, by_passphrase
        The owner's key that opened the manifest, and whether it is a run's.
    """

    __slots__ = ("by_passphrase", "id", "identities", "key", "sealed")

    def __init__(
        self, id_: bytes, sealed: Sealed, identities: Mapping[int, Identity],
        key: Identity | None = None, by_passphrase: bool = False,
    ) -> None:  # fmt: skip
        self.id = id_
        self.sealed = sealed
        self.identities = identities
        self.key = key
        self.by_passphrase = by_passphrase

    @property
    def indices(self) -> tuple[int, ...]:
        """Indices of the records that there are, ascending."""
        return tuple(self.identities)

    def record(self, index: int) -> bytes:
        """Return a record.

        Raises
        ------
        InvalidDiffError
            ``diff.padding``, ``diff.age``: it was not sealed as a record is.
        DecryptionError
            ``decrypt.no-record``: this diff does not have it;
            ``decrypt.wrong-key``: the identity in the manifest does not open it.
        """
        return unpad(self.identity(index).decrypt(_present(self.sealed, index)))

    def identity(self, index: int) -> Identity:
        """Return the identity that opens one record: ``age -d`` takes its text.

        Raises
        ------
        DecryptionError
            ``decrypt.no-record``
        """
        if index not in self.identities:
            raise DecryptionError(
                f"this diff does not have record {index}", code="decrypt.no-record"
            )
        return self.identities[index]

    def sealed_anew(self) -> Opened:
        """Return the same records under new identities and a new id.

        Raises
        ------
        InvalidDiffError, DecryptionError
            As `record`.
        """
        count = len(self.sealed.records)
        return seal_records([self.record(i) if i in self.indices else None for i in range(count)])

    def under(self, sealed: Sealed) -> Opened:
        """Return what opens a diff that `subset` made of this one."""
        held = {n: one for n, one in self.identities.items() if sealed.records[n] is not None}
        return Opened(self.id, sealed, held)

    def owner(self) -> tuple[tuple[Recipient, ...], RunKey | None]:
        """Return who opened it, to be an owner of what is made from it.

        Raises
        ------
        InvalidKeyError
            ``key.none``: an SSH key, whose public key is not known.
        """
        own = None if self.key is None else self.key.recipient
        if own is None:
            raise InvalidKeyError(
                "nobody is named who could open the diff", code="key.none",
                hint="give recipients: an SSH identity does not tell its public key",
            )  # fmt: skip
        if self.by_passphrase and self.sealed.run is not None:
            return (), RunKey(own, self.sealed.run)
        return (own,), None

    def __repr__(self) -> str:
        return f"Opened({self.id.hex()}, records={self.indices})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an opened diff holds secret keys and can't be pickled or copied")


def seal_records(records: Sequence[bytes | None]) -> Opened:
    """Seal records anew, to nobody yet: `subset` makes the envelopes.

    By index; None where there is none.
    """
    identities = {
        index: generate_identity() for index, record in enumerate(records) if record is not None
    }
    sealed = tuple(
        None if record is None else Recipient.of(identities[index]).encrypt(pad(record))
        for index, record in enumerate(records)
    )
    return Opened(token_bytes(_ID), Sealed(sealed, (), None), identities)


def open_sealed(
    public: bytes,
    sealed: Sealed,
    identities: Sequence[Identity] = (),
    passphrase: Passphrase | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Opened:
    """Open the manifest of a sealed diff, and check all of it.

    Envelopes are tried in their order, first with the identities, then with the passphrase.
    The first manifest that opens and agrees with what is there counts.

    Raises
    ------
    DecryptionError
        ``decrypt.no-key``: neither identity nor passphrase given; ``decrypt.wrong-key``: none
        opens it; ``decrypt.wrong-passphrase``, ``decrypt.work-factor``: as `open_run`.
    DiffMismatchError
        ``diff.manifest``: records were swapped, replaced, removed or added, or the public part
        or the envelope is of another diff.
    InvalidDiffError
        As `open_run`.
    LimitExceededError
        More envelopes or identities than the limits allow.
    """
    limits.check("max_owners", len(sealed.envelopes), "owners of a diff")
    limits.check("max_identities", len(identities), "identities")
    if not identities and passphrase is None:
        raise DecryptionError(
            "the diff is sealed", code="decrypt.no-key",
            hint="give an identity" + (", or the passphrase" if sealed.run is not None else ""),
        )  # fmt: skip
    digests = {
        index: hashlib.sha256(record).digest()
        for index, record in enumerate(sealed.records)
        if record is not None
    }
    expected = hashlib.sha256(public).digest(), digests
    wrong: DiffMismatchError | None = None
    most = MAX_HEADER + _ENTRY * len(digests)
    for plain, key, by_run in _manifests(sealed, identities, passphrase, most):
        try:
            return Opened(*_checked(plain, sealed, *expected), key, by_run)
        except DiffMismatchError as error:
            wrong = wrong or error
    raise wrong or DecryptionError(
        "none of the keys opens this diff: it was sealed to others, or is damaged",
        code="decrypt.wrong-key",
        hint="it has no passphrase" if passphrase is not None and sealed.run is None else None,
    )


def subset(
    opened: Opened,
    indices: Iterable[int],
    public: bytes,
    owners: Iterable[Recipient],
    run: RunKey | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Sealed:
    """Return a diff with some of the records, as they are sealed, under their old indices.

    Its manifest lists these and no others; nothing in it tells what else there was but the
    number of records. With all indices, it is the same diff for these owners, its id too, which
    names this sealing of the records.

    Parameters
    ----------
    public
        The part of the diff that anyone may read; its digest is in the manifest.
    owners
        Who can open it; the same key twice counts once.
    run
        The run key, if a passphrase is to open it too.

    Raises
    ------
    DecryptionError
        ``decrypt.no-record``: there is none with such an index.
    InvalidKeyError
        ``key.none``: no owner and no run key.
    LimitExceededError
        More owners than ``limits.max_owners``.
    """
    to = list(dict.fromkeys([*owners, *([run.recipient] if run is not None else [])]))
    if not to:
        raise InvalidKeyError("nobody is named who could open the diff", code="key.none")
    limits.check("max_owners", len(to), "owners of a diff")
    wanted = {index: opened.identity(index) for index in sorted(set(indices))}
    manifest = encode(
        {
            "id": opened.id,
            "public": hashlib.sha256(public).digest(),
            "records": [
                [index, one.bare(), hashlib.sha256(_present(opened.sealed, index)).digest()]
                for index, one in wanted.items()
            ],
        }
    )
    return Sealed(
        tuple(r if i in wanted else None for i, r in enumerate(opened.sealed.records)),
        tuple(recipient.encrypt(manifest) for recipient in to),
        None if run is None else run.envelope,
    )


def _present(sealed: Sealed, index: int) -> bytes:
    record = sealed.records[index]
    assert record is not None  # noqa: S101  (the manifest was held against them)
    return record


def _manifests(
    sealed: Sealed, identities: Sequence[Identity], passphrase: Passphrase | None, most: int
) -> Iterator[tuple[bytes, Identity, bool]]:
    """Open envelopes of at most ``most`` bytes; those that don't open are passed over.

    Yields the manifest, the key, and whether it is a run's.
    """

    def opened_with(
        keys: Sequence[Identity], by_run: bool
    ) -> Iterator[tuple[bytes, Identity, bool]]:
        for envelope in sealed.envelopes:
            for key in keys if len(envelope) <= most else ():
                try:
                    yield key.decrypt(envelope), key, by_run
                except (DecryptionError, InvalidDiffError):
                    continue

    yield from opened_with(identities, False)
    if passphrase is not None and sealed.run is not None:
        yield from opened_with([open_run(sealed.run, passphrase)], True)


def _checked(
    plain: bytes, sealed: Sealed, public: bytes, digests: Mapping[int, bytes]
) -> tuple[bytes, Sealed, dict[int, Identity]]:
    """Parse a manifest and hold it against the digests of what is there."""
    try:
        value = decode(plain, 0, Budget(16 + 4 * len(digests)))
    except (InvalidDiffError, LimitExceededError):
        raise _mismatch("its manifest is damaged, or lists far more records") from None
    if not isinstance(value, dict) or set(value) != {"id", "public", "records"}:
        raise _mismatch("its manifest has other fields than a manifest has")
    id_, items = value["id"], value["records"]
    if not isinstance(id_, bytes) or len(id_) != _ID or not isinstance(items, list):
        raise _mismatch("its manifest has fields of a wrong kind")
    if value["public"] != public:
        raise _mismatch("its public part is not the one that was sealed")
    identities: dict[int, Identity] = {}
    before = -1
    for item in items:
        if not isinstance(item, list) or [type(part) for part in item] != [int, str, bytes]:
            raise _mismatch("its manifest has fields of a wrong kind")
        index, text, digest = item
        if index <= before:
            raise _mismatch("its manifest lists records out of order")
        if index not in digests:
            raise _mismatch(f"record {index} is missing")
        if digests[index] != digest:
            raise _mismatch(f"record {index} is another one than was sealed")
        try:
            identities[index] = Identity.from_bare(text)
        except InvalidKeyError:
            raise _mismatch("its manifest has a damaged identity") from None
        before = index
    for index in digests:
        if index not in identities:
            raise _mismatch(f"record {index} does not belong to it")
    return id_, sealed, identities


def _mismatch(what: str) -> DiffMismatchError:
    return DiffMismatchError(
        f"the diff was put together from parts of several, or is damaged: {what}",
        code="diff.manifest",
        hint="take the diff as it was sealed",
    )
