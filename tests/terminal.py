"""Runs a program at a terminal of its own, and types: ``at_terminal(["age", ...], "words")``.

As a process of its own, since a process with threads should not fork.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def at_terminal(
    command: list[object], *typed: str, cwd: Path, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a program, answering each of its prompts; return its status and what was shown."""
    done = subprocess.run(
        [sys.executable, __file__, str(len(typed)), *typed, *map(str, command)],
        cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def main(typed: list[str], command: list[str]) -> int:
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    shown = b""
    for line in typed:
        new = b""
        while not new.rstrip().endswith(b":"):
            piece = read(terminal)
            if not piece:
                break
            new += piece
        shown += new
        os.write(terminal, line.encode() + b"\n")
    while piece := read(terminal):
        shown += piece
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.buffer.write(shown)
    return status


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # what Linux says when the other side is gone
        return b""


if __name__ == "__main__":
    answers = int(sys.argv[1])
    raise SystemExit(main(sys.argv[2 : 2 + answers], sys.argv[2 + answers :]))
