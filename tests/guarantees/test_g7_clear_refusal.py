"""G7: any bytes in: a result that holds the guarantees, or a `JpegRedactError` with a code."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from fuzz import mutate

import jpegredact as jr

from . import helpers, huffreader, quirks, tight
from .helpers import METHODS
from .test_g1_untouched import Checker, assert_untouched

SECONDS = 4.0  # on a busy machine; a good answer takes less than one
MEGABYTES = 100


@contextmanager
def within_bounds(megabytes: int = MEGABYTES) -> Iterator[None]:
    """Assert that what happens inside takes neither long nor much more memory than before.

    The memory is that by which the process's peak grows: tracing each allocation
    would take minutes where it matters.
    """
    start, before = time.process_time(), peak()
    yield
    assert time.process_time() - start < SECONDS
    assert peak() - before < megabytes << 20


def peak() -> int:
    """Return the most memory that this process ever had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def assert_answer(jpeg: bytes, boxes, **options) -> jr.Redaction | None:
    """Assert that a call gives a result that holds G3, or refuses."""
    try:
        result = jr.redact(jpeg, boxes, **options)
    except jr.JpegRedactError:
        return None
    assert jr.restore(result.jpeg, result.diff.to_bytes()) == jpeg
    return result


def small_corpus_files() -> list[bytes]:
    """Return corpus files of less than 20 kB, where the corpus is there."""
    files = sorted((helpers.CORPUS / "files").glob("*"))
    return [path.read_bytes() for path in files if path.stat().st_size < 20_000][:40]


def assert_no_escape(inputs: list[bytes], seed: int, count: int) -> None:
    """Run mutations; fail with the first escape."""
    for tally in mutate.run(inputs, seed, count):
        assert not tally.escapes, tally.escapes[0][0]
    assert tally.outcomes["redact: done"]
    changed = ("restore: diff.mismatch", "restore: diff.pixels", "restore: diff.coding")
    assert any(tally.outcomes[outcome] for outcome in changed)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_inputs(seed: int) -> None:
    assert_no_escape(mutate.made_pictures(), seed, 100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_damaged_inputs(seed: int) -> None:
    assert_no_escape(mutate.made_pictures() + small_corpus_files(), seed, 500)


@pytest.mark.parametrize("step", [1, 7])
def test_every_truncation(step: int) -> None:
    jpeg = helpers.by_pillow(24, 17, 1, quality=60, subsampling=2, restart_marker_blocks=1)
    for length in range(0, len(jpeg), step):
        assert_answer(jpeg[:length], [(0, 0, 24, 17)] if step == 1 else [(0, 0, 3, 3)])


def test_every_truncation_of_a_diff_is_refused() -> None:
    result = jr.redact(quirks.base(), [(3, 3, 20, 20), (9, 9, 30, 30)])
    diff = result.diff.to_bytes()
    for length in range(len(diff)):
        with pytest.raises(jr.InvalidDiffError):
            jr.restore(result.jpeg, diff[:length])


def test_every_flipped_bit_of_a_diff() -> None:
    jpeg = quirks.base(width=24, height=16)
    result = jr.redact(jpeg, [(3, 3, 20, 12), (9, 9, 30, 30)])
    diff = result.diff.to_bytes()
    for bit in range(8 * len(diff)):
        damaged = bytearray(diff)
        damaged[bit >> 3] ^= 1 << (bit & 7)
        with suppress(jr.JpegRedactError):
            assert jr.restore(result.jpeg, bytes(damaged)) == jpeg


@pytest.mark.parametrize("regions", [None, [0]])
@pytest.mark.parametrize(
    "odd",
    [(1, 16, b"\xff\xff"), (1, 16, b"\x00\x00"), (4, 9, b"\xf1\x80"),
     (3, 42, bytes.fromhex("16c6e9c9bf00"))],
)  # fmt: skip
def test_a_coding_residue_that_is_no_code(odd, regions: list[int] | None) -> None:
    result = jr.redact(quirks.base(), [(3, 3, 20, 20), (40, 40, 50, 50)])
    document = result.diff.document
    group = document.groups[0]._replace(odd=(odd,))
    damaged = document._replace(groups=(group, *document.groups[1:])).to_bytes()
    with pytest.raises(jr.DiffError):
        jr.restore(result.jpeg, damaged, regions=regions)


@pytest.mark.parametrize("bits", ["00000000", "11111111", "10110111"])
def test_scan_of_one_byte_over_and_over(bits: str) -> None:
    jpeg = quirks.base(0)
    picture = huffreader.read(jpeg, decode=False)
    coded = bytes([int(bits, 2)]).replace(b"\xff", b"\xff\x00") * 4000
    start, end = picture.scans[0].start, picture.scans[0].end
    assert_answer(jpeg[:start] + coded + jpeg[end:], [(0, 0, 72, 56)])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("step", [0, 1, 255])
def test_quantiser_steps_at_the_ends(step: int, method: str) -> None:
    jpeg = bytearray(quirks.base())
    for code, start, end in huffreader.segments(bytes(jpeg))[0]:
        if code == 0xDB:
            jpeg[start + 5 : end] = bytes([step]) * (end - start - 5)
    assert_answer(bytes(jpeg), [(0, 0, 30, 30)], method=method)


# ---------------------------------------------------------------------------
# Small files that ask for much
# ---------------------------------------------------------------------------


def claiming(jpeg: bytes, width: int, height: int, interval: int | None = None) -> bytes:
    """Return the file with another size in its frame header, and another restart interval."""
    at = huffreader.read(jpeg, decode=False).frame
    jpeg = jpeg[: at + 5] + height.to_bytes(2) + width.to_bytes(2) + jpeg[at + 9 :]
    if interval is not None:
        jpeg = jpeg[:at] + b"\xff\xdd\x00\x04" + interval.to_bytes(2) + jpeg[at:]
    return jpeg


@pytest.mark.parametrize("interval", [0, 1, 100])
@pytest.mark.parametrize("method", METHODS)
def test_a_small_file_that_claims_to_be_huge(method: str, interval: int) -> None:
    jpeg = claiming(helpers.by_pillow(32, 32, 1, quality=70, subsampling=0), 19000, 19000, interval)
    for boxes in ([(0, 0, 19000, 19000)], [(18000, 18000, 19000, 19000), (0, 0, 5, 5)]):
        with within_bounds(), pytest.raises(jr.InvalidJpegError):
            jr.redact(jpeg, boxes, method=method)


def test_more_pixels_than_allowed() -> None:
    jpeg = claiming(quirks.base(), 65500, 65500)
    with within_bounds(), pytest.raises(jr.LimitExceededError):
        jr.redact(jpeg, [(0, 0, 8, 8)])


def test_thousands_of_table_definitions() -> None:
    jpeg = quirks.base(0)
    start, end = next((s, e) for code, s, e in huffreader.segments(jpeg)[0] if code == 0xC4)
    many = jpeg[:start] + jpeg[start:end] * 15000 + jpeg[start:]
    with within_bounds(256):
        assert_answer(many, [(0, 0, 20, 20)])


def test_a_diff_for_a_huge_picture() -> None:
    jpeg = quirks.base(0)
    result = jr.redact(jpeg, [(0, 0, 20, 20)])
    huge = claiming(result.jpeg, 19000, 19000)
    with within_bounds(), pytest.raises(jr.JpegRedactError):
        jr.restore(huge, result.diff)


# ---------------------------------------------------------------------------
# Tables that lack symbols, or room for them
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [tight.full, tight.roomy])
@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("wanted", tight.PICTURES, ids=lambda wanted: wanted.__name__)
def test_tight_tables(wanted, restart: int, lengths) -> None:
    jpeg = tight.tight(wanted, restart=restart, lengths=lengths)
    boxes = [(9, 9, 30, 20), (17, 0, 64, 12), (40, 40, 64, 64)]
    for method in (*METHODS, "fill:#000000", Checker()):
        result = jr.redact(jpeg, boxes, method=method)
        assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)
        for regions in ([0], [1, 2], [2]):
            try:
                part = jr.restore(result.jpeg, result.diff, regions=regions)
            except jr.VerificationError:  # such parts can't be said, and that is what it says
                assert lengths is tight.full
                part = result.jpeg
            huffreader.read(part)
            assert jr.restore(part, result.diff) == jpeg


def test_tight_tables_and_a_large_region() -> None:
    jpeg = tight.tight(tight.leaps, 1024, 640)
    with within_bounds():
        result = jr.redact(jpeg, [(0, 0, 1024, 640)], method="fill:#ff0000")
    assert jr.restore(result.jpeg, result.diff) == jpeg


def no_eob_with(counts: bytes, symbols: bytes) -> bytes:
    """Return a picture without EOB whose AC table has these codes."""
    plain = helpers.by_pillow(64, 64, 1, "L", "slope", quality=90)
    jpeg = huffreader.write(huffreader.read(plain), huffreader.Style(tight.no_eob))
    return quirks.with_table(jpeg, 0x10, counts, symbols)


def other_symbols(count: int) -> bytes:
    """Return ``count`` symbols that `tight.no_eob` needs or can't use, EOB not among them."""
    return bytes([1, 2]) + bytes(s for s in range(3, 256))[: count - 2]


@pytest.mark.parametrize("count", [253, 254, 255])
@pytest.mark.parametrize("length", [8, 9, 12, 16])
def test_no_eob_in_a_table_with_a_full_length(count: int, length: int) -> None:
    """Of one length at most 255 codes can be counted: EOB must go elsewhere."""
    symbols = other_symbols(count)
    symbols += bytes([0xF0]) * (count - len(symbols))
    counts = bytearray(16)
    counts[length - 1] = count
    jpeg = no_eob_with(bytes(counts), symbols)
    result = assert_answer(jpeg, [(9, 9, 30, 20)])
    if result:
        assert_untouched(jpeg, result.jpeg, [(9, 9, 30, 20)], 0, result.report)


def test_no_eob_in_a_table_of_256_symbols() -> None:
    """No reader takes a table of 257."""
    symbols = other_symbols(255) + b"\xf0\xf0\xf0"
    counts = bytes([0] * 8 + [128, 128] + [0] * 6)
    jpeg = no_eob_with(counts, symbols[:256])
    result = assert_answer(jpeg, [(9, 9, 30, 20)])
    if result:
        assert_untouched(jpeg, result.jpeg, [(9, 9, 30, 20)], 0, result.report)


def test_a_table_to_extend_in_a_segment_that_is_full() -> None:
    jpeg = tight.tight(tight.flat, lengths=tight.roomy)
    start, end = next((s, e) for code, s, e in huffreader.segments(jpeg)[0] if code == 0xC4)
    filler = b"\x03" + bytes(16)  # a table without codes, for another slot
    room = 65535 - (end - start - 2)
    body = jpeg[start + 4 : end] + filler * (room // 17)
    full = jpeg[:start] + b"\xff\xc4" + (len(body) + 2).to_bytes(2) + body + jpeg[end:]
    for method in ("fill:#ffffff", "fill:#000000"):
        assert_answer(full, [(0, 0, 30, 30)], method=method)


def test_motion_jpeg_with_steps_that_the_standard_tables_lack() -> None:
    """There is no DHT segment to append to; an output that needs one can't be read."""
    jpeg = quirks.without_tables(quirks.base(0))
    picture = huffreader.read(jpeg)

    def wild(block: huffreader.Block) -> list[int]:
        return [(3000 if block.row % 2 else 1000) + 2000 * (block.column % 2), *[0] * 63]

    plain = huffreader.Style(lambda block: [(2000, 4000)[block.column % 2], *[0] * 63])
    jpeg = huffreader.write(picture, plain)
    for boxes in ([(0, 0, 20, 20)], [(20, 20, 40, 56)]):
        for method in ("inpaint", "fill:#000000", Checker()):
            result = assert_answer(jpeg, boxes, method=method)
            if result:
                assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)


class Halves:
    """A user's own method: every second row of blocks can be said without EOB, the others not."""

    name = "halves"
    content_free = True

    def __init__(self, first: int) -> None:
        self.first = first

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        """Give the rows from ``first`` on what `tight.no_eob` has, the others one coefficient."""
        out = np.zeros((canvas.rows, canvas.columns, 64), np.int16)
        out[:, :, 1] = 1
        out[self.first :: 2, :, 1:63] = 1
        out[self.first :: 2, :, 63] = -1
        return out


@pytest.mark.parametrize("lengths", [tight.full, tight.roomy])
@pytest.mark.parametrize("first", [0, 1])
def test_own_coefficients_without_eob(first: int, lengths) -> None:
    jpeg = tight.tight(tight.no_eob, lengths=lengths)
    boxes = [(16, 8, 40, 40)]  # its canvas begins with the row of blocks above
    result = jr.redact(jpeg, boxes, method=Halves(first))
    assert_untouched(jpeg, result.jpeg, boxes, 0, result.report)
    touched = helpers.touched_by_all(huffreader.read(jpeg), boxes)
    for _, block in huffreader.read(result.jpeg).blocks():
        if block.place in touched and block.row % 2 == first:
            assert block.coefficients[1:] == [1] * 62 + [-1]
        elif block.place in touched:
            assert set(block.coefficients[1:]) <= {0, 1}
