"""The log of a run: what is taken over when it is resumed, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import pytest

from jpegredact.batch import runlog
from jpegredact.batch.runlog import Line, RunLog, head_line
from jpegredact.errors import BatchError, InvalidLogError

HEAD = head_line("1.0", {"method": "inpaint", "boxes": [[1.0, 2.0, 3.0, 4.0]]}, ["centerface@09"])


def line(name: str, **more: object) -> str:
    return json.dumps({"record": "file", "schema": 1, "file": name, "sha256": "aa", **more})


def skipped(name: str) -> str:
    return json.dumps({"record": "skipped", "schema": 1, "file": name, "why": "no JPEG"})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def resumed(log: Path, lacking: tuple[str, ...] = (), head: str = HEAD) -> set[str]:
    """Resume; return which of a to e are done. What is appended then comes behind."""
    with RunLog.resume(str(log), head, lambda each: each.file not in lacking) as again:
        done = {name for name in "abcde" if again.is_done(name)}
        again.append(line("z"))
    assert not list(log.parent.glob(".*"))
    return done


def test_a_log_is_private_and_begins_with_what_the_run_was_told(log: Path) -> None:
    with RunLog.create(str(log), HEAD) as new:
        new.append(line("a"))
        assert not new.is_done("a")
    assert log.read_text() == f"{HEAD}\n{line('a')}\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert resumed(log) == {"a"}
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_is_there_is_not_begun_again(log: Path) -> None:
    log.write_text("mine\n")
    with pytest.raises(FileExistsError, match="resume its run"):
        RunLog.create(str(log), HEAD)
    assert log.read_text() == "mine\n"


@pytest.mark.parametrize("cut", [1, 10, len(line("b"))])
def test_a_torn_last_line_is_cut(log: Path, cut: int) -> None:
    whole = f"{HEAD}\n{line('a')}\n"
    log.write_text(whole + line("b")[:cut])
    assert resumed(log) == {"a"}
    assert log.read_text() == f"{whole}{line('z')}\n"


def test_every_length_of_a_torn_log_can_be_resumed(log: Path) -> None:
    whole = f"{HEAD}\n{line('a')}\n{line('b')}\n".encode()
    for length in range(len(whole) + 1):
        log.write_bytes(whole[:length])
        assert resumed(log) == {"ab"[n] for n in range(max(0, whole[:length].count(b"\n") - 1))}
        assert log.read_text().splitlines()[0] == HEAD
        log.unlink()


def test_lines_whose_outputs_lack_go_and_so_do_failures_and_repetitions(log: Path) -> None:
    broken = line("c", error={"code": "jpeg.truncated", "message": "ends"})
    lines = [HEAD, line("a"), line("b"), broken, skipped("d"), line("a", redacted="bb"), line("e")]
    log.write_text("".join(f"{each}\n" for each in lines))
    assert resumed(log, lacking=("b",)) == {"a", "d", "e"}
    kept = [HEAD, line("a"), skipped("d"), line("e"), line("z")]
    assert log.read_text() == "".join(f"{each}\n" for each in kept)


def test_a_line_that_was_not_whole_may_come_again(log: Path) -> None:
    """The first line of `a` says outputs that are gone, the second one those that are there."""
    lines = [HEAD, line("a", redacted="old"), line("a", redacted="new")]
    log.write_text("".join(f"{each}\n" for each in lines))
    with RunLog.resume(str(log), HEAD, lambda each: each.redacted == "new") as again:
        assert again.is_done("a")
    assert log.read_text() == f"{HEAD}\n{lines[2]}\n"


def test_what_a_line_says_is_handed_on(log: Path) -> None:
    seen: list[Line] = []
    log.write_text(f"{HEAD}\n{line('a', redacted='bb', diff='cc')}\n{skipped('b')}\n")
    RunLog.resume(str(log), HEAD, lambda each: not seen.append(each)).__exit__(None, None, None)
    assert seen == [
        Line("a", "aa", "bb", "cc", failed=False, skipped=False),
        Line("b", None, None, None, failed=False, skipped=True),
    ]
    assert seen[0].is_redacted
    assert not seen[1].is_redacted


@pytest.mark.parametrize("threads", [1, 5])
def test_many_lines(log: Path, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr(runlog, "_AT_ONCE", 7)
    lines = [HEAD, *(line(f"{n}.jpg") for n in range(100))]
    log.write_text("".join(f"{each}\n" for each in lines))
    with RunLog.resume(str(log), HEAD, lambda each: True, threads) as again:
        assert all(again.is_done(f"{n}.jpg") for n in range(100))
        assert not again.is_done("100.jpg")
    assert log.read_text() == "".join(f"{each}\n" for each in lines)


def test_stores_are_asked_several_things_at_a_time(log: Path) -> None:
    together = threading.Barrier(4, timeout=20)  # passed when four wait
    log.write_text("".join(f"{each}\n" for each in [HEAD, *map(line, "abcd")]))
    with RunLog.resume(str(log), HEAD, lambda each: together.wait() >= 0, 4) as again:
        assert all(again.is_done(name) for name in "abcd")


def test_an_answer_that_fails_leaves_the_log(log: Path) -> None:
    def ask(each: Line) -> bool:
        raise OSError(errno.EIO, "the store is away")

    data = "".join(f"{each}\n" for each in [HEAD, *map(line, "abcd")])
    log.write_text(data)
    with pytest.raises(OSError, match="away"):
        RunLog.resume(str(log), HEAD, ask, 3)
    assert log.read_text() == data
    assert list(log.parent.iterdir()) == [log]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "0.9"}, "another version"),
        ({"models": ["centerface@0a"]}, "another models"),
        ({"options": {"method": "fill", "boxes": [[1.0, 2.0, 3.0, 4.0]]}}, "another method"),
        ({"options": {"method": "inpaint", "boxes": []}}, "another boxes"),
        ({"options": {"method": "inpaint"}}, "another boxes"),
        ({"options": {**json.loads(HEAD)["options"], "later": 1}}, "another form of log"),
        ({"more": 1}, "another form of log"),
    ],
)
def test_another_run_is_refused(log: Path, change: dict[str, object], words: str) -> None:
    data = f"{json.dumps({**json.loads(HEAD), **change})}\n{line('a')}\n"
    log.write_text(data)
    with pytest.raises(InvalidLogError, match=words) as caught:
        resumed(log)
    assert caught.value.code == "log.other-run"
    assert log.read_text() == data
    assert list(log.parent.iterdir()) == [log]


@pytest.mark.parametrize(
    "data",
    [b"my diary\n", b"no line at all", b"\x89PNG\r\n\x1a\n\0", b"{}\n", b"[]\n", b"\xff\xfe\n",
     line("a").encode() + b"\n", HEAD.encode()[:30] + b"!", HEAD.encode() + b"\nnot a line\n",
     HEAD.encode() + b"\n{}\n", HEAD.encode() + b'\n{"record":"public"}\n'],
)  # fmt: skip
def test_what_is_no_log_of_a_run_stays_as_it_is(log: Path, data: bytes) -> None:
    log.write_bytes(data)
    with pytest.raises(InvalidLogError):
        resumed(log)
    assert log.read_bytes() == data
    assert list(log.parent.iterdir()) == [log]


def test_a_line_that_never_ends_is_refused(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlog, "_LONGEST", 1000)
    log.write_text(f"{HEAD}\n{line('a' * 2000)}\n")
    with pytest.raises(InvalidLogError, match="too long"):
        resumed(log)


def test_no_log_at_all(log: Path) -> None:
    with pytest.raises(FileNotFoundError):
        resumed(log)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_is_neither_followed_nor_replaced(log: Path) -> None:
    real = log.with_name("real.jsonl")
    log.symlink_to(real)
    with pytest.raises(FileExistsError):
        RunLog.create(str(log), HEAD)
    assert not real.exists()
    real.write_text(f"{HEAD}\n{line('a')}\n")
    with pytest.raises(OSError, match="symbolic link") as caught:
        resumed(log)
    assert caught.value.errno == errno.ELOOP
    assert log.is_symlink()
    assert resumed(real) == {"a"}


@pytest.mark.skipif(os.name == "nt", reason="what is open there can't be replaced")
def test_two_runs_never_write_to_the_same_log(log: Path) -> None:
    with RunLog.create(str(log), HEAD), pytest.raises(BatchError) as caught:
        resumed(log)
    assert caught.value.code == "batch.locked"
    with (
        RunLog.resume(str(log), HEAD, lambda each: True),
        pytest.raises(BatchError, match="another run"),
    ):
        resumed(log)
    assert resumed(log) == set()


def test_names_of_any_bytes_are_known_again(log: Path) -> None:
    """A log says U+FFFD for what is no UTF-8; so does asking."""
    name = os.fsdecode(b"caf\xe9.jpg")
    log.write_text(f"{HEAD}\n{skipped('caf�.jpg')}\n")
    with RunLog.resume(str(log), HEAD, lambda each: True) as again:
        assert again.is_done(name)


def test_a_full_disk_is_said_and_loses_no_line(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that did not fit is torn, and cut when the run is resumed."""
    new = RunLog.create(str(log), HEAD)
    new.append(line("a"))
    write = os.write

    def full(handle: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", none_left)
        return write(handle, data[:20])

    def none_left(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        new.append(line("b"))
    monkeypatch.undo()
    new.__exit__(None, None, None)
    assert log.read_text() == f"{HEAD}\n{line('a')}\n{line('b')[:20]}"
    assert resumed(log) == {"a"}


def test_a_resumption_that_fails_leaves_the_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = f"{HEAD}\n{line('a')}\n"
    log.write_text(data)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        resumed(log)
    assert log.read_text() == data
    assert list(log.parent.iterdir()) == [log]
