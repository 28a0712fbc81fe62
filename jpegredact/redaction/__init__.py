"""Joins codec, container and diff: plan, methods, redact, restore, verify. Bytes in, bytes out."""
