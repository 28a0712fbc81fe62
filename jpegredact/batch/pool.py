"""Worker processes that may die: one task is lost then, not the run.

`concurrent.futures` gives up all work when a process dies. Here the task that a worker was on is
tried once more, by another one, and then reported.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Died", "work_off"]

T = TypeVar("T")
R = TypeVar("R")

_TRIES = 2
_AHEAD = 2
"""Tasks that a worker has at a time: the next one is there when it is done with the first."""
_SECONDS = 0.5
"""How often to see whether to stop."""


class Died(NamedTuple):
    """The worker died on this task, and so did the next one."""

    exit_code: int | None


class _Task(Generic[T]):
    """A task, and how many workers it has cost."""

    __slots__ = ("deaths", "task")

    def __init__(self, task: T) -> None:
        self.task = task
        self.deaths = 0


class _Worker(Generic[T]):
    """A process, and the tasks that it was given and has not answered, in that order."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.given: deque[_Task[T]] = deque()


def work_off(
    make: Callable[[], Callable[[T], R]],
    tasks: Iterable[T],
    jobs: int,
    stop: Callable[[], bool],
) -> Iterator[tuple[T, R | Died]]:
    """Yield each task with its result, in the order in which they are done.

    Parameters
    ----------
    make
        Called once in each worker; what it gives does a task. Must be picklable, as tasks and
        results.
    tasks
        Taken one by one, no further ahead than the workers need.
    jobs
        How many workers there are.
    stop
        Asked now and then; once it says yes, no other task is begun, and those that are begun
        are finished.
    """
    context = get_context("spawn")
    left = iter(tasks)
    again: deque[_Task[T]] = deque()
    workers: list[_Worker[T]] = []

    def start() -> _Worker[T]:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        process.start()
        theirs.close()
        worker: _Worker[T] = _Worker(process, ours)
        return worker

    def next_task() -> _Task[T] | None:
        if stop():
            return None
        if again:
            return again.popleft()
        return next((_Task(task) for task in left), None)

    def feed(worker: _Worker[T]) -> None:
        while len(worker.given) < _AHEAD and (task := next_task()) is not None:
            worker.given.append(task)
            try:
                worker.connection.send(task.task)
            except (BrokenPipeError, ConnectionResetError):
                return  # its end will be seen

    try:
        workers += [start() for _ in range(jobs)]
        for worker in workers:
            feed(worker)
        while any(worker.given for worker in workers):
            watched = [each for worker in workers if worker.given
                       for each in (worker.connection, worker.process.sentinel)]  # fmt: skip
            ready = wait(watched, _SECONDS)
            for number, worker in enumerate(workers):
                if worker.connection not in ready and worker.process.sentinel not in ready:
                    continue
                answered: tuple[R] | None = _answer(worker)
                if answered is not None:
                    yield worker.given.popleft().task, answered[0]
                    feed(worker)
                elif not worker.process.is_alive() or worker.connection in ready:
                    lost = _lost(worker)
                    if lost.deaths < _TRIES:
                        again.appendleft(lost)
                    else:
                        yield lost.task, Died(worker.process.exitcode)
                    again.extend(worker.given)
                    workers[number] = start()
                    feed(workers[number])
    finally:
        _end(workers)


def _answer(worker: _Worker[T]) -> tuple[R] | None:
    """Return a worker's next result; None where it gives none any more."""
    try:
        if worker.connection.poll():
            return (worker.connection.recv(),)
    except (EOFError, OSError):
        pass
    return None


def _lost(worker: _Worker[T]) -> _Task[T]:
    """Bury a worker; return the task that it was on."""
    worker.process.join(_SECONDS)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.connection.close()
    lost = worker.given.popleft()
    lost.deaths += 1
    return lost


def _end(workers: Iterable[_Worker[T]]) -> None:
    """End all workers; those that are on a task finish it."""
    workers = list(workers)
    for worker in workers:
        try:
            worker.connection.send(None)
        except (BrokenPipeError, ConnectionResetError, OSError):
            continue
    for worker in workers:
        worker.process.join()
        worker.connection.close()


def _serve(connection: Connection, make: Callable[[], Callable[[T], R]]) -> None:
    """Work off what comes, in a process of its own, until there is no more or nobody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent says when to end
    do = make()
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if task is None:
            return
        try:
            connection.send(do(task))
        except (BrokenPipeError, ConnectionResetError):
            return
