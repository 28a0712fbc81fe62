"""A second look: what a detector takes for a face in a redacted picture, near the regions.

What surrounds a face (a collar, a cap), or a false hit, may look like a face to a network when
its middle is gone; and a face beside it may be seen only now. All of it is redacted too, what
reaches into a region somewhat larger, and looked for again, a few times.

Knows how to look, and how to redact only as a function that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .errors import DetectorError, JpegRedactError
from .finding import Found, Search, boxes_of, with_more
from .geometry import Box, Boxes, Region, as_regions, margin_of
from .redaction.coverage import covers
from .redaction.plan import make_plan
from .report import Notice

if TYPE_CHECKING:
    from .codec.model import Frame, JpegData
    from .limits import Limits
    from .redaction.redact import Outcome

__all__ = ["LABEL", "ROUNDS", "TO_LOOK_AT", "Again", "LooksAgain", "look_again"]

LABEL = "face"
"""What is looked for again: a plate's or a text's place has its shape also when it is filled."""
ROUNDS = 3
"""How often regions are added, at most."""
TO_LOOK_AT = ("still-found", "not-looked-again")
"""Codes of notices that ask a person to look at the redacted picture."""
_GROWN = 0.25
"""By how much what reaches into a region is made larger on each side, as a share of its size.

It was seen with a region as a part of it: what makes a face of that lies around it."""
_REACHES_IN = 0.1
"""What reaches in: more than this share of a region, or of what is seen, is in both."""

BoxTuple = tuple[float, float, float, float]


class LooksAgain(Protocol):
    """What a detector may have as ``again``; `jpegredact.Detecting` has it."""

    def __call__(
        self, jpeg: bytes, near: Sequence[BoxTuple], *, threshold: float | None, effort: str
    ) -> Sequence[Any]:
        """Return the faces in a redacted picture, near these boxes (pixels as stored).

        In any form that a detector may return; all that is returned is redacted.
        """


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
    """Look for faces in a redacted picture, and redact them.

    Nobody looks where no face was looked for, at effort "fast", and with a detector that has no
    ``again``. What is in the way of looking, or of redacting what is seen, is said in a notice: the
    picture without it is whole.

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
    DetectorError
        The detector can't be had any more; the next picture would meet that too.
    """
    again: LooksAgain | None = getattr(search.detector, "again", None)
    if again is None or LABEL not in search.labels or search.effort == "fast":
        return Again(found, outcome, ())
    first, notices = len(found.regions), []
    for number in range(ROUNDS + 1):
        near = _hidden(found, jpeg.frame)
        try:
            seen = list(
                again(outcome.jpeg, near, threshold=search.threshold, effort=search.effort)
            )
        except JpegRedactError as error:
            if isinstance(error, DetectorError) and not error.is_of_the_picture:
                raise
            notices.append(Notice("not-looked-again", f"nobody looked at the result: {error}"))
            break
        if not seen:
            break
        if number == ROUNDS:
            notices.append(_still_found(len(seen), f"after {ROUNDS} rounds"))
            break
        try:
            more = [
                (each, region)
                for each, region in zip(seen, _to_hide(seen, near, jpeg, limits), strict=True)
                if not covers(outcome.plan, make_plan(jpeg, [region], found.margin, limits))
            ]
            if not more:
                notices.append(_still_found(len(seen), "and all of that is redacted"))
                break
            larger = with_more(found, jpeg, more, search, limits)
            outcome = rewrite(larger)
        except JpegRedactError as error:
            notices.append(_still_found(len(seen), f"and that can't be redacted: {error}"))
            break
        found = larger
    if added := len(found.regions) - first:
        notices.insert(
            0,
            Notice(
                "found-again",
                f"{added} of the regions are what the detector took for a face in the redacted "
                "picture",
            ),
        )
    return Again(found, outcome, tuple(notices))


def _still_found(count: int, why: str) -> Notice:
    return Notice(
        "still-found",
        f"look at the result: the detector still takes something for a face there ({count}), {why}",
    )


def _hidden(found: Found, frame: Frame) -> list[BoxTuple]:
    """Return the boxes around the parts of regions, grown by the margin, within the picture.

    None is empty there: `find` has refused what lies outside.
    """
    return [
        box
        for region in found.regions
        for box in _grown(boxes_of(region), margin_of(region, found.margin), frame)
    ]


def _to_hide(
    seen: Iterable[Any], near: Sequence[BoxTuple], jpeg: JpegData, limits: Limits
) -> Iterator[Region]:
    """Yield what is to be redacted for each thing seen: larger, if it reaches into a region."""
    for region in as_regions(seen, limits):
        boxes = boxes_of(region)
        if any(_reaches_in(box, hidden) for hidden in near for box in boxes):
            parts = tuple(_grown(boxes, margin_of(region, (_GROWN, True)), jpeg.frame))
            if isinstance(region, Boxes):
                yield replace(region, parts=parts)
            else:
                yield Box(*parts[0], label=region.label, score=region.score, id=region.id)
        else:
            yield region


def _grown(
    boxes: Iterable[BoxTuple], margin: tuple[float, float], frame: Frame
) -> Iterator[BoxTuple]:
    """Yield boxes larger by a margin, across and down, within the picture."""
    across, down = margin
    for left, top, right, bottom in boxes:
        yield (
            max(left - across, 0), max(top - down, 0),
            min(right + across, frame.width), min(bottom + down, frame.height),
        )  # fmt: skip


def _reaches_in(box: BoxTuple, hidden: BoxTuple) -> bool:
    across = min(box[2], hidden[2]) - max(box[0], hidden[0])
    down = min(box[3], hidden[3]) - max(box[1], hidden[1])
    both = max(across, 0.0) * max(down, 0.0)
    return any(both > _REACHES_IN * _area(each) for each in (box, hidden))


def _area(box: BoxTuple) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
