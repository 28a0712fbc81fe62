"""Sequential scans that are cut short or damaged: what decodes is redacted, all else refused.

How far a scan can be decoded is known here from how it was coded, bit by bit.
"""

import re
import sys
from array import array
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from guarantees import helpers, huffreader
from jpegmaker import Part, _interval, _mcus, make_jpeg, random_parts, shapes, standard_tables
from test_pure import MODULES

import jpegredact as jr
from jpegredact.codec import core, intervals
from jpegredact.codec.intervals import quads
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.walk import index_scan

WIDTH, HEIGHT = 72, 56
COLOUR, GREY = ((2, 2), (1, 1), (1, 1)), ((1, 1),)
EOI = b"\xff\xd9"
BOXES = ((0, 0, 8, 8), (20, 20, 30, 30), (0, 0, 72, 16), (60, 40, 72, 56))
CODES = {slot: table.codes() for slot, table in standard_tables().items()}
KINDS = {
    "colour": (COLOUR, {}),
    "colour, restarts": (COLOUR, {"restart": 3}),
    "grey": (GREY, {}),
    "grey, restarts": (GREY, {"restart": 4, "padding": 0}),
    "two scans": (COLOUR, {"scans": [[0], [1, 2]], "restart": 2}),
    "fill bytes": (((2, 1), (1, 1), (1, 1)), {"restart": 5, "fill_inside": True}),
}


@dataclass
class Coded:
    """A restart interval as it was coded: its scan, bytes, MCUs, and where each MCU ends."""

    scan: int
    start: int
    end: int
    first: int
    ends: list[int]

    def whole(self, data: bytes) -> int:
        """Return how many MCUs are whole in what a cut file has of it."""
        raw = re.sub(rb"\xff+$", b"", data[self.start : self.end])
        bits = 8 * len(re.sub(rb"\xff+\x00", b"\xff", raw))
        return sum(end <= bits for end in self.ends)


@dataclass
class Sample:
    """A picture, and how it was coded."""

    data: bytes
    picture: huffreader.Picture
    coded: list[Coded]

    def place(self, scan: int, block: tuple[int, int, int]) -> int | None:
        """Return the MCU of a block in a scan, if it is there."""
        found = self.picture.scans[scan]
        for part in found.parts:
            if part.index == block[0]:
                return block[1] // part.down * found.across + block[2] // part.across
        return None

    def mcus(self, scan: int, blocks) -> set[int]:
        return {mcu for block in blocks if (mcu := self.place(scan, block)) is not None}

    def expect(self, cut: int, boxes) -> tuple[bool, set]:
        """Return whether a cut file can be redacted, and the blocks that nobody can decode."""
        data = self.data[:cut]
        blocks = helpers.touched_by_all(self.picture, boxes)
        fine, lost = True, set()
        for coded in self.coded:
            if self.picture.scans[coded.scan].start > cut:
                continue  # a scan that is not there shows nothing
            mcus = range(coded.first, coded.first + len(coded.ends))
            touched = self.mcus(coded.scan, blocks) & {*mcus}
            if not touched:
                continue
            whole = coded.whole(data) if coded.start <= cut else 0
            fine = fine and whole >= min(max(touched) + 2 - coded.first, len(coded.ends))
            lost |= {
                block
                for block in self.all_blocks()
                if (mcu := self.place(coded.scan, block)) is not None
                and coded.first + whole <= mcu < mcus.stop
            }
        return fine, lost

    @cache  # noqa: B019 - there are few
    def all_blocks(self) -> list[tuple[int, int, int]]:
        return [
            (part.index, row, column)
            for scan in self.picture.scans
            for part in scan.parts
            for row in range(scan.down * part.down)
            for column in range(scan.across * part.across)
        ]

    def __hash__(self) -> int:
        return id(self)


@cache
def sample(kind: str) -> Sample:
    factors, options = KINDS[kind]
    parts = random_parts(WIDTH, HEIGHT, factors, seed=len(kind))
    data = make_jpeg(WIDTH, HEIGHT, parts, **options)
    parsed = read_jpeg(data)
    coded = []
    for number, (scan, names) in enumerate(
        zip(parsed.scans, options.get("scans", [range(len(parts))]), strict=True)
    ):
        mcus = _mcus(parts, names, shapes(WIDTH, HEIGHT, factors))
        step = options.get("restart") or len(mcus)
        starts = [scan.start, *(at + 2 for at in scan.restarts)]
        for start, end, first in zip(
            starts, [*scan.restarts, scan.end], range(0, len(mcus), step), strict=True
        ):
            here = mcus[first : first + step]
            ends = [len(_interval(parts, here[:n], CODES, False)) for n in range(1, len(here) + 1)]
            coded.append(Coded(number, start, end, first, ends))
    return Sample(data, huffreader.read(data, decode=False), coded)


def attempt(jpeg: bytes, boxes) -> jr.Redaction | jr.InvalidJpegError:
    try:
        return jr.redact(jpeg, boxes)
    except jr.InvalidJpegError as error:
        return error


def check(whole: Sample, jpeg: bytes, boxes, lost=frozenset(), judge: bool = True) -> None:
    """Check all guarantees of a damaged file that was accepted.

    Without ``judge``, not by jpegio, which can't open it or leaves stale values in blocks.
    """
    result = jr.redact(jpeg, boxes)
    stored = result.diff.to_bytes()
    assert jr.restore(result.jpeg, stored) == jpeg
    count = len(boxes)
    for first in range(count if count > 1 else 0):
        part = jr.restore(result.jpeg, stored, regions=[first])
        others = [n for n in range(count) if n != first]
        assert jr.restore(part, stored, regions=others) == jpeg
        for second in others:
            both = jr.restore(part, stored, regions=[second])
            assert both == jr.restore(result.jpeg, stored, regions=[first, second])
    if not judge:
        return
    inside = helpers.touched_by_all(whole.picture, boxes)
    assert helpers.changed_blocks(jpeg, result.jpeg) <= inside | {*lost}
    found = jr.verify(jpeg, result.jpeg, stored)
    assert not [problem for problem in found.problems if "detail" not in problem]
    assert found.outside_changed == 0


@pytest.mark.parametrize("end", [b"", EOI])
@pytest.mark.parametrize("kind", KINDS)
def test_cut_scans(kind: str, end: bytes) -> None:
    whole = sample(kind)
    accepted = refused = 0
    random = np.random.default_rng(7)
    for scan in whole.picture.scans:
        cuts = random.choice(np.arange(scan.start, scan.end), 8, replace=False)
        for cut in sorted({int(n) for n in cuts} | {scan.start, scan.start + 1, scan.end - 1}):
            jpeg = whole.data[:cut] + end
            for boxes in [[box] for box in BOXES] + [[BOXES[0], BOXES[1], (4, 4, 26, 26)]]:
                fine, lost = whole.expect(cut, boxes)
                if fine:
                    check(whole, jpeg, boxes, lost, kind != "fill bytes")
                    accepted += 1
                else:
                    error = attempt(jpeg, boxes)
                    assert isinstance(error, jr.InvalidJpegError)
                    assert error.code in ("jpeg.truncated", "jpeg.restart-missing")
                    assert scan.start <= error.offset <= cut
                    refused += 1
    assert accepted > 10
    assert refused > 10


def test_a_broken_interval_says_where() -> None:
    whole = sample("colour")
    (coded,) = whole.coded
    for at in (12, 15, 18):  # MCUs that are still whole
        bits = coded.ends[at - 1] + 3
        cut = coded.start
        while coded.whole(whole.data[:cut]) < at:
            cut += 1
        jpeg = read_jpeg(whole.data[:cut])
        marks = bytearray(20)
        marks[:2] = b"\2\1"
        (interval,) = index_scan(whole.data[:cut], jpeg, jpeg.scans[0], marks).intervals
        assert interval.lost == range(at, 20)
        assert coded.start + bits // 8 - 1 <= interval.broken <= cut
    jpeg = read_jpeg(whole.data)
    (interval,) = index_scan(whole.data, jpeg, jpeg.scans[0], marks).intervals
    assert (interval.broken, interval.lost) == (None, range(0))


# --- the same outside gives the same bytes (G2), however many bits the inside takes ---


def cut_bits(parts: list[Part], left_out: int, zeros: int) -> bytes:
    """Return a picture whose last bits are missing; whole zero bytes stand there instead."""
    jpeg = make_jpeg(WIDTH, HEIGHT, parts)
    mcus = _mcus(parts, range(len(parts)), shapes(WIDTH, HEIGHT, COLOUR))
    bits = _interval(parts, mcus, CODES, False)[:-left_out]
    bits += "0" * (-len(bits) % 8)
    coded = int("1" + bits, 2).to_bytes(len(bits) // 8 + 1)[1:] + bytes(zeros)
    return jpeg[: read_jpeg(jpeg).scans[0].start] + coded.replace(b"\xff", b"\xff\0")


@pytest.mark.parametrize("zeros", [0, 1, 5])
def test_the_inside_of_a_cut_file_does_not_show(zeros: int) -> None:
    boxes = [(10, 4, 20, 12), (18, 10, 30, 14)]
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    mcus = _mcus(parts, range(3), shapes(WIDTH, HEIGHT, COLOUR))
    bits = _interval(parts, mcus, CODES, False)
    inside = helpers.touched_by_all(
        huffreader.read(make_jpeg(WIDTH, HEIGHT, parts), decode=False), boxes
    )
    phases, made = set(), 0
    for left_out in range(20, 420, 19):
        results = []
        for seed in range(4):
            random = np.random.default_rng(seed)
            other = [Part(p.blocks.copy(), p.horizontal, p.vertical, p.dc, p.ac) for p in parts]
            for component, row, column in inside:
                block = other[component].blocks[row, column]
                block[0] = random.integers(-50, 50)
                block[1:9] = random.integers(-3, 3, 8)
            if bits[-left_out - 1] == "0":
                continue  # how many zeros there are would not be the same
            jpeg = cut_bits(other, left_out, zeros)
            phases.add(len(_interval(other, mcus, CODES, False)) % 8)
            results.append(jr.redact(jpeg, boxes))
            assert jr.restore(results[-1].jpeg, results[-1].diff) == jpeg
        assert len({result.jpeg for result in results}) <= 1
        made += len(results)
    assert len(phases) > 2
    assert made > 20


def test_where_the_last_one_bit_is() -> None:
    for bits in ("1", "", "1011", "00000000", "1" + "0" * 40, "0" * 72, "01" * 40):
        for before in range(64):
            text = "1" * before + bits
            text += "0" * (-len(text) % 8)
            plain = int("1" + text, 2).to_bytes(len(text) // 8 + 1)[1:]
            for fill in (b"", b"\xff\xff"):
                raw = b"ab" + plain.replace(b"\xff", b"\xff\0") + fill
                assert intervals.last_one(raw + b"\0", 2, len(raw)) == len(text.rstrip("0"))


# --- bits that are no code ---


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits(kind: str) -> None:
    """Refused, or everything holds; always accepted if the damage is in another interval."""
    whole = sample(kind)
    random = np.random.default_rng(3)
    outcomes = {"other interval": 0, "same interval": 0, "refused": 0}
    for _ in range(40):
        coded = whole.coded[int(random.integers(len(whole.coded)))]
        at = int(random.integers(coded.start, coded.end))
        value = whole.data[at] ^ 1 << int(random.integers(8))
        jpeg = whole.data[:at] + bytes([value]) + whole.data[at + 1 :]
        if 0xFF in (value, whole.data[at], whole.data[at - 1]):
            continue  # that would make or break a marker
        boxes = [BOXES[int(random.integers(len(BOXES)))]]
        blocks = helpers.touched_by_all(whole.picture, boxes)
        mcus = range(coded.first, coded.first + len(coded.ends))
        if not whole.mcus(coded.scan, blocks) & {*mcus}:
            check(whole, jpeg, boxes, judge=kind != "fill bytes")
            outcomes["other interval"] += 1
            continue
        result = attempt(jpeg, boxes)
        if isinstance(result, jr.Redaction):
            check(whole, jpeg, boxes, whole.all_blocks(), kind != "fill bytes")
            outcomes["same interval"] += 1
        else:
            assert result.code in (
                "jpeg.truncated", "jpeg.bad-code", "jpeg.bad-run", "jpeg.bad-dc",
            )  # fmt: skip
            assert coded.start <= result.offset <= coded.end
            outcomes["refused"] += 1
    assert outcomes["same interval"] + outcomes["refused"] > 0
    assert len(whole.coded) == 1 or outcomes["other interval"] > 0


def test_damage_behind_the_region_in_the_same_interval() -> None:
    """A code that does not exist: what stands before it is redacted, the rest is kept."""
    whole = sample("colour")
    (coded,) = whole.coded
    position = coded.ends[11]  # MCU 12 is damaged: row 2, column 2 of 5
    bits = huffbits(whole.data[coded.start : coded.end])
    for shift in (0, 3):
        at = position + shift
        damaged = bits[:at] + "1" * 16 + bits[at + 16 :]
        jpeg = whole.data[: coded.start] + stuffed(damaged) + whole.data[coded.end :]
        lost = {block for block in whole.all_blocks() if (whole.place(0, block) or 0) >= 12}
        for box in ((0, 0, 8, 8), (64, 0, 72, 16), (0, 16, 72, 32), (0, 32, 8, 40)):
            check(whole, jpeg, [box], lost)
        tail = damaged[position:]
        redacted = jr.redact(jpeg, [(0, 0, 8, 8)]).jpeg
        scan = read_jpeg(redacted).scans[0]
        assert tail[:-7] in huffbits(redacted[scan.start : scan.end])
        for box in ((16, 32, 24, 40), (32, 32, 40, 40), (30, 50, 34, 52)):
            error = attempt(jpeg, [box])
            assert error.code == "jpeg.bad-code"
            bits_before = len(huffbits(jpeg[coded.start : error.offset]))
            assert position - 8 < bits_before < position + 700


def huffbits(raw: bytes) -> str:
    data = raw.replace(b"\xff\0", b"\xff")
    return "".join(f"{byte:08b}" for byte in data)


def stuffed(bits: str) -> bytes:
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1)[1:].replace(b"\xff", b"\xff\0")


# --- restart markers ---


def edited(data: bytes, at: int, new: bytes, length: int = 2) -> bytes:
    return data[:at] + new + data[at + length :]


@pytest.mark.parametrize("kind", ["colour, restarts", "grey, restarts"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data, at: edited(data, at, b""),  # missing
        lambda data, at: edited(data, at, data[at : at + 2] * 2),  # twice
        lambda data, at: edited(data, at + 1, bytes([data[at + 1] ^ 1]), 1),  # another number
        lambda data, at: edited(data, at + 1, bytes([data[at + 1] ^ 4]), 1),
        lambda data, at: edited(data, at + 1, b"\x20", 1),  # another marker
    ],
)
def test_restart_markers(kind: str, damage) -> None:
    whole = sample(kind)
    parsed = read_jpeg(whole.data)
    for bad in (1, 2, 4):
        marker = parsed.scans[0].restarts[bad]
        jpeg = damage(whole.data, marker)
        damaged = read_jpeg(jpeg)
        blocks = {n: {*range(c.first, c.first + len(c.ends))} for n, c in enumerate(whole.coded)}
        for box in ((0, 0, 8, 8), (16, 0, 30, 8), (20, 20, 30, 30), (30, 20, 44, 25), BOXES[3]):
            mcus = whole.mcus(0, helpers.touched_by(whole.picture, box))
            last = max(n for n, mine in blocks.items() if mine & mcus)
            error = attempt(jpeg, [box])
            if last < bad:
                check(whole, jpeg, [box])
            elif last > bad + 1:
                assert isinstance(error, jr.InvalidJpegError)
                assert error.code in ("jpeg.restart-order", "jpeg.restart-missing")
                assert marker <= error.offset <= damaged.scans[0].end
            elif isinstance(error, jr.Redaction):
                check(whole, jpeg, [box], whole.all_blocks())


def test_a_context_that_can_not_be_decoded_is_left_out() -> None:
    """Blocks around a region that only its fill would use are not worth a refusal."""
    whole = sample("grey, restarts")
    box = [(8, 8, 16, 16)]  # row 1, in interval 2; rows 0 and 2 are in others
    above, below = whole.coded[0], whole.coded[4]
    plain = jr.redact(whole.data, box)
    made = set()
    for junk in (b"\xff\0" * 9, b"\xff\0" * 3, b""):
        for coded in (below, above):
            jpeg = edited(whole.data, coded.start, junk, coded.end - coded.start)
            check(whole, jpeg, box)
            redacted = read_jpeg(jr.redact(jpeg, box).jpeg)
            data = jr.redact(jpeg, box).jpeg
            made.add((coded.first, data[redacted.scans[0].restarts[1] :][:40]))
    assert len(made) == 2  # whatever stands there, it makes no difference
    scan = read_jpeg(plain.jpeg).scans[0]
    assert (0, plain.jpeg[scan.restarts[1] :][:40]) not in made


# --- other damage ---


def test_a_segment_that_is_cut_behind_the_picture() -> None:
    whole = sample("colour")
    for junk in (b"\xff\xe1", b"\xff\xe1\0", b"\xff\xe1\xff\xff123", b"\xff\x20\0\1", b"\xff"):
        jpeg = whole.data[:-2] + junk
        assert read_jpeg(jpeg).eoi is None
        for box in BOXES:
            check(whole, jpeg, [box], judge=b"\x20" not in junk)
    unfinished = sample("two scans")
    middle = unfinished.picture.scans[0].end
    error = attempt(unfinished.data[:middle] + b"\xff\xe1\xff\xff123", [BOXES[0]])
    assert (error.code, error.offset) == ("jpeg.truncated", middle)


def test_a_marker_within_the_coded_data() -> None:
    whole = sample("colour")
    (coded,) = whole.coded
    cut = coded.start + (coded.end - coded.start) * 2 // 3
    jpeg = whole.data[:cut] + b"\xff\x20\xff\xf0" + whole.data[cut:]
    fine, lost = whole.expect(cut, [BOXES[0]])
    assert fine
    check(whole, jpeg, [BOXES[0]], lost, judge=False)
    assert attempt(jpeg, [BOXES[3]]).code == "jpeg.truncated"


def test_verify_sees_changes_in_what_can_not_be_decoded() -> None:
    whole = sample("colour")
    (coded,) = whole.coded
    cut = coded.start + (coded.end - coded.start) * 2 // 3
    jpeg = whole.data[:cut]
    result = jr.redact(jpeg, [BOXES[0]])
    assert result.jpeg[-3] not in (0, 0xFE, 0xFF)
    changed = result.jpeg[:-3] + bytes([result.jpeg[-3] ^ 1]) + result.jpeg[-2:]
    for options in ({"boxes": [BOXES[0]]}, {"diff": result.diff}):
        assert jr.verify(jpeg, result.jpeg, **options).outside_changed == 0
        assert not jr.verify(jpeg, changed, **options).ok


def test_restart_intervals_behind_a_loss_keep_their_bytes() -> None:
    whole = sample("colour, restarts")
    cut = whole.coded[5].start + 9
    result = jr.redact(whole.data[:cut], [BOXES[0]])
    before, after = read_jpeg(whole.data[:cut]), read_jpeg(result.jpeg)
    assert after.scans[0].restarts[1:]
    kept = whole.data[before.scans[0].restarts[0] : cut]
    assert kept == result.jpeg[after.scans[0].restarts[0] :]


@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_both_forms_of_the_cursor_stop_at_the_same_place(kind: str) -> None:
    whole = sample(kind)
    (coded,) = whole.coded
    parsed = read_jpeg(whole.data)
    marks = bytearray([1]) * len(coded.ends)
    scan = parsed.scans[0]
    index = index_scan(whole.data, parsed, scan, marks)
    shift = index.places.new[0][0]
    assert coded.ends == [
        index.blocks[0][n] + index.blocks[2][n] - shift
        for n in range(index.layout.units - 1, index.recorded, index.layout.units)
    ]
    plain = whole.data[scan.start : scan.end].replace(b"\xff\0", b"\xff")
    for bits in range(0, coded.ends[-1] + 9, 37):
        zeros = max(8 * len(plain) - bits, 0)  # nothing but zeros behind the cut
        cut = (int.from_bytes(plain) >> zeros << zeros).to_bytes(len(plain))
        cut = cut.replace(b"\xff", b"\xff\0")
        found = []
        for module in (core.scan, MODULES["_scan_cy"]):
            blocks = tuple(array(a.typecode, a) for a in index.blocks)
            kept = array("I", bytes(4 * module.room(index.layout.units)))
            cursor = module.ScanCursor(
                cut, quads(cut), sys.byteorder == "little", index.units, index.tables, blocks,
                kept, 64,
            )  # fmt: skip
            cursor.start(0, len(cut))
            cursor.end = bits
            cursor.begin_run()
            status = cursor.advance(len(coded.ends), 0)
            found.append((status, cursor.position, cursor.passed, cursor.whole))
        assert found[0] == found[1]
        whole_ones = sum(end <= bits for end in coded.ends)
        assert found[0][2] == whole_ones
        assert found[0][3] == ([0, *coded.ends])[whole_ones]
        assert (found[0][0] == 0) == (whole_ones == len(coded.ends))
