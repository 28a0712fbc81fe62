"""Fills that a file's Huffman tables can say: the search, and every step end to end."""

from collections.abc import Mapping
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegmaker import Part, Table, grey, make_jpeg, segment, standard_tables
from pictures import huffman_tables, read_blocks

import jpegredact as jr
from jpegredact.codec.huffman import HuffmanTable
from jpegredact.redaction.say import bare_block, nearest_run, nearest_run_at_all

# --- the nearest run within a bound ---


def brute_force(before, wishes, behind, sizes, bound) -> list[int] | None:
    """Try all runs; the least sum of distances, then the least last value, then the one before."""
    best = None
    for values in product(*(range(w - bound, w + bound + 1) for w in wishes)):
        if can_be_said([before, *values], behind, sizes) and max(map(abs, values)) <= 32767:
            cost = sum(abs(v - w) for v, w in zip(values, wishes, strict=True))
            best = min(best or (cost, values[::-1]), (cost, values[::-1]))
    return best and list(best[1][::-1])


def can_be_said(values, behind, sizes) -> bool:
    values = [*values, *([] if behind is None else [behind])]
    return all(abs(b - a).bit_length() in sizes for a, b in pairwise(values))


small = st.integers(-12, 12)


@given(
    small, st.lists(small, min_size=1, max_size=4), st.none() | small,
    st.frozensets(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=300)
def test_nearest_run(before, wishes, behind, sizes, bound) -> None:
    found = nearest_run(before, wishes, behind, sizes, bound)
    assert found == brute_force(before, wishes, behind, sizes, bound)


def test_nearest_run_stays_within_16_bits() -> None:
    assert nearest_run(32703, [32767], None, {7}, 2) == [32767]
    assert nearest_run(32704, [32767], None, {7}, 2) is None  # 32768 would do, but is none
    assert nearest_run(-32704, [-32768], None, {7}, 2) == [-32768]
    assert nearest_run(-32705, [-32768], None, {7}, 2) is None


# --- the nearest run of all ---


def reach(values: np.ndarray, sizes) -> np.ndarray:
    """Return which of all 16-bit values are one difference away (index: value + 32768)."""
    out = np.zeros_like(values)
    steps = np.concatenate([[0], np.cumsum(values)])
    places = np.arange(65536)
    for size in sizes:
        if size == 0:
            out |= values
            continue
        least, most = 1 << (size - 1), (1 << size) - 1
        for low, high in ((places - most, places - least), (places + least, places + most)):
            low, high = np.clip(low, 0, 65536), np.clip(high + 1, 0, 65536)
            out |= steps[high] > steps[low]
    return out


def one(value: int) -> np.ndarray:
    values = np.zeros(65536, bool)
    values[value + 32768] = True
    return values


def slow_run_at_all(before, wishes, behind, sizes) -> list[int] | None:
    """Walk from the first block on; each takes the nearest value that leaves the rest a way."""
    rest = [np.ones(65536, bool) if behind is None else reach(one(behind), sizes)]
    for _ in wishes[1:]:
        rest.append(reach(rest[-1], sizes))
    values = [before]
    for wish, can in zip(wishes, rest[::-1], strict=True):
        choice = np.flatnonzero(reach(one(values[-1]), sizes) & can) - 32768
        if not len(choice):
            return None
        values.append(int(min(choice.tolist(), key=lambda v: (abs(v - wish), v))))
    return values[1:]


wide = st.integers(-32768, 32767) | small | st.sampled_from([-32768, 32767, 0])


@given(
    wide, st.lists(wide, min_size=1, max_size=5), st.none() | wide,
    st.frozensets(st.integers(0, 15), min_size=1, max_size=5),
)  # fmt: skip
@settings(max_examples=80)
def test_nearest_run_at_all(before, wishes, behind, sizes) -> None:
    found = nearest_run_at_all(before, wishes, behind, sizes)
    assert found == slow_run_at_all(before, wishes, behind, sizes)
    if found is not None:
        assert can_be_said([before, *found], behind, sizes)
        assert all(-32768 <= value <= 32767 for value in found)


@given(st.lists(wide, min_size=1, max_size=6), st.integers(0, 15), st.data())
@settings(max_examples=60)
def test_where_there_was_a_way_one_is_found(original, extra, data) -> None:
    """The original is a run that can be said, so for any wishes there is one."""
    sizes = {abs(b - a).bit_length() for a, b in pairwise(original)}
    sizes = {size for size in sizes if size < 16} | {extra}
    for k in range(1, len(original)):  # keep to differences that a table can hold
        if abs(original[k] - original[k - 1]).bit_length() > 15:
            original[k] = original[k - 1] + (1 << extra >> 1)
    if max(map(abs, original)) > 32767 or len(original) < 2:
        return
    wishes = data.draw(st.lists(wide, min_size=len(original) - 2, max_size=len(original) - 2))
    if wishes:
        sizes |= {abs(b - a).bit_length() for a, b in pairwise(original)}
        assert nearest_run_at_all(original[0], wishes, original[-1], sizes) is not None


# --- a block without detail ---


def decode_block(bits: str, codes: Mapping[int, str]) -> list[int]:
    """Decode the AC coefficients of one block, which must end with the bits."""
    symbols = {code: symbol for symbol, code in codes.items()}
    block, k, at = [0] * 64, 1, 0
    while k < 64:
        end = next(e for e in range(at + 1, at + 17) if bits[at:e] in symbols)
        symbol, at = symbols[bits[at:end]], end
        run, size = symbol >> 4, symbol & 15
        if size == 0 and run != 15:
            assert symbol == 0
            break
        k += run + (size > 0) - (size == 0 and -1)
        if size:
            extra, at = bits[at : at + size], at + size
            assert len(extra) == size
            block[k - 1] = int(extra, 2) - (0 if extra[0] == "1" else (1 << size) - 1)
    assert at == len(bits)
    assert k <= 64
    return block


def bare(table: Table) -> tuple[list[int], bool]:
    """Return the block that stands for "no detail", and whether EOB was appended for it."""
    ours = HuffmanTable(0x10, table.counts, table.symbols, 0, 9)
    longer, bits, value = bare_block(ours)
    codes = Table(longer.counts, longer.symbols).codes()
    assert longer.shortened(len(table.symbols)) == ours
    return decode_block(format(value, f"0{bits}b") if bits else "", codes), longer != ours


@pytest.mark.parametrize("make", [Table.level, Table.full])
@pytest.mark.parametrize(
    ("symbols", "block", "appended"),
    [
        ([0x01, 0x00], {}, False),
        ([0x01, 0xF0, 0xE1], {63: 1}, False),  # three ZRL and a run of 14
        ([0x01], dict.fromkeys(range(1, 64), 1), False),
        ([0x02, 0xF0, 0xE2], {63: 2}, False),
        ([0x81, 0x62], {9 * k: 1 for k in range(1, 8)}, False),
    ],
)
def test_bare_block_without_a_change_of_tables(make, symbols, block, appended) -> None:
    assert bare(make(symbols)) == ([block.get(k, 0) for k in range(64)], appended)


def test_bare_block_with_eob_appended() -> None:
    assert bare(Table.level([0x03, 0x13])) == ([0] * 64, True)
    assert bare(Table.level([0x0A])) == ([0] * 64, True)
    assert bare(Table.level([0xF0])) == ([0] * 64, True)


@pytest.mark.parametrize("size", range(3, 16))
def test_bare_block_where_there_is_no_room(size) -> None:
    """The faintest that the table can say at all, whatever it is."""
    least = 1 << (size - 1)
    assert bare(Table.full([size])) == ([0] + [least] * 63, False)
    assert bare(Table.full([size, 0xF0, 0xE0 | size])) == ([0] * 63 + [least], False)


# --- end to end ---

BOXES = [(16, 16, 40, 40), (32, 24, 56, 48)]
ROWS = COLUMNS = 8
INSIDE = np.zeros((ROWS, COLUMNS), bool)
INSIDE[2:5, 2:5] = INSIDE[3:6, 4:7] = True
FILL_7 = jr.Fill(142, 142, 142)  # 8 * (142 - 128) / 16 = 7 quantiser steps
FILL_50 = jr.Fill(228, 228, 228)


def redact_and_check(data: bytes, method: object) -> tuple[jr.Redaction, np.ndarray]:
    """Redact, hold G1, G3 and G4 with jpegio as the judge; return the result and its blocks."""
    result = jr.redact(data, BOXES, method=method)
    before, after = read_blocks(data), read_blocks(result.jpeg)
    for a, b in zip(before, after, strict=True):
        outside = ~INSIDE[: a.shape[0], : a.shape[1]]
        assert (a[outside] == b[outside]).all()
    assert jr.restore(result.jpeg, result.diff) == data
    for first, second in ((0, 1), (1, 0)):
        try:
            part = jr.restore(result.jpeg, result.diff, regions=[first])
        except jr.VerificationError as error:
            assert error.code == "restore.unsayable"  # noqa: PT017 - only some tables can't
            continue
        for a, b in zip(before, read_blocks(part), strict=True):
            outside = ~INSIDE[: a.shape[0], : a.shape[1]]
            assert (a[outside] == b[outside]).all()
        assert jr.restore(part, result.diff, regions=[second]) == data
        assert jr.restore(part, result.diff) == data
    check = jr.verify(data, result.jpeg, result.diff)
    assert check.ok, check.problems
    return result, after[0]


def tables_kept(data: bytes, result: jr.Redaction) -> bool:
    """Whether the tables are the same, or have symbols appended as the report says."""
    old, new = huffman_tables(data), huffman_tables(result.jpeg)
    assert old.keys() == new.keys()
    said = {name: bytes(added) for _, name, added in result.report.tables_appended}
    for slot, (counts, symbols) in new.items():
        name = f"{'AC' if slot >> 4 else 'DC'} {slot & 15}"
        assert symbols == old[slot][1] + said.pop(name, b"")
        kept = Table(*old[slot]).codes()
        assert {s: c for s, c in Table(counts, symbols).codes().items() if s in kept} == kept
    assert not said
    return new == old


def picture(dc_table: Table, ac_table: Table, dc=None, ac=None, **options: object) -> bytes:
    part = grey(np.zeros((ROWS, COLUMNS), int) if dc is None else dc, ac, 16)
    tables = {0x00: dc_table, 0x10: ac_table}
    return make_jpeg(64, 64, [part], tables, **options)


STANDARD_AC = standard_tables()[0x10]
QUIRKS = [
    {},
    {"restart": 1},
    {"restart": 5, "padding": 0},
    {"fill": 2, "trailing_restart": True},
    {"joined_tables": True, "behind": b"more"},
]


def searched(restart: int, wish: int, search) -> np.ndarray:
    """Return what a search gives for each run of touched blocks between zeros, in coding order."""
    found = np.zeros(64, int)
    for start in range(0, 64, restart or 64):
        interval = range(start, min(start + (restart or 64), 64))
        run: list[int] = []
        for k in (*interval, None):
            if k is not None and INSIDE.flat[k]:
                run.append(k)
            elif run:
                found[run] = search(0, [wish] * len(run), None if k is None else 0)
                run = []
    return found.reshape(8, 8)[INSIDE]


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
@pytest.mark.parametrize("make", [Table.level, Table.full])
def test_step_1_the_nearest_fill_within_two_steps(make, quirks) -> None:
    data = picture(make([0, 1, 4]), STANDARD_AC, ac={5: 3}, **quirks)
    result, blocks = redact_and_check(data, FILL_7)
    assert tables_kept(data, result)
    expected = searched(
        quirks.get("restart", 0), 7, lambda *run: brute_force(*run, {0, 1, 4}, 2)
    )
    assert (blocks[INSIDE, 0] == expected).all()
    assert result.report.blocks_moved == (expected != 7).sum() > 0
    assert not blocks[INSIDE, 1:].any()


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_step_2_a_category_appended(quirks) -> None:
    data = picture(Table.level([0, 1, 4]), STANDARD_AC, ac={5: 3}, **quirks)
    result, blocks = redact_and_check(data, FILL_50)
    assert not tables_kept(data, result)
    assert [(name, added) for _, name, added in result.report.tables_appended] == [("DC 0", (6,))]
    assert result.report.tables_appended[0][0] == data.index(b"\xff\xc4") + 4
    assert (blocks[INSIDE, 0] == 50).all()
    assert result.report.blocks_moved == 0


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_step_3_no_room(quirks) -> None:
    data = picture(Table.full([0, 1, 4]), STANDARD_AC, ac={5: 3}, **quirks)
    result, blocks = redact_and_check(data, FILL_50)
    assert tables_kept(data, result)
    expected = searched(
        quirks.get("restart", 0), 50, lambda *run: slow_run_at_all(*run, {0, 1, 4})
    )
    assert (blocks[INSIDE, 0] == expected).all()
    assert result.report.blocks_moved == INSIDE.sum()
    assert expected.min() > 7


def test_a_step_for_each_of_two_tables() -> None:
    """Luma gets by within two steps; chroma's table must grow; each is said."""
    parts = [
        Part(np.zeros((8, 8, 64), int), dc=0, ac=0, quantization=(16,) * 64),
        Part(np.zeros((8, 8, 64), int), dc=1, ac=0, quantization=(16,) * 64),
        Part(np.zeros((8, 8, 64), int), dc=2, ac=0, quantization=(16,) * 64),
    ]
    tables = {
        0x00: Table.level([0, 1, 4]),
        0x01: Table.level([0, 1]),
        0x02: Table.full([0, 1]),
        0x10: STANDARD_AC,
    }
    for joined in (False, True):
        data = make_jpeg(64, 64, parts, tables, joined_tables=joined, sof=0xC1)
        result, _ = redact_and_check(data, jr.Fill(142, 142, 255))
        tables_kept(data, result)
        assert {name for _, name, _ in result.report.tables_appended} == {"DC 1"}
        after = read_blocks(result.jpeg)
        assert after[1][INSIDE, 0].min() > 10
        assert abs(after[2][INSIDE, 0]).max() <= 3


def test_tables_that_differ_between_scans() -> None:
    """A table redefined under the same number: only the one that lacks a category grows."""
    parts = [Part(np.zeros((8, 8, 64), int), quantization=(16,) * 64) for _ in range(2)]
    data = make_jpeg(
        64, 64, parts, {0x00: Table.level([0, 1, 2, 3, 4, 5, 6]), 0x10: STANDARD_AC},
        scans=[[0], [1]],
    )  # fmt: skip
    second = data.rindex(b"\xff\xda")
    data = data[:second] + segment(0xC4, Table.level([0, 1]).segment_part(0)) + data[second:]
    # the second scan's zeros are coded by a shorter table: code it anew
    tail = make_jpeg(64, 64, [parts[0]], {0x00: Table.level([0, 1]), 0x10: STANDARD_AC})
    header = data.index(b"\xff\xda", second)
    data = data[: header + 10] + tail[tail.index(b"\xff\xda") + 10 :]
    result, _ = redact_and_check(data, jr.Fill(228, 228, 0))
    (appended,) = result.report.tables_appended
    assert appended[0] > data.index(b"\xff\xda")
    assert appended[1] == "DC 0"


EOB_CASES = {
    "a faint block": (Table.level([0x03, 0xF0, 0xE2, 0xE1]), {63: -1}, {63: 1}, ()),
    "a faint block of 63": (
        Table.level([0x01]), dict.fromkeys(range(1, 64), -1), dict.fromkeys(range(1, 64), 1), (),
    ),
    "a faint block, full": (Table.full([0x03, 0xF0, 0xE2, 0xE1]), {63: -1}, {63: 1}, ()),
    "EOB appended": (Table.level([0x03, 0xF0, 0xE4]), {63: 9}, {}, (("AC 0", (0,)),)),
    "EOB appended to 256": (None, {63: 9}, {}, ()),
    "no room, size 3": (Table.full([0xF0, 0xE3, 0x03]), {63: 5}, {63: 4}, ()),
    "no room, size 5": (Table.full([0xF0, 0xE5]), {63: 30}, {63: 16}, ()),
    "no room, size 9": (Table.full([0xF0, 0xE9]), {63: 300}, {63: 256}, ()),
    "no room, only size 6": (
        Table.full([0x06]), dict.fromkeys(range(1, 64), 40), dict.fromkeys(range(1, 64), 32), (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("quirks", QUIRKS[:3], ids=str)
@pytest.mark.parametrize("name", EOB_CASES)
def test_a_table_that_lacks_eob(name, quirks) -> None:
    table, detail, expected, appended = EOB_CASES[name]
    if table is None:  # every code of a table of 256 symbols in use, EOB not among them
        symbols = [0xF0, 0xE4, *[0x03] * 254]
        table = Table.of([(s, 8 if k < 2 else 9) for k, s in enumerate(symbols)])
        expected, appended = None, ()
    dc = np.arange(64).reshape(8, 8)
    data = picture(standard_tables()[0x00], table, dc, detail, **quirks)
    result, blocks = redact_and_check(data, "inpaint")
    tables_kept(data, result)
    assert tuple((n, added) for _, n, added in result.report.tables_appended) == appended
    if expected is not None:
        wanted = [expected.get(k, 0) for k in range(1, 64)]
        assert (blocks[INSIDE, 1:] == wanted).all()


def test_a_dht_segment_that_can_not_grow() -> None:
    """65,535 bytes are all that a segment can say of itself; a symbol more must not crash it."""
    needed = Table.level([0, 1, 4]).segment_part(0) + STANDARD_AC.segment_part(0x10)
    room = 65533 - len(needed)
    useless = [Table.level(range(60)).segment_part(0x13)] * (room // 77 - 1)
    rest = room - 77 * len(useless)
    assert rest >= 17 + 60
    first = rest - 17 - 60
    useless.append(Table.level(range(60)).segment_part(0x13))
    if first:
        assert first >= 17
        useless.append(Table.level(range(first - 17)).segment_part(0x13))
    data = picture(Table.level([0, 1, 4]), STANDARD_AC, joined_tables=True)
    start = data.index(b"\xff\xc4")
    end = start + 2 + int.from_bytes(data[start + 2 : start + 4])
    payload = b"".join(useless) + needed
    assert len(payload) == 65533
    data = data[:start] + segment(0xC4, payload) + data[end:]
    result = jr.redact(data, BOXES, method=FILL_50, side_copies="keep")  # unused tables and all
    assert jr.restore(result.jpeg, result.diff) == data


class Far:
    """A method that asks for the impossible."""

    name, content_free = "far", True

    def __init__(self, value: int) -> None:
        self.value = value

    def render(self, canvas: jr.Canvas) -> np.ndarray:
        return np.full((canvas.rows, canvas.columns), self.value)


@pytest.mark.parametrize("value", [30000, -32768, 32767, 5000])
@pytest.mark.parametrize("restart", [0, 8])
def test_no_dht_and_differences_beyond_the_standard_tables(value, restart) -> None:
    """Without DHT there is nothing to append to; a fill must give way instead."""
    slope = np.array([0, 2000, 4000, 6000, 4500, 3000, 1500, 0])
    dc = np.array([slope if row < 4 else -slope for row in range(8)])
    data = make_jpeg(64, 64, [grey(dc, {3: 1})], {}, restart=restart)
    result, _ = redact_and_check(data, Far(value))
    assert huffman_tables(result.jpeg) == {}
    assert result.report.tables_appended == ()
    for region in (0, 1):
        # a partial file has no tables either, so it can't hold codes that are not standard
        try:
            part = jr.restore(result.jpeg, result.diff, regions=[region])
        except jr.VerificationError:
            continue
        assert huffman_tables(part) == {}
        shown = np.zeros((8, 8), bool)
        left, top, right, bottom = (side // 8 for side in BOXES[region])
        shown[top:bottom, left:right] = True
        left, top, right, bottom = (side // 8 for side in BOXES[1 - region])
        shown[top:bottom, left:right] = False
        whole, now = read_blocks(data)[0], read_blocks(part)[0]
        assert (now[shown | ~INSIDE] == whole[shown | ~INSIDE]).all()
