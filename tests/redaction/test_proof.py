"""That the original comes back: the check that patches do it, and when blocks need no patch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegmaker import Part, Table, make_jpeg, random_parts, standard_tables

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.redaction import proof
from jpegredact.redaction.picture import apply_patches, assemble
from jpegredact.redaction.proof import _bring_back, _difference

few = st.binary(max_size=6)


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, list, list]:
    """Draw a file, what was changed in it, and patches: the right ones, or others."""
    data = draw(st.binary(max_size=30))
    edges = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    changes = [
        (start, end, draw(st.sampled_from([b"", data[start:end]]) | few))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    patches = []
    position = at = 0
    for start, end, new in changes:
        position += start - at
        patches.extend(_difference(position, new, data[start:end]))
        position += len(new)
        at = end
    if draw(st.booleans()):
        return data, changes, patches
    size = len(assemble(data, changes))
    edges = sorted(draw(st.lists(st.integers(0, size), max_size=6)))
    patches = [
        (start, end - start, draw(few))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]
    return data, changes, patches


@given(cases())
@settings(max_examples=600)
def test_it_says_what_comes_of_it(case: tuple[bytes, list, list]) -> None:
    data, changes, patches = case
    brought = apply_patches(assemble(data, changes), patches) == data
    inside = all(
        any(start <= offset and offset + length <= end for start, end in spans(data, changes))
        for offset, length, _ in patches
    )
    assert _bring_back(patches, data, changes) == (brought and inside)


def spans(data: bytes, changes: list) -> list[tuple[int, int]]:
    """Return where the pieces of the changed file begin and end: no patch crosses an edge."""
    found = []
    at = position = 0
    for start, end, new in changes:
        found += [(position, position + start - at)]
        position += start - at
        found += [(position, position + len(new))]
        position += len(new)
        at = end
    return [*found, (position, position + len(data) - at)]


def test_what_was_left_out_is_told() -> None:
    data = bytes(range(40))
    changes = [(10, 20, b"abc"), (30, 30, b"more")]
    patches = [*_difference(10, b"abc", data[10:20]), *_difference(23, b"more", b"")]
    assert _bring_back(patches, data, changes)
    assert not _bring_back(patches[:1], data, changes)
    assert not _bring_back(patches[1:], data, changes)
    assert not _bring_back([], data, changes)
    assert not _bring_back([*patches, (27, 1, b"x")], data, changes)


class LastCodes(Table):
    """An encoder that takes the last of a symbol's codes; T.81 takes it that there is but one."""

    def codes(self) -> dict[int, str]:
        return dict(self.in_order())


def with_several_codes(kind: type[Table], slots: set[int]) -> bytes:
    tables = {
        slot: kind.level([*sorted(set(table.symbols)), *table.symbols[:20]])
        if slot in slots
        else table
        for slot, table in standard_tables().items()
    }
    return make_jpeg(64, 48, random_parts(64, 48, ((2, 2), (1, 1), (1, 1))), tables)


@pytest.mark.parametrize("slots", [{0x00, 0x01}, {0x10, 0x11}])
@pytest.mark.parametrize("kind", [Table, LastCodes])
def test_symbols_with_several_codes(kind, slots) -> None:
    """The records name symbols, so what was coded otherwise needs patches, and gets them."""
    data = with_several_codes(kind, slots)
    done = jr.redact(data, [(16, 8, 40, 30)])
    assert jr.restore(done.jpeg, done.diff) == data


@pytest.mark.parametrize("size", [(8, 8), (16, 8)])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("last", [0x00, 0xFF])
def test_what_stands_in_front_of_an_interval_is_not_in_it(size, padding, last) -> None:
    """A scan of one byte, 0, behind an SOS segment that ends in 0xFF: that is no stuffing."""
    short = Table.of([(0, 1), (1, 2), (2, 3)])
    blank = Part(np.zeros((1, size[0] // 8, 64), int))
    data = bytearray(make_jpeg(*size, [blank], {0x00: short, 0x10: short}, padding=padding))
    data[read_jpeg(bytes(data)).scans[0].start - 1] = last
    done = jr.redact(bytes(data), [(0, 0, 4, 4)])
    assert jr.restore(done.jpeg, done.diff) == data


@pytest.mark.parametrize("restart", [0, 2])
def test_as_a_rule_nothing_is_written_again(restart, monkeypatch) -> None:
    """Blocks that came back the same are proof enough, where there is one way to code each."""
    calls = []
    revealed = proof._revealed
    monkeypatch.setattr(proof, "_revealed", lambda *args: calls.append(1) or revealed(*args))
    parts = random_parts(64, 48, ((2, 2), (1, 1), (1, 1)))
    plain = make_jpeg(64, 48, parts, restart=restart)
    for data, times in (
        (plain, 0),
        (make_jpeg(64, 48, parts, restart=restart, fill_inside=True), 1),
        (make_jpeg(64, 48, parts, restart=restart, padding=0), 1),
        (make_jpeg(64, 48, parts, restart=restart, zrl_before_eob=True), 1),
        (with_several_codes(Table, {0x10}), 1),
    ):
        calls.clear()
        done = jr.redact(data, [(0, 0, 64, 48)])
        assert jr.restore(done.jpeg, done.diff) == data
        assert len(calls) == times
    with monkeypatch.context() as patch:  # as if the compact code had failed
        patch.setattr("jpegredact.codec.compact._repeats", lambda *args: False)
        calls.clear()
        done = jr.redact(plain, [(0, 0, 64, 48)])
        assert jr.restore(done.jpeg, done.diff) == plain
        assert len(calls) == 1
