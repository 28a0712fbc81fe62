"""The unblur-diff: `Document` <-> bytes. Knows no codec, no picture, no file."""

from .document import Document, FileRecord, GroupRecord, Patch, RegionRecord, Stretch, Window

__all__ = ["Document", "FileRecord", "GroupRecord", "Patch", "RegionRecord", "Stretch", "Window"]
