"""Processes that check inputs, watched: one that dies or hangs is told of and replaced."""

from __future__ import annotations

import multiprocessing as mp
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from . import targets

AT_ONCE = 16
MEMORY = 4 << 30
"""What a worker may allocate, where the system can hold it to that."""


class Checked(Protocol):
    """What a source gives for a number."""

    def check(self, number: int) -> Any:
        """Make the checks; return something that can be pickled."""


class Numbered(Protocol):
    """A source of inputs; it is sent to each process."""

    def input(self, number: int) -> Checked:
        """Return the input with this number."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    numbers: deque[int] = field(default_factory=deque)
    """Sent to it, not yet answered; it works on the first."""
    since: float = 0.0


@dataclass
class Workers:
    """Some processes for one source."""

    source: Numbered
    jobs: int
    patience: float
    """Seconds by the clock for one input; then the process is killed."""

    def results(self, numbers: Iterator[int]) -> Iterator[tuple[int, Any]]:
        """Yield each number and its result, or a text that says what became of the process."""
        self.context = mp.get_context("spawn")
        workers = [self._start() for _ in range(self.jobs)]
        try:
            for worker in workers:
                self._feed(worker, islice(numbers, AT_ONCE))
            while any(worker.numbers for worker in workers):
                busy = {w.connection: w for w in workers if w.numbers}
                for connection in wait(list(busy), timeout=0.5):
                    yield self._receive(busy[connection])
                for worker in workers:
                    if worker.numbers and time.monotonic() - worker.since > self.patience:
                        worker.process.kill()
                    elif not worker.numbers:
                        self._feed(worker, islice(numbers, AT_ONCE))
        finally:
            for worker in workers:
                worker.process.kill()
                worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(self.source, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            ours.recv()
        except EOFError:
            raise RuntimeError("a worker could not start: see its own words above") from None
        return _Worker(process, ours, since=time.monotonic())

    @staticmethod
    def _feed(worker: _Worker, numbers: Iterator[int]) -> None:
        worker.numbers.extend(numbers)
        worker.since = time.monotonic()
        if worker.numbers:
            worker.connection.send(list(worker.numbers))

    def _receive(self, worker: _Worker) -> tuple[int, Any]:
        try:
            result = worker.connection.recv()
        except (EOFError, ConnectionResetError):  # reset: it had not read all of its orders
            late = time.monotonic() - worker.since > self.patience
            worker.process.join()
            status = worker.process.exitcode
            result = f"it hung for {self.patience:.0f} s" if late else f"it died, status {status}"
            number = worker.numbers.popleft()
            fresh = self._start()
            worker.process, worker.connection = fresh.process, fresh.connection
            left, worker.numbers = worker.numbers, deque()
            self._feed(worker, iter(left))
            return number, result
        worker.since = time.monotonic()
        return worker.numbers.popleft(), result


def _serve(source: Numbered, connection: Connection) -> None:
    warnings.simplefilter("error")
    _limit_memory()
    connection.send("ready")
    while True:
        for number in connection.recv():
            connection.send(source.input(number).check(number))


def _limit_memory() -> None:
    """Make larger allocations fail in this process, rather than hurt the whole machine."""
    if sys.platform != "linux":
        return
    import resource

    held = targets.memory("VmSize")
    if held < 1 << 40:  # a build with sanitizers reserves terabytes for its own use
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
