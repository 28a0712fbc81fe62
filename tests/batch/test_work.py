"""What a worker does with one picture: in which order, and what never reaches DST."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_detector import FACE, Detector, Seen

import jpegredact as jr
from batch.runs import BOX, IDENTITY, RECIPIENT, diffs_of, picture
from jpegredact.batch import work
from jpegredact.batch.engine import Summary
from jpegredact.batch.options import Options, Owners
from jpegredact.batch.places import open_place
from jpegredact.batch.work import Done, Job, Task, do
from jpegredact.errors import DetectorError, JpegRedactError
from jpegredact.limits import Limits

SEALED = Owners((RECIPIENT,))
BOXED = Options(boxes=(BOX,))


class Scene:
    """SRC with one picture, DST and the diffs; what is called there is noted."""

    def __init__(self, root: Path) -> None:
        self.source, self.target, self.diffs = root / "src", root / "dst", root / "diffs"
        for folder in (self.source, self.target, self.diffs):
            folder.mkdir()
        self.put("a.jpg", picture())
        self.calls: list[tuple[str, str, str]] = []
        self.failing = ""
        self.error: Exception | None = None

    def put(self, name: str, data: bytes) -> None:
        (self.source / name).write_bytes(data)

    def job(self, options: Options = BOXED, owners: Owners = SEALED, **more: Any) -> Job:
        source, target, diffs = (
            Noted(self, name, open_place(getattr(self, name)))
            for name in ("source", "target", "diffs")
        )
        return Job(source, target, diffs, options, owners, **more)

    def written(self) -> list[str]:
        """Return which of the outputs are there."""
        return [*self.names(self.target), *self.names(self.diffs)]

    def names(self, folder: Path) -> list[str]:
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class Noted:
    """A place whose calls are noted, and one of which may fail."""

    def __init__(self, scene: Scene, name: str, place: Any) -> None:
        self.scene, self.name, self.place = scene, name, place

    def __getattr__(self, call: str) -> Any:
        def noted(name: str, *more: Any, **options: Any) -> Any:
            self.scene.calls.append((self.name, call, name))
            if self.scene.error is not None and self.name == self.scene.failing:
                raise self.scene.error
            return getattr(self.place, call)(name, *map(unwrapped, more), **options)

        return noted


def unwrapped(value: Any) -> Any:
    return value.place if isinstance(value, Noted) else value


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Detector:
    """The one that workers use."""
    detector = Detector(FACE)
    monkeypatch.setattr(work, "Detecting", lambda **options: detector)
    return detector


def says(done: Done) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(done.line)
    return line


def test_the_diff_comes_before_the_picture(scene: Scene) -> None:
    done = do(scene.job(), Task("a.jpg"))
    redacted = (scene.target / "a.jpg").read_bytes()
    diff = f"a.jpg.{hashlib.sha256(redacted).hexdigest()[:16]}.jrdiff"
    assert scene.calls == [
        ("source", "read", "a.jpg"),
        ("diffs", "write_new", diff),
        ("target", "write_new", "a.jpg"),
    ]
    assert jr.restore(redacted, scene.diffs / diff, identities=[IDENTITY]) == picture()
    assert done.outcome == "redacted"
    assert (done.name, done.found, done.code, done.message) == ("a.jpg", 1, "", "")
    size = (scene.diffs / diff).stat().st_size
    assert (done.read, done.written, done.diff) == (len(picture()), len(redacted), size)
    line = says(done)
    assert line["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert line["redacted"] == hashlib.sha256(redacted).hexdigest()
    assert line["diff"] == hashlib.sha256((scene.diffs / diff).read_bytes()).hexdigest()


@pytest.mark.parametrize("failing", ["diffs", "target"])
@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.ENOSPC, errno.EROFS])
def test_what_can_not_be_written(scene: Scene, failing: str, error: int) -> None:
    """Without the diff no picture; a full disk ends the run, and an error of one file does not."""
    scene.failing, scene.error = failing, OSError(error, os.strerror(error), "there")
    done = do(scene.job(), Task("a.jpg"))
    assert not scene.names(scene.target)
    assert len(scene.names(scene.diffs)) == (failing == "target")
    assert done.outcome == ("ended" if error in (errno.ENOSPC, errno.EROFS) else "failed")
    assert done.code == "io"
    assert done.message == os.strerror(error)
    if done.outcome == "failed":
        assert says(done)["error"] == {"code": "io", "message": os.strerror(error)}
        assert says(done)["redacted"] is None
    else:
        assert (done.line, done.errno) == ("", error)


def test_a_source_on_a_full_disk_is_not_an_output(scene: Scene) -> None:
    scene.failing, scene.error = "source", OSError(errno.ENOSPC, "odd")
    assert do(scene.job(), Task("a.jpg")).outcome == "failed"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (picture()[:800], "jpeg.truncated"),
        (b"\xff\xd8", None),
        (b"\xff\xd8\xff\xd9" + b"x" * 100, None),
        (picture().replace(b"\xff\xc0", b"\xff\xc3"), "jpeg.lossless"),
    ],
)
def test_a_picture_that_fails_never_reaches_dst(
    scene: Scene, data: bytes, code: str | None
) -> None:
    scene.put("a.jpg", data)
    done = do(scene.job(), Task("a.jpg"))
    assert done.outcome == "failed"
    assert done.code == (code or done.code)
    assert done.code.startswith("jpeg.")
    assert says(done)["error"]["code"] == done.code
    assert says(done)["sha256"] == hashlib.sha256(data).hexdigest()
    assert not scene.written()


def test_a_box_that_lies_outside_fails(scene: Scene) -> None:
    done = do(scene.job(Options(boxes=((900, 900, 950, 950),))), Task("a.jpg"))
    assert (done.outcome, done.code) == ("failed", "region.invalid")
    assert not scene.written()


def test_a_picture_over_the_limit_fails(scene: Scene) -> None:
    done = do(scene.job(limits=Limits(max_bytes=100)), Task("a.jpg"))
    assert (done.outcome, done.code) == ("failed", "limit.bytes")
    assert not scene.written()


def test_a_picture_that_is_gone_fails(scene: Scene) -> None:
    done = do(scene.job(), Task("b.jpg"))
    assert (done.outcome, done.code) == ("failed", "io")
    assert says(done)["sha256"] is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"GIF89a", picture()[1:]])
def test_what_is_no_jpeg_is_listed(scene: Scene, data: bytes) -> None:
    scene.put("a.jpg", data)
    done = do(scene.job(), Task("a.jpg"))
    assert (done.outcome, done.code, done.read) == ("skipped", "", min(len(data), 2))
    assert says(done) == {"record": "skipped", "schema": 1, "file": "a.jpg", "why": "no JPEG"}
    assert not scene.written()


def test_what_is_no_jpeg_is_listed_however_large_it_is(scene: Scene) -> None:
    """It is no failure, and not read: a film among the pictures, whatever its name."""
    for name in ("a.mp4", "a.jpg"):
        with (scene.source / name).open("wb") as file:
            file.write(b"\0\0\0\x18ftypmp42")
            file.truncate(40 << 30)
        done = do(scene.job(), Task(name))
        assert (done.outcome, done.code, done.read) == ("skipped", "", 2)


def test_what_a_detector_sees_is_redacted(scene: Scene, detector: Detector) -> None:
    done = do(scene.job(Options(labels=("face",), threshold=0.5, effort="fast")), Task("a.jpg"))
    assert (done.outcome, done.found) == ("redacted", 1)
    assert detector.calls == [(picture(), ("face",), 0.5, "fast")]
    assert says(done)["detections"][0]["label"] == "face"


def test_what_a_detector_still_sees_is_said(scene: Scene, detector: Detector) -> None:
    everything = Seen("face", 0.5, (0, 0, 112, 96))
    detector.again = lambda *_, **__: [everything]  # type: ignore[attr-defined]
    done = do(scene.job(Options(labels=("face",))), Task("a.jpg"))
    assert (done.outcome, done.found) == ("redacted", 2)
    assert done.warnings == ("found-again", "still-found")
    assert says(done)["warnings"] == ["found-again", "still-found"]
    summary = Summary()
    for _ in range(2):
        summary.add(done)
    assert summary.warnings == {"found-again": 2, "still-found": 2}


def test_networks_get_the_threads_that_are_a_workers_share(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def detecting(**options: Any) -> Detector:
        told.append(options)
        return Detector(FACE)

    monkeypatch.setattr(work, "Detecting", detecting)
    do(scene.job(Options(labels=("face",)), threads=3), Task("a.jpg"))
    assert [each["threads"] for each in told] == [3]


@pytest.mark.parametrize("code", ["detector.run", "detector.pixels"])
def test_a_detector_that_fails_on_a_picture(scene: Scene, detector: Detector, code: str) -> None:
    detector.error = DetectorError("it fell over", code=code)
    done = do(scene.job(Options(labels=("face",))), Task("a.jpg"))
    assert (done.outcome, done.code) == ("failed", code)
    assert not scene.written()


def test_a_detector_without_weights_ends_the_run(scene: Scene, detector: Detector) -> None:
    detector.error = DetectorError("no weights", code="detector.weights")
    done = do(scene.job(Options(labels=("face",))), Task("a.jpg"))
    assert (done.outcome, done.code, done.line) == ("ended", "detector.weights", "")
    assert not scene.written()


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize("untouched", ["copy", "link", "skip"])
def test_pictures_in_which_nothing_is_found(scene: Scene, untouched: str) -> None:
    data = picture() + picture(7)  # a side copy, which stays
    scene.put("a.jpg", data)
    done = do(scene.job(Options(labels=("plate",), untouched=untouched)), Task("a.jpg"))
    assert (done.outcome, done.found, done.diff) == ("untouched", 0, 0)
    line = says(done)
    assert line["diff"] is None
    assert line["redacted"] == line["sha256"] == hashlib.sha256(data).hexdigest()
    out = scene.target / "a.jpg"
    assert scene.written() == ([] if untouched == "skip" else ["a.jpg"])
    if untouched != "skip":
        assert out.read_bytes() == data
        assert out.samefile(scene.source / "a.jpg") == (untouched == "link")


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize("untouched", ["copy", "link", "skip"])
def test_scrubbing_pictures_in_which_nothing_is_found(scene: Scene, untouched: str) -> None:
    data = picture() + picture(7)
    scene.put("a.jpg", data)
    options = Options(labels=("plate",), untouched=untouched, scrub_untouched=True)
    done = do(scene.job(options), Task("a.jpg"))
    assert (done.outcome, done.found) == ("scrubbed", 0)
    out = (scene.target / "a.jpg").read_bytes()
    assert out == picture()
    (diff,) = diffs_of("a.jpg", out, scene.diffs)
    assert jr.restore(out, diff, identities=[IDENTITY]) == data
    scene.put("clean.jpg", picture())
    assert do(scene.job(options), Task("clean.jpg")).outcome == "untouched"
    assert (scene.target / "clean.jpg").exists() == (untouched != "skip")


def test_sealed_diffs_are_never_replaced(scene: Scene) -> None:
    """Each run seals anew; what a killed one left stays, and opens the same picture."""
    for number in range(3):
        done = do(scene.job(resumed=number > 0), Task("a.jpg"))
        assert done.outcome == "redacted"
        out = (scene.target / "a.jpg").read_bytes()
        found = diffs_of("a.jpg", out, scene.diffs)
        assert [path.name.partition(".jrdiff")[0][-2:] for path in found[:number]] == [
            f"-{n}" for n in range(2, 2 + number)
        ]
        assert len(found) == number + 1
        assert len({path.read_bytes() for path in found}) == number + 1
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
        assert says(done)["diff"] in digests
    for path in found:
        assert jr.restore(out, path, identities=[IDENTITY]) == picture()


def test_plain_diffs_of_the_same_are_one(scene: Scene) -> None:
    for number in range(3):
        assert do(scene.job(owners=Owners(), resumed=number > 0), Task("a.jpg")).diff
    assert len(scene.names(scene.diffs)) == 1


def test_an_output_is_only_replaced_when_a_run_is_resumed(scene: Scene) -> None:
    first, second = BOXED, Options(boxes=((40, 30, 90, 70),))
    assert do(scene.job(first), Task("a.jpg")).outcome == "redacted"
    before = (scene.target / "a.jpg").read_bytes()
    done = do(scene.job(second), Task("a.jpg"))
    assert (done.outcome, done.code) == ("failed", "io")
    assert "never replaced" in done.message
    assert (scene.target / "a.jpg").read_bytes() == before
    assert do(scene.job(second, resumed=True), Task("a.jpg")).outcome == "redacted"
    after = (scene.target / "a.jpg").read_bytes()
    assert after != before
    for data in (before, after):  # the diff of either is there
        assert diffs_of("a.jpg", data, scene.diffs)


def test_an_embedded_diff_is_in_dir_too(scene: Scene) -> None:
    """Done again, the picture has another one in it; either is in DIR, and opens the picture."""
    made = []
    for number in range(2):
        done = do(scene.job(replace(BOXED, embed=True), resumed=number > 0), Task("a.jpg"))
        out = (scene.target / "a.jpg").read_bytes()
        (diff,) = diffs_of("a.jpg", out, scene.diffs)
        assert jr.restore(out, identities=[IDENTITY]) == picture()
        assert jr.restore(out, diff, identities=[IDENTITY]) == picture()
        assert jr.UnblurDiff.load(scene.target / "a.jpg").to_bytes() == diff.read_bytes()
        assert says(done)["redacted"] == hashlib.sha256(out).hexdigest()
        assert says(done)["diff"] == hashlib.sha256(diff.read_bytes()).hexdigest()
        made.append((out, diff))
    assert made[0] != made[1]
    (before, first), _ = made
    assert jr.restore(before, first, identities=[IDENTITY]) == picture()


def test_outputs_are_private(scene: Scene) -> None:
    do(scene.job(), Task("a.jpg"))
    for path in (scene.target / "a.jpg", *scene.diffs.iterdir()):
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".jpg"


def test_a_log_decides(scene: Scene, detector: Detector) -> None:
    seen = jr.process(picture(), detect=["face"], detector=detector, name="a.jpg").entry
    detector.calls.clear()
    kept = replace(seen, detections=tuple(replace(d, decision="keep") for d in seen.detections))
    done = do(scene.job(Options()), Task("a.jpg", kept))
    assert done.outcome == "untouched"
    assert do(scene.job(Options(), resumed=True), Task("a.jpg", seen)).outcome == "redacted"
    assert not detector.calls


def test_a_log_of_another_picture_is_refused(scene: Scene, detector: Detector) -> None:
    seen = jr.process(picture(3), detect=["face"], detector=detector, name="a.jpg").entry
    done = do(scene.job(Options()), Task("a.jpg", seen))
    assert done.outcome == "failed"
    assert not scene.written()


def test_what_nobody_expected_is_not_hidden(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the pool that reports it: as a worker that died."""

    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(work, "process", broken)
    with pytest.raises(RuntimeError):
        do(scene.job(), Task("a.jpg"))
    assert not issubclass(RuntimeError, JpegRedactError)
