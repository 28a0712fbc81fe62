"""Which engine opens a picture: one place that knows both."""

from __future__ import annotations

from ..codec.model import JpegData
from .layered import open_layered
from .picture import Picture
from .plan import Plan
from .spliced import open_spliced

__all__ = ["open_picture"]


def open_picture(data: bytes, jpeg: JpegData, plan: Plan, ring: bool) -> Picture:
    """Find the plan's blocks in a file; with ``ring``, also record the blocks around them.

    Raises
    ------
    InvalidJpegError
        The coded data around them can't be decoded.
    """
    frame = jpeg.frame
    layered = frame.progressive or frame.arithmetic
    return (open_layered if layered else open_spliced)(data, jpeg, plan, ring)
