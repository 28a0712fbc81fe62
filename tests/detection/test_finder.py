"""Labels, detectors of one's own, thresholds and margins; no weights needed."""

import sys

import numpy as np
import pytest
import spotter
from pictures import photo, pillow_jpeg

import jpegredact as jr
from jpegredact.detection import MARGINS, load_detector
from jpegredact.detection.boxes import candidates
from jpegredact.detection.finder import with_text

MODEL = spotter.Spotter.model
DATA = pillow_jpeg(photo(200, 100))


class Fixed:
    """Gives what it was told to."""

    def __init__(self, *found, labels=("thing",)):
        self.found, self.labels, self.seen = found, labels, 0

    def detect(self, image):
        self.seen += 1
        assert np.asarray(image).shape == (image.height, image.width, 3)
        return self.found


def thing(box=(10, 10, 30, 30), score=0.5, label="thing"):
    return jr.Detection(label, score, box, MODEL)


def code_of(*args, **options) -> str:
    with pytest.raises(jr.DetectorError) as caught:
        jr.detect(DATA, *args, **options)
    return caught.value.code


def test_by_label_and_threshold() -> None:
    fixed = Fixed(thing(score=0.4), thing((50, 50, 60, 60), 0.9), thing(label="other"))
    assert [d.score for d in jr.detect(DATA, ["thing"], detectors=[fixed])] == [0.4, 0.9]
    assert [d.score for d in jr.detect(DATA, ["thing"], detectors=[fixed], threshold=0.5)] == [0.9]
    by_label = {"thing": 0.95, "other": 0}
    assert jr.detect(DATA, ["thing"], detectors=[fixed], threshold=by_label) == []


def test_a_label_of_ones_own_detector_is_left_to_it() -> None:
    """Even one that is built in: no weights are looked for."""
    fixed = Fixed(thing(label="face"), labels=("face",))
    (found,) = jr.detect(DATA, ["face"], detectors=[fixed])
    assert found == thing(label="face")


def test_margins() -> None:
    fixed = Fixed(thing((10, 10, 30, 50)))
    (found,) = jr.detect(DATA, ["thing"], detectors=[fixed], margins={"thing": 0.25})
    assert found.box == (5, 0, 35, 60)
    assert found.model == MODEL


def test_the_order_is_that_of_the_labels() -> None:
    one, two = Fixed(thing(), labels=("thing",)), Fixed(thing(label="b"), labels=("b", "c"))
    for asked, given in ((["b", "thing"], ["b", "thing"]), ([], ["thing", "b"])):
        assert [d.label for d in jr.detect(DATA, asked, detectors=[one, two])] == given


def test_detections_are_regions() -> None:
    done = jr.redact(DATA, jr.detect(DATA, [], detectors=[Fixed(thing(score=0.25))]))
    (region,) = done.diff.regions
    assert (region.label, region.score, region.box) == ("thing", 0.25, (10, 10, 30, 30))


def test_an_ellipse() -> None:
    """It covers what matters of the box, and its polygon covers it."""
    shape = thing((40, 20, 100, 80)).ellipse()
    assert isinstance(shape, jr.Polygon)
    assert (shape.label, shape.score) == ("thing", 0.5)
    x, y = np.meshgrid(np.arange(40, 100) + 0.5, np.arange(20, 80) + 0.5)
    inside = np.zeros(x.shape, bool)
    points = np.array(shape.points)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            between = (y0 <= y) != (y1 <= y)
            inside ^= between & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    assert inside.mean() > 0.9
    assert all(inside[y, x] for y, x in ((0, 30), (-1, 30), (30, 0), (30, -1)))
    assert not inside[0, 0]
    width, height = np.ptp(points, axis=0)
    assert width * height < 1.5 * 60 * 60
    done = jr.redact(DATA, [shape])
    assert done.report.regions[0].shape == "polygon"


def test_faces_as_ellipses() -> None:
    """All that is said of a detection stays; other labels stay boxes."""
    face, other = thing((40, 20, 70, 50), label="face"), thing((4, 4, 20, 20))
    detector = jr.Detecting([Fixed(face, other, labels=("face", "thing"))], ellipses=True)
    done = jr.process(DATA, detect=["face", "thing"], effort="fast", detector=detector)
    head, box = done.entry.detections
    assert head.region.points == face.ellipse().points
    assert (head.label, head.score, head.source) == ("face", 0.5, "detector")
    assert head.model == box.model
    assert box.region.bounds == other.box
    again = jr.process(DATA, from_log=done.entry)
    assert (again.jpeg, again.diff) == (done.jpeg, done.diff)


def test_of_two_parts_no_ellipse() -> None:
    two = jr.Detection("face", 0.5, (0, 0, 200, 20), MODEL, ((190, 0, 200, 20), (0, 0, 9, 20)))
    assert two.ellipse().parts == two.parts


@pytest.mark.parametrize(
    ("labels", "options", "code"),
    [
        (["nose"], {}, "detector.label"),
        (["thing", "nose"], {"detectors": [Fixed()]}, "detector.label"),
        (["face"], {"effort": "heroic"}, "detector.effort"),
        (["face"], {"threshold": 1.5}, "detector.settings"),
        (["face"], {"threshold": {"face": -1}}, "detector.settings"),
        (["face"], {"margins": {"face": -1}}, "detector.settings"),
        ([], {"detectors": ["no-such-detector"]}, "detector.unknown"),
        ([], {"detectors": [Fixed(("thing", 0.5, (0, 0, 8, 8)))]}, "detector.entry-point"),
    ],
)
def test_what_makes_no_sense(labels, options, code) -> None:
    assert code_of(labels, **options) == code


def test_labels_are_a_list() -> None:
    with pytest.raises(TypeError, match="list"):
        jr.detect(DATA, "face")


def test_nothing_asked_for() -> None:
    assert jr.detect(DATA, []) == []


@pytest.mark.parametrize("data", [b"", b"no JPEG", b"\xff\xd8\xff\xd9", DATA[:300]])
def test_what_is_no_picture(data) -> None:
    with pytest.raises(jr.InvalidJpegError):
        jr.detect(data, [], detectors=[Fixed()])


def test_limits_hold() -> None:
    with pytest.raises(jr.LimitExceededError):
        jr.detect(DATA, [], detectors=[Fixed()], limits=jr.Limits(max_pixels=10_000))


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """A distribution that offers detectors, installed."""
    (tmp_path / "offering.py").write_text(
        "import sys\n"
        "sys.offering_was_imported = True\n"
        "class Good:\n    labels = ('sign',)\n    def detect(self, image): return []\n"
        "class Bad:\n    pass\n"
        "def worse(): raise RuntimeError('no memory')\n"
    )
    info = tmp_path / "offering-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[jpegredact.detectors]\ngood = offering:Good\nbad = offering:Bad\n"
        "worse = offering:worse\ngone = offering:gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("offering", None)
    vars(sys).pop("offering_was_imported", None)


def test_entry_points_load_only_when_named(offered) -> None:
    jr.detect(DATA, ["thing"], detectors=[Fixed()])
    assert code_of([], detectors=["sign"]) == "detector.unknown"
    assert not hasattr(sys, "offering_was_imported")
    assert isinstance(load_detector("good"), jr.Detector)
    assert jr.detect(DATA, ["sign"], detectors=["good"]) == []
    assert hasattr(sys, "offering_was_imported")


@pytest.mark.parametrize("name", ["bad", "worse", "gone"])
def test_entry_points_that_do_not_work(offered, name) -> None:
    assert code_of([], detectors=[name]) == "detector.entry-point"


def boxes(*each):
    return candidates(np.array(each, float).reshape(-1, 4), np.full(len(each), 0.5), 0)


def test_plates_grow_to_their_text() -> None:
    plates, others = with_text(boxes((100, 100, 200, 130)), boxes((90, 105, 180, 125)), 1000)
    assert plates[:, :4].tolist() == [[90, 100, 200, 130]]
    assert len(others) == 0


def test_a_sign_around_a_plate_is_left_alone() -> None:
    plates, others = with_text(boxes((100, 100, 200, 130)), boxes((0, 90, 600, 140)), 1000)
    assert plates[:, :4].tolist() == [[100, 100, 200, 130]]
    assert len(others) == 0


def test_text_of_a_plates_shape() -> None:
    lines = boxes(
        (0, 0, 90, 20), (0, 100, 300, 120), (0, 200, 20, 220), (0, 300, 20, 305), (0, 400, 400, 520)
    )
    plates, others = with_text(boxes(), lines, 1000)
    assert len(plates) == 0
    assert others[:, :4].tolist() == [[0, 0, 90, 20]]


def test_margins_are_known_for_all_labels() -> None:
    assert set(MARGINS) == {"face", "plate", "text"}


@pytest.mark.parametrize(
    "answer",
    [
        jr.Detection("x", 0.5, (float("nan"), 0, 8, 8), MODEL),
        jr.Detection("x", 0.5, (0, 0, float("inf"), 8), MODEL),
        jr.Detection("x", 0.5, (8, 0, 0, 8), MODEL),
        jr.Detection("x", 0.5, (900, 0, 908, 8), MODEL),
        jr.Detection("x", 0.5, (0, 0, 8), MODEL),
        jr.Detection("x", 0.5, (0, 0, 8, 8), MODEL, ((0, 0, 8, 8), (9, 0, 1, 8))),
        jr.Detection("x", float("nan"), (0, 0, 8, 8), MODEL),
        jr.Detection("x", "sure", (0, 0, 8, 8), MODEL),
        jr.Detection(None, 0.5, (0, 0, 8, 8), MODEL),
    ],
)
def test_a_wrong_answer_is_no_crash_and_no_miss(answer) -> None:
    assert code_of([], detectors=[Answering([answer])]) == "detector.entry-point"


class Answering:
    labels = ("x",)

    def __init__(self, answers) -> None:
        self.answers = answers

    def detect(self, image):
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


@pytest.mark.parametrize("answers", [ZeroDivisionError("of mine"), None])
def test_a_detector_that_fails_is_told_of(answers) -> None:
    assert code_of([], detectors=[Answering(answers)]) == "detector.run"


def test_what_is_no_detector() -> None:
    with pytest.raises(TypeError, match="labels and detect"):
        jr.detect(DATA, [], detectors=[object()])


def test_a_score_of_just_the_threshold_counts() -> None:
    sure = jr.Detection("x", 1.0, (0, 0, 8, 8), MODEL)
    assert len(jr.detect(DATA, [], detectors=[Answering([sure])], threshold=1.0)) == 1


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 4}, {"progressive": True}])
def test_a_picture_that_is_cut_short_is_not_called_empty(options) -> None:
    """Decoders show grey where data lacks, and an EOI marker may stand behind that."""
    data = pillow_jpeg(photo(200, 100), **options)
    cut = data[: len(data) // 2] + b"\xff\xd9"
    with pytest.raises(jr.InvalidJpegError):
        jr.detect(cut, ["thing"], detectors=[Fixed()])
    assert jr.detect(data, ["thing"], detectors=[Fixed()]) == []
