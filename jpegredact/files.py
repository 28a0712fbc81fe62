"""Files: read within limits, write whole or not at all.

An output appears under its name only when every byte of it is on the disk: a
0600 temporary beside the target, fsync, rename (or link, where nothing may be
replaced), fsync of the folder.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from .limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "Source",
    "default_diff_path",
    "diff_name",
    "is_jpeg",
    "make_folder",
    "read_source",
    "same_file",
    "sync_folder",
    "write_new",
    "write_replacing",
]

Source: TypeAlias = "Buffer | str | os.PathLike[str] | BinaryIO"
"""Bytes or what gives them (bytearray, memoryview, array), a path, or a binary file."""


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
    elif isinstance(source, str | os.PathLike):
        if "\0" in os.fspath(source):
            raise OSError(errno.EINVAL, "a path with a NUL character")
        with open(source, "rb") as file:
            data = _read(file.read, limits.max_bytes + 1)
    elif (read := getattr(source, "read", None)) is not None:
        data = _read(read, limits.max_bytes + 1)
    else:
        try:
            data = memoryview(cast("Buffer", source)).tobytes()
        except TypeError:
            raise TypeError(
                f"expected bytes, a path or a binary file, not {type(source).__name__}"
            ) from None
    if len(data) > limits.max_bytes:
        limits.check("max_bytes", len(data), "bytes or more")
    return data


def _read(read: Callable[[int], bytes], most: int) -> bytes:
    """Read to the end, or ``most`` bytes; a pipe may give them in pieces."""
    pieces = []
    while most > 0:
        piece = read(most)
        if not isinstance(piece, bytes):
            raise TypeError("the file must be opened in binary mode")
        if not piece:
            break
        pieces.append(piece)
        most -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def same_file(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> bool:
    """Whether two paths name the same file, links followed; neither needs to exist."""
    if os.path.realpath(a) == os.path.realpath(b):
        return True
    try:
        return os.path.samefile(a, b)
    except OSError:
        return False


def write_replacing(path: str | os.PathLike[str], data: bytes, mode: int | None = None) -> None:
    """Write a file, whole or not at all; an older one under this name is replaced.

    Not so an unblur-diff: that is a `FileExistsError`. A symbolic link stays
    one, and what it points to is replaced. ``mode`` defaults to what the older
    file has, or to 0666 less the umask.
    """
    if "\0" in os.fspath(path):
        raise OSError(errno.EINVAL, "a path with a NUL character")
    target = Path(os.path.realpath(path))
    if _is_diff(target):
        raise FileExistsError(
            errno.EEXIST, "an unblur-diff stands there, and a diff is never replaced", str(path)
        )
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
        if not target.is_file() or target.read_bytes() != data:
            raise
        with target.open("rb") as file:
            os.chmod(target, mode)
            os.fsync(file.fileno())
        sync_folder(target.parent)


def is_jpeg(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like a JPEG."""
    return _begins(Path(path), b"\xff\xd8")


def _is_diff(target: Path) -> bool:
    """Whether a file begins like an unblur-diff (the tag of self-described CBOR)."""
    return _begins(target, b"\xd9\xd9\xf7")


def _begins(target: Path, magic: bytes) -> bool:
    if not target.is_file():
        return False
    with target.open("rb") as file:
        return file.read(len(magic)) == magic


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
    if "\0" in str(target):
        raise OSError(errno.EINVAL, "a path with a NUL character")
    folder = target.parent
    make_folder(folder)
    temporary = str(folder / f".{target.name[:40]}.{os.urandom(8).hex()}.tmp")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.chmod(temporary, mode)
            os.fsync(file.fileno())
        publish(temporary, str(target))
        sync_folder(folder)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each made durable in its own parent."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    if os.name == "nt":  # a folder can't be opened there; renames are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def default_diff_path(source: str | os.PathLike[str], redacted_digest: str) -> Path:
    """Return where a diff goes unless told otherwise: beside its input, under a name of its own."""
    path = Path(source)
    return path.with_name(diff_name(path.name, redacted_digest))


def diff_name(picture: str, redacted_digest: str) -> str:
    """Return a diff's name.

    ``<input name>.<first 16 hex digits of the redacted file's SHA-256>.jrdiff``
    """
    return f"{picture}.{redacted_digest[:16]}.jrdiff"
