"""Places: a folder tree, or what a bucket holds below a prefix; read and written file by file.

Knows names, bytes and how to make them durable; knows no pictures, diffs or logs. What a name
means is the same in every place: relative, "/" between its parts (`names.checked_name`).
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import unquote

from ..errors import BatchError, LimitExceededError
from ..limits import DEFAULT_LIMITS
from .names import checked_name
from .retrying import Retrying

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIFF_MAGIC", "Entry", "Place", "open_place", "too_large"]

DIFF_MAGIC = b"\xd9\xd9\xf7"
"""How an unblur-diff begins: the tag of self-described CBOR."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(//|:)")


class Entry(NamedTuple):
    """What a walk comes across.

    Attributes
    ----------
    name
        Within the place. As it is: `names.checked_name` says whether it is a safe one. Bytes
        that are no UTF-8 are surrogates, as Python does it.
    size
        In bytes; 0 for what is skipped.
    etag_or_mtime
        What changes when the file does: the store's ETag, or the time of the last change in
        nanoseconds; "" where the store has neither.
    skipped
        None for a file. Else why this is none to be read: ``"link"`` (a symbolic link, never
        followed), ``"special"`` (a device, a pipe, a socket) or ``"unreadable"`` (a folder that
        can't be listed or is too deep, whose name ends with "/"; a file that can't be looked at).
    """

    name: str
    size: int
    etag_or_mtime: str
    skipped: Literal["link", "special", "unreadable"] | None = None


class Place(ABC):
    """A folder tree or a bucket's prefix. Made by `open_place`; can be pickled.

    Errors are `OSError` (`FileNotFoundError` and so on) and `JpegRedactError`; their messages
    name the place and the name, and no credentials.
    """

    is_local: bool

    @property
    @abstractmethod
    def url(self) -> str:
        """The path, or the URL without credentials."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @abstractmethod
    def contains(self, other: Place) -> bool:
        """Whether another place is this one or inside it."""

    def check_readable(self) -> None:
        """Find out whether the place can be asked for anything: for its first name.

        Raises
        ------
        OSError
            It can't be listed.
        """
        next(self.walk(), None)

    @abstractmethod
    def check_writable(self) -> None:
        """Find out whether `write_new` can keep its promise here.

        A store is asked to write over a small object, which is then removed. Once it was, no
        `write_new` of this object or one pickled from it asks; otherwise the first one does.

        Raises
        ------
        BatchError
            The store can't write an object only where there is none (``batch.exclusive``).
        OSError
            Nothing can be written here.
        """

    @abstractmethod
    def walk(self, leave_out: Sequence[Place] = ()) -> Iterator[Entry]:
        """Yield the files in the order of their names' bytes, the same for every kind of place.

        Temporaries and locks of ours are left out, and so are places in ``leave_out`` that are
        inside this one. Symbolic links and the like are yielded as skipped. Memory is bounded
        by the largest folder's names, and on S3 by a page.

        Raises
        ------
        FileNotFoundError
            There is no such folder. An empty prefix of a bucket is no error.
        """

    @abstractmethod
    def read(
        self, name: str, most: int = DEFAULT_LIMITS.max_bytes, start: bytes = b"",
        likely: bool = True,
    ) -> bytes:
        """Return a file's bytes; tried again where that may help.

        Parameters
        ----------
        most
            How many there may be.
        start
            How the file has to begin. Of one that begins otherwise, however large it is, only as
            many bytes are returned, and the rest is not read: on a store at most 32 MiB of it.
        likely
            Whether it probably begins so. Of one that does not, a store is asked for those first
            bytes alone, which costs the others one more request.

        Raises
        ------
        LimitExceededError
            There are more than ``most``.
        """

    @abstractmethod
    def write_new(self, name: str, data: bytes, mode: int = 0o600) -> bool:
        """Write a file, whole or not at all, and never over another one.

        Returns
        -------
        bool
            False if there is one with the very same bytes, which is as good as written. In a
            store it may be from this very call, if an answer got lost on its way.

        Raises
        ------
        FileExistsError
            There is one with other bytes.
        """

    @abstractmethod
    def write_replacing(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Write a file, whole or not at all; one that is there is replaced, but for a diff.

        Raises
        ------
        FileExistsError
            An unblur-diff stands there.
        """

    @abstractmethod
    def size_of(self, name: str) -> int | None:
        """Return a file's size, or None if there is no such file."""

    @abstractmethod
    def digest_of(self, name: str) -> bytes | None:
        """Return the SHA-256 of a file, read piece by piece, or None if there is no such file."""

    def link_or_copy(self, name: str, source: Place, source_name: str) -> bool:
        """Pass a file on untouched: a hard link where that can be, else its bytes.

        Otherwise as `write_new`. A link has the owner, mode and times of the source, being the
        same file.
        """
        checked_name(name)
        return self.write_new(name, source.read(source_name), mode=0o644)

    @abstractmethod
    def clean_up(self, older_than: float) -> int:
        """Remove temporaries of ours that were last written ``older_than`` seconds ago or more.

        Returns
        -------
        int
            How many were removed.
        """

    def lock(self) -> AbstractContextManager[None]:
        """Hold the place against a second run; only local ones can be.

        In stores nothing holds a second run off: there, what keeps two of them apart is that
        nothing is written over another.

        Raises
        ------
        BatchError
            Another run holds it (``batch.locked``).
        """
        return nullcontext()


def open_place(
    url: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    *,
    retrying: Retrying | None = None,
) -> Place:
    """Return the place that a path or an fsspec URL names; nothing needs to be there yet.

    Parameters
    ----------
    url
        A path, ``file://…``, ``s3://bucket/prefix``, ``memory://…``, or another URL that fsspec
        knows.
    options
        For fsspec's class, such as ``{"endpoint_url": …}``. Better left to the store's own ways
        (environment, configuration files).

    Raises
    ------
    BatchError
        No place can be had by that URL (``batch.place``), or a package is missing
        (``batch.extra``).
    """
    from .local import LocalPlace

    retrying = retrying or Retrying()
    text = os.fspath(url)
    if not text or "\0" in text:
        raise BatchError("a path that is empty or has a NUL character", code="batch.place")
    if not _URL.match(text):
        return LocalPlace(os.path.realpath(text), retrying)
    scheme, _, rest = text.partition("://")
    if scheme.lower() in ("file", "local"):
        host, _, path = rest.partition("/")
        if host not in ("", "localhost"):
            raise BatchError(
                f"file URLs name files of this machine, not of {host!r}",
                code="batch.place",
                hint="three slashes: file:///folder",
            )
        path = unquote(path)
        return LocalPlace(os.path.realpath(path if os.name == "nt" else "/" + path), retrying)
    from .remote import RemotePlace

    return RemotePlace(text, dict(options or {}), retrying)


def too_large(shown: str, most: int) -> LimitExceededError:
    """Return the error for a file of more bytes than wanted."""
    return LimitExceededError(
        f"{shown}: more than {most} bytes",
        code="limit.bytes",
        hint="raise it with Limits(max_bytes=...) if you trust the input",
    )
