"""Findings of a review, through the Python functions: each of these once went wrong."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO

import numpy as np
import pytest
from jpegmaker import Table, grey, make_jpeg
from pictures import photo, pillow_jpeg
from PIL import Image

import jpegredact as jr

from . import quirks, tight

BOXES = [(13, 9, 40, 31), (30, 20, 50, 44)]
HUGE = 1e308


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Assert that what happens inside takes no longer."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def flat(rows: int, columns: int, **options: object) -> bytes:
    """Return a grey picture of this many blocks without detail."""
    part = grey(np.zeros((rows, columns), int))
    return make_jpeg(8 * columns, 8 * rows, [part], **options)


# ---------------------------------------------------------------------------
# What redact gives, restore takes, at the same limits
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_items", "max_cells", "max_bytes", "max_groups"])
def test_no_diff_that_restore_refuses(name: str) -> None:
    jpeg = quirks.zrl_before_eob(quirks.base())
    refused, restored = 0, 0
    for limit in (1, 2, 5, 20, 50, 100, 200, 500, 1000, 3000, 10_000, 100_000):
        if name == "max_bytes" and limit < len(jpeg):
            limit += len(jpeg)  # the picture itself is let in
        limits = jr.Limits(**{name: limit})
        try:
            done = jr.redact(jpeg, BOXES, limits=limits)
        except jr.LimitExceededError:
            refused += 1
        else:
            assert jr.restore(done.jpeg, done.diff.to_bytes(), limits=limits) == jpeg
            restored += 1
    assert restored
    assert refused or name in ("max_bytes", "max_groups")  # it fits; groups are merged


def test_every_block_with_a_needless_zrl() -> None:
    """A hundredth of the default limits is enough for a hundredth of 23 megapixels."""
    tables = {0: Table.level([0, 1]), 0x10: NeedlessZrl.level([0, 0xF0])}
    jpeg = flat(60, 60, tables=tables)
    limits = jr.Limits(max_items=jr.Limits().max_items // 100)
    done = jr.redact(jpeg, [(0, 0, 480, 480)], limits=limits)
    assert done.jpeg != jpeg
    assert jr.restore(done.jpeg, done.diff.to_bytes(), limits=limits) == jpeg


@pytest.mark.slow
def test_every_block_of_a_large_picture_with_a_needless_zrl() -> None:
    tables = {0: Table.level([0, 1]), 0x10: NeedlessZrl.level([0, 0xF0])}
    jpeg = flat(550, 550, tables=tables)
    done = jr.redact(jpeg, [(0, 0, 4400, 4400)])
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == jpeg


class NeedlessZrl(Table):
    """A table by which a block ends with ZRL and EOB."""

    def codes(self) -> dict[int, str]:
        """Return the codes, EOB with a ZRL before it."""
        codes = super().codes()
        return {**codes, 0: codes[0xF0] + codes[0]}


# ---------------------------------------------------------------------------
# Blocks that end without EOB
# ---------------------------------------------------------------------------


class Ending(Table):
    """A table without EOB: blocks end as the class says."""

    end: tuple[int, ...]

    def codes(self) -> dict[int, str]:
        """Return the codes, and for EOB those of the other ending."""
        codes = super().codes()
        return {**codes, 0: "".join(codes[symbol] for symbol in self.end)}


class ByZrl(Ending):
    """Three ZRL lead from position 15 to 63."""

    end = (0xF0, 0xF0, 0xF0)


class ByRun(Ending):
    """0x10, which T.81 leaves undefined, and decoders take for EOB."""

    end = (0x10,)


@pytest.mark.parametrize("method", ["inpaint", "fill", "pixelate"])
@pytest.mark.parametrize("lengths", [tight.roomy, tight.full])
@pytest.mark.parametrize(
    ("kind", "symbols", "ac"),
    [
        (ByZrl, [1, 0xF0], dict.fromkeys(range(1, 16), 1)),
        (ByRun, [1, 0x10], dict.fromkeys(range(1, 6), -1)),
        (ByRun, [2, 0x10], dict.fromkeys(range(1, 6), 3)),
        (ByRun, [0x21, 0x10], dict.fromkeys(range(3, 18, 3), 1)),
    ],
)
def test_blocks_that_end_without_eob(
    kind: type[Ending], symbols: list[int], ac: dict[int, int], lengths: Callable, method: str
) -> None:
    tables = {0: Table(*tight.roomy(bytes(range(8)))), 0x10: kind(*lengths(bytes(symbols)))}
    part = grey(np.arange(16).reshape(4, 4) % 5, ac)
    jpeg = make_jpeg(32, 32, [part], tables)
    with Image.open(BytesIO(jpeg)) as image:
        image.load()  # libjpeg-turbo takes it
    done = jr.redact(jpeg, [(0, 0, 9, 9)], method=method)
    assert done.report.blocks == (4,)
    assert done.jpeg != jpeg or method == "pixelate"
    assert jr.restore(done.jpeg, done.diff.to_bytes()) == jpeg


# ---------------------------------------------------------------------------
# Numbers at the ends
# ---------------------------------------------------------------------------

FAR = {
    "box": (-HUGE, 0, HUGE, 10),
    "half": (0, 0, HUGE, 10),
    "high": (0, -HUGE, 10, HUGE),
    "polygon": jr.Polygon(((-HUGE, 0), (HUGE, 0), (0, HUGE))),
    "wide polygon": jr.Polygon(((-1.7 * HUGE, -1.7 * HUGE), (1.7 * HUGE, 0), (0, 1.7 * HUGE))),
}


@pytest.mark.parametrize("coordinates", ["stored", "upright"])
@pytest.mark.parametrize("margin", [0, 8, 0.5, "60000%"])
@pytest.mark.parametrize("region", FAR.values(), ids=FAR)
def test_far_corners(region: object, margin: float | str, coordinates: str) -> None:
    jpeg = quirks.base()
    with suppress(jr.JpegRedactError):
        done = jr.redact(jpeg, [region], margin=margin, coordinates=coordinates)
        assert all(done.report.blocks)
        assert jr.restore(done.jpeg, done.diff.to_bytes()) == jpeg


def slivers() -> Iterator[jr.Polygon]:
    """Yield triangles with almost no area."""
    yield jr.Polygon(
        ((61.91030456488943, 46.406174643702954), (110.59249732125828, 82.83983537025954),
         (110.59249732125832, 82.83983537025954)),
    )  # fmt: skip
    random = np.random.default_rng(3)
    for power in np.linspace(1, 16, 120):
        x, y, across, down = random.uniform((0, 0, -64, -64), 64)
        thin = 10**-power
        yield jr.Polygon(((x, y), (x + across, y + down), (x + across + thin, y + down - thin)))


@pytest.mark.parametrize("sampling", [0, 2])
def test_no_region_without_blocks(sampling: int) -> None:
    jpeg = pillow_jpeg(photo(64, 64), subsampling=sampling)
    refused = done = 0
    for polygon in slivers():
        try:
            report = jr.redact(jpeg, [polygon]).report
        except jr.InvalidRegionError:
            refused += 1
        else:
            assert all(report.regions[0].blocks), polygon
            done += 1
    assert refused
    assert done


# ---------------------------------------------------------------------------
# Small files, masks and boxes that ask for much
# ---------------------------------------------------------------------------


def test_fill_bytes_in_20000_intervals() -> None:
    jpeg = flat(141, 142, restart=1, fill=1)
    with within(5):
        done = jr.redact(jpeg, [(0, 0, 1136, 1128)])
    assert sum(done.report.blocks) == 141 * 142
    assert jr.restore(done.jpeg, done.diff) == jpeg


@pytest.mark.parametrize(
    "call", [jr.inspect, lambda jpeg, limits: jr.redact(jpeg, BOXES, limits=limits)]
)
def test_restart_markers_have_a_limit(call: Callable) -> None:
    jpeg = flat(8, 8, restart=4)  # 15 markers
    call(jpeg, limits=jr.Limits(max_restarts=15))
    with pytest.raises(jr.LimitExceededError) as caught:
        call(jpeg, limits=jr.Limits(max_restarts=14))
    assert caught.value.code == "limit.restarts"


def test_a_large_mask_with_a_margin() -> None:
    out = BytesIO()
    Image.new("L", (4000, 3000), 90).save(out, "JPEG")
    mask = np.zeros((3000, 4000), bool)
    mask[1000:2000, 1000:3000] = True
    with within(5):
        done = jr.redact(out.getvalue(), [jr.Mask(mask)], margin="15%")
    assert done.report.regions[0].snapped == (696, 848, 3304, 2152)  # 700, 850, 3300, 2150


def test_400_large_boxes() -> None:
    out = BytesIO()
    Image.new("L", (2000, 2000), 90).save(out, "JPEG")
    corners = np.random.default_rng(0).integers(0, 950, (400, 4)).tolist()
    with within(6):
        done = jr.redact(out.getvalue(), [(a, b, 2000 - c, 2000 - d) for a, b, c, d in corners])
    assert len(done.report.regions) == 400
    assert jr.restore(done.jpeg, done.diff) == out.getvalue()


# ---------------------------------------------------------------------------
# What verify sees
# ---------------------------------------------------------------------------


@cache
def redacted(restart: int) -> tuple[bytes, jr.Redaction]:
    jpeg = quirks.base(restart)
    return jpeg, jr.redact(jpeg, BOXES)


def answers(jpeg: bytes, other: bytes, diff: jr.UnblurDiff) -> tuple[bool, bool]:
    """Say whether ``verify`` is content, with the diff and with the boxes."""
    return jr.verify(jpeg, other, diff).ok, jr.verify(jpeg, other, boxes=BOXES).ok


@pytest.mark.parametrize("secret", [b"S", b"SECRET" * 50, b"\xff\x00" * 3])
@pytest.mark.parametrize("restart", [0, 3])
def test_verify_sees_bytes_behind_the_last_block(restart: int, secret: bytes) -> None:
    """Without restart markers that interval is touched, with them it is not."""
    jpeg, done = redacted(restart)
    assert answers(jpeg, done.jpeg, done.diff) == (True, True)
    assert done.jpeg.endswith(b"\xff\xd9")
    other = done.jpeg[:-2] + secret + b"\xff\xd9"
    assert answers(jpeg, other, done.diff) == (False, False)


def test_verify_sees_bytes_before_any_restart_marker() -> None:
    jpeg, done = redacted(3)
    markers = [at for at in range(len(done.jpeg) - 1)
               if done.jpeg[at] == 0xFF and 0xD0 <= done.jpeg[at + 1] <= 0xD7]  # fmt: skip
    assert len(markers) > 4
    for at in markers:
        other = done.jpeg[:at] + b"SECRET" + done.jpeg[at:]
        assert answers(jpeg, other, done.diff) == (False, False)


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("quirk", quirks.SIMPLE, ids=lambda quirk: quirk.__name__)
def test_verify_says_yes_to_odd_originals(quirk: Callable, restart: int) -> None:
    jpeg = quirk(quirks.base(restart))
    done = jr.redact(jpeg, BOXES)
    assert answers(jpeg, done.jpeg, done.diff) == (True, True)


def test_verify_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg = pillow_jpeg(photo(96, 64), exif=exif)
    boxes = [(8, 70, 24, 90)]
    done = jr.redact(jpeg, boxes, coordinates="upright")
    assert jr.verify(jpeg, done.jpeg, boxes=boxes, coordinates="upright").ok
    stored = [(70, 40, 90, 56)]
    assert jr.verify(jpeg, done.jpeg, boxes=stored).ok
    assert not jr.verify(jpeg, done.jpeg, boxes=[(40, 8, 56, 24)], coordinates="upright").ok


# ---------------------------------------------------------------------------
# What comes in, and what inspect shows
# ---------------------------------------------------------------------------


def test_inspect() -> None:
    found = jr.inspect(quirks.base(3, width=72, height=56))
    assert found.process.startswith("baseline")
    assert (found.size, found.mcu, found.restart_interval) == ((72, 56), (16, 16), 3)
    assert (len(found.components), len(found.scans), len(found.tables)) == (3, 1, 4)
    assert jr.inspect(flat(2, 3)).mcu == (8, 8)


@pytest.mark.parametrize(
    "kind", [bytearray, memoryview, lambda jpeg: np.frombuffer(jpeg, np.uint8), BytesIO]
)
def test_sources(kind: Callable) -> None:
    jpeg, done = redacted(3)
    assert jr.redact(kind(jpeg), BOXES).jpeg == done.jpeg
    assert jr.restore(kind(done.jpeg), kind(done.diff.to_bytes())) == jpeg


def test_a_pipe_that_gives_small_pieces() -> None:
    jpeg, done = redacted(3)
    source, sink = os.pipe()

    def feed() -> None:

        with suppress(BrokenPipeError), open(sink, "wb", buffering=0) as file:  # noqa: PTH123
            for at in range(0, len(jpeg), 700):
                file.write(jpeg[at : at + 700])
                time.sleep(0.001)  # let the reader see this piece alone

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(source, "rb", buffering=0) as file:
        assert jr.redact(file, BOXES).jpeg == done.jpeg
    thread.join()
