"""What an Exif block holds that has to be dealt with: one `Part` a thing.

Knows kinds, places and how a picture there would be made anew; reads nothing.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..model import Actions, FileEdit, SideCopy
from .tiff import Span

__all__ = ["CLEANED", "EDITED", "NOTHING", "REMADE", "ZEROED", "Part", "Pixels", "TextField"]

NOTHING = Actions("keep", "drop", "keep")
"""It shows nothing; strict keeps no Exif at all."""
ZEROED = Actions("zero", "drop", "zero")
REMADE = Actions("regenerate", "drop", "regenerate")
CLEANED = Actions("zero", "drop", "regenerate")
EDITED = Actions("edit", "drop", "edit")
"""Tags that point to what is dropped from the file, or moves in it."""


class Pixels(NamedTuple):
    """How raw samples lie there: RGB, or YCbCr with its subsampling and range."""

    size: tuple[int, int]
    subsampling: tuple[int, int] | None
    full_range: bool


class Part(NamedTuple):
    """A side copy, the bytes that show it, and what is to be done with them.

    Attributes
    ----------
    copy
        As the audit shows it.
    spans
        Its bytes in the file: what "zero" sets to 0 and "regenerate" writes over, in order.
    room
        How many of these bytes a regenerated JPEG may take.
    tags
        Edits that make the tags say that there is nothing, for what is not in this segment.
        What is zeroed in place keeps its tags: cameras' readers expect them.
    pixels
        For raw samples: their layout. None for a JPEG.
    """

    copy: SideCopy
    spans: tuple[Span, ...]
    room: int = 0
    tags: tuple[FileEdit, ...] = ()
    pixels: Pixels | None = None


class TextField(NamedTuple):
    """Free text that a name may stand in: its bytes and how they are encoded."""

    tag: str
    start: int
    end: int
    encoding: Literal["utf-8", "utf-16-le", "utf-16-be", "iso2022_jp"]
