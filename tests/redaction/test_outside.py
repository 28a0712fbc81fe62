"""What no region touches does not depend on how much is cut out at a time."""

from unittest import mock

import numpy as np
import pytest
from jpegmaker import Table, make_jpeg, random_parts, segment, standard_tables
from pictures import pillow_jpeg

import jpegredact as jr
from jpegredact.codec import scan
from jpegredact.codec.reader import read_jpeg
from jpegredact.geometry import as_regions
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.redaction import picture
from jpegredact.redaction.opening import open_picture
from jpegredact.redaction.plan import make_plan

COLOUR = ((2, 2), (1, 1), (1, 1))
BOXES = [(8, 8, 40, 40), (100, 60, 140, 100), (60, 90, 62, 92)]


def opened(data: bytes) -> picture.Picture:
    jpeg = read_jpeg(data)
    plan = make_plan(jpeg, as_regions(BOXES, DEFAULT_LIMITS), (0, False), DEFAULT_LIMITS)
    return open_picture(data, jpeg, plan, ring=False)


def outside(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return where each touched interval begins, and what of it no region touches."""
    return [
        (interval.raw_start, bits, b"".join(map(bytes, pieces)))
        for interval, (bits, pieces) in opened(data).outside()
    ]


def large_segments(count: int, size: int) -> bytes:
    return b"".join(segment(0xE5, bytes([k]) * size) for k in range(count))


PICTURES = {
    "one scan": lambda: make_jpeg(160, 120, random_parts(160, 120, COLOUR)),
    "restarts": lambda: make_jpeg(160, 120, random_parts(160, 120, COLOUR), restart=3),
    "scans": lambda: make_jpeg(
        160, 120, random_parts(160, 120, COLOUR), restart=2, scans=[[1], [0], [2]]
    ),
    "progressive": lambda: pillow_jpeg(np.zeros((120, 160, 3), np.uint8) + 77, progressive=True),
    "segments": lambda: make_jpeg(
        160, 120, random_parts(160, 120, COLOUR), restart=40, front=large_segments(3, 200)
    ),
    "fill": lambda: make_jpeg(
        160, 120, random_parts(160, 120, COLOUR), restart=9, fill_inside=True
    ),
    "behind": lambda: make_jpeg(
        160, 120, random_parts(160, 120, COLOUR), restart=30, behind=bytes(999),
        trailing_restart=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_pieces_of_any_size(name) -> None:
    data = PICTURES[name]()
    wanted = outside(data)
    assert wanted
    for size in (80, 100, 128, 300, 1000, 4000, 1 << 18):
        with mock.patch.object(scan, "_AT_ONCE", size):
            assert outside(data) == wanted


@pytest.mark.parametrize("count", [0, 2, 3, 4])
def test_large_parts_in_every_state(count) -> None:
    """A note, or longer tables, in front of or behind parts that are hashed alone."""
    parts = random_parts(1120, 720, ((1, 1),))
    data = make_jpeg(1120, 720, parts, front=large_segments(count, 60000))
    done = jr.redact(data, [(0, 0, 40, 40), (0, 0, 40, 40), (300, 300, 340, 340)])
    for order in ([0], [1], [2], [0, 1], [2, 0]):
        part = done.jpeg
        for region in order:
            part = jr.restore(part, done.diff, regions=[region])
        assert jr.restore(part, done.diff) == data


@pytest.mark.parametrize("count", [0, 3])
def test_large_parts_and_appended_symbols(count) -> None:
    class Ramp:
        name, content_free = "ramp", True

        def render(self, canvas):
            return np.arange(canvas.rows * canvas.columns) * 37 % 300

    parts = random_parts(1120, 720, ((1, 1),))
    values = np.random.default_rng(3).integers(0, 2, parts[0].blocks.shape[:2]) * 200
    parts[0].blocks[:, :, 0] = values
    tables = {**standard_tables(), 0: Table.of([(0, 2), (8, 2)])}
    data = make_jpeg(1120, 720, parts, tables, front=large_segments(count, 60000))
    done = jr.redact(data, [(80, 80, 140, 140)], method=Ramp())
    assert done.report.tables_appended
    assert jr.restore(done.jpeg, done.diff) == data
