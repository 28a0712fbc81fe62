"""`process`: found, corrected, redacted and logged in one call; `survey`: the same, dry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from fake_detector import DIGEST, FACE, SIGN, Detector, Seen
from log_samples import LINE, xml_of
from pictures import pillow_jpeg

import jpegredact as jr
from jpegredact.log import Log, json_value


@pytest.fixture(scope="module")
def data(photo: np.ndarray) -> bytes:
    return pillow_jpeg(photo, subsampling=2)


@pytest.fixture
def detector() -> Detector:
    return Detector(FACE, SIGN)


def test_boxes_alone_are_redacted_as_redact_does(data: bytes) -> None:
    boxes = [(10, 20, 50, 60), jr.Box(90, 80, 120, 110, "plate", 0.5, "mine")]
    done, plain = jr.process(data, boxes, margin="10%"), jr.redact(data, boxes, margin="10%")
    assert (done.jpeg, done.diff, done.report) == (plain.jpeg, plain.diff, plain.report)
    entry = done.entry
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert entry.redacted == hashlib.sha256(done.jpeg).hexdigest()
    assert (entry.size, entry.orientation, entry.error) == ((208, 160), 1, None)
    assert [each.source for each in entry.detections] == ["person", "person"]
    assert [each.id for each in entry.detections][1] == "mine"
    assert (entry.options.method, entry.options.margin) == ("inpaint", "10%")
    assert (entry.options.labels, entry.options.effort) == ((), None)


def test_the_log_says_what_the_report_says(data: bytes) -> None:
    boxes = [(10, 20, 50, 60), jr.Polygon(((90, 80), (150, 85), (120, 150)), "face")]
    done = jr.process(data, boxes, margin=3)
    for seen, region in zip(done.entry.detections, done.report.regions, strict=True):
        assert (seen.box, seen.snapped, seen.blocks) == (region.box, region.snapped, region.blocks)
        assert seen.label == region.label
    assert done.entry.detections[1].points == ((90, 80), (150, 85), (120, 150))


def test_what_is_detected_is_redacted_and_logged(data: bytes, detector: Detector) -> None:
    done = jr.process(data, detect=["face", "plate"], detector=detector, name="a.jpg",
                      threshold=0.2, effort="fast")  # fmt: skip
    assert detector.calls == [(data, ("face", "plate"), 0.2, "fast")]
    assert done.jpeg == jr.redact(data, [FACE.box, SIGN.box]).jpeg
    assert jr.restore(done.jpeg, done.diff) == data
    face, sign = done.entry.detections
    assert (face.label, face.score, face.box) == ("face", 0.91, (20, 30, 60.5, 70))
    assert (face.model, sign.model) == (f"fakenet@{DIGEST}", "platenet@beef")
    assert (face.source, face.decision, face.threshold) == ("detector", "redact", 0.2)
    assert face.snapped == (16, 16, 64, 80)
    assert [region.id for region in done.diff.regions] == [face.id, sign.id]
    assert done.entry.detectors == (
        f"face-looker@{DIGEST}", f"fakenet@{DIGEST}", f"plate-looker@{DIGEST}", "platenet@beef",
    )  # fmt: skip
    assert done.entry.options.labels == ("face", "plate")
    LINE.validate(json_value(done.entry))
    xml_of(Log((done.entry,)).to_xml())


def test_detectors_that_found_nothing_are_logged(data: bytes, detector: Detector) -> None:
    done = jr.process(data, detect=["face"], detector=detector, threshold=0.95)
    assert done.jpeg == data
    assert done.diff is None
    assert done.entry.detectors == (f"face-looker@{DIGEST}",)
    assert done.entry.redacted == done.entry.sha256
    assert done.report.warnings[0].code == "no-regions"


def test_a_correction_is_followed(data: bytes, detector: Detector) -> None:
    """Survey, write, correct, read, redact: what was kept is untouched, what was added is gone."""
    entry = jr.survey(data, detect=["face", "plate"], detector=detector, margin="5%")
    assert entry.redacted is None
    (read,) = jr.read_log(Log((entry,)).to_json_lines()).entries
    face, sign = read.detections
    added = replace(face, id="", box=(150, 10, 190, 50), source="log", model=None, score=None)
    corrected = replace(read, detections=(face, replace(sign, decision="keep"), added))
    for log in (corrected, Log((corrected,)), Log((corrected,)).to_xml()):
        done = jr.process(data, from_log=log)
        wanted = [FACE.box, (150, 10, 190, 50)]
        assert done.jpeg == jr.redact(data, wanted, margin="5%").jpeg
        assert [each.decision for each in done.entry.detections] == ["redact", "keep", "redact"]
        assert [r.id for r in done.diff.regions] == [e.id for e in done.entry.to_redact]
        assert jr.verify(data, done.jpeg, boxes=wanted, margin="5%").ok
        assert done.entry.options.labels == ("face", "plate")
        assert done.entry.detectors == entry.detectors
    again = jr.process(data, from_log=done.entry)
    assert (again.jpeg, again.diff, again.entry) == (done.jpeg, done.diff, done.entry)


def test_a_margin_given_outdoes_the_log_s(data: bytes) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)], margin=16)
    assert jr.process(data, from_log=entry).jpeg == jr.redact(
        data, [(40, 40, 60, 60)], margin=16).jpeg  # fmt: skip
    done = jr.process(data, from_log=entry, margin=0)
    assert done.jpeg == jr.redact(data, [(40, 40, 60, 60)]).jpeg
    assert done.entry.options.margin == "0"
    assert done.entry.detections[0].snapped == (32, 32, 64, 64)


def test_boxes_are_added_to_a_log(data: bytes) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)])
    done = jr.process(data, [(100, 100, 120, 120)], from_log=entry)
    assert [each.box for each in done.entry.detections] == [(40, 40, 60, 60), (100, 100, 120, 120)]
    assert len(done.diff.regions) == 2


def test_all_kept_is_the_input(data: bytes) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)])
    kept = replace(entry, detections=(replace(entry.detections[0], decision="keep"),))
    done = jr.process(data, from_log=kept)
    assert done.jpeg == data
    assert done.diff is None
    assert done.entry.detections == kept.detections


def test_a_log_of_another_picture_is_refused(data: bytes, photo: np.ndarray) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)])
    other = pillow_jpeg(photo[::-1], subsampling=2)
    with pytest.raises(jr.InvalidLogError) as caught:
        jr.process(other, from_log=entry)
    assert caught.value.code == "log.mismatch"


@pytest.mark.parametrize("box", [(500, 500, 600, 600), (-9, -9, 0, 0)])
def test_a_box_outside_is_refused_even_if_kept(data: bytes, box: tuple[int, ...]) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)])
    for decision in ("redact", "keep"):
        moved = replace(entry.detections[0], box=box, decision=decision)
        with pytest.raises(jr.InvalidRegionError, match=moved.id):
            jr.process(data, from_log=replace(entry, detections=(moved,)))


def test_a_log_and_labels_exclude_each_other(data: bytes, detector: Detector) -> None:
    entry = jr.survey(data, [(40, 40, 60, 60)])
    with pytest.raises(jr.InvalidRegionError) as caught:
        jr.process(data, from_log=entry, detect=["face"], detector=detector)
    assert caught.value.code == "region.log-and-labels"
    assert detector.calls == []


def test_the_package_s_own_detectors_are_the_default(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, object]] = []

    def detect(
        jpeg: bytes, labels: object, threshold: float, effort: str, options: jr.Detecting,
        near: object,
    ) -> list[Seen]:
        calls.append({"jpeg": jpeg, "labels": labels, "threshold": threshold, "effort": effort,
                      **asdict(options)})
        return [FACE]

    monkeypatch.setattr("jpegredact.detecting._detected", detect)
    entry = jr.survey(data, detect=["face", "text"], threshold=0.5, effort="fast")
    assert calls[0]["jpeg"] == data
    assert (calls[0]["labels"], calls[0]["threshold"]) == (("face", "text"), 0.5)
    assert (calls[0]["effort"], calls[0]["provider"]) == ("fast", "cpu")
    names = {model.partition("@")[0] for model in entry.detectors}
    assert names == {"centerface", "ppocrv5", "fakenet"}
    assert all(len(model.partition("@")[2]) == 64 for model in entry.detectors)
    own = jr.Detecting(detectors=("mine.toml",), provider="cuda", threads=2)
    entry = jr.survey(data, detect=["face"], detector=own)
    assert (calls[1]["detectors"], calls[1]["provider"]) == (("mine.toml",), "cuda")
    assert (calls[1]["threads"], entry.detectors) == (2, (f"fakenet@{DIGEST}",))


def test_labels_are_a_list(data: bytes) -> None:
    with pytest.raises(TypeError):
        jr.process(data, detect="face")


def test_upright_boxes_are_logged_as_stored(photo: np.ndarray, detector: Detector) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    data = pillow_jpeg(photo, exif=exif)
    boxes = [(100, 20, 140, 50)]
    done = jr.process(data, boxes, coordinates="upright", detect=["face"], detector=detector)
    face, given = done.entry.detections
    assert face.box == FACE.box  # detectors answer in pixels as stored
    assert given.box == (20, 20, 50, 60)  # 160 pixels down; x -> y, y -> 160 - x
    assert done.entry.orientation == 6
    upright = jr.redact(data, boxes, coordinates="upright")
    assert given.snapped == upright.report.regions[0].snapped
    assert "as shown" in {w.code: w.message for w in done.report.warnings}["orientation"]


def test_detections_beyond_the_edge_are_clipped_and_wrong_ones_refused(data: bytes) -> None:
    over = Detector(Seen("face", 0.9, (-20, -30, 40, 30)))
    done = jr.process(data, detect=["face"], detector=over)
    assert done.entry.detections[0].snapped == (0, 0, 48, 32)
    outside = Detector(Seen("face", 0.9, (900, 900, 940, 930)))
    with pytest.raises(jr.InvalidRegionError, match="outside"):
        jr.process(data, detect=["face"], detector=outside)


def test_parts_are_one_region(data: bytes) -> None:
    parts = ((192, 40, 208, 64), (0, 40, 24, 64))
    seam = Seen("face", 0.9, (0, 40, 208, 64), parts=parts)
    done = jr.process(data, detect=["face"], detector=Detector(seam))
    (seen,) = done.entry.detections
    assert (seen.shape, seen.parts, seen.box) == ("boxes", parts, (0, 40, 208, 64))
    assert done.jpeg == jr.redact(data, parts).jpeg
    assert jr.verify(data, done.jpeg, boxes=parts).ok
    again = jr.process(data, from_log=Log((done.entry,)).to_xml())
    assert (again.jpeg, again.diff) == (done.jpeg, done.diff)


def test_a_detector_without_models(data: bytes) -> None:
    def sees(jpeg: bytes, labels: object, *, threshold: object, effort: object) -> list[Seen]:
        return [Seen("face", 0.5, (8, 8, 24, 24), None)]

    entry = jr.survey(data, detect=["face"], detector=sees)
    assert entry.detectors == ()
    assert entry.detections[0].model is None


def test_errors_of_the_picture_pass_through(detector: Detector) -> None:
    for call in (jr.process, jr.survey):
        with pytest.raises(jr.InvalidJpegError):
            call(b"no picture", detect=["face"], detector=detector)
    assert detector.calls == []


def test_masks_are_redacted_whole_and_logged_by_their_bounds(data: bytes) -> None:
    mask = np.zeros((160, 208), bool)
    mask[10:30, 10:20] = mask[100:120, 150:170] = True
    done = jr.process(data, [jr.Mask(mask, "face")])
    assert done.jpeg == jr.redact(data, [jr.Mask(mask)]).jpeg
    (seen,) = done.entry.detections
    assert (seen.shape, seen.box) == ("mask", (10, 10, 170, 120))
    again = jr.process(data, from_log=done.entry)
    assert again.report.blocks[0] > done.report.blocks[0]  # its bounds hide no less


def test_the_name_is_the_path(data: bytes, tmp_path) -> None:
    path = tmp_path / "in.jpg"
    path.write_bytes(data)
    assert jr.survey(path, [(8, 8, 16, 16)]).file == str(path)
    assert jr.survey(str(path), [(8, 8, 16, 16)], name="x").file == "x"
    assert jr.survey(data, [(8, 8, 16, 16)]).file == ""


MOST = 4096


@pytest.mark.parametrize(
    "box",
    [
        jr.Box(10, 20, 50, 60, label="a" * (MOST + 1)),
        jr.Box(10, 20, 50, 60, id="a" * (MOST + 1)),
        jr.Box(10, 20, 50, 60, score=1e10),
        jr.Box(-1e12, 20, 50, 60),
        jr.Polygon(((10, 20), (1e12, 20), (10, 60))),
    ],
)
def test_what_no_log_can_say_is_refused(data: bytes, box: jr.Box) -> None:
    """Redacted and logged so that the log can't be read again, it could not be corrected."""
    for function in (jr.process, jr.survey):
        with pytest.raises(jr.InvalidRegionError, match="no log takes that"):
            function(data, [box])


def test_what_is_logged_can_be_read(data: bytes) -> None:
    boxes = [
        jr.Box(10, 20, 50, 60, label="a" * MOST),
        jr.Box(10, 20, 50, 60, id="twice"),
        jr.Box(90, 80, 120, 110, id="twice"),
    ]
    done = jr.process(data, boxes, name="n" * 5000 + "\ud800")
    log = Log((done.entry,))
    for form in (log.to_json_lines(), log.to_xml()):
        (again,) = jr.read_log(form).entries
        assert again.detections == done.entry.detections
        assert again.file == "n" * MOST
        assert jr.process(data, from_log=again).jpeg == done.jpeg
    assert [region.id for region in done.diff.regions][1:] == ["twice", "twice"]
    assert "\ufffd" in json_value(replace(done.entry, file="\ud800x"))["file"]


def test_a_model_of_any_name_is_logged(data: bytes) -> None:
    seen = Seen("face", 0.9, (10, 20, 50, 60), model="\ud800" + "m" * 5000)
    entry = jr.survey(data, detect=["face"], detector=Detector(seen))
    assert jr.read_log(Log((entry,)).to_json_lines()) == Log((entry,))


class Doubting(Detector):
    """Sees faces in redacted pictures too: in the first of them what is first in ``later``, …"""

    def __init__(self, *later: list[Seen]) -> None:
        super().__init__(FACE, SIGN)
        self.later = list(later)
        self.looks: list[tuple[bytes, list[tuple[float, ...]], float | None, str]] = []

    def again(
        self, jpeg: bytes, near: list[tuple[float, ...]], *, threshold: float | None, effort: str
    ) -> list[Seen]:
        self.looks.append((jpeg, list(near), threshold, effort))
        return self.later.pop(0) if self.later else []


COLLAR = Seen("face", 0.4, (15, 60, 70, 100))
"""Reaches into `FACE`, a quarter of its height."""
GROWN = (1.25, 50, 83.75, 110)
"""What is redacted then: a quarter more on each side."""


def test_what_looks_like_a_face_when_one_is_gone_goes_too(data: bytes) -> None:
    detector = Doubting([COLLAR])
    done = jr.process(data, detect=["face"], detector=detector, threshold=0.3)
    assert done.jpeg == jr.redact(data, [FACE.box, GROWN]).jpeg
    assert jr.restore(done.jpeg, done.diff) == data
    first, second = detector.looks
    assert first == (jr.redact(data, [FACE.box]).jpeg, [FACE.box], 0.3, "normal")
    assert second == (done.jpeg, [FACE.box, GROWN], 0.3, "normal")
    assert [each.source for each in done.entry.detections] == ["detector", "again"]
    assert len({each.id for each in done.entry.detections}) == 2
    assert done.entry.detections[1].box == GROWN
    (notice,) = done.report.warnings
    assert notice.code == "found-again"
    assert notice.message.startswith("1 of the regions")
    entry = jr.process(data, from_log=done.entry).entry
    assert entry.redacted == done.entry.redacted
    images = json.loads(Log((done.entry,)).to_coco())
    assert [each["source"] for each in images["annotations"]] == ["detector"]


def test_what_is_beside_a_region_goes_as_it_was_seen(data: bytes) -> None:
    beside = (62, 30, 100, 70)
    grazing = (57, 30, 100, 70)  # 0.09 of the face
    away = (150, 100, 180, 140)
    detector = Doubting([Seen("face", 0.9, box) for box in (beside, grazing, away)])
    done = jr.process(data, detect=["face"], detector=detector)
    assert done.jpeg == jr.redact(data, [FACE.box, beside, grazing, away]).jpeg
    assert [each.box for each in done.entry.detections[1:]] == [beside, grazing, away]
    assert {each.source for each in done.entry.detections[1:]} == {"again"}
    assert [each.code for each in done.report.warnings] == ["found-again"]
    assert detector.looks[1][1] == [FACE.box, beside, grazing, away]


@pytest.mark.parametrize(
    ("seen", "redacted"),
    [
        ((150, 150, 400, 400), (150, 150, 400, 400)),  # 0.016 of the region, less of itself
        ((155, 60, 208, 100), (155, 60, 208, 100)),  # 0.016 of the region, 0.05 of itself
        ((155, 100, 165, 120), (152.5, 95, 167.5, 125)),  # half of it
        ((140, 60, 208, 160), (123, 35, 208, 160)),  # a quarter of the region
    ],
)
def test_what_reaches_into_a_region_grows(data: bytes, seen: tuple, redacted: tuple) -> None:
    """By its own share in the region, or the region's in it."""
    detector = Doubting([Seen("face", 0.9, seen)])
    detector.seen = ()
    done = jr.process(data, [(80, 80, 160, 160)], detect=["face"], detector=detector)
    assert [each.box for each in done.entry.detections[1:]] == [redacted]


def test_a_region_that_reaches_past_the_picture(data: bytes) -> None:
    """What of it can be covered is what lies in the picture."""
    detector = Doubting([Seen("face", 0.9, (0, 0, 70, 70))])
    detector.seen = ()
    done = jr.process(data, [(-300, -300, 50, 50)], detect=["face"], detector=detector, margin=2)
    assert detector.looks[0][1] == [(0, 0, 52, 52)]
    assert [each.box for each in done.report.regions[1:]] == [(0, 0, 87.5, 87.5)]


def test_a_region_whose_area_is_no_number(data: bytes) -> None:
    tiny = (0, 0, 1e-200, 1e-200)
    detector = Doubting([Seen("face", 0.9, (0, 0, 70, 70))])
    detector.seen = ()
    done = jr.process(data, [tiny], detect=["face"], detector=detector)
    assert done.jpeg == jr.redact(data, [tiny, (0, 0, 70, 70)]).jpeg


@pytest.mark.parametrize(
    "seen",
    [
        COLLAR.box,
        jr.Box(*COLLAR.box, label="face"),
        Seen("face", 0.9, jr.Box(*COLLAR.box)),  # type: ignore[arg-type]
        jr.Polygon(((15, 60), (70, 60), (70, 100), (15, 100))),
    ],
)
def test_answers_of_every_form_that_the_first_look_takes(data: bytes, seen: object) -> None:
    detector = Doubting([seen])  # type: ignore[list-item]
    done = jr.process(data, detect=["face"], detector=detector)
    assert done.jpeg == jr.redact(data, [FACE.box, GROWN]).jpeg


def test_answers_that_come_one_by_one(data: bytes) -> None:
    detector = Doubting(iter([COLLAR]))  # type: ignore[arg-type]
    done = jr.process(data, detect=["face"], detector=detector)
    assert done.jpeg == jr.redact(data, [FACE.box, GROWN]).jpeg
    assert done.entry.detections[1].model == f"fakenet@{DIGEST}"


@pytest.mark.parametrize("note", [False, True])
def test_what_is_hidden_already_is_not_hidden_again(data: bytes, note: bool) -> None:
    """A note counts regions, so that each one more changes the file."""
    within = Seen("face", 0.5, (40, 40, 44, 44))
    detector = Doubting([within, COLLAR], [within], [within])
    done = jr.process(data, detect=["face"], detector=detector, note=note)
    assert done.jpeg == jr.redact(
        data, [jr.Box(*box, label="face") for box in (FACE.box, GROWN)], note=note
    ).jpeg
    assert len(detector.looks) == 2
    found, left = done.report.warnings
    assert (found.code, left.code) == ("found-again", "still-found")
    assert found.message.startswith("1 of the regions")
    assert "(1), and all of that is redacted" in left.message


LONG = Seen("l" * 5000, 0.5, (100, 20, 140, 60))
"""What no log can say."""


@pytest.mark.parametrize(
    ("later", "limits", "why"),
    [
        ([COLLAR], jr.Limits(max_regions=1), "2 regions, the limit is 1"),
        ([COLLAR, COLLAR], jr.Limits(max_regions=1), "2 regions, the limit is 1"),
        ([LONG], None, "no log takes that"),
        ([Seen("face", 0.5, (300, 300, 310, 310))], None, "touches no block"),
    ],
)
def test_what_can_not_be_redacted_is_said(
    data: bytes, later: list[Seen], limits: jr.Limits | None, why: str
) -> None:
    """What the first look found is redacted all the same."""
    done = jr.process(data, detect=["face"], detector=Doubting(later), limits=limits)
    assert done.jpeg == jr.redact(data, [FACE.box]).jpeg
    (notice,) = done.report.warnings
    assert notice.code == "still-found"
    assert f"({len(later)}), and that can't be redacted: " in notice.message
    assert why in notice.message


def test_a_round_that_fails_leaves_the_one_before(photo: np.ndarray) -> None:
    """All of it: picture, diff, report and log."""
    data = pillow_jpeg(photo, subsampling=2, progressive=True)
    plain = jr.process(data, [FACE.box, GROWN])
    most = jr.Limits(max_blocks=sum(plain.report.blocks))
    beside = Seen("face", 0.5, (100, 20, 104, 24))
    done = jr.process(data, detect=["face"], detector=Doubting([COLLAR], [beside]), limits=most)
    assert done.jpeg == plain.jpeg
    assert [each.code for each in done.report.warnings] == ["found-again", "still-found"]
    assert "blocks in the regions" in done.report.warnings[1].message
    assert jr.restore(done.jpeg, done.diff) == data
    assert len(done.report.regions) == len(done.entry.detections) == 2
    assert jr.process(data, from_log=done.entry).jpeg == done.jpeg


class Failing(Doubting):
    """Fails when it looks again."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error_again = error

    def again(self, *_: object, **__: object) -> list[Seen]:
        raise self.error_again


@pytest.mark.parametrize(
    "error",
    [
        jr.DetectorError("it fell over", code="detector.run"),
        jr.LimitExceededError("it fell over", code="limit.bytes"),
    ],
)
def test_a_detector_that_can_not_look_again(data: bytes, error: Exception) -> None:
    done = jr.process(data, detect=["face"], detector=Failing(error))
    assert done.jpeg == jr.redact(data, [FACE.box]).jpeg
    (notice,) = done.report.warnings
    assert notice.code == "not-looked-again"
    assert "it fell over" in notice.message


def test_a_detector_that_is_gone_when_it_should_look_again(data: bytes) -> None:
    """The next picture would meet that too."""
    gone = jr.DetectorError("no weights", code="detector.weights")
    with pytest.raises(jr.DetectorError, match="no weights"):
        jr.process(data, detect=["face"], detector=Failing(gone))


def test_the_log_has_the_codes_of_warnings(data: bytes) -> None:
    detector = Doubting([COLLAR], [COLLAR])
    done = jr.process(data, detect=["face"], detector=detector, limits=jr.Limits(max_regions=2))
    assert done.entry.warnings == ("found-again", "still-found")
    for form in (Log((done.entry,)).to_json_lines(), Log((done.entry,)).to_xml()):
        assert jr.read_log(form).entries == (done.entry,)
    assert jr.process(data).entry.warnings == ("no-regions",)
    assert jr.survey(data, detect=["face"], detector=detector).warnings == ()


def test_a_margin_counts_as_hidden(data: bytes) -> None:
    """The region that is found again reaches as far as it was redacted."""
    beside = Seen("face", 0.9, (62, 30, 100, 70))
    detector = Doubting([beside])
    done = jr.process(data, detect=["face"], detector=detector, margin=12)
    assert detector.looks[0][1] == [(8, 18, 72.5, 82)]
    grown = (52.5, 20, 109.5, 80)
    assert done.jpeg == jr.redact(data, [FACE.box, grown], margin=12).jpeg


def test_looking_again_ends(data: bytes) -> None:
    """After three rounds; or at once where nothing more can be hidden."""
    steps = [[Seen("face", 0.5, (15, 60 + n, 70, 100 + 8 * n))] for n in range(9)]
    detector = Doubting(*steps)
    done = jr.process(data, detect=["face"], detector=detector)
    assert len(detector.looks) == 4
    assert len(done.report.regions) == 4
    assert [each.code for each in done.report.warnings] == ["found-again", "still-found"]
    everything = Seen("face", 0.5, (0, 0, 208, 160))
    detector = Doubting([everything], [everything])
    done = jr.process(data, detect=["face"], detector=detector)
    assert len(detector.looks) == 2
    assert len(done.report.regions) == 2
    assert [each.code for each in done.report.warnings] == ["found-again", "still-found"]


def test_a_fill_that_looks_like_a_face_is_made_larger(data: bytes) -> None:
    done = jr.process(data, detect=["face"], detector=Doubting([FACE]))
    grown = (9.875, 20, 70.625, 80)
    assert done.jpeg == jr.redact(data, [grown]).jpeg
    assert [each.box for each in done.report.regions] == [FACE.box, grown]


def test_what_is_found_again_across_a_seam(data: bytes) -> None:
    """Both of its parts grow, but not over the picture's edges."""
    parts = ((168, 20, 208, 60), (0, 20, 60, 60))
    across = Seen("face", 0.5, (0, 20, 208, 60), parts=parts)
    done = jr.process(data, detect=["face"], detector=Doubting([across]))
    grown = ((153, 10, 208, 70), (0, 10, 75, 70))
    assert done.entry.detections[1].parts == grown
    assert done.jpeg == jr.redact(data, [FACE.box, *grown]).jpeg


@pytest.mark.parametrize(
    "options",
    [{"effort": "fast"}, {"method": "pixelate"}, {"detect": ["plate"], "force": True}, {"none": 1}],
)
def test_when_nobody_looks_again(data: bytes, options: dict) -> None:
    detector = Doubting([COLLAR])
    if options.pop("none", 0):
        detector.seen = ()
    done = jr.process(data, **{"detect": ["face"], "detector": detector, **options})
    assert detector.looks == []
    assert "found-again" not in [each.code for each in done.report.warnings]
