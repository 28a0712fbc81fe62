"""Trying again where that can help: what went wrong on the way, never what a store refuses.

Knows the errors of stores by their shape (a status, an errno, a well-known name), not by their
packages: none of those is imported here.
"""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Retrying", "StoreDeniedError", "StoreError", "is_transient", "status_of"]

T = TypeVar("T")

_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 529})
_ERRNOS = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN",
        "ENETRESET", "ENETUNREACH", "EPIPE", "ESTALE", "ETIMEDOUT",
    )
    if hasattr(errno, name)
)  # fmt: skip
_CODES = frozenset(
    {"ConditionalRequestConflict", "InternalError", "OperationAborted", "RequestTimeout",
     "ServiceUnavailable", "SlowDown"}
)  # fmt: skip
_CLASSES = frozenset(
    {
        # aiohttp
        "ClientConnectionError", "ClientPayloadError", "ContentLengthError",
        "ServerDisconnectedError",
        # botocore
        "ConnectTimeoutError", "ConnectionClosedError", "EndpointConnectionError",
        "HTTPClientError", "IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError",
        # http.client, urllib3, requests
        "IncompleteRead", "ProtocolError", "RemoteDisconnected", "Timeout",
    }
)  # fmt: skip


class StoreError(OSError):
    """A store failed, and not because of what it was asked for: others may meet the same.

    Attributes
    ----------
    store
        URL of the place, without credentials.
    """

    def __init__(self, number: int, text: str, name: str, store: str) -> None:
        super().__init__(number, text, name)
        self.store = store

    def __reduce__(self) -> tuple[type[StoreError], tuple[object, ...]]:
        """Give what it is made of: an OSError has forgotten its fourth part."""
        return type(self), (self.errno, self.strerror, self.filename, self.store)


class StoreDeniedError(StoreError, PermissionError):
    """A store refused access: to this object, or to all."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often and how long to try.

    Attributes
    ----------
    tries
        Attempts in all.
    first, most
        Seconds to wait after the first failure, and at most; twice as long each time, of which
        a random part of up to a half is left out, so that many workers don't come back at once.
    sleep
        What waits; a test may pass its own.
    """

    tries: int = 5
    first: float = 0.5
    most: float = 8.0
    sleep: Callable[[float], object] = time.sleep

    def run(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns; its last error once no further attempt would help."""
        delay = self.first
        for _ in range(self.tries - 1):
            try:
                return call()
            except Exception as error:
                if not is_transient(error):
                    raise
            self.sleep(min(delay, self.most) * (1 - secrets.randbelow(512) / 1024))
            delay *= 2
        return call()


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: time ran out, a connection broke, the store is overloaded.

    HTTP statuses 408, 425, 429 and 5xx (but 501, 505 and the like, which stay), S3's 409 where
    two conditional writes met, and the errors of connections. Not so 403 and 404.
    """
    chain = list(_chain(error))
    return (
        any(_is_of_the_way(each) for each in chain)
        or any(_code_of(each) in _CODES for each in chain)
        or status_of(error) in _STATUSES
    )


def _is_of_the_way(error: BaseException) -> bool:
    """Whether it is the connection that failed; aiohttp makes up a status 400 for that."""
    return (
        isinstance(error, TimeoutError | ConnectionError)
        or (isinstance(error, OSError) and error.errno in _ERRNOS)
        or any(kind.__name__ in _CLASSES for kind in type(error).__mro__)
    )


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error, or one that led to it, was made of."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict):  # botocore
            value = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if isinstance(value, int):
                return value
        for holder in (each, response):
            for name in ("status", "status_code", "code"):  # aiohttp, azure, requests, gcsfs
                value = getattr(holder, name, None)
                if isinstance(value, int) and 400 <= value < 600:
                    return value
    return None


def _code_of(error: BaseException) -> str | None:
    """Return S3's own word for an error."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return code if isinstance(code, str) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, the latest first."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__
