"""Places that are folders of this machine: durable, never through a link, never half a file."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..files import make_folder
from ..limits import DEFAULT_LIMITS
from .folder import Folder, sync_file
from .names import LOCK_NAME, MOST_BYTES, checked_name, is_ours, temporary_name
from .places import DIFF_MAGIC, Entry, Place, too_large
from .retrying import Retrying

__all__ = ["LocalPlace"]

_PIECE = 1 << 20
_AT_ONCE = 1000  # files looked at while their folder is open
_MOST_SYNCED = 100_000


class LocalPlace(Place):
    """A folder tree. What is above its root is the user's; in it no link is followed."""

    is_local = True

    def __init__(self, root: str, retrying: Retrying) -> None:
        self._root = root
        self._retrying = retrying
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._synced: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalPlace, (self._root, self._retrying)

    @property
    def url(self) -> str:
        """The path, links in it resolved."""
        return self._root

    def contains(self, other: Place) -> bool:
        """Whether another place is this one or inside it."""
        if not isinstance(other, LocalPlace):
            return False
        return any(_same_folder(self._root, each) for each in _and_parents(other._root))

    def check_writable(self) -> None:
        """Create the folder if need be, and a file in it for a moment."""
        make_folder(Path(self._root))
        with Folder.at(self._root) as folder:
            name = temporary_name()
            try:
                with folder.create(name) as file:
                    file.write(b"jpegredact\n")
            finally:
                folder.remove(name)

    def walk(self, leave_out: Sequence[Place] = ()) -> Iterator[Entry]:
        """Yield the files in the order of their names' bytes."""
        inside = {each._root for each in leave_out if isinstance(each, LocalPlace)} - {self._root}
        return self._walk(_LeftOut(inside))

    def _walk(self, left_out: _LeftOut) -> Iterator[Entry]:
        with self._folder("") as folder:
            waiting = [("", folder.names(), 0)]  # folders, what is in them, and how far we are
        while waiting:
            prefix, names, start = waiting.pop()
            if start == len(names):
                continue
            stop = start + 1
            if names[start].endswith(b"/"):
                waiting.append((prefix, names, stop))
                inner = prefix + os.fsdecode(names[start])
                try:
                    waiting.append((inner, self._names(inner, left_out), 0))
                except OSError:
                    yield Entry(inner, 0, "", "unreadable")
                continue
            while stop < min(len(names), start + _AT_ONCE) and not names[stop].endswith(b"/"):
                stop += 1
            waiting.append((prefix, names, stop))
            yield from self._entries(prefix, names[start:stop])

    def _names(self, prefix: str, left_out: _LeftOut) -> list[bytes]:
        """Return what is in a folder; nothing if it is left out, or was removed meanwhile."""
        if len(os.fsencode(prefix)) > MOST_BYTES:  # nothing in it could have a safe name
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), prefix)
        try:
            with self._folder(prefix) as folder:
                return [] if folder in left_out else folder.names()
        except FileNotFoundError:
            return []

    def _entries(self, prefix: str, names: list[bytes]) -> list[Entry]:
        """Look at some files of a folder, held open only meanwhile."""
        found: list[Entry] = []
        try:
            with self._folder(prefix) as folder:
                for each in names:
                    name = os.fsdecode(each)
                    if not is_ours(name):
                        with suppress(FileNotFoundError):  # it may have been removed meanwhile
                            found.append(_entry(prefix + name, folder, name))
        except FileNotFoundError:
            pass
        except OSError:  # it became a link, or can't be entered any more
            found.append(Entry(prefix, 0, "", "unreadable"))
        return found

    def read(
        self, name: str, most: int = DEFAULT_LIMITS.max_bytes, start: bytes = b"",
        likely: bool = True,
    ) -> bytes:
        """Return a file's bytes."""
        return self._retrying.run(lambda: self._read(name, most, start))

    def _read(self, name: str, most: int, start: bytes) -> bytes:
        with self._parent(name) as (folder, last), folder.open(last) as file:
            first = file.peek()[: len(start)]  # a buffer's worth is read
            if first != start:
                return first
            if os.fstat(file.fileno()).st_size > most:
                raise too_large(folder.shown(last), most)
            data = file.read(most + 1)
            if len(data) > most:
                raise too_large(folder.shown(last), most)
            return data

    def write_new(self, name: str, data: bytes, mode: int = 0o600) -> bool:
        """Write a file, whole or not at all, and never over another one."""

        def publish(folder: Folder, temporary: str, last: str) -> None:
            try:
                folder.link(temporary, folder, last)
            except OSError as error:
                if isinstance(error, FileExistsError) and not _is_empty(folder, last):
                    raise
                if not self._reserve(folder, temporary, last):
                    raise
                folder.replace(temporary, last)

        try:
            self._write(name, data, mode, publish)
        except FileExistsError:
            if not self._is_there(name, data, mode):
                raise self._taken(name) from None
            return False
        return True

    def _reserve(self, folder: Folder, temporary: str, last: str) -> bool:
        """Hold a name with an empty file, where there are no hard links; False if there are.

        What a killed run reserved and didn't fill is empty, too, and may be taken over.
        """
        probe = temporary_name()
        try:
            folder.link(temporary, folder, probe)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS):
                raise
        else:
            folder.remove(probe)
            return False
        try:
            with folder.create(last):
                pass
        except FileExistsError:
            if not _is_empty(folder, last):
                raise
        return True

    def write_replacing(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Write a file, whole or not at all; one that is there is replaced, but for a diff."""

        def publish(folder: Folder, temporary: str, last: str) -> None:
            if _is_diff(folder, last):
                raise FileExistsError(
                    errno.EEXIST, "an unblur-diff stands there, and a diff is never replaced",
                    folder.shown(last),
                )  # fmt: skip
            folder.replace(temporary, last)

        self._write(name, data, mode, publish)

    def _write(
        self, name: str, data: bytes, mode: int, publish: Callable[[Folder, str, str], None]
    ) -> None:
        with self._parent(checked_name(name), make=True) as (folder, last):
            temporary = temporary_name()
            try:
                with folder.create(temporary) as file:
                    file.write(data)
                    file.flush()
                    _set_mode(file.fileno(), mode & ~self._umask)
                    os.fsync(file.fileno())
                publish(folder, temporary, last)
            finally:
                folder.remove(temporary)
            folder.sync()

    def _is_there(self, name: str, data: bytes, mode: int) -> bool:
        """Whether a file has these bytes; if so, it is made as durable and private as a new one."""
        with self._parent(name) as (folder, last):
            if not stat.S_ISREG(folder.stat(last).st_mode):
                return False
            with folder.open(last) as file:
                if os.fstat(file.fileno()).st_size != len(data) or file.read() != data:
                    return False
                _set_mode(file.fileno(), mode & ~self._umask)
                sync_file(file)
            folder.sync()
        return True

    def link_or_copy(self, name: str, source: Place, source_name: str) -> bool:
        """Pass a file on untouched: a hard link where that can be, else its bytes."""
        if isinstance(source, LocalPlace):
            try:
                return self._link(name, source, source_name)
            except FileExistsError:
                raise
            except OSError as error:
                if error.errno not in (
                    errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS,
                    errno.EACCES, errno.EINVAL,
                ):  # fmt: skip
                    raise
        return super().link_or_copy(name, source, source_name)

    def _link(self, name: str, source: LocalPlace, source_name: str) -> bool:
        checked_name(name)
        with source._parent(source_name) as (there, its), there.open(its) as file:
            sync_file(file)
            about = os.fstat(file.fileno())
            with self._parent(name, make=True) as (folder, last):
                temporary = temporary_name()
                try:
                    there.link(its, folder, temporary)
                    if not os.path.samestat(folder.stat(temporary), about):
                        raise OSError(
                            errno.EBUSY, "was replaced while it was read", there.shown(its)
                        )
                    folder.link(temporary, folder, last)
                except FileExistsError:
                    if os.path.samestat(folder.stat(last), about):
                        return False
                    if not self._same_bytes(folder, last, file, about.st_size):
                        raise self._taken(name) from None
                    return False
                finally:
                    folder.remove(temporary)
                folder.sync()
        return True

    def _same_bytes(self, folder: Folder, last: str, file: Any, size: int) -> bool:
        there = folder.stat(last)
        if not stat.S_ISREG(there.st_mode) or there.st_size != size:
            return False
        with folder.open(last) as other:
            while piece := file.read(_PIECE):
                if other.read(_PIECE) != piece:
                    return False
            return not other.read(1)

    def size_of(self, name: str) -> int | None:
        """Return a file's size, or None if there is no such file."""
        try:
            with self._parent(name) as (folder, last):
                about = folder.stat(last)
                if not stat.S_ISREG(about.st_mode):
                    raise OSError(errno.EINVAL, "not a regular file", folder.shown(last))
                return about.st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest_of(self, name: str) -> bytes | None:
        """Return the SHA-256 of a file, or None if there is no such file."""
        try:
            with self._parent(name) as (folder, last), folder.open(last) as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def clean_up(self, older_than: float) -> int:
        """Remove temporaries of ours that are old enough."""
        latest = time.time() - older_than
        count, waiting = 0, [""] if os.path.isdir(self._root) else []
        while waiting:
            prefix = waiting.pop()
            try:
                with self._folder(prefix) as folder:
                    for each in folder.names():
                        name = os.fsdecode(each)
                        if name.endswith("/") and len(prefix) < MOST_BYTES:
                            waiting.append(prefix + name)
                        elif is_ours(name) and name != LOCK_NAME:
                            count += _is_stale(folder, name, latest) and folder.remove(name)
            except OSError:  # it is gone, or not ours to clean up
                if not prefix:
                    raise
        return count

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder against a second run, until the process ends at the latest."""
        from .locking import held

        make_folder(Path(self._root))
        with Folder.at(self._root) as folder, held(folder, LOCK_NAME):
            yield

    @contextmanager
    def _parent(self, name: str, make: bool = False) -> Iterator[tuple[Folder, str]]:
        """Open the folder that a name is in, and give it with the last part of the name."""
        prefix, _, last = checked_name(name).rpartition("/")
        if make:
            make_folder(Path(self._root))
        try:
            with self._folder(prefix, make) as folder:
                yield folder, last
        except OSError as error:
            path, named = self._path(name), error.filename
            if error.errno is None or (isinstance(named, str) and _is_elsewhere(named, path)):
                raise
            if error.errno == errno.ELOOP:
                raise  # it names the link
            raise OSError(error.errno, error.strerror, path) from None

    @contextmanager
    def _folder(self, prefix: str, make: bool = False) -> Iterator[Folder]:
        """Open a folder of this place part by part, none of which may be a link."""
        folder = Folder.at(self._root)
        try:
            for part in prefix.split("/"):
                if not part:
                    continue
                if make and not folder.make(part):
                    self._sync_once(folder)
                outer, folder = folder, folder.enter(part)
                outer.__exit__()
            yield folder
        finally:
            folder.__exit__()

    def _sync_once(self, folder: Folder) -> None:
        """Make the names in a folder durable that another process may just have created."""
        if folder.path in self._synced:
            return
        folder.sync()
        if len(self._synced) >= _MOST_SYNCED:
            self._synced.clear()
        self._synced.add(folder.path)

    def _taken(self, name: str) -> FileExistsError:
        return FileExistsError(
            errno.EEXIST, "there is another file already, and it is never replaced",
            self._path(name),
        )  # fmt: skip

    def _path(self, name: str) -> str:
        """Return where a file is, for messages."""
        return os.path.join(self._root, *name.split("/"))


class _LeftOut:
    """Folders that a walk does not enter, by path and by what they are."""

    def __init__(self, paths: set[str]) -> None:
        self._paths = paths
        self._identities = set()
        for path in paths:
            try:
                about = os.stat(path)
            except OSError:
                continue
            self._identities.add((about.st_dev, about.st_ino))

    def __contains__(self, folder: Folder) -> bool:
        if not self._paths:
            return False
        return folder.path.rstrip("/\\") in self._paths or folder.identity() in self._identities


def _entry(name: str, folder: Folder, last: str) -> Entry:
    try:
        about = folder.stat(last)
    except FileNotFoundError:
        raise
    except OSError:
        return Entry(name, 0, "", "unreadable")
    if stat.S_ISREG(about.st_mode):
        return Entry(name, about.st_size, str(about.st_mtime_ns))
    return Entry(name, 0, "", "link" if stat.S_ISLNK(about.st_mode) else "special")


def _is_empty(folder: Folder, name: str) -> bool:
    about = folder.stat(name)
    return stat.S_ISREG(about.st_mode) and not about.st_size


def _is_diff(folder: Folder, name: str) -> bool:
    """Whether a regular file begins like an unblur-diff."""
    try:
        if not stat.S_ISREG(folder.stat(name).st_mode):
            return False
        with folder.open(name) as file:
            return file.read(len(DIFF_MAGIC)) == DIFF_MAGIC
    except FileNotFoundError:
        return False


def _is_stale(folder: Folder, name: str, latest: float) -> bool:
    try:
        about = folder.stat(name)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_mtime <= latest


def _set_mode(handle: int, mode: int) -> None:
    if hasattr(os, "fchmod"):  # Windows has no modes
        os.fchmod(handle, mode)


def _same_folder(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return os.path.samefile(a, b)
    except OSError:
        return False


def _is_elsewhere(named: str, path: str) -> bool:
    """Whether an error names another file, and not a part of this path or none at all."""
    return os.path.isabs(named) and not path.startswith(os.path.join(named, ""))


def _and_parents(path: str) -> Iterator[str]:
    yield path
    while (parent := os.path.dirname(path)) != path:
        path = parent
        yield path
