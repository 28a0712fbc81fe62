"""The orientation of a picture, as Exif (CIPA DC-008) states it: read only, never trusted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

__all__ = ["read_orientation", "stated_orientation"]

_SIGNATURE = b"Exif\0"
_ORIENTATION = 0x0112
_SHORT = 3


def read_orientation(segments: Iterable[bytes]) -> int:
    """Return the orientation that APP1 segments (their content, without marker and length) state.

    1 to 8, and 1 where there is none or it is damaged.
    """
    for content in segments:
        if content.startswith(_SIGNATURE):
            return stated_orientation(content[6:])
    return 1


def stated_orientation(tiff: bytes) -> int:
    """Return the orientation that a TIFF header's first directory states, 1 to 8, or 1."""
    if tiff[:2] not in (b"II", b"MM"):
        return 1
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    ifd = number(4, 4)
    last = min(ifd + 2 + 12 * min(number(ifd, 2), 1000), len(tiff) - 9)
    for entry in range(ifd + 2, last, 12):
        if number(entry, 2) == _ORIENTATION and number(entry + 2, 2) == _SHORT:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
