"""Exif (APP1): blocks, directories, MakerNotes."""
