"""Open Google's HDR+ maker notes, as ExifTool's Google.pm does: scrambled, then gzipped."""

from __future__ import annotations

import zlib

_MASK = (1 << 64) - 1
_START = 0x2515606B4A7791CD
_FACTOR = 0x2545F4914F6CDD1D


def opened(data: bytes) -> bytes | None:
    """Return the plain protocol buffer; None where the bytes are no such maker note."""
    if data[:4] != b"HDRP" or len(data) < 16:
        return None
    body = data[5:]
    body += bytes(-len(body) % 8)
    key, plain = _START, bytearray()
    for at in range(0, len(body), 8):
        key ^= key >> 12
        key = (key ^ (key << 25)) & _MASK
        key ^= key >> 27
        key = key * _FACTOR & _MASK
        plain += (int.from_bytes(body[at : at + 8], "little") ^ key).to_bytes(8, "little")
    if plain[:2] != b"\x1f\x8b":
        return bytes(plain)
    try:
        return zlib.decompressobj(47).decompress(bytes(plain))
    except zlib.error:
        return bytes(plain)
