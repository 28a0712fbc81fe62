"""Padding: what a sealed record's size tells is only roughly how large it is.

::

    8 bytes     length of the record, big-endian
    length      the record
    the rest    zeros

in all a power of two from 1 KiB to 32 KiB; above, a size that Padmé allows (Nikitin et
al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019,
section 4), at most 12 % more.
"""

from __future__ import annotations

from ..errors import InvalidDiffError

__all__ = ["pad", "padded_size", "unpad"]

_HEAD = 8
_LEAST = 1 << 10
_POWERS_UP_TO = 1 << 15


def padded_size(length: int) -> int:
    """Return the size in bytes to which a record of ``length`` bytes is padded."""
    size = _HEAD + length
    if size <= _POWERS_UP_TO:
        return max(_LEAST, 1 << (size - 1).bit_length())
    exponent = size.bit_length() - 1
    free = (1 << exponent - exponent.bit_length()) - 1  # the low bits that are always zero
    return (size + free) & ~free


def pad(record: bytes) -> bytes:
    """Return a record in its padding."""
    head = len(record).to_bytes(_HEAD)
    return (head + record).ljust(padded_size(len(record)), b"\0")


def unpad(padded: bytes) -> bytes:
    """Return the record in a padding that `pad` would have given it, and no other.

    Raises
    ------
    InvalidDiffError
        ``diff.padding``
    """
    length = int.from_bytes(padded[:_HEAD])
    end = _HEAD + length
    if len(padded) < end or len(padded) != padded_size(length):
        raise _bad("a sealed record whose size is not that of its padding")
    if padded.count(0, end) != len(padded) - end:
        raise _bad("a sealed record with something else than zeros for padding")
    return padded[_HEAD:end]


def _bad(what: str) -> InvalidDiffError:
    return InvalidDiffError(what, code="diff.padding")
