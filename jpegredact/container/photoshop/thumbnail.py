"""The thumbnail resource (Adobe Photoshop File Formats Specification, "Thumbnail resource format").

28 bytes: format, width, height, bytes of a row, their total, size of the compressed data (four
bytes each), bits per pixel and planes (two each); then a JPEG (format 1) or rows of RGB (0).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..model import Renderer

__all__ = ["NEW", "OLD", "Thumbnail", "read_thumbnail", "renewed"]

OLD = 0x0409
"""Photoshop 4's: red and blue change places."""
NEW = 0x040C

_HEADER = struct.Struct(">6I2H")
_RAW, _JPEG = 0, 1
_MOST = 4096
"""Pixels a side; Photoshop's own have 256 at most."""


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
    if form == _RAW and (bits != 24 or planes != 1 or row < 3 * width or row * height != room):
        return None
    header = content[: _HEADER.size]
    return Thumbnail(form == _JPEG, width, height, row, header, _HEADER.size, room)


def renewed(read: Thumbnail, renderer: Renderer) -> bytes | None:
    """Return the same thumbnail of the redacted picture, as long as it was, or None: can't."""
    if not read.is_jpeg:
        rgb = renderer.thumbnail_rgb(read.width, read.height)
        if rgb is None or len(rgb) != 3 * read.width * read.height:
            return None
        line = 3 * read.width
        rows = [rgb[at : at + line].ljust(read.row, b"\0") for at in range(0, len(rgb), line)]
        return read.header + b"".join(rows)
    jpeg = renderer.thumbnail_jpeg(read.width, read.height, read.room)
    if jpeg is None or len(jpeg) > read.room or not jpeg.startswith(b"\xff\xd8"):
        return None
    size = struct.pack(">I", len(jpeg))
    return read.header[:20] + size + read.header[24:] + jpeg.ljust(read.room, b"\0")
