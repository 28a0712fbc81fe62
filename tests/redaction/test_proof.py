"""The check that patches bring a file back, compared with doing it."""

from hypothesis import given, settings
from hypothesis import strategies as st

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
