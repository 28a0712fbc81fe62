"""A sealed diff in the redacted file itself: put in, found, left out.

The diff's digest is of the file without the box, so that whoever reads the diff leaves out what
belongs to it first: every box with a diff of the same redacted file. Boxes of other layers, which
were in the file when it was redacted again, are part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..codec.model import JpegData
from ..codec.reader import read_jpeg
from ..container.segments.diffbox import (
    TYPE,
    DiffBox,
    find_boxes,
    free_number,
    make_box,
    segments_for,
)
from ..errors import InvalidDiffError, LimitExceededError, VerificationError
from ..limits import Limits

if TYPE_CHECKING:
    from ..diff.stored import SealedDiff

# Few files have one: what only they need is imported where one was found.

__all__ = ["Taken", "embed", "embedded_diffs", "outermost_diff", "sealed_detail", "take_out"]


class Taken(NamedTuple):
    """A file without a diff's boxes, and these, as they stood in it."""

    data: bytes
    boxes: tuple[bytes, ...]

    def put_back(self, data: bytes, limits: Limits) -> bytes:
        """Return another state of the file with the boxes that were taken out."""
        if not self.boxes:
            return data
        from ..container.insert import inserted

        return inserted(data, read_jpeg(data, limits).segments, b"".join(self.boxes))


def embed(data: bytes, diff: SealedDiff, limits: Limits) -> bytes:
    """Return a redacted file with its diff in it.

    Raises
    ------
    LimitExceededError
        The diff is too long for that.
    VerificationError
        It does not come out again as it went in.
    """
    from ..container.insert import inserted

    content = diff.to_bytes()
    segments = read_jpeg(data, limits).segments
    count, number = segments_for(len(content)), free_number(data, segments)
    if count is None or number is None:
        raise _too_large("no box can hold it" if count is None else "the file has too many boxes")
    try:
        limits.check("max_segments", len(segments) + count, "segments")
        box = make_box(content, number)
        limits.check("max_bytes", len(data) + len(box), "bytes")
    except LimitExceededError as error:
        raise _too_large(error.message) from error
    whole = inserted(data, segments, box)
    if take_out(whole, diff.public.redacted, limits) != (data, (box,)):
        raise VerificationError(
            "the diff can't be put into this file so that it comes out again", code="redact.embed",
            hint="store it apart",
        )  # fmt: skip
    return whole


def take_out(data: bytes, redacted: bytes, limits: Limits) -> Taken:
    """Return a file without the boxes whose diffs are of the redacted file with this SHA-256.

    Raises
    ------
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    """
    if TYPE not in data:
        return Taken(data, ())
    jpeg = read_jpeg(data, limits)
    boxes = [
        box for box, diff in embedded_diffs(data, jpeg, limits) if diff.public.redacted == redacted
    ]
    if not boxes:
        return Taken(data, ())
    from ..container.insert import without

    bare = without(data, jpeg.segments, [(box.start, box.end) for box in boxes])
    return Taken(bare, tuple(data[box.start : box.end] for box in boxes))


def embedded_diffs(
    data: bytes, jpeg: JpegData, limits: Limits
) -> Sequence[tuple[DiffBox, SealedDiff]]:
    """Return the sealed diffs in a file, in its order: that of the last layer comes first."""
    from ..diff.stored import parse_published

    return [
        (box, diff)
        for box in find_boxes(data, jpeg.segments)
        if (diff := parse_published(box.content, limits)) is not None
    ]


def outermost_diff(data: bytes, limits: Limits) -> bytes:
    """Return the bytes of the diff in a file; of several, that of the last layer.

    Raises
    ------
    InvalidDiffError
        There is none.
    InvalidJpegError, UnsupportedJpegError, LimitExceededError
    """
    found = embedded_diffs(data, read_jpeg(data, limits), limits) if TYPE in data else ()
    if not found:
        raise InvalidDiffError(
            "no diff is embedded in this JPEG", code="diff.not-embedded",
            hint="whatever takes out metadata takes it out too; give the diff that is stored apart",
        )  # fmt: skip
    return found[0][0].content


def sealed_detail(content: bytes, limits: Limits) -> str:
    """Say what embedded diff some bytes are; "" where they are none."""
    from ..diff.stored import parse_published

    diff = parse_published(content, limits)
    if diff is None:
        return ""
    owners, groups = len(diff.sealed.envelopes), len(diff.public.fills)
    return (
        f"sealed unblur-diff of {groups} group{'s' * (groups != 1)} to {owners} "
        f"owner{'s' * (owners != 1)}"
    )


def _too_large(what: str) -> LimitExceededError:
    return LimitExceededError(
        f"the diff can't be embedded: {what}", code="limit.embedded", hint="store it apart"
    )
