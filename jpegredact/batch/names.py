"""Names of files within a place: which are safe to write, and which would meet in one output.

A name is relative, with "/" between its parts, whatever system or store it comes from. Knows
nothing of folders and stores, but which names in them are this package's own.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

from ..errors import UnsafeNameError

__all__ = [
    "LOCK_NAME",
    "MOST_BYTES",
    "Taken",
    "checked_name",
    "folded",
    "is_jpeg",
    "is_ours",
    "temporary_name",
]

LOCK_NAME = ".jpegredact.lock"

_JPEG = re.compile(r"\.(jpe?g|jpe|jfif|jif)\Z", re.IGNORECASE)
_TEMPORARY = re.compile(r"\.jpegredact\.[0-9a-f]{16}\.tmp")
_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = re.compile(
    r"(CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *([.:]|$)", re.IGNORECASE
)
_WINDOWS = re.compile(r'[<>:"|?*]')
MOST_BYTES = 1024
"""The length of a name: an S3 key's."""
_MOST_OF_A_PART = 255  # NAME_MAX of ext4, XFS, APFS


def temporary_name() -> str:
    """Return a new name for what is being written, of a pattern that is only ours."""
    return f".jpegredact.{os.urandom(8).hex()}.tmp"


def is_ours(name: str) -> bool:
    """Whether the last part of a name is one of our temporaries or our lock."""
    last = name.rpartition("/")[2]
    return last == LOCK_NAME or _TEMPORARY.fullmatch(last) is not None


def is_jpeg(name: str) -> bool:
    """Whether a name ends as those of JPEGs do."""
    return _JPEG.search(name) is not None


def checked_name(name: str) -> str:
    """Return a name that stays within its place, on every system, as it is.

    Raises
    ------
    UnsafeNameError
        It is empty, absolute or longer than 1024 bytes; it has a backslash, a control character
        or what is no UTF-8; or one of its parts is empty, ``.``, ``..``, over 255 bytes, a name
        that Windows reserves, one that ends with a dot or a space, which Windows drops, or one
        that this package gives to files of its own.
    """
    if not name:
        raise _unsafe(name, "is empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise _unsafe(name, "is no UTF-8") from None
    if size > MOST_BYTES:
        raise _unsafe(name, f"has {size} bytes, and {MOST_BYTES} are the most")
    if name.startswith("/") or _DRIVE.match(name):
        raise _unsafe(name, "is absolute")
    if "\\" in name:
        raise _unsafe(name, "has a backslash, which separates folders on Windows")
    for character in name:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise _unsafe(name, f"has a control character or line break, U+{ord(character):04X}")
    for part in name.split("/"):
        if trouble := _trouble_with(part):
            raise _unsafe(name, trouble)
    if is_ours(name):
        raise _unsafe(name, "is one that jpegredact gives to files of its own")
    return name


def _trouble_with(part: str) -> str | None:
    """Return what is wrong with a part of a name, if anything is."""
    if not part:
        return "has an empty part"
    if part in (".", ".."):
        return f"has the part {part!r}"
    if len(part.encode()) > _MOST_OF_A_PART:
        return f"has a part of more than {_MOST_OF_A_PART} bytes"
    if part[-1] in ". ":
        return "has a part that ends with a dot or a space, which Windows drops"
    if _RESERVED.match(part):
        return f"has the part {_shown(part)}, which Windows reserves"
    if os.name == "nt" and _WINDOWS.search(part):
        return "has a character that Windows does not allow"
    return None


def _unsafe(name: str, trouble: str) -> UnsafeNameError:
    return UnsafeNameError(f"the name {_shown(name)} {trouble}", hint="rename it")


def _shown(name: str) -> str:
    """Return a name in printable ASCII or letters, cut short: it may hold anything."""
    return repr(name if len(name) <= 200 else name[:200] + "…").encode(
        "utf-8", "backslashreplace"
    ).decode()  # fmt: skip


def folded(name: str) -> str:
    """Return what a name has in common with all others that might get the same output.

    Letter case, Unicode's forms of one text, and the last extension don't count: ``a.jpg``,
    ``A.JPEG`` and ``a.jpe`` are one (Unicode D145, canonical caseless matching).
    """
    folder, slash, last = name.rpartition("/")
    stem, dot, _ = last.rpartition(".")
    bare = folder + slash + (stem if dot and stem else last)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", bare).casefold())


class Taken:
    """The names that outputs have already, remembered in some 27 to 54 bytes each.

    What is kept of a name is 16 bytes of a keyed digest: 10 of what it folds to and 6 of itself.
    That one name among ten million is refused by chance has a probability below 10^-10. The key
    is random, so that nobody can choose names that look alike.

    The answers depend on nothing but which names were claimed before.
    """

    _SHARDS = 256  # each grows by itself, so that growing never takes long
    _SLOT = 16
    _OF_FOLDED = 10

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._shards = [bytearray(8 * self._SLOT) for _ in range(self._SHARDS)]
        self._counts = [0] * self._SHARDS

    def __len__(self) -> int:
        return sum(self._counts)

    def claim(self, name: str) -> None:
        """Take a name; the very same one may be claimed again.

        Raises
        ------
        UnsafeNameError
            Another name that folds to the same was claimed before (``name.taken``).
        """
        record = self._digest(folded(name))[: self._OF_FOLDED]
        record += self._digest("=" + name)[: self._SLOT - self._OF_FOLDED]
        index = record[0]
        shard = self._shards[index]
        at = self._find(shard, record)
        found = shard[at : at + self._SLOT]
        if any(found):
            if found != record:
                raise UnsafeNameError(
                    f"the name {_shown(name)} is another one's, but for letter case, Unicode form "
                    "or extension, and both would have the same output",
                    code="name.taken",
                    hint="rename one of them",
                )
            return
        shard[at : at + self._SLOT] = record
        self._counts[index] += 1
        if self._counts[index] * self._SLOT * 4 > len(shard) * 3:
            self._shards[index] = self._grown(shard)

    def _digest(self, text: str) -> bytes:
        data = text.encode("utf-8", "surrogatepass")
        # A record of zeros only would be an empty slot: never with a bit that is always set.
        digest = bytearray(hashlib.blake2b(data, digest_size=16, key=self._key).digest())
        digest[1] |= 1
        return bytes(digest)

    def _find(self, shard: bytearray, record: bytes) -> int:
        """Return where a record that folds to the same is, or else where there is room for it."""
        at = int.from_bytes(record[1:8]) * self._SLOT % len(shard)
        key = record[: self._OF_FOLDED]
        while any(there := shard[at : at + self._OF_FOLDED]) and there != key:
            at = (at + self._SLOT) % len(shard)
        return at

    def _grown(self, shard: bytearray) -> bytearray:
        larger = bytearray(2 * len(shard))
        for start in range(0, len(shard), self._SLOT):
            record = bytes(shard[start : start + self._SLOT])
            if any(record):
                at = self._find(larger, record)
                larger[at : at + self._SLOT] = record
        return larger
