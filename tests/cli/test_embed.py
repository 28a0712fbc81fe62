"""``redact --embed`` and what reads it: what is written, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from command import run
from PIL import Image

import jpegredact as jr

BOXES = ("--box", "16,16,60,50", "--box", "50,40,100,90")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo-like ``in.jpg``, and two keys."""
    picture = Image.effect_noise((120, 90), 60).resize((160, 120)).convert("RGB")
    picture.save(tmp_path / "in.jpg", quality=88)
    for name in ("a.txt", "b.txt"):
        assert run("keygen", "-o", name, cwd=tmp_path).returncode == 0
    return tmp_path


def key(folder: Path, name: str = "a.txt") -> str:
    found = re.search(r"age1\w+", (folder / name).read_text())
    assert found is not None
    return found[0]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"a.txt", "b.txt"}


def redacted(folder: Path, *more: str) -> None:
    done = run("redact", "in.jpg", "-o", "out.jpg", *BOXES, "-r", key(folder), "--embed", *more,
               cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"out\.jpg: the sealed diff is in it, \d+ bytes", done.stderr)


def test_there_and_back(folder: Path) -> None:
    redacted(folder)
    assert names(folder) == {"in.jpg", "out.jpg"}
    done = run("restore", "out.jpg", "-i", "a.txt", "-o", "back.jpg", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "back.jpg: the original\n")
    assert (folder / "back.jpg").read_bytes() == (folder / "in.jpg").read_bytes()
    done = run("verify", "in.jpg", "out.jpg", "-i", "a.txt", cwd=folder)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "verified")


def test_a_diff_of_its_own_besides(folder: Path) -> None:
    redacted(folder, "--diff", "x.jrdiff")
    assert names(folder) == {"in.jpg", "out.jpg", "x.jrdiff"}
    assert jr.UnblurDiff.load(folder / "x.jrdiff") == jr.UnblurDiff.load(folder / "out.jpg")


def test_in_place(folder: Path) -> None:
    before = (folder / "in.jpg").read_bytes()
    done = run("redact", "in.jpg", "--in-place", *BOXES, "-r", key(folder), "--embed", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert names(folder) == {"in.jpg"}
    done = run("restore", "in.jpg", "--in-place", "--regions", "1", "-i", "a.txt", cwd=folder)
    assert "regions 1 are back" in done.stderr
    assert run("restore", "in.jpg", "--in-place", "-i", "a.txt", cwd=folder).returncode == 0
    assert (folder / "in.jpg").read_bytes() == before


def test_the_report_counts_it(folder: Path) -> None:
    done = run("redact", "in.jpg", "-o", "out.jpg", *BOXES, "-r", key(folder), "--embed", "--json",
               cwd=folder)  # fmt: skip
    report = json.loads(done.stdout)
    out = (folder / "out.jpg").read_bytes()
    assert report["embedded_bytes"] > report["diff_bytes"]
    assert report["redacted_bytes"] == len(out)
    audited = json.loads(run("audit", "out.jpg", "--json", cwd=folder).stdout)
    assert [(copy["kind"], copy["length"]) for copy in audited] == [
        ("embedded-diff", report["embedded_bytes"])
    ]


def test_diff_commands_take_the_picture(folder: Path) -> None:
    redacted(folder)
    listed = json.loads(run("diff", "list", "out.jpg", "--json", cwd=folder).stdout)
    assert (listed["sealed"], listed["owners"], "regions" in listed) == (True, 1, False)
    opened = run("diff", "list", "out.jpg", "-i", "a.txt", "--json", cwd=folder)
    assert len(json.loads(opened.stdout)["regions"]) == 2
    before = (folder / "out.jpg").read_bytes()
    open_with, to = ("-i", "a.txt"), ("-r", key(folder, "b.txt"))
    for command in (
        ("extract", "out.jpg", "--regions", "1", *to), ("rekey", "out.jpg", *to),
        ("drop", "out.jpg", "--regions", "0", *to),
    ):  # fmt: skip
        made = f"{command[0]}.jrdiff"
        done = run("diff", *command, *open_with, "-o", made, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert ("that in out.jpg among them" in done.stderr) == (command[0] != "extract")
        done = run("restore", "out.jpg", made, "-i", "b.txt", "-o", f"{made}.jpg", cwd=folder)
        assert done.returncode == 0, done.stderr
    assert (folder / "out.jpg").read_bytes() == before
    assert (folder / "rekey.jrdiff.jpg").read_bytes() == (folder / "in.jpg").read_bytes()


def test_the_expected_digest(folder: Path) -> None:
    redacted(folder)
    right = hashlib.sha256(jr.UnblurDiff.load(folder / "out.jpg").to_bytes()).hexdigest()
    for digest, status in ((right, 0), (right[::-1], 4)):
        done = run("restore", "out.jpg", "-i", "a.txt", "--expect-diff-sha256", digest,
                   "-o", "back.jpg", cwd=folder)  # fmt: skip
        assert done.returncode == status, done.stderr


def test_inspect_shows_it(folder: Path) -> None:
    redacted(folder)
    found = json.loads(run("inspect", "out.jpg", "--json", cwd=folder).stdout)
    (diff,) = found["embedded_diffs"]
    assert (diff["sealed"], diff["size"]) == (True, [160, 120])
    plain = json.loads(run("inspect", "in.jpg", "--json", cwd=folder).stdout)
    assert "embedded_diffs" not in plain


@pytest.mark.parametrize("options", [(), ("-p",), ("-r", "KEY", "-p")])
def test_what_is_refused(folder: Path, options: tuple[str, ...]) -> None:
    given = [key(folder) if option == "KEY" else option for option in options]
    done = run("redact", "in.jpg", "-o", "out.jpg", *BOXES, *given, "--embed", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--embed publishes the diff" in done.stderr
    assert names(folder) == {"in.jpg"}


def test_what_fails_leaves_nothing(folder: Path) -> None:
    redacted(folder)
    for source, more, code in (
        ("in.jpg", ("-i", "a.txt"), "diff.not-embedded"),
        ("out.jpg", (), "decrypt.no-key"),
        ("out.jpg", ("-i", "b.txt"), "decrypt.wrong-key"),
    ):
        done = run("restore", source, *more, "-o", "back.jpg", cwd=folder)
        assert done.returncode == 4
        assert f"[{code}]" in done.stderr
        assert names(folder) == {"in.jpg", "out.jpg"}
