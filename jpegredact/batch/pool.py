"""Worker processes that may die: one task is lost then, not the run.

`concurrent.futures` gives up all work when a process dies. Here the task that a worker was on is
tried once more, by another one, and then reported.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from time import monotonic
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from ..errors import BatchError

__all__ = ["Died", "Workers"]

T = TypeVar("T")
R = TypeVar("R")

_TRIES = 2
_STARTS = 4
"""Workers in a row that die before they are ready: then all of them would."""
_AHEAD = 2
"""Tasks that a worker has at a time: the next one is there when it is done with the first."""
_SMALL = 4096
"""Bytes of a task that can be sent to a worker that does not listen, without waiting for it."""
_SECONDS = 0.5
"""How often to see whether to stop."""
_PATIENCE = 10.0
"""Seconds that workers get for what they are on, when something went wrong."""


class Died(NamedTuple):
    """The worker died on this task, and so did the next one.

    Attributes
    ----------
    exit_code
        Of the last one; minus the number of a signal.
    why
        The exception, if there was one.
    """

    exit_code: int | None
    why: str = ""


class _Task(Generic[T]):
    """A task, and how many workers it has cost."""

    __slots__ = ("deaths", "task")

    def __init__(self, task: T) -> None:
        self.task = task
        self.deaths = 0


class _Worker(Generic[T]):
    """A process, and the tasks that it was given and has not answered, in that order."""

    __slots__ = ("connection", "given", "is_ready", "process", "why")

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.given: deque[_Task[T]] = deque()
        self.is_ready = False
        self.why = ""


class Workers(Generic[T, R]):
    """Some processes that do tasks; for use in a ``with`` statement.

    Where that is left by an exception, workers may finish the task that they are on, but get no
    more than ten seconds for it; by `KeyboardInterrupt`, they are killed. They also end when this
    process is gone, however it went.

    Parameters
    ----------
    make
        Called once in each worker; what it gives does a task. Must be picklable, as tasks and
        results.
    jobs
        How many workers there are.
    """

    def __init__(self, make: Callable[[], Callable[[T], R]], jobs: int) -> None:
        self._make = make
        self._jobs = jobs
        self._context = get_context("spawn")
        self._workers: list[_Worker[T]] = []
        self._waiting: deque[_Task[T]] = deque()
        self._left: Iterator[T] = iter(())
        self._error: Exception | None = None
        self._stillborn = 0

    def work_off(
        self, tasks: Iterable[T], stop: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[T, R | Died]]:
        """Yield each task with its result, in the order in which they are done.

        Parameters
        ----------
        tasks
            Taken one by one, no further ahead than the workers need. If it raises an exception,
            what was begun is finished, and then the exception goes on.
        stop
            Asked now and then; once it says yes, no other task is begun, and those that are begun
            are finished.

        Raises
        ------
        BatchError
            Workers can't even start (``batch.workers``).
        """
        self._left = iter(tasks)
        while self._feed(stop):
            for number, worker in self._ready():
                message = _message(worker)
                if message is None:
                    yield from self._bury(worker)
                    self._workers[number] = self._start()
                elif message[0] == "done":
                    yield worker.given.popleft().task, message[1]
                elif message[0] == "raised":
                    worker.why = message[1]  # and then it ends
                else:
                    worker.is_ready, self._stillborn = True, 0
        if self._error is not None:
            raise self._error

    def _feed(self, stop: Callable[[], bool]) -> bool:
        """Give workers what they need; return whether anything is under way."""
        if self._has_more(stop) and not self._workers:
            self._workers += [self._start() for _ in range(self._jobs)]
        for most in range(_AHEAD):
            for worker in self._workers:
                if worker.is_ready and len(worker.given) == most and self._has_more(stop):
                    self._give(worker)
        return any(worker.given for worker in self._workers) or self._has_more(stop)

    def _has_more(self, stop: Callable[[], bool]) -> bool:
        if stop():
            return False
        if not self._waiting and self._error is None:
            try:
                self._waiting.extend(_Task(task) for task in islice(self._left, 1))
            except Exception as error:
                self._error = error
        return bool(self._waiting)

    def _give(self, worker: _Worker[T]) -> None:
        data = ForkingPickler.dumps((self._waiting[0].task,))
        if worker.given and len(data) > _SMALL:
            return  # it may be about to send us something: both would wait for ever
        worker.given.append(self._waiting.popleft())
        with suppress(OSError):  # its end will be seen
            worker.connection.send_bytes(data)

    def _ready(self) -> Iterator[tuple[int, _Worker[T]]]:
        """Yield the workers that have said something, or ended."""
        ready = set(
            wait([each for worker in self._workers
                  for each in (worker.connection, worker.process.sentinel)], _SECONDS)
        )  # fmt: skip
        for number, worker in enumerate(tuple(self._workers)):
            if worker.connection in ready or worker.process.sentinel in ready:
                yield number, worker

    def _start(self) -> _Worker[T]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._make), daemon=True)
        with _sigint_blocked():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _bury(self, worker: _Worker[T]) -> Iterator[tuple[T, R | Died]]:
        """See to the tasks of a worker that died; yield the one that has cost too many."""
        worker.process.join(_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()
        died = Died(worker.process.exitcode, worker.why)
        if not worker.is_ready:
            self._stillborn += 1
            if worker.why or self._stillborn == _STARTS:
                why = worker.why or f"exit code {died.exit_code}"
                raise BatchError(f"worker processes can't start: {why}", code="batch.workers")
        lost = worker.given.popleft() if worker.given else None
        self._waiting.extendleft(reversed(worker.given))
        worker.given.clear()
        if lost is None:
            return
        lost.deaths += 1
        if lost.deaths < _TRIES:
            self._waiting.appendleft(lost)
        else:
            yield lost.task, died

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        give_up = kind is not None and issubclass(kind, KeyboardInterrupt)
        for worker in self._workers:
            if give_up or not worker.is_ready:
                worker.process.kill()
            elif kind is None:
                with suppress(OSError):
                    worker.connection.send(None)
            else:
                worker.connection.close()  # it can't say what it did, and ends
        last = monotonic() + _PATIENCE
        for worker in self._workers:
            worker.process.join(max(0.0, last - monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers.clear()


def _message(worker: _Worker[Any]) -> tuple[Any, ...] | None:
    """Return what a worker says; None where it says nothing any more."""
    try:
        if worker.connection.poll():
            message: tuple[Any, ...] = worker.connection.recv()
            return message
    except (EOFError, OSError):
        pass
    return None


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Have Ctrl-C wait, here; a process that is started meanwhile never gets it.

    Ctrl-C goes to all processes at a terminal, but it is the parent that says when to end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # which would let SIGINT through again, if it had to be started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, make: Callable[[], Callable[[T], R]]) -> None:
    """Work off what comes, in a process of its own, until there is no more or nobody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        message = _tried(make)
        if message[0] == "raised":
            connection.send(message)
            return
        do = message[1]
        connection.send(("ready",))
        while (task := connection.recv()) is not None:
            message = _tried(partial(do, task[0]))
            connection.send(message)
            if message[0] == "raised":  # memory may be short or in disorder: another one goes on
                return


def _tried(call: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return "done", call()
    except Exception as error:
        return "raised", f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    """End this process at once when its parent is gone: another run may follow."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
