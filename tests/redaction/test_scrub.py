"""Side copies are cleaned where no region is redacted, if that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from container_files import picture, segment, with_segments
from pictures import pillow_jpeg

import jpegredact as jr


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_what_hides_elsewhere_goes_and_comes_back(photo: np.ndarray, options: dict) -> None:
    data = pillow_jpeg(photo, **options) + pillow_jpeg(photo[::4, ::4])
    assert jr.redact(data, []).jpeg == data
    done = jr.redact(data, [], scrub=True)
    assert done.jpeg == pillow_jpeg(photo, **options)
    assert done.report.regions == ()
    assert done.diff.regions == ()
    assert jr.restore(done.jpeg, done.diff) == data
    assert jr.verify(data, done.jpeg, done.diff).ok
    with pytest.raises(jr.DiffMismatchError):
        jr.restore(data[:-9], done.diff)


def test_nothing_to_clean_gives_no_diff(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo)
    done = jr.redact(data, [], scrub=True, note=True)
    assert (done.jpeg, done.diff) == (data, None)


def test_strict_leaves_what_shows_the_picture() -> None:
    data = with_segments(picture(), segment(0xFE, b"a comment"))
    done = jr.redact(data, [], scrub=True, side_copies="strict")
    assert b"a comment" not in done.jpeg
    assert jr.restore(done.jpeg, done.diff) == data


def test_a_process_that_finds_nothing(photo: np.ndarray) -> None:
    data = pillow_jpeg(photo) + pillow_jpeg(photo[::4, ::4])
    done = jr.process(data, scrub=True)
    assert done.entry.detections == ()
    assert done.entry.redacted == done.report.redacted != done.report.original
    assert jr.restore(done.jpeg, done.diff) == data
