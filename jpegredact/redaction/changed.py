"""What was changed in a file that is not as a diff wants it: pixels, coding, or metadata."""

from __future__ import annotations

from collections.abc import Mapping

from ..codec.model import JpegData
from ..diff import Document, GroupRecord
from ..diff.parts import held_groups
from ..errors import DiffMismatchError, InvalidDiffError, InvalidJpegError, VerificationError
from .around import fits
from .diffplan import diff_plan, mismatch
from .fingerprints import coding_fingerprint, frame_fingerprint
from .opening import open_picture
from .picture import Picture, fill_digest
from .rewriting import rewrite
from .sample import make_sample

__all__ = ["changed", "require_same_frame", "require_sample", "shown_groups"]

_MODIFIED = (
    "allow_modified (--allow-modified) brings regions back nevertheless, but not the original's "
    "very bytes"
)
_PIXELS = "the picture was changed where it was redacted"
_LAYERS = "if it was redacted again since, bring that back first, with its own diff"
_ELSEWHERE = (
    f"{_LAYERS}; regions that are named one by one come back with allow_modified (--allow-modified "
    "--regions 0) where what is directly around them is the same"
)


def changed(
    data: bytes, jpeg: JpegData, document: Document, why: str = ""
) -> DiffMismatchError:
    """Return the error that says what was changed in a file.

    It may have other pixels, may be coded otherwise, or only have other metadata. ``why`` is what
    kept it from being read as the diff's own.
    """
    held = held_groups(document)
    if not held:
        return mismatch("the file is another one, or it was changed since it was redacted")
    first = next(iter(held.values()))
    try:
        require_same_frame(jpeg, first)
        picture = open_picture(data, jpeg, diff_plan(jpeg, list(held.values())), ring=True)
        shown_groups(picture, held, document)
        elsewhere = _elsewhere(picture, document)
    except DiffMismatchError as error:
        return mismatch(error.message, error.code, _LAYERS)
    except (InvalidDiffError, InvalidJpegError, VerificationError):
        return mismatch(why or _PIXELS, "diff.pixels", _LAYERS)
    if elsewhere is not None:
        return elsewhere
    scans = [(scan.start, scan.end) for scan in jpeg.scans]
    if not why and coding_fingerprint(data, jpeg.segments, scans) == first.coding:
        return mismatch(
            "only metadata was changed since the file was redacted", "diff.metadata", _MODIFIED
        )
    return mismatch(
        "the picture was coded anew, or changed outside the regions, since it was redacted",
        "diff.coding",
        f"{_LAYERS}; else {_MODIFIED}",
    )  # fmt: skip


def require_same_frame(jpeg: JpegData, group: GroupRecord) -> None:
    """Refuse a picture whose coefficients mean something else.

    Raises
    ------
    DiffMismatchError
    """
    if frame_fingerprint(jpeg) != group.frame:
        raise mismatch(
            "the picture was compressed anew, turned, or is another one", "diff.pixels"
        )


def shown_groups(
    picture: Picture, held: Mapping[int, GroupRecord], document: Document
) -> frozenset[int]:
    """Return which groups show the original's real blocks; all others must show their fills.

    Parameters
    ----------
    picture
        Whose plan has these groups, in this order; with the blocks around them.

    Raises
    ------
    DiffMismatchError
        A group shows neither, or it is another picture around it.
    InvalidDiffError, VerificationError
    """
    if not fits(picture, list(held.values())):
        raise mismatch(
            "the picture was turned, compressed anew, or changed around the regions, since it was "
            "redacted",
            "diff.pixels",
        )
    seen = [picture.pack_real(place) for place in range(len(held))]
    doubtful = [
        (place, number)
        for place, number in enumerate(held)
        if fill_digest(seen[place]) != document.public.fills[number]
    ]
    if not doubtful:
        return frozenset()
    edits = picture.edits()
    for place, number in doubtful:
        edits.put_blocks(picture, place, held[number].blocks, ())
    tables = {table.order: table for table in picture.jpeg.tables}
    _, revealed = rewrite(picture, edits, tables, {})
    for place, _ in doubtful:
        if revealed.pack_real(place) != seen[place]:
            raise mismatch(_PIXELS, "diff.pixels")
    return frozenset(number for _, number in doubtful)


def require_sample(picture: Picture, document: Document) -> None:
    """Refuse a picture with other coefficients in the blocks elsewhere that a whole diff knows.

    ``picture`` is one whose plan has all groups that the diff has.

    Raises
    ------
    DiffMismatchError
    """
    error = _elsewhere(picture, document)
    if error is not None:
        raise error


def _elsewhere(picture: Picture, document: Document) -> DiffMismatchError | None:
    file = document.file
    if file is None or file.sample is None or None in document.groups:
        return None
    rows, wanted = file.sample
    plan = picture.plan
    sample_plan = make_sample(picture.jpeg, plan, rows).plan(plan.grids)
    try:
        seen = open_picture(picture.data, picture.jpeg, sample_plan, ring=False)
        if seen.checksum(seen.members) == wanted:
            return None
    except InvalidJpegError as error:
        why = f"the coded data does not fit the diff: {error.message}"
    else:
        why = "the picture was compressed anew, or changed elsewhere, since it was redacted"
    return mismatch(why, "diff.pixels", _ELSEWHERE)
