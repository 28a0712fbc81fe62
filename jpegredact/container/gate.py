"""The last gate: a redacted file is read again, and searched for pictures outside its scans.

The first line is that every byte kept is on a keep-list; this is the second one. It knows no
original: whatever a walker finds in the output must be something that may stand there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from ..errors import SideCopyError
from .carve import Hit, carve
from .model import Policy, SideCopy
from .segments.refusals import may_stay
from .walk import Contents

__all__ = ["must_go", "require_clean"]

_SOI = 2
_SOS = 0xDA
_GONE = frozenset({"drop", "zero", "refuse"})
_TIFF = 10
"""From an Exif segment's marker to its TIFF header."""
_HINT = "side_copies='strict' drops all that is not needed to show the picture"
_MADE = frozenset({"regenerate", "redact"})


def require_clean(
    data: bytes,
    segments: Sequence[tuple[int, int, int]],
    contents: Contents,
    policy: Policy,
    cuts: Sequence[tuple[int, int]],
) -> None:
    """Raise an error if a file that was scrubbed still holds what had to go.

    Parameters
    ----------
    data
        The output without its scans' coded data.
    segments
        Marker code, offset and end of its segments, up to EOI.
    contents
        What a walk over ``data`` found.
    cuts
        Where in ``data`` coded data was left out, and how many bytes.

    Raises
    ------
    SideCopyError
        With the offset in the output.
    """
    if policy == "keep":
        return  # it is asked for, and said aloud
    if contents.images is not None:
        images = contents.images.with_places(lambda offset: _without(offset, cuts))
        contents = contents._replace(images=images)
    made = []
    for copy in contents.copies:
        if must_go(copy, policy):
            raise SideCopyError(
                f"{copy.detail} ({copy.kind}) is still there after cleaning",
                code="side-copy.left", offset=_in_file(copy.offset, cuts),
                hint="please report this file as a bug",
            )  # fmt: skip
        if copy.actions.of(policy) in _MADE:
            made.append((copy.offset, copy.offset + copy.length))
            made.extend(copy.pieces)
    headers = {copy.offset + _TIFF for copy in contents.copies if copy.kind == "exif"}
    hits = carve(data, _spans(data, segments, cuts))
    for hit in [*hits, *_joined(data, segments)]:
        if hit.kind == "tiff" and hit.offset in headers:
            continue  # what it refers to was looked at, value by value
        if hit.coherent and not any(start <= hit.offset < end for start, end in made):
            raise SideCopyError(
                f"something like a {hit.kind} picture stands where none should",
                code="side-copy.carved", offset=_in_file(hit.offset, cuts),
                hint=_HINT if policy == "default" else "",
            )  # fmt: skip


def must_go(copy: SideCopy, policy: Policy) -> bool:
    """Whether a redacted file, forced or not, must not hold this any more."""
    action = copy.actions.of(policy)
    return action in _GONE and not (action == "refuse" and may_stay(copy, policy))


def _joined(data: bytes, segments: Sequence[tuple[int, int, int]]) -> Iterator[Hit]:
    """Yield JPEGs that go over several segments, without the segments' own markers and lengths.

    Only from one to the next; what is known to be a series, such as a profile, was put together
    by its carrier.
    """
    ordered = sorted(
        (offset, end) for code, offset, end in segments if code != _SOS and offset >= _SOI
    )
    runs: list[list[tuple[int, int]]] = []
    for offset, end in ordered:
        if runs and runs[-1][-1][1] == offset:
            runs[-1].append((offset, end))
        else:
            runs.append([(offset, end)])
    for run in runs:
        if len(run) < 2:
            continue
        ends = list(accumulate(end - offset - 4 for offset, end in run))
        content = b"".join(data[offset + 4 : end] for offset, end in run)
        for hit in carve(content, [(0, len(content))]):
            which = bisect_right(ends, hit.offset)
            if hit.kind == "jpeg" and which < len(run):
                yield hit._replace(offset=run[which][1] - ends[which] + hit.offset)


def _spans(
    data: bytes, segments: Sequence[tuple[int, int, int]], cuts: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return where something could hide: segments, and what stands behind coded data and EOI.

    Not in front of segments: what begins there is the picture itself, with another SOI marker.
    """
    spans = [(offset, end) for _, offset, end in segments if offset >= _SOI]
    starts = sorted(offset for _, offset, _ in segments)
    for at, _ in cuts:
        spans.append((at, next((start for start in starts if start >= at), len(data))))
    last = max((end for _, _, end in segments), default=_SOI)
    return sorted({*spans, (last, len(data))})


def _without(offset: int, cuts: Sequence[tuple[int, int]]) -> int:
    """Return where a byte of the file is without what was left out; its place where it was."""
    gone = 0
    for at, length in cuts:
        if offset <= at + gone:
            break
        gone += min(length, offset - at - gone)
    return offset - gone


def _in_file(offset: int, cuts: Sequence[tuple[int, int]]) -> int:
    return offset + sum(length for at, length in cuts if at <= offset)
