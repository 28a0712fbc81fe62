"""Key material, passphrases and the original's bytes are where they belong and nowhere else.

Each command is run as a process of its own, failures included, and searched: what it says, its
arguments and environment, its temporary folder, the files it leaves. Keys that come out of a
FIFO make it wait where it can be looked at.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import secret_picture as secret
from age_maker import envelope
from command import run
from secret_picture import REGIONS

from jpegredact.diff.keys import generate_identity
from jpegredact.diff.passphrase import RunKey

WORDS = "correct horse battery staple 4711"
BOXES = [
    argument
    for region in REGIONS
    for argument in ("--box", f"{region.left},{region.top},{region.right},{region.bottom}")
]
on_linux = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="no /proc here")
GIVEN = {"in.jpg", "out.jpg", "out.jrdiff", "words.jrdiff", "alice.key", "bob.key", "words",
         "other.jpg", "broken.jrdiff", "edited.jpg", "wrong", "bad.key"}  # fmt: skip
KEY = ("-i", "alice.key")
ANY_KEY = re.compile(rb"AGE-SECRET-KEY-1[0-9A-Z]{4}")


class Place(NamedTuple):
    """A folder with all that commands need, and a temporary folder of their own."""

    folder: Path
    temporary: Path
    secrets: tuple[bytes, ...]
    alice: str
    bob: str

    def environment(self, words: str = "words") -> dict[str, str]:
        return {
            **os.environ, "TMPDIR": str(self.temporary), "JPEGREDACT_PASSPHRASE_FILE": words,
            "JPEGREDACT_OPEN_PASSPHRASE_FILE": words,
        }  # fmt: skip

    def command(self, arguments: tuple[str, ...]) -> list[str]:
        named = {"ALICE": self.alice, "BOB": self.bob}
        return [sys.executable, "-m", "jpegredact", *(named.get(a, a) for a in arguments)]

    def assert_no_secret(self, data: bytes, what: str) -> None:
        for key in self.secrets:
            assert key not in data, f"{what} holds a key or a passphrase"
        assert not ANY_KEY.search(data), f"{what} holds a key"

    def assert_nothing(self, data: bytes, what: str) -> None:
        self.assert_no_secret(data, what)
        found = secret.traces(data, ())
        assert not found, f"{what} holds {found}"


def pieces(key: str) -> list[bytes]:
    """Return what of a secret key's text must not show: stretches of it."""
    text = key.removeprefix("AGE-SECRET-KEY-1")
    return [text[at : at + 16].encode() for at in (0, 16, 32)]


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> tuple[Path, tuple[bytes, ...], str, str]:
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "in.jpg").write_bytes(secret.original())
    (folder / "out.jpg").write_bytes(secret.redacted().jpeg)
    (folder / "other.jpg").write_bytes(secret.original(4))
    jpeg = secret.redacted().jpeg
    (folder / "edited.jpg").write_bytes(jpeg[:2] + b"\xff\xfe\x00\x06mine" + jpeg[2:])
    keys = {name: generate_identity() for name in ("alice", "bob")}
    for name, key in keys.items():
        (folder / f"{name}.key").write_text(f"# mine\n{key.secret()}\n")
    spoilt = keys["alice"].secret()
    (folder / "bad.key").write_text(f"{spoilt[:-1]}{'Q' if spoilt[-1] != 'Q' else 'P'}\n")
    (folder / "words").write_text(WORDS + "\n")
    (folder / "wrong").write_text(WORDS[::-1] + "\n")
    diff = secret.redacted().diff
    diff.seal([keys["alice"].recipient]).save(folder / "out.jrdiff")
    data = (folder / "out.jrdiff").read_bytes()
    (folder / "broken.jrdiff").write_bytes(data[:-900] + bytes(100) + data[-800:])
    run_identity = generate_identity()
    run_key = RunKey(
        run_identity.recipient, envelope(WORDS, run_identity.secret().encode())
    )
    diff.seal([keys["alice"].recipient], run_key).save(folder / "words.jrdiff")
    for path in folder.iterdir():
        path.chmod(0o600)
    texts = [key.secret() for key in (*keys.values(), run_identity)]
    secrets = [piece for text in texts for piece in pieces(text)]
    secrets += [WORDS.encode(), WORDS[::-1].encode()]
    return folder, tuple(secrets), str(keys["alice"].recipient), str(keys["bob"].recipient)


@pytest.fixture
def place(template, tmp_path) -> Place:
    folder, *others = template
    shutil.copytree(folder, tmp_path / "work")
    (tmp_path / "temporary").mkdir()
    return Place(tmp_path / "work", tmp_path / "temporary", *others)


class Case(NamedTuple):
    status: int
    arguments: tuple[str, ...]
    made: tuple[str, ...] = ()
    words: str = "words"


SEALED = ("diff", "extract", "out.jrdiff", "-o", "new.jrdiff", "--regions", "2")
CASES = {
    "redact": Case(0, ("redact", "in.jpg", "-o", "new.jpg", "--diff", "new.jrdiff", *BOXES, "-r",
                       "ALICE", "--log-public", "p.log"),
                   ("new.jpg", "new.jrdiff", "p.log")),
    "redact, no such box": Case(2, ("redact", "in.jpg", "-o", "new.jpg", "--diff", "new.jrdiff",
                                    "--box", "900,900,950,950", "-r", "ALICE")),
    "redact, a secret key": Case(2, ("redact", "in.jpg", "-o", "new.jpg", *BOXES, "-R",
                                     "alice.key")),
    "redact, no picture": Case(3, ("redact", "alice.key", "-o", "new.jpg", *BOXES, "-r", "ALICE")),
    "redact, taken": Case(5, ("redact", "in.jpg", "-o", "new.jpg", "--diff", "words", *BOXES,
                              "-r", "ALICE")),
    "restore": Case(0, ("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg", *KEY),
                    ("back.jpg",)),
    "restore a region": Case(0, ("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg",
                                 "--regions", "2", *KEY), ("back.jpg",)),
    "restore with words": Case(0, ("restore", "out.jpg", "words.jrdiff", "-o", "back.jpg", "-p"),
                               ("back.jpg",)),
    "restore, edited": Case(4, ("restore", "edited.jpg", "out.jrdiff", "-o", "back.jpg", *KEY)),
    "restore, modified": Case(0, ("restore", "edited.jpg", "out.jrdiff", "-o", "back.jpg",
                                  "--allow-modified", *KEY), ("back.jpg",)),
    "restore, wrong words": Case(4, ("restore", "out.jpg", "words.jrdiff", "-o", "back.jpg",
                                     "-p"), (), "wrong"),
    "restore, wrong key": Case(4, ("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg", "-i",
                                   "bob.key")),
    "restore, damaged key": Case(2, ("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg", "-i",
                                     "bad.key")),
    "restore, words for a key": Case(2, ("restore", "out.jpg", "out.jrdiff", "-o", "back.jpg",
                                         "-i", "words")),
    "restore, a key for words": Case(4, ("restore", "out.jpg", "words.jrdiff", "-o", "back.jpg",
                                         "-p"), (), "alice.key"),
    "restore, another picture": Case(4, ("restore", "other.jpg", "out.jrdiff", "-o", "back.jpg",
                                         *KEY)),
    "restore, broken": Case(4, ("restore", "out.jpg", "broken.jrdiff", "-o", "back.jpg", *KEY)),
    "restore, a key for a diff": Case(4, ("restore", "out.jpg", "alice.key", "-o", "back.jpg",
                                          *KEY)),
    "verify": Case(0, ("verify", "in.jpg", "out.jpg", "out.jrdiff", "--json", *KEY)),
    "verify, another": Case(1, ("verify", "other.jpg", "out.jpg", "out.jrdiff", *KEY)),
    "list": Case(0, ("diff", "list", "out.jrdiff", "--json", *KEY)),
    "list without a key": Case(0, ("diff", "list", "words.jrdiff")),
    "inspect": Case(0, ("inspect", "out.jrdiff", "--json")),
    "extract": Case(0, (*SEALED, *KEY, "-r", "BOB"), ("new.jrdiff",)),
    "extract with words": Case(0, ("diff", "extract", "words.jrdiff", "-o", "new.jrdiff",
                                   "--regions", "0", "--open-passphrase", "-r", "BOB"),
                               ("new.jrdiff",)),
    "extract, wrong key": Case(4, (*SEALED, "-i", "bob.key", "-r", "BOB")),
    "extract, no such region": Case(2, ("diff", "extract", "out.jrdiff", "-o", "new.jrdiff",
                                        "--regions", "5", *KEY, "-r", "BOB")),
    "rekey": Case(0, ("diff", "rekey", "out.jrdiff", "-o", "new.jrdiff", *KEY, "-r", "BOB"),
                  ("new.jrdiff",)),
    "rekey, fresh": Case(0, ("diff", "rekey", "out.jrdiff", "-o", "new.jrdiff", "--fresh", *KEY,
                             "-r", "BOB"), ("new.jrdiff",)),
    "rekey, to a secret key": Case(2, ("diff", "rekey", "out.jrdiff", "-o", "new.jrdiff", *KEY,
                                       "-R", "bob.key")),
    "drop": Case(0, ("diff", "drop", "out.jrdiff", "-o", "new.jrdiff", "--regions", "0", *KEY),
                 ("new.jrdiff",)),
    "keygen": Case(0, ("keygen", "-o", "new.key"), ("new.key",)),
    "keygen, public": Case(0, ("keygen", "-y", "alice.key")),
    "keygen, taken": Case(5, ("keygen", "-o", "alice.key")),
    "keygen, damaged": Case(2, ("keygen", "-y", "bad.key")),
}  # fmt: skip


def check(place: Place, case: Case, done: subprocess.CompletedProcess[bytes]) -> None:
    """Assert that nothing of what a command left behind tells more than it may."""
    assert done.returncode == case.status, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    place.assert_nothing(done.stdout, "stdout")
    place.assert_nothing(done.stderr, "stderr")
    assert not list(place.temporary.iterdir())
    assert {path.name for path in place.folder.iterdir()} == GIVEN | {*case.made}
    for name in case.made:
        data = (place.folder / name).read_bytes()
        if name not in ("new.jpg", "p.log"):
            assert (place.folder / name).stat().st_mode & 0o777 == 0o600
        if name == "new.key":
            assert ANY_KEY.search(data)
            continue
        place.assert_no_secret(data, name)
        if name != "back.jpg":
            place.assert_nothing(data, name)
        if name.endswith(".jrdiff"):
            assert not secret.traces(data)


QUICK = (
    "redact", "restore", "restore, wrong words", "restore, wrong key", "restore, damaged key",
    "restore, broken", "verify", "extract", "rekey, fresh", "drop", "keygen", "keygen, damaged",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES],
)
def test_what_a_command_leaves(place, name) -> None:
    case = CASES[name]
    done = subprocess.run(
        place.command(case.arguments), cwd=place.folder, env=place.environment(case.words),
        capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    check(place, case, done)


def test_the_search_finds_what_it_looks_for(place) -> None:
    for data in ((place.folder / "alice.key").read_bytes(), WORDS.encode(),
                 secret.original(), secret.redacted().diff.to_bytes()):  # fmt: skip
        with pytest.raises(AssertionError):
            place.assert_nothing(b"x" + data, "it")


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
@pytest.mark.parametrize("name", ["redact", "restore", "extract", "rekey, fresh", "keygen"])
def test_where_nothing_can_be_written(place, name) -> None:
    """As on a full disk: no part of anything stays."""
    case = CASES[name]._replace(status=5, made=())
    program = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
        "sys.dont_write_bytecode = True; "
        "sys.argv[0] = 'jpegredact'; runpy.run_module('jpegredact', run_name='__main__')"
    )
    command = place.command(case.arguments)
    done = subprocess.run(
        [sys.executable, "-c", program, *command[3:]], cwd=place.folder, capture_output=True,
        env=place.environment(), timeout=60, check=False,
    )  # fmt: skip
    check(place, case, done)


# ---------------------------------------------------------------------------
# While it runs
# ---------------------------------------------------------------------------


class Waiting:
    """A command that waits for what a FIFO will give it."""

    def __init__(self, place: Place, arguments: tuple[str, ...], words: str = "words") -> None:
        self.place = place
        self.process = subprocess.Popen(
            ["sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh",
             *place.command(arguments)],
            cwd=place.folder, env=place.environment(words), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def feed(self, fifo: str, data: bytes) -> None:
        """Wait until the process opens a FIFO, look at it, and give it what it waits for."""
        handle = self._opened(self.place.folder / fifo)
        with open(handle, "wb") as file:  # noqa: PTH123
            self.look()
            file.write(data)

    def _opened(self, fifo: Path) -> int:
        """Open a FIFO once somebody reads it; never wait for long for one whom nobody opens."""
        end = time.monotonic() + 60
        while True:
            try:
                handle = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                if time.monotonic() > end or self.process.poll() is not None:
                    self.process.kill()
                    raise AssertionError(f"nobody opened {fifo.name}") from None
                time.sleep(0.01)
            else:
                os.set_blocking(handle, True)
                return handle

    def look(self) -> None:
        folder = Path("/proc", str(self.process.pid))
        for name in ("cmdline", "environ"):
            self.place.assert_nothing((folder / name).read_bytes(), name)
        limits = (folder / "limits").read_text().splitlines()
        core = next(line for line in limits if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
        for path in self.place.temporary.rglob("*"):
            self.place.assert_nothing(path.read_bytes(), str(path))
        assert b"jpegredact" in (folder / "cmdline").read_bytes()

    def finish(self) -> subprocess.CompletedProcess[bytes]:
        out, err = self.process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)


@pytest.fixture
def fifos(place) -> Iterator[None]:
    for name in ("fifo", "picture"):
        os.mkfifo(place.folder / name)
    yield
    for name in ("fifo", "picture"):
        (place.folder / name).unlink(missing_ok=True)


def watched(
    place: Place, case: Case, contents: list[tuple[str, bytes]]
) -> subprocess.CompletedProcess[bytes]:
    waiting = Waiting(place, case.arguments, case.words)
    try:
        for fifo, data in contents:
            waiting.feed(fifo, data)
    finally:
        done = waiting.finish()
    for name in ("fifo", "picture"):
        (place.folder / name).unlink()
    check(place, case, done)
    return done


@on_linux
class TestWhileItRuns:
    """The picture is read last: a command that waits for it holds its keys already."""

    def test_redact(self, place, fifos) -> None:
        case = Case(0, ("redact", "picture", "-o", "new.jpg", "--diff", "new.jrdiff", *BOXES, "-R",
                        "fifo"), ("new.jpg", "new.jrdiff"))  # fmt: skip
        watched(place, case, [("fifo", place.bob.encode()), ("picture", secret.original())])

    @pytest.mark.parametrize("status", [0, 4])
    def test_restore(self, place, fifos, status) -> None:
        case = Case(status, ("restore", "picture", "out.jrdiff", "-o", "back.jpg", "-i", "fifo"),
                    ("back.jpg",) if status == 0 else ())  # fmt: skip
        key = (place.folder / "alice.key").read_bytes()
        jpeg = secret.redacted().jpeg if status == 0 else secret.original(4)
        diff_first = [("fifo", key), ("picture", jpeg)]
        watched(place, case, diff_first)

    def test_restore_with_words(self, place, fifos) -> None:
        case = Case(0, ("restore", "picture", "words.jrdiff", "-o", "back.jpg", "-p"),
                    ("back.jpg",), "fifo")  # fmt: skip
        watched(
            place, case, [("fifo", WORDS.encode() + b"\n"), ("picture", secret.redacted().jpeg)]
        )

    @pytest.mark.parametrize("name", ["extract", "rekey", "rekey, fresh", "drop", "list"])
    def test_diff(self, place, fifos, name) -> None:
        arguments = tuple("fifo" if a == "alice.key" else a for a in CASES[name].arguments)
        case = CASES[name]._replace(arguments=arguments)
        watched(place, case, [("fifo", (place.folder / "alice.key").read_bytes())])

    def test_verify(self, place, fifos) -> None:
        case = Case(0, ("verify", "picture", "out.jpg", "out.jrdiff", "-i", "fifo"))
        key = (place.folder / "alice.key").read_bytes()
        watched(place, case, [("fifo", key), ("picture", secret.original())])

    def test_keygen(self, place, fifos) -> None:
        case = Case(0, ("keygen", "-y", "fifo"))
        done = watched(place, case, [("fifo", (place.folder / "alice.key").read_bytes())])
        assert done.stdout.decode().strip() == place.alice


def test_nothing_is_logged(place) -> None:
    """A log has boxes, which is its purpose; keys and picture it has not."""
    done = run("redact", "in.jpg", "-o", "new.jpg", "--diff", "new.jrdiff", *BOXES, "-r",
               place.alice, "--log", "private.log", "--log-public", "public.log",
               cwd=place.folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    private, public = ((place.folder / f"{n}.log").read_bytes() for n in ("private", "public"))
    place.assert_no_secret(private, "the log")
    assert not secret.taken_out() & secret.windows(private)
    assert json.loads(private)["detections"]
    place.assert_nothing(public, "the public log")
    assert (place.folder / "private.log").stat().st_mode & 0o777 == 0o600
