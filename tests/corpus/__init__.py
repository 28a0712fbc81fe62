"""The guarantees on real files."""
