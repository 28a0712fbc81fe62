"""The CBOR subset of a diff, with cbor2's canonical encoding as the referee."""

import math
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpegredact.diff.cbor import MAGIC, decode, encode
from jpegredact.errors import InvalidDiffError

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64 - 1),
    st.sampled_from([0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -1, -24, -25, -256]),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=16),
    st.floats(allow_nan=False, width=32),
    st.binary(max_size=300),
    st.text(max_size=300),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=30), inner),
    max_leaves=12,
).filter(lambda value: depth(value) <= 8)


def depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


def same(a: object, b: object) -> bool:
    """Equality that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float):
        return struct.pack(">d", a) == struct.pack(">d", b)
    return a == b


@given(values)
@settings(max_examples=300)
def test_round_trip(value) -> None:
    assert same(decode(encode(value)), value)


@given(values)
@settings(max_examples=300)
def test_it_is_what_cbor2_calls_canonical(value) -> None:
    cbor2 = pytest.importorskip("cbor2")
    data = encode(value)
    assert data == cbor2.dumps(value, canonical=True)
    assert same(cbor2.loads(data), value)


@given(values, st.integers(0, 9))
def test_decoding_starts_where_it_is_told_to(value, at) -> None:
    assert same(decode(bytes(at) + encode(value), at), value)


@given(st.binary(max_size=40))
@settings(max_examples=500)
def test_any_bytes_are_refused_or_canonical(data) -> None:
    try:
        value = decode(data)
    except InvalidDiffError as error:
        assert error.code in ("diff.cbor", "diff.truncated", "diff.trailing")  # noqa: PT017
        assert 0 <= error.offset <= len(data)  # noqa: PT017
    else:
        assert encode(value) == data


@given(values, st.data())
def test_every_truncation_is_refused(value, data) -> None:
    whole = encode(value)
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(InvalidDiffError) as caught:
        decode(whole[:length])
    assert caught.value.code == "diff.truncated"


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("", "diff.truncated", 0),
        ("18", "diff.truncated", 1),
        ("0000", "diff.trailing", 1),
        ("1817", "diff.cbor", 0),  # 23 in two bytes
        ("1900ff", "diff.cbor", 0),
        ("1a0000ffff", "diff.cbor", 0),
        ("1b00000000ffffffff", "diff.cbor", 0),
        ("3817", "diff.cbor", 0),
        ("3900ff", "diff.cbor", 0),
        ("5801aa", "diff.cbor", 0),
        ("590001aa", "diff.cbor", 0),
        ("780161", "diff.cbor", 0),
        ("980100", "diff.cbor", 0),
        ("b80160f6", "diff.cbor", 0),
        ("1c", "diff.cbor", 0), ("1d", "diff.cbor", 0), ("1e", "diff.cbor", 0),
        ("1f", "diff.cbor", 0),
        ("5f41aaff", "diff.cbor", 0),  # indefinite lengths
        ("7f6161ff", "diff.cbor", 0),
        ("9f00ff", "diff.cbor", 0),
        ("bf6161f6ff", "diff.cbor", 0),
        ("ff", "diff.cbor", 0),
        ("c000", "diff.cbor", 0),  # tags: a date, a bignum, self-described CBOR
        ("c249010000000000000000", "diff.cbor", 0),
        ("d9d9f700", "diff.cbor", 0),
        ("f7", "diff.cbor", 0),  # undefined and other simple values
        ("e0", "diff.cbor", 0), ("f3", "diff.cbor", 0), ("f820", "diff.cbor", 0),
        ("f97e00", "diff.cbor", 0), ("fa7fc00000", "diff.cbor", 0),  # NaN
        ("fb7ff8000000000000", "diff.cbor", 0), ("f97e01", "diff.cbor", 0),
        ("fa3f800000", "diff.cbor", 0),  # 1.0 in four bytes
        ("fb3ff0000000000000", "diff.cbor", 0),
        ("fa7f800000", "diff.cbor", 0),  # infinity in four bytes
        ("a26162f66161f6", "diff.cbor", 4),  # b before a
        ("a2626161f66162f6", "diff.cbor", 5),  # aa before b: not by length
        ("a26161f66161f6", "diff.cbor", 4),  # twice
        ("a100f6", "diff.cbor", 1),  # keys that are no text
        ("a14161f6", "diff.cbor", 1),
        ("a1f6f6", "diff.cbor", 1),
        ("61ff", "diff.cbor", 0),  # no UTF-8
        ("63eda080", "diff.cbor", 0),  # a lone surrogate
        ("62c080", "diff.cbor", 0),
        ("8100" * 1 + "00", "diff.trailing", 2),
    ],
)  # fmt: skip
def test_refusals(data, code, offset) -> None:
    with pytest.raises(InvalidDiffError) as caught:
        decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)


@pytest.mark.parametrize("major", range(2, 6))
@pytest.mark.parametrize("length", ["1a7fffffff", "1affffffff", "1b7fffffffffffffff"])
def test_huge_lengths_take_no_memory(major, length) -> None:
    head = bytearray.fromhex(length)
    head[0] |= major << 5
    tracemalloc.start()
    try:
        with pytest.raises(InvalidDiffError) as caught:
            decode(bytes(head) + bytes(100))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code == "diff.truncated"


@pytest.mark.parametrize("head", [b"\x81", b"\xa1\x60"])
def test_depth(head) -> None:
    assert depth(decode(head * 8 + b"\0")) == 8
    for levels in (9, 100_000):
        with pytest.raises(InvalidDiffError):
            decode(head * levels + b"\0")


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, bytearray(b"x"), range(3)])
def test_what_has_no_place_in_a_diff(value) -> None:
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, math.nan, [math.nan]])
def test_numbers_that_do_not_fit(value) -> None:
    with pytest.raises(ValueError, match=r"fit|NaN"):
        encode(value)


def test_magic() -> None:
    assert bytes([0xC0 | 25]) + (55799).to_bytes(2) == MAGIC
