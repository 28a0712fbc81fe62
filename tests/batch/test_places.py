"""What every kind of place promises: folders, fsspec's memory, and S3 by HTTP."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jpegredact.batch.names import temporary_name
from jpegredact.batch.places import Entry, Place, open_place
from jpegredact.errors import BatchError, LimitExceededError, UnsafeNameError

Open = Callable[..., Place]


def names(place: Place, leave_out: tuple[Place, ...] = ()) -> list[str]:
    return [entry.name for entry in place.walk(leave_out)]


def test_what_is_written_is_there(opened: Open) -> None:
    place = opened()
    place.check_writable()
    assert place.write_new("a/b/c.jpg", b"some bytes") is True
    assert place.read("a/b/c.jpg") == b"some bytes"
    assert place.size_of("a/b/c.jpg") == 10
    assert place.digest_of("a/b/c.jpg") == hashlib.sha256(b"some bytes").digest()
    assert names(place) == ["a/b/c.jpg"]


def test_nothing_is_written_over(opened: Open) -> None:
    place = opened()
    assert place.write_new("a.jrdiff", b"one") is True
    assert place.write_new("a.jrdiff", b"one") is False
    for other in (b"two", b"one and more", b""):
        with pytest.raises(FileExistsError) as caught:
            place.write_new("a.jrdiff", other)
        assert caught.value.filename.endswith("a.jrdiff")
        assert place.url in caught.value.filename
    assert place.read("a.jrdiff") == b"one"


def test_a_picture_is_replaced_and_a_diff_is_not(opened: Open) -> None:
    place = opened()
    place.write_replacing("a.jpg", b"one")
    place.write_replacing("a.jpg", b"two")
    assert place.read("a.jpg") == b"two"
    place.write_new("b.jrdiff", b"\xd9\xd9\xf7 a diff")
    with pytest.raises(FileExistsError, match="diff"):
        place.write_replacing("b.jrdiff", b"new")
    assert place.read("b.jrdiff") == b"\xd9\xd9\xf7 a diff"
    assert names(place) == ["a.jpg", "b.jrdiff"]


def test_what_is_not_there(opened: Open) -> None:
    place = opened()
    place.write_new("a.jpg", b"x")
    for name in ("b.jpg", "no/such/folder.jpg"):
        assert place.size_of(name) is None
        assert place.digest_of(name) is None
        with pytest.raises(FileNotFoundError) as caught:
            place.read(name)
        assert caught.value.filename.endswith(name)


def test_an_empty_file(opened: Open) -> None:
    place = opened()
    assert place.write_new("empty.jpg", b"") is True
    assert place.write_new("empty.jpg", b"") is False
    assert place.read("empty.jpg") == b""
    assert place.size_of("empty.jpg") == 0
    assert place.digest_of("empty.jpg") == hashlib.sha256().digest()


def test_how_a_file_begins_is_seen_before_it_is_read(opened: Open) -> None:
    place = opened()
    data = b"\xff\xd8 and more"
    for name, content in {"a": data, "b": b"GIF89a", "c": b"\xff", "d": b""}.items():
        place.write_new(name, content)
    for likely in (True, False):
        assert place.read("a", 100, b"\xff\xd8", likely) == data
        for most in (100, 3):
            assert place.read("b", most, b"\xff\xd8", likely) == b"GI"
            assert place.read("c", most, b"\xff\xd8", likely) == b"\xff"
            assert place.read("d", most, b"\xff\xd8", likely) == b""
        with pytest.raises(LimitExceededError):
            place.read("a", 3, b"\xff\xd8", likely)


def test_a_file_that_is_too_large(opened: Open) -> None:
    place = opened()
    place.write_new("a.jpg", b"12345")
    assert place.read("a.jpg", 5) == b"12345"
    with pytest.raises(LimitExceededError, match=r"a\.jpg: more than 4 bytes") as caught:
        place.read("a.jpg", 4)
    assert caught.value.code == "limit.bytes"


def test_a_digest_of_several_pieces(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jpegredact.batch.remote._PIECE", 1000)
    place = opened()
    for size in (999, 1000, 1001, 3000, 3001):
        data = os.urandom(size)
        place.write_new(f"{size}.jpg", data)
        assert place.digest_of(f"{size}.jpg") == hashlib.sha256(data).digest()


ODD = [
    "#.jpg", "%41.jpg", "+ +.jpg", "*.jpg", "?.jpg", "[a].jpg", "{}.jpg", "~", "ü/ü.jpg",
    "u\u0308/ü.jpg", "照片.jpg", "😀.jpg", "a&b=c;d.jpg", "x" * 200, "'\".jpg", "<>.jpg", "$(x)",
]  # fmt: skip


def test_odd_names(opened: Open) -> None:
    place = opened()
    for name in ODD:
        assert place.write_new(name, name.encode()) is True
    for name in ODD:
        assert place.read(name) == name.encode()
        assert place.size_of(name) == len(name.encode())
    assert names(place) == sorted(ODD, key=str.encode)


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a//b.jpg", "a\\b.jpg", "", "nul.jpg"])
def test_unsafe_names_reach_no_place(opened: Open, name: str) -> None:
    place = opened("inner")
    for call in (
        lambda: place.write_new(name, b""),
        lambda: place.write_replacing(name, b""),
        lambda: place.read(name),
        lambda: place.size_of(name),
        lambda: place.digest_of(name),
        lambda: place.link_or_copy(name, place, "a.jpg"),
        lambda: place.link_or_copy("a.jpg", place, name),
    ):
        with pytest.raises(UnsafeNameError):
            call()


TREE = ["a-c.jpg", "a/b/c.jpg", "a/c/d/e.jpg", "a.jpg", "a0.jpg", "b.jpg", "ab/x", "é"]


def test_the_order_of_a_walk_is_that_of_the_names_bytes(opened: Open) -> None:
    place = opened()
    for name in reversed(TREE):
        place.write_new(name, b"12")
    entries = list(place.walk())
    assert [entry.name for entry in entries] == sorted(TREE, key=str.encode)
    assert all(entry.size == 2 and entry.skipped is None for entry in entries)
    assert entries == list(place.walk())


def test_a_change_can_be_seen(opened: Open) -> None:
    place = opened()
    place.write_new("a.jpg", b"12")
    [before] = place.walk()
    place.write_replacing("a.jpg", b"21")
    [after] = place.walk()
    assert before.etag_or_mtime
    assert before.etag_or_mtime != after.etag_or_mtime


def test_places_inside_are_left_out(opened: Open) -> None:
    place = opened()
    for name in ("a.jpg", "out/a.jpg", "out/deep/b.jpg", "output/a.jpg", "x/diffs/c", "y/diffs/d"):
        place.write_new(name, b"")
    left_out = (opened("out"), opened("x/diffs"), opened("nothing/here"))
    assert names(place, left_out) == ["a.jpg", "output/a.jpg", "y/diffs/d"]
    assert names(opened("out"), (place, opened("out"))) == ["a.jpg", "deep/b.jpg"]


def test_what_contains_what(opened: Open, tmp_path: Path) -> None:
    place = opened("a")
    assert place.contains(place)
    assert place.contains(opened("a/b/c"))
    assert not place.contains(opened())
    assert not place.contains(opened("ab"))
    assert not place.contains(open_place("memory://elsewhere/a"))
    assert not place.contains(open_place(tmp_path / "elsewhere" / "a"))


def test_our_temporaries_are_left_out_and_cleaned_up(opened: Open) -> None:
    place = opened()
    place.write_new("a.jpg", b"")
    for folder in ("", "d/"):
        _put(place, folder + temporary_name())
    _put(place, ".jpegredact.lock")
    for name in (".a.tmp", ".jpegredact.0123.tmp", ".a.jpg.0123456789abcdef.tmp", "d/b.jpg"):
        place.write_new(name, b"")
    kept = [".a.jpg.0123456789abcdef.tmp", ".a.tmp", ".jpegredact.0123.tmp", "a.jpg", "d/b.jpg"]
    assert names(place) == kept
    assert place.clean_up(3600) == 0
    assert place.clean_up(-3600) == (2 if place.is_local else 1)  # stores have none in folders
    assert names(place) == kept
    assert opened("nothing").clean_up(0) == 0


def _put(place: Place, name: str) -> None:
    """Write what a place itself would refuse to."""
    if place.is_local:
        path = Path(place.url, name)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    else:
        place._fs.pipe_file(f"{place._root}/{name}", b"")


def test_passing_on_untouched(opened: Open) -> None:
    source, target = opened("source"), opened("target")
    source.write_new("d/a.jpg", b"one")
    source.write_new("d/same.jpg", b"one")
    source.write_new("d/b.jpg", b"two")
    assert target.link_or_copy("x/a.jpg", source, "d/a.jpg") is True
    assert target.link_or_copy("x/a.jpg", source, "d/a.jpg") is False
    assert target.link_or_copy("x/a.jpg", source, "d/same.jpg") is False
    with pytest.raises(FileExistsError):
        target.link_or_copy("x/a.jpg", source, "d/b.jpg")
    with pytest.raises(FileNotFoundError):
        target.link_or_copy("x/c.jpg", source, "d/c.jpg")
    assert names(target) == ["x/a.jpg"]
    assert target.read("x/a.jpg") == b"one"


def test_passing_on_to_another_kind_of_place(opened: Open, tmp_path: Path) -> None:
    place, other = opened("a"), open_place(tmp_path / "other")
    place.write_new("a.jpg", b"one")
    assert other.link_or_copy("b.jpg", place, "a.jpg") is True
    assert place.link_or_copy("c.jpg", other, "b.jpg") is True
    assert place.read("c.jpg") == b"one"


def test_a_place_can_be_pickled(opened: Open) -> None:
    place = opened()
    place.write_new("a.jpg", b"one")
    again = pickle.loads(pickle.dumps(place))
    assert again.url == place.url
    assert again.read("a.jpg") == b"one"
    assert again.contains(place)
    assert place.contains(again)


CHILD = """
import pickle, sys
place = pickle.load(sys.stdin.buffer)
assert place.read("a.jpg") == b"one"
assert place.write_new("b.jpg", b"two")
"""


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_spawned_process_can_go_on_with_it(kind: str, request, tmp_path: Path) -> None:
    place = open_place(tmp_path) if kind == "local" else request.getfixturevalue("s3")()
    place = open_place(place.url)  # the plain way: all else is in the environment
    place.write_new("a.jpg", b"one")
    subprocess.run([sys.executable, "-c", CHILD], input=pickle.dumps(place), check=True)
    assert place.read("b.jpg") == b"two"


def test_only_folders_are_locked(opened: Open) -> None:
    place = opened()
    with place.lock():
        if place.is_local:
            with pytest.raises(BatchError) as caught, opened().lock():
                pass
            assert caught.value.code == "batch.locked"
        else:
            with opened().lock():
                pass
        assert place.write_new("a.jpg", b"")
        assert names(place) == ["a.jpg"]
    with place.lock():
        pass


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "batch.place"),
        ("a\0b", "batch.place"),
        ("nosuch://a/b", "batch.place"),
        ("s3://", "batch.place"),
        ("file://host/a", "batch.place"),
        ("simplecache::memory://a", "batch.place"),
    ],
)
def test_urls_that_are_no_place(url: str, code: str) -> None:
    with pytest.raises(BatchError) as caught:
        open_place(url)
    assert caught.value.code == code


def test_file_urls_are_folders(tmp_path: Path) -> None:
    folder = tmp_path / "with space #1"
    place = open_place(folder.as_uri())
    assert place.is_local
    assert place.write_new("a.jpg", b"") is True
    assert (folder / "a.jpg").is_file()
    assert open_place(f"file://localhost{tmp_path}").contains(place)


def test_without_fsspec_only_urls_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    assert open_place(tmp_path).is_local
    with pytest.raises(BatchError, match="fsspec") as caught:
        open_place("s3://bucket/prefix")
    assert caught.value.code == "batch.extra"
    assert "jpegredact[batch]" in str(caught.value.hint)


def test_local_places_load_no_fsspec(tmp_path: Path) -> None:
    code = (
        "import sys; from jpegredact.batch.places import open_place;"
        f"open_place({str(tmp_path)!r}).write_new('a.jpg', b'');"
        "assert not {'fsspec', 's3fs', 'asyncio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_entries_are_plain() -> None:
    entry = Entry("a.jpg", 3, "x")
    assert entry == ("a.jpg", 3, "x", None)
    assert pickle.loads(pickle.dumps(entry)) == entry
