"""The command line as a process, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``jpegredact`` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "jpegredact", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
