"""The command line as a user runs it: exit statuses, streams, files, and what is left behind."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from command import run
from PIL import Image

import jpegredact as jr

BOX = "16,16,60,50"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo-like ``in.jpg``."""
    picture = Image.effect_noise((120, 90), 60).resize((160, 120)).convert("RGB")
    picture.save(tmp_path / "in.jpg", quality=88)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def redacted(folder: Path) -> None:
    """Make out.jpg and out.jrdiff from in.jpg."""
    done = run("redact", "in.jpg", "-o", "out.jpg", "--diff", "out.jrdiff", "--box", BOX,
               "--box", "50,40,100,90", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_there_and_back(folder: Path) -> None:
    redacted(folder)
    assert mode(folder / "out.jrdiff") == 0o600
    assert (folder / "out.jpg").read_bytes() != (folder / "in.jpg").read_bytes()
    done = run("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert (folder / "back.jpg").read_bytes() == (folder / "in.jpg").read_bytes()
    assert mode(folder / "back.jpg") == 0o600
    assert names(folder) == {"in.jpg", "out.jpg", "out.jrdiff", "back.jpg"}


def test_the_diff_is_said_to_be_plain(folder: Path) -> None:
    done = run("redact", "in.jpg", "-o", "out.jpg", "--box", BOX, cwd=folder)
    assert "not encrypted" in done.stderr
    assert done.stdout == ""


def test_the_default_name_of_a_diff(folder: Path) -> None:
    assert run("redact", "in.jpg", "-o", "out.jpg", "--box", BOX, cwd=folder).returncode == 0
    digest = hashlib.sha256((folder / "out.jpg").read_bytes()).hexdigest()
    assert names(folder) == {"in.jpg", "out.jpg", f"in.jpg.{digest[:16]}.jrdiff"}


def test_a_diff_is_never_replaced(folder: Path) -> None:
    (folder / "out.jrdiff").write_bytes(b"precious")
    done = run("redact", "in.jpg", "-o", "out.jpg", "--diff", "out.jrdiff", "--box", BOX,
               cwd=folder)  # fmt: skip
    assert done.returncode == 5
    assert "never replaced" in done.stderr
    assert (folder / "out.jrdiff").read_bytes() == b"precious"
    assert names(folder) == {"in.jpg", "out.jrdiff"}


def test_the_same_diff_again_is_no_failure(folder: Path) -> None:
    redacted(folder)
    redacted(folder)


def test_region_by_region(folder: Path) -> None:
    redacted(folder)
    for regions, source, target in (("1", "out.jpg", "part.jpg"), ("0", "part.jpg", "all.jpg")):
        done = run("restore", source, "out.jrdiff", "-o", target, "--regions", regions, cwd=folder)
        assert done.returncode == 0, done.stderr
    assert (folder / "all.jpg").read_bytes() == (folder / "in.jpg").read_bytes()
    assert (folder / "part.jpg").read_bytes() != (folder / "in.jpg").read_bytes()


def test_in_place(folder: Path) -> None:
    original = (folder / "in.jpg").read_bytes()
    (folder / "in.jpg").chmod(0o640)
    done = run("redact", "in.jpg", "--in-place", "--diff", "d.jrdiff", "--box", BOX, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "in.jpg").read_bytes() != original
    assert mode(folder / "in.jpg") == 0o640
    assert run("restore", "in.jpg", "d.jrdiff", "--in-place", cwd=folder).returncode == 0
    assert (folder / "in.jpg").read_bytes() == original


def test_dry_run_writes_nothing(folder: Path) -> None:
    done = run("redact", "in.jpg", "--dry-run", "--json", "--box", BOX, cwd=folder)
    assert done.returncode == 0
    assert json.loads(done.stdout)["regions"][0]["box"] == [16, 16, 60, 50]
    assert names(folder) == {"in.jpg"}


def test_verify_says_yes_and_no(folder: Path) -> None:
    redacted(folder)
    assert run("verify", "in.jpg", "out.jpg", "out.jrdiff", cwd=folder).returncode == 0
    done = run("verify", "in.jpg", "out.jpg", "--box", BOX, "--json", cwd=folder)
    assert done.returncode == 1  # the other box's blocks count as outside
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert found["outside_changed"] > 0
    both = run("verify", "in.jpg", "out.jpg", "--box", BOX, "--box", "50,40,100,90", cwd=folder)
    assert both.returncode == 0
    assert run("verify", "in.jpg", "in.jpg", cwd=folder).returncode == 0


def test_inspect(folder: Path) -> None:
    redacted(folder)
    done = run("inspect", "in.jpg", "--json", cwd=folder)
    assert json.loads(done.stdout)["size"] == [160, 120]
    done = run("inspect", "out.jrdiff", "--json", cwd=folder)
    assert [region["box"] for region in json.loads(done.stdout)["regions"]] == [
        [16, 16, 60, 50],
        [50, 40, 100, 90],
    ]
    assert "process: baseline" in run("inspect", "in.jpg", cwd=folder).stdout


def test_demo(tmp_path: Path) -> None:
    done = run("demo", "shown", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "proven" in done.stderr
    assert names(tmp_path / "shown") == {"redacted.jpg", "redacted.jrdiff", "side-by-side.png"}
    with Image.open(tmp_path / "shown" / "side-by-side.png") as sheet:
        assert sheet.width > 2000


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["redact", "in.jpg", "-o", "out.jpg"], 2, "no region"),
        (["redact", "in.jpg", "--box", BOX], 2, "-o OUT.jpg"),
        (["redact", "in.jpg", "-o", "in.jpg", "--box", BOX], 2, "--in-place"),
        (["redact", "in.jpg", "-o", "./in.jpg", "--box", BOX], 2, "--in-place"),
        (["redact", "in.jpg", "-o", "o.jpg", "--diff", "in.jpg", "--box", BOX], 2, "same file"),
        (["redact", "in.jpg", "-o", "o.jpg", "--diff", "o.jpg", "--box", BOX], 2, "same file"),
        (["redact", "in.jpg", "-o", "o.jpg", "--in-place", "--box", BOX], 2, "exclude"),
        (["redact", "in.jpg", "-o", "o.jpg", "--box", "1,2,3"], 2, "four numbers"),
        (["redact", "in.jpg", "-o", "o.jpg", "--box", "9,9,5,5"], 2, "inverted"),
        (["redact", "in.jpg", "-o", "o.jpg", "--box", "900,900,950,950"], 2, "outside"),
        (["redact", "in.jpg", "-o", "o.jpg", "--box", BOX, "--method", "x"], 2, "no method"),
        (["redact", "in.jpg", "-o", "o.jpg", "--box", BOX, "--margin", "x"], 2, "margin"),
        (["redact", "none.jpg", "-o", "o.jpg", "--box", BOX], 5, "none.jpg"),
        (["redact", "text.txt", "-o", "o.jpg", "--box", BOX], 3, "not a JPEG"),
        (["redact", "cut.jpg", "-o", "o.jpg", "--box", BOX], 3, "jpeg.truncated"),
        (["redact", "lossless.jpg", "-o", "o.jpg", "--box", BOX], 3, "lossless"),
        (["restore", "out.jpg", "text.txt", "-o", "o.jpg"], 4, "unblur-diff"),
        (["restore", "other.jpg", "out.jrdiff", "-o", "o.jpg"], 4, "diff.pixels"),
        (["restore", "out.jpg", "cut.jrdiff", "-o", "o.jpg"], 4, "diff."),
        (["restore", "out.jpg", "out.jrdiff", "-o", "o.jpg", "--regions", "7"], 2, "no region 7"),
        (["restore", "out.jpg", "out.jrdiff", "-o", "o.jpg", "--regions", "a"], 2, "--regions"),
        (["restore", "out.jpg", "out.jrdiff", "-o", "out.jrdiff"], 2, "same file"),
        (["restore", "out.jpg", "out.jrdiff"], 2, "-o ORIG.jpg"),
        (["verify", "in.jpg", "text.txt"], 3, "not a JPEG"),
        (["verify", "in.jpg", "out.jpg", "out.jrdiff", "--box", BOX], 2, "not both"),
        (["inspect", "text.txt"], 3, "not a JPEG"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_failures_are_clear_and_leave_nothing(
    folder: Path, arguments: list[str], status: int, words: str
) -> None:
    redacted(folder)
    data = (folder / "in.jpg").read_bytes()
    (folder / "text.txt").write_text("no picture")
    (folder / "cut.jpg").write_bytes(data[: len(data) // 4])
    (folder / "cut.jrdiff").write_bytes((folder / "out.jrdiff").read_bytes()[:-20])
    (folder / "lossless.jpg").write_bytes(data.replace(b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"))
    with Image.open(folder / "in.jpg") as picture:
        picture.rotate(180).save(folder / "other.jpg")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(*arguments, cwd=folder)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_unwritable_output_leaves_the_diff_and_no_picture(folder: Path) -> None:
    """The diff comes first: if the picture can't be written, nothing is lost."""
    done = run("redact", "in.jpg", "-o", "in.jpg/o.jpg", "--diff", "d.jrdiff", "--box", BOX,
               cwd=folder)  # fmt: skip
    assert done.returncode == 5
    assert "in.jpg" in done.stderr
    assert names(folder) == {"in.jpg", "d.jrdiff"}


def test_help_names_every_command() -> None:
    from jpegredact.cli import _COMMANDS

    text = run("--help", cwd=Path.cwd()).stdout
    assert all(command in text for command in _COMMANDS)
    assert "Exit status" in text


def test_the_demo_needs_no_detector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the packages that one needs: the README's first command installs none."""
    (folder / "without").mkdir()
    for name in ("platformdirs", "onnxruntime"):
        (folder / "without" / f"{name}.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", f"{folder / 'without'}:{Path(jr.__file__).parents[1]}")
    done = run("demo", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "known place is used" in done.stderr
    assert "proven" in done.stderr
