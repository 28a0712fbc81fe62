"""ICC profiles in APP2 (ICC.1:2022, annex B.4): whether they hold nothing but a profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .. import carve

__all__ = ["SIGNATURE", "first_set", "profile_problem"]

SIGNATURE = b"ICC_PROFILE\0"
_HEADER = 128
_MOST_TAGS = 200
_MOST_UNKNOWN = 2048
"""Bytes of a profile that no known tag accounts for: padding and makers' own, not a picture."""
_MOST_NUMBERS, _MOST_LONG, _MOST_LONG_ALL = 1024, 8208, 48 << 10
"""Bytes of a tag of numbers, of one of text or a curve of 4096 points, and of all of these."""

_TAGS = frozenset(
    b"A2B0 A2B1 A2B2 A2B3 A2M0 B2A0 B2A1 B2A2 B2A3 B2D0 B2D1 B2D2 B2D3 D2B0 D2B1 D2B2 D2B3 "
    b"bXYZ bTRC gXYZ gTRC rXYZ rTRC kTRC wtpt bkpt calt targ chad chrm cicp clro clrt clot cprt "
    b"ciis dmnd dmdd gamt lumi meas meta ncl2 pre0 pre1 pre2 pseq psid desc rig0 rig2 resp tech "
    b"vued view crdi ncol psd0 psd1 psd2 psd3 ps2s ps2i devs bfd scrd scrn "
    b"vcgt ndin mmod dscm aarg aagg aabg ucmI MS00 psvm Abrt MHC2".split()
)
"""Tags of ICC.1:2022 and of its second version, and those of Apple, Adobe, Microsoft, Sony."""

_TABLES = frozenset(b"mft1 mft2 mAB mBA mpet ncl2".split())
_LONG = frozenset(b"curv vcgt desc mluc text dict pseq psid MS10".split())
_NUMBERS = frozenset(
    b"XYZ para sf32 uf32 ui08 ui16 ui32 ui64 sig chrm meas view dtim clrt clro cicp crdi rcs2 "
    b"devs bfd scrn ncol ndin mmod ucmI MHC2".split()
)


def first_set(chunks: Sequence[bytes]) -> tuple[int, ...]:
    """Return which of the contents of APP2 segments are the pieces of the first profile.

    The first of each number; more than one whole profile, or a piece twice, is of no use.
    """
    numbers: dict[int, int] = {}
    for index, chunk in enumerate(chunks):
        if len(chunk) >= len(SIGNATURE) + 2:
            numbers.setdefault(chunk[len(SIGNATURE)], index)
    return tuple(sorted(numbers.values()))


def profile_problem(chunks: Sequence[bytes]) -> str:
    """Say why the contents of the APP2 segments, in their order, are no profile; "" if they are.

    A profile whose size is not what its header says is still used by readers, so it stays as
    long as all of its bytes are accounted for.
    """
    head = len(SIGNATURE) + 2
    if any(len(chunk) < head for chunk in chunks):
        return "a segment is too short"
    numbers = sorted(chunk[head - 2] for chunk in chunks)
    first = min(numbers[:1], default=1)  # 1; some programs count from 0
    if first > 1 or numbers != list(range(first, first + len(chunks))):
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
    table = (0, _HEADER + 4 + 12 * count)
    tags: list[tuple[bytes, int, int]] = []
    for at in range(_HEADER + 4, table[1], 12):
        offset, size = _number(profile, at + 4), _number(profile, at + 8)
        tags.append((profile[at : at + 4], offset, min(offset + size, len(profile))))
    for hit in carve.carve(profile, [(0, len(profile))]):
        if hit.coherent:
            within = (name for name, start, end in tags if start <= hit.offset < end)
            return f"its tag {next(within, b'')!r} may hold a picture"
    spans = [table, *_known(profile, tags)]
    if _uncovered(spans, len(profile)) > _MOST_UNKNOWN:
        return "it has bytes that no known tag accounts for"
    return ""


def _known(profile: bytes, tags: Iterable[tuple[bytes, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where the tags are whose names, types and lengths are such as profiles have."""
    left, seen = _MOST_LONG_ALL, set()
    for name, start, end in tags:
        kind = profile[start : start + 4].rstrip(b" \0")
        if name.rstrip() not in _TAGS or name in seen or start >= end:
            continue
        seen.add(name)
        if kind in _TABLES or (kind in _NUMBERS and end - start <= _MOST_NUMBERS):
            yield start, end
        elif kind in _LONG and end - start <= min(_MOST_LONG, left):
            left -= end - start
            yield start, end


def _uncovered(spans: list[tuple[int, int]], length: int) -> int:
    covered_to, missing = 0, 0
    for start, end in sorted(spans):
        missing += max(0, start - covered_to)
        covered_to = max(covered_to, end)
    return missing + max(0, length - covered_to)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
