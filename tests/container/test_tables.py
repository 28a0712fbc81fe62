"""Tables that no scan uses, and markers that nobody defines: they have no room for anything."""

from __future__ import annotations

import container_files as files
import pytest

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.container.model import Segment
from jpegredact.container.segments.tables import read_tables

BOX = [(0, 0, 16, 16)]


def quantization(slot: int, count: int, seed: int = 0) -> bytes:
    values = bytes(byte or 1 for byte in files.noise(64 * count, seed))
    tables = [bytes((slot,)) + values[64 * n : 64 * n + 64] for n in range(count)]
    return files.segment(0xDB, b"".join(tables))


def huffman(slot: int, seed: int = 0) -> bytes:
    symbols = bytes(range(254))
    return files.segment(0xC4, bytes((slot,)) + bytes(7) + bytes((254,)) + bytes(8) + symbols)


def kinds(data: bytes) -> list[str]:
    jpeg = read_jpeg(data)
    found = read_tables(data, [Segment(*one[:3]) for one in jpeg.segments])
    return [copy.kind for copy in found.copies]


def test_a_few_stay() -> None:
    data = files.with_segments(files.picture(), quantization(3, 9), huffman(0x13))
    assert kinds(data) == []
    assert quantization(3, 9) in jr.redact(data, BOX).jpeg


@pytest.mark.parametrize("policy", ["default", "strict"])
@pytest.mark.parametrize("many", [
    [quantization(3, 40)], [quantization(0, 20), quantization(1, 20)],
])  # fmt: skip
def test_many_go(many: list[bytes], policy: str) -> None:
    data = files.with_segments(files.picture(), *many)
    assert set(kinds(data)) == {"unused-tables"}
    result = jr.redact(data, BOX, side_copies=policy)  # type: ignore[arg-type]
    assert kinds(result.jpeg) == []
    assert not any(one in result.jpeg for one in many)
    assert jr.restore(result.jpeg, result.diff) == data


@pytest.mark.parametrize("many", [
    [huffman(0x13)] * 9, [huffman(0x00), huffman(0x11)] * 5,
])  # fmt: skip
def test_many_huffman_tables_are_refused(many: list[bytes]) -> None:
    data = files.with_segments(files.picture(), *many)
    with pytest.raises(jr.SideCopyError):
        jr.redact(data, BOX)


def test_many_beside_used_ones_are_refused() -> None:
    plain = files.picture()
    segment = next(one for one in read_jpeg(plain).segments if one.code == 0xDB)
    used = plain[segment.offset + 4 : segment.end]
    both = files.segment(0xDB, quantization(3, 40)[4:] + used)
    data = plain[: segment.offset] + both + plain[segment.end :]
    with pytest.raises(jr.SideCopyError):
        jr.redact(data, BOX)


@pytest.mark.parametrize("code", [0x02, 0x40, 0xBF, 0xDC])
def test_markers_that_nobody_defines_go(code: int) -> None:
    extra = files.segment(code, b"any text, of some length")
    data = files.with_segments(files.picture(), extra)
    result = jr.redact(data, BOX)
    assert extra not in result.jpeg
    assert jr.restore(result.jpeg, result.diff) == data
