"""Runs over buckets, pictures and diffs in different ones: stores that fail, and resuming then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import jpegredact as jr
from jpegredact.batch.engine import head_of, is_whole
from jpegredact.batch.options import Options, Owners
from jpegredact.batch.places import Place
from jpegredact.batch.runlog import RunLog
from jpegredact.batch.work import Done, Job, Task, do

from . import commands
from .faulty_server import Faulty
from .runs import BOX, IDENTITY, RECIPIENT, lines, picture

Opened = Callable[..., Place]


class Bucket:
    """Pictures in one bucket, outputs in it and in another one."""

    def __init__(self, s3: Opened, faulty: Faulty, count: int) -> None:
        self.faulty = faulty
        source = s3("src")
        self.files = {f"in/{n:02}.jpg": picture(n) for n in range(count)}
        for name, data in self.files.items():
            source.write_new(name, data)
        self.job = Job(
            source, s3("dst"), s3("diffs", bucket="diffs"), Options(boxes=(BOX,)),
            Owners((RECIPIENT,)),
        )  # fmt: skip

    def do(self, name: str, resumed: bool = False) -> Done:
        job = self.job
        return do(Job(job.source, job.target, job.diffs, job.options, job.owners, resumed),
                  Task(name))  # fmt: skip

    def assert_sound(self, whole: bool = False) -> None:
        """Assert that each picture is absent or has its whole pair."""
        self.faulty.plan()
        target, diffs = self.job.target, self.job.diffs
        found = [each.name for each in diffs.walk()]
        for name, source in self.files.items():
            if target.size_of(name) is None:
                assert not whole
                continue
            redacted = target.read(name)
            stem = f"{name}.{target.digest_of(name).hex()[:16]}"  # type: ignore[union-attr]
            mine = [each for each in found if each.startswith(stem)]
            assert mine
            for each in mine:
                assert jr.restore(redacted, diffs.read(each), identities=[IDENTITY]) == source


@pytest.fixture
def bucket(s3: Opened, faulty: Faulty) -> Bucket:
    return Bucket(s3, faulty, 6)


@pytest.mark.parametrize(
    "faults", [(500,), (503, 500), ("drop",), ("half",), ("lost",), ("half-request", 500, "drop")]
)
def test_what_passes_is_tried_again(bucket: Bucket, faults: Sequence[object]) -> None:
    for name in bucket.files:
        bucket.faulty.plan(*faults)
        assert bucket.do(name).outcome == "redacted"
        bucket.faulty.plan(*faults, only=("PUT",))
        assert bucket.do(name, resumed=True).outcome == "redacted"
    bucket.assert_sound(whole=True)


@pytest.mark.parametrize("fault", [500, "drop", "lost", 403])
@pytest.mark.parametrize("only", [("GET",), ("PUT",)])
def test_a_store_that_stays_away_costs_the_picture(
    bucket: Bucket, fault: object, only: tuple[str, ...]
) -> None:
    bucket.faulty.plan(always=fault, only=only)
    done = bucket.do("in/00.jpg")
    assert done.outcome == "failed"
    assert done.code == "io" or done.code.startswith("batch.")
    assert done.message
    assert "very-secret" not in done.message + done.line
    bucket.assert_sound()
    assert bucket.do("in/00.jpg", resumed=True).outcome == "redacted"
    bucket.assert_sound()


def test_every_moment_at_which_a_store_may_go_away(bucket: Bucket) -> None:
    """After n good requests none is answered: at each n, no picture without its diff."""
    for good in range(12):
        for each in (*bucket.job.target.walk(), *bucket.job.diffs.walk()):
            place = bucket.job.diffs if each.name.endswith(".jrdiff") else bucket.job.target
            place._fs.rm_file(f"{place._root}/{each.name}")  # type: ignore[attr-defined]
        bucket.faulty.plan(*[None] * good, always="lost")
        outcome = bucket.do("in/01.jpg").outcome
        bucket.assert_sound()
        if outcome == "redacted":
            assert good > 2
            return
    raise AssertionError("it never came through")


def test_the_command_over_buckets(bucket: Bucket, tmp_path: Path) -> None:
    """As a process, with workers, through a store that fails every fifth request or so."""
    arguments: list[Any] = [
        "batch", bucket.job.source.url, bucket.job.target.url, "--diffs", bucket.job.diffs.url,
        "--log", "run.jsonl", "--box", ",".join(map(str, BOX)), "-r", RECIPIENT, "--jobs", 2,
    ]  # fmt: skip
    bucket.faulty.plan(*[None, None, 500, None, "drop", None, None, "half", None, None] * 3)
    done = commands.run(*arguments, cwd=tmp_path, status=None)
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    bucket.assert_sound()
    done = commands.run(*arguments, "--resume", "--check", cwd=tmp_path)
    assert "6 " in done.stderr
    bucket.assert_sound(whole=True)
    seen = [line["file"] for line in lines(tmp_path / "run.jsonl")]
    assert sorted(seen) == sorted(bucket.files)


def test_resuming_asks_the_store_what_is_there(bucket: Bucket, tmp_path: Path) -> None:
    path, head = str(tmp_path / "run.jsonl"), head_of(bucket.job, [])
    with RunLog.create(path, head) as log:
        for name in bucket.files:
            log.append(bucket.do(name).line)
    gone = bucket.job.target
    gone._fs.rm_file(f"{gone._root}/in/03.jpg")  # type: ignore[attr-defined]
    with RunLog.resume(path, head, lambda line: is_whole(bucket.job, line, True)) as log:
        assert [name for name in bucket.files if not log.is_done(name)] == ["in/03.jpg"]


def test_a_store_that_can_not_be_asked_is_no_reason_to_do_all_again(
    bucket: Bucket, tmp_path: Path
) -> None:
    path, head = str(tmp_path / "run.jsonl"), head_of(bucket.job, [])
    with RunLog.create(path, head) as log:
        for name in bucket.files:
            log.append(bucket.do(name).line)
    before = Path(path).read_bytes()
    bucket.faulty.plan(always=500)
    with pytest.raises(OSError, match="as planned"):
        RunLog.resume(path, head, lambda line: is_whole(bucket.job, line, True))
    assert Path(path).read_bytes() == before
