"""The compiled modules of the codec, each imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..compiled import compiled

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
    from . import _small_cy as small
    from . import _splice_cy as splice
    from . import _stuffing_cy as stuffing

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
    "small",
    "splice",
    "stuffing",
]


def __getattr__(name: str) -> Any:
    """Import a module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = compiled(f"{__package__}._{name}_cy")
    globals()[name] = module
    return module
