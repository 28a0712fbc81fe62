"""The last gate: a redacted file is read again, and searched for pictures outside its scans.

The first line is that every byte kept is on a keep-list; this is the second one. It knows no
original: whatever a walker finds in the output must be something that may stand there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SideCopyError
from .carve import carve
from .model import Policy
from .walk import Contents

__all__ = ["require_clean"]

_GONE = frozenset({"drop", "zero", "refuse"})
_MADE = frozenset({"regenerate", "redact"})


def require_clean(
    data: bytes, contents: Contents, policy: Policy, coded: Sequence[tuple[int, int]]
) -> None:
    """Raise an error if a file that was scrubbed still holds what had to go.

    Parameters
    ----------
    contents
        What a walk over ``data``, the output, found.
    coded
        Where its scans' coded data lies.

    Raises
    ------
    SideCopyError
        With the offset in the output.
    """
    if policy == "keep":
        return  # it is asked for, and said aloud
    made = []
    for copy in contents.copies:
        action = copy.actions.of(policy)
        if action in _GONE:
            raise SideCopyError(
                f"{copy.detail} ({copy.kind}) is still there after cleaning",
                code="side-copy.left", offset=copy.offset,
                hint="please report this file as a bug",
            )  # fmt: skip
        if action in _MADE:
            made.append((copy.offset, copy.offset + copy.length))
            made.extend(copy.pieces)
    for hit in carve(data, _outside(len(data), coded)):
        if hit.coherent and not any(start <= hit.offset < end for start, end in made):
            raise SideCopyError(
                f"something like a {hit.kind} picture stands where none should",
                code="side-copy.carved", offset=hit.offset,
                hint="side_copies='strict' drops all that is not needed to show the picture",
            )  # fmt: skip


def _outside(length: int, coded: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is no coded data, without the SOI that the file begins with."""
    spans = []
    at = 2
    for start, end in sorted(coded):
        spans.append((at, start))
        at = end
    return [*spans, (at, length)]
