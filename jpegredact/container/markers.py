"""Marker codes (ITU-T T.81, table B.1) that more than one carrier asks for."""

from __future__ import annotations

__all__ = ["FRAMES"]

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0 to SOF15: frame headers."""
