"""Passphrases: one costly step a run, however many diffs it seals.

A passphrase is stretched with scrypt (seconds, up to 1 GiB), so it seals one
*run identity* only, and each diff of the run is sealed to that identity's recipient.
"""

from __future__ import annotations

import hashlib
import re
from threading import Lock
from typing import NamedTuple, NoReturn

from ..errors import DecryptionError, InvalidDiffError, InvalidKeyError
from .age import refused_as, stanzas
from .keys import Identity, Recipient, generate_identity

__all__ = ["MAX_ENVELOPE", "MAX_WORK_FACTOR", "Passphrase", "RunKey", "open_run"]

MAX_ENVELOPE = 1 << 12
"""Bytes in the passphrase envelope; it takes some 260."""

MAX_WORK_FACTOR = 20
"""scrypt with N = 2^20 and r = 8 takes 1 GiB."""

_MAX_LENGTH = 1 << 12


class Passphrase:
    """A passphrase, which neither ``repr`` nor ``str`` shows and which can't be pickled.

    Raises
    ------
    InvalidKeyError
        ``key.passphrase``: it is empty, longer than 4,096 characters, or no proper Unicode.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text:
            raise InvalidKeyError("the passphrase is empty", code="key.passphrase")
        if len(text) > _MAX_LENGTH or not _is_unicode(text):
            raise InvalidKeyError(
                f"the passphrase has more than {_MAX_LENGTH} characters, or is no proper text",
                code="key.passphrase",
            )
        self._text = text

    def reveal(self) -> str:
        """Return its text, for those who encrypt with it."""
        return self._text

    def __repr__(self) -> str:
        return "Passphrase(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a passphrase is secret and can't be pickled or copied")


def _is_unicode(text: str) -> bool:
    """Whether a text can be UTF-8: surrogates, which stand for bytes that were none, can't."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class RunKey(NamedTuple):
    """What a run seals its diffs to, so that one passphrase opens them all.

    It holds no secret, and can be handed to other processes.

    Attributes
    ----------
    recipient
        The public key of the run identity.
    envelope
        The run identity, sealed with the passphrase: an age file, which goes into each diff.
    """

    recipient: Recipient
    envelope: bytes

    @classmethod
    def create(cls, passphrase: Passphrase) -> RunKey:
        """Make a run identity; takes seconds and up to 1 GiB of memory, and holds the GIL.

        Raises
        ------
        InvalidKeyError
            ``key.work-factor``: pyrage, which measures how fast this machine is, chose a
            work factor that is refused when it comes to opening.
        """
        import pyrage

        identity = generate_identity()
        envelope: bytes = pyrage.passphrase.encrypt(identity.secret().encode(), passphrase.reveal())
        factor = _work_factor(envelope)
        if factor > MAX_WORK_FACTOR:
            raise InvalidKeyError(
                f"age chose the scrypt work factor {factor} on this fast machine, and above "
                f"{MAX_WORK_FACTOR} nothing is opened", code="key.work-factor",
                hint="seal to a key instead (jpegredact keygen)",
            )  # fmt: skip
        return cls(Recipient.of(identity), envelope)


_opened: dict[bytes, Identity] = {}
_MAX_OPENED = 16
_opening = Lock()


def open_run(envelope: bytes, passphrase: Passphrase) -> Identity:
    """Return the run identity that a passphrase envelope holds.

    Takes seconds and up to 1 GiB of memory; the same envelope costs that once a process.
    The header is looked at first, and a costlier one refused.

    Raises
    ------
    InvalidDiffError
        ``diff.age``: the envelope is too large, no age file, or sealed to something else
        than a passphrase alone.
    DecryptionError
        ``decrypt.work-factor``, or ``decrypt.wrong-passphrase``.
    """
    import pyrage

    factor = _work_factor(envelope)
    if factor > MAX_WORK_FACTOR:
        raise DecryptionError(
            f"opening this takes scrypt with work factor {factor}; above {MAX_WORK_FACTOR} "
            "it is refused", code="decrypt.work-factor",
        )  # fmt: skip
    secret = passphrase.reveal()
    key = hashlib.sha256(hashlib.sha256(envelope).digest() + secret.encode()).digest()
    with _opening:  # so that two threads don't both take a gigabyte for the same result
        if key not in _opened:
            with refused_as(_wrong_passphrase):
                text: bytes = pyrage.passphrase.decrypt(envelope, secret)
            identity = _run_identity(text)
            if len(_opened) == _MAX_OPENED:
                del _opened[next(iter(_opened))]
            _opened[key] = identity
        return _opened[key]


def _run_identity(text: bytes) -> Identity:
    try:
        return Identity.from_text(text.decode("ascii"))
    except (UnicodeDecodeError, InvalidKeyError):
        raise DecryptionError(
            "what the passphrase opens is no run identity", code="decrypt.run"
        ) from None


def _wrong_passphrase(_: str) -> DecryptionError:
    return DecryptionError(
        "wrong passphrase, or the diff is damaged", code="decrypt.wrong-passphrase"
    )


def _work_factor(envelope: bytes) -> int:
    """Return the work factor of an age file that a passphrase alone opens."""
    if len(envelope) > MAX_ENVELOPE:
        raise _bad_envelope(f"a passphrase envelope of more than {MAX_ENVELOPE} bytes")
    found = stanzas(envelope)
    if len(found) != 1 or len(found[0]) != 3 or found[0][0] != "scrypt":
        raise _bad_envelope("a passphrase envelope that is not sealed with a passphrase alone")
    if not re.fullmatch("[1-9][0-9]{0,8}", found[0][2]):
        raise _bad_envelope("a passphrase envelope whose work factor is no number")
    return int(found[0][2])


def _bad_envelope(what: str) -> InvalidDiffError:
    return InvalidDiffError(what, code="diff.age")
