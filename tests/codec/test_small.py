"""Small pictures of our own, judged by Pillow, NumPy, SciPy and djpeg."""

import io
import subprocess
from array import array

import numpy as np
import pytest
from pictures import photo
from PIL import Image
from scipy.fft import dctn

from jpegredact.codec import core
from jpegredact.codec.reader import read_jpeg
from jpegredact.codec.sketch import Plane
from jpegredact.codec.small import _COSINES, _ZIGZAG, SmallCoder, framed, scaled, turned

SIZES = [(1, 1), (7, 9), (8, 8), (17, 33), (16, 8), (160, 120), (161, 119), (1, 300), (300, 1)]


def planes_of(picture: np.ndarray) -> list[Plane]:
    image = Image.fromarray(picture)
    bands = [image] if image.mode == "L" else image.convert("YCbCr").split()
    return [Plane(*image.size, band.tobytes()) for band in bands]


def shown(plane: Plane) -> np.ndarray:
    return np.frombuffer(plane.samples, np.uint8).reshape(plane.down, plane.across)


def decoded(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        return np.asarray(image).astype(int)


def test_zigzag() -> None:
    """T.81 figure 5."""
    places = np.zeros(64, int)
    places[list(_ZIGZAG)] = range(64)
    assert places.reshape(8, 8)[0].tolist() == [0, 1, 5, 6, 14, 15, 27, 28]
    assert places.reshape(8, 8)[:, 7].tolist() == [28, 42, 43, 53, 54, 60, 61, 63]


@pytest.mark.parametrize("size", SIZES)
def test_transform(size: tuple[int, int]) -> None:
    plane = planes_of(photo(*size)[:, :, 0])[0]
    columns, rows = -(-size[0] // 8), -(-size[1] // 8)
    out = array("f", bytes(4 * 64 * rows * columns))
    core.small.transform(plane.samples, plane[:2], columns, _COSINES, _ZIGZAG, out)
    padding = ((0, 8 * rows - size[1]), (0, 8 * columns - size[0]))
    blocks = np.pad(shown(plane), padding, "edge").reshape(rows, 8, columns, 8).swapaxes(1, 2)
    wanted = dctn(blocks - 128.0, axes=(2, 3), norm="ortho")
    wanted = wanted.reshape(rows, columns, 64)[..., list(_ZIGZAG)]
    assert abs(np.array(out).reshape(wanted.shape) - wanted).max() < 1e-3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("grey", [False, True])
def test_what_others_see(size: tuple[int, int], grey: bool, tmp_path) -> None:
    """As good as Pillow's own, at the same quality, in about as many bytes."""
    picture = photo(*size)[:, :, 0] if grey else photo(*size)
    coder = SmallCoder(planes_of(picture))
    for quality in (95, 75, 50, 20, 5):
        jpeg = coder.code(quality)
        parsed = read_jpeg(jpeg)
        assert parsed.frame.code == 0xC0
        assert parsed.size == size
        with Image.open(io.BytesIO(jpeg)) as image:
            assert image.mode == ("L" if grey else "RGB")
            assert image.size == size
        out = io.BytesIO()
        Image.fromarray(picture).save(
            out, "JPEG", quality=quality, **({} if grey else {"subsampling": "4:2:2"})
        )
        with Image.open(io.BytesIO(jpeg)) as mine, Image.open(out) as pillows:
            assert mine.quantization == pillows.quantization
        ours, theirs = decoded(jpeg), decoded(out.getvalue())
        assert abs(ours - picture).mean() <= abs(theirs - picture).mean() * 1.05 + 0.7
        assert len(jpeg) <= len(out.getvalue()) * 1.02 + 16
        path = tmp_path / "small.jpg"
        path.write_bytes(jpeg)
        done = subprocess.run(["djpeg", path], capture_output=True, check=True)
        assert done.stderr == b""  # not a word about extraneous or missing bytes


def test_long_runs_and_large_values() -> None:
    """Blocks of noise, of one far frequency, of extremes, in the best quality."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[:64, :64]
    for picture in (
        random.integers(0, 256, (64, 64)),
        random.integers(0, 2, (64, 64)) * 255,
        255 * ((x + y) % 2),
        255 * (x % 2),
        128 + 100 * np.cos((2 * x + 1) * 7 * np.pi / 16) * np.cos((2 * y + 1) * 7 * np.pi / 16),
    ):
        picture = picture.astype(np.uint8)
        assert abs(decoded(SmallCoder(planes_of(picture)).code(100)) - picture).max() <= 2


def means(line: np.ndarray, count: int, end: float) -> np.ndarray:
    """Return what ``count`` stretches of a line cover on average, up to ``end``."""
    sums = np.concatenate([[np.zeros(line.shape[1:])], np.cumsum(line, 0, dtype=float)])
    edges = np.linspace(0, end, count + 1)
    below = np.minimum(edges.astype(int), len(line) - 1)
    until = sums[below] + (edges - below)[:, None] * line[below]
    return np.diff(until, axis=0) * count / end


@pytest.mark.parametrize(
    ("size", "area"),
    [((160, 120), (396, 291)), ((97, 33), (396, 291)), ((1, 1), (396, 291)),
     ((50, 20), (390.5, 289.25))],
)  # fmt: skip
def test_what_gets_smaller_is_averaged(size: tuple[int, int], area: tuple[float, float]) -> None:
    plane = planes_of(photo(396, 291)[:, :, 0])[0]
    wanted = means(means(shown(plane), size[1], area[1]).T, size[0], area[0]).T
    assert abs(shown(scaled(plane, size, area)) - wanted).max() <= 0.5001


def test_what_gets_larger_is_interpolated() -> None:
    plane = planes_of(photo(40, 30)[:, :, 0])[0]
    wanted = Image.fromarray(shown(plane)).resize((47, 91), Image.Resampling.BILINEAR)
    ours = shown(scaled(plane, (47, 91))).astype(int)
    assert abs(ours - np.asarray(wanted).astype(int)).max() <= 1
    beyond = shown(scaled(plane, (21, 30), (42, 30)))  # the last samples go on
    assert (beyond[:, -1] == shown(plane)[:, -1]).all()


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(5, "TRANSPOSE"), (6, "ROTATE_270"), (7, "TRANSVERSE"), (8, "ROTATE_90")],
)
def test_turned(orientation: int, turn: str) -> None:
    plane = planes_of(photo(30, 20)[:, :, 0])[0]
    wanted = Image.fromarray(shown(plane)).transpose(Image.Transpose[turn])
    assert (shown(turned(plane, orientation)) == np.asarray(wanted)).all()


@pytest.mark.parametrize("size", [(30, 20), (31, 20), (30, 27), (40, 33)])
def test_framed(size: tuple[int, int]) -> None:
    plane = planes_of(photo(30, 20)[:, :, 0])[0]
    wanted = Image.new("L", size, 7)
    wanted.paste(Image.fromarray(shown(plane)), ((size[0] - 30) // 2, (size[1] - 20) // 2))
    assert (shown(framed(plane, size, 7)) == np.asarray(wanted)).all()
