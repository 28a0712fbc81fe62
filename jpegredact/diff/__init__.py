"""The unblur-diff: `Document` <-> bytes. Knows no codec, no picture, no file."""

from .document import (
    Document,
    FileRecord,
    GroupRecord,
    Patch,
    Public,
    RegionRecord,
    Stretch,
    Window,
)
from .revealed import Fill, Revealed

__all__ = [
    "Document", "FileRecord", "Fill", "GroupRecord", "Patch", "Public", "RegionRecord", "Revealed",
    "Stretch", "Window",
]  # fmt: skip
