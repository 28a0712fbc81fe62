"""The command line within the test's own process, so that it can be given a detector."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from jpegredact import detecting
from jpegredact.cli import main


class Done(NamedTuple):
    status: int
    out: str
    err: str


class Commands:
    """Runs commands in a folder, with a detector of the test's own."""

    def __init__(
        self,
        folder: Path,
        detector: object,
        patch: pytest.MonkeyPatch,
        streams: pytest.CaptureFixture[str],
    ) -> None:
        self._folder, self._patch, self._streams = folder, patch, streams
        patch.setattr(detecting, "Detecting", lambda **options: detector)

    def __call__(self, *arguments: object) -> Done:
        self._streams.readouterr()
        self._patch.setattr(sys, "argv", ["jpegredact", *map(str, arguments)])
        before = Path.cwd()
        os.chdir(self._folder)
        try:
            with pytest.raises(SystemExit) as caught:
                main()
        finally:
            os.chdir(before)
        said = self._streams.readouterr()
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, said.out, said.err)
