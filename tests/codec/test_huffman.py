"""Huffman tables: codes, symbols appended behind them, decoding tables."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jpegmaker import Table, standard_tables

from jpegredact.codec.huffman import STANDARD_TABLES, HuffmanTable, decode_tables, encode_codes
from jpegredact.errors import InvalidJpegError

LONGEST = 16


def codes_of(counts: bytes, symbols: bytes) -> list[tuple[int, str]]:
    """Return ``(symbol, code)`` in order, by T.81 annex C; ValueError if they don't fit."""
    found = []
    code = at = 0
    for length in range(1, LONGEST + 1):
        for _ in range(counts[length - 1]):
            if code >= 1 << length:
                raise ValueError("too many codes")
            found.append((symbols[at], format(code, f"0{length}b")))
            code += 1
            at += 1
        code *= 2
    return found


@st.composite
def tables(draw: st.DrawFn, all_ones: bool = False) -> HuffmanTable:
    """Draw a legal table, often a crowded one; the all-ones code may be in use if asked for."""
    lengths = []
    space = (1 << LONGEST) - (0 if all_ones else 1)
    most = draw(st.integers(0, 40))
    wanted = draw(st.lists(st.integers(1, 16), min_size=most, max_size=most))
    crowds = [[], list(range(1, 17)), [16] * 200, [7] * 120, [8] * 255, [9] * 255]
    wanted += draw(st.sampled_from(crowds))
    for length in sorted(wanted):
        if 1 << (LONGEST - length) <= space and len(lengths) < 256 and lengths.count(length) < 255:
            lengths.append(length)
            space -= 1 << (LONGEST - length)
    symbols = draw(st.permutations(range(256)))[: len(lengths)]
    table = Table.of(list(zip(symbols, lengths, strict=True)))
    return HuffmanTable(0x10, table.counts, table.symbols)


def has_room(table: HuffmanTable, more: int) -> bool:
    """Whether ``more`` codes fit behind the table's, by the arithmetic of Kraft's sum."""
    if len(table.symbols) + more > 256:  # T.81 B.2.4.2 has no more symbols than bytes
        return False
    longest = max((n + 1 for n in range(16) if table.counts[n]), default=1)
    used = sum(count << (LONGEST - 1 - n) for n, count in enumerate(table.counts))
    free = (1 << LONGEST) - 1 - used  # the last 16-bit code, all ones, stays free
    for length in range(LONGEST, longest - 1, -1):  # long codes take the least
        here = min(more, 255 - table.counts[length - 1], free >> (LONGEST - length))
        free -= here << (LONGEST - length)
        more -= here
    return more == 0


def test_standard_tables_are_those_that_pillow_writes() -> None:
    assert set(STANDARD_TABLES) == set(standard_tables()) == {0x00, 0x01, 0x10, 0x11}
    for slot, table in standard_tables().items():
        ours = STANDARD_TABLES[slot]
        assert (ours.slot, ours.counts, ours.symbols) == (slot, table.counts, table.symbols)
        assert ours.is_dc == (slot < 0x10)
        ours.check()


@given(tables(all_ones=True))
def test_codes(table) -> None:
    assert {s: format(c, f"0{n}b") for s, (c, n) in table.codes.items()} == dict(
        codes_of(table.counts, table.symbols)
    )


def test_a_symbol_that_stands_twice_keeps_its_first_code() -> None:
    table = HuffmanTable(0, *_parts(Table.of([(5, 1), (6, 2), (5, 3)])))
    assert table.codes == {5: (0, 1), 6: (2, 2)}


def _parts(table: Table) -> tuple[bytes, bytes]:
    return table.counts, table.symbols


@given(tables(all_ones=True), st.integers(1, 12))
@settings(max_examples=300)
def test_appended(table, more) -> None:
    new = [s for s in range(256) if s not in table.symbols][:more]
    assume(new)
    longer = table.appended(new)
    assert (longer is not None) == has_room(table, len(new))
    if longer is None:
        return
    old = codes_of(table.counts, table.symbols)
    codes = codes_of(longer.counts, longer.symbols)
    assert codes[: len(old)] == old
    assert [symbol for symbol, _ in codes[len(old) :]] == new
    added = [code for _, code in codes[len(old) :]]
    assert all("0" in code for code in added)
    ordered = sorted(code for _, code in codes)
    assert not any(b.startswith(a) for a, b in pairwise(ordered))
    assert (longer.slot, longer.order, longer.offset) == (table.slot, table.order, table.offset)
    longer.check()
    shorter = longer.shortened(len(table.symbols))
    assert shorter == table


@given(tables(), st.integers(1, 6), st.integers(1, 6))
def test_appending_twice_is_appending_all_where_there_is_much_room(table, first, more) -> None:
    """Symbols appended later never move those appended before."""
    new = [s for s in range(256) if s not in table.symbols][: first + more]
    once = table.appended(new[:first])
    twice = once and once.appended(new[first:])
    if twice is None:
        return
    assert dict(once.codes.items()) == {s: twice.codes[s] for s in once.codes}
    assert twice.shortened(len(once.symbols)) == once
    assert twice.shortened(len(table.symbols)) == table


def test_appending_takes_the_next_code_of_the_longest_length() -> None:
    table = HuffmanTable(0, *_parts(Table.of([(0, 2), (1, 2)])))
    assert table.appended([9]).codes[9] == (0b10, 2)
    assert table.appended([9, 8]).codes == {0: (0, 2), 1: (1, 2), 9: (2, 2), 8: (0b110, 3)}


def test_appending_to_no_codes_at_all() -> None:
    empty = HuffmanTable(0, bytes(16), b"")
    assert empty.codes == {}
    assert empty.appended([3]).codes == {3: (0, 1)}
    assert empty.appended([]) == empty


def test_a_full_table_has_no_room() -> None:
    full = HuffmanTable(0, *_parts(Table.full(range(16))))
    assert full.appended([20]) is None
    with_room = HuffmanTable(0, *_parts(Table.of([(k, k + 1) for k in range(15)])))
    assert with_room.appended([20]).codes[20] == (0xFFFE, 16)
    assert with_room.appended([20, 21]) is None


def test_a_table_with_all_codes_of_one_length_in_use_has_no_room() -> None:
    assert HuffmanTable(0, bytes([2, *[0] * 15]), b"\0\1").appended([2]) is None


def test_no_table_grows_beyond_256_symbols() -> None:
    """A DHT segment with more is refused by every reader, ours included."""
    symbols = bytes([1] * 250 + [2, 3, 4, 5, 6, 7])
    counts = bytes([0] * 8 + [250, 6] + [0] * 6)
    table = HuffmanTable(0x10, counts, symbols)
    table.check()
    assert table.appended([0]) is None


@given(tables(all_ones=True))
@settings(max_examples=40)
def test_full_decodes_every_code(table) -> None:
    full = table.full
    assert len(full) == 1 << LONGEST
    expected = [0] * (1 << LONGEST)
    for symbol, code in codes_of(table.counts, table.symbols):
        start = int(code, 2) << (LONGEST - len(code))
        for at in range(start, start + (1 << (LONGEST - len(code)))):
            expected[at] = len(code) << 8 | symbol
    assert list(full) == expected


@given(tables(all_ones=True))
@settings(max_examples=40)
def test_encode_codes(table) -> None:
    codes = encode_codes((STANDARD_TABLES[0x10], table), 256)
    assert len(codes) == 512
    for symbol in range(256):
        code, length = table.codes.get(symbol, (0, 0))
        assert codes[256 + symbol] == code << 5 | length


def test_decode_tables_of_one_table() -> None:
    dc, ac = STANDARD_TABLES[0x00], STANDARD_TABLES[0x10]
    dc_fast, ac_fast, dc_full, ac_full = decode_tables((dc,), (ac,))
    assert list(dc_full) == list(dc.full)
    assert list(ac_full) == list(ac.full)
    # a fast entry, where there is one, says the same as bit by bit
    for bits in range(4096):
        entry = dc.full[bits << 4]
        length, size = entry >> 8, entry & 255
        if length and length + size <= 12:
            value = bits >> (12 - length - size) & ((1 << size) - 1)
            if size and not value >> (size - 1):
                value -= (1 << size) - 1
            assert dc_fast[bits] == (value + 2048) << 4 | length + size
        else:
            assert dc_fast[bits] == 0
    assert len(ac_fast) == 8192


@pytest.mark.parametrize(
    ("counts", "symbols"),
    [
        ([3], [0, 1, 2]),
        ([2, 1], [0, 1, 2]),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3], list(range(18))),
        ([0, 5], [0, 1, 2, 3, 4]),
    ],
)
@pytest.mark.parametrize("slot", [0x00, 0x10])
def test_more_codes_than_fit(counts, symbols, slot) -> None:
    table = HuffmanTable(slot, bytes(counts).ljust(16, b"\0"), bytes(symbols), 0, 77)
    for use in (table.check, lambda: table.codes, lambda: table.full):
        with pytest.raises(InvalidJpegError) as caught:
            use()
        assert caught.value.code == "jpeg.huffman"
    with pytest.raises(InvalidJpegError) as caught:
        table.check()
    assert caught.value.offset == 77


def test_a_dc_category_above_15() -> None:
    HuffmanTable(0x00, bytes([1, *[0] * 15]), b"\x0f", 0, 77).check()
    HuffmanTable(0x10, bytes([1, *[0] * 15]), b"\x10", 0, 77).check()
    with pytest.raises(InvalidJpegError) as caught:
        HuffmanTable(0x00, bytes([1, *[0] * 15]), b"\x10", 0, 77).check()
    assert (caught.value.code, caught.value.offset) == ("jpeg.huffman", 77)


def test_to_bytes() -> None:
    table = standard_tables()[0x11]
    ours = HuffmanTable(0x11, table.counts, table.symbols)
    assert ours.to_bytes() == table.segment_part(0x11)


def assert_good_code(table: HuffmanTable, symbols: set[int]) -> None:
    """Assert that a table has one code for each symbol, none of them all ones or a beginning."""
    found = codes_of(table.counts, table.symbols)
    assert len(table.counts) == LONGEST
    assert sorted(symbol for symbol, _ in found) == sorted(symbols)
    codes = sorted(code for _, code in found)
    assert all("0" in code and 1 <= len(code) <= LONGEST for code in codes)
    assert not any(longer.startswith(code) for code, longer in pairwise(codes))
    decoded = HuffmanTable(table.slot, table.counts, table.symbols)
    assert decoded.codes == {s: (int(code, 2), len(code)) for s, code in found}


@given(tables(all_ones=True), st.sets(st.integers(0, 255)))
@settings(max_examples=150)
def test_roomy(table, more) -> None:
    new = table.roomy(more)
    assert_good_code(new, {*table.symbols, *more})
    assert new.slot == table.slot


@pytest.mark.parametrize("table", STANDARD_TABLES.values(), ids=STANDARD_TABLES)
def test_roomy_with_every_symbol(table) -> None:
    symbols = range(16 if table.is_dc else 256)
    new = table.roomy(symbols)
    assert_good_code(new, set(symbols))
    short = sorted(symbol for symbol, (_, length) in table.codes.items() if length <= 6)
    assert all(new.codes[symbol][1] <= 7 for symbol in short)  # often used, and still short
    assert_good_code(new.roomy(symbols), set(symbols))


def test_roomy_of_lengths_that_want_more_than_16_bits() -> None:
    """Weights that double from symbol to symbol make a tree of depth 20 and more."""
    table = HuffmanTable(0x10, bytes([1] * 16), bytes(range(16)))
    for count in (17, 20, 60, 256):
        assert_good_code(table.roomy(range(count)), set(range(count)))
