"""``jpegredact audit``, and the side copies of ``jpegredact redact``."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest
from command import run
from PIL import Image

BOX = "16,16,60,50"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with ``in.jpg``, which has another picture behind it, a comment, and a name."""
    picture = Image.effect_noise((160, 120), 60).convert("RGB")
    small = io.BytesIO()
    picture.resize((40, 30)).save(small, "JPEG")
    picture.save(tmp_path / "in.jpg", quality=88, comment=b"a word")
    with (tmp_path / "in.jpg").open("ab") as file:
        file.write(small.getvalue())
    return tmp_path


def test_a_list_for_people(folder: Path) -> None:
    done = run("audit", "in.jpg", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["comment", "trailer-jpeg"]
    assert "40×30" in lines[1]
    assert "drop/drop/warn" in lines[1]


def test_a_list_for_programs(folder: Path) -> None:
    done = run("audit", "--json", "in.jpg", cwd=folder)
    comment, trailer = json.loads(done.stdout)
    assert comment["kind"] == "comment"
    assert comment["default_action"] == "keep"
    assert trailer["size"] == [40, 30]
    assert trailer["actions"] == {"default": "drop", "strict": "drop", "keep": "warn"}
    length = (folder / "in.jpg").stat().st_size
    assert trailer["offset"] + trailer["length"] == length


def test_pictures_to_look_at(folder: Path) -> None:
    done = run("audit", "in.jpg", "--extract", "found", cwd=folder)
    assert done.returncode == 0
    (path,) = (folder / "found").iterdir()
    assert path.name == "in.01.trailer-jpeg.jpg"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Image.open(path) as image:
        assert image.size == (40, 30)


def test_nothing_found(tmp_path: Path) -> None:
    Image.new("L", (16, 16)).save(tmp_path / "in.jpg")
    done = run("audit", "in.jpg", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no side copies" in done.stderr
    assert json.loads(run("audit", "--json", "in.jpg", cwd=tmp_path).stdout) == []


def test_no_jpeg(tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_bytes(b"no picture")
    done = run("audit", "in.jpg", "--extract", "found", cwd=tmp_path)
    assert done.returncode == 3
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    ("policy", "kept", "words"),
    [("default", b"a word", "1 drop"), ("strict", None, "2 drop"), ("keep", b"a word", "still")],
)
def test_policies(folder: Path, policy: str, kept: bytes | None, words: str) -> None:
    done = run("redact", "in.jpg", "-o", "out.jpg", "--diff", "out.jrdiff", "--box", BOX,
               "--side-copies", policy, cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert words in done.stderr
    redacted = (folder / "out.jpg").read_bytes()
    assert (b"a word" in redacted) is (kept is not None)
    assert (redacted.count(b"\xff\xd8\xff") == 2) is (policy == "keep")
    done = run("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg", cwd=folder)
    assert done.returncode == 0
    assert (folder / "back.jpg").read_bytes() == (folder / "in.jpg").read_bytes()
    done = run("verify", "in.jpg", "out.jpg", "out.jrdiff", cwd=folder)
    assert done.returncode == (1 if policy == "keep" else 0)


def test_a_thermal_picture_is_refused_unless_forced(folder: Path) -> None:
    data = (folder / "in.jpg").read_bytes()
    flir = b"FLIR\0\1\0\0" + bytes(range(200))
    (folder / "in.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + (len(flir) + 2).to_bytes(2) + flir + data[2:]
    )
    arguments = ("redact", "in.jpg", "-o", "out.jpg", "--diff", "out.jrdiff", "--box", BOX)
    done = run(*arguments, cwd=folder)
    assert done.returncode == 3
    assert "[jpeg.thermal]" in done.stderr
    assert {path.name for path in folder.iterdir()} == {"in.jpg"}
    done = run(*arguments, "--force", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert b"FLIR" not in (folder / "out.jpg").read_bytes()
    assert "thermal data in 1 segments; forced: drop" in done.stderr
