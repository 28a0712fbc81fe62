"""How far a run is: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from .common import say

if TYPE_CHECKING:
    from ..batch.engine import Summary
    from ..batch.work import Done

    Tell = Callable[[Done, Summary], None]

__all__ = ["progress"]

_EVERY = 10.0


@contextmanager
def progress(total: int | None) -> Iterator[Tell]:
    """Give what is to be called with each picture that is done; ``total`` is how many there are."""
    if sys.stderr.isatty():
        try:
            from rich.progress import Progress
        except ImportError:  # an extra; lines will do
            pass
        else:
            with _bar(Progress, total) as tell:
                yield tell
            return
    yield _lines(total)


@contextmanager
def _bar(kind: type, total: int | None) -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[words]}"),
    )  # fmt: skip
    with kind(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="", words="")
        begun = monotonic()

        def tell(done: Done, summary: Summary) -> None:
            rate = f"{summary.count / max(monotonic() - begun, 1e-9):.1f}/s"
            completed = summary.count + summary.before
            bar.update(task, completed=completed, rate=rate, words=_words(summary))
            if done.outcome == "failed":
                bar.console.print(_failure(done), markup=False, highlight=False, soft_wrap=True)

        yield tell


def _lines(total: int | None) -> Tell:
    begun = last = monotonic()

    def tell(done: Done, summary: Summary) -> None:
        nonlocal last
        if done.outcome == "failed":
            say(_failure(done))
        now = monotonic()
        if now - last >= _EVERY:
            last = now
            done_so_far = summary.count + summary.before
            rate = summary.count / (now - begun)
            of = "" if total is None else f" of {total}"
            left = "" if total is None else f", {_span((total - done_so_far) / rate)} left"
            say(f"{done_so_far}{of} pictures, {rate:.1f}/s{left}, {_words(summary)}")

    return tell


def _failure(done: Done) -> str:
    """Say what failed; names may hold what a terminal would obey."""
    text = f"{done.name}: {done.message} [{done.code}]"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _words(summary: Summary) -> str:
    return f"{summary.found} regions, {summary.outcomes['failed']} failed"
