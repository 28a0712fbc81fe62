"""Folders of pictures for runs, and what must hold of the outputs at any moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pictures
import pyrage

import jpegredact as jr

BOX = (16.0, 16.0, 60.0, 50.0)
OTHER = (40.0, 30.0, 90.0, 70.0)
_KEY = pyrage.x25519.Identity.generate()
IDENTITY, RECIPIENT = str(_KEY), str(_KEY.to_public())


@cache
def picture(seed: int = 0, width: int = 112, height: int = 96) -> bytes:
    """Return a JPEG, another one for each seed."""
    photo = np.roll(pictures.photo(width, height), 3 * seed, axis=1)
    return pictures.pillow_jpeg(photo, quality=85)


def fill(folder: Path, count: int, **more: bytes) -> dict[str, bytes]:
    """Write pictures into a folder and a folder in it; return what each name holds."""
    files = {f"{'in/' * (n % 3 == 0)}{n:03}.jpg": picture(n % 40) for n in range(count)}
    files |= {name.replace("_", "."): data for name, data in more.items()}
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return files


def diffs_of(name: str, redacted: bytes, diffs: Path) -> list[Path]:
    stem = f"{Path(name).name}.{hashlib.sha256(redacted).hexdigest()[:16]}"
    return sorted((diffs / name).parent.glob(f"{stem}*.jrdiff"))


def lines(log: Path) -> Iterator[dict[str, Any]]:
    """Yield what a log says of pictures; a torn last line says nothing."""
    for number, text in enumerate(log.read_text().split("\n")[:-1]):
        value = json.loads(text)
        assert (value["record"] == "run") == (number == 0)
        if number:
            yield value


def assert_sound(
    files: dict[str, bytes], target: Path, diffs: Path, log: Path | None, whole: bool = False
) -> None:
    """Assert that each picture is absent, or has its whole pair; with ``whole``, none is absent.

    And that a log, if there is one, says nothing twice, and nothing of what is not there.
    """
    for name, source in files.items():
        out = target / name
        if not out.exists():
            assert not whole, f"{name} is absent"
            continue
        data = out.read_bytes()
        if data == source:
            continue
        found = diffs_of(name, data, diffs)
        assert found, f"{name} has no diff"
        for diff in found:
            assert jr.restore(data, diff, identities=[IDENTITY]) == source, f"{diff} restores not"
    for path in target.rglob("*"):
        name = path.relative_to(target).as_posix()
        assert path.is_dir() or name in files or path.name.startswith(".jpegredact."), name
    if log is not None and log.exists():
        assert_log_holds(files, target, log, whole)


def assert_log_holds(files: dict[str, bytes], target: Path, log: Path, whole: bool) -> None:
    seen = []
    for line in lines(log):
        seen.append(line["file"])
        assert line["sha256"] == hashlib.sha256(files[line["file"]]).hexdigest()
        data = (target / line["file"]).read_bytes()
        assert line["redacted"] == hashlib.sha256(data).hexdigest()
    assert len(seen) == len(set(seen)), "something is twice in the log"
    assert not whole or set(seen) == set(files)
