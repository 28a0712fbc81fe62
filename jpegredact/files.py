"""Files: read within limits, write whole or not at all.

An output appears under its name only when every byte of it is on the disk: a
0600 temporary beside the target, fsync, rename (or link, where nothing may be
replaced), fsync of the folder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .limits import DEFAULT_LIMITS, Limits

__all__ = [
    "Source",
    "default_diff_path",
    "read_source",
    "same_file",
    "write_new",
    "write_replacing",
]

Source = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
"""Bytes, a path, or a binary file."""


def read_source(source: Source, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the bytes of a source.

    Raises
    ------
    LimitExceededError
        There are more than ``limits.max_bytes``.
    OSError
        A path that can't be read.
    """
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            data = file.read(limits.max_bytes + 1)
    elif hasattr(source, "read"):
        data = source.read(limits.max_bytes + 1)
        if not isinstance(data, bytes):
            raise TypeError("the file must be opened in binary mode")
    else:
        raise TypeError(f"expected bytes, a path or a binary file, not {type(source).__name__}")
    if len(data) > limits.max_bytes:
        limits.check("max_bytes", len(data), "bytes or more")
    return data


def same_file(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> bool:
    """Whether two paths name the same existing file."""
    try:
        return os.path.samefile(a, b)
    except OSError:
        return False


def write_replacing(path: str | os.PathLike[str], data: bytes, mode: int | None = None) -> None:
    """Write a file, whole or not at all; an older one under this name is replaced.

    ``mode`` defaults to what the older file has, or to 0666 less the umask.
    """
    target = Path(path)
    if mode is None:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    _write(target, data, mode, os.replace)


def write_new(path: str | os.PathLike[str], data: bytes, mode: int = 0o600) -> None:
    """Write a file, whole or not at all; `FileExistsError` if there is one with other bytes.

    The very same bytes under that name are as good as written.
    """
    target = Path(path)
    try:
        _write(target, data, mode, _link)
    except FileExistsError:
        if target.read_bytes() != data:
            raise


def _link(temporary: str, target: str) -> None:
    """Give a file its name only if nothing has it; leaves the temporary to be removed."""
    try:
        os.link(temporary, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # no hard links here: reserve the name, then replace what we reserved
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(temporary, target)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _write(target: Path, data: bytes, mode: int, publish: Callable[[str, str], Any]) -> None:
    folder = target.parent
    _make_folder(folder)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:64]}.", suffix=".tmp", dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.chmod(temporary, mode)
            os.fsync(file.fileno())
        publish(temporary, str(target))
        _sync_folder(folder)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each made durable in its own parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder can't be opened there; renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def default_diff_path(source: str | os.PathLike[str], redacted_digest: str) -> Path:
    """Return where a diff goes unless told otherwise: beside its input, under a name of its own.

    ``<input name>.<first 16 hex digits of the redacted file's SHA-256>.jrdiff``
    """
    path = Path(source)
    return path.with_name(f"{path.name}.{redacted_digest[:16]}.jrdiff")
