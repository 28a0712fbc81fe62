"""The same run on Ray, on this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

import jpegredact as jr

from . import commands, runs

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


def arguments(engine: str, target: str, diffs: str, *more: object) -> list[object]:
    box = ",".join(map(str, runs.BOX))
    return ["batch", "src", target, "--diffs", diffs, "--box", box, "--jobs", 2,
            "--engine", engine, *more]  # fmt: skip


def tree(folder: Path, kind: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob(kind))
    }


def test_the_same_bytes_as_a_local_run(tmp_path: Path) -> None:
    files = runs.fill(tmp_path / "src", 30, bad_jpg=b"\xff\xd8\xff", words_txt=b"words")
    for engine in ("local", "ray"):
        commands.run(*arguments(engine, engine, f"{engine}-diffs"), cwd=tmp_path, status=3)
    for kind, ending in (("", "*.jpg"), ("-diffs", "*.jrdiff")):
        made = tree(tmp_path / f"ray{kind}", ending)
        assert made == tree(tmp_path / f"local{kind}", ending)
        assert len(made) == 30
    logs = [
        sorted(
            (line["file"], line.get("redacted"), line["record"], str(line.get("error")))
            for line in runs.lines(tmp_path / f"{engine}-diffs" / "jpegredact.log.jsonl")
        )
        for engine in ("local", "ray")
    ]
    assert logs[0] == logs[1]
    assert len(logs[0]) == len(files)
    again = commands.run(
        *arguments("ray", "ray", "ray-diffs", "--resume", "--check"), cwd=tmp_path, status=3
    )
    assert "31 done before" in again.stderr


def test_an_actor_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    files = runs.fill(tmp_path / "src", 120)

    killed: list[str] = []
    done = threading.Event()

    def kill_actors() -> None:
        while not done.is_set() and len(killed) < 2:
            for status in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = status.read_bytes()
                except OSError:
                    continue
                if line.startswith(b"ray::") and b"Map" in line:
                    os.kill(int(status.parent.name), signal.SIGKILL)
                    killed.append(status.parent.name)
                    break
            time.sleep(0.5)

    killer = threading.Thread(target=kill_actors)
    killer.start()
    commands.run(*arguments("ray", "dst", "diffs"), cwd=tmp_path)
    done.set()
    killer.join()
    assert killed
    log = tmp_path / "diffs" / "jpegredact.log.jsonl"
    runs.assert_sound(files, tmp_path / "dst", tmp_path / "diffs", log, whole=True)
    assert all(line["error"] is None for line in runs.lines(log))


def test_sealed_to_a_key(tmp_path: Path) -> None:
    files = runs.fill(tmp_path / "src", 4)
    commands.run(*arguments("ray", "dst", "diffs", "-r", runs.RECIPIENT), cwd=tmp_path)
    for name, data in files.items():
        redacted = (tmp_path / "dst" / name).read_bytes()
        (diff,) = runs.diffs_of(name, redacted, tmp_path / "diffs")
        assert jr.restore(redacted, diff, identities=[runs.IDENTITY]) == data
