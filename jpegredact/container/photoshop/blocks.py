"""Photoshop image resource blocks in APP13: where each one lies.

Adobe Photoshop File Formats Specification, "Image Resource Blocks": a signature ("8BIM"; others
by other programs), an identifier of two bytes, a Pascal name padded to even size, the length of
the data, the data padded to even size. Long ones go on in the next APP13 segment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from typing import NamedTuple

from ..assembly import Assembly, assemble
from ..model import Segment
from . import iptc

__all__ = [
    "IPTC",
    "Resource",
    "applied",
    "digest",
    "gather",
    "iptc_digests",
    "read_resources",
]

IPTC = 0x0404

_APP13 = 0xED
_HEADER = b"Photoshop 3.0\0"
_OLD_HEADER = b"Adobe_Photoshop2.5:"
_OLD_LENGTH = 27
"""Photoshop 2.5's signature and eight bytes more, as ExifTool reads it."""
_SIGNATURES = frozenset((b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"))
_MOST = 1000
"""Resources; real blocks have some dozens."""


class Resource(NamedTuple):
    """A resource: ``block[start:end]`` with its padding, ``block[data:stop]`` its data."""

    signature: bytes
    number: int
    start: int
    data: int
    stop: int
    end: int


def gather(data: bytes, segments: Sequence[Segment]) -> list[Assembly]:
    """Put together what goes over several segments: those that follow each other."""
    found: list[Assembly] = []
    run: list[Segment] = []
    before: Segment | None = None
    for segment in segments:
        start = segment.offset + 4
        if segment.code == _APP13 and data.startswith(_HEADER, start, segment.end):
            if run and before is not run[-1]:
                found.append(assemble(data, run, len(_HEADER)))
                run = []
            run.append(segment)
        elif segment.code == _APP13 and data.startswith(_OLD_HEADER, start, segment.end):
            found.append(assemble(data, [segment], _OLD_LENGTH))
        before = segment
    if run:
        found.append(assemble(data, run, len(_HEADER)))
    return found


def read_resources(block: bytes) -> tuple[list[Resource], int]:
    """Return the resources, and where they end; zeros behind them belong to them."""
    found: list[Resource] = []
    at = 0
    while at + 12 <= len(block) and block[at : at + 4] in _SIGNATURES and len(found) < _MOST:
        name = block[at + 6]
        data = at + 6 + (name + 2) // 2 * 2 + 4
        length = int.from_bytes(block[data - 4 : data], "big")
        stop = data + length
        if data > len(block) or stop > len(block):
            break
        end = min(stop + length % 2, len(block))
        # Some programs leave the padding byte out.
        if end > stop and block[stop : stop + 4] in _SIGNATURES:
            end = stop
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        found.append(Resource(block[at : at + 4], number, at, data, stop, end))
        at = end
    return found, len(block) if not block[at:].strip(b"\0") else at


def iptc_digests(
    data: bytes, segments: Sequence[Segment], names: Set[str]
) -> tuple[str, str] | None:
    """Return the MD5 of a file's IPTC block, as it was and as it will be; None: it stays."""
    for assembly in gather(data, segments):
        for each in read_resources(assembly.content)[0]:
            if each.number != IPTC:
                continue
            block = assembly.content[each.data : each.stop]
            changes = iptc.clean(block, names)
            if not changes:
                return None
            new = applied(block, changes)
            return digest(block).hex().upper(), digest(new).hex().upper()
    return None


def digest(block: bytes) -> bytes:
    """Return the MD5 of an IPTC block, as resource 0x0425 and XMP state it."""
    return hashlib.md5(block, usedforsecurity=False).digest()


def applied(block: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Return a block with sorted changes made."""
    out: list[bytes] = []
    at = 0
    for start, end, new in changes:
        out += (block[at:start], new)
        at = end
    return b"".join((*out, block[at:]))
