"""What an embedded picture says of itself."""

from __future__ import annotations

__all__ = ["picture_size"]


def picture_size(picture: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG (ITU-T T.81, B.2.2) or PNG (ISO 15948, 11.2.2), or None."""
    if picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) >= 24:
        return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    at = 2
    while picture[:2] == b"\xff\xd8" and at + 9 <= len(picture) and picture[at] == 0xFF:
        code = picture[at + 1]
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            height, width = picture[at + 5 : at + 7], picture[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 1 if code == 0xFF else 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
    return None
