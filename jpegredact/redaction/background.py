"""Work that runs beside other work: hashing and the compiled core both release the GIL."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

__all__ = ["Beside", "Later"]

_WORTH_A_THREAD = 1 << 18

T = TypeVar("T")


class Later(Generic[T]):
    """A result that is being worked out elsewhere, and waited for when asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work
        self._done = Event()
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work, once."""
        work, self._work = self._work, None  # what it needed is not held any longer
        try:
            if work is not None:
                self._results.append(work())
        except BaseException as error:  # raised again in the thread that asks
            self._error = error
        finally:
            self._done.set()

    def result(self) -> T:
        """Return the result, or raise what the work raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]


class Beside:
    """One thread beside the caller's, which works off what it is given, in that order.

    Where the work is over a few bytes, a thread costs more than it saves: then all
    is done at once when it is given.
    """

    def __init__(self, size: int) -> None:
        self._queue: SimpleQueue[Later[Any] | None] = SimpleQueue()
        self._thread: Thread | None = None
        if size >= _WORTH_A_THREAD:
            self._thread = Thread(target=self._run, name="jpegredact")

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()

    def begin(self, work: Callable[[], T]) -> Later[T]:
        """Give it some work."""
        later = Later(work)
        if self._thread is None:
            later.run()
        else:
            self._queue.put(later)
        return later

    def _run(self) -> None:
        while (later := self._queue.get()) is not None:
            later.run()
