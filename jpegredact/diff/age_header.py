"""The header of an age file: read before anything is computed from it.

An age file begins with text lines: the version, one stanza a recipient, and a MAC
(https://c2sp.org/age). What a stanza asks for can be costly: `scrypt` with a work
factor of 23 takes 8 GiB, and a header may list a million keys to try. So the stanzas
are looked at first. All cryptography is left to the age library.
"""

from __future__ import annotations

from ..errors import InvalidDiffError

__all__ = ["MAX_HEADER", "Stanza", "recipient_stanzas", "stanzas"]

MAX_HEADER = 1 << 13
"""Bytes. One stanza for an RSA key of 16,384 bits takes 2.8 KB; what age tools add at random
to keep readers tolerant ("grease"), a few hundred bytes."""

_VERSION = b"age-encryption.org/v1"
_MAX_STANZAS = 4

Stanza = tuple[str, ...]
"""The type of a stanza and its arguments."""


def stanzas(data: bytes) -> list[Stanza]:
    """Return the stanzas of an age file's header, without their bodies.

    Raises
    ------
    InvalidDiffError
        ``diff.age``: no age file, or a header of more than `MAX_HEADER` bytes.
    """
    lines = data[:MAX_HEADER].split(b"\n")
    if lines[0] != _VERSION:
        raise _bad("no age file (https://age-encryption.org/v1)")
    found: list[Stanza] = []
    for line in lines[1:-1]:  # the last one may be cut
        if line.startswith(b"---"):
            return found
        if line.startswith(b"-> "):
            found.append(tuple(line[3:].decode("latin-1").split(" ")))
    raise _bad(f"an age header that does not end within {MAX_HEADER} bytes")


def recipient_stanzas(data: bytes) -> list[Stanza]:
    """Return the stanzas that are for someone, which is all but grease.

    Raises
    ------
    InvalidDiffError
        ``diff.age``: as `stanzas`, or there are more than four in all.
    """
    found = stanzas(data)
    if len(found) > _MAX_STANZAS:
        raise _bad(f"an age header of {len(found)} stanzas, where one is needed")
    return [stanza for stanza in found if not stanza[0].endswith("-grease")]


def _bad(what: str) -> InvalidDiffError:
    return InvalidDiffError(what, code="diff.age")
