"""``jpegredact keygen``, and where the other commands take keys and passphrases from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command import run
from terminal import at_terminal

from jpegredact.cli import keys as module
from jpegredact.cli.common import status_of
from jpegredact.cli.keys import (
    ask_passphrase,
    identity_options,
    opening_options,
    read_identities,
    read_recipients,
    recipient_options,
)
from jpegredact.diff.keys import generate_identity, parse_identities
from jpegredact.errors import DecryptionError, InvalidKeyError

WORDS = "correct horse battery staple"
FORM = re.compile(
    r"# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)\n"
    r"# public key: (age1[0-9a-z]{58})\n"
    r"AGE-SECRET-KEY-1[0-9A-Z]{58}\n"
)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestKeygen:
    def test_a_new_file(self, tmp_path) -> None:
        done = run("keygen", "-o", "my.key", cwd=tmp_path)
        assert done.returncode == 0
        text = (tmp_path / "my.key").read_text()
        assert done.stderr == f"Public key: {FORM.fullmatch(text)[2]}\n"
        assert done.stdout == ""
        assert (tmp_path / "my.key").stat().st_mode & 0o777 == 0o600
        assert listed(tmp_path) == ["my.key"]
        (identity,) = parse_identities(text.encode())
        assert str(identity.recipient) in text

    def test_to_stdout(self, tmp_path) -> None:
        done = run("keygen", cwd=tmp_path)
        assert done.stderr == f"Public key: {FORM.fullmatch(done.stdout)[2]}\n"
        assert run("keygen", cwd=tmp_path).stdout != done.stdout
        assert not listed(tmp_path)

    @pytest.mark.parametrize("mode", [0o600, 0o644])
    def test_to_a_file_by_the_shell(self, tmp_path, mode) -> None:
        with (tmp_path / "my.key").open("wb") as file:
            os.fchmod(file.fileno(), mode)
            done = subprocess.run(
                [sys.executable, "-m", "jpegredact", "keygen"], cwd=tmp_path, stdout=file,
                stderr=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        assert FORM.fullmatch((tmp_path / "my.key").read_text())
        assert ("others may read" in done.stderr) == (mode == 0o644)

    def test_a_file_is_never_replaced(self, tmp_path) -> None:
        (tmp_path / "my.key").write_text("what opens ten years of pictures")
        (tmp_path / "link").symlink_to("elsewhere")
        for name in ("my.key", "link"):
            done = run("keygen", "-o", name, cwd=tmp_path)
            assert done.returncode == 5
            assert "never replaced" in done.stderr
            assert "Public key" not in done.stderr
        assert (tmp_path / "my.key").read_text() == "what opens ten years of pictures"
        assert listed(tmp_path) == ["link", "my.key"]

    def test_public_keys(self, tmp_path) -> None:
        keys = [generate_identity() for _ in range(2)]
        (tmp_path / "my.key").write_text("".join(f"{key.secret()}\n" for key in keys))
        public = "".join(f"{key.recipient}\n" for key in keys)
        done = run("keygen", "-y", "my.key", cwd=tmp_path)
        assert (done.stdout, done.stderr) == (public, "")
        done = run("keygen", "-y", "my.key", "-o", "my.pub", cwd=tmp_path)
        assert (done.stdout, done.stderr) == ("", "")
        assert (tmp_path / "my.pub").read_text() == public
        piped = subprocess.run(
            [sys.executable, "-m", "jpegredact", "keygen", "-y"],
            input=keys[0].secret(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert piped.stdout == f"{keys[0].recipient}\n"

    def test_what_is_refused(self, tmp_path) -> None:
        secret = generate_identity().secret()
        (tmp_path / "bad.key").write_text(f"# mine\n{secret[:-1]}\n")
        done = run("keygen", "-y", "bad.key", "-o", "my.pub", cwd=tmp_path)
        assert done.returncode == 2
        assert "bad.key, line 2: a secret key that is damaged" in done.stderr
        assert "[key.invalid]" in done.stderr
        assert secret[20:40] not in done.stderr
        assert run("keygen", "bad.key", cwd=tmp_path).returncode == 2
        assert run("keygen", "-y", "none.key", cwd=tmp_path).returncode == 5
        assert listed(tmp_path) == ["bad.key"]

    @pytest.mark.skipif(shutil.which("age-keygen") is None, reason="age-keygen is not here")
    def test_age_keygen_reads_it(self, tmp_path) -> None:
        said = run("keygen", "-o", "my.key", cwd=tmp_path).stderr
        theirs = subprocess.run(
            ["age-keygen", "-y", tmp_path / "my.key"], capture_output=True, check=True, text=True
        )
        assert said == f"Public key: {theirs.stdout}"

    @pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not here")
    def test_ssh_keys_have_a_file_for_that(self, tmp_path) -> None:
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", tmp_path / "id"], check=True)
        done = run("keygen", "-y", "id", cwd=tmp_path)
        assert done.returncode == 2
        assert ".pub file" in done.stderr


class TestKeyFiles:
    def test_recipients(self, tmp_path) -> None:
        a, b, c = (generate_identity().recipient for _ in range(3))
        path = tmp_path / "team.txt"
        path.write_text(f"# team\n{b}\n{c}\n{a}\n")
        assert read_recipients([str(a)], [str(path)]) == (a, b, c)
        assert read_recipients([], []) == ()
        with pytest.raises(InvalidKeyError, match="-r, number 2: no public key"):
            read_recipients([str(a), "hunter2"], [])

    def test_identities(self, tmp_path) -> None:
        a, b = (generate_identity() for _ in range(2))
        paths = []
        for key in (a, b):
            paths.append(str(tmp_path / f"key{len(paths)}"))
            Path(paths[-1]).write_text(key.secret())
        assert read_identities(paths) == (a, b)
        with pytest.raises(FileNotFoundError):
            read_identities([str(tmp_path / "none")])
        (tmp_path / "big").write_bytes(b"#" * (1 << 21))
        with pytest.raises(InvalidKeyError, match="more than"):
            read_identities([str(tmp_path / "big")])


class TestPassphrase:
    @pytest.fixture
    def in_file(self, tmp_path, monkeypatch):
        def write(data: bytes, mode: int = 0o600) -> Path:
            path = tmp_path / "words"
            path.write_bytes(data)
            path.chmod(mode)
            monkeypatch.setenv(module.PASSPHRASE_FILE, str(path))
            return path

        return write

    @pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore\n"])
    def test_from_a_file(self, in_file, end, capfd) -> None:
        in_file((WORDS + end).encode())
        assert ask_passphrase(confirm=True).reveal() == WORDS
        assert capfd.readouterr() == ("", "")

    def test_spaces_belong_to_it(self, in_file) -> None:
        in_file(b" a \n")
        assert ask_passphrase().reveal() == " a "

    @pytest.mark.parametrize("data", [b"", b"\n", b"\xff\n", b"x" * 5000, b"\nsecond line"])
    def test_files_that_hold_none(self, in_file, data) -> None:
        in_file(data)
        with pytest.raises(InvalidKeyError) as caught:
            ask_passphrase()
        assert caught.value.code == "key.passphrase"

    @pytest.mark.skipif(os.name == "nt", reason="no modes there")
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
    def test_a_file_of_others_too(self, in_file, mode, capfd) -> None:
        in_file(WORDS.encode(), mode)
        assert ask_passphrase().reveal() == WORDS
        said = capfd.readouterr().err
        assert "warning: " in said
        assert "chmod 600" in said
        assert WORDS not in said

    def test_a_file_that_is_not_there(self, in_file) -> None:
        in_file(b"").unlink()
        with pytest.raises(FileNotFoundError):
            ask_passphrase()

    def test_another_variable(self, in_file, monkeypatch, tmp_path) -> None:
        in_file(b"old")
        (tmp_path / "new").write_text("new")
        monkeypatch.setenv("NEW_FILE", str(tmp_path / "new"))
        assert ask_passphrase(variable="NEW_FILE").reveal() == "new"
        assert ask_passphrase().reveal() == "old"

    PROGRAM = (
        "import sys, hashlib, click\n"
        "from jpegredact.cli.common import guarded\n"
        "from jpegredact.cli.keys import ask_passphrase\n"
        "@click.command()\n"
        "def ask():\n"
        "    words = ask_passphrase(confirm=len(sys.argv) > 1)\n"
        "    print(hashlib.sha256(words.reveal().encode()).hexdigest())\n"
        "ask.params.append(click.Argument(['again'], required=False, expose_value=False))\n"
        "guarded(ask)\n"
    )

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
    @pytest.mark.parametrize(
        ("typed", "again", "status", "shown"),
        [
            ([WORDS], [], 0, "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a"),
            ([WORDS, WORDS], ["again"], 0, "c4bbcb1fbec99d65"),
            ([WORDS, WORDS + "x"], ["again"], 2, "the two passphrases differ"),
            ([""], [], 2, "the passphrase is empty"),
        ],
        ids=range(4),
    )
    def test_from_a_terminal(self, tmp_path, typed, again, status, shown) -> None:
        command = [sys.executable, "-c", self.PROGRAM, *again]
        found, screen = at_terminal(command, *typed, cwd=tmp_path, env={module.PASSPHRASE_FILE: ""})
        assert found == status, screen
        assert shown in screen
        assert screen.count("Passphrase") == len(typed)
        assert WORDS not in screen

    @pytest.mark.skipif(os.name == "nt", reason="no sessions there")
    def test_without_a_terminal(self, tmp_path) -> None:
        done = subprocess.run(
            [sys.executable, "-c", self.PROGRAM], input=WORDS, capture_output=True, text=True,
            start_new_session=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2
        assert "JPEGREDACT_PASSPHRASE_FILE" in done.stderr
        assert WORDS not in done.stderr + done.stdout


def test_options() -> None:
    """They fit one command, and none of them takes a passphrase as its value."""
    seen = {}

    @click.command()
    @recipient_options
    @opening_options
    def both(**values: object) -> None:
        seen.update(values)

    @click.command()
    @identity_options
    def opening(**values: object) -> None:
        seen.update(values)

    both.main(["-r", "a", "-r", "b", "-R", "f", "-i", "k", "-p"], standalone_mode=False)
    assert seen == {
        "recipients": ("a", "b"), "recipients_files": ("f",), "passphrase": True,
        "identity_files": ("k",), "open_passphrase": False,
    }  # fmt: skip
    seen.clear()
    opening.main(["-i", "k", "-i", "-", "-p"], standalone_mode=False)
    assert seen == {"identity_files": ("k", "-"), "passphrase": True}


@pytest.mark.skipif(os.name == "nt", reason="no core dumps there")
@pytest.mark.parametrize("take", ["read_identities([])", "read_recipients([], [])", "keygen"])
def test_no_core_dump_holds_a_key(take, tmp_path) -> None:
    program = f"from jpegredact.cli.keys import *\n{take}\n"
    if take == "keygen":
        program = (
            "from jpegredact.cli.keygen_command import command\n"
            "command.main(['-o', 'my.key'], standalone_mode=False)\n"
        )
    program += "import resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "(0, 0)\n"


def test_exit_statuses() -> None:
    assert status_of(InvalidKeyError("x")) == 2
    assert status_of(DecryptionError("x")) == 4
