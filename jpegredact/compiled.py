"""Modules that are compiled, or a clear word about why they are not.

Their sources are also plain Python; interpreted they are some hundred times
slower, so they run that way only when asked to: ``JPEGREDACT_PURE=1`` (which
also needs the package ``cython``, for its type names).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

__all__ = ["compiled"]

_ADVICE = (
    "the compiled part of jpegredact is missing; build it with `pip install -e .` in a "
    "checkout (it needs a C compiler), or set JPEGREDACT_PURE=1 to run interpreted, "
    "about a hundred times slower"
)


def compiled(name: str) -> Any:
    """Import a module by its whole name.

    Raises
    ------
    ImportError
        It is not compiled, and nobody asked for that.
    """
    try:
        module = import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != "cython":
            raise
        raise ImportError(_ADVICE) from missing
    if not module.is_compiled() and os.environ.get("JPEGREDACT_PURE") != "1":
        raise ImportError(_ADVICE)
    return module
