"""Findings of a review, on the command line and in files: each of these once went wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from command import run
from pictures import photo, pillow_jpeg
from PIL import Image

import jpegredact as jr

BOX = "16,16,60,50"
MAGIC = b"\xd9\xd9\xf7"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``in.jpg``, its redacted form, the diff, and a link to the folder itself."""
    jpeg = pillow_jpeg(photo(160, 120), quality=88)
    done = jr.redact(jpeg, [(16, 16, 60, 50)])
    (tmp_path / "in.jpg").write_bytes(jpeg)
    (tmp_path / "out.jpg").write_bytes(done.jpeg)
    (tmp_path / "out.jrdiff").write_bytes(done.diff.to_bytes())
    (tmp_path / "here").symlink_to(tmp_path, target_is_directory=True)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# ---------------------------------------------------------------------------
# One file by two names
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("diff", ["./new.x", "here/new.x", "here/../{name}/new.x"])
def test_output_and_diff_by_two_spellings_of_one_file(folder: Path, diff: str) -> None:
    before = contents(folder)
    done = run("redact", "in.jpg", "-o", "new.x", "--diff", diff.format(name=folder.name),
               "--box", BOX, cwd=folder)  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "same file" in done.stderr
    assert contents(folder) == before


def test_output_and_diff_by_a_link_to_a_file_that_is_not_there_yet(folder: Path) -> None:
    (folder / "link.x").symlink_to("new.x")
    done = run("redact", "in.jpg", "-o", "link.x", "--diff", "new.x", "--box", BOX, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert not (folder / "new.x").exists()


@pytest.mark.parametrize("command", ["redact", "restore"])
def test_in_place_through_a_link(folder: Path, command: str) -> None:
    source, other = ("in.jpg", "out.jpg") if command == "redact" else ("out.jpg", "in.jpg")
    wanted = (folder / other).read_bytes()
    (folder / "link.jpg").symlink_to(source)
    rest = ["--diff", "d.jrdiff", "--box", BOX] if command == "redact" else ["out.jrdiff"]
    done = run(command, "link.jpg", *rest, "--in-place", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "link.jpg").is_symlink()
    assert (folder / source).read_bytes() == wanted


# ---------------------------------------------------------------------------
# A diff is never lost
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["redact", "restore"])
def test_no_picture_over_a_diff(folder: Path, command: str) -> None:
    diff = jr.redact(folder / "in.jpg", [(0, 0, 9, 9)]).diff.to_bytes()
    assert diff.startswith(MAGIC)
    (folder / "other").write_bytes(diff)  # known by its first bytes, whatever its name
    arguments = {
        "redact": ["in.jpg", "--diff", "d.jrdiff", "--box", BOX],
        "restore": ["out.jpg", "out.jrdiff"],
    }[command]
    done = run(command, *arguments, "-o", "other", cwd=folder)
    assert done.returncode in (2, 5), done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "other").read_bytes() == diff


def test_demo_leaves_a_diff_alone(tmp_path: Path) -> None:
    there = tmp_path / "shown" / "redacted.jrdiff"
    there.parent.mkdir()
    there.write_bytes(MAGIC + b"the only way back to something")
    done = run("demo", "shown", cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert there.read_bytes() == MAGIC + b"the only way back to something"


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_saving_the_same_diff_again_makes_it_private(folder: Path) -> None:
    path = folder / "out.jrdiff"
    path.chmod(0o644)
    diff = jr.UnblurDiff.load(path)
    diff.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == diff.to_bytes()


# ---------------------------------------------------------------------------
# The rest
# ---------------------------------------------------------------------------

NUL_CALLS: dict[str, Callable[[bytes, jr.Redaction, str], object]] = {
    "redact": lambda jpeg, done, path: jr.redact(path, [(0, 0, 9, 9)]),
    "restore": lambda jpeg, done, path: jr.restore(path, done.diff),
    "restore, diff": lambda jpeg, done, path: jr.restore(done.jpeg, path),
    "verify": lambda jpeg, done, path: jr.verify(jpeg, path),
    "load": lambda jpeg, done, path: jr.UnblurDiff.load(path),
    "save": lambda jpeg, done, path: done.diff.save(path),
}


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("call", NUL_CALLS.values(), ids=NUL_CALLS)
def test_a_path_with_nul(
    tmp_path: Path, call: Callable[..., object], kind: Callable[[str], object]
) -> None:
    jpeg = pillow_jpeg(photo(16, 16))
    done = jr.redact(jpeg, [(0, 0, 9, 9)])
    with pytest.raises(OSError, match="NUL"):
        call(jpeg, done, kind(f"{tmp_path}/a\0b"))
    assert not list(tmp_path.iterdir())


def test_verify_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    Image.fromarray(photo(96, 64)).save(out, "JPEG", exif=exif)
    done = jr.redact(out.getvalue(), [(8, 70, 24, 90)], coordinates="upright")
    (tmp_path / "in.jpg").write_bytes(out.getvalue())
    (tmp_path / "out.jpg").write_bytes(done.jpeg)
    arguments = "verify", "in.jpg", "out.jpg", "--upright", "--box"
    good = run(*arguments, "8,70,24,90", cwd=tmp_path)
    assert good.returncode == 0, good.stderr
    assert run(*arguments, "70,8,90,24", cwd=tmp_path).returncode in (1, 2)
