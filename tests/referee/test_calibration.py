"""The thresholds hold on real files: untouched copies are flagged, copies made anew are not.

No jpegredact in it: the redacted picture is the original with a smooth middle. Run over the corpus,
of what was taken out an untouched copy holds a share of 0.67 to 1.15 (1st to 99th percentile), and
correlates with it by 0.67 to 1.00; a copy made anew has 0.00 to 0.05, and 0.00 to 0.14.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from guarantees import helpers
from PIL import Image
from scipy import ndimage

from . import planted
from .carver import carve
from .decode import any_jpeg, resize, small_grey
from .judge import SURELY_SAME, Pictures, judge, shows_original

FOLDER = helpers.CORPUS / "files"
FILES = sorted(p.name for p in FOLDER.iterdir()) if FOLDER.is_dir() else []
THIRD = (1 / 3, 1 / 3, 2 / 3, 2 / 3)


def smooth_middle(grey: np.ndarray) -> np.ndarray:
    """Return a picture whose middle is filled from around it."""
    rows, columns = grey.shape
    middle = np.s_[rows // 3 : 2 * rows // 3 + 1, columns // 3 : 2 * columns // 3 + 1]
    known = np.ones(grey.shape, np.float32)
    known[middle] = 0
    reach = max(rows, columns) / 10
    weight = np.maximum(ndimage.gaussian_filter(known, reach), 1e-3)
    filled = grey.copy()
    filled[middle] = (ndimage.gaussian_filter(grey * known, reach) / weight)[middle]
    return filled


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", FILES or [pytest.param("", marks=pytest.mark.skip(reason="the corpus is not there"))]
)
def test_untouched_copies_are_told_from_new_ones(name: str) -> None:
    jpeg = Path(FOLDER, name).read_bytes()
    decoded = any_jpeg(jpeg)
    if decoded is None:
        return  # broken on purpose, or too large: there is nothing to compare with
    grey, size = decoded
    pictures = Pictures(grey, smooth_middle(grey), THIRD, size)
    for finding in carve(jpeg, grey):
        untouched = judge(finding, pictures)
        if untouched.alike < SURELY_SAME or finding.grey is None or finding.kind == "raw samples":
            continue  # another scene; a gain map; samples found by trial begin where they may
        assert untouched.verdict in ("shows", "no detail"), (finding.place, untouched)
        if not untouched.fits.startswith("orientation 1 stretched") or untouched.detail < 1:
            continue
        rows, columns = finding.grey.shape
        new = resize(pictures.redacted, columns, rows)
        saved = planted.saved(Image.fromarray(np.clip(new, 0, 255).astype(np.uint8)), quality=60)
        again = small_grey(saved)
        assert again is not None
        judgement = judge(replace(finding, grey=again[0]), pictures)
        if min(rows, columns) >= 24:
            assert not shows_original(judgement), (finding.place, judgement)
