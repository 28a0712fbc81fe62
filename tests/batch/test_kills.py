"""SIGKILL at random moments: of the whole run, and of single workers; then it is resumed.

At the end each picture has its whole pair, and at no time does a redacted one lack its diff. What
a kill can't show is the order in which the disk gets it all: see test_call_order.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import jpegredact as jr
from batch import commands
from batch.runs import BOX, IDENTITY, OTHER, RECIPIENT, assert_sound, diffs_of, fill, lines, picture

KILLS = int(os.environ.get("JPEGREDACT_KILLS", "12"))
"""In each of the slow tests; all of them have passed with 50."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

START = 0.35
"""Seconds that a run takes at least before it does anything."""


class Killing:
    """A folder, and runs over it that are killed."""

    def __init__(self, root: Path, count: int, seed: int) -> None:
        self.root, self.random = root, random.Random(seed)
        self.files = fill(root / "src", count)
        self.target, self.diffs, self.log = root / "dst", root / "diffs", root / "run.jsonl"
        self.log_name = self.log.name

    def arguments(self, box: tuple[float, ...], *more: object) -> list[object]:
        text = ",".join(map(str, box))
        return ["batch", "src", "dst", "--diffs", "diffs", "--log", self.log_name, "--box", text,
                "-r", RECIPIENT, "--jobs", 2, *more]  # fmt: skip

    def resumed(self) -> list[str]:
        return ["--resume"] if (self.root / self.log_name).exists() else []

    def sound(self, whole: bool = False) -> None:
        assert_sound(self.files, self.target, self.diffs, self.root / self.log_name, whole)

    def killed(self, box: tuple[float, ...], kill: Callable[[int], None], most: float) -> bool:
        """Start or resume a run, and kill something of it; return whether it was still there."""
        process = commands.start(*self.arguments(box, *self.resumed()), cwd=self.root)
        time.sleep(self.random.uniform(START, most))
        running = process.poll() is None
        if running:
            kill(process.pid)
        if kill is kill_tree:
            commands.kill_tree(process)
        else:
            _, said = process.communicate(timeout=120)
            assert process.returncode in (0, 3), said.decode()
        return running

    def finish(self, box: tuple[float, ...]) -> None:
        check = ["--check"] if self.resumed() else []
        commands.run(*self.arguments(box, *self.resumed(), *check), cwd=self.root)
        self.sound(whole=True)
        temporaries = [*self.target.rglob(".*"), *self.diffs.rglob(".*")]
        assert all(each.name.startswith(".jpegredact.") for each in temporaries)


def kill_tree(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def kill_workers(seed: int) -> Callable[[int], None]:
    """Return what kills three workers of a run, one after the other."""
    choice = random.Random(seed)

    def kill(pid: int) -> None:
        for _ in range(3):
            try:
                found = commands.workers_of(pid)
                if found:
                    os.kill(choice.choice(found), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(choice.uniform(0.0, 0.3))

    return kill


def duration(scene: Killing, box: tuple[float, ...]) -> float:
    """Return how long a whole run takes here and now."""
    scene.log_name = "first.jsonl"
    begun = time.monotonic()
    commands.run(*scene.arguments(box), cwd=scene.root)
    taken = time.monotonic() - begun
    scene.log_name = "run.jsonl"
    for path in [*scene.target.rglob("*.jpg"), *scene.diffs.rglob("*.jrdiff")]:
        path.unlink()
    (scene.root / "first.jsonl").unlink()
    return taken


def kill_often(scene: Killing, kills: int) -> None:
    """Kill runs until that many were hit, each resumed from what the one before left."""
    most = max(2 * START, 0.5 * duration(scene, BOX))
    hit = tries = 0
    while hit < kills:
        tries += 1
        assert tries < 4 * kills + 10
        before = (scene.root / scene.log_name).exists()
        hit += scene.killed(BOX, kill_tree, most)
        scene.sound()
        if before and len(list(lines(scene.log))) == len(scene.files):  # done: from the start
            scene.finish(BOX)
            for path in [*scene.target.rglob("*.jpg"), scene.log]:
                path.unlink()
    scene.finish(BOX)


def test_a_few_kills_of_the_whole_run(tmp_path: Path) -> None:
    kill_often(Killing(tmp_path, 60, seed=1), 4)


@pytest.mark.slow
def test_many_kills_of_the_whole_run(tmp_path: Path) -> None:
    kill_often(Killing(tmp_path, 40 * KILLS // 5, seed=2), KILLS)


def kill_single(scene: Killing, rounds: int) -> None:
    most = max(2 * START, 0.9 * duration(scene, BOX))
    for number in range(rounds):
        scene.killed(BOX, kill_workers(number), most)
        failed = [line for line in lines(scene.log) if line.get("error")]
        assert len(failed) <= 1, "three kills can hit one picture twice, and no more"
        assert all(line["error"]["code"] == "batch.worker" for line in failed)
        if failed:
            scene.finish(BOX)
        scene.sound(whole=True)
        for path in [*scene.target.rglob("*.jpg"), scene.log]:
            path.unlink()


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    kill_single(Killing(tmp_path, 60, seed=3), 2)


@pytest.mark.slow
def test_many_kills_of_workers(tmp_path: Path) -> None:
    kill_single(Killing(tmp_path, 200, seed=4), KILLS // 3)


def kill_between_changes(scene: Killing, kills: int) -> None:
    """Another run over the same folders, with other boxes, killed and resumed in turn.

    Its first part finds outputs of the run before, which it never replaces; what is resumed does,
    when the new diff is there.
    """
    most = max(2 * START, 0.6 * duration(scene, BOX))
    for number in range(kills):
        scene.log_name = f"run{number}.jsonl"
        box = (BOX, OTHER)[number % 2]
        scene.killed(box, kill_tree, most)
        assert_sound(scene.files, scene.target, scene.diffs, None)
        scene.killed(box, kill_tree, most)
        assert_sound(scene.files, scene.target, scene.diffs, None)
    commands.run(*scene.arguments(box, *scene.resumed()), cwd=scene.root, status=None)
    commands.run(*scene.arguments(box, "--resume"), cwd=scene.root)
    scene.sound(whole=True)


def test_kills_with_changed_boxes(tmp_path: Path) -> None:
    kill_between_changes(Killing(tmp_path, 40, seed=5), 2)


@pytest.mark.slow
def test_many_kills_with_changed_boxes(tmp_path: Path) -> None:
    kill_between_changes(Killing(tmp_path, 200, seed=6), KILLS // 2)


def kill_in_place(folder: Path, rounds: int, seed: int) -> None:
    """`redact --in-place`: the picture is the source, or it is redacted and has its diff."""
    choice = random.Random(seed)
    source = picture(1, 1600, 1200)
    path = folder / "a.jpg"
    path.write_bytes(source)
    arguments = ["redact", path.name, "--in-place", "--box", "16,16,900,900", "-r", RECIPIENT]
    begun = time.monotonic()
    commands.run(*arguments, cwd=folder)
    taken = time.monotonic() - begun
    seen = set()
    for _ in range(rounds):
        path.write_bytes(source)
        process = commands.start(*arguments, cwd=folder)
        time.sleep(choice.uniform(0.3 * taken, 1.1 * taken))
        commands.kill_tree(process)
        data = path.read_bytes()
        seen.add(data == source)
        if data != source:
            found = diffs_of("a.jpg", data, folder)
            assert found
            assert all(jr.restore(data, diff, identities=[IDENTITY]) == source for diff in found)
        for diff in folder.glob("*.jrdiff"):
            diff.unlink()
    assert rounds < 20 or seen == {True, False}, "kills came too early or too late to tell"


def test_kills_in_place(tmp_path: Path) -> None:
    kill_in_place(tmp_path, 4, 7)


@pytest.mark.slow
def test_many_kills_in_place(tmp_path: Path) -> None:
    kill_in_place(tmp_path, KILLS, 8)
