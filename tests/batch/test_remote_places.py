"""Stores as places: S3 by HTTP with a server that fails, and what other stores lack."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jpegredact.batch import remote
from jpegredact.batch.places import Place, open_place
from jpegredact.batch.remote import RemotePlace
from jpegredact.batch.retrying import Retrying
from jpegredact.errors import BatchError, UnsafeNameError

from .faulty_server import Faulty

Open = Callable[..., Place]
DATA = os.urandom(200_000)


@pytest.fixture
def place(s3: Open, faulty: Faulty) -> Place:
    place = s3()
    place.check_writable()
    faulty.plan()
    return place


def content(place: Place) -> dict[str, bytes]:
    return {entry.name: place.read(entry.name) for entry in place.walk()}


@pytest.mark.parametrize("fault", [500, 503, 409, "drop", "half-request"])
def test_a_write_that_fails_first_is_tried_again(
    place: Place, faulty: Faulty, fault: object
) -> None:
    for write in (place.write_new, place.write_replacing):
        faulty.plan(fault, fault, only=("PUT",))
        write("a.jpg", DATA)
        assert content(place) == {"a.jpg": DATA}
        place._fs.rm_file(f"{place._root}/a.jpg")


def test_how_much_is_read_of_what_begins_otherwise(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request each, but for what has an unlikely name, or is larger than most pictures."""
    pieces: list[int] = []
    piece = RemotePlace._piece

    def noted(self: RemotePlace, path: str, start: int, end: int) -> bytes:
        data = piece(self, path, start, end)
        pieces.append(len(data))
        return data

    monkeypatch.setattr(RemotePlace, "_piece", noted)
    monkeypatch.setattr(remote, "_FIRST", 1000)
    for size, likely, good, other in (
        (900, True, [900], [900]), (900, False, [2, 900], [2]),
        (1000, True, [1000, 1000], [1000]), (5000, True, [1000, 5000], [1000]),
        (5000, False, [2, 5000], [2]),
    ):  # fmt: skip
        for data, wanted in ((b"\xff\xd8" + bytes(size - 2), good), (bytes(size), other)):
            place.write_replacing("a", data)
            pieces.clear()
            read = place.read("a", 10_000, b"\xff\xd8", likely)
            assert read == (data if data[0] else b"\0\0")
            assert pieces == wanted


@pytest.mark.parametrize("fault", [500, "drop", "half"])
def test_a_read_that_fails_first_is_tried_again(
    place: Place, faulty: Faulty, fault: object
) -> None:
    place.write_new("a.jpg", DATA)
    faulty.plan(fault, fault)
    assert place.read("a.jpg") == DATA
    assert len(faulty.requests) == 3
    faulty.plan(fault)
    assert place.digest_of("a.jpg")
    faulty.plan(500)
    assert place.size_of("a.jpg") == len(DATA)
    faulty.plan(fault)
    assert [entry.name for entry in place.walk()] == ["a.jpg"]


def test_a_write_whose_answer_is_lost_is_our_own(place: Place, faulty: Faulty) -> None:
    faulty.plan("lost", only=("PUT",))
    place.write_new("a.jrdiff", DATA)
    assert faulty.requests.count(faulty.requests[0]) == 2
    assert place.write_new("a.jrdiff", DATA) is False
    faulty.plan("lost", only=("PUT",))
    with pytest.raises(FileExistsError):
        place.write_new("a.jrdiff", DATA[:-1] + b"!")
    assert content(place) == {"a.jrdiff": DATA}
    faulty.plan("lost", only=("PUT",))
    place.write_replacing("b.jpg", DATA)
    assert place.read("b.jpg") == DATA


@pytest.mark.parametrize("fault", [500, "half-request"])
def test_a_store_that_stays_broken(place: Place, faulty: Faulty, fault: object) -> None:
    """An error after a bounded number of tries, and nothing there."""
    for write in (place.write_new, place.write_replacing):
        faulty.plan(always=fault, only=("PUT",))
        with pytest.raises(OSError, match=r".") as caught:
            write("a.jpg", DATA)
        assert caught.value.filename == f"{place.url}/a.jpg"
        puts = [each for each in faulty.requests if each.startswith("PUT")]
        assert len(puts) in (5, 10)  # aiohttp sends a second one where a kept connection broke
        faulty.plan()
        assert content(place) == {}
    place.write_new("a.jpg", DATA)
    faulty.plan(always="half" if fault == "half-request" else fault)
    for call in (place.read, place.digest_of):
        with pytest.raises(OSError, match=r"."):
            call("a.jpg")
    with pytest.raises(OSError, match=r"."):
        list(place.walk())
    assert len(faulty.requests) in range(15, 31)


def test_what_is_forbidden_is_not_tried_again(place: Place, faulty: Faulty) -> None:
    place.write_new("a.jpg", b"one")
    for call in (
        lambda: place.read("a.jpg"),
        lambda: place.write_new("b.jpg", b"x"),
        lambda: list(place.walk()),
        lambda: place.size_of("a.jpg"),
        lambda: place.digest_of("a.jpg"),
    ):
        faulty.plan(always=403)
        with pytest.raises(PermissionError) as caught:
            call()
        assert len(faulty.requests) == 1
        assert place.url in str(caught.value)
        assert str(caught.value).count("Errno") == 1


def test_a_bucket_that_is_not_there(s3: Open) -> None:
    place = s3(bucket="nowhere")
    for call in (
        place.check_writable,
        lambda: place.write_new("a", b""),
        lambda: list(place.walk()),
        lambda: place.read("a"),
    ):
        with pytest.raises(FileNotFoundError):
            call()
    assert place.size_of("a") is None
    assert list(s3("nothing/here").walk()) == []


@pytest.mark.parametrize("method", ["write_new", "check_writable"])
def test_a_store_that_writes_over_others_is_refused(s3: Open, faulty: Faulty, method: str) -> None:
    """Some S3-compatible servers take no notice of If-None-Match."""
    faulty.plan(always="blind")
    place = s3()
    with pytest.raises(BatchError, match="wrote over") as caught:
        place.check_writable() if method == "check_writable" else place.write_new("a", b"")
    assert caught.value.code == "batch.exclusive"
    faulty.plan()
    assert content(s3()) == {}


def test_who_may_not_delete_may_write(s3: Open, faulty: Faulty) -> None:
    faulty.plan(always=403, only=("DELETE",))
    place = s3()
    place.check_writable()
    assert place.write_new("a.jrdiff", DATA) is True
    assert content(place) == {"a.jrdiff": DATA}
    faulty.plan()
    assert place.clean_up(-3600) == 1


def test_that_a_store_refuses_is_found_out_once(s3: Open, faulty: Faulty) -> None:
    import pickle

    place = s3()
    place.check_writable()
    faulty.plan()
    again = pickle.loads(pickle.dumps(place))
    for number in range(3):
        again.write_new(f"{number}", b"")
    assert len(faulty.requests) == 3


def test_pictures_and_diffs_in_different_buckets(s3: Open) -> None:
    pictures, diffs = s3(bucket="pictures"), s3(bucket="diffs")
    diffs.write_new("a.jrdiff", b"diff")
    pictures.write_new("a.jpg", b"picture")
    assert content(pictures) == {"a.jpg": b"picture"}
    assert content(diffs) == {"a.jrdiff": b"diff"}
    assert not pictures.contains(diffs)
    assert diffs.link_or_copy("b.jpg", pictures, "a.jpg") is True
    assert diffs.read("b.jpg") == b"picture"


@pytest.mark.slow
def test_a_large_object_is_one_request(place: Place, faulty: Faulty) -> None:
    """No upload in parts, which a killed process would leave behind."""
    data = bytes(120 << 20)
    assert place.write_new("a.jpg", data) is True
    assert len(faulty.requests) == 1
    faulty.plan()
    assert len(place.read("a.jpg")) == len(data)
    assert len(faulty.requests) == 1


def test_a_listing_of_several_pages(
    place: Place, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number % 5}/{number:02}.jpg" for number in range(25)]
    for name in names:
        place.write_new(name, b"")
    real = place._fs.call_s3
    monkeypatch.setattr(place._fs, "call_s3", lambda *a, **k: real(*a, **k, MaxKeys=4))
    faulty.plan(None, None, 500, "drop")
    assert [entry.name for entry in place.walk()] == sorted(names)
    assert len(faulty.requests) == 9


def test_keys_that_are_no_names(place: Place) -> None:
    """Markers of folders are left out; what is not safe is shown, and refused when read."""
    put = place._fs.call_s3
    bucket, _, root = place._root.partition("/")
    for key in ("folder/", "a//b.jpg", "../c.jpg", "d\\e.jpg", "full/", "f.jpg?versionId=1"):
        body = b"x" if key == "full/" else b""
        put("put_object", Bucket=bucket, Key=f"{root}/{key}", Body=body)
    found = [entry.name for entry in place.walk()]
    assert found == ["../c.jpg", "a//b.jpg", "d\\e.jpg", "f.jpg?versionId=1", "full/"]
    for name in found:
        with pytest.raises(UnsafeNameError):
            place.read(name)


def test_of_many_writers_one_wins(place: Place) -> None:
    results: list[object] = []

    def write(number: int) -> None:
        try:
            results.append(place.write_new("a.jrdiff", b"%d" % number))
        except FileExistsError:
            results.append(None)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["None"] * 5 + ["True"]


class TestCredentials:
    SECRETS = ("hush", "AKIAEXAMPLE", "very-secret")

    def test_of_options_are_never_shown(self, faulty: Faulty, s3: Open) -> None:
        options = {"key": "hush-key", "secret": "hush-secret", "endpoint_url": faulty.url}
        place = open_place("s3://pictures/x", options)
        faulty.plan(always=403)
        shown = [repr(place), place.url]
        for call in (place.check_writable, lambda: place.read("a"), lambda: list(place.walk())):
            with pytest.raises(PermissionError) as caught:
                call()
            shown += [str(caught.value), repr(caught.value), str(caught.value.filename)]
            assert caught.value.__cause__ is None
        assert not [text for text in shown for secret in self.SECRETS if secret in text]

    def test_of_urls_are_never_shown(self) -> None:
        place = RemotePlace("memory://me:hush@host/a", {}, Retrying())
        assert place.url == "memory://host/a"
        assert "hush" not in repr(place)
        text = place._scrubbed("ftp://me:hush@host and me:hush, hush, ?X-Amz-Signature=abc&b=1")
        assert text == "ftp://host and ***, ***, ?X-Amz-Signature=***&b=1"

    def test_without_any(self, s3: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        with pytest.raises(PermissionError, match="credentials"):
            open_place("s3://pictures/x").read("a.jpg")


def test_a_store_that_only_looks_before_it_writes_is_refused(monkeypatch) -> None:
    """The `pipe_file` that fsspec's classes inherit is no exclusive write."""
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.delattr(MemoryFileSystem, "pipe_file")
    place = open_place("memory://looks-first")
    with pytest.raises(BatchError, match="class can't") as caught:
        place.write_new("a", b"")
    assert caught.value.code == "batch.exclusive"
    assert list(place.walk()) == []


def test_two_endpoints_are_two_stores(s3: Open) -> None:
    a = open_place("s3://pictures/x", {"endpoint_url": "http://127.0.0.1:1"})
    b = open_place("s3://pictures/x/y", {"endpoint_url": "http://127.0.0.1:2"})
    assert not a.contains(b)
    assert open_place("s3://pictures/x", {"endpoint_url": "http://127.0.0.1:1/"}).contains(a)


def test_nobody_listens(s3: Open) -> None:
    waits: list[float] = []
    retrying = Retrying(tries=3, sleep=waits.append)
    place = open_place("s3://pictures/x", {"endpoint_url": "http://127.0.0.1:1"}, retrying=retrying)
    with pytest.raises(OSError, match="Could not connect") as caught:
        place.read("a.jpg")
    assert caught.value.errno == errno.EIO
    assert len(waits) == 2


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    for url in (tmp_path, f"memory:/{tmp_path}"):
        place = open_place(url)
        place.write_new("a.jpg", b"x")
        with pytest.raises(OSError, match=r"."):
            place.write_new("a.jpg/b.jpg", b"x")
        assert content(place) == {"a.jpg": b"x"}
