"""The compact code of a diff: shapes and blocks there and back, damage, size."""

import importlib.util
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegmaker import Part, Table, make_jpeg, random_parts
from pictures import photo, pillow_jpeg, read_blocks

import jpegredact as jr
from jpegredact.codec import compact
from jpegredact.codec.compact import (
    pack_blocks,
    pack_coefficients,
    pack_rectangles,
    pack_shape,
    unpack_blocks,
    unpack_shape,
)
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.walk import index_scan
from jpegredact.codec.weights import read_weights

ROOM = Table.level([run << 4 | size for run in range(16) for size in range(1, 16)] + [0, 0xF0])
WIDE_DC = Table.level(range(16))


def packed(data: bytes) -> tuple[bytes, list, list[tuple[int, int]], list]:
    """Pack all blocks of a picture as one portion; return also the counts and the indexes."""
    jpeg = read_jpeg(data)
    parts, counts = [], []
    for scan in jpeg.scans:
        layout_mcus = index_scan(data, jpeg, scan, bytearray(0)).layout.mcus
        index = index_scan(data, jpeg, scan, bytearray([2]) * layout_mcus)
        for k, grid in enumerate(index.layout.grids):
            members = array("i", [n for n in range(index.recorded) if _part_of(index, n) == k])
            parts.append((index, k, members))
            counts.append((grid.component, len(members)))
    found = pack_blocks(parts, prove=True)
    assert found.proven
    return found.data, found.odd, counts, parts


def _part_of(index, number: int) -> int:
    return index.units[0][number % index.layout.units]


def unpacked(data: bytes, counts: list[tuple[int, int]]) -> list[np.ndarray] | None:
    found = unpack_blocks(data, counts)
    if found is None:
        return None
    return [np.array(coefficients, int).reshape(-1, 64) for coefficients in found]


def in_coding_order(part: Part) -> np.ndarray:
    """Return a component's blocks in the order of an interleaved scan."""
    rows, columns, _ = part.blocks.shape
    v, h = part.vertical, part.horizontal
    mcus = part.blocks.reshape(rows // v, v, columns // h, h, 64)
    return mcus.transpose(0, 2, 1, 3, 4).reshape(-1, 64)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([((1, 1),), ((2, 2), (1, 1), (1, 1)), ((1, 1),) * 4]),
    st.sampled_from([1, 3, 40, 1023, 32767]),
    st.sampled_from([0.0, 0.02, 0.3, 1.0]),
)
@settings(max_examples=60)
def test_blocks_round_trip(seed, factors, largest, density) -> None:
    random = np.random.default_rng(seed)
    parts = []
    for part in random_parts(40, 24, factors):
        blocks = random.integers(-largest, largest + 1, part.blocks.shape)
        blocks *= random.random(blocks.shape) < density
        blocks[:, :, 0] = random.integers(-min(largest, 16000), min(largest, 16000) + 1)
        blocks[:, :, 0] //= random.integers(1, 5, blocks.shape[:2])
        parts.append(Part(blocks, part.horizontal, part.vertical))
    tables = {0x00: WIDE_DC, 0x10: ROOM}
    data, odd, counts, _ = packed(make_jpeg(40, 24, parts, tables))
    assert odd == []
    found = unpacked(data, counts)
    assert found is not None
    for part, blocks in zip(parts, found, strict=True):
        assert (blocks == in_coding_order(part)).all()


def test_what_another_encoder_did_is_named() -> None:
    """ZRL before EOB is legal, and not T.81's own way: such blocks are coding residue."""
    parts = random_parts(40, 24, ((1, 1),))
    parts[0].blocks[:, :, 40:] = 0
    plain = make_jpeg(40, 24, parts)
    quirky = make_jpeg(40, 24, parts, zrl_before_eob=True)
    data, odd, counts, _ = packed(quirky)
    again, none, _, _ = packed(plain)
    assert data == again
    assert none == []
    last = [max(np.flatnonzero(b[1:]) + 1, default=0) for b in in_coding_order(parts[0])]
    assert [number for number, _ in odd] == [n for n, k in enumerate(last) if 63 - k > 16]
    assert unpacked(data, counts) is not None


def test_whole_rectangles_anywhere() -> None:
    """Cells beside a rectangle say nothing about its shape."""
    cells = [array("H", [7, 9] * 40), array("H", [9, 7] * 40)]
    for k, (rows, columns) in enumerate(((5, 3), (1, 4))):
        for y in range(1, 1 + rows):
            for x in range(2, 2 + columns):
                cells[k][10 * y + x] = 4
    places = [(1, 2, 5, 3), (1, 2, 1, 4)]
    assert pack_rectangles(((5, 3), (1, 4))) == pack_shape(cells, [10, 10], places, 4)


def test_what_does_not_come_back_is_not_proven() -> None:
    """Whatever is changed in the bytes, or asked of them."""
    parts = random_parts(40, 24, ((2, 2), (1, 1), (1, 1)))
    data, _, _, blocks = packed(make_jpeg(40, 24, parts))
    packer = compact._packer()
    packer.begin()
    for index, part, members in blocks:
        packer.add(
            index.words, index.blocks, index.tables[3], index.ac_number(part), members,
            1 if part else 0,
        )  # fmt: skip
    assert packer.finish() == data
    assert compact._repeats(packer, data, blocks)
    assert not compact._repeats(packer, data, blocks[:-1])
    assert not compact._repeats(packer, data, [*blocks, blocks[-1]])
    assert not compact._repeats(packer, b"", blocks)
    for at in range(len(data)):
        for bit in (1, 128):
            damaged = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            assert not compact._repeats(packer, damaged, blocks)
        assert not compact._repeats(packer, data[:at], blocks)


def test_damaged_blocks_never_raise() -> None:
    """None, or other blocks: there is no checksum here, the diff has digests for that."""
    parts = random_parts(40, 24, ((2, 2), (1, 1), (1, 1)))
    data, _, counts, _ = packed(make_jpeg(40, 24, parts))
    good = unpacked(data, counts)
    assert good is not None
    refused = 0
    for length in range(len(data) - 4):
        found = unpacked(data[:length], counts)
        refused += found is None
        assert found is None or any((a != b).any() for a, b in zip(found, good, strict=True))
    assert refused > 0.9 * len(data)
    for at in range(len(data) - 4):
        for change in (1, 0x80):
            bad = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
            found = unpacked(bad, counts)
            assert found is None or any(
                (a != b).any() for a, b in zip(found, good, strict=True)
            )
    assert unpacked(data + b"\0" * 9, counts) is None
    assert unpacked(data, [(0, 1)]) is None  # most of it is left over


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300)), max_size=4),
)
@settings(max_examples=200)
def test_random_bytes_never_raise(data, counts) -> None:
    found = unpacked(data, counts)
    assert found is None or sum(len(part) for part in found) == sum(n for _, n in counts)


def reader():
    """Load the independent reader that was written from the specification."""
    path = Path(__file__).parents[2] / "docs" / "design" / "diff_reader.py"
    spec = importlib.util.spec_from_file_location("diff_reader", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_specification_has_our_weights() -> None:
    weights = read_weights()
    for context, found in enumerate(reader().WEIGHTS):
        assert found == {s: weights[256 * context + s] for s in range(256) if found.get(s)}
        assert sum(found.values()) == sum(weights[256 * context : 256 * context + 256])
        assert 0x20 in found


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_code_of_the_specification(seed) -> None:
    """Enough symbols for shares to be made anew, escapes, the widest values, all contexts."""
    random = np.random.default_rng(seed)
    count = [1, 3, 90, 600][seed % 4]
    scale = random.choice([0.3, 1, 3, 40, 9000], (count, 64)) * 0.9 ** np.arange(64)
    blocks = np.clip(np.rint(random.laplace(0, scale)), -32767, 32767).astype(np.int16)
    blocks[random.random((count, 64)) < random.choice([0, 0.5, 0.95])] = 0
    blocks[0, :2] = [-32768, 32767]
    blocks[-1, 0] = 32767
    split = int(random.integers(0, count))
    parts = [(0, array("i", range(split))), (2, array("i", range(split, count)))]
    plain = array("h", blocks.tobytes())
    data = pack_coefficients(plain, [part for part in parts if part[1]])
    places = [(0 if k < split else 2, 0, k) for k in range(count)]
    wanted = {place: blocks[place[2]].tolist() for place in places}
    assert reader().write_portion(places, wanted) == data
    assert reader().read_portion(data, places) == wanted
    found = unpack_blocks(data, [(c, len(members)) for c, members in parts if members])
    assert b"".join(part.tobytes() for part in found) == plain.tobytes()


def test_there_is_no_way_on_behind_the_end() -> None:
    """The shortest data whose last symbols cost nothing still end at a state of one."""
    assert unpacked(b"", [(0, 1)]) is None
    assert unpacked(b"\1", []) == []
    assert unpacked(b"\0", []) is None
    assert unpacked(b"\0" * 40, [(0, 4096)]) is None
    assert unpacked(b"\xff" * 8, [(0, 1)]) is None  # a state of 64 bits


# --- shapes ---


@st.composite
def shapes(draw: st.DrawFn):
    """Draw grids of cells with some of them marked, and rectangles around those."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    grids = []
    for _ in range(draw(st.integers(1, 3))):
        rows, columns = draw(st.integers(1, 20)), draw(st.integers(1, 20))
        density = draw(st.sampled_from([0.1, 0.5, 1.0]))
        cells = (random.random((rows, columns)) < density).astype(int)
        cells[random.integers(rows), random.integers(columns)] = 1
        grids.append(cells)
    return grids


@given(shapes(), st.integers(1, 65535))
@settings(max_examples=150)
def test_shapes_round_trip(grids, group) -> None:
    cells, widths, places, empty = [], [], [], []
    for grid in grids:
        rows, columns = np.nonzero(grid)
        place = (rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1)
        places.append(tuple(map(int, place)))
        cells.append(array("H", (grid * group).flatten().tolist()))
        widths.append(grid.shape[1])
        empty.append(array("H", bytes(2 * grid.size)))
    data = pack_shape(cells, widths, places, group)
    assert unpack_shape(data, empty, widths, places, group) == [int(g.sum()) for g in grids]
    assert empty == cells
    assert unpack_shape(data, empty, widths, places, group) is None  # all taken
    fresh = [array("H", bytes(2 * grid.size)) for grid in grids]
    assert unpack_shape(data + bytes(9), fresh, widths, places, group) is None


@given(st.binary(max_size=60), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=200)
def test_random_shapes_never_raise(data, rows, columns) -> None:
    cells = array("H", bytes(2 * rows * columns))
    counts = unpack_shape(data, [cells], [columns], [(0, 0, rows, columns)], 7)
    if counts is not None:
        assert counts == [sum(1 for cell in cells if cell == 7)]
        assert counts[0] > 0


def test_a_large_shape_is_small() -> None:
    """A filled rectangle of a million cells costs a few bytes."""
    cells = array("H", [3]) * 1_000_000
    data = pack_shape([cells], [1000], [(0, 0, 1000, 1000)], 3)
    assert len(data) < 400
    fresh = array("H", bytes(2_000_000))
    assert unpack_shape(data, [fresh], [1000], [(0, 0, 1000, 1000)], 3) == [1_000_000]


# --- size: design section 6 ---


@pytest.mark.parametrize("quality", [10, 50, 75, 90, 98])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"subsampling": 0}], ids=str)
def test_size_of_a_whole_picture(quality, options) -> None:
    data = pillow_jpeg(photo(320, 240, quality), quality=quality, **options)
    coded, odd, _, parts = packed(data)
    bits = sum(
        parts[k][0].blocks[2][n] for k in range(len(parts)) for n in parts[k][2]
    )
    assert abs(bits / 8 - len(data)) < 1500  # the bits are those of the whole file
    assert len(coded) <= 1.10 * bits / 8 + 512
    assert odd == []


@pytest.mark.parametrize("quality", [30, 85])
def test_size_of_the_groups_of_a_diff(quality) -> None:
    data = pillow_jpeg(photo(320, 240, 7), quality=quality, optimize=True)
    boxes = [(20, 20, 140, 130), (100, 90, 260, 200), (120, 10, 200, 230)]
    result = jr.redact(data, boxes)
    groups = result.diff.document.groups
    assert len(groups) > 3
    bits = 0
    before, after = read_blocks(data, True), read_blocks(result.jpeg, True)
    for (index, k, members), old, new in zip(packed(data)[3], before, after, strict=True):
        v, h = index.layout.grids[k].down, index.layout.grids[k].across
        changed = (old != new).any(axis=2)
        order = changed.reshape(len(old) // v, v, -1, h).transpose(0, 2, 1, 3).flatten()
        bits += sum(index.blocks[2][n] for n, c in zip(members, order, strict=True) if c)
    total = sum(
        sum(map(len, g.blocks)) + len(g.shape) + sum(len(o[2]) + 4 for o in g.odd) for g in groups
    )
    assert total <= 1.10 * bits / 8 + 512 * len(groups)
