"""The same run on Ray: actors that each hold a detector, on one machine or a cluster.

Only names travel through Ray: an actor reads a picture from its place and writes the outputs
itself, as a local worker does. So no original lies in Ray's object store, or where that spills to.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from .engine import Book, Named, Summary, died
from .pool import Died
from .runlog import RunLog
from .stores import Stores
from .work import Done, Job, Task, do

__all__ = ["run_ray"]

_CHUNK = 5000
"""Pictures that are handed to Ray in one go."""
_TOGETHER = 8
"""Pictures in a block, which is what Ray schedules, at most."""


def run_ray(
    job: Job,
    names: Iterable[Named],
    log: RunLog,
    jobs: int,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[Done, Summary], None] = lambda done, summary: None,
    summary: Summary | None = None,
    address: str | None = None,
) -> Summary:
    """Work off pictures with actors of Ray; as `engine.run_local`, but for what follows.

    Once ``stop`` says yes, what was begun is not waited for: `--resume` does it again.

    Parameters
    ----------
    jobs
        How many actors there are, each with one processor.
    address
        Of a cluster to join; None: a Ray of this run's own, on this machine.
    """
    book = Book(log, Summary() if summary is None else summary, tell, Stores(job, jobs))
    left = book.feasible(names)
    with _ray(address, jobs):
        while not stop() and (chunk := list(islice(left, _CHUNK))):
            lost = _worked_off(job, chunk, jobs, _TOGETHER, stop, book.note)
            if lost and not stop():  # with an actor: each picture by itself now
                lost = _worked_off(job, lost, jobs, 1, stop, book.note)
            for task in () if stop() else lost:
                book.note(died(task.name, Died(None, "an actor of Ray")))
    return book.summary


class _Actor:
    """One that works on pictures for as long as it lives."""

    def __init__(self, job: bytes) -> None:
        self._job: Job = pickle.loads(job)  # noqa: S301  (our own, from the driver)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        task: Task = pickle.loads(row["task"])  # noqa: S301
        return {"number": row["number"], "done": pickle.dumps(tuple(do(self._job, task)))}


def _worked_off(
    job: Job, tasks: Sequence[Task], jobs: int, together: int, stop: Callable[[], bool],
    note: Callable[[Done], None],
) -> list[Task]:  # fmt: skip
    """Work on pictures; return those whose actor died, and those that shared its block."""
    import ray

    rows = [{"number": number, "task": pickle.dumps(task)} for number, task in enumerate(tasks)]
    blocks = max(1, min(len(rows), max(2 * jobs, -(-len(rows) // together))))
    answered: set[int] = set()
    dataset = ray.data.from_items(rows, override_num_blocks=blocks).map(
        _Actor,  # type: ignore[arg-type]
        fn_constructor_args=[pickle.dumps(job)],
        compute=ray.data.ActorPoolStrategy(size=jobs),
        num_cpus=1,
        max_restarts=-1,
        max_task_retries=0,
    )
    for row in dataset.iter_rows():
        answered.add(row["number"])
        note(Done(*pickle.loads(row["done"])))  # noqa: S301
        if stop():
            break
    return [task for number, task in enumerate(tasks) if number not in answered]


@contextmanager
def _ray(address: str | None, jobs: int) -> Iterator[None]:
    """Start a Ray whose files nobody else may read, or join one."""
    import ray

    with tempfile.TemporaryDirectory(prefix="jpegredact-") as folder:  # mode 0700
        if address is None:
            ray.init(
                address="local", num_cpus=jobs, include_dashboard=False, log_to_driver=False,
                configure_logging=False, _temp_dir=folder,
            )  # fmt: skip
        else:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
        try:
            context = ray.data.DataContext.get_current()
            context.max_errored_blocks = -1  # they are done again
            context.enable_progress_bars = False
            yield
        finally:
            ray.shutdown()
