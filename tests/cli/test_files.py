"""Guarantee G6: outputs appear whole or not at all, and a diff is never replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jpegredact import files


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_whole_and_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of calls: fsync the file, rename, fsync the folder."""
    calls: list[str] = []
    target = tmp_path / "a.jpg"
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        calls.append(f"fsync {kind}, named {target.exists()}")
        fsync(handle)

    def spy_replace(a: str, b: str) -> None:
        calls.append("rename")
        replace(a, b)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    files.write_replacing(target, b"data")
    assert calls == ["fsync file, named False", "rename", "fsync folder, named True"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        files.write_replacing(target, b"new")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.jpg"]


def test_a_new_file_is_private_and_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "a.jrdiff"
    files.write_new(target, b"one")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    files.write_new(target, b"one")
    with pytest.raises(FileExistsError):
        files.write_new(target, b"two")
    assert target.read_bytes() == b"one"
    assert names(target.parent) == ["a.jrdiff"]


def test_without_hard_links_nothing_is_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    files.write_new(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        sources = [b"abc", bytearray(b"abc"), memoryview(b"abc"), path, str(path), file]
        assert [files.read_source(source) for source in sources] == [b"abc"] * 6
    with path.open() as text, pytest.raises(TypeError):
        files.read_source(text)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        files.read_source(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("character", ["a", "é", "\U0001f600"])
def test_names_as_long_as_a_folder_takes(tmp_path, character) -> None:
    name = character * ((255 - 4) // len(character.encode())) + ".jpg"
    files.write_replacing(tmp_path / name, b"x")
    assert (tmp_path / name).read_bytes() == b"x"
