"""Sealed diffs from the command line: redact, restore, verify, diff; keys of age and OpenSSH."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cbor2
import pytest
import secret_picture as secret
from age_maker import envelope
from command import run
from secret_picture import REGIONS

import jpegredact as jr
from jpegredact.cli import main
from jpegredact.diff.keys import generate_identity
from jpegredact.diff.padding import unpad
from jpegredact.diff.passphrase import RunKey

BOXES = [
    argument
    for region in REGIONS
    for argument in ("--box", f"{region.left},{region.top},{region.right},{region.bottom}")
]
needs_age = pytest.mark.skipif(
    shutil.which("age") is None or shutil.which("age-keygen") is None, reason="age is not here"
)
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
OK, NO, USAGE, BAD_INPUT, WRONG, IO, NOT_KEPT = range(7)


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def public(folder: Path, name: str) -> str:
    """Return the public key that ``keygen`` wrote beside the secret one."""
    lines = (folder / name).read_text().splitlines()
    return next(line.split(": ")[1] for line in lines if line.startswith("# public key"))


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A folder with a picture, keys, and a diff that is sealed to Alice."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "in.jpg").write_bytes(secret.original())
    for name in ("alice", "bob", "eve"):
        assert run("keygen", "-o", f"{name}.key", cwd=folder).returncode == OK
    done = run("redact", "in.jpg", "-o", "out.jpg", "--diff", "out.jrdiff", *BOXES,
               "-r", public(folder, "alice.key"), cwd=folder)  # fmt: skip
    assert done.returncode == OK, done.stderr
    assert "sealed" in done.stderr
    assert "not encrypted" not in done.stderr
    return folder


def within(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command as `run` does, within this process, which takes a tenth of the time."""
    out, err = io.StringIO(), io.StringIO()
    command = ["jpegredact", *map(str, arguments)]
    with (
        contextlib.chdir(folder), mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as caught,
    ):  # fmt: skip
        main()
    return subprocess.CompletedProcess(
        command, caught.value.code, out.getvalue(), err.getvalue()
    )


class Folder:
    """A copy of it, and commands that are run in there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = within(self.path, *arguments)
        for path in self.path.iterdir():
            if path.suffix in (".jrdiff", ".key"):
                assert path.stat().st_mode & 0o777 == 0o600, path
        return done

    def fails(self, status: int, *arguments: object) -> str:
        """Run a command that must fail; nothing is written, nothing is changed."""
        before = {path.name: path.read_bytes() for path in self.path.iterdir()}
        done = self(*arguments)
        assert done.returncode == status, done.stderr
        assert {path.name: path.read_bytes() for path in self.path.iterdir()} == before
        assert done.stdout == ""
        return done.stderr

    def works(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = self(*arguments)
        assert done.returncode == OK, done.stderr
        return done

    def public(self, name: str) -> str:
        return public(self.path, f"{name}.key")

    def diff(self, name: str) -> jr.UnblurDiff:
        return jr.UnblurDiff.load(self.path / name)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def mode(self, name: str) -> int:
        return (self.path / name).stat().st_mode & 0o777


@pytest.fixture
def folder(template, tmp_path) -> Folder:
    shutil.copytree(template, tmp_path / "work")
    return Folder(tmp_path / "work")


class TestRedact:
    def test_sealed_to_several(self, folder) -> None:
        (folder.path / "team.txt").write_text(f"# us\n{folder.public('bob')}\n")
        done = folder.works(
            "redact", "in.jpg", "-o", "x.jpg", "--diff", "x.jrdiff", *BOXES,
            "-r", folder.public("alice"), "-R", "team.txt", "--json",
        )  # fmt: skip
        assert json.loads(done.stdout)["diff_bytes"] == len(folder.read("x.jrdiff"))
        assert folder.diff("x.jrdiff").owners == 2
        assert folder.read("x.jpg") == folder.read("out.jpg")
        for name in ("alice", "bob"):
            folder.works("restore", "x.jpg", "x.jrdiff", "-o", f"{name}.jpg", "-i", f"{name}.key")
            assert folder.read(f"{name}.jpg") == folder.read("in.jpg")

    def test_under_the_default_name(self, folder) -> None:
        folder.works("redact", "in.jpg", "-o", "x.jpg", *BOXES, "-r", folder.public("bob"))
        digest = hashlib.sha256(folder.read("x.jpg")).hexdigest()
        assert folder.diff(f"in.jpg.{digest[:16]}.jrdiff").is_sealed

    def test_another_sealing_never_replaces_a_diff(self, folder) -> None:
        said = folder.fails(
            IO, "redact", "in.jpg", "-o", "x.jpg", "--diff", "out.jrdiff", *BOXES,
            "-r", folder.public("alice"),
        )  # fmt: skip
        assert "never replaced" in said

    @pytest.mark.parametrize("option", [("-r", "age1x"), ("-r", ""), ("-r", "hunter2"),
                                        ("-R", "in.jpg"), ("-R", "alice.key")])  # fmt: skip
    def test_keys_that_are_none(self, folder, option) -> None:
        said = folder.fails(USAGE, "redact", "in.jpg", "-o", "x.jpg", *BOXES, *option)
        assert "[key.invalid]" in said

    def test_a_missing_file_of_keys(self, folder) -> None:
        folder.fails(IO, "redact", "in.jpg", "-o", "x.jpg", *BOXES, "-R", "none.txt")

    def test_a_secret_key_for_a_public_one(self, folder) -> None:
        key = folder.read("alice.key").decode().split()[-1]
        said = folder.fails(USAGE, "redact", "in.jpg", "-o", "x.jpg", *BOXES, "-r", key)
        assert "a secret key where a public one belongs" in said
        assert key[16:40] not in said

    def test_never_over_the_recipients(self, folder) -> None:
        (folder.path / "team.txt").write_text(f"{folder.public('bob')}\n")
        assert "are the same file" in folder.fails(
            USAGE, "redact", "in.jpg", "-o", "team.txt", *BOXES, "-R", "team.txt"
        )

    def test_a_dry_run(self, folder) -> None:
        before = listed(folder.path)
        folder.works("redact", "in.jpg", "--dry-run", *BOXES, "-r", folder.public("alice"))
        assert listed(folder.path) == before


class TestRestore:
    def test_whole(self, folder) -> None:
        done = folder.works("restore", "out.jpg", "out.jrdiff", "-o", "x.jpg", "-i", "alice.key")
        assert folder.read("x.jpg") == folder.read("in.jpg")
        assert folder.mode("x.jpg") == 0o600
        assert "the original" in done.stderr

    def test_with_one_of_several_identities(self, folder) -> None:
        folder.works("restore", "out.jpg", "out.jrdiff", "-o", "x.jpg",
                     "-i", "eve.key", "-i", "alice.key")  # fmt: skip
        assert folder.read("x.jpg") == folder.read("in.jpg")

    def test_an_identity_from_standard_input(self, folder) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "jpegredact", "restore", "out.jpg", "out.jrdiff", "-o",
             "x.jpg", "-i", "-"], input=folder.read("alice.key"), cwd=folder.path,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == OK, done.stderr
        assert folder.read("x.jpg") == folder.read("in.jpg")

    def test_region_by_region(self, folder) -> None:
        key = ("-i", "alice.key")
        folder.works("restore", "out.jpg", "out.jrdiff", "-o", "a.jpg", "--regions", "2", *key)
        done = folder.works(
            "restore", "a.jpg", "out.jrdiff", "-o", "b.jpg", "--regions", "0", *key
        )
        assert "b.jpg: regions 2 too: a.jpg says that they were asked for before" in done.stderr
        folder.works("restore", "out.jpg", "out.jrdiff", "-o", "c.jpg", "--regions", "0,2", *key)
        assert folder.read("b.jpg") == folder.read("c.jpg") != folder.read("in.jpg")
        folder.works("restore", "b.jpg", "out.jrdiff", "--in-place", *key)
        assert folder.read("b.jpg") == folder.read("in.jpg")

    @pytest.mark.parametrize(
        ("status", "options", "words"),
        [
            (WRONG, (), "[decrypt.no-key]"),
            (WRONG, ("-i", "eve.key"), "[decrypt.wrong-key]"),
            (WRONG, ("-i", "eve.key", "-i", "bob.key"), "[decrypt.wrong-key]"),
            (USAGE, ("-i", "out.jpg"), "[key.invalid]"),
            (IO, ("-i", "none.key"), "none.key"),
            (USAGE, ("-i", "alice.key", "--regions", "3"), "[region.index]"),
            (USAGE, ("-i", "alice.key", "--regions", "x"), "--regions takes numbers"),
        ],
    )
    def test_refusals(self, folder, status, options, words) -> None:
        said = folder.fails(status, "restore", "out.jpg", "out.jrdiff", "-o", "x.jpg", *options)
        assert words in said

    def test_never_over_the_key(self, folder) -> None:
        """A picture in its place, and nothing that was sealed to it ever opens again."""
        (folder.path / "link").symlink_to("alice.key")
        for output in ("alice.key", "link"):
            assert "are the same file" in folder.fails(
                USAGE, "restore", "out.jpg", "out.jrdiff", "-o", output, "-i", "alice.key"
            )

    def test_the_wrong_picture(self, folder) -> None:
        key = ("-i", "alice.key")
        (folder.path / "other.jpg").write_bytes(secret.original(4))
        said = folder.fails(WRONG, "restore", "other.jpg", "out.jrdiff", "-o", "x.jpg", *key)
        assert "[diff.pixels]" in said
        said = folder.fails(WRONG, "restore", "other.jpg", "out.jrdiff", "--in-place",
                            "--allow-modified", *key)  # fmt: skip
        assert "[diff.pixels]" in said

    def test_in_a_file_that_was_edited(self, folder) -> None:
        key = ("-i", "alice.key")
        jpeg = folder.read("out.jpg")
        (folder.path / "edited.jpg").write_bytes(jpeg[:2] + b"\xff\xfe\x00\x06mine" + jpeg[2:])
        said = folder.fails(WRONG, "restore", "edited.jpg", "out.jrdiff", "-o", "x.jpg", *key)
        assert "only metadata" in said
        assert "[diff.metadata]" in said
        done = folder.works("restore", "edited.jpg", "out.jrdiff", "-o", "x.jpg",
                            "--allow-modified", *key)  # fmt: skip
        assert "not the original, byte for byte" in done.stderr
        assert folder.read("x.jpg") != folder.read("in.jpg")
        assert folder.mode("x.jpg") == 0o600


class TestVerify:
    def test_with_the_key(self, folder) -> None:
        command = ("verify", "in.jpg", "out.jpg", "out.jrdiff")
        done = folder.works(*command, "-i", "alice.key")
        assert "the diff restores the original" in done.stderr
        assert "[decrypt.no-key]" in folder.fails(WRONG, *command)
        assert "[decrypt.wrong-key]" in folder.fails(WRONG, *command, "-i", "bob.key")
        (folder.path / "other.jpg").write_bytes(secret.original(4))
        done = folder("verify", "other.jpg", "out.jpg", "out.jrdiff", "-i", "alice.key")
        assert done.returncode in (NO, WRONG)


class TestList:
    def test_without_a_key(self, folder) -> None:
        done = folder.works("diff", "list", "out.jrdiff", "--json")
        found = json.loads(done.stdout)
        assert set(found) == {
            "format", "bytes", "sealed", "size", "redacted", "groups", "owners", "passphrase"
        }  # fmt: skip
        assert (found["sealed"], found["owners"], found["passphrase"]) == (True, 1, False)
        assert found["redacted"] == hashlib.sha256(folder.read("out.jpg")).hexdigest()
        for command in (("diff", "list", "out.jrdiff"), ("inspect", "out.jrdiff")):
            assert not secret.traces(folder.works(*command).stdout.encode())

    def test_with_a_key(self, folder) -> None:
        done = folder.works("diff", "list", "out.jrdiff", "-i", "alice.key", "--json")
        found = json.loads(done.stdout)
        assert found["whole"] is True
        assert [region["box"] for region in found["regions"]] == [
            [r.left, r.top, r.right, r.bottom] for r in REGIONS
        ]
        assert [region["under_others"] for region in found["regions"]] == [[1], [0], []]
        said = folder.works("diff", "list", "out.jrdiff", "-i", "alice.key").stdout
        assert re.search(r"^  0: kind=box .* under_others=\[1\]$", said, re.MULTILINE)
        assert "[decrypt.wrong-key]" in folder.fails(
            WRONG, "diff", "list", "out.jrdiff", "-i", "bob.key"
        )

    def test_what_is_no_diff(self, folder) -> None:
        assert "[diff.not-embedded]" in folder.fails(WRONG, "diff", "list", "in.jpg")
        assert "[diff.magic]" in folder.fails(WRONG, "diff", "list", "alice.key")
        folder.fails(IO, "diff", "list", "none.jrdiff")


class TestExtract:
    COMMAND = ("diff", "extract", "out.jrdiff", "-o", "part.jrdiff")

    def test_handed_on(self, folder) -> None:
        done = folder.works(*self.COMMAND, "--regions", "2", "-i", "alice.key",
                            "-r", folder.public("bob"))  # fmt: skip
        assert "sealed" in done.stderr
        assert "[decrypt.wrong-key]" in folder.fails(
            WRONG, "restore", "out.jpg", "part.jrdiff", "-o", "x.jpg", "-i", "alice.key"
        )
        folder.works("restore", "out.jpg", "part.jrdiff", "-o", "x.jpg", "-i", "bob.key")
        folder.works("restore", "out.jpg", "out.jrdiff", "-o", "y.jpg", "--regions", "2",
                     "-i", "alice.key")  # fmt: skip
        assert folder.read("x.jpg") == folder.read("y.jpg")
        found = json.loads(
            folder.works("diff", "list", "part.jrdiff", "-i", "bob.key", "--json").stdout
        )
        assert [region is None for region in found["regions"]] == [True, True, False]
        assert found["whole"] is False
        assert "[region.index]" in folder.fails(
            USAGE, "restore", "out.jpg", "part.jrdiff", "-o", "z.jpg", "-i", "bob.key",
            "--regions", "0",
        )  # fmt: skip

    def test_plain(self, folder) -> None:
        done = folder.works(*self.COMMAND, "--regions", "0,1", "-i", "alice.key", "--plain")
        assert "not encrypted" in done.stderr
        assert not folder.diff("part.jrdiff").is_sealed
        again = ("diff", "extract", "part.jrdiff", "--regions", "1", "-o", "less.jrdiff")
        folder.works(*again)
        assert not folder.diff("less.jrdiff").is_sealed
        folder.works("restore", "out.jpg", "less.jrdiff", "-o", "x.jpg")

    def test_a_plain_one_sealed_on_the_way(self, folder) -> None:
        folder.works(*self.COMMAND, "--regions", "0,1", "-i", "alice.key", "--plain")
        folder.works("diff", "extract", "part.jrdiff", "--regions", "1", "-o", "less.jrdiff",
                     "-r", folder.public("bob"))  # fmt: skip
        assert folder.diff("less.jrdiff").is_sealed
        folder.works("restore", "out.jpg", "less.jrdiff", "-o", "x.jpg", "-i", "bob.key")

    @pytest.mark.parametrize(
        ("status", "options", "words"),
        [
            (USAGE, ("--regions", "2", "-i", "alice.key"), "whose shall it be"),
            (USAGE, ("--regions", "2", "-i", "alice.key", "--plain", "-r", "BOB"), "not both"),
            (USAGE, ("-i", "alice.key", "-r", "BOB"), "--regions"),
            (USAGE, ("--regions", "3", "-i", "alice.key", "-r", "BOB"), "[region.index]"),
            (USAGE, ("--regions", "-1", "-i", "alice.key", "-r", "BOB"), "[region.index]"),
            (USAGE, ("--regions", "", "-i", "alice.key", "-r", "BOB"), "--regions takes"),
            (USAGE, ("--regions", "2", "-i", "alice.key", "-r", "age1"), "[key.invalid]"),
            (WRONG, ("--regions", "2", "-r", "BOB"), "[decrypt.no-key]"),
            (WRONG, ("--regions", "2", "-i", "eve.key", "-r", "BOB"), "[decrypt.wrong-key]"),
            (IO, ("--regions", "2", "-i", "none.key", "-r", "BOB"), "none.key"),
        ],
    )
    def test_refusals(self, folder, status, options, words) -> None:
        bob = folder.public("bob")
        options = [bob if option == "BOB" else option for option in options]
        assert words in folder.fails(status, *self.COMMAND, *options)

    @pytest.mark.parametrize("taken", ["in.jpg", "eve.key", "other.jrdiff"])
    def test_never_over_another_file(self, folder, taken) -> None:
        (folder.path / "other.jrdiff").write_bytes(folder.read("out.jrdiff"))
        (folder.path / "other.jrdiff").chmod(0o600)
        said = folder.fails(
            IO, "diff", "extract", "out.jrdiff", "-o", taken, "--regions", "2", "-i",
            "alice.key", "-r", folder.public("bob"),
        )  # fmt: skip
        assert "never replaced" in said

    @pytest.mark.parametrize("name", ["out.jrdiff", "./out.jrdiff", "link.jrdiff"])
    def test_never_over_its_source(self, folder, name) -> None:
        (folder.path / "link.jrdiff").symlink_to("out.jrdiff")
        for command in (("extract", "--regions", "2"), ("rekey",), ("drop", "--regions", "1")):
            said = folder.fails(
                USAGE, "diff", command[0], "out.jrdiff", *command[1:], "-o", name,
                "-i", "alice.key", "-r", folder.public("bob"),
            )  # fmt: skip
            assert "same file" in said


class TestRekey:
    COMMAND = ("diff", "rekey", "out.jrdiff", "-o", "new.jrdiff")

    @pytest.mark.parametrize("fresh", [(), ("--fresh",)])
    def test_other_owners(self, folder, fresh) -> None:
        done = folder.works(*self.COMMAND, "-i", "alice.key", "-r", folder.public("bob"), *fresh)
        assert "other copies of the diff still open" in done.stderr
        folder.works("restore", "out.jpg", "new.jrdiff", "-o", "x.jpg", "-i", "bob.key")
        assert folder.read("x.jpg") == folder.read("in.jpg")
        folder.fails(WRONG, "restore", "out.jpg", "new.jrdiff", "-o", "y.jpg", "-i", "alice.key")
        old, new = (folder.diff(n).stored.sealed.records for n in ("out.jrdiff", "new.jrdiff"))
        assert (old == new) == (not fresh)
        folder.works("restore", "out.jpg", "out.jrdiff", "-o", "y.jpg", "-i", "alice.key")

    def test_a_plain_one_is_sealed(self, folder) -> None:
        folder.works("redact", "in.jpg", "-o", "p.jpg", "--diff", "p.jrdiff", *BOXES)
        folder.works("diff", "rekey", "p.jrdiff", "-o", "new.jrdiff", "-r", folder.public("bob"))
        folder.works("restore", "p.jpg", "new.jrdiff", "-o", "x.jpg", "-i", "bob.key")
        assert folder.read("x.jpg") == folder.read("in.jpg")

    def test_refusals(self, folder) -> None:
        bob = folder.public("bob")
        assert "whose shall it be" in folder.fails(USAGE, *self.COMMAND, "-i", "alice.key")
        assert "no-key" in folder.fails(WRONG, *self.COMMAND, "-r", bob)
        assert "wrong-key" in folder.fails(WRONG, *self.COMMAND, "-r", bob, "-i", "eve.key")
        assert "never replaced" in folder.fails(
            IO, "diff", "rekey", "out.jrdiff", "-o", "in.jpg", "-r", bob, "-i", "alice.key"
        )


class TestDrop:
    COMMAND = ("diff", "drop", "out.jrdiff", "-o", "left.jrdiff", "--regions")

    def test_its_owner_stays(self, folder) -> None:
        done = folder.works(*self.COMMAND, "1", "-i", "alice.key")
        assert "other copies of the diff still open" in done.stderr
        found = json.loads(
            folder.works("diff", "list", "left.jrdiff", "-i", "alice.key", "--json").stdout
        )
        assert [region is None for region in found["regions"]] == [False, True, False]
        folder.works("restore", "out.jpg", "left.jrdiff", "-o", "x.jpg", "-i", "alice.key")
        assert folder.read("x.jpg") != folder.read("in.jpg")
        assert "[region.index]" in folder.fails(
            USAGE, "restore", "out.jpg", "left.jrdiff", "-o", "y.jpg", "-i", "alice.key",
            "--regions", "1",
        )  # fmt: skip

    def test_other_owners_are_named_or_lose_it(self, folder) -> None:
        both = (folder.public("alice"), folder.public("bob"))
        folder.works("redact", "in.jpg", "-o", "b.jpg", "--diff", "b.jrdiff", *BOXES,
                     *(f"-r{key}" for key in both))  # fmt: skip
        command = ("diff", "drop", "b.jrdiff", "-i", "alice.key", "--regions", "0,1,2", "-o")
        done = folder.works(*command, "mine.jrdiff")
        assert "of its 2 owners, only the one who dropped them can open it" in done.stderr
        listed = folder.works("diff", "list", "mine.jrdiff", "-i", "alice.key").stdout
        assert re.search(r"^regions:\n  0: -\n  1: -\n  2: -$", listed, re.MULTILINE)
        done = folder.works(*command, "theirs.jrdiff", "-r", both[1])
        assert "of its" not in done.stderr

    def test_for_others(self, folder) -> None:
        folder.works(*self.COMMAND, "1", "-i", "alice.key", "-r", folder.public("bob"))
        folder.works("restore", "out.jpg", "left.jrdiff", "-o", "x.jpg", "-i", "bob.key")
        folder.fails(WRONG, "restore", "out.jpg", "left.jrdiff", "-o", "y.jpg", "-i", "alice.key")

    def test_a_plain_one(self, folder) -> None:
        folder.works("redact", "in.jpg", "-o", "p.jpg", "--diff", "p.jrdiff", *BOXES)
        done = folder.works("diff", "drop", "p.jrdiff", "--regions", "0,1", "-o", "left.jrdiff")
        assert "not encrypted" in done.stderr
        assert not folder.diff("left.jrdiff").is_sealed
        assert not secret.traces(folder.read("left.jrdiff"), (0, 1))

    def test_refusals(self, folder) -> None:
        assert "no-key" in folder.fails(WRONG, *self.COMMAND, "1")
        assert "wrong-key" in folder.fails(WRONG, *self.COMMAND, "1", "-i", "bob.key")
        assert "[region.index]" in folder.fails(USAGE, *self.COMMAND, "7", "-i", "alice.key")
        assert "never replaced" in folder.fails(
            IO, "diff", "drop", "out.jrdiff", "-o", "in.jpg", "--regions", "1", "-i", "alice.key"
        )


def other(items: list, at: int, new: object) -> list:
    return [*items[:at], new, *items[at + 1 :]]


TAMPERED: dict[str, Callable[[dict, dict], dict]] = {
    "records swapped": lambda d, o: {"sealed": [d["sealed"][1], d["sealed"][0], *d["sealed"][2:]]},
    "a group deleted": lambda d, o: {"sealed": other(d["sealed"], 0, None)},
    "a region deleted": lambda d, o: {"sealed": other(d["sealed"], -3, None)},
    "a record replayed": lambda d, o: {"sealed": other(d["sealed"], 0, o["sealed"][0])},
    "a damaged record": lambda d, o: {
        "sealed": other(d["sealed"], 2, d["sealed"][2][:-1] + b"\0")
    },
    "an envelope replayed": lambda d, o: {"envelopes": o["envelopes"]},
    "another size": lambda d, o: {"size": [d["size"][0], d["size"][1] - 1]},
    "another file": lambda d, o: {"redacted": bytes(32)},
    "other fills": lambda d, o: {"fills": other(d["fills"], 0, bytes(32))},
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering(folder, how) -> None:
    """No command takes such a diff, and none writes a thing."""
    alice = folder.public("alice")
    folder.works("diff", "rekey", "out.jrdiff", "-o", "o.jrdiff", "--fresh", "-i", "alice.key",
                 "-r", alice)  # fmt: skip
    fields, others = (
        getattr(found, "value", found)
        for found in (cbor2.loads(folder.read(n)) for n in ("out.jrdiff", "o.jrdiff"))
    )
    fields, others = (
        {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}
        for found in (fields, others)
    )
    changed = {**fields, **TAMPERED[how](fields, others)}
    data = b"\xd9\xd9\xf7" + cbor2.dumps(changed, canonical=True)
    (folder.path / "t.jrdiff").write_bytes(data)
    (folder.path / "t.jrdiff").chmod(0o600)
    key = ("-i", "alice.key")
    for command in (
        ("restore", "out.jpg", "t.jrdiff", "-o", "x.jpg", *key),
        ("restore", "out.jpg", "t.jrdiff", "-o", "x.jpg", "--regions", "2", *key),
        ("restore", "out.jpg", "t.jrdiff", "-o", "x.jpg", "--allow-modified", *key),
        ("restore", "out.jpg", "t.jrdiff", "--in-place", *key),
        ("verify", "in.jpg", "out.jpg", "t.jrdiff", *key),
        ("diff", "list", "t.jrdiff", *key),
        ("diff", "extract", "t.jrdiff", "-o", "y.jrdiff", "--regions", "2", "-r", alice, *key),
        ("diff", "rekey", "t.jrdiff", "-o", "y.jrdiff", "-r", alice, *key),
        ("diff", "drop", "t.jrdiff", "-o", "y.jrdiff", "--regions", "0", *key),
    ):
        assert "[diff.manifest]" in folder.fails(WRONG, *command)


class TestPassphrases:
    """Real ones cost seconds: the first test alone makes one, others a cheap envelope."""

    WORDS = "correct horse battery staple"

    @pytest.fixture
    def words(self, folder, monkeypatch) -> Callable[..., None]:
        def put(words: str, variable: str = "JPEGREDACT_PASSPHRASE_FILE") -> None:
            path = folder.path.parent / variable
            path.write_text(words + "\n")
            path.chmod(0o600)
            monkeypatch.setenv(variable, str(path))

        return put

    @pytest.fixture
    def cheap(self, folder) -> None:
        """Leave a diff that the passphrase and Alice open."""
        run_identity = generate_identity()
        text = run_identity.secret().encode()
        run_key = RunKey(run_identity.recipient, envelope(self.WORDS, text))
        diff = secret.redacted().diff.seal([folder.public("alice")], run_key)
        diff.save(folder.path / "p.jrdiff")

    def test_a_real_one(self, folder, words) -> None:
        words(self.WORDS)
        folder.works("redact", "in.jpg", "-o", "p.jpg", "--diff", "p.jrdiff", *BOXES, "-p")
        found = json.loads(folder.works("diff", "list", "p.jrdiff", "--json").stdout)
        assert (found["owners"], found["passphrase"]) == (1, True)
        folder.works("restore", "p.jpg", "p.jrdiff", "-o", "x.jpg", "-p")
        assert folder.read("x.jpg") == folder.read("in.jpg")

    def test_or_a_key(self, folder, words, cheap) -> None:
        words(self.WORDS)
        for number, options in enumerate((["-p"], ["-i", "alice.key"], ["-i", "eve.key", "-p"])):
            folder.works("restore", "out.jpg", "p.jrdiff", "-o", f"{number}.jpg", *options)
            assert folder.read(f"{number}.jpg") == folder.read("in.jpg")
        folder.works("verify", "in.jpg", "out.jpg", "p.jrdiff", "-p")
        assert "label" not in folder.works("diff", "list", "p.jrdiff").stdout
        assert "regions:" in folder.works("diff", "list", "p.jrdiff", "-p").stdout
        assert "or the passphrase" in folder.fails(
            WRONG, "restore", "out.jpg", "p.jrdiff", "-o", "z.jpg"
        )

    def test_the_wrong_one(self, folder, words, cheap) -> None:
        words("another one")
        said = folder.fails(WRONG, "restore", "out.jpg", "p.jrdiff", "-o", "z.jpg", "-p")
        assert "[decrypt.wrong-passphrase]" in said
        words(self.WORDS)
        said = folder.fails(WRONG, "restore", "out.jpg", "out.jrdiff", "-o", "z.jpg", "-p")
        assert "it has no passphrase" in said

    def test_open_with_one(self, folder, words, cheap) -> None:
        words("what would be sealed with")
        words(self.WORDS, "JPEGREDACT_OPEN_PASSPHRASE_FILE")
        folder.works("diff", "rekey", "p.jrdiff", "-o", "q.jrdiff", "--open-passphrase", "-r",
                     folder.public("bob"))  # fmt: skip
        assert not folder.diff("q.jrdiff").has_passphrase
        folder.works("diff", "extract", "p.jrdiff", "-o", "e.jrdiff", "--open-passphrase",
                     "--regions", "0", "-r", folder.public("bob"))  # fmt: skip
        folder.works("restore", "out.jpg", "e.jrdiff", "-o", "e.jpg", "-i", "bob.key")
        folder.works("diff", "drop", "p.jrdiff", "-o", "r.jrdiff", "--open-passphrase",
                     "--regions", "0")  # fmt: skip
        assert folder.diff("r.jrdiff").has_passphrase  # whose it was who opened it
        words(self.WORDS)
        folder.works("restore", "out.jpg", "r.jrdiff", "-o", "r.jpg", "-p")

    def test_no_terminal_and_no_file(self, folder) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JPEGREDACT")}
        done = subprocess.run(
            [sys.executable, "-m", "jpegredact", "restore", "out.jpg", "out.jrdiff", "-o",
             "x.jpg", "-p"], cwd=folder.path, capture_output=True, text=True, check=False,
            env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == USAGE
        assert "JPEGREDACT_PASSPHRASE_FILE" in done.stderr

    @pytest.mark.parametrize(
        ("content", "status", "words"),
        [(b"", USAGE, "is empty"), (b"\xff\xfe\n", USAGE, "is no text"), (None, IO, "words")],
    )
    def test_files_that_hold_none(self, folder, monkeypatch, content, status, words) -> None:
        if content is not None:
            (folder.path / "words").write_bytes(content)
        monkeypatch.setenv("JPEGREDACT_PASSPHRASE_FILE", "words")
        for command in (("restore", "out.jpg", "out.jrdiff", "-o", "x.jpg", "-p"),
                        ("redact", "in.jpg", "-o", "x.jpg", *BOXES, "-p")):  # fmt: skip
            assert words in folder.fails(status, *command)

    def test_the_help_names_the_variable_that_is_read(self, tmp_path) -> None:
        for command in ("extract", "rekey", "drop"):
            said = " ".join(run("diff", command, "--help", cwd=tmp_path).stdout.split())
            opening = said[said.index("--open-passphrase") :]
            assert "JPEGREDACT_OPEN_PASSPHRASE_FILE" in opening[:250]


# ---------------------------------------------------------------------------
# Other programs
# ---------------------------------------------------------------------------


def program(*command: object, data: bytes = b"", cwd: Path | None = None) -> bytes:
    return subprocess.run(
        list(map(str, command)), input=data, capture_output=True, check=True, timeout=60, cwd=cwd
    ).stdout


@needs_age
def test_age_opens_the_record_of_a_part(folder) -> None:
    """With nothing but age and a CBOR reader, as docs/design/diff-format.md says."""
    folder.works("diff", "extract", "out.jrdiff", "--regions", "2", "-o", "part.jrdiff", "-i",
                 "alice.key", "-r", folder.public("bob"))  # fmt: skip
    fields = cbor2.loads(folder.read("part.jrdiff"))
    fields = getattr(fields, "value", fields)
    (folder.path / "envelope.age").write_bytes(fields["envelopes"][0])
    manifest = cbor2.loads(program("age", "-d", "-i", "bob.key", "envelope.age", cwd=folder.path))
    kinds = []
    for index, bare, digest in manifest["records"]:
        sealed = fields["sealed"][index]
        assert hashlib.sha256(sealed).digest() == digest
        key = folder.path / "record.key"
        key.write_text(f"AGE-SECRET-KEY-1{bare}\n")
        key.chmod(0o600)
        plain = unpad(program("age", "-d", "-i", key, data=sealed))
        assert hashlib.sha256(plain[:-8]).digest()[:8] == plain[-8:]
        kinds.append(cbor2.loads(plain[:-8])["kind"])
    assert kinds == ["group", "region"]


@needs_age
def test_a_key_of_age_keygen(folder) -> None:
    program("age-keygen", "-o", "theirs.key", cwd=folder.path)
    (folder.path / "theirs.key").chmod(0o600)
    theirs = program("age-keygen", "-y", "theirs.key", cwd=folder.path).decode().strip()
    folder.works("redact", "in.jpg", "-o", "x.jpg", "--diff", "x.jrdiff", *BOXES, "-r", theirs)
    folder.works("restore", "x.jpg", "x.jrdiff", "-o", "y.jpg", "-i", "theirs.key")
    assert folder.read("y.jpg") == folder.read("in.jpg")


@needs_ssh
@pytest.mark.parametrize("kind", [("ed25519",), ("rsa", "-b", "2048")], ids=lambda kind: kind[0])
def test_an_ssh_key(folder, kind) -> None:
    program("ssh-keygen", "-q", "-N", "", "-f", "id", "-t", *kind, cwd=folder.path)
    folder.works("redact", "in.jpg", "-o", "x.jpg", "--diff", "x.jrdiff", *BOXES, "-R", "id.pub")
    folder.works("restore", "x.jpg", "x.jrdiff", "-o", "y.jpg", "-i", "id")
    assert folder.read("y.jpg") == folder.read("in.jpg")
    said = folder.fails(USAGE, "diff", "drop", "x.jrdiff", "--regions", "0", "-o", "d.jrdiff",
                        "-i", "id")  # fmt: skip
    assert "[key.none]" in said
    folder.works("diff", "drop", "x.jrdiff", "--regions", "0", "-o", "d.jrdiff", "-i", "id",
                 "-R", "id.pub")  # fmt: skip
    if shutil.which("age"):
        fields = cbor2.loads(folder.read("x.jrdiff"))
        fields = getattr(fields, "value", fields)
        manifest = cbor2.loads(
            program("age", "-d", "-i", "id", data=fields["envelopes"][0], cwd=folder.path)
        )
        assert len(manifest["records"]) == len(fields["sealed"])


@needs_ssh
def test_a_protected_ssh_key(folder) -> None:
    program("ssh-keygen", "-q", "-N", "hunter2222", "-f", "id", "-t", "ed25519", cwd=folder.path)
    said = folder.fails(USAGE, "restore", "out.jpg", "out.jrdiff", "-o", "x.jpg", "-i", "id")
    assert "[key.protected]" in said
    assert "ssh-keygen -p" in said
