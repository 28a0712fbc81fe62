"""An embedded picture's bytes, as a file that other programs open."""

from __future__ import annotations

import base64
import binascii

from .model import SideCopy

__all__ = ["embedded_picture"]

_STARTS = (
    (b"\xff\xd8", "jpg"), (b"\x89PNG", "png"), (b"GIF8", "gif"), (b"II*\0", "tif"),
    (b"MM\0*", "tif"), (b"RIFF", "webp"),
)  # fmt: skip


def embedded_picture(data: bytes, copy: SideCopy) -> tuple[str, bytes] | None:
    """Return a file name's suffix and the bytes of a side copy's picture, or None.

    Raw samples become a PPM (RGB); what has no pieces holds no picture.
    """
    if not copy.pieces:
        return None
    content = b"".join(data[start:end] for start, end in copy.pieces)
    if copy.encoding == "base64":
        content = _decoded(content)
    if copy.encoding == "rgb" and copy.size is not None:
        width, height = copy.size
        if len(content) >= 3 * width * height:
            return "ppm", b"P6 %d %d 255\n" % copy.size + content[: 3 * width * height]
    if content[4:8] == b"ftyp":
        return "mp4", content
    suffix = next((suffix for start, suffix in _STARTS if content.startswith(start)), "bin")
    return suffix, content


def _decoded(text: bytes) -> bytes:
    """Decode base64 as far as it goes."""
    whole = b"".join(text.split())
    try:
        return base64.b64decode(whole + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return text
