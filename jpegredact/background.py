"""Work that runs beside other work: hashing and the compiled core both release the GIL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

__all__ = ["Beside", "Later"]

_WORTH_A_THREAD = 1 << 18

T = TypeVar("T")


class Later(Generic[T]):
    """A result that is worked out by the first thread that has time for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work
        self._begun = Lock()
        self._going_on = Lock()
        self._going_on.acquire()
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work, unless somebody does or did."""
        if not self._begun.acquire(blocking=False):
            return
        work, self._work = self._work, None  # what it needed is not held any longer
        try:
            if work is not None:
                self._results.append(work())
        except BaseException as error:  # raised again in the thread that asks
            self._error = error
        finally:
            self._going_on.release()

    def result(self) -> T:
        """Return the result, or raise what the work raised; do the work if nobody has begun it."""
        self.run()
        with self._going_on:
            pass
        if self._error is not None:
            raise self._error
        return self._results[0]

    def call_off(self) -> bool:
        """Make sure that nobody begins the work; False where somebody has begun it."""
        if not self._begun.acquire(blocking=False):
            return False
        self._work = None
        self._error = LookupError("work that was called off")
        self._going_on.release()
        return True

    def if_begun(self) -> T | None:
        """Return the result if somebody has begun the work; if not, nobody will."""
        return None if self.call_off() else self.result()


class Beside:
    """One thread beside the caller's, which works off what it is given, in that order.

    What it has not begun when the caller asks for it, the caller does. Where the work is
    over a few bytes, a thread costs more than it saves: then there is none.
    """

    def __init__(self, size: int) -> None:
        self._queue: SimpleQueue[Later[Any] | None] = SimpleQueue()
        self._thread: Thread | None = None
        if size >= _WORTH_A_THREAD:
            self._thread = Thread(target=self._run, name="jpegredact")

    def __enter__(self) -> Self:
        if self._thread is not None:
            try:
                self._thread.start()
            except RuntimeError:  # there are too many: all of it can be done without
                self._thread = None
            except BaseException:  # such as Ctrl-C while it starts: nobody will end it later
                self._queue.put(None)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._thread is not None:
            while error is not None and not self._queue.empty():  # nobody will ask for it
                with suppress(Empty):
                    self._queue.get_nowait()
            self._queue.put(None)
            self._thread.join()

    @property
    def threaded(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def begin(self, work: Callable[[], T]) -> Later[T]:
        """Give it some work."""
        later = Later(work)
        if self._thread is not None:
            self._queue.put(later)
        return later

    def _run(self) -> None:
        while (later := self._queue.get()) is not None:
            later.run()
