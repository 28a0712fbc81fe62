"""The command as a process group of its own, to be interrupted and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "jpegredact", *map(str, arguments)]


def run(
    *arguments: object, cwd: Path, status: int | None = 0, before: Sequence[str] = (), **more: Any
) -> Any:
    """Run it to its end."""
    done = subprocess.run(
        [*before, *command(*arguments)], cwd=cwd, env=environment(), capture_output=True, text=True,
        timeout=300, check=False, **more,
    )  # fmt: skip
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done


def start(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    """Start it as the head of a process group."""
    return subprocess.Popen(
        command(*arguments), cwd=cwd, env=environment(), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, at once; all of it may have ended before."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def workers_of(pid: int) -> Sequence[int]:
    """Return the worker processes of a run (Linux)."""
    found = []
    for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            words = Path(f"/proc/{each}/cmdline").read_bytes()
        except FileNotFoundError:
            continue
        if b"spawn_main" in words:
            found.append(int(each))
    return found
