"""What callers give as keys: recipients, identities, passphrases, as text, files or objects."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from .diff.keys import MAX_FILE, Identity, Recipient, parse_identities, parse_recipients
from .diff.passphrase import Passphrase, RunKey
from .errors import InvalidKeyError

__all__ = [
    "IdentityLike",
    "PassphraseLike",
    "RecipientLike",
    "as_identities",
    "as_passphrase",
    "as_recipients",
    "as_run",
]

RecipientLike: TypeAlias = "Recipient | str | os.PathLike[str]"
"""A public key, its text, or the path of a file of recipients."""

IdentityLike: TypeAlias = "Identity | str | os.PathLike[str]"
"""A secret key, its text (``AGE-SECRET-KEY-1...``), or the path of an identity file."""

PassphraseLike: TypeAlias = "Passphrase | str"


def as_recipients(given: Iterable[RecipientLike]) -> tuple[Recipient, ...]:
    """Return public keys.

    Raises
    ------
    InvalidKeyError
    OSError
        A path that can't be read.
    """
    found: list[Recipient] = []
    for number, each in enumerate(_several(given, "recipients"), 1):
        if isinstance(each, Recipient):
            found.append(each)
        elif isinstance(each, str):
            found.append(Recipient(each, f"recipient {number}"))
        else:
            found.extend(parse_recipients(_read(each), str(each)))
    return tuple(dict.fromkeys(found))


def as_identities(given: Iterable[IdentityLike]) -> tuple[Identity, ...]:
    """Return secret keys.

    Raises
    ------
    InvalidKeyError
    OSError
        A path that can't be read.
    """
    found: list[Identity] = []
    for number, each in enumerate(_several(given, "identities"), 1):
        if isinstance(each, Identity):
            found.append(each)
        elif isinstance(each, str) and each.lstrip().upper().startswith("AGE-"):
            text = each.encode(errors="surrogatepass")  # what is no Unicode is refused there
            found.extend(parse_identities(text, f"identity {number}"))
        else:
            found.extend(parse_identities(_read(each), str(each)))
    return tuple(found)


def as_passphrase(given: PassphraseLike | None) -> Passphrase | None:
    """Return a passphrase, or None for None.

    Raises
    ------
    InvalidKeyError, TypeError
    """
    if isinstance(given, str):
        return Passphrase(given)
    if given is not None and not isinstance(given, Passphrase):
        raise TypeError(f"a passphrase is text, not a {type(given).__name__}")
    return given


def as_run(given: PassphraseLike | RunKey | None) -> RunKey | None:
    """Return what a passphrase seals to; it takes seconds to make one, unless it is one.

    Raises
    ------
    InvalidKeyError, TypeError
    """
    if isinstance(given, RunKey):
        return given
    passphrase = as_passphrase(given)
    return None if passphrase is None else RunKey.create(passphrase)


def _several(given: Iterable[object], what: str) -> Iterable[object]:
    if isinstance(given, str | bytes | os.PathLike | Recipient | Identity):
        raise TypeError(f"{what} are a list, of one perhaps")
    return given


def _read(path: object) -> bytes:
    if not isinstance(path, str | os.PathLike):
        raise InvalidKeyError(f"a key is text or a path, not a {type(path).__name__}")
    if "\0" in os.fspath(path):
        raise OSError(errno.EINVAL, "a path with a NUL character")
    with Path(path).open("rb") as file:
        return file.read(MAX_FILE + 1)
