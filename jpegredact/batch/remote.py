"""Places in object stores, by fsspec: an object appears whole or not at all.

Only calls that send a whole object at once are used (`pipe_file`), never `open(..., "wb")`, which
commits half an object when an exception passes through.
"""

from __future__ import annotations

import errno
import hashlib
import inspect
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from ..errors import BatchError, JpegRedactError, UnsafeNameError
from ..limits import DEFAULT_LIMITS
from .names import LOCK_NAME, checked_name, is_ours, temporary_name
from .places import DIFF_MAGIC, Entry, Place, too_large
from .retrying import Retrying, StoreDeniedError, StoreError, is_transient, status_of

__all__ = ["RemotePlace"]

T = TypeVar("T")

_PIECE = 8 << 20
_FIRST = 32 << 20  # more than nearly all pictures have: of others, this much is read twice
_WHOLE = 5 << 30  # S3's limit for an object that is sent in one request
_SECRETS = re.compile(r"key|secret|token|password|passwd|credential|account", re.IGNORECASE)
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_SIGNATURE = re.compile(r"(?<=[?&])(X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature|sig)=[^&\s\"']*")


class RemotePlace(Place):
    """What a bucket holds below a prefix."""

    is_local = False

    def __init__(
        self,
        url: str,
        options: dict[str, Any],
        retrying: Retrying,
        exclusive: bool = False,
    ) -> None:
        self._full_url = url
        self._options = options
        self._retrying = retrying
        self._exclusive = exclusive  # whether the store is known to refuse to write over
        self._user = _USER.search(url)
        self._store: Any = None
        self._opened_by = 0
        if "::" in url:
            raise BatchError(f"{self.url}: a chain of URLs is no place", code="batch.place")
        self._scheme = url.partition("://")[0].lower()
        stripped = self._fs._strip_protocol(url)
        self._root = str(stripped).rstrip("/")
        if self._is_s3 and not self._root:
            raise BatchError(f"{self.url}: no bucket is named", code="batch.place")

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePlace, (self._full_url, self._options, self._retrying, self._exclusive)

    @property
    def url(self) -> str:
        """The URL without user and password."""
        return _USER.sub("", self._full_url)

    @property
    def _is_s3(self) -> bool:
        return self._scheme in ("s3", "s3a")

    @property
    def _fs(self) -> Any:
        """The store as fsspec sees it, one for each process: its threads don't survive a fork."""
        if self._store is None or self._opened_by != os.getpid():
            self._store = self._open_store()
            self._opened_by = os.getpid()
        return self._store

    def _open_store(self) -> Any:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise BatchError(
                f"{self.url}: URLs need fsspec",
                code="batch.extra",
                hint="pip install 'jpegredact[batch]'",
            ) from None
        options = {"use_listings_cache": False, "skip_instance_cache": True, **self._options}
        if self._is_s3:  # trying again is up to us alone: bounded, and known when it happens
            config = {"retries": {"mode": "standard", "total_max_attempts": 1}}
            options["config_kwargs"] = config | dict(options.get("config_kwargs") or {})
        try:
            store, _ = url_to_fs(self._full_url, **options)
        except ImportError as error:
            raise BatchError(
                f"{self.url}: {error}", code="batch.extra", hint="for s3: 'jpegredact[s3]'"
            ) from None
        except ValueError as error:
            raise BatchError(
                f"{self.url}: {self._scrubbed(str(error))}", code="batch.place"
            ) from None
        if self._is_s3:
            store.retries = 1
        return store

    def contains(self, other: Place) -> bool:
        """Whether another place is this one or inside it."""
        if not isinstance(other, RemotePlace) or self._store_key() != other._store_key():
            return False
        return other._root == self._root or other._root.startswith(self._root + "/")

    def _store_key(self) -> tuple[str, str]:
        """Return what tells one store from another of its kind."""
        client = self._options.get("client_kwargs") or {}
        endpoint = self._options.get("endpoint_url") or client.get("endpoint_url") or ""
        return type(self._fs).__name__, str(endpoint).rstrip("/")

    def check_writable(self) -> None:
        """Write an object for a moment, and try to write over it."""
        self._exclusive = False
        self._check_exclusive()

    def _check_exclusive(self) -> None:
        if self._exclusive:
            return
        if not _knows_create(self._fs):
            raise self._not_exclusive("its fsspec class can't")
        name = temporary_name()
        path = f"{self._root}/{name}"
        self._do(name, self._create, path, b"jpegredact\n")
        try:
            second = self._do(name, self._create, path, b"jpegredact, again\n")
            if second:
                raise self._not_exclusive("it wrote over one that was there")
        finally:
            with suppress(OSError):  # who may not delete is welcome all the same
                self._do(name, self._fs.rm_file, path)
        self._exclusive = True

    def _not_exclusive(self, why: str) -> BatchError:
        return BatchError(
            f"{self.url}: this store can't write an object only where there is none: {why}",
            code="batch.exclusive",
            hint="nothing is written where a diff could be replaced",
        )

    def walk(self, leave_out: Sequence[Place] = ()) -> Iterator[Entry]:
        """Yield the objects in the order of their names' bytes."""
        inside = tuple(
            each._root + "/"
            for each in leave_out
            if isinstance(each, RemotePlace) and self.contains(each) and each._root != self._root
        )
        pages = self._pages() if self._is_s3 else self._folders("")
        for each in pages:
            path = f"{self._root}/{each.name}"
            if not path.startswith(inside or ("\0",)) and not is_ours(each.name):
                yield each

    def _pages(self) -> Iterator[Entry]:
        """List a bucket flat, page by page: S3 gives keys in the order of their bytes."""
        bucket, _, prefix = self._root.partition("/")
        prefix = prefix + "/" if prefix else ""
        more: dict[str, str] = {}
        while True:
            page = self._do(
                "", self._fs.call_s3, "list_objects_v2", Bucket=bucket, Prefix=prefix, **more
            )
            for each in page.get("Contents", ()):
                name, size = each["Key"][len(prefix) :], int(each["Size"])
                if not (size == 0 and (not name or name.endswith("/"))):  # a console's folder
                    yield Entry(name, size, str(each.get("ETag", "")).strip('"'))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _folders(self, prefix: str) -> Iterator[Entry]:
        """List folder by folder."""
        path = f"{self._root}/{prefix}".rstrip("/")
        try:
            listed = self._do(prefix, self._fs.ls, path, detail=True)
        except FileNotFoundError:
            return
        children = []
        for each in listed:
            last = each["name"].rstrip("/").rpartition("/")[2]
            is_folder = each["type"] == "directory"
            name = prefix + last + "/" * is_folder
            if each["name"].rstrip("/") == path.rstrip("/"):
                continue  # a store that lists the folder itself
            about = Entry(name, int(each.get("size") or 0), _version(each))
            children.append((name.encode("utf-8", "surrogateescape"), is_folder, about))
        for _, is_folder, about in sorted(children):
            if is_folder:
                yield from self._folders(about.name)
            else:
                yield about

    def read(
        self, name: str, most: int = DEFAULT_LIMITS.max_bytes, start: bytes = b"",
        likely: bool = True,
    ) -> bytes:
        """Return an object's bytes, by one request; with ``start``, large ones by two."""
        path = self._path(name)
        if start:
            count = min(_FIRST, most + 1) if likely else len(start)
            data = self._do(name, self._piece, path, 0, count)
            if not data.startswith(start):
                return data[: len(start)]
            if len(data) < count:
                return data
        data = self._do(name, self._piece, path, 0, most + 1)
        if len(data) > most:
            raise too_large(self._shown(name), most)
        return data

    def _piece(self, path: str, start: int, end: int) -> bytes:
        """Return a part of an object; a request with a range is one, without it may be many."""
        try:
            return bytes(self._fs.cat_file(path, start=start, end=end))
        except Exception as error:
            if status_of(error) == 416:  # no such range: an empty object, or its end
                return b""
            raise

    def write_new(self, name: str, data: bytes, mode: int = 0o600) -> bool:
        """Write an object whole, and never over another one; ``mode`` means nothing here."""
        path = self._path(name)
        self._check_exclusive()
        if self._do(name, self._create, path, data):
            return True
        # It may be our own: the answer to an earlier try, of us or of aiohttp, may have got lost.
        if self.size_of(name) != len(data) or self.read(name, len(data)) != data:
            raise FileExistsError(
                errno.EEXIST, "there is another object already, and it is never replaced",
                self._shown(name),
            )  # fmt: skip
        return False

    def _create(self, path: str, data: bytes) -> bool:
        """Send an object; False if there is one."""
        try:
            self._fs.pipe_file(path, data, mode="create", **self._in_one())
        except FileExistsError:
            return False
        except Exception as error:
            if status_of(error) == 412:
                return False
            raise
        return True

    def _in_one(self) -> dict[str, int]:
        """Return what makes s3fs send an object in one request, which leaves no parts behind."""
        return {"chunksize": _WHOLE} if self._is_s3 else {}

    def write_replacing(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Write an object whole; one that is there is replaced, but for a diff."""
        path = self._path(name)
        with suppress(FileNotFoundError):
            if self._do(name, self._piece, path, 0, len(DIFF_MAGIC)) == DIFF_MAGIC:
                raise FileExistsError(
                    errno.EEXIST, "an unblur-diff stands there, and a diff is never replaced",
                    self._shown(name),
                )  # fmt: skip
        self._do(name, self._fs.pipe_file, path, data, **self._in_one())

    def size_of(self, name: str) -> int | None:
        """Return an object's size, or None if there is none."""
        about = self._info(name)
        return None if about is None else int(about["size"])

    def _info(self, name: str) -> dict[str, Any] | None:
        path = self._path(name)
        try:
            if not self._is_s3:
                about: dict[str, Any] = self._do(name, self._fs.info, path)
                return about if about["type"] == "file" else None
            bucket, _, key = path.partition("/")  # info would go on to look for a folder
            head = self._do(name, self._fs.call_s3, "head_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return None
        return {"size": head["ContentLength"], "ETag": head.get("ETag")}

    def digest_of(self, name: str) -> bytes | None:
        """Return the SHA-256 of an object, or None if there is none."""
        path = self._path(name)
        digest, start, before = hashlib.sha256(), 0, None
        while True:
            try:
                piece = self._do(name, self._piece, path, start, start + _PIECE)
            except FileNotFoundError:
                return None
            digest.update(piece)
            start += len(piece)
            if len(piece) < _PIECE:
                break
            before = before or self._info(name)
        if before is not None:
            after = self._info(name)
            if after is None or _version(after) != _version(before) or after["size"] != start:
                raise OSError(errno.EBUSY, "was replaced while it was read", self._shown(name))
        return digest.digest()

    def clean_up(self, older_than: float) -> int:
        """Remove the objects that `check_writable` could not remove."""
        path = self._root or "/"
        try:
            listed = self._do("", self._fs.ls, path, detail=True)
        except FileNotFoundError:
            return 0
        count = 0
        for each in listed:
            last = each["name"].rpartition("/")[2]
            if is_ours(last) and last != LOCK_NAME and _age(each) >= older_than:
                self._do("", self._fs.rm_file, each["name"])
                count += 1
        return count

    def _path(self, name: str) -> str:
        if "?versionId=" in checked_name(name):  # s3fs would take another object
            raise UnsafeNameError(f"the name {name!r} has ?versionId=, which fsspec cuts off")
        return f"{self._root}/{name}"

    def _shown(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    def _do(self, name: str, call: Callable[..., T], *args: Any, **more: Any) -> T:
        """Call the store, again where that may help; its errors become `OSError`."""
        try:
            return self._retrying.run(lambda: call(*args, **more))
        except JpegRedactError:
            raise
        except Exception as error:
            words = error.strerror if isinstance(error, OSError) else None
            text = self._scrubbed(words or str(error) or type(error).__name__)
            number, shown = _errno_of(error), self._shown(name)
            if number == errno.EACCES:
                raise StoreDeniedError(number, text, shown, self.url) from None
            if is_transient(error):
                raise StoreError(number, text, shown, self.url) from None
            raise OSError(number, text, shown) from None

    def _scrubbed(self, text: str) -> str:
        """Return a message without credentials that the URL or the options hold."""
        secrets = {*_secrets_in(self._options), *self._user_parts()}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return _SIGNATURE.sub(r"\1=***", _USER.sub("", text))

    def _user_parts(self) -> Iterator[str]:
        if self._user:
            user = self._user[0].rstrip("@")
            yield from (part for part in (user, user.partition(":")[2]) if part)


def _secrets_in(options: Any, wanted: bool = False) -> Iterator[str]:
    """Yield the values of options whose names sound like credentials."""
    if isinstance(options, dict):
        for name, value in options.items():
            yield from _secrets_in(value, wanted or _SECRETS.search(str(name)) is not None)
    elif isinstance(options, str) and wanted and options:
        yield options


def _knows_create(store: Any) -> bool:
    """Whether an fsspec class has its own `pipe_file` that takes a mode.

    The one that all inherit looks first and writes then, between which another may write.
    """
    from fsspec.asyn import AsyncFileSystem
    from fsspec.spec import AbstractFileSystem

    kind = type(store)
    for name, plain in (("_pipe_file", AsyncFileSystem), ("pipe_file", AbstractFileSystem)):
        method = getattr(kind, name, None)
        if method is not None and method is not getattr(plain, name, None):
            return "mode" in inspect.signature(method).parameters
    return False


def _version(about: dict[str, Any]) -> str:
    for name in ("ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "created"):
        if about.get(name):
            return str(about[name]).strip('"')
    return ""


def _age(about: dict[str, Any]) -> float:
    """Return how many seconds ago an object was written; 0 where the store does not say."""
    for name in ("LastModified", "last_modified", "updated", "created", "mtime"):
        value = about.get(name)
        if isinstance(value, datetime):
            return time.time() - value.timestamp()
        if isinstance(value, int | float):
            return time.time() - value
    return 0.0


def _errno_of(error: Exception) -> int:
    """Return the errno that says best what a store's error means."""
    kinds = (
        (FileNotFoundError, 404, errno.ENOENT), (PermissionError, 403, errno.EACCES),
        (FileExistsError, 412, errno.EEXIST), (TimeoutError, 408, errno.ETIMEDOUT),
        (PermissionError, 401, errno.EACCES),
    )  # fmt: skip
    for kind, status, number in kinds:
        if isinstance(error, kind) or status_of(error) == status:
            return number
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return errno.EACCES
    return (isinstance(error, OSError) and error.errno) or errno.EIO
