"""Small pictures of the redacted picture: size, length, bars, turns; and a region at a scale."""

import io

import numpy as np
import pytest
from pictures import photo, pillow_jpeg
from PIL import Image

from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.sketch import draw_intervals, drawing
from jpegredact.geometry import Box
from jpegredact.limits import DEFAULT_LIMITS
from jpegredact.redaction.methods import Fill
from jpegredact.redaction.opening import open_picture
from jpegredact.redaction.plan import make_plan
from jpegredact.redaction.render import render_into
from jpegredact.redaction.say import say
from jpegredact.redaction.thumbnails import PictureRenderer, decoder_pieces, drawing_for


def renderer(data: bytes, orientation: int = 1, regions=(), redact=None) -> PictureRenderer:
    jpeg = read_jpeg(data)
    return PictureRenderer(
        jpeg, lambda: decoder_pieces(data, jpeg, []), lambda: None, orientation, regions,
        redact or (lambda data, regions, whole: data), DEFAULT_LIMITS,
    )  # fmt: skip


def opened(data: bytes | None) -> np.ndarray:
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def scene(width: int, height: int) -> np.ndarray:
    """Return a picture, red at the left, green at the right, blue at the top."""
    out = np.zeros((height, width, 3), np.uint8)
    out[:, : width // 2, 0] = 200
    out[:, width // 2 :, 1] = 200
    out[: height // 2, :, 2] = 200
    return out


def test_a_thumbnail_shows_the_picture() -> None:
    made = opened(renderer(pillow_jpeg(scene(800, 600))).thumbnail_jpeg(160, 120, 20_000))
    assert made.shape == (120, 160, 3)
    assert abs(made[10:50, 10:70].mean((0, 1)) - (200, 0, 200)).max() < 12
    assert abs(made[70:110, 90:150].mean((0, 1)) - (0, 200, 0)).max() < 12


@pytest.mark.parametrize("limit", [800, 1500, 3000, 30_000])
def test_it_keeps_to_the_length(limit: int) -> None:
    made = renderer(pillow_jpeg(photo(640, 480))).thumbnail_jpeg(160, 120, limit)
    if limit == 800:
        assert made is None  # headers alone take most of it
    else:
        assert made is not None
        assert len(made) <= limit


def test_a_longer_limit_gives_a_better_one() -> None:
    data = pillow_jpeg(photo(640, 480))
    short, long = (renderer(data).thumbnail_jpeg(160, 120, n) for n in (2500, 30_000))
    assert short is not None
    assert long is not None
    assert len(short) < len(long)


def test_bars_where_the_shapes_differ() -> None:
    made = opened(renderer(pillow_jpeg(scene(900, 600))).thumbnail_jpeg(160, 120, 20_000))
    assert made[:5].max() < 24
    assert made[-5:].max() < 24
    assert made[20:100].max() > 150


def test_rounding_makes_no_bars() -> None:
    made = opened(renderer(pillow_jpeg(np.full((427, 640, 3), 200, np.uint8))).thumbnail_jpeg(
        160, 107, 20_000
    ))  # fmt: skip
    assert made.min() > 180


@pytest.mark.parametrize(
    ("orientation", "upper_left"),
    [(1, None), (5, (200, 0, 200)), (6, (200, 0, 0)), (7, (0, 200, 0)), (8, (0, 200, 200))],
)
def test_an_upright_thumbnail_is_turned(orientation: int, upper_left) -> None:
    """By the table of Exif orientations: what is to be upper left when shown."""
    data = pillow_jpeg(scene(800, 600))
    made = opened(renderer(data, orientation).thumbnail_jpeg(120, 160, 20_000))
    if upper_left is None:
        assert made[:10].max() < 24  # nothing says that it is turned: it has bars
        return
    assert abs(made[10:60, 10:50].mean((0, 1)) - upper_left).max() < 12
    with Image.open(io.BytesIO(data)) as image:
        exif = Image.Exif()
        exif[0x0112] = orientation
        out = io.BytesIO()
        image.save(out, "JPEG", exif=exif)
    from PIL import ImageOps

    with Image.open(out) as image:
        shown = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    assert abs(shown[40:240, 40:200].mean((0, 1)) - upper_left).max() < 12


def test_raw_samples() -> None:
    raw = renderer(pillow_jpeg(scene(800, 600))).thumbnail_rgb(80, 60)
    assert raw is not None
    picture = np.frombuffer(raw, np.uint8).reshape(60, 80, 3).astype(int)
    assert abs(picture[5:25, 5:35].mean((0, 1)) - (200, 0, 200)).max() < 12


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (5000, 10), (10, 100_000)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    assert renderer(pillow_jpeg(photo(64, 64))).thumbnail_jpeg(*size, 1 << 20) is None
    assert renderer(pillow_jpeg(photo(64, 64))).thumbnail_rgb(*size) is None


def test_what_pillow_cannot_read_gives_none() -> None:
    data = pillow_jpeg(photo(320, 320))
    assert renderer(data[: len(data) // 2]).thumbnail_jpeg(16, 16, 5000) is None


def test_a_decoder_gets_no_application_data() -> None:
    plain = pillow_jpeg(photo(64, 64))
    secret = b"\xff\xe1\x00\x0aExif\0\0ab" + b"\xff\xfe\x00\x06word"
    data = plain[:2] + secret + plain[2:] + b"trailer"
    jpeg = read_jpeg(data)
    assert b"".join(decoder_pieces(data, jpeg, [])) == plain
    scan = jpeg.scans[0]
    changed = b"".join(decoder_pieces(data, jpeg, [(scan.start, scan.end, b"coded")]))
    assert changed == plain[: scan.start - len(secret)] + b"coded" + b"\xff\xd9"


def test_the_same_regions_at_a_scale() -> None:
    calls = []

    def redact(data: bytes, regions, whole: bool) -> bytes:
        calls.append((data, list(regions)))
        return b"redacted"

    small = pillow_jpeg(photo(160, 120))
    made = renderer(pillow_jpeg(photo(640, 480)), 1, [Box(100, 80, 200, 160, "face")], redact)
    assert made.redacted(small) == b"redacted"
    assert calls == [(small, [Box(24, 19, 51, 41, "face")])]


def test_another_shape_is_no_scale() -> None:
    made = renderer(pillow_jpeg(photo(640, 480)), 1, [Box(1, 1, 9, 9)])
    assert made.redacted(pillow_jpeg(photo(160, 100))) is None
    assert made.redacted(b"no picture") is None


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"restart_marker_rows": 1},
     {"progressive": True, "restart_marker_blocks": 7}],
)  # fmt: skip
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0", "grey"])
@pytest.mark.parametrize(("fine", "size"), [(False, (120, 90)), (True, (320, 240))])
def test_dc_values_alone_are_enough(
    fine: bool, size: tuple[int, int], sampling: str, options: dict
) -> None:
    """What comes from DC values looks as what Pillow decodes, edges and shape included."""
    width, height = 2 * 1290, 2 * 970
    picture = np.kron(photo(129, 97), np.ones((20, 20, 1), np.uint8))
    grey = sampling == "grey"
    data = pillow_jpeg(
        picture, "L" if grey else "RGB", quality=80, **options,
        **({} if grey else {"subsampling": sampling}),
    )  # fmt: skip
    jpeg = read_jpeg(data)
    regions = [Box(0.3 * width, 0.3 * height, 0.6 * width, 0.6 * height)]
    plan = make_plan(jpeg, regions, (0.0, False), DEFAULT_LIMITS)
    drawn = open_picture(data, jpeg, plan, ring=True, draw=drawing(jpeg, fine))
    if "restart_marker_blocks" not in options:  # there it is drawn when it is asked for
        assert open_picture(data, jpeg, plan, ring=True).sketch() is None
    by_dc, by_pillow = (
        opened(
            PictureRenderer(
                jpeg, lambda: decoder_pieces(data, jpeg, []), sketch, 1, (), lambda d, r, w: d,
                DEFAULT_LIMITS,
            ).thumbnail_jpeg(*size, 60_000)
        )
        for sketch in (drawn.sketch, lambda: None)
    )
    assert drawn.sketch() is not None
    assert abs(by_dc - by_pillow).mean() < 4


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_the_sketch_of_a_redacted_picture_is_redacted(options: dict, fine: bool) -> None:
    data = pillow_jpeg(scene(640, 480), quality=85, **options)
    jpeg = read_jpeg(data)
    plan = make_plan(jpeg, [Box(100, 100, 260, 200)], (0.0, False), DEFAULT_LIMITS)
    original = open_picture(data, jpeg, plan, ring=True, draw=drawing(jpeg, fine))
    edits = original.edits()
    render_into(original, Fill(255, 255, 255), edits)
    sketch = say(original, edits, edits.make_bare()).picture.sketch()
    assert sketch is not None
    across, down, samples = sketch.planes[0]
    assert sketch.block == ((8, 8) if fine else (16, 16))
    assert {plane[:2] for plane in sketch.planes[1:]} == {(40, 30)}
    luma = np.frombuffer(samples, np.uint8).reshape(down, across)
    n = 2 if fine else 1
    assert luma[7 * n : 12 * n, 7 * n : 16 * n].min() > 250
    assert luma[: 6 * n, : 20 * n].max() < 120
    assert luma[13 * n :, 18 * n : 20 * n].max() < 120


def test_which_pictures_are_drawn() -> None:
    for options in ({}, {"restart_marker_rows": 1}, {"progressive": True}):
        assert drawing(read_jpeg(pillow_jpeg(photo(320, 320), **options)), fine=True)
    assert not drawing(read_jpeg(pillow_jpeg(photo(320, 320), "CMYK")), fine=False)


@pytest.mark.parametrize(
    ("size", "values"), [((10, 8), 3), ((44, 33), 3), ((45, 34), 6), ((88, 66), 6), ((89, 67), 0)]
)
def test_as_much_is_drawn_as_a_thumbnail_needs(size: tuple[int, int], values: int) -> None:
    """One value a component for each MCU of 16 × 16 pixels, or for each block of the first one."""
    jpeg = read_jpeg(pillow_jpeg(photo(640, 480), subsampling=2))
    draw = drawing_for(jpeg, size)
    assert (0 if draw is None else sum(draw.units)) == values
    assert drawing_for(jpeg, size[::-1]) == draw
    assert sum(drawing_for(jpeg, None).units) == 3


@pytest.mark.parametrize("progressive", [False, True])
def test_a_damaged_interval_is_not_drawn(progressive: bool) -> None:
    data = pillow_jpeg(photo(320, 320), restart_marker_rows=1, progressive=progressive)
    jpeg = read_jpeg(data)
    draw = drawing(jpeg, fine=True)
    drawn = draw_intervals(data, jpeg, draw)
    assert drawn is not None
    count = len(jpeg.scans[draw.scan].restarts)
    if not progressive:  # one more marker behind the last interval changes nothing
        more = data[:-2] + bytes([0xFF, 0xD0 + count % 8]) + data[-2:]
        assert draw_intervals(more, read_jpeg(more), draw) == drawn
    at = jpeg.scans[draw.scan].restarts[3]
    for damaged in (
        data[:at] + data[at + 2 :],  # one marker less
        data[: at + 1] + bytes([data[at + 1] ^ 1]) + data[at + 2 :],  # another's number
        data[: at - 30] + data[at:],  # an interval cut short
    ):
        jpeg = read_jpeg(damaged)
        assert draw_intervals(damaged, jpeg, drawing(jpeg, fine=True)) is None


def test_what_a_file_asks_for_is_bounded() -> None:
    data = pillow_jpeg(photo(64, 64))
    made = renderer(data)
    sizes = [made.thumbnail_rgb(1000, 1000 + k) is not None for k in range(8)]
    assert sizes == [True] * 4 + [False] * 4
    assert made.thumbnail_rgb(1000, 1000) is not None  # each size once
    made = renderer(data)
    coded = [made.thumbnail_jpeg(1500, 1500, 100) for _ in range(3)]  # no quality is so short
    assert coded == [None] * 3
    assert made.thumbnail_jpeg(1500, 1500, 1 << 20) is None
    assert renderer(data).thumbnail_jpeg(1500, 1500, 1 << 20) is not None


def test_pictures_within_are_few_and_smaller() -> None:
    data = pillow_jpeg(photo(64, 48))
    made = renderer(data, 1, [Box(1, 1, 9, 9)])
    assert made.redacted(pillow_jpeg(photo(128, 96))) is None
    found = [made.redacted(pillow_jpeg(photo(32, 24))) is not None for _ in range(5)]
    assert found == [True, True, True, False, False]
