"""The compiled modules, or a clear word about why they are missing.

The sources are also plain Python; interpreted they are some hundred times
slower, so they run that way only when asked to: ``JPEGREDACT_PURE=1`` (which
also needs the package ``cython``, for its type names).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import _arithread_cy as arithread
    from . import _arithwrite_cy as arithwrite
    from . import _bandread_cy as bandread
    from . import _bandwrite_cy as bandwrite
    from . import _compact_cy as compact
    from . import _dcscan_cy as dcscan
    from . import _grid_cy as grid
    from . import _lookup_cy as lookup
    from . import _scan_cy as scan
    from . import _shape_cy as shape
    from . import _splice_cy as splice
    from . import _stuffing_cy as stuffing

_ADVICE = (
    "the compiled part of jpegredact is missing; build it with `pip install -e .` in a "
    "checkout (it needs a C compiler), or set JPEGREDACT_PURE=1 to run interpreted, "
    "about a hundred times slower"
)

__all__ = [
    "arithread",
    "arithwrite",
    "bandread",
    "bandwrite",
    "compact",
    "dcscan",
    "grid",
    "lookup",
    "scan",
    "shape",
    "splice",
    "stuffing",
]


def __getattr__(name: str) -> Any:
    """Import a module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"._{name}_cy", __package__)
    except ModuleNotFoundError as missing:
        if missing.name != "cython":
            raise
        raise ImportError(_ADVICE) from missing
    if not module.is_compiled() and os.environ.get("JPEGREDACT_PURE") != "1":
        raise ImportError(_ADVICE)
    globals()[name] = module
    return module
