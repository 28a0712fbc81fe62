"""`jpegredact batch` as a command: what it says, its exit status, Ctrl-C, full disks, the order of
what reaches the disk.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pictures
import pytest
import tinynet
from batch import commands
from batch.runs import BOX, IDENTITY, RECIPIENT, assert_sound, diffs_of, fill, lines, picture

import jpegredact as jr
from jpegredact.cli import batch_command

BOXED = ["--box", ",".join(map(str, BOX)), "-r", RECIPIENT]
RUN = ["batch", "src", "dst", "--diffs", "diffs", *BOXED]
LOG = "diffs/jpegredact.log.jsonl"


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    files = fill(tmp_path / "src", 10, notes_txt=b"text")
    done = commands.run(*RUN, "--json", "--jobs", 2, cwd=tmp_path)
    assert done.stderr == f"10 redacted, 1 skipped; 10 regions; log: {tmp_path / LOG}\n"
    said = json.loads(done.stdout)
    assert said["outcomes"] == {"redacted": 10, "skipped": 1}
    assert (said["before"], said["regions"], said["stopped"]) == (0, 10, False)
    del files["notes.txt"]
    assert said["bytes_read"] == sum(map(len, files.values())) + 2  # of the notes
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", None, whole=True)
    assert (tmp_path / LOG).stat().st_mode & 0o777 == 0o600
    assert not list((tmp_path / "dst").rglob(".*"))


def test_the_status_says_whether_a_picture_failed(tmp_path: Path) -> None:
    fill(tmp_path / "src", 2, bad_jpg=picture()[:300])
    done = commands.run(*RUN, cwd=tmp_path, status=3)
    assert "bad.jpg: " in done.stderr
    assert "[jpeg.truncated]" in done.stderr
    assert "1 failed, 2 redacted; 2 regions; failures: 1 jpeg.truncated" in done.stderr
    assert not (tmp_path / "dst" / "bad.jpg").exists()
    (tmp_path / "src" / "bad.jpg").write_bytes(picture())
    done = commands.run(*RUN, "--resume", cwd=tmp_path)
    assert done.stderr.startswith("1 redacted, 2 done before;")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["batch", "src", "dst", "--diffs", "diffs"], "no region to hide"),
        (["batch", "src", "dst", *BOXED], "--diffs"),
        (["batch", "src", "src", "--diffs", "diffs", *BOXED], "SRC and DST are the same"),
        (["batch", "src", "dst", "--diffs", "dst", *BOXED], "DST and DIR are the same"),
        (["batch", "src", "dst", "--diffs", "src", *BOXED], "SRC and DIR are the same"),
        (["batch", "src", "dst", "--diffs", "dst/in", *BOXED], "DIR lies in DST"),
        ([*RUN, "--log", "dst/log.jsonl"], "does not belong into DST"),
        ([*RUN, "--check"], "--check goes with --resume"),
        ([*RUN, "--detect", "face", "--from-log", "x"], "not both"),
        ([*RUN, "--method", "smear"], "smear"),
        ([*RUN, "--jobs", "0"], "--jobs"),
    ],
)
def test_usage(tmp_path: Path, arguments: list[str], words: str) -> None:
    fill(tmp_path / "src", 1)
    done = commands.run(*arguments, cwd=tmp_path, status=2)
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["src"], "nothing is left behind"


def test_a_second_run_needs_another_log_or_resume(tmp_path: Path) -> None:
    fill(tmp_path / "src", 2)
    commands.run(*RUN, cwd=tmp_path)
    assert "resume its run" in commands.run(*RUN, cwd=tmp_path, status=5).stderr
    done = commands.run(*RUN[:-4], "--box", "0,0,9,9", "--resume", cwd=tmp_path, status=3)
    assert "another boxes, recipients; resume it with the same" in done.stderr
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "src" / "001.jpg", tmp_path / "other")
    done = commands.run("batch", "other", *RUN[2:], "--resume", cwd=tmp_path, status=3)
    assert "another source" in done.stderr


def test_diffs_in_the_pictures_too(tmp_path: Path) -> None:
    files = fill(tmp_path / "src", 4)
    commands.run(*RUN, "--embed", cwd=tmp_path)
    for name, data in files.items():
        out = tmp_path / "dst" / name
        assert jr.restore(out, identities=[IDENTITY]) == data
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG, whole=True)
    done = commands.run(*RUN, "--embed", "--resume", "--check", cwd=tmp_path)
    assert done.stderr.startswith("4 done before;")
    (tmp_path / "dst" / "001.jpg").unlink()
    next((tmp_path / "diffs").glob("002.jpg.*.jrdiff")).unlink()
    done = commands.run(*RUN, "--embed", "--resume", cwd=tmp_path)  # the pair, or neither
    assert done.stderr.startswith("2 redacted, 2 done before;")
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG, whole=True)
    done = commands.run(*RUN, "--resume", cwd=tmp_path, status=3)
    assert "another embed;" in done.stderr


@pytest.mark.parametrize("keys", [[], ["-p"], ["-p", "-r", RECIPIENT]])
def test_what_is_not_sealed_to_keys_is_not_embedded(tmp_path: Path, keys: list[str]) -> None:
    fill(tmp_path / "src", 1)
    done = commands.run("batch", "src", "dst", "--diffs", "diffs", "--box", "0,0,9,9", "--embed",
                        *keys, cwd=tmp_path, status=2)  # fmt: skip
    assert "--embed publishes the diff" in done.stderr
    assert not (tmp_path / "dst").exists()


def test_another_detector_is_no_detector_to_go_on_with(tmp_path: Path) -> None:
    """Its description or its network was changed, and its name is the same."""
    pytest.importorskip("onnxruntime")
    fill(tmp_path / "src", 2)
    description, network = tmp_path / "colours.toml", tmp_path / "colours.onnx"
    toml = 'model = "colours.onnx"\nlabels = ["red", "blue"]\nlayout = "cxcywh+classes"\n'
    description.write_text(toml)
    network.write_bytes(tinynet.colour_finder())
    arguments = ["batch", "src", "dst", "--diffs", "diffs", "--detect", "red", "--detector",
                 "colours.toml", "--jobs", 1]  # fmt: skip
    commands.run(*arguments, cwd=tmp_path)
    head = json.loads((tmp_path / LOG).read_text().partition("\n")[0])
    assert [each.partition("@")[0] for each in head["models"]] == ["colours.toml", "colours"]
    commands.run(*arguments, "--resume", cwd=tmp_path)
    for path in (description, network):
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        done = commands.run(*arguments, "--resume", cwd=tmp_path, status=3)
        assert "the run was begun with another models; resume it with" in done.stderr
        path.write_bytes(before)
    commands.run(*arguments, "--resume", cwd=tmp_path)


def test_what_a_person_should_look_at_is_said(tmp_path: Path) -> None:
    """A fill in which the detector sees what it looks for."""
    pytest.importorskip("onnxruntime")
    (tmp_path / "red.toml").write_text(
        'model = "red.onnx"\nlabels = ["face", "blue"]\nlayout = "cxcywh+classes"\n'
        "threshold = 0.5\n"
    )
    (tmp_path / "red.onnx").write_bytes(tinynet.colour_finder())
    black = np.zeros((64, 64, 3), np.uint8)
    red = black.copy()
    red[24:32, 16:24, 0] = 255
    (tmp_path / "src").mkdir()
    for name, pixels in (("a.jpg", red), ("b.jpg", black), ("c.jpg", red)):
        data = pictures.pillow_jpeg(pixels, subsampling=0)
        (tmp_path / "src" / name).write_bytes(data)
    done = commands.run("batch", "src", "dst", "--diffs", "diffs", "--detect", "face", "--detector",
                        "red.toml", "--method", "fill:#ff0000", "--json", cwd=tmp_path)  # fmt: skip
    assert "2 redacted, 1 untouched; " in done.stderr
    assert "; to be looked at: 2 still-found; log: " in done.stderr
    said = json.loads(done.stdout)
    assert said["warnings"] == {"found-again": 2, "still-found": 2, "no-regions": 1}
    warned = {each["file"]: each["warnings"] for each in lines(tmp_path / LOG)}
    assert warned == {
        "a.jpg": ["found-again", "still-found"],
        "b.jpg": ["no-regions"],
        "c.jpg": ["found-again", "still-found"],
    }


def test_names_on_standard_input(tmp_path: Path) -> None:
    fill(tmp_path / "src", 5)
    names = "in/000.jpg\n\n002.jpg\r\n002.jpg\n"
    done = commands.run(*RUN, "--list", "-", cwd=tmp_path, input=names)
    assert done.stderr.startswith("2 redacted, 1 named twice;")
    found = sorted(path.name for path in (tmp_path / "dst").rglob("*.jpg"))
    assert found == ["000.jpg", "002.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_listed(tmp_path: Path) -> None:
    fill(tmp_path / "src", 1)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.jpg").write_bytes(picture(5))
    (tmp_path / "src" / "link.jpg").symlink_to(tmp_path / "secret" / "x.jpg")
    (tmp_path / "src" / "folder").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "src" / "pipe.jpg")
    done = commands.run(*RUN, cwd=tmp_path)
    assert done.stderr.startswith("1 redacted, 3 skipped;")
    why = {line["file"]: line["why"] for line in lines(tmp_path / LOG) if "why" in line}
    link = "a symbolic link"
    assert why == {"link.jpg": link, "folder": link, "pipe.jpg": "no regular file"}


def test_outputs_inside_src_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "src", 2)
    arguments = ["batch", "src", "src/dst", "--diffs", "src/diffs", *BOXED]
    assert commands.run(*arguments, cwd=tmp_path).stderr.startswith("2 redacted;")
    assert commands.run(*arguments, "--resume", cwd=tmp_path).stderr.startswith("2 done before;")


def test_a_log_of_searches_decides(tmp_path: Path) -> None:
    """Of pictures whose search failed, none is passed on; those to be kept are untouched."""
    fill(tmp_path / "src", 3)
    for name in ("001", "002"):
        commands.run("redact", f"src/{name}.jpg", *BOXED, "--dry-run", "--log", f"{name}.jsonl",
                     cwd=tmp_path)  # fmt: skip
    entries = [json.loads((tmp_path / f"{name}.jsonl").read_text()) for name in ("001", "002")]
    entries[1]["detections"][0]["decision"] = "keep"
    failure = {"code": "jpeg.truncated", "message": "ends"}
    entries.append({**entries[0], "file": "src/in/000.jpg", "detections": [], "error": failure})
    log = tmp_path / "seen.jsonl"
    log.write_text("".join(f"{json.dumps(each)}\n" for each in entries))
    arguments = ["batch", "src", "dst", "--diffs", "diffs", "--from-log", log, "-r", RECIPIENT]
    done = commands.run(*arguments, cwd=tmp_path, status=3)
    assert "1 failed, 1 redacted, 1 untouched;" in done.stderr
    assert "in/000.jpg: its search failed: ends [jpeg.truncated]" in done.stderr
    assert not (tmp_path / "dst" / "in").exists()
    log.write_text(log.read_text().replace('"keep"', '"redact"'))
    done = commands.run(*arguments, "--resume", cwd=tmp_path, status=3)
    assert "another from_log; resume it with the same" in done.stderr


@pytest.mark.parametrize(
    ("engine", "workers", "threads"),
    [("local", 8, 1), ("local", 3, 2), ("local", 1, 8), ("local", 20, 1), ("ray", 1, 1)],
)
def test_workers_share_the_processors(
    monkeypatch: pytest.MonkeyPatch, engine: str, workers: int, threads: int
) -> None:
    monkeypatch.setattr(batch_command, "_processors", lambda: 8)
    assert batch_command._threads(engine, workers) == threads


# Places that can't be written


@pytest.mark.parametrize("place", ["dst", "diffs"])
def test_what_is_in_the_way_is_said_at_once(tmp_path: Path, place: str) -> None:
    fill(tmp_path / "src", 2)
    (tmp_path / place).write_text("a file")
    done = commands.run(*RUN, "--log", "run.jsonl", cwd=tmp_path, status=5)
    assert place in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("dst/*.jpg"))


@pytest.fixture
def stopped_by_rights() -> list[str]:
    """What goes before a command so that rights stop it, root's too."""
    if os.name == "nt":
        pytest.skip("no such rights there")
    if os.geteuid() != 0:
        return []
    caps = "-dac_override,-dac_read_search"
    before = ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}"]
    if shutil.which("setpriv") is None or subprocess.run([*before, "true"]).returncode:
        pytest.skip("rights don't stop root")
    return before


@pytest.mark.parametrize("place", ["dst", "diffs", "logs"])
def test_an_unwritable_folder_is_said_at_once(
    tmp_path: Path, stopped_by_rights: list[str], place: str
) -> None:
    fill(tmp_path / "src", 2)
    (tmp_path / place).mkdir(0o500)
    arguments = [*RUN, "--log", "logs/run.jsonl"]
    done = commands.run(*arguments, cwd=tmp_path, status=5, before=stopped_by_rights)
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("dst/*.jpg"))
    (tmp_path / place).chmod(0o700)
    commands.run(*arguments, cwd=tmp_path, before=stopped_by_rights)


def test_an_unreadable_folder_is_a_failure(tmp_path: Path, stopped_by_rights: list[str]) -> None:
    """Its pictures were not looked at: that must not pass for done."""
    fill(tmp_path / "src", 3)
    (tmp_path / "src" / "in").chmod(0)
    done = commands.run(*RUN, cwd=tmp_path, status=3, before=stopped_by_rights)
    assert "in/: " in done.stderr
    assert "1 failed, 2 redacted" in done.stderr
    (tmp_path / "src" / "in").chmod(0o700)
    commands.run(*RUN, "--resume", cwd=tmp_path, before=stopped_by_rights)


def test_a_folder_that_can_not_be_made_costs_its_pictures(tmp_path: Path) -> None:
    fill(tmp_path / "src", 4)
    (tmp_path / "dst").mkdir()
    (tmp_path / "dst" / "in").write_text("a file in the way")
    done = commands.run(*RUN, cwd=tmp_path, status=3)
    assert "2 failed, 2 redacted;" in done.stderr
    (tmp_path / "dst" / "in").unlink()
    done = commands.run(*RUN, "--resume", cwd=tmp_path)
    assert done.stderr.startswith("2 redacted, 2 done before;")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB, where one may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    "full",
    ["diffs", pytest.param("dst", marks=pytest.mark.slow),
     pytest.param("run.jsonl", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_full_disk_ends_the_run_and_loses_nothing(
    tmp_path: Path, small_disk: Path, full: str
) -> None:
    """Pictures, diffs or the log: the run ends with status 5, and goes on when there is room."""
    files = fill(tmp_path / "src", 120)
    places = {name: tmp_path / name for name in ("dst", "diffs", "run.jsonl")}
    places[full] = small_disk / full
    if full == "run.jsonl":
        (small_disk / "ballast").write_bytes(bytes(240 * 1024))
    arguments = ["batch", "src", places["dst"], "--diffs", places["diffs"], "--log",
                 places["run.jsonl"], "--jobs", 2, *BOXED]  # fmt: skip
    done = commands.run(*arguments, cwd=tmp_path, status=5)
    assert "No space left on device" in done.stderr
    assert "the run can't go on (--resume will)" in done.stderr
    assert "Traceback" not in done.stderr
    assert_sound(files, places["dst"], places["diffs"], places["run.jsonl"])
    assert 0 < len(list(places["dst"].rglob("*.jpg"))) < len(files)
    again = commands.run(*arguments, "--resume", cwd=tmp_path, status=5)
    assert "No space left on device" in again.stderr
    assert_sound(files, places["dst"], places["diffs"], places["run.jsonl"])
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    commands.run(*arguments, "--resume", cwd=tmp_path)
    assert_sound(files, places["dst"], places["diffs"], places["run.jsonl"], whole=True)


# Ctrl-C

posix = pytest.mark.skipif(os.name == "nt", reason="needs a terminal of POSIX")


class Terminal:
    """A command at a terminal of its own, in a process that forks while it has no threads."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        import pty

        ours, theirs = pty.openpty()
        self.shown = b""
        self._end = ours
        self.process = subprocess.Popen(
            [sys.executable, "-c", _AT_A_TERMINAL, *commands.command(*arguments)],
            cwd=folder, env=commands.environment(TERM="xterm", COLUMNS="100"), stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def wait_for(self, words: str, seconds: float = 60) -> None:
        last = time.monotonic() + seconds
        while words.encode() not in self.shown:
            assert time.monotonic() < last, self.shown.decode(errors="replace")
            assert self._read(), self.shown.decode(errors="replace")

    def press_ctrl_c(self) -> None:
        os.write(self._end, b"\x03")

    def status(self) -> int:
        """Wait for the end."""
        while self._read():
            pass
        os.close(self._end)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            piece = os.read(self._end, 65536)
        except OSError:  # what Linux says when the other side is gone
            return False
        self.shown += piece
        return bool(piece)


_AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@posix
def test_ctrl_c_finishes_what_was_begun(tmp_path: Path) -> None:
    files = fill(tmp_path / "src", 200)
    terminal = Terminal(tmp_path, *RUN, "--jobs", 2)
    terminal.wait_for("/200")
    while not list((tmp_path / "dst").rglob("*.jpg")):
        time.sleep(0.01)
    terminal.press_ctrl_c()
    assert terminal.status() == 130
    assert b"stopping: pictures that were begun are finished" in terminal.shown
    assert b"Traceback" not in terminal.shown
    count = len(list(lines(tmp_path / LOG)))
    assert 0 < count < 200
    assert count == len(list((tmp_path / "dst").rglob("*.jpg")))  # none is there without a line
    assert f"{count} redacted; {count} regions".encode() in terminal.shown
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG)
    done = commands.run(*RUN, "--resume", cwd=tmp_path)
    assert f"{200 - count} redacted, {count} done before;" in done.stderr
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG, whole=True)


@posix
def test_ctrl_c_while_workers_start(tmp_path: Path) -> None:
    """It goes to all processes at a terminal, but only one of them says something."""
    files = fill(tmp_path / "src", 20)
    terminal = Terminal(tmp_path, *RUN, "--jobs", 2)
    terminal.wait_for("/20")
    time.sleep(0.1)
    terminal.press_ctrl_c()
    assert terminal.status() == 130
    assert b"Traceback" not in terminal.shown
    assert b"stopping: pictures that were begun are finished" in terminal.shown
    commands.run(*RUN, "--resume", cwd=tmp_path)
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG, whole=True)


@posix
def test_a_second_ctrl_c_gives_up(tmp_path: Path) -> None:
    """Even on a picture that takes for ever."""
    files = fill(tmp_path / "src", 30)
    terminal = Terminal(tmp_path, *RUN, "--jobs", 1)
    terminal.wait_for("/30")
    while not list((tmp_path / "dst").rglob("*.jpg")):
        time.sleep(0.01)
    (worker,) = commands.workers_of(terminal.process.pid)
    os.kill(worker, signal.SIGSTOP)  # it never finishes what was begun
    terminal.press_ctrl_c()
    terminal.wait_for("press Ctrl-C again")
    time.sleep(0.2)
    terminal.press_ctrl_c()
    begun = time.monotonic()
    assert terminal.status() == 130
    assert time.monotonic() - begun < 9
    assert b"Traceback" not in terminal.shown
    assert not Path(f"/proc/{worker}").exists()
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG)
    commands.run(*RUN, "--resume", cwd=tmp_path)
    assert_sound(files, tmp_path / "dst", tmp_path / "diffs", tmp_path / LOG, whole=True)


@posix
def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    fill(tmp_path / "src", 40, bad_jpg=picture()[:300])
    terminal = Terminal(tmp_path, *RUN, "--jobs", 2)
    assert terminal.status() == 3
    shown = terminal.shown.decode()
    assert "41/41" in shown
    assert "/s" in shown
    assert "40 regions, 1 failed" in shown
    assert "bad.jpg: " in shown


# The order in which the disk gets it


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here")
def test_call_order(tmp_path: Path) -> None:
    """What SIGKILL can't show: the diff is on the disk, with its name, before the picture has one.

    fsync of the diff, link, fsync of its folder; then the same of the picture; then the log line.
    """
    fill(tmp_path / "src", 2)
    (tmp_path / "dst").mkdir()
    (tmp_path / "diffs").mkdir()
    trace = tmp_path / "trace"
    kinds = "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,openat,write,mkdirat"
    done = subprocess.run(
        ["strace", "-f", "-y", "-qq", "-s", "200", "-e", kinds, "-o", trace,
         *commands.command(*RUN, "--jobs", 1)],
        cwd=tmp_path, env=commands.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "ptrace" in done.stderr:
        pytest.skip("nothing may be traced here")
    assert done.returncode == 0, done.stderr
    calls = steps(trace.read_text(), tmp_path)
    for name in ("000.jpg", "001.jpg"):
        (diff,) = [path.name for path in (tmp_path / "diffs").rglob(f"{name}.*.jrdiff")]
        inner = "/in" * (name == "000.jpg")
        mine = [call for call in calls if call[1] in (f"diffs{inner}", f"dst{inner}", name, diff)
                or (call[0] == "line" and call[1] == name)]  # fmt: skip
        assert in_order(
            mine,
            [
                ("sync of a temporary", f"diffs{inner}"), ("link", diff),
                ("sync of the folder", f"diffs{inner}"),
                ("sync of a temporary", f"dst{inner}"), ("link", name),
                ("sync of the folder", f"dst{inner}"),
                ("line", name),
            ],
        ), mine  # fmt: skip
        first_link = [call for call in mine if call[0] == "link"]
        assert [each[1] for each in first_link] == [diff, name], "each has its name once"
    for made in ("dst/in", "diffs/in"):
        at = calls.index(("folder", made))
        outer = made.partition("/")[0]
        link = next(i for i, call in enumerate(calls) if call == ("sync of a temporary", made))
        assert ("sync of the folder", outer) in calls[at:link], "a new folder is durable first"


def steps(trace: str, root: Path) -> list[tuple[str, str]]:
    """Return what strace saw, in few words."""
    found = []
    for text in trace.splitlines():
        words = text.partition(" ")[2].strip()
        call, _, rest = words.partition("(")
        if call in ("fsync", "fdatasync"):
            path = Path(rest.partition("<")[2].partition(">")[0])
            if root not in path.parents:
                continue
            where = path.relative_to(root)
            if path.name.startswith(".jpegredact."):
                found.append(("sync of a temporary", where.parent.as_posix()))
            else:
                found.append(("sync of the folder", where.as_posix()))
        elif call in ("link", "linkat", "rename", "renameat", "renameat2"):
            found.append(("link", rest.split('"')[3].rpartition("/")[2]))
        elif call == "mkdirat" and "= 0" in rest:
            outer = Path(rest.partition("<")[2].partition(">")[0])
            found.append(("folder", (outer / rest.split('"')[1]).relative_to(root).as_posix()))
        elif call == "write" and ".log.jsonl>" in rest and '\\"file\\": \\"' in rest:
            found.append(("line", rest.partition('\\"file\\": \\"')[2].partition("\\")[0][-7:]))
    return found


def in_order(calls: list[tuple[str, str]], wanted: list[tuple[str, str]]) -> bool:
    """Whether these come one after the other, others between them or not."""
    left = iter(calls)
    return all(each in left for each in wanted)


@pytest.mark.usefixtures("corpus")
def test_every_kind_of_file_is_passed_or_refused(tmp_path: Path, corpus: Path) -> None:
    """Thirty files of the corpus: each has its pair, or is in the log with its code."""
    (tmp_path / "src").mkdir()
    chosen = sorted(corpus.glob("*.jp*g"), key=lambda path: path.stat().st_size)[::14]
    for path in chosen:
        shutil.copy(path, tmp_path / "src")
    commands.run(*RUN, cwd=tmp_path, status=None)
    seen = {line["file"]: line for line in lines(tmp_path / LOG)}
    assert set(seen) == {path.name for path in chosen}
    for path in chosen:
        out = tmp_path / "dst" / path.name
        assert out.exists() == (seen[path.name]["error"] is None)
        if out.exists():
            assert diffs_of(path.name, out.read_bytes(), tmp_path / "diffs")
