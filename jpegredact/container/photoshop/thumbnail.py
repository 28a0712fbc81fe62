"""The thumbnail resource (Adobe Photoshop File Formats Specification, "Thumbnail resource format").

28 bytes: format, width, height, bytes of a row, their total, size of the compressed data (four
bytes each), bits per pixel and planes (two each); then a JPEG (format 1) or rows of RGB (0).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..model import Renderer

__all__ = ["NEW", "OLD", "Thumbnail", "Thumbnails", "read_thumbnail"]

OLD = 0x0409
"""Photoshop 4's: red and blue change places."""
NEW = 0x040C

_HEADER = struct.Struct(">6I2H")
_RAW, _JPEG = 0, 1
_MOST = 512
"""Pixels a side; Photoshop's own have 256 at most."""
_MOST_A_BYTE = 64
"""Pixels that a byte of a JPEG can stand for: a flat picture has as many."""
_THUMBNAILS = 4
"""How many are made anew for a file; real ones have one or two."""


class Thumbnail(NamedTuple):
    """A thumbnail; ``room`` bytes from ``begin`` on are its picture."""

    is_jpeg: bool
    width: int
    height: int
    row: int
    header: bytes
    begin: int
    room: int

    @property
    def encoding(self) -> str:
        """How its bytes are to be read; rows that are padded are no plain samples."""
        if self.is_jpeg:
            return "jpeg"
        return "rgb" if self.row == 3 * self.width else "other"


def read_thumbnail(content: bytes) -> Thumbnail | None:
    """Return a thumbnail, or None if it is none that can be made again."""
    if len(content) <= _HEADER.size:
        return None
    form, width, height, row, _, _, bits, planes = _HEADER.unpack_from(content)
    if not (0 < width <= _MOST and 0 < height <= _MOST) or form not in (_RAW, _JPEG):
        return None
    room = len(content) - _HEADER.size
    if width * height > _MOST_A_BYTE * room:
        return None
    if form == _RAW and (bits != 24 or planes != 1 or row < 3 * width or row * height != room):
        return None
    header = content[: _HEADER.size]
    return Thumbnail(form == _JPEG, width, height, row, header, _HEADER.size, room)


class Thumbnails:
    """Makes thumbnails of one redacted file: each size once, and no more than some."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._left = _THUMBNAILS
        self._made: dict[tuple[bool, int, int, int], bytes | None] = {}

    def renewed(self, read: Thumbnail) -> bytes | None:
        """Return the same thumbnail, as long as it was, or None: it can't be made."""
        if not self._left:
            return None
        self._left -= 1
        key = (read.is_jpeg, read.width, read.height, read.room)
        if key not in self._made:
            self._made[key] = self._picture(read)
        picture = self._made[key]
        return None if picture is None else _renewed(read, picture)

    def _picture(self, read: Thumbnail) -> bytes | None:
        if read.is_jpeg:
            return self._renderer.thumbnail_jpeg(read.width, read.height, read.room)
        return self._renderer.thumbnail_rgb(read.width, read.height)


def _renewed(read: Thumbnail, picture: bytes) -> bytes | None:
    if not read.is_jpeg:
        if len(picture) != 3 * read.width * read.height:
            return None
        line = 3 * read.width
        rows = [
            picture[at : at + line].ljust(read.row, b"\0") for at in range(0, len(picture), line)
        ]
        return read.header + b"".join(rows)
    if len(picture) > read.room or not picture.startswith(b"\xff\xd8"):
        return None
    size = struct.pack(">I", len(picture))
    return read.header[:20] + size + read.header[24:] + picture.ljust(read.room, b"\0")
