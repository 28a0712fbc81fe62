"""The docs say what the commands say."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_cli_page_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "generate_cli.py"))["page"]()
    assert (DOCS / "cli.md").read_text() == made, "run python docs/generate_cli.py"


def test_what_the_docs_show_holds() -> None:
    """Snippets run, error codes and report fields are complete, examples are up to date."""
    done = subprocess.run(
        [sys.executable, DOCS / "check.py"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
