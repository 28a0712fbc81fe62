"""Folders as places: durable, private, never through a link, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jpegredact.batch import folder as folders
from jpegredact.batch.names import temporary_name
from jpegredact.batch.places import Place, open_place
from jpegredact.batch.retrying import Retrying
from jpegredact.errors import BatchError

NO_FILE = re.compile("symbolic link|regular file|directory")
posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and handles of POSIX")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_place(tmp_path / "root")


@pytest.fixture(params=["handles", "paths"])
def either(request, place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place that holds folders by handles, and one that names them by paths, as on Windows."""
    if request.param == "paths":
        monkeypatch.setattr(folders, "_BY_HANDLE", False)
    return place


def is_safe(path: Path) -> bool:
    return path.is_file() and path.name in ("new.jpg", "secret.jpg") and not path.is_symlink()


def everything(place: Place) -> list[str]:
    root = Path(place.url)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


class TestWholeAndDurable:
    def test_the_order_of_calls(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fsync of each new parent; fsync of the file, its name, fsync of the folder."""
        calls = _spied(monkeypatch)
        place.write_new("a/b/c.jpg", b"data")
        assert calls == [
            "mkdir root", "fsync folder",  # above the place
            "mkdir a", "fsync folder", "mkdir b", "fsync folder",
            "open temporary 600", "fsync file", "link c.jpg", "unlink temporary", "fsync folder",
        ]  # fmt: skip
        calls.clear()
        place.write_replacing("a/b/c.jpg", b"more")
        assert [call for call in calls if not call.startswith("mkdir")] == [
            "fsync folder", "fsync folder",  # once: who created these, and is it durable?
            "open temporary 600", "fsync file", "replace c.jpg", "unlink temporary",
            "fsync folder",
        ]  # fmt: skip
        calls.clear()
        place.write_new("a/b/d.jpg", b"data")
        assert calls.count("fsync folder") == 1

    @pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
    def test_the_order_of_system_calls(self, tmp_path: Path) -> None:
        code = (
            "from jpegredact.batch.places import open_place\n"
            f"p = open_place({str(tmp_path)!r})\n"
            "p.write_new('a/b.jrdiff', b'diff')\n"
            "p.write_replacing('a/b.jpg', b'picture')\n"
        )
        log = tmp_path / "strace.txt"
        wanted = "trace=mkdirat,openat,write,fchmod,fsync,linkat,renameat,renameat2,unlinkat"
        traced = ["strace", "-f", "-y", "-e", wanted, "-o", str(log), sys.executable, "-c", code]
        done = subprocess.run(traced, capture_output=True, check=False)
        if b"ptrace" in done.stderr:
            pytest.skip("strace may not trace here")
        assert done.returncode == 0, done.stderr
        text = log.read_text()
        found = re.findall(
            rf"(mkdirat|fsync|linkat|renameat2?|unlinkat)\(\w*<?({tmp_path}[^>]*)?.*= 0$",
            text[text.index("mkdirat(") :],
            re.MULTILINE,
        )
        shown = [
            f"{call.rstrip('2')} {'temporary' if '.jpegredact.' in path else Path(path).name}"
            for call, path in found
        ]
        root = tmp_path.name
        assert shown == [
            f"mkdirat {root}", f"fsync {root}",
            "fsync temporary", "linkat a", "unlinkat a", "fsync a",
            f"fsync {root}",
            "fsync temporary", "renameat a", "fsync a",
        ]  # fmt: skip

    @pytest.mark.parametrize("step", ["fsync", "link", "replace", "write", "fchmod"])
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
    def test_a_failure_leaves_what_was_there(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, step: str, code: int
    ) -> None:
        place.write_new("a.jpg", b"old")

        def fail(*_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code))

        if step == "write":
            monkeypatch.setattr(folders, "open", _failing_open(fail), raising=False)
        else:
            monkeypatch.setattr(os, step, fail)
        for name, write in (("a.jpg", place.write_replacing), ("b.jpg", place.write_new)):
            if step in ("link", "replace") and (step == "link") == (name == "a.jpg"):
                continue
            with pytest.raises(OSError, match=os.strerror(code)) as caught:
                write(name, b"new")
            assert caught.value.filename == os.path.join(place.url, name)  # noqa: PTH118
        monkeypatch.undo()
        assert place.read("a.jpg") == b"old"
        assert everything(place) == ["a.jpg"]

    def test_a_full_disk(self, small_disk: Path) -> None:
        place = open_place(small_disk / "out")
        place.write_new("a.jpg", b"old")
        large = os.urandom(1 << 20)
        for write in (place.write_new, place.write_replacing):
            for name in ("a.jpg", "b/c.jpg"):
                with pytest.raises(OSError, match="No space") as caught:
                    write(name, large)
                assert caught.value.errno == errno.ENOSPC
        assert place.read("a.jpg") == b"old"
        assert everything(place) == ["a.jpg"]
        assert place.write_new("b/c.jpg", b"small") is True

    def test_a_disk_that_can_only_be_read(self, small_disk: Path) -> None:
        place = open_place(small_disk)
        place.write_new("a.jpg", b"old")
        remount = ["mount", "-o", "remount,ro", str(small_disk)]
        subprocess.run(remount, check=True)
        for write in (place.write_new, place.write_replacing):
            for name in ("a.jpg", "b.jpg", "c/d.jpg"):
                with pytest.raises(OSError, match="Read-only") as caught:
                    write(name, b"new")
                assert caught.value.filename.endswith(name)
        with pytest.raises(OSError, match="Read-only"):
            place.check_writable()
        assert place.read("a.jpg") == b"old"

    def test_killed_at_any_moment(self, tmp_path: Path) -> None:
        """What has its name is whole; the rest are temporaries, which can be cleaned up."""
        code = (
            "import itertools, sys\n"
            "from jpegredact.batch.places import open_place\n"
            f"p = open_place({str(tmp_path)!r})\n"
            "print(flush=True)\n"
            "for i in itertools.count():\n"
            "    p.write_replacing(f'{i % 7}.jpg', bytes([i % 256]) * 300_000)\n"
            "    p.write_new(f'{sys.argv[1]}/{i}.jrdiff', bytes([i % 256]) * 300_000)\n"
        )
        for turn in range(4):
            child = subprocess.Popen(
                [sys.executable, "-c", code, str(turn)], stdout=subprocess.PIPE
            )
            child.stdout.readline()
            time.sleep(0.02 + turn * 0.013)
            child.kill()
            child.communicate()
        place = open_place(tmp_path)
        entries = list(place.walk())
        assert len(entries) > 4
        for entry in entries:
            assert len(set(place.read(entry.name))) == 1
            assert entry.size == 300_000
        place.clean_up(0)
        assert len(everything(place)) == len(entries)

    def test_of_many_writers_one_wins(self, either: Place) -> None:
        results: list[object] = []

        def write(number: int) -> None:
            try:
                results.append((number, open_place(either.url).write_new("d/a", b"%d" % number)))
            except FileExistsError:
                results.append(None)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [(winner, written)] = [result for result in results if result]
        assert written is True
        assert either.read("d/a") == b"%d" % winner
        assert everything(either) == ["d/a"]


def _spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def kind(name: object) -> str:
        last = Path(str(name)).name
        return "temporary" if last.startswith(".jpegredact.") else last

    def spy(call: str, what) -> None:
        real = getattr(os, call)

        def spied(*args, **more):
            result = real(*args, **more)  # only what succeeds
            if text := what(*args, **more):
                calls.append(f"{call} {text}")
            return result

        monkeypatch.setattr(os, call, spied)

    spy("fsync", lambda h: "folder" if stat.S_ISDIR(os.fstat(h).st_mode) else "file")
    spy("link", lambda a, b, **_: kind(b))
    spy("replace", lambda a, b, **_: kind(b))
    spy("mkdir", lambda a, *_, **__: kind(a))
    spy("open", lambda a, flags, mode=0, **_: flags & os.O_CREAT and f"{kind(a)} {mode:o}")
    real_unlink = os.unlink

    def unlink(name, **more):
        calls.append(f"unlink {kind(name)}")
        real_unlink(name, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    return calls


def _failing_open(fail):
    class Failing:
        def __init__(self, handle: int, mode: str) -> None:
            self._file = open(handle, mode)  # noqa: SIM115
            self.write = fail if "w" in mode else self._file.write

        def __getattr__(self, name: str) -> object:
            return getattr(self._file, name)

        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    return Failing


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if not done or done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class TestWithoutHardLinks:
    @pytest.fixture(autouse=True)
    def _no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(a: object, b: object, **more: object) -> None:
            if os.path.lexists(str(b)):
                raise FileExistsError(errno.EEXIST, "File exists")
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)

    def test_nothing_is_written_over(self, either: Place) -> None:
        assert either.write_new("a", b"one") is True
        assert either.write_new("a", b"one") is False
        with pytest.raises(FileExistsError):
            either.write_new("a", b"two")
        assert either.read("a") == b"one"
        assert everything(either) == ["a"]

    def test_what_a_killed_run_reserved_is_filled(self, either: Place) -> None:
        either.write_new("b", b"")
        assert either.write_new("b", b"one") is True
        assert either.read("b") == b"one"

    def test_passing_on_copies(self, place: Place, tmp_path: Path) -> None:
        place.write_new("a", b"one")
        other = open_place(tmp_path / "other")
        assert other.link_or_copy("b", place, "a") is True
        assert other.read("b") == b"one"


@posix
class TestPrivate:
    def test_modes(self, place: Place) -> None:
        old = os.umask(0o027)
        try:
            place = open_place(place.url)
            place.write_new("a", b"")
            place.write_new("b", b"", mode=0o644)
            place.write_replacing("c", b"", mode=0o666)
            place.write_new("b", b"", mode=0o600)
        finally:
            os.umask(old)
        modes = [Path(place.url, name).stat().st_mode & 0o777 for name in "abc"]
        assert modes == [0o600, 0o600, 0o640]

    def test_the_umask_stays(self, tmp_path: Path) -> None:
        old = os.umask(0o022)
        open_place(tmp_path)
        assert os.umask(old) == 0o022


@posix
class TestLinks:
    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Path:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        (folder / "secret.jpg").write_bytes(b"secret")
        return folder

    @pytest.fixture
    def root(self, place: Place) -> Path:
        root = Path(place.url)
        root.mkdir()
        return root

    def test_a_walk_says_that_it_skips_them(
        self, either: Place, root: Path, elsewhere: Path
    ) -> None:
        (root / "a.jpg").write_bytes(b"1")
        (root / "file.jpg").symlink_to(elsewhere / "secret.jpg")
        (root / "folder").symlink_to(elsewhere)
        (root / "gone").symlink_to("nowhere")
        (root / "loop").symlink_to(root)
        os.mkfifo(root / "pipe")
        found = [(entry.name, entry.skipped) for entry in either.walk()]
        assert found == [
            ("a.jpg", None), ("file.jpg", "link"), ("folder", "link"), ("gone", "link"),
            ("loop", "link"), ("pipe", "special"),
        ]  # fmt: skip

    @pytest.mark.parametrize("name", ["file.jpg", "folder/secret.jpg", "pipe", "d"])
    def test_nothing_is_read_through_them(
        self, either: Place, root: Path, elsewhere: Path, name: str
    ) -> None:
        (root / "file.jpg").symlink_to(elsewhere / "secret.jpg")
        (root / "folder").symlink_to(elsewhere)
        os.mkfifo(root / "pipe")
        (root / "d").mkdir()
        for call in (either.read, either.digest_of, either.size_of):
            with pytest.raises(OSError, match=NO_FILE):
                call(name)
        other = open_place(root.parent / "other")
        with pytest.raises(OSError, match=NO_FILE):
            other.link_or_copy("a.jpg", either, name)
        assert not (root.parent / "other" / "a.jpg").exists()

    def test_nothing_is_written_through_them(
        self, either: Place, root: Path, elsewhere: Path
    ) -> None:
        (root / "file.jpg").symlink_to(elsewhere / "secret.jpg")
        (root / "new.jpg").symlink_to(elsewhere / "new.jpg")
        (root / "folder").symlink_to(elsewhere)
        for name in ("file.jpg", "new.jpg"):
            with pytest.raises(FileExistsError):
                either.write_new(name, b"secret")
        for write in (either.write_new, either.write_replacing):
            for name in ("folder/new.jpg", "folder/secret.jpg", "folder/deep/new.jpg"):
                with pytest.raises(OSError, match="symbolic link") as caught:
                    write(name, b"new")
                assert caught.value.filename == str(root / "folder")
        either.write_replacing("file.jpg", b"new")  # the link is replaced, not its target
        assert not (root / "file.jpg").is_symlink()
        assert [path.name for path in elsewhere.iterdir()] == ["secret.jpg"]
        assert (elsewhere / "secret.jpg").read_bytes() == b"secret"

    def test_a_root_that_became_a_link(self, either: Place, root: Path, elsewhere: Path) -> None:
        root.rmdir()
        root.symlink_to(elsewhere)
        with pytest.raises(OSError, match="symbolic link"):
            either.write_new("new.jpg", b"new")
        with pytest.raises(OSError, match="symbolic link"):
            either.read("secret.jpg")
        assert [path.name for path in elsewhere.iterdir()] == ["secret.jpg"]

    def test_a_path_to_the_root_may_have_links(self, tmp_path: Path, elsewhere: Path) -> None:
        (tmp_path / "short").symlink_to(elsewhere)
        place = open_place(tmp_path / "short")
        assert place.url == str(elsewhere)
        assert place.read("secret.jpg") == b"secret"

    @pytest.mark.parametrize("moment", ["enter", "create", "link", "replace", "open", "remove"])
    def test_a_folder_that_turns_into_a_link_meanwhile(
        self,
        place: Place,
        root: Path,
        elsewhere: Path,
        monkeypatch: pytest.MonkeyPatch,
        moment: str,
    ) -> None:
        """Someone who may write there swaps it at the worst moment; nothing gets out."""
        (root / "real").mkdir()
        real_step = getattr(folders.Folder, moment)

        def swapped(self, *args):
            if not (root / "aside").exists():
                (root / "real").rename(root / "aside")
                (root / "real").symlink_to(elsewhere)
            return real_step(self, *args)

        for call in (
            lambda: place.write_new("real/new.jpg", b"new"),
            lambda: place.write_replacing("real/secret.jpg", b"new"),
            lambda: place.read("real/secret.jpg"),
            lambda: place.digest_of("real/secret.jpg"),
        ):
            monkeypatch.setattr(folders.Folder, moment, swapped)
            with contextlib.suppress(OSError):  # or it went to the folder that was moved away
                assert call() != b"secret"
            monkeypatch.undo()
            if (root / "aside").exists():
                (root / "real").unlink()
                (root / "aside").rename(root / "real")
            assert [path.name for path in elsewhere.iterdir()] == ["secret.jpg"]
            assert (elsewhere / "secret.jpg").read_bytes() == b"secret"
        assert all(is_safe(path) for path in (root / "real").iterdir())

    def test_a_temporary_that_is_a_link_is_not_cleaned_up_through(
        self, either: Place, root: Path, elsewhere: Path
    ) -> None:
        (root / temporary_name()).symlink_to(elsewhere / "secret.jpg")
        (root / "folder").symlink_to(elsewhere)
        (elsewhere / temporary_name()).touch()
        assert either.clean_up(-10) == 0
        assert len(list(elsewhere.iterdir())) == 2


class TestPassingOn:
    @posix
    def test_a_link_is_the_same_file(self, place: Place, tmp_path: Path) -> None:
        place.write_new("a/b.jpg", b"one", mode=0o640)
        other = open_place(tmp_path / "other")
        assert other.link_or_copy("c/d.jpg", place, "a/b.jpg") is True
        assert Path(other.url, "c/d.jpg").samefile(Path(place.url, "a/b.jpg"))
        assert everything(other) == ["c/d.jpg"]

    @posix
    def test_a_source_that_turns_into_a_link_meanwhile(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.write_new("a.jpg", b"one")
        other = open_place(tmp_path / "other")
        real = folders.Folder.link

        def swapped(self, *args) -> None:
            path = Path(place.url, "a.jpg")
            if not path.is_symlink():
                path.unlink()
                path.symlink_to("/etc/passwd")
            real(self, *args)

        monkeypatch.setattr(folders.Folder, "link", swapped)
        with pytest.raises(OSError, match="replaced"):
            other.link_or_copy("b.jpg", place, "a.jpg")
        assert everything(other) == []

    def test_across_disks_it_is_a_copy(self, place: Place, small_disk: Path) -> None:
        place.write_new("a.jpg", b"one")
        other = open_place(small_disk)
        assert other.link_or_copy("b.jpg", place, "a.jpg") is True
        assert other.link_or_copy("b.jpg", place, "a.jpg") is False
        assert other.read("b.jpg") == b"one"
        assert Path(small_disk, "b.jpg").stat().st_nlink == 1


class TestLock:
    def test_it_leaves_nothing(self, either: Place) -> None:
        with either.lock(), pytest.raises(BatchError) as caught, open_place(either.url).lock():
            pass
        assert caught.value.code == "batch.locked"
        assert either.url in str(caught.value)
        assert everything(either) == []

    def test_a_killed_process_holds_nothing(self, place: Place) -> None:
        code = (
            "import sys\nfrom jpegredact.batch.places import open_place\n"
            f"with open_place({place.url!r}).lock():\n"
            "    print(flush=True)\n    sys.stdin.read()\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdout.readline()
        with pytest.raises(BatchError), place.lock():
            pass
        child.kill()
        child.communicate()
        assert everything(place) == [".jpegredact.lock"]
        with place.lock():
            pass
        assert everything(place) == []

    @posix
    def test_a_lock_that_is_a_link(self, place: Place, tmp_path: Path) -> None:
        Path(place.url).mkdir()
        Path(place.url, ".jpegredact.lock").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic"), place.lock():
            pass
        assert not (tmp_path / "elsewhere").exists()

    def test_only_one_of_many_has_it(self, place: Place) -> None:
        inside: list[int] = []
        most: list[int] = []

        def work() -> None:
            for _ in range(30):
                try:
                    with open_place(place.url).lock():
                        inside.append(1)
                        most.append(len(inside))
                        inside.pop()
                except BatchError:
                    pass

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(most) == 1


class TestWalk:
    def test_both_ways_are_the_same(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("b/c.jpg", "a.jpg", "b.jpg", "b-c/d.jpg", "b0"):
            place.write_new(name, b"")
        (Path(place.url) / "empty").mkdir()
        by_handle = list(place.walk())
        monkeypatch.setattr(folders, "_BY_HANDLE", False)
        assert list(place.walk()) == by_handle
        assert [entry.name for entry in by_handle] == [
            "a.jpg", "b-c/d.jpg", "b.jpg", "b/c.jpg", "b0",
        ]  # fmt: skip

    @pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
    def test_a_name_that_is_no_utf_8_is_shown_and_not_read(self, place: Place) -> None:
        place.check_writable()
        Path(os.fsdecode(os.fsencode(place.url) + b"/a\xff.jpg")).write_bytes(b"")
        [entry] = place.walk()
        assert entry.name == "a\udcff.jpg"
        with pytest.raises(BatchError, match="UTF-8"):
            place.read(entry.name)

    def test_without_a_folder(self, place: Place) -> None:
        with pytest.raises(FileNotFoundError):
            list(place.walk())

    def test_a_folder_that_can_not_be_listed(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a.jpg", "b/c.jpg", "d.jpg"):
            place.write_new(name, b"")
        real = folders.Folder.enter

        def enter(self, name: str):
            if name == "b":
                raise PermissionError(errno.EACCES, "Permission denied", self.shown(name))
            return real(self, name)

        monkeypatch.setattr(folders.Folder, "enter", enter)
        found = [(entry.name, entry.skipped) for entry in place.walk()]
        assert found == [("a.jpg", None), ("b/", "unreadable"), ("d.jpg", None)]

    def test_a_file_that_can_not_be_looked_at(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            place.write_new(name, b"")
        real = folders.Folder.stat

        def look(self, name: str):
            if name == "b.jpg":
                raise PermissionError(errno.EACCES, "Permission denied", self.shown(name))
            return real(self, name)

        monkeypatch.setattr(folders.Folder, "stat", look)
        found = [(entry.name, entry.skipped) for entry in place.walk()]
        assert found == [("a.jpg", None), ("b.jpg", "unreadable"), ("c.jpg", None)]

    @pytest.mark.skipif(not folders._BY_HANDLE, reason="paths end sooner")
    def test_a_bottomless_tree(self, place: Place) -> None:
        """Deeper than a name may be."""
        place.write_new("z.jpg", b"")
        handle = os.open(place.url, os.O_RDONLY)
        for _ in range(700):
            os.mkdir("d", dir_fd=handle)
            inner = os.open("d", os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = inner
        os.close(handle)
        try:
            [deep, last] = place.walk()
            assert place.clean_up(0) == 0
        finally:
            subprocess.run(["rm", "-rf", place.url], check=True)  # pytest's own would recurse
        assert deep.skipped == "unreadable"
        assert len(deep.name) == 1026
        assert last.name == "z.jpg"

    def test_what_goes_meanwhile(self, place: Place) -> None:
        for name in ("a.jpg", "b/c.jpg", "d/e.jpg", "f.jpg"):
            place.write_new(name, b"")
        walk = place.walk()
        assert next(walk).name == "a.jpg"
        shutil.rmtree(Path(place.url, "b"))
        Path(place.url, "f.jpg").unlink()
        assert [entry.name for entry in walk] == ["d/e.jpg"]

    @posix
    def test_a_place_inside_by_another_path(self, place: Place, tmp_path: Path) -> None:
        place.write_new("out/a.jpg", b"")
        place.write_new("b.jpg", b"")
        (tmp_path / "link").symlink_to(Path(place.url, "out"))
        out = open_place(tmp_path / "link")
        assert [entry.name for entry in place.walk([out])] == ["b.jpg"]
        assert place.contains(out)

    def test_many_files_and_deep_folders(self, place: Place) -> None:
        root = Path(place.url)
        for folder, count in (("a", 3), ("b", 1100)):
            (root / folder).mkdir(parents=True)
            for number in range(count):
                (root / folder / f"{number}.jpg").touch()
        deep = "/".join(["d" * 9] * 50) + "/a.jpg"
        place.write_new(deep, b"")
        names = [entry.name for entry in place.walk()]
        assert len(names) == 1104
        assert names == sorted(names)
        assert names[-1] == deep


def test_a_read_is_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders may be far away, too."""
    waits: list[float] = []
    place = open_place(place.url, retrying=Retrying(sleep=waits.append))
    place.write_new("a.jpg", b"one")
    real = folders.Folder.open

    def flaky(self, name: str):
        if len(waits) < 2:
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(self, name)

    monkeypatch.setattr(folders.Folder, "open", flaky)
    assert place.read("a.jpg") == b"one"
    assert len(waits) == 2
