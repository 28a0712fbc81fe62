"""Padding of sealed records: sizes tell little, and there is one padding for each record."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jpegredact.diff.padding import pad, padded_size, unpad
from jpegredact.errors import InvalidDiffError


@pytest.mark.parametrize(
    ("length", "size"),
    [
        (0, 1024), (1016, 1024), (1017, 2048), (2040, 2048), (2041, 4096), (16377, 32768),
        (32760, 32768), (32761, 34816), (34808, 34816), (34809, 36864),
        (10**6, 1_015_808), (10**9, 1_006_632_960),
    ],
)  # fmt: skip
def test_sizes(length, size) -> None:
    assert padded_size(length) == size


@given(st.integers(0, 1 << 40))
@example((1 << 16) - 8)
def test_sizes_are_enough_and_not_too_much(length) -> None:
    total = length + 8
    size = padded_size(length)
    assert size >= total
    assert size < max(1025, 2 * total if total <= 1 << 15 else 1.12 * total)
    assert padded_size(size - 8) == size, "a size that no record has"
    assert padded_size(length + 1) >= size


@given(st.binary(max_size=5000))
def test_back_and_forth(record) -> None:
    assert unpad(pad(record)) == record


def test_large_records() -> None:
    for length in (32759, 32760, 32761, 100_000, 1_234_567):
        record = b"\xff" * length
        assert unpad(pad(record)) == record


GOOD = pad(b"record")


@pytest.mark.parametrize(
    "padded",
    [
        b"", GOOD[:7], GOOD[:8], GOOD[:14], GOOD[:-1], GOOD + b"\0", GOOD + bytes(1024), GOOD * 2,
        GOOD[:-1] + b"\1", GOOD[:14] + b"\1" + GOOD[15:],
        (5).to_bytes(8) + GOOD[8:],  # says that its last byte is padding
        (1016).to_bytes(8) + bytes(1024), (1017).to_bytes(8) + bytes(1017),
        (2**64 - 1).to_bytes(8) + bytes(1016), (1 << 63).to_bytes(8),
        (1 << 20).to_bytes(8) + bytes(1016), bytes(8), bytes(2048),
    ],
)  # fmt: skip
def test_any_other_padding_is_refused(padded) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        unpad(padded)
    assert caught.value.code == "diff.padding"
