"""Work that runs beside other work: hashing and the compiled core both release the GIL."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

__all__ = ["Later"]

_WORTH_A_THREAD = 1 << 18

T = TypeVar("T")


class Later(Generic[T]):
    """A result that is being worked out in a thread of its own, and waited for when asked for.

    Where the work is over a few bytes, a thread costs more than it saves: then
    it is done at once.
    """

    def __init__(self, work: Callable[[], T], size: int) -> None:
        self._work = work
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = Thread(target=self._run, name="jpegredact")
        if size < _WORTH_A_THREAD:
            self._thread.run()
        else:
            self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # raised again in the caller's thread
            self._errors.append(error)

    def result(self) -> T:
        """Return the result, or raise what the work raised."""
        if self._thread.ident is not None:
            self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]
