"""What stands between us and pyrage, which does all the cryptography.

Its refusals become our errors. And the header of an age file is looked at before anything
is computed from it: it begins with text lines, the version, one stanza a recipient, and a
MAC (https://c2sp.org/age). What a stanza asks for can be costly: scrypt with a work factor
of 23 takes 8 GiB, and a header may list a million keys to try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import InvalidDiffError, JpegRedactError

__all__ = ["MAX_HEADER", "Stanza", "recipient_stanzas", "refused_as", "stanzas"]

MAX_HEADER = 1 << 13
"""Bytes. One stanza for an RSA key of 16,384 bits takes 2.8 KB; what age tools add at random
to keep readers tolerant ("grease"), a few hundred bytes."""

_VERSION = b"age-encryption.org/v1"
_MAX_STANZAS = 4

Stanza = tuple[str, ...]
"""The type of a stanza and its arguments."""


@contextmanager
def refused_as(error: Callable[[str], JpegRedactError]) -> Iterator[None]:
    """Raise ``error(words)`` where pyrage refuses something, its own exception left out.

    Its words may hold parts of a key: they are there to be looked at, not shown. Some
    damaged SSH keys make the Rust code below it panic; that is a refusal too.
    """
    try:
        yield
    except BaseException as refusal:
        if type(refusal).__module__ not in ("pyrage", "pyo3_runtime"):
            raise
        raise error(str(refusal)) from None


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
