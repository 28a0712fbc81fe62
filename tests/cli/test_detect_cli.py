"""``detect``, and the detecting half of ``redact``: find, log, correct, redact."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from pathlib import Path

import pytest
from command import run
from fake_detector import FACE, SIGN, Detector, Seen
from inprocess import Commands
from log_samples import LINE, xml_of
from pictures import photo, pillow_jpeg

import jpegredact as jr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.jpg").write_bytes(pillow_jpeg(photo(208, 160)))
    (tmp_path / "other.jpg").write_bytes(pillow_jpeg(photo(208, 160, seed=2)))
    return tmp_path


@pytest.fixture
def detector() -> Detector:
    return Detector(FACE, SIGN)


@pytest.fixture
def jpegredact(
    folder: Path,
    detector: Detector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Commands:
    return Commands(folder, detector, monkeypatch, capsys)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def correct(path: Path) -> None:
    """Keep the sign, and add a face: what a person does in an editor."""
    value = json.loads(path.read_text())
    assert [each["label"] for each in value["detections"]] == ["face", "plate"]
    value["detections"][1]["decision"] = "keep"
    value["detections"].append({"label": "face", "box": [150, 10, 190, 50]})
    path.write_text(json.dumps(value))


def test_the_whole_story(folder: Path, jpegredact: Commands) -> None:
    """Dry run, preview, correct, redact, verify, restore, train."""
    done = jpegredact("redact", "in.jpg", "--dry-run", "--detect", "face,plate", "--log", "a.jsonl")
    assert (done.status, done.out) == (0, "")
    assert "1 face, 1 plate" in done.err
    assert names(folder) == {"in.jpg", "other.jpg", "a.jsonl"}
    assert mode(folder / "a.jsonl") == 0o600
    correct(folder / "a.jsonl")
    LINE.validate(json.loads((folder / "a.jsonl").read_text()))
    assert jpegredact("preview", "in.jpg", "-o", "a.png", "--from-log", "a.jsonl").status == 0
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--diff", "d.jrdiff",
                      "--from-log", "a.jsonl", "--log", "b.xml", "--log-public", "public.json",
                      "--note")  # fmt: skip
    assert done.status == 0, done.err
    assert "2 face, 1 plate; 1 to be kept" in done.err
    original, redacted = (folder / "in.jpg").read_bytes(), (folder / "out.jpg").read_bytes()
    boxes = [jr.Box(*FACE.box, "face"), jr.Box(150, 10, 190, 50, "face")]
    assert redacted == jr.redact(original, boxes, note=True).jpeg
    assert jr.verify(original, redacted, folder / "d.jrdiff").ok
    assert jr.restore(redacted, folder / "d.jrdiff") == original
    assert b'jpegredact:Labels="face: 2"' in redacted
    xml_of((folder / "b.xml").read_bytes())
    (entry,) = jr.read_log(folder / "b.xml").entries
    assert [each.decision for each in entry.detections] == ["redact", "keep", "redact"]
    assert [each.source for each in entry.detections] == ["detector", "detector", "log"]
    assert entry.redacted == hashlib.sha256(redacted).hexdigest()
    public = json.loads((folder / "public.json").read_text())
    LINE.validate(public)
    assert public["counts"] == [{"label": "face", "count": 2}]
    assert entry.sha256 not in (folder / "public.json").read_text()
    assert {mode(folder / name) for name in ("b.xml", "d.jrdiff", "a.png")} == {0o600}
    assert mode(folder / "public.json") == 0o644
    done = jpegredact("detect", "--from-log", "b.xml", "--format", "coco")
    coco = json.loads(done.out)
    assert [each["name"] for each in coco["categories"]] == ["not-plate", "face"]


def test_detect_and_redact_in_one_go(
    folder: Path, jpegredact: Commands, detector: Detector
) -> None:
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--detect", "face, plate",
                      "--effort", "thorough", "--threshold", "0.5", "--margin", "10%",
                      "--box", "0,0,9,9")  # fmt: skip
    assert done.status == 0, done.err
    (call,) = detector.calls
    assert call[1:] == (("face", "plate"), 0.5, "thorough")
    original = (folder / "in.jpg").read_bytes()
    boxes = [FACE.box, (0, 0, 9, 9)]
    assert (folder / "out.jpg").read_bytes() == jr.redact(original, boxes, margin="10%").jpeg


def test_what_is_found_again_goes_too_and_is_said(
    folder: Path, jpegredact: Commands, detector: Detector
) -> None:
    later = [[Seen("face", 0.4, (15, 60, 70, 100))], []]
    detector.again = lambda jpeg, near, **options: later.pop(0)
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--detect", "face", "--log", "a.jsonl")
    assert done.status == 0, done.err
    assert "warning: 1 of the regions are what the detector took for a face" in done.err
    (entry,) = jr.read_log(folder / "a.jsonl").entries
    assert [each.source for each in entry.detections] == ["detector", "again"]
    original = (folder / "in.jpg").read_bytes()
    boxes = [each.box for each in entry.detections]
    assert (folder / "out.jpg").read_bytes() == jr.redact(original, boxes).jpeg


def test_nothing_found_is_a_copy_and_said(
    folder: Path, jpegredact: Commands, detector: Detector
) -> None:
    detector.seen = ()
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--detect", "face", "--log", "a.jsonl")
    assert done.status == 0
    assert "nothing found" in done.err
    assert "a copy of the input" in done.err
    assert (folder / "out.jpg").read_bytes() == (folder / "in.jpg").read_bytes()
    assert names(folder) == {"in.jpg", "other.jpg", "out.jpg", "a.jsonl"}
    assert json.loads((folder / "a.jsonl").read_text())["detections"] == []
    done = jpegredact("redact", "in.jpg", "--in-place", "--detect", "face")
    assert "left as it is" in done.err


def test_a_log_of_another_picture_is_refused(folder: Path, jpegredact: Commands) -> None:
    jpegredact("redact", "in.jpg", "--dry-run", "--detect", "face", "--log", "a.jsonl")
    before = names(folder)
    done = jpegredact("redact", "other.jpg", "-o", "out.jpg", "--from-log", "a.jsonl")
    assert done.status == 3
    assert "[log.mismatch]" in done.err
    done = jpegredact("preview", "other.jpg", "-o", "p.png", "--from-log", "a.jsonl")
    assert (done.status, names(folder)) == (3, before)


def test_a_typing_error_in_a_log_is_refused(folder: Path, jpegredact: Commands) -> None:
    jpegredact("redact", "in.jpg", "--dry-run", "--detect", "face", "--log", "a.jsonl")
    text = (folder / "a.jsonl").read_text().replace('"redact"', '"redakt"')
    (folder / "a.jsonl").write_text(text)
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--from-log", "a.jsonl")
    assert done.status == 3
    assert "redakt" in done.err
    assert "[log.field]" in done.err
    assert not (folder / "out.jpg").exists()


@pytest.mark.parametrize("option", ["--log", "--log-public"])
def test_a_log_replaces_no_file(folder: Path, jpegredact: Commands, option: str) -> None:
    (folder / "a.jsonl").write_text("precious")
    before = names(folder)
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--detect", "face", option, "a.jsonl")
    assert done.status == 5
    assert "never replaced" in done.err
    assert (folder / "a.jsonl").read_text() == "precious"
    assert names(folder) == before  # no diff, no picture either


def test_the_same_again_is_no_failure(folder: Path, jpegredact: Commands) -> None:
    for _ in range(2):
        done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--diff", "d.jrdiff", "--detect",
                          "face", "--log", "a.jsonl")  # fmt: skip
        assert done.status == 0, done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--detect face,plate or --from-log"),
        (("--detect", "face", "--from-log", "a.jsonl"), "not both"),
        (("--detect", "face,,plate"), "face,plate"),
        (("--detect", "face", "--effort", "much"), "much"),
        (("--detect", "face", "--threshold", "2"), "0<=x<=1"),
        (("--detect", "face", "--log", "in.jpg"), "input and log"),
        (("--detect", "face", "--log", "out.jpg"), "output and log"),
        (("--detect", "face", "--log", "x", "--log-public", "x"), "log and public log"),
        (("--from-log", "a.jsonl", "--log", "a.jsonl"), "log and log to read"),
        (("--detect", "face", "--diff", "d", "--log", "d"), "diff and log"),
    ],
)
def test_usage(folder: Path, jpegredact: Commands, arguments: tuple[str, ...], words: str) -> None:
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", *arguments)
    assert done.status == 2
    assert words in done.err
    assert names(folder) == {"in.jpg", "other.jpg"}


def test_a_public_log_of_a_dry_run_is_refused(folder: Path, jpegredact: Commands) -> None:
    done = jpegredact("redact", "in.jpg", "--dry-run", "--detect", "face", "--log-public", "x")
    assert done.status == 2
    assert names(folder) == {"in.jpg", "other.jpg"}


def test_detect_writes_a_line_for_each_picture(folder: Path, jpegredact: Commands) -> None:
    before = names(folder)
    done = jpegredact("detect", "in.jpg", "other.jpg", "--labels", "face,plate")
    assert done.status == 0
    assert "in.jpg: 1 face, 1 plate" in done.err
    lines = done.out.splitlines()
    for each in lines:
        LINE.validate(json.loads(each))
    first, second = (json.loads(each) for each in lines)
    assert (first["file"], second["file"]) == ("in.jpg", "other.jpg")
    assert first["sha256"] == hashlib.sha256((folder / "in.jpg").read_bytes()).hexdigest()
    assert first["redacted"] is None
    assert names(folder) == before


def test_detect_in_each_format(folder: Path, jpegredact: Commands) -> None:
    xml = jpegredact("detect", "in.jpg", "--format", "xml").out
    assert len(xml_of(xml.encode()).findall("file/detection")) == 1
    coco = json.loads(jpegredact("detect", "in.jpg", "--format", "coco").out)
    assert coco["annotations"][0]["bbox"] == [20, 30, 40.5, 40]
    done = jpegredact("detect", "in.jpg", "--log", "x.jsonl")
    assert (done.status, done.out, mode(folder / "x.jsonl")) == (0, "", 0o600)
    assert jr.read_log(folder / "x.jsonl") == jr.read_log(xml.encode())
    (folder / "x.jsonl").write_text("precious")
    done = jpegredact("detect", "in.jpg", "--log", "x.jsonl")
    assert done.status == 5
    assert (folder / "x.jsonl").read_text() == "precious"


def test_one_bad_file_harms_no_other(folder: Path, jpegredact: Commands) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    done = jpegredact("detect", "gone.jpg", "in.jpg", "bad.jpg", "other.jpg")
    assert done.status == 5  # the first one's
    lines = [json.loads(each) for each in done.out.splitlines()]
    for each in lines:
        LINE.validate(each)
    errors = [each["error"] and each["error"]["code"] for each in lines]
    assert errors == ["io", None, "jpeg.no-soi", None]
    assert [len(each["detections"]) for each in lines] == [0, 1, 0, 1]
    assert jpegredact("detect", "bad.jpg", "in.jpg").status == 3


def test_a_folder_among_the_files_harms_no_other(folder: Path, jpegredact: Commands) -> None:
    (folder / "folder.jpg").mkdir()
    done = jpegredact("detect", "folder.jpg", "in.jpg")
    assert done.status == 5
    errors = [json.loads(each)["error"] for each in done.out.splitlines()]
    assert errors == [{"code": "io", "message": "Is a directory"}, None]


def test_a_detector_that_fails_later_leaves_what_was_seen(
    folder: Path, jpegredact: Commands, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_at_the_second(self: Detector, jpeg: bytes, labels: object, **options: object):
        self.calls.append((jpeg, (), None, ""))
        if len(self.calls) == 2:
            raise jr.DetectorError("a wrong answer", code="detector.entry-point")
        return self.seen[:1]

    monkeypatch.setattr(Detector, "__call__", fails_at_the_second)
    done = jpegredact("detect", "in.jpg", "other.jpg", "in.jpg")
    assert done.status == 3
    lines = [json.loads(each) for each in done.out.splitlines()]
    assert [len(each["detections"]) for each in lines] == [1, 0, 1]
    assert lines[1]["error"]["code"] == "detector.entry-point"


def test_a_log_that_is_taken_is_refused_before_anything_is_looked_at(
    folder: Path, jpegredact: Commands, detector: Detector
) -> None:
    assert jpegredact("detect", "in.jpg", "--log", "a.jsonl").status == 0
    assert len(detector.calls) == 1
    assert jpegredact("detect", "in.jpg", "--log", "a.jsonl").status == 0  # the same again
    looked = len(detector.calls)
    (folder / "precious").write_text("precious")
    for sources, log in ((("other.jpg",), "a.jsonl"), (("in.jpg",), "precious")):
        done = jpegredact("detect", *sources, "--log", log)
        assert done.status == 5
        assert "never replaced" in done.err
    assert len(detector.calls) == looked


def test_the_name_of_a_log_says_its_form(folder: Path, jpegredact: Commands) -> None:
    jpegredact("detect", "in.jpg", "--log", "a.xml")
    xml_of((folder / "a.xml").read_bytes())
    jpegredact("detect", "in.jpg", "--log", "b.xml", "--format", "json")
    LINE.validate(json.loads((folder / "b.xml").read_text()))


CODES = re.findall(
    r"`(detector[a-z.-]*)` \| Det", (Path(__file__).parents[2] / "docs/errors.md").read_text()
)


@pytest.mark.parametrize("code", CODES)
def test_every_error_of_detectors_has_one_status(
    folder: Path, jpegredact: Commands, detector: Detector, code: str
) -> None:
    detector.error = jr.DetectorError("it does not work", code=code)
    before = names(folder)
    for arguments in (
        ("redact", "in.jpg", "-o", "out.jpg", "--detect", "face", "--log", "a.jsonl"),
        ("redact", "in.jpg", "--dry-run", "--detect", "face", "--log", "a.jsonl"),
        ("preview", "in.jpg", "-o", "p.png", "--detect", "face"),
        ("detect", "in.jpg"),
    ):
        assert jpegredact(*arguments).status == 3
    assert names(folder) == before


@pytest.mark.parametrize(
    ("code", "goes_on"),
    [("detector.pixels", True), ("detector.run", True), ("detector.missing", False)]
)
def test_a_detector_that_fails(
    folder: Path,
    jpegredact: Commands,
    detector: Detector,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    goes_on: bool,
) -> None:
    """Pixels are one picture's fault; weights that can't be had would fail for every one."""
    monkeypatch.setattr("jpegredact.detection.weights.locate", lambda weights: folder)
    detector.error = jr.DetectorError("it does not work", code=code)
    done = jpegredact("detect", "in.jpg", "other.jpg", "--log", "a.jsonl")
    assert done.status == 3
    assert len(detector.calls) == (2 if goes_on else 1)
    assert (folder / "a.jsonl").exists() == goes_on
    done = jpegredact("redact", "in.jpg", "-o", "out.jpg", "--detect", "face")
    assert done.status == 3
    assert f"[{code}]" in done.err
    assert not (folder / "out.jpg").exists()
    done = jpegredact("demo", "shown")
    assert done.status == 0
    assert "no detector here (it does not work)" in done.err


def test_a_log_serves_several_pictures(folder: Path, jpegredact: Commands) -> None:
    assert jpegredact("detect", "in.jpg", "other.jpg", "--log", "all.jsonl").status == 0
    for name in ("in.jpg", "other.jpg"):
        done = jpegredact("redact", name, "-o", f"out-{name}", "--from-log", "all.jsonl")
        assert done.status == 0, done.err
    text = (folder / "all.jsonl").read_text()
    assert jpegredact("detect", "--from-log", "all.jsonl").out == text
    first = text.splitlines(keepends=True)[0]
    assert jpegredact("detect", "--from-log", "all.jsonl", "in.jpg").out == first


def test_detect_usage(folder: Path, jpegredact: Commands) -> None:
    assert jpegredact("detect").status == 2
    assert jpegredact("detect", "in.jpg", "--margin", "wide").status == 2
    assert jpegredact("detect", "in.jpg", "--from-log", "gone.jsonl").status == 5


def test_as_a_process(folder: Path) -> None:
    """Boxes need no detector: the same path, from the outside."""
    done = run("redact", "in.jpg", "--dry-run", "--box", "9,9,40,40", "--log", "a.xml", cwd=folder)
    assert done.returncode == 0, done.stderr
    (entry,) = jr.read_log(folder / "a.xml").entries
    assert (entry.file, entry.detections[0].source) == ("in.jpg", "person")
    done = run("redact", "in.jpg", "-o", "out.jpg", "--from-log", "a.xml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["regions"][0]["box"] == [9, 9, 40, 40]


def test_the_demo_finds_the_face_itself(
    folder: Path, jpegredact: Commands, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jpegredact.detection.weights.locate", lambda weights: folder)
    detector.seen = (Seen("face", 0.95, (160, 130, 370, 330)), Seen("face", 0.4, (0, 0, 9, 9)))
    done = jpegredact("demo", "shown")
    assert done.status == 0, done.err
    assert "a face was found by fakenet" in done.err
    assert "proven" in done.err
    regions = jr.UnblurDiff.load(folder / "shown" / "redacted.jrdiff").regions
    assert regions[0].box == (160, 130, 370, 330)


@pytest.mark.parametrize("there", [True, False])
def test_the_demo_says_when_it_finds_none(
    folder: Path,
    jpegredact: Commands,
    detector: Detector,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
) -> None:
    monkeypatch.setattr(
        "jpegredact.detection.weights.locate", lambda weights: folder if there else None
    )
    detector.seen = ()
    done = jpegredact("demo", "shown")
    assert done.status == 0, done.err
    assert "the face's known place is used" in done.err
    assert len(detector.calls) == there  # nothing is fetched for a demo
