"""ICC profiles in APP2 (ICC.1:2022, annex B.4): whether they hold nothing but a profile."""

from __future__ import annotations

from collections.abc import Sequence

from .. import carve

__all__ = ["SIGNATURE", "profile_problem"]

SIGNATURE = b"ICC_PROFILE\0"
_HEADER = 128
_MOST_TAGS = 200
_MOST_UNKNOWN = 2048
"""Bytes of a profile that no tag accounts for: padding, not a picture."""


def profile_problem(chunks: Sequence[bytes]) -> str:
    """Say why the contents of the APP2 segments, in their order, are no profile; "" if they are.

    A profile whose size is not what its header says is still used by readers, so it stays as
    long as all of its bytes are accounted for.
    """
    head = len(SIGNATURE) + 2
    if any(len(chunk) < head for chunk in chunks):
        return "a segment is too short"
    numbers = [chunk[head - 2] for chunk in chunks]
    if sorted(numbers) != list(range(1, len(chunks) + 1)):
        return "its pieces are not numbered from 1 on"
    ordered = sorted(chunks, key=lambda chunk: chunk[head - 2])
    return _problem(b"".join(chunk[head:] for chunk in ordered))


def _problem(profile: bytes) -> str:
    if not profile:
        return ""
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        return "it has no profile header"
    count = _number(profile, _HEADER)
    if count > _MOST_TAGS or _HEADER + 4 + 12 * count > len(profile):
        return "its tag table is damaged"
    spans = [(0, _HEADER + 4 + 12 * count)]
    for at in range(_HEADER + 4, _HEADER + 4 + 12 * count, 12):
        offset, size = _number(profile, at + 4), _number(profile, at + 8)
        spans.append((offset, min(offset + size, len(profile))))
        hits = carve.carve(profile, [(offset, offset + size)])
        if any(hit.coherent for hit in hits):
            return f"its tag {profile[at : at + 4]!r} may hold a picture"
    if _uncovered(spans, len(profile)) > _MOST_UNKNOWN:
        return "it has bytes that no tag accounts for"
    return ""


def _uncovered(spans: list[tuple[int, int]], length: int) -> int:
    covered_to, missing = 0, 0
    for start, end in sorted(spans):
        missing += max(0, start - covered_to)
        covered_to = max(covered_to, end)
    return missing + max(0, length - covered_to)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
