"""Stores that fail picture after picture: the run ends, loses nothing, and goes on later."""

from __future__ import annotations

import errno
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jpegredact.batch.engine import Named, Summary, head_of, is_whole, run_local
from jpegredact.batch.options import Options, Owners
from jpegredact.batch.places import Place, open_place
from jpegredact.batch.retrying import StoreDeniedError, StoreError
from jpegredact.batch.runlog import RunLog
from jpegredact.batch.stores import Stores
from jpegredact.batch.work import Done, Job

from . import commands
from .faulty_server import Faulty
from .runs import BOX, RECIPIENT, lines, picture

Opened = Callable[..., Place]
REDACTED = Done("a.jpg", "redacted", read=9)
BROKEN = Done("b.jpg", "failed", code="jpeg.truncated", read=9)
GONE = Done("c.jpg", "failed", code="io", message="no such object", errno=errno.ENOENT)


class Asked:
    """A place that is asked whether it can be read or written."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.questions: list[str] = []
        self.is_closed = False

    def check_readable(self) -> None:
        self._answer("read")

    def check_writable(self) -> None:
        self._answer("write")

    def _answer(self, question: str) -> None:
        self.questions.append(question)
        if self.is_closed:
            raise PermissionError(errno.EACCES, "no")


class Scene:
    def __init__(self, jobs: int = 2, untouched: str = "copy") -> None:
        self.places = {name: Asked(f"s3://{name}") for name in ("src", "dst", "dir")}
        job = Job(*self.places.values(), Options(untouched=untouched))  # type: ignore[arg-type]
        self.stores = Stores(job, jobs)

    def lost(self, name: str, number: int = errno.EIO) -> Done:
        """Return what becomes of a picture that a place failed."""
        return Done("x.jpg", "failed", code="io", message="away", errno=number,
                    store=f"s3://{name}", read=0 if name == "src" else 9)  # fmt: skip

    def see(self, *done: Done, times: int = 1) -> None:
        for each in done * times:
            self.stores.see(each)


@pytest.mark.parametrize("name", ["src", "dst", "dir"])
@pytest.mark.parametrize(("jobs", "most"), [(1, 10), (2, 10), (8, 40)])
def test_so_many_in_a_row_end_the_run(name: str, jobs: int, most: int) -> None:
    scene = Scene(jobs)
    for _ in range(2):
        scene.see(scene.lost(name), times=most - 1)
        scene.see(REDACTED)  # all three places did their work
    scene.see(scene.lost(name), times=most - 1)
    with pytest.raises(OSError, match=f"{most} pictures in a row failed .*: away") as caught:
        scene.see(scene.lost(name))
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, f"s3://{name}")
    assert not any(each.questions for each in scene.places.values())


def test_only_what_a_place_answered_counts_for_it() -> None:
    """Broken pictures say that SRC is there, and nothing of the others."""
    scene = Scene()
    scene.see(scene.lost("src"), BROKEN, times=50)
    scene.see(scene.lost("src"), times=9)
    scene.see(scene.lost("dir"))  # of what SRC gave
    scene.see(scene.lost("src"), times=9)
    scene = Scene()
    with pytest.raises(OSError, match="s3://dir"):
        scene.see(scene.lost("dir"), BROKEN, GONE, times=10)
    scene = Scene()
    with pytest.raises(OSError, match="s3://src"):
        scene.see(scene.lost("src"), GONE, times=10)


@pytest.mark.parametrize("untouched", ["copy", "link", "skip"])
def test_untouched_pictures_say_nothing_of_dir(untouched: str) -> None:
    passed_on = Done("a.jpg", "untouched", read=9)
    scene = Scene(untouched=untouched)
    scene.see(scene.lost("src"), passed_on, times=20)
    with pytest.raises(OSError, match="s3://dir"):
        scene.see(scene.lost("dir"), passed_on, times=10)
    scene = Scene(untouched=untouched)
    if untouched == "skip":
        with pytest.raises(OSError, match="s3://dst"):
            scene.see(scene.lost("dst"), passed_on, times=10)
    else:
        scene.see(scene.lost("dst"), passed_on, times=20)


@pytest.mark.parametrize(
    ("name", "question"), [("src", "read"), ("dst", "write"), ("dir", "write")]
)
def test_where_access_is_denied_the_store_itself_is_asked(name: str, question: str) -> None:
    """It may be those objects alone that nobody may read: a run must get past them."""
    scene = Scene()
    place = scene.places[name]
    scene.see(scene.lost(name, errno.EACCES), times=35)
    assert place.questions == [question] * 3
    place.is_closed = True
    with pytest.raises(OSError, match="in a row") as caught:
        scene.see(scene.lost(name, errno.EACCES), times=5)
    assert caught.value.errno == errno.EACCES
    assert place.questions == [question] * 4


# With a server


class Run:
    """A run over buckets with places that wait for nothing."""

    def __init__(self, s3: Opened, faulty: Faulty, log: Path) -> None:
        self.faulty, self.log = faulty, log
        self.files = {f"{number:02}.jpg": picture(number) for number in range(30)}
        places = s3("src"), s3("dst"), s3("diffs", bucket="diffs")
        for name, data in self.files.items():
            places[0].write_new(name, data)
        for place in places[1:]:
            place.check_writable()
        self.job = Job(*places, Options(boxes=(BOX,)), Owners((RECIPIENT,)))
        self.told: list[Done] = []

    def __call__(self, tell: Callable[..., None] | None = None, resume: bool = False) -> Summary:
        self.told.clear()
        head = head_of(self.job, [])
        if resume:
            log = RunLog.resume(str(self.log), head, lambda line: is_whole(self.job, line, True))
        else:
            log = RunLog.create(str(self.log), head)

        def note(done: Done, summary: Summary) -> None:
            self.told.append(done)
            if tell is not None:
                tell(done)

        with log:
            return run_local(
                replace(self.job, resumed=resume), map(Named, self.files), log, 2, tell=note
            )

    def assert_whole(self) -> None:
        assert sorted(each["file"] for each in lines(self.log)) == sorted(self.files)
        assert not [each for each in lines(self.log) if each["error"]]
        assert sorted(each.name for each in self.job.target.walk()) == sorted(self.files)


@pytest.fixture
def run(s3: Opened, faulty: Faulty, tmp_path: Path) -> Run:
    return Run(s3, faulty, tmp_path / "run.jsonl")


@pytest.mark.parametrize(("fault", "only"), [("drop", ()), (503, ("PUT",)), (403, ("PUT",))])
def test_a_dead_store_ends_the_run_which_goes_on_later(
    run: Run, fault: object, only: tuple[str, ...]
) -> None:
    def die(done: Done) -> None:
        if len(run.told) == 8:
            run.faulty.plan(always=fault, only=only)

    with pytest.raises(OSError, match="10 pictures in a row failed") as caught:
        run(die)
    assert caught.value.filename in {run.job.source.url, run.job.target.url, run.job.diffs.url}
    assert len(run.told) < 25
    assert {each.outcome for each in run.told[:8]} == {"redacted"}
    assert {each.outcome for each in run.told[-10:]} == {"failed"}
    run.faulty.plan()
    good = sum(each.outcome == "redacted" for each in run.told)
    assert run(resume=True).before == good
    run.assert_whole()


def test_pictures_that_nobody_may_read_do_not_end_the_run(run: Run) -> None:
    """As many as would end it are denied; SRC itself can be listed."""
    run.faulty.plan(only=("GET",), always=403, within="/src/1")
    assert run().outcomes == {"redacted": 20, "failed": 10}
    assert {each.name[0] for each in run.told if each.outcome == "failed"} == {"1"}
    run.faulty.plan()
    assert run(resume=True).outcomes == {"redacted": 10}
    run.assert_whole()


def test_the_command_says_which_store_it_is(run: Run, tmp_path: Path) -> None:
    """Denied in the middle of a run: keys that expire do so overnight."""
    arguments: list[Any] = [
        "batch", run.job.source.url, run.job.target.url, "--diffs", run.job.diffs.url,
        "--log", "other.jsonl", "--box", ",".join(map(str, BOX)), "-r", RECIPIENT, "--jobs", 2,
    ]  # fmt: skip
    run.faulty.plan(*[None] * 40, always=403)
    done = commands.run(*arguments, cwd=tmp_path, status=5)
    assert re.search(r"the run can't go on \(--resume will\): 1\d failed, ", done.stderr)
    said = done.stderr.splitlines()[-1]
    assert said.startswith(f"error: {run.job.source.url}: 10 pictures in a row failed for the ")
    assert "Traceback" not in done.stderr
    run.faulty.plan()
    commands.run(*arguments, "--resume", cwd=tmp_path)
    assert len(list(lines(tmp_path / "other.jsonl"))) == len(run.files)


@pytest.mark.slow
def test_the_command_does_not_wait_for_a_dead_store_all_night(run: Run, tmp_path: Path) -> None:
    """As a person meets it, waits and all: half a minute, and not one for each pair of pictures."""
    arguments: list[Any] = [
        "batch", run.job.source.url, run.job.target.url, "--diffs", run.job.diffs.url,
        "--log", "other.jsonl", "--box", ",".join(map(str, BOX)), "-r", RECIPIENT, "--jobs", 2,
    ]  # fmt: skip
    run.faulty.plan(*[None] * 40, always="drop")
    done = commands.run(*arguments, cwd=tmp_path, status=5)
    assert "10 pictures in a row failed" in done.stderr
    run.faulty.plan()
    commands.run(*arguments, "--resume", cwd=tmp_path)
    assert len(list(lines(tmp_path / "other.jsonl"))) == len(run.files)


def test_a_local_place_is_no_store(tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "src"))
    with pytest.raises(FileNotFoundError):
        place.check_readable()
    (tmp_path / "src").mkdir()
    place.check_readable()


@pytest.mark.parametrize("kind", [StoreError, StoreDeniedError])
def test_an_error_of_a_store_goes_from_process_to_process(kind: type[StoreError]) -> None:
    error = kind(errno.EACCES, "no", "a.jpg", "s3://src")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.errno, again.strerror, again.filename, again.store) == (
        errno.EACCES, "no", "a.jpg", "s3://src",
    )  # fmt: skip
