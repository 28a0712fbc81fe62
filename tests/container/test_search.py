"""Byte strings looked for together, compared with looking for each."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jpegredact.container import search
from jpegredact.container.search import Needles

few = st.binary(max_size=0) | st.lists(st.sampled_from(b"\0\xffAB8"), max_size=60).map(bytes)
needles = st.lists(st.lists(st.sampled_from(b"\0\xffAB"), min_size=2, max_size=5).map(bytes),
                   min_size=1, max_size=5)  # fmt: skip


def one_by_one(data: bytes, wanted: list[bytes], start: int, end: int) -> set[tuple[int, int]]:
    return {
        (at, number)
        for number, needle in enumerate(wanted)
        for at in range(max(start, 0), min(end, len(data)) - len(needle) + 1)
        if data[at : at + len(needle)] == needle
    }


@given(few, needles, st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=500)
def test_all_are_found_once(data: bytes, wanted: list[bytes], start: int, end: int) -> None:
    found = list(Needles(wanted).places(data, start, end))
    assert len(found) == len(set(found))
    assert set(found) == one_by_one(data, wanted, start, end)


def test_more_than_are_listed_at_once(monkeypatch) -> None:
    monkeypatch.setattr(search, "_AT_ONCE", 3)
    data = b"xABAB" * 7 + b"ABBA"
    wanted = [b"AB", b"BA", b"ABB"]
    found = list(Needles(wanted).places(data, 0, len(data)))
    assert sorted(found) == sorted(one_by_one(data, wanted, 0, len(data)))
    assert len(found) > 20


def test_it_is_found_by_what_is_rare() -> None:
    """Not by the zeros in front: there are runs of thousands of them."""
    data = bytes(5000) + b"\0\0\0\x0cjP" + bytes(5000)
    needles = Needles([b"\0\0\0\x0cjP"])
    assert list(needles.places(data, 0, len(data))) == [(5000, 0)]
    assert list(needles._by_pair) == [b"\x0cj"]
