"""A run: which pictures, by how many workers, what is logged, and how it is resumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._version import VERSION
from ..errors import BatchError, DetectorError, JpegRedactError
from ..log import LogEntry
from .names import Taken, checked_name, is_jpeg
from .pool import Died, Workers
from .runlog import Line, RunLog, head_line
from .stores import Stores
from .work import Done, Job, Task, diff_names, failed, skipped

__all__ = [
    "Book", "Named", "Summary", "died", "ending", "head_of", "is_whole", "run_local", "tasks_of",
]  # fmt: skip


class Named(NamedTuple):
    """What a run comes across.

    Attributes
    ----------
    name
        Relative to SRC.
    entry
        What a log says of it, if the run goes by one.
    skipped
        Why it is none to be worked on, such as a symbolic link.
    trouble
        Why it can't be worked on, which counts as a failure.
    """

    name: str
    entry: LogEntry | None = None
    skipped: str | None = None
    trouble: JpegRedactError | OSError | None = None


@dataclass(slots=True)
class Summary:
    """What a run has done so far.

    Attributes
    ----------
    outcomes
        Pictures by outcome: see `Done`.
    before
        Pictures that needed no work, since a run before did it.
    repeated
        Names that came a second time, and were left out then.
    errors
        Failures by code.
    warnings
        Pictures by the warnings of their reports.
    found
        Regions that were redacted.
    read, written, diffs
        Bytes.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    before: int = 0
    repeated: int = 0
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
        self.warnings.update(done.warnings)
        self.found += done.found
        self.read += done.read
        self.written += done.written
        self.diffs += done.diff


def head_of(job: Job, models: Iterable[str]) -> str:
    """Return the first line of a run's log.

    SRC is in it: names of pictures come again in other folders.
    """
    options: dict[str, Any] = {
        "source": job.source.url, **job.options.to_json(), **job.owners.to_json(),
    }  # fmt: skip
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
    for name in diff_names(line.file, line.redacted or ""):
        if job.diffs.size_of(name) is None:
            return False
        if not check:
            return True
        digest = job.diffs.digest_of(name)
        if digest is not None and digest.hex() == line.diff:
            return True
    return False


def tasks_of(names: Iterable[Named], log: RunLog, summary: Summary) -> Iterator[Task | Done]:
    """Yield what is to be done; what can't or need not be done comes as done, to be logged."""
    taken = Taken()
    refused: set[str] = set()
    for each in names:
        name = each.name
        try:
            if each.trouble is not None:
                raise each.trouble
            if each.skipped is None:
                checked_name(name)
                before = len(taken)
                # Others count with their extension: a.jpg may have an a.xmp beside it.
                taken.claim(name if is_jpeg(name) else name + "/")
                if len(taken) == before:
                    summary.repeated += 1
                    continue
        except (JpegRedactError, OSError) as error:
            if name in refused:
                summary.repeated += 1
                continue
            refused.add(name)
            yield failed(name, None, error)
            continue
        if log.is_done(name):
            summary.before += 1
        elif each.skipped is not None:
            yield skipped(name, each.skipped)
        else:
            yield Task(name, each.entry)


@dataclass(frozen=True, slots=True)
class Book:
    """Where it is noted that a picture is done."""

    log: RunLog
    summary: Summary
    tell: Callable[[Done, Summary], None]
    stores: Stores

    def note(self, done: Done) -> None:
        """Log a picture, count it, and tell of it.

        Raises
        ------
        DetectorError, OSError
            It is the whole run that is done: see `ending` and `Stores.see`.
        """
        if done.outcome == "ended":
            raise ending(done)
        self.log.append(done.line)
        self.summary.add(done)
        self.tell(done, self.summary)
        self.stores.see(done)

    def feasible(self, names: Iterable[Named]) -> Iterator[Task]:
        """Yield what is to be done, and note what can't or need not be."""
        for each in tasks_of(names, self.log, self.summary):
            if isinstance(each, Task):
                yield each
            else:
                self.note(each)


def run_local(
    job: Job,
    names: Iterable[Named],
    log: RunLog,
    jobs: int,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[Done, Summary], None] = lambda done, summary: None,
    summary: Summary | None = None,
) -> Summary:
    """Work off pictures with worker processes on this machine, and log each when it is done.

    Parameters
    ----------
    names
        The pictures, in the same order each time.
    jobs
        How many workers there are.
    stop
        Once it says yes, no other picture is begun.
    tell
        Called with each picture that is done.
    summary
        What is counted in, if the caller wants to see it even after an error.

    Raises
    ------
    DetectorError
        What every picture needs can't be had, such as weights.
    BatchError
        Workers can't start.
    OSError
        The log or the outputs can't be written any more; SRC or the list can't be read; a store
        fails picture after picture.
    """
    book = Book(log, Summary() if summary is None else summary, tell, Stores(job, jobs))
    with Workers(job.maker(), jobs) as workers:
        for task, result in workers.work_off(book.feasible(names), stop):
            book.note(died(task.name, result) if isinstance(result, Died) else result)
    return book.summary


def ending(done: Done) -> Exception:
    """Return the error that ends a run."""
    if done.code == "io":
        return OSError(done.errno, done.message, done.name)
    return DetectorError(done.message, code=done.code)


def died(name: str, end: Died) -> Done:
    """Return what became of a picture that cost two workers."""
    why = end.why or f"exit code {end.exit_code}"
    return failed(
        name, None, BatchError(f"the worker died twice on this picture ({why})",
                               code="batch.worker"),
    )  # fmt: skip
