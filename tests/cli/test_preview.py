"""``preview`` on the command line: private, never over another file, clear about usage."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from command import run
from pictures import photo, pillow_jpeg
from PIL import Image

BOX = "16,16,60,50"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.jpg").write_bytes(pillow_jpeg(photo(208, 160)))
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["p.png", "p.HTML"])
def test_a_preview_is_private(folder: Path, name: str) -> None:
    done = run("preview", "in.jpg", "-o", name, "--box", BOX, cwd=folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "keep it private" in done.stderr
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert names(folder) == {"in.jpg", name}


def test_the_size_is_as_asked(folder: Path) -> None:
    for size, expected in (("100", (100, 77)), ("0", (208, 160))):
        done = run("preview", "in.jpg", "-o", f"{size}.png", "--box", BOX, "--size", size,
                   cwd=folder)  # fmt: skip
        assert done.returncode == 0, done.stderr
        with Image.open(folder / f"{size}.png") as image:
            assert image.size == expected


def test_it_replaces_no_file_unless_asked(folder: Path) -> None:
    (folder / "p.png").write_bytes(b"precious")
    done = run("preview", "in.jpg", "-o", "p.png", "--box", BOX, cwd=folder)
    assert done.returncode == 5
    assert "never replaced" in done.stderr
    assert "--overwrite" in done.stderr
    assert (folder / "p.png").read_bytes() == b"precious"
    done = run("preview", "in.jpg", "-o", "p.png", "--box", BOX, "--overwrite", cwd=folder)
    assert done.returncode == 0
    assert stat.S_IMODE((folder / "p.png").stat().st_mode) == 0o600
    Image.open(folder / "p.png").verify()


def test_a_diff_is_not_even_overwritten_then(folder: Path) -> None:
    (folder / "d.png").write_bytes(b"\xd9\xd9\xf7a diff")
    done = run("preview", "in.jpg", "-o", "d.png", "--box", BOX, "--overwrite", cwd=folder)
    assert done.returncode == 5
    assert (folder / "d.png").read_bytes() == b"\xd9\xd9\xf7a diff"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("in.jpg", "-o", "p.gif", "--box", BOX), 2, ".png or an .html"),
        (("in.jpg", "--box", BOX), 2, "--output"),
        (("in.jpg", "-o", "p.png"), 2, "nothing to draw"),
        (("in.jpg", "-o", "p.png", "--detect", "face", "--from-log", "x"), 2, "not both"),
        (("in.jpg", "-o", "p.png", "--box", "900,900,990,990"), 2, "outside"),
        (("gone.jpg", "-o", "p.png", "--box", BOX), 5, "gone.jpg"),
        (("in.jpg", "-o", "p.png", "--from-log", "gone.jsonl"), 5, "gone.jsonl"),
        (("bad.jpg", "-o", "p.png", "--box", BOX), 3, "jpeg."),
    ],
)
def test_what_is_refused(folder: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    done = run("preview", *arguments, cwd=folder)
    assert done.returncode == status
    assert words in done.stderr
    assert names(folder) == {"in.jpg", "bad.jpg"}


def test_the_input_is_never_the_output(folder: Path) -> None:
    (folder / "in.png").symlink_to("in.jpg")
    before = (folder / "in.jpg").read_bytes()
    done = run("preview", "in.jpg", "-o", "in.png", "--box", BOX, "--overwrite", cwd=folder)
    assert done.returncode == 2
    assert (folder / "in.jpg").read_bytes() == before
