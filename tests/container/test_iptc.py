"""IPTC-IIM data sets: previews and names leave, credits and places stay, byte for byte."""

from __future__ import annotations

import struct

import pytest
from carrier_helpers import request
from hypothesis import given
from hypothesis import strategies as st

from jpegredact.container.photoshop import iptc
from jpegredact.container.photoshop.blocks import applied

JPEG = b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x11\0" + b"\1" * 2000


def data_set(record: int, number: int, content: bytes) -> bytes:
    return bytes((0x1C, record, number)) + struct.pack(">H", len(content)) + content


def cleaned(block: bytes, *names: str) -> bytes:
    return applied(block, iptc.clean(block, frozenset(names)))


def test_captions_lose_a_name_and_keywords_go() -> None:
    block = data_set(2, 25, b"Jane Doe") + data_set(2, 25, b"lake")
    block += data_set(2, 120, b"Jane Doe at the lake")
    assert cleaned(block, "Jane Doe") == data_set(2, 25, b"lake") + data_set(2, 120, b"at the lake")
    assert cleaned(block) == block


@pytest.mark.parametrize("number", [80, 85, 110, 115, 116, 118, 122, 90, 92, 95, 101, 26])
def test_credits_and_places_keep_a_name(number: int) -> None:
    block = data_set(2, number, b"Jane Doe")
    assert cleaned(block, "Jane Doe") == block


@pytest.mark.parametrize("number", [5, 7, 15, 20, 25, 40, 103, 105, 120])
def test_other_texts_do_not(number: int) -> None:
    assert cleaned(data_set(2, number, b"Jane Doe"), "Jane Doe") == b""


@pytest.mark.parametrize("codec", ["utf-8", "latin-1", "mac_roman", "cp850"])
def test_names_in_any_encoding(codec: str) -> None:
    block = data_set(2, 120, "Zoë Müller im Café".encode(codec))
    assert cleaned(block, "Zoë Müller") == data_set(2, 120, "im Café".encode(codec))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("Łukasz Świątek", "cp1250"),
        ("Иван Петров", "cp1251"),
        ("Иван Петров", "koi8_r"),
        ("田中太郎", "cp932"),
        ("田中太郎", "euc_jp"),
        ("王小明", "gb18030"),
        ("王小明", "big5"),
        ("김철수", "euc_kr"),
    ],
)
def test_names_in_encodings_of_other_countries(name: str, codec: str) -> None:
    block = data_set(2, 120, f"{name} 2019".encode(codec)) + data_set(2, 25, b"lake")
    assert cleaned(block, name) == data_set(2, 120, b"2019") + data_set(2, 25, b"lake")
    assert cleaned(data_set(2, 25, name.encode(codec)), name) == b""


def test_long_texts_get_a_long_length() -> None:
    text = b"word " * 8000
    long = b"\x1c\x02\x78\x80\x04" + struct.pack(">I", len(text) + 9) + b"Jane Doe " + text
    new = cleaned(long, "Jane Doe")
    (found,), end = iptc.read(new)
    assert new[found.content : found.end] == text.strip()
    assert end == len(new)


@pytest.mark.parametrize(
    ("record", "number", "content", "kind"),
    [
        (2, 202, JPEG, "iptc-preview"),
        (2, 200, b"\0\x0b", "iptc-preview"),
        (2, 154, b"\0" * 30, "iptc-audio"),
        (2, 125, b"\xaa" * 7360, "iptc-blob"),
        (8, 10, b"whatever", "iptc-blob"),
        (3, 10, JPEG[:200], "iptc-blob"),
        (240, 7, bytes(range(256)) * 8, "iptc-blob"),
        (2, 40, b"QUJD" * 400, "iptc-blob"),
    ],
)
def test_previews_and_blobs_go(record: int, number: int, content: bytes, kind: str) -> None:
    block = data_set(2, 80, b"by-line") + data_set(record, number, content)
    (found,) = [each for each in iptc.findings(block) if each.dropped]
    assert (found.kind, found.actions.of("keep")) == (kind, "warn")
    assert cleaned(block) == data_set(2, 80, b"by-line")


def test_a_preview_says_its_size_and_place() -> None:
    block = data_set(2, 202, JPEG)
    (found,) = iptc.findings(block)
    assert (found.size, found.encoding) == ((32, 16), "jpeg")
    assert found.picture is not None
    assert block[slice(*found.picture)] == JPEG


def test_small_binary_and_long_text_stay() -> None:
    block = data_set(1, 90, b"\x1b%G") + data_set(2, 0, b"\0\4") + data_set(2, 231, b"\1\2\3")
    block += data_set(2, 120, b"A very long caption, in words. " * 60) + b"\0\0"
    assert cleaned(block, "Jane Doe") == block


def test_what_cannot_be_read_is_dropped() -> None:
    whole = data_set(2, 105, b"Headline")
    for rest in (b"\x1c\x02\x78\x7f\xffshort", b"junk", b"\x1c\x02\x78\xff\xff"):
        assert cleaned(whole + rest) == whole


@pytest.mark.parametrize("policy", ["default", "keep"])
def test_outcomes_say_whether_a_name_was_there(policy: str) -> None:
    block = data_set(2, 120, b"Jane Doe")
    listed = iptc.findings(block)
    with_name = request(policy, names=["Jane Doe"])  # type: ignore[arg-type]
    without = request(policy, names=["John Doe"])  # type: ignore[arg-type]
    assert iptc.outcomes(listed, block, without) == ["keep"]
    assert iptc.outcomes(listed, block, with_name) == [listed[0].actions.of(policy)]  # type: ignore[arg-type]


@given(st.binary(max_size=300), st.sampled_from(["Jane", "\xe9e"]))
def test_any_bytes_are_cleaned_once(tail: bytes, name: str) -> None:
    block = data_set(2, 120, b"Jane \xe9e") + tail + data_set(2, 25, b"Jane")
    once = cleaned(block, name)
    assert cleaned(once, name) == once
    assert len(once) <= len(block)
