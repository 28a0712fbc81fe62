"""What jpegio is given to read: every process, heights behind the scan, padding blocks."""

import numpy as np
import pytest
from guarantees import helpers
from jpegmaker import make_jpeg, random_parts, segment, shapes
from jpegmaker12 import make_jpeg_12, random_parts_12
from pictures import photo, pillow_jpeg
from progressive_maker import Band, Picture, make_progressive, simple, steps

import jpegredact as jr
from jpegredact.codec.reader import read_jpeg
from jpegredact.redaction.second_reader import read_coefficients, with_height, with_whole_mcus

COLOUR = ((2, 2), (1, 1), (1, 1))
WIDTH, HEIGHT = 40, 24
ZIGZAG = sorted(
    range(64), key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8)
)


def blocks_of(planes) -> list[np.ndarray]:
    """Return jpegio's planes as (rows, columns, 64), zigzag order."""
    return [
        plane.reshape(plane.shape[0] // 8, 8, plane.shape[1] // 8, 8)
        .transpose(0, 2, 1, 3)
        .reshape(plane.shape[0] // 8, plane.shape[1] // 8, 64)[:, :, ZIGZAG]
        for plane in planes
    ]


def open_height(data: bytes) -> bytes:
    """Move the height from the frame header into a DNL segment."""
    jpeg = read_jpeg(data)
    at, end = jpeg.frame.offset + 5, jpeg.scans[0].end
    dnl = segment(0xDC, data[at : at + 2])
    return data[:at] + b"\0\0" + data[at + 2 : end] + dnl + data[end:]


def test_twelve_bits() -> None:
    parts = random_parts_12(WIDTH, HEIGHT, COLOUR)
    data = make_jpeg_12(WIDTH, HEIGHT, parts)
    for part, found in zip(parts, blocks_of(read_coefficients(data)), strict=True):
        rows, columns, _ = found.shape
        assert (found == part.blocks[:rows, :columns]).all()


def test_progressive_pictures() -> None:
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    for scans in (simple(3), steps(3)):
        data = make_progressive(Picture(WIDTH, HEIGHT, parts, scans))
        for part, found in zip(parts, blocks_of(read_coefficients(data)), strict=True):
            rows, columns, _ = found.shape
            assert (found == part.blocks[:rows, :columns]).all()


@helpers.needs_cjpeg
@pytest.mark.parametrize("arguments", [("-arithmetic",), ("-arithmetic", "-progressive")])
def test_arithmetic_pictures(arguments: tuple[str, ...]) -> None:
    from variants import by_jpegtran

    data = pillow_jpeg(photo(WIDTH, HEIGHT))
    other = by_jpegtran(data, *arguments)
    assert read_jpeg(other).frame.arithmetic
    for a, b in zip(read_coefficients(data), read_coefficients(other), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(
    "data",
    [
        make_jpeg(WIDTH, HEIGHT, random_parts(WIDTH, HEIGHT, COLOUR)),
        make_jpeg(WIDTH, HEIGHT, random_parts(WIDTH, HEIGHT, COLOUR), scans=[[0], [1, 2]]),
        make_progressive(Picture(WIDTH, HEIGHT, random_parts(WIDTH, HEIGHT, COLOUR), steps(3))),
    ],
    ids=["sequential", "two scans", "progressive"],
)
def test_a_height_that_only_dnl_says(data: bytes) -> None:
    late = open_height(data)
    jpeg = read_jpeg(late)
    assert with_height(data, read_jpeg(data)) == data
    with pytest.raises(jr.VerificationError):
        read_coefficients(late)
    found = read_coefficients(with_height(late, jpeg))
    for a, b in zip(read_coefficients(data), found, strict=True):
        assert (a == b).all()
    boxes = [(3, 3, 12, 12), (20, 10, 40, 24)]
    result = jr.redact(late, boxes)
    assert read_jpeg(result.jpeg).frame.dnl_height == HEIGHT
    assert jr.restore(result.jpeg, result.diff) == late
    check = jr.verify(late, result.jpeg, result.diff)
    assert check.outside_changed == 0
    assert check.restored
    plain = jr.redact(data, boxes)
    for a, b in zip(
        read_coefficients(plain.jpeg),
        read_coefficients(with_height(result.jpeg, read_jpeg(result.jpeg))),
        strict=True,
    ):
        assert (a == b).all()


# --- padding blocks ---


@pytest.mark.parametrize("scans", [None, [[0, 1, 2]], [[0, 1], [2]], [[2], [0, 1]]])
def test_padding_blocks_of_sequential_pictures(scans) -> None:
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    data = make_jpeg(WIDTH, HEIGHT, parts, scans=scans)
    copy, hidden_only = with_whole_mcus(data, read_jpeg(data))
    assert hidden_only == (scans is not None and len(scans) > 1)
    found = blocks_of(read_coefficients(copy))
    for component in (0, 1, 2) if scans is None else max(scans, key=len):
        assert (found[component] == parts[component].blocks).all()


@pytest.mark.parametrize("script", [simple(3), steps(3), [Band((0, 1, 2)), *simple(3)]])
def test_padding_blocks_of_progressive_pictures(script) -> None:
    """Their AC scans would have more blocks in a larger frame: the DC scans alone are read."""
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    data = make_progressive(Picture(WIDTH, HEIGHT, parts, script))
    copy, hidden_only = with_whole_mcus(data, read_jpeg(data))
    assert hidden_only
    for part, found in zip(parts, blocks_of(read_coefficients(copy)), strict=True):
        assert (found[:, :, 0] == part.blocks[:, :, 0]).all()
        assert not found[:, :, 1:].any()


@pytest.mark.parametrize(
    ("factors", "size", "scans"),
    [
        (((1, 1),), (41, 25), None),  # one component: no padding
        (((1, 1),) * 3, (41, 25), [[0], [1], [2]]),
        (COLOUR, (48, 32), None),  # whole MCUs
    ],
)
def test_pictures_without_padding(factors, size, scans) -> None:
    data = make_jpeg(*size, random_parts(*size, factors), scans=scans)
    assert with_whole_mcus(data, read_jpeg(data)) is None


def test_pictures_too_large_for_padding() -> None:
    """libjpeg takes 65,500 pixels a side."""
    data = make_jpeg(8, 8, random_parts(8, 8, COLOUR))
    at = read_jpeg(data).frame.offset + 5
    for height, there in ((65488, True), (65489, False), (65535, False)):
        large = data[:at] + height.to_bytes(2) + data[at + 2 :]
        assert (with_whole_mcus(large, read_jpeg(large)) is not None) == there


@pytest.mark.parametrize("process", ["sequential", "two scans", "progressive", "late height"])
def test_verify_sees_a_changed_padding_block(process: str) -> None:
    """A DC value that no ordinary reader shows: block row 3 of 24 lines is padding."""
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    (rows, columns), padded = shapes(WIDTH, HEIGHT, COLOUR)[0]
    assert (rows, columns) == (3, 5)
    assert padded == (4, 6)

    def coded(parts) -> bytes:
        if process == "progressive":
            return make_progressive(Picture(WIDTH, HEIGHT, parts, steps(3)))
        data = make_jpeg(
            WIDTH, HEIGHT, parts, scans=[[0, 1], [2]] if process == "two scans" else None
        )
        return open_height(data) if process == "late height" else data

    data = coded(parts)
    boxes = [(0, 0, 8, 8)]
    result = jr.redact(data, boxes)
    check = jr.verify(data, result.jpeg, boxes=boxes)
    assert check.padding_seen
    assert check.outside_changed == 0
    for place in ((3, 1), (1, 5)):
        parts[0].blocks[place][0] += 1
        changed = jr.redact(coded(parts), boxes).jpeg
        parts[0].blocks[place][0] -= 1
        check = jr.verify(data, changed, boxes=boxes)
        assert check.outside_changed == 1


def test_verify_counts_each_block_once() -> None:
    parts = random_parts(WIDTH, HEIGHT, COLOUR)
    data = make_progressive(Picture(WIDTH, HEIGHT, parts, steps(3)))
    for box, count in (((0, 0, 8, 8), 1 + 1 + 1), ((32, 16, 40, 24), 4 + 1 + 1)):
        result = jr.redact(data, [box])
        found = jr.verify(data, result.jpeg, boxes=[box])
        assert found.inside_changed + found.inside_unchanged == count
