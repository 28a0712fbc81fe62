"""What the workers of test_pool do; they are processes that import it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def maker() -> Any:
    return do


def bad_maker() -> Any:
    raise RuntimeError("no weights")


def dying_maker() -> Any:
    os._exit(7)


def do(task: tuple[Any, ...]) -> Any:
    kind, *more = task
    if kind == "echo":
        return more[0]
    if kind == "pid":
        return os.getpid()
    if kind == "sleep":
        time.sleep(more[0])
        return os.getpid()
    if kind == "die once":
        mark = Path(more[0])
        if mark.exists():
            return "done at last"
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "die":
        os._exit(3)
    if kind == "raise":
        raise ValueError("nobody expected this")
    if kind == "large":
        return b"x" * more[0]
    if kind == "touch":
        Path(more[2]).touch()
        time.sleep(more[1])
        Path(more[0]).touch()
        return None
    raise AssertionError(kind)


def main() -> None:
    """Be a parent whose workers are busy for long; say when they are."""
    from jpegredact.batch.pool import Workers

    with Workers(maker, 2) as workers:
        for _, pid in workers.work_off([("pid",), *[("sleep", 60)] * 6]):
            print(pid, flush=True)


def start_parent() -> subprocess.Popen[str]:
    """Start one; it says a worker's number when that is at work."""
    tests = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", "from batch import pool_tasks; pool_tasks.main()"],
        cwd=tests, env={**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}"},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
