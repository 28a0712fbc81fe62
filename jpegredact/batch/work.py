"""What a worker does with one picture: read, redact, and write diff, picture and log line."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import NamedTuple

from ..detecting import Detecting
from ..errors import DetectorError, JpegRedactError
from ..files import diff_name
from ..limits import DEFAULT_LIMITS, Limits
from ..log import SCHEMA, LogEntry, utf8
from ..pipeline import process
from ..results import Processed
from .names import is_jpeg
from .options import Options, Owners
from .places import Place
from .retrying import StoreError

__all__ = ["Done", "Job", "Task", "diff_names", "do", "failed", "skipped"]

_OF_ALL_OUTPUTS = frozenset(
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EROFS") if hasattr(errno, name)
)
_SOI = b"\xff\xd8"
_MOST_DIFFS = 1000
"""Diffs of one picture, each sealed anew for the same redacted file."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run, as workers have to know it."""

    source: Place
    target: Place
    diffs: Place
    options: Options
    owners: Owners = field(default_factory=Owners)
    resumed: bool = False
    threads: int | None = None
    limits: Limits = DEFAULT_LIMITS

    def maker(self) -> partial[partial[Done]]:
        """Return what makes a worker: to be called in its process."""
        return partial(partial, do, self)


class Task(NamedTuple):
    """A picture, and what a log says of it, if that is what the run goes by."""

    name: str
    entry: LogEntry | None = None


class Done(NamedTuple):
    """What became of a picture.

    Attributes
    ----------
    name
        The picture's.
    outcome
        "redacted", "scrubbed" (only side copies were cleaned), "untouched", "skipped" (no JPEG),
        "failed", or "ended": nothing else can be done either, and ``message`` says why.
    line
        For the log.
    code, message, errno
        What went wrong, if anything did.
    store
        The URL of the place that failed, if other pictures may meet the same there.
    found
        How many regions were redacted.
    read, written, diff
        Bytes of source, picture and diff.
    seconds
        Of wall time.
    warnings
        Codes of the report's warnings, each once.
    """

    name: str
    outcome: str
    line: str = ""
    code: str = ""
    message: str = ""
    errno: int | None = None
    store: str = ""
    found: int = 0
    read: int = 0
    written: int = 0
    diff: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


def do(job: Job, task: Task) -> Done:
    """Work on one picture; what is wrong with it is part of the result."""
    begun = perf_counter()
    data: bytes | None = None
    try:
        data = job.source.read(task.name, job.limits.max_bytes, _SOI, is_jpeg(task.name))
        if not data.startswith(_SOI):
            return skipped(task.name, "no JPEG", len(data))
        done = _process(job, task, data)
        try:
            _write(job, task.name, data, done)
        except OSError as error:
            if error.errno in _OF_ALL_OUTPUTS:
                return Done(task.name, "ended", "", "io", str(error.strerror), error.errno)
            raise
    except DetectorError as error:
        if not error.is_of_the_picture:
            return Done(task.name, "ended", "", error.code, str(error))
        return failed(task.name, data, error, begun)
    except (JpegRedactError, OSError) as error:
        return failed(task.name, data, error, begun)
    regions = done.report.regions
    return Done(
        task.name,
        "untouched" if done.diff is None else "redacted" if regions else "scrubbed",
        done.entry.to_json(),
        found=len(regions),
        read=len(data),
        written=len(done.jpeg),
        diff=0 if done.diff is None else len(done.diff.to_bytes()),
        seconds=perf_counter() - begun,
        warnings=done.entry.warnings,
    )


def skipped(name: str, why: str, size: int = 0) -> Done:
    """Return what becomes of a file that is left alone."""
    line = {"record": "skipped", "schema": SCHEMA, "file": utf8(name), "why": why}
    return Done(name, "skipped", json.dumps(line, ensure_ascii=False), read=size)


def failed(
    name: str, data: bytes | None, error: JpegRedactError | OSError, begun: float | None = None
) -> Done:
    """Return what becomes of a picture that could not be worked on; ``data`` if it was read."""
    entry = LogEntry.failed(name, data, error)
    message = entry.error.message if entry.error else ""
    code = error.code if isinstance(error, JpegRedactError) else "io"
    return Done(
        name, "failed", entry.to_json(), code, message,
        errno=error.errno if isinstance(error, OSError) else None,
        store=error.store if isinstance(error, StoreError) else "",
        read=len(data or b""),
        seconds=0.0 if begun is None else perf_counter() - begun,
    )  # fmt: skip


def _process(job: Job, task: Task, data: bytes) -> Processed:
    options = job.options
    return process(
        data,
        options.boxes,
        detect=() if task.entry is not None else options.labels,
        threshold=options.threshold,
        effort=options.effort,
        detector=Detecting(
            detectors=options.detectors, provider=options.provider, threads=job.threads,
            limits=job.limits, ellipses=options.ellipses,
        ),
        from_log=task.entry,
        name=task.name,
        method=options.method,
        margin=options.margin,
        coordinates="upright" if options.upright else "stored",
        side_copies=options.side_copies,
        provenance=options.provenance,
        force=options.force,
        note=options.note,
        scrub=options.scrub_untouched,
        recipients=job.owners.recipients,
        passphrase=job.owners.run,
        embed=options.embed,
        limits=job.limits,
    )  # fmt: skip


def _write(job: Job, name: str, data: bytes, done: Processed) -> None:
    """Write the diff, and when that is durable, the picture."""
    if done.diff is None:
        if job.options.untouched == "link":
            job.target.link_or_copy(name, job.source, name)
        elif job.options.untouched == "copy":
            _put(job, name, data)
        return
    _put_diff(job, name, done.report.redacted, done.diff.to_bytes())
    _put(job, name, done.jpeg)


def _put(job: Job, name: str, data: bytes) -> None:
    if job.resumed:
        job.target.write_replacing(name, data)
    else:
        job.target.write_new(name, data)


def _put_diff(job: Job, picture: str, redacted: str, diff: bytes) -> None:
    """Write a diff under a name of its own: none is ever replaced (G6).

    Sealed diffs of the same picture differ each time; one that a killed run left stays.
    """
    for name in diff_names(picture, redacted):
        try:
            job.diffs.write_new(name, diff)
        except FileExistsError:
            continue
        return
    raise FileExistsError(f"{diff_name(picture, redacted)}: too many diffs of this picture")


def diff_names(picture: str, redacted: str) -> Iterator[str]:
    """Yield the names that a picture's diff may have, in the order in which they are taken.

    ``redacted`` is the SHA-256 of the redacted file, in hex.
    """
    first = diff_name(picture, redacted)
    yield first
    for number in range(2, _MOST_DIFFS):
        yield f"{first.removesuffix('.jrdiff')}-{number}.jrdiff"

