"""Whether bytes are wholly text, and whether a picture may hide in it as base64."""

from __future__ import annotations

import re

__all__ = ["has_base64_run", "read_text"]

_LONG_RUN = re.compile(rb"[A-Za-z0-9+/]{160,}={0,2}")
_LINES = re.compile(rb"(?:[A-Za-z0-9+/]{60,}[ \t]*(?:\r\n|\r|\n|&#x?[0-9A-Fa-f]{1,2};)[ \t]*){3,}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")


def has_base64_run(content: bytes) -> bool:
    """Whether there are 160 characters of base64 in one run, or three long lines of it.

    The longest thing that is text and looks so is a SHA-512 in hexadecimal: 128 characters. 160
    characters hold 120 bytes.
    """
    return _LONG_RUN.search(content) is not None or _LINES.search(content) is not None


def read_text(content: bytes) -> tuple[str, str] | None:
    """Return text and its encoding, zero bytes at the end left out; None where it is none.

    UTF-16 with a byte-order mark, UTF-8, Windows-1252 (Latin-1 in it), Shift-JIS or GB 18030,
    without control characters but for tabs, line ends and form feeds.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") and len(content) % 2 == 0:
        return _clean(content, "utf-16")
    content = content.rstrip(b"\0")
    for encoding in ("utf-8", "cp1252", "cp932", "gb18030"):
        found = _clean(content, encoding)
        if found is not None:
            return found
    return None


def _clean(content: bytes, encoding: str) -> tuple[str, str] | None:
    try:
        text = content.decode(encoding).rstrip("\0")
    except UnicodeDecodeError:
        return None
    if _CONTROLS.search(text):
        return None
    return text, encoding
