"""A folder held by its handle: what is in it is named without a path, and no link is followed.

Where the system has no such calls (Windows), the same by path, each part looked at first; that
is no defence against someone who can write there at the very same time.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BufferedWriter
from typing import Any

__all__ = ["Folder", "sync_file"]

_BY_HANDLE = (
    {os.open, os.stat, os.unlink, os.link, os.mkdir, os.rename} <= os.supports_dir_fd
    and os.scandir in os.supports_fd
    and hasattr(os, "O_NOFOLLOW")
)
_LISTED = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_REPARSE_POINT = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT: links and junctions of Windows


class Folder:
    """A folder that is open; to be closed (``with``)."""

    def __init__(self, path: str, handle: int | None) -> None:
        self.path = path  # for messages, and for calls where there is no handle
        self._handle = handle

    @classmethod
    def at(cls, path: str) -> Folder:
        """Open a folder by its path; the last part of it is not followed."""
        handle = None
        if _BY_HANDLE:
            handle = _open_folder(path, path, None)
        else:
            _refuse_link(os.lstat(path), path)
        return cls(path, handle)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def shown(self, name: str) -> str:
        """Return the whole path, for messages."""
        return os.path.join(self.path, name)

    def enter(self, name: str) -> Folder:
        """Open a folder in this one.

        Raises
        ------
        OSError
            There is none, or it is a link to one.
        """
        path = self.shown(name)
        if self._handle is None:
            _refuse_link(os.lstat(path), path)
            return Folder(path, None)
        return Folder(path, _open_folder(name, path, self._handle))

    def make(self, name: str) -> bool:
        """Create a folder in this one, durably; False if there is something of that name."""
        try:
            os.mkdir(self._at(name), dir_fd=self._handle)
        except FileExistsError:
            return False
        self.sync()
        return True

    def open(self, name: str) -> BufferedReader:
        """Open a regular file for reading.

        Raises
        ------
        OSError
            There is none, or it is a link or no regular file.
        """
        path = self.shown(name)
        if self._handle is None:
            _refuse_link(os.lstat(path), path)
        flags = os.O_RDONLY | _UNFOLLOWED | getattr(os, "O_NONBLOCK", 0)
        try:
            handle = os.open(self._at(name), flags, dir_fd=self._handle)
        except OSError as error:
            raise _named(error, path) from None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", path)
            return open(handle, "rb")
        except BaseException:
            os.close(handle)
            raise

    @contextmanager
    def create(self, name: str) -> Iterator[BufferedWriter]:
        """Create a file that only its owner may read, for writing."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _UNFOLLOWED
        handle = os.open(self._at(name), flags, 0o600, dir_fd=self._handle)
        with open(handle, "wb") as file:
            yield file

    def open_lock(self, name: str) -> int:
        """Open a file for locking, created if need be; returns its handle."""
        flags = os.O_CREAT | os.O_RDWR | _UNFOLLOWED
        return os.open(self._at(name), flags, 0o600, dir_fd=self._handle)

    def stat(self, name: str) -> os.stat_result:
        """Look at what has this name, a link not followed."""
        try:
            return os.stat(self._at(name), dir_fd=self._handle, follow_symlinks=False)
        except OSError as error:
            raise _named(error, self.shown(name)) from None

    def link(self, name: str, other: Folder, new: str) -> None:
        """Give a file a second name in another folder; never over anything."""
        more: dict[str, Any] = {}
        if self._handle is not None:
            more = {"src_dir_fd": self._handle, "dst_dir_fd": other._handle}
        if os.link in os.supports_follow_symlinks:
            more["follow_symlinks"] = False
        os.link(self._at(name), other._at(new), **more)

    def replace(self, name: str, new: str) -> None:
        """Give a file in this folder another name, over what has that name."""
        os.replace(self._at(name), self._at(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> bool:
        """Remove a file; False if there is none."""
        try:
            os.unlink(self._at(name), dir_fd=self._handle)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[bytes]:
        """Return the names of all that is in this folder in the order of their bytes.

        Those of folders end with "/", so that the order is that of whole paths.
        """
        found = []
        with os.scandir(self.path if self._handle is None else self._handle) as entries:
            for each in entries:
                name = os.fsencode(each.name)
                found.append(name + b"/" if _is_folder(each) else name)
        found.sort()
        return found

    def identity(self) -> tuple[int, int]:
        """Return what tells a folder from all others."""
        about = os.stat(self.path) if self._handle is None else os.fstat(self._handle)
        return about.st_dev, about.st_ino

    def sync(self) -> None:
        """Make names in this folder durable."""
        if self._handle is not None:
            os.fsync(self._handle)

    def _at(self, name: str) -> str:
        return self.shown(name) if self._handle is None else name


def _is_folder(entry: os.DirEntry[Any]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    return _BY_HANDLE or not _is_link(entry.stat(follow_symlinks=False))


def _open_folder(name: str, path: str, parent: int | None) -> int:
    try:
        return os.open(name, _LISTED | _UNFOLLOWED, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):  # Linux says ENOTDIR of a link, too
            _refuse_link(os.stat(name, dir_fd=parent, follow_symlinks=False), path)
        raise _named(error, path) from None


def _is_link(about: os.stat_result) -> bool:
    attributes: int = getattr(about, "st_file_attributes", 0)
    return stat.S_ISLNK(about.st_mode) or bool(attributes & _REPARSE_POINT)


def _refuse_link(about: os.stat_result, path: str) -> None:
    if _is_link(about):
        raise OSError(errno.ELOOP, "a symbolic link, which is not followed", path)


def _named(error: OSError, path: str) -> OSError:
    """Return an error again, with the whole path."""
    text = "a symbolic link, which is not followed" if error.errno == errno.ELOOP else None
    return OSError(error.errno, text or error.strerror, path)


def sync_file(file: BufferedReader) -> None:
    """Make a file durable that another may have written."""
    if os.name != "nt":  # Windows can't through a handle for reading
        os.fsync(file.fileno())
