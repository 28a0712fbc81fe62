"""Whether a run's stores still do their work: where one fails picture after picture, it ends.

Each picture alone would wait for it and try again, and a night would pass with nothing done.
"""

from __future__ import annotations

import errno
from collections import Counter

from .places import Place
from .work import Done, Job

__all__ = ["Stores"]

_ROUNDS = 5
"""Pictures in a row that each worker may lose to a store: with four waits each, half a minute."""
_LEAST = 10


class Stores:
    """SRC, DST and DIR of a run, and how many pictures in a row each of them has cost."""

    def __init__(self, job: Job, jobs: int) -> None:
        self._job = job
        self._most = max(_LEAST, _ROUNDS * jobs)
        self._lost: Counter[str] = Counter()

    def see(self, done: Done) -> None:
        """Count a picture.

        Raises
        ------
        OSError
            A store does not answer, or lets nobody in, and has not for many pictures in a row.
            Where only access was denied, which may be due to those very objects, the store
            itself was asked, and refused.
        """
        for place in self._answered(done):
            self._lost.pop(place.url, None)
        if not done.store:
            return
        self._lost[done.store] += 1
        if self._lost[done.store] < self._most:
            return
        if done.errno == errno.EACCES and not self._is_closed(done.store):
            del self._lost[done.store]
            return
        raise OSError(
            errno.EIO if done.errno is None else done.errno,
            f"{self._lost[done.store]} pictures in a row failed for the same reason: "
            f"{done.message}",
            done.store,
        )

    def _answered(self, done: Done) -> list[Place]:
        """Return the places that did for a picture what they were asked for."""
        job = self._job
        if done.outcome in ("redacted", "scrubbed"):
            return [job.source, job.target, job.diffs]
        if done.outcome == "untouched" and job.options.untouched != "skip":
            return [job.source, job.target]
        return [job.source] if done.read else []

    def _is_closed(self, url: str) -> bool:
        """Whether a store lets nobody in, whatever the object."""
        job = self._job
        try:
            if url == job.source.url:
                job.source.check_readable()
            else:
                (job.target if url == job.target.url else job.diffs).check_writable()
        except OSError:
            return True
        return False
