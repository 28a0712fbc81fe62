"""Where a broken interval's data ends: the same place, however its last byte was filled."""

import random
from collections.abc import Iterator

import pytest

from jpegredact.codec.intervals import last_one, tail

MODES = {
    "bits that are no code": (False, False),
    "data lacks": (False, True),
    "data lacks, blocks count": (True, True),
}
"""``exact`` and ``zeros``, as `tail` takes them."""


def stuffed(bits: str) -> bytes:
    """Return whole bytes as a file holds them."""
    assert len(bits) % 8 == 0
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1)[1:].replace(b"\xff", b"\xff\0")


def found(bits: str, base: int, exact: bool, zeros: bool, behind: bytes = b"") -> tuple[int, bool]:
    """Ask about whole bytes of bits, other bytes around them."""
    raw = stuffed(bits) + behind
    return tail(b"\x12\xff\0" + raw + b"\xff\xd9", 3, 3 + len(raw), base, exact, zeros)


def contents() -> Iterator[str]:
    """Yield what may stand behind the last block that can be decoded: a bit at least."""
    yield from ("0", "1", "10", "01", "0" * 9, "1" * 9, "1" * 40, "0" * 40)
    yield from ("01" * 9 + "1" * n for n in range(26))
    yield from ("10" * 9 + "0" * n for n in range(26))
    yield from ("1" * 16 + "0" * n for n in range(17))
    rng = random.Random(5)
    for length in range(1, 60):
        yield "".join(rng.choice("0011101") for _ in range(length))


@pytest.mark.parametrize("mode", MODES)
def test_every_writer_fills_and_the_end_stays(mode: str) -> None:
    """In a file, what is left stands behind another number of bits in each state."""
    exact, zeros = MODES[mode]
    for content in contents():
        for before in ("0", "1"):
            base = -len(content) % 8 + 8
            text = before * base + content
            end, ones = found(text, base, exact, zeros)
            assert base <= end <= len(text)
            kept, cut = text[base:end], text[end:]
            assert cut == "01"[ones] * len(cut)
            assert exact or len(cut) < 8
            assert not (zeros and ones)
            seen = set()
            for base in range(8, 17):
                filling = -(base + len(kept)) % 8
                written = before * base + kept + "01"[ones] * filling
                for behind in (b"", b"\xff", b"\xff\xff"):
                    assert found(written, base, exact, zeros, behind) == (base + len(kept), ones)
                seen.add(filling)
            assert seen == set(range(8))


def test_where_data_lacks_ones_are_no_filling() -> None:
    for content in ("01111111", "1" * 24, "0" * 8 + "1" * 8):
        for exact in (False, True):
            assert found("0" * 8 + content, 8, exact, True) == (8 + len(content), False)


def test_whole_zero_bytes_are_data_unless_blocks_count() -> None:
    text = "1" * 8 + "0" * 32
    assert found(text, 8, False, True) == (40, False)
    assert found(text, 8, True, True) == (8, False)
    assert found(text, 20, True, True) == (20, False)  # a whole block ends there


def test_long_tails_of_ones() -> None:
    """They are stuffed: bytes of the file and bits of data are not the same number."""
    for count in range(1, 50):
        for behind in (b"", b"\xff"):
            bits = "1" * (8 * count)
            assert last_one(stuffed(bits), 0, 2 * count) == 8 * count
            end, ones = found(bits, 0, False, False, behind)
            assert ones
            assert end == 8 * count - 7  # one bit must stay, to tell which they are
            zeros = "0" + bits[1:]
            assert found(zeros, 0, False, False, behind) == (8 * count - (8 * count - 2) % 8, True)


def test_no_data_at_all() -> None:
    for exact, zeros in MODES.values():
        for raw in (b"", b"\xff", b"\xff\xff"):
            assert tail(raw, 0, len(raw), 0, exact, zeros) == (0, False)
