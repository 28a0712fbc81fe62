"""One run at a time: a lock file that is held as long as its handle is open."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import BatchError
from .folder import Folder

__all__ = ["held"]


@contextmanager
def held(folder: Folder, name: str) -> Iterator[None]:
    """Hold a lock file in a folder, which is removed in the end.

    Raises
    ------
    BatchError
        Another process, or another holder in this one, has it (``batch.locked``).
    """
    while True:
        handle = folder.open_lock(name)
        try:
            if not _take(handle):
                raise BatchError(
                    f"another run is at work in {folder.path}",
                    code="batch.locked",
                    hint="wait until it is done",
                )
            if not _is_current(folder, name, handle):
                continue  # its last holder removed it after we had opened it
            try:
                yield
            finally:
                _let_go(folder, name, handle)
            return
        finally:
            os.close(handle)


def _is_current(folder: Folder, name: str, handle: int) -> bool:
    try:
        return os.path.samestat(folder.stat(name), os.fstat(handle))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _let_go(folder: Folder, name: str, handle: int) -> None:
        """Unlock; an open file can't be removed there, so it stays."""
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import errno
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def _let_go(folder: Folder, name: str, handle: int) -> None:
        """Remove the file while it is still locked: who opens it later makes a new one."""
        folder.remove(name)
