"""TIFF directories: what is read, and that nothing hostile gets through."""

import exif_maker as maker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.container.exif.tiff import (
    Budget,
    byte_order,
    gaps,
    merged,
    numbers,
    overlaps,
    read_chain,
    read_ifd,
)

ORDERS = ("little", "big")
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: tuple(sorted(ends)))
)


@pytest.mark.parametrize("order", ORDERS)
def test_a_directory_is_read(order):
    made = maker.tiff(
        {
            "ifd0": [
                (0x0100, maker.SHORT, 640),
                (0x010F, maker.ASCII, "A camera"),
                (0x011A, maker.RATIONAL, (72, 1)),
            ],
            "ifd1": [(0x0103, maker.SHORT, 6)],
        },
        order,
        {"ifd0": "ifd1"},
    )
    data = made.data
    assert byte_order(data[:2]) == order
    ifd = read_ifd(data, (0, len(data)), 8, 0, order)
    assert ifd is not None
    assert not ifd.damaged
    assert [entry.tag for entry in ifd.entries] == [0x0100, 0x010F, 0x011A]
    assert all(entry.inside and entry.valid for entry in ifd.entries)
    small, text, ratio = ifd.entries
    assert small.inline
    assert numbers(data, small, order) == (640,)
    assert not text.inline
    assert data[text.start : text.end] == b"A camera\0"
    assert (ratio.start, ratio.length) == made.values["ifd0", 0x011A]
    assert ifd.next_at == made.places["ifd1"]
    assert ifd.find(0x010F) == text
    assert ifd.find(0x9999) is None


def test_offsets_count_from_a_base():
    made = maker.tiff({"ifd": [(1, maker.ASCII, "somewhere")]}, header=8, base=100)
    ifd = read_ifd(made.data, (0, len(made.data)), 8, -100, "little")
    assert ifd is not None
    assert made.data[ifd.entries[0].start : ifd.entries[0].end] == b"somewhere\0"


@pytest.mark.parametrize(
    ("count", "value"), [(2**32 - 1, 8), (8, 2**32 - 1), (2**32 - 1, 2**32 - 1), (100, 8)]
)
def test_what_lies_outside_is_said(count, value):
    made = maker.tiff({"ifd": [(1, maker.LONG, maker.Raw(count, value)), (2, maker.SHORT, 5)]})
    ifd = read_ifd(made.data, (0, len(made.data)), 8, 0, "little")
    assert ifd is not None
    assert [entry.inside for entry in ifd.entries] == [False, True]
    assert numbers(made.data, ifd.entries[0], "little") == ()


def test_more_entries_than_fit_are_damage():
    made = maker.tiff({"ifd": [(1, maker.SHORT, 5)]})
    data = made.data[:8] + b"\xff\xff" + made.data[10:]
    ifd = read_ifd(data, (0, len(data)), 8, 0, "little")
    assert ifd is not None
    assert "65535" in ifd.damaged
    assert len(ifd.entries) == 1


def test_entries_of_no_type_are_no_directory():
    data = b"\x02\x00" + 2 * (b"\x01\x00\x99\x00" + bytes(8)) + bytes(4)
    assert read_ifd(data, (0, len(data)), 0, 0, "little") is None
    assert read_ifd(data, (0, len(data)), len(data) - 1, 0, "little") is None


def test_a_chain_that_bites_its_tail_ends():
    made = maker.tiff(
        {"a": [(1, maker.SHORT, 5)], "b": [(2, maker.SHORT, 5)]}, links={"a": "b", "b": "a"}
    )
    chain = list(read_chain(made.data, (0, len(made.data)), 8, 0, "little", Budget()))
    assert [ifd.entries[0].tag for ifd in chain] == [1, 2]


def test_a_budget_runs_out():
    made = maker.tiff(
        {"a": [(1, maker.SHORT, 5)] * 3, "b": [(2, maker.SHORT, 5)]}, links={"a": "b"}
    )
    within = (0, len(made.data))
    assert len(list(read_chain(made.data, within, 8, 0, "little", Budget(1)))) == 1
    assert len(list(read_chain(made.data, within, 8, 0, "little", Budget(9, 3)))) == 1
    assert not list(read_chain(made.data, within, 8, 0, "little", Budget(9, 2)))


@given(
    st.binary(max_size=200), st.integers(-4, 220), st.integers(-10, 220), st.sampled_from(ORDERS)
)
def test_any_bytes_are_read_or_not(data, at, base, order):
    ifd = read_ifd(data, (0, len(data)), at, base, order)
    if ifd is not None:
        assert 0 <= ifd.at < ifd.end <= len(data)
        for entry in ifd.entries:
            assert not entry.inside or 0 <= entry.start <= entry.end <= len(data)
            assert len(numbers(data, entry, order)) <= 200


@given(SPANS, SPANS)
def test_spans_are_sets_of_bytes(left, right):
    def covered(spans):
        return {at for first, last in spans for at in range(first, last)}

    assert covered(merged(left)) == covered(left)
    assert all(a[1] < b[0] for a, b in zip(merged(left), merged(left)[1:], strict=False))
    assert covered(gaps((5, 50), left)) == set(range(5, 50)) - covered(left)
    assert overlaps(left, right) == bool(covered(left) & covered(right))
