"""Runs: names, order, what is counted, and what is done again when they are resumed."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch.runs import BOX, RECIPIENT, assert_sound, fill, lines, picture
from jpegredact.batch.engine import (
    Named,
    Summary,
    died,
    ending,
    head_of,
    is_whole,
    run_local,
    tasks_of,
)
from jpegredact.batch.options import Options, Owners
from jpegredact.batch.places import open_place
from jpegredact.batch.pool import Died
from jpegredact.batch.runlog import RunLog
from jpegredact.batch.work import Done, Job, Task
from jpegredact.diff.passphrase import Passphrase, RunKey
from jpegredact.errors import BatchError, DetectorError
from jpegredact.log_reading import read_log

BOXED = Options(boxes=(BOX,))


class Run:
    """A run in a folder of its own."""

    def __init__(self, root: Path, options: Options = BOXED) -> None:
        self.source, self.target, self.diffs = (root / name for name in ("src", "dst", "diffs"))
        self.log = root / "run.jsonl"
        self.places = [open_place(each) for each in (self.source, self.target, self.diffs)]
        self.job = Job(*self.places, options, Owners((RECIPIENT,)))
        self.told: list[Done] = []

    def __call__(
        self, names: Iterable[Named] | None = None, resume: bool = False, check: bool = False,
        jobs: int = 2, **more: Any,
    ) -> Summary:  # fmt: skip
        if names is None:
            names = (Named(each.name) for each in self.places[0].walk())
        head = head_of(self.job, [])
        if resume:
            log = RunLog.resume(str(self.log), head, lambda line: is_whole(self.job, line, check))
        else:
            log = RunLog.create(str(self.log), head)
        self.told.clear()
        with log:
            return run_local(
                replace(self.job, resumed=resume), names, log, jobs,
                tell=lambda done, _: self.told.append(done), **more,
            )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_run(run: Run) -> None:
    files = fill(run.source, 12)
    more = fill(run.source, 0, notes_txt=b"not a picture", broken_jpg=picture()[:500])
    summary = run()
    assert summary.outcomes == {"redacted": 12, "skipped": 1, "failed": 1}
    assert summary.errors == {"jpeg.truncated": 1}
    assert (summary.count, summary.found, summary.before, summary.repeated) == (14, 12, 0, 0)
    assert summary.read == sum(map(len, (files | more).values())) - len(b"not a picture") + 2
    outputs = [path for path in run.target.rglob("*") if path.is_file()]
    assert summary.written == sum(path.stat().st_size for path in outputs)
    assert summary.diffs == sum(p.stat().st_size for p in run.diffs.rglob("*.jrdiff"))
    assert sorted(each.name for each in run.told) == sorted(files | more)
    assert {line["file"] for line in lines(run.log)} == {*files, *more}
    assert_sound(files, run.target, run.diffs, None, whole=True)


def test_what_is_whole_is_left_alone_when_a_run_is_resumed(run: Run) -> None:
    files = fill(run.source, 9, notes_txt=b"not a picture", broken_jpg=picture()[:500])
    run()
    before = {path: path.stat().st_mtime_ns for path in run.target.rglob("*.jpg")}
    log = run.log.read_text()
    summary = run(resume=True)
    assert summary.outcomes == {"failed": 1}  # which is tried again
    assert summary.before == 10
    assert [each.name for each in run.told] == ["broken.jpg"]
    assert {path: path.stat().st_mtime_ns for path in run.target.rglob("*.jpg")} == before
    assert sorted(run.log.read_text().splitlines()[1:]) == sorted(log.splitlines()[1:])
    good = {name: data for name, data in files.items() if name[:2].isdigit() or "/" in name}
    assert_sound(good, run.target, run.diffs, None, whole=True)


def test_what_lacks_is_done_again(run: Run) -> None:
    files = fill(run.source, 8)
    run()
    (run.target / "001.jpg").unlink()
    next((run.diffs).glob("002.jpg.*.jrdiff")).unlink()
    next((run.diffs / "in").glob("003.jpg.*.jrdiff")).unlink()
    (run.target / "in/003.jpg").unlink()
    summary = run(resume=True)
    assert sorted(each.name for each in run.told) == ["001.jpg", "002.jpg", "in/003.jpg"]
    assert (summary.before, summary.outcomes) == (5, {"redacted": 3})
    assert_sound(files, run.target, run.diffs, run.log, whole=True)


def test_digests_are_compared_on_demand(run: Run) -> None:
    files = fill(run.source, 5)
    run()
    damaged = run.target / "001.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    diff = next(run.diffs.glob("002.jpg.*.jrdiff"))
    diff.write_bytes(diff.read_bytes()[:-1])
    assert run(resume=True).before == 5
    assert run(resume=True, check=True).before == 3
    assert sorted(each.name for each in run.told) == ["001.jpg", "002.jpg"]
    second = next(run.diffs.glob("002.jpg.*-2.jrdiff"))
    assert second.exists()
    assert run(resume=True, check=True).before == 5
    diff.unlink()
    second.rename(diff)
    assert_sound(files, run.target, run.diffs, run.log, whole=True)


@pytest.mark.parametrize("untouched", ["copy", "link", "skip"])
def test_untouched_pictures_are_whole_without_a_diff(tmp_path: Path, untouched: str) -> None:
    run = Run(tmp_path, Options(untouched=untouched))  # no box: nothing is touched
    files = fill(run.source, 4)
    assert run().outcomes == {"untouched": 4}
    assert run(resume=True, check=True).before == 4
    if untouched == "skip":
        assert not [*run.target.rglob("*.jpg")]
        return
    (run.target / "001.jpg").unlink()
    assert run(resume=True).before == 3
    assert_sound(files, run.target, run.diffs, run.log, whole=True)


def test_names_that_would_meet_and_names_that_are_unsafe(run: Run) -> None:
    files = fill(run.source, 1, A_jpg=picture(1), a_JPEG=picture(2), b_jpg=picture(3),
                 b_xmp=b"<xml>", b_CR2=b"raw")  # fmt: skip
    names = [Named(each) for each in (*sorted(files), "../x.jpg", "/etc/passwd", "b\\c.jpg", "")]
    summary = run([*names, Named("../x.jpg"), Named("b.jpg"), Named("a.JPEG")])
    assert summary.errors == {"name.taken": 1, "name.unsafe": 4}
    assert summary.outcomes == {"redacted": 3, "skipped": 2, "failed": 5}
    assert summary.repeated == 3
    seen = [line["file"] for line in lines(run.log)]
    assert sorted(seen) == sorted([*files, "../x.jpg", "/etc/passwd", "b\\c.jpg", ""])
    assert sorted(path.name for path in run.target.rglob("*.jpg")) == ["000.jpg", "A.jpg", "b.jpg"]
    assert not [*run.target.rglob("*.JPEG")]
    assert run(names, resume=True).before == 5  # and the same one is refused again
    assert sorted(line["file"] for line in lines(run.log)) == sorted(seen)


def test_links_are_listed_and_not_followed(run: Run) -> None:
    fill(run.source, 2)
    names = [Named("001.jpg"), Named("001.png", skipped="a symbolic link"),
             Named("locked/", trouble=OSError(13, "a folder that can't be listed"))]  # fmt: skip
    summary = run(names)
    assert summary.outcomes == {"redacted": 1, "skipped": 1, "failed": 1}
    why = {line["file"]: line.get("why") or line["error"] for line in lines(run.log)
           if line["file"] != "001.jpg"}  # fmt: skip
    assert why == {
        "001.png": "a symbolic link",
        "locked/": {"code": "io", "message": "a folder that can't be listed"},
    }
    assert run(names, resume=True).before == 2


def test_tasks_come_in_the_order_of_names(run: Run) -> None:
    with RunLog.create(str(run.log), "{}") as log:
        names = [Named("b.jpg"), Named("a.jpg"), Named("b.jpg"), Named("../c"), Named("d.jpg")]
        tasks = list(tasks_of(names, log, Summary()))
    assert [each.name for each in tasks] == ["b.jpg", "a.jpg", "../c", "d.jpg"]
    assert [isinstance(each, Task) for each in tasks] == [True, True, False, True]


def test_stopping_and_going_on(run: Run) -> None:
    files = fill(run.source, 40)
    summary = run(stop=lambda: len(run.told) >= 10)
    assert 10 <= summary.count < 20
    assert_sound(files, run.target, run.diffs, run.log)
    assert len([*lines(run.log)]) == summary.count
    assert run(resume=True).before == summary.count
    assert_sound(files, run.target, run.diffs, run.log, whole=True)


def test_a_log_that_can_not_be_written_ends_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fill(run.source, 30)
    append = RunLog.append

    def full(self: RunLog, line: str) -> None:
        if len(run.told) == 5:
            raise OSError(28, "No space left on device")
        append(self, line)

    monkeypatch.setattr(RunLog, "append", full)
    summary = Summary()
    with pytest.raises(OSError, match="No space"):
        run(summary=summary)
    assert summary.count == 5
    monkeypatch.undo()
    assert_sound(files, run.target, run.diffs, run.log)
    assert run(resume=True).before == 5
    assert_sound(files, run.target, run.diffs, run.log, whole=True)


def test_what_ends_a_run_says_why() -> None:
    error = ending(Done("a.jpg", "ended", "", "io", "No space left on device", 28))
    assert isinstance(error, OSError)
    assert (error.errno, error.strerror, error.filename) == (28, "No space left on device", "a.jpg")
    error = ending(Done("a.jpg", "ended", "", "detector.weights", "fetch them"))
    assert isinstance(error, DetectorError)
    assert error.code == "detector.weights"


def test_a_picture_that_costs_two_workers_is_a_failure() -> None:
    for end, words in ((Died(-9), "(exit code -9)"), (Died(1, "MemoryError: "), "(MemoryError: )")):
        done = died("a.jpg", end)
        assert (done.outcome, done.code) == ("failed", "batch.worker")
        assert words in done.message
        assert json.loads(done.line)["error"] == {"code": "batch.worker", "message": done.message}


def test_the_head_says_what_the_run_was_told(run: Run, tmp_path: Path) -> None:
    head = json.loads(head_of(run.job, ["b@2", "a@1"]))
    assert head["models"] == ["a@1", "b@2"]
    assert head["options"]["source"] == str(tmp_path / "src")
    assert head["options"]["recipients"] == [RECIPIENT]
    assert head["options"]["passphrase"] is False
    assert head["options"]["boxes"] == [list(BOX)]


def test_a_source_that_is_gone_is_an_error(run: Run) -> None:
    with pytest.raises(FileNotFoundError):
        run()
    assert [*lines(run.log)] == []


def test_workers_get_no_passphrase(run: Run) -> None:
    key = RunKey.create(Passphrase("correct horse battery"))
    job = pickle.dumps(Job(*run.places, Options(), Owners((), key)))
    assert b"correct horse" not in job
    assert b"AGE-SECRET-KEY" not in job


def test_every_line_is_as_the_schema_says_and_can_be_gone_by(run: Run) -> None:
    """A run's own log can decide another run: head and skipped files are passed over."""
    jsonschema = pytest.importorskip("jsonschema")
    fill(run.source, 3, notes_txt=b"no picture", bad_jpg=picture()[:300])
    run([*(Named(each.name) for each in run.places[0].walk()), Named("../x.jpg"),
         Named("x.png", skipped="a symbolic link")])  # fmt: skip
    schema = Path(__file__).parents[2] / "docs" / "design" / "log.schema.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for text in run.log.read_text().splitlines():
        validator.validate(json.loads(text))
    known = read_log(str(run.log))
    assert {entry.file for entry in known.entries if entry.error is None} == {
        "in/000.jpg", "001.jpg", "002.jpg",
    }  # fmt: skip


def test_a_batch_error_is_told(run: Run) -> None:
    names = [Named("a.jpg", trouble=BatchError("its search failed: x", code="jpeg.truncated"))]
    assert run(names).errors == {"jpeg.truncated": 1}
    assert hashlib.sha256(run.log.read_bytes())
