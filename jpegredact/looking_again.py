"""A second look: what a detector takes for a face in a redacted picture, where regions are.

What surrounds a face (a collar, a cap), or a false hit, may look like a face to a network when
its middle is gone. What reaches into a region is redacted too, somewhat larger, and
looked for again, a few times.

Knows how to look, and how to redact only as a function that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .finding import Found, Search, boxes_of, with_more
from .geometry import Region, margin_of
from .report import Notice

if TYPE_CHECKING:
    from .codec.model import JpegData
    from .limits import Limits
    from .redaction.redact import Outcome

__all__ = ["LABEL", "ROUNDS", "Again", "LooksAgain", "look_again"]

LABEL = "face"
"""What is looked for again: a plate's or a text's place has its shape also when it is filled."""
ROUNDS = 3
"""How often regions are added, at most."""
_GROWN = 0.25
"""By how much what is found again is made larger on each side, as a share of its size.

It was seen with a region as a part of it: what makes a face of that lies around it."""
_REACHES_IN = 0.1
"""Share of a region that something must cover to count as found in it."""

BoxTuple = tuple[float, float, float, float]


class LooksAgain(Protocol):
    """What a detector may have as ``again``; `jpegredact.Detecting` has it."""

    def __call__(
        self, jpeg: bytes, near: Sequence[BoxTuple], *, threshold: float | None, effort: str
    ) -> Sequence[Any]:
        """Return the faces in a redacted picture, near these boxes (pixels as stored)."""


class Again(NamedTuple):
    """What there is to redact after looking again."""

    found: Found
    outcome: Outcome
    """The picture redacted so."""
    notices: tuple[Notice, ...]
    """What the report should say of it."""


def look_again(
    outcome: Outcome,
    jpeg: JpegData,
    found: Found,
    search: Search,
    limits: Limits,
    rewrite: Callable[[Found], Outcome],
) -> Again:
    """Look for faces in a redacted picture, and redact those that reach into its regions.

    Nobody looks where no face was looked for, at effort "fast", and with a detector that has no
    ``again``.

    Parameters
    ----------
    outcome, found
        What ``rewrite`` gives for ``found``, and that.
    jpeg
        The original.
    search
        How things were found.
    limits
        Bounds on the number of regions.
    rewrite
        Redacts the original.

    Raises
    ------
    DetectorError, InvalidRegionError, LimitExceededError
    """
    again: LooksAgain | None = getattr(search.detector, "again", None)
    if again is None or LABEL not in search.labels or search.effort == "fast":
        return Again(found, outcome, ())
    first, notices = len(found.regions), []
    for number in range(ROUNDS + 1):
        near = [box for region in found.regions for box in _hidden(region, found.margin)]
        seen = [
            each
            for each in again(
                outcome.jpeg, near, threshold=search.threshold, effort=search.effort
            )
            if any(_share(box, by) > _REACHES_IN for box in near for by in _boxes_of(each))
        ]
        if not seen:
            break
        more = with_more(found, jpeg, seen, _GROWN, search, limits) if number < ROUNDS else found
        after = rewrite(more) if number < ROUNDS else outcome
        if after.jpeg == outcome.jpeg:  # nothing more can be hidden
            notices.append(
                Notice(
                    "still-found",
                    f"the detector still takes {len(seen)} places that reach into redacted "
                    "regions for a face: look at them",
                )
            )
            break
        found, outcome = more, after
    if added := len(found.regions) - first:
        notices.insert(
            0,
            Notice(
                "found-again",
                f"{added} of the regions are what the detector took for a face where regions "
                "had been redacted",
            ),
        )
    return Again(found, outcome, tuple(notices))


def _hidden(region: Region, margin: tuple[float, bool]) -> Iterator[BoxTuple]:
    """Yield the boxes around a region's parts, grown by the margin."""
    across, down = margin_of(region, margin)
    for left, top, right, bottom in boxes_of(region):
        yield left - across, top - down, right + across, bottom + down


def _boxes_of(seen: Any) -> Sequence[BoxTuple]:
    return getattr(seen, "parts", ()) or (seen.box,)


def _share(box: BoxTuple, by: BoxTuple) -> float:
    """Return how much of a box another one covers."""
    across = min(box[2], by[2]) - max(box[0], by[0])
    down = min(box[3], by[3]) - max(box[1], by[1])
    return max(across, 0.0) * max(down, 0.0) / ((box[2] - box[0]) * (box[3] - box[1]))
