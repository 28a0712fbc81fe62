"""A run's log, which with the outputs is all of its state.

JSON Lines: what the run was told, then a line for each picture (docs/design/log.md), written when
its outputs are on the disk. One process appends. `--resume` goes by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from ..errors import InvalidLogError
from ..log import SCHEMA

__all__ = ["Line", "RunLog", "head_line"]

_LONGEST = 64 << 20
"""Bytes of one line."""


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

    ``done`` are the names of the pictures that need no more work, from the run that is resumed.
    """

    def __init__(self, path: str, handle: int, done: dict[str, Line]) -> None:
        self.path = path
        self.done = done
        self._handle = handle

    @classmethod
    def create(cls, path: str, head: str) -> Self:
        """Begin a log.

        Raises
        ------
        FileExistsError
            There is one: resume that run, or name another log.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND
        log = cls(path, os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600), {})
        log.append(head)
        log.sync()
        return log

    @classmethod
    def resume(cls, path: str, head: str, is_whole: Callable[[Line], bool]) -> Self:
        """Go on with a log: a torn last line is cut, and so are lines whose outputs lack.

        Parameters
        ----------
        head
            The first line that a new run would write; the log's must be the same.
        is_whole
            Whether all is there that a line says.

        Raises
        ------
        InvalidLogError
            It is no log of a run, or one of a run with other options, another version or other
            models.
        OSError
        """
        source = Path(path)
        done: dict[str, Line] = {}
        temporary = source.with_name(f".{source.name[:40]}.{os.urandom(8).hex()}.tmp")
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            log = cls(path, handle, done)
            for number, text in enumerate(_whole_lines(source)):
                if number == 0:
                    _require_same(text, head)
                    log.append(head)
                    continue
                line = _parse(text, number + 1)
                if line.file in done or line.failed or not is_whole(line):
                    continue
                done[line.file] = line
                log.append(text)
            if not os.fstat(handle).st_size:
                raise InvalidLogError("the log is empty", code="log.empty")
            log.sync()
            temporary.replace(source)
        except BaseException:
            os.close(handle)
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(source.parent)
        return log

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
        self.sync()
        os.close(self._handle)


def _whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines that end; what a killed run left of its last one is no line."""
    with path.open("rb") as file:
        while True:
            data = file.readline(_LONGEST)
            if not data.endswith(b"\n"):
                if len(data) == _LONGEST:
                    raise InvalidLogError("a line of the log is too long", code="log.syntax")
                return
            try:
                yield data[:-1].decode()
            except UnicodeDecodeError:
                raise InvalidLogError("the log is no UTF-8 text", code="log.syntax") from None


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


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
