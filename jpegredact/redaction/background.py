"""Work that runs beside other work: hashing and the compiled core both release the GIL."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

__all__ = ["Beside", "Digest", "Later"]

_WORTH_A_THREAD = 1 << 18
_AT_ONCE = 1 << 18
_MOST_WAITING = 4

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


class Digest:
    """SHA-256 of pieces that are handed over in their order, worked out beside the caller."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._hash = hashlib.sha256()
        self._some = bytearray()  # small pieces are hashed together
        self._waiting: deque[Later[None]] = deque()

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        """Add a piece; it may be overwritten afterwards, but where it is immutable and large."""
        if len(piece) > _AT_ONCE and isinstance(piece, memoryview) and piece.readonly:
            self._flush()
            self._begin(piece)
            return
        self._some += piece
        if len(self._some) > _AT_ONCE:
            self._flush()

    def result(self) -> bytes:
        """Return the digest of all pieces."""
        self._flush()
        return self._beside.begin(self._hash.digest).result()

    def _flush(self) -> None:
        some, self._some = self._some, bytearray()
        self._begin(some)

    def _begin(self, piece: bytearray | memoryview) -> None:
        if len(self._waiting) == _MOST_WAITING:  # so that they don't pile up
            self._waiting.popleft().result()
        self._waiting.append(self._beside.begin(lambda: self._hash.update(piece)))
