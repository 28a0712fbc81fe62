"""Everything that is found in an original and in what was made of it, judged and explained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .carver import Finding, carve
from .decode import any_jpeg
from .exiftool import HAVE_EXIFTOOL, shared
from .judge import DETAIL, Box, Judgement, Pictures, judge, shows_original

__all__ = [
    "Judged",
    "all_pictures",
    "explain",
    "judged",
    "pictures_of_original",
    "survivors",
    "what_shows",
]

Judged = tuple[Finding, Judgement]


def all_pictures(data: bytes, grey: np.ndarray | None = None) -> list[Finding]:
    """Return what the carver and, where there is one, ExifTool find; each picture once."""
    found = carve(data, grey)
    if HAVE_EXIFTOOL:
        known = {_pixels(finding) for finding in found}
        found += [f for f in shared().pictures(data) if f.grey is None or _pixels(f) not in known]
    return found


@lru_cache(maxsize=4)
def pictures_of_original(data: bytes) -> tuple[Finding, ...]:
    """Return an original's pictures: asked for in each policy, searched for once."""
    decoded = any_jpeg(data)
    return tuple(all_pictures(data, None if decoded is None else decoded[0]))


def _pixels(finding: Finding) -> object:
    if finding.grey is None:
        return None
    return finding.grey.shape, np.round(finding.grey).astype(np.int16).tobytes()


def judged(original: bytes, redacted: bytes, box: Box, of: bytes) -> list[Judged] | None:
    """Judge all pictures in ``of``, one of the two files. None: they can't be decoded."""
    pictures = Pictures.of(original, redacted, box)
    if pictures is None:
        return None
    found = pictures_of_original(of) if of is original else all_pictures(of, pictures.original)
    return [(finding, judge(finding, pictures)) for finding in found]


def what_shows(found: Sequence[Judged]) -> list[Judged]:
    """Return what shows the region, or may."""
    return [one for one in found if shows_original(one[1])]


def survivors(before: Sequence[Finding], after: Sequence[Judged]) -> list[Judged]:
    """Return pictures that can't be judged, and are in both files with the very same pixels.

    A side copy whose region has no detail, or that shows something else, is no proof of anything
    by itself; that it went through untouched is. Flat ones are alike by nature.
    """
    old = {_pixels(f) for f in before if f.grey is not None and float(f.grey.std()) >= DETAIL}
    return [
        (finding, judgement)
        for finding, judgement in after
        if judgement.verdict in ("unrelated", "no detail") and _pixels(finding) in old
        # Nothing was changed at this size: made anew, it is the same.
        and not (judgement.verdict == "no detail" and judgement.alike > 0.9
                 and judgement.detail < 0.2)
    ]  # fmt: skip


def explain(one: Judged) -> str:
    """Return a finding and what was measured, for a person."""
    finding, judgement = one
    size = "×".join(map(str, finding.size)) if finding.size else "?"
    return (
        f"{finding.kind} of {size} in {finding.place} at byte {finding.offset}: "
        f"{judgement.verdict} (alike {judgement.alike:.2f}, with the original's region "
        f"{judgement.to_original:+.2f}, with the redacted {judgement.to_redacted:+.2f}, with what "
        f"was taken out {judgement.taken_out:+.2f}, share {judgement.share:+.2f}, edges "
        f"{judgement.edges:+.2f}, detail {judgement.detail:.1f}; {judgement.fits})"
    )
