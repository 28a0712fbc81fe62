"""SHA-256 that runs beside other work: hashing and the compiled core both release the GIL."""

from __future__ import annotations

import hashlib
from threading import Thread

__all__ = ["Sha256"]

_WORTH_A_THREAD = 1 << 18


class Sha256:
    """The digest of some bytes, begun now and waited for when it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._digest: bytes | None = None
        self._thread: Thread | None = None
        if len(data) >= _WORTH_A_THREAD:
            self._thread = Thread(target=self._work, name="sha256")
            self._thread.start()

    def _work(self) -> None:
        self._digest = hashlib.sha256(self._data).digest()

    def digest(self) -> bytes:
        """Return the 32 bytes."""
        if self._thread is not None:
            self._thread.join()
        if self._digest is None:
            self._work()
        return self._digest or b""
