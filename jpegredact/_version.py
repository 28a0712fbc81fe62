"""The version, where it costs nothing to ask for it (``importlib.metadata`` takes 20 ms)."""

VERSION = "0.1.0"
