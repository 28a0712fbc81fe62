"""A run's log, which with the outputs is all of its state.

JSON Lines: what the run was told, then a line for each picture (docs/design/log.md), written when
its outputs are on the disk. One process appends. `--resume` goes by it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from ..errors import BatchError, InvalidLogError
from ..files import make_folder, sync_folder
from ..log import SCHEMA, utf8
from .names import temporary_name

__all__ = ["Line", "RunLog", "head_line"]

_LONGEST = 64 << 20
"""Bytes of one line."""
_AT_ONCE = 1000
"""Lines that are copied together."""
_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Line(NamedTuple):
    """What a run's log says of one picture, as far as resuming asks for it."""

    file: str
    sha256: str | None
    redacted: str | None
    diff: str | None
    failed: bool
    skipped: bool

    @property
    def is_redacted(self) -> bool:
        """Whether something was redacted in it."""
        return self.diff is not None


def head_line(version: str, options: dict[str, Any], models: list[str]) -> str:
    """Return the first line of a run's log."""
    return json.dumps(
        {
            "record": "run", "schema": SCHEMA, "version": version, "options": options,
            "models": models,
        }
    )  # fmt: skip


class RunLog:
    """The log of a run, open for more lines.

    It is locked as long as it is open, so that two runs never go on with the same one.
    """

    def __init__(self, path: str, handle: int) -> None:
        self.path = path
        self._handle = handle
        self._done: set[bytes] = set()

    def is_done(self, name: str) -> bool:
        """Whether a picture needs no more work, since the run that is resumed did it."""
        return bool(self._done) and _digest(name) in self._done

    @classmethod
    def create(cls, path: str, head: str) -> Self:
        """Begin a log.

        Raises
        ------
        FileExistsError
            There is one: resume that run, or name another log.
        """
        folder = Path(path).parent
        make_folder(folder.absolute())
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | _UNFOLLOWED
        try:
            handle = os.open(path, flags, 0o600)
        except FileExistsError:
            raise FileExistsError(
                errno.EEXIST, "there is a log already: resume its run, or name another one", path
            ) from None
        log = cls(path, handle)
        with log._closed_on_error():
            _lock(handle, path)
            log.append(head)
            log.sync()
            sync_folder(folder)
        return log

    @classmethod
    def resume(
        cls, path: str, head: str, is_whole: Callable[[Line], bool], threads: int = 1
    ) -> Self:
        """Go on with a log: a torn last line is cut, and so are lines whose outputs lack.

        Parameters
        ----------
        head
            The first line that a new run would write; the log's must be the same.
        is_whole
            Whether all is there that a line says.
        threads
            How many of them to ask at a time: a store takes a while to answer.

        Raises
        ------
        InvalidLogError
            It is no log of a run, or one of a run with other options, another version or other
            models.
        OSError
        """
        source = Path(path)
        with _opened(path) as old:
            _lock(old.fileno(), path)
            temporary = source.with_name(temporary_name())
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | _UNFOLLOWED
            log = cls(path, os.open(temporary, flags, 0o600))
            with log._closed_on_error():
                try:
                    with ThreadPoolExecutor(threads) as executor:
                        log._take_over(old, head, is_whole, executor)
                    log.sync()
                    _lock(log._handle, path)
                    temporary.replace(source)
                finally:
                    temporary.unlink(missing_ok=True)
                sync_folder(source.parent)
        return log

    def _take_over(
        self, old: BinaryIO, head: str, is_whole: Callable[[Line], bool], executor: Executor
    ) -> None:
        """Copy the lines that hold."""
        lines = _whole_lines(old)
        first = next(lines, None)
        if first is None:  # killed as it began; or it is something else, which is not ours to cut
            old.seek(0)
            first = head if head.encode().startswith(old.read(len(head) + 1)) else ""
        _require_same(first, head)
        self.append(head)
        numbered = enumerate(lines, 2)
        while some := list(islice(numbered, _AT_ONCE)):
            parsed = [(text, _parse(text, number)) for number, text in some]
            open_ = [(text, line) for text, line in parsed
                     if not line.failed and not self.is_done(line.file)]  # fmt: skip
            kept = []
            whole = executor.map(is_whole, [line for _, line in open_])
            for (text, line), holds in zip(open_, whole, strict=True):
                digest = _digest(line.file)
                if holds and digest not in self._done:
                    self._done.add(digest)
                    kept.append(text)
            if kept:
                self.append("\n".join(kept))

    def append(self, line: str) -> None:
        """Write a line, whole or not at all as far as the system goes."""
        data = line.encode() + b"\n"
        while data:
            data = data[os.write(self._handle, data) :]

    def sync(self) -> None:
        """Have all lines on the disk."""
        os.fsync(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            self.sync()
        finally:
            os.close(self._handle)

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            os.close(self._handle)
            raise


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """Open a log for reading; a link is not followed, since it would be replaced by a file."""
    try:
        handle = os.open(path, os.O_RDONLY | _UNFOLLOWED)
    except OSError as error:
        if error.errno == errno.ELOOP:
            text = "a symbolic link, which is not followed: name the log itself"
            raise OSError(error.errno, text, path) from None
        raise
    with os.fdopen(handle, "rb") as file:
        yield file


def _whole_lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines that end; what a killed run left of its last one is no line."""
    while data := file.readline(_LONGEST):
        if not data.endswith(b"\n"):
            if len(data) == _LONGEST:
                raise InvalidLogError("a line of the log is too long", code="log.syntax")
            return
        try:
            yield data[:-1].decode()
        except UnicodeDecodeError:
            raise InvalidLogError("the log is no UTF-8 text", code="log.syntax") from None


def _digest(name: str) -> bytes:
    """Return what is remembered of a name: some 100 bytes of memory, however long it is."""
    return hashlib.blake2b(utf8(name).encode(), digest_size=16).digest()


def _require_same(text: str, head: str) -> None:
    try:
        old, new = json.loads(text), json.loads(head)
    except ValueError:
        old, new = None, json.loads(head)
    if not isinstance(old, dict) or old.get("record") != "run":
        raise InvalidLogError(
            "this is no log of a run: its first line does not say what the run was told",
            code="log.run",
        )
    if old == new:
        return
    others = [name for name in new if old.get(name) != new[name]]
    options = old.get("options")
    if others == ["options"] and isinstance(options, dict):
        others = [name for name in new["options"] if options.get(name) != new["options"][name]]
    raise InvalidLogError(
        f"the run was begun with another {', '.join(others) or 'form of log'}",
        code="log.other-run",
        hint="resume it with the same options, or begin a new run with another log",
    )


def _parse(text: str, number: int) -> Line:
    try:
        value = json.loads(text)
        record = value["record"]
        if record not in ("file", "skipped"):
            raise ValueError
        return Line(
            str(value["file"]), value.get("sha256"), value.get("redacted"), value.get("diff"),
            value.get("error") is not None, record == "skipped",
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise InvalidLogError(
            f"line {number} of the log says nothing about a picture", code="log.syntax"
        ) from None


def _lock(handle: int, path: str) -> None:
    """Hold a log until its handle is closed, or the process is gone."""
    try:
        import fcntl
    except ImportError:  # Windows: what is open there can't be replaced
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise BatchError(
                f"another run is writing to {path}", code="batch.locked",
                hint="wait until it is done",
            ) from None
        if error.errno not in (errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK):
            raise  # else there are no locks here, as on some network file systems
