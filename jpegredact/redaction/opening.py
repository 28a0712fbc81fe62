"""Which engine opens a picture: one place that knows both."""

from __future__ import annotations

from ..background import Beside
from ..codec.model import JpegData
from ..codec.reader import require_supported
from ..codec.sketch import Drawing
from ..errors import UnsupportedJpegError
from ..geometry import Box
from ..limits import Limits
from .picture import Picture
from .plan import Plan, make_plan
from .sample import Sample

__all__ = ["open_picture", "require_last_block"]


def open_picture(
    data: bytes, jpeg: JpegData, plan: Plan, ring: bool, beside: Beside | None = None,
    draw: Drawing | None = None, sample: Sample | None = None,
) -> Picture:
    """Find the plan's blocks in a file; with ``ring``, also record the blocks around them.

    With ``draw``, see to it that the picture has a `Picture.sketch` if it can be had; with
    ``sample``, `Picture.sampled` where its blocks can be decoded.

    Long sequential scans are walked ``beside`` the caller too, which changes nothing.

    Raises
    ------
    InvalidJpegError
        The coded data around them can't be decoded.
    """
    frame = jpeg.frame
    if frame.progressive or frame.arithmetic:  # each takes a while to import
        from .layered import open_layered

        return open_layered(data, jpeg, plan, ring, draw, sample)
    from .spliced import open_spliced

    return open_spliced(data, jpeg, plan, ring, beside, draw, sample)


def require_last_block(data: bytes, jpeg: JpegData, limits: Limits) -> None:
    """Refuse a picture whose coded data ends before its last block.

    Other decoders show grey there, and say nothing. What can't be redacted isn't looked into.

    Raises
    ------
    InvalidJpegError, LimitExceededError
    """
    try:
        require_supported(jpeg, limits)
    except UnsupportedJpegError:
        return
    corner = Box(jpeg.frame.width - 1, jpeg.frame.height - 1, jpeg.frame.width, jpeg.frame.height)
    open_picture(data, jpeg, make_plan(jpeg, [corner], (0.0, False), limits), ring=False)
