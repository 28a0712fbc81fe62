"""Bytes <-> JPEG structures: markers, tables, scans, blocks. Knows no regions, diffs, files."""
