"""A run: which pictures, by how many workers, what is logged, and how it is resumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .._version import VERSION
from ..errors import DetectorError, JpegRedactError
from ..log import Failure, LogEntry
from .names import Taken, checked_name
from .pool import Died, work_off
from .runlog import Line, RunLog, head_line
from .work import Done, Job, Task

__all__ = ["Summary", "died", "head_of", "is_whole", "run_local", "tasks_of", "unusable"]


@dataclass(slots=True)
class Summary:
    """What a run has done so far.

    Attributes
    ----------
    outcomes
        Pictures by outcome: see `Done`.
    before
        Pictures that needed no work, since a run before did it.
    errors
        Failures by code.
    found
        Regions that were redacted.
    read, written, diffs
        Bytes.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    before: int = 0
    found: int = 0
    read: int = 0
    written: int = 0
    diffs: int = 0

    @property
    def count(self) -> int:
        """How many pictures were worked on."""
        return sum(self.outcomes.values())

    def add(self, done: Done) -> None:
        """Count one more."""
        self.outcomes[done.outcome] += 1
        if done.code:
            self.errors[done.code] += 1
        self.found += done.found
        self.read += done.read
        self.written += done.written
        self.diffs += done.diff


def head_of(job: Job, models: Iterable[str]) -> str:
    """Return the first line of a run's log."""
    options: dict[str, Any] = {**job.options.to_json(), **job.owners.to_json()}
    return head_line(VERSION, options, sorted(models))


def is_whole(job: Job, line: Line, check: bool) -> bool:
    """Whether the outputs are there that a line of a log says; with ``check``, whether they are
    the very ones.
    """
    if line.skipped:
        return True
    if not line.is_redacted and job.options.untouched == "skip":
        return True
    if check:
        wanted = line.redacted
        found = job.target.digest_of(line.file)
        if found is None or found.hex() != wanted:
            return False
    elif job.target.size_of(line.file) is None:
        return False
    return not line.is_redacted or _has_diff(job, line, check)


def _has_diff(job: Job, line: Line, check: bool) -> bool:
    stem = f"{line.file}.{(line.redacted or '')[:16]}"
    number = 1
    while True:
        name = f"{stem}.jrdiff" if number == 1 else f"{stem}-{number}.jrdiff"
        if job.diffs.size_of(name) is None:
            return False
        if not check:
            return True
        digest = job.diffs.digest_of(name)
        if digest is not None and digest.hex() == line.diff:
            return True
        number += 1


def tasks_of(
    names: Iterable[tuple[str, LogEntry | None]], log: RunLog, summary: Summary
) -> Iterator[Task | tuple[str, JpegRedactError]]:
    """Yield what is to be done: names that can't be used come with the reason."""
    taken = Taken()
    for name, entry in names:
        try:
            checked_name(name)
            taken.claim(name)
        except JpegRedactError as error:
            if name not in log.done:
                yield name, error
            continue
        if name in log.done:
            summary.before += 1
            continue
        yield Task(name, entry)


def run_local(
    job: Job,
    names: Iterable[tuple[str, LogEntry | None]],
    log: RunLog,
    jobs: int,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[str, Done, Summary], None] = lambda name, done, summary: None,
) -> Summary:
    """Work off pictures with worker processes on this machine, and log each when it is done.

    Parameters
    ----------
    names
        Relative names of pictures, in the same order each time, and for each what a log says
        of it, if the run goes by one.
    jobs
        How many workers there are.
    stop
        Once it says yes, no other picture is begun.
    tell
        Called with each picture that is done.

    Raises
    ------
    DetectorError
        What every picture needs can't be had, such as weights.
    OSError
        The log can't be written.
    """
    summary = Summary()

    def record(name: str, done: Done) -> None:
        log.append(done.line)
        summary.add(done)
        tell(name, done, summary)

    def feasible() -> Iterator[Task]:
        for each in tasks_of(names, log, summary):
            if isinstance(each, Task):
                yield each
            else:
                record(each[0], unusable(*each))

    for task, result in work_off(job.maker(), feasible(), jobs, stop):
        if isinstance(result, Died):
            record(task.name, died(task.name, result))
        elif result.outcome == "ended":
            raise DetectorError(result.message, code=result.code)
        else:
            record(task.name, result)
    return summary


def unusable(name: str, error: JpegRedactError) -> Done:
    """Return the result of a picture whose name can't be used."""
    entry = LogEntry.failed(name, None, error)
    return Done("failed", entry.to_json(), error.code, str(error))


def died(name: str, end: Died) -> Done:
    """Return the result of a picture on which two workers died."""
    words = "the worker died twice on this picture"
    if end.exit_code is not None:
        words += f" (exit code {end.exit_code})"
    entry = LogEntry(name, None, error=Failure("batch.worker", words))
    return Done("failed", entry.to_json(), "batch.worker", words)
