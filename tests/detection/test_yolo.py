"""Networks of one's own, by a TOML file: with a network that finds red and blue cells."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tinynet
from pictures import pillow_jpeg

import jpegredact as jr
from jpegredact.detection.yolo import describe

pytest.importorskip("onnxruntime")

TOML = """
model = "colours.onnx"
labels = ["red", "blue"]
layout = "cxcywh+classes"
threshold = { red = 0.5, blue = 0.8 }
"""


@pytest.fixture
def described(tmp_path):
    """Write a network and its description; return the description's path."""

    def write(toml: str = TOML, **options) -> str:
        (tmp_path / "colours.onnx").write_bytes(tinynet.colour_finder(**options))
        path = tmp_path / "colours.toml"
        path.write_text(toml)
        return str(path)

    return write


def cells(*coloured, size=(64, 64)) -> bytes:
    """A black picture; each (column, row, channel, value) colours a cell of 8 × 8."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for column, row, channel, value in coloured:
        picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8, channel] = value
    return pillow_jpeg(picture, quality=100, subsampling=0)


RED, BLUE = 0, 2


@pytest.mark.parametrize("columns_last", [True, False])
@pytest.mark.parametrize("batch", [1, "B"])
def test_found(described, columns_last, batch) -> None:
    data = cells((1, 2, RED, 250), (5, 6, BLUE, 250), (3, 3, BLUE, 180), (7, 0, RED, 100))
    path = described(columns_last=columns_last, batch=batch)
    found = jr.detect(data, ("blue", "red"), detectors=[path])
    blue, red = found
    assert (blue.label, blue.box) == ("blue", (40, 48, 48, 56))
    assert (red.label, red.box) == ("red", (8, 16, 16, 24))
    assert all(0.9 < d.score <= 1 for d in found)
    assert found[0].model.name == "colours"
    assert len(bytes.fromhex(found[0].model.sha256)) == 32


def test_all_its_labels(described) -> None:
    data = cells((1, 2, RED, 250), (5, 6, BLUE, 250))
    assert [d.label for d in jr.detect(data, (), detectors=[described()])] == ["red", "blue"]
    assert [d.label for d in jr.detect(data, ("red",), detectors=[described()])] == ["red"]


def test_thresholds(described) -> None:
    data = cells((3, 3, BLUE, 180), (7, 0, RED, 100))
    path = described()
    assert jr.detect(data, (), detectors=[path]) == []
    low = jr.detect(data, (), detectors=[path], threshold=0.2)
    assert sorted(d.label for d in low) == ["blue", "red"]
    one = jr.detect(data, (), detectors=[path], threshold={"blue": 0.6})
    assert [d.label for d in one] == ["blue"]


def test_another_size_is_fitted(described) -> None:
    """A picture of 96 × 48 is scaled to 64 × 32 and padded below."""
    picture = np.zeros((48, 96, 3), np.uint8)
    picture[24:36, 36:48, RED] = 255
    data = pillow_jpeg(picture, quality=100, subsampling=0)
    (found,) = jr.detect(data, ("red",), detectors=[described()])
    assert found.box == (36, 24, 48, 36)


def test_redacting_what_it_found(described) -> None:
    data = cells((1, 2, RED, 250))
    found = jr.detect(data, ("red",), detectors=[described()])
    done = jr.redact(data, found)
    assert [(r.label, r.box) for r in done.diff.regions] == [("red", (8, 16, 16, 24))]
    assert jr.detect(done.jpeg, ("red",), detectors=[described()]) == []


def test_other_layouts() -> None:
    """Rows of each layout, without a network."""
    from jpegredact.detection.session import Session
    from jpegredact.detection.yolo import Yolo

    answers = {
        "cxcywh+classes": [[20, 30, 10, 8, 0.1, 0.7], [50, 50, 4, 4, 0.3, 0.2]],
        "cxcywh+object+classes": [[20, 30, 10, 8, 0.7, 0.1, 1.0], [50, 50, 4, 4, 0.5, 0.9, 0.1]],
        "ltrb+score+class": [[15, 26, 25, 34, 0.7, 1], [1, 1, 9, 9, 0.9, 7], [1, 1, 9, 9, 0.9, -1]],
    }

    class Answer:
        def __init__(self, rows):
            self.rows = np.array([rows], np.float32)

        def run(self, names, feeds):
            return [self.rows]

    for layout, rows in answers.items():
        toml = TOML.replace("cxcywh+classes", layout).replace("red = 0.5, blue = 0.8", "red = 0.5")
        session = Session(Answer(rows), "in", (1, 3, 64, 64), "00" * 32, None)
        network = Yolo(describe(toml.encode(), "x.toml"), session)
        (found,) = network.find([np.zeros((64, 64, 3), np.uint8)], 0.45)
        np.testing.assert_allclose(found[:, :6], [[15, 26, 25, 34, 0.7, 1]], atol=1e-5)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("model = ", "no TOML"),
        ("\xff", "unknown|no TOML"),
        (TOML.replace("model", "modell"), "model must be"),
        (TOML + "speed = 3", "unknown: speed"),
        (TOML.replace("cxcywh+classes", "yolo"), "layout is one of"),
        (TOML.replace('["red", "blue"]', "[]"), "labels must be"),
        (TOML.replace('["red", "blue"]', '"red"'), "labels must be"),
        (TOML.replace("red = 0.5", "green = 0.5"), "no label: green"),
        (TOML.replace("red = 0.5", "red = 5"), "threshold.red must be"),
        (TOML + "overlap = true", "overlap must be"),
        (TOML + "size = 9999", "size must be"),
        (TOML + 'order = "grb"', "order is"),
        (TOML + "x = " + 2000 * "[" + 2000 * "]", "no TOML"),
        (TOML + "overlap = " + 5000 * "9", "no TOML"),
        (TOML + 20_000 * "a." + "a = 1", "dots"),
        (TOML.replace("colours.onnx", r"colours\u0000.onnx"), "NUL"),
        (TOML + f'name = "{2000 * "x"}"', "too long"),
        (TOML.replace('"blue"', '"red"').replace(", blue = 0.8", ""), "two classes"),
        (TOML.replace('"red"', '""'), "1 to 1000 characters"),
    ],
)
def test_a_wrong_description(described, toml, says) -> None:
    with pytest.raises(jr.DetectorError, match=says) as caught:
        jr.detect(cells(), (), detectors=[described(toml)])
    assert caught.value.code == "detector.description"


def test_another_digest(described) -> None:
    with pytest.raises(jr.DetectorError) as caught:
        jr.detect(cells(), (), detectors=[described(TOML + f'sha256 = "{"0" * 64}"')])
    assert caught.value.code == "detector.digest"


def test_another_number_of_classes(described) -> None:
    with pytest.raises(jr.DetectorError, match="and 3 labels") as caught:
        jr.detect(
            cells(), (), detectors=[described(TOML.replace('"blue"]', '"blue", "green"]'))]
        )
    assert caught.value.code == "detector.layout"


def test_files_that_are_not_there(described, tmp_path) -> None:
    for path in (str(tmp_path / "none.toml"), described(TOML.replace("colours.onnx", "none.onnx"))):
        with pytest.raises(jr.DetectorError, match="none") as caught:
            jr.detect(cells(), (), detectors=[path])
        assert caught.value.code == "detector.missing"


def test_a_description_of_any_length_is_not_read(described, tmp_path) -> None:
    path = described(TOML + 300_000 * "#")
    with pytest.raises(jr.DetectorError, match="more than") as caught:
        jr.detect(cells(), (), detectors=[path])
    assert caught.value.code == "detector.missing"
    with pytest.raises(jr.DetectorError) as caught:
        jr.detect(cells(), (), detectors=["a\0b.toml"])
    assert caught.value.code == "detector.missing"


@pytest.mark.parametrize(
    "shape",
    [(1, 3, 100_000, 100_000), (10**6, 3, 64, 64), (1, 3, 2**40, 2**40), (1, 3, -5, 64)],
)
def test_an_input_of_no_picture_s_size(shape) -> None:
    from jpegredact.detection.session import Session
    from jpegredact.detection.yolo import Yolo

    with pytest.raises(jr.DetectorError, match="no batch of pictures") as caught:
        Yolo(describe(TOML.encode(), "x.toml"), Session(None, "in", shape, "00", None))
    assert caught.value.code == "detector.weights"


def answers_of(layout: str, output) -> np.ndarray:
    """Return what is read from an output, from rows or from anything else."""
    from jpegredact.detection.session import Session
    from jpegredact.detection.yolo import Yolo

    class Answer:
        def run(self, names, feeds):
            return [np.array([output], np.float32) if isinstance(output, list) else output]

    toml = TOML.replace("cxcywh+classes", layout)
    session = Session(Answer(), "in", (1, 3, 64, 64), "00" * 32, None)
    network = Yolo(describe(toml.encode(), "x.toml"), session)
    (found,) = network.find([np.zeros((64, 64, 3), np.uint8)], 0.45)
    return found[:, :6]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        ("cxcywh+classes", [[20, 30, 10, 8, NAN, 0.7], [NAN, 9, 4, 4, 0.1, NAN]]),
        ("ltrb+score+class", [[15, 26, 25, 34, 0.7, 1], [1, 1, 9, 9, 0.9, NAN],
                              [1, 1, 9, 9, 0.9, INF], [1, 1, 9, 9, NAN, 1]]),
    ],
)  # fmt: skip
def test_what_is_no_number_is_no_answer(layout, rows) -> None:
    np.testing.assert_allclose(answers_of(layout, rows), [[15, 26, 25, 34, 0.7, 1]], atol=1e-5)


def test_what_is_infinite_is_sure_and_far() -> None:
    (found,) = answers_of("ltrb+score+class", [[-INF, 26, INF, 34, INF, 1]])
    assert found[:4].tolist() == [0, 26, 64, 34]
    assert found[4] > 1


@pytest.mark.parametrize("output", [(), np.array([["a"]], object), np.zeros((1, 6, 4), complex)])
def test_an_output_that_is_no_array_of_numbers(output) -> None:
    with pytest.raises(jr.DetectorError) as caught:
        answers_of("cxcywh+classes", output)
    assert caught.value.code == "detector.layout"


def test_the_command_looks_for_all_that_a_detector_has(described, tmp_path) -> None:
    path, picture = described(), tmp_path / "in.jpg"
    picture.write_bytes(cells((1, 2, RED, 250), (5, 6, BLUE, 250)))
    done = subprocess.run(
        [sys.executable, "-m", "jpegredact", "detect", str(picture), "--detector", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert {each["label"] for each in json.loads(line)["detections"]} == {"red", "blue"}
