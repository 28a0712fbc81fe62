"""How blocks are filled: colours, the bounds of the cosmetic methods, methods of users."""

from array import array

import numpy as np
import pytest
from jpegmaker import Table, grey, make_jpeg, random_parts, segment, standard_tables
from pictures import photo, pillow_jpeg, pillow_pixels, read_blocks

import jpegredact as jr
from jpegredact.redaction.methods import as_method

BOX = (40, 24, 104, 88)
PICTURE = photo(160, 120, seed=5)


class Custom:
    """A user's method made of a function."""

    name = "custom"

    def __init__(self, function, content_free=True) -> None:
        self.function = function
        self.content_free = content_free
        self.seen: list[jr.Canvas] = []

    def render(self, canvas: jr.Canvas) -> object:
        self.seen.append(canvas)
        return self.function(canvas)


def redact(data: bytes, method: object, boxes=(BOX,), **options: object) -> jr.Redaction:
    """Redact, and check that it comes back and that jpegio finds the outside unchanged."""
    result = jr.redact(data, boxes, method=method, **options)
    assert jr.restore(result.jpeg, result.diff) == data
    check = jr.verify(data, result.jpeg, result.diff)
    assert check.outside_changed == 0
    assert check.restored
    return result


# --- one colour ---

COLOURS = ["#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff", "#123456", "#fedcba", "#808080"]
MODES = {
    "YCbCr 4:4:4": ("RGB", {"subsampling": 0}),
    "YCbCr 4:2:0": ("RGB", {"subsampling": 2}),
    "RGB": ("RGB", {"keep_rgb": True}),
    "CMYK": ("CMYK", {}),
}


def rgb_of(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("mode", MODES)
def test_fill_is_the_colour_that_pillow_shows(mode, colour) -> None:
    kind, options = MODES[mode]
    data = pillow_jpeg(PICTURE, kind, quality=95, **options)
    result = redact(data, f"fill:{colour}")
    inside = pillow_pixels(result.jpeg)[32:80, 48:96]
    assert abs(inside - rgb_of(colour)).max() <= 3


@pytest.mark.parametrize("colour", COLOURS)
def test_fill_of_a_grey_picture_is_the_colours_luma(colour) -> None:
    result = redact(pillow_jpeg(PICTURE, "L", quality=95), f"fill:{colour}")
    red, green, blue = rgb_of(colour)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    inside = pillow_pixels(result.jpeg, "L")[24:88, 40:104]
    assert abs(inside - luma).max() <= 2


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("transform", [0, 2, None])
def test_fill_of_four_components(transform, colour) -> None:
    """CMYK as Adobe writes it, YCCK, and CMYK without an Adobe segment: ink counts upwards."""
    front = b""
    if transform is not None:
        front = segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
    parts = [grey(np.zeros((8, 8), int), quantization=2) for _ in range(4)]
    result = redact(make_jpeg(64, 64, parts, front=front), f"fill:{colour}", [(0, 0, 64, 64)])
    if transform is None:  # Pillow takes any CMYK for Adobe's: undo that
        ink = 255 - pillow_pixels(result.jpeg, "CMYK")
        shown = (255 - ink[:, :, :3]) * (255 - ink[:, :, 3:]) / 255
    else:
        shown = pillow_pixels(result.jpeg)
    assert abs(shown - rgb_of(colour)).max() <= 4


def test_fill_by_name_and_by_numbers() -> None:
    data = pillow_jpeg(PICTURE)
    assert redact(data, "fill").jpeg == redact(data, jr.Fill()).jpeg
    assert redact(data, "fill:#0a141e").jpeg == redact(data, jr.Fill(10, 20, 30)).jpeg
    assert redact(data, "fill:0a141e").jpeg == redact(data, jr.Fill(10, 20, 30)).jpeg


@pytest.mark.parametrize(
    "method", ["", "Inpaint", "fill:", "fill:#12345", "fill:red", "fill:#1234567"]
)
def test_unknown_names(method) -> None:
    with pytest.raises(jr.InvalidRegionError) as caught:
        as_method(method)
    assert caught.value.code == "region.method"


@pytest.mark.parametrize("method", [None, 3, jr.Fill, object(), lambda canvas: None])
def test_what_is_no_method(method) -> None:
    with pytest.raises(jr.InvalidRegionError) as caught:
        jr.redact(pillow_jpeg(PICTURE), [BOX], method=method)
    assert caught.value.code == "region.method"


@pytest.mark.parametrize("colour", [(256, 0, 0), (0, -1, 0), (0, 0, 10**9)])
def test_colours_out_of_range(colour) -> None:
    """Refused, or the nearest there is: never a wrapped value or another error."""
    data = pillow_jpeg(PICTURE, "L", quality=95)
    try:
        result = redact(data, jr.Fill(*colour))
    except jr.InvalidRegionError:
        return
    red, green, blue = np.clip(colour, 0, 255)
    inside = pillow_pixels(result.jpeg, "L")[24:88, 40:104]
    assert abs(inside - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 2


@pytest.mark.parametrize("method", ["inpaint", "fill:#ff8000", "pixelate", "blur"])
@pytest.mark.parametrize("step", [0, 1, 2, 255, 65535])
def test_any_quantizer_step(method, step) -> None:
    """Even one of 0, which a hostile DQT segment may hold."""
    part = grey(np.arange(64).reshape(8, 8) * (1 if step < 256 else 0), {1: 1}, max(step, 1))
    data = make_jpeg(64, 64, [part])
    if step == 0:
        data = data.replace(b"\1" * 64, bytes(64))
    try:
        result = jr.redact(data, [(16, 16, 48, 48)], method=method)
    except jr.JpegRedactError as error:
        assert error.offset is not None  # noqa: PT017 - either is right
    else:
        assert jr.restore(result.jpeg, result.diff) == data


def test_inpaint_is_smooth_and_keeps_a_flat_picture_flat() -> None:
    flat = make_jpeg(64, 64, [grey(np.full((8, 8), 37))])
    assert redact(flat, "inpaint", [(16, 16, 48, 48)]).jpeg == flat
    ramp = np.arange(0, 160, 10)[None, :] + np.zeros((16, 1), int)
    data = make_jpeg(128, 128, [grey(ramp, {7: 3})])
    inside = read_blocks(redact(data, "inpaint", [(32, 32, 96, 96)]).jpeg)[0][4:12, 4:12]
    assert abs(inside[:, :, 0] - ramp[4:12, 4:12]).max() <= 10
    assert abs(np.diff(inside[:, :, 0], axis=1)).max() <= 20


def test_inpaint_without_any_outside() -> None:
    data = make_jpeg(64, 64, [grey(np.arange(64).reshape(8, 8))])
    (blocks,) = read_blocks(redact(data, "inpaint", [(0, 0, 64, 64)]).jpeg)
    assert not blocks.any()


# --- cosmetic methods: design section 3 bounds what they keep ---


def cells_of(values: np.ndarray) -> int:
    """Return the most changes of value along a row or a column, plus one."""
    across = (np.diff(values, axis=1) != 0).sum(axis=1).max(initial=0)
    down = (np.diff(values, axis=0) != 0).sum(axis=0).max(initial=0)
    return 1 + max(int(across), int(down))


BOXES = [(0, 0, 160, 120), (40, 24, 104, 88), (3, 5, 60, 110), (50, 50, 67, 58), (8, 8, 120, 24)]


@pytest.mark.parametrize("box", BOXES, ids=str)
@pytest.mark.parametrize("quality", [50, 95])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_pixelate_keeps_at_most_6_coarse_cells_a_side(box, quality, subsampling) -> None:
    data = pillow_jpeg(PICTURE, quality=quality, subsampling=subsampling)
    result = redact(data, "pixelate", [box])
    steps = [table[0] for table in jr.inspect(data).quantization]
    for k, blocks in enumerate(read_blocks(result.jpeg)):
        size = 16 if k and subsampling else 8
        left, top = box[0] // size, box[1] // size
        inside = blocks[top : -(-box[3] // size), left : -(-box[2] // size)]
        assert not inside[:, :, 1:].any()
        dc = inside[:, :, 0]
        assert cells_of(dc) <= 6
        least = max(16, max(dc.shape) * size / 6)  # pixels a cell's side must have
        for line in (*dc, *dc.T):
            edges = np.flatnonzero(np.diff(line)) + 1
            assert (np.diff(edges) * size >= least).all()
        coarse = dc * steps[k] / 8 / 16  # in steps of 16 levels, a little more where DC's is odd
        quantum = -(-16 * 8 // steps[k])
        assert (dc % quantum == 0).all(), coarse


@pytest.mark.parametrize("method", ["pixelate", "blur"])
def test_cosmetic_methods_see_nothing_finer_than_their_cells(method) -> None:
    """Shuffle the blocks within each cell of 16 × 16 pixels: the output is the same."""
    random = np.random.default_rng(3)
    dc = random.integers(-60, 60, (16, 16))
    shuffled = dc.copy()
    for row in range(2, 14, 2):
        for column in range(2, 14, 2):
            cell = shuffled[row : row + 2, column : column + 2]
            cell[:] = random.permutation(cell.flatten()).reshape(2, 2)
    assert (dc != shuffled).any()
    outputs = []
    for values, detail in ((dc, 0), (shuffled, 5)):
        part = grey(values)
        part.blocks[2:14, 2:14, 1:9] = detail
        data = make_jpeg(128, 128, [part])
        outputs.append(redact(data, method, [(16, 16, 112, 112)]).jpeg)
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("method", ["pixelate", "blur"])
def test_cosmetic_methods_quantise_their_means(method) -> None:
    """Brightness within a cell may change a little without a change of the output."""
    outputs = set()
    for more in range(3):
        dc = np.full((16, 16), 32)  # 32 * 8 / 8 = 32 levels: two steps of 16
        dc[2:14, 2:14] += more - 1
        data = make_jpeg(128, 128, [grey(dc, {1: 3})])
        outputs.add(read_blocks(redact(data, method, [(16, 16, 112, 112)]).jpeg)[0].tobytes())
    assert len(outputs) > 0
    inside = {
        tuple(np.frombuffer(o, np.int32).reshape(16, 16, 64)[2:14, 2:14].flat) for o in outputs
    }
    assert len(inside) == 1


def test_blur_is_between_its_cells() -> None:
    data = pillow_jpeg(PICTURE, "L")
    cells = read_blocks(redact(data, "pixelate").jpeg)[0][3:11, 5:13, 0]
    smooth = read_blocks(redact(data, "blur").jpeg)[0][3:11, 5:13, 0]
    assert cells.min() <= smooth.min()
    assert smooth.max() <= cells.max()
    assert (cells != smooth).any()


def test_overlapping_regions_are_one_area() -> None:
    """Many small boxes beside each other would otherwise keep a finer picture."""
    boxes = [(x, y, x + 24, y + 24) for x in range(0, 96, 16) for y in range(0, 96, 16)]
    data = pillow_jpeg(photo(128, 128), "L")
    (blocks,) = read_blocks(redact(data, "pixelate", boxes).jpeg)
    assert cells_of(blocks[:13, :13, 0]) <= 6


@pytest.mark.parametrize("label", ["plate", "text"])
@pytest.mark.parametrize("method", ["pixelate", "blur"])
def test_cosmetic_methods_are_refused_for_what_can_be_read(method, label) -> None:
    data = pillow_jpeg(PICTURE)
    boxes = [(0, 0, 8, 8), jr.Box(*BOX, label=label)]
    with pytest.raises(jr.InvalidRegionError) as caught:
        jr.redact(data, boxes, method=method)
    assert caught.value.code == "region.cosmetic"
    assert "region 1" in str(caught.value)
    forced = {"pixelate": jr.Pixelate, "blur": jr.Blur}[method](allow_text=True)
    result = redact(data, forced, boxes)
    assert "cosmetic-method" in [w.code for w in result.report.warnings]
    assert not result.report.content_free
    redact(data, method, [jr.Box(*BOX, label="face")])
    redact(data, "inpaint", boxes)
    with pytest.raises(jr.InvalidRegionError):
        jr.redact(data, boxes, method=Custom(lambda canvas: canvas.dc, content_free=False))


# --- methods of users ---


def test_a_content_free_method_never_sees_the_inside() -> None:
    method = Custom(lambda canvas: array("i", bytes(4 * len(canvas.dc))))
    data = pillow_jpeg(PICTURE, subsampling=2)
    result = redact(data, method)
    assert (result.report.method, result.report.content_free) == ("custom", True)
    assert [canvas.component for canvas in method.seen] == [0, 1, 2]
    for canvas, blocks in zip(method.seen, read_blocks(data), strict=True):
        size = int(canvas.step_x)
        top, left = BOX[1] // size - 1, BOX[0] // size - 1
        shape = (canvas.rows, canvas.columns)
        assert shape == (-(-BOX[3] // size) + 1 - top, -(-BOX[2] // size) + 1 - left)
        states = np.array(canvas.states).reshape(shape)
        assert (states[1:-1, 1:-1] == 2).all()
        assert (states != 2).sum() == states.size - (shape[0] - 2) * (shape[1] - 2)
        dc = np.array(canvas.dc).reshape(shape)
        assert not dc[states == 2].any()
        around = blocks[top : top + shape[0], left : left + shape[1], 0]
        assert (dc[states == 1] == around[states == 1]).all()
        assert (states[0, 1:-1] == 1).all()
        assert canvas.coefficients is None
        assert canvas.colour == "YCbCr"


def test_any_other_method_sees_what_jpegio_reads() -> None:
    found = {}

    def look(canvas: jr.Canvas) -> object:
        found[canvas.component] = canvas.coefficients()
        return canvas.dc

    data = pillow_jpeg(PICTURE, subsampling=2)
    method = Custom(look, content_free=False)
    result = jr.redact(data, [BOX, (60, 60, 140, 110)], method=method)
    assert jr.restore(result.jpeg, result.diff) == data
    for canvas, blocks in zip(method.seen, read_blocks(data), strict=True):
        size = int(canvas.step_x)
        top, left = BOX[1] // size - 1, BOX[0] // size - 1
        here = blocks[top : top + canvas.rows, left : left + canvas.columns]
        inside = np.array(canvas.states).reshape(canvas.rows, canvas.columns) == 2
        assert (found[canvas.component][inside] == here[inside]).all()
        assert not found[canvas.component][~inside].any()
        assert (np.array(canvas.dc).reshape(inside.shape)[inside] == here[inside, 0]).all()


@pytest.mark.parametrize(
    "form",
    [
        lambda v: v,
        lambda v: v.astype(np.int16),
        lambda v: v.flatten().tolist(),
        lambda v: v.tolist(),
        lambda v: array("i", v.flatten().tolist()),
        lambda v: array("h", v.flatten().tolist()),
        lambda v: np.asfortranarray(v),
        lambda v: v[::-1][::-1],
        lambda v: np.concatenate([v[:, :, None], np.zeros((*v.shape, 63), int)], axis=2),
    ],
)
def test_forms_that_a_method_may_return(form) -> None:
    def render(canvas: jr.Canvas) -> object:
        return form(np.arange(canvas.rows * canvas.columns).reshape(canvas.rows, -1) % 50)

    data = pillow_jpeg(PICTURE, "L")
    (blocks,) = read_blocks(redact(data, Custom(render)).jpeg)
    wanted = (np.arange(100).reshape(10, 10) % 50)[1:-1, 1:-1]
    assert (blocks[3:11, 5:13, 0] == wanted).all()
    assert not blocks[3:11, 5:13, 1:].any()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: None,
        lambda c: 5,
        lambda c: "text",
        lambda c: [],
        lambda c: np.zeros((c.rows, c.columns)),
        lambda c: np.zeros((c.rows, c.columns), bool),
        lambda c: np.zeros((c.rows, c.columns), complex),
        lambda c: np.zeros((c.columns, c.rows), int),
        lambda c: np.zeros((c.rows, c.columns, 63), int),
        lambda c: np.zeros((c.rows - 1, c.columns), int),
        lambda c: np.zeros((c.rows, c.columns, 64)),
        lambda c: [[0] * c.columns] * (c.rows - 1) + [[0]],
        lambda c: np.full((c.rows, c.columns), 32768),
        lambda c: np.full((c.rows, c.columns), -32769),
        lambda c: np.full((c.rows, c.columns, 64), 40000),
        lambda c: np.full((c.rows, c.columns), 2**64 - 1, np.uint64),
        lambda c: [2**70] * (c.rows * c.columns),
        lambda c: array("i", [100000]) * (c.rows * c.columns),
        lambda c: array("i", [-40000]) * (c.rows * c.columns),
        lambda c: array("d", [0]) * (c.rows * c.columns),
    ],
)
def test_forms_that_it_may_not(wrong) -> None:
    data = pillow_jpeg(PICTURE, "L")
    with pytest.raises(jr.InvalidRegionError) as caught:
        jr.redact(data, [(40, 24, 104, 80)], method=Custom(wrong))
    assert caught.value.code == "region.method"
    assert "custom" in str(caught.value)


def test_what_a_method_raises_comes_through() -> None:
    def render(canvas: jr.Canvas) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jr.redact(pillow_jpeg(PICTURE), [BOX], method=Custom(render))


@pytest.mark.parametrize("boxes", [[BOX], [BOX, (60, 40, 160, 120)]])
def test_coefficients_are_written_as_given(boxes) -> None:
    random = np.random.default_rng(8)
    given = {}

    def render(canvas: jr.Canvas) -> np.ndarray:
        values = random.integers(-30, 31, (canvas.rows, canvas.columns, 64))
        values *= random.random(values.shape) < 0.2
        given[canvas.component] = values
        return values

    data = pillow_jpeg(PICTURE, subsampling=1)
    method = Custom(render)
    result = redact(data, method, boxes)
    for canvas, blocks in zip(method.seen, read_blocks(result.jpeg), strict=True):
        top = BOX[1] // int(canvas.step_y) - 1
        left = BOX[0] // int(canvas.step_x) - 1
        here = blocks[top : top + canvas.rows, left : left + canvas.columns]
        inside = np.array(canvas.states).reshape(canvas.rows, canvas.columns) == 2
        assert (here[inside] == given[canvas.component][inside]).all()


def test_what_the_table_lacks_is_dropped() -> None:
    """The table says EOB, 1 and 2 bits at run 0, ZRL: all else goes, the rest stays in place."""
    table = Table.level([0x00, 0x01, 0x02, 0x11, 0xF0, 0xF1])
    data = make_jpeg(64, 64, [grey(np.zeros((8, 8), int))], {0: standard_tables()[0], 0x10: table})
    wish = np.zeros(64, int)
    wish[[1, 2, 3, 5, 8, 30]] = [1, 3, 9, -1, 2, 1]  # 9 has 4 bits; 8 and 30 have other runs
    kept = np.zeros(64, int)
    kept[[1, 2]] = [1, 3]  # 5 follows a run of 2 once 3 is gone

    def render(canvas: jr.Canvas) -> np.ndarray:
        return np.broadcast_to(wish, (canvas.rows, canvas.columns, 64))

    (blocks,) = read_blocks(redact(data, Custom(render), [(16, 16, 48, 48)]).jpeg)
    assert (blocks[2:6, 2:6] == kept).all()


def test_extreme_coefficients_are_dropped_not_wrapped() -> None:
    def render(canvas: jr.Canvas) -> np.ndarray:
        values = np.zeros((canvas.rows, canvas.columns, 64), int)
        values[:, :, 1] = -32768
        values[:, :, 2] = 32767
        values[:, :, 3] = 1
        return values

    data = pillow_jpeg(PICTURE, "L")
    (blocks,) = read_blocks(redact(data, Custom(render)).jpeg)
    inside = blocks[3:11, 5:13]
    assert not inside[:, :, 1:3].any()
    assert (inside[:, :, 3] == 1).all()


@pytest.mark.parametrize("table", [Table.full, Table.level], ids=["full", "room"])
@pytest.mark.parametrize("boxes", [[(16, 16, 48, 48)], [(16, 16, 48, 48), (32, 32, 64, 64)]])
@pytest.mark.parametrize("first_ends", [True, False])
def test_coefficients_where_the_table_lacks_eob(table, boxes, first_ends) -> None:
    """Blocks that reach coefficient 63 need no EOB; the others must not keep the original's."""
    symbols = table([0x01, 0xF0, 0xE1, 0xE2])
    part = grey(np.arange(64).reshape(8, 8), {63: -3})
    data = make_jpeg(64, 64, [part], {0: standard_tables()[0], 0x10: symbols})

    def render(canvas: jr.Canvas) -> np.ndarray:
        values = np.zeros((canvas.rows, canvas.columns, 64), int)
        ends = (np.indices((canvas.rows, canvas.columns)).sum(axis=0) % 2 == 0) == first_ends
        values[ends, 63] = 2
        return values

    result = redact(data, Custom(render), boxes)
    before, after = read_blocks(data)[0], read_blocks(result.jpeg)[0]
    inside = np.zeros((8, 8), bool)
    for left, top, right, bottom in boxes:
        inside[top // 8 : bottom // 8, left // 8 : right // 8] = True
    assert (before[~inside] == after[~inside]).all()
    assert not (after[inside, 63] == -3).any()
    assert set(np.unique(after[inside, 63])) <= {0, 1, 2}


def test_hidden_padding_gets_no_coefficients_of_the_inside() -> None:
    factors = ((2, 2), (1, 1), (1, 1))
    data = make_jpeg(20, 20, random_parts(20, 20, factors))

    def render(canvas: jr.Canvas) -> np.ndarray:
        return np.full((canvas.rows, canvas.columns, 64), 3)

    result = redact(data, Custom(render), [(16, 16, 20, 20)])
    luma = read_blocks(result.jpeg, whole_mcus=True)[0]
    assert (luma[2, 2] == 3).all()
    for row, column in ((2, 3), (3, 2), (3, 3)):
        assert luma[row, column, 0] == 3
        assert not luma[row, column, 1:].any()


# --- 12 bits ---


def colours_12(data: bytes, box) -> np.ndarray:
    """Return the levels that the DC values of a 4:4:4 picture stand for, in one block of a box."""
    from jpegredact.codec.reader import read_jpeg

    steps = [table[0] for table in read_jpeg(data).quantization]
    blocks = [plane[box[1] // 8 + 1, box[0] // 8 + 1] for plane in read_blocks(data)]
    assert not any(block[1:].any() for block in blocks)
    return np.array([2048 + block[0] * s / 8 for block, s in zip(blocks, steps, strict=True)])


@pytest.mark.parametrize("colour", COLOURS)
def test_fill_at_12_bits(colour) -> None:
    """Levels from 0 to 4095; the nearest that 12 bits have to the colour."""
    from jpegmaker12 import make_jpeg_12, random_parts_12

    data = make_jpeg_12(64, 64, random_parts_12(64, 64, ((1, 1),) * 3))
    box = (8, 8, 48, 48)
    result = redact(data, f"fill:{colour}", [box])
    red, green, blue = (value * 4095 / 255 for value in rgb_of(colour))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    wanted = np.array([luma, 2048 + (blue - luma) / 1.772, 2048 + (red - luma) / 1.402])
    assert abs(colours_12(result.jpeg, box) - wanted.clip(0, 4095)).max() <= 1.5


@pytest.mark.parametrize("method", ["inpaint", "pixelate", "blur"])
def test_other_methods_at_12_bits(method) -> None:
    """A flat picture stays flat; cells have means in steps of 1/16 of what there is."""
    from jpegmaker12 import make_jpeg_12

    for dc in (-2000, 0, 3000):
        part = grey(np.full((16, 16), dc), quantization=4)
        result = redact(make_jpeg_12(128, 128, [part]), method, [(24, 24, 104, 104)])
        found = read_blocks(result.jpeg)[0][:, :, 0]
        if method == "inpaint":
            assert (found == dc).all()
        else:
            inside = found[3:13, 3:13]
            assert (inside % (256 * 8 // 4) == 0).all()
            assert abs(inside - dc).max() <= 256 * 8 // 4 // 2


def test_a_method_is_told_the_precision() -> None:
    from jpegmaker12 import make_jpeg_12, random_parts_12

    seen = []
    for data in (
        pillow_jpeg(PICTURE, "L"),
        make_jpeg_12(64, 64, random_parts_12(64, 64, ((1, 1),))),
    ):
        method = Custom(lambda canvas: canvas.dc)
        jr.redact(data, [(8, 8, 30, 30)], method=method)
        seen += [canvas.precision for canvas in method.seen]
    assert seen == [8, 12]
