"""Walking a scan from two ends gives what walking it from one end gives, whatever the data."""

import random
import sys
from array import array
from pathlib import Path

import numpy as np
import pytest
from ahead import everywhere
from hypothesis import given
from hypothesis import strategies as st
from jpegmaker import Part, Table, grey, make_jpeg, random_parts, standard_tables
from pictures import pillow_jpeg

import jpegredact as jr
from jpegredact.background import Beside
from jpegredact.codec import ahead, core
from jpegredact.codec.huffman import decode_tables
from jpegredact.codec.intervals import quads
from jpegredact.codec.layout import scan_layout
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.scan import ScanIndex
from jpegredact.codec.sketch import drawing
from jpegredact.codec.walk import index_scan, scan_units
from jpegredact.redaction import redact, restore, sample

PARTS = 7  # of `content`; an error has three
FACTORS = {
    "4:2:0": ((2, 2), (1, 1), (1, 1)),
    "4:2:2": ((2, 1), (1, 1), (1, 1)),
    "4:4:4": ((1, 1), (1, 1), (1, 1)),
    "grey": ((1, 1),),
}


data_length = core.stuffing.data_length


class AtOnce(Beside):
    """One who goes ahead the moment he is asked to, so that the other always meets him."""

    def begin(self, work):
        later = super().begin(work)
        later.run()
        return later


def some_marks(mcus: int, seed: int) -> bytearray:
    """Return a few runs of 2 with a 1 around each."""
    generator = random.Random(seed)
    marks = bytearray(mcus)
    for _ in range(generator.choice((1, 2, 5))):
        at, length = generator.randrange(mcus), generator.choice((1, 1, 3))
        for mcu in range(max(at - 1, 0), min(at + length + 1, mcus)):
            inside = at <= mcu < at + length
            marks[mcu] = max(marks[mcu], 2 if inside else 1)
    return marks


def content(index: ScanIndex) -> tuple:
    """Return what an index says, apart from which bit of its words is the first of each run."""
    starts, ends = index.places.new
    runs = [index.bits(a, b).hex() + f" {b - a}" for a, b in zip(starts, ends, strict=True)]
    units = index.layout.units
    firsts = []
    for begin, end, base, at in zip(*index.ranges, starts, strict=True):
        firsts += [bit - at for bit in index.blocks[0][base : base + (end - begin) * units]]
    anchors = [
        byte * 8 <= old and byte == data_length(index.data[index.scan.start : raw])
        for raw, byte, old in zip(*index.places.anchors, index.places.old[0], strict=True)
    ]
    assert all(anchors)
    blocks = index.blocks[1:]
    return runs, firsts, blocks, index.places.old, index.intervals, index.ends, index.drawn


def walked(data: bytes, marks: bytearray, beside: Beside | None) -> tuple[tuple, bytes]:
    """Return what the index says, or the error, and the marks that are left."""
    jpeg = read_jpeg(data)
    marks = bytearray(marks)
    try:
        units = drawing(jpeg, fine=len(marks) % 2 == 0)
        index = index_scan(
            data, jpeg, jpeg.scans[0], marks, beside, None if units is None else units.units
        )
        found: tuple = content(index)
    except jr.JpegRedactError as error:
        found = error.code, error.offset, error.message
    return found, bytes(marks)


def both_ways(data: bytes, marks: bytearray) -> tuple[tuple, list[bool]]:
    """Walk a scan in one thread and from two ends; return what was found, and whether they met."""
    alone = walked(data, marks, None)
    with everywhere() as met, AtOnce(1) as beside:
        together = walked(data, marks, beside)
    assert together == alone
    return alone[0], met


@pytest.mark.parametrize("name", FACTORS)
def test_made_pictures(name) -> None:
    parts = random_parts(320, 208, FACTORS[name], seed=len(name))
    data = make_jpeg(320, 208, parts)
    mcus = scan_layout(read_jpeg(data), read_jpeg(data).scans[0]).mcus
    times = []
    for seed in range(60):
        found, met = both_ways(data, some_marks(mcus, seed))
        assert len(found) == PARTS
        times += met
    assert sum(times) > 20  # it is not that they never meet


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("name", FACTORS)
def test_dc_values_of_all_mcus(name, fine) -> None:
    """They are those that are recorded where all is; and there are none but of a whole scan."""
    parts = random_parts(320, 208, FACTORS[name], seed=len(name))
    data = make_jpeg(320, 208, parts)
    jpeg = read_jpeg(data)
    layout = scan_layout(jpeg, jpeg.scans[0])
    all_of_it = index_scan(data, jpeg, jpeg.scans[0], bytearray(b"\2" * layout.mcus))
    wanted = [grid.first + grid.down * grid.across - 1 for grid in layout.grids]
    if fine:
        wanted[:1] = range(layout.grids[0].down * layout.grids[0].across)
    values = [
        all_of_it.blocks[3][mcu * layout.units + unit]
        for mcu in range(layout.mcus) for unit in wanted
    ]  # fmt: skip
    few = some_marks(layout.mcus, 1)
    units = array("B", [unit in wanted for unit in range(layout.units)])
    drawn = index_scan(data, jpeg, jpeg.scans[0], few, draw=units).drawn
    assert drawn is not None
    assert list(drawn) == values
    assert all_of_it.drawn is None
    restarted = make_jpeg(320, 208, parts, restart=20)
    jpeg = read_jpeg(restarted)
    assert index_scan(restarted, jpeg, jpeg.scans[0], few, draw=units).drawn is None


@pytest.mark.parametrize("fill", [False, True])
def test_fill_bytes_that_only_one_of_them_passes(fill) -> None:
    parts = random_parts(320, 208, FACTORS["4:2:0"], seed=5)
    data = make_jpeg(320, 208, parts, fill_inside=fill)
    marks = bytearray(260)
    marks[1], marks[250] = 2, 2
    start, end = read_jpeg(data).scans[0].start, read_jpeg(data).scans[0].end
    for share in (0, 0.2, 0.75, 0.9):  # in front, and where nobody walks but the one ahead
        at = data.index(b"\xff", int(start + (end - start) * share))
        for changed in (data, data[:at] + b"\xff\xff" + data[at:]):
            found, met = both_ways(changed, marks)
            assert met == [True]
            assert found[4][0].has_fill is (fill or changed is not data)


@pytest.mark.parametrize("kind", [Beside, AtOnce])
def test_fill_bytes_in_a_real_photo(corpus: Path, monkeypatch, kind) -> None:
    """At the size that it has; with the threads that it has, and where they surely meet."""
    for module in (redact, restore):
        monkeypatch.setattr(module, "Beside", kind)
    photos = 0
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        if not 400_000 < len(data) < 900_000 or data[:2] != b"\xff\xd8":
            continue
        jpeg = jr.inspect(data)
        scan = jpeg.scans[0]
        if jpeg.frame.code != 0xC0 or len(jpeg.scans) > 1 or scan.restarts:
            continue
        at = data.index(b"\xff\0", (2 * scan.start + scan.end) // 3)
        filled = data[:at] + b"\xff\xff" + data[at:]
        done = jr.redact(filled, [(0, 0, 16, 16)])
        assert jr.restore(done.jpeg, done.diff) == filled
        photos += 1
        if photos == 6:
            break
    assert photos == 6


def test_one_does_not_go_further_ahead_than_the_picture_goes() -> None:
    """However many zeros stand behind it that would be MCUs."""
    table = {slot: Table(bytes([1] + [0] * 15), b"\0") for slot in (0, 16)}
    data = make_jpeg(512, 512, [grey(np.zeros((64, 64), int))], table)
    end = read_jpeg(data).scans[0].end
    data = data[:end] + bytes(1 << 21) + data[end:]
    jpeg = read_jpeg(data)
    scan = jpeg.scans[0]
    dc, ac, units = scan_units(scan_layout(jpeg, scan), scan)

    def cursor():
        return core.scan.ScanCursor(
            data, quads(data), sys.byteorder == "little", units, decode_tables(dc, ac),
            (array("q"), array("B"), array("i"), array("i")), array("I"), 64,
        )  # fmt: skip

    place = ahead.middle(data, scan.start, scan.end), scan.end
    for wanted, stops in ((lambda: True, range(28, 33)), (lambda: False, range(1))):
        seen = ahead.look_ahead(cursor, 1, *place, 4096, wanted, array("B", [0]))
        assert len(seen.stops) in stops


def test_nobody_begins_in_a_desert_of_fill_bytes() -> None:
    assert ahead.middle(b"\1" * 2000 + b"\xff" * 3000, 0, 5000) is None
    assert ahead.middle(b"\1" * 2800 + b"\xff" * 2200, 0, 5000) == 2800
    assert ahead.middle(b"\1" * 2900 + b"\xff" * 2100, 0, 5000) == 2812


def test_damage_anywhere_is_found_as_before() -> None:
    data = make_jpeg(320, 208, random_parts(320, 208, FACTORS["4:2:0"], seed=9))
    scan = read_jpeg(data).scans[0]
    generator = random.Random(1)
    outcomes = set()
    for seed in range(400):
        at = generator.randrange(scan.start, scan.end)
        changed = (
            data[:at] + bytes([generator.randrange(256)]) + data[at + 1 :]
            if seed % 2
            else data[:at] + generator.choice((b"", b"\xff\xd9"))
        )
        found, met = both_ways(changed, some_marks(260, seed))
        outcomes.add((len(found) == PARTS, met == [True]))
    assert outcomes >= {(True, True), (True, False), (False, False)}


@given(st.binary(min_size=200, max_size=600), st.integers(0, 1 << 20))
def test_any_bytes(coded, seed) -> None:
    data = make_jpeg(320, 208, random_parts(320, 208, FACTORS["4:2:2"], seed=2))
    scan = read_jpeg(data).scans[0]
    both_ways(data[: scan.start] + coded.replace(b"\xff", b"\xff\x00"), some_marks(520, seed))


def test_dc_values_that_leave_16_bits_behind_the_middle() -> None:
    """Counted from where the one ahead began they do not."""
    for top in (32767, 32768):
        dc = np.linspace(0, 30000, 1000).astype(int)
        dc[700] = top  # only the one ahead comes by there
        part = grey(dc.reshape(25, 40), {1: 3, 9: -2})
        data = make_jpeg(320, 200, [part], wide_tables())
        marks = bytearray(1000)
        marks[5] = 2
        found, met = both_ways(data, marks)
        assert met == [True]
        assert (found[4][0].broken is None) is (top == 32767)


def wide_tables() -> dict[int, Table]:
    tables = dict(standard_tables())
    tables[0] = Table(bytes([0, 0, 0, 0, 16] + [0] * 11), bytes(range(16)))
    return tables


def test_components_that_share_tables_may_never_fall_into_step() -> None:
    parts = random_parts(320, 208, FACTORS["4:4:4"], seed=3)
    parts = [Part(part.blocks, 1, 1, 0, 0) for part in parts]
    data = make_jpeg(320, 208, parts)
    times = [met for seed in range(20) for met in both_ways(data, some_marks(1040, seed))[1]]
    assert times


def test_whole_redactions_are_the_same(photo, monkeypatch) -> None:
    times: list[bool] = []
    monkeypatch.setattr(sample, "_BLOCKS", 64)  # so small, it would be the whole picture
    for options in ({"quality": 95}, {"quality": 40, "subsampling": 0}, {"optimize": True}):
        data = pillow_jpeg(photo, **options)
        for box in ((8, 8, 24, 24), (180, 130, 200, 150), (0, 70, 30, 75)):
            alone = jr.redact(data, [box])
            with monkeypatch.context() as patch, everywhere() as met:
                for module in (redact, restore):
                    patch.setattr(module, "Beside", AtOnce)
                together = jr.redact(data, [box])
                assert jr.restore(together.jpeg, together.diff) == data
            assert (together.jpeg, together.diff) == (alone.jpeg, alone.diff)
            assert len(met) == 2  # redacting and restoring
            times += met
    assert any(times)


def test_real_photos_fall_into_step(corpus: Path) -> None:
    """At their own size, with the limits as they are."""
    times = []
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes()
        if not 400_000 < len(data) < 1_200_000:
            continue
        try:
            jpeg = read_jpeg(data)
        except jr.JpegRedactError:
            continue
        if jpeg.frame.code not in (0xC0, 0xC1) or len(jpeg.scans) != 1 or jpeg.scans[0].restarts:
            continue
        marks = some_marks(scan_layout(jpeg, jpeg.scans[0]).mcus, len(times))
        alone = walked(data, marks, None)
        with everywhere(ahead._DENSE, ahead._STEP, 256) as met, AtOnce(1) as beside:
            assert walked(data, marks, beside) == alone, path.name
        times += met
    assert len(times) > 20
    assert sum(times) > 0.9 * len(times)
